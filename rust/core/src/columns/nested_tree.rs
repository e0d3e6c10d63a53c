//! The value of a nested column as a small tree: read first (`nested_read`), then judged.

use std::borrow::Cow;
use std::ops::Range;

use super::findings::Findings;
use super::kind::ColumnKind;
use super::nested_layout::Layout;
use super::nested_read::read;
use super::path::extend_path;
use super::scalar::{Misfit, Value, fit};
use crate::json::{self, Kind, Scanner, Scratch, Token};

/// One value, or its absence. What it contains is at `start` in the tree's nodes. 16 bytes: there is one for each field
/// of each struct, whether its key is there or not.
#[derive(Clone, Copy, Debug)]
pub enum Node {
    /// A field whose key was not there; of a map, an entry whose key comes again.
    Absent,
    Null,
    /// A value that does not fit as it is, to be judged.
    Unread(Token),
    /// A scalar that fits.
    Value(Value),
    List {
        start: u32,
        count: u32,
        /// Which of the tree's `written`.
        written: u32,
    },
    /// A node per field.
    Struct {
        start: u32,
        /// Which of the tree's `oddities`; [`NONE`] if it has none.
        oddity: u32,
    },
    /// `count` times a key and a value.
    Map {
        start: u32,
        count: u32,
        /// Which of the tree's `written`.
        written: u32,
    },
}

const _: () = assert!(size_of::<Node>() == 16);

/// No oddity.
pub const NONE: u32 = u32::MAX;

/// What a struct's value holds beside its fields.
#[derive(Clone, Copy, Debug)]
pub struct Oddity {
    /// How many earlier values its fields had.
    pub repeats: u64,
    /// Where its other members begin and end.
    pub unknown: (usize, usize),
}

/// A member that its struct has no field for.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub key: Token,
    pub value: Token,
}

/// One value. Memory is kept from value to value.
#[derive(Debug, Default)]
pub struct Tree {
    pub nodes: Vec<Node>,
    /// Where lists and maps are.
    pub written: Vec<Token>,
    pub oddities: Vec<Oddity>,
    pub unknown: Vec<Member>,
    /// Contents of the containers that are being read, inner ones last.
    pub open_nodes: Vec<Node>,
    pub open_unknown: Vec<Member>,
    /// All of it fits, without anything to be counted.
    pub judged: bool,
    /// Of the struct that is being judged, below the column's.
    path: String,
    order: Vec<usize>,
    scratch: Scratch,
}

impl Tree {
    /// Read and judge the value at `token`; `layout` is that of `kind`.
    pub fn fit(
        &mut self,
        kind: &ColumnKind,
        layout: &Layout,
        token: Token,
        text: &str,
        findings: &mut Findings,
    ) -> Result<Node, Misfit> {
        self.nodes.clear();
        self.written.clear();
        self.oddities.clear();
        self.unknown.clear();
        self.open_nodes.clear();
        self.open_unknown.clear();
        self.path.clear();
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut scanner = Scanner::resume(text, token.start as usize, &mut scratch);
        self.judged = true;
        let read = read(self, layout, text, findings, &mut scanner);
        self.scratch = scratch;
        let node = read?;
        if !self.judged {
            self.judge(kind, node, text, findings, false)?;
        }
        Ok(node)
    }

    /// Fit all that is in `node` to `kind`, which is no scalar. `inside`: of a list or map.
    fn judge(
        &mut self,
        kind: &ColumnKind,
        node: Node,
        text: &str,
        findings: &mut Findings,
        inside: bool,
    ) -> Result<(), Misfit> {
        let unknown_before = findings.unknown_key;
        let written = match (kind, node) {
            (_, Node::Absent | Node::Null) => return Ok(()),
            (ColumnKind::Struct(fields), Node::Struct { start, oddity }) => {
                let oddity = self.oddities.get(oddity as usize).copied();
                findings.duplicate_key += oddity.map_or(0, |oddity| oddity.repeats);
                for (field, index) in fields.iter().zip(start as usize..) {
                    if inside || matches!(field.kind, ColumnKind::Scalar(_)) {
                        self.judge_at(index, &field.kind, text, findings, inside)?;
                        continue;
                    }
                    let above = self.path.len();
                    extend_path(&mut self.path, &field.name);
                    self.judge_at(index, &field.kind, text, findings, inside)?;
                    self.path.truncate(above);
                }
                if let Some(Oddity { unknown, .. }) = oddity {
                    self.note_unknown(unknown.0..unknown.1, text, findings, inside);
                }
                return Ok(());
            }
            (
                ColumnKind::List(item),
                Node::List {
                    start,
                    count,
                    written,
                },
            ) => {
                let start = start as usize;
                for index in start..start + count as usize {
                    self.judge_at(index, item, text, findings, true)?;
                }
                written
            }
            (
                ColumnKind::Map(value),
                Node::Map {
                    start,
                    count,
                    written,
                },
            ) => {
                let (start, count) = (start as usize, count as usize);
                self.drop_repeats(start, count, text, findings);
                for index in (start + 1..=start + 2 * count).step_by(2) {
                    self.judge_at(index, value, text, findings, true)?;
                }
                written
            }
            _ => return Err(Misfit::TypeMismatch),
        };
        if !inside && findings.unknown_key > unknown_before {
            findings.note(&self.path, self.written[written as usize]);
        }
        Ok(())
    }

    /// Fit the node at `index`, which becomes a value if it is a scalar.
    #[inline(always)]
    fn judge_at(
        &mut self,
        index: usize,
        kind: &ColumnKind,
        text: &str,
        findings: &mut Findings,
        inside: bool,
    ) -> Result<(), Misfit> {
        match (kind, self.nodes[index]) {
            (_, Node::Absent | Node::Null | Node::Value(_)) => Ok(()),
            (ColumnKind::Scalar(kind), Node::Unread(token)) => {
                self.nodes[index] = Node::Value(fit(*kind, token, text, findings)?);
                Ok(())
            }
            (kind, node) => self.judge(kind, node, text, findings, inside),
        }
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

/// What a key's token stands for.
pub fn key_text(key: Token, text: &str) -> Cow<'_, str> {
    if key.kind != (Kind::String { escaped: true }) {
        return Cow::Borrowed(key.inside(text));
    }
    let mut plain = String::new();
    // Writing to a String can't fail.
    let _: std::fmt::Result = json::unescape(key.inside(text), &mut plain);
    Cow::Owned(plain)
}
