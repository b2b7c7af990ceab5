//! Bonuses: from indicators and ranks to payout lines.

use std::collections::BTreeMap;

use foundation::money::Currency;
use plan::{
    AMOUNT_SCALE, Plan, PlannedBonus,
    bonus::{
        Brackets, Compression, LevelBase, LevelRates, Mechanic, OrderMeasure, Percentage, Rate, RollUpRate,
        Unilevel,
    },
    indicator::{Aggregate, Indicator, Measure, Scope, Tree as TreeName, Unit, Window},
};
use rust_decimal::Decimal;

use crate::{
    amount::{Factor, RATE_SCALE, Rounder, from_minor},
    columns::{NONE, Tree, position},
    failure::EngineError,
    indicators::{Calculation, Context, Indicators, restored},
    payouts::{Conservation, LineKind, NotUndone, PaidBonus, PayoutLine, Payouts},
    ranks::Ranked,
    snapshot::{Snapshot, Volume, fixed},
};

/// A settled cycle, for what later returns undo.
#[derive(Clone, Copy, Debug)]
pub struct SettledCycle<'a> {
    /// Its snapshot.
    pub snapshot: &'a Snapshot,
    /// What it paid.
    pub payouts: &'a Payouts,
}

/// All payout lines. `settled` are earlier cycles whose orders may have been returned in this one, in any order.
pub fn calculate_bonuses(
    snapshot: &Snapshot,
    indicators: &Indicators,
    ranked: &Ranked,
    plan: &Plan,
    settled: &[SettledCycle<'_>],
) -> Result<Payouts, EngineError> {
    let mut run = restored(snapshot, plan, Context::default(), &[indicators, &ranked.indicators])?;
    run.paid.clone_from(&ranked.ranks.paid);
    run.earned.clone_from(&ranked.ranks.earned);
    let mut desk = Desk::new(snapshot, plan, &run)?;
    for (number, bonus) in plan.bonuses().iter().enumerate() {
        let first = desk.lines.len();
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        match &bonus.definition.pays {
            Mechanic::Percentage(percentage) => desk.percentage(number, bonus, percentage)?,
            Mechanic::Unilevel(unilevel) => desk.unilevel(number, bonus, unilevel)?,
        }
        if let Some(cap) = bonus.definition.cap_per_person {
            desk.cap_bonus(number, cap, first)?;
        }
    }
    desk.undo(settled)?;
    desk.cap_everything()?;
    desk.lines.sort_unstable_by_key(PayoutLine::place);
    let Desk { bonuses, conservation, lines, not_undone, .. } = desk;
    Ok(Payouts { bonuses, conservation, lines, not_undone })
}

/// Where lines are made.
struct Desk<'a> {
    snapshot: &'a Snapshot,
    plan: &'a Plan,
    run: &'a Calculation<'a>,
    /// The currencies of the snapshot's people, in the order of its dictionary, with their exchange rates.
    currencies: Vec<(Currency, Decimal, Rounder)>,
    bonuses: Vec<PaidBonus>,
    conservation: Vec<Conservation>,
    lines: Vec<PayoutLine>,
    not_undone: Vec<NotUndone>,
}

/// A line without its amount.
#[derive(Clone, Copy)]
struct Claim {
    bonus: u16,
    earner: usize,
    source: usize,
    order: u32,
    level_walked: u16,
    level_paid: u16,
    base: i64,
    rate: i64,
}

impl<'a> Desk<'a> {
    fn new(snapshot: &'a Snapshot, plan: &'a Plan, run: &'a Calculation<'a>) -> Result<Self, EngineError> {
        let rounding = plan.document().currencies.rounding;
        let currency = |code: &std::sync::Arc<str>| {
            let no_rate =
                || EngineError::NoRate { currency: code.to_string(), of: "the snapshot's people".to_owned() };
            let currency: Currency = code.parse().map_err(|_| no_rate())?;
            let rate = snapshot.rates.rate(currency).ok_or_else(no_rate)?;
            Ok((currency, rate, Rounder::of(currency, rounding)))
        };
        let currencies = snapshot.people.currency.values.iter().map(currency);
        Ok(Self {
            snapshot,
            plan,
            run,
            currencies: currencies.collect::<Result<_, EngineError>>()?,
            bonuses: plan.bonuses().iter().map(|bonus| paid_bonus(plan, bonus)).collect(),
            conservation: vec![Conservation::default(); plan.bonuses().len()],
            lines: Vec::new(),
            not_undone: Vec::new(),
        })
    }

