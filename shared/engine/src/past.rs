//! What windows look at: the cycle being computed and those before it, order by order where an indicator asks for it.

use std::{collections::HashMap, sync::Arc};

use foundation::cycle::Cycle;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use plan::{
    Plan, PlannedBonus, PlannedIndicator,
    bonus::{Mechanic, Period},
    indicator::{Aggregate, Measure, Over, RankBasis, Window},
};
use rules::BoolColumn;

use crate::{
    columns::NONE,
    exact,
    failure::EngineError,
    indicators::{Calculation, IndicatorColumn, Indicators, Values, tree_of},
    pairs::{OrderColumns, days_after},
    ranks::Ranks,
    reduce::Total,
    snapshot::{NO_DAY, Orders, Snapshot, Volume},
    view::rule_failed,
};

/// What an earlier cycle computed.
#[derive(Clone, Copy, Debug)]
pub struct CycleResults<'a> {
    /// Its indicators before ranks, or all.
    pub indicators: &'a Indicators,
    /// Those after ranks, where they are apart.
    pub after_ranks: Option<&'a Indicators>,
    /// Its ranks.
    pub ranks: &'a Ranks,
}

impl<'a> CycleResults<'a> {
    fn column(&self, code: &str) -> Option<&'a IndicatorColumn> {
        self.indicators.column(code).or_else(|| self.after_ranks.and_then(|after| after.column(code)))
    }
}

/// Earlier cycles a plan's indicators look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryNeeded {
    /// The latest so many.
    pub cycles: usize,
    /// All of this period of the calendar too.
    pub period: Option<Period>,
    /// All of the plan's own period too: the days its periods begin on; none if that is not asked.
    pub starts: Vec<Date>,
    /// All there are.
    pub everything: bool,
    /// Their results too ([`crate::Context::results`]).
    pub results: bool,
}

impl HistoryNeeded {
    /// Whether anything is needed.
    pub fn is_nothing(&self) -> bool {
        self.cycles == 0 && self.period.is_none() && self.starts.is_empty() && !self.everything
    }

    /// Whether the earlier cycle at `place`, 0 being the latest, is needed to compute `now`.
    pub fn wants(&self, place: usize, earlier: &Cycle, now: &Cycle, zone: &TimeZone) -> bool {
        let plan_period = (!self.starts.is_empty()).then_some(Period::Plan);
        self.everything
            || place < self.cycles
            || [self.period, plan_period].into_iter().flatten().any(|period| {
                period.is_shared(last_day(earlier.end, zone), last_day(now.end, zone), &self.starts)
            })
    }
}

/// The last local day before a cycle's end.
pub(crate) fn last_day(end: Timestamp, zone: &TimeZone) -> Date {
    let end = end.to_zoned(zone.clone()).date();
    end.yesterday().unwrap_or(end)
}

/// Which earlier cycles have to be in [`crate::Context::history`].
pub fn history_needed(plan: &Plan) -> HistoryNeeded {
    let mut needed = HistoryNeeded::default();
    for planned in plan.indicators().iter().filter(|planned| planned.needed) {
        let definition = &planned.definition;
        let volume = volume_of(&definition.measure);
        match definition.window {
            Window::ThisCycle => continue,
            Window::Previous(k) => needed.cycles = needed.cycles.max(usize::from(k)),
            Window::Last(n) => needed.cycles = needed.cycles.max(usize::from(n) - 1),
            Window::CalendarMonth | Window::CalendarQuarter | Window::CalendarHalf | Window::CalendarYear => {
                needed.period = needed.period.max(definition.window.period());
            }
            Window::PlanPeriod => needed.starts.clone_from(&plan.document().period_starts),
            Window::Lifetime => needed.everything |= volume.is_none() || !is_carried(planned),
            Window::DaysSinceJoining(_) => needed.everything = true,
        }
        needed.results |=
            matches!(definition.measure, Measure::Indicator(_) | Measure::Formula(_) | Measure::Rank);
    }
    needed
}

