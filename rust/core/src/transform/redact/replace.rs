//! What stands in the place of what was taken out. None of it needs an escape in JSON, at any depth.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::hit::Hit;
use crate::json;

/// Bytes of a hash.
const HASH_BYTES: usize = 16;
/// Fewest bytes of a key.
pub const SHORTEST_KEY: usize = 16;

/// What to put in.
#[derive(Clone)]
pub enum Replacement {
    /// `[email]`
    Mask,
    /// HMAC-SHA256 of what was there, its first 16 bytes as hexadecimal digits: the same for the same text and key.
    Hash(Box<Hmac<Sha256>>),
}

impl std::fmt::Debug for Replacement {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Mask => "Mask",
            Self::Hash(_) => "Hash",
        })
    }
}

impl Replacement {
    /// By a key in hexadecimal digits.
    pub fn hash(key: &str) -> Option<Self> {
        let digits = |pair: &[u8]| {
            let value = |digit: u8| char::from(digit).to_digit(16);
            Some((value(*pair.first()?)? << 4 | value(*pair.get(1)?)?) as u8)
        };
        let bytes: Vec<u8> = key
            .as_bytes()
            .chunks(2)
            .map(digits)
            .collect::<Option<_>>()?;
        if bytes.len() < SHORTEST_KEY {
            return None;
        }
        Some(Self::Hash(Box::new(Hmac::new_from_slice(&bytes).ok()?)))
    }

    /// Whether it depends on what was there.
    pub fn needs_plain(&self) -> bool {
        matches!(self, Self::Hash(_))
    }

    /// Append what stands for `plain`, which the rule `name` found.
    pub fn write(&self, name: &str, plain: &str, out: &mut String) {
        match self {
            Self::Mask => {
                out.push('[');
                out.push_str(name);
                out.push(']');
            }
            Self::Hash(keyed) => {
                let mut hash = (**keyed).clone();
                hash.update(plain.as_bytes());
                for byte in hash.finalize().into_bytes().iter().take(HASH_BYTES) {
                    for digit in [byte >> 4, byte & 15] {
                        out.extend(char::from_digit(u32::from(digit), 16));
                    }
                }
            }
        }
    }

    /// `text` with its hits replaced, appended.
    pub fn replace(&self, text: &str, hits: &[Hit], names: &[String], out: &mut String) {
        let mut from = 0;
        for hit in hits {
            out.push_str(&text[from..hit.start]);
            self.write(&names[hit.rule], &hit.plain, out);
            from = hit.end;
        }
        out.push_str(&text[from..]);
    }

    /// What stands for a whole JSON value, as a JSON string. A string is hashed by its text.
    pub fn write_json(&self, name: &str, value: &str, out: &mut String) {
        let mut plain = String::new();
        let inside = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'));
        // Writing to a String can't fail.
        let _: std::fmt::Result = json::unescape(inside.unwrap_or(value), &mut plain);
        out.push('"');
        self.write(name, &plain, out);
        out.push('"');
    }
}
