//! Where payout lines are made.

use std::borrow::Cow;

use foundation::money::Currency;
use jiff::tz::TimeZone;
use plan::{
    AMOUNT_SCALE, Plan, PlannedBonus, Role,
    bonus::{Award, LevelBase, OrderMeasure},
    indicator::{Aggregate, Indicator, Measure, Unit},
};
use rules::BoolColumn;
use rust_decimal::Decimal;

use super::{BonusContext, balances::Balances, paid_bonus, shares::Watch};
use crate::{
    amount::{Factor, Rounder},
    columns::{NONE, by_counting, position},
    fact_columns::days,
    failure::EngineError,
    indicators::Calculation,
    pairs::OrderColumns,
    past::last_day,
    payouts::{AwardLine, Conservation, LineKind, NotUndone, PaidBonus, PayoutLine},
    snapshot::Snapshot,
    view::rule_failed,
};

/// Where lines are made.
pub(super) struct Desk<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) plan: &'a Plan,
    pub(super) run: &'a Calculation<'a>,
    /// The currencies of the snapshot's people, in the order of its dictionary, with their exchange rates.
    pub(super) currencies: Vec<(Currency, Decimal, Rounder)>,
    pub(super) bonuses: Vec<PaidBonus>,
    pub(super) conservation: Vec<Conservation>,
    pub(super) lines: Vec<PayoutLine>,
    pub(super) awards: Vec<AwardLine>,
    pub(super) not_undone: Vec<NotUndone>,
    pub(super) balances: Balances,
    /// The company's time zone.
    pub(super) zone: TimeZone,
    /// The last day of the cycle, days since 1970-01-01.
    pub(super) today: i32,
    /// What is to be known besides the lines.
    pub(super) watch: Option<Watch>,
    /// Whether other threads may take a share: no other bonus is computed at the same time.
    pub(super) may_share: bool,
}

