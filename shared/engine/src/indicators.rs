//! Indicators: all that a plan needs, in few passes from the leaves to the root.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use plan::{
    Plan, PlannedIndicator,
    indicator::{Aggregate, Measure, RankBasis, Scope, Tree as TreeName, Window},
};
use rules::{BoolColumn, NumberColumn};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::{
    columns::{NONE, position},
    failure::EngineError,
    fold::{Base, Lane, Shape, fold, upline},
    ranks::Ranks,
    snapshot::{Snapshot, Volume, earlier_rows, fixed},
    view::{Extra, View, rule_failed},
};

/// The values of one indicator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndicatorColumn {
    /// Code of the indicator.
    pub code: String,
    /// Decimals of the values.
    pub scale: u32,
    /// `values[row] / 10^scale`.
    pub values: Vec<i64>,
}

impl IndicatorColumn {
    /// The value of a row.
    pub fn value(&self, row: u32) -> Decimal {
        let mantissa = self.values.get(row as usize).copied().unwrap_or(0);
        Decimal::try_new(mantissa, self.scale).unwrap_or_default()
    }
}

/// Indicators of one step, in the order of the plan. Rows are those of the snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indicators {
    /// Whether each person is active.
    pub active: Vec<bool>,
    /// The values.
    pub columns: Vec<IndicatorColumn>,
}

impl Indicators {
    /// The column of an indicator.
    pub fn column(&self, code: &str) -> Option<&IndicatorColumn> {
        self.columns.iter().find(|column| column.code == code)
    }

    /// The value of an indicator of a person.
    pub fn value(&self, code: &str, row: u32) -> Option<Decimal> {
        self.column(code).map(|column| column.value(row))
    }
}

/// An indicator of one person, set by hand. Everything computed later sees the set value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// Id of the person.
    pub person: String,
    /// Code of the indicator.
    pub indicator: String,
    /// The value.
    pub value: Decimal,
    /// Why.
    pub reason: String,
}

/// What a run reads besides its snapshot and plan.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// Snapshots of earlier cycles, the latest first. Cycles before the company's first have no volume.
    pub history: &'a [Snapshot],
    /// Indicators set by hand.
    pub adjustments: &'a [Adjustment],
}

/// Earlier snapshots a plan's indicators look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryNeeded {
    /// The latest so many.
    pub cycles: usize,
    /// All of the calendar year too.
    pub calendar_year: bool,
}

/// Which earlier snapshots have to be in [`Context::history`].
pub fn history_needed(plan: &Plan) -> HistoryNeeded {
    let mut needed = HistoryNeeded::default();
    for indicator in plan.indicators().iter().filter(|indicator| indicator.needed) {
        match indicator.definition.window {
            Window::Previous(k) => needed.cycles = needed.cycles.max(usize::from(k)),
            Window::Last(n) => needed.cycles = needed.cycles.max(usize::from(n) - 1),
            Window::CalendarYear => needed.calendar_year = true,
            Window::ThisCycle | Window::Lifetime | Window::DaysSinceJoining(_) => {}
        }
    }
    needed
}

/// All indicators that do not need this cycle's ranks, and who is active.
pub fn calculate_indicators(
    snapshot: &Snapshot,
    plan: &Plan,
    context: Context<'_>,
) -> Result<Indicators, EngineError> {
    let mut run = Calculation::new(snapshot, plan, context)?;
    run.before_ranks()?;
    Ok(run.into_indicators(false))
}

/// Puts computed indicators back in their places, to go on from.
pub(crate) fn restored<'a>(
    snapshot: &'a Snapshot,
    plan: &'a Plan,
    context: Context<'a>,
    indicators: &[&'a Indicators],
) -> Result<Calculation<'a>, EngineError> {
    let mut run = Calculation::new(snapshot, plan, context)?;
    for stored in indicators {
        if stored.active.len() != snapshot.people.len() {
            return Err(EngineError::Mismatch("the indicators are not of this snapshot".to_owned()));
        }
        run.active.clone_from(&stored.active);
        for column in &stored.columns {
            let (index, planned) = plan
                .indicator(&column.code)
                .ok_or_else(|| EngineError::Mismatch(format!("the plan has no indicator {}", column.code)))?;
            if planned.scale != column.scale || column.values.len() != snapshot.people.len() {
                return Err(EngineError::Mismatch(format!("the column {} is of another run", column.code)));
            }
            run.columns[index] = Cow::Borrowed(&column.values);
        }
    }
    Ok(run)
}

