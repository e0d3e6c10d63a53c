//! A value's bytes as text.

use std::borrow::Cow;

use super::config::InvalidText;
use super::rejection::{Reason, RejectionCode};

/// The text of a value, with how many sequences of it were replaced with U+FFFD.
///
/// # Errors
/// If it is not UTF-8 and that is to be rejected.
pub fn to_text(value: &[u8], policy: InvalidText) -> Result<(Cow<'_, str>, u64), Reason> {
    match (str::from_utf8(value), policy) {
        (Ok(text), _) => Ok((Cow::Borrowed(text), 0)),
        (Err(error), InvalidText::Reject) => Err(Reason::new(
            RejectionCode::InvalidUtf8,
            error.valid_up_to(),
            "expected UTF-8",
        )),
        (Err(_), InvalidText::Replace) => {
            let mut text = String::with_capacity(value.len());
            let mut replaced = 0;
            for chunk in value.utf8_chunks() {
                text.push_str(chunk.valid());
                if !chunk.invalid().is_empty() {
                    text.push(char::REPLACEMENT_CHARACTER);
                    replaced += 1;
                }
            }
            Ok((Cow::Owned(text), replaced))
        }
    }
}

/// Where in `value` the byte is that [`to_text`] put at `position`.
pub fn original_position(value: &[u8], position: usize) -> usize {
    let (mut before, mut text_before) = (0, 0);
    for chunk in value.utf8_chunks() {
        let (valid, invalid) = (chunk.valid().len(), chunk.invalid().len());
        if position < text_before + valid {
            break;
        }
        let replacement = if invalid == 0 {
            0
        } else {
            char::REPLACEMENT_CHARACTER.len_utf8()
        };
        if position < text_before + valid + replacement {
            return before + valid;
        }
        before += valid + invalid;
        text_before += valid + replacement;
    }
    before + (position - text_before)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{InvalidText, original_position, to_text};

    /// Every byte of a repaired text is traced back to the byte it came from.
    #[test]
    fn positions_survive_replacement() {
        let value = b"a\xFFb\xE2\x82c\xC3\xA9\xF0";
        let (text, replaced) = to_text(value, InvalidText::Replace).unwrap();
        assert_eq!((&*text, replaced), ("a\u{FFFD}b\u{FFFD}cé\u{FFFD}", 3));
        let positions: Vec<usize> = (0..=text.len())
            .map(|position| original_position(value, position))
            .collect();
        assert_eq!(positions, [0, 1, 1, 1, 2, 3, 3, 3, 5, 6, 7, 8, 8, 8, 9]);
    }
}
