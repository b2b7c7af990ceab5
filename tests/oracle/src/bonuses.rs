//! Bonuses: from indicators and ranks to payout lines.

mod alternatives;
mod binary;
mod breakaway;
mod caps;
mod differential;
mod fixed;
mod generations;
mod holds;
mod infinity;
mod levels;
mod matching;
mod minimum;
mod percentage;
mod period;
mod pool;
mod retail;
mod undo;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    balances::Balance,
    cycle::{Bought, Cycle},
    names::{Place, Speaker},
    network::Network,
    numbers::half_even,
    payouts::{Award, Desk, Line},
    plan::{Plan, choice, decimal, list, text},
};

/// What the bonuses of a cycle come to.
pub(crate) struct Paid {
    /// By earner.
    pub(crate) lines: Vec<Vec<Line>>,
    /// What is no money, by earner.
    pub(crate) awards: Vec<Vec<Award>>,
    /// What is handed to the next cycle, sorted.
    pub(crate) handed_on: Vec<Balance>,
}

/// Kinds of lines that say what a cycle brought, up to the choice among alternatives.
const OF_THIS_CYCLE: [&str; 3] = ["earned", "true-up", "bonus-cap"];

/// And after the cap on everyone together.
const AFTER_CAPS: [&str; 4] = ["earned", "true-up", "bonus-cap", "bonus-total-cap"];

/// Pays all bonuses. `settled` are the lines of the cycles before by person's id, the first first; `handed` is what the last of them
/// handed on.
pub(crate) fn pay<'a>(cycle: &'a Cycle<'a>, settled: &[Settled], handed: &'a [Balance]) -> Result<Paid> {
    let mut desk = Desk::new(cycle, handed);
    desk.undo(settled)?;
    let document = &cycle.plan.document;
    let bonuses: BTreeMap<&str, &Value> = list(document, "/bonuses")
        .iter()
        .filter(|bonus| cycle.computes(bonus))
        .map(|bonus| Ok((text(bonus, "/code").context("a bonus has no code")?, bonus)))
        .collect::<Result<_>>()?;
    // Nothing is known of a bonus that is not computed here.
    desk.hand_on_unchanged(|one| {
        !["advance", minimum::BALANCE].contains(&one.kind.as_str())
            && !bonuses.contains_key(one.bonus.as_str())
    });
    for code in list(document, "/bonuses").iter().filter_map(|bonus| text(bonus, "/code")) {
        // Of a bonus that is not computed here there is only what was undone.
        desk.note_payments(code)?;
    }
    let mut open: Vec<&str> = Vec::new();
    for bonus in list(document, "/bonuses").iter().filter(|bonus| cycle.computes(bonus)) {
        let code = text(bonus, "/code").context("a bonus has no code")?;
        desk.bonus(code, bonus).with_context(|| format!("bonus {code}"))?;
        desk.cap_bonus(code, bonus)?;
        open.push(code);
        if let Some((alternative, codes)) = alternatives::alternative_of(document, code) {
            if codes.iter().any(|code| bonuses.contains_key(code) && !open.contains(code)) {
                continue;
            }
            desk.choose(alternative, &codes)?;
            open.retain(|code| !codes.contains(code));
            for code in codes {
                if let Some(bonus) = bonuses.get(code) {
                    desk.complete(code, bonus)?;
                }
            }
        } else {
            open.pop();
            desk.complete(code, bonus)?;
        }
    }
    desk.cap_people()?;
    desk.cap_everything()?;
    desk.advances()?;
    desk.minimum()?;
    let Desk { mut lines, mut awards, keeps: mut handed_on, .. } = desk;
    for of_earner in &mut lines {
        of_earner.sort();
    }
    for of_earner in &mut awards {
        of_earner.sort();
    }
    handed_on.sort();
    Ok(Paid { lines, awards, handed_on })
}

/// Lines of a settled cycle by person's id.
pub(crate) type Settled = BTreeMap<String, Vec<Line>>;

/// Something that is paid on, brought by somebody.
pub(crate) struct Brought<'a> {
    pub(crate) source: usize,
    pub(crate) order: Option<&'a Bought>,
    pub(crate) base: Decimal,
}

impl<'a> Desk<'a> {
    /// What follows once it is known which lines of a bonus there are.
    fn complete(&mut self, code: &str, bonus: &Value) -> Result<()> {
        self.cap_all(code, bonus)?;
        self.hold(code, bonus)?;
        match choice(&bonus["pays"])? {
            ("fixed", how) => self.note_who_had_it(code, how),
            ("percentage", how) => self.note_period(code, how)?,
            _ => {}
        }
        self.note_payments(code)
    }

