//! Where in the files a mistake stands that is known by a person, an order or a JSON pointer.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Branch, EngineError, OrderFact, PersonFact, UnknownRank, Violation, record_lines};

/// Which file, and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A person, by position in the facts, and the column.
    Person(usize, &'static str),
    /// An order, by position in the facts, and the column.
    Order(usize, &'static str),
    /// The people as a whole.
    People,
}

/// Lines of the records of a CSV file, or row numbers of a Parquet file; both from 1.
#[derive(Clone, Debug, Default)]
pub struct RecordLines(Vec<u64>);

impl RecordLines {
    /// The lines of a file that was read without mistakes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(record_lines(bytes))
    }

    /// The line of a record by its position from 0.
    pub fn line(&self, record: usize) -> u64 {
        self.0.get(record).copied().unwrap_or(record as u64 + 1)
    }
}

/// Where the mistakes stand that keep facts from being computed, each with a sentence. Empty for an error that is not the
/// facts'.
pub fn in_facts(error: &EngineError, people: &[PersonFact], orders: &[OrderFact]) -> Vec<(Place, String)> {
    let person = |id: &str| people.iter().position(|person| person.id.as_str() == id);
    let order = |id: &str| orders.iter().position(|order| order.id.as_str() == id);
    let at_person = |id: &str, column| person(id).map_or(Place::People, |at| Place::Person(at, column));
    let at_order = |id: &str, column| order(id).map_or(Place::People, |at| Place::Order(at, column));
    let text = error.to_string();
    match error {
        EngineError::Network(violations) => violations
            .iter()
            .filter(|violation| !in_placement(violation).is_some_and(|same| violations.contains(&same)))
            .map(|violation| (violated(violation, people, orders), violation.to_string()))
            .collect(),
        EngineError::UnknownRanks(unknown) => {
            // There may be many: everybody is looked for at once.
            let wanted: BTreeSet<&str> = unknown.iter().map(|one| one.person.as_str()).collect();
            let mut at = BTreeMap::new();
            for (place, person) in people.iter().enumerate() {
                if wanted.contains(person.id.as_str()) {
                    at.entry(person.id.as_str()).or_insert(place);
                }
            }
            let place = |one: &UnknownRank| {
                at.get(one.person.as_str()).map_or(Place::People, |at| Place::Person(*at, one.column))
            };
            unknown.iter().map(|one| (place(one), one.to_string())).collect()
        }
        EngineError::TooLarge { order, column, .. } => vec![(at_order(order, column), text)],
        EngineError::NoRate { of, .. } => vec![(
            match of.split_once(' ') {
                Some(("order", id)) => at_order(id, "currency"),
                Some((_, id)) => at_person(id, "currency"),
                None => Place::People,
            },
            text,
        )],
        EngineError::TooFine { what, of, .. } => vec![(at_order(of, what), text)],
        EngineError::Overflow { person, .. } | EngineError::Rule { person, .. } => {
            vec![(at_person(person, "id"), text)]
        }
        _ => Vec::new(),
    }
}

/// A violation of the enrolment tree as one of the placement tree: who has no sponsor has both.
fn in_placement(violation: &Violation) -> Option<Violation> {
    let mut same = violation.clone();
    match &mut same {
        Violation::NoRoot { tree }
        | Violation::SecondRoot { tree, .. }
        | Violation::UnknownParent { tree, .. }
        | Violation::Circle { tree, .. }
        | Violation::Orphan { tree, .. }
            if *tree == Branch::Enrolment =>
        {
            *tree = Branch::Placement;
        }
        _ => return None,
    }
    Some(same)
}

fn violated(violation: &Violation, people: &[PersonFact], orders: &[OrderFact]) -> Place {
    let last_person = |id: &str, column| {
        let found = people.iter().rposition(|person| person.id.as_str() == id);
        found.map_or(Place::People, |at| Place::Person(at, column))
    };
    let last_order = |id: &str, column| {
        let found = orders.iter().rposition(|order| order.id.as_str() == id);
        found.map_or(Place::People, |at| Place::Order(at, column))
    };
    let upper = |tree: &Branch, person: &str| {
        let has_sponsor = people.iter().any(|one| one.id.as_str() == person && one.sponsor.is_some());
        if *tree == Branch::Enrolment && has_sponsor { "sponsor" } else { "parent" }
    };
    match violation {
        Violation::Empty | Violation::NoRoot { .. } => Place::People,
        Violation::DuplicatePerson { person } => last_person(person, "id"),
        Violation::UnknownParent { tree, person, parent } => {
            let names = |one: &PersonFact| {
                [&one.parent, &one.sponsor].into_iter().flatten().any(|id| id.as_str() == parent)
            };
            let found = people.iter().position(|one| one.id.as_str() == person && names(one));
            found.map_or(Place::People, |at| Place::Person(at, upper(tree, person)))
        }
        Violation::SecondRoot { tree, person } | Violation::Orphan { tree, person } => {
            last_person(person, upper(tree, person))
        }
        Violation::Circle { tree, people } => {
            people.first().map_or(Place::People, |first| last_person(first, upper(tree, first)))
        }
        Violation::DuplicateOrder { order } => last_order(order, "id"),
        Violation::UnknownBuyer { order, person } => {
            let of = |one: &OrderFact| one.id.as_str() == order && one.person.as_str() == person;
            orders.iter().position(of).map_or(Place::People, |at| Place::Order(at, "person"))
        }
        Violation::OutsideCycle { order } => last_order(order, "paid_at"),
        Violation::ReversingSale { order } => last_order(order, "reverses"),
    }
}

