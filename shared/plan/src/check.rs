//! From text to a checked plan: structure, names, rules, circular references, what can be computed.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use rules::{Program, Type, compile};
use rust_decimal::Decimal;
use serde_json::Value;

mod bonuses;

use crate::{
    bonus::Period,
    catalogue,
    checked::{AMOUNT_SCALE, Plan, PlannedBonus, PlannedIndicator, RATIO_SCALE, canonical_hash},
    document::{AfterSettlement, Document},
    error::{PlanError, as_written},
    indicator::{
        Aggregate, Generation, GenerationCounts, Indicator, LegCap, Measure, Over, RankBasis, Scope, Unit,
        Window,
    },
    order::{Node, Order},
    schema::json_schema,
    source::{Attribute, Names, Place, Source},
    structure,
};

/// Most ranks, bonuses and indicators a plan may have.
const MOST_RANKS: usize = 60;
const MOST_BONUSES: usize = 100;
const MOST_INDICATORS: usize = 2_000;

/// What a circular reference is not.
const IN_ORDER: &str = "an order in which all can be computed";
/// What a rule of a rank may read of this cycle's ranks.
const CLIMBABLE: &str = "of what needs ranks of this cycle, a rule of a rank may read itself a sum or count over a group with \
                         \"ranks\": \"paid\" in the tree of the ranks, over members, that is no quotient and asks for no rank of this \
                         cycle in its measure, filter or where";

pub(crate) fn check(json: &str) -> Result<Plan, Vec<PlanError>> {
    let value: Value = serde_json::from_str(json).map_err(|error| vec![not_json(&error)])?;
    let mut mistakes = structure::mistakes(&value, &json_schema());
    let document = match decode(&value) {
        Ok(document) if mistakes.is_empty() => document,
        Ok(_) => return Err(sorted(mistakes)),
        Err(mistake) => {
            // The schema knows nothing of time zones and currencies in circulation; serde does.
            if mistakes.iter().all(|known| known.pointer != mistake.pointer) && mistakes.is_empty() {
                mistakes.push(mistake);
            }
            return Err(sorted(mistakes));
        }
    };
    let mut checker = Checker::new(document);
    let plan = checker.plan();
    match plan {
        Some(plan) if checker.mistakes.is_empty() => Ok(plan),
        _ => Err(sorted(checker.mistakes)),
    }
}

fn sorted(mut mistakes: Vec<PlanError>) -> Vec<PlanError> {
    mistakes.sort();
    mistakes.dedup();
    mistakes
}

fn not_json(error: &serde_json::Error) -> PlanError {
    PlanError {
        line: u32::try_from(error.line()).ok(),
        column: u32::try_from(error.column()).ok(),
        ..PlanError::at("", "not JSON", error.to_string(), "a JSON object")
    }
}

fn decode(value: &Value) -> Result<Document, PlanError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            let segment = match segment {
                serde_path_to_error::Segment::Seq { index } => index.to_string(),
                serde_path_to_error::Segment::Map { key } => key.clone(),
                serde_path_to_error::Segment::Enum { variant } => variant.clone(),
                serde_path_to_error::Segment::Unknown => continue,
            };
            pointer = format!("{pointer}/{segment}");
        }
        let found = value.pointer(&pointer).map_or_else(|| "nothing".to_owned(), ToString::to_string);
        PlanError::at(pointer, "not understood", found, error.inner().to_string())
    })
}

struct Checker {
    document: Document,
    names: Names,
    indicators: Vec<PlannedIndicator>,
    mistakes: Vec<PlanError>,
}

impl Checker {
    fn new(document: Document) -> Self {
        let own = document.indicators.iter().map(|definition| (definition.clone(), false));
        let built_in = catalogue::indicators(&document).into_iter().map(|definition| (definition, true));
        let indicators: Vec<PlannedIndicator> = own
            .chain(built_in)
            .map(|(definition, built_in)| PlannedIndicator {
                definition,
                built_in,
                needed: false,
                filter: None,
                only_where: None,
                qualified: None,
                formula: None,
                measured: None,
                rank: None,
                stage: 0,
                after_ranks: false,
                base_scale: 0,
                scale: 0,
            })
            .collect();
        let definitions: Vec<&Indicator> = indicators.iter().map(|indicator| &indicator.definition).collect();
        let ranks = document.ranks.steps.iter().map(|rank| rank.code.clone()).collect();
        Self { names: Names::new(&definitions, ranks), document, indicators, mistakes: Vec::new() }
    }

