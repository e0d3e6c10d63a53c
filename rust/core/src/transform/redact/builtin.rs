//! The patterns that are built in: written by hand where a regular expression can't say it or would be slow.
//!
//! Each calls `found` with the ends of what it finds, in any order. None is meant to understand its subject fully;
//! each is meant not to miss what people write, and to leave alone what only resembles it.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::Regex;

/// A built-in pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltIn {
    Email,
    Phone,
    Card,
    Secret,
}

/// Whether something was not taken only because a letter stands before it, which may be an escape's.
pub type Refused = bool;

/// Fewest digits of a telephone number.
pub const PHONE_DIGITS: usize = 7;
/// Fewest and most digits of a card number.
pub const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
const MOST_PHONE_DIGITS: usize = 15;

const PRIVATE_KEY_BEGIN: &str = "-----BEGIN ";

/// One of these is in every secret; searched before any regular expression.
const SECRET_LITERALS: [&str; 19] = [
    "sk-",
    "sk_",
    "rk_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "AKIA",
    "ASIA",
    "AIza",
    "hf_",
    "xox",
    "eyJ",
    "earer",
    "EARER",
    "PRIVATE KEY-----",
];

impl BuiltIn {
    pub const ALL: [Self; 4] = [Self::Email, Self::Phone, Self::Card, Self::Secret];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Card => "card",
            Self::Secret => "secret",
        }
    }

    /// Calls `found` with the ends of what it finds.
    pub fn search(self, text: &str, found: impl FnMut(usize, usize)) -> Refused {
        match self {
            Self::Email => emails(text, found),
            Self::Phone => phones(text, found),
            Self::Card => cards(text, found),
            Self::Secret => secrets(text, found),
        }
    }
}

/// From each `@` outwards: a local part, and a domain whose last label is letters.
fn emails(text: &str, mut found: impl FnMut(usize, usize)) -> Refused {
    for at in memchr::memchr_iter(b'@', text.as_bytes()) {
        let start = at - local_part(&text[..at]);
        let length = domain(&text[at + 1..]);
        if start < at && length > 0 {
            found(start, at + 1 + length);
        }
    }
    false
}

/// Whether a text is one address and nothing else, of the form that nearly all have: ASCII, and no hyphen in the domain.
/// Then `emails` finds all of it, and no other built-in pattern finds more.
pub fn is_address(text: &str) -> bool {
    let of_local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
    let bytes = text.as_bytes();
    let local = bytes.iter().take_while(|byte| of_local(byte)).count();
    let Some((b'@', domain)) = bytes[local..].split_first() else {
        return false;
    };
    let mut last = 0;
    for (at, byte) in domain.iter().enumerate() {
        match byte {
            b'.' if at > last => last = at + 1,
            byte if byte.is_ascii_alphanumeric() => {}
            _ => return false,
        }
    }
    let ends = &domain[last..];
    local > 0 && last > 0 && ends.len() > 1 && ends.iter().all(u8::is_ascii_alphabetic)
}

/// Bytes of the local part that ends `before`.
fn local_part(before: &str) -> usize {
    let mut length = 0;
    let mut characters = before.char_indices().rev().peekable();
    let mut next_is_word = false;
    while let Some((start, character)) = characters.next() {
        let word = character.is_alphanumeric();
        let inside = word
            || matches!(character, '.' | '_' | '%' | '+' | '-')
            || (character == '\''
                && next_is_word
                && characters.peek().is_some_and(|(_, c)| c.is_alphanumeric()));
        if !inside {
            break;
        }
        next_is_word = word;
        length = before.len() - start;
    }
    length
}

/// Bytes of the domain that begins `after`; 0 if it is none.
fn domain(after: &str) -> usize {
    let (mut end, mut start) = (0, 0);
    loop {
        let label = &after[start..];
        let (mut length, mut letters, mut count) = (0, 0, 0);
        for character in label.chars() {
            let letter = character.is_alphabetic();
            if !letter && !character.is_numeric() && character != '-' {
                break;
            }
            if letter && letters == length {
                letters += character.len_utf8();
                count += 1;
            }
            length += character.len_utf8();
        }
        let ends_here = letters == length || label[letters..].starts_with('-');
        if start > 0 && ends_here && count > 1 {
            end = start + letters;
        }
        if length == 0 || label.starts_with('-') || !label[length..].starts_with('.') {
            // A name of punycode or digits is no last label, but one with a hyphen in it may be.
            if start > 0 && label.starts_with("xn--") {
                end = start + length;
            }
            return end;
        }
        start += length + 1;
    }
}

