//! The engine on the oracle's facts, and what it says differently.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use engine::{
    Advance, BonusContext, Context, CycleResults, ExchangeRates, Facts, Indicators, OrderFact, OrderKind,
    Payouts, PersonFact, PersonKind, Previous, Ranked, SettledCycle, Snapshot,
};
use foundation::{cycle::Cycle, money::Currency};
use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, date},
    tz::TimeZone,
};
use oracle::{
    Award, Balance, CycleInput, CycleResult, Line, Settlement,
    facts::{Order, Person},
};
use plan::Plan;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};

/// A cycle as the engine computed it.
pub(crate) struct Computed {
    pub(crate) snapshot: Snapshot,
    pub(crate) indicators: Indicators,
    pub(crate) ranked: Ranked,
    pub(crate) payouts: Payouts,
}

fn given<T: std::str::FromStr>(text: &str) -> Result<Option<T>> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).ok().with_context(|| format!("{text:?} is not read"))
}

fn required<T: std::str::FromStr>(text: &str) -> Result<T> {
    given(text)?.context("an id is empty")
}

fn named(code: &str) -> Option<String> {
    (!code.is_empty()).then(|| code.to_owned())
}

fn person(person: &Person) -> Result<PersonFact> {
    Ok(PersonFact {
        id: required(&person.id)?,
        kind: if person.is_consultant() { PersonKind::Consultant } else { PersonKind::Customer },
        parent: given(&person.parent)?,
        sponsor: given(&person.sponsor)?,
        joined_on: person.joined_on,
        status: if person.status.is_empty() { "active".to_owned() } else { person.status.clone() },
        country: person.country.clone(),
        currency: given(&person.currency)?,
        zone: person.zone.clone(),
        tags: person.tags.split(';').filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
        previous_rank: named(&person.previous_rank),
        rank_grace_used: person.rank_grace_used,
        honorific_rank: named(&person.honorific_rank),
        manual_rank: named(&person.manual_rank),
        manual_from: person.manual_from,
        manual_to: person.manual_to,
    })
}

fn order(order: &Order, zone: &TimeZone) -> Result<OrderFact> {
    let moment = |text: &str| match text.parse::<Timestamp>() {
        Ok(moment) => Ok(moment),
        Err(_) => anyhow::Ok(text.parse::<Date>()?.to_zoned(zone.clone())?.timestamp()),
    };
    Ok(OrderFact {
        id: required(&order.id)?,
        person: required(&order.person)?,
        paid_at: moment(&order.paid_at)?,
        kind: if order.is_return() { OrderKind::Return } else { OrderKind::Sale },
        currency: given(&order.currency)?,
        net: order.net,
        gross: order.gross,
        vq: order.vq,
        vc: order.vc,
        units: order.units,
        points: order.points,
        customer_price: order.customer_price,
        consultant_price: order.consultant_price,
        first_of_person: order.first_of_person,
        category: order.category.clone(),
        reverses: given(&order.reverses)?,
        sold_at: if order.sold_at.is_empty() { None } else { Some(moment(&order.sold_at)?) },
    })
}

fn advance(advance: &oracle::facts::Advance, plan: &Plan) -> Result<Advance> {
    let currency: Currency = given(&advance.currency)?.unwrap_or(plan.document().currencies.base);
    let minor = advance.amount * Decimal::from(10_i64.pow(currency.minor_digits()));
    Ok(Advance {
        person: advance.person.clone(),
        bonus: advance.bonus.clone(),
        currency,
        amount: minor.to_i64().context("an advance is too large")?,
    })
}

