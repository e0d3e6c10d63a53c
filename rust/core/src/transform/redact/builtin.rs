//! The patterns that are built in: written by hand where a regular expression can't say it or would be slow.
//!
//! Each calls `found` with the ends of what it finds, in any order. None is meant to understand its subject fully;
//! each is meant not to miss what people write, and to leave alone what only resembles it.

use std::sync::LazyLock;

use regex::Regex;

/// A built-in pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltIn {
    Email,
    Phone,
    Card,
    Secret,
}

/// Fewest digits of a telephone number.
pub const PHONE_DIGITS: usize = 7;
/// Fewest and most digits of a card number.
pub const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
const MOST_PHONE_DIGITS: usize = 15;

/// One of these is in every secret; searched before any regular expression.
pub const SECRET_LITERALS: [&str; 19] = [
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

    pub fn search(self, text: &str, found: impl FnMut(usize, usize)) {
        match self {
            Self::Email => emails(text, found),
            Self::Phone => phones(text, found),
            Self::Card => cards(text, found),
            Self::Secret => secrets(text, found),
        }
    }
}

/// From each `@` outwards: a local part, and a domain whose last label is letters.
fn emails(text: &str, mut found: impl FnMut(usize, usize)) {
    for at in memchr::memchr_iter(b'@', text.as_bytes()) {
        let start = at - local_part(&text[..at]);
        let length = domain(&text[at + 1..]);
        if start < at && length > 0 {
            found(start, at + 1 + length);
        }
    }
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
        let inside = |character: char| character.is_alphanumeric() || character == '-';
        let length = label
            .find(|character| !inside(character))
            .unwrap_or(label.len());
        let letters = label
            .find(|character: char| !character.is_alphabetic())
            .unwrap_or(label.len());
        let ends_here = letters == length || label[letters..].starts_with('-');
        if start > 0 && ends_here && label[..letters].chars().nth(1).is_some() {
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
fn phones(text: &str, mut found: impl FnMut(usize, usize)) {
    static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let international = r"\+[0-9](?:[ ().\-/]{0,2}[0-9]){6,14}";
        let american = r"(?:\+?1[ .\-]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .\-])[2-9][0-9]{2}[ .\-][0-9]{4}";
        Regex::new(&format!("{international}|{american}")).ok()
    });
    each_match(NUMBER.as_ref(), text, |start, mut end| {
        // Digits that go on belong to another number; what is before the last gap may still be one.
        while text[end..].starts_with(|next: char| next.is_ascii_digit()) {
            let before_gap = text[start..end].rfind(|last: char| !last.is_ascii_digit());
            let gap = before_gap.map_or("", |gap| &text[start..start + gap]);
            end = start
                + gap
                    .trim_end_matches(|last: char| !last.is_ascii_digit())
                    .len();
        }
        let digits = count_digits(&text.as_bytes()[start..end]);
        if after_word(text, start) || !(PHONE_DIGITS..=MOST_PHONE_DIGITS).contains(&digits) {
            return None;
        }
        found(start, end);
        Some(end)
    });
}

/// 13 to 19 digits, in groups or not, of a card network's range and with the right check digit.
fn cards(text: &str, mut found: impl FnMut(usize, usize)) {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = 0;
    while at < bytes.len() {
        if !digit(at) {
            at += 1;
            continue;
        }
        // The groups of digits that a single space or hyphen joins.
        let mut groups: Vec<(usize, usize)> = Vec::new();
        loop {
            let start = at;
            while digit(at) {
                at += 1;
            }
            groups.push((start, at));
            if !(matches!(bytes.get(at), Some(b' ' | b'-')) && digit(at + 1)) {
                break;
            }
            at += 1;
        }
        let mut first = 0;
        while first < groups.len() {
            first = match card_from(text, &groups, first) {
                Some(last) => {
                    found(groups[first].0, groups[last].1);
                    last + 1
                }
                None => first + 1,
            };
        }
    }
}

/// The last group of the longest card number that begins with the group `first`.
fn card_from(text: &str, groups: &[(usize, usize)], first: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let start = groups[first].0;
    // Digits before or after a decimal point are those of another number.
    let decimal = |point: Option<&u8>, digit: Option<&u8>| {
        point == Some(&b'.') && digit.is_some_and(u8::is_ascii_digit)
    };
    if start >= 2 && decimal(bytes.get(start - 1), bytes.get(start - 2)) {
        return None;
    }
    let candidates = (first..groups.len()).rev().filter(|&last| {
        let end = groups[last].1;
        let digits: Vec<u8> = bytes[start..end]
            .iter()
            .copied()
            .filter(u8::is_ascii_digit)
            .collect();
        CARD_DIGITS.contains(&digits.len())
            && !decimal(bytes.get(end), bytes.get(end + 1))
            && of_a_network(&digits)
            && luhn(&digits)
    });
    candidates.max()
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
fn secrets(text: &str, mut found: impl FnMut(usize, usize)) {
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
        Regex::new(&forms.join("|")).ok()
    });
    each_match(TOKEN.as_ref(), text, |start, end| {
        let matched = &text[start..end];
        // Prose of bearers has no digits; a token without any is next to impossible.
        let prose = matched
            .get(..6)
            .is_some_and(|word| word.eq_ignore_ascii_case("bearer"))
            && !matched.contains(|character: char| character.is_ascii_digit());
        if prose || after_word(text, start) {
            return None;
        }
        found(start, end);
        Some(end)
    });
}

/// Calls `take` with each match, and goes on where it says; one that it refuses is tried again from its second
/// character on.
fn each_match(
    regex: Option<&Regex>,
    text: &str,
    mut take: impl FnMut(usize, usize) -> Option<usize>,
) {
    let mut from = 0;
    while let Some(found) = regex.and_then(|regex| regex.find_at(text, from)) {
        let taken = take(found.start(), found.end());
        from = taken.unwrap_or_else(|| next_character(text, found.start()));
    }
}

fn next_character(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(1, char::len_utf8)
}

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
