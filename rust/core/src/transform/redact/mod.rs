//! Taking out what must not be in the table: addresses, numbers, keys, or whole values.
//!
//! A text is searched as it reads once its escapes are undone, again and again while there are any, and changed where
//! it is written. So nothing hides in `\u0040` or in the JSON of a string of JSON, and JSON stays JSON. What was found
//! is never kept, counted by text, or shown.

mod builtin;
mod changed;
mod escapes;
mod hit;
mod json;
mod nested;
mod replace;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use arrow_array::ArrayRef;
use arrow_schema::ArrowError;

use super::config::{Mode, RedactConfig};
use super::problem::Problem;
use super::scope::{Scope, ScopeColumn};
use super::select::not_there;
use crate::columns::ColumnKind;
use crate::decode::RESIDUE_COLUMN;
use changed::changed;
use replace::{Replacement, SHORTEST_KEY};
use rules::Rules;

/// The rule's name where whole values are taken out.
const WHOLE: &str = "redacted";

/// One step.
#[derive(Clone, Debug)]
pub struct Redact {
    rules: Rules,
    /// Take out whole values.
    whole: bool,
    replacement: Replacement,
    /// The slots to look into, and their types.
    pub targets: Vec<(usize, ColumnKind)>,
    residue: Option<ResidueScope>,
}

/// Where in the residue to look.
#[derive(Clone, Debug)]
enum ResidueScope {
    All,
    /// In the values at these paths: those of the columns that are named, and those on the way to them.
    Paths(HashSet<String>),
}

/// How much a step has taken out.
#[derive(Debug, Default)]
pub struct Counts {
    by_rule: Vec<u64>,
}

/// What the step does, if that can be. `paths` by slot: the paths that lead to each column, its own last.
pub fn compile(
    step: usize,
    config: &RedactConfig,
    scope: &mut Scope,
    paths: &[Vec<String>],
    problems: &mut Vec<Problem>,
) -> Option<Redact> {
    let before = problems.len();
    let rules = if config.whole {
        if config.patterns.is_some() {
            let message = "can't be set together with whole = true, which takes out the whole value; keep one of them";
            problems.push(Problem::new(step, "patterns", message));
        }
        if config.columns.is_none() {
            let message = "needs columns beside it: they are taken out whole";
            problems.push(Problem::new(step, "whole", message));
        }
        Rules::compile(step, Some(&[]), problems)
    } else {
        if config.patterns.as_ref().is_some_and(Vec::is_empty) {
            let message =
                "empty list; name at least one, or write whole = true to take out whole values";
            problems.push(Problem::new(step, "patterns", message));
        }
        Rules::compile(step, config.patterns.as_deref(), problems)
    };
    let replacement = match (config.mode, &config.key) {
        (Mode::Mask, None) => Some(Replacement::Mask),
        (Mode::Mask, Some(_)) => {
            problems.push(Problem::new(
                step,
                "mode",
                "a mask has no key; write mode = \"hash\" or leave the key out",
            ));
            None
        }
        (Mode::Hash, None) => {
            problems.push(Problem::new(
                step,
                "mode",
                "a hash needs a key; name it with key_env or key_file",
            ));
            None
        }
        (Mode::Hash, Some(key)) => {
            let made = Replacement::hash(&key.0);
            if made.is_none() {
                let message =
                    format!("the key is too short; it needs at least {SHORTEST_KEY} bytes");
                problems.push(Problem::new(step, "mode", message));
            }
            made
        }
    };
    let (targets, residue) = targets(step, config, scope, paths, problems);
    if problems.len() > before {
        return None;
    }
    for (slot, _) in &targets {
        for column in scope
            .columns
            .iter_mut()
            .filter(|column| column.slot == *slot)
        {
            column.changed = true;
        }
    }
    let replacement = replacement?;
    Some(Redact {
        rules: rules.keeping_plain(replacement.needs_plain()),
        whole: config.whole,
        replacement,
        targets,
        residue,
    })
}

