//! Nested values that are written like others before them are read as if nothing had been before them.

#![allow(clippy::unwrap_used, clippy::similar_names)]

use penstock_core::decode::{Decoded, Decoder, Shapes};
use penstock_core::simd::Isa;
use serde_json::json;

fn decoder(isa: Isa) -> Decoder {
    let attribute = "struct<key: string, value: struct<s: string, i: int64, f: float64, b: bool, at: timestamp[us, UTC]>>";
    let config = json!({
        "columns": [
            {"name": "id", "path": ["id"], "type": "int64"},
            {"name": "spans", "path": ["spans"], "type":
                format!("list<struct<name: string, cost: decimal(9, 2), raw: json, attributes: list<{attribute}>, status: struct<code: int64>>>")},
            {"name": "map", "path": ["map"], "type": "map<string, struct<x: list<list<int64>>, y: binary[hex]>>"},
        ],
    });
    Decoder::new(&serde_json::from_value(config).unwrap())
        .unwrap()
        .on(isa)
}

/// Of the same types, as different as producers write them: without white space, with it, keys in another order or not
/// there, nulls, empty lists, escapes.
const RECORDS: [&str; 6] = [
    r#"{"id":1,"spans":[{"name":"chat","cost":1.25,"raw":"\u00e9","attributes":[{"key":"k","value":{"s":"v"}},{"key":"n","value":{"i":7}},{"key":"at","value":{"at":"2026-01-02T03:04:05Z"}}],"status":{"code":1}},{"name":"tool","raw":{"a":[1]},"attributes":[],"status":null}]}"#,
    r#"{"id": 2, "spans": [{"name": "a long name with text for more than one block of sixty-four bytes, and then some", "attributes": [{"value": {"b": true}, "key": "x"}, {"value": {"f": -1.5e3}, "key": "\u00e9"}]}], "map": {"a": {"x": [[1, 2], [], null, [3]], "y": "00ff"}}}"#,
    r#"{"map":{"b":{"x":[]},"c":null,"d":{}},"id":3,"spans":[]}"#,
    r#"{"spans":[{"status":{"code":2}},{"status":{"code":3}},null,{}],"id":4}"#,
    r#"{"id":5,"spans":[{"attributes":[{"key":"unknown","value":{"other":[1,{"s":2}],"s":"v"}}],"more":1}]}"#,
    r#"{"id":6,"spans":[{"attributes":[{"key":"twice","key":"again","value":{"i":1,"i":2}}]}],"map":{"a":{},"a":{"x":[[1]]}}}"#,
];

/// What was said of the value at `index`.
fn said(decoded: &Decoded, index: usize) -> String {
    let row = decoded.rows.iter().position(|&row| row as usize == index);
    let cells = row.map(|row| {
        let columns = decoded.batch.columns().iter();
        let cells = columns.map(|column| format!("{:?}", column.slice(row, 1)));
        cells.collect::<Vec<_>>()
    });
    let mut rejections = decoded.rejections.iter();
    let rejection = rejections.find(|rejection| rejection.index as usize == index);
    let rejection = rejection.map(|rejection| (rejection.code.as_str(), rejection.byte_position));
    format!("{cells:?} {rejection:?}")
}

/// One place in so many is changed; fewer where a processor is emulated.
fn apart() -> usize {
    std::env::var("PENSTOCK_TEST_APART").map_or(1, |bytes| bytes.parse().unwrap())
}

/// The record with one byte changed, gone or added, at every place.
fn changed(record: &[u8]) -> Vec<Vec<u8>> {
    let mut changed = Vec::new();
    for at in (0..record.len()).step_by(apart()) {
        for byte in *b"\"\\,:{}[]0a n" {
            let mut other = record.to_vec();
            other[at] = byte;
            changed.push(other.clone());
            other[at] = record[at];
            other.insert(at, byte);
            changed.push(other);
        }
        let mut shorter = record.to_vec();
        shorter.remove(at);
        changed.push(shorter);
        changed.push(record[..at].to_vec());
    }
    changed
}

/// With one byte changed, gone or added anywhere, a record is what it is by itself.
#[test]
fn one_wrong_byte_is_never_taken_for_what_was_there_before() {
    for isa in Isa::available() {
        let decoder = decoder(isa);
        let all: Vec<_> = RECORDS.map(|record| Some(record.as_bytes())).into();
        let before = [&all[..], &all[..], &all[..]].concat();
        let mut taught = Shapes::default();
        decoder.decode_with(&before, &mut taught).unwrap();
        for record in RECORDS {
            let record = record.as_bytes();
            for values in changed(record).chunks(30) {
                // What each was changed from comes before it.
                let pairs = values.iter().flat_map(|value| [Some(record), Some(value)]);
                let together: Vec<_> = [Some(record)].into_iter().chain(pairs).collect();
                let with = decoder.decode_with(&together, &mut taught.clone()).unwrap();
                for (value, index) in values.iter().zip((2..).step_by(2)) {
                    let alone = decoder.decode(&[Some(value)]).unwrap();
                    assert_eq!(
                        said(&with, index),
                        said(&alone, 0),
                        "{isa:?} {}",
                        String::from_utf8_lossy(value)
                    );
                }
            }
        }
    }
}

/// A record is the same wherever it stands among others, and counts the same.
#[test]
fn values_and_counts_do_not_depend_on_what_was_read_before() {
    for isa in Isa::available() {
        let decoder = decoder(isa);
        let (mut shapes, mut drift) = (Shapes::default(), Vec::new());
        for _ in 0..5 {
            for record in RECORDS {
                let values = [Some(record.as_bytes()); 70];
                let decoded = decoder.decode_with(&values, &mut shapes).unwrap();
                let reference = decoder.decode(&values[..1]).unwrap();
                let reference = said(&reference, 0);
                for index in 0..70 {
                    assert_eq!(said(&decoded, index), reference, "{isa:?} {record}");
                }
                drift.push(format!("{:?}", decoded.drift));
            }
        }
        let (first, later) = drift.split_at(RECORDS.len());
        assert!(later.chunks(RECORDS.len()).all(|drift| drift == first));
    }
}

/// Lists that hold each other are refused at the same depth, also where the way there is known.
#[test]
fn depth_is_counted_along_ways_that_are_known() {
    let config = json!({
        "columns": [{"name": "l", "path": ["l"], "type": "list<list<list<int64>>>"}],
        "decode": {"max_depth": 3},
    });
    let decoder = Decoder::new(&serde_json::from_value(config).unwrap()).unwrap();
    let good = Some(&br#"{"l":[[],[],[]]}"#[..]);
    let deep = Some(&br#"{"l":[[],[],[[1]]]}"#[..]);
    let mut shapes = Shapes::default();
    for _ in 0..3 {
        let decoded = decoder
            .decode_with(&[good, good, good, deep, good], &mut shapes)
            .unwrap();
        assert_eq!(decoded.rows, [0, 1, 2, 4]);
        let rejection = &decoded.rejections[0];
        assert_eq!(
            (rejection.code.as_str(), rejection.byte_position),
            ("too_deep", 13)
        );
    }
}
