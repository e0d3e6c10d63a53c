//! Columns from sampled records, for pipelines that declare none.
//!
//! Deterministic: the same values in the same order give the same columns, in the order in which their keys were first
//! seen. An object becomes columns of its members' paths, an array a list, an object of very many keys a map; what
//! agrees with no type, or is always null, is kept as `json`. Every value of the sample fits its column unchanged, and
//! what later records bring beyond it is drift like any other.

mod choose;
mod names;
mod place;

#[cfg(test)]
mod tests;

use crate::columns::ColumnKind;
use crate::decode::{ColumnConfig, DecodeConfig, DecodeOptions, Decoder, Rejection};
use crate::error::EngineError;
use crate::json::{Scanner, Scratch};
use choose::choose;
use names::Names;
use place::Place;

/// Most columns; keys that come after them have none, and stay in the residue.
pub const MOST_COLUMNS: usize = 1000;

/// One column for what the sample has at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferredColumn {
    /// Distinct, and none of the sink's own.
    pub name: String,
    /// The keys that lead to it.
    pub path: Vec<String>,
    /// Its type.
    pub kind: ColumnKind,
    /// How many values the sample has there, nulls included.
    pub present: u64,
    /// How many of them are of which kind; the kinds that there are.
    pub kinds: Vec<(&'static str, u64)>,
    /// Why this type, in words.
    pub reason: String,
}

/// What a sample says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inferred {
    /// In the order of the first sight of their keys, members of an object together.
    pub columns: Vec<InferredColumn>,
    /// Values that are acceptable records.
    pub records: u64,
    /// Values that are not, which say nothing about columns.
    pub rejections: Vec<Rejection>,
}

/// Columns for records like `values`, which are judged by `options` as the decoder would; tombstones say nothing.
///
/// # Errors
/// If `options` are impossible.
pub fn infer(values: &[Option<&[u8]>], options: DecodeOptions) -> Result<Inferred, EngineError> {
    let judge = judge(options)?;
    let mut inferred = Inferred::default();
    let mut root = Place::default();
    let mut scratch = Scratch::default();
    for (index, value) in (0..).zip(values) {
        let Some(value) = value else {
            continue;
        };
        let judged = judge.decode(&[Some(value)]).map_err(EngineError::Sample)?;
        if let Some(rejection) = judged.rejections.into_iter().next() {
            let rejection = Rejection { index, ..rejection };
            inferred.rejections.push(rejection);
            continue;
        }
        inferred.records += 1;
        let text = String::from_utf8_lossy(value);
        let mut scanner = Scanner::resume(&text, 0, &mut scratch);
        scanner.space();
        // The judge has read it to its end.
        let _: Result<(), _> = root.observe(&text, &mut scanner, 0);
    }
    let mut names = Names::default();
    add_columns(&root, &mut Vec::new(), &mut names, &mut inferred.columns);
    Ok(inferred)
}

/// A decoder that says which values are records at all.
fn judge(options: DecodeOptions) -> Result<Decoder, EngineError> {
    let any = ColumnConfig {
        name: "any".into(),
        path: vec!["any".into()],
        kind: "json".into(),
        required: false,
    };
    let config = DecodeConfig {
        columns: vec![any],
        decode: DecodeOptions {
            residue: false,
            ..options
        },
    };
    Decoder::new(&config).map_err(|error| EngineError::Config(error.to_string()))
}

fn add_columns(
    object: &Place,
    path: &mut Vec<String>,
    names: &mut Names,
    columns: &mut Vec<InferredColumn>,
) {
    for (key, place) in &object.members.each {
        if columns.len() == MOST_COLUMNS {
            return;
        }
        path.push(key.clone());
        let only_objects = place.objects > 0 && place.objects + place.nulls == place.present;
        if only_objects && !place.members.each.is_empty() {
            add_columns(place, path, names, columns);
        } else {
            let choice = choose(place, 0);
            columns.push(InferredColumn {
                name: names.give(path),
                path: path.clone(),
                kind: choice.kind,
                present: place.present,
                kinds: kinds(place),
                reason: choice.reason,
            });
        }
        path.pop();
    }
}

fn kinds(place: &Place) -> Vec<(&'static str, u64)> {
    let timestamps = place.microseconds.max(place.nanoseconds);
    [
        ("null", place.nulls),
        ("bool", place.bools),
        ("integer", place.integers),
        ("wide_integer", place.wide),
        ("fraction", place.fractions),
        ("timestamp", timestamps),
        ("string", place.strings - timestamps),
        ("array", place.arrays),
        ("object", place.objects),
    ]
    .into_iter()
    .filter(|&(_, count)| count > 0)
    .collect()
}