    fn overflow(&self, row: usize, bonus: u16) -> EngineError {
        let code = self.bonuses.get(usize::from(bonus)).map_or("", |bonus| &bonus.code);
        EngineError::Overflow {
            person: self.snapshot.people.ids.get(row).to_owned(),
            what: format!("an amount of bonus {code}"),
        }
    }

    /// One factor per currency of the snapshot, for a rate on something of which a unit is worth `value`.
    fn factors(&self, bonus: u16, rate: Decimal, value: Decimal) -> Result<Vec<Factor>, EngineError> {
        let factor = |(currency, per_base_unit, _): &(Currency, Decimal, Rounder)| {
            Factor::of([rate, value, *per_base_unit]).ok_or_else(|| EngineError::TooFine {
                what: "rate × value of a point × exchange rate",
                of: format!("bonus {} in {currency}", self.bonuses[usize::from(bonus)].code),
                decimals: crate::amount::EXACT_SCALE - AMOUNT_SCALE,
                found: format!("{rate} × {value} × {per_base_unit}"),
            })
        };
        self.currencies.iter().map(factor).collect()
    }

    fn currency_index(&self, row: usize) -> usize {
        self.snapshot.people.currency.codes[row] as usize
    }

    /// Makes a line, unless there is nothing to pay.
    fn pay(&mut self, claim: Claim, factors: &[Factor]) -> Result<(), EngineError> {
        let at = self.currency_index(claim.earner);
        if claim.base == 0 || factors[at].is_zero() {
            return Ok(());
        }
        let exact = factors[at].times(claim.base).ok_or_else(|| self.overflow(claim.earner, claim.bonus))?;
        self.line(claim, LineKind::Earned, exact)
    }

    fn line(&mut self, claim: Claim, kind: LineKind, exact: i128) -> Result<(), EngineError> {
        let (currency, _, rounder) = self.currencies[self.currency_index(claim.earner)];
        let amount = rounder.round(exact).ok_or_else(|| self.overflow(claim.earner, claim.bonus))?;
        self.lines.push(PayoutLine {
            earner: position(claim.earner),
            bonus: claim.bonus,
            kind,
            source: position(claim.source),
            order: claim.order,
            level_walked: claim.level_walked,
            level_paid: claim.level_paid,
            base: claim.base,
            rate: claim.rate,
            exact,
            amount,
            currency,
        });
        Ok(())
    }

    /// Who is paid a bonus: consultants for whom `when` holds.
    fn who(&self, rule: &rules::Program, code: &str) -> Result<Vec<bool>, EngineError> {
        let mut held = self.run.truths(rule, code)?;
        for (held, consultant) in held.iter_mut().zip(&self.snapshot.people.consultant) {
            *held &= consultant;
        }
        Ok(held)
    }

    /// An indicator as a base of [`AMOUNT_SCALE`] decimals.
    fn base(&self, index: usize, bonus: u16) -> Result<Vec<i64>, EngineError> {
        let planned = &self.plan.indicators()[index];
        let values = &self.run.columns[index];
        let power = 10_i64.pow(AMOUNT_SCALE.saturating_sub(planned.scale));
        let scaled =
            |(row, value): (usize, &i64)| value.checked_mul(power).ok_or_else(|| self.overflow(row, bonus));
        values.iter().enumerate().map(scaled).collect()
    }

