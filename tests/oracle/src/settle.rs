//! Cycle after cycle: activity, ranks from the leaves up, payout lines, totals.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    facts::{CycleFacts, Order, Person},
    indicators::{Cycle, Own},
    network::Network,
    numbers::{half_even, minor_digits},
    plan::Plan,
    rule::holds,
};

/// What one person comes to in one cycle.
#[derive(Clone, Debug, Default)]
pub struct Settlement {
    /// Whether the activity rule holds.
    pub active: bool,
    /// Position of the rank earned, 0 being none.
    pub earned_rank: u8,
    /// Position of the rank paid as.
    pub paid_rank: u8,
    /// Position of the highest rank ever.
    pub honorific_rank: u8,
    /// Enabled indicators by code.
    pub indicators: BTreeMap<String, Decimal>,
    /// Payout lines, sorted.
    pub lines: Vec<Line>,
    /// Sum of the lines, in the person's currency.
    pub total: Decimal,
}

/// A payout line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// Bonus.
    pub bonus: String,
    /// Whose volume it is.
    pub source: String,
    /// The order, where it is paid on one; for what undoes, the return.
    pub order: String,
    /// Level paid, 0 where there is none.
    pub level_paid: usize,
    /// Level walked, 0 where there is none.
    pub level_walked: usize,
    /// Volume.
    pub base: Decimal,
    /// Rate.
    pub rate: Decimal,
    /// Amount in the earner's currency.
    pub amount: Decimal,
}

/// A settled cycle.
#[derive(Clone, Debug)]
pub struct Settled {
    /// By person.
    pub people: BTreeMap<String, Settlement>,
    /// Paid in all, by currency.
    pub totals: BTreeMap<String, Decimal>,
}

/// What a cycle leaves to the next one.
struct Standing {
    rank: Vec<u8>,
    honorific: Vec<u8>,
    grace_used: Vec<u8>,
}

/// Settles all `cycles`, one after the other, by the plan `document`.
pub fn settle(people: &[Person], cycles: &[CycleFacts], document: &Value) -> Result<Vec<Settled>> {
    let plan = Plan::read(document)?;
    let network = Network::of(people)?;
    let mut standing = Standing {
        rank: people.iter().map(|person| plan.rank(&person.previous_rank)).collect::<Result<_>>()?,
        honorific: vec![0; people.len()],
        grace_used: vec![0; people.len()],
    };
    let mut own = Vec::new();
    let mut settled: Vec<Settled> = Vec::new();
    for (number, facts) in cycles.iter().enumerate() {
        own.push(own_sums(people, &network, facts, &plan)?);
        let year = facts.last_day.year();
        let run = Run {
            people,
            network: &network,
            plan: &plan,
            facts,
            own: &own,
            cycles_of_year: cycles[..=number].iter().filter(|cycle| cycle.last_day.year() == year).count(),
        };
        let earlier: Vec<(&CycleFacts, &Settled)> = cycles.iter().zip(&settled).collect();
        let next = run.settle(&mut standing, &earlier)?;
        settled.push(next);
    }
    Ok(settled)
}

/// Returns of sales of earlier cycles, which leave the volumes of this one untouched.
fn is_late(order: &Order, facts: &CycleFacts) -> bool {
    order.is_return()
        && !order.reverses.is_empty()
        && !facts.orders.iter().any(|sale| !sale.is_return() && sale.id == order.reverses)
}

fn own_sums(people: &[Person], network: &Network, facts: &CycleFacts, plan: &Plan) -> Result<Vec<Own>> {
    let mut sums = vec![Own::default(); people.len()];
    let sales: std::collections::BTreeSet<&str> =
        facts.orders.iter().filter(|order| !order.is_return()).map(|order| order.id.as_str()).collect();
    for order in &facts.orders {
        if order.is_return() && !order.reverses.is_empty() && !sales.contains(order.reverses.as_str()) {
            continue;
        }
        let place =
            network.index.get(&order.person).with_context(|| format!("order {} of nobody", order.id))?;
        let per_base_unit = plan
            .per_base_unit
            .get(&order.currency)
            .with_context(|| format!("no rate for {}", order.currency))?;
        let in_base = |amount: Decimal| half_even(amount / per_base_unit, 4);
        let sign = order.sign();
        let sum = &mut sums[*place];
        sum.vq += sign * order.vq;
        sum.vc += sign * order.vc;
        sum.net += sign * in_base(order.net);
        sum.gross += sign * in_base(order.gross);
        sum.units += sign * order.units;
        sum.points += sign * order.points;
        if order.is_return() {
            sum.returned_vq += order.vq;
            sum.returns += Decimal::ONE;
        } else {
            sum.orders += Decimal::ONE;
        }
    }
    Ok(sums)
}

