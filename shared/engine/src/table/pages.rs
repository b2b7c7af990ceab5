//! Pages that are written without asking every cell: words by their numbers, wide numbers as they are.

use std::sync::Arc;

use bytes::Bytes;
use parquet::{
    basic::{Compression, Encoding, EncodingMask},
    column::{
        page::{CompressedPage, Page, PageWriter},
        writer::ColumnCloseResult,
    },
    data_type::ByteArray,
    errors::ParquetError,
    file::{
        metadata::ColumnChunkMetaData,
        statistics::Statistics,
        writer::{SerializedPageWriter, TrackedWrite},
    },
    schema::types::ColumnDescPtr,
};

use crate::columns::{NONE, position};

type Written = Result<(Bytes, ColumnCloseResult), ParquetError>;

/// A chunk of words: `codes` has one for each row; `text` is what a code stands for.
///
/// The dictionary holds the words of these rows in the order in which they come first. No word is compared with another.
pub(super) fn words<'a>(
    description: &ColumnDescPtr,
    codes: &[u32],
    text: impl Fn(u32) -> &'a str,
) -> Written {
    // Rows of a chunk often have neighbouring codes: only what lies between them needs a place.
    let first = codes.iter().copied().min().unwrap_or(0);
    let last = codes.iter().copied().max().unwrap_or(0);
    let mut places = vec![NONE; (last - first) as usize + 1];
    let mut met: Vec<u32> = Vec::new();
    let rows = codes.len();
    let mut numbers = Vec::with_capacity(rows);
    for code in codes {
        let place = &mut places[(code - first) as usize];
        if *place == NONE {
            *place = position(met.len());
            met.push(*code);
        }
        numbers.push(*place);
    }
    let mut dictionary = Vec::new();
    let (mut least, mut most) = (None, None);
    for word in met.iter().map(|code| text(*code)) {
        put(&mut dictionary, word);
        least = Some(least.map_or(word, |least: &str| least.min(word)));
        most = Some(most.map_or(word, |most: &str| most.max(word)));
    }
    let statistics = bounds(least, most);
    let packed = packed(&numbers, met.len());
    let dictionary = (dictionary, position(met.len()));
    chunk(description, Some(dictionary), packed, Encoding::RLE_DICTIONARY, rows, Some(statistics))
}

/// A chunk of texts, one after the other.
pub(super) fn texts(description: &ColumnDescPtr, texts: &[&str]) -> Written {
    let mut bytes = Vec::with_capacity(texts.iter().map(|text| text.len() + 4).sum());
    let (mut least, mut most) = (texts.first().copied(), texts.first().copied());
    for text in texts.iter().copied() {
        put(&mut bytes, text);
        least = least.map(|least| least.min(text));
        most = most.map(|most| most.max(text));
    }
    let statistics = bounds(least, most);
    chunk(description, None, bytes, Encoding::PLAIN, texts.len(), Some(statistics))
}

/// A chunk of 128-bit numbers.
pub(super) fn wide(description: &ColumnDescPtr, values: &[i128]) -> Written {
    chunk(description, None, big_endian(values), Encoding::PLAIN, values.len(), None)
}

/// The bytes of 128-bit numbers, cell by cell.
pub(super) fn big_endian(values: &[i128]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * 16];
    for (cell, value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
        *cell = value.to_be_bytes();
    }
    bytes
}

/// A text with its length before it.
fn put(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&position(text.len()).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn bounds(least: Option<&str>, most: Option<&str>) -> Statistics {
    let bound = |text: Option<&str>| text.map(ByteArray::from);
    Statistics::byte_array(bound(least), bound(most), None, Some(0), false)
}

/// Numbers of a dictionary of `words`: how many bits each has, then one run of them.
fn packed(numbers: &[u32], words: usize) -> Vec<u8> {
    let width = u32::BITS - position(words.saturating_sub(1)).leading_zeros();
    let width = width.max(1);
    let mut bytes = Vec::with_capacity(numbers.len() * width as usize / 8 + 16);
    bytes.push(u8::try_from(width).unwrap_or(u8::MAX));
    if words <= 1 {
        varint(&mut bytes, (numbers.len() as u64) << 1);
        bytes.push(0);
        return bytes;
    }
    // Eight numbers make a group of whole bytes.
    varint(&mut bytes, (numbers.len().div_ceil(8) as u64) << 1 | 1);
    let (mut bits, mut filled) = (0_u64, 0);
    let missing = numbers.len().next_multiple_of(8) - numbers.len();
    for number in numbers.iter().copied().chain(std::iter::repeat_n(0, missing)) {
        bits |= u64::from(number) << filled;
        filled += width;
        if u32::BITS <= filled {
            bytes.extend_from_slice(&bits.to_le_bytes()[..4]);
            bits >>= u32::BITS;
            filled -= u32::BITS;
        }
    }
    bytes.extend_from_slice(&bits.to_le_bytes()[..filled as usize / 8]);
    bytes
}

fn varint(bytes: &mut Vec<u8>, mut number: u64) {
    while 0x80 <= number {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// A dictionary page, if there is one, and one data page.
fn chunk(
    description: &ColumnDescPtr,
    dictionary: Option<(Vec<u8>, u32)>,
    data: Vec<u8>,
    encoding: Encoding,
    rows: usize,
    statistics: Option<Statistics>,
) -> Written {
    let count = position(rows);
    let mut sink = TrackedWrite::new(Vec::new());
    let mut pages = SerializedPageWriter::new(&mut sink);
    let mut encodings = vec![encoding];
    let (mut uncompressed, mut compressed, mut dictionary_at) = (0, 0, None);
    let mut add = |page: CompressedPage| -> Result<i64, ParquetError> {
        let spec = pages.write_page(page)?;
        uncompressed += spec.uncompressed_size;
        compressed += spec.compressed_size;
        Ok(i64::try_from(spec.offset).unwrap_or(i64::MAX))
    };
    if let Some((words, num_values)) = dictionary {
        encodings.push(Encoding::PLAIN);
        let buf = snappy(&words)?;
        let page = Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
        dictionary_at = Some(add(CompressedPage::new(page, words.len()))?);
    }
    let page = Page::DataPageV2 {
        buf: snappy(&data)?,
        num_values: count,
        encoding,
        num_nulls: 0,
        num_rows: count,
        def_levels_byte_len: 0,
        rep_levels_byte_len: 0,
        is_compressed: true,
        statistics: None,
    };
    let data_at = add(CompressedPage::new(page, data.len()))?;
    let length = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
    let mut metadata = ColumnChunkMetaData::builder(Arc::clone(description))
        .set_compression(Compression::SNAPPY)
        .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
        .set_total_compressed_size(length(compressed))
        .set_total_uncompressed_size(length(uncompressed))
        .set_num_values(length(rows))
        .set_data_page_offset(data_at)
        .set_dictionary_page_offset(dictionary_at);
    if let Some(statistics) = statistics {
        metadata = metadata.set_statistics(statistics);
    }
    let metadata = metadata.build()?;
    let bytes = Bytes::from(sink.into_inner()?);
    let close = ColumnCloseResult {
        bytes_written: bytes.len() as u64,
        rows_written: rows as u64,
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    };
    Ok((bytes, close))
}

fn snappy(bytes: &[u8]) -> Result<Bytes, ParquetError> {
    let packed = snap::raw::Encoder::new().compress_vec(bytes);
    packed.map(Bytes::from).map_err(|error| ParquetError::General(error.to_string()))
}