/// Runs the engine over all cycles, each on what the ones before left.
pub(crate) fn run(plan: &Plan, cycles: &[CycleInput]) -> Result<Vec<Computed>> {
    let zone = TimeZone::get(&plan.document().time_zone)?;
    let mut done: Vec<Computed> = Vec::new();
    for input in cycles {
        let mut people: Vec<PersonFact> = input.people.iter().map(person).collect::<Result<_>>()?;
        for before in &done {
            for (row, tag) in before.payouts.tags() {
                let id = before.snapshot.people.ids.get(row as usize);
                for person in people.iter_mut().filter(|person| person.id.as_str() == id) {
                    person.tags.push(tag.to_owned());
                }
            }
        }
        let orders: Vec<OrderFact> =
            input.orders.iter().map(|one| order(one, &zone)).collect::<Result<_>>()?;
        let orders = engine::with_sold_at(&orders, done.iter().rev().map(|before| &before.snapshot), plan);
        let cycle = Cycle::of_days(required(&input.id)?, input.first_day, input.last_day, &zone)?;
        let mut rates = ExchangeRates::of_plan(plan);
        for (currency, rate) in &input.rates {
            rates = rates.with([(required(currency)?, *rate)]);
        }
        let previous =
            done.last().map(|before| Previous { snapshot: &before.snapshot, ranks: &before.ranked.ranks });
        let facts = Facts { cycle: &cycle, people: &people, orders: &orders };
        let snapshot = engine::integrate(facts, previous, plan, rates)?;
        let history: Vec<Snapshot> = done.iter().rev().map(|before| before.snapshot.clone()).collect();
        let results: Vec<Option<CycleResults<'_>>> = done
            .iter()
            .rev()
            .map(|Computed { indicators, ranked, .. }| {
                let (after_ranks, ranks) = (Some(&ranked.indicators), &ranked.ranks);
                Some(CycleResults { indicators, after_ranks, ranks })
            })
            .collect();
        let context = Context { history: &history, results: &results, ..Context::default() };
        let indicators = engine::calculate_indicators(&snapshot, plan, context)?;
        let ranked = engine::calculate_ranks(&snapshot, &indicators, plan, context)?;
        let settled: Vec<SettledCycle<'_>> = done
            .iter()
            .map(|before| SettledCycle { snapshot: &before.snapshot, payouts: &before.payouts })
            .collect();
        let advances: Vec<Advance> =
            input.advances.iter().map(|one| advance(one, plan)).collect::<Result<_>>()?;
        let context = BonusContext {
            settled: &settled,
            carried: done.last().map(|before| &before.payouts.carried),
            process: input.process.as_deref(),
            advances: &advances,
        };
        let payouts = engine::calculate_bonuses(&snapshot, &indicators, &ranked, plan, context)?;
        done.push(Computed { snapshot, indicators, ranked, payouts });
    }
    Ok(done)
}

/// A line as both say it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    bonus: String,
    kind: String,
    source: String,
    order: String,
    levels: (usize, usize),
    base: Decimal,
    rate: Decimal,
    amount: Decimal,
    currency: String,
}

fn said_by_engine(computed: &Computed, row: u32) -> Vec<Said> {
    let Computed { snapshot, payouts, .. } = computed;
    let of_row = payouts.lines.iter().filter(|line| line.earner == row);
    let mut lines: Vec<Said> = of_row
        .map(|line| Said {
            bonus: payouts.code(line).to_owned(),
            kind: line.kind.name().to_owned(),
            source: snapshot.people.ids.get(line.source as usize).to_owned(),
            order: match line.order {
                engine::NONE => String::new(),
                order => snapshot.orders.ids.get(order as usize).to_owned(),
            },
            levels: (usize::from(line.level_paid), usize::from(line.level_walked)),
            base: line.base().normalize(),
            rate: line.rate().normalize(),
            amount: line.amount().normalize(),
            currency: line.currency.to_string(),
        })
        .collect();
    lines.sort();
    lines
}

fn said_by_oracle(lines: &[Line]) -> Vec<Said> {
    let said = |line: &Line| Said {
        bonus: line.bonus.clone(),
        kind: line.kind.clone(),
        source: line.source.clone(),
        order: line.order.clone(),
        levels: (line.level_paid, line.level_walked),
        base: line.base.normalize(),
        rate: line.rate.normalize(),
        amount: line.amount.normalize(),
        currency: line.currency.clone(),
    };
    let mut lines: Vec<Said> = lines.iter().map(said).collect();
    lines.sort();
    lines
}

/// Everything the engine says differently from the oracle.
pub(crate) fn differences(plan: &Plan, computed: &[Computed], expected: &[CycleResult]) -> Vec<String> {
    let mut all = Vec::new();
    for (computed, expected) in computed.iter().zip(expected) {
        let people = &computed.snapshot.people;
        if people.len() != expected.people.len() {
            all.push(format!("{}: {} people, not {}", expected.cycle, people.len(), expected.people.len()));
            continue;
        }
        for (id, settlement) in &expected.people {
            let here = format!("{id} in {}", expected.cycle);
            match people.row(id) {
                Some(row) => of_person(plan, computed, row, settlement, &here, &mut all),
                None => all.push(format!("{here}: nobody")),
            }
        }
        balances(computed, expected, &mut all);
        if let Err(reason) = totals(computed, expected) {
            all.push(format!("{}: {reason}", expected.cycle));
        }
    }
    all
}

