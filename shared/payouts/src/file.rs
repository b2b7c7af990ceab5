//! The treasury file that goes out and the payment file that comes back. Pure.

use std::collections::BTreeMap;

use foundation::problem::{Kind, Problem};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::payable::{Payable, PayableId, PayableState};

/// Bytes a payment file has at most.
pub const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Mistakes that are listed at most.
pub const MISTAKES_MAX: usize = 1000;
/// The columns a payment file needs; `reference` may be missing.
const COLUMNS: [&str; 4] = ["payable", "currency", "amount", "status"];

/// Writes the treasury file: what is due, in the order it comes.
/// Columns: `payable,person,name,document,method,currency,amount`.
#[derive(Debug)]
pub struct TreasuryFile(csv::Writer<Vec<u8>>);

impl TreasuryFile {
    /// The file with its header.
    pub fn new() -> Result<Self, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["payable", "person", "name", "document", "method", "currency", "amount"])?;
        Ok(Self(writer))
    }

    /// Adds a line, if the payable is due.
    pub fn add(&mut self, payable: &Payable) -> Result<(), csv::Error> {
        if !payable.state.is_due() {
            return Ok(());
        }
        self.0.write_record([
            payable.id.to_string().as_str(),
            payable.id.person.as_str(),
            &plain_cell(&payable.name),
            &plain_cell(&payable.document),
            payable.method.name(),
            payable.amount.currency().code(),
            &payable.amount.amount().to_string(),
        ])
    }

    /// Its bytes.
    pub fn finish(self) -> Result<Vec<u8>, csv::Error> {
        self.0.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    }
}

