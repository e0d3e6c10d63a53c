//! Records that follow a learnt shape are decoded as if there were no shapes, on every instruction set.

#![allow(clippy::unwrap_used, clippy::similar_names)]

use arrow_array::cast::AsArray;
use arrow_buffer::Buffer;
use penstock_core::decode::{Decoded, Decoder, Shapes};
use penstock_core::simd::Isa;
use serde_json::json;

fn decoder() -> Decoder {
    let config = json!({
        "columns": [
            {"name": "id", "path": ["id"], "type": "string", "required": true},
            {"name": "at", "path": ["at"], "type": "timestamp[us, UTC]"},
            {"name": "n", "path": ["n"], "type": "int64"},
            {"name": "f", "path": ["f"], "type": "float64"},
            {"name": "ok", "path": ["ok"], "type": "bool"},
            {"name": "in", "path": ["usage", "in"], "type": "int64"},
            {"name": "tags", "path": ["tags"], "type": "list<string>"},
            {"name": "raw", "path": ["raw"], "type": "json"},
            {"name": "text", "path": ["text"], "type": "string"},
        ],
    });
    Decoder::new(&serde_json::from_value(config).unwrap()).unwrap()
}

/// Records as producers write them: compact and spaced, with and without optional keys, undeclared ones, escapes, long
/// literals between values, every kind of value.
const RECORDS: [&str; 9] = [
    r#"{"id":"0123456789abcdef","at":"2026-01-02T03:04:05.678901Z","n":42,"f":1.5,"ok":true,"usage":{"in":7},"text":"short"}"#,
    r#"{"id": "a", "at": "2026-01-02T03:04:05+00:00", "n": -1, "f": 1e3, "ok": false, "usage": {"in": 0}, "text": "a\nb"}"#,
    r#"{"id":"b","n":1,"tags":["x","y\u00e9"],"raw":{"a":[1,2,{"b":null}]},"text":"0123456789012345678901234567890123456789012345678901234567890123456789\"\\\u20ac"}"#,
    r#"{"id":"c","unknown":1,"x.y":"z","usage":{"in":1,"out":2},"text":null}"#,
    r#"{"text":"key order","id":"d"}"#,
    r#"{"id":"e","usage":null,"n":"not a number","f":12345678901234567890}"#,
    "{\n  \"id\": \"f\",\n  \"a_very_long_undeclared_key_that_does_not_fit_into_one_block_of_literal_text\": 0,\n  \"n\": 9223372036854775807\n}",
    r#"{"id":"é中🙂","text":"é中🙂 é中🙂 é中🙂 é中🙂 é中🙂 é中🙂 é中🙂 é中🙂"}"#,
    r#"{"id":"g","raw":"\"\\\/","ok":null,"n":0,"f":-0.0}"#,
];

/// Everything that a call said, in a form that can be compared.
fn said(decoded: &Decoded) -> String {
    let cells: Vec<String> = (0..decoded.batch.num_columns())
        .map(|column| format!("{:?}", decoded.batch.column(column)))
        .collect();
    format!(
        "{cells:?} {:?} {:?} {:?}",
        decoded.rows, decoded.rejections, decoded.drift
    )
}

fn values(records: &[Vec<u8>]) -> Vec<Option<&[u8]>> {
    records
        .iter()
        .map(|record| Some(record.as_slice()))
        .collect()
}

/// Shapes that know all of [`RECORDS`].
fn taught(decoder: &Decoder) -> Shapes {
    let mut shapes = Shapes::default();
    let records = RECORDS.map(|record| Some(record.as_bytes()));
    for _ in 0..3 {
        decoder.decode_with(&records, &mut shapes).unwrap();
    }
    let before = shapes.hits();
    decoder.decode_with(&records, &mut shapes).unwrap();
    assert_eq!(shapes.hits() - before, RECORDS.len() as u64);
    shapes
}

/// With one byte changed, gone or added anywhere, a record that a shape was made for is what it is without shapes.
#[test]
fn one_wrong_byte_is_never_taken_for_the_shape() {
    for isa in Isa::available() {
        let decoder = decoder().on(isa);
        let shapes = taught(&decoder);
        for record in RECORDS {
            let mut changed: Vec<Vec<u8>> = Vec::new();
            for at in 0..record.len() {
                for byte in *b"\"\\,:{}[]0a-. \x01\xFFnutfe" {
                    let mut other = record.as_bytes().to_vec();
                    other[at] = byte;
                    changed.push(other.clone());
                    other[at] = record.as_bytes()[at];
                    other.insert(at, byte);
                    changed.push(other);
                }
                let mut shorter = record.as_bytes().to_vec();
                shorter.remove(at);
                changed.push(shorter);
                changed.push(record.as_bytes()[..at].to_vec());
            }
            for part in changed.chunks(50) {
                for value in part {
                    let value = [Some(value.as_slice())];
                    let with = decoder.decode_with(&value, &mut shapes.clone()).unwrap();
                    let without = decoder.decode(&value).unwrap();
                    assert_eq!(
                        said(&with),
                        said(&without),
                        "{isa:?} {}",
                        String::from_utf8_lossy(value[0].unwrap())
                    );
                }
                let together = decoder
                    .decode_with(&values(part), &mut shapes.clone())
                    .unwrap();
                let reference = decoder.decode(&values(part)).unwrap();
                assert_eq!(said(&together), said(&reference));
            }
        }
    }
}

