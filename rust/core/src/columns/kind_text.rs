//! How types are written: `decimal(10, 2)`, `list<struct<name: string, "key.with dots": map<string, int64>>>`.
//!
//! A field's name is written as it is if it consists of letters, digits, `_`, `-`, `.`, `$`, `@` and `/`, else as a
//! JSON string. White space between words does not matter.

use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use arrow_schema::{DECIMAL128_MAX_PRECISION, TimeUnit};
use thiserror::Error;

use super::kind::{BinaryText, ColumnKind, ScalarKind, StructField};
use crate::json::write_string;

/// Most lists, structs and maps in each other.
pub const DEEPEST_KIND: usize = 16;

/// Why a type can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KindError {
    /// It does not exist.
    #[error(
        "`{0}` is not a type; there are bool, int64, float64, string, json, date, decimal(precision, scale), \
         timestamp[s|ms|us|ns, UTC], binary[base64|hex], list<T>, struct<a: T, b: U>, map<string, T>"
    )]
    Unknown(String),
    /// A decimal's numbers are impossible.
    #[error("`{0}` needs a precision from 1 to 38 and a scale from 0 to the precision")]
    DecimalBounds(String),
    /// A nested type's brackets, commas or colons are wrong.
    #[error("at `{at}`: expected {expected}")]
    Syntax {
        /// What follows there.
        at: String,
        /// What should.
        expected: &'static str,
    },
    /// A struct's field is there twice.
    #[error("the field `{0}` is there twice")]
    FieldTwice(String),
    /// Too many types in each other.
    #[error("more than {DEEPEST_KIND} lists, structs and maps in each other; use json inside")]
    TooDeep,
}

impl FromStr for ColumnKind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        let mut parser = Parser { rest: text };
        let kind = parser.kind(0)?;
        if parser.skip_space().is_empty() {
            Ok(kind)
        } else {
            Err(parser.expected("the end of the type"))
        }
    }
}

/// Takes words from the front of `rest`.
struct Parser<'t> {
    rest: &'t str,
}

impl<'t> Parser<'t> {
    /// One type inside `depth` others.
    fn kind(&mut self, depth: usize) -> Result<ColumnKind, KindError> {
        let text = self.skip_space();
        let word = self.word();
        if !self.take("<") {
            return scalar(self.parameters(text)).map(ColumnKind::Scalar);
        }
        if depth >= DEEPEST_KIND {
            return Err(KindError::TooDeep);
        }
        let kind = match word {
            "list" => ColumnKind::List(Box::new(self.kind(depth + 1)?)),
            "struct" => ColumnKind::Struct(self.fields(depth + 1)?),
            "map" => {
                self.skip_space();
                if self.word() != "string" || !self.take(",") {
                    return Err(self.expected("`string,`: a map's keys are strings"));
                }
                ColumnKind::Map(Box::new(self.kind(depth + 1)?))
            }
            _ => return Err(KindError::Unknown(text.to_owned())),
        };
        if self.take(">") {
            Ok(kind)
        } else {
            Err(self.expected("`>`"))
        }
    }

    fn fields(&mut self, depth: usize) -> Result<Vec<StructField>, KindError> {
        let mut fields = Vec::new();
        let mut names = HashSet::new();
        loop {
            let name = self.field_name()?;
            if !self.take(":") {
                return Err(self.expected("`:` and a type after a field's name"));
            }
            if !names.insert(name.clone()) {
                return Err(KindError::FieldTwice(name));
            }
            let kind = self.kind(depth)?;
            fields.push(StructField { name, kind });
            if !self.take(",") {
                return Ok(fields);
            }
        }
    }

    fn field_name(&mut self) -> Result<String, KindError> {
        let text = self.skip_space();
        let name = if text.starts_with('"') {
            let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
            let name = values.next().and_then(Result::ok);
            self.rest = text.get(values.byte_offset()..).unwrap_or_default();
            name.unwrap_or_default()
        } else {
            let end = text.find(|c| !is_plain(c)).unwrap_or(text.len());
            self.rest = &text[end..];
            text[..end].to_owned()
        };
        if name.is_empty() {
            self.rest = text;
            return Err(self.expected("a field's name"));
        }
        Ok(name)
    }

