//! What is found, what is left alone, and that nothing hides.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringArray, StringViewArray};
use proptest::prelude::*;

use super::replace::Replacement;
use super::rules::Rules;
use super::{Counts, changed::changed, json, nested};
use crate::decode::Decoder;
use crate::transform::config::PatternConfig;

fn rules() -> Rules {
    let own = PatternConfig::Own {
        name: "ticket".into(),
        regex: "T-[0-9]+".into(),
    };
    let all = ["email", "phone", "card", "secret"].map(|name| PatternConfig::BuiltIn(name.into()));
    let mut problems = Vec::new();
    let rules = Rules::compile(0, Some(&[&all[..], &[own]].concat()), &mut problems);
    assert_eq!(problems, []);
    rules
}

fn masked(text: &str) -> String {
    let rules = rules();
    let mut out = String::new();
    Replacement::Mask.replace(text, &rules.find(text), &rules.names, &mut out);
    out
}

fn masked_json(text: &str) -> String {
    let rules = rules();
    let mut counts = Counts {
        by_rule: vec![0; rules.names.len()],
    };
    json::redact(text, &rules, &Replacement::Mask, &mut counts).unwrap_or_else(|| text.into())
}

/// Each pattern in the forms that people write, and what is around it stays.
#[test]
fn what_is_meant_is_found() {
    for (text, expected) in [
        (
            "mail ann.lee+x@mail.example.co.uk, now",
            "mail [email], now",
        ),
        ("<o'brien@example.com>", "<[email]>"),
        ("jürgen@bücher.de.", "[email]."),
        ("a@b.co b@c.org", "[email] [email]"),
        ("me@xn--bcher-kva.xn--p1ai", "[email]"),
        (
            "call +49 30 123456 or (555) 234-5678",
            "call [phone] or [phone]",
        ),
        ("555-234-5678, +1 555.234.5678", "[phone], [phone]"),
        ("+49 30 123456 12345678901234", "[phone] 12345678901234"),
        ("card 4111 1111 1111 1111 12/27", "card [card] 12/27"),
        ("4111111111111111.", "[card]."),
        ("no. 12 5500-0000-0000-0004", "no. 12 [card]"),
        ("378282246310005", "[card]"),
        ("key sk-proj-abcdefghijklmnop1234!", "key [secret]!"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "[secret]"),
        ("AKIAIOSFODNN7EXAMPLE", "[secret]"),
        ("xoxb-1234567890-abcdef", "[secret]"),
        (
            "Authorization: Bearer abc.def-1234567890",
            "Authorization: [secret]",
        ),
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.abc-DEF_1",
            "[secret]",
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nok",
            "[secret]\nok",
        ),
        ("key-----BEGIN EC PRIVATE KEY-----\nMII", "key[secret]"),
        ("x -----BEGIN PRIVATE KEY-----\nMIIEcut off", "x [secret]"),
        ("see T-17 and T-x", "see [ticket] and T-x"),
    ] {
        assert_eq!(masked(text), expected, "{text}");
    }
}

/// What only resembles a pattern stays as it is.
#[test]
fn what_only_resembles_is_left_alone() {
    for text in [
        "@ann on a@b and user@localhost",
        "x@1.2.3",
        "a @ b.com",
        "@example.com",
        "ann@example.c",
        "ann@-example.com",
        "4111 1111 1111 1112",
        "1234567812345678",
        "41111111111111111111",
        "0.4111111111111111",
        "4111111111111111.5",
        "2026-01-31T23:59:59.123456Z",
        "1790000000000000000",
        "192.168.100.200",
        "00:11:22:33:44:55",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "555-1234",
        "1+5552345678x",
        "v1.2.3+20260131",
        "id4111111111111111",
        "4111111111111111ab",
        "task-abcdefghijklmnopqrstu",
        "sk-short",
        "ghp_short",
        "AKIA",
        "eyJ",
        "the bearer of-glad-tidings-and-news",
        "-----BEGIN PUBLIC KEY-----",
        "T-",
        "",
    ] {
        assert_eq!(masked(text), text);
    }
}

