//! Rates by level or generation: who takes a level, who is paid for it, where the rest goes.

use plan::{
    PlannedBonus, Role,
    bonus::{Compression, DepthByRank, LevelRates, LinesPer, Mechanic, RollUpRate, Unilevel},
    indicator::Tree as TreeName,
};
use rules::Program;
use rust_decimal::Decimal;

use super::{
    desk::{Claim, Desk},
    rates::{all_ranks, reaches},
    shares::{Outcome, Share},
};
use crate::{
    amount::{Factor, RATE_SCALE},
    columns::{NONE, Tree, position},
    failure::EngineError,
    indicators::rounded,
    pairs::Pair,
    snapshot::fixed,
    view::rule_failed,
};

/// What bonuses by level or generation say alike.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) rates: &'a LevelRates,
    pub(super) depth: &'a [DepthByRank],
    pub(super) compression: Compression,
    pub(super) roll_up_rate: RollUpRate,
}

/// What is paid on, and where the way up begins.
#[derive(Clone, Copy)]
pub(super) struct Start {
    /// Row of whose volume it is.
    pub(super) source: usize,
    /// Row of the order, or [`NONE`].
    pub(super) order: u32,
    /// How much, in ten-thousandths.
    pub(super) base: i64,
    /// Row from which the first level is looked for: it stands above this one.
    pub(super) below: usize,
    /// The first level that is paid, 1 or more.
    pub(super) level: usize,
    /// What the lines say was walked, over the difference of depths.
    pub(super) walked: u32,
}

impl Start {
    /// Of levels: the first one stands above the source.
    pub(super) fn at((source, order, base): (u32, u32, i64)) -> Self {
        let source = source as usize;
        Self { source, order, base, below: source, level: 1, walked: 0 }
    }
}

impl<'a> Desk<'a> {
    pub(super) fn unilevel(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        unilevel: &Unilevel,
    ) -> Result<(), EngineError> {
        let levels = self.levels_of(number, bonus, unilevel)?;
        let tree = self.level_tree(bonus, unilevel)?;
        // Whoever watches wants to know of every source.
        if unilevel.per == LinesPer::Level && self.watch.is_none() {
            let brought = self.brought_together(number, bonus, &unilevel.on)?;
            return self.pay_levels(&levels, &tree, &brought);
        }
        let levels = levels.along(&tree, None, &self.run.paid);
        for brought in self.brought(number, bonus, &unilevel.on)? {
            self.walk(&levels, Start::at(brought))?;
        }
        Ok(())
    }

