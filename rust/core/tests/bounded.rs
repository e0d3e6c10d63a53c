//! No value hangs the decoder or exhausts memory, whatever its size: each of these would, if anything grew faster than
//! the value does or recursed with it. Nothing is timed; what grows with the square of a value does not end.

#![allow(clippy::unwrap_used, clippy::similar_names)]

use penstock_core::decode::{Decoded, Decoder, RejectionCode};
use serde_json::json;

const BEFORE: &[u8] = br#"{"s":"before","n":1}"#;
const AFTER: &[u8] = br#"{"s":"after","z":2}"#;

/// How many a million are; fewer where a processor is emulated.
fn million() -> usize {
    let fewer = std::env::var("PENSTOCK_TEST_MILLION");
    fewer.map_or(1_000_000, |count| count.parse().unwrap())
}

/// Columns of every way to read a value, and limits that let all through.
fn decoder(invalid_text: &str, max_depth: usize) -> Decoder {
    let config = json!({
        "columns": [
            {"name": "s", "path": ["s"], "type": "string"},
            {"name": "n", "path": ["n"], "type": "int64"},
            {"name": "x", "path": ["x"], "type": "float64"},
            {"name": "d", "path": ["d"], "type": "decimal(38, 10)"},
            {"name": "at", "path": ["at"], "type": "timestamp[us, UTC]"},
            {"name": "raw", "path": ["raw"], "type": "json"},
            {"name": "b", "path": ["b"], "type": "binary[base64]"},
            {"name": "t", "path": ["u", "t"], "type": "string"},
            {"name": "list", "path": ["list"], "type": "list<int64>"},
            {"name": "map", "path": ["map"], "type": "map<string, int64>"},
            {"name": "struct", "path": ["struct"], "type": "struct<a: int64, b: list<list<string>>>"},
        ],
        "decode": {
            "invalid_text": invalid_text,
            "max_depth": max_depth,
            "max_bytes": 512 << 20,
            "coerce": true,
        },
    });
    Decoder::new(&serde_json::from_value(config).unwrap()).unwrap()
}

/// `value` between two good ones, which are rows whatever it is.
fn decode(decoder: &Decoder, value: &[u8]) -> Decoded {
    let decoded = decoder
        .decode(&[Some(BEFORE), Some(value), Some(AFTER)])
        .unwrap();
    let rejected = decoded.rejections.len();
    assert!(decoded.rejections.iter().all(|found| found.index == 1));
    assert_eq!(decoded.rows.len() + rejected, 3);
    decoded
}

/// `value` becomes a row.
fn row(value: &str) -> Decoded {
    let decoded = decode(&decoder("reject", 128), value.as_bytes());
    assert_eq!(decoded.rejections, []);
    decoded
}

/// `value` is rejected for `code` at its byte `position`.
fn rejected(decoder: &Decoder, value: &[u8], code: RejectionCode, position: usize) {
    let decoded = decode(decoder, value);
    let found = &decoded.rejections[0];
    assert_eq!((found.code, found.byte_position), (code, position as u64));
    assert!(found.message.len() < 100);
}

