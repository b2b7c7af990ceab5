//! Why somebody is not paid a bonus or does not earn a rank, and who is nearly there.

use std::collections::BTreeMap;

use foundation::locale::{Locale, Text};
use plan::{PlannedBonus, Role, rank::Promotion};
use rules::{Explanation, ExplanationKind, Missing, Span, Value, Wanted};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Reason, StoredRun};
use crate::{
    bonuses::{Outcome, Share, lowest_rank_of_level, lowest_rank_paid, shares_of_person},
    columns::NONE,
    failure::EngineError,
    indicators::Calculation,
    payouts::{LineKind, Payouts},
    ranks::{around_each, around_one, rank_label},
    view::Around,
};

/// What kind of condition is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LackingKind {
    /// A condition of a rule.
    Condition,
    /// The person is a customer.
    Consultant,
    /// A paid rank.
    Rank,
    /// The rank is more steps up than somebody may climb in a cycle.
    Steps,
    /// There is nothing to pay on.
    NothingToPayOn,
    /// A rule that holds for nobody.
    Impossible,
}

/// Something that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lacking {
    /// What kind of condition it is.
    pub kind: LackingKind,
    /// The condition for people.
    pub text: Text,
    /// How far it is away, where that is a number; of ranks, how many.
    pub short: Option<Decimal>,
    /// The number that has to be reached, where there is one.
    pub bound: Option<Decimal>,
}

/// Why somebody is not paid a bonus or does not earn a rank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyNot {
    /// Id of the person.
    pub person: String,
    /// Code of the bonus or rank.
    pub of: String,
    /// The smallest set of conditions that are missing; empty if it is paid or earned.
    pub missing: Vec<Lacking>,
    /// Of a bonus: volume × rate that was the person's and was lost or passed up, by what became of it.
    pub lost: BTreeMap<Outcome, Decimal>,
}

/// Somebody who misses one condition only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearlyThere {
    /// Id of the person.
    pub person: String,
    /// The condition.
    pub missing: Lacking,
}

impl Lacking {
    fn new(kind: LackingKind, es: impl Into<String>, en: impl Into<String>) -> Self {
        Self { kind, text: Text { es: es.into(), en: en.into() }, short: None, bound: None }
    }

    fn reason(&self) -> Reason {
        let mut reason = Reason::new("missing", self.text.es.clone(), self.text.en.clone());
        reason.held = Some(false);
        reason
    }

    /// How near it is: the part of the number that is missing. What is no number is further away than all that are.
    fn distance(&self) -> (bool, Decimal, Decimal) {
        let Some(short) = self.short else { return (true, Decimal::ZERO, Decimal::ZERO) };
        let bound = self.bound.map(|bound| bound.abs()).filter(|bound| !bound.is_zero());
        let part = bound.and_then(|bound| short.checked_div(bound)).unwrap_or(short);
        (false, part, short)
    }
}

impl WhyNot {
    /// The missing conditions for people.
    pub fn reason(&self) -> Reason {
        let (person, of, count) = (&self.person, &self.of, self.missing.len());
        let head = if count == 0 {
            Reason::new(
                "why-not",
                format!("{of} de {person}: no falta nada"),
                format!("{of} of {person}: nothing is missing"),
            )
        } else {
            Reason::new(
                "why-not",
                format!("{of} de {person}: falta(n) {count} condición(es)"),
                format!("{of} of {person}: {count} condition(s) missing"),
            )
        };
        let lost = self.lost.iter().map(|(outcome, sum)| {
            let (es, en) = match outcome {
                Outcome::PassedUp => {
                    ("pasó hacia arriba por no estar calificado", "passed up for not being qualified")
                }
                Outcome::Unqualified => {
                    ("se perdió por no estar calificado", "was lost for not being qualified")
                }
                Outcome::FailsWhen => {
                    ("se perdió por no cumplir la condición", "was lost for failing the condition")
                }
                Outcome::RankTooLow => ("se perdió por el rango", "was lost for the rank"),
                _ => ("no correspondió a nadie más", "went to nobody else"),
            };
            let sum = sum.normalize();
            Reason::new("lost", format!("{sum} {es}"), format!("{sum} {en}"))
        });
        head.with(self.missing.iter().map(Lacking::reason)).with(lost)
    }
}

impl NearlyThere {
    /// A line for people.
    pub fn reason(&self) -> Reason {
        let (person, text) = (&self.person, &self.missing.text);
        let mut reason =
            Reason::new("nearly", format!("{person}: {}", text.es), format!("{person}: {}", text.en));
        reason.held = Some(false);
        reason
    }
}

