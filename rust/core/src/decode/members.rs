//! Where the declared values and the undeclared keys of one record are.
//!
//! A repeated key makes its earlier value void (the last one wins), and, if that was an object that was entered, all that
//! was found in it. That is one piece of what was found so far, in reading order; so voiding costs no more than
//! finding did.

use super::plan::{Node, Plan, ROOT};
use crate::columns::Plain;
use crate::json::{self, Cursor, Digest, Fault, Kind, Scanner, Scratch, Token};
use crate::simd::{Backend, Isa, Kernel};

/// Node of an undeclared key that is void.
const VOID: usize = usize::MAX;
/// Words of the filter of undeclared keys; a power of two.
const FILTER_WORDS: usize = 32;

/// How much was found at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    declared: usize,
    unknown: usize,
    duplicates: u64,
}

/// A key that no column declares.
#[derive(Clone, Copy, Debug)]
pub struct Unknown {
    /// The node of the object that has it.
    pub node: usize,
    key: Token,
    /// If it has escapes: where its text ends in `Members::plain_keys`, and how long it is.
    plain_key: (usize, usize),
    pub value: Token,
}

impl Unknown {
    /// One whose key has no escapes, in an object of `node`.
    pub fn plain(node: usize, key: Token, value: Token) -> Self {
        Self {
            node,
            key,
            plain_key: (0, 0),
            value,
        }
    }

    /// Whether its key has escapes.
    pub fn is_escaped(&self) -> bool {
        self.key.kind == (Kind::String { escaped: true })
    }

    /// Where its key is.
    pub fn key_token(&self) -> Token {
        self.key
    }

    /// Its key's text.
    pub fn key<'t>(&self, text: &'t str, plain_keys: &'t str) -> &'t str {
        let (end, length) = self.plain_key;
        if self.is_escaped() {
            plain_keys.get(end - length..end).unwrap_or_default()
        } else {
            self.key.inside(text)
        }
    }
}

/// Where text with escapes is written out when it is found, and by node whether its value is.
pub struct Early<'a> {
    pub plain: &'a mut Plain,
    pub nodes: &'a [bool],
}

/// Text that was written out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written {
    /// Where the string begins that stands for it.
    string: u32,
    /// Where it begins in the plain slab.
    pub start: u32,
    pub length: u32,
}

/// The members of the current record. Memory is kept from record to record.
#[derive(Debug)]
pub struct Members {
    /// By node its value.
    values: Vec<Option<Token>>,
    /// By node, the last of its values that was written out, if one was.
    written: Vec<Written>,
    /// By node, if its value is an object that was entered: what was found before it, and up to its end.
    marks: Vec<(Mark, Mark)>,
    /// The nodes whose key was found, in reading order.
    declared: Vec<u32>,
    /// Undeclared keys; after [`Self::settle`] only those that stand, each once per object, in no certain order.
    pub unknown: Vec<Unknown>,
    /// Whether some of them are void, and whether one may be there twice.
    voided: bool,
    doubtful: bool,
    /// Bits of the hashes of undeclared keys.
    filter: [u64; FILTER_WORDS],
    /// Values that a later one of the same key made void.
    duplicates: u64,
    plain_keys: String,
    plain_key: String,
    pub scratch: Scratch,
}

impl Members {
    pub fn new(plan: &Plan) -> Self {
        Self {
            values: vec![None; plan.nodes.len()],
            written: vec![Written::default(); plan.nodes.len()],
            marks: vec![Default::default(); plan.nodes.len()],
            declared: Vec::new(),
            unknown: Vec::new(),
            voided: false,
            doubtful: false,
            filter: [0; FILTER_WORDS],
            duplicates: 0,
            plain_keys: String::new(),
            plain_key: String::new(),
            scratch: Scratch::default(),
        }
    }

