//! Settlements: one per person, the sum of its lines; and what is checked before everyone sees theirs.

use foundation::{locale::Text, money::Currency};
use plan::{AMOUNT_SCALE, Plan};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    amount::from_minor, failure::EngineError, indicators::Indicators, payouts::Payouts, ranks::Ranks,
    snapshot::Snapshot,
};

/// What a person gets of one bonus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BonusAmount {
    /// Code of the bonus; empty for the plan's caps and its minimum payout.
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

/// The settlements of everyone as columns, in the order of the snapshot.
pub struct Settlements<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) plan: &'a Plan,
    pub(crate) active: &'a [bool],
    pub(crate) ranks: &'a Ranks,
    /// In the order of the run's bonuses.
    pub(crate) bonuses: Vec<BonusColumn>,
    /// Sums of all lines, in minor units of the person's currency.
    pub(crate) totals: Vec<i64>,
    /// Currencies in the order of the snapshot's dictionary.
    currencies: Vec<Currency>,
}

/// What a bonus pays each person.
pub(crate) struct BonusColumn {
    /// Code of the bonus; empty for the plan's caps and its minimum payout.
    pub(crate) code: String,
    /// Sums of lines, in minor units of the person's currency.
    pub(crate) amounts: Vec<i64>,
    /// How many lines.
    pub(crate) lines: Vec<i32>,
}

impl<'a> Settlements<'a> {
    /// Adds up the lines of a run.
    pub fn of(
        snapshot: &'a Snapshot,
        indicators: &'a Indicators,
        ranks: &'a Ranks,
        payouts: &Payouts,
        plan: &'a Plan,
    ) -> Result<Self, EngineError> {
        let people = &snapshot.people;
        let rows = people.len();
        if indicators.active.len() != rows || ranks.paid.len() != rows {
            return Err(EngineError::Mismatch("indicators and ranks are not of this snapshot".to_owned()));
        }
        let nothing = |bonus: &crate::PaidBonus| BonusColumn {
            code: bonus.code.clone(),
            amounts: vec![0; rows],
            lines: vec![0; rows],
        };
        let mut bonuses: Vec<BonusColumn> = payouts.bonuses.iter().map(nothing).collect();
        let mut totals = vec![0_i64; rows];
        for line in &payouts.lines {
            let row = line.earner as usize;
            let column = bonuses.get_mut(usize::from(line.bonus));
            let (Some(column), Some(total)) = (column, totals.get_mut(row)) else {
                return Err(EngineError::Mismatch("the payouts are not of this snapshot".to_owned()));
            };
            let sums = (column.amounts[row].checked_add(line.amount), total.checked_add(line.amount));
            let (Some(amount), Some(sum)) = sums else {
                let person = people.ids.get(row).to_owned();
                return Err(EngineError::Overflow { person, what: "the total".to_owned() });
            };
            (column.amounts[row], *total) = (amount, sum);
            column.lines[row] = column.lines[row].saturating_add(1);
        }
        let currency = |code: &std::sync::Arc<str>| code.parse().unwrap_or(snapshot.rates.base);
        let currencies = people.currency.values.iter().map(currency).collect();
        Ok(Self { snapshot, plan, active: &indicators.active, ranks, bonuses, totals, currencies })
    }

    fn currency(&self, row: usize) -> Currency {
        let code = self.snapshot.people.currency.codes[row] as usize;
        self.currencies.get(code).copied().unwrap_or(self.snapshot.rates.base)
    }

    /// Amounts in minor units with [`AMOUNT_SCALE`] decimals whatever the currency, so that one column holds all.
    pub(crate) fn with_amount_decimals(&self, amounts: &[i64]) -> Result<Vec<i64>, EngineError> {
        let powers: Vec<i64> =
            self.currencies.iter().map(|one| 10_i64.pow(AMOUNT_SCALE - one.minor_digits())).collect();
        let codes = &self.snapshot.people.currency.codes;
        let wide = |(row, (amount, code)): (usize, (&i64, &u32))| {
            amount.checked_mul(powers[*code as usize]).ok_or_else(|| EngineError::Overflow {
                person: self.snapshot.people.ids.get(row).to_owned(),
                what: "a total".to_owned(),
            })
        };
        amounts.iter().zip(codes).enumerate().map(wide).collect()
    }

    /// How many there are: one per person.
    pub fn len(&self) -> usize {
        self.totals.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.totals.is_empty()
    }

    /// How many people have a line.
    pub fn n_earners(&self) -> usize {
        (0..self.len()).filter(|row| self.bonuses.iter().any(|bonus| bonus.lines[*row] != 0)).count()
    }

    /// The settlement of one row.
    pub fn get(&self, row: usize) -> Settlement {
        let currency = self.currency(row);
        let of_bonus = |bonus: &BonusColumn| BonusAmount {
            bonus: bonus.code.clone(),
            amount: from_minor(bonus.amounts[row], currency),
            lines: u32::try_from(bonus.lines[row]).unwrap_or(0),
        };
        let rank = |ranks: &[u8]| self.plan.rank_code(ranks[row]).to_owned();
        Settlement {
            row: crate::columns::position(row),
            person: self.snapshot.people.ids.get(row).to_owned(),
            active: self.active[row],
            earned_rank: rank(&self.ranks.earned),
            paid_rank: rank(&self.ranks.paid),
            honorific_rank: rank(&self.ranks.honorific),
            currency,
            bonuses: self.bonuses.iter().filter(|bonus| bonus.lines[row] != 0).map(of_bonus).collect(),
            total: from_minor(self.totals[row], currency),
        }
    }
}

/// One settlement per person, in the order of the snapshot.
pub fn settle(
    snapshot: &Snapshot,
    indicators: &Indicators,
    ranks: &Ranks,
    payouts: &Payouts,
    plan: &Plan,
) -> Result<Vec<Settlement>, EngineError> {
    let settlements = Settlements::of(snapshot, indicators, ranks, payouts, plan)?;
    Ok((0..snapshot.people.len()).map(|row| settlements.get(row)).collect())
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
                es: format!("La devolución {} no se deshizo: {}", open.order, open.reason),
                en: format!("Return {} was not undone: {}", open.order, open.reason),
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
    snapshot.rates.in_base(settlement.total, settlement.currency)
}

fn check_share(settlements: &[Settlement], snapshot: &Snapshot, plan: &Plan, findings: &mut Vec<Finding>) {
    let Some(most) = plan.document().checks.payout_share else { return };
    let value = snapshot.value_of_volume(plan).unwrap_or_default();
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