    fn percentage(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        percentage: &Percentage,
    ) -> Result<(), EngineError> {
        let code = &bonus.definition.code;
        let Some(of) = bonus.of else { return Ok(()) };
        let who = self.who(&bonus.when, code)?;
        let base = self.base(of, number)?;
        let value = value_of(self.plan, &self.plan.indicators()[of].definition);
        let rates = self.rates(number, percentage, value, code)?;
        let over = match bonus.brackets_over {
            Some(over) if over != of => self.base(over, number)?,
            _ => base.clone(),
        };
        let marginal = matches!(&percentage.rate, Rate::Brackets(Brackets { marginal: true, .. }));
        for row in (0..who.len()).filter(|row| who[*row]) {
            let reached = rates.iter().rposition(|rate| rate.from <= over[row]);
            let Some(reached) = reached else { continue };
            let claim = Claim {
                bonus: number,
                earner: row,
                source: row,
                order: NONE,
                level_walked: 0,
                level_paid: 0,
                base: base[row],
                rate: rates[reached].rate,
            };
            if marginal {
                self.slices(claim, &rates[..=reached])?;
            } else {
                self.keep_account(number, claim.base, claim.rate, |account| &mut account.paid);
                self.pay(claim, &rates[reached].factors)?;
            }
        }
        Ok(())
    }

    fn rates(
        &self,
        number: u16,
        percentage: &Percentage,
        value: Decimal,
        code: &str,
    ) -> Result<Vec<BracketRate>, EngineError> {
        let bracket = |from: i64, rate: Decimal| {
            Ok(BracketRate {
                from,
                rate: fixed(rate, RATE_SCALE, "a rate", code)?,
                factors: self.factors(number, rate, value)?,
            })
        };
        match &percentage.rate {
            Rate::Fixed(rate) => Ok(vec![bracket(i64::MIN, *rate)?]),
            Rate::Brackets(brackets) => {
                brackets.steps.iter().map(|step| bracket(fixed_floor(step.from), step.rate)).collect()
            }
        }
    }

    /// One line whose exact amount is the sum of its slices.
    fn slices(&mut self, claim: Claim, reached: &[BracketRate]) -> Result<(), EngineError> {
        let at = self.currency_index(claim.earner);
        let mut exact = 0_i128;
        for (place, bracket) in reached.iter().enumerate() {
            let end = reached.get(place + 1).map_or(claim.base, |next| next.from);
            let slice = end - bracket.from.max(0);
            self.keep_account(claim.bonus, slice, bracket.rate, |account| &mut account.paid);
            let part = bracket.factors[at].times(slice);
            exact = part
                .and_then(|part| exact.checked_add(part))
                .ok_or_else(|| self.overflow(claim.earner, claim.bonus))?;
        }
        if exact == 0 { Ok(()) } else { self.line(claim, LineKind::Earned, exact) }
    }

    fn keep_account(
        &mut self,
        bonus: u16,
        base: i64,
        rate: i64,
        pick: impl FnOnce(&mut Conservation) -> &mut i128,
    ) {
        let volume = i128::from(base) * i128::from(rate);
        let account = &mut self.conservation[usize::from(bonus)];
        account.offered += volume;
        *pick(account) += volume;
    }

    fn unilevel(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        unilevel: &Unilevel,
    ) -> Result<(), EngineError> {
        let code = &bonus.definition.code;
        let when = self.who(&bonus.when, code)?;
        let qualified = match &bonus.qualified {
            Some(rule) => self.who(rule, code)?,
            None => vec![true; when.len()],
        };
        let tree = match unilevel.tree {
            TreeName::Placement => &self.snapshot.people.placement,
            TreeName::Enrolment => &self.snapshot.people.enrolment,
        };
        let levels = Levels {
            number,
            compression: unilevel.compression,
            roll_up_rate: unilevel.roll_up_rate,
            table: self.level_table(number, bonus, unilevel)?,
            next_qualified: next_qualified(tree, &qualified),
            depth: depth_by_row(tree),
            parent: &tree.parent,
            when,
            qualified,
        };
        match &unilevel.on {
            LevelBase::Indicator(_) => {
                let base = self.base(bonus.of.unwrap_or(usize::MAX), number)?;
                for (row, base) in base.into_iter().enumerate() {
                    self.walk(&levels, row, NONE, base)?;
                }
            }
            LevelBase::Orders(measure) => {
                let orders = &self.snapshot.orders;
                let column = order_column(self.snapshot, *measure);
                for order in (0..orders.len()).filter(|order| !orders.is_late[*order]) {
                    let sign = if orders.is_return[order] { -1 } else { 1 };
                    self.walk(&levels, orders.person[order] as usize, position(order), column[order] * sign)?;
                }
            }
        }
        Ok(())
    }

