//! Records through the decoder and the steps: which become rows, what the rows are, and what is not even built.

#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps
)]

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use penstock_core::decode::{DecodeConfig, Decoded, Decoder};
use penstock_core::transform::{Problem, Program, StepConfig, Transformed};
use serde_json::{Value, json};

/// int64 `n`, string `level`, string `text`, int64 `tokens` at `usage.tokens`, json `data`, and the residue.
fn columns() -> Value {
    json!([
        {"name": "n", "path": ["n"], "type": "int64", "required": true},
        {"name": "level", "path": ["level"], "type": "string"},
        {"name": "text", "path": ["text"], "type": "string"},
        {"name": "tokens", "path": ["usage", "tokens"], "type": "int64"},
        {"name": "data", "path": ["data"], "type": "json"},
    ])
}

struct Pipeline {
    decoder: Decoder,
    program: Program,
}

fn compiled(steps: Value) -> Result<Pipeline, Vec<Problem>> {
    let config: DecodeConfig = serde_json::from_value(json!({"columns": columns()})).unwrap();
    let steps: Vec<StepConfig> = serde_json::from_value(steps).unwrap();
    let (program, demand) = Program::compile(&steps, &config.columns, true)?;
    let decoder = Decoder::for_demand(&config, demand).unwrap();
    Ok(Pipeline { decoder, program })
}

impl Pipeline {
    fn decode(&self, records: &[&str]) -> Decoded {
        let values: Vec<_> = records
            .iter()
            .map(|record| Some(record.as_bytes()))
            .collect();
        self.decoder.decode(&values).unwrap()
    }

    fn run(&self, records: &[&str]) -> Transformed {
        let decoded = self.decode(records);
        let rejected = decoded.rejections.len();
        let transformed = self.program.run(decoded).unwrap();
        let rows = transformed.batch.num_rows();
        assert_eq!(rows, transformed.rows.len());
        assert_eq!(
            records.len(),
            rows + rejected + transformed.filtered as usize
        );
        transformed
    }
}