    fn plan(&mut self) -> Option<Plan> {
        self.limits();
        self.settings();
        self.unique_names();
        for index in 0..self.indicators.len() {
            self.indicator(index);
        }
        let activity =
            self.rule("/activity/rule", Place::Activity, &self.document.activity.rule.clone(), &Type::Bool);
        let rank_rules = self.rank_rules();
        let bonuses = self.bonuses();
        let cap = self.cap_per_person();
        let (Some(activity), Some(rank_rules), Some(bonuses)) = (activity, rank_rules, bonuses) else {
            return None;
        };
        let order = self.order(&activity, &rank_rules, &bonuses, cap.as_ref())?;
        for (index, indicator) in self.indicators.iter_mut().enumerate() {
            indicator.needed = order.needed[index];
            indicator.stage = order.stages[index];
            indicator.after_ranks = order.after_ranks[index];
        }
        for index in 0..self.indicators.len() {
            (self.indicators[index].base_scale, self.indicators[index].scale) = self.scales(index);
        }
        self.computable();
        let names = std::mem::replace(&mut self.names, Names::new(&[], Vec::new()));
        Some(Plan {
            hash: canonical_hash(&self.document),
            document: self.document.clone(),
            sources: names.into_sources(),
            activity,
            indicators: std::mem::take(&mut self.indicators),
            activity_stage: order.activity_stage,
            rank_rules,
            bonuses,
            cap,
        })
    }

    fn mistake(
        &mut self,
        pointer: impl Into<String>,
        message: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.mistakes.push(PlanError::at(pointer, message, found, expected));
    }

    fn limits(&mut self) {
        let sizes = [
            ("/ranks/steps", self.document.ranks.steps.len(), MOST_RANKS),
            ("/bonuses", self.document.bonuses.len(), MOST_BONUSES),
            ("/indicators", self.document.indicators.len(), MOST_INDICATORS),
        ];
        for (pointer, size, most) in sizes {
            if most < size {
                self.mistake(pointer, "too many", size.to_string(), format!("at most {most}"));
            }
        }
    }

    fn settings(&mut self) {
        if TimeZone::get(&self.document.time_zone).is_err() {
            let found = format!("{:?}", self.document.time_zone);
            self.mistake("/time_zone", "unknown time zone", found, "an IANA name, as \"America/Bogota\"");
        }
        self.period_starts();
        let mut seen = vec![self.document.currencies.base];
        for (index, earner) in self.document.currencies.earners.clone().iter().enumerate() {
            let pointer = format!("/currencies/earners/{index}");
            if seen.contains(&earner.currency) {
                let found = earner.currency.to_string();
                self.mistake(
                    format!("{pointer}/currency"),
                    "currency named twice",
                    found,
                    "each currency once",
                );
            }
            seen.push(earner.currency);
            self.positive(&format!("{pointer}/per_base_unit"), earner.per_base_unit);
        }
        let volumes = self.document.volumes.clone();
        for (name, value) in [
            ("vq_value", volumes.vq_value),
            ("vc_value", volumes.vc_value),
            ("points_value", volumes.points_value),
        ] {
            if value < Decimal::ZERO {
                self.mistake(format!("/volumes/{name}"), "negative value", value.to_string(), "0 or more");
            }
        }
        if let Some(cap) = &self.document.payout_cap {
            let share = cap.share_of_vc;
            self.positive("/payout_cap/share_of_vc", share);
        }
        if let Some(least) = self.document.minimum_payout.as_ref().map(|minimum| minimum.amount)
            && least < Decimal::ZERO
        {
            self.mistake("/minimum_payout/amount", "negative amount", least.to_string(), "0 or more");
        }
        if self.document.returns.after_settlement == AfterSettlement::Replay {
            self.mistake("/returns/after_settlement", "not computed yet", "\"replay\"", "undo or deduct");
        }
        if let Some(asked) = self.document.ranks.continuity
            && asked.of_last < asked.earned
        {
            let found = format!("{} of {} cycles", asked.earned, asked.of_last);
            self.mistake("/ranks/continuity/earned", "more cycles than there are", found, "of_last at most");
        }
        self.catalogue_settings();
    }