    fn level_table(
        &self,
        number: u16,
        bonus: &PlannedBonus,
        unilevel: &Unilevel,
    ) -> Result<LevelTable, EngineError> {
        let code = &bonus.definition.code;
        let value = match (&unilevel.on, bonus.of) {
            (LevelBase::Orders(measure), _) => value_of_measure(self.plan, *measure),
            (LevelBase::Indicator(_), Some(of)) => {
                value_of(self.plan, &self.plan.indicators()[of].definition)
            }
            (LevelBase::Indicator(_), None) => Decimal::ONE,
        };
        let highest = u8::try_from(self.plan.rank_rules().len()).unwrap_or(u8::MAX);
        let reached = |from: Option<&String>, rank: u8| {
            from.is_none_or(|from| self.plan.rank_position(from).is_some_and(|from| from <= rank))
        };
        let mut table = LevelTable::default();
        for rank in 0..=highest {
            let rates: &[Decimal] = match &unilevel.rates {
                LevelRates::ByLevel(rates) => rates,
                LevelRates::ByRank(rows) => rows
                    .iter()
                    .rfind(|row| reached(row.rank.as_ref(), rank))
                    .map_or(&[], |row| row.rates.as_slice()),
            };
            let depth = if unilevel.depth.is_empty() {
                usize::MAX
            } else {
                let row = unilevel.depth.iter().rfind(|row| reached(row.rank.as_ref(), rank));
                row.map_or(0, |row| usize::from(row.levels))
            };
            let level = |rate: &Decimal| {
                Ok(LevelRate {
                    rate: fixed(*rate, RATE_SCALE, "a rate", code)?,
                    factors: self.factors(number, *rate, value)?,
                })
            };
            table.deepest = table.deepest.max(rates.len());
            table.rates.push(rates.iter().map(level).collect::<Result<_, EngineError>>()?);
            table.depth.push(depth);
        }
        Ok(table)
    }

    /// Pays the levels above one source.
    fn walk(&mut self, levels: &Levels<'_>, source: usize, order: u32, base: i64) -> Result<(), EngineError> {
        if base == 0 {
            return Ok(());
        }
        let above = |row: usize| match levels.compression {
            Compression::Dynamic => levels.next_qualified[row],
            Compression::None | Compression::RollUp => levels.parent[row],
        };
        let mut at = above(source);
        for level in 1..=levels.table.deepest {
            if at == NONE {
                // Nobody stands there: the rate is that of somebody without a rank.
                if let Some(rate) = levels.table.rate(0, level) {
                    self.keep_account(levels.number, base, rate.rate, |account| &mut account.unclaimed);
                }
                continue;
            }
            let holder = at as usize;
            at = above(holder);
            let Some((earner, by)) = self.receiver(levels, holder, level, base) else { continue };
            let rank = usize::from(self.run.paid[by]);
            let Some(rate) = levels.table.rate(rank, level) else { continue };
            let reaches = level <= levels.table.depth[usize::from(self.run.paid[earner])];
            if !levels.when[earner] || !reaches {
                self.keep_account(levels.number, base, rate.rate, |account| &mut account.forfeited);
                continue;
            }
            let moved = earner != holder;
            self.keep_account(levels.number, base, rate.rate, |account| {
                if moved { &mut account.rolled_up } else { &mut account.paid }
            });
            let claim = Claim {
                bonus: levels.number,
                earner,
                source,
                order,
                level_walked: level_number(levels.depth[source].saturating_sub(levels.depth[earner]) as usize),
                level_paid: level_number(level),
                base,
                rate: rate.rate,
            };
            self.pay(claim, &rate.factors)?;
        }
        Ok(())
    }

