//! Why a record is not a row.

use crate::json::{Fault, FaultKind};

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
    /// Longer than `max_bytes`, itself or in its residue.
    TooLarge,
    /// A required column is absent, null or does not fit.
    MissingRequired,
}

impl RejectionCode {
    /// The stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
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

/// One record that is not a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Which of the values handed to [`super::Decoder::decode`].
    pub index: u32,
    /// Why.
    pub code: RejectionCode,
    /// Where in the value, in bytes. A value that ends too early has its length here; for a required column that is
    /// absent it is the start of the innermost object that should hold it.
    pub byte_position: u64,
    /// A short text for people; never contains the record's content beyond a single byte or a column's name.
    pub message: String,
}

/// A rejection before it is known which value it is of.
#[derive(Debug)]
pub struct Reason {
    pub code: RejectionCode,
    pub position: usize,
    pub message: String,
}

impl Reason {
    pub fn new(code: RejectionCode, position: usize, message: impl Into<String>) -> Self {
        Self {
            code,
            position,
            message: message.into(),
        }
    }

    pub fn of(self, index: u32) -> Rejection {
        Rejection {
            index,
            code: self.code,
            byte_position: self.position as u64,
            message: self.message,
        }
    }
}

impl From<Fault> for Reason {
    fn from(fault: Fault) -> Self {
        let code = match fault.kind {
            FaultKind::Grammar => RejectionCode::InvalidJson,
            FaultKind::LoneSurrogate => RejectionCode::LoneSurrogate,
            FaultKind::TooDeep => RejectionCode::TooDeep,
        };
        Self::new(code, fault.position, fault.message)
    }
}
