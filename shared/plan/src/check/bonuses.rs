//! Bonuses: names, rules, brackets, tables.

mod totals;

use std::collections::BTreeMap;

use rules::Type;
use rust_decimal::Decimal;

use super::Checker;
use crate::{
    bonus::{
        Bonus, Brackets, Breakaway, Cap, Compression, DepthByRank, Differential, DifferentialBy,
        GenerationOverride, Infinity, LevelBase, LevelRates, Limit, LinesPer, Mechanic, PassUp, Per,
        Percentage, Rate, Unilevel,
    },
    checked::{AMOUNT_SCALE, PlannedBonus, Role},
    indicator::{GenerationCounts, Tree},
    source::{Place, Source},
};

/// What is checked and compiled of one bonus.
pub(super) struct Bonuses<'a> {
    checker: &'a mut Checker,
    rules: BTreeMap<Role, rules::Program>,
    indicators: BTreeMap<Role, usize>,
    /// Whether everything was found.
    complete: bool,
}

impl Checker {
    pub(super) fn bonuses(&mut self) -> Option<Vec<PlannedBonus>> {
        let definitions = self.document.bonuses.clone();
        let planned: Vec<Option<PlannedBonus>> =
            definitions.iter().enumerate().map(|(index, bonus)| self.bonus(index, bonus)).collect();
        self.alternatives();
        self.payments_of_levels(&planned);
        planned.into_iter().collect()
    }

    /// Levels after which a bonus pays are walked again where it is computed: what their rules ask of other bonuses has to be known
    /// there too.
    fn payments_of_levels(&mut self, planned: &[Option<PlannedBonus>]) {
        let mut unknown = Vec::new();
        for (number, bonus) in planned.iter().enumerate() {
            let Some(Mechanic::Infinity(infinity)) = bonus.as_ref().map(|bonus| &bonus.definition.pays)
            else {
                continue;
            };
            let levels =
                planned.iter().flatten().find(|one| infinity.after.as_ref() == Some(&one.definition.code));
            let known = self.payments_before(number);
            let slots = levels.into_iter().flat_map(PlannedBonus::rules).flat_map(rules::Program::slots);
            for slot in slots {
                if let Some(Source::Paid(asked)) = self.names.source(*slot)
                    && known.iter().all(|(index, _)| *index != asked)
                {
                    unknown.push((number, self.document.bonuses[asked].code.clone()));
                }
            }
        }
        for (number, code) in unknown {
            self.mistake(
                format!("/bonuses/{number}/pays/infinity/after"),
                "levels that hang on a bonus that is not computed here",
                format!("{code:?}"),
                "levels that ask only for bonuses computed in every process this one is",
            );
        }
    }

    /// The rule of the plan's own cap per person, where it is one.
    pub(super) fn cap_per_person(&mut self) -> Option<rules::Program> {
        let cap = self.document.cap_per_person.clone()?;
        self.names.payments.clear();
        let mut parts = Bonuses::of(self);
        parts.limit(Role::Cap, "/cap_per_person", &cap);
        parts.rules.remove(&Role::Cap)
    }

    fn bonus(&mut self, index: usize, bonus: &Bonus) -> Option<PlannedBonus> {
        let pointer = format!("/bonuses/{index}");
        self.names.payments = self.payments_before(index);
        let text = bonus.when.as_deref().unwrap_or("active");
        let when = self.rule(&format!("{pointer}/when"), Place::Payment, text, &Type::Bool);
        let mut parts = Bonuses::of(self);
        parts.award(&pointer, bonus);
        if let Some(cap) = &bonus.cap_per_person {
            parts.limit(Role::Cap, &format!("{pointer}/cap_per_person"), cap);
        }
        match &bonus.cap {
            None => {}
            Some(Cap::Amount(cap)) => parts.checker.positive(&format!("{pointer}/cap"), *cap),
            Some(Cap::Share(cap)) => {
                parts.share_of_company(Role::CapOf, &format!("{pointer}/cap/share"), &cap.share);
            }
        }
        if let Some(hold) = &bonus.hold {
            parts.rule(
                Role::HeldWhile,
                &format!("{pointer}/hold/while"),
                Place::Payment,
                &hold.held_while,
                &Type::Bool,
            );
        }
        parts.mechanic(&format!("{pointer}/pays"), &bonus.pays, index);
        let Bonuses { rules, indicators, complete, .. } = parts;
        if !complete {
            return None;
        }
        Some(PlannedBonus { definition: bonus.clone(), when: when?, rules, indicators })
    }
}

impl<'a> Bonuses<'a> {
    fn of(checker: &'a mut Checker) -> Self {
        Self { checker, rules: BTreeMap::new(), indicators: BTreeMap::new(), complete: true }
    }
}

