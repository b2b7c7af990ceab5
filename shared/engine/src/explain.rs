//! Why a number is what it is: trees of reasons, as data and as sentences in Spanish and English.

mod missing;
mod sheet;
mod totals;
mod walks;

pub use self::{
    missing::{Lacking, LackingKind, NearlyThere, WhyNot},
    sheet::{BonusSheet, OrderSheet, SheetShare},
};
use foundation::locale::{Locale, Text};
use plan::{
    Plan, PlannedBonus, PlannedIndicator, Role,
    indicator::{Measure, Scope, Window},
};
use rules::Explanation;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    bonuses::restore_payments,
    columns::NONE,
    failure::EngineError,
    indicators::{Calculation, Context, Indicators, restored},
    payouts::{LineKind, PayoutLine, Payouts},
    ranks::{Ranked, explain_rank, rank_label},
    snapshot::Snapshot,
};

/// Contributions named one by one; the others are summed up.
const MOST_PARTS: usize = 20;

/// A reason, with the reasons behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable name of what kind of reason it is: `line`, `base`, `rate`, `rank`, `level`, `compression`, `difference`, `unblocked`,
    /// `after`, `group`, `guarantee`, `order`, `rule`, `condition`, `formula`, `definition`, `part`, `rest`, `sheet` and what is in it,
    /// `why-not`, `missing`, `lost`, `nearly`, `limit`.
    pub kind: String,
    /// The reason for people.
    pub text: Text,
    /// Whether it held, where it is a condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<bool>,
    /// The reasons behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Reason>,
}

impl Reason {
    fn new(kind: &str, es: String, en: String) -> Self {
        Self { kind: kind.to_owned(), text: Text { es, en }, held: None, parts: Vec::new() }
    }

    fn with(mut self, parts: impl IntoIterator<Item = Reason>) -> Self {
        self.parts.extend(parts);
        self
    }

    /// The tree as indented lines.
    pub fn render(&self, locale: Locale) -> String {
        let mut text = String::new();
        self.write(locale, 0, &mut text);
        text
    }

    fn write(&self, locale: Locale, depth: usize, text: &mut String) {
        text.push_str(&"  ".repeat(depth));
        text.push_str(self.text.in_locale(locale));
        text.push('\n');
        for part in &self.parts {
            part.write(locale, depth + 1, text);
        }
    }
}

/// A stored run, as far as it is needed to explain it.
#[derive(Clone, Copy, Debug)]
pub struct StoredRun<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// The indicators before ranks.
    pub indicators: &'a Indicators,
    /// Ranks, and the indicators after them.
    pub ranked: &'a Ranked,
    /// What was paid, where that is computed already: rules that ask what another bonus paid see 0 without it.
    pub payouts: Option<&'a Payouts>,
}

/// A share as people write it: 0.0525 is 5.25 %.
fn percent(rate: Decimal) -> String {
    format!("{} %", (rate * Decimal::ONE_HUNDRED).normalize())
}

