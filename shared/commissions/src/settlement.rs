//! Settlements as they are read: one item per person, its lines in pages, the names of its codes, and whether everyone may see it.

use std::collections::BTreeMap;

use engine::{Indicators, LineKind, NONE, PayoutLine, Payouts, Snapshot};
use foundation::{
    id::{CycleId, OrderId, PersonId, ProcessId, RunId},
    locale::Text,
    money::{Currency, Money},
};
use jiff::Timestamp;
use plan::{
    Plan,
    bonus::{Differential, DifferentialBy, LevelBase, Mechanic, OrderMeasure},
    indicator::Unit,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::run::{Run, RunState};

/// Bytes of lines in one page, so that the item stays well under what the table takes.
const PAGE_BYTES_MAX: usize = 280_000;
/// Lines in one page.
const PAGE_LINES_MAX: usize = 1_000;

/// What a person gets of one bonus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BonusAmount {
    /// Code of the bonus; empty for the plan's caps.
    pub bonus: String,
    /// The sum of its lines.
    pub amount: Decimal,
    /// How many lines.
    pub lines: u32,
}

/// The result of a run for one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// Whose it is.
    pub person: PersonId,
    /// The run that made it.
    pub run: RunId,
    /// The attempt that wrote it.
    pub attempt: u32,
    /// The process.
    pub process: ProcessId,
    /// The cycle.
    pub cycle: CycleId,
    /// Whether the person was active.
    pub active: bool,
    /// Codes of the ranks; empty for none.
    pub earned_rank: String,
    /// The rank the cycle is settled with.
    pub paid_rank: String,
    /// The title kept.
    pub honorific_rank: String,
    /// Currency of all amounts.
    pub currency: Currency,
    /// The sum of all lines.
    pub total: Decimal,
    /// What each bonus paid, in the order of the statement.
    pub bonuses: Vec<BonusAmount>,
    /// Values by indicator.
    pub indicators: BTreeMap<String, Decimal>,
    /// How many lines there are.
    pub lines: u32,
    /// In how many pages.
    pub pages: u32,
}

/// Where a person's settlement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettlementState {
    /// Written; nobody has approved it.
    Calculated,
    /// Somebody rejected it.
    Rejected,
    /// Approved; everyone sees theirs.
    Published,
    /// Its payables are made.
    Payable,
    /// Everything of its run is paid.
    Paid,
}

/// A settlement in the master list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Whose it is.
    pub person: PersonId,
    /// Where it is.
    pub state: SettlementState,
    /// Whether the person was active.
    pub active: bool,
    /// Code of the rank the rules give; empty for none.
    pub earned_rank: String,
    /// Code of the rank the cycle is settled with.
    pub paid_rank: String,
    /// Code of the title kept.
    pub honorific_rank: String,
    /// The sum of all lines; absent as long as the viewer may not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// What each bonus paid; absent as long as the viewer may not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bonuses: Option<Vec<BonusAmount>>,
}

impl Settlement {
    /// The settlement as the master list shows it.
    pub fn listed(self, run: &Run, sees_bonuses: bool) -> Listed {
        let state = match run.state {
            RunState::Paid => SettlementState::Paid,
            RunState::PaidPending => SettlementState::Payable,
            RunState::Rejected => SettlementState::Rejected,
            _ if run.is_published() => SettlementState::Published,
            _ => SettlementState::Calculated,
        };
        Listed {
            person: self.person,
            state,
            active: self.active,
            earned_rank: self.earned_rank,
            paid_rank: self.paid_rank,
            honorific_rank: self.honorific_rank,
            total: sees_bonuses.then(|| crate::statement::money(self.total, self.currency)),
            bonuses: sees_bonuses.then_some(self.bonuses),
        }
    }
}

/// A statement line with its trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Code of the bonus; empty for the plan's caps.
    pub bonus: String,
    /// Earned, or taken back and why.
    pub kind: LineKind,
    /// Whose volume it is paid on.
    pub source: PersonId,
    /// Which order of theirs, where it is paid on orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// Levels from the source up; none where levels play no part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level_walked: Option<u16>,
    /// The level it is paid as, after compression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level_paid: Option<u16>,
    /// What is paid on.
    pub base: Decimal,
    /// The rate.
    pub rate: Decimal,
    /// The rounded amount in the person's currency.
    pub amount: Decimal,
}

