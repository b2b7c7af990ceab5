//! Statements: a settlement with names instead of codes, and lines that explain themselves.

use std::collections::BTreeMap;

use engine::LineKind;
use foundation::{
    id::{CycleId, OrderId, PersonId, ProcessId, RunId},
    locale::{Locale, Text},
    money::{Currency, Money, Rounding},
};
use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;

use crate::settlement::{Legend, Line, Settlement, Visibility};

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Sees bonuses before they are approved.
    pub sees_partial: bool,
    /// Sees indicators that are hidden from people.
    pub sees_hidden: bool,
}

/// A rank of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RankView {
    /// Code; empty for none.
    pub code: String,
    /// Name; absent for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
}

/// An indicator of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IndicatorView {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Text,
    /// What it counts.
    pub unit: plan::indicator::Unit,
    /// The value, rounded to the decimals that are shown.
    pub value: Decimal,
}

/// A bonus of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BonusView {
    /// Code; empty for the plan's caps and its minimum payout.
    pub code: String,
    /// Name.
    pub name: Text,
    /// The sum of its lines.
    pub amount: Money,
    /// How many lines.
    pub lines: u32,
}

/// A line of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineView {
    /// Counts from 1 over all pages.
    pub number: u32,
    /// Code of the bonus.
    pub bonus: String,
    /// Its name.
    pub bonus_name: Text,
    /// Earned, or taken back and why.
    pub kind: LineKind,
    /// Whose volume it is paid on.
    pub source: PersonId,
    /// Which order of theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// Levels from the source up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level_walked: Option<u16>,
    /// The level it is paid as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level_paid: Option<u16>,
    /// What is paid on.
    pub base: Decimal,
    /// The rate.
    pub rate: Decimal,
    /// The rounded amount.
    pub amount: Money,
    /// All of it in a sentence.
    pub text: Text,
}

/// A person's settlement, readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Whose it is.
    pub person: PersonId,
    /// The cycle.
    pub cycle: CycleId,
    /// The process.
    pub process: ProcessId,
    /// The run that made it.
    pub run: RunId,
    /// Since when everyone may see theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// Whether the person was active.
    pub active: bool,
    /// What the rules say for this cycle.
    pub earned_rank: RankView,
    /// What the cycle is settled with.
    pub paid_rank: RankView,
    /// The title kept.
    pub honorific_rank: RankView,
    /// Indicators, by code.
    pub indicators: Vec<IndicatorView>,
    /// The sum of all lines; absent as long as the viewer may not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// What each bonus paid; absent as long as the viewer may not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bonuses: Option<Vec<BonusView>>,
    /// The lines of this page; absent as long as the viewer may not see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<LineView>>,
    /// What the next page of lines is asked with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What is shown of a stored settlement.
pub fn statement(
    settlement: &Settlement,
    lines: &[Line],
    page: u32,
    before: u32,
    visibility: Option<&Visibility>,
    legend: &Legend,
    viewer: Viewer,
) -> Statement {
    let published = visibility.filter(|visible| visible.run == settlement.run);
    let shown = published.is_some() || viewer.sees_partial;
    let rank = |code: &str| RankView { code: code.to_owned(), name: legend.ranks.get(code).cloned() };
    let bonuses =
        || settlement.bonuses.iter().map(|bonus| bonus_view(bonus, settlement.currency, legend)).collect();
    let lines = || {
        (before + 1..)
            .zip(lines)
            .map(|(number, line)| line_view(number, line, settlement.currency, legend))
            .collect()
    };
    Statement {
        person: settlement.person.clone(),
        cycle: settlement.cycle.clone(),
        process: settlement.process.clone(),
        run: settlement.run.clone(),
        published_at: published.map(|visible| visible.published_at),
        active: settlement.active,
        earned_rank: rank(&settlement.earned_rank),
        paid_rank: rank(&settlement.paid_rank),
        honorific_rank: rank(&settlement.honorific_rank),
        indicators: indicator_views(&settlement.indicators, legend, viewer),
        total: shown.then(|| money(settlement.total, settlement.currency)),
        bonuses: shown.then(bonuses),
        lines: shown.then(lines),
        next: (shown && page < settlement.pages).then(|| (page + 1).to_string()),
    }
}

/// Amounts were rounded when the lines were made; this only gives them their type.
pub(crate) fn money(amount: Decimal, currency: Currency) -> Money {
    Money::rounded(amount, currency, Rounding::HalfEven)
}

