//! Reads the value of a nested column into a tree: one loop over all it nests, so that it is a kernel.

use super::findings::Findings;
use super::kind::ScalarKind;
use super::nested_layout::Layout;
use super::nested_tree::{Member, NONE, Node, Oddity, Tree, key_text};
use super::scalar::{Misfit, Value, exact};
use crate::json::{Cursor, Digest, Fault, Keys, Kind, Scanner, Token};
use crate::simd::{Backend, Isa, Kernel};

/// Read the value of `layout` at the cursor of `scanner` into `tree`. The record's text has been read to its end before, so
/// there is no fault in this part of it.
///
/// # Errors
/// If it has more parts than can be numbered.
pub fn read<'t>(
    tree: &mut Tree,
    layout: &Layout,
    text: &'t str,
    findings: &mut Findings,
    scanner: &mut Scanner<'t>,
) -> Result<Node, Misfit> {
    Isa::detect().run(Read {
        tree,
        layout,
        text,
        findings,
        scanner,
    })
}

struct Read<'a, 's, 't> {
    tree: &'a mut Tree,
    layout: &'a Layout,
    text: &'t str,
    findings: &'a mut Findings,
    scanner: &'s mut Scanner<'t>,
}

/// A container that is being read.
enum Open<'k> {
    List {
        item: &'k Layout,
        /// Where it begins in the text, and its elements in [`Tree::open_nodes`].
        text_start: usize,
        mark: usize,
    },
    Map {
        value: &'k Layout,
        /// The same.
        text_start: usize,
        mark: usize,
    },
    Struct {
        fields: &'k [Layout],
        keys: &'k Keys,
        /// Its nodes in [`Tree::nodes`], and its other members in [`Tree::open_unknown`].
        start: usize,
        mark: usize,
        /// The field whose value is read.
        field: usize,
        repeats: u64,
    },
}

/// What a value begins as.
enum Begun<'k> {
    Open(Open<'k>),
    Read(Node),
}

/// What follows in a container.
enum Step<'k> {
    /// A value of that layout.
    Value(&'k Layout),
    /// Its end.
    Closed(Node),
}

/// There is no fault: see [`read`].
impl From<Fault> for Misfit {
    fn from(_: Fault) -> Self {
        Self::TypeMismatch
    }
}

impl Kernel for Read<'_, '_, '_> {
    type Output = Result<Node, Misfit>;

    #[inline(always)]
    fn run<B: Backend>(self) -> Self::Output {
        let mut reader = Reader {
            tree: self.tree,
            text: self.text,
            findings: self.findings,
            cursor: Cursor::new(self.scanner),
        };
        let mut layout = self.layout;
        let mut open: Vec<Open<'_>> = Vec::with_capacity(8);
        loop {
            let mut done = match reader.begin::<B>(layout)? {
                Begun::Open(container) => {
                    open.push(container);
                    None
                }
                Begun::Read(node) => Some(node),
            };
            layout = loop {
                let Some(around) = open.last_mut() else {
                    return Ok(done.unwrap_or(Node::Null));
                };
                match reader.go_on::<B>(around, done)? {
                    Step::Value(layout) => break layout,
                    Step::Closed(node) => done = Some(node),
                }
                open.pop();
            };
        }
    }
}

/// What the loop works with.
struct Reader<'a, 's, 't> {
    tree: &'a mut Tree,
    text: &'t str,
    findings: &'a mut Findings,
    cursor: Cursor<'s, 't>,
}