/// A line without its amount.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    pub(super) bonus: u16,
    pub(super) earner: usize,
    pub(super) source: usize,
    pub(super) order: u32,
    pub(super) level_walked: u16,
    pub(super) level_paid: u16,
    pub(super) base: i64,
    pub(super) rate: i64,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        plan: &'a Plan,
        run: &'a Calculation<'a>,
        context: BonusContext<'_>,
    ) -> Result<Self, EngineError> {
        let zone = TimeZone::get(&plan.document().time_zone).unwrap_or(TimeZone::UTC);
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
            awards: Vec::new(),
            not_undone: Vec::new(),
            balances: Balances::of(context.carried),
            today: days(last_day(snapshot.cycle.end, &zone)),
            zone,
            watch: None,
            may_share: true,
        })
    }

    pub(super) fn overflow(&self, row: usize, bonus: u16) -> EngineError {
        let code = self.bonuses.get(usize::from(bonus)).map_or("", |bonus| &bonus.code);
        EngineError::Overflow {
            person: self.snapshot.people.ids.get(row).to_owned(),
            what: format!("an amount of bonus {code}"),
        }
    }

    /// One factor per currency of the snapshot, for a rate on something of which a unit is worth `value`.
    pub(super) fn factors(
        &self,
        bonus: u16,
        rate: Decimal,
        value: Decimal,
    ) -> Result<Vec<Factor>, EngineError> {
        (0..self.currencies.len()).map(|at| self.factor(bonus, rate, value, at)).collect()
    }

    /// The factor of one currency.
    pub(super) fn factor(
        &self,
        bonus: u16,
        rate: Decimal,
        value: Decimal,
        at: usize,
    ) -> Result<Factor, EngineError> {
        let (currency, per_base_unit, _) = &self.currencies[at];
        // Points are no currency and are worth themselves.
        let (value, per_base_unit) =
            if self.is_money(bonus) { (value, per_base_unit) } else { (Decimal::ONE, &Decimal::ONE) };
        Factor::of([rate, value, *per_base_unit]).ok_or_else(|| EngineError::TooFine {
            what: "rate × value of a point × exchange rate",
            of: format!("bonus {} in {currency}", self.bonuses[usize::from(bonus)].code),
            decimals: crate::amount::EXACT_SCALE - AMOUNT_SCALE,
            found: format!("{rate} × {value} × {per_base_unit}"),
        })
    }

    pub(super) fn currency_index(&self, row: usize) -> usize {
        self.snapshot.people.currency.codes[row] as usize
    }

    /// Makes a line, unless there is nothing to pay.
    pub(super) fn pay(&mut self, claim: Claim, factor: Factor) -> Result<(), EngineError> {
        if claim.base == 0 || factor.is_zero() {
            return Ok(());
        }
        let exact = factor.times(claim.base).ok_or_else(|| self.overflow(claim.earner, claim.bonus))?;
        self.line(claim, LineKind::Earned, exact)
    }

    pub(super) fn line(&mut self, claim: Claim, kind: LineKind, exact: i128) -> Result<(), EngineError> {
        let (_, rounder) = self.unit_of(claim.bonus, claim.earner);
        let amount = rounder.round(exact).ok_or_else(|| self.overflow(claim.earner, claim.bonus))?;
        self.rounded_line(claim, kind, exact, amount);
        Ok(())
    }

    /// A line with its amount in minor units, or what is earned in something other than money.
    pub(super) fn rounded_line(&mut self, claim: Claim, kind: LineKind, exact: i128, amount: i64) {
        let (earner, source) = (position(claim.earner), position(claim.source));
        let (currency, ..) = self.currencies[self.currency_index(claim.earner)];
        let Claim { bonus, order, level_walked, level_paid, base, rate, .. } = claim;
        if kind == LineKind::Earned && !self.is_money(bonus) {
            let counted = self.bonuses[usize::from(bonus)].award == Award::Points;
            let quantity = if counted { amount } else { 1 };
            self.awards.push(AwardLine {
                earner,
                bonus,
                source,
                order,
                level_paid,
                base,
                rate,
                exact,
                quantity,
            });
            return;
        }
        self.lines.push(PayoutLine {
            earner,
            bonus,
            kind,
            source,
            order,
            level_walked,
            level_paid,
            base,
            rate,
            exact,
            amount,
            currency,
        });
    }

    /// Whether a bonus is paid in money.
    pub(super) fn is_money(&self, bonus: u16) -> bool {
        self.bonuses.get(usize::from(bonus)).is_none_or(|bonus| bonus.award.is_money())
    }

    /// What a unit of the base currency is for a person, and how it is rounded; points are rounded to whole ones.
    pub(super) fn unit_of(&self, bonus: u16, row: usize) -> (Decimal, Rounder) {
        let (_, per_base_unit, rounder) = self.currencies[self.currency_index(row)];
        if self.is_money(bonus) {
            (per_base_unit, rounder)
        } else {
            (Decimal::ONE, Rounder::whole(self.plan.document().currencies.rounding))
        }
    }

    /// Who is paid a bonus: consultants for whom `when` holds.
    pub(super) fn who(&self, rule: &rules::Program, code: &str) -> Result<Vec<bool>, EngineError> {
        let mut held = self.run.truths(rule, code)?;
        for (held, consultant) in held.iter_mut().zip(&self.snapshot.people.consultant) {
            *held &= consultant;
        }
        Ok(held)
    }

    /// Which orders count, under the bonus's `where`; late returns never do.
    pub(super) fn orders_that_count(&self, bonus: &PlannedBonus) -> Result<Vec<bool>, EngineError> {
        let orders = &self.snapshot.orders;
        let mut counts: Vec<bool> = orders.is_late.iter().map(|late| !late).collect();
        if let Some(rule) = bonus.rule(Role::Where) {
            let view = self.run.view();
            let columns = OrderColumns::of(&view, rule, &self.zone);
            let mut held = BoolColumn::default();
            rule.evaluate_columns(&columns, 0..orders.len(), &mut held).map_err(|reason| {
                let buyer = reason.row.and_then(|order| orders.person.get(order)).copied().unwrap_or(0);
                let of = format!("the orders of bonus {}", bonus.definition.code);
                rule_failed(&of, self.snapshot, buyer as usize, &reason)
            })?;
            for (counts, held) in counts.iter_mut().zip(held.values) {
                *counts &= held;
            }
        }
        self.only_watched(&mut counts);
        Ok(counts)
    }

    /// What each member, or each of their orders, brings: row of the member, row of the order or [`NONE`], how much. Nothing is left
    /// out but what `where` leaves out and what is 0.
    pub(super) fn brought(
        &self,
        number: u16,
        bonus: &PlannedBonus,
        on: &LevelBase,
    ) -> Result<Vec<(u32, u32, i64)>, EngineError> {
        let brought: Vec<(u32, u32, i64)> = match on {
            LevelBase::Indicator(_) => {
                let base = self.paid_on(bonus.indicator(Role::On).unwrap_or(usize::MAX), number)?;
                let counts = match bonus.rule(Role::Where) {
                    Some(rule) => self.run.truths(rule, &bonus.definition.code)?,
                    None => vec![true; base.len()],
                };
                let members = (0..base.len()).filter(|row| counts[*row] && base[*row] != 0);
                members.map(|row| (position(row), NONE, base[row])).collect()
            }
            LevelBase::Orders(measure) => {
                let orders = &self.snapshot.orders;
                let column = order_column(self.snapshot, *measure)?;
                let counts = self.orders_that_count(bonus)?;
                let counted = (0..orders.len()).filter(|order| counts[*order] && column[*order] != 0);
                let of_order = |order: usize| {
                    let sign = if orders.is_return[order] { -1 } else { 1 };
                    (orders.person[order], position(order), column[order] * sign)
                };
                counted.map(of_order).collect()
            }
        };
        if brought.is_sorted_by_key(|(row, ..)| *row) {
            return Ok(brought);
        }
        // Who stand next to each other have nearly the same people above them.
        let (order, _) = by_counting(brought.iter().map(|(row, ..)| *row), self.snapshot.people.len());
        Ok(order.into_iter().map(|place| brought[place as usize]).collect())
    }

    /// What a unit is worth of what each member or order brings.
    pub(super) fn value_brought(&self, bonus: &PlannedBonus, on: &LevelBase) -> Decimal {
        match (on, bonus.indicator(Role::On)) {
            (LevelBase::Orders(measure), _) => value_of_measure(self.plan, *measure),
            (LevelBase::Indicator(_), Some(on)) => {
                value_of(self.plan, &self.plan.indicators()[on].definition)
            }
            (LevelBase::Indicator(_), None) => Decimal::ONE,
        }
    }

    /// An indicator as a base of [`AMOUNT_SCALE`] decimals.
    pub(super) fn base(&self, index: usize, bonus: u16) -> Result<Cow<'a, [i64]>, EngineError> {
        let planned = &self.plan.indicators()[index];
        let values = &self.run.columns[index];
        let power = 10_i64.pow(AMOUNT_SCALE.saturating_sub(planned.scale));
        if power == 1 {
            return Ok(Cow::Borrowed(values));
        }
        let scaled =
            |(row, value): (usize, &i64)| value.checked_mul(power).ok_or_else(|| self.overflow(row, bonus));
        values.iter().enumerate().map(scaled).collect()
    }

    pub(super) fn keep_account(
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

    /// The place of a bonus of an earlier plan among those of this run.
    pub(super) fn number_of(&mut self, bonus: &PaidBonus) -> u16 {
        let known = self.bonuses.iter().position(|known| known.code == bonus.code);
        let place = known.unwrap_or_else(|| {
            self.bonuses.push(bonus.clone());
            self.bonuses.len() - 1
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }
}

/// What every order brings by a measure, returns with a positive sign as they are kept.
pub(super) fn order_column(
    snapshot: &Snapshot,
    measure: OrderMeasure,
) -> Result<Cow<'_, [i64]>, EngineError> {
    let orders = &snapshot.orders;
    Ok(Cow::Borrowed(match measure {
        OrderMeasure::Vq => &orders.vq,
        OrderMeasure::Vc => &orders.vc,
        OrderMeasure::Net => &orders.net,
        OrderMeasure::Gross => &orders.gross,
        OrderMeasure::Points => &orders.points,
        OrderMeasure::Units => &orders.units,
        OrderMeasure::Count => return Ok(Cow::Owned(vec![10_i64.pow(AMOUNT_SCALE); orders.len()])),
        OrderMeasure::Margin => return margins(snapshot).map(Cow::Owned),
    }))
}

/// What customers paid less what a consultant would have paid, in the base currency.
fn margins(snapshot: &Snapshot) -> Result<Vec<i64>, EngineError> {
    let orders = &snapshot.orders;
    let margin = |(order, (customers, consultant)): (usize, (&i64, &i64))| {
        customers.checked_sub(*consultant).ok_or_else(|| EngineError::Overflow {
            person: orders.ids.get(order).to_owned(),
            what: "the margin of an order".to_owned(),
        })
    };
    orders.customer_price.iter().zip(&orders.consultant_price).enumerate().map(margin).collect()
}

/// A bracket's bound with `scale` decimals. A bound finer than values are kept is reached from the next value on.
pub(super) fn fixed_floor(bound: Decimal, scale: u32) -> i64 {
    let scaled = bound.checked_mul(Decimal::from(10_i64.pow(scale)));
    let up = scaled.map(|bound| bound.ceil().mantissa() / 10_i128.pow(bound.ceil().scale()));
    up.and_then(|bound| i64::try_from(bound).ok()).unwrap_or(i64::MAX)
}

pub(super) fn value_of_measure(plan: &Plan, measure: OrderMeasure) -> Decimal {
    let volumes = &plan.document().volumes;
    match measure {
        OrderMeasure::Vq => volumes.vq_value,
        OrderMeasure::Vc => volumes.vc_value,
        OrderMeasure::Points => volumes.points_value,
        OrderMeasure::Net
        | OrderMeasure::Gross
        | OrderMeasure::Units
        | OrderMeasure::Count
        | OrderMeasure::Margin => Decimal::ONE,
    }
}

/// What a unit of an indicator is worth in the base currency: that of what it measures. People and legs are counted, not measured.
pub(super) fn value_of(plan: &Plan, definition: &Indicator) -> Decimal {
    let volumes = &plan.document().volumes;
    if matches!(definition.aggregate, Aggregate::Count | Aggregate::Legs) {
        return Decimal::ONE;
    }
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