    fn period_starts(&mut self) {
        let starts = self.document.period_starts.clone();
        if let [only] = starts.as_slice() {
            let expected = "two days or more, of which the last ends the period before it";
            self.mistake("/period_starts", "no period begins and ends", only.to_string(), expected);
        }
        for (index, pair) in (1..).zip(starts.windows(2)).filter(|(_, pair)| pair[1] <= pair[0]) {
            let expected = format!("a day after {}", pair[0]);
            self.mistake(
                format!("/period_starts/{index}"),
                "days out of order",
                pair[1].to_string(),
                expected,
            );
        }
    }

    /// Refuses a period of the plan where it has none.
    fn has_periods(&mut self, pointer: &str, period: Option<Period>) {
        if period == Some(Period::Plan) && self.document.period_starts.is_empty() {
            let expected = "days in period_starts, or a period of the calendar";
            self.mistake(pointer, "the plan has no periods of its own", "\"plan-period\"", expected);
        }
    }

    fn catalogue_settings(&mut self) {
        let settings = self.document.catalogue.clone();
        if let Some(rank) = &settings.leader_rank {
            self.rank_of("/catalogue/leader_rank", rank);
        }
        for (list, codes) in [("enabled", &settings.enabled), ("hidden", &settings.hidden)] {
            for (index, code) in codes.iter().enumerate() {
                let pointer = format!("/catalogue/{list}/{index}");
                let known = self.indicators.iter().any(|one| one.built_in && one.definition.code == *code);
                if !known {
                    self.mistake(
                        &pointer,
                        "no such built-in indicator",
                        format!("{code:?}"),
                        "a code of the catalogue",
                    );
                }
                if codes[..index].contains(code) {
                    self.mistake(&pointer, "named twice", format!("{code:?}"), "each code once");
                }
            }
        }
    }

    fn positive(&mut self, pointer: &str, value: Decimal) {
        if value <= Decimal::ZERO {
            self.mistake(pointer, "must be positive", value.to_string(), "more than 0");
        }
    }

    fn unique_names(&mut self) {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        let mut named: Vec<(String, String)> = Vec::new();
        for (index, rank) in self.document.ranks.steps.iter().enumerate() {
            named.push((format!("/ranks/steps/{index}/code"), rank.code.clone()));
        }
        for (index, indicator) in self.document.indicators.iter().enumerate() {
            named.push((format!("/indicators/{index}/code"), indicator.code.clone()));
            if let Some(alias) = &indicator.alias {
                named.push((format!("/indicators/{index}/alias"), alias.clone()));
            }
        }
        for indicator in self.indicators.iter().filter(|one| one.built_in) {
            for name in
                [Some(&indicator.definition.code), indicator.definition.alias.as_ref()].into_iter().flatten()
            {
                seen.insert(name.clone(), "the catalogue".to_owned());
            }
        }
        for (pointer, name) in named {
            if Names::is_attribute(&name) {
                self.mistake(&pointer, "name of an attribute of people", format!("{name:?}"), "another name");
            }
            if let Some(other) = seen.insert(name.clone(), pointer.clone()) {
                self.mistake(
                    &pointer,
                    format!("name already used by {other}"),
                    format!("{name:?}"),
                    "a unique name",
                );
            }
        }
        let codes: Vec<String> = self.document.bonuses.iter().map(|bonus| bonus.code.clone()).collect();
        for (index, code) in codes.iter().enumerate() {
            if codes[..index].contains(code) {
                self.mistake(
                    format!("/bonuses/{index}/code"),
                    "code used twice",
                    format!("{code:?}"),
                    "a unique code",
                );
            }
        }
    }

    fn rank_of(&mut self, pointer: &str, code: &str) -> Option<u8> {
        let rank = self.names.rank(code);
        if rank.is_none() {
            let expected = format!("one of {}", self.names.ranks.join(", "));
            self.mistake(pointer, "no such rank", format!("{code:?}"), expected);
        }
        rank
    }

