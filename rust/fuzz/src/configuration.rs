//! The configurations that are tried: one for every byte.

use penstock_core::decode::DecodeConfig;
use serde_json::{Value, json};

/// By the lowest three bits: name, path and type of each column; `!` after a type makes it required.
const COLUMNS: [&[(&str, &[&str], &str)]; 8] = [
    // Every scalar type.
    &[
        ("ok", &["ok"], "bool"),
        ("n", &["n"], "int64"),
        ("x", &["x"], "float64"),
        ("s", &["s"], "string"),
        ("raw", &["raw"], "json"),
        ("day", &["day"], "date"),
        ("price", &["price"], "decimal(9, 2)"),
        ("at", &["at"], "timestamp[ms, UTC]"),
        ("data", &["data"], "binary[base64]"),
        ("tag", &["tag"], "binary[hex]"),
    ],
    // What an agent's events look like.
    &[
        ("event_id", &["event_id"], "string!"),
        ("level", &["level"], "string"),
        ("user_email", &["user_email"], "string"),
        ("at", &["timestamp"], "timestamp[us, UTC]"),
        ("input_tokens", &["usage", "input_tokens"], "int64"),
        ("tokens", &["usage", "total_tokens"], "int64"),
        ("cost", &["usage", "cost"], "decimal(12, 6)"),
        ("cached", &["usage", "cached"], "bool"),
        ("score", &["score"], "float64"),
        ("content", &["message", "content"], "string"),
        ("role", &["message", "role"], "string"),
    ],
    // Lists, structs and maps.
    &[
        ("list", &["list"], "list<int64>"),
        (
            "struct",
            &["struct"],
            r#"struct<a: int64, b: struct<c: string, "d.e": json>, "q\"": bool>"#,
        ),
        ("map", &["map"], "map<string, float64>"),
        (
            "rows",
            &["in", "rows"],
            "list<struct<x: string, y: list<decimal(4, 1)>>>",
        ),
        (
            "deep",
            &["in", "deep"],
            "struct<m: map<string, struct<t: timestamp[s, UTC], d: date>>, l: list<list<binary[hex]>>>",
        ),
        ("s", &["s"], "string"),
    ],
    // Columns inside of what a json column keeps, and keys that need care.
    &[
        ("raw", &["raw"], "json"),
        ("raw_n", &["raw", "n"], "int64"),
        ("raw_s", &["raw", "in", "s"], "string"),
        ("raw_in", &["raw", "in"], "json"),
        ("raw_list", &["raw", "list"], "list<struct<a: int64>>"),
        ("dotted", &["a.b", "c\"d"], "string"),
        ("empty", &["", "é\n"], "int64"),
        ("slash", &["back\\slash"], "string"),
    ],
    // Long ways.
    &[
        ("n", &["a", "b", "c", "n"], "int64"),
        ("s", &["a", "b", "c", "s"], "string"),
        ("x", &["a", "b", "x"], "float64"),
        ("t", &["a", "t"], "string"),
        ("u", &["u"], "string"),
        ("v", &["v", "a"], "string"),
        ("w", &["v", "b"], "json"),
    ],
    // Required ones.
    &[
        ("id", &["id"], "string!"),
        ("n", &["u", "n"], "int64!"),
        ("list", &["u", "list"], "list<string>!"),
        ("raw", &["u", "raw"], "json!"),
        ("s", &["s"], "string"),
    ],
    // Numbers and times of every unit.
    &[
        ("longest", &["longest"], "decimal(38, 20)"),
        ("whole", &["whole"], "decimal(38, 0)"),
        ("one", &["one"], "decimal(1, 1)"),
        ("at_s", &["at_s"], "timestamp[s, UTC]"),
        ("at_ms", &["at_ms"], "timestamp[ms, UTC]"),
        ("at_us", &["at_us"], "timestamp[us, UTC]"),
        ("at_ns", &["at_ns"], "timestamp[ns, UTC]"),
        ("n", &["n"], "int64"),
        ("x", &["x"], "float64"),
    ],
    // Strings only, with names that begin alike.
    &[
        ("a", &["a"], "string"),
        ("aa", &["aa"], "string"),
        ("ab", &["ab"], "string"),
        (
            "long_name_of_a_column",
            &["long_name_of_a_column"],
            "string",
        ),
        (
            "long_name_of_a_column_2",
            &["long_name_of_a_column_2"],
            "string",
        ),
        ("b", &["b"], "string"),
    ],
];

/// The configuration of `byte`. Bits 3, 4 and 5: coerce, replace invalid text, no residue; 6 and 7: limits.
///
/// # Panics
/// If it is not one of the decoder's.
pub fn configuration(byte: u8) -> DecodeConfig {
    let columns = COLUMNS[usize::from(byte & 7)].iter();
    let columns = columns.map(|(name, path, kind)| {
        let required = kind.ends_with('!');
        let kind = kind.trim_end_matches('!');
        json!({"name": name, "path": path, "type": kind, "required": required})
    });
    let (max_depth, max_bytes) = match byte >> 6 {
        2 => (3, 1 << 20),
        3 => (128, 64),
        _ => (128, 1 << 20),
    };
    let config = json!({
        "columns": columns.collect::<Vec<Value>>(),
        "decode": {
            "coerce": byte & 8 != 0,
            "invalid_text": if byte & 16 == 0 { "reject" } else { "replace" },
            "residue": byte & 32 == 0,
            "max_depth": max_depth,
            "max_bytes": max_bytes,
        },
    });
    serde_json::from_value(config).expect("a configuration")
}