fn run(steps: Value, records: &[&str]) -> Transformed {
    compiled(steps).unwrap().run(records)
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let texts = batch.column_by_name(column).unwrap().as_string_view();
    texts.iter().map(|text| text.map(str::to_owned)).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn names(batch: &RecordBatch) -> Vec<String> {
    batch
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect()
}

const DEBUG: &str =
    r#"{"n": 1, "level": "debug", "text": "long \u00e9\n text", "usage": {"tokens": 5}}"#;
const INFO: &str =
    r#"{"n": 2, "level": "info", "text": "a\u0040b.co", "usage": {"tokens": 50}, "x": 1}"#;

/// Without steps the table is what was decoded.
#[test]
fn without_steps_nothing_changes() {
    let out = run(json!([]), &[DEBUG, INFO]);
    assert_eq!(
        names(&out.batch),
        ["n", "level", "text", "tokens", "data", "_residue"]
    );
    assert_eq!(
        texts(&out.batch, "text"),
        [some("long é\n text"), some("a@b.co")]
    );
    assert_eq!(texts(&out.batch, "_residue"), [None, some(r#"{"x":1}"#)]);
}

/// The decoder asks a first filter before it touches text: that of dropped records is nowhere in the columns.
#[test]
fn text_of_dropped_records_is_not_unescaped() {
    let pipeline =
        compiled(json!([{"type": "filter", "where": "level <> 'debug' AND tokens > 10"}])).unwrap();
    let decoded = pipeline.decode(&[DEBUG, INFO, DEBUG]);
    assert_eq!((decoded.rows.clone(), decoded.filtered), (vec![1], 2));
    let text = decoded
        .batch
        .column_by_name("text")
        .unwrap()
        .as_string_view();
    assert_eq!(text.iter().collect::<Vec<_>>(), [Some("a@b.co")]);
    let unescaped = "long é\n text".as_bytes();
    let holds_it = |buffer: &arrow_buffer::Buffer| {
        buffer
            .windows(unescaped.len())
            .any(|part| part == unescaped)
    };
    assert!(!text.data_buffers().iter().any(holds_it));
    let whole = run(json!([]), &[DEBUG]);
    let text = whole.batch.column_by_name("text").unwrap().as_string_view();
    assert!(text.data_buffers().iter().any(holds_it));
    assert_eq!(texts(&decoded.batch, "_residue"), [some(r#"{"x":1}"#)]);
}

/// Filters that run late, selects and casts between kinds of text leave text where the decoder put it; redaction
/// writes the rows it changes and no others.
#[test]
fn text_is_not_moved() {
    let record = |n: usize, text: &str| {
        let long = text.repeat(1_000);
        format!(
            r#"{{"n": {n}, "level": "in\u0066o", "text": "[{long}]", "data": ["{long}"], "y": "{long}"}}"#
        )
    };
    let records = [record(1, "7"), record(2, "8"), record(3, "a@b.co ")];
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let pipeline = compiled(json!([
        {"type": "select", "cast": {"n": "string", "text": "json"}},
        {"type": "filter", "where": "n <> '1' AND lower(level) = 'info' AND length(data) > 100"},
        {"type": "redact", "columns": ["data", "_residue"], "patterns": ["email"]},
        {"type": "select", "keep": ["text", "data", "_residue"], "cast": {"data": "string"}},
    ]))
    .unwrap();
    let decoded = pipeline.decode(&records);
    let before = decoded.batch.clone();
    let out = pipeline.program.run(decoded).unwrap();
    assert_eq!(out.rows, [1, 2]);
    let place = |batch: &RecordBatch, column: &str, row: usize| {
        let texts = batch.column_by_name(column).unwrap().as_string_view();
        texts.value(row).as_ptr()
    };
    for column in ["text", "data", "_residue"] {
        assert_eq!(place(&out.batch, column, 0), place(&before, column, 1));
    }
    assert!(texts(&out.batch, "text")[1].is_none());
    for column in ["data", "_residue"] {
        let redacted = texts(&out.batch, column)[1].clone().unwrap();
        assert!(redacted.contains("[email] [email]") && !redacted.contains('@'));
    }
}

/// Two passes give what one gives, over many blocks, with rejections and tombstones between.
#[test]
fn passes_agree() {
    let records: Vec<String> = (0..5_000)
        .map(|n| match n % 7 {
            0 => "{".to_owned(),
            1 => format!(r#"{{"n": {n}, "k\u00e9y{n}": [{n}], "level": "debug"}}"#),
            2 => format!(r#"{{"n": "{n}", "level": "info"}}"#),
            3 => format!(r#"{{"level": 5, "n": {n}, "usage": {n}, "u": "{}"}}"#, "x".repeat(n % 300)),
            _ => format!(r#"{{"n": {n}, "level": "info", "text": "\"{n}\"", "usage": {{"tokens": {n}, "y": 1}}}}"#),
        })
        .collect();
    let values: Vec<Option<&[u8]>> = records
        .iter()
        .enumerate()
        .map(|(index, record)| (index % 11 != 0).then_some(record.as_bytes()))
        .collect();
    let one = compiled(json!([]))
        .unwrap()
        .decoder
        .decode(&values)
        .unwrap();
    let always =
        compiled(json!([{"type": "filter", "where": "n IS NOT NULL OR level IS NULL"}])).unwrap();
    let two = always.decoder.decode(&values).unwrap();
    assert_eq!(one.batch, two.batch);
    assert_eq!(
        (one.rows, one.rejections, one.tombstones),
        (two.rows, two.rejections, two.tombstones)
    );
    assert_eq!((one.drift, two.filtered), (two.drift, 0));
    let none = compiled(json!([{"type": "filter", "where": "n < 0"}]))
        .unwrap()
        .decoder
        .decode(&values)
        .unwrap();
    assert_eq!(none.batch.num_rows(), 0);
    assert_eq!(
        none.filtered as usize + none.rejections.len() + none.tombstones as usize,
        values.len()
    );
}

/// A malformed record is a dead letter, whatever a filter would say of it.
#[test]
fn rejections_come_before_filters() {
    let pipeline = compiled(json!([{"type": "filter", "where": "level = 'info'"}])).unwrap();
    let decoded = pipeline.decode(&[
        r#"{"level": "debug"}"#,
        r#"{"n": 1, "level": "debug", "#,
        DEBUG,
    ]);
    assert_eq!((decoded.rejections.len(), decoded.filtered), (2, 1));
}

/// NULL drops a record, unless a value that the filter reads drifted: then nobody can say.
#[test]
fn undecided_records_stay() {
    let steps = json!([{"type": "filter", "where": "tokens > 10"}]);
    let records = [
        r#"{"n": 1}"#,
        r#"{"n": 2, "usage": {"tokens": null}}"#,
        r#"{"n": 3, "usage": {"tokens": "many"}}"#,
        r#"{"n": 4, "usage": "none"}"#,
        r#"{"n": 5, "level": 7}"#,
        r#"{"n": 6, "usage": {"tokens": 3}}"#,
    ];
    let out = run(steps, &records);
    assert_eq!((out.rows, out.drift.filter_undecided), (vec![2, 3], 2));
    let steps =
        json!([{"type": "filter", "where": "tokens > 10"}, {"type": "filter", "where": "n = 3"}]);
    let out = run(steps, &records);
    assert_eq!((out.rows, out.drift.filter_undecided), (vec![2], 1));
}

/// A filter after a step that changes what it reads sees what that step made.
#[test]
fn a_later_filter_sees_what_was_changed() {
    let steps = json!([
        {"type": "select", "cast": {"text": "int64"}, "rename": {"text": "size"}},
        {"type": "filter", "where": "size > 1"},
    ]);
    let records = [
        r#"{"n": 1, "text": "1"}"#,
        r#"{"n": 2, "text": "2"}"#,
        r#"{"n": 3, "text": "x"}"#,
        r#"{"n": 4}"#,
    ];
    let out = run(steps, &records);
    assert_eq!(
        (
            out.rows,
            out.drift.filter_undecided,
            out.drift.type_mismatch
        ),
        (vec![1, 2], 1, 1)
    );
    assert_eq!(
        texts(&out.batch, "_residue"),
        [None, some(r#"{"text":"x"}"#)]
    );
    let steps = json!([{"type": "redact"}, {"type": "filter", "where": "text = '[email]' AND _residue IS NOT NULL"}]);
    assert_eq!(run(steps, &[DEBUG, INFO]).rows, [1]);
}

/// What a cast can't hold exactly goes to the residue, beside what is there.
#[test]
fn casts_are_exact_or_kept_aside() {
    let steps =
        json!([{"type": "select", "cast": {"n": "float64", "level": "date", "tokens": "string"}}]);
    let records = [
        r#"{"n": 9007199254740993, "level": "2026-01-31", "usage": {"tokens": 5}}"#,
        r#"{"n": 2, "level": "so\"on", "x": [1]}"#,
    ];
    let out = run(steps, &records);
    assert_eq!(
        (
            out.drift.out_of_range,
            out.drift.type_mismatch,
            out.drift.unknown_key
        ),
        (1, 1, 1)
    );
    assert_eq!(
        texts(&out.batch, "_residue"),
        [
            some(r#"{"n":9007199254740993}"#),
            some(r#"{"x":[1],"level":"so\"on"}"#)
        ]
    );
    assert_eq!(texts(&out.batch, "tokens"), [some("5"), None]);
    assert!(
        out.batch
            .schema()
            .field_with_name("n")
            .unwrap()
            .is_nullable()
    );
}

/// A dropped column is gone whole: not built, and not in the residue even where it does not fit.
#[test]
fn dropped_columns_are_never_built() {
    let steps = json!([{"type": "filter", "where": "level = 'info'"}, {"type": "select", "drop": ["level", "text"]}]);
    let pipeline = compiled(steps).unwrap();
    let record = r#"{"n": 1, "level": "info", "text": 5, "usage": {"tokens": "x"}}"#;
    let decoded = pipeline.decode(&[record]);
    assert_eq!(names(&decoded.batch), ["n", "tokens", "data", "_residue"]);
    let out = pipeline.run(&[record]);
    assert_eq!(
        texts(&out.batch, "_residue"),
        [some(r#"{"usage.tokens":"x"}"#)]
    );
    assert_eq!(out.drift.type_mismatch, 1);
    let keep = compiled(json!([{"type": "select", "keep": ["tokens"]}])).unwrap();
    assert_eq!(names(&keep.decode(&[record]).batch), ["tokens"]);
    assert_eq!(
        keep.decode(&[r#"{"level": "info"}"#]).rejections.len(),
        1,
        "a required column is required all the same"
    );
}

/// Redaction reaches texts, JSON, and the residue, and counts by pattern.
#[test]
fn redaction_reaches_everything() {
    let record = r#"{"n": 1, "level": "a\u0040b.co", "data": {"k": ["a@b.co"]}, "x": "a@b.co", "a@b.co": 2}"#;
    let out = run(json!([{"type": "redact"}]), &[record, DEBUG]);
    assert_eq!(texts(&out.batch, "level"), [some("[email]"), some("debug")]);
    assert_eq!(
        texts(&out.batch, "data"),
        [some(r#"{"k": ["[email]"]}"#), None]
    );
    assert_eq!(
        texts(&out.batch, "_residue"),
        [some(r#"{"x":"[email]","\"[email]\"":2}"#), None]
    );
    assert_eq!(out.redacted, [4, 0, 0, 0]);
}

/// A named column is redacted where its value drifted too, and on the way to it; the rest of the residue is not.
#[test]
fn a_drifted_value_of_a_redacted_column_is_redacted() {
    let steps = |whole| json!([{"type": "redact", "columns": ["level", "text"], "whole": whole}]);
    let record = r#"{"n": 1, "level": ["a@b.co", 1], "text": "a@b.co c", "x": "a@b.co"}"#;
    let out = run(steps(false), &[record]);
    assert_eq!(texts(&out.batch, "text"), [some("[email] c")]);
    assert_eq!(
        texts(&out.batch, "_residue"),
        [some(r#"{"level":["[email]", 1],"x":"a@b.co"}"#)]
    );
    let out = run(steps(true), &[record]);
    assert_eq!(texts(&out.batch, "text"), [some("[redacted]")]);
    assert_eq!(
        texts(&out.batch, "_residue"),
        [some(r#"{"level":"[redacted]","x":"a@b.co"}"#)]
    );
    assert_eq!(out.redacted, [2]);
}

/// All mistakes of all steps at once, each at its key.
#[test]
fn mistakes_of_all_steps_come_at_once() {
    let steps = json!([
        {"type": "filter", "where": "levl = 'a'"},
        {"type": "select", "keep": ["n", "kafka_offset"], "cast": {"n": "strng", "text": "int64"}, "rename": {"n": "_residue"}},
        {"type": "select", "drop": ["n"], "keep": ["n"]},
        {"type": "redact", "columns": ["n"], "patterns": ["emial", {"name": "x", "regex": "("}], "mode": "hash"},
        {"type": "redact", "whole": true, "patterns": ["email"], "key": "00"},
        {"type": "select"},
    ]);
    let problems = compiled(steps).err().unwrap();
    let places: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}.{}", problem.step, problem.key))
        .collect();
    assert_eq!(
        places,
        [
            "0.where",
            "1.keep.1",
            "1.cast.n",
            "1.cast.text",
            "1.rename.n",
            "2.drop",
            "3.patterns.0",
            "3.patterns.1.regex",
            "3.mode",
            "3.columns.0",
            "4.patterns",
            "4.whole",
            "4.mode",
            "5.keep"
        ]
    );
    let said: Vec<String> = problems.iter().map(Problem::to_string).collect();
    assert!(said[0].starts_with(
        "transform.0.where: line 1, column 1: there is no column `levl`; did you mean \"level\"?"
    ));
    assert!(said[1].contains("`kafka_offset` is not a column of the events; sink.kafka_columns"));
}