/// The computation of indicators as far as it is.
pub(crate) struct Calculation<'a> {
    snapshot: &'a Snapshot,
    plan: &'a Plan,
    context: Context<'a>,
    extra: Extra,
    /// For each earlier snapshot the row of each person there.
    earlier_rows: Vec<Vec<u32>>,
    pub(crate) active: Vec<bool>,
    pub(crate) columns: Vec<Cow<'a, [i64]>>,
    pub(crate) paid: Vec<u8>,
    pub(crate) earned: Vec<u8>,
}

impl<'a> Calculation<'a> {
    fn new(snapshot: &'a Snapshot, plan: &'a Plan, context: Context<'a>) -> Result<Self, EngineError> {
        if snapshot.plan_hash != plan.hash() {
            return Err(EngineError::Mismatch("the snapshot was made with another plan".to_owned()));
        }
        let mut later = &snapshot.cycle;
        for earlier in context.history {
            if later.start < earlier.cycle.end {
                return Err(EngineError::Mismatch(
                    "the earlier snapshots are not ordered, latest first".to_owned(),
                ));
            }
            later = &earlier.cycle;
        }
        Ok(Self {
            snapshot,
            plan,
            context,
            extra: Extra::of(snapshot, plan),
            earlier_rows: context
                .history
                .iter()
                .map(|earlier| earlier_rows(&snapshot.people, &earlier.people))
                .collect(),
            active: Vec::new(),
            columns: vec![Cow::Borrowed(&[]); plan.indicators().len()],
            paid: Vec::new(),
            earned: Vec::new(),
        })
    }

