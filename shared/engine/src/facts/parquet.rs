//! Facts from Parquet files of any origin: each cell as the text that a CSV file would have.

use std::fmt::Write;

use bytes::Bytes;
use jiff::Timestamp;
use parquet::{
    basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical},
    column::reader::{ColumnReaderImpl, get_typed_column_reader},
    data_type::{
        BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
        FloatType, Int32Type, Int64Type,
    },
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    schema::types::ColumnDescriptor,
};

/// The first four bytes of every Parquet file.
const MAGIC: &[u8] = b"PAR1";
/// Digits a binary fraction stands for without doubt.
const SURE_DIGITS: usize = 15;

/// Whether the bytes are a Parquet file.
pub(super) fn is_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// What the numbers of a column mean.
#[derive(Clone, Copy)]
enum Meaning {
    Number,
    Decimal(u32),
    Day,
    /// Units of a second, and whether it is a moment or the time of a clock on the wall.
    Moment(i128, bool),
}

enum Values {
    Bool(Vec<bool>),
    Int(Vec<i32>, Meaning),
    Long(Vec<i64>, Meaning),
    Double(Vec<f64>),
    Float(Vec<f32>),
    Bytes(Vec<ByteArray>, Meaning),
    Wide(Vec<FixedLenByteArray>, Meaning),
}

/// A column, with what is missing in it.
struct Cells {
    /// 1 where there is a value; empty where there always is.
    present: Vec<i16>,
    values: Values,
    /// The next value.
    next: usize,
}

/// Rows of a file, one at a time.
pub(super) struct Rows {
    names: Vec<String>,
    cells: Vec<Cells>,
    count: usize,
    at: usize,
}

fn told(error: ParquetError) -> String {
    error.to_string()
}

impl Rows {
    /// Opens a file and reads the columns `wanted`. All columns are named in [`Rows::names`].
    pub(super) fn open(bytes: &[u8], wanted: &[&str]) -> Result<Self, String> {
        let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes)).map_err(told)?;
        let about = reader.metadata().file_metadata();
        let rows =
            usize::try_from(about.num_rows()).map_err(|_| "an impossible number of rows".to_owned())?;
        let schema = about.schema_descr_ptr();
        let mut open = Self { names: Vec::new(), cells: Vec::new(), count: rows, at: 0 };
        for (index, column) in schema.columns().iter().enumerate() {
            let name = column.path().string();
            if wanted.contains(&name.as_str()) {
                if column.max_rep_level() != 0 || 1 < column.max_def_level() {
                    return Err(format!("column {name} holds lists or structures"));
                }
                open.cells
                    .push(read(&reader, index, column, rows).map_err(|why| format!("column {name}: {why}"))?);
                open.names.insert(open.cells.len() - 1, name);
            } else {
                open.names.push(name);
            }
        }
        Ok(open)
    }

    /// Names of the columns, those that were read first.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Puts the texts of the next row into `texts`, in the order of the names. `Err` names a column and what stands there.
    pub(super) fn next(&mut self, texts: &mut [String]) -> Option<Result<(), (usize, String)>> {
        if self.count <= self.at {
            return None;
        }
        let mut outcome = Ok(());
        for (column, (cells, text)) in self.cells.iter_mut().zip(texts).enumerate() {
            text.clear();
            if cells.present.get(self.at).is_some_and(|level| *level == 0) {
                continue;
            }
            let value = cells.next;
            cells.next += 1;
            if write(&cells.values, value, text).is_none() && outcome.is_ok() {
                outcome = Err((column, text.clone()));
            }
        }
        self.at += 1;
        Some(outcome)
    }
}

fn meaning(column: &ColumnDescriptor) -> Result<Meaning, String> {
    let scale = u32::try_from(column.type_scale()).unwrap_or(0);
    match (column.logical_type_ref(), column.converted_type()) {
        (Some(LogicalType::Decimal(_)), _) | (None, ConvertedType::DECIMAL) => Ok(Meaning::Decimal(scale)),
        (Some(LogicalType::Date), _) | (None, ConvertedType::DATE) => Ok(Meaning::Day),
        (Some(LogicalType::Timestamp(of)), _) => Ok(Meaning::Moment(
            match of.unit {
                TimeUnit::MILLIS => 1_000_000,
                TimeUnit::MICROS => 1_000,
                TimeUnit::NANOS => 1,
            },
            of.is_adjusted_to_u_t_c,
        )),
        (None, ConvertedType::TIMESTAMP_MILLIS) => Ok(Meaning::Moment(1_000_000, true)),
        (None, ConvertedType::TIMESTAMP_MICROS) => Ok(Meaning::Moment(1_000, true)),
        (
            None
            | Some(LogicalType::String | LogicalType::Enum | LogicalType::Integer(_) | LogicalType::Unknown),
            _,
        ) => Ok(Meaning::Number),
        (Some(other), _) => Err(format!("values of type {other:?}")),
    }
}