impl Bonuses<'_> {
    fn rule(&mut self, role: Role, pointer: &str, place: Place, text: &str, ty: &Type) {
        match self.checker.rule(pointer, place, text, ty) {
            Some(program) => drop(self.rules.insert(role, program)),
            None => self.complete = false,
        }
    }

    fn indicator(&mut self, role: Role, pointer: &str, code: &str) {
        match self.checker.indicator_of(pointer, code) {
            Some(index) => {
                if matches!(role, Role::Of | Role::On | Role::CapOf)
                    && AMOUNT_SCALE < self.checker.scales(index).1
                {
                    let expected = "an indicator of points, money or counts";
                    self.checker.mistake(pointer, "nothing is paid on a quotient", code, expected);
                }
                self.indicators.insert(role, index);
            }
            None => self.complete = false,
        }
    }

    fn mechanic(&mut self, place: &str, mechanic: &Mechanic, number: usize) {
        match mechanic {
            Mechanic::Percentage(percentage) => self.percentage(&format!("{place}/percentage"), percentage),
            Mechanic::Unilevel(unilevel) => self.unilevel(&format!("{place}/unilevel"), unilevel),
            Mechanic::Differential(differential) => {
                self.differential(&format!("{place}/differential"), differential);
            }
            Mechanic::Generation(generation) => self.generation(&format!("{place}/generation"), generation),
            Mechanic::Breakaway(breakaway) => self.breakaway(&format!("{place}/breakaway"), breakaway),
            Mechanic::Matching(matching) => self.matching(&format!("{place}/matching"), matching, number),
            Mechanic::Pool(pool) => self.pool(&format!("{place}/pool"), pool),
            Mechanic::Infinity(infinity) => self.infinity(&format!("{place}/infinity"), infinity, number),
            Mechanic::Fixed(fixed) => self.fixed(&format!("{place}/fixed"), fixed),
            Mechanic::RetailProfit(retail) => self.retail_profit(&format!("{place}/retail-profit"), retail),
            Mechanic::Binary(binary) => self.binary(&format!("{place}/binary"), binary),
        }
    }

    fn percentage(&mut self, place: &str, percentage: &Percentage) {
        self.indicator(Role::Of, &format!("{place}/of"), &percentage.of);
        self.rate(&format!("{place}/rate"), &percentage.rate);
        self.checker.has_periods(&format!("{place}/true_up"), percentage.true_up);
    }

    /// A rate of the earner; brackets compare the indicator that is paid on unless they name one.
    fn rate(&mut self, place: &str, rate: &Rate) {
        match rate {
            Rate::Fixed(_) => {}
            Rate::Brackets(brackets) => self.brackets(&format!("{place}/brackets"), brackets),
            Rate::ByRank(rows) => {
                let ranks = rows.iter().map(|row| row.rank.clone()).collect();
                self.ranks_in_order(&format!("{place}/by-rank"), ranks);
            }
            Rate::Rule(text) => {
                self.rule(Role::Rate, &format!("{place}/rule"), Place::Payment, text, &Type::Number);
            }
        }
    }

    fn brackets(&mut self, place: &str, brackets: &Brackets) {
        self.brackets_in_order(place, brackets);
        let of = self.indicators.get(&Role::Of).copied();
        match (&brackets.over, of) {
            (Some(code), _) => self.indicator(Role::Over, &format!("{place}/over"), code),
            (None, Some(of)) => drop(self.indicators.insert(Role::Over, of)),
            (None, None) => {}
        }
        if brackets.marginal && self.indicators.get(&Role::Over) != self.indicators.get(&Role::Of) {
            let found = "an indicator that is not paid on";
            self.checker.mistake(
                format!("{place}/marginal"),
                "slices of another indicator",
                found,
                "no `over`",
            );
        }
    }

    fn brackets_in_order(&mut self, place: &str, brackets: &Brackets) {
        if brackets.steps.is_empty() {
            self.checker.mistake(format!("{place}/steps"), "no bracket", "nothing", "at least one bracket");
        }
        for (index, pair) in brackets.steps.windows(2).enumerate() {
            if pair[1].from <= pair[0].from {
                let pointer = format!("{place}/steps/{}/from", index + 1);
                let expected = format!("more than {}", pair[0].from);
                self.checker.mistake(pointer, "brackets out of order", pair[1].from.to_string(), expected);
            }
        }
    }

    fn unilevel(&mut self, place: &str, unilevel: &Unilevel) {
        let text = unilevel.qualified.as_deref().unwrap_or("active");
        self.rule(Role::Qualified, &format!("{place}/qualified"), Place::Payment, text, &Type::Bool);
        let orders = self.level_base(&format!("{place}/on"), &unilevel.on);
        self.only_where(place, unilevel.only_where.as_deref(), orders);
        self.level_rates(&format!("{place}/rates"), &unilevel.rates, orders);
        self.depth(place, &unilevel.depth, unilevel.compression);
        if let Some(pass_up) = &unilevel.pass_up {
            self.pass_up(&format!("{place}/pass_up"), pass_up);
        }
        if unilevel.per == LinesPer::Level {
            let mut only = |field: &str, found: &str, expected: &str| {
                let at = format!("{place}/{field}");
                self.checker.mistake(at, "what makes up a level has no rate in common", found, expected);
            };
            if unilevel.compression == Compression::RollUp {
                only("compression", "roll-up", "any other, or `per: source`");
            }
            if matches!(unilevel.rates, LevelRates::Rule(_)) {
                only("rates", "a rule", "`by-level` or `by-rank`, or `per: source`");
            }
        }
    }

    fn pass_up(&mut self, place: &str, pass_up: &PassUp) {
        let at = format!("{place}/numbers");
        if pass_up.numbers.is_empty() {
            self.checker.mistake(&at, "nobody passes up", "nothing", "at least one number");
        }
        let mut last = 0;
        for (index, number) in pass_up.numbers.iter().copied().enumerate() {
            if number <= last {
                let expected = format!("more than {last}");
                self.checker.mistake(
                    format!("{at}/{index}"),
                    "numbers out of order",
                    number.to_string(),
                    expected,
                );
            }
            last = number;
        }
        if let Some(text) = &pass_up.only_where {
            self.rule(Role::PassUp, &format!("{place}/where"), Place::Payment, text, &Type::Bool);
        }
    }

    /// Whether orders are paid on.
    fn level_base(&mut self, place: &str, base: &LevelBase) -> bool {
        match base {
            LevelBase::Indicator(code) => {
                self.indicator(Role::On, &format!("{place}/indicator"), code);
                false
            }
            LevelBase::Orders(_) => true,
        }
    }

    fn only_where(&mut self, place: &str, text: Option<&str>, orders: bool) {
        if let Some(text) = text {
            self.rule(Role::Where, &format!("{place}/where"), Place::Sources { orders }, text, &Type::Bool);
        }
    }

    fn differential(&mut self, place: &str, differential: &Differential) {
        self.indicator(Role::Of, &format!("{place}/of"), &differential.of);
        self.rate(&format!("{place}/rate"), &differential.rate);
        if let Rate::Brackets(Brackets { marginal: true, .. }) = &differential.rate {
            let at = format!("{place}/rate/brackets/marginal");
            self.checker.mistake(at, "slices have no difference", "true", "false");
        }
        match &differential.by {
            DifferentialBy::Source(base) => {
                let orders = self.level_base(&format!("{place}/by/source"), base);
                self.only_where(place, differential.only_where.as_deref(), orders);
            }
            DifferentialBy::Member => {
                let by_source = [
                    ("most", differential.most.is_some()),
                    ("given", differential.given.is_some()),
                    ("where", differential.only_where.is_some()),
                ];
                for (field, _) in by_source.into_iter().filter(|(_, is_there)| *is_there) {
                    let at = format!("{place}/{field}");
                    self.checker.mistake(at, "only where sources are gone through", field, "`by: source`");
                }
            }
        }
        if let Some(most) = differential.most {
            self.checker.positive(&format!("{place}/most"), most);
        }
        if let Some(code) = &differential.given {
            self.indicator(Role::Given, &format!("{place}/given"), code);
        }
    }

    fn generation(&mut self, place: &str, generation: &GenerationOverride) {
        self.indicator(Role::Of, &format!("{place}/of"), &generation.of);
        self.checker.rank_of(&format!("{place}/rank"), &generation.rank);
        let text = generation.qualified.as_deref().unwrap_or("active");
        self.rule(Role::Qualified, &format!("{place}/qualified"), Place::Payment, text, &Type::Bool);
        self.level_rates(&format!("{place}/rates"), &generation.rates, false);
        self.depth(place, &generation.depth, generation.compression);
        if generation.counts != GenerationCounts::Leader && generation.per == Per::Leader {
            let expected = "`per: member` unless the first leaders are generation 1";
            self.checker.mistake(
                format!("{place}/per"),
                "not all of generation 1 has a leader",
                "leader",
                expected,
            );
        }
    }

    fn breakaway(&mut self, place: &str, breakaway: &Breakaway) {
        self.indicator(Role::Of, &format!("{place}/of"), &breakaway.of);
        self.checker.rank_of(&format!("{place}/rank"), &breakaway.rank);
        if let Some(minimum) = breakaway.minimum {
            self.checker.positive(&format!("{place}/minimum"), minimum);
        }
    }

    fn infinity(&mut self, place: &str, infinity: &Infinity, number: usize) {
        let orders = self.level_base(&format!("{place}/on"), &infinity.on);
        self.only_where(place, infinity.only_where.as_deref(), orders);
        let at = format!("{place}/rates");
        if infinity.rates.is_empty() {
            self.checker.mistake(&at, "no rate", "nothing", "at least one rate");
        }
        self.ranks_in_order(&at, infinity.rates.iter().map(|row| row.rank.clone()).collect());
        if let Some(code) = &infinity.after {
            self.after(&format!("{place}/after"), code, infinity.tree, number);
        }
    }

    /// The bonus after whose levels another one pays.
    fn after(&mut self, pointer: &str, code: &str, tree: Tree, number: usize) {
        let bonuses = &self.checker.document.bonuses;
        let standing = bonuses.iter().position(|bonus| bonus.code == code);
        let (message, expected) = match standing.map(|place| (place, &bonuses[place].pays)) {
            None => ("no such bonus", "a code of a bonus"),
            Some((place, _)) if number <= place => {
                ("not known yet", "a bonus that stands earlier in the plan")
            }
            Some((_, Mechanic::Unilevel(unilevel))) if unilevel.tree != tree => {
                ("levels of the other tree", "a bonus of the same tree")
            }
            Some((_, Mechanic::Unilevel(Unilevel { pass_up: Some(_), .. }))) => {
                ("levels over which people pass up", "a bonus without `pass_up`")
            }
            Some((_, Mechanic::Unilevel(_))) => return,
            Some(_) => ("a bonus without levels", "a unilevel bonus"),
        };
        self.checker.mistake(pointer, message, format!("{code:?}"), expected);
    }

    fn level_rates(&mut self, place: &str, rates: &LevelRates, orders: bool) {
        match rates {
            LevelRates::ByLevel(rates) => self.rates(&format!("{place}/by-level"), rates),
            LevelRates::ByRank(rows) => {
                let at = format!("{place}/by-rank");
                self.ranks_in_order(&at, rows.iter().map(|row| row.rank.clone()).collect());
                for (index, row) in rows.iter().enumerate() {
                    self.rates(&format!("{at}/{index}/rates"), &row.rates);
                }
            }
            LevelRates::Rule(rule) => {
                let at = format!("{place}/rule");
                self.rule(
                    Role::Rate,
                    &format!("{at}/rate"),
                    Place::Level { orders },
                    &rule.rate,
                    &Type::Number,
                );
            }
        }
    }

    /// A number for everyone is more than 0; that of a rank may be 0, for who is paid nothing.
    fn limit(&mut self, role: Role, place: &str, limit: &Limit) {
        match limit {
            Limit::Same(amount) => self.checker.positive(place, *amount),
            Limit::ByRank { by_rank } => {
                let at = format!("{place}/by-rank");
                if by_rank.is_empty() {
                    self.checker.mistake(&at, "no amount", "nothing", "at least one rank");
                }
                self.ranks_in_order(&at, by_rank.iter().map(|row| Some(row.rank.clone())).collect());
                for (below, amount) in
                    limit.amounts().into_iter().filter(|(_, amount)| *amount < Decimal::ZERO)
                {
                    let at = format!("{place}{below}");
                    self.checker.mistake(at, "negative amount", amount.to_string(), "0 or more");
                }
            }
            Limit::Rule { rule } => {
                self.rule(role, &format!("{place}/rule"), Place::Payment, rule, &Type::Number);
            }
        }
    }

    /// Levels paid by rank, which is what `dynamic-by-level` looks at.
    pub(super) fn depth(&mut self, place: &str, depth: &[DepthByRank], compression: Compression) {
        self.ranks_in_order(&format!("{place}/depth"), depth.iter().map(|row| row.rank.clone()).collect());
        if compression == Compression::DynamicByLevel && depth.is_empty() {
            self.checker.mistake(
                format!("{place}/compression"),
                "nothing says which levels a rank is paid",
                "dynamic-by-level without depth",
                "`depth`, or `dynamic`",
            );
        }
    }

    fn rates(&mut self, pointer: &str, rates: &[Decimal]) {
        if rates.is_empty() || 64 < rates.len() {
            self.checker.mistake(pointer, "number of levels", rates.len().to_string(), "from 1 to 64 rates");
        }
    }

    fn ranks_in_order(&mut self, pointer: &str, ranks: Vec<Option<String>>) {
        let mut last = None;
        for (index, rank) in ranks.into_iter().enumerate() {
            let at = format!("{pointer}/{index}/rank");
            let position = match &rank {
                None => Some(0),
                Some(code) => self.checker.rank_of(&at, code),
            };
            if let (Some(last), Some(position)) = (last, position)
                && position <= last
            {
                self.checker.mistake(
                    at,
                    "ranks out of order",
                    format!("{rank:?}"),
                    "the lowest rank first, each once",
                );
            }
            last = position.or(last);
        }
    }
}
