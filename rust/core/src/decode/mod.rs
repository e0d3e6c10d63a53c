//! Record values to Arrow columns. A bad record is data: it comes back as a [`Rejection`], never as an error.
//!
//! A block of records is taken at a time (`block`). The first pass goes over each text once, by a shape it follows
//! (`shape`, `learn`) or the long way (`members`), checks it by RFC 8259 and notes on a tape where the declared values and
//! the undeclared keys are (`locate`). Then it is known which records are rows, and the second pass fills their columns
//! (`fill`) and writes what does not fit to the residue (`leftover`).

mod block;
mod config;
mod demand;
mod drift;
mod fill;
mod input;
mod learn;
mod leftover;
mod lines;
mod locate;
mod members;
mod plan;
mod rejection;
pub(crate) mod residue;
mod shape;
mod slot;
mod strings;
mod tape;
mod text;

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use thiserror::Error;

pub use config::{ColumnConfig, ConfigError, DecodeConfig, DecodeOptions, InvalidText};
pub use demand::{ColumnDemand, Demand, Predicate, Verdict};
pub use drift::Drift;
pub use lines::{LinePlace, Lines};
pub use rejection::{Rejection, RejectionCode};
pub use strings::Strings;

use arrow_buffer::{BooleanBuffer, Buffer};

use crate::frame::Span;
use crate::simd::Isa;
use block::{BLOCK_BYTES, Blocks, Finished};
use input::Input;
pub use learn::Shapes;
use locate::Rules;
use plan::Plan;

/// Name of the column that keeps what has no place in a declared one.
pub const RESIDUE_COLUMN: &str = "_residue";

/// The rows of one decode call, with what did not become a row.
#[derive(Debug)]
pub struct Decoded {
    /// The columns that are built, then `_residue` if it is.
    pub batch: RecordBatch,
    /// For each row, which of the values it came from; ascending.
    pub rows: Vec<u32>,
    /// Ascending by index.
    pub rejections: Vec<Rejection>,
    /// Values that were `None`.
    pub tombstones: u64,
    /// Values that the predicate dropped.
    pub filtered: u64,
    /// What the rows' records held beside what was declared, by reason.
    pub drift: Drift,
    /// Of each column that is watched: its number, and the rows whose value drifted.
    pub drifted: Vec<(usize, BooleanBuffer)>,
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
    demand: Demand,
    schema: SchemaRef,
    isa: Isa,
}

impl Decoder {
    /// A decoder of everything in `config`.
    ///
    /// # Errors
    /// If the configuration is impossible or needs a later version; names the key that is wrong.
    pub fn new(config: &DecodeConfig) -> Result<Self, ConfigError> {
        Self::for_demand(config, Demand::everything(config.columns.len()))
    }

    /// A decoder without columns, of records whose keys are not known: each is a row, all of it in the residue.
    ///
    /// # Errors
    /// As [`Decoder::new`].
    pub fn without_columns(options: DecodeOptions) -> Result<Self, ConfigError> {
        // A plan has a column. This one, at a key that does not occur in what is decoded, is never built.
        let unseen = ColumnConfig {
            name: "unseen".into(),
            path: vec!["\0".into()],
            kind: "json".into(),
            required: false,
        };
        let config = DecodeConfig {
            columns: vec![unseen],
            decode: options,
        };
        let mut demand = Demand::everything(1);
        for column in &mut demand.columns {
            column.built = false;
        }
        Self::for_demand(&config, demand)
    }

    /// A decoder of what `demand` asks for, by the columns of `config`. Every record is checked all the same.
    ///
    /// # Errors
    /// If the configuration is impossible or needs a later version; names the key that is wrong.
    pub fn for_demand(config: &DecodeConfig, demand: Demand) -> Result<Self, ConfigError> {
        config.decode.check()?;
        let plan = Plan::new(&config.columns)?;
        let demanded = plan.columns.iter().zip(&demand.columns);
        let mut fields: Vec<Field> = demanded
            .filter(|(_, demand)| demand.built)
            .map(|(column, _)| Field::new(&column.name, column.kind.data_type(), true))
            .collect();
        if config.decode.residue && demand.residue {
            fields.push(Field::new(RESIDUE_COLUMN, DataType::Utf8View, true));
        }
        Ok(Self {
            plan,
            options: config.decode,
            demand,
            schema: Arc::new(Schema::new(fields)),
            isa: Isa::detect(),
        })
    }

    /// The same decoder on another instruction set, one of [`Isa::available`]; it says the same, faster or slower.
    #[must_use]
    pub fn on(self, isa: Isa) -> Self {
        Self { isa, ..self }
    }