/// Refuses a cycle after the plan's last period where something asks for its period.
pub(crate) fn require_period(snapshot: &Snapshot, plan: &Plan) -> Result<(), EngineError> {
    let document = plan.document();
    let is_asked = |planned: &PlannedIndicator| {
        planned.needed && planned.definition.window.period() == Some(Period::Plan)
    };
    let true_up = |bonus: &PlannedBonus| matches!(&bonus.definition.pays, Mechanic::Percentage(how) if how.true_up == Some(Period::Plan));
    let Some(end) = document.period_starts.last() else { return Ok(()) };
    let zone = TimeZone::get(&document.time_zone).unwrap_or(TimeZone::UTC);
    let day = last_day(snapshot.cycle.end, &zone);
    if day < *end || !(plan.indicators().iter().any(is_asked) || plan.bonuses().iter().any(true_up)) {
        return Ok(());
    }
    Err(EngineError::NoPeriod { cycle: snapshot.cycle.id.to_string(), day, end: *end })
}

/// Whether a lifetime sum of orders is the one carried from cycle to cycle.
fn is_carried(planned: &PlannedIndicator) -> bool {
    planned.only_where.is_none() && planned.definition.options.over == Over::Members
}

/// The sum of orders a measure is, if it is one.
pub(crate) fn volume_of(measure: &Measure) -> Option<Volume> {
    Some(match measure {
        Measure::Vq => Volume::Vq,
        Measure::Vc => Volume::Vc,
        Measure::Net => Volume::Net,
        Measure::Gross => Volume::Gross,
        Measure::Orders => Volume::Orders,
        Measure::Units => Volume::Units,
        Measure::Points => Volume::Points,
        Measure::ReturnsVq => Volume::ReturnsVq,
        Measure::ReturnsVc => Volume::ReturnsVc,
        Measure::ReturnsCount => Volume::ReturnsCount,
        Measure::People
        | Measure::UnpaidBalance
        | Measure::Rank
        | Measure::Level
        | Measure::Indicator(_)
        | Measure::Formula(_) => return None,
    })
}

/// A cycle of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// The one being computed.
    Now,
    /// The one at this place of the history.
    Earlier(usize),
}

