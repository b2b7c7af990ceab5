//! Rules where selling more pays less: the same network with one order more, somebody being paid less.

use std::collections::{BTreeMap, BTreeSet};

use engine::LineKind;
use plan::{
    Plan,
    bonus::{Brackets, Mechanic, Rate},
};
use rust_decimal::Decimal;
use simulation::Simulated;

use crate::{
    Code, Example, Finding, Run, Severity, Shows,
    finding::{counts, paid_to},
    network::{Network, person_id},
    search::{Constants, Laboratory, Seen},
    text,
};

/// The most people of a network to which an order is added.
const MOST_PEOPLE: usize = 13;
/// The most orders that are tried for one seller.
const MOST_ORDERS: usize = 6;
/// Networks that are tried to make an example smaller.
const SHRINKING: usize = 120;

/// What was found of one place of the plan.
struct Loss {
    network: Network,
    seller: usize,
    earner: usize,
    more: Decimal,
}

pub(crate) fn check(
    laboratory: &mut Laboratory<'_>,
    constants: &Constants,
    seen: &[Seen],
    tries: usize,
) -> Vec<Finding> {
    let plan = laboratory.plan;
    let mut losses: BTreeMap<(bool, String), Loss> = BTreeMap::new();
    let mut left = tries;
    let small: Vec<&Seen> = seen.iter().filter(|one| one.network.members.len() <= MOST_PEOPLE).collect();
    // Spread over all of them: what is first is alike.
    let step = (small.len() * 24 / tries.max(1)).max(1);
    'networks: for one in small.into_iter().step_by(step) {
        for seller in sellers(&one.network) {
            for more in orders(constants, plan, one, seller) {
                let Some(fewer) = left.checked_sub(2) else { break 'networks };
                left = fewer;
                let cent = Decimal::new(1, 2);
                let almost = one.network.with_sale(seller, more - cent);
                let (almost_result, after) =
                    (laboratory.run(&almost), laboratory.run(&one.network.with_sale(seller, more)));
                let Some(after) = after else { continue };
                let mut compare = |network: &Network, before: &Simulated, more: Decimal| {
                    for earner in 0..network.members.len() {
                        let Some(fault) = fault(plan, before, &after, earner) else { continue };
                        let loss = || Loss { network: network.clone(), seller, earner, more };
                        losses.entry((earner == seller, fault)).or_insert_with(loss);
                    }
                };
                compare(&one.network, &one.result, more);
                // The step itself: a cent is enough.
                if let Some(before) = almost_result.filter(|_| cent < more) {
                    compare(&almost, &before, cent);
                }
            }
        }
    }
    // The seller's own loss comes first.
    losses.into_iter().rev().filter_map(|((own, fault), loss)| told(laboratory, own, &fault, loss)).collect()
}

/// The top, somebody in the middle, and the last one.
fn sellers(network: &Network) -> BTreeSet<usize> {
    let last = network.members.len().saturating_sub(1);
    BTreeSet::from([0, last.min(1), last])
}

/// Orders that bring an indicator of the seller, or of the top, exactly to something it is compared with.
fn orders(constants: &Constants, plan: &Plan, seen: &Seen, seller: usize) -> Vec<Decimal> {
    let mut orders = BTreeSet::new();
    for (index, thresholds) in &constants.of_indicators {
        let Some(planned) = plan.indicators().get(*index) else { continue };
        let code = &planned.definition.code;
        let Some(column) = seen.result.indicators.columns.iter().find(|column| column.code == *code) else {
            continue;
        };
        for person in [seller, 0] {
            let Some(row) = seen.result.snapshot.people.row(&person_id(person)) else { continue };
            let value = column.value(row);
            let missing = thresholds.iter().filter_map(|threshold| threshold.checked_sub(value));
            orders.extend(missing.filter(|missing| Decimal::ZERO < *missing && missing.scale() <= 4));
        }
    }
    orders.insert(constants.plenty());
    let mut orders: Vec<Decimal> = orders.into_iter().collect();
    while MOST_ORDERS < orders.len() {
        orders.remove(orders.len() / 2);
    }
    orders
}

/// Where in the plan it is decided that somebody is paid less, if somebody is.
fn fault(plan: &Plan, before: &Simulated, after: &Simulated, earner: usize) -> Option<String> {
    let person = person_id(earner);
    if paid_to(before, &person)? <= paid_to(after, &person)? {
        return None;
    }
    let (before, after) = (by_place(plan, before, &person)?, by_place(plan, after, &person)?);
    let sum = |places: &BTreeMap<String, i128>| places.values().sum::<i128>();
    // What only rounding takes is not meant.
    if sum(&before) <= sum(&after) {
        return None;
    }
    let lost =
        |place: &&String| after.get(*place).copied().unwrap_or(0) - before.get(*place).copied().unwrap_or(0);
    before.keys().chain(after.keys()).min_by_key(lost).cloned()
}

