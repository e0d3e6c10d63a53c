//! The steps as they are configured.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One `[[transform]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StepConfig {
    /// Drops rows.
    Filter(FilterConfig),
    /// Drops, renames and casts columns.
    Select(SelectConfig),
    /// Takes out what must not be in the table.
    Redact(RedactConfig),
}

impl StepConfig {
    /// Its `type`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Filter(_) => "filter",
            Self::Select(_) => "select",
            Self::Redact(_) => "redact",
        }
    }
}

/// `type = "filter"`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterConfig {
    /// A SQL condition; rows for which it is true stay.
    #[serde(rename = "where")]
    pub condition: String,
}

/// `type = "select"`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SelectConfig {
    /// The columns that stay.
    pub keep: Option<Vec<String>>,
    /// The columns that go.
    pub drop: Option<Vec<String>>,
    /// Old name -> new name.
    pub rename: BTreeMap<String, String>,
    /// Column, by its old name -> type.
    pub cast: BTreeMap<String, String>,
}

/// `type = "redact"`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedactConfig {
    /// Where to look; every string and json column and the residue if it is left out.
    pub columns: Option<Vec<String>>,
    /// What to look for; all that is built in if it is left out.
    pub patterns: Option<Vec<PatternConfig>>,
    /// Take out the whole value instead of what is found in it.
    pub whole: bool,
    /// What to put in its place.
    pub mode: Mode,
    /// The key of the hashes, in hexadecimal digits.
    pub key: Option<Key>,
}

/// A built-in pattern by its name, or one of the user's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum PatternConfig {
    /// Its name.
    BuiltIn(String),
    /// With its regular expression.
    Own {
        /// What the mark and the counter say.
        name: String,
        /// By the `regex` crate.
        regex: String,
    },
}

/// What stands where something was taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The pattern's name in brackets.
    #[default]
    Mask,
    /// A keyed hash of what was there.
    Hash,
}

/// A secret; never shown.
#[derive(Clone, Deserialize)]
pub struct Key(pub String);

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Key")
    }
}