    fn skip_space(&mut self) -> &'t str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    fn word(&mut self) -> &'t str {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// The scalar type that `text` begins with, its parameters included; its word has been taken.
    fn parameters(&mut self, text: &'t str) -> &'t str {
        let rest = self.skip_space();
        let close = match rest.bytes().next() {
            Some(b'(') => rest.find(')'),
            Some(b'[') => rest.find(']'),
            _ => None,
        };
        self.rest = close.map_or(rest, |close| &rest[close + 1..]);
        text[..text.len() - self.rest.len()].trim_end()
    }

    fn take(&mut self, mark: &str) -> bool {
        let rest = self.skip_space().strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expected(&self, expected: &'static str) -> KindError {
        KindError::Syntax {
            at: self.rest.to_owned(),
            expected,
        }
    }
}

fn scalar(text: &str) -> Result<ScalarKind, KindError> {
    let compact: String = text.split_ascii_whitespace().collect();
    if let Some((precision, scale)) = compact
        .strip_prefix("decimal(")
        .and_then(|rest| rest.strip_suffix(')'))
        .and_then(|numbers| numbers.split_once(','))
    {
        return decimal(precision, scale).ok_or_else(|| KindError::DecimalBounds(text.to_owned()));
    }
    match compact.as_str() {
        "bool" => Ok(ScalarKind::Bool),
        "int64" => Ok(ScalarKind::Int64),
        "float64" => Ok(ScalarKind::Float64),
        "string" => Ok(ScalarKind::String),
        "json" => Ok(ScalarKind::Json),
        "date" => Ok(ScalarKind::Date),
        "timestamp[s,UTC]" => Ok(ScalarKind::Timestamp(TimeUnit::Second)),
        "timestamp[ms,UTC]" => Ok(ScalarKind::Timestamp(TimeUnit::Millisecond)),
        "timestamp[us,UTC]" => Ok(ScalarKind::Timestamp(TimeUnit::Microsecond)),
        "timestamp[ns,UTC]" => Ok(ScalarKind::Timestamp(TimeUnit::Nanosecond)),
        "binary[base64]" => Ok(ScalarKind::Binary(BinaryText::Base64)),
        "binary[hex]" => Ok(ScalarKind::Binary(BinaryText::Hex)),
        _ => Err(KindError::Unknown(text.to_owned())),
    }
}

fn decimal(precision: &str, scale: &str) -> Option<ScalarKind> {
    let (precision, scale) = (precision.parse().ok()?, scale.parse().ok()?);
    let possible = (1..=DECIMAL128_MAX_PRECISION).contains(&precision) && scale <= precision;
    possible.then_some(ScalarKind::Decimal { precision, scale })
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_-.$@/".contains(character)
}

impl Display for ScalarKind {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => formatter.write_str("bool"),
            Self::Int64 => formatter.write_str("int64"),
            Self::Float64 => formatter.write_str("float64"),
            Self::String => formatter.write_str("string"),
            Self::Json => formatter.write_str("json"),
            Self::Date => formatter.write_str("date"),
            Self::Decimal { precision, scale } => {
                write!(formatter, "decimal({precision}, {scale})")
            }
            Self::Timestamp(unit) => {
                let unit = match unit {
                    TimeUnit::Second => "s",
                    TimeUnit::Millisecond => "ms",
                    TimeUnit::Microsecond => "us",
                    TimeUnit::Nanosecond => "ns",
                };
                write!(formatter, "timestamp[{unit}, UTC]")
            }
            Self::Binary(BinaryText::Base64) => formatter.write_str("binary[base64]"),
            Self::Binary(BinaryText::Hex) => formatter.write_str("binary[hex]"),
        }
    }
}

impl Display for ColumnKind {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(kind) => kind.fmt(formatter),
            Self::List(item) => write!(formatter, "list<{item}>"),
            Self::Map(value) => write!(formatter, "map<string, {value}>"),
            Self::Struct(fields) => {
                for (index, field) in fields.iter().enumerate() {
                    formatter.write_str(if index == 0 { "struct<" } else { ", " })?;
                    write!(formatter, "{field}")?;
                }
                formatter.write_str(">")
            }
        }
    }
}

impl Display for StructField {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.name.chars().all(is_plain) {
            return write!(formatter, "{}: {}", self.name, self.kind);
        }
        let mut name = String::new();
        write_string(&self.name, &mut name);
        write!(formatter, "{name}: {}", self.kind)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{ColumnKind, DEEPEST_KIND, KindError};

    fn parse(text: &str) -> Result<ColumnKind, KindError> {
        text.parse()
    }

    /// Every type is written in one way, however it was spelt.
    #[test]
    fn types_are_written_in_one_way() {
        for text in [
            "bool",
            "decimal(10, 2)",
            "timestamp[ns, UTC]",
            "list<binary[hex]>",
            "map<string, list<date>>",
            r#"struct<a: int64, gen_ai.usage: json, "b c": struct<d: decimal(38, 0), "\"<é": string>>"#,
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        let spelt = " struct < a :list< int64 > , \"b\" :map<string,decimal( 1 ,1)>>  ";
        assert_eq!(
            parse(spelt).unwrap().to_string(),
            "struct<a: list<int64>, b: map<string, decimal(1, 1)>>"
        );
    }

    /// What is not a type is refused, and the part that is wrong is named.
    #[test]
    fn wrong_parts_are_named() {
        for (text, problem) in [
            ("list", "`list` is not a type"),
            ("list<strng>", "`strng` is not a type"),
            ("list<int64", "at ``: expected `>`"),
            ("list<int64>>", "at `>`: expected the end"),
            ("struct<>", "at `>`: expected a field's name"),
            ("struct<a>", "at `>`: expected `:`"),
            ("struct<a: int64,>", "at `>`: expected a field's name"),
            ("struct<\"\": int64>", "expected a field's name"),
            ("struct<a: int64, a: date>", "the field `a` is there twice"),
            ("map<int64, string>", "a map's keys are strings"),
            ("array<int64>", "`array<int64>` is not a type"),
            ("list<decimal(40, 2)>", "`decimal(40, 2)` needs a precision"),
            ("int64[3]", "`int64[3]` is not a type"),
            ("", "`` is not a type"),
        ] {
            let found = parse(text).unwrap_err().to_string();
            assert!(found.contains(problem), "{text}: {found}");
        }
    }

    /// Depth is bounded, so that types may be followed by recursion.
    #[test]
    fn depth_is_bounded() {
        let nested = |depth| format!("{}int64{}", "list<".repeat(depth), ">".repeat(depth));
        assert!(parse(&nested(DEEPEST_KIND)).is_ok());
        assert_eq!(parse(&nested(DEEPEST_KIND + 1)), Err(KindError::TooDeep));
        assert_eq!(parse(&nested(100_000)), Err(KindError::TooDeep));
    }
}
