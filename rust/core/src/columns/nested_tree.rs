//! The value of a nested column as a small tree: read first, then judged.

use std::borrow::Cow;
use std::ops::Range;

use super::findings::Findings;
use super::kind::{ColumnKind, StructField};
use super::path::extend_path;
use super::scalar::{Misfit, Value, fit};
use crate::json::{self, Fault, Kind, Scanner, Scratch, Token};

/// One value, or its absence. What it contains is at `start` in the tree's nodes.
#[derive(Clone, Copy, Debug)]
pub enum Node {
    /// A field whose key was not there; of a map, an entry whose key comes again.
    Absent,
    Null,
    /// A scalar to be judged, or a value of another kind than its type.
    Unread(Token),
    Value(Value),
    List {
        start: usize,
        count: usize,
        token: Token,
    },
    /// A node per field.
    Struct {
        start: usize,
        /// How many earlier values its fields had.
        repeats: u64,
        /// Where its other members begin and end.
        unknown: (usize, usize),
    },
    /// `count` times a key and a value.
    Map {
        start: usize,
        count: usize,
        token: Token,
    },
}

/// A member that its struct has no field for.
#[derive(Clone, Copy, Debug)]
struct Member {
    key: Token,
    value: Token,
}

/// One value. Memory is kept from value to value.
#[derive(Debug, Default)]
pub struct Tree {
    pub nodes: Vec<Node>,
    unknown: Vec<Member>,
    /// Contents of the containers that are being read, inner ones last.
    open_nodes: Vec<Node>,
    open_unknown: Vec<Member>,
    /// Of the struct that is being judged, below the column's.
    path: String,
    order: Vec<usize>,
    scratch: Scratch,
}

impl Tree {
    /// Read and judge the value at `token`.
    pub fn fit(
        &mut self,
        kind: &ColumnKind,
        token: Token,
        text: &str,
        findings: &mut Findings,
    ) -> Result<Node, Misfit> {
        self.nodes.clear();
        self.unknown.clear();
        self.open_nodes.clear();
        self.open_unknown.clear();
        self.path.clear();
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut scanner = Scanner::resume(text, token.start as usize, &mut scratch);
        let read = self.read(kind, text, &mut scanner);
        self.scratch = scratch;
        // The record's text has been read to its end before, so there is no fault in this part of it.
        let node = read.map_err(|_| Misfit::TypeMismatch)?;
        self.judge(kind, node, text, findings, false)
    }

    fn read(
        &mut self,
        kind: &ColumnKind,
        text: &str,
        scanner: &mut Scanner<'_>,
    ) -> Result<Node, Fault> {
        let start = scanner.position();
        let mark = self.open_nodes.len();
        match (kind, scanner.peek()) {
            (ColumnKind::List(item), Some(b'[')) => {
                scanner.open(0)?;
                while scanner.next_member(self.open_nodes.len() == mark, b']')? {
                    let node = self.read(item, text, scanner)?;
                    self.open_nodes.push(node);
                }
                let token = Token::new(Kind::Array, start, scanner.position());
                let Range { start, end } = self.close(mark);
                let count = end - start;
                Ok(Node::List {
                    start,
                    count,
                    token,
                })
            }
            (ColumnKind::Map(value), Some(b'{')) => {
                scanner.open(0)?;
                while scanner.next_member(self.open_nodes.len() == mark, b'}')? {
                    let key = Value::String(scanner.key()?);
                    let node = self.read(value, text, scanner)?;
                    self.open_nodes.extend([Node::Value(key), node]);
                }
                let token = Token::new(Kind::Object, start, scanner.position());
                let Range { start, end } = self.close(mark);
                let count = (end - start) / 2;
                Ok(Node::Map {
                    start,
                    count,
                    token,
                })
            }
            (ColumnKind::Struct(fields), Some(b'{')) => self.read_struct(fields, text, scanner),
            _ => {
                let token = scanner.value(0)?;
                Ok(if token.kind == Kind::Null {
                    Node::Null
                } else {
                    Node::Unread(token)
                })
            }
        }
    }

    fn read_struct(
        &mut self,
        fields: &[StructField],
        text: &str,
        scanner: &mut Scanner<'_>,
    ) -> Result<Node, Fault> {
        scanner.open(0)?;
        let start = self.nodes.len();
        self.nodes.extend(fields.iter().map(|_| Node::Absent));
        let mark = self.open_unknown.len();
        let (mut first, mut next, mut repeats) = (true, 0, 0);
        while scanner.next_member(first, b'}')? {
            first = false;
            let key = scanner.key()?;
            let Some(field) = find(fields, next, &key_text(key, text)) else {
                let value = scanner.value(0)?;
                self.open_unknown.push(Member { key, value });
                continue;
            };
            next = field + 1;
            let node = self.read(&fields[field].kind, text, scanner)?;
            if !matches!(self.nodes[start + field], Node::Absent) {
                repeats += 1;
            }
            self.nodes[start + field] = node;
        }
        let unknown = self.unknown.len();
        self.unknown.extend(self.open_unknown.drain(mark..));
        Ok(Node::Struct {
            start,
            repeats,
            unknown: (unknown, self.unknown.len()),
        })
    }

