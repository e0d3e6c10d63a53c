//! Record values to Arrow columns. A bad record is data: it comes back as a [`Rejection`], never as an error.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

/// What is wrong with one record. The set is closed and its names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionCode {
    /// Zero bytes.
    EmptyValue,
    /// Not JSON by RFC 8259.
    InvalidJson,
    /// Not UTF-8.
    InvalidUtf8,
    /// A `\uD800`..`\uDFFF` escape without its other half.
    LoneSurrogate,
    /// JSON, but not an object.
    NotAnObject,
    /// Nested deeper than `max_depth`.
    TooDeep,
    /// Longer than `max_bytes`.
    TooLarge,
    /// A required column is absent, null or does not fit.
    MissingRequired,
}

/// One record that is not a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Which of the values handed to [`Decoder::decode`].
    pub index: u32,
    /// Why.
    pub code: RejectionCode,
    /// Where in the value, in bytes.
    pub byte_position: u64,
    /// A short text for people; never contains the record's content beyond a single byte or a column's name.
    pub message: String,
}

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
    /// Values that did not fit, by reason.
    pub drift: Drift,
}