fn indicator_views(
    values: &BTreeMap<String, Decimal>,
    legend: &Legend,
    viewer: Viewer,
) -> Vec<IndicatorView> {
    let view = |(code, value): (&String, &Decimal)| {
        let named = legend.indicators.get(code)?;
        let mut value =
            value.round_dp_with_strategy(u32::from(named.decimals), RoundingStrategy::MidpointNearestEven);
        value.rescale(u32::from(named.decimals));
        (named.visible || viewer.sees_hidden).then(|| IndicatorView {
            code: code.clone(),
            name: named.name.clone(),
            unit: named.unit,
            value,
        })
    };
    values.iter().filter_map(view).collect()
}

fn name_of_bonus(code: &str, legend: &Legend) -> Text {
    // Lines of no bonus are the plan's.
    let unknown = || {
        let name = if code.is_empty() { "Plan" } else { code };
        Text { es: name.to_owned(), en: name.to_owned() }
    };
    legend.bonuses.get(code).map_or_else(unknown, |bonus| bonus.name.clone())
}

fn bonus_view(bonus: &crate::settlement::BonusAmount, currency: Currency, legend: &Legend) -> BonusView {
    BonusView {
        code: bonus.bonus.clone(),
        name: name_of_bonus(&bonus.bonus, legend),
        amount: money(bonus.amount, currency),
        lines: bonus.lines,
    }
}

/// A line with its names and its sentence.
pub fn line_view(number: u32, line: &Line, currency: Currency, legend: &Legend) -> LineView {
    LineView {
        number,
        bonus: line.bonus.clone(),
        bonus_name: name_of_bonus(&line.bonus, legend),
        kind: line.kind,
        source: line.source.clone(),
        order: line.order.clone(),
        level_walked: line.level_walked,
        level_paid: line.level_paid,
        base: line.base,
        rate: line.rate,
        amount: money(line.amount, currency),
        text: Text {
            es: sentence(line, currency, legend, Locale::Es),
            en: sentence(line, currency, legend, Locale::En),
        },
    }
}

/// A number as people of the locale write it.
fn number(value: Decimal, locale: Locale) -> String {
    let text = value.to_string();
    if locale == Locale::Es { text.replace('.', ",") } else { text }
}

