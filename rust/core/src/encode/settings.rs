//! How the columns of a data file are encoded.
//!
//! What costs most is the dictionary and the statistics of columns that have no use for them, so both depend on
//! what the first rows look like; integers and times are packed as deltas, strings as lengths and text.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use parquet::basic::{Compression, Encoding, Type, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};
use serde::Deserialize;

use super::cardinality::{Sample, leaves};
use super::dictionary::MOST_BYTES;
use super::values::PAGE_BYTES;

/// Mean bytes from which a value is long text: a minimum and maximum of it help nobody.
const LONG_VALUE: usize = 64;
/// A dictionary pays if it saves looking at values often enough: with at most this many of them and bytes.
const MOST_DISTINCT: usize = 1 << 14;
/// Numbers are so short that it must be far fewer: a reference has one byte then.
const MOST_DISTINCT_NUMBERS: usize = 1 << 8;
/// Fewer values than this say nothing about repetition; a dictionary falls back by itself when it grows.
const TOO_FEW: usize = 64;

/// Settings of every data file.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncodeConfig {
    /// A row group ends when it has about this many bytes.
    pub row_group_bytes: usize,
    /// Zstandard level, 1 to 22.
    pub zstd_level: i32,
}

impl Default for EncodeConfig {
    fn default() -> Self {
        Self {
            row_group_bytes: 16 << 20,
            zstd_level: 1,
        }
    }
}

impl EncodeConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// What is wrong, naming the key.
    pub fn check(&self) -> Result<(), String> {
        if self.row_group_bytes == 0 {
            return Err("encode.row_group_bytes must not be 0".into());
        }
        ZstdLevel::try_new(self.zstd_level)
            .map_err(|error| format!("encode.zstd_level: {error}"))?;
        Ok(())
    }
}

/// What is known of a table's columns before any row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    /// Top-level columns whose values repeat.
    pub repeated: &'static [&'static str],
    /// Top-level columns of long text.
    pub long: &'static [&'static str],
}

/// How one leaf column is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its distinct values once, and references to them.
    pub dictionary: bool,
    /// Its smallest and largest value in the footer.
    pub statistics: bool,
}

/// How each leaf column is encoded; `first` has the first rows, or none.
///
/// # Errors
/// If the rows don't have these columns.
pub fn choices(
    parquet: &SchemaDescriptor,
    layout: Layout,
    first: Option<&RecordBatch>,
) -> Result<Vec<Choice>, ParquetError> {
    let samples = match first {
        Some(batch) => leaves(batch.columns())
            .iter()
            .map(|leaf| Sample::of(leaf))
            .collect(),
        None => vec![Sample::default(); parquet.num_columns()],
    };
    if samples.len() != parquet.num_columns() {
        let message = format!(
            "{} leaf columns, but Parquet has {}",
            samples.len(),
            parquet.num_columns()
        );
        return Err(ArrowError::SchemaError(message).into());
    }
    let columns = parquet.columns().iter().zip(samples);
    Ok(columns
        .map(|(column, sample)| choose(column, sample, layout))
        .collect())
}

fn choose(column: &ColumnDescriptor, sample: Sample, layout: Layout) -> Choice {
    let name = column.path().parts().first().map_or("", String::as_str);
    let long = layout.long.contains(&name) || sample.bytes > sample.values * LONG_VALUE;
    let repeats = if sample.values < TOO_FEW {
        !long
    } else {
        let distinct = sample.estimated_distinct();
        let mean = sample.bytes / sample.values;
        let most = if column.physical_type() == Type::BYTE_ARRAY {
            MOST_DISTINCT
        } else {
            MOST_DISTINCT_NUMBERS
        };
        distinct <= most && distinct * (mean + 4) <= MOST_BYTES
    };
    Choice {
        dictionary: column.physical_type() != Type::BOOLEAN
            && (repeats || layout.repeated.contains(&name)),
        statistics: !long,
    }
}

impl EncodeConfig {
    /// The level, as Parquet knows it.
    ///
    /// # Errors
    /// If there is no such level.
    pub fn level(&self) -> Result<ZstdLevel, ParquetError> {
        ZstdLevel::try_new(self.zstd_level)
    }

    /// What the Parquet library has to know of a file, and of the columns that are left to it.
    ///
    /// # Errors
    /// If there is no such level.
    pub fn properties(
        &self,
        parquet: &SchemaDescriptor,
        choices: &[Choice],
    ) -> Result<WriterProperties, ParquetError> {
        let builder = WriterProperties::builder()
            .set_created_by(format!("penstock version {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::ZSTD(self.level()?))
            .set_data_page_size_limit(PAGE_BYTES)
            .set_max_row_group_row_count(None);
        let columns = parquet.columns().iter().zip(choices);
        Ok(columns
            .fold(builder, |builder, (column, choice)| {
                encode_column(builder, column, *choice)
            })
            .build())
    }
}

fn encode_column(
    builder: WriterPropertiesBuilder,
    column: &ColumnDescriptor,
    choice: Choice,
) -> WriterPropertiesBuilder {
    let path = column.path();
    let builder = match packed(column.physical_type()) {
        Some(encoding) if !choice.dictionary => builder.set_column_encoding(path.clone(), encoding),
        _ => builder,
    };
    let statistics = if choice.statistics {
        EnabledStatistics::Chunk
    } else {
        EnabledStatistics::None
    };
    builder
        .set_column_dictionary_enabled(path.clone(), choice.dictionary)
        .set_column_statistics_enabled(path.clone(), statistics)
}

/// How the library encodes without a dictionary. A dictionary that has grown too large falls back to plain values instead: each of
/// these encoders reserves a buffer from the start.
fn packed(physical: Type) -> Option<Encoding> {
    match physical {
        Type::BYTE_ARRAY => Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
        Type::INT32 | Type::INT64 => Some(Encoding::DELTA_BINARY_PACKED),
        Type::FLOAT | Type::DOUBLE => Some(Encoding::BYTE_STREAM_SPLIT),
        Type::BOOLEAN | Type::INT96 | Type::FIXED_LEN_BYTE_ARRAY => None,
    }
}