    /// The levels of the unilevel bonus with a code, whatever it is paid on; `None` if there is no such bonus.
    pub(super) fn levels_along(&self, code: &str) -> Result<Option<Levels<'a>>, EngineError> {
        let plan = self.plan;
        let found = (0_u16..).zip(plan.bonuses()).find(|(_, bonus)| bonus.definition.code == code);
        let Some((number, bonus)) = found else { return Ok(None) };
        let Mechanic::Unilevel(unilevel) = &bonus.definition.pays else { return Ok(None) };
        let levels = self.levels_of(number, bonus, unilevel)?;
        let tree = self.level_tree(bonus, unilevel)?;
        Ok(Some(levels.along(&tree, None, &self.run.paid)))
    }

    /// Makes ready a bonus by level, without the ways up.
    pub(super) fn levels_of<'p>(
        &self,
        number: u16,
        bonus: &'p PlannedBonus,
        unilevel: &Unilevel,
    ) -> Result<Levels<'p>, EngineError> {
        let terms = Terms {
            rates: &unilevel.rates,
            depth: &unilevel.depth,
            compression: unilevel.compression,
            roll_up_rate: unilevel.roll_up_rate,
        };
        self.levels(number, bonus, terms, self.value_brought(bonus, &unilevel.on))
    }

    pub(super) fn tree(&self, tree: TreeName) -> &'a Tree {
        match tree {
            TreeName::Placement => &self.snapshot.people.placement,
            TreeName::Enrolment => &self.snapshot.people.enrolment,
        }
    }

    /// Makes ready a bonus by level or generation, without the ways up; a unit of what is paid on is worth `value`.
    pub(super) fn levels<'p>(
        &self,
        number: u16,
        bonus: &'p PlannedBonus,
        terms: Terms<'_>,
        value: Decimal,
    ) -> Result<Levels<'p>, EngineError> {
        let code = &bonus.definition.code;
        let when = self.who(&bonus.when, code)?;
        let qualified = match bonus.rule(Role::Qualified) {
            Some(rule) => self.who(rule, code)?,
            None => vec![true; when.len()],
        };
        Ok(Levels {
            number,
            compression: terms.compression,
            roll_up_rate: terms.roll_up_rate,
            rates: self.level_rates(number, bonus, terms.rates, value)?,
            deepest: deepest(terms.rates),
            paid_depth: paid_depth(self.plan, terms.depth),
            next: Vec::new(),
            next_qualified: Vec::new(),
            next_paid: Vec::new(),
            depth: Vec::new(),
            when,
            qualified,
        })
    }

    fn level_rates<'p>(
        &self,
        number: u16,
        bonus: &'p PlannedBonus,
        rates: &LevelRates,
        value: Decimal,
    ) -> Result<RatesOfLevels<'p>, EngineError> {
        let code = &bonus.definition.code;
        let row = |rates: &[Decimal]| {
            let ready = |rate: &Decimal| {
                let factors = self.factors(number, *rate, value)?;
                Ok(LevelRate { rate: fixed(*rate, RATE_SCALE, "a rate", code)?, factors })
            };
            rates.iter().map(ready).collect::<Result<Vec<_>, EngineError>>()
        };
        let by_rank = |rank: u8| match rates {
            LevelRates::ByLevel(rates) => row(rates),
            LevelRates::ByRank(rows) => {
                let reached = rows.iter().rfind(|row| reaches(self.plan, row.rank.as_ref(), rank));
                row(reached.map_or(&[], |row| row.rates.as_slice()))
            }
            LevelRates::Rule(_) => Ok(Vec::new()),
        };
        match bonus.rule(Role::Rate) {
            Some(rule) if matches!(rates, LevelRates::Rule(_)) => Ok(RatesOfLevels::Rule { rule, value }),
            _ => Ok(RatesOfLevels::Table(all_ranks(self.plan).map(by_rank).collect::<Result<_, _>>()?)),
        }
    }

    /// Pays the levels above one source.
    pub(super) fn walk(&mut self, levels: &Levels<'_>, start: Start) -> Result<(), EngineError> {
        let number = levels.number;
        let mut at = levels.above(start.below, start.level);
        for level in start.level..=levels.deepest {
            let holder = at;
            let to = levels.taken(holder);
            if at != NONE {
                at = levels.above(at as usize, level + 1);
            }
            let Some(rate) = self.rate_of_level(levels, start, to.rate_of, level)? else { continue };
            let (earner, outcome) = match to.fate {
                Fate::Unclaimed if holder == NONE => (None, Outcome::NobodyThere),
                Fate::Unclaimed => (None, Outcome::NobodyQualified),
                Fate::Unqualified => (None, Outcome::Unqualified),
                Fate::Earned(earner) => (Some(earner), Outcome::Paid),
                Fate::RolledUp(earner) => (Some(earner), Outcome::PassedUp),
            };
            let outcome = earner.map_or(outcome, |earner| {
                levels.outcome(earner, usize::from(self.run.paid[earner]), level, outcome)
            });
            self.share(Share {
                bonus: number,
                holder,
                earner: earner.map_or(NONE, position),
                level: level_number(level),
                base: start.base,
                rate,
                outcome,
            });
            let (Some(earner), Outcome::Paid | Outcome::PassedUp) = (earner, outcome) else { continue };
            let walked = (levels.depth[start.source] + start.walked).saturating_sub(levels.depth[earner]);
            let claim = Claim {
                bonus: number,
                earner,
                source: start.source,
                order: start.order,
                level_walked: level_number(walked as usize),
                level_paid: level_number(level),
                base: start.base,
                rate,
            };
            let factor = self.factor_of_level(levels, claim, to.rate_of, level)?;
            self.pay(claim, factor)?;
        }
        Ok(())
    }

    /// The rate of a level for who stands there, or for nobody; `None` where there is none or it is 0.
    fn rate_of_level(
        &self,
        levels: &Levels<'_>,
        start: Start,
        of: Option<usize>,
        level: usize,
    ) -> Result<Option<i64>, EngineError> {
        let rate = match &levels.rates {
            RatesOfLevels::Table(_) => {
                levels.table_rate(of.map_or(0, |row| usize::from(self.run.paid[row])), level)
            }
            // Who would earn it is unknown where nobody stands.
            RatesOfLevels::Rule { rule, .. } => match of {
                Some(row) => Some(self.rate_by_rule(levels.number, rule, start, row, level)?),
                None => None,
            },
        };
        Ok(rate.filter(|rate| *rate != 0))
    }

    fn rate_by_rule(
        &self,
        number: u16,
        rule: &Program,
        start: Start,
        earner: usize,
        level: usize,
    ) -> Result<i64, EngineError> {
        let of = || format!("the rate of bonus {}", self.bonuses[usize::from(number)].code);
        let view = self.run.view();
        let (source, order) = (start.source, start.order);
        let pair = Pair { view: &view, earner, source, order, level, zone: &self.zone };
        let value =
            rule.evaluate(&pair).map_err(|reason| rule_failed(&of(), self.snapshot, earner, &reason))?;
        let rate = value.as_number().and_then(|rate| rounded(rate, RATE_SCALE));
        rate.ok_or_else(|| EngineError::Overflow {
            person: self.snapshot.people.ids.get(earner).to_owned(),
            what: of(),
        })
    }

    fn factor_of_level(
        &self,
        levels: &Levels<'_>,
        claim: Claim,
        of: Option<usize>,
        level: usize,
    ) -> Result<Factor, EngineError> {
        let at = self.currency_index(claim.earner);
        let rank = of.map_or(0, |row| usize::from(self.run.paid[row]));
        match &levels.rates {
            RatesOfLevels::Table(table) => Ok(table[rank][level - 1].factors[at]),
            RatesOfLevels::Rule { value, .. } => {
                self.factor(claim.bonus, Decimal::new(claim.rate, RATE_SCALE), *value, at)
            }
        }
    }
}

