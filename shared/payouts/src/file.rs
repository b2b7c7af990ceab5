//! The treasury file that goes out and the payment file that comes back. Pure.

use std::collections::{BTreeMap, BTreeSet};

use foundation::problem::{Kind, Problem};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::payable::{Payable, PayableId, PayableState};

/// Bytes a payment file has at most.
pub const FILE_BYTES_MAX: u64 = 100 * 1024 * 1024;
/// Mistakes that are listed at most.
const MISTAKES_MAX: usize = 1000;

/// The treasury file: what is due, in the order of the payables' ids.
/// Columns: `payable,person,name,document,method,currency,amount`.
pub fn treasury_csv(mut payables: Vec<Payable>) -> Result<Vec<u8>, csv::Error> {
    payables.retain(|payable| payable.state.is_due());
    payables.sort_by(|one, other| one.id.cmp(&other.id));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["payable", "person", "name", "document", "method", "currency", "amount"])?;
    for payable in &payables {
        writer.write_record([
            payable.id.to_string().as_str(),
            payable.id.person.as_str(),
            &plain_cell(&payable.name),
            &plain_cell(&payable.document),
            "bank-transfer",
            payable.amount.currency().code(),
            &payable.amount.amount().to_string(),
        ])?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// A spreadsheet takes a cell that starts with one of these for a formula.
fn plain_cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// One line of a payment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentLine {
    /// What was paid.
    pub payable: PayableId,
    /// How much.
    pub amount: Decimal,
    /// Whether the bank paid it, or refused.
    pub paid: bool,
    /// The bank's reference, or why it refused.
    pub note: String,
}

#[derive(Deserialize)]
struct Row {
    payable: String,
    currency: String,
    amount: String,
    status: String,
    #[serde(default)]
    reference: String,
}

/// A line that is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    /// Line of the file, the header being line 1. 0 for the file as a whole.
    pub line: u64,
    /// What was found and what was expected.
    pub detail: String,
}

/// Mistakes of a file. Nothing of such a file is applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payment file has {} mistake(s)", .0.len())]
pub struct Mistakes(pub Vec<Mistake>);

impl Problem for Mistakes {
    fn kind(&self) -> Kind {
        Kind::Rejected
    }
    fn code(&self) -> &'static str {
        "payment-file.refused"
    }
}

/// The lines of a payment file: `payable,currency,amount,status,reference`, `status` being `paid` or `failed`, with their line numbers.
/// Unreadable lines and payables that stand there twice are mistakes.
pub fn read_payments(bytes: &[u8]) -> Result<Vec<(u64, PaymentLine)>, Mistakes> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let mut lines = Vec::new();
    let mut mistakes = Vec::new();
    let mut seen = BTreeMap::new();
    for row in reader.deserialize::<Row>() {
        let read = row.map_err(|error| (error.position().map_or(0, csv::Position::line), error.to_string()));
        let line = u64::try_from(lines.len() + mistakes.len()).unwrap_or(u64::MAX).saturating_add(2);
        match read.and_then(|row| payment(row).map_err(|detail| (line, detail))) {
            Err((line, detail)) => mistakes.push(Mistake { line, detail }),
            Ok(payment) => {
                if let Some(first) = seen.insert(payment.payable.clone(), line) {
                    let detail = format!("{} stands in line {first} already", payment.payable);
                    mistakes.push(Mistake { line, detail });
                } else {
                    lines.push((line, payment));
                }
            }
        }
        if mistakes.len() >= MISTAKES_MAX {
            break;
        }
    }
    if lines.is_empty() && mistakes.is_empty() {
        mistakes.push(Mistake { line: 0, detail: "the file has no lines".to_owned() });
    }
    if mistakes.is_empty() { Ok(lines) } else { Err(Mistakes(mistakes)) }
}

fn payment(row: Row) -> Result<PaymentLine, String> {
    let payable: PayableId =
        row.payable.parse().map_err(|error: crate::payable::InvalidPayableId| error.to_string())?;
    let amount: Decimal = row
        .amount
        .parse()
        .map_err(|_| format!("expected an amount with a decimal point; found {:?}", row.amount))?;
    if row.currency != payable.currency.code() {
        return Err(format!(
            "expected the payable's currency {}; found {:?}",
            payable.currency, row.currency
        ));
    }
    let paid = match row.status.as_str() {
        "paid" => true,
        "failed" => false,
        other => return Err(format!("expected status paid or failed; found {other:?}")),
    };
    if row.reference.chars().count() > 200 {
        return Err("a reference has at most 200 characters".to_owned());
    }
    Ok(PaymentLine { payable, amount, paid, note: row.reference })
}