fn targets(
    step: usize,
    config: &RedactConfig,
    scope: &Scope,
    paths: &[Vec<String>],
    problems: &mut Vec<Problem>,
) -> (Vec<(usize, ColumnKind)>, Option<ResidueScope>) {
    let has_residue = scope.find(RESIDUE_COLUMN).is_some();
    let target = |column: &ScopeColumn| (column.slot, column.kind.clone());
    let Some(names) = &config.columns else {
        let texts = scope
            .columns
            .iter()
            .filter(|column| column.name != RESIDUE_COLUMN && nested::has_text(&column.kind));
        let targets = texts.map(target).collect();
        return (targets, has_residue.then_some(ResidueScope::All));
    };
    if names.is_empty() {
        problems.push(Problem::new(
            step,
            "columns",
            "empty list; name at least one, or leave it out for all text",
        ));
    }
    let (mut targets, mut all_residue, mut of_paths) = (Vec::new(), false, HashSet::new());
    for (index, name) in names.iter().enumerate() {
        let key = format!("columns.{index}");
        let Some(column) = scope.find(name).map(|found| &scope.columns[found]) else {
            let message = not_there(scope, name).unwrap_or_default();
            problems.push(Problem::new(step, key, message));
            continue;
        };
        if column.name == RESIDUE_COLUMN {
            all_residue = true;
            continue;
        }
        if !nested::has_text(&column.kind) {
            let message = format!(
                "`{name}` is {}, and only text can be redacted; drop it, or cast it to string before",
                column.kind
            );
            problems.push(Problem::new(step, key, message));
            continue;
        }
        if config.whole && !matches!(column.kind, ColumnKind::Scalar(_)) {
            let message = format!(
                "`{name}` is {}, which can't be taken out whole; declare it as json, or drop it",
                column.kind
            );
            problems.push(Problem::new(step, key, message));
            continue;
        }
        targets.push(target(column));
        of_paths.extend(paths[column.slot].iter().cloned());
        let overlapping = scope.columns.iter().find(|other| {
            other.slot != column.slot
                && nested::has_text(&other.kind)
                && !names.contains(&other.name)
                && (is_on_the_way(paths, other.slot, column.slot)
                    || is_on_the_way(paths, column.slot, other.slot))
        });
        if let Some(other) = overlapping {
            let message = format!(
                "`{}` holds the same text as `{name}`; name it too, or drop it before",
                other.name
            );
            problems.push(Problem::new(step, key, message));
        }
    }
    let residue = match (has_residue, all_residue) {
        (false, _) => None,
        (true, true) => Some(ResidueScope::All),
        (true, false) => Some(ResidueScope::Paths(of_paths)),
    };
    (targets, residue)
}

/// Whether the value of one column lies inside that of another.
fn is_on_the_way(paths: &[Vec<String>], outer: usize, inner: usize) -> bool {
    let own = paths.get(outer).and_then(|paths| paths.last());
    let way = paths
        .get(inner)
        .and_then(|paths| paths.split_last())
        .map_or(&[][..], |(_, way)| way);
    own.is_some_and(|own| way.contains(own))
}

impl Redact {
    /// The rules' names, in the order of the counts.
    pub fn names(&self) -> Vec<&str> {
        if self.whole {
            return vec![WHOLE];
        }
        self.rules.names.iter().map(String::as_str).collect()
    }

    /// Whether the step looks into the residue.
    pub fn reads_residue(&self) -> bool {
        self.residue.is_some()
    }

    /// Redact the slots, of which the last one is the residue. How much was taken out, by rule.
    ///
    /// # Errors
    /// If text inside a nested column passes 2 GiB by it.
    pub fn run(&self, slots: &mut [Option<ArrayRef>]) -> Result<Vec<u64>, ArrowError> {
        let mut counts = Counts {
            by_rule: vec![0; self.names().len()],
        };
        for (slot, kind) in &self.targets {
            if let Some(array) = &slots[*slot] {
                let mut change = |text: &str, is_json: bool, out: &mut String| {
                    self.value(text, is_json, &mut counts, out)
                };
                if let Some(redacted) = nested::redact(array, kind, &mut change)? {
                    slots[*slot] = Some(redacted);
                }
            }
        }
        if let (Some(scope), Some(Some(residue))) = (&self.residue, slots.last()) {
            let redacted = changed(residue, |text, out| {
                take_into(out, self.residue(text, scope, &mut counts))
            })?;
            if let (Some(redacted), Some(last)) = (redacted, slots.last_mut()) {
                *last = Some(redacted);
            }
        }
        Ok(counts.by_rule)
    }

    /// Append what stands for one value, if it is not itself, and say so.
    fn value(&self, text: &str, is_json: bool, counts: &mut Counts, out: &mut String) -> bool {
        if self.whole {
            counts.by_rule[0] += 1;
            if is_json {
                self.replacement.write_json(WHOLE, text, out);
            } else {
                self.replacement.write(WHOLE, text, out);
            }
            return true;
        }
        if is_json {
            let redacted = json::redact(text, &self.rules, &self.replacement, counts);
            return take_into(out, redacted);
        }
        if let Some(rule) = self.rules.whole(text) {
            counts.by_rule[rule] += 1;
            self.replacement.write(&self.rules.names[rule], text, out);
            return true;
        }
        let hits = self.rules.find(text);
        if hits.is_empty() {
            return false;
        }
        counts.add(&hits);
        self.replacement
            .replace(text, &hits, &self.rules.names, out);
        true
    }

    fn of_member(&self, value: &str, counts: &mut Counts) -> Option<String> {
        let mut out = String::new();
        self.value(value, true, counts, &mut out).then_some(out)
    }

    fn residue(&self, text: &str, scope: &ResidueScope, counts: &mut Counts) -> Option<String> {
        match scope {
            ResidueScope::All if !self.whole => {
                json::redact(text, &self.rules, &self.replacement, counts)
            }
            ResidueScope::All => {
                json::with_members(text, &mut |_, value| self.of_member(value, counts))
            }
            ResidueScope::Paths(paths) => json::with_members(text, &mut |path, value| {
                paths
                    .contains(path)
                    .then(|| self.of_member(value, counts))
                    .flatten()
            }),
        }
    }
}

/// `text` in the place of `out`, which is empty; whether there is one.
fn take_into(out: &mut String, text: Option<String>) -> bool {
    let there = text.is_some();
    if let Some(text) = text {
        *out = text;
    }
    there
}