    fn indicator_of(&mut self, pointer: &str, code: &str) -> Option<usize> {
        let index = self.names.indicator(code);
        if index.is_none() {
            self.mistake(pointer, "no such indicator", format!("{code:?}"), "a code of an indicator");
        }
        index
    }

    fn rule(&mut self, pointer: &str, place: Place, text: &str, ty: &Type) -> Option<Program> {
        match compile(text, &self.names.scope(place), ty) {
            Ok(program) => Some(program),
            Err(mistakes) => {
                self.mistakes.extend(mistakes.into_iter().map(|one| PlanError::in_rule(pointer, one)));
                None
            }
        }
    }

    /// Where an indicator stands in the document; built-in ones are the catalogue's.
    fn pointer(&self, index: usize) -> String {
        let indicator = &self.indicators[index];
        if !indicator.built_in {
            return format!("/indicators/{index}");
        }
        let enabled = &self.document.catalogue.enabled;
        match enabled.iter().position(|code| *code == indicator.definition.code) {
            Some(position) => format!("/catalogue/enabled/{position}"),
            None => "/catalogue".to_owned(),
        }
    }

    fn indicator(&mut self, index: usize) {
        let definition = self.indicators[index].definition.clone();
        let pointer = self.pointer(index);
        let place = Place::Member(definition.options.ranks);
        let filter = definition
            .filter
            .as_ref()
            .and_then(|text| self.rule(&format!("{pointer}/filter"), place, text, &Type::Bool));
        let orders = Place::Sources { orders: true };
        let only_where = definition
            .only_where
            .as_ref()
            .and_then(|text| self.rule(&format!("{pointer}/where"), orders, text, &Type::Bool));
        self.has_periods(&format!("{pointer}/window"), definition.window.period());
        let qualified =
            definition.options.qualified.as_ref().and_then(|text| {
                self.rule(&format!("{pointer}/options/qualified"), place, text, &Type::Bool)
            });
        let (mut formula, mut measured) = (None, None);
        match &definition.measure {
            Measure::Formula(text) => {
                formula = self.rule(&format!("{pointer}/measure/formula"), place, text, &Type::Number);
            }
            Measure::Indicator(code) => {
                measured = self.indicator_of(&format!("{pointer}/measure/indicator"), code);
            }
            _ => {}
        }
        let rank = match &definition.scope {
            Scope::Group(group) => self.rank_of(&format!("{pointer}/scope/group/rank"), &group.rank),
            Scope::Generation(generation) => {
                self.rank_of(&format!("{pointer}/scope/generation/rank"), &generation.rank)
            }
            Scope::Upline { rank } => self.rank_of(&format!("{pointer}/scope/upline/rank"), rank),
            _ => None,
        };
        if let Scope::Levels { from, to } = definition.scope
            && to < from
        {
            let found = format!("{from} to {to}");
            self.mistake(format!("{pointer}/scope/levels"), "levels out of order", found, "from <= to");
        }
        if let Scope::Generation(Generation { number: 0, counts, .. }) = definition.scope
            && counts != GenerationCounts::Leader
        {
            let expected = "1 or more unless the first leaders are generation 1";
            self.mistake(format!("{pointer}/scope/generation/number"), "no such generation", "0", expected);
        }
        let planned = &mut self.indicators[index];
        (planned.filter, planned.only_where, planned.qualified) = (filter, only_where, qualified);
        (planned.formula, planned.measured, planned.rank) = (formula, measured, rank);
    }

