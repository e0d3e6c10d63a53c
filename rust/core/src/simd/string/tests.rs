//! Strings by every backend of the machine against the scanner and the conversion of `json`, which know no blocks.

use proptest::prelude::*;

use super::{StringEnd, find_string_and_unescape, find_string_end, unescape};
use crate::json::{self, Kind, Scanner, Scratch};
use crate::simd::{Backend, Isa, Kernel};

struct Unescape<'t>(&'t [u8], &'t mut Vec<u8>);

impl Kernel for Unescape<'_> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self) {
        unescape::<B>(self.0, self.1);
    }
}

/// The string whose opening quote `text` begins with.
fn expected_end(text: &str) -> Option<StringEnd> {
    let mut scratch = Scratch::default();
    let scanner = Scanner::new(text, 0, false, &mut scratch);
    let token = scanner.with_isa(Isa::Scalar).value(0);
    match token.ok()?.kind {
        Kind::String { escaped } => Some(StringEnd {
            end: token.ok()?.end as usize - 1,
            escaped,
        }),
        _ => None,
    }
}

fn assert_end(text: &str) {
    let expected = expected_end(text);
    let mut plain = "before".to_owned();
    if let Some(StringEnd { end, escaped: true }) = expected {
        json::unescape(&text[1..end], &mut plain).unwrap();
    }
    for isa in Isa::available() {
        let end = find_string_end(isa, text.as_bytes(), 1);
        assert_eq!(end, expected, "{} {text:?}", isa.name());
        let mut out = b"before".to_vec();
        let end = find_string_and_unescape(isa, text.as_bytes(), 1, &mut out);
        assert_eq!(end, expected, "{} in one pass: {text:?}", isa.name());
        if end.is_some() {
            let out = String::from_utf8_lossy(&out);
            assert_eq!(out, plain, "{} in one pass: {text:?}", isa.name());
        }
    }
}

fn assert_unescaped(inside: &str) {
    let mut expected = "before".to_owned();
    json::unescape(inside, &mut expected).unwrap();
    for isa in Isa::available() {
        let mut out = b"before".to_vec();
        isa.run(Unescape(inside.as_bytes(), &mut out));
        let out = String::from_utf8_lossy(&out);
        assert_eq!(out, expected, "{} {inside:?}", isa.name());
    }
}

/// `inside` as a string with other text behind it; what it stands for too, if it is one.
fn assert_string(inside: &str) {
    let text = format!("\"{inside}\",\"other\\u12\\q");
    assert_end(&text);
    if expected_end(&text).is_some_and(|string| string.end == inside.len() + 1) {
        assert_unescaped(inside);
    }
}

/// Right and wrong escapes, alone and beside others.
const ESCAPES: [&str; 39] = [
    r#"\""#,
    r"\\",
    r"\/",
    r"\b",
    r"\f",
    r"\n",
    r"\r",
    r"\t",
    r"\u0000",
    r"\u007f",
    r"\u0080",
    r"\u07FF",
    r"\u0800",
    r"\uD7ff",
    r"\ue000",
    r"\uFFFF",
    r"\ud800\udc00",
    r"\uDBFF\uDFFF",
    r"\ud83d\ude00\ud83D\uDE01",
    r"\u00e9\u00e8\u4e2d\u6587",
    r"\\u0041",
    r"\\\u0041",
    r"\\\\\\\\",
    r"\t\ud83d\ude00\n",
    r"\u12",
    r"\u12G4",
    r"\u123g",
    r"\u 123",
    r"\q",
    r"\U0041",
    r"\ud800",
    r"\udc00",
    r"\udc00\ud800",
    r"\ud800\ud800\udc00",
    r"\ud800\u0041",
    r"\ud800x\udc00",
    r"\ud800\\dc00",
    "\\\u{1}",
    "\\é",
];

