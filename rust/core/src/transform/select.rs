//! Which columns stay, under which names and as which types.

use std::collections::{BTreeMap, HashSet};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringViewArray};
use arrow_schema::ArrowError;

use super::cast;
use super::config::SelectConfig;
use super::problem::Problem;
use super::scope::Scope;
use crate::columns::{ColumnKind, Misfit, Patch, ScalarKind};
use crate::decode::{Drift, RESIDUE_COLUMN, residue};

/// The prefix of the columns that the sink adds.
const SINK_PREFIX: &str = "kafka_";

/// A column to cast.
#[derive(Clone, Debug)]
pub struct CastColumn {
    pub slot: usize,
    pub from: ScalarKind,
    pub to: ScalarKind,
    /// Its path, as the residue writes it.
    pub path: String,
}

/// Changes `scope` as the step does; the casts to carry out. `paths` by slot.
pub fn compile(
    step: usize,
    config: &SelectConfig,
    scope: &mut Scope,
    paths: &[String],
    problems: &mut Vec<Problem>,
) -> Vec<CastColumn> {
    let mut wrong = |key: String, message: String| problems.push(Problem::new(step, key, message));
    for (key, names) in [("keep", &config.keep), ("drop", &config.drop)] {
        for (index, name) in names.iter().flatten().enumerate() {
            if let Some(message) = not_there(scope, name) {
                wrong(format!("{key}.{index}"), message);
            }
        }
    }
    let before = scope.clone();
    match (&config.keep, &config.drop) {
        (Some(_), Some(_)) => wrong(
            "drop".into(),
            "can't be set together with keep; keep one of them".into(),
        ),
        (None, None) if config.rename.is_empty() && config.cast.is_empty() => wrong(
            "keep".into(),
            "is missing; a select needs keep, drop, rename or cast".into(),
        ),
        (Some(names), None) => scope.columns.retain(|column| names.contains(&column.name)),
        (None, Some(names)) => scope.columns.retain(|column| !names.contains(&column.name)),
        (None, None) => {}
    }
    if scope.columns.is_empty() {
        let key = if config.keep.is_some() {
            "keep"
        } else {
            "drop"
        };
        wrong(key.into(), "leaves no column; keep at least one".into());
        scope.clone_from(&before);
    }
    let gone = |name: &str| {
        let reason = format!("`{name}` is dropped by this step; take it out here");
        before
            .find(name)
            .map_or_else(|| before.unknown(name), |_| reason)
    };
    let mut casts = Vec::new();
    for (name, kind) in &config.cast {
        let key = format!("cast.{name}");
        let Some(index) = scope.find(name) else {
            wrong(key, not_there(&before, name).unwrap_or_else(|| gone(name)));
            continue;
        };
        let column = &mut scope.columns[index];
        let to: ColumnKind = match kind.parse() {
            Ok(to) => to,
            Err(error) => {
                wrong(key, format!("{error}"));
                continue;
            }
        };
        if column.name == RESIDUE_COLUMN {
            wrong(key, format!("can't cast the residue to {to}"));
            continue;
        }
        if column.kind == to {
            continue;
        }
        match (&column.kind, &to) {
            (&ColumnKind::Scalar(from), &ColumnKind::Scalar(to)) if cast::possible(from, to) => {
                casts.push(CastColumn {
                    slot: column.slot,
                    from,
                    to,
                    path: paths[column.slot].clone(),
                });
            }
            (from, to) => {
                wrong(key, format!("can't cast {from} to {to}"));
                continue;
            }
        }
        column.kind = to;
        column.changed = true;
    }
    rename(&config.rename, &before, scope, &mut wrong);
    casts
}

fn rename(
    names: &BTreeMap<String, String>,
    before: &Scope,
    scope: &mut Scope,
    wrong: &mut impl FnMut(String, String),
) {
    let mut renamed = scope.clone();
    for (old, new) in names {
        let key = format!("rename.{old}");
        let Some(index) = scope.find(old) else {
            let gone = format!("`{old}` is dropped by this step; take it out here");
            wrong(key, not_there(before, old).unwrap_or(gone));
            continue;
        };
        if old == RESIDUE_COLUMN {
            wrong(
                key,
                "the residue keeps its name; leave it out or drop it".into(),
            );
        } else if new.is_empty()
            || new == RESIDUE_COLUMN
            || new.to_lowercase().starts_with(SINK_PREFIX)
        {
            wrong(
                key,
                format!(
                    "{new:?} is reserved for Penstock's own columns, or empty; choose another name"
                ),
            );
        } else {
            renamed.columns[index].name.clone_from(new);
        }
    }
    let mut seen = HashSet::new();
    for (column, old) in renamed.columns.iter().zip(&scope.columns) {
        if !seen.insert(&column.name) {
            let (key, name) = names
                .iter()
                .find(|(_, new)| **new == column.name)
                .unwrap_or((&old.name, &old.name));
            wrong(
                format!("rename.{key}"),
                format!("there would be two columns `{name}`; choose another name"),
            );
        }
    }
    *scope = renamed;
}

/// What is wrong with naming this column, if anything.
pub fn not_there(scope: &Scope, name: &str) -> Option<String> {
    if scope.find(name).is_some() {
        return None;
    }
    if name.starts_with(SINK_PREFIX) {
        return Some(format!(
            "`{name}` is not a column of the events; sink.kafka_columns says whether the sink adds it"
        ));
    }
    Some(scope.unknown(name))
}

/// Cast a column in `slots`, whose last one is the residue. What does not fit goes there; in which rows that was.
///
/// # Errors
/// If a text would have 4 GiB.
pub fn run(
    column: &CastColumn,
    slots: &mut [Option<ArrayRef>],
    drift: &mut Drift,
) -> Result<Vec<usize>, ArrowError> {
    let Some(old) = slots[column.slot].clone() else {
        return Ok(Vec::new());
    };
    let cast = cast::cast(&old, column.from, column.to)?;
    for (_, misfit) in &cast.misfits {
        match misfit {
            Misfit::TypeMismatch => drift.type_mismatch += 1,
            Misfit::OutOfRange => drift.out_of_range += 1,
        }
    }
    slots[column.slot] = Some(cast.array);
    let rows: Vec<usize> = cast.misfits.into_iter().map(|(row, _)| row).collect();
    if let (Some(Some(residue)), false) = (slots.last_mut(), rows.is_empty()) {
        let value = |row| cast::to_json(&old, column.from, row);
        *residue = extended(residue.as_string_view(), &column.path, &rows, value)?;
    }
    Ok(rows)
}

/// The residue with `path` -> value added in `rows`, ascending.
fn extended(
    old: &StringViewArray,
    path: &str,
    rows: &[usize],
    value: impl Fn(usize) -> String,
) -> Result<ArrayRef, ArrowError> {
    let mut extended = Patch::new(old);
    for &row in rows {
        let text = old.is_valid(row).then(|| old.value(row));
        let mut object = text
            .and_then(|text| text.strip_suffix('}'))
            .unwrap_or_default()
            .to_owned();
        residue::push(&mut object, path, &value(row));
        residue::close(&mut object);
        extended.set(row, &object)?;
    }
    Ok(extended.finish())
}
