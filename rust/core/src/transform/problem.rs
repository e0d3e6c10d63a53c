//! What is wrong with a step, and where.

use serde::Serialize;

/// One mistake in the configuration of the steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The step's number, from 0.
    pub step: usize,
    /// The key in the step, dotted: `where`, `cast.tokens`, `patterns.1.regex`.
    pub key: String,
    /// The line in the key's text, from 1, if it is a text with places.
    pub line: Option<u64>,
    /// The column in that line, in characters from 1.
    pub column: Option<u64>,
    /// What is wrong, and what to write.
    pub message: String,
}

impl Problem {
    pub(super) fn new(step: usize, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            step,
            key: key.into(),
            line: None,
            column: None,
            message: message.into(),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "transform.{}.{}: ", self.step, self.key)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(formatter, "line {line}, column {column}: ")?;
        }
        formatter.write_str(&self.message)
    }
}

/// `; did you mean "x"?`, or nothing if no known name is near.
pub fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let name = name.to_lowercase();
    let nearest = known
        .into_iter()
        .map(|candidate| (distance(&name, &candidate.to_lowercase()), candidate))
        .min();
    match nearest {
        Some((edits, candidate)) if edits * 5 <= name.chars().count().max(3) * 2 => {
            format!("; did you mean {candidate:?}?")
        }
        _ => String::new(),
    }
}

/// Levenshtein's: how many characters to insert, remove or change.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (edits, have) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], edits + 1);
        for (index, want) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(have != *want);
            diagonal = row[index + 1];
            row[index + 1] = replaced.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, distance};

    /// One insertion, removal or change is one edit.
    #[test]
    fn edits_are_counted() {
        for (from, to, edits) in [
            ("", "", 0),
            ("a", "", 1),
            ("level", "levle", 2),
            ("ab", "axb", 1),
            ("abc", "xyz", 3),
        ] {
            assert_eq!((distance(from, to), distance(to, from)), (edits, edits));
        }
    }

    /// A name that is nothing like the known ones gets no suggestion.
    #[test]
    fn only_near_names_are_suggested() {
        assert_eq!(
            did_you_mean("levl", ["id", "level"]),
            "; did you mean \"level\"?"
        );
        assert_eq!(
            did_you_mean("Level", ["id", "level"]),
            "; did you mean \"level\"?"
        );
        assert_eq!(did_you_mean("severity", ["id", "level"]), "");
        assert_eq!(did_you_mean("x", []), "");
    }
}