fn read(
    reader: &SerializedFileReader<Bytes>,
    index: usize,
    column: &ColumnDescriptor,
    rows: usize,
) -> Result<Cells, String> {
    let meaning = meaning(column)?;
    let optional = column.max_def_level() == 1;
    let mut present = Vec::new();
    let values = match column.physical_type() {
        Physical::BOOLEAN => Values::Bool(values::<BoolType>(reader, index, rows, optional, &mut present)?),
        Physical::INT32 => {
            Values::Int(values::<Int32Type>(reader, index, rows, optional, &mut present)?, meaning)
        }
        Physical::INT64 => {
            Values::Long(values::<Int64Type>(reader, index, rows, optional, &mut present)?, meaning)
        }
        Physical::DOUBLE => {
            Values::Double(values::<DoubleType>(reader, index, rows, optional, &mut present)?)
        }
        Physical::FLOAT => Values::Float(values::<FloatType>(reader, index, rows, optional, &mut present)?),
        Physical::BYTE_ARRAY => {
            Values::Bytes(values::<ByteArrayType>(reader, index, rows, optional, &mut present)?, meaning)
        }
        Physical::FIXED_LEN_BYTE_ARRAY => Values::Wide(
            values::<FixedLenByteArrayType>(reader, index, rows, optional, &mut present)?,
            meaning,
        ),
        Physical::INT96 => return Err("values of type INT96".to_owned()),
    };
    Ok(Cells { present, values, next: 0 })
}

fn values<T: DataType>(
    reader: &SerializedFileReader<Bytes>,
    index: usize,
    rows: usize,
    optional: bool,
    present: &mut Vec<i16>,
) -> Result<Vec<T::T>, String> {
    let mut values = Vec::new();
    let mut read_rows = 0;
    for number in 0..reader.num_row_groups() {
        let group = reader.get_row_group(number).map_err(told)?;
        let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let mut cells: ColumnReaderImpl<T> =
            get_typed_column_reader(group.get_column_reader(index).map_err(told)?);
        while 0 < left {
            let levels = optional.then_some(&mut *present);
            let (read, ..) = cells.read_records(left, levels, None, &mut values).map_err(told)?;
            if read == 0 {
                return Err("it is too short".to_owned());
            }
            read_rows += read;
            left -= read.min(left);
        }
    }
    let held = if optional { present.iter().filter(|level| **level != 0).count() } else { rows };
    if read_rows == rows && values.len() == held { Ok(values) } else { Err("it is too short".to_owned()) }
}

/// The text of a value; `None` for one that cannot be told exactly, with what can be told of it.
fn write(values: &Values, at: usize, text: &mut String) -> Option<()> {
    match values {
        Values::Bool(values) => text.push_str(if *values.get(at)? { "true" } else { "false" }),
        Values::Int(values, meaning) => return number(i128::from(*values.get(at)?), *meaning, text),
        Values::Long(values, meaning) => return number(i128::from(*values.get(at)?), *meaning, text),
        Values::Double(values) => {
            let value = values.get(at)?;
            return if value.is_nan() { Some(()) } else { fraction(value, text) };
        }
        Values::Float(values) => {
            let value = values.get(at)?;
            return if value.is_nan() { Some(()) } else { fraction(value, text) };
        }
        Values::Bytes(values, Meaning::Decimal(scale)) => {
            return number(big_endian(values.get(at)?.data())?, Meaning::Decimal(*scale), text);
        }
        Values::Wide(values, Meaning::Decimal(scale)) => {
            return number(big_endian(values.get(at)?.data())?, Meaning::Decimal(*scale), text);
        }
        Values::Bytes(values, _) => return bytes(values.get(at)?.data(), text),
        Values::Wide(values, _) => return bytes(values.get(at)?.data(), text),
    }
    Some(())
}

fn bytes(data: &[u8], text: &mut String) -> Option<()> {
    text.push_str(std::str::from_utf8(data).ok()?);
    Some(())
}

fn big_endian(data: &[u8]) -> Option<i128> {
    let start = if data.first()? & 0x80 == 0 { 0 } else { -1 };
    (data.len() <= 16).then(|| data.iter().fold(start, |value, byte| (value << 8) | i128::from(*byte)))
}

/// The shortest decimal that stands for a binary fraction: what a program wrote there that had read a decimal.
fn fraction(value: &dyn std::fmt::Display, text: &mut String) -> Option<()> {
    write!(text, "{value}").ok()?;
    let digits = text.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    (digits <= SURE_DIGITS).then_some(())
}

fn number(value: i128, meaning: Meaning, text: &mut String) -> Option<()> {
    match meaning {
        Meaning::Number | Meaning::Decimal(0) => write!(text, "{value}").ok(),
        Meaning::Decimal(scale) => {
            let power = 10_u128.checked_pow(scale)?;
            let (whole, rest) = (value.unsigned_abs() / power, value.unsigned_abs() % power);
            let (sign, width) = (if value < 0 { "-" } else { "" }, scale as usize);
            write!(text, "{sign}{whole}.{rest:0width$}").ok()
        }
        Meaning::Day => {
            write!(text, "day {value}").ok()?;
            let epoch = jiff::civil::date(1970, 1, 1);
            let span = jiff::Span::new().try_days(i64::try_from(value).ok()?).ok()?;
            let day = epoch.checked_add(span).ok()?;
            text.clear();
            write!(text, "{day}").ok()
        }
        Meaning::Moment(nanoseconds, is_utc) => {
            write!(text, "moment {value}").ok()?;
            let moment = Timestamp::from_nanosecond(value.checked_mul(nanoseconds)?).ok()?;
            text.clear();
            if is_utc {
                write!(text, "{moment}").ok()
            } else {
                write!(text, "{}", moment.to_zoned(jiff::tz::TimeZone::UTC).datetime()).ok()
            }
        }
    }
}