    fn rank_rules(&mut self) -> Option<Vec<Program>> {
        let texts: Vec<String> = self.document.ranks.steps.iter().map(|rank| rank.rule.clone()).collect();
        let compiled: Vec<Option<Program>> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| {
                self.rule(&format!("/ranks/steps/{index}/rule"), Place::Rank, text, &Type::Bool)
            })
            .collect();
        compiled.into_iter().collect()
    }

    fn order(
        &mut self,
        activity: &Program,
        ranks: &[Program],
        bonuses: &[PlannedBonus],
        cap: Option<&Program>,
    ) -> Option<Order> {
        let climbs: Vec<bool> = (0..self.indicators.len()).map(|index| self.climbs(index)).collect();
        let mut order = Order::new(&self.names, &self.indicators, &climbs, activity, ranks);
        match order.compute(&self.indicators, bonuses, cap) {
            Ok(()) => Some(order),
            Err(path) => {
                let start = path.first().copied().unwrap_or(Node::Ranks);
                let pointer = match start {
                    Node::Activity => "/activity/rule".to_owned(),
                    Node::Ranks => "/ranks/steps".to_owned(),
                    Node::Indicator(index) | Node::Climbed(index) => self.pointer(index),
                };
                let names: Vec<String> = path.iter().map(|node| self.node_name(*node)).collect();
                let expected = if path.contains(&Node::Ranks) {
                    format!("{IN_ORDER}; {CLIMBABLE}")
                } else {
                    IN_ORDER.to_owned()
                };
                self.mistake(pointer, "circular reference", names.join(" -> "), expected);
                None
            }
        }
    }

    /// Whether rules of ranks may read an indicator while ranks are climbed: a group of the ranks' own tree, cut at paid ranks of this
    /// cycle, of which everything else is known before ranks.
    fn climbs(&self, index: usize) -> bool {
        let planned = &self.indicators[index];
        let Indicator { measure, aggregate, scope, window, options, .. } = &planned.definition;
        let is_ranked = |slot: &u32| {
            matches!(
                self.names.source(*slot),
                Some(
                    Source::Attribute(Attribute::Rank | Attribute::EarnedRank)
                        | Source::MemberAttribute(Attribute::Rank | Attribute::EarnedRank)
                )
            )
        };
        let rules = [&planned.filter, &planned.only_where, &planned.formula];
        let knows_ranks = rules.into_iter().flatten().any(|rule| rule.slots().iter().any(is_ranked))
            || (*measure == Measure::Rank && !matches!(window, Window::Previous(_)));
        matches!(scope, Scope::Group(_))
            && options.ranks == RankBasis::Paid
            && options.tree == self.document.ranks.tree
            && matches!(aggregate, Aggregate::Sum | Aggregate::Count)
            && options.over == Over::Members
            && options.cap_per_leg.is_none()
            && !knows_ranks
            && self.scales(index).1 != RATIO_SCALE
    }

    fn node_name(&self, node: Node) -> String {
        match node {
            Node::Activity => "activity".to_owned(),
            Node::Ranks => "ranks of this cycle".to_owned(),
            Node::Indicator(index) | Node::Climbed(index) => self.indicators[index].definition.code.clone(),
        }
    }

    /// Decimals of what an indicator measures and of its values. Where there are circular references still, which are told later, and
    /// for those through earlier cycles, [`Self::base_scale`] ends at its depth and amounts are kept as amounts are.
    pub(super) fn scales(&self, index: usize) -> (u32, u32) {
        let definition = &self.indicators[index].definition;
        let base = self.base_scale(index, 0);
        (base, value_scale(definition, || base))
    }

    fn base_scale(&self, index: usize, depth: usize) -> u32 {
        let planned = &self.indicators[index];
        match (&planned.definition.measure, planned.measured) {
            (_, Some(_)) if self.indicators.len() < depth => AMOUNT_SCALE,
            (_, Some(measured)) => {
                value_scale(&self.indicators[measured].definition, || self.base_scale(measured, depth + 1))
            }
            (Measure::Formula(_), _) => match planned.definition.unit {
                Unit::Ratio => RATIO_SCALE,
                Unit::People | Unit::Rank => 0,
                Unit::Points | Unit::Money | Unit::Count => AMOUNT_SCALE,
            },
            (
                Measure::Orders | Measure::ReturnsCount | Measure::People | Measure::Rank | Measure::Level,
                _,
            ) => 0,
            _ => AMOUNT_SCALE,
        }
    }

    /// Refuses definitions that contradict themselves and, of what has to be computed, what the engine does not compute:
    /// nothing is left out in silence.
    fn computable(&mut self) {
        for index in 0..self.indicators.len() {
            let planned = &self.indicators[index];
            let (definition, needed) = (planned.definition.clone(), planned.needed);
            let pointer = self.pointer(index);
            if needed && definition.measure == Measure::UnpaidBalance {
                self.mistake(
                    format!("{pointer}/measure"),
                    format!("{} is not computed: no fact says what somebody owes", definition.code),
                    "unpaid-balance",
                    "a measure of orders, people, rank or level",
                );
            }
            let (base, _) = self.scales(index);
            let whole = base == 0 || definition.aggregate == Aggregate::Count;
            if let Some(LegCap::Amount(most)) = definition.options.cap_per_leg
                && whole
                && !most.is_integer()
            {
                let message = format!("{} counts what is whole", definition.code);
                let pointer = format!("{pointer}/options/cap_per_leg/amount");
                self.mistake(pointer, message, most.to_string(), "a whole number");
            }
            for (field, found, expected) in contradictions(&definition) {
                let message = format!("{} contradicts itself", definition.code);
                self.mistake(format!("{pointer}{field}"), message, found, expected);
            }
        }
    }
}

