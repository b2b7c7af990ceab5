//! A checked plan: what the engine works from.

use std::collections::BTreeMap;

use foundation::{digest::sha256_hex, locale::Text};
use rules::Program;
use serde_json::Value;

use crate::{
    bonus::Bonus,
    document::Document,
    error::PlanError,
    indicator::Indicator,
    source::{Ranked, Source},
};

/// Decimals volumes and money are kept with.
pub const AMOUNT_SCALE: u32 = 4;
/// Decimals quotients are kept with. They need 128 bits, so that everything else can stay in 64.
pub const RATIO_SCALE: u32 = 18;

/// A plan without mistakes.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) document: Document,
    pub(crate) hash: String,
    pub(crate) sources: Vec<Source>,
    pub(crate) activity: Program,
    pub(crate) indicators: Vec<PlannedIndicator>,
    pub(crate) activity_stage: u16,
    pub(crate) rank_rules: Vec<Program>,
    pub(crate) bonuses: Vec<PlannedBonus>,
    pub(crate) cap: Option<Program>,
}

/// An indicator with its rules compiled and its place in the order of computation.
#[derive(Clone, Debug)]
pub struct PlannedIndicator {
    /// The definition.
    pub definition: Indicator,
    /// Whether it comes from the built-in catalogue.
    pub built_in: bool,
    /// Whether it is computed: enabled, or needed by something that is computed.
    pub needed: bool,
    /// The filter.
    pub filter: Option<Program>,
    /// Which orders are measured.
    pub only_where: Option<Program>,
    /// Who takes a level.
    pub qualified: Option<Program>,
    /// The formula, where the measure is one.
    pub formula: Option<Program>,
    /// The indicator that is measured, where the measure is one.
    pub measured: Option<usize>,
    /// The rank of the scope, from 1.
    pub rank: Option<u8>,
    /// Indicators of one stage can be computed together; those of earlier stages are there.
    pub stage: u16,
    /// Whether it needs ranks of this cycle.
    pub after_ranks: bool,
    /// Decimals of what is measured on a member.
    pub base_scale: u32,
    /// Decimals its values are kept with.
    pub scale: u32,
}

/// A bonus with its rules compiled and its names resolved.
#[derive(Clone, Debug)]
pub struct PlannedBonus {
    /// The definition.
    pub definition: Bonus,
    /// Who is paid.
    pub when: Program,
    pub(crate) rules: BTreeMap<Role, Program>,
    pub(crate) indicators: BTreeMap<Role, usize>,
}

/// What a rule or an indicator does in a bonus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The indicator that is paid on; of a differential bonus by source, a person's total.
    Of,
    /// The indicator that is what each member brings, where that is paid on.
    On,
    /// What a source has been given already.
    Given,
    /// The indicator brackets are compared with.
    Over,
    /// Who takes a level.
    Qualified,
    /// Whose volume or which orders count.
    Where,
    /// Who has a number among those who may pass up.
    PassUp,
    /// The rate.
    Rate,
    /// The shares of a pool.
    Shares,
    /// The amount.
    Amount,
    /// Who is not paid now.
    HeldWhile,
    /// The most a person gets.
    Cap,
    /// The most a person is paid on.
    Most,
    /// The indicator of the company that the cap is a share of.
    CapOf,
}

impl PlannedBonus {
    /// The compiled rule with this role, if the bonus has one.
    pub fn rule(&self, role: Role) -> Option<&Program> {
        self.rules.get(&role)
    }

    /// The index of the indicator with this role, if the bonus has one.
    pub fn indicator(&self, role: Role) -> Option<usize> {
        self.indicators.get(&role).copied()
    }

    /// All its compiled rules.
    pub fn rules(&self) -> impl Iterator<Item = &Program> {
        std::iter::once(&self.when).chain(self.rules.values())
    }
}

impl Plan {
    /// Reads and checks a plan document. All mistakes are reported.
    pub fn parse(json: &str) -> Result<Self, Vec<PlanError>> {
        crate::check::check(json)
    }

    /// The document.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The document with the definition of every indicator that is needed, for programs that know none of the built-in ones.
    pub fn self_contained(&self) -> Document {
        let needed = self.indicators().iter().filter(|planned| planned.needed);
        let indicators = needed.map(|planned| planned.definition.clone()).collect();
        Document { indicators, ..self.document.clone() }
    }

    /// SHA-256 of the canonical JSON of the document, in hexadecimal: the name of the plan in every run.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What the slots of all rules stand for.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// What a slot stands for.
    pub fn source(&self, slot: u32) -> Option<Source> {
        self.sources.get(slot as usize).copied()
    }

    /// Legs that rules count by more than one person: the rank, and how many of it a leg needs.
    pub fn legs_asked(&self) -> impl Iterator<Item = (u8, u32)> {
        self.sources.iter().filter_map(|source| match source {
            Source::Ranked(Ranked::LegsWith(people), rank) => Some((*rank, *people)),
            _ => None,
        })
    }

    /// Whether a rule of a bonus asks what other bonuses paid.
    pub fn asks_payments(&self, bonus: &PlannedBonus) -> bool {
        let mut slots = bonus.rules().flat_map(Program::slots);
        slots.any(|slot| matches!(self.source(*slot), Some(Source::Paid(_))))
    }

    /// The activity rule.
    pub fn activity(&self) -> &Program {
        &self.activity
    }

    /// The stage before which the activity rule has to be evaluated.
    pub fn activity_stage(&self) -> u16 {
        self.activity_stage
    }

    /// All indicators the plan knows, the company's own first, then the built-in ones. Only those with `needed` are
    /// computed.
    pub fn indicators(&self) -> &[PlannedIndicator] {
        &self.indicators
    }

    /// The indicator with a code or alias, and its index.
    pub fn indicator(&self, name: &str) -> Option<(usize, &PlannedIndicator)> {
        self.indicators.iter().enumerate().find(|(_, indicator)| {
            indicator.definition.code == name || indicator.definition.alias.as_deref() == Some(name)
        })
    }

    /// The rules of the ranks, lowest first.
    pub fn rank_rules(&self) -> &[Program] {
        &self.rank_rules
    }

    /// The name of a rank by its position from 1; `None` for 0.
    pub fn rank_name(&self, position: u8) -> Option<&Text> {
        let index = usize::from(position).checked_sub(1)?;
        self.document.ranks.steps.get(index).map(|rank| &rank.name)
    }

    /// The code of a rank by its position from 1; empty for 0.
    pub fn rank_code(&self, position: u8) -> &str {
        let index = usize::from(position).checked_sub(1);
        index.and_then(|index| self.document.ranks.steps.get(index)).map_or("", |rank| &rank.code)
    }

    /// The position of a rank from 1.
    pub fn rank_position(&self, code: &str) -> Option<u8> {
        let index = self.document.ranks.steps.iter().position(|rank| rank.code == code)?;
        u8::try_from(index + 1).ok()
    }

    /// The rule of the most one person gets of everything, where that is a rule.
    pub fn cap_rule(&self) -> Option<&Program> {
        self.cap.as_ref()
    }

    /// The bonuses, in the order of the statement.
    pub fn bonuses(&self) -> &[PlannedBonus] {
        &self.bonuses
    }
}

/// The hash of a document: of its JSON with sorted keys and without white space.
pub(crate) fn canonical_hash(document: &Document) -> String {
    let value = serde_json::to_value(document).unwrap_or_default();
    sha256_hex(canonical(&value).to_string().as_bytes())
}

fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            Value::Object(sorted.into_iter().map(|(name, field)| (name.clone(), canonical(field))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}
