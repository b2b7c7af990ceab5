//! A bulk load of people: its record, and the order in which the lines of its file can be written.

use std::collections::{HashMap, VecDeque};

use csv::{ByteRecord, ReaderBuilder};
use foundation::id::{LoadId, PersonId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    field::Field,
    placing::Defaults,
    registration::{Entry, Registration},
};

/// A file may have so many bytes.
pub const FILE_BYTES_MAX: u64 = 200 * 1024 * 1024;
/// A file may have so many lines below its header.
pub const LINES_MAX: usize = 1_000_000;
/// Lines that are written between two looks at the clock.
const CHUNK_LINES: usize = 500;
/// Columns without which no line can be a person.
const REQUIRED: &[Field] = &[
    Field::Id,
    Field::Kind,
    Field::Country,
    Field::Name,
    Field::DocumentType,
    Field::DocumentNumber,
    Field::Email,
];

/// Where a load stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoadState {
    /// Its file may be uploaded.
    Awaiting,
    /// It was started and waits for its turn.
    Queued,
    /// Its lines are being written.
    Loading,
    /// All lines were written or refused.
    Done,
    /// Its file could not be read; nothing was written.
    Failed,
}

/// A bulk load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Its id.
    pub id: LoadId,
    /// Where it stands.
    pub state: LoadState,
    /// Whether each new person is told of (and welcomed).
    pub announce: bool,
    /// What lines do not say.
    pub defaults: Defaults,
    /// The token's subject who asked for it.
    pub by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its last line was done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finished_at: Option<Timestamp>,
    /// Lines in its file; 0 until the file was read.
    pub lines: u64,
    /// Parts the file was cut into.
    pub chunks: u32,
    /// The part that comes next.
    pub next_chunk: u32,
    /// People who are new by this load.
    pub loaded: u64,
    /// People who were there with the same content.
    pub already: u64,
    /// Lines that were refused.
    pub refused: u64,
    /// Why the file could not be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<String>,
}

/// Why a whole file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The header cannot be read.
    #[error("the header is not a line of CSV in UTF-8")]
    Header,
    /// Columns nobody knows, or that come twice.
    #[error("unknown or repeated columns: {}", .0.join(", "))]
    Columns(Vec<String>),
    /// Columns without which no line can be a person.
    #[error("missing columns: {}", .0.join(", "))]
    Missing(Vec<String>),
    /// Too many lines.
    #[error("a file has at most {LINES_MAX} lines")]
    TooManyLines,
    /// Too many bytes.
    #[error("a file has at most {FILE_BYTES_MAX} bytes; found {0}")]
    TooLarge(u64),
    /// Nothing was uploaded.
    #[error("no file was uploaded")]
    Absent,
}

/// A line that was not written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Its number in the file; the header is line 1.
    pub line: u64,
    /// The id it gives, as far as it gives one.
    pub id: String,
    /// A stable name of the reason.
    pub code: String,
    /// The reason.
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(line: u64, id: &str, code: &str, reason: impl Into<String>) -> Self {
        // Ids of refused lines may be anything; the result file repeats only so much of them.
        Self { line, id: id.chars().take(64).collect(), code: code.to_owned(), reason: reason.into() }
    }
}

/// A line that can be written once those before it are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Its number in the file.
    pub line: u64,
    /// The person.
    pub id: PersonId,
    /// What it says.
    pub registration: Registration,
}

/// A file, read once: its sound lines in an order in which parents and sponsors come first, and its other lines with the reason.
pub struct FilePlan<'a> {
    bytes: &'a [u8],
    columns: Vec<Field>,
    rows: Vec<Row>,
    order: Vec<usize>,
    /// Lines that are refused whatever the table holds, by line.
    pub refusals: Vec<Refusal>,
}

/// A line of the file: where it stands and whom it names.
struct Row {
    line: u64,
    first: usize,
    end: usize,
    id: Option<PersonId>,
    above: Vec<PersonId>,
    refusal: Option<Refusal>,
}

