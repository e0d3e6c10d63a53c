//! The decoding rules once more, slow and plain: what one record value must become.
//!
//! `serde_json` tells what is JSON, takes values apart and reads strings and floats; `fault` says where a text breaks
//! and must agree with it on whether it does. The rules of `tests/decode/reference.py`, and nested types and `coerce`.

mod fault;
mod nested;
mod number;
mod scalar;
mod text;
mod value;

use penstock_core::columns::{ColumnKind, ScalarKind};
use penstock_core::decode::{DecodeConfig, Drift, InvalidText, RejectionCode};

use crate::cell::Cell;
use fault::Fault;
use nested::Beside;
use scalar::Misfit;
use text::Text;
use value::{Kind, Value};

/// What must become of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Row(Row),
    Rejected {
        code: RejectionCode,
        position: usize,
    },
}

/// A record that is a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// By column.
    pub cells: Vec<Cell>,
    /// By column: null because of a value that is there and does not fit.
    pub drifted: Vec<bool>,
    pub residue: Option<String>,
    pub drift: Drift,
}

/// One key on the way to a column, or the record.
#[derive(Debug, Default)]
struct Node {
    key: String,
    /// As the residue writes it.
    path: String,
    column: Option<usize>,
    children: Vec<Node>,
    kept_as_json: bool,
}

/// A decoder of one value at a time.
#[derive(Debug)]
pub struct Reference<'c> {
    config: &'c DecodeConfig,
    kinds: Vec<ColumnKind>,
    root: Node,
}

impl<'c> Reference<'c> {
    /// # Panics
    /// If a column has a type that is none.
    pub fn new(config: &'c DecodeConfig) -> Self {
        let kind = |text: &String| text.parse().expect("a type");
        let kinds: Vec<ColumnKind> = config
            .columns
            .iter()
            .map(|column| kind(&column.kind))
            .collect();
        let mut root = Node::default();
        for (number, column) in config.columns.iter().enumerate() {
            let node = column.path.iter().fold(&mut root, Node::child);
            node.column = Some(number);
        }
        root.mark_json(false, &kinds);
        Self {
            config,
            kinds,
            root,
        }
    }

    /// What `value` must become.
    pub fn decode(&self, value: &[u8]) -> Outcome {
        let rejected = |code, position| Outcome::Rejected { code, position };
        let max_bytes = self.config.decode.max_bytes;
        if value.is_empty() {
            return rejected(RejectionCode::EmptyValue, 0);
        }
        if value.len() > max_bytes {
            return rejected(RejectionCode::TooLarge, max_bytes);
        }
        let text = Text::new(value);
        if let (InvalidText::Reject, Some(&first)) =
            (self.config.decode.invalid_text, text.invalid.first())
        {
            return rejected(RejectionCode::InvalidUtf8, first);
        }
        match self.row(&text) {
            Ok(row) => Outcome::Row(row),
            Err(fault) => rejected(fault.code, text.origin(fault.at)),
        }
    }

    fn row(&self, text: &Text) -> Result<Row, Fault> {
        let options = self.config.decode;
        let replace = options.invalid_text == InvalidText::Replace;
        let lone_surrogates = match fault::find(&text.text, options.max_depth, replace) {
            Err(fault) if fault.code == RejectionCode::InvalidJson => {
                let value = Value::read(&text.text);
                assert!(
                    value.is_none(),
                    "serde_json accepts what breaks at {fault:?}: {:?}",
                    text.text
                );
                return Err(fault);
            }
            found => found?,
        };
        let mut replaced = text.text.clone();
        for &escape in &lone_surrogates {
            replaced.replace_range(escape..escape + 6, r"\ufffd");
        }
        let record = Value::read(&replaced);
        let record = record.unwrap_or_else(|| panic!("serde_json refuses {replaced:?}"));
        if record.kind != Kind::Object {
            return Err(Fault::new(RejectionCode::NotAnObject, record.start));
        }
        let mut found = Found::new(self);
        found.drift.replaced_text = (text.invalid.len() + lone_surrogates.len()) as u64;
        found.enter(&self.root, &record);
        for (number, column) in self.config.columns.iter().enumerate() {
            if column.required && found.cells[number] == Cell::Null {
                let innermost = innermost(&self.root, &record, &column.path).1;
                return Err(Fault::new(RejectionCode::MissingRequired, innermost.start));
            }
        }
        let residue = if options.residue {
            found.residue(options.max_bytes)?
        } else {
            None
        };
        let drifted = (0..self.kinds.len()).map(|number| self.has_drifted(number, &record, &found));
        Ok(Row {
            drifted: drifted.collect(),
            cells: found.cells,
            residue,
            drift: found.drift,
        })
    }

    /// Whether the column is null because of a value at its path, or on the way to it.
    fn has_drifted(&self, number: usize, record: &Value<'_>, found: &Found<'_, '_, '_>) -> bool {
        if found.cells[number] != Cell::Null {
            return false;
        }
        let (node, value) = innermost(&self.root, record, &self.config.columns[number].path);
        match value.kind {
            Kind::Null => false,
            _ if node.column == Some(number) => true,
            kind => kind != Kind::Object && !node.kept_as_json,
        }
    }
}

