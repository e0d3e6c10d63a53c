//! What columns samples give.

#![allow(clippy::unwrap_used)]

use super::{Inferred, MOST_COLUMNS, infer};
use crate::decode::DecodeOptions;

fn inferred(values: &[&str]) -> Inferred {
    let values: Vec<Option<&[u8]>> = values.iter().map(|value| Some(value.as_bytes())).collect();
    infer(&values, DecodeOptions::default()).unwrap()
}

/// `name path type` of each column.
fn columns(values: &[&str]) -> Vec<String> {
    let found = inferred(values).columns.into_iter();
    found
        .map(|column| format!("{} {} {}", column.name, column.path.join("/"), column.kind))
        .collect()
}

/// The type of the values `values`, all at one key.
fn kind(values: &[&str]) -> String {
    let records: Vec<String> = values
        .iter()
        .map(|value| format!(r#"{{"a":{value}}}"#))
        .collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    inferred(&records).columns[0].kind.to_string()
}

/// Objects come apart into columns, in the order of first sight, members together.
#[test]
fn objects_become_columns() {
    assert_eq!(
        columns(&[
            r#"{"id":"a","usage":{"in":1},"at":"2026-01-01T00:00:00Z"}"#,
            r#"{"usage":{"out":2,"in":3,"cost":{"usd":0.5}},"late":null,"id":"b"}"#,
            r#"{"usage":null,"usage_in":true,"kafka_offset":1,"":5}"#,
        ]),
        [
            "id id string",
            "usage_in usage/in int64",
            "usage_out usage/out int64",
            "usage_cost_usd usage/cost/usd float64",
            "at at timestamp[us, UTC]",
            "late late json",
            "usage_in_2 usage_in bool",
            "record_kafka_offset kafka_offset int64",
        ]
    );
}

/// Numbers keep every digit.
#[test]
fn numbers_keep_their_digits() {
    for (values, expected) in [
        (&["1", "-9223372036854775808"] as &[_], "int64"),
        (&["1", "2.5", "null"], "float64"),
        (&["1", "9223372036854775808"], "decimal(38, 0)"),
        (&["1", &"9".repeat(39)], "json"),
        (&["0.5", "9007199254740993"], "json"),
        (&["1e400"], "json"),
        (&["1", "true"], "json"),
    ] {
        assert_eq!(kind(values), expected, "{values:?}");
    }
}

/// Strings are timestamps only if all are.
#[test]
fn timestamps_are_all_or_none() {
    let (coarse, fine) = (
        r#""2026-01-01T00:00:00+02:00""#,
        r#""2026-01-01T00:00:00.123456789Z""#,
    );
    assert_eq!(kind(&[coarse, "null"]), "timestamp[us, UTC]");
    assert_eq!(kind(&[coarse, fine]), "timestamp[ns, UTC]");
    assert_eq!(kind(&[coarse, r#""soon""#]), "string");
    assert_eq!(kind(&[r#""2026-01-01""#]), "string");
    assert_eq!(kind(&[r#""0001-01-01T00:00:00Z""#, fine]), "string");
}

/// Arrays of one kind are lists, of structs too; what is mixed, empty or null stays JSON.
#[test]
fn arrays_of_one_kind_are_lists() {
    for (values, expected) in [
        (&["[1,null]", "[]", "[2.5]"] as &[_], "list<float64>"),
        (&[r#"["a"]"#, "null"], "list<string>"),
        (
            &[r#"[{"r":"u","n":1},{"r":"v","t":[true]}]"#],
            "list<struct<r: string, n: int64, t: list<bool>>>",
        ),
        (&[r#"[{"c":1},{"c":"x"}]"#], "list<struct<c: json>>"),
        (&["[[1],[2,3]]"], "list<list<int64>>"),
        (&["[]"], "json"),
        (&["[null]"], "json"),
        (&[r#"[1,"a"]"#], "json"),
        (&["[1]", "1"], "json"),
        (&["{}"], "json"),
        (&["{}", "[]"], "json"),
    ] {
        assert_eq!(kind(values), expected, "{values:?}");
    }
}

/// An object of very many keys is a map if its values agree; the record's own object never is.
#[test]
fn many_keys_are_a_map() {
    let object = |keys: usize, value: &dyn Fn(usize) -> String| {
        let members: Vec<String> = (0..keys)
            .map(|key| format!(r#""k{key}":{}"#, value(key)))
            .collect();
        format!("{{{}}}", members.join(","))
    };
    let number = |key: usize| key.to_string();
    assert_eq!(kind(&[&object(65, &number)]), "map<string, int64>");
    assert_eq!(
        columns(&[&format!(r#"{{"a":{}}}"#, object(64, &number))]).len(),
        64
    );
    let mixed = |key: usize| {
        if key == 7 {
            "true".into()
        } else {
            key.to_string()
        }
    };
    assert_eq!(kind(&[&object(65, &mixed)]), "json");
    let spread: Vec<String> = (0..99)
        .map(|key| format!(r#"{{"k{key}":["x"]}}"#))
        .collect();
    let spread: Vec<&str> = spread.iter().map(String::as_str).collect();
    assert_eq!(kind(&spread), "map<string, list<string>>");
    assert_eq!(columns(&[&object(200, &number)]).len(), 200);
    assert_eq!(columns(&[&object(2000, &number)]).len(), MOST_COLUMNS);
}

/// What is not a record says nothing, and is told.
#[test]
fn bad_records_are_ignored() {
    let found = inferred(&["{", r#"{"a":1}"#, "[]", ""]);
    assert_eq!((found.records, found.columns.len()), (1, 1));
    let rejected: Vec<_> = found
        .rejections
        .iter()
        .map(|rejection| (rejection.index, rejection.code.as_str()))
        .collect();
    assert_eq!(
        rejected,
        [
            (0, "invalid_json"),
            (2, "not_an_object"),
            (3, "empty_value")
        ]
    );
}

/// However deep values are, the types that come out can be used.
#[test]
fn depth_is_bounded() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"[{"a":"#, "}]")] {
        for depth in [8, 16, 17, 31, 32, 33, 60] {
            let value = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for column in inferred(&[&format!(r#"{{"v":{value}}}"#)]).columns {
                let text = column.kind.to_string();
                assert_eq!(text.parse(), Ok(column.kind), "{text}");
            }
        }
    }
}

/// Facts are told with each column.
#[test]
fn facts_are_told() {
    let found = inferred(&[r#"{"a":1}"#, r#"{"a":null}"#, r#"{"a":"x"}"#, "{}"]);
    let column = &found.columns[0];
    assert_eq!(column.present, 3);
    assert_eq!(column.kinds, [("null", 1), ("integer", 1), ("string", 1)]);
    assert_eq!(column.reason, "values of several kinds: number, string");
}
