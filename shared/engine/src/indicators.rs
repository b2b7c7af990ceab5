//! Indicators: all that a plan needs, in few passes from the leaves to the root.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use plan::{
    Plan, PlannedIndicator, RATIO_SCALE,
    indicator::{
        Aggregate, GenerationCounts, LegCap, Measure, Over, RankBasis, Scope, Tree as TreeName, Window,
    },
};
use rules::{BoolColumn, EvaluationError, NumberColumn, Output};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::{
    columns::position,
    edge::Border,
    exact::{self, MISSING, Quotients},
    failure::EngineError,
    fold::{Base, Lane, People as Folding, Shape, fold, upline},
    past::{CycleResults, require_period, volume_of},
    ranks::Ranks,
    reduce::{self, Cap, SHARE_SCALE, Size, Total, Walk, reduce},
    snapshot::{Snapshot, Volume, earlier_rows, fixed},
    threads,
    view::{Extra, View, rule_failed},
};

/// Rows that are worth a thread of their own.
const ROWS_OF_A_THREAD: usize = 1 << 14;

/// The values of one indicator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndicatorColumn {
    /// Code of the indicator.
    pub code: String,
    /// Decimals of the values.
    pub scale: u32,
    /// The values.
    pub values: Values,
}

/// Values of an indicator by row: `values[row] / 10^scale`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// In 64 bits: all but quotients. Shared with the snapshot where they are the same.
    Fixed(Arc<Vec<i64>>),
    /// In 128 bits: quotients. [`MISSING`] stands for a missing one.
    Exact(Vec<i128>),
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Fixed(values) => values.len(),
            Self::Exact(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl IndicatorColumn {
    /// The value of a row, 0 where it is missing. A quotient of more than 28 digits loses its last decimals.
    pub fn value(&self, row: u32) -> Decimal {
        let row = row as usize;
        match &self.values {
            Values::Fixed(values) => {
                Decimal::try_new(values.get(row).copied().unwrap_or(0), self.scale).unwrap_or_default()
            }
            Values::Exact(values) => exact::decimal(values.get(row).copied().unwrap_or(0), self.scale),
        }
    }

    /// Whether a row has no value: the mean of nobody.
    pub fn is_missing(&self, row: u32) -> bool {
        matches!(&self.values, Values::Exact(values) if values.get(row as usize) == Some(&MISSING))
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
    /// What those cycles computed, in the same order. What is not given reads 0.
    pub results: &'a [Option<CycleResults<'a>>],
    /// Indicators set by hand.
    pub adjustments: &'a [Adjustment],
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
        run.take_over(stored)?;
    }
    Ok(run)
}

/// The computation of indicators as far as it is.
pub(crate) struct Calculation<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) plan: &'a Plan,
    pub(crate) context: Context<'a>,
    extra: Extra,
    /// For each earlier snapshot the row of each person there.
    pub(crate) earlier_rows: Vec<Vec<u32>>,
    pub(crate) active: Vec<bool>,
    /// By index of the plan's indicators. Quotients stand here too, cut to the decimals of amounts.
    pub(crate) columns: Vec<Arc<Vec<i64>>>,
    /// By index of the plan's indicators; empty for those that are no quotients.
    pub(crate) quotients: Vec<Quotients>,
    pub(crate) paid: Vec<u8>,
    pub(crate) earned: Vec<u8>,
    /// What everyone was paid of each bonus, by its index, with [`plan::AMOUNT_SCALE`] decimals of the base currency; filled for a bonus
    /// when the first rule asks, which is when it is complete.
    pub(crate) payments: Vec<OnceLock<Vec<i64>>>,
    /// How the snapshot stands to the whole network.
    pub(crate) border: Border<'a>,
    /// Which indicators are computed here, by index of the plan's; all if it is not said.
    pub(crate) share: Option<Vec<bool>>,
}