impl<'a> FilePlan<'a> {
    /// Reads the file.
    ///
    /// # Errors
    /// Only what is wrong with the file as a whole; a wrong line is a [`Refusal`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, FileError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = ReaderBuilder::new().has_headers(true).flexible(true).from_reader(bytes);
        let columns = columns(reader.byte_headers().map_err(|_| FileError::Header)?)?;
        let mut rows = Vec::new();
        let mut record = ByteRecord::new();
        let mut seen = Seen::default();
        let mut lines = LineCount { bytes, at: 0, line: 1 };
        loop {
            let first = offset(&reader);
            let is_record = reader.read_byte_record(&mut record).map_err(|_| FileError::Header)?;
            if !is_record {
                break;
            }
            if rows.len() == LINES_MAX {
                return Err(FileError::TooManyLines);
            }
            let mut row = row(&columns, &record, lines.of_record_at(first));
            (row.first, row.end) = (first, offset(&reader));
            seen.refuse_repeated(&mut row);
            seen.note(&row, rows.len());
            rows.push(row.row);
        }
        let order = order(&mut rows, &seen.ids);
        let mut refusals: Vec<Refusal> = rows.iter_mut().filter_map(|row| row.refusal.take()).collect();
        refusals.sort_by_key(|refusal| refusal.line);
        Ok(Self { bytes, columns, rows, order, refusals })
    }

    /// Lines below the header.
    pub fn lines(&self) -> usize {
        self.rows.len()
    }

    /// Parts that the sound lines are cut into; at least one, so that every load ends the same way.
    pub fn chunks(&self) -> usize {
        self.order.len().div_ceil(CHUNK_LINES).max(1)
    }

    /// The lines of one part, in their order.
    pub fn chunk(&self, number: usize) -> Vec<Planned> {
        let chunk = self.order.chunks(CHUNK_LINES).nth(number).unwrap_or_default();
        chunk.iter().filter_map(|row| self.planned(&self.rows[*row])).collect()
    }

    /// Reads a line again: a million lines are kept as their places, not as a million people.
    fn planned(&self, row: &Row) -> Option<Planned> {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(&self.bytes[row.first..row.end]);
        let mut record = ByteRecord::new();
        reader.read_byte_record(&mut record).ok()?;
        let registration = Registration::check(&entry(&self.columns, &record).ok()?).ok()?;
        Some(Planned { line: row.line, id: registration.id.clone()?, registration })
    }
}

