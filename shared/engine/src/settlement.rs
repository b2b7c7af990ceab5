//! Settlements: one per person, the sum of its lines; and what is checked before everyone sees theirs.

use foundation::{locale::Text, money::Currency};
use plan::{AMOUNT_SCALE, Plan};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    amount::from_minor,
    failure::EngineError,
    indicators::Indicators,
    payouts::Payouts,
    ranks::Ranks,
    snapshot::{Snapshot, Volume},
};

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
    /// Row in the snapshot.
    pub row: u32,
    /// Id of the person.
    pub person: String,
    /// Whether the person was active.
    pub active: bool,
    /// Code of the earned rank; empty for none.
    pub earned_rank: String,
    /// Code of the paid rank; empty for none.
    pub paid_rank: String,
    /// Code of the honorific rank; empty for none.
    pub honorific_rank: String,
    /// Currency of all amounts.
    pub currency: Currency,
    /// What each bonus paid, in the order of the statement.
    pub bonuses: Vec<BonusAmount>,
    /// The sum of all lines.
    pub total: Decimal,
}

/// One settlement per person, in the order of the snapshot.
pub fn settle(
    snapshot: &Snapshot,
    indicators: &Indicators,
    ranks: &Ranks,
    payouts: &Payouts,
    plan: &Plan,
) -> Result<Vec<Settlement>, EngineError> {
    let people = &snapshot.people;
    if indicators.active.len() != people.len() || ranks.paid.len() != people.len() {
        return Err(EngineError::Mismatch("indicators and ranks are not of this snapshot".to_owned()));
    }
    let mut settlements = Vec::with_capacity(people.len());
    let currencies: Vec<Currency> =
        people.currency.values.iter().map(|code| code.parse().unwrap_or(snapshot.rates.base)).collect();
    let mut next = 0;
    for row in 0..people.len() {
        let id = crate::columns::position(row);
        let currency = currencies[people.currency.codes[row] as usize];
        let overflow =
            || EngineError::Overflow { person: people.ids.get(row).to_owned(), what: "the total".to_owned() };
        let (mut bonuses, mut total) = (Vec::<BonusAmount>::new(), Decimal::ZERO);
        while let Some(line) = payouts.lines.get(next).filter(|line| line.earner == id) {
            let (code, amount) = (payouts.code(line), line.amount());
            match bonuses.last_mut().filter(|last| last.bonus == code) {
                Some(last) => {
                    last.amount = last.amount.checked_add(amount).ok_or_else(overflow)?;
                    last.lines += 1;
                }
                None => bonuses.push(BonusAmount { bonus: code.to_owned(), amount, lines: 1 }),
            }
            total = total.checked_add(amount).ok_or_else(overflow)?;
            next += 1;
        }
        total.rescale(currency.minor_digits());
        settlements.push(Settlement {
            row: id,
            person: people.ids.get(row).to_owned(),
            active: indicators.active[row],
            earned_rank: plan.rank_code(ranks.earned[row]).to_owned(),
            paid_rank: plan.rank_code(ranks.paid[row]).to_owned(),
            honorific_rank: plan.rank_code(ranks.honorific[row]).to_owned(),
            currency,
            bonuses,
            total,
        });
    }
    Ok(settlements)
}

/// What somebody has to look at before bonuses are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable name: `total-mismatch`, `negative-total`, `person-total`, `change`, `payout-share`, `not-undone`.
    pub code: String,
    /// Whether the run must not go on (`true`) or somebody should look (`false`).
    pub blocks: bool,
    /// Id of the person it is about; empty if about everyone.
    pub person: String,
    /// What it is, for people.
    pub text: Text,
}

/// Checks totals, caps, negative totals and changes against the last cycle that nothing explains.
pub fn check_settlements(
    settlements: &[Settlement],
    payouts: &Payouts,
    snapshot: &Snapshot,
    plan: &Plan,
    last_cycle: Option<&[Settlement]>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_totals(settlements, payouts, &mut findings);
    check_share(settlements, snapshot, plan, &mut findings);
    for settlement in settlements {
        check_person(settlement, snapshot, plan, &mut findings);
    }
    if let Some(last) = last_cycle {
        check_changes(settlements, last, snapshot, plan, &mut findings);
    }
    for open in &payouts.not_undone {
        findings.push(Finding {
            code: "not-undone".to_owned(),
            blocks: false,
            person: String::new(),
            text: Text {
                es: format!("La devolución {} no se pudo deshacer: {}", open.order, open.reason),
                en: format!("Return {} could not be undone: {}", open.order, open.reason),
            },
        });
    }
    findings
}

