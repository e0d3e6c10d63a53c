//! TOML with positions, which Python's own parser does not keep.

use std::collections::HashMap;
use std::ops::Range;

use pyo3::prelude::*;
use serde_json::{Map, Number, Value as Json};
use toml_edit::{Array, Document, Item, Key, TableLike, Value};

use crate::error::TomlError;

type Position = (usize, usize);

/// TOML as a JSON object (dates as strings), and where each key stands.
#[pyfunction]
pub fn parse_toml(text: &str) -> PyResult<(String, HashMap<String, Position>)> {
    let lines = Lines::of(text);
    let fault = |fault: Fault| {
        let (line, column) = lines.position(fault.at);
        TomlError::new_err((fault.message, line, column))
    };
    let document = Document::parse(text).map_err(|error| {
        fault(Fault {
            message: error.message().to_owned(),
            at: error.span().map_or(0, |span| span.start),
        })
    })?;
    let mut walk = Walk::default();
    let json = walk.table(document.as_table(), "").map_err(fault)?;
    let positions = walk
        .starts
        .into_iter()
        .map(|(path, start)| (path, lines.position(start)))
        .collect();
    Ok((Json::Object(json).to_string(), positions))
}

/// A value that JSON does not have.
struct Fault {
    message: String,
    at: usize,
}

/// The document as JSON; on the way, the byte at which each key or array element starts.
#[derive(Default)]
struct Walk {
    starts: Vec<(String, usize)>,
}

impl Walk {
    fn table(&mut self, table: &dyn TableLike, path: &str) -> Result<Map<String, Json>, Fault> {
        let mut object = Map::new();
        for (name, item) in table.iter() {
            let path = join(path, &segment(name));
            let key = table.key(name).and_then(Key::span);
            self.starts
                .push((path.clone(), start(key.or_else(|| item.span()))));
            object.insert(name.to_owned(), self.item(item, &path)?);
        }
        Ok(object)
    }

    fn item(&mut self, item: &Item, path: &str) -> Result<Json, Fault> {
        match item {
            Item::None => Ok(Json::Null),
            Item::Value(value) => self.value(value, path),
            Item::Table(table) => self.table(table, path).map(Json::Object),
            Item::ArrayOfTables(tables) => {
                let mut list = Vec::new();
                for (index, table) in tables.iter().enumerate() {
                    let path = join(path, &index.to_string());
                    self.starts.push((path.clone(), start(table.span())));
                    list.push(Json::Object(self.table(table, &path)?));
                }
                Ok(Json::Array(list))
            }
        }
    }

    fn value(&mut self, value: &Value, path: &str) -> Result<Json, Fault> {
        match value {
            Value::String(text) => Ok(Json::String(text.value().clone())),
            Value::Integer(number) => Ok(Json::from(*number.value())),
            Value::Boolean(truth) => Ok(Json::Bool(*truth.value())),
            Value::Datetime(time) => Ok(Json::String(time.value().to_string())),
            Value::Float(number) => Number::from_f64(*number.value())
                .map(Json::Number)
                .ok_or_else(|| Fault {
                    message: format!(
                        "{path}: {} is not a number that can be used here",
                        number.value()
                    ),
                    at: start(number.span()),
                }),
            Value::Array(array) => self.array(array, path),
            Value::InlineTable(table) => self.table(table, path).map(Json::Object),
        }
    }

    fn array(&mut self, array: &Array, path: &str) -> Result<Json, Fault> {
        let mut list = Vec::new();
        for (index, value) in array.iter().enumerate() {
            let path = join(path, &index.to_string());
            self.starts.push((path.clone(), start(value.span())));
            list.push(self.value(value, &path)?);
        }
        Ok(Json::Array(list))
    }
}

fn start(span: Option<Range<usize>>) -> usize {
    span.map_or(0, |span| span.start)
}

fn join(path: &str, segment: &str) -> String {
    if path.is_empty() {
        segment.to_owned()
    } else {
        format!("{path}.{segment}")
    }
}

fn segment(name: &str) -> String {
    if name.contains('.') {
        format!("{name:?}")
    } else {
        name.to_owned()
    }
}

/// Where the lines of a text start.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self { text, starts }
    }

    /// Line and column of a byte, both from 1; the column in characters.
    fn position(&self, byte: usize) -> Position {
        let line = self.starts.partition_point(|&start| start <= byte);
        let start = self
            .starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or_default();
        let before = self
            .text
            .get(start..byte.min(self.text.len()))
            .unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}