/// The last value that is there on `path`, with its node.
fn innermost<'n, 'v, 't>(
    root: &'n Node,
    record: &'v Value<'t>,
    path: &[String],
) -> (&'n Node, &'v Value<'t>) {
    let mut place = (root, record);
    for key in path {
        let (node, value) = place;
        let member = value
            .last_members()
            .0
            .into_iter()
            .find(|(other, _)| other == key);
        let child = node.children.iter().find(|child| child.key == *key);
        match (child, member) {
            (Some(child), Some((_, member))) => place = (child, member),
            _ => break,
        }
    }
    place
}

impl Node {
    fn child(&mut self, key: &String) -> &mut Self {
        let index = self.children.iter().position(|child| child.key == *key);
        let index = index.unwrap_or_else(|| {
            self.children.push(Self {
                key: key.clone(),
                path: extended(&self.path, key),
                ..Self::default()
            });
            self.children.len() - 1
        });
        &mut self.children[index]
    }

    /// Whatever a `json` column keeps whole has nothing undeclared inside.
    fn mark_json(&mut self, above: bool, kinds: &[ColumnKind]) {
        let json = ColumnKind::Scalar(ScalarKind::Json);
        self.kept_as_json = above || self.column.is_some_and(|number| kinds[number] == json);
        for child in &mut self.children {
            child.mark_json(self.kept_as_json, kinds);
        }
    }
}

/// What one record holds.
struct Found<'r, 'v, 't> {
    reference: &'r Reference<'r>,
    cells: Vec<Cell>,
    leftovers: Vec<(String, &'v Value<'t>)>,
    drift: Drift,
}

impl<'r, 'v, 't> Found<'r, 'v, 't> {
    fn new(reference: &'r Reference<'r>) -> Self {
        Self {
            reference,
            cells: vec![Cell::Null; reference.kinds.len()],
            leftovers: Vec::new(),
            drift: Drift::default(),
        }
    }

    /// Take an object's members apart. Inside a value kept as JSON, only declared keys are looked at.
    fn enter(&mut self, node: &Node, object: &'v Value<'t>) {
        let child = |key: &str| node.children.iter().find(|child| child.key == key);
        let looked_at = object
            .members
            .iter()
            .filter(|(key, _)| !node.kept_as_json || child(key).is_some());
        let mut counted = 0;
        let looked_at_count = looked_at.count() as u64;
        for (key, value) in object.last_members().0 {
            match child(key) {
                Some(child) => {
                    counted += 1;
                    self.place(child, value);
                }
                None if node.kept_as_json => {}
                None => {
                    counted += 1;
                    self.drift.unknown_key += 1;
                    self.leftovers.push((extended(&node.path, key), value));
                }
            }
        }
        self.drift.duplicate_key += looked_at_count - counted;
    }

    fn place(&mut self, node: &Node, value: &'v Value<'t>) {
        if let Some(number) = node.column {
            let coerce = self.reference.config.decode.coerce;
            match nested::fit(&self.reference.kinds[number], value, coerce) {
                Ok((cell, Beside { drift, places })) => {
                    self.cells[number] = cell;
                    self.drift += drift;
                    let places = places.into_iter();
                    self.leftovers.extend(places.map(|(below, value)| {
                        let dot = if below.is_empty() { "" } else { "." };
                        (format!("{}{dot}{below}", node.path), value)
                    }));
                }
                Err(misfit) => self.leave(node, value, misfit),
            }
        } else if !matches!(value.kind, Kind::Object | Kind::Null) && !node.kept_as_json {
            self.leave(node, value, Misfit::TypeMismatch);
        }
        if value.kind == Kind::Object && !node.children.is_empty() {
            self.enter(node, value);
        }
    }

    fn leave(&mut self, node: &Node, value: &'v Value<'t>, misfit: Misfit) {
        match misfit {
            Misfit::TypeMismatch => self.drift.type_mismatch += 1,
            Misfit::OutOfRange => self.drift.out_of_range += 1,
        }
        self.leftovers.push((node.path.clone(), value));
    }

    /// The residue's text; a fault if it reaches `max_bytes`, its closing brace not counted.
    fn residue(&mut self, max_bytes: usize) -> Result<Option<String>, Fault> {
        self.leftovers.sort_by_key(|(_, value)| value.start);
        let mut text = String::new();
        for (path, value) in &self.leftovers {
            text += if text.is_empty() { "{" } else { "," };
            text += &format!("\"{}\":{}", escaped(path), value.text);
            if text.len() >= max_bytes {
                return Err(Fault::new(RejectionCode::TooLarge, value.start));
            }
        }
        Ok((!text.is_empty()).then(|| text + "}"))
    }
}

/// `path` one key further, as the residue writes it.
fn extended(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && !key.contains(['.', '"']);
    let written = if plain {
        key.to_owned()
    } else {
        format!("\"{}\"", key.replace('\\', r"\\").replace('"', "\\\""))
    };
    if path.is_empty() {
        written
    } else {
        format!("{path}.{written}")
    }
}

fn escaped(path: &str) -> String {
    let mut text = String::new();
    for character in path.chars() {
        match character {
            '\0'..' ' => text += &format!("\\u{:04x}", character as u32),
            '"' | '\\' => text.extend(['\\', character]),
            _ => text.push(character),
        }
    }
    text
}