impl<'a> Calculation<'a> {
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        plan: &'a Plan,
        context: Context<'a>,
    ) -> Result<Self, EngineError> {
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
        let rows = |earlier: &Snapshot| earlier_rows(&snapshot.people, &earlier.people);
        let earlier_rows = context.history.iter().map(rows).collect();
        Ok(Self { context, earlier_rows, ..Self::bare(snapshot, plan) })
    }

    /// With nothing computed and nothing before it.
    pub(crate) fn bare(snapshot: &'a Snapshot, plan: &'a Plan) -> Self {
        Self {
            snapshot,
            plan,
            context: Context::default(),
            extra: Extra::of(snapshot, plan),
            earlier_rows: Vec::new(),
            active: Vec::new(),
            columns: vec![Arc::default(); plan.indicators().len()],
            quotients: vec![Quotients::default(); plan.indicators().len()],
            paid: Vec::new(),
            earned: Vec::new(),
            payments: vec![OnceLock::new(); plan.bonuses().len()],
            border: Border::Whole,
            share: None,
        }
    }

    /// Takes over what is computed already, which may be some of it.
    pub(crate) fn take_over(&mut self, stored: &'a Indicators) -> Result<(), EngineError> {
        self.active.clone_from(&stored.active);
        for column in &stored.columns {
            let (index, planned) = self
                .plan
                .indicator(&column.code)
                .ok_or_else(|| EngineError::Mismatch(format!("the plan has no indicator {}", column.code)))?;
            if planned.scale != column.scale || column.values.len() != self.snapshot.people.len() {
                return Err(EngineError::Mismatch(format!("the column {} is of another run", column.code)));
            }
            match &column.values {
                Values::Fixed(values) => self.columns[index] = Arc::clone(values),
                Values::Exact(values) => self.put(index, Values::Exact(values.clone())),
            }
        }
        Ok(())
    }

    fn computes(&self, index: usize) -> bool {
        self.share.as_ref().is_none_or(|share| share[index])
    }

    /// Puts the values of an indicator in their place.
    pub(crate) fn put(&mut self, index: usize, values: Values) {
        match values {
            Values::Fixed(values) => self.columns[index] = values,
            Values::Exact(values) => {
                let cut = values.iter().map(|mantissa| exact::cut(*mantissa).unwrap_or(i64::MAX));
                self.columns[index] = Arc::new(cut.collect());
                self.quotients[index] = Quotients::of(values);
            }
        }
    }

    /// What rules see now.
    pub(crate) fn view(&self) -> View<'_> {
        View {
            plan: self.plan,
            snapshot: self.snapshot,
            active: &self.active,
            columns: &self.columns,
            quotients: &self.quotients,
            paid: &self.paid,
            earned: &self.earned,
            payments: &self.payments,
            extra: &self.extra,
        }
    }

    pub(crate) fn before_ranks(&mut self) -> Result<(), EngineError> {
        require_period(self.snapshot, self.plan)?;
        let last = self.last_stage(false).max(self.plan.activity_stage());
        for stage in 0..=last {
            if stage == self.plan.activity_stage() && self.active.is_empty() {
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
            .filter(|(index, planned)| {
                let is_of_stage = planned.after_ranks == after_ranks && planned.stage == stage;
                planned.needed && is_of_stage && self.computes(*index)
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
        let (plain, general): (Vec<_>, Vec<_>) =
            indicators.into_iter().partition(|(_, planned)| is_plain(planned));
        let computed = threads::each(general.len(), |at| self.general(general[at].1));
        for ((index, _), values) in general.into_iter().zip(computed) {
            self.put(index, values?);
        }
        let mut bases = Bases::default();
        let mut lanes: Vec<Lane> = Vec::new();
        let mut places: Vec<usize> = Vec::new();
        for (index, planned) in plain {
            let base = self.base(&mut bases, planned)?;
            match &planned.definition.scope {
                Scope::Own => self.columns[index] = members_only(&bases.columns[base], planned),
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
        self.hand_up_sizes(&bases.columns)?;
        let people = &self.snapshot.people;
        let ranks = [people.previous_rank.as_slice(), &self.paid];
        let people = Folding::of(self.tree(tree), &bases.columns, ranks, &people.consultant);
        let folded = fold(people, &lanes, &self.border.edge());
        self.border.passed(folded.handed);
        for (index, column) in places.into_iter().zip(folded.columns) {
            self.columns[index] = column.into();
        }
        Ok(())
    }

    /// What members bring to each of some indicators, as a pass sees it, and which of the base columns is each one's. Sizes are
    /// checked as for a pass that comes next.
    pub(crate) fn bases_of(&mut self, indicators: &[usize]) -> Result<(Vec<Base>, Vec<usize>), EngineError> {
        let mut bases = Bases::default();
        let plan = self.plan;
        let planned = indicators.iter().filter_map(|index| plan.indicators().get(*index));
        let places = planned.map(|planned| self.base(&mut bases, planned)).collect::<Result<_, _>>()?;
        self.hand_up_sizes(&bases.columns)?;
        Ok((bases.columns, places))
    }

    /// What values of several parts come to has to fit too.
    fn hand_up_sizes(&mut self, bases: &[Base]) -> Result<(), EngineError> {
        if self.border.is_whole() {
            return Ok(());
        }
        for (number, base) in bases.iter().enumerate() {
            // Visitors count where they are at home.
            let own = (0..self.snapshot.people.len()).filter(|row| !self.border.is_visitor(*row));
            let members = own.map(|row| base.at(row)).filter(|value| *value != NO_MEMBER);
            let size = members.map(i64::saturating_abs).fold(0, i64::saturating_add);
            self.border.size(number, size).ok_or_else(|| EngineError::Overflow {
                person: self.snapshot.people.ids.get(0).to_owned(),
                what: "what all parts of the network come to".to_owned(),
            })?;
        }
        Ok(())
    }

    fn tree(&self, tree: TreeName) -> &'a crate::columns::Tree {
        self.snapshot.people.tree(tree)
    }

    fn ranks(&self, planned: &PlannedIndicator) -> &[u8] {
        match planned.definition.options.ranks {
            RankBasis::Previous => &self.snapshot.people.previous_rank,
            RankBasis::Paid => &self.paid,
        }
    }

    /// What each person brings if they are a member: the base column of an indicator, shared where it is the same.
    fn base(&self, bases: &mut Bases, planned: &PlannedIndicator) -> Result<usize, EngineError> {
        let key = BaseKey::of(planned);
        if let Some(known) = bases.keys.iter().position(|known| *known == key) {
            return Ok(known);
        }
        let definition = &planned.definition;
        let rows = self.snapshot.people.len();
        let nobody = if key.folds { NO_MEMBER } else { 0 };
        let members = self.members(planned)?;
        let column = if key.counts && !key.folds {
            Base::Members(members.unwrap_or_else(|| vec![true; rows]))
        } else {
            let mut numbers = if key.counts { Arc::new(vec![1; rows]) } else { self.measured(planned)? };
            if let Some(members) = members {
                for (number, is_member) in Arc::make_mut(&mut numbers).iter_mut().zip(members) {
                    *number = if is_member { *number } else { nobody };
                }
            }
            self.check_sum(&numbers, &definition.code)?;
            Base::Numbers(numbers)
        };
        bases.keys.push(key);
        bases.columns.push(column);
        Ok(bases.columns.len() - 1)
    }

    /// Every sum of an indicator runs over each person at most once, so it fits if the sum of all sizes does.
    fn check_sum(&self, column: &[i64], code: &str) -> Result<(), EngineError> {
        match too_much_at(column, |value| *value != NO_MEMBER) {
            None => Ok(()),
            Some(row) => Err(EngineError::Overflow {
                person: self.snapshot.people.ids.get(row).to_owned(),
                what: format!("indicator {code}"),
            }),
        }
    }

    /// What is measured on each person, in 64 bits.
    pub(crate) fn measure(&self, planned: &PlannedIndicator) -> Result<Arc<Vec<i64>>, EngineError> {
        let people = &self.snapshot.people;
        let definition = &planned.definition;
        Ok(match &definition.measure {
            Measure::People => vec![1; people.len()].into(),
            Measure::Level => self.tree(tree_of(planned)).levels().into(),
            Measure::Rank => Arc::new(self.ranks(planned).iter().map(|rank| i64::from(*rank)).collect()),
            Measure::Indicator(_) => {
                planned.measured.and_then(|index| self.columns.get(index)).cloned().unwrap_or_default()
            }
            Measure::Formula(_) => match &planned.formula {
                Some(formula) => {
                    let of = || format!("indicator {}", definition.code);
                    self.numbers(formula, planned.base_scale, of)?.into()
                }
                None => vec![0; people.len()].into(),
            },
            measure => match volume_of(measure) {
                Some(volume) => people.volumes.shared(volume),
                None => vec![0; people.len()].into(),
            },
        })
    }

    /// What is measured on each person over the indicator's window, in 64 bits.
    fn measured(&self, planned: &PlannedIndicator) -> Result<Arc<Vec<i64>>, EngineError> {
        let definition = &planned.definition;
        let counts_all = planned.only_where.is_none();
        match (definition.window, volume_of(&definition.measure)) {
            (Window::ThisCycle, _) if counts_all => self.measure(planned),
            (Window::Lifetime, Some(volume)) if counts_all => {
                Ok(self.snapshot.people.lifetime.shared(volume))
            }
            _ => {
                let narrow = |(row, value)| i64::try_from(value).map_err(|_| self.too_large(row, planned));
                let values = self.over_window(planned)?.into_iter().enumerate().map(narrow);
                Ok(Arc::new(values.collect::<Result<_, _>>()?))
            }
        }
    }

    /// An indicator of which members or legs are compared, or quotients made: what [`fold`] does not do.
    fn general(&self, planned: &PlannedIndicator) -> Result<Values, EngineError> {
        let definition = &planned.definition;
        let mut base = self.member_totals(planned)?;
        if definition.aggregate == Aggregate::Count {
            for total in &mut base {
                total.sum = i128::from(total.members);
            }
        }
        let cap = cap_of(planned).ok_or_else(|| self.too_large(0, planned))?;
        let finer = if matches!(cap, Cap::Share(_)) { SHARE_SCALE } else { 0 };
        self.check_totals(&base, planned, finer)?;
        let people = &self.snapshot.people;
        let tree = self.tree(tree_of(planned));
        let mut values = vec![0_i128; people.len()];
        let mut failed = None;
        let mut emit = |row: usize, total: Total| match outcome(total, planned, finer) {
            Some(value) => values[row] = value,
            None => failed = Some(row),
        };
        match &definition.scope {
            Scope::Own => base.iter().enumerate().for_each(|(row, total)| emit(row, *total)),
            Scope::Company => {
                let all = base.iter().fold(Total::NOBODY, |all, total| all.with(*total));
                (0..base.len()).for_each(|row| emit(row, all));
            }
            Scope::Upline { .. } => {
                let cut = planned.rank.unwrap_or(u8::MAX);
                reduce::upline(tree, &base, self.ranks(planned), cut, emit);
            }
            scope => {
                let by_id = tree_of(planned) == TreeName::Enrolment && is_by_leg(scope);
                let numbers = if by_id { numbers(&people.by_id) } else { Vec::new() };
                let mut takes_level = Vec::new();
                if let Some(rule) = &planned.qualified {
                    takes_level = self.truths(rule, &definition.code)?;
                    for (takes, consultant) in takes_level.iter_mut().zip(&people.consultant) {
                        *takes &= consultant;
                    }
                }
                let walk = Walk {
                    tree,
                    base: &base,
                    shape: general_shape(scope, planned),
                    size: size_of(definition.aggregate),
                    cap,
                    ranks: [&people.previous_rank, &self.paid],
                    consultant: &people.consultant,
                    takes_level: &takes_level,
                    numbers: &numbers,
                };
                reduce(walk, emit);
            }
        }
        if let Some(row) = failed {
            return Err(self.too_large(row, planned));
        }
        if planned.scale == RATIO_SCALE {
            if let Some(row) = values.iter().position(|value| exact::cut(*value).is_none()) {
                return Err(self.too_large(row, planned));
            }
            return Ok(Values::Exact(values));
        }
        let narrow =
            |(row, value): (usize, i128)| i64::try_from(value).map_err(|_| self.too_large(row, planned));
        let values = values.into_iter().enumerate().map(narrow).collect::<Result<Vec<_>, _>>()?;
        Ok(Values::Fixed(Arc::new(values)))
    }

    /// What each person brings, and how many values that is.
    fn member_totals(&self, planned: &PlannedIndicator) -> Result<Vec<Total>, EngineError> {
        let definition = &planned.definition;
        let mut totals = match definition.options.over {
            Over::Members if definition.aggregate == Aggregate::Count => {
                vec![Total::of(1); self.snapshot.people.len()]
            }
            Over::Members if definition.window == Window::ThisCycle && planned.only_where.is_none() => {
                self.now(planned)?.into_iter().map(Total::of).collect()
            }
            Over::Members => self.over_window(planned)?.into_iter().map(Total::of).collect(),
            Over::Orders => self.order_totals(planned)?,
            Over::Cycles => self.cycle_totals(planned)?,
        };
        if let Some(members) = self.members(planned)? {
            let left_out = totals.iter_mut().zip(members).filter(|(_, is_member)| !is_member);
            left_out.for_each(|(total, _)| *total = Total::NOBODY);
        }
        Ok(totals)
    }

    /// Who is a member; `None`: everyone.
    fn members(&self, planned: &PlannedIndicator) -> Result<Option<Vec<bool>>, EngineError> {
        let definition = &planned.definition;
        let people = &self.snapshot.people;
        let mut members = match &planned.filter {
            Some(filter) => Some(self.truths(filter, &definition.code)?),
            None => None,
        };
        let mut keep = |is_member: &dyn Fn(usize) -> bool| {
            let members = members.get_or_insert_with(|| vec![true; people.len()]);
            members.iter_mut().enumerate().for_each(|(row, member)| *member &= is_member(row));
        };
        if let Some(least) = definition.options.minimum_own_volume {
            let own = people.volumes.of(Volume::Vq);
            let least = fixed(least, Volume::Vq.scale(), "minimum_own_volume", &definition.code)?;
            keep(&|row| least <= own[row]);
        }
        if definition.scope == Scope::Customers {
            keep(&|row| !people.consultant[row]);
        }
        Ok(members)
    }

    /// Every total of an indicator runs over each value at most once, so all fit if the sum of all sizes does.
    fn check_totals(
        &self,
        base: &[Total],
        planned: &PlannedIndicator,
        finer: u32,
    ) -> Result<(), EngineError> {
        let most = i128::MAX / 10_i128.pow(finer);
        let mut sum = 0_i128;
        for (row, total) in base.iter().enumerate() {
            let added = total.sum.checked_abs().and_then(|size| sum.checked_add(size));
            sum = added.filter(|sum| *sum <= most).ok_or_else(|| self.too_large(row, planned))?;
        }
        Ok(())
    }

    /// The values of a formula as quotients.
    pub(crate) fn ratios(
        &self,
        formula: &rules::Program,
        planned: &PlannedIndicator,
    ) -> Result<Vec<i128>, EngineError> {
        let code = &planned.definition.code;
        let mut ratios = vec![0; self.snapshot.people.len()];
        self.evaluate(
            formula,
            || code.clone(),
            |rows, numbers: NumberColumn| {
                for (place, row) in rows.enumerate() {
                    let number = numbers.get(place).unwrap_or_default();
                    let ratio = exact::mantissa(number, RATIO_SCALE);
                    ratios[row] = ratio.ok_or_else(|| self.too_large(row, planned))?;
                }
                Ok(())
            },
        )?;
        Ok(ratios)
    }

    /// Whether a rule holds, for everyone; visitors, of whom this piece does not know all that rules ask for, hold nothing.
    pub(crate) fn truths(&self, rule: &rules::Program, of: &str) -> Result<Vec<bool>, EngineError> {
        let mut truths = vec![false; self.snapshot.people.len()];
        self.evaluate(
            rule,
            || of.to_owned(),
            |rows, held: BoolColumn| {
                // The whole network's are there already.
                if rows.len() == truths.len() {
                    truths = held.values;
                } else {
                    truths[rows].copy_from_slice(&held.values);
                }
                Ok(())
            },
        )?;
        Ok(truths)
    }

    /// Evaluates a rule for the people who are at home here, and hands over what it gives, run of rows by run of rows. A visitor's
    /// columns are not complete: a rule that nobody fails in the whole network could fail there.
    fn evaluate<O: Output + Default + Send>(
        &self,
        rule: &rules::Program,
        of: impl Fn() -> String,
        mut take: impl FnMut(Range<usize>, O) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let failed =
            |reason: &EvaluationError| rule_failed(&of(), self.snapshot, reason.row.unwrap_or(0), reason);
        let view = self.view();
        let bound = rule.bind(&view).map_err(|reason| failed(&reason))?;
        for own in self.border.own(self.snapshot.people.len()) {
            let shares = threads::shares_of(own.len(), ROWS_OF_A_THREAD);
            let rows = |share: usize| own.start + shares[share].start..own.start + shares[share].end;
            let filled = threads::each(shares.len(), |share| {
                let mut values = O::default();
                values.fill(&bound, rows(share)).map(|()| values)
            });
            for (share, values) in filled.into_iter().enumerate() {
                take(rows(share), values.map_err(|reason| failed(&reason))?)?;
            }
        }
        Ok(())
    }

    /// The values of a rule for everyone, kept with `scale` decimals, half to even; 0 for visitors.
    pub(crate) fn numbers(
        &self,
        formula: &rules::Program,
        scale: u32,
        of: impl Fn() -> String,
    ) -> Result<Vec<i64>, EngineError> {
        let people = &self.snapshot.people;
        let too_large =
            |row: usize| EngineError::Overflow { person: people.ids.get(row).to_owned(), what: of() };
        let to_scale = |row: usize, number: Decimal| rounded(number, scale).ok_or_else(|| too_large(row));
        let mut all = vec![0; people.len()];
        self.evaluate(formula, &of, |rows, numbers: NumberColumn| {
            match numbers {
                NumberColumn::Fixed { values, scale: kept } if kept == scale => {
                    // The whole network's are there already.
                    if rows.len() == all.len() {
                        all = values;
                    } else {
                        all[rows].copy_from_slice(&values);
                    }
                }
                NumberColumn::Fixed { values, scale: kept } => {
                    for (row, value) in rows.zip(values) {
                        all[row] = to_scale(row, Decimal::try_new(value, kept).unwrap_or_default())?;
                    }
                }
                NumberColumn::Exact(values) => {
                    for (row, number) in rows.zip(values) {
                        all[row] = to_scale(row, number)?;
                    }
                }
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// The values of an indicator that were set by hand, with the row of each.
    fn set_by_hand(&self, planned: &PlannedIndicator) -> Result<Vec<(usize, &'a Adjustment)>, EngineError> {
        let of_indicator = |one: &&Adjustment| one.indicator == planned.definition.code;
        let with_row = |adjustment: &'a Adjustment| {
            let row = self.snapshot.people.row(&adjustment.person).ok_or_else(|| {
                EngineError::Mismatch(format!(
                    "the adjusted person {} is not in the snapshot",
                    adjustment.person
                ))
            })?;
            Ok((row as usize, adjustment))
        };
        self.context.adjustments.iter().filter(of_indicator).map(with_row).collect()
    }

    /// The same in 64 bits, for what is no quotient.
    pub(crate) fn fixed_by_hand(&self, planned: &PlannedIndicator) -> Result<Vec<(usize, i64)>, EngineError> {
        let mut found = Vec::new();
        for (row, adjustment) in self.set_by_hand(planned)? {
            found.push((row, fixed(adjustment.value, planned.scale, "an adjustment", &adjustment.person)?));
        }
        Ok(found)
    }

    /// Puts values set by hand in the place of computed ones.
    fn adjust(&mut self, index: usize, planned: &PlannedIndicator) -> Result<(), EngineError> {
        if planned.scale != RATIO_SCALE {
            for (row, value) in self.fixed_by_hand(planned)? {
                Arc::make_mut(&mut self.columns[index])[row] = value;
            }
            return Ok(());
        }
        for (row, adjustment) in self.set_by_hand(planned)? {
            let value = exact::mantissa(adjustment.value, RATIO_SCALE);
            let value = value.ok_or_else(|| self.too_large(row, planned))?;
            Arc::make_mut(&mut self.columns[index])[row] =
                exact::cut(value).ok_or_else(|| self.too_large(row, planned))?;
            self.quotients[index].set(row, value);
        }
        Ok(())
    }

    /// What was computed, before or after ranks.
    pub(crate) fn into_indicators(self, after_ranks: bool) -> Indicators {
        let people = self.snapshot.people.len();
        let of_phase = |planned: &PlannedIndicator| planned.needed && planned.after_ranks == after_ranks;
        let columns = self
            .plan
            .indicators()
            .iter()
            .zip(self.columns.into_iter().zip(self.quotients))
            .filter(|(planned, (values, _))| of_phase(planned) && values.len() == people)
            .map(|(planned, (values, quotients))| IndicatorColumn {
                code: planned.definition.code.clone(),
                scale: planned.scale,
                values: if planned.scale == RATIO_SCALE {
                    Values::Exact(quotients.mantissas)
                } else {
                    Values::Fixed(values)
                },
            })
            .collect();
        Indicators { active: self.active, columns }
    }
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
struct Bases {
    keys: Vec<BaseKey>,
    columns: Vec<Base>,
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
    only_where: Option<String>,
    ranks: RankBasis,
    tree: TreeName,
    minimum: Option<Decimal>,
}

impl BaseKey {
    fn of(planned: &PlannedIndicator) -> Self {
        let definition = &planned.definition;
        let counts = matches!(definition.aggregate, Aggregate::Count | Aggregate::Legs)
            || (definition.measure == Measure::People && definition.window == Window::ThisCycle);
        Self {
            measure: (!counts).then(|| definition.measure.clone()),
            counts,
            folds: matches!(definition.aggregate, Aggregate::Max | Aggregate::Min),
            customers: definition.scope == Scope::Customers,
            window: definition.window,
            filter: definition.filter.clone(),
            only_where: definition.only_where.clone(),
            ranks: definition.options.ranks,
            tree: tree_of(planned),
            minimum: definition.options.minimum_own_volume,
        }
    }
}

/// Whether an indicator says who is a member.
fn chooses(planned: &PlannedIndicator) -> bool {
    let definition = &planned.definition;
    let by_rule = planned.filter.is_some() || definition.options.minimum_own_volume.is_some();
    by_rule || definition.scope == Scope::Customers
}

/// The tree a scope runs in.
pub(crate) fn tree_of(planned: &PlannedIndicator) -> TreeName {
    if planned.definition.scope == Scope::Enrolled {
        TreeName::Enrolment
    } else {
        planned.definition.options.tree
    }
}

/// Whether [`fold`] computes it: 64 bits, and one value per member.
pub(crate) fn is_plain(planned: &PlannedIndicator) -> bool {
    let definition = &planned.definition;
    let folds = matches!(
        definition.scope,
        Scope::Own
            | Scope::Customers
            | Scope::Frontline
            | Scope::Enrolled
            | Scope::Downline
            | Scope::Team
            | Scope::Company
    );
    planned.scale != RATIO_SCALE
        && planned.qualified.is_none()
        && definition.options.over == Over::Members
        && !matches!(definition.options.cap_per_leg, Some(LegCap::Share(_)))
        && (folds || !matches!(definition.aggregate, Aggregate::Max | Aggregate::Min))
}

fn is_by_leg(scope: &Scope) -> bool {
    matches!(
        scope,
        Scope::StrongestLeg
            | Scope::ExceptStrongestLegs(_)
            | Scope::WeakestOfStrongestLegs(_)
            | Scope::Leg(_)
            | Scope::Legs
    )
}

/// The place of each row among the ids in order.
fn numbers(by_id: &[u32]) -> Vec<u32> {
    let mut numbers = vec![0; by_id.len()];
    for (number, row) in by_id.iter().enumerate() {
        numbers[*row as usize] = position(number);
    }
    numbers
}

fn size_of(aggregate: Aggregate) -> Size {
    match aggregate {
        Aggregate::Sum | Aggregate::Average | Aggregate::Count | Aggregate::Legs => Size::Sum,
        Aggregate::Max => Size::Greatest,
        Aggregate::Min => Size::Least,
    }
}

/// The most one leg counts for; nothing if it has too many digits.
fn cap_of(planned: &PlannedIndicator) -> Option<Cap> {
    Some(match planned.definition.options.cap_per_leg {
        None => Cap::None,
        // Members are whole.
        Some(LegCap::Amount(most)) if planned.definition.aggregate == Aggregate::Count => {
            Cap::Amount(exact::mantissa(most, 0)?)
        }
        Some(LegCap::Amount(most)) => Cap::Amount(exact::mantissa(most, planned.base_scale)?),
        Some(LegCap::Share(share)) => Cap::Share(exact::mantissa(share, SHARE_SCALE)?),
    })
}

/// What a total comes to by the indicator's aggregate; nothing if it is too large. `finer` is how many more decimals the sum has.
fn outcome(total: Total, planned: &PlannedIndicator, finer: u32) -> Option<i128> {
    match planned.definition.aggregate {
        Aggregate::Sum | Aggregate::Count | Aggregate::Legs => {
            let counts = planned.definition.aggregate != Aggregate::Sum;
            let base_scale = if counts { 0 } else { planned.base_scale };
            let kept = planned.scale.checked_sub(base_scale)?;
            let sum = total.sum.checked_mul(10_i128.checked_pow(kept)?)?;
            exact::divided(sum, 10_i128.pow(finer))
        }
        Aggregate::Max => Some(total.greatest),
        Aggregate::Min => Some(total.least),
        Aggregate::Average if total.members == 0 => Some(MISSING),
        Aggregate::Average => {
            let power = 10_i128.checked_pow(RATIO_SCALE.checked_sub(planned.base_scale)?)?;
            exact::divided(total.sum.checked_mul(power)?, i128::from(total.members))
        }
    }
}

/// How a scope runs over the tree in the general pass.
fn general_shape(scope: &Scope, planned: &PlannedIndicator) -> Shape {
    let cap = i64::MAX;
    match scope {
        Scope::StrongestLeg => Shape::Leg { number: 1, cap },
        Scope::Leg(number) | Scope::WeakestOfStrongestLegs(number) => Shape::Leg { number: *number, cap },
        Scope::ExceptStrongestLegs(number) => Shape::ExceptLegs { number: *number, cap },
        Scope::Legs => Shape::ExceptLegs { number: 0, cap },
        Scope::Downline | Scope::Team if planned.definition.options.cap_per_leg.is_some() => {
            if *scope == Scope::Team {
                Shape::CappedTeam { cap }
            } else {
                Shape::ExceptLegs { number: 0, cap }
            }
        }
        Scope::Downline | Scope::Team => Shape::Downline { with_self: *scope == Scope::Team },
        Scope::Frontline | Scope::Customers | Scope::Enrolled => Shape::Levels { from: 1, to: 1 },
        Scope::Level(level) => Shape::Levels { from: *level, to: *level },
        Scope::Levels { from, to } => Shape::Levels { from: *from, to: *to },
        _ => shape(scope, planned),
    }
}

fn members_only(base: &Base, planned: &PlannedIndicator) -> Arc<Vec<i64>> {
    let mut column = base.to_column();
    if matches!(planned.definition.aggregate, Aggregate::Max | Aggregate::Min) && chooses(planned) {
        for value in Arc::make_mut(&mut column).iter_mut().filter(|value| **value == NO_MEMBER) {
            *value = 0;
        }
    }
    column
}

/// The same value for everyone.
fn company(base: &Base, people: usize, planned: &PlannedIndicator) -> Vec<i64> {
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
        Some(LegCap::Amount(cap)) => rounded(cap, planned.scale).unwrap_or(i64::MAX),
        _ => i64::MAX,
    };
    let with_self = *scope == Scope::Team;
    let extreme = match planned.definition.aggregate {
        _ if !is_plain(planned) => None,
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
            let number = match generation.counts {
                GenerationCounts::Leader => generation.number,
                GenerationCounts::OwnGroup | GenerationCounts::Between => generation.number.saturating_sub(1),
            };
            let heads = generation.counts != GenerationCounts::Between;
            Shape::Generation { basis, cut, number, heads }
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

/// The first row with which the sizes of what counts come to more than 64 bits; none if all together do not.
pub(crate) fn too_much_at(column: &[i64], counts: impl Fn(&i64) -> bool) -> Option<usize> {
    // A size that nobody's passes, as often as there are people, tells most columns: all bits of all sizes.
    let most = column.iter().fold(0, |bits, value| bits | (value ^ (value >> 63)));
    let most = most.checked_add(1).and_then(|most| most.checked_mul(i64::from(position(column.len()))));
    if most.is_some() {
        return None;
    }
    let mut sum = 0_i64;
    column.iter().enumerate().filter(|(_, value)| counts(value)).find_map(|(row, value)| {
        match value.checked_abs().and_then(|size| sum.checked_add(size)) {
            Some(more) => {
                sum = more;
                None
            }
            None => Some(row),
        }
    })
}
