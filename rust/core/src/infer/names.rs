//! Names for inferred columns.

use std::collections::HashSet;

/// Longest name before a number is added to it.
const LONGEST_NAME: usize = 200;

/// Names given so far, told apart without regard to case: many engines do so.
#[derive(Debug, Default)]
pub struct Names(HashSet<String>);

impl Names {
    /// The name of the column at `path`: its keys joined by underscores, each character that is not a letter, a digit
    /// or an underscore replaced by one. `record_` precedes names that belong to the sink. A name that is taken gets
    /// the first free number from 2 on.
    pub fn give(&mut self, path: &[String]) -> String {
        let joined: String = path
            .join("_")
            .chars()
            .take(LONGEST_NAME)
            .map(|c| if c.is_alphanumeric() { c } else { '_' })
            .collect();
        let lower = joined.to_lowercase();
        let name = if lower == "_residue" || lower.starts_with("kafka_") {
            format!("record_{joined}")
        } else {
            joined
        };
        let mut free = name.clone();
        let mut number = 2_u32;
        while !self.0.insert(free.to_lowercase()) {
            free = format!("{name}_{number}");
            number += 1;
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    /// Different paths never get one name, whatever characters or case they differ in.
    #[test]
    fn names_are_distinct() {
        let mut names = Names::default();
        let mut give =
            |path: &[&str]| names.give(&path.iter().map(|&key| key.to_owned()).collect::<Vec<_>>());
        assert_eq!(give(&["usage", "total_tokens"]), "usage_total_tokens");
        assert_eq!(give(&["usage_total", "tokens"]), "usage_total_tokens_2");
        assert_eq!(give(&["usage.total.tokens"]), "usage_total_tokens_3");
        assert_eq!(give(&["Usage_Total_Tokens"]), "Usage_Total_Tokens_4");
        assert_eq!(give(&["usage_total_tokens_2"]), "usage_total_tokens_2_2");
        assert_eq!(give(&["größe", "in %"]), "größe_in__");
        assert_eq!(give(&["_residue"]), "record__residue");
        assert_eq!(give(&["Kafka_Offset"]), "record_Kafka_Offset");
    }
}