fn sentence(line: &Line, currency: Currency, legend: &Legend, locale: Locale) -> String {
    let on = legend.bonuses.get(&line.bonus).map_or("", |bonus| bonus.on.in_locale(locale));
    let amount = number(money(line.amount, currency).amount(), locale);
    let percent = number((line.rate * Decimal::ONE_HUNDRED).normalize(), locale);
    // What was taken back was so much; the amount says that it is taken.
    let undone = line.kind == LineKind::Undo;
    let base = number(if undone { line.base.abs() } else { line.base }, locale);
    let source = &line.source;
    let of = match (&line.order, locale) {
        (Some(order), Locale::Es) => format!(" del pedido {order} de {source}"),
        (Some(order), Locale::En) => format!(" of order {order} of {source}"),
        (None, Locale::Es) => format!(" de {source}"),
        (None, Locale::En) => format!(" of {source}"),
    };
    let level = match (line.level_paid, line.level_walked, locale) {
        (Some(paid), Some(walked), Locale::Es) if paid != walked => {
            format!(", a {walked} niveles, pagado como nivel {paid}")
        }
        (Some(paid), Some(walked), Locale::En) if paid != walked => {
            format!(", {walked} levels up, paid as level {paid}")
        }
        (Some(paid), _, Locale::Es) => format!(", nivel {paid}"),
        (Some(paid), _, Locale::En) => format!(", level {paid}"),
        (None, ..) => String::new(),
    };
    match (line.kind, locale) {
        (LineKind::Earned, Locale::Es) => {
            format!("{percent} % de {base} de {on}{of}{level}: {amount} {currency}")
        }
        (LineKind::Earned, Locale::En) => {
            format!("{percent}% of {base} of {on}{of}{level}: {amount} {currency}")
        }
        (LineKind::Undo, Locale::Es) => {
            format!("Devolución: se deshace {percent} % de {base} de {on}{of}{level}: {amount} {currency}")
        }
        (LineKind::Undo, Locale::En) => {
            format!("Return: undoes {percent}% of {base} of {on}{of}{level}: {amount} {currency}")
        }
        (LineKind::BonusCap, Locale::Es) => format!("Lo que supera el tope del bono: {amount} {currency}"),
        (LineKind::BonusCap, Locale::En) => format!("What passes the cap of the bonus: {amount} {currency}"),
        (LineKind::BonusTotalCap, Locale::Es) => {
            format!("Su parte de lo que supera el tope del bono para todos: {amount} {currency}")
        }
        (LineKind::BonusTotalCap, Locale::En) => {
            format!("Its part of what passes the bonus's cap on everyone together: {amount} {currency}")
        }
        (LineKind::PersonCap, Locale::Es) => {
            format!("Lo que supera el tope por persona del plan: {amount} {currency}")
        }
        (LineKind::PersonCap, Locale::En) => {
            format!("What passes the plan's cap per person: {amount} {currency}")
        }
        (LineKind::TrueUp, Locale::Es) => {
            format!("Ya pagado en ciclos anteriores del período: {amount} {currency}")
        }
        (LineKind::TrueUp, Locale::En) => {
            format!("Paid already in earlier cycles of the period: {amount} {currency}")
        }
        (LineKind::Held, Locale::Es) => format!("Retenido, se paga más adelante: {amount} {currency}"),
        (LineKind::Held, Locale::En) => format!("Held back, paid later: {amount} {currency}"),
        (LineKind::Released, Locale::Es) => {
            format!("Retenido en ciclos anteriores y pagado ahora: {amount} {currency}")
        }
        (LineKind::Released, Locale::En) => {
            format!("Held in earlier cycles and paid now: {amount} {currency}")
        }
        (LineKind::Lost, Locale::Es) => format!("Retenido demasiado tiempo, se pierden {base} {currency}"),
        (LineKind::Lost, Locale::En) => format!("Held too long, {base} {currency} are lost"),
        (LineKind::Advance, Locale::Es) => format!("Pagado a cuenta antes del cierre: {amount} {currency}"),
        (LineKind::Advance, Locale::En) => format!("Paid on account before the close: {amount} {currency}"),
        (LineKind::BroughtForward, Locale::Es) => {
            format!("Pendiente de ciclos anteriores, en los que no llegó al pago mínimo: {amount} {currency}")
        }
        (LineKind::BroughtForward, Locale::En) => {
            format!("Due since earlier cycles, in which it was under the minimum payout: {amount} {currency}")
        }
        (LineKind::BelowMinimum, Locale::Es) => {
            format!("No llega al pago mínimo y pasa al ciclo siguiente: {amount} {currency}")
        }
        (LineKind::BelowMinimum, Locale::En) => {
            format!("Under the minimum payout and carried to the next cycle: {amount} {currency}")
        }
        (LineKind::PayoutCap, Locale::Es) => {
            format!("Su parte de lo que supera el tope de pago: {amount} {currency}")
        }
        (LineKind::PayoutCap, Locale::En) => {
            format!("Its part of what passes the payout cap: {amount} {currency}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settlement::{BonusAmount, BonusName, IndicatorName};

    fn text(es: &str, en: &str) -> Text {
        Text { es: es.into(), en: en.into() }
    }

    fn legend() -> Legend {
        let indicator = |visible| IndicatorName {
            name: text("Volumen", "Volume"),
            unit: plan::indicator::Unit::Points,
            decimals: 2,
            visible,
        };
        let bonus = BonusName {
            name: text("Uninivel", "Unilevel"),
            on: text("volumen comisionable", "commissionable volume"),
        };
        Legend {
            indicators: BTreeMap::from([("GVC".into(), indicator(true)), ("INNER".into(), indicator(false))]),
            bonuses: BTreeMap::from([("UNI".into(), bonus)]),
            ranks: BTreeMap::from([("SILVER".into(), text("Plata", "Silver"))]),
        }
    }

    fn line() -> Line {
        Line {
            bonus: "UNI".into(),
            kind: LineKind::Earned,
            source: "P55".parse().unwrap(),
            order: Some("O-9".parse().unwrap()),
            level_walked: Some(3),
            level_paid: Some(2),
            base: "120.5".parse().unwrap(),
            rate: "0.05".parse().unwrap(),
            amount: "6.02".parse().unwrap(),
        }
    }

    fn settlement() -> Settlement {
        Settlement {
            person: "P1".parse().unwrap(),
            run: "R1".parse().unwrap(),
            attempt: 1,
            process: "monthly".parse().unwrap(),
            cycle: "2026-10".parse().unwrap(),
            active: true,
            earned_rank: String::new(),
            paid_rank: "SILVER".into(),
            honorific_rank: "SILVER".into(),
            currency: "COP".parse().unwrap(),
            total: "6.02".parse().unwrap(),
            bonuses: vec![BonusAmount { bonus: "UNI".into(), amount: "6.02".parse().unwrap(), lines: 1 }],
            indicators: BTreeMap::from([
                ("GVC".into(), "120.505".parse().unwrap()),
                ("INNER".into(), Decimal::ONE),
                ("GONE".into(), Decimal::ONE),
            ]),
            lines: 1,
            pages: 2,
        }
    }

    fn visible(run: &str) -> Visibility {
        Visibility {
            run: run.parse().unwrap(),
            attempt: 1,
            published_at: Timestamp::UNIX_EPOCH,
            published_by: "eva".into(),
        }
    }

    const PERSON: Viewer = Viewer { sees_partial: false, sees_hidden: false };
    const OFFICE: Viewer = Viewer { sees_partial: true, sees_hidden: true };

    #[test]
    fn a_line_says_in_both_languages_what_was_paid_to_whom_and_why() {
        let view = line_view(1, &line(), "COP".parse().unwrap(), &legend());
        assert_eq!(
            view.text.es,
            "5 % de 120,5 de volumen comisionable del pedido O-9 de P55, a 3 niveles, pagado como nivel 2: 6,02 COP"
        );
        assert_eq!(
            view.text.en,
            "5% of 120.5 of commissionable volume of order O-9 of P55, 3 levels up, paid as level 2: 6.02 COP"
        );
        let plain = Line {
            level_walked: None,
            level_paid: None,
            order: None,
            kind: LineKind::Undo,
            base: "-120.5".parse().unwrap(),
            amount: "-6.02".parse().unwrap(),
            ..line()
        };
        assert_eq!(
            line_view(1, &plain, "COP".parse().unwrap(), &legend()).text.en,
            "Return: undoes 5% of 120.5 of commissionable volume of P55: -6.02 COP"
        );
    }

    #[test]
    fn what_waits_under_the_minimum_payout_is_the_plans() {
        let waiting = |kind, amount: &str| Line {
            bonus: String::new(),
            kind,
            level_walked: None,
            level_paid: None,
            order: None,
            base: Decimal::ZERO,
            rate: Decimal::ZERO,
            amount: amount.parse().unwrap(),
            ..line()
        };
        let brought =
            line_view(1, &waiting(LineKind::BroughtForward, "30"), "COP".parse().unwrap(), &legend());
        assert_eq!(brought.bonus_name.es, "Plan");
        assert_eq!(
            brought.text.es,
            "Pendiente de ciclos anteriores, en los que no llegó al pago mínimo: 30,00 COP"
        );
        let kept = line_view(1, &waiting(LineKind::BelowMinimum, "-40"), "COP".parse().unwrap(), &legend());
        assert_eq!(kept.text.en, "Under the minimum payout and carried to the next cycle: -40.00 COP");
    }

    #[test]
    fn bonuses_are_seen_when_published_or_by_those_who_may_see_them_before() {
        let cases = [
            ("a person before", None, PERSON, false),
            ("a person after", Some(visible("R1")), PERSON, true),
            ("a person, another run was published", Some(visible("R0")), PERSON, false),
            ("the back office before", None, OFFICE, true),
        ];
        for (name, visibility, viewer, seen) in cases {
            let shown = statement(&settlement(), &[line()], 1, 0, visibility.as_ref(), &legend(), viewer);
            let parts =
                [shown.total.is_some(), shown.bonuses.is_some(), shown.lines.is_some(), shown.next.is_some()];
            assert_eq!(parts, [seen; 4], "{name}");
            assert_eq!(shown.paid_rank.name, Some(text("Plata", "Silver")), "{name}");
        }
    }

    #[test]
    fn hidden_indicators_are_seen_by_the_back_office_only_and_values_are_rounded_for_display() {
        let codes = |viewer| -> Vec<(String, String)> {
            let shown = statement(&settlement(), &[], 1, 0, None, &legend(), viewer);
            shown.indicators.into_iter().map(|one| (one.code, one.value.to_string())).collect()
        };
        assert_eq!(codes(PERSON), [("GVC".to_owned(), "120.50".to_owned())]);
        assert_eq!(codes(OFFICE).len(), 2);
    }

    #[test]
    fn numbers_go_on_over_the_pages() {
        let shown = statement(&settlement(), &[line()], 2, 1_000, None, &legend(), OFFICE);
        assert_eq!(shown.lines.unwrap()[0].number, 1_001);
        assert_eq!(shown.next, None, "the last page");
    }
}
