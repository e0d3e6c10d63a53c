//! Values of lists, structs and maps: read into a small tree, judged, and only then appended.
//!
//! Reading comes first because of repeated keys: only the last value of a key counts, so nothing can be judged before
//! its object has ended. Whatever does not fit makes the whole value not fit.
//!
//! Keys that a struct has no field for go to the residue under their path, if there are only structs around them.
//! Inside a list or map no path names one value: then the column keeps what is declared, and the outermost list or map
//! goes to the residue as well, whole. So the residue lays over the columns, and nothing is lost.

use arrow_array::ArrayRef;
use arrow_schema::ArrowError;

use super::builder::TooMuchText;
use super::findings::Findings;
use super::kind::ColumnKind;
use super::nested_builder::NestedBuilder;
use super::nested_layout::Layout;
use super::nested_stage::StagedRecord;
use super::nested_tree::{Node, Tree};
use super::scalar::Misfit;
use super::stage::BLOCK_RECORDS;
use crate::json::Token;

/// So many rows say how much room the others will take.
const SAMPLE: usize = BLOCK_RECORDS;

/// A column of a nested type.
#[derive(Debug)]
pub struct Nested {
    kind: ColumnKind,
    /// Made when it is needed: nearly all values are staged.
    layout: Option<Layout>,
    tree: Tree,
    held: Option<Node>,
    /// How many rows there are, and how many are expected.
    rows: usize,
    expected: usize,
    builder: NestedBuilder,
}

impl Nested {
    pub fn new(kind: &ColumnKind, rows: usize) -> Self {
        Self {
            kind: kind.clone(),
            layout: None,
            tree: Tree::default(),
            held: None,
            rows: 0,
            expected: rows,
            builder: NestedBuilder::new(kind, rows),
        }
    }

    /// Hold the value at `token` of `text` for the current row, which must not be null.
    ///
    /// # Errors
    /// If it does not fit; then nothing is held and nothing is in `findings` of it.
    pub fn hold(
        &mut self,
        token: Token,
        text: &str,
        findings: &mut Findings,
    ) -> Result<(), Misfit> {
        let mark = findings.mark();
        let layout = self.layout.get_or_insert_with(|| Layout::new(&self.kind));
        let fitted = self.tree.fit(&self.kind, layout, token, text, findings);
        self.held = Some(fitted.inspect_err(|_| findings.forget_since(mark))?);
        Ok(())
    }

    /// Append what is held, or null; nothing is held afterwards. `text` and `findings` are those given to [`Self::hold`].
    ///
    /// # Errors
    /// If a leaf can't take more text, or a list more elements.
    pub fn append(&mut self, text: &str, findings: &Findings) -> Result<(), TooMuchText> {
        let node = self.held.take().unwrap_or(Node::Null);
        self.count_row();
        self.builder.append(node, &self.tree.nodes, text, findings)
    }

