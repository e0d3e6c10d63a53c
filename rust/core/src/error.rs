//! Errors that end a call. A bad record is never one of them: it is a rejection.

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;
use thiserror::Error;

use crate::decode::DecodeError;
use crate::engine::{AssignmentId, Table};

/// The engine could not do its work: a bug of a caller, or a configuration that can't be.
#[derive(Debug, Error)]
pub enum EngineError {
    /// A key of the configuration is wrong; the text names it.
    #[error("engine configuration: {0}")]
    Config(String),
    /// There is no such table.
    #[error("there is no table {0:?}; tables are \"main\" and \"dead_letter\"")]
    UnknownTable(String),
    /// `open` was not called, or the assignment has been discarded.
    #[error(
        "{0} is not open; open it before its first batch, and use it only until it is discarded"
    )]
    NotOpen(AssignmentId),
    /// `open` twice.
    #[error("{0} is open already")]
    AlreadyOpen(AssignmentId),
    /// Epochs only grow.
    #[error("{0} was discarded; open the partition with a greater epoch")]
    Discarded(AssignmentId),
    /// An earlier call failed half-way, so the files may hold a part of a batch.
    #[error("{0} is incomplete after an earlier error; only discard it")]
    Incomplete(AssignmentId),
    /// The columns of a raw batch don't fit together.
    #[error("{assignment}: a batch has {values} values but {other} {column}")]
    UnequalColumns {
        /// Whose batch it is.
        assignment: AssignmentId,
        /// Number of values.
        values: usize,
        /// The column that differs.
        column: &'static str,
        /// Its length.
        other: usize,
    },
    /// Offsets must ascend.
    #[error("{0}: the offsets of a batch do not ascend")]
    UnorderedOffsets(AssignmentId),
    /// A record's key or headers could not be read.
    #[error("{assignment}: can't read the keys and headers of rejected records: {reason}")]
    Envelopes {
        /// Whose batch it is.
        assignment: AssignmentId,
        /// What the reader of the envelopes said.
        reason: String,
    },
    /// The decoder failed; not a bad record.
    #[error("{assignment}: decode: {source}")]
    Decode {
        /// Whose batch it is.
        assignment: AssignmentId,
        /// What the decoder said.
        source: DecodeError,
    },
    /// A sample could not be judged; not because of what it says.
    #[error("infer columns: {0}")]
    Sample(#[source] DecodeError),
    /// Rows could not be put together.
    #[error("table {table}: {source}")]
    Rows {
        /// The table.
        table: Table,
        /// What Arrow said.
        source: ArrowError,
    },
    /// Rows could not be encoded.
    #[error("table {table}: Parquet: {source}")]
    Encode {
        /// The table.
        table: Table,
        /// What the encoder said.
        source: ParquetError,
    },
    /// The worker threads could not be started.
    #[error("can't start {threads} worker threads: {reason}")]
    Threads {
        /// How many.
        threads: usize,
        /// What the system said.
        reason: String,
    },
}