    /// Read all of `text`. The kind of value it is; only if that is an object is there anything else to know.
    ///
    /// # Errors
    /// The first fault in it. What was written out before it means nothing.
    pub fn read(
        &mut self,
        plan: &Plan,
        text: &str,
        max_depth: usize,
        lone_surrogates: bool,
        early: Option<Early<'_>>,
    ) -> Result<Token, Fault> {
        self.clear();
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut scanner = Scanner::new(text, max_depth, lone_surrogates, &mut scratch);
        let isa = Isa::detect();
        let read = isa.run(Read {
            members: self,
            plan,
            text,
            scanner: &mut scanner,
            isa,
            early,
        });
        self.scratch = scratch;
        read
    }

    fn clear(&mut self) {
        self.values.fill(None);
        self.written.fill(Written::default());
        self.declared.clear();
        if !self.unknown.is_empty() {
            self.unknown.clear();
            self.filter.fill(0);
        }
        self.voided = false;
        self.doubtful = false;
        self.duplicates = 0;
        self.plain_keys.clear();
    }

    fn mark(&self) -> Mark {
        Mark {
            declared: self.declared.len(),
            unknown: self.unknown.len(),
            duplicates: self.duplicates,
        }
    }

    /// Note that the value of `node` is `value`, instead of what it was before.
    #[inline(always)]
    fn note(&mut self, node: usize, value: Token) {
        if let Some(earlier) = self.values[node].replace(value) {
            self.void(node, earlier);
        }
        self.declared.push(node as u32);
    }

    /// The key of `node` comes again in its object; its value was `earlier`.
    #[cold]
    fn void(&mut self, node: usize, earlier: Token) {
        let (from, to) = self.marks[node];
        if earlier.kind == Kind::Object {
            for &inside in &self.declared[from.declared..to.declared] {
                self.values[inside as usize] = None;
            }
            for unknown in &mut self.unknown[from.unknown..to.unknown] {
                unknown.node = VOID;
                self.voided = true;
            }
            self.duplicates -= to.duplicates - from.duplicates;
        }
        self.duplicates += 1;
    }

    /// An object that is the value of `node` is entered; its end is not known yet.
    #[inline(always)]
    fn enter(&mut self, node: usize, start: usize) {
        self.note(node, Token::new(Kind::Object, start, start));
        self.marks[node].0 = self.mark();
    }

    /// The end of that object.
    #[inline(always)]
    fn leave(&mut self, node: usize, end: usize) {
        if let Some(object) = &mut self.values[node] {
            object.end = end as u32;
        }
        self.marks[node].1 = self.mark();
    }

    /// The child of `planned` that `key` names; the key's text, if that had to be written out, is in `plain_key` then.
    #[inline(always)]
    fn child(&mut self, planned: &Node, key: Token, text: &str) -> (Option<usize>, Digest) {
        if key.kind == (Kind::String { escaped: true }) {
            return self.child_by_plain_key(planned, key, text);
        }
        let (start, length) = (key.start as usize + 1, (key.end - key.start) as usize - 2);
        let digest = Digest::of(text.as_bytes(), start, length);
        let child = planned
            .children
            .find(digest, text.as_bytes(), start, length);
        (child, digest)
    }

    #[cold]
    fn child_by_plain_key(
        &mut self,
        planned: &Node,
        key: Token,
        text: &str,
    ) -> (Option<usize>, Digest) {
        self.plain_key.clear();
        // Writing to a String can't fail.
        let _: std::fmt::Result = json::unescape(key.inside(text), &mut self.plain_key);
        let (plain, length) = (self.plain_key.as_bytes(), self.plain_key.len());
        let digest = Digest::of(plain, 0, length);
        (planned.children.find(digest, plain, 0, length), digest)
    }

    /// Note an undeclared key; if it has escapes, its text is in `plain_key`.
    #[inline(always)]
    fn note_unknown(&mut self, mut unknown: Unknown, digest: Digest) {
        let hash = digest.hash(unknown.node as u64);
        let word = &mut self.filter[(hash >> 6) as usize % FILTER_WORDS];
        let bit = 1 << (hash % 64);
        self.doubtful |= *word & bit != 0;
        *word |= bit;
        if unknown.is_escaped() {
            self.plain_keys.push_str(&self.plain_key);
            unknown.plain_key = (self.plain_keys.len(), self.plain_key.len());
        }
        self.unknown.push(unknown);
    }