    /// Append the value of a record that is staged.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_staged(&mut self, record: &StagedRecord<'_>) -> Result<(), TooMuchText> {
        self.count_row();
        self.builder.append_staged(0, record.rows(), record)
    }

    /// Another row is appended. What one takes is known when there have been some: then all get their room.
    #[inline(always)]
    fn count_row(&mut self) {
        if self.rows == SAMPLE && self.expected > 2 * SAMPLE {
            self.builder.reserve(self.expected / SAMPLE);
        }
        self.rows += 1;
    }

    pub fn finish(self) -> Result<ArrayRef, ArrowError> {
        self.builder.finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;

    use super::super::{ColumnKind, Findings, Misfit};
    use super::Nested;
    use crate::json::{Kind, Scanner, Scratch, Token};

    /// What a column of `kind` makes of `text`: its findings, and the places it leaves to the residue.
    fn hold(kind: &str, text: &str) -> Result<(Findings, Vec<(String, String)>), Misfit> {
        let token = Scanner::new(text, 99, false, &mut Scratch::default())
            .value(0)
            .unwrap();
        let mut column = Nested::new(&kind.parse().unwrap(), 1);
        let mut findings = Findings::new(false);
        column.hold(token, text, &mut findings)?;
        column.append(text, &findings).unwrap();
        assert_eq!(column.finish().unwrap().len(), 1);
        let places = findings
            .undeclared
            .iter()
            .map(|place| {
                (
                    findings.path_of(place).to_owned(),
                    place.value.of(text).to_owned(),
                )
            })
            .collect();
        Ok((findings, places))
    }

    fn places(kind: &str, text: &str) -> Vec<(String, String)> {
        hold(kind, text).unwrap().1
    }

    fn place(path: &str, value: &str) -> (String, String) {
        (path.to_owned(), value.to_owned())
    }

    /// Of structs in structs each key has a path; from a list or map on, the whole of it is kept once.
    #[test]
    fn undeclared_keys_keep_their_place() {
        let kind = "struct<a: struct<b: int64>, l: list<struct<x: int64>>, m: map<string, list<struct<x: json>>>>";
        assert_eq!(
            places(kind, r#"{"a":{"b":1,"c.d":2},"z":[],"l":[{"x":1}],"m":{}}"#),
            [place(r#"a."c.d""#, "2"), place("z", "[]")]
        );
        let text = r#"{"l":[{"x":1,"y":2},{"y":3}],"m":{"k":[{"x":{"y":1}}]}}"#;
        assert_eq!(
            places(kind, text),
            [place("l", r#"[{"x":1,"y":2},{"y":3}]"#)]
        );
        assert_eq!(hold(kind, text).unwrap().0.unknown_key, 2);
        assert_eq!(
            places("list<struct<x: int64>>", r#"[{"y":1}]"#),
            [place("", r#"[{"y":1}]"#)]
        );
    }

    /// Only the last value of a key counts, for what fits and for what is counted.
    #[test]
    fn last_of_repeated_keys_wins() {
        let kind = "struct<a: struct<b: int64>>";
        let text = r#"{"a":{"b":"no","x":1,"b":2,"x":1},"x":1,"\u0078":2,"a":{"b":3,"b":4},"x":5}"#;
        let (findings, places) = hold(kind, text).unwrap();
        assert_eq!((findings.duplicate_key, findings.unknown_key), (4, 1));
        assert_eq!(places, [place("x", "5")]);
        let (findings, _) = hold("map<string, int64>", r#"{"a":"no","b":1,"a":2}"#).unwrap();
        assert_eq!(findings.duplicate_key, 1);
    }

    /// One part that does not fit makes the whole value not fit, and nothing found in it counts.
    #[test]
    fn misfits_are_whole() {
        for (kind, text, misfit) in [
            ("list<int64>", "[1,2.5]", Misfit::TypeMismatch),
            ("list<int64>", "[9223372036854775808]", Misfit::OutOfRange),
            ("list<int64>", "{}", Misfit::TypeMismatch),
            ("struct<a: int64>", "[]", Misfit::TypeMismatch),
            (
                "struct<a: int64>",
                r#"{"x":1,"a":true}"#,
                Misfit::TypeMismatch,
            ),
            (
                "map<string, date>",
                r#"{"a":"2026-02-30"}"#,
                Misfit::TypeMismatch,
            ),
            ("list<list<string>>", r#"[["a"],"b"]"#, Misfit::TypeMismatch),
        ] {
            assert_eq!(hold(kind, text).err(), Some(misfit), "{kind} {text}");
        }
        let text = r#"{"x":1,"x":2,"a":true}"#;
        let mut findings = Findings::new(false);
        let mut column = Nested::new(&"struct<a: int64>".parse().unwrap(), 1);
        let token = Token::new(Kind::Object, 0, text.len());
        assert!(column.hold(token, text, &mut findings).is_err());
        assert!(findings.undeclared.is_empty() && column.held.is_none());
        assert_eq!((findings.duplicate_key, findings.unknown_key), (0, 0));
    }

    /// Nulls are null elements; a null value holds nothing.
    #[test]
    fn nulls_are_elements() {
        let kind: ColumnKind = "list<int64>".parse().unwrap();
        let mut column = Nested::new(&kind, 4);
        for text in ["[1,null]", "null", "[]", "[null]"] {
            let mut findings = Findings::new(false);
            let token = Scanner::new(text, 9, false, &mut Scratch::default())
                .value(0)
                .unwrap();
            if text != "null" {
                column.hold(token, text, &mut findings).unwrap();
            }
            column.append(text, &findings).unwrap();
        }
        let array = column.finish().unwrap();
        let lists = array.as_list::<i32>();
        let found: Vec<_> = lists
            .iter()
            .map(|list| {
                list.map(|list| list.as_primitive::<Int64Type>().iter().collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(
            found,
            [
                Some(vec![Some(1), None]),
                None,
                Some(vec![]),
                Some(vec![None])
            ]
        );
    }
}