impl Reader<'_, '_, '_> {
    /// Read the value at the cursor, or, if it is a container of `layout`, what opens it.
    #[inline(always)]
    fn begin<'k, B: Backend>(&mut self, layout: &'k Layout) -> Result<Begun<'k>, Misfit> {
        let (tree, text_start) = (&mut *self.tree, self.cursor.position());
        let open = match (layout, self.cursor.peek()) {
            (Layout::List(item), Some(b'[')) => Open::List {
                item,
                text_start,
                mark: tree.open_nodes.len(),
            },
            (Layout::Map(value), Some(b'{')) => Open::Map {
                value,
                text_start,
                mark: tree.open_nodes.len(),
            },
            (Layout::Struct { fields, keys }, Some(b'{')) => {
                let start = tree.nodes.len();
                tree.nodes.resize(start + fields.len(), Node::Absent);
                Open::Struct {
                    fields,
                    keys,
                    start,
                    mark: tree.open_unknown.len(),
                    field: 0,
                    repeats: 0,
                }
            }
            _ => {
                let token = self.cursor.value::<B>(0)?;
                return Ok(Begun::Read(if token.kind == Kind::Null {
                    Node::Null
                } else {
                    tree.scalar(layout, token, self.text, self.findings)
                }));
            }
        };
        self.cursor.open(0)?;
        Ok(Begun::Open(open))
    }

    /// Put `done`, which is none right behind what opens `around`, into it, and go to what follows.
    #[inline(always)]
    fn go_on<'k, B: Backend>(
        &mut self,
        around: &mut Open<'k>,
        done: Option<Node>,
    ) -> Result<Step<'k>, Misfit> {
        let (tree, cursor) = (&mut *self.tree, &mut self.cursor);
        let first = done.is_none();
        match around {
            Open::List {
                item,
                text_start,
                mark,
            } => {
                tree.open_nodes.extend(done);
                if cursor.next_member(first, b']')? {
                    return Ok(Step::Value(item));
                }
                let token = Token::new(Kind::Array, *text_start, cursor.position());
                let (start, count, written) = tree.close(*mark, token)?;
                Ok(Step::Closed(Node::List {
                    start,
                    count,
                    written,
                }))
            }
            Open::Map {
                value,
                text_start,
                mark,
            } => {
                tree.open_nodes.extend(done);
                if cursor.next_member(first, b'}')? {
                    let key = Value::String(cursor.key::<B>()?);
                    tree.open_nodes.push(Node::Value(key));
                    return Ok(Step::Value(value));
                }
                let token = Token::new(Kind::Object, *text_start, cursor.position());
                let (start, count, written) = tree.close(*mark, token)?;
                let count = count / 2;
                // Its keys may repeat.
                tree.judged &= count < 2;
                Ok(Step::Closed(Node::Map {
                    start,
                    count,
                    written,
                }))
            }
            Open::Struct {
                fields,
                keys,
                start,
                mark,
                field,
                repeats,
            } => {
                if let Some(node) = done {
                    let place = &mut tree.nodes[*start + *field];
                    *repeats += u64::from(!matches!(place, Node::Absent));
                    *place = node;
                }
                let mut first = first;
                while cursor.next_member(first, b'}')? {
                    first = false;
                    let key = cursor.key::<B>()?;
                    if let Some(found) = find(keys, key, self.text) {
                        *field = found;
                        return Ok(Step::Value(&fields[found]));
                    }
                    let value = cursor.value::<B>(0)?;
                    tree.open_unknown.push(Member { key, value });
                }
                let start = number(*start)?;
                let oddity = tree.close_struct(*mark, *repeats)?;
                Ok(Step::Closed(Node::Struct { start, oddity }))
            }
        }
    }
}

impl Tree {
    /// What a value is that is not null, if it fits as it is; else it is to be judged.
    #[inline(always)]
    fn scalar(
        &mut self,
        layout: &Layout,
        token: Token,
        text: &str,
        findings: &mut Findings,
    ) -> Node {
        let fitted = match (layout, token.kind) {
            (Layout::Scalar(ScalarKind::String), Kind::String { .. }) => Ok(Value::String(token)),
            (Layout::Scalar(kind), _) => exact(*kind, token, text, findings),
            _ => Err(Misfit::TypeMismatch),
        };
        fitted.map_or_else(
            |_| {
                self.judged = false;
                Node::Unread(token)
            },
            Node::Value,
        )
    }

    /// Move the nodes that are open since `mark` to where they stay, in one piece: its start, how many they are, and
    /// which of `written` their container is, which is `token`.
    fn close(&mut self, mark: usize, token: Token) -> Result<(u32, u32, u32), Misfit> {
        let start = self.nodes.len();
        self.nodes.extend_from_slice(&self.open_nodes[mark..]);
        self.open_nodes.truncate(mark);
        self.written.push(token);
        let count = self.nodes.len() - start;
        Ok((
            number(start)?,
            number(count)?,
            number(self.written.len() - 1)?,
        ))
    }

    /// Move the members that are open since `mark` to where they stay. Which of the oddities a struct with them has.
    #[inline(always)]
    fn close_struct(&mut self, mark: usize, repeats: u64) -> Result<u32, Misfit> {
        if repeats == 0 && self.open_unknown.len() == mark {
            return Ok(NONE);
        }
        let start = self.unknown.len();
        self.unknown.extend_from_slice(&self.open_unknown[mark..]);
        self.open_unknown.truncate(mark);
        let unknown = (start, self.unknown.len());
        self.judged = false;
        self.oddities.push(Oddity { repeats, unknown });
        number(self.oddities.len() - 1)
    }
}

fn number(of: usize) -> Result<u32, Misfit> {
    u32::try_from(of).map_err(|_| Misfit::OutOfRange)
}

/// The field that `key` names.
#[inline(always)]
pub fn find(keys: &Keys, key: Token, text: &str) -> Option<usize> {
    if key.kind == (Kind::String { escaped: true }) {
        return find_plain(keys, &key_text(key, text));
    }
    let (start, length) = (key.start as usize + 1, (key.end - key.start) as usize - 2);
    let digest = Digest::of(text.as_bytes(), start, length);
    keys.find(digest, text.as_bytes(), start, length)
}

#[cold]
fn find_plain(keys: &Keys, key: &str) -> Option<usize> {
    let digest = Digest::of(key.as_bytes(), 0, key.len());
    keys.find(digest, key.as_bytes(), 0, key.len())
}