impl StoredRun<'_> {
    /// What is missing for a person to be paid a bonus; `None` for a bonus the plan does not have.
    ///
    /// # Errors
    ///
    /// As for the run itself.
    pub fn why_not_bonus(
        &self,
        payouts: &Payouts,
        code: &str,
        row: u32,
    ) -> Result<Option<WhyNot>, EngineError> {
        let Some((number, bonus)) = self.bonus(code) else { return Ok(None) };
        let run = self.calculation()?;
        let mut missing = self.lacking(&run, bonus, row);
        let shares = shares_of_person(&run, self.plan, self.snapshot, (number, bonus), row)?;
        let is_paid = payouts.of(row).iter().any(|line| {
            line.kind == LineKind::Earned
                && payouts.bonuses.get(usize::from(line.bonus)).is_some_and(|paid| paid.code == code)
        });
        let of_person = |share: &&Share| {
            let is_receiver = share.outcome == Outcome::Paid || share.outcome == Outcome::PassedUp;
            !(is_receiver && share.earner == row) && share.base != 0
        };
        let mut sums: BTreeMap<Outcome, i128> = BTreeMap::new();
        for share in shares.iter().filter(of_person) {
            *sums.entry(share.outcome).or_default() += i128::from(share.base) * i128::from(share.rate);
        }
        if missing.is_empty() && !is_paid {
            let too_low = shares.iter().filter(|share| share.outcome == Outcome::RankTooLow);
            let nearest = too_low.min_by_key(|share| share.level);
            let rank = nearest
                .and_then(|share| lowest_rank_of_level(self.plan, &bonus.definition.pays, share.level));
            missing.push(match rank {
                Some(rank) => self.lacking_rank(row, rank),
                None => Lacking::new(
                    LackingKind::NothingToPayOn,
                    "no hay nada sobre lo que pagar",
                    "there is nothing to pay on",
                ),
            });
        }
        let lost = sums.into_iter().map(|(outcome, sum)| (outcome, super::sheet::share_of(sum))).collect();
        Ok(Some(WhyNot { person: self.id(row).to_owned(), of: code.to_owned(), missing, lost }))
    }

    /// What is missing for a person to earn a rank, those under it included where ranks are climbed one by one; `None` for a rank
    /// that does not exist.
    ///
    /// # Errors
    ///
    /// As for the run itself.
    pub fn why_not_rank(&self, row: u32, rank: u8) -> Result<Option<WhyNot>, EngineError> {
        let Some(step) = self.rank_step(rank) else { return Ok(None) };
        let run = self.calculation()?;
        let around = around_one(self.snapshot, &self.ranked.ranks, self.plan, row);
        let missing = self.lacking_for_rank(&run, row, rank, &around);
        let of = step.to_owned();
        Ok(Some(WhyNot { person: self.id(row).to_owned(), of, missing, lost: BTreeMap::new() }))
    }

    /// The people who miss one condition only to earn a rank, nearest first, `most` at most; `None` for a rank that does not exist.
    ///
    /// # Errors
    ///
    /// As for the run itself.
    pub fn nearly_rank(&self, rank: u8, most: usize) -> Result<Option<Vec<NearlyThere>>, EngineError> {
        if self.rank_step(rank).is_none() {
            return Ok(None);
        }
        let run = self.calculation()?;
        let mut found = Vec::new();
        let all = 0..self.snapshot.people.len();
        around_each(self.snapshot, &self.ranked.ranks, self.plan, all, |row, around| {
            if self.snapshot.people.consultant[row as usize] {
                found.extend(self.nearly(row, self.lacking_for_rank(&run, row, rank, around)));
            }
        });
        Ok(Some(nearest_first(found, most)))
    }

    /// The people who miss one condition only to be paid a bonus, nearest first, `most` at most; `None` for a bonus the plan does not
    /// have. Whether there is something to pay on is not asked.
    ///
    /// # Errors
    ///
    /// As for the run itself.
    pub fn nearly_bonus(&self, code: &str, most: usize) -> Result<Option<Vec<NearlyThere>>, EngineError> {
        let Some((_, bonus)) = self.bonus(code) else { return Ok(None) };
        let run = self.calculation()?;
        let rows = (0..self.snapshot.people.len()).filter(|row| self.snapshot.people.consultant[*row]);
        let rows = rows.filter_map(|row| u32::try_from(row).ok());
        let found = rows.filter_map(|row| self.nearly(row, self.lacking(&run, bonus, row))).collect();
        Ok(Some(nearest_first(found, most)))
    }

    fn nearly(&self, row: u32, missing: Vec<Lacking>) -> Option<NearlyThere> {
        let mut missing = missing.into_iter();
        let (one, None) = (missing.next()?, missing.next()) else { return None };
        (one.kind != LackingKind::Impossible)
            .then(|| NearlyThere { person: self.id(row).to_owned(), missing: one })
    }

    fn bonus(&self, code: &str) -> Option<(u16, &PlannedBonus)> {
        (0_u16..).zip(self.plan.bonuses()).find(|(_, bonus)| bonus.definition.code == code)
    }

    fn rank_step(&self, rank: u8) -> Option<&str> {
        let place = usize::from(rank).checked_sub(1)?;
        self.plan.document().ranks.steps.get(place).map(|step| step.code.as_str())
    }

    /// The conditions of a bonus a person fails: the rules, and the lowest rank that is paid.
    fn lacking(&self, run: &Calculation<'_>, bonus: &PlannedBonus, row: u32) -> Vec<Lacking> {
        let view = run.view();
        let person = view.person(row as usize);
        let mut rules = vec![bonus.when.explain(&person)];
        rules.extend(bonus.rule(Role::Qualified).map(|rule| rule.explain(&person)));
        let mut missing: Vec<Lacking> = self.not_a_consultant(row).into_iter().collect();
        missing.extend(self.lacking_rules(rules));
        match lowest_rank_paid(self.plan, &bonus.definition) {
            Some(rank) if run.paid.get(row as usize).is_some_and(|paid| *paid < rank) => {
                missing.push(self.lacking_rank(row, rank));
            }
            Some(_) => {}
            None => missing.push(impossible()),
        }
        missing
    }

    fn lacking_for_rank(
        &self,
        run: &Calculation<'_>,
        row: u32,
        rank: u8,
        around: &[Vec<u32>; 4],
    ) -> Vec<Lacking> {
        let at = row as usize;
        if self.ranked.ranks.earned.get(at).is_some_and(|earned| rank <= *earned) {
            return Vec::new();
        }
        let ladder = &self.plan.document().ranks;
        let view = run.view();
        let person = view.person(at).with_ranked(Around::of(around));
        let first = if ladder.promotion == Promotion::Sequential { 1 } else { rank };
        let rules = (first..=rank).filter_map(|one| self.plan.rank_rules().get(usize::from(one) - 1));
        let rules = rules.map(|rule| rule.explain(&person)).collect();
        let mut missing: Vec<Lacking> = self.not_a_consultant(row).into_iter().collect();
        missing.extend(self.lacking_rules(rules));
        let previous = self.snapshot.people.previous_rank[at];
        if let Some(steps) = ladder.max_steps_per_cycle
            && previous.saturating_add(steps) < rank
        {
            let mut one = Lacking::new(
                LackingKind::Steps,
                format!(
                    "en un ciclo se suben como máximo {steps} rangos desde {}",
                    rank_label(self.plan, previous, Locale::Es)
                ),
                format!(
                    "at most {steps} ranks can be climbed in a cycle from {}",
                    rank_label(self.plan, previous, Locale::En)
                ),
            );
            one.short = Some(Decimal::from(rank - previous.saturating_add(steps)));
            one.bound = Some(Decimal::from(rank));
            missing.push(one);
        }
        missing
    }

    fn not_a_consultant(&self, row: u32) -> Option<Lacking> {
        let consultant = self.snapshot.people.consultant.get(row as usize) == Some(&true);
        (!consultant)
            .then(|| Lacking::new(LackingKind::Consultant, "los clientes no ganan", "customers do not earn"))
    }

    /// The smallest set of conditions with which all rules would hold.
    fn lacking_rules(&self, rules: Vec<Explanation>) -> Vec<Lacking> {
        let held = rules.iter().all(|rule| rule.held() == Some(true));
        let together = Explanation {
            kind: ExplanationKind::All,
            span: Span::default(),
            text: String::new(),
            value: Ok(Value::Bool(held)),
            parts: rules,
            reads_record: true,
        };
        match together.missing() {
            Some(missing) => missing.iter().map(|one| self.lacking_condition(one)).collect(),
            None => vec![impossible()],
        }
    }

    fn lacking_condition(&self, missing: &Missing) -> Lacking {
        let line = |locale| missing.render(locale, &|text| self.label(text, locale));
        let mut one = Lacking::new(LackingKind::Condition, line(Locale::Es), line(Locale::En));
        if let Wanted::Comparison { value, short, .. } = &missing.wanted {
            (one.short, one.bound) = (*short, value.as_number());
        }
        one
    }

    fn lacking_rank(&self, row: u32, rank: u8) -> Lacking {
        let paid = self.ranked.ranks.paid.get(row as usize).copied().unwrap_or(0);
        let label = |rank, locale| rank_label(self.plan, rank, locale);
        let mut one = Lacking::new(
            LackingKind::Rank,
            format!(
                "el rango pago es {} y debe ser al menos {}",
                label(paid, Locale::Es),
                label(rank, Locale::Es)
            ),
            format!(
                "the paid rank is {} and must be at least {}",
                label(paid, Locale::En),
                label(rank, Locale::En)
            ),
        );
        one.short = Some(Decimal::from(rank.saturating_sub(paid)));
        one.bound = Some(Decimal::from(rank));
        one
    }

    /// The rank that would be paid the level of a share.
    pub(super) fn rank_needed(&self, bonus: &PlannedBonus, share: &Share) -> Option<Reason> {
        let rank = lowest_rank_of_level(self.plan, &bonus.definition.pays, share.level)?;
        (share.earner != NONE).then(|| self.lacking_rank(share.earner, rank).reason())
    }
}

fn impossible() -> Lacking {
    Lacking::new(LackingKind::Impossible, "la regla no se cumple para nadie", "the rule holds for nobody")
}

fn nearest_first(mut found: Vec<NearlyThere>, most: usize) -> Vec<NearlyThere> {
    found.sort_by(|a, b| (a.missing.distance(), &a.person).cmp(&(b.missing.distance(), &b.person)));
    found.truncate(most);
    found
}