/// The exact amounts of a person by the place of the plan that makes them.
fn by_place(plan: &Plan, result: &Simulated, person: &str) -> Option<BTreeMap<String, i128>> {
    let row = result.snapshot.people.row(person)?;
    let mut places: BTreeMap<String, i128> = BTreeMap::new();
    for line in result.payouts.of(row).iter().filter(|line| counts(line)) {
        let place = match line.kind {
            LineKind::PayoutCap => "/payout_cap".to_owned(),
            LineKind::PersonCap => "/cap_per_person".to_owned(),
            LineKind::BroughtForward => "/minimum_payout".to_owned(),
            _ => {
                let code = result.payouts.code(line);
                let number = plan.bonuses().iter().position(|bonus| bonus.definition.code == code)?;
                let field = if line.kind == LineKind::BonusTotalCap { "/cap" } else { "" };
                format!("/bonuses/{number}{field}")
            }
        };
        *places.entry(place).or_default() += line.exact;
    }
    Some(places)
}

/// The same place, or the bracket or rank in it whose rate is lower than the one before.
fn refined(plan: &Plan, fault: &str) -> String {
    let number = fault.strip_prefix("/bonuses/").and_then(|number| number.parse::<usize>().ok());
    let Some(bonus) = number.and_then(|number| plan.bonuses().get(number)) else { return fault.to_owned() };
    let (mechanic, rate) = match &bonus.definition.pays {
        Mechanic::Percentage(percentage) => ("percentage", &percentage.rate),
        Mechanic::Differential(differential) => ("differential", &differential.rate),
        _ => return format!("{fault}/pays"),
    };
    let place = format!("{fault}/pays/{mechanic}/rate");
    match rate {
        Rate::Brackets(Brackets { steps, .. }) => {
            let falls = steps.windows(2).position(|pair| pair[1].rate < pair[0].rate);
            falls.map_or(place.clone(), |at| format!("{place}/brackets/steps/{}/rate", at + 1))
        }
        Rate::ByRank(rows) => {
            let falls = rows.windows(2).position(|pair| pair[1].rate < pair[0].rate);
            falls.map_or(place.clone(), |at| format!("{place}/by-rank/{}/rate", at + 1))
        }
        Rate::Rule(_) => format!("{place}/rule"),
        Rate::Fixed(_) => place,
    }
}

fn told(laboratory: &mut Laboratory<'_>, own: bool, place: &str, loss: Loss) -> Option<Finding> {
    let plan = laboratory.plan;
    let more = loss.more;
    let kept = [loss.seller, loss.earner];
    let (network, kept) =
        laboratory.shrink(&loss.network, &kept, SHRINKING, &mut |laboratory, network, kept| {
            let [seller, earner] = *kept else { return false };
            let Some(before) = laboratory.run(network) else { return false };
            let Some(after) = laboratory.run(&network.with_sale(seller, more)) else { return false };
            fault(plan, &before, &after, earner).as_deref() == Some(place)
        });
    let [seller, earner] = *kept.as_slice() else { return None };
    let with_more = network.with_sale(seller, more);
    let (seller, earner) = (person_id(seller), person_id(earner));
    let before = paid_to(&laboratory.under(plan, &network)?, &earner)?;
    let after = paid_to(&laboratory.under(plan, &with_more)?, &earner)?;
    let more = more.normalize();
    let of_caps = !place.starts_with("/bonuses/") || place.ends_with("/cap");
    let message = if own {
        text(
            format!(
                "Vender más paga menos: si {seller} pide {more} más, recibe {after} en lugar de {before}."
            ),
            format!(
                "Selling more pays less: if {seller} orders {more} more, {seller} is paid {after} instead of {before}."
            ),
        )
    } else {
        text(
            format!("Si {seller} pide {more} más, {earner} recibe {after} en lugar de {before}."),
            format!("If {seller} orders {more} more, {earner} is paid {after} instead of {before}."),
        )
    };
    Some(Finding {
        code: if own { Code::SellingMorePaysLess } else { Code::TeamSellingMorePaysLess },
        severity: if own && !of_caps { Severity::Warning } else { Severity::Note },
        pointer: refined(plan, place),
        message,
        example: Some(Example {
            people: network.people_csv(),
            runs: vec![Run::plain(&network), Run::named("more", &with_more)],
            shows: Shows::PaidLess { person: earner, before, after },
        }),
    })
}