/// A page of a person's lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinePage {
    /// The attempt that wrote it.
    pub attempt: u32,
    /// The run that made it.
    pub run: RunId,
    /// Counts from 1.
    pub page: u32,
    /// How many lines lie on earlier pages.
    pub before: u32,
    /// The lines, as JSON: one attribute instead of thousands.
    pub lines: String,
}

impl LinePage {
    /// The lines.
    pub fn read(&self) -> Result<Vec<Line>, serde_json::Error> {
        serde_json::from_str(&self.lines)
    }
}

/// What an indicator is called and how it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndicatorName {
    /// Name.
    pub name: Text,
    /// What it counts.
    pub unit: Unit,
    /// Decimals shown.
    pub decimals: u8,
    /// Whether people see it.
    pub visible: bool,
}

/// What a bonus is called and what it is paid on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BonusName {
    /// Name.
    pub name: Text,
    /// Name of what it is paid on.
    pub on: Text,
}

/// What the codes in the settlements of a run are called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Legend {
    /// Indicators by code.
    pub indicators: BTreeMap<String, IndicatorName>,
    /// Bonuses by code.
    pub bonuses: BTreeMap<String, BonusName>,
    /// Ranks by code.
    pub ranks: BTreeMap<String, Text>,
}

/// That everyone may see the results of a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visibility {
    /// Of which run.
    pub run: RunId,
    /// Of which attempt at writing the settlements.
    pub attempt: u32,
    /// Since when.
    pub published_at: Timestamp,
    /// Who approved them.
    pub published_by: String,
}

fn text(es: &str, en: &str) -> Text {
    Text { es: es.to_owned(), en: en.to_owned() }
}

fn name_of_measure(measure: OrderMeasure) -> Text {
    match measure {
        OrderMeasure::Vq => text("volumen calificable", "qualifying volume"),
        OrderMeasure::Vc => text("volumen comisionable", "commissionable volume"),
        OrderMeasure::Net => text("venta neta", "net sales"),
        OrderMeasure::Gross => text("venta bruta", "gross sales"),
        OrderMeasure::Points => text("puntos", "points"),
        OrderMeasure::Units => text("unidades", "units"),
        OrderMeasure::Count => text("pedidos", "orders"),
        OrderMeasure::Margin => text("ganancia al por menor", "retail margin"),
    }
}

impl Legend {
    /// The names of a plan's codes, and of those of earlier plans that payouts undo something of.
    pub fn of(plan: &Plan, payouts: Option<&Payouts>) -> Self {
        let needed = plan.indicators().iter().filter(|indicator| indicator.needed);
        let indicators: BTreeMap<_, _> = needed
            .map(|indicator| {
                let shown = &indicator.definition;
                let (unit, decimals) = (shown.unit, shown.decimals);
                let name = IndicatorName { name: shown.name.clone(), unit, decimals, visible: shown.visible };
                (shown.code.clone(), name)
            })
            .collect();
        let on_indicator = |code: &str| {
            plan.indicator(code).map_or_else(|| text(code, code), |(_, found)| found.definition.name.clone())
        };
        let mut bonuses: BTreeMap<_, _> = plan
            .bonuses()
            .iter()
            .map(|bonus| {
                let brought = |on: &LevelBase| match on {
                    LevelBase::Indicator(code) => on_indicator(code),
                    LevelBase::Orders(measure) => name_of_measure(*measure),
                };
                let on = match &bonus.definition.pays {
                    Mechanic::Percentage(percentage) => on_indicator(&percentage.of),
                    Mechanic::Unilevel(unilevel) => brought(&unilevel.on),
                    Mechanic::Infinity(infinity) => brought(&infinity.on),
                    Mechanic::Differential(Differential { by: DifferentialBy::Source(on), .. }) => {
                        brought(on)
                    }
                    Mechanic::Differential(differential) => on_indicator(&differential.of),
                    Mechanic::Generation(generation) => on_indicator(&generation.of),
                    Mechanic::Breakaway(breakaway) => on_indicator(&breakaway.of),
                    Mechanic::Binary(_) => {
                        text("volumen emparejado de las dos piernas", "matched volume of both legs")
                    }
                    Mechanic::Matching(_) => text("lo ganado", "what was earned"),
                    Mechanic::Pool(_) => text("el fondo", "the fund"),
                    Mechanic::Fixed(_) => text("un monto fijo", "a fixed amount"),
                    Mechanic::RetailProfit(_) => name_of_measure(OrderMeasure::Margin),
                };
                (bonus.definition.code.clone(), BonusName { name: bonus.definition.name.clone(), on })
            })
            .collect();
        for paid in payouts.into_iter().flat_map(|payouts| &payouts.bonuses) {
            bonuses.entry(paid.code.clone()).or_insert_with(|| match paid.code.as_str() {
                "" => BonusName {
                    name: text("Topes del plan", "Caps of the plan"),
                    on: text("total ganado", "total earned"),
                },
                code => BonusName {
                    name: text(code, code),
                    on: paid.measure.map_or_else(|| on_indicator(&paid.indicator), name_of_measure),
                },
            });
        }
        let ranks = &plan.document().ranks.steps;
        let ranks = ranks.iter().map(|rank| (rank.code.clone(), rank.name.clone())).collect();
        Self { indicators, bonuses, ranks }
    }
}