    /// What rules see now.
    pub(crate) fn view(&self) -> View<'_> {
        View {
            plan: self.plan,
            snapshot: self.snapshot,
            active: &self.active,
            columns: &self.columns,
            paid: &self.paid,
            earned: &self.earned,
            extra: &self.extra,
        }
    }

    fn before_ranks(&mut self) -> Result<(), EngineError> {
        let last = self.last_stage(false).max(self.plan.activity_stage());
        for stage in 0..=last {
            if stage == self.plan.activity_stage() {
                self.active = self.truths(self.plan.activity(), "activity")?;
            }
            self.stage(stage, false)?;
        }
        Ok(())
    }

    /// The indicators that need ranks.
    pub(crate) fn after_ranks(&mut self, ranks: &Ranks) -> Result<(), EngineError> {
        self.paid.clone_from(&ranks.paid);
        self.earned.clone_from(&ranks.earned);
        for stage in 0..=self.last_stage(true) {
            self.stage(stage, true)?;
        }
        Ok(())
    }

    fn last_stage(&self, after_ranks: bool) -> u16 {
        let of_phase = |planned: &&PlannedIndicator| planned.needed && planned.after_ranks == after_ranks;
        self.plan.indicators().iter().filter(of_phase).map(|planned| planned.stage).max().unwrap_or(0)
    }

    fn stage(&mut self, stage: u16, after_ranks: bool) -> Result<(), EngineError> {
        let plan = self.plan;
        let of_stage: Vec<(usize, &PlannedIndicator)> = plan
            .indicators()
            .iter()
            .enumerate()
            .filter(|(_, planned)| {
                planned.needed && planned.after_ranks == after_ranks && planned.stage == stage
            })
            .collect();
        for tree in [TreeName::Placement, TreeName::Enrolment] {
            let of_tree = of_stage.iter().filter(|(_, planned)| tree_of(planned) == tree);
            self.pass(tree, of_tree.copied().collect())?;
        }
        for (index, planned) in of_stage {
            self.adjust(index, planned)?;
        }
        Ok(())
    }

    /// One pass over a tree for indicators that are independent of each other.
    fn pass(
        &mut self,
        tree: TreeName,
        indicators: Vec<(usize, &PlannedIndicator)>,
    ) -> Result<(), EngineError> {
        let mut bases: Bases<'a> = Bases::default();
        let mut lanes: Vec<Lane> = Vec::new();
        let mut places: Vec<usize> = Vec::new();
        for (index, planned) in indicators {
            let base = self.base(&mut bases, planned)?;
            match &planned.definition.scope {
                Scope::Own => self.columns[index] = members_only(&bases.columns[base], planned).into(),
                Scope::Company => {
                    let people = self.snapshot.people.len();
                    self.columns[index] = company(&bases.columns[base], people, planned).into();
                }
                Scope::Upline { .. } => {
                    let cut = planned.rank.unwrap_or(u8::MAX);
                    let ranks = self.ranks(planned);
                    self.columns[index] = upline(self.tree(tree), &bases.columns[base], ranks, cut).into();
                }
                scope => {
                    lanes.push(Lane { base, shape: shape(scope, planned) });
                    places.push(index);
                }
            }
        }
        if lanes.is_empty() {
            return Ok(());
        }
        let people = &self.snapshot.people;
        let ranks = [people.previous_rank.as_slice(), &self.paid];
        let columns = fold(self.tree(tree), &bases.columns, &lanes, ranks, &people.consultant);
        for (index, column) in places.into_iter().zip(columns) {
            self.columns[index] = column.into();
        }
        Ok(())
    }

    fn tree(&self, tree: TreeName) -> &'a crate::columns::Tree {
        match tree {
            TreeName::Placement => &self.snapshot.people.placement,
            TreeName::Enrolment => &self.snapshot.people.enrolment,
        }
    }

    fn ranks(&self, planned: &PlannedIndicator) -> &[u8] {
        match planned.definition.options.ranks {
            RankBasis::Previous => &self.snapshot.people.previous_rank,
            RankBasis::Paid => &self.paid,
        }
    }

    /// What each person brings if they are a member: the base column of an indicator, shared where it is the same.
    fn base(&self, bases: &mut Bases<'a>, planned: &PlannedIndicator) -> Result<usize, EngineError> {
        let key = BaseKey::of(planned);
        if let Some(known) = bases.keys.iter().position(|known| *known == key) {
            return Ok(known);
        }
        let definition = &planned.definition;
        let rows = self.snapshot.people.len();
        let nobody = if key.folds { NO_MEMBER } else { 0 };
        let mut column = match (key.counts, key.folds) {
            (true, false) => Base::Members(vec![true; rows]),
            (true, true) => Base::Numbers(vec![1; rows].into()),
            (false, _) => Base::Numbers(self.measure(planned)?),
        };
        if let Some(filter) = &planned.filter {
            let members = self.truths(filter, &definition.code)?;
            keep(&mut column, |row| members[row], nobody);
        }
        if let Some(least) = definition.options.minimum_own_volume {
            let own = self.snapshot.people.volumes.of(Volume::Vq);
            let least = fixed(least, Volume::Vq.scale(), "minimum_own_volume", &definition.code)?;
            keep(&mut column, |row| least <= own[row], nobody);
        }
        if definition.scope == Scope::Customers {
            let consultant = &self.snapshot.people.consultant;
            keep(&mut column, |row| !consultant[row], nobody);
        }
        if let Base::Numbers(numbers) = &column {
            self.check_sum(numbers, &definition.code)?;
        }
        bases.keys.push(key);
        bases.columns.push(column);
        Ok(bases.columns.len() - 1)
    }

    /// Every sum of an indicator runs over each person at most once, so it fits if the sum of all sizes does.
    fn check_sum(&self, column: &[i64], code: &str) -> Result<(), EngineError> {
        // The largest of all, as often as there are people, tells most columns.
        let largest = column.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0);
        if i64::try_from(largest)
            .is_ok_and(|largest| largest.checked_mul(i64::from(position(column.len()))).is_some())
        {
            return Ok(());
        }
        let mut sum = 0_i64;
        for (row, value) in column.iter().enumerate().filter(|(_, value)| **value != NO_MEMBER) {
            sum = value.checked_abs().and_then(|size| sum.checked_add(size)).ok_or_else(|| {
                EngineError::Overflow {
                    person: self.snapshot.people.ids.get(row).to_owned(),
                    what: format!("indicator {code}"),
                }
            })?;
        }
        Ok(())
    }

    fn measure(&self, planned: &PlannedIndicator) -> Result<Cow<'a, [i64]>, EngineError> {
        let people = &self.snapshot.people;
        let definition = &planned.definition;
        Ok(match &definition.measure {
            Measure::People => vec![1; people.len()].into(),
            Measure::Level => self.levels(tree_of(planned)).into(),
            Measure::Rank => {
                self.ranks(planned).iter().map(|rank| i64::from(*rank)).collect::<Vec<i64>>().into()
            }
            Measure::Indicator(_) => {
                planned.measured.and_then(|index| self.columns.get(index)).cloned().unwrap_or_default()
            }
            Measure::Formula(_) => match &planned.formula {
                Some(formula) => {
                    self.numbers(formula, planned.scale, || format!("indicator {}", definition.code))?.into()
                }
                None => vec![0; people.len()].into(),
            },
            Measure::UnpaidBalance => vec![0; people.len()].into(),
            Measure::Vq => self.volume(Volume::Vq, planned)?,
            Measure::Vc => self.volume(Volume::Vc, planned)?,
            Measure::Net => self.volume(Volume::Net, planned)?,
            Measure::Gross => self.volume(Volume::Gross, planned)?,
            Measure::Orders => self.volume(Volume::Orders, planned)?,
            Measure::Units => self.volume(Volume::Units, planned)?,
            Measure::Points => self.volume(Volume::Points, planned)?,
            Measure::ReturnsVq => self.volume(Volume::ReturnsVq, planned)?,
            Measure::ReturnsVc => self.volume(Volume::ReturnsVc, planned)?,
            Measure::ReturnsCount => self.volume(Volume::ReturnsCount, planned)?,
        })
    }

    fn levels(&self, tree: TreeName) -> Vec<i64> {
        let tree = self.tree(tree);
        let mut levels = vec![0; tree.len()];
        for (row, depth) in tree.order.iter().zip(&tree.depth) {
            levels[*row as usize] = i64::from(*depth);
        }
        levels
    }

    /// A volume of each person in the indicator's window.
    fn volume(&self, volume: Volume, planned: &PlannedIndicator) -> Result<Cow<'a, [i64]>, EngineError> {
        let people: &'a crate::snapshot::People = &self.snapshot.people;
        let this = people.volumes.of(volume);
        match planned.definition.window {
            Window::ThisCycle | Window::DaysSinceJoining(_) => Ok(this.into()),
            Window::Lifetime => Ok(people.lifetime.of(volume).into()),
            Window::Previous(k) => {
                let mut column = vec![0; people.len()];
                self.add_earlier(&mut column, volume, usize::from(k) - 1)?;
                Ok(column.into())
            }
            Window::Last(n) => {
                let mut column = this.to_vec();
                for place in 0..usize::from(n).saturating_sub(1) {
                    self.add_earlier(&mut column, volume, place)?;
                }
                Ok(column.into())
            }
            Window::CalendarYear => {
                let mut column = this.to_vec();
                let zone = TimeZone::get(&self.plan.document().time_zone).unwrap_or(TimeZone::UTC);
                let year = |snapshot: &Snapshot| last_day(snapshot, &zone).year();
                for place in 0..self.context.history.len() {
                    if year(&self.context.history[place]) == year(self.snapshot) {
                        self.add_earlier(&mut column, volume, place)?;
                    }
                }
                Ok(column.into())
            }
        }
    }

    fn add_earlier(&self, column: &mut [i64], volume: Volume, place: usize) -> Result<(), EngineError> {
        let (Some(earlier), Some(rows)) = (self.context.history.get(place), self.earlier_rows.get(place))
        else {
            return Ok(());
        };
        let values = earlier.people.volumes.of(volume);
        for (row, old) in rows.iter().enumerate().filter(|(_, old)| **old != NONE) {
            column[row] =
                column[row].checked_add(values[*old as usize]).ok_or_else(|| EngineError::Overflow {
                    person: self.snapshot.people.ids.get(row).to_owned(),
                    what: format!("{} over several cycles", volume.column()),
                })?;
        }
        Ok(())
    }

    pub(crate) fn truths(&self, rule: &rules::Program, of: &str) -> Result<Vec<bool>, EngineError> {
        let mut truths = BoolColumn::default();
        let people = self.snapshot.people.len();
        rule.evaluate_columns(&self.view(), 0..people, &mut truths)
            .map_err(|reason| rule_failed(of, self.snapshot, reason.row.unwrap_or(0), &reason))?;
        Ok(truths.values)
    }

    /// The values of a rule for everyone, kept with `scale` decimals, half to even.
    pub(crate) fn numbers(
        &self,
        formula: &rules::Program,
        scale: u32,
        of: impl Fn() -> String,
    ) -> Result<Vec<i64>, EngineError> {
        let mut numbers = NumberColumn::default();
        let people = &self.snapshot.people;
        formula
            .evaluate_columns(&self.view(), 0..people.len(), &mut numbers)
            .map_err(|reason| rule_failed(&of(), self.snapshot, reason.row.unwrap_or(0), &reason))?;
        let too_large =
            |row: usize| EngineError::Overflow { person: people.ids.get(row).to_owned(), what: of() };
        let to_scale = |row: usize, number: Decimal| rounded(number, scale).ok_or_else(|| too_large(row));
        match numbers {
            NumberColumn::Fixed { values, scale: kept } if kept == scale => Ok(values),
            NumberColumn::Fixed { values, scale: kept } => values
                .iter()
                .enumerate()
                .map(|(row, value)| to_scale(row, Decimal::try_new(*value, kept).unwrap_or_default()))
                .collect(),
            NumberColumn::Exact(values) => {
                values.iter().enumerate().map(|(row, number)| to_scale(row, *number)).collect()
            }
        }
    }

    /// Puts values set by hand in the place of computed ones.
    fn adjust(&mut self, index: usize, planned: &PlannedIndicator) -> Result<(), EngineError> {
        let code = &planned.definition.code;
        for adjustment in self.context.adjustments.iter().filter(|one| one.indicator == *code) {
            let row = self.snapshot.people.row(&adjustment.person).ok_or_else(|| {
                EngineError::Mismatch(format!(
                    "the adjusted person {} is not in the snapshot",
                    adjustment.person
                ))
            })?;
            let value = fixed(adjustment.value, planned.scale, "an adjustment", &adjustment.person)?;
            self.columns[index].to_mut()[row as usize] = value;
        }
        Ok(())
    }

    pub(crate) fn into_indicators(self, after_ranks: bool) -> Indicators {
        let of_phase = |planned: &PlannedIndicator| planned.needed && planned.after_ranks == after_ranks;
        let columns = self
            .plan
            .indicators()
            .iter()
            .zip(self.columns)
            .filter(|(planned, _)| of_phase(planned))
            .map(|(planned, values)| IndicatorColumn {
                code: planned.definition.code.clone(),
                scale: planned.scale,
                values: values.into_owned(),
            })
            .collect();
        Indicators { active: self.active, columns }
    }
}

