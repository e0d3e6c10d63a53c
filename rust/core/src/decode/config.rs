//! What a decoder is told.

use serde::Deserialize;
use thiserror::Error;

/// Deepest `max_depth`: readers of kept JSON text may recurse.
const DEEPEST: usize = 10_000;
/// Largest `max_bytes`: a text in which every byte was replaced with U+FFFD still fits 32-bit offsets.
const LARGEST: usize = 512 << 20;

/// A setting that can't be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{key}: {problem}")]
pub struct ConfigError {
    /// Dotted: `columns.NAME`, `columns.NAME.type`, `decode.max_depth`.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
}

impl ConfigError {
    pub(super) fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            problem: problem.into(),
        }
    }
}

/// The columns and the rules. Other keys of the same object are someone else's.
#[derive(Clone, Debug, Deserialize)]
pub struct DecodeConfig {
    /// In the order of the batch's columns.
    pub columns: Vec<ColumnConfig>,
    /// The rules.
    #[serde(default)]
    pub decode: DecodeOptions,
}

/// One declared column.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnConfig {
    /// Its name in the batch.
    pub name: String,
    /// The keys that lead to its value, from the record's object on.
    pub path: Vec<String>,
    /// Its type, as a user writes it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether a record without a fitting value is rejected.
    #[serde(default)]
    pub required: bool,
}

/// What to do with text that is not Unicode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvalidText {
    /// Reject the record.
    #[default]
    Reject,
    /// Put U+FFFD in its place, and count.
    Replace,
}

/// The rules of a decoder.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecodeOptions {
    /// Invalid UTF-8 and lone surrogates.
    pub invalid_text: InvalidText,
    /// Most nested objects and arrays, the record's object included.
    pub max_depth: usize,
    /// Longest value.
    pub max_bytes: usize,
    /// Whether to keep what has no place in a column.
    pub residue: bool,
    /// Whether values of another kind that say exactly what a column wants are taken: `"12"`, `12.0`, `"true"`.
    pub coerce: bool,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self {
            invalid_text: InvalidText::Reject,
            max_depth: 128,
            max_bytes: 16 << 20,
            residue: true,
            coerce: false,
        }
    }
}

impl DecodeOptions {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=DEEPEST).contains(&self.max_depth) {
            return Err(ConfigError::new(
                "decode.max_depth",
                format!("must be from 1 to {DEEPEST}"),
            ));
        }
        if !(1..=LARGEST).contains(&self.max_bytes) {
            return Err(ConfigError::new(
                "decode.max_bytes",
                format!("must be from 1 to {LARGEST} bytes"),
            ));
        }
        Ok(())
    }
}
