//! A company's names, and records and columns for them.

use std::{collections::BTreeMap, sync::Arc};

use jiff::civil::date;
use rules::{Column, Columns, Presence, Record, Scope, Slot, Type, Value};
use rust_decimal::Decimal;

/// Names as a rank's rule would see them.
pub(crate) struct Company;

pub(crate) const NAMES: [(&str, u32); 12] = [
    ("own_vq", 0),
    ("group_vc", 1),
    ("legs", 2),
    ("rank", 3),
    ("country", 4),
    ("joined_on", 5),
    ("active", 6),
    ("tags", 7),
    ("ratio", 8),
    ("goal", 9),
    ("returned", 10),
    ("person.zone", 11),
];

pub(crate) fn type_of(slot: u32) -> Type {
    match slot {
        4 | 11 => Type::Text,
        5 => Type::Date,
        6 => Type::Bool,
        7 => Type::list(Type::Text),
        _ => Type::Number,
    }
}

impl Scope for Company {
    fn name(&self, name: &str) -> Option<Slot> {
        let (_, slot) = NAMES.iter().find(|(known, _)| *known == name)?;
        let presence = match slot {
            9 => Presence::Optional,
            10 => Presence::OrNothing,
            _ => Presence::Always,
        };
        Some(Slot::new(*slot, type_of(*slot)).with_presence(presence))
    }

    fn call(&self, function: &str, arguments: &[Value]) -> Option<Result<Slot, String>> {
        match (function, arguments) {
            ("legs_with_rank", [Value::Text(rank)]) if ["silver", "gold"].contains(&&**rank) => {
                Some(Ok(Slot::new(20 + u32::from(&**rank == "gold"), Type::Number)))
            }
            ("legs_with_rank", _) => Some(Err("the code of a rank: silver, gold".to_owned())),
            ("level.volume", [Value::Number(level)]) => {
                Some(Ok(Slot::new(30 + u32::try_from(*level).unwrap_or(0), Type::Number)))
            }
            ("level.volume", _) => Some(Err("a level".to_owned())),
            _ => None,
        }
    }

    fn constant(&self, name: &str) -> Option<Value> {
        match name {
            "silver" => Some(Value::from(3)),
            "plan.threshold" => Some(Value::Number(Decimal::new(10_000, 2))),
            "cycle_end" => Some(Value::Date(date(2026, 2, 1))),
            _ => None,
        }
    }

    fn known_names(&self) -> Vec<String> {
        let names = NAMES.iter().map(|(name, _)| *name);
        names.chain(["silver", "plan.threshold", "cycle_end"]).map(str::to_owned).collect()
    }

    fn known_functions(&self) -> Vec<String> {
        vec!["legs_with_rank".to_owned(), "level.volume".to_owned()]
    }
}

/// One record: what is not set is 0, empty or missing.
#[derive(Default)]
pub(crate) struct Person(pub(crate) BTreeMap<u32, Value>);

impl Person {
    pub(crate) fn of(values: &[(&str, Value)]) -> Self {
        let slot = |name: &str| match name {
            "legs_with_rank('silver')" => 20,
            name => NAMES.iter().find(|(known, _)| *known == name).unwrap().1,
        };
        Self(values.iter().map(|(name, value)| (slot(name), value.clone())).collect())
    }
}

impl Record for Person {
    fn value(&self, slot: u32) -> Value {
        self.0.get(&slot).cloned().unwrap_or_else(|| type_of(slot).nothing())
    }

    fn is_missing(&self, slot: u32) -> bool {
        !self.0.contains_key(&slot)
    }
}

/// The same kind of people by column.
#[derive(Clone, Debug)]
pub(crate) struct People {
    pub(crate) own_vq: Vec<i64>,
    pub(crate) group_vc: Vec<i64>,
    pub(crate) legs: Vec<u32>,
    pub(crate) rank: Vec<u8>,
    pub(crate) country: Vec<u32>,
    pub(crate) joined_on: Vec<i32>,
    pub(crate) active: Vec<bool>,
    pub(crate) tags: Vec<u64>,
    pub(crate) ratio: Vec<Decimal>,
    pub(crate) goal: Vec<i64>,
    pub(crate) no_goal: Vec<bool>,
    pub(crate) countries: Vec<Arc<str>>,
    pub(crate) known_tags: Vec<Arc<str>>,
}

impl Columns for People {
    fn column(&self, slot: u32) -> Column<'_> {
        match slot {
            0 => Column::Fixed { values: &self.own_vq, scale: 2 },
            1 => Column::Fixed { values: &self.group_vc, scale: 4 },
            2 => Column::Count(&self.legs),
            3 => Column::Code(&self.rank),
            4 => Column::Text { codes: &self.country, dictionary: &self.countries },
            5 => Column::Date(&self.joined_on),
            6 => Column::Bool(&self.active),
            7 => Column::Set { bits: &self.tags, words_per_row: 1, dictionary: &self.known_tags },
            8 => Column::Exact(&self.ratio),
            9 => Column::Fixed { values: &self.goal, scale: 0 },
            10 => Column::Fixed { values: &self.group_vc, scale: 1 },
            11 => Column::Constant(Value::text("norte")),
            _ => Column::Constant(Value::from(2)),
        }
    }

    fn missing(&self, slot: u32) -> Option<&[bool]> {
        matches!(slot, 9 | 10).then_some(self.no_goal.as_slice())
    }
}

impl People {
    /// One of them as a record, made apart from the library's own way to read a row.
    pub(crate) fn person(&self, row: usize) -> Person {
        let number = |digits: i64, scale: u32| Value::Number(Decimal::new(digits, scale));
        let day = date(1970, 1, 1).checked_add(jiff::Span::new().days(self.joined_on[row])).unwrap();
        let tags = self.known_tags.iter().enumerate();
        let tags = tags.filter(|(bit, _)| self.tags[row] >> bit & 1 == 1).map(|(_, tag)| Value::text(tag));
        let mut values = BTreeMap::from([
            (0, number(self.own_vq[row], 2)),
            (1, number(self.group_vc[row], 4)),
            (2, Value::from(i64::from(self.legs[row]))),
            (3, Value::from(i64::from(self.rank[row]))),
            (4, Value::text(&self.countries[usize::try_from(self.country[row]).unwrap()])),
            (5, Value::Date(day)),
            (6, Value::Bool(self.active[row])),
            (7, Value::list(tags.collect())),
            (8, Value::Number(self.ratio[row])),
            (9, number(self.goal[row], 0)),
            (10, number(self.group_vc[row], 1)),
            (11, Value::text("norte")),
            (20, Value::from(2)),
            (21, Value::from(2)),
            (31, Value::from(2)),
        ]);
        if self.no_goal[row] {
            values.remove(&9);
            values.remove(&10);
        }
        Person(values)
    }

    pub(crate) fn len(&self) -> usize {
        self.own_vq.len()
    }
}
