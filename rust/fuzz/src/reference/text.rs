//! A value's bytes as text, one character at a time.

/// Text of which each byte knows the byte of the value that it came from.
pub struct Text {
    pub text: String,
    /// Of each byte of `text`, and of its end.
    origins: Vec<usize>,
    /// Where bytes are that are not UTF-8; each such sequence is one U+FFFD.
    pub invalid: Vec<usize>,
}

impl Text {
    pub fn new(value: &[u8]) -> Self {
        let mut text = String::new();
        let mut origins = Vec::new();
        let mut invalid = Vec::new();
        let mut at = 0;
        while at < value.len() {
            let (character, length) = first_character(&value[at..]);
            if character.is_none() {
                invalid.push(at);
            }
            text.push(character.unwrap_or('\u{FFFD}'));
            for offset in 0..text.len() - origins.len() {
                origins.push(if character.is_some() { at + offset } else { at });
            }
            at += length;
        }
        origins.push(value.len());
        Self {
            text,
            origins,
            invalid,
        }
    }

    /// Where in the value the byte of the text at `position` is.
    pub fn origin(&self, position: usize) -> usize {
        self.origins[position]
    }
}

/// The character that `bytes` begin with and its length; if they begin with none, how many bytes one U+FFFD stands for:
/// the longest beginning of a character, by the Unicode standard's "substitution of maximal subparts".
fn first_character(bytes: &[u8]) -> (Option<char>, usize) {
    let mut begun = 1;
    for length in 1..=bytes.len().min(4) {
        match str::from_utf8(&bytes[..length]) {
            Ok(text) => return (text.chars().next(), length),
            Err(error) if error.error_len().is_none() => begun = length,
            Err(_) => break,
        }
    }
    (None, begun)
}