impl StoredRun<'_> {
    fn id(&self, row: u32) -> &str {
        self.snapshot.people.ids.get(row as usize)
    }

    fn planned(&self, code: &str) -> Option<&PlannedIndicator> {
        self.plan.indicator(code).map(|(_, planned)| planned)
    }

    fn value(&self, code: &str, row: u32) -> Option<Decimal> {
        self.indicators.value(code, row).or_else(|| self.ranked.indicators.value(code, row))
    }

    /// Why a payout line is what it is.
    pub fn explain_line(&self, payouts: &Payouts, line: &PayoutLine) -> Reason {
        let code = payouts.code(line);
        let bonus = self.plan.bonuses().iter().find(|bonus| bonus.definition.code == code);
        // Lines of no bonus are the plan's.
        let named = if code.is_empty() { "Plan" } else { code };
        let name = bonus.map_or_else(
            || Text { es: named.to_owned(), en: named.to_owned() },
            |bonus| bonus.definition.name.clone(),
        );
        let (amount, currency) = (line.amount(), line.currency);
        let head = |es: &str, en: &str| {
            Reason::new(
                "line",
                format!("{}: {amount} {currency}, {es}", name.es),
                format!("{}: {amount} {currency}, {en}", name.en),
            )
        };
        match line.kind {
            LineKind::BonusCap => head("tope por persona del bono", "the bonus's cap per person")
                .with(bonus.and_then(|bonus| self.cap_reason(Some(bonus), line.earner))),
            LineKind::BonusTotalCap => head(
                "su parte de lo que supera el tope del bono para todos",
                "the part of what passes the bonus's cap on everyone together",
            ),
            LineKind::PersonCap => head("tope por persona del plan", "the plan's cap per person")
                .with(self.cap_reason(None, line.earner)),
            LineKind::TrueUp => head(
                "ya pagado en ciclos anteriores del período",
                "paid already in earlier cycles of the period",
            ),
            LineKind::Held => {
                head("retenido: se paga más adelante", "held back: paid later").with(self.held(bonus, line))
            }
            LineKind::Released => {
                head("retenido en ciclos anteriores y pagado ahora", "held in earlier cycles and paid now")
                    .with(self.held(bonus, line))
            }
            LineKind::Lost => {
                let lost = line.base().normalize();
                let (es, en) =
                    (format!("Se pierden {lost} {currency}"), format!("{lost} {currency} are lost"));
                head("retenido demasiado tiempo y perdido", "held too long and lost")
                    .with([Reason::new("lost", es, en)])
                    .with(self.held(bonus, line))
            }
            LineKind::Advance => head("pagado a cuenta antes del cierre", "paid on account before the close"),
            LineKind::PayoutCap => head("tope de pago del plan", "the plan's payout cap"),
            LineKind::BroughtForward => head(
                "pendiente de ciclos anteriores, en los que no llegó al pago mínimo",
                "due since earlier cycles, in which it was under the minimum payout",
            ),
            LineKind::BelowMinimum => head(
                "no llega al pago mínimo: pasa al ciclo siguiente",
                "under the minimum payout: carried to the next cycle",
            )
            .with(self.minimum_reason()),
            LineKind::Undo => {
                head("devolución de un pedido ya liquidado", "return of an order already settled")
                    .with([self.order_reason(line), base_and_rate(line)])
            }
            LineKind::Earned => {
                let mut reason = head("ganado en este ciclo", "earned in this cycle");
                let total = bonus.map(|bonus| self.total_reasons(bonus, line)).unwrap_or_default();
                let is_total = !total.is_empty();
                reason.parts.extend(total);
                if line.order != NONE {
                    reason.parts.push(self.order_reason(line));
                } else if !is_total
                    && !bonus.is_some_and(walks::is_of_levels)
                    && let Some(paid) = payouts.bonuses.get(usize::from(line.bonus))
                {
                    reason.parts.extend(self.explain_indicator(&paid.indicator, line.source).ok());
                }
                if let (Some(bonus), Ok(run)) = (bonus, self.calculation()) {
                    reason.parts.extend(self.walk_reasons(&run, bonus, line));
                    let each = totals::rate_is_money(bonus);
                    reason.parts.push(if each {
                        totals::number_and_amount(line)
                    } else {
                        base_and_rate(line)
                    });
                    reason.parts.push(self.condition(&run, bonus, line.earner));
                } else {
                    reason.parts.push(base_and_rate(line));
                }
                reason
            }
        }
    }

    fn order_reason(&self, line: &PayoutLine) -> Reason {
        let (order, source) = (self.snapshot.orders.ids.get(line.order as usize), self.id(line.source));
        let base = line.base().normalize();
        Reason::new(
            "order",
            format!("Pedido {order} de {source}: {base}"),
            format!("Order {order} of {source}: {base}"),
        )
    }

    /// Why a person may be paid a bonus or not, and what is missing; `None` for a bonus the plan does not have.
    pub fn explain_condition(&self, bonus: &str, row: u32) -> Result<Option<Reason>, EngineError> {
        let Some(bonus) = self.plan.bonuses().iter().find(|planned| planned.definition.code == bonus) else {
            return Ok(None);
        };
        Ok(Some(self.condition(&self.calculation()?, bonus, row)))
    }

    fn condition(&self, run: &Calculation<'_>, bonus: &PlannedBonus, row: u32) -> Reason {
        let explanation = bonus.when.explain(&run.view().person(row as usize));
        self.rule("rule", "Condición del bono", "Condition of the bonus", &explanation)
    }

    /// The plan's minimum payout.
    fn minimum_reason(&self) -> Option<Reason> {
        let least = self.plan.document().minimum_payout.as_ref()?.amount;
        let base = self.snapshot.rates.base;
        let (es, en) = (format!("Pago mínimo: {least} {base}"), format!("Minimum payout: {least} {base}"));
        Some(Reason::new("minimum", es, en))
    }

    /// The rule that decides what is held.
    fn held(&self, bonus: Option<&PlannedBonus>, line: &PayoutLine) -> Option<Reason> {
        let rule = bonus?.rule(Role::HeldWhile)?;
        let explanation = rule.explain(&self.calculation().ok()?.view().person(line.earner as usize));
        Some(self.rule("rule", "Condición para retener", "Condition for holding back", &explanation))
    }

    /// The run with everything that was computed, as bonuses saw it.
    fn calculation(&self) -> Result<Calculation<'_>, EngineError> {
        let stored = [self.indicators, &self.ranked.indicators];
        let mut run = restored(self.snapshot, self.plan, Context::default(), &stored)?;
        run.paid.clone_from(&self.ranked.ranks.paid);
        run.earned.clone_from(&self.ranked.ranks.earned);
        if let Some(payouts) = self.payouts {
            restore_payments(&run, self.plan, self.snapshot, payouts)?;
        }
        Ok(run)
    }

    /// Why a person has earned a rank, or what is missing for it; `None` for a rank that does not exist.
    pub fn explain_rank(&self, row: u32, rank: u8) -> Result<Option<Reason>, EngineError> {
        let found = explain_rank(self.snapshot, self.indicators, self.ranked, self.plan, row, rank)?;
        let Some(explanation) = found else { return Ok(None) };
        let (es, en) = (rank_label(self.plan, rank, Locale::Es), rank_label(self.plan, rank, Locale::En));
        let mut reason = self.rule("rule", &es, &en, &explanation);
        let ranks = &self.ranked.ranks;
        let at = row as usize;
        for (kind, position, es, en) in [
            ("earned", ranks.earned.get(at), "Rango ganado", "Earned rank"),
            ("paid", ranks.paid.get(at), "Rango pago", "Paid rank"),
            ("previous", self.snapshot.people.previous_rank.get(at), "Rango anterior", "Previous rank"),
        ] {
            let label = |locale| rank_label(self.plan, position.copied().unwrap_or(0), locale);
            let sentence = |what: &str, locale| format!("{what}: {}", label(locale));
            reason.parts.push(Reason::new(kind, sentence(es, Locale::Es), sentence(en, Locale::En)));
        }
        Ok(Some(reason))
    }

    fn rule(&self, kind: &str, es: &str, en: &str, explanation: &Explanation) -> Reason {
        let held = explanation.held() == Some(true);
        let verdict = if held { ("se cumple", "holds") } else { ("no se cumple", "does not hold") };
        let mut reason = Reason::new(kind, format!("{es}: {}", verdict.0), format!("{en}: {}", verdict.1));
        reason.held = Some(held);
        for comparison in explanation.comparisons() {
            let line =
                |locale| comparison.render(locale, &|text| self.label(text, locale)).trim_end().to_owned();
            let mut part = Reason::new("condition", line(Locale::Es), line(Locale::En));
            part.held = comparison.held();
            reason.parts.push(part);
        }
        for missing in explanation.missing().unwrap_or_default() {
            let line = |locale| missing.render(locale, &|text| self.label(text, locale));
            let mut part = Reason::new("missing", line(Locale::Es), line(Locale::En));
            part.held = Some(false);
            reason.parts.push(part);
        }
        reason
    }

    /// The name people know an indicator or rank by.
    fn label(&self, expression: &str, locale: Locale) -> Option<String> {
        if let Some(planned) = self.planned(expression) {
            return Some(planned.definition.name.in_locale(locale).to_owned());
        }
        let rank = self.plan.rank_position(expression)?;
        Some(rank_label(self.plan, rank, locale))
    }

    /// Why an indicator of a person is what it is: its definition, and whose volume it is made of.
    pub fn explain_indicator(&self, code: &str, row: u32) -> Result<Reason, EngineError> {
        let unknown = || EngineError::Mismatch(format!("the plan has no indicator {code}"));
        let planned = self.planned(code).ok_or_else(unknown)?;
        let definition = &planned.definition;
        let value = self.value(&definition.code, row).ok_or_else(unknown)?.normalize();
        let mut reason = Reason::new(
            "definition",
            format!("{} de {}: {value}", definition.name.es, self.id(row)),
            format!("{} of {}: {value}", definition.name.en, self.id(row)),
        );
        match (&definition.measure, &definition.scope, planned.formula.as_ref()) {
            (Measure::Formula(text), _, Some(formula)) => {
                let run = restored(
                    self.snapshot,
                    self.plan,
                    Context::default(),
                    &[self.indicators, &self.ranked.indicators],
                )?;
                let view = run.view();
                let explained = formula.explain(&view.person(row as usize));
                reason.parts.push(Reason::new("formula", text.clone(), text.clone()));
                reason.parts.extend(self.slots_of(&explained, row));
            }
            (_, Scope::Own, _) if definition.window == Window::ThisCycle => {
                reason.parts.extend(self.orders_of(row));
            }
            _ => {}
        }
        if let Some(filter) = &definition.filter {
            reason.parts.push(Reason::new(
                "filter",
                format!("Solo quienes cumplen: {filter}"),
                format!("Only those for whom: {filter}"),
            ));
        }
        if let Some(qualified) = &definition.options.qualified {
            reason.parts.push(Reason::new(
                "compression",
                format!("Ocupan nivel quienes cumplen: {qualified}"),
                format!("A level is taken by those for whom: {qualified}"),
            ));
        }
        Ok(reason)
    }

    /// The indicators a formula read, each explained by its value.
    fn slots_of(&self, explanation: &Explanation, row: u32) -> Vec<Reason> {
        let mut found: Vec<Reason> = Vec::new();
        let mut open = vec![explanation];
        while let Some(one) = open.pop() {
            open.extend(one.parts.iter().rev());
            let Some(planned) = self.planned(&one.text) else { continue };
            let Some(value) = self.value(&planned.definition.code, row) else { continue };
            let value = value.normalize();
            let name = &planned.definition.name;
            let part = Reason::new("part", format!("{}: {value}", name.es), format!("{}: {value}", name.en));
            if !found.contains(&part) {
                found.push(part);
            }
        }
        found
    }

    fn orders_of(&self, row: u32) -> Vec<Reason> {
        let orders = &self.snapshot.orders;
        let own: Vec<usize> = (0..orders.len())
            .filter(|order| orders.person[*order] == row && !orders.is_late[*order])
            .collect();
        let mut reasons: Vec<Reason> = Vec::new();
        for order in own.iter().take(MOST_PARTS) {
            let volume = |values: &[i64]| Decimal::new(values[*order], plan::AMOUNT_SCALE).normalize();
            let (id, vq, vc) = (orders.ids.get(*order), volume(&orders.vq), volume(&orders.vc));
            let (es, en) =
                if orders.is_return[*order] { ("Devolución", "Return") } else { ("Pedido", "Order") };
            reasons.push(Reason::new(
                "order",
                format!("{es} {id}: VQ {vq}, VC {vc}"),
                format!("{en} {id}: VQ {vq}, VC {vc}"),
            ));
        }
        if let Some(rest) = own.len().checked_sub(MOST_PARTS).filter(|rest| 0 < *rest) {
            reasons.push(Reason::new(
                "rest",
                format!("y {rest} pedidos más"),
                format!("and {rest} more orders"),
            ));
        }
        reasons
    }
}

fn base_and_rate(line: &PayoutLine) -> Reason {
    let (base, rate) = (line.base().normalize(), percent(line.rate()));
    let (exact, amount, currency) = (line.exact_amount().normalize(), line.amount(), line.currency);
    Reason::new(
        "rate",
        format!("{base} × {rate} = {exact} {currency}, redondeado a {amount}"),
        format!("{base} × {rate} = {exact} {currency}, rounded to {amount}"),
    )
}