/// Compares the lines with what is owed. A line that was applied before by this same file is no mistake, so that a retry goes through.
pub fn check_payments(
    lines: &[(u64, PaymentLine)],
    owed: &BTreeMap<PayableId, Payable>,
    file: &str,
) -> Result<(), Mistakes> {
    let mut mistakes = Vec::new();
    for (line, payment) in lines {
        let detail = match owed.get(&payment.payable) {
            None => Some(format!("there is no payable {}", payment.payable)),
            Some(payable) if payment.amount != payable.amount.amount() => {
                Some(format!("expected {}; found {}", payable.amount.amount(), payment.amount))
            }
            Some(payable) => match payable.state {
                PayableState::Pending | PayableState::Failed => None,
                PayableState::Held => Some(format!("{} is held", payment.payable)),
                PayableState::Paid if paid_by(payable, file) => None,
                PayableState::Paid => Some(format!("{} is paid already", payment.payable)),
            },
        };
        mistakes.extend(detail.map(|detail| Mistake { line: *line, detail }));
    }
    mistakes.truncate(MISTAKES_MAX);
    if mistakes.is_empty() { Ok(()) } else { Err(Mistakes(mistakes)) }
}

fn paid_by(payable: &Payable, file: &str) -> bool {
    payable.note.as_deref().is_some_and(|note| note.starts_with(&paid_note(file, "")))
}

/// What a paid payable notes: the file, then the bank's reference.
pub fn paid_note(file: &str, reference: &str) -> String {
    format!("{file} {reference}")
}

/// The runs that a file pays.
pub fn runs_of(lines: &[(u64, PaymentLine)]) -> BTreeSet<foundation::id::RunId> {
    lines.iter().map(|(_, line)| line.payable.run.clone()).collect()
}

#[cfg(test)]
mod tests {
    use foundation::money::Money;
    use jiff::Timestamp;

    use super::*;
    use crate::payable::Method;

    fn payable(id: &str, amount: &str, state: PayableState) -> Payable {
        let id: PayableId = id.parse().unwrap();
        Payable {
            amount: Money::exactly(amount.parse().unwrap(), id.currency).unwrap(),
            id,
            cycle: "2026-10".parse().unwrap(),
            name: "=Ana, María".into(),
            document: "CC 1".into(),
            method: Method::BankTransfer,
            state,
            note: None,
            since: Timestamp::UNIX_EPOCH,
        }
    }

    fn owed(payables: Vec<Payable>) -> BTreeMap<PayableId, Payable> {
        payables.into_iter().map(|payable| (payable.id.clone(), payable)).collect()
    }

    #[test]
    fn the_treasury_file_holds_what_is_due_and_no_formulas() {
        let text = treasury_csv(vec![
            payable("r-1~P2~COP", "5.00", PayableState::Held),
            payable("r-1~P1~COP", "12.30", PayableState::Pending),
        ]);
        assert_eq!(
            String::from_utf8(text.unwrap()).unwrap(),
            "payable,person,name,document,method,currency,amount\nr-1~P1~COP,P1,\"'=Ana, María\",CC 1,bank-transfer,COP,12.30\n"
        );
    }

    #[test]
    fn every_unreadable_line_is_named() {
        let file = "payable,currency,amount,status,reference\n\
            r-1~P1~COP,COP,12.30,paid,x\nr-1~P1~COP,COP,12.30,paid,x\nP2,COP,1,paid,\nr-1~P3~COP,USD,1,paid,\nr-1~P4~COP,COP,1e,paid,\nr-1~P5~COP,COP,1,maybe,\n";
        let Mistakes(mistakes) = read_payments(file.as_bytes()).unwrap_err();
        assert_eq!(mistakes.iter().map(|mistake| mistake.line).collect::<Vec<_>>(), [3, 4, 5, 6, 7]);
        assert!(mistakes[0].detail.contains("line 2"), "{mistakes:?}");
    }

    #[test]
    fn wrong_amounts_unknown_held_and_paid_payables_refuse_the_file() {
        let lines = read_payments(
            b"payable,currency,amount,status,reference\nr~P1~COP,COP,12.31,paid,\nr~P2~COP,COP,1,paid,\nr~P3~COP,COP,5,paid,\nr~P4~COP,COP,5,paid,\n",
        )
        .unwrap();
        let owed = owed(vec![
            payable("r~P1~COP", "12.30", PayableState::Pending),
            payable("r~P3~COP", "5.00", PayableState::Held),
            payable("r~P4~COP", "5.00", PayableState::Paid),
        ]);
        let Mistakes(mistakes) = check_payments(&lines, &owed, "f1").unwrap_err();
        assert_eq!(mistakes.len(), 4, "{mistakes:?}");
    }

    #[test]
    fn a_file_that_was_half_applied_may_go_on() {
        let lines =
            read_payments(b"payable,currency,amount,status,reference\nr~P1~COP,COP,12.3,paid,ref\n").unwrap();
        let mut half = payable("r~P1~COP", "12.30", PayableState::Paid);
        half.note = Some(paid_note("f1", "ref"));
        assert!(check_payments(&lines, &owed(vec![half.clone()]), "f1").is_ok());
        assert!(check_payments(&lines, &owed(vec![half]), "f2").is_err());
    }
}