/// `+` with a country code, or a North American number in three groups.
fn phones(text: &str, mut found: impl FnMut(usize, usize)) -> Refused {
    static INTERNATIONAL: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\A\+[0-9](?:[ ().\-/]{0,2}[0-9]){6,14}").ok());
    static AMERICAN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let area = r"(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .\-])";
        Regex::new(&format!(
            r"\A(?:1[ .\-]?)?{area}[2-9][0-9]{{2}}[ .\-][0-9]{{4}}"
        ))
        .ok()
    });
    let bytes = text.as_bytes();
    let (mut at, mut refused) = (0, false);
    while let Some(digit) = next_digit(bytes, at) {
        let before = digit.checked_sub(1).and_then(|before| bytes.get(before));
        let (start, regex) = match before {
            Some(b'+') => (digit - 1, INTERNATIONAL.as_ref()),
            Some(b'(') => (digit - 1, AMERICAN.as_ref()),
            _ => (digit, AMERICAN.as_ref()),
        };
        at = digits_end(bytes, digit);
        let Some(matched) = regex.and_then(|regex| regex.find(&text[start..])) else {
            continue;
        };
        let mut end = start + matched.end();
        // Digits that go on belong to another number; what is before the last gap may still be one.
        while bytes.get(end).is_some_and(u8::is_ascii_digit) {
            let before_gap = text[start..end].rfind(|last: char| !last.is_ascii_digit());
            let gap = before_gap.map_or("", |gap| &text[start..start + gap]);
            end = start
                + gap
                    .trim_end_matches(|last: char| !last.is_ascii_digit())
                    .len();
        }
        let digits = count_digits(&bytes[start..end]);
        if !(PHONE_DIGITS..=MOST_PHONE_DIGITS).contains(&digits) {
            continue;
        }
        if after_word(text, start) {
            refused = true;
            continue;
        }
        found(start, end);
        at = end;
    }
    refused
}

/// 13 to 19 digits, in groups or not, of a card network's range and with the right check digit.
fn cards(text: &str, mut found: impl FnMut(usize, usize)) -> Refused {
    let bytes = text.as_bytes();
    let (mut at, mut refused) = (0, false);
    let mut groups: Vec<(usize, usize)> = Vec::new();
    while let Some(digit) = next_digit(bytes, at) {
        // The groups of digits that a single space or hyphen joins.
        groups.clear();
        at = digit;
        loop {
            let end = digits_end(bytes, at);
            groups.push((at, end));
            at = end;
            let joined = matches!(bytes.get(at), Some(b' ' | b'-'));
            if !joined || !bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
                break;
            }
            at += 1;
        }
        let mut first = 0;
        while first < groups.len() {
            first = match card_from(bytes, &groups, first) {
                Some(last) if after_word(text, groups[first].0) => {
                    refused = true;
                    last + 1
                }
                Some(last) => {
                    found(groups[first].0, groups[last].1);
                    last + 1
                }
                None => first + 1,
            };
        }
    }
    refused
}

/// The last group of the longest card number that begins with the group `first`.
fn card_from(bytes: &[u8], groups: &[(usize, usize)], first: usize) -> Option<usize> {
    let start = groups[first].0;
    // Digits before or after a decimal point are those of another number.
    let decimal = |point: Option<&u8>, digit: Option<&u8>| {
        point == Some(&b'.') && digit.is_some_and(u8::is_ascii_digit)
    };
    if start >= 2 && decimal(bytes.get(start - 1), bytes.get(start - 2)) {
        return None;
    }
    let mut digits: Vec<u8> = Vec::new();
    let mut longest = None;
    for (last, &(from, end)) in groups.iter().enumerate().skip(first) {
        digits.extend_from_slice(&bytes[from..end]);
        if digits.len() > *CARD_DIGITS.end() {
            break;
        }
        let word_goes_on = bytes
            .get(end)
            .is_some_and(|next| next.is_ascii_alphabetic() || *next == b'_');
        if CARD_DIGITS.contains(&digits.len())
            && !word_goes_on
            && !decimal(bytes.get(end), bytes.get(end + 1))
            && of_a_network(&digits)
            && luhn(&digits)
        {
            longest = Some(last);
        }
    }
    longest
}