/// Escapes hide nothing, at whatever depth, and the text stays what it is around the marks.
#[test]
fn nothing_hides_in_escapes() {
    for (text, expected) in [
        (r"ann\u0040example.com", "[email]"),
        (
            r#"{"m": "ann\u0040example.com", "n": "\nann@example.com"}"#,
            r#"{"m": "[email]", "n": "\n[email]"}"#,
        ),
        (
            r#"{"s": "{\"m\": \"\\nann\\u0040example.com\\n\"}"}"#,
            r#"{"s": "{\"m\": \"\\n[email]\\n\"}"}"#,
        ),
        (r"\u0034111111111111111", "[card]"),
        (r"\nsk-abcdefghijklmnop1234", r"\n[secret]"),
        (
            r"key: \\\\nsk-abcdefghijklmnop1234\\\\n",
            r"key: \\\\n[secret]\\\\n",
        ),
        (r"C:\users\bob@example.com", r"C:\users\b[email]"),
        (r"\q ann@example.com \u12", r"\q [email] \u12"),
        (
            r"-----BEGIN PRIVATE KEY-----\nMII\/x\n-----END PRIVATE KEY-----\n",
            r"[secret]\n",
        ),
    ] {
        assert_eq!(masked(text), expected, "{text}");
    }
}

/// Keys, strings and numbers of a JSON text are searched, and it stays JSON.
#[test]
fn json_stays_json() {
    for (text, expected) in [
        (
            r#"{"ann@example.com": ["T-1", {"x": "é\ud83d\ude00 a@b.co"}]}"#,
            r#"{"[email]": ["[ticket]", {"x": "é\ud83d\ude00 [email]"}]}"#,
        ),
        (
            r#"{"card": 4111111111111111, "n": -1.5e3}"#,
            r#"{"card": "[card]", "n": -1.5e3}"#,
        ),
        (r#""a\u0040b.co""#, r#""[email]""#),
        (
            r#"{"s": "{\"m\":\"a@b.co\"}", "t": "a@b.co\\"}"#,
            r#"{"s": "{\"m\":\"[email]\"}", "t": "[email]\\"}"#,
        ),
        (
            r#"{"plain": "é\n\"", "n": [1, true, null]}"#,
            r#"{"plain": "é\n\"", "n": [1, true, null]}"#,
        ),
    ] {
        let redacted = masked_json(text);
        assert_eq!(redacted, expected, "{text}");
        serde_json::from_str::<serde_json::Value>(&redacted).unwrap();
    }
}

/// A hash is the same for the same text and key, wherever and however it is written.
#[test]
fn hashes_are_keyed_and_the_same() {
    let hash = |key: &str, text: &str| {
        let rules = rules();
        let mut out = String::new();
        Replacement::hash(key)
            .unwrap()
            .replace(text, &rules.find(text), &rules.names, &mut out);
        out
    };
    let (one, other) = ("00".repeat(16), "01".repeat(16));
    let plain = hash(&one, "ann@example.com");
    assert_eq!(plain.len(), 32);
    assert_eq!(
        hash(&one, r"to ann\u0040example.com!"),
        format!("to {plain}!")
    );
    assert_ne!(hash(&other, "ann@example.com"), plain);
    assert_ne!(hash(&one, "bob@example.com"), plain);
    assert!(Replacement::hash(&"00".repeat(15)).is_none());
}

/// The same rows as a column inside a nested type, and as one of its own.
fn both(rows: &[Option<&str>]) -> [ArrayRef; 2] {
    let rows = rows.to_vec();
    [
        Arc::new(StringArray::from(rows.clone())),
        Arc::new(StringViewArray::from(rows)),
    ]
}

/// `[x]` for this text alone.
fn only(wanted: &str) -> impl Fn(&str, &mut String) -> bool {
    move |text, out| {
        out.push_str("[x]");
        text == wanted
    }
}

/// Only the rows with something in them are written anew; without any the column is the same one.
#[test]
fn a_column_without_hits_is_not_copied() {
    let (texts, expected) = (
        both(&[Some("a"), None, Some("b"), Some("c")]),
        both(&[Some("a"), None, Some("[x]"), Some("c")]),
    );
    let of_slice = both(&[Some("b"), Some("[x]")]);
    for ((texts, expected), of_slice) in texts.iter().zip(&expected).zip(&of_slice) {
        assert!(changed(texts, only("z")).unwrap().is_none());
        assert_eq!(&changed(texts, only("b")).unwrap().unwrap(), expected);
        let slice = changed(&texts.slice(2, 2), only("c")).unwrap().unwrap();
        assert_eq!(&slice, of_slice);
    }
}

/// Of a column of views the text that stays is where it was.
#[test]
fn text_beside_hits_is_not_copied() {
    let rows = ["long enough not to be inline", "b", "another long text"];
    let texts: ArrayRef = Arc::new(StringViewArray::from(rows.to_vec()));
    let redacted = changed(&texts, only("b")).unwrap().unwrap();
    let (old, new) = (texts.as_string_view(), redacted.as_string_view());
    assert_eq!(new.value(1), "[x]");
    for row in [0, 2] {
        assert_eq!(new.value(row).as_ptr(), old.value(row).as_ptr());
    }
}

/// `text` as JSON writes it, each character escaped or not as `escape` says.
fn escaped(text: &str, escape: &[bool]) -> String {
    let mut out = String::new();
    for (index, character) in text.chars().enumerate() {
        if escape.get(index % escape.len().max(1)) == Some(&true)
            || matches!(character, '"' | '\\' | '\0'..' ')
        {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04X}").unwrap();
            }
        } else {
            out.push(character);
        }
    }
    out
}

