//! JSON values as `serde_json` finds them, each with its text and its place; repeated keys included.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Bool,
    /// A number without fraction and exponent.
    Integer,
    Number,
    String,
    Array,
    Object,
}

/// One value where it stands.
#[derive(Clone, Debug)]
pub struct Value<'t> {
    pub kind: Kind,
    /// Its first byte.
    pub start: usize,
    /// As written.
    pub text: &'t str,
    /// Of an object.
    pub members: Vec<(String, Self)>,
    /// Of an array.
    pub elements: Vec<Self>,
}

impl<'t> Value<'t> {
    /// The value that is all of `text`; `None` if that is none by RFC 8259.
    pub fn read(text: &'t str) -> Option<Self> {
        let raw: &RawValue = serde_json::from_str(text).ok()?;
        Some(Self::of(raw.get(), text))
    }

    /// The value that `part`, a part of `text`, is.
    ///
    /// # Panics
    /// If `serde_json` does not agree with itself.
    fn of(part: &'t str, text: &'t str) -> Self {
        let mut value = Self {
            kind: kind_of(part),
            start: part.as_ptr() as usize - text.as_ptr() as usize,
            text: part,
            members: Vec::new(),
            elements: Vec::new(),
        };
        match value.kind {
            Kind::Object => {
                let members: Members<'t> = serde_json::from_str(part).expect("an object");
                let members = members.0.into_iter();
                value.members = members
                    .map(|(key, raw)| (key, Self::of(raw.get(), text)))
                    .collect();
            }
            Kind::Array => {
                let elements: Vec<&'t RawValue> = serde_json::from_str(part).expect("an array");
                let elements = elements.into_iter();
                value.elements = elements.map(|raw| Self::of(raw.get(), text)).collect();
            }
            _ => {}
        }
        value
    }

    /// The members that count, of each key the last one, in the order in which they stand; and how many others.
    pub fn last_members(&self) -> (Vec<(&str, &Self)>, u64) {
        let mut last: Vec<(&str, &Self)> = Vec::new();
        for (key, value) in self.members.iter().rev() {
            if !last.iter().any(|(other, _)| other == key) {
                last.push((key, value));
            }
        }
        last.reverse();
        let repeats = self.members.len() - last.len();
        (last, repeats as u64)
    }

    /// What a string stands for.
    ///
    /// # Panics
    /// If it is none.
    pub fn string(&self) -> String {
        serde_json::from_str(self.text).expect("a string without lone surrogates")
    }
}

/// Whether `text` is one number and nothing else, and then whether it is an integer.
pub fn number_kind(text: &str) -> Option<Kind> {
    let value = Value::read(text)?;
    let whole = value.text.len() == text.len();
    (whole && matches!(value.kind, Kind::Integer | Kind::Number)).then_some(value.kind)
}

fn kind_of(text: &str) -> Kind {
    match text.as_bytes().first() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::String,
        Some(b'n') => Kind::Null,
        Some(b't' | b'f') => Kind::Bool,
        _ if text.contains(['.', 'e', 'E']) => Kind::Number,
        _ => Kind::Integer,
    }
}

/// An object's members, repeated keys included.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
