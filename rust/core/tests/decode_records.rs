//! What a decode call gives for single records: values, drift, residue and rejections.

#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    clippy::similar_names
)]

use arrow_array::Array;
use arrow_array::cast::AsArray;
use penstock_core::decode::{Decoded, Decoder, Drift};
use serde_json::{Value, json};

fn decoder(config: Value) -> Decoder {
    Decoder::new(&serde_json::from_value(config).unwrap()).unwrap()
}

/// A decoder of int64 `n`, string `s`, and int64 `u.t`, with `options`.
fn small(options: Value) -> Decoder {
    decoder(json!({
        "columns": [
            {"name": "n", "path": ["n"], "type": "int64"},
            {"name": "s", "path": ["s"], "type": "string"},
            {"name": "t", "path": ["u", "t"], "type": "int64"},
        ],
        "decode": options,
    }))
}

fn decode(decoder: &Decoder, value: &str) -> Decoded {
    decoder.decode(&[Some(value.as_bytes())]).unwrap()
}

/// The residue of the only row, as JSON; null if there is none.
fn residue(decoded: &Decoded) -> Value {
    let column = decoded
        .batch
        .column_by_name("_residue")
        .unwrap()
        .as_string_view();
    assert_eq!(column.len(), 1, "{:?}", decoded.rejections);
    column
        .iter()
        .next()
        .flatten()
        .map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
}

/// A small record comes apart into values, undeclared keys and drift.
#[test]
fn record_comes_apart() {
    let decoder = small(json!({}));
    let decoded = decode(
        &decoder,
        r#" {"n": 1, "s":"a\u00e9\n", "x": [1, {"y":2}], "u": {"t": "no", "z": 1e5}} "#,
    );
    assert_eq!(
        residue(&decoded),
        json!({"x": [1, {"y": 2}], "u.t": "no", "u.z": 1e5})
    );
    let decoded = decode(&decoder, r#"{"u":{"t":1,"z":1},"u":5}"#);
    assert_eq!(residue(&decoded), json!({"u": 5}));
    assert_eq!(
        decoded.drift,
        Drift {
            type_mismatch: 1,
            duplicate_key: 1,
            ..Drift::default()
        }
    );
}
