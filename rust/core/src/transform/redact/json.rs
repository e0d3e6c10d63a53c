//! Redaction inside JSON texts, which stay JSON: strings and keys by what they say, numbers by their digits.

use super::Counts;
use super::hit::Hit;
use super::replace::Replacement;
use super::rules::Rules;
use crate::json::{Scanner, Scratch, Token};

/// Deeper than any text that the decoder takes.
const MAX_DEPTH: usize = 10_000;

/// `text`, which is valid JSON, with everything replaced that is found; `None` if that is nothing.
pub fn redact(
    text: &str,
    rules: &Rules,
    replacement: &Replacement,
    counts: &mut Counts,
) -> Option<String> {
    if !rules.may_find(text) {
        return None;
    }
    let bytes = text.as_bytes();
    let mut out = String::new();
    let (mut at, mut copied) = (0, 0);
    while at < bytes.len() {
        let start = at;
        let (hits, number) = match bytes[at] {
            b'"' => {
                at = string_end(bytes, at);
                let hits = rules.find_in_json(&text[start + 1..at - 1]);
                (hits, false)
            }
            b'-' | b'0'..=b'9' => {
                at = number_end(bytes, at);
                (rules.find(&text[start..at]), true)
            }
            _ => {
                at += 1;
                continue;
            }
        };
        if hits.is_empty() {
            continue;
        }
        counts.add(&hits);
        out.push_str(&text[copied..start]);
        out.push('"');
        let inside = if number {
            &text[start..at]
        } else {
            &text[start + 1..at - 1]
        };
        replacement.replace(inside, &hits, &rules.names, &mut out);
        out.push('"');
        copied = at;
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(next) = bytes
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        if bytes[at + next] == b'"' {
            return at + next + 1;
        }
        at += next + 2;
    }
    bytes.len()
}

fn number_end(bytes: &[u8], start: usize) -> usize {
    let inside = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    start + bytes[start..].iter().take_while(inside).count()
}

/// What to do with the value of one member of an object.
pub type Member<'a> = dyn FnMut(&str, &str) -> Option<String> + 'a;

/// The object `text` with the values replaced for which `replace`, given key and value, has another; `None` if there
/// are none.
pub fn with_members(text: &str, replace: &mut Member<'_>) -> Option<String> {
    let mut scratch = Scratch::default();
    let mut scanner = Scanner::new(text, MAX_DEPTH, true, &mut scratch);
    scanner.open(0).ok()?;
    let mut out = String::new();
    let (mut first, mut copied, mut key_text) = (true, 0, String::new());
    while scanner.next_member(first, b'}').ok()? {
        first = false;
        let key: Token = scanner.key().ok()?;
        let value = scanner.value(1).ok()?;
        key_text.clear();
        // Writing to a String can't fail.
        let _: std::fmt::Result = crate::json::unescape(key.inside(text), &mut key_text);
        if let Some(other) = replace(&key_text, value.of(text)) {
            out.push_str(&text[copied..value.start as usize]);
            out.push_str(&other);
            copied = value.end as usize;
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

impl Counts {
    /// Count what was found.
    pub fn add(&mut self, hits: &[Hit]) {
        for hit in hits {
            self.by_rule[hit.rule] += 1;
        }
    }
}