    /// Move what is open since `mark` to where it stays, in one piece.
    fn close(&mut self, mark: usize) -> Range<usize> {
        let start = self.nodes.len();
        self.nodes.extend(self.open_nodes.drain(mark..));
        start..self.nodes.len()
    }

    /// `node` with all in it fitted to `kind`. `inside`: of a list or map.
    fn judge(
        &mut self,
        kind: &ColumnKind,
        node: Node,
        text: &str,
        findings: &mut Findings,
        inside: bool,
    ) -> Result<Node, Misfit> {
        let unknown_before = findings.unknown_key;
        match (kind, node) {
            (_, Node::Absent | Node::Null) => return Ok(node),
            (ColumnKind::Scalar(kind), Node::Unread(token)) => {
                return Ok(Node::Value(fit(*kind, token, text, findings)?));
            }
            (
                ColumnKind::Struct(fields),
                Node::Struct {
                    start,
                    repeats,
                    unknown,
                },
            ) => {
                findings.duplicate_key += repeats;
                for (field, index) in fields.iter().zip(start..) {
                    let above = self.path.len();
                    if !inside {
                        extend_path(&mut self.path, &field.name);
                    }
                    self.nodes[index] =
                        self.judge(&field.kind, self.nodes[index], text, findings, inside)?;
                    self.path.truncate(above);
                }
                self.note_unknown(unknown.0..unknown.1, text, findings, inside);
                return Ok(node);
            }
            (ColumnKind::List(item), Node::List { start, count, .. }) => {
                for index in start..start + count {
                    self.nodes[index] =
                        self.judge(item, self.nodes[index], text, findings, true)?;
                }
            }
            (ColumnKind::Map(value), Node::Map { start, count, .. }) => {
                self.drop_repeats(start, count, text, findings);
                for index in (start + 1..=start + 2 * count).step_by(2) {
                    self.nodes[index] =
                        self.judge(value, self.nodes[index], text, findings, true)?;
                }
            }
            _ => return Err(Misfit::TypeMismatch),
        }
        if let Node::List { token, .. } | Node::Map { token, .. } = node
            && !inside
            && findings.unknown_key > unknown_before
        {
            findings.note(&self.path, token);
        }
        Ok(node)
    }

    /// Count members without a field; note them, unless they are inside of what is noted whole.
    fn note_unknown(
        &mut self,
        members: Range<usize>,
        text: &str,
        findings: &mut Findings,
        inside: bool,
    ) {
        let unknown = &mut self.unknown[members];
        let key = |index: usize| key_text(unknown[index].key, text);
        let repeats = repeated(unknown.len(), &mut self.order, key);
        findings.duplicate_key += repeats.len() as u64;
        findings.unknown_key += (unknown.len() - repeats.len()) as u64;
        if inside {
            return;
        }
        for (index, member) in unknown.iter().enumerate() {
            if repeats.binary_search(&index).is_err() {
                let above = self.path.len();
                extend_path(&mut self.path, &key_text(member.key, text));
                findings.note(&self.path, member.value);
                self.path.truncate(above);
            }
        }
    }

    /// Make every entry of a map absent whose key comes again.
    fn drop_repeats(&mut self, start: usize, count: usize, text: &str, findings: &mut Findings) {
        let nodes = &self.nodes;
        let key = |index: usize| match nodes[start + 2 * index] {
            Node::Value(Value::String(key)) => key_text(key, text),
            _ => Cow::Borrowed(""),
        };
        let repeats = repeated(count, &mut self.order, key);
        findings.duplicate_key += repeats.len() as u64;
        for index in repeats {
            self.nodes[start + 2 * index] = Node::Absent;
            self.nodes[start + 2 * index + 1] = Node::Absent;
        }
    }
}

/// The field named `key`, most likely the one at `next`: producers keep the order of their keys.
fn find(fields: &[StructField], next: usize, key: &str) -> Option<usize> {
    let guess = fields.get(next).is_some_and(|field| field.name == key);
    if guess {
        return Some(next);
    }
    fields.iter().position(|field| field.name == key)
}

/// Which of `count` keys come again later, ascending. `order` is scratch memory.
fn repeated<'t>(
    count: usize,
    order: &mut Vec<usize>,
    key: impl Fn(usize) -> Cow<'t, str>,
) -> Vec<usize> {
    if count < 2 {
        return Vec::new();
    }
    order.clear();
    order.extend(0..count);
    order.sort_unstable_by(|&a, &b| (key(a), a).cmp(&(key(b), b)));
    let mut found: Vec<usize> = order
        .windows(2)
        .filter(|pair| key(pair[0]) == key(pair[1]))
        .map(|pair| pair[0])
        .collect();
    found.sort_unstable();
    found
}

fn key_text(key: Token, text: &str) -> Cow<'_, str> {
    if key.kind != (Kind::String { escaped: true }) {
        return Cow::Borrowed(key.inside(text));
    }
    let mut plain = String::new();
    // Writing to a String can't fail.
    let _: std::fmt::Result = json::unescape(key.inside(text), &mut plain);
    Cow::Owned(plain)
}