/// The last local day of a snapshot's cycle.
pub(crate) fn last_day(snapshot: &Snapshot, zone: &TimeZone) -> jiff::civil::Date {
    let end = snapshot.cycle.end.to_zoned(zone.clone()).date();
    end.yesterday().unwrap_or(end)
}

/// `number` as a fixed-point integer, halves to the even neighbour.
pub(crate) fn rounded(number: Decimal, scale: u32) -> Option<i64> {
    let strategy = RoundingStrategy::MidpointNearestEven;
    let number = number.round_dp_with_strategy(scale, strategy);
    let power = 10_i128.checked_pow(scale.checked_sub(number.scale())?)?;
    i64::try_from(number.mantissa().checked_mul(power)?).ok()
}

/// Stands in a base column of a maximum or minimum for somebody who is no member.
pub(crate) const NO_MEMBER: i64 = i64::MIN;

/// Base columns of a pass, each once.
#[derive(Default)]
struct Bases<'a> {
    keys: Vec<BaseKey>,
    columns: Vec<Base<'a>>,
}

/// What makes two base columns the same.
#[derive(PartialEq)]
struct BaseKey {
    /// `None` where members are counted.
    measure: Option<Measure>,
    counts: bool,
    folds: bool,
    customers: bool,
    window: Window,
    filter: Option<String>,
    ranks: RankBasis,
    tree: TreeName,
    minimum: Option<Decimal>,
}