fn check_totals(settlements: &[Settlement], payouts: &Payouts, findings: &mut Vec<Finding>) {
    for settlement in settlements {
        let lines: Decimal = payouts.of(settlement.row).iter().map(crate::PayoutLine::amount).sum();
        let bonuses: Decimal = settlement.bonuses.iter().map(|bonus| bonus.amount).sum();
        if lines != settlement.total || bonuses != settlement.total {
            findings.push(Finding {
                code: "total-mismatch".to_owned(),
                blocks: true,
                person: settlement.person.clone(),
                text: Text {
                    es: format!("El total {} no es la suma de las líneas {lines}", settlement.total),
                    en: format!("The total {} is not the sum of the lines {lines}", settlement.total),
                },
            });
        }
    }
}

/// A person's total in the base currency.
fn in_base(settlement: &Settlement, snapshot: &Snapshot) -> Decimal {
    let rate = snapshot.rates.rate(settlement.currency).filter(|rate| !rate.is_zero());
    rate.and_then(|rate| settlement.total.checked_div(rate)).unwrap_or_default()
}

fn check_share(settlements: &[Settlement], snapshot: &Snapshot, plan: &Plan, findings: &mut Vec<Finding>) {
    let Some(most) = plan.document().checks.payout_share else { return };
    let vc: i128 = snapshot.people.volumes.of(Volume::Vc).iter().map(|vc| i128::from(*vc)).sum();
    let value = Decimal::try_from_i128_with_scale(vc, AMOUNT_SCALE).unwrap_or_default();
    let value = value.checked_mul(plan.document().volumes.vc_value).unwrap_or_default();
    let paid: Decimal = settlements.iter().map(|settlement| in_base(settlement, snapshot)).sum();
    if value <= Decimal::ZERO || paid <= value * most {
        return;
    }
    let share = (paid / value * Decimal::ONE_HUNDRED).round_dp(2);
    findings.push(Finding {
        code: "payout-share".to_owned(),
        blocks: false,
        person: String::new(),
        text: Text {
            es: format!("Se paga el {share} % del volumen comisionable"),
            en: format!("{share}% of the commissionable volume is paid"),
        },
    });
}

fn check_person(settlement: &Settlement, snapshot: &Snapshot, plan: &Plan, findings: &mut Vec<Finding>) {
    if settlement.total < Decimal::ZERO {
        findings.push(Finding {
            code: "negative-total".to_owned(),
            blocks: false,
            person: settlement.person.clone(),
            text: Text {
                es: format!("El total es negativo: {} {}", settlement.total, settlement.currency),
                en: format!("The total is negative: {} {}", settlement.total, settlement.currency),
            },
        });
    }
    if plan.document().checks.person_total.is_some_and(|most| most < in_base(settlement, snapshot)) {
        findings.push(Finding {
            code: "person-total".to_owned(),
            blocks: false,
            person: settlement.person.clone(),
            text: Text {
                es: format!("El total es inusualmente alto: {} {}", settlement.total, settlement.currency),
                en: format!("The total is unusually high: {} {}", settlement.total, settlement.currency),
            },
        });
    }
}

fn check_changes(
    settlements: &[Settlement],
    last: &[Settlement],
    snapshot: &Snapshot,
    plan: &Plan,
    findings: &mut Vec<Finding>,
) {
    let checks = &plan.document().checks;
    let Some(share) = checks.change_share else { return };
    let floor = checks.change_floor.unwrap_or_default();
    let before: std::collections::BTreeMap<&str, &Settlement> =
        last.iter().map(|settlement| (settlement.person.as_str(), settlement)).collect();
    for settlement in settlements {
        let Some(old) = before.get(settlement.person.as_str()) else { continue };
        // A change of rank or activity explains a change of pay.
        if old.paid_rank != settlement.paid_rank || old.active != settlement.active {
            continue;
        }
        let (now, then) = (in_base(settlement, snapshot), in_base(old, snapshot));
        let change = (now - then).abs();
        if floor < change && then.abs().checked_mul(share).is_none_or(|most| most < change) {
            findings.push(Finding {
                code: "change".to_owned(),
                blocks: false,
                person: settlement.person.clone(),
                text: Text {
                    es: format!("El total pasó de {} a {} con el mismo rango", old.total, settlement.total),
                    en: format!(
                        "The total went from {} to {} with the same rank",
                        old.total, settlement.total
                    ),
                },
            });
        }
    }
}

/// The total of everyone by currency, sorted by currency.
pub fn totals_by_currency(settlements: &[Settlement]) -> std::collections::BTreeMap<Currency, Decimal> {
    let mut totals = std::collections::BTreeMap::new();
    for settlement in settlements {
        *totals.entry(settlement.currency).or_insert_with(|| from_minor(0, settlement.currency)) +=
            settlement.total;
    }
    totals
}
