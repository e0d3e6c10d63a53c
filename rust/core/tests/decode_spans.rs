//! Values that lie in buffers among other bytes give what the same values give by themselves.

#![allow(clippy::unwrap_used)]

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_buffer::Buffer;
use penstock_core::decode::{Decoded, Decoder, Shapes};
use penstock_core::frame::Span;
use penstock_core::simd::Isa;
use proptest::prelude::*;
use serde_json::json;

type Value = Option<Vec<u8>>;

fn decoder(isa: Isa, invalid_text: &str) -> Decoder {
    let config = json!({
        "columns": [
            {"name": "n", "path": ["n"], "type": "int64"},
            {"name": "s", "path": ["s"], "type": "string"},
            {"name": "any", "path": ["any"], "type": "json"},
        ],
        "decode": {"invalid_text": invalid_text},
    });
    Decoder::new(&serde_json::from_value(config).unwrap())
        .unwrap()
        .on(isa)
}

/// The values in several buffers, each value by turns in the one that `turns` says, with `between` around it but
/// nothing behind the last one of a buffer.
fn laid_out(values: &[Value], turns: &[u8], between: &[u8]) -> (Vec<Span>, Vec<Buffer>) {
    let mut buffers = vec![Vec::new(); 3];
    let mut spans = Vec::new();
    for (value, &turn) in values.iter().zip(turns.iter().cycle()) {
        let number = u32::from(turn % 3);
        let buffer = &mut buffers[number as usize];
        let Some(value) = value else {
            spans.push(Span {
                buffer: number,
                start: buffer.len() as u32,
                length: -1,
            });
            continue;
        };
        buffer.extend_from_slice(between);
        spans.push(Span {
            buffer: number,
            start: buffer.len() as u32,
            length: value.len() as i32,
        });
        buffer.extend_from_slice(value);
    }
    (spans, buffers.into_iter().map(Buffer::from_vec).collect())
}

fn assert_same(found: &Decoded, expected: &Decoded) {
    assert_eq!(found.batch, expected.batch);
    assert_eq!(found.rows, expected.rows);
    assert_eq!(found.rejections, expected.rejections);
    assert_eq!(found.tombstones, expected.tombstones);
    assert_eq!(found.drift, expected.drift);
}

fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just(String::new()),
        "[a-z ]{0,90}",
        r"\\n|\\u00e9|\\ud800|é|\u{1F600}|x",
    ];
    prop_oneof![
        8 => (any::<i32>(), text).prop_map(|(n, s)| Some(format!(r#"{{"n":{n},"s":"{s}"}}"#).into_bytes())),
        1 => any::<u8>().prop_map(|n| Some(format!(r#"{{"n":{n},"any":[{n}],"more":"é"}}"#).into_bytes())),
        1 => Just(None),
        1 => proptest::collection::vec(any::<u8>(), 0..20).prop_map(Some),
        1 => any::<u8>().prop_map(|byte| Some([br#"{"s":""#, &[byte][..], br#""}"#].concat())),
    ]
}

proptest! {
    /// Whatever lies between them, also where it would continue a character or end one.
    #[test]
    fn spans_are_decoded_like_values(
        values in proptest::collection::vec(value(), 0..150),
        turns in proptest::collection::vec(any::<u8>(), 1..8),
        between in prop_oneof![
            Just(vec![]), Just(vec![0x80]), Just(vec![0xC3]), Just(b"\"}".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..12),
        ],
        replace in any::<bool>(),
    ) {
        let (spans, buffers) = laid_out(&values, &turns, &between);
        let slices: Vec<_> = values.iter().map(Option::as_deref).collect();
        for isa in Isa::available() {
            let decoder = decoder(isa, if replace { "replace" } else { "reject" });
            let found = decoder.decode_spans(&spans, &buffers, &mut Shapes::default()).unwrap();
            assert_same(&found, &decoder.decode(&slices).unwrap());
        }
    }
}

/// Text without escapes is where it came, whichever buffer that is; nothing of it was copied.
#[test]
fn text_is_viewed_where_it_lies() {
    let long = "a text that does not fit into a view";
    let values: Vec<Value> = (0..200)
        .map(|n| Some(format!(r#"{{"n":{n},"s":"{long}"}}"#).into_bytes()))
        .collect();
    let (spans, buffers) = laid_out(&values, &[0, 0, 1, 2, 2, 1], &[0x80, 0xFF]);
    let decoded = decoder(Isa::detect(), "reject")
        .decode_spans(&spans, &buffers, &mut Shapes::default())
        .unwrap();
    let column = decoded.batch.column_by_name("s").unwrap().as_string_view();
    assert_eq!(column.null_count(), 0);
    for text in column.iter().flatten() {
        assert_eq!(text, long);
        let inside = |buffer: &Buffer| buffer.as_slice().as_ptr_range().contains(&text.as_ptr());
        assert!(buffers.iter().any(inside));
    }
}