/// Wherever the records lie and whichever instructions look at them, they say the same.
#[test]
fn neither_alignment_nor_instruction_set_changes_an_answer() {
    let reference = {
        let decoder = decoder().on(Isa::Scalar);
        let records = RECORDS.map(|record| record.replace('\n', " "));
        let records: Vec<_> = records
            .iter()
            .map(|record| Some(record.as_bytes()))
            .collect();
        said(
            &decoder
                .decode(&[&records[..], &records[..], &records[..]].concat())
                .unwrap(),
        )
    };
    let lines = RECORDS.map(|record| record.replace('\n', " ")).join("\n");
    for isa in Isa::available() {
        let decoder = decoder().on(isa);
        for alignment in 0..64 {
            for padding in [0, 1, 63, 64, 200] {
                let text = format!(
                    "{}{lines}\n{lines}\n{lines}\n{}",
                    "\n".repeat(alignment),
                    "\n".repeat(padding)
                );
                let buffer = Buffer::from(text.as_bytes());
                let mut shapes = Shapes::default();
                let (decoded, _) = decoder.decode_lines(&buffer, &mut shapes).unwrap();
                assert_eq!(said(&decoded), reference, "{isa:?} {alignment} {padding}");
            }
        }
    }
}

/// Lines are split and decoded some at a time; none is lost between two times, and each knows its line.
#[test]
fn lines_of_any_number_are_all_decoded() {
    let padding = "x".repeat(3000);
    let line = |number: usize| match number % 7 {
        3 => String::new(),
        5 => "not JSON".to_owned(),
        _ => format!(r#"{{"id":"{number}","text":"{padding}"}}"#),
    };
    let text = (0..1000).map(line).collect::<Vec<_>>().join("\n");
    let buffer = Buffer::from(text.as_bytes());
    let (decoded, lines) = decoder()
        .decode_lines(&buffer, &mut Shapes::default())
        .unwrap();
    let ids = decoded.batch.column_by_name("id").unwrap();
    let ids = ids.as_string_view().iter().flatten();
    let good = (0..1000).filter(|number| !matches!(number % 7, 3 | 5));
    assert!(
        ids.eq(good
            .map(|number| number.to_string())
            .collect::<Vec<_>>()
            .iter())
    );
    let rejected = decoded.rejections.iter();
    let rejected: Vec<u64> = rejected
        .map(|rejection| lines.place(rejection.index).line - 1)
        .collect();
    assert_eq!(rejected, (5..1000).step_by(7).collect::<Vec<_>>());
}

/// A character cut in two by the boundary of two records is text in neither.
#[test]
fn text_is_not_joined_over_the_end_of_a_record() {
    let first = [br#"{"id":"a"}"#, &b"\xC3"[..]].concat();
    let second = [&b"\xA9"[..], br#"{"id":"b"}"#].concat();
    let decoded = decoder()
        .decode(&[Some(&first), Some(&second), Some(RECORDS[0].as_bytes())])
        .unwrap();
    let found: Vec<_> = decoded
        .rejections
        .iter()
        .map(|rejection| {
            (
                rejection.index,
                rejection.code.as_str(),
                rejection.byte_position,
            )
        })
        .collect();
    assert_eq!(found, [(0, "invalid_utf8", 10), (1, "invalid_utf8", 0)]);
}

/// A producer whose records are all different teaches nothing, and others are still recognized.
#[test]
fn shapes_come_back_after_a_flood_of_others() {
    let decoder = decoder();
    let mut shapes = taught(&decoder);
    let flood: Vec<Vec<u8>> = (0..3000)
        .map(|n| format!(r#"{{"id":"a","k{n}":1}}"#).into_bytes())
        .collect();
    let before = shapes.hits();
    decoder.decode_with(&values(&flood), &mut shapes).unwrap();
    assert_eq!(shapes.hits(), before);
    let twice: Vec<Vec<u8>> = (0..200)
        .flat_map(|n| std::iter::repeat_n(format!(r#"{{"id":"a","q{n}":1}}"#).into_bytes(), 3))
        .collect();
    let expected = said(&decoder.decode(&values(&twice)).unwrap());
    for _ in 0..12 {
        let decoded = decoder.decode_with(&values(&twice), &mut shapes).unwrap();
        assert_eq!(said(&decoded), expected);
    }
    assert!(shapes.hits() > before);
}

/// Text without escapes is viewed where it came; text with escapes is written out once.
#[test]
fn views_point_into_the_text_that_was_given() {
    let padding = "\n".repeat(100);
    let text = format!(
        "{}\n{}\n{padding}",
        r#"{"id":"longer than twelve bytes","text":"also longer \u00e9 than that"}"#,
        r#"{"id":"another long one here","text":"no escapes, viewed in place"}"#
    );
    let buffer = Buffer::from(text.as_bytes());
    let range = buffer.as_ptr() as usize..buffer.as_ptr() as usize + buffer.len();
    let (decoded, _) = decoder()
        .decode_lines(&buffer, &mut Shapes::default())
        .unwrap();
    let inside = |column: &str, row: usize| {
        let column = decoded.batch.column_by_name(column).unwrap();
        let start = column.as_string_view().value(row).as_ptr() as usize;
        range.contains(&start)
    };
    assert!(inside("id", 0) && inside("id", 1) && inside("text", 1));
    assert!(!inside("text", 0));
}