/// A hundred megabytes in one string, wherever it stands.
#[test]
fn long_strings_are_values() {
    let long = "a".repeat(100 * million());
    for key in ["s", "raw", "z", "n"] {
        row(&format!(r#"{{"{key}":"{long}"}}"#));
    }
    row(&format!(r#"{{"{long}":1,"u":{{"t":"{long}"}}}}"#));
    let decoded = row(&format!(
        r#"{{"map":{{"{long}":1}},"b":"{long}","struct":{{"{long}":1}}}}"#
    ));
    assert_eq!(decoded.drift.unknown_key, 2);
}

/// Millions of escapes in a value and in keys.
#[test]
fn many_escapes_are_text() {
    for escape in [r"\n", r"\u00e9", r"\ud83d\ude00", r#"\\\""#] {
        let text = escape.repeat(2 * million());
        row(&format!(
            r#"{{"s":"{text}","{text}":"{text}","n":"{text}","map":{{"{text}":1}}}}"#
        ));
    }
}

/// Numerals of ten million digits, in every place.
#[test]
fn long_numerals_are_out_of_range_or_exact() {
    let digits = "9".repeat(10 * million());
    let zeros = "0".repeat(10 * million());
    for numeral in [
        digits.clone(),
        format!("-1{zeros}"),
        format!("0.{zeros}1"),
        format!("1.{zeros}"),
        format!("{digits}.{digits}e-{digits}"),
        format!("1e{digits}"),
        format!("1{zeros}e-10000000"),
    ] {
        for key in ["n", "x", "d", "at", "s", "raw", "z"] {
            row(&format!(r#"{{"{key}":{numeral}}}"#));
            row(&format!(r#"{{"{key}":"{numeral}"}}"#));
        }
        row(&format!(
            r#"{{"list":[{numeral}],"map":{{"a":{numeral}}}}}"#
        ));
    }
}

/// A million members: the same key, other keys, keys in other spellings; and as many elements.
#[test]
fn many_members_are_told_apart() {
    let list = |member: &dyn Fn(usize) -> String| -> String {
        let members: Vec<String> = (0..million()).map(member).collect();
        members.join(",")
    };
    let repeats = million() as u64 - 1;
    for member in [
        r#""s":"a""#,
        r#""z":1"#,
        r#""u":{"t":"a","z":1}"#,
        r#""\u007a":1"#,
    ] {
        let decoded = row(&format!("{{{}}}", list(&|_| member.to_owned())));
        assert_eq!(decoded.drift.duplicate_key, repeats);
    }
    let others = list(&|number| format!(r#""{number}":{number}"#));
    for (record, unknown) in [
        (format!("{{{others}}}"), million() as u64),
        (format!(r#"{{"u":{{{others}}}}}"#), million() as u64),
        (format!(r#"{{"map":{{{others}}}}}"#), 0),
        (format!(r#"{{"struct":{{{others}}}}}"#), million() as u64),
        (format!(r#"{{"raw":{{{others}}}}}"#), 0),
    ] {
        // The last record has one as well.
        assert_eq!(row(&record).drift.unknown_key, unknown + 1);
    }
    let same = list(&|number| format!(r#""a":{number}"#));
    for key in ["map", "struct"] {
        let decoded = row(&format!(r#"{{"{key}":{{{same}}}}}"#));
        assert_eq!(decoded.drift.duplicate_key, repeats);
    }
    let numbers = list(&|number| number.to_string());
    row(&format!(r#"{{"list":[{numbers}],"z":[{numbers}]}}"#));
    let texts = list(&|_| r#"[["a"],[]]"#.to_owned());
    row(&format!(r#"{{"struct":{{"b":[{texts}]}}}}"#));
}

/// A million containers in each other, closed or not, end at the limit, whatever the limit is.
#[test]
fn any_depth_ends_at_the_limit() {
    for max_depth in [1, 128, 10_000] {
        let decoder = decoder("reject", max_depth);
        for (start, open) in [
            ("", "["),
            (r#"{"z":"#, "["),
            (r#"{"raw":"#, "["),
            (r#"{"list":"#, "["),
            (r#"{"struct":{"b":"#, "["),
            ("", r#"{"u":"#),
            ("", r#"{"raw":"#),
            (r#"{"map":"#, r#"{"a":"#),
        ] {
            let opened = start.matches('{').count();
            if opened > max_depth {
                continue;
            }
            let position = start.len() + (max_depth - opened) * open.len();
            if position < start.len() {
                continue;
            }
            let value = format!("{start}{}", open.repeat(million()));
            rejected(&decoder, value.as_bytes(), RejectionCode::TooDeep, position);
        }
    }
    let deepest = decoder("reject", 10_000);
    let inside = format!("{}{}", "[".repeat(9_999), "]".repeat(9_999));
    for key in ["z", "raw", "list", "n"] {
        let value = format!(r#"{{"{key}":{inside}}}"#);
        assert_eq!(decode(&deepest, value.as_bytes()).rejections, []);
    }
}

/// A value that ends too early is rejected at its end, however much of it there is and however many come.
#[test]
fn unclosed_values_end() {
    let decoder = decoder("reject", 128);
    for start in [
        r#"{"s":""#,
        r#"{"z":""#,
        r#"{"n":"#,
        r#"{""#,
        "{",
        r#"{"list":["#,
    ] {
        let fill = if start.ends_with('"') { "a" } else { " " };
        let value = format!("{start}{}", fill.repeat(20 * million()));
        rejected(
            &decoder,
            value.as_bytes(),
            RejectionCode::InvalidJson,
            value.len(),
        );
    }
    let value = format!(r#"{{"s":"{}"#, r"\n".repeat(500));
    let values = vec![Some(value.as_bytes()); 1000];
    let decoded = decoder.decode(&values).unwrap();
    assert_eq!(decoded.rejections.len(), 1000);
    let end = value.len() as u64;
    assert!(
        decoded
            .rejections
            .iter()
            .all(|found| found.byte_position == end)
    );
}

/// Millions of bytes that are no text are replaced, and a fault behind them is found where it is.
#[test]
fn invalid_text_is_replaced() {
    let decoder = decoder("replace", 128);
    let mut value = br#"{"s":""#.to_vec();
    value.resize(10 * million(), 0xFF);
    rejected(&decoder, &value, RejectionCode::InvalidJson, value.len());
    value.extend(br#"","z":1}"#);
    let replaced = 10 * million() as u64 - 6;
    assert_eq!(decode(&decoder, &value).drift.replaced_text, replaced);
    let surrogates = r"\ud800".repeat(million());
    let value = format!(r#"{{"s":"{surrogates}","{surrogates}":1}}"#);
    let decoded = decode(&decoder, value.as_bytes());
    assert_eq!(decoded.drift.replaced_text, 2 * million() as u64);
}

/// Other bytes without end: white space, nothing, one byte again and again.
#[test]
fn other_floods_are_refused_at_once() {
    let decoder = decoder("reject", 128);
    for (byte, position) in [
        (b' ', 20 * million()),
        (0, 0),
        (b'0', 1),
        (b'-', 1),
        (b',', 0),
        (b'}', 0),
    ] {
        let value = vec![byte; 20 * million()];
        rejected(&decoder, &value, RejectionCode::InvalidJson, position);
    }
    let value = vec![b' '; (512 << 20) + 1];
    rejected(&decoder, &value, RejectionCode::TooLarge, 512 << 20);
}