/// Whether cards begin like this: American Express, Diners, JCB (3), Visa (4), Mastercard (51-55, 2221-2720), Maestro
/// (50, 56-58, 6), Discover and Union Pay (6).
fn of_a_network(digits: &[u8]) -> bool {
    match digits {
        [b'3', b'0' | b'4'..=b'9', ..] | [b'4' | b'5' | b'6', ..] => true,
        [b'2', rest @ ..] => rest
            .get(..3)
            .is_some_and(|rest| (b"221".as_slice()..=b"720").contains(&rest)),
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(
            |(index, digit)| match (u32::from(digit - b'0'), index % 2) {
                (digit, 0) => digit,
                (digit, _) if digit > 4 => digit * 2 - 9,
                (digit, _) => digit * 2,
            },
        )
        .sum();
    sum.is_multiple_of(10)
}

/// Keys and tokens by what they begin with. A private key that is cut off goes to the end of the text.
fn secrets(text: &str, mut found: impl FnMut(usize, usize)) -> Refused {
    static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let forms = [
            r"sk-[A-Za-z0-9_\-]{16,}",
            r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
            r"gh[oprsu]_[A-Za-z0-9]{20,}",
            r"github_pat_[A-Za-z0-9_]{20,}",
            r"glpat-[A-Za-z0-9_\-]{16,}",
            r"A[KS]IA[A-Z0-9]{16}",
            r"AIza[A-Za-z0-9_\-]{30,}",
            r"hf_[A-Za-z0-9]{20,}",
            r"xox[a-z]-[A-Za-z0-9\-]{10,}",
            r"eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*)*",
            r"(?:[Bb]earer|BEARER)\s+[A-Za-z0-9._~+/\-]{16,}=*",
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)",
        ];
        Regex::new(&format!(r"\A(?:{})", forms.join("|"))).ok()
    });
    let (mut from, mut refused) = (0, false);
    let literals = SECRETS
        .as_ref()
        .into_iter()
        .flat_map(|literals| literals.find_iter(text));
    for literal in literals {
        let Some(start) = secret_start(text, literal.start()).filter(|&start| start >= from) else {
            continue;
        };
        let Some(matched) = TOKEN.as_ref().and_then(|regex| regex.find(&text[start..])) else {
            continue;
        };
        // Prose of bearers has no digits; a token without any is next to impossible.
        let bearer = matched
            .as_str()
            .get(1..6)
            .is_some_and(|word| word.eq_ignore_ascii_case("earer"));
        if bearer && count_digits(matched.as_str().as_bytes()) == 0 {
            continue;
        }
        if !text[start..].starts_with(PRIVATE_KEY_BEGIN) && after_word(text, start) {
            refused = true;
            continue;
        }
        from = start + matched.end();
        found(start, from);
    }
    refused
}

/// Where the secret begins that has a literal at `at`.
fn secret_start(text: &str, at: usize) -> Option<usize> {
    match text.as_bytes()[at] {
        b'e' | b'E' if !text[at..].starts_with("eyJ") => at
            .checked_sub(1)
            .filter(|&start| text.is_char_boundary(start)),
        b'P' => text[..at].rfind(PRIVATE_KEY_BEGIN),
        _ => Some(at),
    }
}

/// Whether a text can have a secret.
pub fn may_have_secret(text: &str) -> bool {
    SECRETS
        .as_ref()
        .is_none_or(|literals| literals.is_match(text))
}

/// Of the kinds that have a vectorised search.
static SECRETS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let builder = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(SECRET_LITERALS);
    builder.ok()
});

/// Whether a letter or digit stands right before `start`.
fn after_word(text: &str, start: usize) -> bool {
    text[..start].ends_with(|before: char| before.is_alphanumeric() || before == '_')
}

/// How many digits there are, many bytes at a time: no sum of a chunk passes a byte.
pub fn count_digits(bytes: &[u8]) -> usize {
    let in_chunk = |chunk: &[u8]| -> u8 {
        chunk
            .iter()
            .map(|byte| u8::from(byte.is_ascii_digit()))
            .sum()
    };
    bytes
        .chunks(224)
        .map(|chunk| usize::from(in_chunk(chunk)))
        .sum()
}

/// Where the next digit is from `at` on. Eight bytes at a time: a byte of `word` that is a digit leaves its high bit in
/// `found`; the lowest one found is exact.
fn next_digit(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xFF;
    const HIGH: u64 = ONES << 7;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let low = word & !HIGH;
        // In seven bits nothing carries: from '0' on, but not past '9'.
        let from_zero = low + ONES * (0x80 - 0x30);
        let past_nine = low + ONES * (0x80 - 0x3A);
        let found = from_zero & !past_nine & !word & HIGH;
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let rest = bytes.get(at..)?.iter().position(u8::is_ascii_digit)?;
    Some(at + rest)
}

fn digits_end(bytes: &[u8], start: usize) -> usize {
    start
        + bytes[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
}

#[cfg(test)]
mod tests {
    use super::{count_digits, next_digit};

    /// Every byte value at every place of a word and of its tail is classified as a plain loop does.
    #[test]
    fn digits_are_found_wherever_they_are() {
        for length in 0..20 {
            for place in 0..length {
                for byte in 0..=255_u8 {
                    for background in [b'a', b'/', b':', 0x80, 0xB5, 0xFF, 0] {
                        let mut bytes = vec![background; length];
                        bytes[place] = byte;
                        let expected = bytes.iter().position(u8::is_ascii_digit);
                        assert_eq!(next_digit(&bytes, 0), expected, "{bytes:?}");
                        assert_eq!(count_digits(&bytes), usize::from(expected.is_some()));
                    }
                }
            }
        }
        assert_eq!(count_digits(&[b'7'; 1_000]), 1_000);
    }
}
