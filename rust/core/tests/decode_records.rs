//! What a decode call gives for single records: values, drift, residue and rejections.

#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    clippy::similar_names
)]

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
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

/// What a record's text stands for is its own, though the same place in one before it, or in one that was refused, was
/// written out: keys in another order each time, so that no shape helps.
#[test]
fn text_with_escapes_is_that_of_its_record() {
    let decoder = small(json!({"invalid_text": "replace"}));
    let long = "long enough to be no view ".repeat(4);
    let records = [
        format!(r#"{{"s":"{long}\n1","n":1}}"#),
        format!(r#"{{"s":"{long}\ud800","n":2}}"#),
        format!(r#"{{"s":"{long}\n3","n":3"#),
        format!(r#"{{"s":"{long}\n4","u":{{"t":4}},"n":4}}"#),
        format!(r#"{{"n":5,"s":"{long}\n5","s":"{long}\ud800"}}"#),
        format!(r#"{{"s":"{long}\t6","n":6,"x":1}}"#),
        format!(r#"{{"s":"{long}\n7","s":7,"n":7}}"#),
    ];
    let values: Vec<_> = records.iter().map(|text| Some(text.as_bytes())).collect();
    let decoded = decoder.decode(&values).unwrap();
    let texts = decoded.batch.column_by_name("s").unwrap().as_string_view();
    let endings = ["\n1", "\u{fffd}", "\n4", "\u{fffd}", "\t6"];
    let expected = endings.map(|ending| Some(format!("{long}{ending}")));
    let found: Vec<_> = texts.iter().map(|text| text.map(str::to_owned)).collect();
    assert_eq!(found[..5], expected);
    assert_eq!(found[5], None);
    let refused: Vec<_> = decoded.rejections.iter().map(|one| one.index).collect();
    assert_eq!(refused, [2]);
}

/// Numbers written in every way, without the help of a shape, are those of the standard library.
#[test]
fn numbers_without_a_shape() {
    let decoder = decoder(json!({"columns": [{"name": "f", "path": ["f"], "type": "float64"}]}));
    let mut numbers: Vec<String> = ["0", "-0", "0.0", "-0.5", "1e5", "1E-5", "1.5e3"]
        .map(String::from)
        .into();
    let digits = "1234567890123456";
    for whole in 1..digits.len() {
        let (before, behind) = digits.split_at(whole);
        numbers.extend(["", "-"].map(|sign| format!("{sign}{before}.{behind}")));
        numbers.extend(["e5", "E+2", "e-3", ".5", ".25e1"].map(|end| format!("{before}{end}")));
    }
    for number in numbers {
        // Seen once, a shape is not learnt.
        let decoded = decode(&decoder, &format!(r#"{{"f":{number}}}"#));
        let column = decoded.batch.column_by_name("f").unwrap();
        let found = column.as_primitive::<Float64Type>().value(0);
        assert_eq!(
            found.to_bits(),
            number.parse::<f64>().unwrap().to_bits(),
            "{number}"
        );
    }
}