/// The list of a file's mistakes: `line,detail`.
pub fn mistakes_csv(mistakes: &[Mistake]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["line", "detail"])?;
    for mistake in mistakes {
        writer.write_record([mistake.line.to_string(), plain_cell(&mistake.detail)])?;
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
    let headers = check_header(&mut reader)?;
    let mut lines = Vec::new();
    let mut mistakes = Vec::new();
    let mut seen = BTreeMap::new();
    for record in reader.records() {
        match read_line(record, &headers) {
            Err(mistake) => mistakes.push(mistake),
            Ok((line, payment)) => {
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

/// Without its columns every line of a file would be a mistake.
fn check_header(reader: &mut csv::Reader<&[u8]>) -> Result<csv::StringRecord, Mistakes> {
    let at_top = |detail: String| Mistakes(vec![Mistake { line: 1, detail }]);
    let headers = reader.headers().map_err(|error| at_top(error.to_string()))?.clone();
    let missing: Vec<_> =
        COLUMNS.into_iter().filter(|column| !headers.iter().any(|found| found == *column)).collect();
    if missing.is_empty() {
        return Ok(headers);
    }
    Err(at_top(format!("expected the columns {}; missing {}", COLUMNS.join(", "), missing.join(", "))))
}

fn read_line(
    record: csv::Result<csv::StringRecord>,
    headers: &csv::StringRecord,
) -> Result<(u64, PaymentLine), Mistake> {
    let line_of = |position: Option<&csv::Position>| position.map_or(0, csv::Position::line);
    let record =
        record.map_err(|error| Mistake { line: line_of(error.position()), detail: error.to_string() })?;
    let line = line_of(record.position());
    let row: Row =
        record.deserialize(Some(headers)).map_err(|error| Mistake { line, detail: error.to_string() })?;
    payment(row).map(|payment| (line, payment)).map_err(|detail| Mistake { line, detail })
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

/// Compares lines with what is owed.
pub fn check_payments(lines: &[(u64, PaymentLine)], owed: &BTreeMap<PayableId, Payable>) -> Vec<Mistake> {
    let mistake = |(line, payment): &(u64, PaymentLine)| {
        let detail = match owed.get(&payment.payable) {
            None => format!("there is no payable {}", payment.payable),
            Some(payable) if payment.amount != payable.amount.amount() => {
                format!("expected {}; found {}", payable.amount.amount(), payment.amount)
            }
            Some(payable) => match payable.state {
                PayableState::Pending | PayableState::Failed => return None,
                PayableState::Held => format!("{} is held", payment.payable),
                PayableState::Paid => format!("{} is paid already", payment.payable),
            },
        };
        Some(Mistake { line: *line, detail })
    };
    lines.iter().filter_map(mistake).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payable::tests::payable;

    const HEADER: &str = "payable,currency,amount,status,reference\n";

    fn lines(text: &str) -> Vec<u64> {
        let Mistakes(mistakes) = read_payments(text.as_bytes()).unwrap_err();
        mistakes.iter().map(|mistake| mistake.line).collect()
    }

    #[test]
    fn the_treasury_file_holds_what_is_due_and_no_formulas() {
        let mut file = TreasuryFile::new().unwrap();
        for (id, amount, state) in [
            ("r-1~P1~COP", "12.30", PayableState::Pending),
            ("r-1~P2~COP", "5.00", PayableState::Held),
            ("r-1~P3~COP", "7.00", PayableState::Failed),
        ] {
            file.add(&payable(id, amount, state)).unwrap();
        }
        assert_eq!(
            String::from_utf8(file.finish().unwrap()).unwrap(),
            "payable,person,name,document,method,currency,amount\n\
             r-1~P1~COP,P1,\"'=Ana, María\",CC 1,bank-transfer,COP,12.30\n\
             r-1~P3~COP,P3,\"'=Ana, María\",CC 1,bank-transfer,COP,7.00\n"
        );
    }

    #[test]
    fn every_unreadable_line_is_named() {
        let text = format!(
            "{HEADER}r-1~P1~COP,COP,12.30,paid,x\nr-1~P1~COP,COP,12.30,paid,x\nP2,COP,1,paid,\n\
             r-1~P3~COP,USD,1,paid,\nr-1~P4~COP,COP,1e,paid,\nr-1~P5~COP,COP,1,maybe,\n"
        );
        assert_eq!(lines(&text), [3, 4, 5, 6, 7]);
        let Mistakes(mistakes) = read_payments(text.as_bytes()).unwrap_err();
        assert!(mistakes[0].detail.contains("line 2"), "{mistakes:?}");
    }

    #[test]
    fn a_line_is_counted_where_it_stands_after_blank_lines_and_line_breaks_in_cells() {
        let text = format!("{HEADER}\nr-1~P1~COP,COP,12.30,paid,\"two\nlines\"\nr-1~P2~COP,COP,1,maybe,\n");
        assert_eq!(lines(&text), [5]);
    }

    #[test]
    fn a_file_without_its_columns_or_lines_has_one_mistake() {
        assert_eq!(lines("payable;currency;amount;status\nr-1~P1~COP;COP;1;paid\n"), [1]);
        assert_eq!(lines(""), [1]);
        assert_eq!(lines(HEADER), [0]);
    }

    #[test]
    fn what_spreadsheets_add_is_no_mistake() {
        let text = "\u{feff}payable,currency,amount,status,reference,comment\r\nr-1~P1~COP, COP ,12.3,paid,x,fine\r\n";
        let read = read_payments(text.as_bytes()).unwrap();
        assert_eq!(read[0].1.amount.to_string(), "12.3");
    }

    #[test]
    fn wrong_amounts_unknown_held_and_paid_payables_refuse_the_file() {
        let text = format!(
            "{HEADER}r~P1~COP,COP,12.31,paid,\nr~P2~COP,COP,1,paid,\nr~P3~COP,COP,5,paid,\n\
             r~P4~COP,COP,5,paid,\nr~P5~COP,COP,5,failed,closed\n"
        );
        let owed = [
            payable("r~P1~COP", "12.30", PayableState::Pending),
            payable("r~P3~COP", "5.00", PayableState::Held),
            payable("r~P4~COP", "5.00", PayableState::Paid),
            payable("r~P5~COP", "5.00", PayableState::Pending),
        ];
        let owed = owed.into_iter().map(|payable| (payable.id.clone(), payable)).collect();
        let mistakes = check_payments(&read_payments(text.as_bytes()).unwrap(), &owed);
        assert_eq!(mistakes.iter().map(|mistake| mistake.line).collect::<Vec<_>>(), [2, 3, 4, 5]);
    }

    #[test]
    fn the_list_of_mistakes_holds_no_formulas() {
        let list = mistakes_csv(&[Mistake { line: 2, detail: "=1+1".into() }]).unwrap();
        assert_eq!(String::from_utf8(list).unwrap(), "line,detail\n2,'=1+1\n");
    }
}