/// Rates of levels made ready.
enum RatesOfLevels<'p> {
    /// By rank, then by level.
    Table(Vec<Vec<LevelRate>>),
    /// By a rule over who stands there, the source, the order and the level.
    Rule { rule: &'p Program, value: Decimal },
}

struct LevelRate {
    rate: i64,
    factors: Vec<Factor>,
}

/// A bonus by level or generation made ready.
pub(super) struct Levels<'p> {
    number: u16,
    compression: Compression,
    roll_up_rate: RollUpRate,
    rates: RatesOfLevels<'p>,
    deepest: usize,
    /// By rank, how many levels are paid.
    paid_depth: Vec<usize>,
    /// Who stands at the next level above each row. This and the three after it are empty until [`Levels::along`] fills them.
    next: Vec<u32>,
    /// The nearest of them who is qualified.
    next_qualified: Vec<u32>,
    /// Under `dynamic-by-level`, the nearest of those who is paid so many levels, by that number, the lowest first: a row for each
    /// number of levels that some rank is paid.
    next_paid: Vec<(usize, Vec<u32>)>,
    /// Levels from the root; with leaders, how many there are from the root down to the row.
    depth: Vec<u32>,
    when: Vec<bool>,
    qualified: Vec<bool>,
}

/// What becomes of a level, and whose rate it is.
struct Taken {
    fate: Fate,
    rate_of: Option<usize>,
}

enum Fate {
    Earned(usize),
    RolledUp(usize),
    Unqualified,
    Unclaimed,
}