    /// Notes what everyone has got of a bonus, for rules that ask.
    fn note_payments(&self, code: &str) -> Result<()> {
        let mut paid = Vec::new();
        for person in 0..self.lines.len() {
            paid.push(self.in_base(person, self.sum(person, Some(code)))?);
        }
        self.cycle.payments.borrow_mut().insert(code.to_owned(), paid);
        Ok(())
    }

    /// An amount of a person's currency in the base currency, with 4 decimals.
    pub(crate) fn in_base(&self, person: usize, amount: Decimal) -> Result<Decimal> {
        Ok(half_even(amount / self.cycle.per_base_unit(self.cycle.currency(person))?, 4))
    }

    fn bonus(&mut self, code: &'a str, bonus: &'a Value) -> Result<()> {
        self.award = bonus.get("award").filter(|award| *award != "money");
        self.compute(code, bonus)?;
        self.award = None;
        Ok(())
    }

    fn compute(&mut self, code: &'a str, bonus: &'a Value) -> Result<()> {
        let (mechanic, how) = choice(bonus.get("pays").context("it pays nothing")?)?;
        match mechanic {
            "matching" => self.matching(code, bonus, how),
            "pool" => self.pool(code, bonus, how),
            "fixed" => self.fixed(code, bonus, how),
            "retail-profit" => self.retail_profit(code, bonus, how),
            "binary" => self.binary(code, bonus, how),
            "percentage" => {
                self.percentage(code, bonus, how)?;
                self.true_up(code, bonus, how)
            }
            "unilevel" => self.unilevel(code, bonus, how),
            "differential" => self.differential(code, bonus, how),
            "infinity" => self.infinity(code, bonus, how),
            "generation" => self.generations(code, bonus, how),
            "breakaway" => self.breakaway(code, bonus, how),
            other => bail!("the oracle does not know the mechanic {other}"),
        }
    }

    /// Whether a rule of a bonus holds for a consultant.
    pub(crate) fn holds(&self, rule: &str, person: usize) -> Result<bool> {
        if !self.cycle.is_consultant(person) {
            return Ok(false);
        }
        self.cycle.plan.rule(rule)?.holds(&self.speaker(person))
    }

    /// Whether a person is paid a bonus.
    pub(crate) fn is_paid(&self, bonus: &Value, person: usize) -> Result<bool> {
        self.holds(text(bonus, "/when").unwrap_or("active"), person)
    }

    /// Whether a person takes a level of a bonus.
    pub(crate) fn is_qualified(&self, how: &Value, person: usize) -> Result<bool> {
        self.holds(text(how, "/qualified").unwrap_or("active"), person)
    }

