//! What was seen at one place of the sampled records.

use std::collections::HashMap;

use arrow_schema::TimeUnit;

use crate::columns::parse_timestamp;
use crate::json::{self, Fault, Kind, Scanner, Token};

/// An object with more different keys than this is taken for a map, or kept as JSON. The record's own object is not.
pub const MOST_FIELDS: usize = 64;
/// Keys of the record's own object that are looked at.
pub const MOST_ROOT_KEYS: usize = 1000;
/// Arrays and objects in each other that are looked into. What is inside of the last is seen only as deep.
pub const DEEPEST_LOOK: usize = 32;
/// No timestamp is longer: 9 digits of a second and an offset are 35 bytes.
const LONGEST_TIMESTAMP: usize = 64;
/// Most digits that a decimal holds.
const MOST_DIGITS: usize = 38;

/// Counts of the values at one place, and what lies below. Of a key that is repeated in one object every value counts.
#[derive(Debug, Default)]
pub struct Place {
    pub present: u64,
    pub nulls: u64,
    pub bools: u64,
    /// Integers of int64.
    pub integers: u64,
    /// Longer integers, of at most 38 digits.
    pub wide: u64,
    /// Integers of more digits than that, and numbers beyond float64.
    pub huge: u64,
    /// Numbers with a fraction or an exponent.
    pub fractions: u64,
    /// Of all integers, those that float64 can't hold.
    pub inexact: u64,
    pub strings: u64,
    /// Of the strings, those that are timestamps of whole microseconds, and of whole nanoseconds.
    pub microseconds: u64,
    pub nanoseconds: u64,
    pub arrays: u64,
    pub objects: u64,
    /// Arrays and objects that were not looked into.
    pub deep: u64,
    /// The elements of all arrays.
    pub item: Option<Box<Self>>,
    pub members: Members,
}

/// The members of the objects at one place, in the order in which their keys were first seen.
#[derive(Debug, Default)]
pub struct Members {
    pub each: Vec<(String, Place)>,
    index: HashMap<String, usize>,
    /// All values together, once there are too many keys to tell apart; then `each` is empty.
    pub many: Option<Box<Place>>,
}

impl Place {
    /// Look at the next value of a text that is known to be JSON. `depth` containers are open around it.
    pub fn observe(
        &mut self,
        text: &str,
        scanner: &mut Scanner<'_>,
        depth: usize,
    ) -> Result<(), Fault> {
        self.present += 1;
        let container = matches!(scanner.peek(), Some(b'{' | b'['));
        if container && depth >= DEEPEST_LOOK {
            self.deep += 1;
            return scanner.value(0).map(drop);
        }
        match scanner.peek() {
            Some(b'[') => {
                self.arrays += 1;
                scanner.open(0)?;
                let mut first = true;
                while scanner.next_member(first, b']')? {
                    first = false;
                    let item = self.item.get_or_insert_default();
                    item.observe(text, scanner, depth + 1)?;
                }
            }
            Some(b'{') => {
                self.objects += 1;
                let most = if depth == 0 {
                    MOST_ROOT_KEYS
                } else {
                    MOST_FIELDS
                };
                scanner.open(0)?;
                let mut first = true;
                while scanner.next_member(first, b'}')? {
                    first = false;
                    let key = scanner.key()?;
                    match self.members.at(key_text(key, text), most, depth == 0) {
                        Some(member) => member.observe(text, scanner, depth + 1)?,
                        None => drop(scanner.value(0)?),
                    }
                }
            }
            _ => {
                let token = scanner.value(0)?;
                self.scalar(token, text);
            }
        }
        Ok(())
    }

    fn scalar(&mut self, token: Token, text: &str) {
        match token.kind {
            Kind::Null => self.nulls += 1,
            Kind::Bool(_) => self.bools += 1,
            Kind::Number { integer: false } => {
                self.fractions += 1;
                self.huge += u64::from(json::to_float64(token.of(text), false).is_err());
            }
            Kind::Number { integer: true } => self.integer(token.of(text)),
            _ => {
                self.strings += 1;
                if token.end - token.start <= LONGEST_TIMESTAMP as u32 {
                    let plain = key_text(token, text);
                    let is = |unit| u64::from(parse_timestamp(&plain, unit).is_ok());
                    self.microseconds += is(TimeUnit::Microsecond);
                    self.nanoseconds += is(TimeUnit::Nanosecond);
                }
            }
        }
    }

    fn integer(&mut self, literal: &str) {
        self.inexact += u64::from(json::to_float64(literal, true).is_err());
        if json::to_int64(literal).is_ok() {
            self.integers += 1;
        } else if literal.trim_start_matches('-').len() <= MOST_DIGITS {
            self.wide += 1;
        } else {
            self.huge += 1;
        }
    }

    /// Add what was seen at another place.
    fn absorb(&mut self, other: Self) {
        self.present += other.present;
        self.nulls += other.nulls;
        self.bools += other.bools;
        self.integers += other.integers;
        self.wide += other.wide;
        self.huge += other.huge;
        self.fractions += other.fractions;
        self.inexact += other.inexact;
        self.strings += other.strings;
        self.microseconds += other.microseconds;
        self.nanoseconds += other.nanoseconds;
        self.arrays += other.arrays;
        self.objects += other.objects;
        self.deep += other.deep;
        if let Some(item) = other.item {
            self.item.get_or_insert_default().absorb(*item);
        }
        for (key, place) in other.members.each {
            if let Some(member) = self.members.at(key, MOST_FIELDS, false) {
                member.absorb(place);
            }
        }
        if let Some(many) = other.members.many {
            self.members.merge().absorb(*many);
        }
    }
}

impl Members {
    /// The place of `key`; `None` if it is not looked at: an empty key, or at the root one too many. Elsewhere too many
    /// keys share one place from then on.
    fn at(&mut self, key: String, most: usize, root: bool) -> Option<&mut Place> {
        if key.is_empty() {
            return None;
        }
        let known = self.index.get(&key).copied();
        if self.many.is_some() || (known.is_none() && self.each.len() >= most && !root) {
            return Some(self.merge());
        }
        let index = match known {
            Some(index) => index,
            None if self.each.len() >= most => return None,
            None => {
                self.each.push((key.clone(), Place::default()));
                self.index.insert(key, self.each.len() - 1);
                self.each.len() - 1
            }
        };
        self.each.get_mut(index).map(|(_, place)| place)
    }

    /// One place for all members, those seen so far included.
    fn merge(&mut self) -> &mut Place {
        self.index.clear();
        let many = self.many.get_or_insert_default();
        for (_, place) in self.each.drain(..) {
            many.absorb(place);
        }
        many
    }
}

fn key_text(token: Token, text: &str) -> String {
    let mut plain = String::new();
    // Writing to a String can't fail.
    let _: std::fmt::Result = json::unescape(token.inside(text), &mut plain);
    plain
}