    /// The schema of every batch: declared columns in order, then `_residue` if configured, as far as they are built.
    /// All are nullable: whether a column is required is a rule for records, which may change while the table's columns
    /// stay.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Decode `values`, of which `None` is a tombstone. Every value is a row, a rejection, a tombstone or filtered.
    ///
    /// # Errors
    /// Only if the call as a whole is too large.
    pub fn decode(&self, values: &[Option<&[u8]>]) -> Result<Decoded, DecodeError> {
        self.decode_with(values, &mut Shapes::default())
    }

    /// The same with the shapes that earlier values of the same producers have taught, which depend on this decoder.
    ///
    /// # Errors
    /// Only if the call as a whole is too large.
    pub fn decode_with(
        &self,
        values: &[Option<&[u8]>],
        shapes: &mut Shapes,
    ) -> Result<Decoded, DecodeError> {
        self.decode_input(Input::Copied(values), shapes)
    }

    /// Decode all records of `source`, which is newline-delimited JSON, and say which lines they were. Text without escapes
    /// views `source` itself, so the batch may keep it alive.
    ///
    /// # Errors
    /// Only if the call as a whole is too large.
    pub fn decode_lines<'s>(
        &self,
        source: &'s Buffer,
        shapes: &mut Shapes,
    ) -> Result<(Decoded, Lines<'s>), DecodeError> {
        let mut lines = Lines::default();
        let mut blocks: Option<Blocks<'_>> = None;
        // No more at a time than were prefetched.
        while lines.split_more(source, BLOCK_BYTES) {
            let values = &lines.values;
            let more = source.len() - lines.bytes();
            let blocks = blocks.get_or_insert_with(|| {
                let rows = values.len() + values.len() * more / lines.bytes();
                self.blocks(rows + rows / 16)
            });
            let decoded = blocks.taken();
            let input = Input::Lines(values, source);
            blocks.decode(self.rules(input)?, decoded..values.len(), more, shapes)?;
        }
        let blocks = blocks.unwrap_or_else(|| self.blocks(0));
        Ok((self.finish(blocks)?, lines))
    }

    /// Decode `lines`, parts of `source`, ascending; of one that is `None` nothing is said but that it is a tombstone.
    ///
    /// # Errors
    /// Only if the call as a whole is too large.
    pub(crate) fn decode_parts(
        &self,
        source: &Buffer,
        lines: &[Option<&[u8]>],
        shapes: &mut Shapes,
    ) -> Result<Decoded, DecodeError> {
        self.decode_input(Input::Lines(lines, source), shapes)
    }

    /// Decode values that are parts of `buffers`, ascending in each. Text without escapes views them, so the batch may
    /// keep them alive.
    ///
    /// # Errors
    /// Only if the call as a whole is too large.
    pub fn decode_spans(
        &self,
        values: &[Span],
        buffers: &[Buffer],
        shapes: &mut Shapes,
    ) -> Result<Decoded, DecodeError> {
        self.decode_input(Input::Spans(values, buffers), shapes)
    }

    fn decode_input(&self, input: Input<'_>, shapes: &mut Shapes) -> Result<Decoded, DecodeError> {
        let rules = self.rules(input)?;
        let mut blocks = self.blocks(input.len());
        blocks.decode(rules, 0..input.len(), 0, shapes)?;
        self.finish(blocks)
    }

    fn rules<'i>(&'i self, input: Input<'i>) -> Result<Rules<'i>, DecodeError> {
        match u32::try_from(input.len()) {
            Ok(_) => Ok(Rules {
                plan: &self.plan,
                options: self.options,
                input,
            }),
            Err(_) => Err(DecodeError::TooManyValues(input.len())),
        }
    }

    fn blocks(&self, rows: usize) -> Blocks<'_> {
        Blocks::new(&self.plan, self.options, &self.demand, self.isa, rows)
    }

    fn finish(&self, blocks: Blocks<'_>) -> Result<Decoded, DecodeError> {
        let Finished {
            arrays,
            drifted,
            outcome,
        } = blocks.finish()?;
        let options = RecordBatchOptions::new().with_row_count(Some(outcome.rows.len()));
        Ok(Decoded {
            batch: RecordBatch::try_new_with_options(self.schema(), arrays, &options)?,
            rows: outcome.rows,
            rejections: outcome.rejections,
            tombstones: outcome.tombstones,
            filtered: outcome.filtered,
            drift: outcome.drift,
            drifted,
        })
    }
}