proptest! {
    /// Whatever is around them and however often it is escaped, planted values are gone, and the rest is there.
    #[test]
    fn planted_values_are_gone(
        before in "[ \"\\\\\n,:{}é]{0,8}",
        after in "[ \"\\\\\n,:{}é]{0,8}",
        planted in prop::sample::select(vec![
            "ann@example.com", "4111111111111111", "sk-abcdefghijklmnop1234", "T-42", "+49 30 1234567",
        ]),
        depth in 0..4_usize,
        escape in prop::collection::vec(any::<bool>(), 1..5),
    ) {
        let mut text = format!("{before} {planted} {after}");
        for _ in 0..depth {
            text = escaped(&text, &escape);
        }
        let redacted = masked(&text);
        let mut plain = redacted.clone();
        for _ in 0..=depth {
            prop_assert!(!plain.contains(planted), "{redacted}");
            let mut next = String::new();
            crate::json::unescape(&plain, &mut next).unwrap();
            plain = next;
        }
        let quoted = format!("\"{}\"", escaped(&text, &escape));
        let redacted = masked_json(&quoted);
        let parsed: Result<String, _> = serde_json::from_str(&redacted);
        prop_assert!(parsed.is_ok(), "{quoted} {redacted}");
        prop_assert_eq!(parsed.unwrap(), masked(&text));
    }

    /// No text makes the search fail, and what it changes in JSON is JSON again.
    #[test]
    fn any_text_is_searched(text in "[@.a-z0-9+\\-\\\\\"u \u{e9}T]{0,40}") {
        let redacted = masked(&text);
        prop_assert!(text.contains('[') || redacted == text || redacted.contains('['));
        let value = serde_json::Value::String(text).to_string();
        let parsed: Result<String, _> = serde_json::from_str(&masked_json(&value));
        prop_assert!(parsed.is_ok());
    }
}

/// Text is found at any depth of a nested column, in the keys of maps too; what has none is not copied.
#[test]
fn nothing_hides_in_nested_columns() {
    let config = serde_json::json!({"columns": [
        {"name": "c", "path": ["c"], "type": "list<struct<a: map<string, string>, n: int64, j: json>>"},
    ]});
    let decoder = Decoder::new(&serde_json::from_value(config).unwrap()).unwrap();
    let redacted = |text: &str| {
        let value = format!(r#"{{"c":{text}}}"#);
        let found = decoder.decode(&[Some(value.as_bytes())]).unwrap();
        let kind = "list<struct<a: map<string, string>, n: int64, j: json>>"
            .parse()
            .unwrap();
        let mut change = |text: &str, is_json: bool, out: &mut String| {
            let plain = if is_json {
                masked_json(text)
            } else {
                masked(text)
            };
            out.push_str(&plain);
            plain != text
        };
        nested::redact(found.batch.column(0), &kind, &mut change).unwrap()
    };
    let array = redacted(
        r#"[{"a":{"x@example.com":"to y\u0040example.com"},"n":1,"j":{"to":"z@example.com"}},{"n":2}]"#,
    );
    let array = array.unwrap();
    let items = array.as_list::<i32>().value(0);
    let items = items.as_struct();
    let map = items.column(0).as_map();
    assert_eq!(map.keys().as_string::<i32>().value(0), "[email]");
    assert_eq!(map.values().as_string::<i32>().value(0), "to [email]");
    assert_eq!(
        items.column(2).as_string::<i32>().value(0),
        r#"{"to":"[email]"}"#
    );
    assert_eq!(items.len(), 2);
    assert!(redacted(r#"[{"a":{"plain":"text"},"n":1}]"#).is_none());
}