    /// Drop the undeclared keys that a repeated key made void. How many values were, declared ones included.
    pub fn settle(&mut self, text: &str) -> u64 {
        if self.voided {
            self.unknown.retain(|member| member.node != VOID);
        }
        if self.doubtful {
            self.drop_repeats(text);
        }
        self.duplicates
    }

    /// Keep of each undeclared key the last value.
    fn drop_repeats(&mut self, text: &str) {
        let mut unknown = std::mem::take(&mut self.unknown);
        let found = unknown.len();
        unknown.sort_unstable_by_key(|member| {
            (member.node, self.key_of(member, text), member.value.start)
        });
        unknown.dedup_by(|later, earlier| {
            let same = later.node == earlier.node
                && self.key_of(later, text) == self.key_of(earlier, text);
            if same {
                *earlier = *later;
            }
            same
        });
        self.duplicates += (found - unknown.len()) as u64;
        self.unknown = unknown;
    }

    /// The text of an undeclared key.
    pub fn key_of<'t>(&'t self, member: &Unknown, text: &'t str) -> &'t str {
        member.key(text, &self.plain_keys)
    }

    /// `member` with its key's text, if that had to be written out, in `plain_keys`.
    pub fn with_key_in(&self, member: &Unknown, plain_keys: &mut String) -> Unknown {
        let mut member = *member;
        if member.is_escaped() {
            plain_keys.push_str(self.key_of(&member, ""));
            member.plain_key.0 = plain_keys.len();
        }
        member
    }

    /// What the string at `token`, the value of `node`, stands for, if it was written out.
    #[inline(always)]
    pub fn written(&self, node: usize, token: Token) -> Option<Written> {
        let written = self.written[node];
        (written.string == token.start).then_some(written)
    }

    /// The value of `node` in this record.
    #[inline(always)]
    pub fn get(&self, node: usize) -> Option<Token> {
        self.values[node]
    }
}

/// Reads one record.
struct Read<'m, 's, 't> {
    members: &'m mut Members,
    plan: &'m Plan,
    text: &'t str,
    scanner: &'s mut Scanner<'t>,
    isa: Isa,
    early: Option<Early<'m>>,
}