/// Values of a person by code, of all indicators there are.
pub fn indicators_of(row: u32, indicators: &[&Indicators]) -> BTreeMap<String, Decimal> {
    let columns = indicators.iter().flat_map(|computed| &computed.columns);
    columns.map(|column| (column.code.clone(), column.value(row).normalize())).collect()
}

/// Lines as they are stored. Ids come from the snapshot, where they were checked.
pub fn lines_of(lines: &[PayoutLine], payouts: &Payouts, snapshot: &Snapshot) -> Vec<Line> {
    let stored = |line: &PayoutLine| {
        let order =
            (line.order != NONE).then(|| snapshot.orders.ids.get(line.order as usize).parse().ok()).flatten();
        let level = |level: u16| (level != 0).then_some(level);
        Some(Line {
            bonus: payouts.code(line).to_owned(),
            kind: line.kind,
            source: snapshot.people.ids.get(line.source as usize).parse().ok()?,
            order,
            level_walked: level(line.level_walked),
            level_paid: level(line.level_paid),
            base: line.base().normalize(),
            rate: line.rate().normalize(),
            amount: line.amount(),
        })
    };
    lines.iter().filter_map(stored).collect()
}

/// Lines cut into pages that fit an item each.
pub fn pages(lines: &[Line], run: &RunId, attempt: u32) -> Result<Vec<LinePage>, serde_json::Error> {
    let mut pages: Vec<LinePage> = Vec::new();
    let (mut text, mut held, mut before) = (String::new(), 0, 0);
    let mut close = |text: &mut String, held: &mut u32, before: &mut u32| {
        if 0 < *held {
            let page = u32::try_from(pages.len() + 1).unwrap_or(u32::MAX);
            let lines = format!("[{}]", std::mem::take(text));
            pages.push(LinePage { attempt, run: run.clone(), page, before: *before, lines });
            *before += *held;
            *held = 0;
        }
    };
    for line in lines {
        let json = serde_json::to_string(line)?;
        if PAGE_BYTES_MAX < text.len() + json.len() + 2 || PAGE_LINES_MAX <= held as usize {
            close(&mut text, &mut held, &mut before);
        }
        if 0 < held {
            text.push(',');
        }
        text.push_str(&json);
        held += 1;
    }
    close(&mut text, &mut held, &mut before);
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(order: &str) -> Line {
        Line {
            bonus: "UNI".into(),
            kind: LineKind::Earned,
            source: "P2".parse().unwrap(),
            order: Some(order.parse().unwrap()),
            level_walked: Some(3),
            level_paid: Some(2),
            base: "120".parse().unwrap(),
            rate: "0.05".parse().unwrap(),
            amount: "6.00".parse().unwrap(),
        }
    }

    #[test]
    fn pages_hold_all_lines_in_order_and_fit_an_item() {
        let lines: Vec<_> = (0..3_500).map(|number| line(&format!("O-{number:058}"))).collect();
        let pages = pages(&lines, &"R1".parse().unwrap(), 2).unwrap();
        assert!(pages.len() >= 4);
        let mut back = Vec::new();
        for page in &pages {
            assert!(page.lines.len() <= PAGE_BYTES_MAX + 2, "{}", page.lines.len());
            assert_eq!(page.before as usize, back.len());
            back.extend(page.read().unwrap());
        }
        assert_eq!(back, lines);
        assert_eq!(
            pages.iter().map(|page| page.page).collect::<Vec<_>>(),
            (1_u32..).take(pages.len()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn nobody_without_lines_has_a_page() {
        assert!(pages(&[], &"R1".parse().unwrap(), 1).unwrap().is_empty());
    }
}