/// Counts lines. The reader's own count lags behind where lines end in two bytes or are empty.
struct LineCount<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl LineCount<'_> {
    /// The line of the record at or after `offset`, which never goes back.
    fn of_record_at(&mut self, offset: usize) -> u64 {
        while let Some(byte) = self.bytes.get(self.at) {
            if offset <= self.at && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            self.line += u64::from(*byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

fn offset(reader: &csv::Reader<&[u8]>) -> usize {
    usize::try_from(reader.position().byte()).unwrap_or(usize::MAX)
}

fn columns(header: &ByteRecord) -> Result<Vec<Field>, FileError> {
    let mut columns = Vec::with_capacity(header.len());
    let mut strange = Vec::new();
    for name in header {
        let name = std::str::from_utf8(name).map_err(|_| FileError::Header)?.trim();
        let known = Field::ALL.iter().copied().find(|field| field.column() == name && *field != Field::Slug);
        match known {
            Some(field) if !columns.contains(&field) => columns.push(field),
            _ => strange.push(name.chars().take(64).collect()),
        }
    }
    let missing: Vec<String> = REQUIRED
        .iter()
        .filter(|field| !columns.contains(field))
        .map(|field| field.column().to_owned())
        .collect();
    match (strange.is_empty(), missing.is_empty()) {
        (true, true) => Ok(columns),
        (false, _) => Err(FileError::Columns(strange)),
        (true, false) => Err(FileError::Missing(missing)),
    }
}

fn entry(columns: &[Field], record: &ByteRecord) -> Result<Entry, String> {
    if record.len() != columns.len() {
        return Err(format!("expected {} fields; found {}", columns.len(), record.len()));
    }
    let texts = record.iter().map(std::str::from_utf8).collect::<Result<Vec<_>, _>>();
    let texts = texts.map_err(|_| "expected UTF-8".to_owned())?;
    Ok(Entry::of(columns.iter().copied().zip(texts)))
}

/// A row with what no two rows may share.
struct ReadRow {
    row: Row,
    shared: Vec<(Field, String)>,
}

impl std::ops::Deref for ReadRow {
    type Target = Row;
    fn deref(&self) -> &Row {
        &self.row
    }
}

impl std::ops::DerefMut for ReadRow {
    fn deref_mut(&mut self) -> &mut Row {
        &mut self.row
    }
}

fn row(columns: &[Field], record: &ByteRecord, line: u64) -> ReadRow {
    let given = columns.iter().position(|field| *field == Field::Id).and_then(|at| record.get(at));
    let given = given.map(|id| String::from_utf8_lossy(id).trim().to_owned()).unwrap_or_default();
    let mut row = Row { line, first: 0, end: 0, id: None, above: Vec::new(), refusal: None };
    let checked = entry(columns, record).map_err(|reason| ("request.malformed", reason)).and_then(|entry| {
        Registration::check(&entry).map_err(|wrong| {
            let reasons = wrong.iter().map(|(field, wrong)| format!("{}: {wrong}", field.column()));
            ("request.malformed", reasons.collect::<Vec<_>>().join("; "))
        })
    });
    let shared = match checked {
        Ok(registration) if registration.id.is_some() => {
            row.id.clone_from(&registration.id);
            row.above =
                [&registration.parent, &registration.sponsor].into_iter().flatten().cloned().collect();
            row.above.dedup();
            let document = &registration.document;
            let document = format!("{} {} {}", registration.country.code(), document.r#type, document.number);
            vec![(Field::DocumentNumber, document), (Field::Email, registration.email)]
        }
        Ok(_) => {
            row.refusal = Some(Refusal::new(line, "", "request.malformed", "id: is required"));
            Vec::new()
        }
        Err((code, reason)) => {
            // Those below it are told that it was refused, as far as it says who it is.
            row.id = given.parse().ok();
            row.refusal = Some(Refusal::new(line, &given, code, reason));
            Vec::new()
        }
    };
    ReadRow { row, shared }
}

/// What the rows so far hold: ids by row, and documents and addresses by line.
#[derive(Default)]
struct Seen {
    ids: HashMap<PersonId, usize>,
    lines: HashMap<PersonId, u64>,
    shared: HashMap<(Field, String), u64>,
}

impl Seen {
    fn refuse_repeated(&self, row: &mut ReadRow) {
        if row.refusal.is_some() {
            return;
        }
        let Some(id) = row.id.clone() else { return };
        let repeated = if let Some(line) = self.lines.get(&id) {
            Some((Field::Id, *line))
        } else {
            row.shared.iter().find_map(|held| self.shared.get(held).map(|line| (held.0, *line)))
        };
        if let Some((field, line)) = repeated {
            let reason = format!("{}: the same as in line {line}", field.column());
            row.refusal = Some(Refusal::new(row.line, id.as_str(), "network.repeated-line", reason));
            if field == Field::Id {
                // Those below it belong to the first line of that id.
                row.id = None;
            }
        }
    }

    fn note(&mut self, row: &ReadRow, number: usize) {
        let Some(id) = &row.id else { return };
        // A sound line takes the place of a refused one with its id.
        self.ids.entry(id.clone()).or_insert(number);
        self.lines.entry(id.clone()).or_insert(row.line);
        if row.refusal.is_none() {
            self.shared.extend(row.shared.iter().map(|held| (held.clone(), row.line)));
        }
    }
}

/// The rows in an order in which those they name come first. Rows under a refused row, and rows of a circle, are refused.
fn order(rows: &mut [Row], ids: &HashMap<PersonId, usize>) -> Vec<usize> {
    let mut below: Vec<Vec<u32>> = vec![Vec::new(); rows.len()];
    let mut waits: Vec<usize> = vec![0; rows.len()];
    for (number, row) in rows.iter().enumerate() {
        for above in row.above.iter().filter_map(|id| ids.get(id)) {
            below[*above].push(u32::try_from(number).unwrap_or(u32::MAX));
            waits[number] += 1;
        }
    }
    let mut ready: VecDeque<usize> = (0..rows.len()).filter(|row| waits[*row] == 0).collect();
    let mut order = Vec::with_capacity(rows.len());
    let mut done = vec![false; rows.len()];
    while let Some(number) = ready.pop_front() {
        done[number] = true;
        if rows[number].refusal.is_none() {
            order.push(number);
        }
        let refused = rows[number].refusal.as_ref().map(|refusal| refusal.line);
        for next in
            std::mem::take(&mut below[number]).into_iter().filter_map(|next| usize::try_from(next).ok())
        {
            if let (Some(line), None) = (refused, &rows[next].refusal) {
                let reason = format!("stands below line {line}, which was refused");
                rows[next].refusal = Some(refusal_of(&rows[next], "network.above-refused", reason));
            }
            waits[next] -= 1;
            if waits[next] == 0 {
                ready.push_back(next);
            }
        }
    }
    for number in (0..rows.len()).filter(|row| !done[*row]) {
        let row = &rows[number];
        let above = row.above.iter().find(|id| ids.get(*id).is_some_and(|above| !done[*above]));
        let above = above.map_or("", PersonId::as_str);
        let reason = format!("is in, or below, a circle of parents and sponsors that leads through {above}");
        if row.refusal.is_none() {
            rows[number].refusal = Some(refusal_of(row, "network.circular", reason));
        }
    }
    order
}

fn refusal_of(row: &Row, code: &str, reason: String) -> Refusal {
    Refusal::new(row.line, row.id.as_ref().map_or("", PersonId::as_str), code, reason)
}

/// The lines that were refused, as the file the caller fetches.
pub(crate) fn result_file(refusals: &[Refusal]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(["line", "id", "code", "reason"]);
    for refusal in refusals {
        let line = refusal.line.to_string();
        let _ = writer.write_record([&line, &cell(&refusal.id), &refusal.code, &cell(&refusal.reason)]);
    }
    writer.into_inner().unwrap_or_default()
}

/// A spreadsheet takes a text that starts like this for a formula.
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "email,id,kind,parent,sponsor,country,name,document_type,document\n";

    fn line(id: &str, parent: &str) -> String {
        format!("{id}@x.co,{id},consultant,{parent},,CO,Name of {id},CC,1000{id}\n")
    }

    fn ids(plan: &FilePlan<'_>) -> Vec<String> {
        (0..plan.chunks()).flat_map(|chunk| plan.chunk(chunk)).map(|planned| planned.id.to_string()).collect()
    }

    fn codes<'p>(plan: &'p FilePlan<'_>) -> Vec<(u64, &'p str)> {
        plan.refusals.iter().map(|refusal| (refusal.line, refusal.code.as_str())).collect()
    }

    #[test]
    fn parents_come_first_whatever_the_order_of_the_lines() {
        let file =
            format!("{HEADER}{}{}{}{}", line("D", "C"), line("C", "A"), line("X", "OUTSIDE"), line("A", ""));
        let plan = FilePlan::read(file.as_bytes()).unwrap();
        assert_eq!(ids(&plan), ["X", "A", "C", "D"]);
        assert!(plan.refusals.is_empty());
    }

    #[test]
    fn each_wrong_line_is_named_and_takes_those_below_it_along() {
        let file = format!(
            "{HEADER}{}{}{}{}{}{}{}bad,E,boss,A,,CO,Eva,CC,77777\n{}short,line\n",
            line("A", ""),
            line("B", "C"),
            line("C", "B"),
            line("D", "C"),
            line("A", ""),
            line("F", "A").replace("F@x.co", "a@x.co"),
            line("G", "A"),
            line("H", "E"),
        );
        let plan = FilePlan::read(file.as_bytes()).unwrap();
        assert_eq!(ids(&plan), ["A", "G"]);
        let expected = [
            (3, "network.circular"),
            (4, "network.circular"),
            (5, "network.circular"),
            (6, "network.repeated-line"),
            (7, "network.repeated-line"),
            (9, "request.malformed"),
            (10, "network.above-refused"),
            (11, "request.malformed"),
        ];
        assert_eq!(codes(&plan), expected);
        let malformed = &plan.refusals[5].reason;
        assert!(malformed.contains("kind: expected") && malformed.contains("email: expected"), "{malformed}");
    }

    #[test]
    fn a_file_without_its_columns_is_refused_as_a_whole() {
        let cases = [
            ("", FileError::Missing(REQUIRED.iter().map(|field| field.column().to_owned()).collect())),
            (
                "id,name\n",
                FileError::Missing(
                    ["kind", "country", "document_type", "document", "email"].map(str::to_owned).to_vec(),
                ),
            ),
            ("id,id,colour\n", FileError::Columns(vec!["id".into(), "colour".into()])),
        ];
        for (text, expected) in cases {
            assert_eq!(FilePlan::read(text.as_bytes()).err(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn quotes_line_ends_and_a_byte_order_mark_are_read() {
        let file = format!(
            "\u{feff}{HEADER}a@x.co,A,consultant,,,CO,\"Ruiz, Ana\",CC,12345\r\n\n{}",
            line("B", "A")
        );
        let plan = FilePlan::read(file.as_bytes()).unwrap();
        let chunk = plan.chunk(0);
        assert_eq!(chunk[0].registration.name, "Ruiz, Ana");
        assert_eq!(chunk.iter().map(|planned| planned.line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn no_cell_of_the_result_is_a_formula() {
        let refusal = Refusal::new(2, "=1+1", "request.malformed", "@x");
        let text = String::from_utf8(result_file(&[refusal])).unwrap();
        assert_eq!(text, "line,id,code,reason\n2,'=1+1,request.malformed,'@x\n");
    }

    proptest::proptest! {
        #[test]
        fn every_line_is_either_ordered_after_its_parent_or_refused(parents in proptest::collection::vec(0_usize..40, 1..40)) {
            let mut file = HEADER.to_owned();
            for (number, parent) in parents.iter().enumerate() {
                file += &line(&format!("P{number}"), &format!("P{parent}"));
            }
            let plan = FilePlan::read(file.as_bytes()).unwrap();
            let ordered = ids(&plan);
            proptest::prop_assert_eq!(ordered.len() + plan.refusals.len(), parents.len());
            for (position, id) in ordered.iter().enumerate() {
                let number: usize = id[1..].parse().unwrap();
                let parent = parents[number];
                let before = ordered[..position].contains(&format!("P{parent}"));
                proptest::prop_assert!(before || parent >= parents.len(), "{} before its parent", id);
            }
        }
    }
}