struct Run<'a> {
    people: &'a [Person],
    network: &'a Network,
    plan: &'a Plan,
    facts: &'a CycleFacts,
    own: &'a [Vec<Own>],
    cycles_of_year: usize,
}

impl Run<'_> {
    fn settle(&self, standing: &mut Standing, earlier: &[(&CycleFacts, &Settled)]) -> Result<Settled> {
        let consultant: Vec<bool> = self.people.iter().map(Person::is_consultant).collect();
        let joined_now: Vec<bool> =
            self.people.iter().map(|person| self.facts.contains(person.joined_on)).collect();
        let nobody = vec![false; self.people.len()];
        let none = vec![0; self.people.len()];
        let previous_rank = standing.rank.clone();
        let cycle = |active, paid_rank| Cycle {
            network: self.network,
            plan: self.plan,
            own: self.own,
            cycles_of_year: self.cycles_of_year,
            consultant: &consultant,
            active,
            joined_now: &joined_now,
            previous_rank: &previous_rank,
            paid_rank,
        };
        let view = cycle(&nobody, &none);
        let active = self.everyone(|place| {
            holds(&self.plan.activity, &|name, argument| view.word(name, argument, place, &none))
        })?;
        let view = cycle(&active, &none);
        let earned = self.earned(&view, &consultant, &previous_rank)?;
        let paid = self.paid(&earned, standing);
        let view = cycle(&active, &paid);
        let mut lines = self.lines(&view, &active, &consultant, &paid)?;
        self.undo(&mut lines, earlier)?;
        self.finish(&view, &earned, &paid, standing, lines)
    }

    fn everyone(&self, holds: impl Fn(usize) -> Result<bool>) -> Result<Vec<bool>> {
        (0..self.people.len()).map(holds).collect()
    }

    /// From the leaves up: whoever is deeper comes first.
    fn earned(&self, view: &Cycle<'_>, consultant: &[bool], previous: &[u8]) -> Result<Vec<u8>> {
        let mut order: Vec<usize> = (0..self.people.len()).collect();
        order.sort_by_key(|place| std::cmp::Reverse(self.network.above[*place].len()));
        let mut earned = vec![0_u8; self.people.len()];
        for place in order.into_iter().filter(|place| consultant[*place]) {
            let within_reach = usize::from(previous[place] + self.plan.max_steps).min(self.plan.ranks.len());
            let mut reached = 0;
            for (_, rule) in self.plan.ranks.iter().take(within_reach) {
                if !holds(rule, &|name, argument| view.word(name, argument, place, &earned))? {
                    break;
                }
                reached += 1;
            }
            earned[place] = reached;
        }
        Ok(earned)
    }

    fn paid(&self, earned: &[u8], standing: &mut Standing) -> Vec<u8> {
        let mut paid = Vec::with_capacity(earned.len());
        for (place, earned) in earned.iter().copied().enumerate() {
            let before = if self.people[place].is_consultant() { standing.rank[place] } else { 0 };
            let keeps = earned < before && standing.grace_used[place] < self.plan.grace;
            standing.grace_used[place] = if keeps { standing.grace_used[place] + 1 } else { 0 };
            paid.push(if keeps { before } else { earned });
        }
        paid
    }

    fn lines(
        &self,
        view: &Cycle<'_>,
        active: &[bool],
        consultant: &[bool],
        paid: &[u8],
    ) -> Result<Vec<Vec<Line>>> {
        let mut lines = vec![Vec::new(); self.people.len()];
        let none = vec![0; self.people.len()];
        let earns = |rule: &str| {
            self.everyone(|place| {
                Ok(consultant[place]
                    && holds(rule, &|name, argument| view.word(name, argument, place, &none))?)
            })
        };
        let residual = earns(&self.plan.unilevel.when)?;
        for order in self.facts.orders.iter().filter(|order| !is_late(order, self.facts)) {
            let source = self.network.index[&order.person];
            let mut level = 0;
            for above in self.network.above[source].iter().copied() {
                if !(active[above] && consultant[above]) {
                    continue;
                }
                level += 1;
                let Some(rate) = self.plan.unilevel.rates.get(level - 1) else { break };
                let reaches = self.plan.unilevel.depth.iter().rev().find(|(rank, _)| *rank <= paid[above]);
                if residual[above] && reaches.is_some_and(|(_, levels)| level <= *levels) {
                    let base = order.sign() * order.vc;
                    let walked = self.network.level(above, source);
                    lines[above].extend(self.line(
                        above,
                        &self.plan.unilevel.code,
                        source,
                        &order.id,
                        (level, walked),
                        base,
                        *rate,
                    )?);
                }
            }
        }
        let percentage = &self.plan.percentage;
        for (place, earns) in earns(&percentage.when)?.into_iter().enumerate().filter(|(_, earns)| *earns) {
            debug_assert!(earns);
            let over = view.value(&percentage.over, place)?;
            let reached = percentage.brackets.iter().rev().find(|(from, _)| *from <= over);
            if let Some((_, rate)) = reached {
                let base = view.value(&percentage.of, place)?;
                let made = self.line(place, &percentage.code, place, "", (0, 0), base, *rate)?;
                if let Some(line) = &made {
                    let cap = percentage.cap * self.rate(place)?;
                    ensure!(
                        line.amount <= cap,
                        "{} passes the cap per person, which the oracle does not compute",
                        self.people[place].id
                    );
                }
                lines[place].extend(made);
            }
        }
        Ok(lines)
    }

    fn rate(&self, place: usize) -> Result<Decimal> {
        let currency = &self.people[place].currency;
        Ok(*self.plan.per_base_unit.get(currency).with_context(|| format!("no rate for {currency}"))?)
    }

    fn line(
        &self,
        earner: usize,
        bonus: &str,
        source: usize,
        order: &str,
        (level_paid, level_walked): (usize, usize),
        base: Decimal,
        rate: Decimal,
    ) -> Result<Option<Line>> {
        let exact = base * rate * self.plan.vc_value * self.rate(earner)?;
        if exact.is_zero() {
            return Ok(None);
        }
        Ok(Some(Line {
            bonus: bonus.to_owned(),
            source: self.people[source].id.clone(),
            order: order.to_owned(),
            level_paid,
            level_walked,
            base: base.normalize(),
            rate: rate.normalize(),
            amount: half_even(exact, minor_digits(&self.people[earner].currency)?).normalize(),
        }))
    }

    /// Returns of sales of settled cycles undo what those sales paid, to whom it was paid.
    fn undo(&self, lines: &mut [Vec<Line>], earlier: &[(&CycleFacts, &Settled)]) -> Result<()> {
        for late in self.facts.orders.iter().filter(|order| is_late(order, self.facts)) {
            let found =
                earlier.iter().find(|(facts, _)| facts.orders.iter().any(|sale| sale.id == late.reverses));
            let (_, settled) = found.with_context(|| format!("{} reverses an unknown order", late.id))?;
            for (earner_id, settlement) in &settled.people {
                let earner = self.network.index[earner_id];
                for paid in &settlement.lines {
                    let of_sale = paid.order == late.reverses;
                    let of_buyer = paid.bonus == self.plan.percentage.code
                        && paid.source == late.person
                        && paid.order.is_empty();
                    if of_sale || of_buyer {
                        let source = self.network.index[&late.person];
                        let levels = (paid.level_paid, paid.level_walked);
                        lines[earner].extend(self.line(
                            earner,
                            &paid.bonus,
                            source,
                            &late.id,
                            levels,
                            -late.vc,
                            paid.rate,
                        )?);
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(
        &self,
        view: &Cycle<'_>,
        earned: &[u8],
        paid: &[u8],
        standing: &mut Standing,
        lines: Vec<Vec<Line>>,
    ) -> Result<Settled> {
        let mut settled = Settled { people: BTreeMap::new(), totals: BTreeMap::new() };
        let mut paid_in_base = Decimal::ZERO;
        for (place, mut lines) in lines.into_iter().enumerate() {
            let person = &self.people[place];
            lines.sort();
            let total: Decimal = lines.iter().map(|line| line.amount).sum();
            paid_in_base += total.max(Decimal::ZERO) / self.rate(place)?;
            if !lines.is_empty() {
                *settled.totals.entry(person.currency.clone()).or_default() += total;
            }
            standing.honorific[place] = standing.honorific[place].max(paid[place]);
            let settlement = Settlement {
                active: view.active[place],
                earned_rank: earned[place],
                paid_rank: paid[place],
                honorific_rank: standing.honorific[place],
                indicators: view.all(place)?,
                lines,
                total,
            };
            settled.people.insert(person.id.clone(), settlement);
        }
        let volume: Decimal = self.own.last().into_iter().flatten().map(|own| own.vc).sum();
        let allowed = volume * self.plan.vc_value * self.plan.payout_share;
        ensure!(
            paid_in_base <= allowed,
            "the payout passes the plan's cap, which the oracle does not compute"
        );
        standing.rank = paid.to_vec();
        Ok(settled)
    }
}