impl Levels<'_> {
    /// With the ways up a tree, to walk level by level; by generation if `leaders` says who leads. `paid` are the paid ranks.
    pub(super) fn along(self, tree: &Tree, leaders: Option<&[bool]>, paid: &[u8]) -> Self {
        let stands = |row: usize| leaders.is_none_or(|leaders| leaders[row]);
        let mut depths = Vec::new();
        if self.compression == Compression::DynamicByLevel {
            depths.extend(self.paid_depth.iter().copied().filter(|depth| *depth != 0));
            depths.sort_unstable();
            depths.dedup();
        }
        let next_paid = |depth: usize| {
            let reaches = |row: usize| depth <= self.paid_depth[usize::from(paid[row])];
            (depth, next_above(tree, |row| stands(row) && self.qualified[row] && reaches(row)))
        };
        Self {
            next: next_above(tree, stands),
            next_qualified: next_above(tree, |row| stands(row) && self.qualified[row]),
            next_paid: depths.into_iter().map(next_paid).collect(),
            depth: depth_by_row(tree, leaders),
            ..self
        }
    }

    /// Who stands at a level of what a row brings, or [`NONE`].
    pub(super) fn holder(&self, row: usize, level: usize) -> u32 {
        let mut at = self.above(row, 1);
        for level in 2..=level {
            if at == NONE {
                break;
            }
            at = self.above(at as usize, level);
        }
        at
    }

    /// Whether somebody takes a level.
    pub(super) fn is_qualified(&self, row: usize) -> bool {
        self.qualified[row]
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }

    pub(super) fn deepest(&self) -> usize {
        self.deepest
    }

    /// What becomes of a share that would be paid as `outcome` to somebody of a rank.
    pub(super) fn outcome(&self, earner: usize, rank: usize, level: usize, outcome: Outcome) -> Outcome {
        if !self.when[earner] {
            Outcome::FailsWhen
        } else if self.paid_depth[rank] < level {
            Outcome::RankTooLow
        } else {
            outcome
        }
    }

    /// The rate of a rank and level in the table, if there is one and it is not 0.
    pub(super) fn table_rate(&self, rank: usize, level: usize) -> Option<i64> {
        self.table_entry(rank, level).map(|entry| entry.rate).filter(|rate| *rate != 0)
    }

    /// What a base is multiplied with in one of the currencies.
    pub(super) fn table_factor(&self, rank: usize, level: usize, currency: usize) -> Option<Factor> {
        self.table_entry(rank, level).and_then(|entry| entry.factors.get(currency)).copied()
    }

    fn table_entry(&self, rank: usize, level: usize) -> Option<&LevelRate> {
        match &self.rates {
            RatesOfLevels::Table(table) => table.get(rank).and_then(|rates| rates.get(level - 1)),
            RatesOfLevels::Rule { .. } => None,
        }
    }

    /// The nearest above who may stand at a level, whether qualified or not.
    pub(super) fn next(&self, row: usize) -> u32 {
        self.next[row]
    }

    /// Who takes a level, if it is looked for above a row.
    fn above(&self, row: usize, level: usize) -> u32 {
        match self.compression {
            Compression::Dynamic => self.next_qualified[row],
            // Who is paid as many levels as the lowest number that reaches this one.
            Compression::DynamicByLevel => {
                let reaching = self.next_paid.iter().find(|(depth, _)| level <= *depth);
                reaching.map_or(NONE, |(_, next)| next[row])
            }
            Compression::None | Compression::RollUp => self.next[row],
        }
    }

    /// Who stands at the last level there is of what a row brings, or [`NONE`].
    pub(super) fn last_holder(&self, row: usize) -> u32 {
        self.holder(row, self.deepest)
    }

    /// Up to which level a person of a rank takes the one they stand at, paid for it or not; 0 for who takes none.
    pub(super) fn takes_up_to(&self, row: usize, rank: u8) -> usize {
        match self.compression {
            Compression::Dynamic | Compression::DynamicByLevel if !self.qualified[row] => 0,
            Compression::DynamicByLevel => self.paid_depth[usize::from(rank)],
            Compression::None | Compression::Dynamic | Compression::RollUp => usize::MAX,
        }
    }

    /// What becomes of a level at which `at` stands.
    fn taken(&self, at: u32) -> Taken {
        if at == NONE {
            return Taken { fate: Fate::Unclaimed, rate_of: None };
        }
        let holder = at as usize;
        let (fate, rate_of) = if self.qualified[holder] {
            (Fate::Earned(holder), holder)
        } else if self.compression != Compression::RollUp {
            (Fate::Unqualified, holder)
        } else if self.next_qualified[holder] == NONE {
            (Fate::Unclaimed, holder)
        } else {
            let upper = self.next_qualified[holder] as usize;
            (Fate::RolledUp(upper), if self.roll_up_rate == RollUpRate::Loser { holder } else { upper })
        };
        Taken { fate, rate_of: Some(rate_of) }
    }
}