fn of_person(
    plan: &Plan,
    computed: &Computed,
    row: u32,
    oracle: &Settlement,
    here: &str,
    all: &mut Vec<String>,
) {
    let place = row as usize;
    let Computed { indicators, ranked, .. } = computed;
    let mut same = |what: &str, found: u8, expected: u8| {
        if found != expected {
            all.push(format!("{here}: {what} is {found}, not {expected}"));
        }
    };
    same("active", u8::from(indicators.active[place]), u8::from(oracle.active));
    same("earned rank", ranked.ranks.earned[place], oracle.earned_rank);
    same("paid rank", ranked.ranks.paid[place], oracle.paid_rank);
    same("honorific rank", ranked.ranks.honorific[place], oracle.honorific_rank);
    same("grace used", ranked.ranks.grace_used[place], oracle.grace_used);
    for (code, value) in &oracle.indicators {
        let found = indicators.value(code, row).or_else(|| ranked.indicators.value(code, row));
        let column = indicators.column(code).or_else(|| ranked.indicators.column(code));
        if column.is_some_and(|column| column.is_missing(row)) != oracle.missing.contains(code) {
            all.push(format!("{here}: {code} is missing for one and not for the other"));
        }
        if found != Some(*value) {
            all.push(format!("{here}: {code} is {found:?}, not {value}"));
        }
    }
    for planned in plan.indicators().iter().filter(|planned| planned.definition.enabled) {
        let code = &planned.definition.code;
        if !oracle.indicators.contains_key(code) {
            all.push(format!("{here}: the oracle has no {code}"));
        }
    }
    let shown = |award: &Award| Award { exact: award.exact.round_dp(18).normalize(), ..award.clone() };
    let expected: Vec<Award> = oracle.awards.iter().map(shown).collect();
    let found = awards_of_engine(computed, row);
    if found != expected {
        all.push(format!("{here}: awards {found:?}, not {expected:?}"));
    }
    let (found, expected) = (said_by_engine(computed, row), said_by_oracle(&oracle.lines));
    only_one_has(&found, &expected, here, all);
}

/// What one of the two has more often than the other.
fn only_one_has<T: Ord + std::fmt::Debug>(engine: &[T], oracle: &[T], here: &str, all: &mut Vec<String>) {
    let mut more: BTreeMap<&T, i32> = BTreeMap::new();
    for one in engine {
        *more.entry(one).or_default() += 1;
    }
    for one in oracle {
        *more.entry(one).or_default() -= 1;
    }
    for (one, times) in more.into_iter().filter(|(_, times)| *times != 0) {
        let who = if 0 < times { "engine" } else { "oracle" };
        all.push(format!("{here}: only the {who} has {one:?} ({} times)", times.abs()));
    }
}

fn awards_of_engine(computed: &Computed, row: u32) -> Vec<Award> {
    let Computed { snapshot, payouts, .. } = computed;
    let of_row = payouts.awards.iter().filter(|award| award.earner == row);
    let mut awards: Vec<Award> = of_row
        .map(|line| {
            let bonus = &payouts.bonuses[usize::from(line.bonus)];
            let (kind, code) = match &bonus.award {
                plan::bonus::Award::Money => ("money", ""),
                plan::bonus::Award::Points => ("points", ""),
                plan::bonus::Award::Prize(code) => ("prize", code.as_str()),
                plan::bonus::Award::Tag(code) => ("tag", code.as_str()),
            };
            Award {
                bonus: bonus.code.clone(),
                kind: kind.to_owned(),
                code: code.to_owned(),
                source: snapshot.people.ids.get(line.source as usize).to_owned(),
                order: match line.order {
                    engine::NONE => String::new(),
                    order => snapshot.orders.ids.get(order as usize).to_owned(),
                },
                level_paid: usize::from(line.level_paid),
                base: Decimal::new(line.base, 4).normalize(),
                rate: Decimal::new(line.rate, 9).normalize(),
                exact: engine::from_exact(line.exact).round_dp(18).normalize(),
                quantity: Decimal::from(line.quantity),
            }
        })
        .collect();
    awards.sort();
    awards
}

/// What the next cycle is handed.
fn balances(computed: &Computed, expected: &CycleResult, all: &mut Vec<String>) {
    let of_engine = computed.payouts.carried.0.iter().map(|balance| Balance {
        person: balance.person.clone(),
        bonus: balance.bonus.clone(),
        kind: balance.kind.name().to_owned(),
        since: date(1970, 1, 1) + i64::from(balance.since).days(),
        cycles: balance.cycles,
        currency: balance.currency.map(|currency| currency.to_string()).unwrap_or_default(),
        value: engine::from_exact(balance.value).normalize(),
    });
    let found: Vec<Balance> = of_engine.collect();
    only_one_has(&found, &expected.handed_on, &format!("{} hands on", expected.cycle), all);
}

fn totals(computed: &Computed, expected: &CycleResult) -> Result<()> {
    let totals = computed.payouts.totals();
    if totals.len() != expected.totals.len() {
        bail!("{} totals, not {}", totals.len(), expected.totals.len());
    }
    for total in totals {
        let key = (total.bonus.clone(), total.currency.to_string());
        let oracle = expected.totals.get(&key).with_context(|| format!("no total {key:?}"))?;
        let same = total.lines == oracle.lines as u64
            && total.amount == oracle.amount
            && total.residual.round_dp(18) == oracle.residual.round_dp(18);
        if !same {
            bail!("the total is {total:?}, not {oracle:?}");
        }
    }
    Ok(())
}