impl Kernel for Read<'_, '_, '_> {
    type Output = Result<Token, Fault>;

    #[inline(always)]
    fn run<B: Backend>(self) -> Self::Output {
        let Self {
            members,
            plan,
            text,
            scanner,
            isa,
            mut early,
        } = self;
        let mut cursor = Cursor::new(scanner);
        cursor.space();
        let start = cursor.position();
        if cursor.peek() != Some(b'{') {
            let value = cursor.value::<B>(0)?;
            return cursor.end().map(|()| value);
        }
        cursor.open(0)?;
        members.enter(ROOT, start);
        // The object that is read, how many are around it, and whether its first member is next.
        let (mut node, mut depth, mut first) = (ROOT, 0, true);
        loop {
            if !cursor.next_member(first, b'}')? {
                members.leave(node, cursor.position());
                if node == ROOT {
                    break;
                }
                node = plan.nodes[node].parent;
                depth -= 1;
                first = false;
                continue;
            }
            let planned = &plan.nodes[node];
            let key = cursor.key::<B>()?;
            let (child, digest) = members.child(planned, key, text);
            let start = cursor.position();
            if let Some(child) = child
                && cursor.peek() == Some(b'{')
                && !plan.nodes[child].children.is_empty()
            {
                cursor.open(depth + 1)?;
                members.enter(child, start);
                (node, depth, first) = (child, depth + 1, true);
                continue;
            }
            first = false;
            let value = match (&mut early, child) {
                (Some(Early { plain, nodes }), Some(child)) if nodes[child] => {
                    let before = plain.bytes.len();
                    let value = cursor.value_and_text::<B>(depth + 1, isa, &mut plain.bytes)?;
                    if plain.bytes.len() > before {
                        members.written[child] = Written {
                            string: value.start,
                            start: before as u32,
                            length: (plain.bytes.len() - before) as u32,
                        };
                    }
                    value
                }
                _ => cursor.value::<B>(depth + 1)?,
            };
            match child {
                Some(child) => members.note(child, value),
                None if planned.kept_as_json => {}
                None => members.note_unknown(Unknown::plain(node, key, value), digest),
            }
        }
        let end = cursor.position();
        cursor.end()?;
        Ok(Token::new(Kind::Object, start, end))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::config::ColumnConfig;
    use super::{Members, Plan};

    /// How many values are void, the columns' values, and the undeclared keys with theirs.
    type Left<'t> = (u64, Vec<Option<&'t str>>, Vec<(String, &'t str)>);

    /// What is left of `text`.
    fn read(text: &str) -> Left<'_> {
        let columns: Vec<ColumnConfig> = ["a.b", "a.c.d"]
            .map(|path| ColumnConfig {
                name: path.into(),
                path: path.split('.').map(Into::into).collect(),
                kind: "json".into(),
                required: false,
            })
            .into();
        let plan = Plan::new(&columns).unwrap();
        let mut members = Members::new(&plan);
        // What was read before leaves no trace.
        let before = r#"{"a":{"b":1,"c":{"d":2,"e":3},"b":4},"z":5,"z":6,"a":{"c":{"d":7}}}"#;
        for text in [before, text] {
            members.read(&plan, text, 9, false, None).unwrap();
        }
        let duplicates = members.settle(text);
        let nodes = plan.columns.iter().map(|column| column.node);
        let values = nodes.map(|node| members.get(node).map(|token| token.of(text)));
        let mut unknown: Vec<_> = members
            .unknown
            .iter()
            .map(|key| {
                (
                    format!(
                        "{}:{}",
                        plan.nodes[key.node].path,
                        members.key_of(key, text)
                    ),
                    key.value.of(text),
                )
            })
            .collect();
        unknown.sort_unstable();
        (duplicates, values.collect(), unknown)
    }

    /// The last value of a key counts; what was in the earlier one neither counts nor stays.
    #[test]
    fn last_value_wins_with_all_that_is_in_it() {
        let text = r#"{"a":{"b":1,"b":2,"x":3,"c":{"d":4}},"x":5,"a":{"c":{"e":6},"y":7}}"#;
        let expected = vec![
            (":x".to_owned(), "5"),
            ("a.c:e".to_owned(), "6"),
            ("a:y".to_owned(), "7"),
        ];
        assert_eq!(read(text), (1, vec![None, None], expected));
        let text = r#"{"a":{"c":{"d":1,"d":2},"c":{"d":3,"d":4},"c":5,"b":6}}"#;
        assert_eq!(read(text), (2, vec![Some("6"), None], vec![]));
        let text = r#"{"a":{"b":1},"a":null,"a":{"b":2,"b":3}}"#;
        assert_eq!(read(text), (3, vec![Some("3"), None], vec![]));
    }

    /// Of an undeclared key the last value stays, whether it is written with escapes or not.
    #[test]
    fn undeclared_keys_are_told_apart_by_their_text() {
        let text = r#"{"x":1,"\u0078":2,"a":{"x":3},"y":4,"x":5}"#;
        let expected = vec![
            (":x".to_owned(), "5"),
            (":y".to_owned(), "4"),
            ("a:x".to_owned(), "3"),
        ];
        assert_eq!(read(text), (2, vec![None, None], expected));
        let many: Vec<String> = (0..500).map(|key| format!(r#""k{key}":{key}"#)).collect();
        let text = format!("{{{}}}", many.join(","));
        let (duplicates, _, unknown) = read(&text);
        assert_eq!((duplicates, unknown.len()), (0, 500));
    }
}