impl BaseKey {
    fn of(planned: &PlannedIndicator) -> Self {
        let definition = &planned.definition;
        let counts = matches!(definition.aggregate, Aggregate::Count | Aggregate::Legs)
            || definition.measure == Measure::People;
        Self {
            measure: (!counts).then(|| definition.measure.clone()),
            counts,
            folds: matches!(definition.aggregate, Aggregate::Max | Aggregate::Min),
            customers: definition.scope == Scope::Customers,
            window: definition.window,
            filter: definition.filter.clone(),
            ranks: definition.options.ranks,
            tree: tree_of(planned),
            minimum: definition.options.minimum_own_volume,
        }
    }
}

fn keep(base: &mut Base<'_>, is_member: impl Fn(usize) -> bool, nobody: i64) {
    match base {
        Base::Members(members) => {
            for (row, member) in members.iter_mut().enumerate() {
                *member &= is_member(row);
            }
        }
        Base::Numbers(numbers) => {
            for (row, value) in numbers.to_mut().iter_mut().enumerate() {
                *value = if is_member(row) { *value } else { nobody };
            }
        }
    }
}

/// The tree a scope runs in.
fn tree_of(planned: &PlannedIndicator) -> TreeName {
    if planned.definition.scope == Scope::Enrolled {
        TreeName::Enrolment
    } else {
        planned.definition.options.tree
    }
}