    pub(crate) fn speaker(&self, person: usize) -> Speaker<'a> {
        Speaker::new(self.cycle, person, Place::Bonus)
    }

    /// Whether a person is paid as a leader: as this rank or a higher one.
    pub(crate) fn leads(&self, how: &Value, person: usize) -> Result<bool> {
        let least = self.cycle.plan.rank(text(how, "/rank").context("no rank")?)?;
        Ok(self.cycle.is_consultant(person) && least <= self.cycle.paid(person)?)
    }

    /// The leaders above a person, the nearest first.
    pub(crate) fn leaders_above(&self, how: &Value, person: usize) -> Result<Vec<usize>> {
        let mut leaders = Vec::new();
        for above in self.tree(how).above(person) {
            if self.leads(how, above)? {
                leaders.push(above);
            }
        }
        Ok(leaders)
    }

    /// The tree a bonus goes through.
    pub(crate) fn tree(&self, how: &Value) -> &'a Network {
        self.cycle.tree(text(how, "/tree").unwrap_or("placement"))
    }

    /// The last row of a table by rank that a rank reaches.
    pub(crate) fn row_of_rank<'r>(&self, rows: &'r [Value], rank: u8) -> Result<Option<&'r Value>> {
        let mut reached = None;
        for row in rows {
            if self.cycle.plan.rank(text(row, "/rank").unwrap_or_default())? <= rank {
                reached = Some(row);
            }
        }
        Ok(reached)
    }

    /// A person's limit, where there is one: a number, that of the highest rank reached, or a rule's, kept with so many decimals.
    pub(crate) fn limit(&self, limit: Option<&Value>, person: usize, digits: u32) -> Result<Option<Decimal>> {
        let Some(limit) = limit.filter(|limit| !limit.is_null()) else { return Ok(None) };
        if limit.is_string() {
            return decimal(limit).map(Some);
        }
        Ok(Some(match choice(limit)? {
            ("by-rank", rows) => match self.row_of_rank(list(rows, ""), self.cycle.paid(person)?)? {
                Some(row) => decimal(&row["amount"])?,
                None => Decimal::ZERO,
            },
            ("rule", rule) => {
                let rule = self.cycle.plan.rule(rule.as_str().context("no rule")?)?;
                half_even(rule.number(&self.speaker(person))?, digits).max(Decimal::ZERO)
            }
            (other, _) => bail!("the oracle does not know the limit {other}"),
        }))
    }

    /// What is paid on of everyone, and the measure of orders it is made of.
    pub(crate) fn brought(
        &self,
        on: &Value,
        only: Option<&str>,
    ) -> Result<(Vec<Brought<'a>>, Decimal, Option<String>)> {
        let (kind, held) = choice(on)?;
        let held = held.as_str().context("nothing is paid on")?;
        let plan = self.cycle.plan;
        let rule = only.map(|rule| plan.rule(rule)).transpose()?;
        let mut all = Vec::new();
        let (worth, measure) = match kind {
            "indicator" => {
                for source in self.cycle.in_order() {
                    all.push(Brought { source, order: None, base: self.cycle.indicator_of(held, source)? });
                }
                (worth_of(plan, held)?, own_measure(plan, held)?)
            }
            "orders" => {
                for order in self.cycle.orders.iter().filter(|order| !order.is_late) {
                    let base = order.brings(held).with_context(|| format!("no measure {held}"))?;
                    all.push(Brought { source: order.person, order: Some(order), base });
                }
                (worth_of_measure(plan, held)?, Some(held.to_owned()))
            }
            other => bail!("nothing is paid on {other}"),
        };
        if let Some(rule) = rule {
            let mut kept = Vec::new();
            for one in all {
                if rule.holds(&self.speaker(one.source).with_order(one.order))? {
                    kept.push(one);
                }
            }
            all = kept;
        }
        Ok((all, worth, measure))
    }

    /// A rule's rate: kept with 9 decimals.
    pub(crate) fn rate_by_rule(&self, rule: &str, speaker: &Speaker<'_>) -> Result<Decimal> {
        Ok(half_even(self.cycle.plan.rule(rule)?.number(speaker)?, 9))
    }
}

/// The brackets of a rate, the lowest first.
pub(crate) fn steps(brackets: &Value) -> Result<Vec<(Decimal, Decimal)>> {
    list(brackets, "/steps")
        .iter()
        .map(|step| Ok((decimal(&step["from"])?, decimal(&step["rate"])?)))
        .collect()
}

/// What a unit of a measure is worth.
pub(crate) fn worth_of_measure(plan: &Plan, measure: &str) -> Result<Decimal> {
    match measure {
        "vq" | "returns-vq" => plan.point("vq"),
        "vc" | "returns-vc" => plan.point("vc"),
        "points" => plan.point("points"),
        _ => Ok(Decimal::ONE),
    }
}

/// What a unit of an indicator is worth: that of what it measures. People and legs are worth themselves.
pub(crate) fn worth_of(plan: &Plan, code: &str) -> Result<Decimal> {
    let place = plan.indicator(code).with_context(|| format!("no indicator {code}"))?;
    let definition = &plan.indicators[place];
    if matches!(text(definition, "/aggregate"), Some("count" | "legs")) {
        return Ok(Decimal::ONE);
    }
    match choice(&definition["measure"])? {
        ("indicator", measured) => worth_of(plan, measured.as_str().unwrap_or_default()),
        ("formula", _) if text(definition, "/unit") == Some("points") => plan.point("vc"),
        (measure, _) => worth_of_measure(plan, measure),
    }
}

/// The measure of orders, for an indicator that is a person's own of this cycle.
pub(crate) fn own_measure(plan: &Plan, code: &str) -> Result<Option<String>> {
    let place = plan.indicator(code).with_context(|| format!("no indicator {code}"))?;
    let definition = &plan.indicators[place];
    let plain = definition["scope"] == "self"
        && matches!(text(definition, "/aggregate"), None | Some("sum"))
        && matches!(text(definition, "/window"), None | Some("this-cycle"))
        && definition.get("window").is_none_or(Value::is_string)
        && text(definition, "/filter").is_none();
    Ok(match definition["measure"].as_str() {
        Some(measure @ ("vq" | "vc" | "net" | "gross" | "units" | "points")) if plain => {
            Some(measure.to_owned())
        }
        _ => None,
    })
}
