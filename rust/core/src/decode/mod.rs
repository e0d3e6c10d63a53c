//! Record values to Arrow columns. A bad record is data: it comes back as a [`Rejection`], never as an error.
//!
//! One value takes three steps. `members` goes over its text once, checks it by RFC 8259 and notes where the declared
//! values and the undeclared keys are. `row` fits those values to the columns, which hold them, and gathers what does
//! not fit for the residue. Only then is the row appended, so whatever is wrong with a record leaves no trace.

mod config;
mod drift;
mod members;
mod plan;
mod rejection;
mod residue;
mod row;
mod text;

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use thiserror::Error;

pub use config::{ColumnConfig, ConfigError, DecodeConfig, DecodeOptions, InvalidText};
pub use drift::Drift;
pub use rejection::{Rejection, RejectionCode};

use plan::Plan;
use row::Rows;

/// Name of the column that keeps what has no place in a declared one.
pub const RESIDUE_COLUMN: &str = "_residue";

/// The rows of one decode call, with what did not become a row.
#[derive(Debug)]
pub struct Decoded {
    /// Declared columns, then `_residue` if configured.
    pub batch: RecordBatch,
    /// For each row, which of the values it came from; ascending.
    pub rows: Vec<u32>,
    /// Ascending by index.
    pub rejections: Vec<Rejection>,
    /// Values that were `None`.
    pub tombstones: u64,
    /// What the rows' records held beside what was declared, by reason.
    pub drift: Drift,
}

/// Why a whole call failed. Never because of what a record says.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// More values than an index can name.
    #[error("{0} values in one call are too many; at most 4294967295 fit")]
    TooManyValues(usize),
    /// A column's text passes the reach of Arrow's 32-bit offsets.
    #[error("column `{0}` would hold over 2 GiB of text; decode fewer values per call")]
    TooMuchText(String),
    /// The columns don't make a batch: a bug.
    #[error("the decoded columns do not make a batch: {0}")]
    Batch(#[from] ArrowError),
}

/// Decodes values by one configuration. Holds nothing between calls; threads may share it.
#[derive(Debug)]
pub struct Decoder {
    plan: Plan,
    options: DecodeOptions,
    schema: SchemaRef,
}

impl Decoder {
    /// A decoder for `config`.
    ///
    /// # Errors
    /// If the configuration is impossible or needs a later version; names the key that is wrong.
    pub fn new(config: &DecodeConfig) -> Result<Self, ConfigError> {
        config.decode.check()?;
        let plan = Plan::new(&config.columns)?;
        let mut fields: Vec<Field> = plan
            .columns
            .iter()
            .map(|column| Field::new(&column.name, column.kind.data_type(), true))
            .collect();
        if config.decode.residue {
            fields.push(Field::new(RESIDUE_COLUMN, DataType::Utf8, true));
        }
        Ok(Self {
            plan,
            options: config.decode,
            schema: Arc::new(Schema::new(fields)),
        })
    }

    /// The schema of every batch: declared columns in order, then `_residue` if configured. All are nullable: whether a
    /// column is required is a rule for records, which may change while the table's columns stay.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Decode `values`, of which `None` is a tombstone. Every value is a row, a rejection or a tombstone.
    ///
    /// # Errors
    /// Only if the call as a whole is too large.
    pub fn decode(&self, values: &[Option<&[u8]>]) -> Result<Decoded, DecodeError> {
        if u32::try_from(values.len()).is_err() {
            return Err(DecodeError::TooManyValues(values.len()));
        }
        let mut rows = Rows::new(&self.plan, self.options, values.len());
        let (mut indices, mut rejections, mut tombstones) =
            (Vec::with_capacity(values.len()), Vec::new(), 0);
        for (index, value) in (0..).zip(values) {
            match value.map(|value| rows.push(value)).transpose()? {
                Some(Ok(())) => indices.push(index),
                Some(Err(reason)) => rejections.push(reason.of(index)),
                None => tombstones += 1,
            }
        }
        let (arrays, drift) = rows.finish()?;
        let options = RecordBatchOptions::new().with_row_count(Some(indices.len()));
        let batch = RecordBatch::try_new_with_options(self.schema(), arrays, &options)?;
        Ok(Decoded {
            batch,
            rows: indices,
            rejections,
            tombstones,
            drift,
        })
    }
}