impl Calculation<'_> {
    /// The cycles of a window, the latest first, as far as they are given.
    fn cycles_of(&self, window: Window) -> Vec<When> {
        let history = self.context.history;
        let known = |count: usize| (0..count.min(history.len())).map(When::Earlier);
        let now = std::iter::once(When::Now);
        match window {
            Window::ThisCycle => now.collect(),
            Window::Previous(k) => known(usize::from(k)).skip(usize::from(k) - 1).collect(),
            Window::Last(n) => now.chain(known(usize::from(n) - 1)).collect(),
            Window::Lifetime | Window::DaysSinceJoining(_) => now.chain(known(usize::MAX)).collect(),
            Window::CalendarMonth
            | Window::CalendarQuarter
            | Window::CalendarHalf
            | Window::CalendarYear
            | Window::PlanPeriod => {
                let document = self.plan.document();
                let zone = TimeZone::get(&document.time_zone).unwrap_or(TimeZone::UTC);
                let today = last_day(self.snapshot.cycle.end, &zone);
                let is_of = |place: &usize| {
                    let then = last_day(history[*place].cycle.end, &zone);
                    let period = window.period();
                    period.is_some_and(|period| period.is_shared(then, today, &document.period_starts))
                };
                now.chain((0..history.len()).filter(is_of).map(When::Earlier)).collect()
            }
        }
    }

    /// What is measured on each person over the window, with the decimals of [`PlannedIndicator::base_scale`].
    pub(crate) fn over_window(&self, planned: &PlannedIndicator) -> Result<Vec<i128>, EngineError> {
        let definition = &planned.definition;
        if let Some(volume) = volume_of(&definition.measure) {
            let by_order =
                planned.only_where.is_some() || matches!(definition.window, Window::DaysSinceJoining(_));
            if by_order {
                return Ok(self.order_totals(planned)?.into_iter().map(|total| total.sum).collect());
            }
            if definition.window == Window::Lifetime {
                let sums = self.snapshot.people.lifetime.of(volume);
                return Ok(sums.iter().copied().map(i128::from).collect());
            }
        }
        let mut sums = vec![0_i128; self.snapshot.people.len()];
        for when in self.cycles_of(definition.window) {
            for (row, (sum, value)) in sums.iter_mut().zip(self.in_cycle(when, planned)?).enumerate() {
                *sum = sum.checked_add(value.unwrap_or(0)).ok_or_else(|| self.too_large(row, planned))?;
            }
        }
        Ok(sums)
    }

    /// What is measured on each person in each cycle of the window.
    pub(crate) fn cycle_totals(&self, planned: &PlannedIndicator) -> Result<Vec<Total>, EngineError> {
        let mut totals = vec![Total::NOBODY; self.snapshot.people.len()];
        let by_order = planned.only_where.is_some();
        for when in self.cycles_of(planned.definition.window) {
            let values = if by_order {
                let there = self.in_cycle(when, planned)?;
                let sums = self.totals_of_orders(&[when], planned)?;
                there.iter().zip(sums).map(|(there, total)| there.map(|_| total.sum)).collect()
            } else {
                self.in_cycle(when, planned)?
            };
            for (row, (total, value)) in totals.iter_mut().zip(values).enumerate() {
                let Some(value) = value else { continue };
                total.sum.checked_add(value).ok_or_else(|| self.too_large(row, planned))?;
                *total = total.with(Total::of(value));
            }
        }
        Ok(totals)
    }

    pub(crate) fn too_large(&self, row: usize, planned: &PlannedIndicator) -> EngineError {
        EngineError::Overflow {
            person: self.snapshot.people.ids.get(row).to_owned(),
            what: format!("indicator {}", planned.definition.code),
        }
    }

    /// What is measured on each person in one cycle; nothing for those who were not there.
    fn in_cycle(&self, when: When, planned: &PlannedIndicator) -> Result<Vec<Option<i128>>, EngineError> {
        let When::Earlier(place) = when else {
            return Ok(self.now(planned)?.into_iter().map(Some).collect());
        };
        let values = self.earlier(place, planned)?;
        let rows = &self.earlier_rows[place];
        Ok(rows
            .iter()
            .map(|old| (*old != NONE).then(|| values.get(*old as usize).copied().unwrap_or(0)))
            .collect())
    }

    /// What is measured on each person in the cycle being computed.
    pub(crate) fn now(&self, planned: &PlannedIndicator) -> Result<Vec<i128>, EngineError> {
        let of = |index: usize| self.quotients.get(index).filter(|quotients| !quotients.is_empty());
        if let Some(quotients) = planned.measured.and_then(of) {
            let known = |mantissa: &i128| if *mantissa == exact::MISSING { 0 } else { *mantissa };
            return Ok(quotients.mantissas.iter().map(known).collect());
        }
        if let (Some(formula), true) = (&planned.formula, planned.base_scale == plan::RATIO_SCALE) {
            return self.ratios(formula, planned);
        }
        Ok(self.measure(planned)?.iter().copied().map(i128::from).collect())
    }

    /// What was measured on each person of an earlier cycle; empty where it is not known.
    fn earlier(&self, place: usize, planned: &PlannedIndicator) -> Result<Vec<i128>, EngineError> {
        let then = &self.context.history[place];
        let results = self.context.results.get(place).copied().flatten();
        let wide = |values: &[i64]| values.iter().copied().map(i128::from).collect();
        let codes = |ranks: &[u8]| ranks.iter().copied().map(i128::from).collect();
        Ok(match &planned.definition.measure {
            Measure::People => vec![1; then.people.len()],
            Measure::Level => wide(&then.people.tree(tree_of(planned)).levels::<i64>()),
            Measure::Rank => match (planned.definition.options.ranks, results) {
                (RankBasis::Previous, _) => codes(&then.people.previous_rank),
                (RankBasis::Paid, Some(results)) => codes(&results.ranks.paid),
                (RankBasis::Paid, None) => Vec::new(),
            },
            Measure::Indicator(_) => {
                let measured = planned.measured.and_then(|index| self.plan.indicators().get(index));
                let stored = measured
                    .zip(results)
                    .and_then(|(measured, results)| results.column(&measured.definition.code));
                let Some(column) = stored else { return Ok(Vec::new()) };
                match &column.values {
                    Values::Fixed(values) if column.scale == planned.base_scale => wide(values),
                    _ => (0..then.people.len())
                        .map(|row| {
                            let value = column.value(u32::try_from(row).unwrap_or(NONE));
                            exact::mantissa(value, planned.base_scale)
                                .ok_or_else(|| self.too_large(row, planned))
                        })
                        .collect::<Result<_, _>>()?,
                }
            }
            Measure::Formula(_) => match (results, &planned.formula) {
                (Some(results), Some(formula)) => {
                    let run = self.restored_then(then, results);
                    if planned.base_scale == plan::RATIO_SCALE {
                        run.ratios(formula, planned)?
                    } else {
                        wide(&run.measure(planned)?)
                    }
                }
                _ => Vec::new(),
            },
            measure => match volume_of(measure) {
                Some(volume) => wide(then.people.volumes.of(volume)),
                None => Vec::new(),
            },
        })
    }

    /// An earlier cycle as rules of today see it. Indicators it did not compute are 0.
    fn restored_then<'b>(&'b self, then: &'b Snapshot, results: CycleResults<'_>) -> Calculation<'b> {
        let mut run = Calculation::bare(then, self.plan);
        run.active.clone_from(&results.indicators.active);
        run.paid.clone_from(&results.ranks.paid);
        run.earned.clone_from(&results.ranks.earned);
        for (index, planned) in self.plan.indicators().iter().enumerate() {
            match results.column(&planned.definition.code) {
                Some(column) if column.scale == planned.scale => run.put(index, column.values.clone()),
                _ => run.put(index, Values::Fixed(Arc::new(vec![0; then.people.len()]))),
            }
        }
        run
    }

    /// What each person's orders of the window come to: a value per sale (per return, for measures of returns).
    pub(crate) fn order_totals(&self, planned: &PlannedIndicator) -> Result<Vec<Total>, EngineError> {
        self.totals_of_orders(&self.cycles_of(planned.definition.window), planned)
    }

    fn totals_of_orders(
        &self,
        cycles: &[When],
        planned: &PlannedIndicator,
    ) -> Result<Vec<Total>, EngineError> {
        let definition = &planned.definition;
        let mut totals = vec![Total::NOBODY; self.snapshot.people.len()];
        let Some(volume) = volume_of(&definition.measure) else { return Ok(totals) };
        let ranged = matches!(definition.aggregate, Aggregate::Max | Aggregate::Min);
        let mut sold: Vec<(usize, i128)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut returned: Vec<(&str, i128)> = Vec::new();
        for when in cycles {
            let (snapshot, buyers) = self.buyers(*when);
            let orders = &snapshot.orders;
            let counts = self.counted(snapshot, &buyers, planned)?;
            for order in (0..orders.len()).filter(|order| counts.as_ref().is_none_or(|counts| counts[*order]))
            {
                let row = buyers[order] as usize;
                if buyers[order] == NONE || orders.is_late[order] {
                    continue;
                }
                let Some(value) = brought(orders, volume, order) else { continue };
                let total = &mut totals[row];
                if orders.is_return[order] && !is_of_returns(volume) {
                    total.sum -= value;
                    if ranged {
                        returned.push((orders.reverses.get(order), value));
                    }
                    continue;
                }
                total.sum += value;
                total.members += 1;
                if ranged {
                    places.insert(orders.ids.get(order), sold.len());
                    sold.push((row, value));
                }
            }
        }
        for (sale, value) in returned {
            if let Some((_, left)) = places.get(sale).and_then(|place| sold.get_mut(*place)) {
                *left -= value;
            }
        }
        for (row, value) in sold {
            let total = &mut totals[row];
            *total = Total { sum: total.sum, members: total.members, ..total.with(Total::of(value)) };
        }
        Ok(totals)
    }

    /// The snapshot of a cycle, and the row of each order's buyer today.
    fn buyers(&self, when: When) -> (&Snapshot, Vec<u32>) {
        let When::Earlier(place) = when else {
            return (self.snapshot, self.snapshot.orders.person.to_vec());
        };
        let then = &self.context.history[place];
        let mut today = vec![NONE; then.people.len()];
        for (row, old) in self.earlier_rows[place].iter().enumerate().filter(|(_, old)| **old != NONE) {
            today[*old as usize] = crate::columns::position(row);
        }
        (then, then.orders.person.iter().map(|old| today[*old as usize]).collect())
    }

    /// Which orders of a cycle count; nothing where all do.
    fn counted(
        &self,
        snapshot: &Snapshot,
        buyers: &[u32],
        planned: &PlannedIndicator,
    ) -> Result<Option<Vec<bool>>, EngineError> {
        let orders = &snapshot.orders;
        let zone = TimeZone::get(&self.plan.document().time_zone).unwrap_or(TimeZone::UTC);
        let mut counts = None;
        if let Some(rule) = &planned.only_where {
            // Buyers who are not there any more are left out later, whatever is found here.
            let known: Vec<u32> = buyers.iter().map(|row| if *row == NONE { 0 } else { *row }).collect();
            let view = self.view();
            let columns = OrderColumns::brought_by(&view, orders, &known, rule, &zone);
            let mut held = BoolColumn::default();
            rule.evaluate_columns(&columns, 0..orders.len(), &mut held).map_err(|reason| {
                let row = reason.row.and_then(|order| known.get(order)).map_or(0, |row| *row as usize);
                rule_failed(&planned.definition.code, self.snapshot, row, &reason)
            })?;
            counts = Some(held.values);
        }
        if let Window::DaysSinceJoining(days) = planned.definition.window {
            let joined_on = &self.snapshot.people.joined_on;
            let counts = counts.get_or_insert_with(|| vec![true; orders.len()]);
            for (order, counts) in counts.iter_mut().enumerate() {
                let joined = joined_on.get(buyers[order] as usize).copied().unwrap_or(NO_DAY);
                let since = days_after(joined, orders.paid_at[order], &zone);
                *counts &= joined != NO_DAY && (0..i64::from(days)).contains(&since);
            }
        }
        Ok(counts)
    }
}

/// What an order brings of a volume, without a sign; nothing if it is none of its orders.
fn brought(orders: &Orders, volume: Volume, order: usize) -> Option<i128> {
    let is_return = orders.is_return[order];
    Some(i128::from(match volume {
        Volume::Vq => orders.vq[order],
        Volume::Vc => orders.vc[order],
        Volume::Net => orders.net[order],
        Volume::Gross => orders.gross[order],
        Volume::Units => orders.units[order],
        Volume::Points => orders.points[order],
        Volume::Orders if !is_return => 1,
        Volume::ReturnsVq if is_return => orders.vq[order],
        Volume::ReturnsVc if is_return => orders.vc[order],
        Volume::ReturnsCount if is_return => 1,
        Volume::Orders | Volume::ReturnsVq | Volume::ReturnsVc | Volume::ReturnsCount => return None,
    }))
}

fn is_of_returns(volume: Volume) -> bool {
    matches!(volume, Volume::ReturnsVq | Volume::ReturnsVc | Volume::ReturnsCount)
}