/// Decimals of an indicator's values, where what it measures has those of `base`. A share of a count is no whole number.
fn value_scale(definition: &Indicator, base: impl FnOnce() -> u32) -> u32 {
    let scale = match definition.aggregate {
        Aggregate::Count | Aggregate::Legs => 0,
        Aggregate::Average => RATIO_SCALE,
        Aggregate::Sum | Aggregate::Max | Aggregate::Min => base(),
    };
    match definition.options.cap_per_leg {
        Some(LegCap::Share(_)) => scale.max(AMOUNT_SCALE),
        _ => scale,
    }
}

/// Parts of a definition that do not go together: field, found, expected.
fn contradictions(definition: &Indicator) -> Vec<(&'static str, String, &'static str)> {
    let mut found = Vec::new();
    let Indicator { measure, aggregate, scope, window, options, .. } = definition;
    if !is_of_orders(measure) {
        if options.over == Over::Orders {
            found.push((
                "/options/over",
                "orders".to_owned(),
                "members or cycles for what is not measured on orders",
            ));
        }
        if definition.only_where.is_some() {
            found.push((
                "/where",
                "a condition on orders".to_owned(),
                "none for what is not measured on orders",
            ));
        }
        if let Window::DaysSinceJoining(days) = window {
            let expected = "cycles for what is not measured on orders";
            found.push(("/window", format!("the first {days} days"), expected));
        }
    }
    if options.over == Over::Cycles && matches!(window, Window::DaysSinceJoining(_)) {
        found.push(("/options/over", "cycles".to_owned(), "members or orders for the first days of members"));
    }
    if *aggregate == Aggregate::Legs {
        if *scope != Scope::Legs {
            found.push(("/scope", as_written(scope), "legs, which is what aggregate legs counts"));
        }
        if options.over != Over::Members {
            found.push(("/options/over", as_written(&options.over), "members, of whom a leg needs some"));
        }
    }
    if options.qualified.is_some() && !matches!(scope, Scope::Level(_) | Scope::Levels { .. }) {
        found.push(("/options/qualified", as_written(scope), "none, or scope level or levels"));
    }
    if options.cap_per_leg.is_some() {
        if !is_by_leg(scope) && !matches!(scope, Scope::Downline | Scope::Team) {
            found.push((
                "/options/cap_per_leg",
                as_written(scope),
                "no cap, or scope downline, team or legs",
            ));
        }
        if !matches!(aggregate, Aggregate::Sum | Aggregate::Count) {
            found.push(("/options/cap_per_leg", as_written(aggregate), "no cap, or aggregate sum or count"));
        }
    }
    found
}

/// Whether a measure is taken from orders.
pub(crate) fn is_of_orders(measure: &Measure) -> bool {
    use Measure::{Gross, Net, Orders, Points, ReturnsCount, ReturnsVc, ReturnsVq, Units, Vc, Vq};
    matches!(measure, Vq | Vc | Net | Gross | Orders | Units | Points | ReturnsVq | ReturnsVc | ReturnsCount)
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

/// Whether the paid ranks of this cycle decide who is a member or what is measured.
pub(crate) fn scope_needs_ranks(definition: &Indicator) -> bool {
    let measured = definition.measure == Measure::Rank && !matches!(definition.window, Window::Previous(_));
    let ranked =
        matches!(definition.scope, Scope::Group(_) | Scope::Generation(_) | Scope::Upline { .. }) || measured;
    ranked && definition.options.ranks == RankBasis::Paid
}
