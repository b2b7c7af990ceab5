//! What a rule may speak of, and where its values come from.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::value::{Type, Value};

/// Whether a slot's value can be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// There always is a value.
    #[default]
    Always,
    /// Where it is missing it reads as 0, an empty text, false; `has(name)` tells the difference.
    OrNothing,
    /// It may be missing and has no stated default: a rule has to ask `has(name)` first or say `default(name, value)`.
    Optional,
}

/// A place values are read from: a column of a snapshot, a field of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Number of the slot, chosen by the scope; the same place has the same number.
    pub index: u32,
    /// Type of its values.
    pub ty: Type,
    /// Whether a value can be missing.
    pub presence: Presence,
}

impl Slot {
    /// A slot that always has a value.
    pub fn new(index: u32, ty: Type) -> Self {
        Self { index, ty, presence: Presence::Always }
    }

    /// The same slot with another presence.
    #[must_use]
    pub fn with_presence(self, presence: Presence) -> Self {
        Self { presence, ..self }
    }
}

/// The names and functions a rule may use in one place (a rank's rule, a filter, an order-time rule).
///
/// The language itself knows nothing of legs, ranks or orders: a scope turns `own_vq` and `legs_with_rank('silver')` into
/// slots, and whoever evaluates decides how a slot is computed.
pub trait Scope {
    /// The slot of a name; `person.country` is asked for as a whole.
    fn name(&self, name: &str) -> Option<Slot>;

    /// The slot of a call with constant arguments. `None` only if there is no function of this name, whatever the arguments
    /// (it is asked for with none, too); `Some(Err(what is expected))` if the arguments are wrong.
    fn call(&self, function: &str, arguments: &[Value]) -> Option<Result<Slot, String>> {
        let _ = (function, arguments);
        None
    }

    /// The value of a name that is the same for every record: a rank's code, a plan's parameter.
    fn constant(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }

    /// All names and constants, for "did you mean".
    fn known_names(&self) -> Vec<String>;

    /// All functions of the scope, for "did you mean".
    fn known_functions(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The values of one record.
pub trait Record {
    /// The value of a slot, of the slot's type.
    fn value(&self, slot: u32) -> Value;

    /// Whether a slot that may be missing is.
    fn is_missing(&self, slot: u32) -> bool {
        let _ = slot;
        false
    }
}

/// The values of one slot for many records.
#[derive(Clone, Debug)]
pub enum Column<'a> {
    /// Fixed-point numbers: `values[row] / 10^scale`.
    Fixed {
        /// The mantissas.
        values: &'a [i64],
        /// Decimals, at most 18.
        scale: u32,
    },
    /// Whole numbers: counts of people.
    Count(&'a [u32]),
    /// Small whole numbers: ranks, levels.
    Code(&'a [u8]),
    /// Exact decimals, slower than the three above.
    Exact(&'a [Decimal]),
    /// Truths.
    Bool(&'a [bool]),
    /// Texts by their number in a dictionary.
    Text {
        /// For each row the index into `dictionary`.
        codes: &'a [u32],
        /// The distinct texts.
        dictionary: &'a [Arc<str>],
    },
    /// Days since 1970-01-01.
    Date(&'a [i32]),
    /// Lists of texts as bit sets (tags): bit `b` of a row's words stands for `dictionary[b]`.
    Set {
        /// `words_per_row` words for each row.
        bits: &'a [u64],
        /// Words per row, at least 1.
        words_per_row: usize,
        /// The distinct texts.
        dictionary: &'a [Arc<str>],
    },
    /// The same value in every row.
    Constant(Value),
}

/// The values of many records by column.
pub trait Columns {
    /// The column of a slot. All columns have the same number of rows.
    fn column(&self, slot: u32) -> Column<'_>;

    /// For a slot that may be missing: in which rows it is.
    fn missing(&self, slot: u32) -> Option<&[bool]> {
        let _ = slot;
        None
    }
}
