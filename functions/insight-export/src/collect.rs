//! What a report of detailed sales reads: paid orders of its cycles, their lines, their buyers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use foundation::{
    id::{CycleId, OrderId, PersonId},
    problem::Fault,
};
use insight::reports::{
    ROWS_MAX, Report, ReportError,
    detailed_sales::{self, Buyer, Sale, SaleLine},
};
use network::{Kind, Person};
use orders::{
    order::Order,
    paid::{Paid, PaidKind},
};
use rust_decimal::Decimal;

use crate::handler::Press;

/// Orders whose lines and buyers are read at a time.
const PORTION: usize = 100;
/// Portions after which the progress is written down.
const PORTIONS_BETWEEN: usize = 10;

/// Sales and returns that the report shows, in the order of their payment, each with its buyer.
pub(crate) async fn sales(press: &Press, report: &Report) -> Result<Vec<(Sale, Arc<Buyer>)>, Fault> {
    let mut paid = paid(press, report).await?;
    paid.sort_by(|(_, a), (_, b)| (a.paid_at, &a.id).cmp(&(b.paid_at, &b.id)));
    let mut buyers = BTreeMap::new();
    let (mut found, mut rows) = (Vec::new(), 0);
    for (number, portion) in paid.chunks(PORTION).enumerate() {
        if number % PORTIONS_BETWEEN == 0 {
            let read = u64::try_from(number * PORTION).unwrap_or_default();
            press.reports.progressed(&report.id, read).await?;
        }
        read_buyers(press, portion, &mut buyers).await?;
        let shown: Vec<_> = portion
            .iter()
            .filter_map(|(cycle, paid)| Some((cycle, paid, buyers.get(&paid.person)?)))
            .filter(|(_, _, buyer)| detailed_sales::shows(buyer, &report.request.filters, &report.reach()))
            .collect();
        let orders = read_orders(press, shown.iter().map(|(_, paid, _)| sold(paid))).await?;
        for (cycle, paid, buyer) in shown {
            let sale = sale(cycle, paid, orders.get(sold(paid)));
            rows += sale.lines.len();
            found.push((sale, Arc::clone(buyer)));
        }
        if ROWS_MAX < rows {
            return Err(ReportError::TooLong.into());
        }
    }
    Ok(found)
}

/// Everything that was paid in the report's period, with the cycle it counts in.
async fn paid(press: &Press, report: &Report) -> Result<Vec<(CycleId, Paid)>, Fault> {
    let mut all = Vec::new();
    for cycle in cycles(press, report).await? {
        press
            .orders
            .export_cycle(&cycle, &mut |paid| {
                if report.covers(paid.paid_at) {
                    all.push((cycle.clone(), paid));
                }
            })
            .await?;
        // A row an order: what is too long already need not be read further.
        if ROWS_MAX < all.len() {
            return Err(ReportError::TooLong.into());
        }
    }
    Ok(all)
}

async fn cycles(press: &Press, report: &Report) -> Result<Vec<CycleId>, Fault> {
    if let Some(id) = &report.request.cycle {
        let found = press.calendar.find(id).await?;
        return Ok(vec![found.ok_or_else(|| ReportError::UnknownCycle(id.clone()))?.id]);
    }
    let cycles = press.calendar.list(calendar::Calendar::COMMERCIAL).await?;
    // A return counts in the cycle that was open when it came, so a cycle's rows lie within its own period.
    let touches = |cycle: &calendar::Cycle| {
        report.request.from.is_none_or(|from| from < cycle.end)
            && report.request.to.is_none_or(|to| cycle.start < to)
    };
    Ok(cycles.into_iter().filter(touches).map(|cycle| cycle.id).collect())
}

async fn read_buyers(
    press: &Press,
    portion: &[(CycleId, Paid)],
    buyers: &mut BTreeMap<PersonId, Arc<Buyer>>,
) -> Result<(), Fault> {
    let wanted: BTreeSet<&PersonId> =
        portion.iter().map(|(_, paid)| &paid.person).filter(|id| !buyers.contains_key(*id)).collect();
    let wanted: Vec<PersonId> = wanted.into_iter().cloned().collect();
    for person in press.people.find_many(&wanted).await? {
        buyers.insert(person.id.clone(), Arc::new(buyer(person)));
    }
    Ok(())
}

async fn read_orders(
    press: &Press,
    wanted: impl Iterator<Item = &OrderId>,
) -> Result<BTreeMap<OrderId, Order>, Fault> {
    let wanted: BTreeSet<&OrderId> = wanted.collect();
    let wanted: Vec<OrderId> = wanted.into_iter().cloned().collect();
    let found = press.orders.find_many(&wanted).await?;
    Ok(found.into_iter().map(|order| (order.id.clone(), order)).collect())
}

/// The order whose lines these are: a return's own are those of the order that came back.
fn sold(paid: &Paid) -> &OrderId {
    paid.reverses.as_ref().unwrap_or(&paid.id)
}

fn buyer(person: Person) -> Buyer {
    Buyer {
        id: person.id,
        upline: person.upline,
        name: person.name,
        is_consultant: person.kind == Kind::Consultant,
        country: person.country.code().to_owned(),
        zone: person.zone,
    }
}

/// The sale with its order's lines. An order of an earlier system has none, and a return of a part has others: both become one line of
/// the amounts that were paid.
fn sale(cycle: &CycleId, paid: &Paid, order: Option<&Order>) -> Sale {
    let whole = order.filter(|order| !order.lines.is_empty() && order.totals.gross == paid.gross);
    let lines = whole.map_or_else(|| vec![of_paid(paid)], |order| order.lines.iter().map(of_line).collect());
    Sale {
        order: paid.id.clone(),
        cycle: cycle.clone(),
        paid_at: paid.paid_at,
        is_return: paid.kind == PaidKind::Return,
        currency: paid.currency,
        lines,
    }
}

fn of_line(line: &orders::pricing::Line) -> SaleLine {
    SaleLine {
        product: Some((line.product.to_string(), line.name.clone())),
        quantity: Decimal::from(line.quantity),
        list: Some(line.list_price),
        net: line.net,
        vat: line.vat,
        gross: line.gross,
        vq: line.vq,
        vc: line.vc,
        points: line.points,
    }
}

fn of_paid(paid: &Paid) -> SaleLine {
    SaleLine {
        product: None,
        quantity: paid.units,
        list: None,
        net: paid.net,
        vat: paid.gross - paid.net,
        gross: paid.gross,
        vq: paid.vq,
        vc: paid.vc,
        points: paid.points,
    }
}
