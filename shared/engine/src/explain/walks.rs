//! Why a line of a bonus that walks the tree is what it is: levels, generations, rates, who stands between.

use foundation::locale::Locale;
use jiff::tz::TimeZone;
use plan::{
    AMOUNT_SCALE, PlannedBonus, Role,
    bonus::{
        Binary, BinaryPay, Brackets, Breakaway, Compression, Differential, DifferentialBy, Infinity,
        LevelRates, Limit, LinesPer, MatchBy, Mechanic, Rate, RateOfRank, RollUpRate, Unilevel,
    },
    indicator::Tree as TreeName,
};
use rules::{Explanation, ExplanationKind, Program};
use rust_decimal::Decimal;

use super::{Reason, StoredRun, percent};
use crate::{
    amount::RATE_SCALE,
    bonuses::{amount_of_rank, brought_to_level, holder_of_last_level, passed_up},
    columns::Tree,
    indicators::{Calculation, rounded},
    pairs::Pair,
    payouts::PayoutLine,
    ranks::rank_label,
};

impl StoredRun<'_> {
    /// What decided the level and the rate of an earned line.
    pub(super) fn walk_reasons(
        &self,
        run: &Calculation<'_>,
        bonus: &PlannedBonus,
        line: &PayoutLine,
    ) -> Vec<Reason> {
        match &bonus.definition.pays {
            Mechanic::Percentage(percentage) => {
                self.rate_reason(run, bonus, &percentage.rate, line.earner).into_iter().collect()
            }
            Mechanic::Unilevel(unilevel) if unilevel.per == LinesPer::Level => {
                vec![self.level_together(run, bonus, unilevel, line)]
            }
            Mechanic::Unilevel(unilevel) => {
                let rolled_up = unilevel.compression == Compression::RollUp
                    && unilevel.roll_up_rate == RollUpRate::Loser
                    && line.level_walked != line.level_paid;
                let level = self.level_reason(line, "nivel", "level", Some(unilevel.compression));
                let rate = self.level_rate_reason(run, bonus, &unilevel.rates, line, rolled_up);
                let passed_up = self.passed_up(run, bonus, unilevel, line);
                passed_up.into_iter().chain([level]).chain(rate).collect()
            }
            Mechanic::Generation(generation) => {
                let rolled_up = generation.compression == Compression::RollUp
                    && generation.roll_up_rate == RollUpRate::Loser
                    && line.level_walked != line.level_paid;
                let level = self.level_reason(line, "generación", "generation", Some(generation.compression));
                let rate = self.level_rate_reason(run, bonus, &generation.rates, line, rolled_up);
                std::iter::once(level).chain(rate).collect()
            }
            Mechanic::Matching(matching) => {
                let rolled_up = matching.compression == Compression::RollUp
                    && matching.roll_up_rate == RollUpRate::Loser
                    && line.level_walked != line.level_paid;
                let (es, en) = match matching.by {
                    MatchBy::Level => ("nivel", "level"),
                    MatchBy::Generation { .. } => ("generación", "generation"),
                };
                let level = self.level_reason(line, es, en, Some(matching.compression));
                let rate = self.level_rate_reason(run, bonus, &matching.rates, line, rolled_up);
                std::iter::once(level).chain(rate).collect()
            }
            Mechanic::Binary(binary) => self.of_legs(run, bonus, binary, line),
            Mechanic::Differential(differential) => self.difference(run, bonus, differential, line),
            Mechanic::Infinity(infinity) => self.unblocked(run, infinity, line),
            Mechanic::Breakaway(breakaway) => vec![self.handed_up(breakaway, line)],
            _ if line.level_paid != 0 => vec![self.level_reason(line, "nivel", "level", None)],
            _ => Vec::new(),
        }
    }

    /// Why somebody has the rate or the amount of a binary bonus, and the most that is paid.
    fn of_legs(
        &self,
        run: &Calculation<'_>,
        bonus: &PlannedBonus,
        binary: &Binary,
        line: &PayoutLine,
    ) -> Vec<Reason> {
        let mut reasons = Vec::new();
        match &binary.pays {
            BinaryPay::Percentage(rate) => reasons.extend(self.rate_reason(run, bonus, rate, line.earner)),
            BinaryPay::Cycles(cycles) => {
                let (amount, currency) = (line.rate().normalize(), self.snapshot.rates.base);
                let why = self.limit_reason(run, (&cycles.amount, bonus.rule(Role::Rate)), line.earner);
                reasons.extend(why.map(|why| {
                    let (es, en) = ("Cada ciclo paga", "Each cycle pays");
                    let text = |start: &str| format!("{start} {amount} {currency}");
                    Reason::new("rate", text(es), text(en)).with([why])
                }));
            }
        }
        let limit = binary.most.as_ref().map(|most| (most, bonus.rule(Role::Most)));
        reasons.extend(limit.map(|limit| {
            let most = self.limit_of(run, limit, line.earner);
            Reason::new("limit", format!("Se pagan como máximo {most}"), format!("At most {most} is paid on"))
                .with(self.limit_reason(run, limit, line.earner))
        }));
        reasons
    }

    /// The cap per person of a bonus; without one that of the plan.
    pub(super) fn cap_reason(&self, bonus: Option<&PlannedBonus>, row: u32) -> Option<Reason> {
        let (cap, rule) = match bonus {
            Some(bonus) => (&bonus.definition.cap_per_person, bonus.rule(Role::Cap)),
            None => (&self.plan.document().cap_per_person, self.plan.cap_rule()),
        };
        let limit = (cap.as_ref()?, rule);
        let run = self.calculation().ok()?;
        let (cap, currency) = (self.limit_of(&run, limit, row), self.snapshot.rates.base);
        let reason = Reason::new(
            "limit",
            format!("El tope es {cap} {currency}"),
            format!("The cap is {cap} {currency}"),
        );
        Some(reason.with(self.limit_reason(&run, limit, row)))
    }

    /// The limit of somebody.
    fn limit_of(
        &self,
        run: &Calculation<'_>,
        (limit, rule): (&Limit, Option<&Program>),
        row: u32,
    ) -> Decimal {
        let amount = match limit {
            Limit::Same(amount) => *amount,
            Limit::ByRank { by_rank } => {
                let rank = self.ranked.ranks.paid.get(row as usize).copied().unwrap_or(0);
                amount_of_rank(self.plan, by_rank, rank)
            }
            Limit::Rule { .. } => {
                let view = run.view();
                let value = rule.and_then(|rule| rule.evaluate(&view.person(row as usize)).ok());
                let kept = value.and_then(|value| rounded(value.as_number()?, AMOUNT_SCALE));
                Decimal::new(kept.unwrap_or(0).max(0), AMOUNT_SCALE)
            }
        };
        amount.normalize()
    }

    /// Why somebody has a limit that is not the same for everyone.
    fn limit_reason(
        &self,
        run: &Calculation<'_>,
        (limit, program): (&Limit, Option<&Program>),
        row: u32,
    ) -> Option<Reason> {
        match limit {
            Limit::Same(_) => None,
            Limit::ByRank { .. } => Some(self.rank_reason(row)),
            Limit::Rule { rule } => {
                let view = run.view();
                let explanation = program?.explain(&view.person(row as usize));
                Some(Reason::new("formula", rule.clone(), rule.clone()).with(seen(&explanation)))
            }
        }
    }

    pub(super) fn rank_reason(&self, row: u32) -> Reason {
        let rank = self.ranked.ranks.paid.get(row as usize).copied().unwrap_or(0);
        let label = |locale| rank_label(self.plan, rank, locale);
        Reason::new(
            "rank",
            format!("Rango pago: {}", label(Locale::Es)),
            format!("Paid rank: {}", label(Locale::En)),
        )
    }

    fn level_reason(
        &self,
        line: &PayoutLine,
        es: &str,
        en: &str,
        compression: Option<Compression>,
    ) -> Reason {
        let (source, walked, paid) = (self.id(line.source), line.level_walked, line.level_paid);
        let plural = if es == "nivel" { "nivel(es)" } else { "generación(es)" };
        let mut reason = Reason::new(
            "level",
            format!("{source} está {walked} {plural} por debajo y se paga como {es} {paid}"),
            format!("{source} is {walked} {en}(s) below and is paid as {en} {paid}"),
        );
        if walked != paid {
            let (es, en) = match compression {
                Some(Compression::RollUp) => (
                    "la porción subió a la primera persona calificada",
                    "the share passed up to the first qualified person",
                ),
                Some(Compression::DynamicByLevel) => (
                    "las personas de en medio no ocupan nivel: no están calificadas o su rango no alcanza el nivel",
                    "people in between take no level: they are not qualified or their rank does not reach it",
                ),
                _ => (
                    "las personas no calificadas de en medio no ocupan nivel",
                    "unqualified people in between take no level",
                ),
            };
            reason.parts.push(Reason::new("compression", es.to_owned(), en.to_owned()));
        }
        reason.parts.push(self.rank_reason(line.earner));
        reason
    }

    /// Who hangs elsewhere for the bonus than in the tree, from the source up.
    fn passed_up(
        &self,
        run: &Calculation<'_>,
        bonus: &PlannedBonus,
        unilevel: &Unilevel,
        line: &PayoutLine,
    ) -> Vec<Reason> {
        let way = (line.source, line.earner);
        let found = passed_up(run, self.plan, self.snapshot, (bonus, unilevel), way).unwrap_or_default();
        let told = |rows: [u32; 3]| {
            let [who, from, to] = rows.map(|row| self.id(row));
            Reason::new(
                "pass-up",
                format!("{who} está debajo de {from} y en este bono pasa a {to}"),
                format!("{who} is below {from} and passes up to {to} in this bonus"),
            )
        };
        found.into_iter().map(told).collect()
    }

    /// Who brought what to a level that has one line.
    fn level_together(
        &self,
        run: &Calculation<'_>,
        bonus: &PlannedBonus,
        unilevel: &Unilevel,
        line: &PayoutLine,
    ) -> Reason {
        let level = line.level_paid;
        let member = |(row, base): (u32, i64)| {
            let text = format!("{}: {}", self.id(row), Decimal::new(base, AMOUNT_SCALE).normalize());
            Reason::new("member", text.clone(), text)
        };
        let of = (line.bonus, bonus, unilevel);
        let members = brought_to_level(run, self.plan, self.snapshot, of, (line.earner, level));
        Reason::new(
            "level",
            format!("Todo lo que se paga como nivel {level}"),
            format!("Everything that is paid as level {level}"),
        )
        .with(members.unwrap_or_default().into_iter().map(member))
        .with([self.rank_reason(line.earner)])
    }

    /// The rule of a level's rate with what it saw; who lost a share that passed up is not in the line.
    fn level_rate_reason(
        &self,
        run: &Calculation<'_>,
        bonus: &PlannedBonus,
        rates: &LevelRates,
        line: &PayoutLine,
        rolled_up: bool,
    ) -> Option<Reason> {
        let (LevelRates::Rule(rule), Some(program)) = (rates, bonus.rule(Role::Rate)) else { return None };
        let reason = Reason::new("formula", rule.rate.clone(), rule.rate.clone());
        if rolled_up {
            return Some(reason);
        }
        let zone = TimeZone::get(&self.plan.document().time_zone).unwrap_or(TimeZone::UTC);
        let view = run.view();
        let pair = Pair {
            view: &view,
            earner: line.earner as usize,
            source: line.source as usize,
            order: line.order,
            level: usize::from(line.level_paid),
            zone: &zone,
        };
        Some(reason.with(seen(&program.explain(&pair))))
    }

    /// Why somebody has a rate.
    fn rate_reason(
        &self,
        run: &Calculation<'_>,
        bonus: &PlannedBonus,
        rate: &Rate,
        row: u32,
    ) -> Option<Reason> {
        match rate {
            Rate::Fixed(_) => None,
            Rate::Brackets(Brackets { steps, .. }) => {
                let over = &self.plan.indicators().get(bonus.indicator(Role::Over)?)?.definition;
                let value = self.value(&over.code, row)?;
                let reached = steps.iter().rfind(|step| step.from <= value)?;
                let (value, from, rate) = (value.normalize(), reached.from, percent(reached.rate));
                Some(Reason::new(
                    "rate",
                    format!("Por {} de {value} (desde {from}) la tasa es {rate}", over.name.es),
                    format!("For {} of {value} (from {from}) the rate is {rate}", over.name.en),
                ))
            }
            Rate::ByRank(rows) => {
                let rate = percent(self.rate_by_rank(rows, row));
                Some(
                    Reason::new(
                        "rate",
                        format!("Por el rango pago la tasa es {rate}"),
                        format!("By the paid rank the rate is {rate}"),
                    )
                    .with([self.rank_reason(row)]),
                )
            }
            Rate::Rule(text) => {
                let view = run.view();
                let explanation = bonus.rule(Role::Rate)?.explain(&view.person(row as usize));
                Some(Reason::new("formula", text.clone(), text.clone()).with(seen(&explanation)))
            }
        }
    }

    fn rate_by_rank(&self, rows: &[RateOfRank], row: u32) -> Decimal {
        let rank = self.ranked.ranks.paid.get(row as usize).copied().unwrap_or(0);
        let reached = |from: Option<&String>| {
            from.is_none_or(|from| self.plan.rank_position(from).is_some_and(|from| from <= rank))
        };
        let is_consultant = self.snapshot.people.consultant.get(row as usize) == Some(&true);
        let reached = rows.iter().rfind(|one| is_consultant && reached(one.rank.as_ref()));
        reached.map_or(Decimal::ZERO, |one| one.rate)
    }

    /// The rate of somebody; 0 for customers.
    fn rate_of(&self, run: &Calculation<'_>, bonus: &PlannedBonus, rate: &Rate, row: u32) -> Decimal {
        if self.snapshot.people.consultant.get(row as usize) != Some(&true) {
            return Decimal::ZERO;
        }
        match rate {
            Rate::Fixed(rate) => *rate,
            Rate::ByRank(rows) => self.rate_by_rank(rows, row),
            Rate::Brackets(Brackets { steps, .. }) => {
                let over = bonus.indicator(Role::Over).and_then(|over| self.plan.indicators().get(over));
                let value = over.and_then(|over| self.value(&over.definition.code, row));
                let reached = value.and_then(|value| steps.iter().rfind(|step| step.from <= value));
                reached.map_or(Decimal::ZERO, |step| step.rate)
            }
            Rate::Rule(_) => {
                let view = run.view();
                let value =
                    bonus.rule(Role::Rate).and_then(|rule| rule.evaluate(&view.person(row as usize)).ok());
                let rate = value.and_then(|value| value.as_number());
                let rate = rate.and_then(|rate| rounded(rate, RATE_SCALE));
                Decimal::new(rate.unwrap_or(0), RATE_SCALE).normalize()
            }
        }
    }

    /// The people from the source up to the earner, who is left out.
    fn between(&self, tree: TreeName, line: &PayoutLine) -> Vec<u32> {
        let people = &self.snapshot.people;
        let tree: &Tree = match tree {
            TreeName::Placement => &people.placement,
            TreeName::Enrolment => &people.enrolment,
        };
        let mut path = vec![line.source];
        path.extend(tree.upline(line.source));
        path.into_iter().take_while(|row| *row != line.earner).collect()
    }

    fn difference(
        &self,
        run: &Calculation<'_>,
        bonus: &PlannedBonus,
        differential: &Differential,
        line: &PayoutLine,
    ) -> Vec<Reason> {
        let most = differential.most.unwrap_or(Decimal::MAX);
        let rate = |row: u32| self.rate_of(run, bonus, &differential.rate, row).min(most).max(Decimal::ZERO);
        let mut reasons: Vec<Reason> =
            self.rate_reason(run, bonus, &differential.rate, line.earner).into_iter().collect();
        let mut below: Vec<u32> = match differential.by {
            DifferentialBy::Member => vec![line.source],
            DifferentialBy::Source(_) => self.between(differential.tree, line),
        };
        below.retain(|row| *row != line.earner);
        let given = bonus.indicator(Role::Given).and_then(|given| self.plan.indicators().get(given));
        let given = given.and_then(|given| self.value(&given.definition.code, line.source));
        let given = given.map(|given| given.max(Decimal::ZERO));
        if given.is_some() && !differential.own {
            below.retain(|row| *row != line.source);
        }
        let highest = below.iter().copied().max_by_key(|row| rate(*row));
        let own = (self.id(line.earner), percent(rate(line.earner)));
        match (highest, given) {
            (Some(row), given) if given.is_none_or(|given| given < rate(row)) => {
                let (of, less) = (self.id(row), percent(rate(row)));
                reasons.push(Reason::new(
                    "difference",
                    format!("Tasa de {} {} menos tasa de {of} {less}", own.0, own.1),
                    format!("Rate of {} {} less rate of {of} {less}", own.0, own.1),
                ));
            }
            (_, Some(given)) => {
                let (of, less) = (self.id(line.source), percent(given));
                reasons.push(Reason::new(
                    "difference",
                    format!("Tasa de {} {} menos {less} que ya recibió {of}", own.0, own.1),
                    format!("Rate of {} {} less {less} that {of} was given already", own.0, own.1),
                ));
            }
            _ => {}
        }
        reasons
    }

    /// Who has the last level of the bonus after which another one pays.
    fn after_levels(&self, run: &Calculation<'_>, code: &str, line: &PayoutLine) -> Option<Reason> {
        let bonus = self.plan.bonuses().iter().find(|bonus| bonus.definition.code == code)?;
        let found = holder_of_last_level(run, self.plan, self.snapshot, code, line.source);
        let (holder, level) = found.ok().flatten()?;
        let (name, holder) = (&bonus.definition.name, self.id(holder));
        Some(Reason::new(
            "after",
            format!(
                "{holder} ocupa el último nivel ({level}) de {}; se paga a quien está más arriba",
                name.es
            ),
            format!("{holder} has the last level ({level}) of {}; who stands further up is paid", name.en),
        ))
    }

    fn unblocked(&self, run: &Calculation<'_>, infinity: &Infinity, line: &PayoutLine) -> Vec<Reason> {
        let after = infinity.after.as_deref().and_then(|code| self.after_levels(run, code, line));
        let level = self.level_reason(line, "nivel", "level", None).with(after);
        let path = self.between(infinity.tree, line);
        let (source, earner) = (self.id(line.source), self.id(line.earner));
        let rank = self.ranked.ranks.paid.get(line.earner as usize).copied().unwrap_or(0);
        let reason = if infinity.difference {
            let rate = |row: u32| self.rate_by_rank(&infinity.rates, row);
            let highest = path.into_iter().max_by_key(|row| rate(*row));
            let (of, less) =
                highest.map_or((source, percent(Decimal::ZERO)), |row| (self.id(row), percent(rate(row))));
            let own = percent(rate(line.earner));
            Reason::new(
                "difference",
                format!("Tasa de {earner} {own} menos la mayor de abajo, {less} de {of}"),
                format!("Rate of {earner} {own} less the highest below, {less} of {of}"),
            )
        } else {
            let label = |locale| rank_label(self.plan, rank, locale);
            Reason::new(
                "unblocked",
                format!("De {source} hasta {earner} no hay nadie de rango {} o mayor", label(Locale::Es)),
                format!(
                    "From {source} up to {earner} there is nobody of rank {} or higher",
                    label(Locale::En)
                ),
            )
        };
        vec![level, reason]
    }

    fn handed_up(&self, breakaway: &Breakaway, line: &PayoutLine) -> Reason {
        let base = line.base().normalize();
        let minimum = breakaway.minimum.unwrap_or_default();
        if line.earner == line.source {
            let base = base.abs();
            return Reason::new(
                "guarantee",
                format!(
                    "Al grupo propio le falta para el mínimo garantizado de {minimum}; {base} pasan al líder de arriba"
                ),
                format!(
                    "The own group lacks some of the guaranteed minimum of {minimum}; {base} pass to the leader above"
                ),
            );
        }
        let source = self.id(line.source);
        Reason::new(
            "group",
            format!(
                "{source} es el primer líder de esa línea y entrega {base} (mínimo garantizado {minimum})"
            ),
            format!(
                "{source} is the first leader of that line and hands up {base} (guaranteed minimum {minimum})"
            ),
        )
    }
}

/// Whether lines are about a whole level, and not about what one person brought.
pub(super) fn is_of_levels(bonus: &PlannedBonus) -> bool {
    matches!(&bonus.definition.pays, Mechanic::Unilevel(unilevel) if unilevel.per == LinesPer::Level)
}

/// The values a rule saw, each once.
fn seen(explanation: &Explanation) -> Vec<Reason> {
    let mut found: Vec<Reason> = Vec::new();
    let mut open = vec![explanation];
    while let Some(one) = open.pop() {
        open.extend(one.parts.iter().rev());
        let (ExplanationKind::Slot(_), Ok(value)) = (one.kind, &one.value) else { continue };
        let text = format!("{}: {value}", one.text);
        let part = Reason::new("part", text.clone(), text);
        if !found.contains(&part) {
            found.push(part);
        }
    }
    found
}