pub(super) fn level_number(level: usize) -> u16 {
    u16::try_from(level).unwrap_or(u16::MAX)
}

/// How many levels there are.
fn deepest(rates: &LevelRates) -> usize {
    match rates {
        LevelRates::ByLevel(rates) => rates.len(),
        LevelRates::ByRank(rows) => rows.iter().map(|row| row.rates.len()).max().unwrap_or(0),
        LevelRates::Rule(rule) => usize::from(rule.levels),
    }
}

/// By rank, how many levels are paid.
pub(super) fn paid_depth(plan: &plan::Plan, depth: &[DepthByRank]) -> Vec<usize> {
    let paid = |rank: u8| {
        if depth.is_empty() {
            return usize::MAX;
        }
        let row = depth.iter().rfind(|row| reaches(plan, row.rank.as_ref(), rank));
        row.map_or(0, |row| usize::from(row.levels))
    };
    all_ranks(plan).map(paid).collect()
}

/// The nearest above each for whom something holds.
pub(super) fn next_above(tree: &Tree, holds: impl Fn(usize) -> bool) -> Vec<u32> {
    let mut next = vec![NONE; tree.len()];
    for row in &tree.order {
        let upper = tree.parent[*row as usize];
        if upper != NONE {
            next[*row as usize] = if holds(upper as usize) { upper } else { next[upper as usize] };
        }
    }
    next
}

/// The nearest above each whose key is greater. Who follows whom that way makes a tree of its own with growing keys; jumps over parts of
/// it of growing length keep the search short where a line has many different keys.
pub(super) fn next_greater(tree: &Tree, key: impl Fn(usize) -> i64) -> Vec<u32> {
    let mut next = vec![NONE; tree.len()];
    let mut jump = vec![NONE; tree.len()];
    let mut steps = vec![0_u32; tree.len()];
    for row in tree.order.iter().map(|row| *row as usize) {
        let is_greater = |upper: u32| key(row) < key(upper as usize);
        let mut upper = tree.parent[row];
        while upper != NONE && !is_greater(upper) {
            let far = jump[upper as usize];
            upper = if far == NONE || is_greater(far) { next[upper as usize] } else { far };
        }
        next[row] = upper;
        if upper != NONE {
            // As long as the last two jumps were of the same length, this one is as long as both and a step.
            let over =
                |row: u32| if row == NONE { (NONE, 0) } else { (jump[row as usize], steps[row as usize]) };
            let (near, from) = over(upper);
            let (far, middle) = over(near);
            let end = if far == NONE { 0 } else { steps[far as usize] };
            steps[row] = from + 1;
            jump[row] =
                if near != NONE && far != NONE && from - middle == middle - end { far } else { upper };
        }
    }
    next
}

/// Levels from the root; with `leaders`, how many of them there are from the root down to each row.
pub(super) fn depth_by_row(tree: &Tree, leaders: Option<&[bool]>) -> Vec<u32> {
    let Some(leaders) = leaders else { return tree.levels() };
    let mut depth = vec![0; tree.len()];
    for row in tree.order.iter().map(|row| *row as usize) {
        let above = match tree.parent[row] {
            NONE => 0,
            upper => depth[upper as usize],
        };
        depth[row] = above + u32::from(leaders[row]);
    }
    depth
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_next_greater_is_the_first_greater_one_above(
            raw in prop::collection::vec((0_usize..3, 0_i64..40), 1..200),
            spread in 0_usize..200,
        ) {
            // Most hang closely under the one before, so that lines are long.
            let parent = |row: usize, back: usize| {
                let back = if row % 17 == 16 { spread } else { back };
                if row == 0 { NONE } else { u32::try_from(row.saturating_sub(back + 1)).unwrap() }
            };
            let parents = raw.iter().enumerate().map(|(row, (back, _))| parent(row, *back)).collect();
            let tree = Tree::of(parents).unwrap();
            let found = next_greater(&tree, |row| raw[row].1);
            for (row, next) in found.into_iter().enumerate() {
                let mut above = tree.upline(u32::try_from(row).unwrap());
                let expected = above.find(|upper| raw[row].1 < raw[*upper as usize].1);
                prop_assert_eq!(next, expected.unwrap_or(NONE));
            }
        }
    }
}