    /// Who gets a level, and whose rank decides the rate; nobody if it is kept.
    fn receiver(
        &mut self,
        levels: &Levels<'_>,
        holder: usize,
        level: usize,
        base: i64,
    ) -> Option<(usize, usize)> {
        if levels.qualified[holder] {
            return Some((holder, holder));
        }
        let upper = levels.next_qualified[holder];
        let (account, receiver): (fn(&mut Conservation) -> &mut i128, _) = match levels.compression {
            Compression::RollUp if upper != NONE => {
                let upper = upper as usize;
                let by = if levels.roll_up_rate == RollUpRate::Loser { holder } else { upper };
                return Some((upper, by));
            }
            Compression::RollUp => (|account| &mut account.unclaimed, None),
            Compression::None | Compression::Dynamic => (|account| &mut account.unqualified, None),
        };
        if let Some(rate) = levels.table.rate(usize::from(self.run.paid[holder]), level) {
            self.keep_account(levels.number, base, rate.rate, account);
        }
        receiver
    }

    /// Takes back what passes the cap per person, from `first` on.
    fn cap_bonus(&mut self, number: u16, cap: Decimal, first: usize) -> Result<(), EngineError> {
        let mut sums: BTreeMap<u32, i64> = BTreeMap::new();
        for line in &self.lines[first..] {
            let sum = sums.entry(line.earner).or_default();
            let row = line.earner as usize;
            *sum = sum.checked_add(line.amount).ok_or_else(|| self.overflow(row, number))?;
        }
        for (row, sum) in sums {
            let row = row as usize;
            let (currency, per_base_unit, _) = self.currencies[self.currency_index(row)];
            let most = cap.checked_mul(per_base_unit).ok_or_else(|| self.overflow(row, number))?;
            let rounding = self.plan.document().currencies.rounding;
            let most =
                Snapshot::minor_units(currency, most, rounding).ok_or_else(|| self.overflow(row, number))?;
            if most < sum {
                self.take_back(number, row, LineKind::BonusCap, sum - most)?;
            }
        }
        Ok(())
    }

    fn take_back(&mut self, bonus: u16, row: usize, kind: LineKind, minor: i64) -> Result<(), EngineError> {
        let (.., rounder) = self.currencies[self.currency_index(row)];
        let exact = rounder.exactly(-minor).ok_or_else(|| self.overflow(row, bonus))?;
        let claim = Claim {
            bonus,
            earner: row,
            source: row,
            order: NONE,
            level_walked: 0,
            level_paid: 0,
            base: 0,
            rate: 0,
        };
        self.line(claim, kind, exact)
    }

