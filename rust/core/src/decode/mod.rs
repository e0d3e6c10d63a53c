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

// Stand-in until the decoder is merged.
use arrow_array::{ArrayRef, StringArray};
use arrow_schema::{DataType, Field, Schema};
use std::sync::Arc;

impl RejectionCode {
    /// Name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EmptyValue => "empty_value",
            Self::InvalidJson => "invalid_json",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::LoneSurrogate => "lone_surrogate",
            Self::NotAnObject => "not_an_object",
            Self::TooDeep => "too_deep",
            Self::TooLarge => "too_large",
            Self::MissingRequired => "missing_required",
        }
    }
}

/// Drift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// a
    pub type_mismatch: u64,
}

/// Config.
#[derive(Debug, serde::Deserialize)]
pub struct DecodeConfig {
    /// Columns
    pub columns: Vec<Column>,
}

/// Column.
#[derive(Debug, serde::Deserialize)]
pub struct Column {
    /// Name.
    pub name: String,
}

/// Decoder.
#[derive(Debug)]
pub struct Decoder(SchemaRef);

impl Decoder {
    /// New.
    pub fn new(config: &DecodeConfig) -> Result<Self, String> {
        let mut fields: Vec<_> = config.columns.iter().map(|c| Field::new(&c.name, DataType::Utf8, true)).collect();
        fields.push(Field::new("_residue", DataType::Utf8, true));
        Ok(Self(Arc::new(Schema::new(fields))))
    }
    /// Schema.
    pub fn schema(&self) -> SchemaRef {
        self.0.clone()
    }
    /// Decode.
    pub fn decode(&self, values: &[Option<&[u8]>]) -> Result<Decoded, String> {
        let (mut rows, mut rejections, mut objects, mut tombstones) = (vec![], vec![], vec![], 0);
        for (index, value) in values.iter().enumerate() {
            let index = index as u32;
            let Some(value) = value else {
                tombstones += 1;
                continue;
            };
            match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(value) {
                Ok(object) => {
                    rows.push(index);
                    objects.push(object);
                }
                Err(error) => rejections.push(Rejection {
                    index,
                    code: RejectionCode::InvalidJson,
                    byte_position: error.column() as u64,
                    message: "not JSON".into(),
                }),
            }
        }
        let columns = self.0.fields().iter().map(|field| {
            let cells = objects.iter().map(|o| o.get(field.name()).map(|v| v.as_str().map_or(v.to_string(), str::to_owned)));
            Arc::new(cells.collect::<StringArray>()) as ArrayRef
        });
        let batch = RecordBatch::try_new(self.0.clone(), columns.collect()).map_err(|e| e.to_string())?;
        Ok(Decoded { batch, rows, rejections, tombstones, drift: Drift::default() })
    }
}
