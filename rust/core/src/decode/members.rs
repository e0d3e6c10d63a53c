//! Where the declared values and the undeclared keys of one record are.
//!
//! Every object that is entered gets a number of its own, never used again. A key found in it is noted with that
//! number, so that a later object at the same path (a repeated key: the last one wins) makes all that was found in
//! the earlier one void, and so that nothing has to be cleared between records.

use super::plan::{Plan, ROOT};
use crate::json::{self, Fault, Kind, Scanner, Scratch, Token};

/// Number of an object that never is; no value's `object` is this one.
const NEVER: u64 = u64::MAX;

/// What the scan knows of one node.
#[derive(Clone, Debug)]
struct Seen {
    /// The object in which the key was last found.
    inside: u64,
    /// The object that is its value there; 0 if that is none, or none that was entered.
    object: u64,
    /// How many earlier values the key had in that object.
    repeats: u64,
    value: Token,
    /// Guess: the child whose key comes first in the value.
    first_child: usize,
    /// Guess: the sibling whose key comes next.
    next_sibling: usize,
}

/// A key that no column declares.
#[derive(Clone, Copy, Debug)]
pub struct Unknown {
    /// The node of the object that has it.
    pub node: usize,
    object: u64,
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
            object: 0,
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

/// The members of the current record. Memory is kept from record to record.
#[derive(Debug)]
pub struct Members {
    seen: Vec<Seen>,
    /// Undeclared keys; after [`Self::settle`] only those that stand, each once per object, in no certain order.
    pub unknown: Vec<Unknown>,
    plain_keys: String,
    plain_key: String,
    last_object: u64,
    /// Per node: whether it has a value in this record. Valid after [`Self::settle`].
    present: Vec<bool>,
    pub scratch: Scratch,
}

impl Members {
    pub fn new(plan: &Plan) -> Self {
        let value = Token {
            kind: Kind::Null,
            start: 0,
            end: 0,
        };
        let unseen = Seen {
            inside: NEVER,
            object: 0,
            repeats: 0,
            value,
            first_child: ROOT,
            next_sibling: ROOT,
        };
        Self {
            seen: vec![unseen; plan.nodes.len()],
            unknown: Vec::new(),
            plain_keys: String::new(),
            plain_key: String::new(),
            last_object: 0,
            present: vec![false; plan.nodes.len()],
            scratch: Scratch::default(),
        }
    }

    /// Read all of `text`. The kind of value it is; only if that is an object is there anything else to know.
    ///
    /// # Errors
    /// The first fault in it.
    pub fn read(
        &mut self,
        plan: &Plan,
        text: &str,
        max_depth: usize,
        lone_surrogates: bool,
    ) -> Result<Token, Fault> {
        self.unknown.clear();
        self.plain_keys.clear();
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut scanner = Scanner::new(text, max_depth, lone_surrogates, &mut scratch);
        scanner.space();
        let read = self.value(plan, text, &mut scanner, ROOT, 0);
        let ended = read.and_then(|()| scanner.end());
        self.scratch = scratch;
        ended.map(|()| self.seen[ROOT].value)
    }

    /// Read the value of `node`, and look into it if columns lie there. `depth` containers are open around it.
    fn value(
        &mut self,
        plan: &Plan,
        text: &str,
        scanner: &mut Scanner<'_>,
        node: usize,
        depth: usize,
    ) -> Result<(), Fault> {
        let start = scanner.position();
        if plan.nodes[node].children.is_empty() || scanner.peek() != Some(b'{') {
            self.seen[node].object = 0;
            self.seen[node].value = scanner.value(depth)?;
            return Ok(());
        }
        self.last_object += 1;
        let object = self.last_object;
        self.seen[node].object = object;
        scanner.open(depth)?;
        let mut first = true;
        let mut previous = ROOT;
        while scanner.next_member(first, b'}')? {
            first = false;
            let key = scanner.key()?;
            let Some(child) = self.child(plan, node, previous, key, text) else {
                let value = scanner.value(depth + 1)?;
                self.note_unknown(
                    plan,
                    Unknown {
                        node,
                        object,
                        key,
                        plain_key: (0, 0),
                        value,
                    },
                );
                continue;
            };
            previous = child;
            let seen = &mut self.seen[child];
            seen.repeats = if seen.inside == object {
                seen.repeats + 1
            } else {
                0
            };
            seen.inside = object;
            self.value(plan, text, scanner, child, depth + 1)?;
        }
        self.seen[node].value = Token {
            kind: Kind::Object,
            start: start as u32,
            end: scanner.position() as u32,
        };
        Ok(())
    }

    /// The child of `node` that `key` names. Tries the one that followed `previous` (the root stands for none) in the
    /// record before: producers keep the order of their keys.
    fn child(
        &mut self,
        plan: &Plan,
        node: usize,
        previous: usize,
        key: Token,
        text: &str,
    ) -> Option<usize> {
        let key = if key.kind == (Kind::String { escaped: true }) {
            self.plain_key.clear();
            // Writing to a String can't fail.
            let _: std::fmt::Result = json::unescape(key.inside(text), &mut self.plain_key);
            self.plain_key.as_str()
        } else {
            key.inside(text)
        };
        let guess = if previous == ROOT {
            &mut self.seen[node].first_child
        } else {
            &mut self.seen[previous].next_sibling
        };
        let guessed = &plan.nodes[*guess];
        if *guess != ROOT && guessed.parent == node && *guessed.key == *key {
            return Some(*guess);
        }
        let child = plan.nodes[node].children.get(key).copied();
        *guess = child.unwrap_or(*guess);
        child
    }

    /// Note an undeclared key; if it has escapes, [`Self::child`] has just left its text in `plain_key`.
    fn note_unknown(&mut self, plan: &Plan, mut unknown: Unknown) {
        if plan.nodes[unknown.node].kept_as_json {
            return;
        }
        if unknown.key.kind == (Kind::String { escaped: true }) {
            self.plain_keys.push_str(&self.plain_key);
            unknown.plain_key = (self.plain_keys.len(), self.plain_key.len());
        }
        self.unknown.push(unknown);
    }

    /// Drop what a repeated key made void. How many values that were.
    pub fn settle(&mut self, plan: &Plan, text: &str) -> u64 {
        let mut duplicates = 0;
        self.present[ROOT] = true;
        for node in 1..plan.nodes.len() {
            let parent = plan.nodes[node].parent;
            self.present[node] =
                self.present[parent] && self.seen[node].inside == self.seen[parent].object;
            if self.present[node] {
                duplicates += self.seen[node].repeats;
            }
        }
        let mut unknown = std::mem::take(&mut self.unknown);
        unknown.retain(|member| {
            self.present[member.node] && self.seen[member.node].object == member.object
        });
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
        duplicates += (found - unknown.len()) as u64;
        self.unknown = unknown;
        duplicates
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

    /// The value of `node` in this record, after [`Self::settle`].
    pub fn get(&self, node: usize) -> Option<Token> {
        self.present[node].then(|| self.seen[node].value)
    }
}