    /// Undoes what orders of settled cycles paid that came back in this one.
    fn undo(&mut self, settled: &[SettledCycle<'_>]) -> Result<(), EngineError> {
        let orders = &self.snapshot.orders;
        for order in (0..orders.len()).filter(|order| orders.is_late[*order]) {
            let sale = orders.reverses.get(order);
            let found = settled.iter().find_map(|cycle| Some((cycle, cycle.snapshot.orders.row(sale)?)));
            match found {
                Some((cycle, sale)) => self.undo_sale(order, cycle, sale)?,
                None => self.not_undone.push(NotUndone {
                    order: orders.ids.get(order).to_owned(),
                    reason: "unknown-order".to_owned(),
                }),
            }
        }
        Ok(())
    }

    fn undo_sale(&mut self, order: usize, cycle: &SettledCycle<'_>, sale: usize) -> Result<(), EngineError> {
        let before = cycle.snapshot;
        let buyer = before.orders.person[sale];
        let of_sale = |line: &&PayoutLine| {
            let exactly = line.order == position(sale);
            line.kind == LineKind::Earned && line.source == buyer && (exactly || line.order == NONE)
        };
        for line in cycle.payouts.lines.iter().filter(of_sale) {
            let bonus = &cycle.payouts.bonuses[usize::from(line.bonus)];
            let Some(measure) = bonus.measure else { continue };
            let base = -order_column(self.snapshot, measure)[order];
            let Some(factor) = Factor::between(line.base, line.exact) else { continue };
            let earner_id = before.people.ids.get(line.earner as usize);
            let rows = (
                self.snapshot.people.row(earner_id),
                self.snapshot.people.row(before.people.ids.get(buyer as usize)),
            );
            let (Some(earner), Some(source)) = rows else {
                self.not_undone.push(NotUndone {
                    order: self.snapshot.orders.ids.get(order).to_owned(),
                    reason: format!("earner-left {earner_id}"),
                });
                continue;
            };
            let number = self.number_of(bonus);
            let claim = Claim {
                bonus: number,
                earner: earner as usize,
                source: source as usize,
                order: position(order),
                level_walked: line.level_walked,
                level_paid: line.level_paid,
                base,
                rate: line.rate,
            };
            let exact = factor.times(base).ok_or_else(|| self.overflow(claim.earner, number))?;
            if exact != 0 {
                self.line(claim, LineKind::Undo, exact)?;
            }
        }
        Ok(())
    }

    /// The place of a bonus of an earlier plan among those of this run.
    fn number_of(&mut self, bonus: &PaidBonus) -> u16 {
        let known = self.bonuses.iter().position(|known| known.code == bonus.code);
        let place = known.unwrap_or_else(|| {
            self.bonuses.push(bonus.clone());
            self.bonuses.len() - 1
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// Takes from everyone in proportion what passes the plan's payout cap.
    fn cap_everything(&mut self) -> Result<(), EngineError> {
        let Some(cap) = &self.plan.document().payout_cap else { return Ok(()) };
        let mut sums: BTreeMap<u32, i64> = BTreeMap::new();
        for line in &self.lines {
            *sums.entry(line.earner).or_default() += line.amount;
        }
        sums.retain(|_, sum| 0 < *sum);
        let plan_wide = PaidBonus { code: String::new(), indicator: String::new(), measure: None };
        let too_large = || EngineError::Overflow { person: String::new(), what: "the payout cap".to_owned() };
        let company: i128 =
            self.snapshot.people.volumes.of(Volume::Vc).iter().map(|vc| i128::from(*vc)).sum();
        let vc = Decimal::try_from_i128_with_scale(company, AMOUNT_SCALE).map_err(|_| too_large())?;
        let value = self.plan.document().volumes.vc_value;
        let allowed =
            vc.checked_mul(value).and_then(|all| all.checked_mul(cap.share_of_vc)).ok_or_else(too_large)?;
        let allowed = allowed.max(Decimal::ZERO);
        let mut total = Decimal::ZERO;
        for (row, sum) in &sums {
            let (currency, per_base_unit, _) = self.currencies[self.currency_index(*row as usize)];
            let in_base = from_minor(*sum, currency).checked_div(per_base_unit);
            total = in_base.and_then(|amount| total.checked_add(amount)).ok_or_else(too_large)?;
        }
        if total <= allowed {
            return Ok(());
        }
        let number = self.number_of(&plan_wide);
        let share = Decimal::ONE - allowed.checked_div(total).ok_or_else(too_large)?;
        for (row, sum) in sums {
            let row = row as usize;
            let (currency, ..) = self.currencies[self.currency_index(row)];
            let over = from_minor(sum, currency).checked_mul(share).ok_or_else(too_large)?;
            let rounding = self.plan.document().currencies.rounding;
            let minor = Snapshot::minor_units(currency, over, rounding).ok_or_else(too_large)?;
            if minor != 0 {
                self.take_back(number, row, LineKind::PayoutCap, minor)?;
            }
        }
        Ok(())
    }
}

/// A bracket made ready.
struct BracketRate {
    from: i64,
    rate: i64,
    factors: Vec<Factor>,
}

/// The rate of a level made ready.
struct LevelRate {
    rate: i64,
    factors: Vec<Factor>,
}

/// Rates and depth by rank.
#[derive(Default)]
struct LevelTable {
    rates: Vec<Vec<LevelRate>>,
    depth: Vec<usize>,
    deepest: usize,
}

impl LevelTable {
    /// The rate of a level from 1 for a rank, unless it is 0.
    fn rate(&self, rank: usize, level: usize) -> Option<&LevelRate> {
        self.rates.get(rank)?.get(level - 1).filter(|rate| rate.rate != 0)
    }
}

/// A unilevel bonus made ready.
struct Levels<'a> {
    number: u16,
    compression: Compression,
    roll_up_rate: RollUpRate,
    table: LevelTable,
    next_qualified: Vec<u32>,
    depth: Vec<u32>,
    parent: &'a [u32],
    when: Vec<bool>,
    qualified: Vec<bool>,
}

fn level_number(level: usize) -> u16 {
    u16::try_from(level).unwrap_or(u16::MAX)
}

/// The nearest qualified person above each.
fn next_qualified(tree: &Tree, qualified: &[bool]) -> Vec<u32> {
    let mut next = vec![NONE; tree.len()];
    for row in &tree.order {
        let upper = tree.parent[*row as usize];
        if upper != NONE {
            next[*row as usize] = if qualified[upper as usize] { upper } else { next[upper as usize] };
        }
    }
    next
}

fn depth_by_row(tree: &Tree) -> Vec<u32> {
    let mut depth = vec![0; tree.len()];
    for (row, level) in tree.order.iter().zip(&tree.depth) {
        depth[*row as usize] = *level;
    }
    depth
}

fn order_column(snapshot: &Snapshot, measure: OrderMeasure) -> &[i64] {
    match measure {
        OrderMeasure::Vq => &snapshot.orders.vq,
        OrderMeasure::Vc => &snapshot.orders.vc,
        OrderMeasure::Net => &snapshot.orders.net,
        OrderMeasure::Gross => &snapshot.orders.gross,
    }
}

/// A bracket's bound in ten-thousandths. A bound finer than volumes are kept is reached from the next volume on.
fn fixed_floor(bound: Decimal) -> i64 {
    let scaled = bound.checked_mul(Decimal::from(10_i64.pow(AMOUNT_SCALE)));
    let up = scaled.map(|bound| bound.ceil().mantissa() / 10_i128.pow(bound.ceil().scale()));
    up.and_then(|bound| i64::try_from(bound).ok()).unwrap_or(i64::MAX)
}

fn value_of_measure(plan: &Plan, measure: OrderMeasure) -> Decimal {
    let volumes = &plan.document().volumes;
    match measure {
        OrderMeasure::Vq => volumes.vq_value,
        OrderMeasure::Vc => volumes.vc_value,
        OrderMeasure::Net | OrderMeasure::Gross => Decimal::ONE,
    }
}

/// What a unit of an indicator is worth in the base currency: that of what it measures.
fn value_of(plan: &Plan, definition: &Indicator) -> Decimal {
    let volumes = &plan.document().volumes;
    match &definition.measure {
        Measure::Vq | Measure::ReturnsVq => volumes.vq_value,
        Measure::Vc | Measure::ReturnsVc => volumes.vc_value,
        Measure::Points => volumes.points_value,
        Measure::Indicator(code) => {
            plan.indicator(code).map_or(Decimal::ONE, |(_, measured)| value_of(plan, &measured.definition))
        }
        // A formula over points is taken to be over commissionable volume.
        Measure::Formula(_) if definition.unit == Unit::Points => volumes.vc_value,
        _ => Decimal::ONE,
    }
}

fn paid_bonus(plan: &Plan, bonus: &PlannedBonus) -> PaidBonus {
    let of = bonus.of.map(|index| &plan.indicators()[index].definition);
    let measure = match &bonus.definition.pays {
        Mechanic::Unilevel(Unilevel { on: LevelBase::Orders(measure), .. }) => Some(*measure),
        Mechanic::Percentage(Percentage {
            rate: Rate::Brackets(Brackets { marginal: true, .. }), ..
        }) => None,
        _ => of.and_then(own_orders),
    };
    PaidBonus {
        code: bonus.definition.code.clone(),
        indicator: of.map(|definition| definition.code.clone()).unwrap_or_default(),
        measure,
    }
}

/// What an indicator sums of a person's own orders of the cycle, if that is all it does.
fn own_orders(definition: &Indicator) -> Option<OrderMeasure> {
    let plain = definition.scope == Scope::Own
        && definition.aggregate == Aggregate::Sum
        && definition.window == Window::ThisCycle
        && definition.filter.is_none();
    match definition.measure {
        Measure::Vq if plain => Some(OrderMeasure::Vq),
        Measure::Vc if plain => Some(OrderMeasure::Vc),
        Measure::Net if plain => Some(OrderMeasure::Net),
        Measure::Gross if plain => Some(OrderMeasure::Gross),
        _ => None,
    }
}