/// Line and column, from 1, of what a JSON pointer names in `json`; inside a text, of the character at `inside` (line and column
/// of the text, from 1). The nearest part above it that is there.
pub fn in_plan(json: &str, pointer: &str, inside: Option<(u32, u32)>) -> (u32, u32) {
    let mut scan = Scan { bytes: json.as_bytes(), at: 0 };
    scan.space();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let before = scan.at;
        if scan.enter(&step).is_none() {
            scan.at = before;
            break;
        }
    }
    if let Some((line, column)) = inside
        && scan.bytes.get(scan.at) == Some(&b'"')
    {
        scan.step_inside(line, column);
    }
    let before = json.get(..scan.at).unwrap_or(json);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before[start..].chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// A place in a JSON text.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        self.space();
        (self.peek()? == byte).then(|| self.at += 1)?;
        self.space();
        Some(())
    }

    /// Past a text, which is returned as it is read.
    fn text(&mut self) -> Option<String> {
        let start = self.at;
        self.at += 1;
        while self.peek()? != b'"' {
            self.at += if self.peek()? == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        serde_json::from_slice(&self.bytes[start..self.at]).ok()
    }

    /// Past a value.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.text()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' => self.at += 1,
                _ => {
                    while self.peek().is_some_and(|byte| {
                        !matches!(byte, b',' | b'}' | b']') && !byte.is_ascii_whitespace()
                    }) {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 {
                return Some(());
            }
            self.space();
        }
    }

    /// To the value of a member or an item.
    fn enter(&mut self, step: &str) -> Option<()> {
        match self.peek()? {
            b'{' => {
                self.eat(b'{')?;
                loop {
                    let name = (self.peek()? == b'"').then(|| self.text())??;
                    self.eat(b':')?;
                    if name == step {
                        return Some(());
                    }
                    self.value()?;
                    self.eat(b',')?;
                }
            }
            b'[' => {
                self.eat(b'[')?;
                for _ in 0..step.parse::<usize>().ok()? {
                    self.value()?;
                    self.eat(b',')?;
                }
                (self.peek()? != b']').then_some(())
            }
            _ => None,
        }
    }

    /// From the quote that begins a text to a character of it.
    fn step_inside(&mut self, line: u32, column: u32) {
        let (mut now_line, mut now_column) = (1, 1);
        self.at += 1;
        while (now_line, now_column) < (line, column) && self.peek().is_some_and(|byte| byte != b'"') {
            let newline = self.peek() == Some(b'\\') && self.bytes.get(self.at + 1) == Some(&b'n');
            self.at += match self.peek() {
                Some(b'\\') if self.bytes.get(self.at + 1) == Some(&b'u') => 6,
                Some(b'\\') => 2,
                _ => 1,
            };
            while self.peek().is_some_and(|byte| byte & 0xC0 == 0x80) {
                self.at += 1;
            }
            if newline {
                (now_line, now_column) = (now_line + 1, 1);
            } else {
                now_column += 1;
            }
        }
        self.at = self.at.min(self.bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str =
        "{\n  \"a\": [1, {\"b\": \"x\", \"rule\": \"own >= 1\\n && é == 2\"}],\n  \"c/d\": true\n}";

    #[test]
    fn a_pointer_has_a_line_and_a_column() {
        let cases = [
            ("", None, (1, 1)),
            ("/a", None, (2, 8)),
            ("/a/0", None, (2, 9)),
            ("/a/1/b", None, (2, 18)),
            ("/a/1/rule", None, (2, 31)),
            ("/a/1/rule", Some((1, 1)), (2, 32)),
            ("/a/1/rule", Some((1, 5)), (2, 36)),
            ("/a/1/rule", Some((2, 6)), (2, 47)),
            ("/c~1d", None, (3, 10)),
            ("/a/1/missing", None, (2, 12)),
            ("/a/9", None, (2, 8)),
            ("/nothing/here", None, (1, 1)),
        ];
        for (pointer, inside, expected) in cases {
            assert_eq!(in_plan(PLAN, pointer, inside), expected, "{pointer} {inside:?}");
        }
    }

    #[test]
    fn broken_json_has_places_too() {
        for end in 0..PLAN.len() {
            let Some(part) = PLAN.get(..end) else { continue };
            in_plan(part, "/a/1/rule", Some((2, 6)));
            in_plan(part, "/c~1d", None);
        }
    }

    #[test]
    fn records_that_span_lines_are_found() {
        let lines = RecordLines::of(b"id,tags\na,\"x\ny\"\nb,\n\nc,\n");
        assert_eq!([lines.line(0), lines.line(1), lines.line(2)], [2, 4, 6]);
    }
}
