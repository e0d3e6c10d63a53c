//! The types a column can be declared with.

use std::str::FromStr;

use arrow_schema::{DECIMAL128_MAX_PRECISION, DataType, TimeUnit};
use thiserror::Error;

/// How a binary column's bytes are written in a JSON string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryText {
    /// RFC 4648 section 4, padded.
    Base64,
    /// Two hexadecimal digits per byte, either case.
    Hex,
}

/// A column's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// `bool`
    Bool,
    /// `int64`
    Int64,
    /// `float64`
    Float64,
    /// `string`
    String,
    /// `json`: any value, kept as written.
    Json,
    /// `date`
    Date,
    /// `decimal(precision, scale)`
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `timestamp[unit, UTC]`
    Timestamp(TimeUnit),
    /// `binary[base64]` or `binary[hex]`
    Binary(BinaryText),
}

/// Why a type can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KindError {
    /// It is planned.
    #[error("`{0}` is not available yet in this version")]
    NotYet(String),
    /// It does not exist.
    #[error(
        "`{0}` is not a type; there are bool, int64, float64, string, json, date, decimal(precision, scale), \
         timestamp[s|ms|us|ns, UTC], binary[base64|hex]"
    )]
    Unknown(String),
    /// A decimal's numbers are impossible.
    #[error("`{0}` needs a precision from 1 to 38 and a scale from 0 to the precision")]
    DecimalBounds(String),
}

impl FromStr for ColumnKind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        let compact: String = text.split_ascii_whitespace().collect();
        let inside = |prefix, suffix| {
            compact
                .strip_prefix(prefix)
                .and_then(|rest: &str| rest.strip_suffix(suffix))
        };
        if ["list<", "struct<", "map<"]
            .iter()
            .any(|nested| compact.starts_with(nested))
        {
            return Err(KindError::NotYet(text.to_owned()));
        }
        if let Some((precision, scale)) =
            inside("decimal(", ")").and_then(|numbers| numbers.split_once(','))
        {
            return decimal(precision, scale)
                .ok_or_else(|| KindError::DecimalBounds(text.to_owned()));
        }
        match compact.as_str() {
            "bool" => Ok(Self::Bool),
            "int64" => Ok(Self::Int64),
            "float64" => Ok(Self::Float64),
            "string" => Ok(Self::String),
            "json" => Ok(Self::Json),
            "date" => Ok(Self::Date),
            "timestamp[s,UTC]" => Ok(Self::Timestamp(TimeUnit::Second)),
            "timestamp[ms,UTC]" => Ok(Self::Timestamp(TimeUnit::Millisecond)),
            "timestamp[us,UTC]" => Ok(Self::Timestamp(TimeUnit::Microsecond)),
            "timestamp[ns,UTC]" => Ok(Self::Timestamp(TimeUnit::Nanosecond)),
            "binary[base64]" => Ok(Self::Binary(BinaryText::Base64)),
            "binary[hex]" => Ok(Self::Binary(BinaryText::Hex)),
            _ => Err(KindError::Unknown(text.to_owned())),
        }
    }
}

fn decimal(precision: &str, scale: &str) -> Option<ColumnKind> {
    let (precision, scale) = (precision.parse().ok()?, scale.parse().ok()?);
    let possible = (1..=DECIMAL128_MAX_PRECISION).contains(&precision) && scale <= precision;
    possible.then_some(ColumnKind::Decimal { precision, scale })
}

impl ColumnKind {
    /// The Arrow type of the column's array.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        match *self {
            Self::Bool => DataType::Boolean,
            Self::Int64 => DataType::Int64,
            Self::Float64 => DataType::Float64,
            Self::String | Self::Json => DataType::Utf8,
            Self::Date => DataType::Date32,
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale as i8),
            Self::Timestamp(unit) => DataType::Timestamp(unit, Some("UTC".into())),
            Self::Binary(_) => DataType::Binary,
        }
    }
}

/// The type as a user writes it.
#[must_use]
pub fn type_name(kind: &ColumnKind) -> String {
    let unit = |unit: TimeUnit| match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    };
    match *kind {
        ColumnKind::Bool => "bool".into(),
        ColumnKind::Int64 => "int64".into(),
        ColumnKind::Float64 => "float64".into(),
        ColumnKind::String => "string".into(),
        ColumnKind::Json => "json".into(),
        ColumnKind::Date => "date".into(),
        ColumnKind::Decimal { precision, scale } => format!("decimal({precision}, {scale})"),
        ColumnKind::Timestamp(of) => format!("timestamp[{}, UTC]", unit(of)),
        ColumnKind::Binary(BinaryText::Base64) => "binary[base64]".into(),
        ColumnKind::Binary(BinaryText::Hex) => "binary[hex]".into(),
    }
}
