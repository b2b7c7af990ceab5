//! Tables as Parquet files: few column types, everything required, the same rows always the same bytes.

mod pages;

use std::{borrow::Cow, ops::Range, sync::Arc};

use bytes::Bytes;
use parquet::{
    basic::{Compression, Encoding},
    column::{
        reader::ColumnReaderImpl,
        reader::get_typed_column_reader,
        writer::{ColumnCloseResult, ColumnWriterImpl},
    },
    data_type::{
        BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type,
        Int64Type,
    },
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr, WriterVersion},
        reader::{FileReader, SerializedFileReader},
        writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite},
    },
    schema::{
        parser::parse_message_type,
        types::{ColumnDescPtr, ColumnPath, SchemaDescriptor},
    },
};

use crate::{exact::MISSING, failure::EngineError, threads};

/// Rows of a row group.
const GROUP_ROWS: usize = 1 << 18;
/// Digits of a decimal kept in 64 bits.
const NARROW_DIGITS: u32 = 18;
/// Digits of a decimal kept in 128 bits.
const WIDE_DIGITS: u32 = 38;

/// The cells of one column.
pub enum Cells<'a> {
    /// Whole numbers.
    Int(Cow<'a, [i32]>),
    /// Decimals of up to 18 digits: value and scale.
    Decimal(Cow<'a, [i64]>, u32),
    /// Decimals of up to 38 digits: value and scale.
    Wide(Vec<i128>, u32),
    /// The same, [`MISSING`] being nothing. Only these can be null.
    Quotient(&'a [i128], u32),
    /// Days since 1970-01-01.
    Day(&'a [i32]),
    /// Microseconds since 1970-01-01.
    Moment(&'a [i64]),
    /// Truths.
    Bool(&'a [bool]),
    /// Texts of which most are different, or empty.
    Text(Vec<&'a str>),
    /// Texts of which few are different.
    Word(Vec<&'a str>),
    /// Texts by their numbers.
    Coded(Coded<'a>),
    /// Cells of some rows, made when these are written: not all of the column are in memory at once. They are of one kind, whatever
    /// the rows, and as many.
    Gathered(Gather<'a>),
}

/// Makes the cells of some rows.
type Gather<'a> = Box<dyn Fn(Range<usize>) -> Cells<'a> + Send + Sync + 'a>;

/// Texts by their numbers.
pub struct Coded<'a> {
    codes: Cow<'a, [u32]>,
    text: Box<dyn Fn(u32) -> &'a str + Send + Sync + 'a>,
}

impl<'a> Cells<'a> {
    /// Whole numbers.
    pub fn ints(numbers: impl Into<Cow<'a, [i32]>>) -> Self {
        Self::Int(numbers.into())
    }

    /// Decimals of up to 18 digits.
    pub fn decimals(values: impl Into<Cow<'a, [i64]>>, scale: u32) -> Self {
        Self::Decimal(values.into(), scale)
    }

    /// The texts `text` says of `codes`. Memory is taken for all codes between the least and the greatest.
    pub fn coded(codes: impl Into<Cow<'a, [u32]>>, text: impl Fn(u32) -> &'a str + Send + Sync + 'a) -> Self {
        Self::Coded(Coded { codes: codes.into(), text: Box::new(text) })
    }
}

impl Cells<'_> {
    fn schema(&self, name: &str) -> String {
        match self {
            Self::Int(_) => format!("REQUIRED INT32 {name};"),
            Self::Decimal(_, scale) => format!("REQUIRED INT64 {name} (DECIMAL({NARROW_DIGITS},{scale}));"),
            Self::Wide(_, scale) => {
                format!("REQUIRED FIXED_LEN_BYTE_ARRAY (16) {name} (DECIMAL({WIDE_DIGITS},{scale}));")
            }
            Self::Quotient(_, scale) => {
                format!("OPTIONAL FIXED_LEN_BYTE_ARRAY (16) {name} (DECIMAL({WIDE_DIGITS},{scale}));")
            }
            Self::Day(_) => format!("REQUIRED INT32 {name} (DATE);"),
            Self::Moment(_) => format!("REQUIRED INT64 {name} (TIMESTAMP(MICROS,true));"),
            Self::Bool(_) => format!("REQUIRED BOOLEAN {name};"),
            Self::Text(_) | Self::Word(_) | Self::Coded(_) => format!("REQUIRED BYTE_ARRAY {name} (STRING);"),
            Self::Gathered(gather) => gather(0..0).schema(name),
        }
    }

    /// What the writer of Parquet is told; `None` for those that [`pages`] writes in an own way.
    fn encoding(&self) -> Option<Encoding> {
        match self {
            Self::Int(_) | Self::Decimal(..) | Self::Day(_) | Self::Moment(_) => {
                Some(Encoding::DELTA_BINARY_PACKED)
            }
            Self::Word(_) => Some(Encoding::DELTA_BYTE_ARRAY),
            Self::Quotient(..) => Some(Encoding::PLAIN),
            Self::Bool(_) => Some(Encoding::RLE),
            Self::Text(_) | Self::Wide(..) | Self::Coded(_) => None,
            Self::Gathered(gather) => gather(0..0).encoding(),
        }
    }
}

/// A column.
pub struct Column<'a> {
    /// Its name.
    pub name: String,
    /// A cell for each row.
    pub cells: Cells<'a>,
}

impl<'a> Column<'a> {
    /// A column of this name.
    pub fn new(name: impl Into<String>, cells: Cells<'a>) -> Self {
        Self { name: name.into(), cells }
    }
}

fn failed(file: &'static str) -> impl Fn(ParquetError) -> EngineError {
    move |reason| EngineError::File { file, reason: reason.to_string() }
}

/// Writes a table. `facts` is what holds for the whole file.
pub fn write(
    file: &'static str,
    rows: usize,
    columns: &[Column<'_>],
    facts: &[(&str, String)],
) -> Result<Vec<u8>, EngineError> {
    let fields: String = columns.iter().map(|column| column.cells.schema(&column.name)).collect();
    let schema = parse_message_type(&format!("message {file} {{ {fields} }}")).map_err(failed(file))?;
    let mut properties = WriterProperties::builder()
        .set_created_by("ceiba".to_owned())
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_key_value_metadata(Some(
            facts.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone())).collect(),
        ));
    for column in columns {
        let path = || ColumnPath::from(column.name.as_str());
        let words = matches!(column.cells, Cells::Word(_));
        properties = properties.set_column_dictionary_enabled(path(), words);
        if let Some(encoding) = column.cells.encoding() {
            properties = properties.set_column_encoding(path(), encoding);
        }
    }
    let mut bytes = Vec::new();
    let (schema, properties) = (Arc::new(schema), Arc::new(properties.build()));
    let described = SchemaDescriptor::new(Arc::clone(&schema));
    let mut writer =
        SerializedFileWriter::new(&mut bytes, schema, Arc::clone(&properties)).map_err(failed(file))?;
    let groups: Vec<Range<usize>> =
        (0..rows).step_by(GROUP_ROWS).map(|start| start..rows.min(start + GROUP_ROWS)).collect();
    // Columns and groups do not see each other: threads share them out, and the file holds them in their order. Several groups at
    // once, so that no thread waits long for the last column of one; not all, so that their bytes are not all there twice.
    for groups in groups.chunks(2 * threads::most()) {
        let chunks = threads::each(groups.len() * columns.len(), |chunk| {
            let (rows, place) = (groups[chunk / columns.len()].clone(), chunk % columns.len());
            let chunk = Chunk { file, description: described.column(place), properties: &properties };
            chunk.of(&columns[place].name, &columns[place].cells, rows)
        });
        let mut chunks = chunks.into_iter();
        for _ in groups {
            let mut group = writer.next_row_group().map_err(failed(file))?;
            for chunk in chunks.by_ref().take(columns.len()) {
                let (bytes, close) = chunk?;
                group.append_column(&bytes, close).map_err(failed(file))?;
            }
            group.close().map_err(failed(file))?;
        }
    }
    writer.close().map_err(failed(file))?;
    Ok(bytes)
}

/// Where the cells of one column and row group are written to.
struct Chunk<'a> {
    file: &'static str,
    description: ColumnDescPtr,
    properties: &'a WriterPropertiesPtr,
}

type Written = Result<(Bytes, ColumnCloseResult), EngineError>;

impl Chunk<'_> {
    fn of(&self, name: &str, cells: &Cells<'_>, rows: Range<usize>) -> Written {
        match cells {
            Cells::Int(values) => self.put::<Int32Type>(&values[rows]),
            Cells::Day(values) => self.put::<Int32Type>(&values[rows]),
            Cells::Moment(values) => self.put::<Int64Type>(&values[rows]),
            Cells::Decimal(values, _) => {
                let most = 10_u64.pow(NARROW_DIGITS);
                if let Some(wide) = values[rows.clone()].iter().find(|value| most <= value.unsigned_abs()) {
                    let reason = format!("{wide} in column {name} has more than 18 digits");
                    return Err(EngineError::File { file: self.file, reason });
                }
                self.put::<Int64Type>(&values[rows])
            }
            Cells::Bool(values) => self.put::<BoolType>(&values[rows]),
            Cells::Wide(values, _) => {
                pages::wide(&self.description, &values[rows]).map_err(failed(self.file))
            }
            Cells::Coded(Coded { codes, text }) => {
                pages::words(&self.description, &codes[rows], text).map_err(failed(self.file))
            }
            Cells::Quotient(values, _) => {
                let values = &values[rows];
                let known: Vec<i128> = values.iter().copied().filter(|value| *value != MISSING).collect();
                if let Some(wide) =
                    known.iter().find(|value| 10_u128.pow(WIDE_DIGITS) <= value.unsigned_abs())
                {
                    let reason = format!("{wide} in column {name} has more than 38 digits");
                    return Err(EngineError::File { file: self.file, reason });
                }
                let levels: Vec<i16> = values.iter().map(|value| i16::from(*value != MISSING)).collect();
                self.put_known::<FixedLenByteArrayType>(&wide_cells(&known), Some(&levels))
            }
            Cells::Text(values) => pages::texts(&self.description, &values[rows]).map_err(failed(self.file)),
            Cells::Gathered(gather) => self.of(name, &gather(rows.clone()), 0..rows.len()),
            Cells::Word(values) => {
                let values = &values[rows];
                let mut buffer = Vec::with_capacity(values.iter().map(|text| text.len()).sum());
                for text in values {
                    buffer.extend_from_slice(text.as_bytes());
                }
                let buffer = Bytes::from(buffer);
                let mut start = 0;
                let cell = |text: &&str| {
                    let cell = ByteArray::from(buffer.slice(start..start + text.len()));
                    start += text.len();
                    cell
                };
                let cells: Vec<ByteArray> = values.iter().map(cell).collect();
                self.put::<ByteArrayType>(&cells)
            }
        }
    }

    fn put<T: DataType>(&self, values: &[T::T]) -> Written {
        self.put_known::<T>(values, None)
    }

    /// Values of the rows that have one; `levels` says which do.
    fn put_known<T: DataType>(&self, values: &[T::T], levels: Option<&[i16]>) -> Written {
        let failed = failed(self.file);
        let mut sink = TrackedWrite::new(Vec::new());
        let pages = Box::new(SerializedPageWriter::new(&mut sink));
        let (description, properties) = (Arc::clone(&self.description), Arc::clone(self.properties));
        let mut writer = ColumnWriterImpl::<T>::new(description, properties, pages);
        writer.write_batch(values, levels, None).map_err(&failed)?;
        let close = writer.close().map_err(&failed)?;
        Ok((sink.into_inner().map_err(&failed)?.into(), close))
    }
}

fn wide_cells(values: &[i128]) -> Vec<FixedLenByteArray> {
    let buffer = Bytes::from(pages::big_endian(values));
    let cell =
        |place: usize| FixedLenByteArray::from(ByteArray::from(buffer.slice(place * 16..place * 16 + 16)));
    (0..values.len()).map(cell).collect()
}

/// What `read` gives. The reader of Parquet panics on some damaged files (a footer that claims more bytes than there are): such a file
/// is refused as every other damaged one.
fn guarded<T>(file: &'static str, read: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    let damaged = |_| EngineError::File { file, reason: "it is damaged".to_owned() };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).map_err(damaged)?
}

/// A table read back.
pub(crate) struct Table {
    file: &'static str,
    reader: SerializedFileReader<Bytes>,
    rows: usize,
}

impl Table {
    pub(crate) fn open(file: &'static str, bytes: Bytes) -> Result<Self, EngineError> {
        let reader = guarded(file, || SerializedFileReader::new(bytes).map_err(failed(file)))?;
        let rows = usize::try_from(reader.metadata().file_metadata().num_rows());
        let rows = rows.ok().filter(|rows| *rows < u32::MAX as usize);
        let table = Self { file, reader, rows: rows.unwrap_or(0) };
        if rows.is_none() {
            return Err(table.broken("impossible number of rows"));
        }
        Ok(table)
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn broken(&self, reason: impl Into<String>) -> EngineError {
        EngineError::File { file: self.file, reason: reason.into() }
    }

    /// What holds for the whole file.
    pub(crate) fn fact(&self, key: &str) -> Result<&str, EngineError> {
        let facts = self.reader.metadata().file_metadata().key_value_metadata();
        let found = facts.and_then(|facts| facts.iter().find(|fact| fact.key == key));
        found
            .and_then(|fact| fact.value.as_deref())
            .ok_or_else(|| self.broken(format!("it does not say {key}")))
    }

    /// Names and scales of the columns.
    pub(crate) fn columns(&self) -> Vec<(String, u32)> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let scale = |column: &ColumnDescPtr| u32::try_from(column.type_scale()).unwrap_or(0);
        schema.columns().iter().map(|column| (column.name().to_owned(), scale(column))).collect()
    }

    fn read<T: DataType>(&self, name: &str) -> Result<Vec<T::T>, EngineError> {
        let (values, _) = self.read_known::<T>(name, 0)?;
        if values.len() == self.rows {
            Ok(values)
        } else {
            Err(self.broken(format!("column {name} is too short")))
        }
    }

    /// The values of a column and, where some can be missing (`deepest` is 1), the level of each row: 1 where it has one.
    fn read_known<T: DataType>(
        &self,
        name: &str,
        deepest: i16,
    ) -> Result<(Vec<T::T>, Vec<i16>), EngineError> {
        guarded(self.file, || self.read_unguarded::<T>(name, deepest))
    }

    fn read_unguarded<T: DataType>(
        &self,
        name: &str,
        deepest: i16,
    ) -> Result<(Vec<T::T>, Vec<i16>), EngineError> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let index = schema
            .columns()
            .iter()
            .position(|column| column.name() == name)
            .ok_or_else(|| self.broken(format!("it has no column {name}")))?;
        let column = schema.column(index);
        if column.physical_type() != T::get_physical_type() || column.max_def_level() != deepest {
            return Err(self.broken(format!("column {name} is of another type")));
        }
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        for number in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(number).map_err(failed(self.file))?;
            let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            let cells = group.get_column_reader(index).map_err(failed(self.file))?;
            let mut cells: ColumnReaderImpl<T> = get_typed_column_reader(cells);
            let mut left = rows;
            while 0 < left {
                let known = (deepest != 0).then_some(&mut levels);
                let (read, ..) =
                    cells.read_records(left, known, None, &mut values).map_err(failed(self.file))?;
                if read == 0 {
                    return Err(self.broken(format!("column {name} is too short")));
                }
                left -= read.min(left);
            }
        }
        Ok((values, levels))
    }

    pub(crate) fn ints(&self, name: &str) -> Result<Vec<i32>, EngineError> {
        self.read::<Int32Type>(name)
    }

    pub(crate) fn longs(&self, name: &str) -> Result<Vec<i64>, EngineError> {
        self.read::<Int64Type>(name)
    }

    pub(crate) fn bools(&self, name: &str) -> Result<Vec<bool>, EngineError> {
        self.read::<BoolType>(name)
    }

    pub(crate) fn wides(&self, name: &str) -> Result<Vec<i128>, EngineError> {
        let cells = self.read::<FixedLenByteArrayType>(name)?;
        cells.iter().map(|cell| self.wide(name, cell)).collect()
    }

    fn wide(&self, name: &str, cell: &FixedLenByteArray) -> Result<i128, EngineError> {
        let bytes = <[u8; 16]>::try_from(cell.data())
            .map_err(|_| self.broken(format!("column {name} has a bad cell")))?;
        Ok(i128::from_be_bytes(bytes))
    }

    /// Whether a column has values that can be missing.
    pub(crate) fn is_quotient(&self, name: &str) -> bool {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        schema.columns().iter().any(|column| column.name() == name && column.max_def_level() == 1)
    }

    pub(crate) fn quotients(&self, name: &str) -> Result<Vec<i128>, EngineError> {
        let (cells, levels) = self.read_known::<FixedLenByteArrayType>(name, 1)?;
        let mut known = cells.iter();
        let too_short = || self.broken(format!("column {name} is too short"));
        if levels.len() != self.rows {
            return Err(too_short());
        }
        let value = |level: &i16| match level {
            0 => Ok(MISSING),
            _ => self.wide(name, known.next().ok_or_else(too_short)?),
        };
        levels.iter().map(value).collect()
    }

    /// Texts, each looked at once.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<ByteArray>, EngineError> {
        let cells = self.read::<ByteArrayType>(name)?;
        for cell in &cells {
            std::str::from_utf8(cell.data())
                .map_err(|_| self.broken(format!("column {name} is not UTF-8")))?;
        }
        Ok(cells)
    }

    /// Row numbers below `limit`; -1 is none.
    pub(crate) fn positions(&self, name: &str, limit: usize) -> Result<Vec<u32>, EngineError> {
        let position = |value: i32| match u32::try_from(value) {
            Ok(row) if (row as usize) < limit => Ok(row),
            Err(_) if value == -1 => Ok(crate::columns::NONE),
            _ => Err(self.broken(format!("column {name} names row {value}"))),
        };
        self.ints(name)?.into_iter().map(position).collect()
    }

    /// Small numbers up to `most`.
    pub(crate) fn codes(&self, name: &str, most: usize) -> Result<Vec<u8>, EngineError> {
        let code = |value: i32| {
            let code = u8::try_from(value).ok().filter(|code| usize::from(*code) <= most);
            code.ok_or_else(|| self.broken(format!("column {name} has the value {value}")))
        };
        self.ints(name)?.into_iter().map(code).collect()
    }
}

/// The text of a cell that [`Table::texts`] has looked at.
pub(crate) fn text_of(cell: &ByteArray) -> &str {
    std::str::from_utf8(cell.data()).unwrap_or("")
}