fn members_only(base: &Base<'_>, planned: &PlannedIndicator) -> Vec<i64> {
    let mut column = base.to_column();
    if matches!(planned.definition.aggregate, Aggregate::Max | Aggregate::Min) {
        for value in column.iter_mut().filter(|value| **value == NO_MEMBER) {
            *value = 0;
        }
    }
    column
}

/// The same value for everyone.
fn company(base: &Base<'_>, people: usize, planned: &PlannedIndicator) -> Vec<i64> {
    let members = (0..people).map(|row| base.at(row)).filter(|value| *value != NO_MEMBER);
    let total = match planned.definition.aggregate {
        Aggregate::Max => members.max().unwrap_or(0),
        Aggregate::Min => members.min().unwrap_or(0),
        _ => members.sum(),
    };
    vec![total; people]
}

/// How a scope runs over the tree.
fn shape(scope: &Scope, planned: &PlannedIndicator) -> Shape {
    let options = &planned.definition.options;
    let basis = usize::from(options.ranks == RankBasis::Paid);
    let cut = planned.rank.unwrap_or(u8::MAX);
    let cap = match options.cap_per_leg {
        Some(plan::indicator::LegCap::Amount(cap)) => rounded(cap, planned.scale).unwrap_or(i64::MAX),
        _ => i64::MAX,
    };
    let with_self = *scope == Scope::Team;
    let extreme = match planned.definition.aggregate {
        Aggregate::Max => Some(true),
        Aggregate::Min => Some(false),
        _ => None,
    };
    match (scope, extreme) {
        (Scope::Frontline | Scope::Customers | Scope::Enrolled, Some(greatest)) => {
            Shape::Extreme { greatest, deep: false, with_self: false }
        }
        (_, Some(greatest)) => Shape::Extreme { greatest, deep: true, with_self },
        (Scope::Level(level), None) => Shape::Levels { from: *level, to: *level },
        (Scope::Levels { from, to }, None) => Shape::Levels { from: *from, to: *to },
        (Scope::Group(group), None) => Shape::Group { basis, cut, with_self: group.with_self },
        (Scope::Generation(generation), None) => {
            let own = generation.counts == plan::indicator::GenerationCounts::OwnGroup;
            Shape::Generation { basis, cut, number: generation.number.saturating_sub(u8::from(own)) }
        }
        (Scope::Legs, None) if planned.definition.aggregate == Aggregate::Legs => Shape::LegCount {
            members: i64::from(options.members_per_leg.unwrap_or(1)),
            of_customers: options.customers_open_legs,
        },
        (Scope::StrongestLeg, None) => Shape::Leg { number: 1, cap },
        (Scope::Leg(number) | Scope::WeakestOfStrongestLegs(number), None) => {
            Shape::Leg { number: *number, cap }
        }
        (Scope::ExceptStrongestLegs(number), None) => Shape::ExceptLegs { number: *number, cap },
        (Scope::Legs, None) => Shape::ExceptLegs { number: 0, cap },
        (Scope::Downline | Scope::Team, None) if cap != i64::MAX => {
            if with_self {
                Shape::CappedTeam { cap }
            } else {
                Shape::ExceptLegs { number: 0, cap }
            }
        }
        (Scope::Downline | Scope::Team, None) => Shape::Downline { with_self },
        (_, None) => Shape::Levels { from: 1, to: 1 },
    }
}