/// Every escape at every place of the first two blocks, and a bit beyond them.
#[test]
fn escapes_are_read_wherever_they_stand() {
    for escape in ESCAPES {
        for before in 0..=130 {
            for after in [0, 1, 5, 64, 70] {
                assert_string(&("x".repeat(before) + escape + &"y".repeat(after)));
            }
        }
    }
}

/// Runs of backslashes over a block's edge, and of code units, which fill several blocks.
#[test]
fn runs_of_escapes_go_over_the_edges_of_blocks() {
    for unit in [r"\", r"\u4e2d", r"\ud83d\ude00", r"\u00e9x", r"\n\u0041"] {
        for before in 0..=70 {
            for times in 0..=40 {
                assert_string(&("x".repeat(before) + &unit.repeat(times)));
            }
        }
    }
}

/// A lone surrogate, which `string_end` refuses, becomes U+FFFD where it is allowed.
#[test]
fn lone_surrogates_are_replaced() {
    for lone in [
        r"\ud800",
        r"\udc00",
        r"\udc00\ud800",
        r"\ud800\ud800\udc00",
        r"\ud800\u0041",
        r"\ud800\\",
    ] {
        for before in 0..=130 {
            for after in ["", "yyyyyyyyyyyyyy", r"\n\u0041"] {
                assert_unescaped(&("x".repeat(before) + lone + after));
            }
        }
    }
}

/// A string that is not closed ends nowhere, however long it is; a control byte ends the search too.
#[test]
fn what_is_no_string_has_no_end() {
    for length in 0..=200 {
        for escape in ["", r"\n", r"\"] {
            let open = "\"".to_owned() + escape + &"x".repeat(length);
            assert_end(&open);
            for control in ['\0', '\n', '\u{1F}', '\u{7F}', '\u{80}'] {
                assert_end(&format!("{open}{control}\""));
            }
        }
    }
    assert_end("\"");
    for isa in Isa::available() {
        assert_eq!(
            find_string_end(isa, b"", 1),
            None,
            "a start behind the text"
        );
        let both = find_string_and_unescape(isa, b"", 1, &mut Vec::new());
        assert_eq!(both, None, "a start behind the text");
    }
}

/// Escapes as dense as they can be do not make a string grow.
#[test]
fn any_bytes_are_unescaped_without_leaving_the_output() {
    for length in 0..=200 {
        for unit in [
            &b"\\"[..],
            b"\\u",
            b"\\u1",
            b"\\uD8",
            b"\\ud800\\u",
            b"\xFF\\\xFF",
        ] {
            let inside: Vec<u8> = unit.iter().copied().cycle().take(length).collect();
            for isa in Isa::available() {
                let mut out = Vec::new();
                isa.run(Unescape(&inside, &mut out));
            }
        }
    }
}

/// Text of pieces that make strings, escapes and faults likely.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[ -!#-\\[\\]-~]{0,40}",
        2 => prop::sample::select(&ESCAPES[..24]).prop_map(str::to_owned),
        2 => any::<char>().prop_map(|character| {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units).iter();
            units.fold(String::new(), |text, unit| text + &format!("\\u{unit:04x}"))
        }),
        1 => "[é中😀]{0,20}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Strings of any mixture are found and converted alike.
    #[test]
    fn strings_are_as_the_scanner_says(inside in pieces()) {
        assert_string(&inside);
    }

    /// Strings with one character replaced are right or wrong alike.
    #[test]
    fn faults_are_as_the_scanner_says(
        inside in pieces(),
        place in any::<prop::sample::Index>(),
        by in prop::sample::select(vec!['"', '\\', 'u', 'd', 'D', '8', 'c', 'g', '\n', '\u{1F}', '\u{7F}', 'é']),
    ) {
        let mut characters: Vec<char> = inside.chars().chain(['x']).collect();
        let place = place.index(characters.len());
        characters[place] = by;
        assert_string(&characters.into_iter().collect::<String>());
    }
}
