//! JSON strings to text and back.

use std::fmt::{Result, Write};

/// Append the text that `escaped`, the inside of a JSON string, stands for. A lone surrogate becomes U+FFFD.
///
/// # Errors
/// Only those of `out`.
pub fn unescape(escaped: &str, out: &mut impl Write) -> Result {
    let mut rest = escaped;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (plain, escape) = rest.split_at(at);
        out.write_str(plain)?;
        let (character, length) = first_escape(escape.as_bytes());
        out.write_char(character)?;
        rest = escape.get(length..).unwrap_or_default();
    }
    out.write_str(rest)
}

/// The character of the escape `bytes` begin with, and the escape's length.
fn first_escape(bytes: &[u8]) -> (char, usize) {
    match bytes.get(1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => {
            let high = code_unit(bytes);
            let low = bytes.get(6..).map_or(0, code_unit);
            if let (0xD800..=0xDBFF, 0xDC00..=0xDFFF) = (high, low) {
                let character = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                (
                    char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER),
                    12,
                )
            } else {
                (
                    char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER),
                    6,
                )
            }
        }
        Some(&byte) => (char::from(byte), 2),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

/// The code unit of a `\uXXXX` escape at the start of `bytes`; 0 if there is none.
fn code_unit(bytes: &[u8]) -> u32 {
    match bytes {
        [b'\\', b'u', digits @ ..] => digits.iter().take(4).fold(0, |unit, &digit| {
            unit << 4 | char::from(digit).to_digit(16).unwrap_or(0)
        }),
        _ => 0,
    }
}

/// Append `text` as a JSON string, quotes included.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control @ '\0'..' ' => {
                out.push_str("\\u00");
                for digit in [control as u32 >> 4, control as u32 & 15] {
                    out.extend(char::from_digit(digit, 16));
                }
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
