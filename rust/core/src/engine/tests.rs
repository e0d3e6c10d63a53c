//! The engine as its callers see it, read back with Parquet's own reader.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::ChunkReader;

use super::*;

mod verdicts;

const CONFIG: &str = r#"{
    "columns": [{"name": "id", "path": ["id"], "type": "string", "required": false}],
    "decode": {"invalid_text": "reject", "max_depth": 128, "max_bytes": 16777216, "residue": true, "coerce": false},
    "encode": {"row_group_bytes": 65536, "zstd_level": 1}
}"#;

const BAD: &[u8] = b"{";

/// One batch of an assignment of topic `t`, partition 0; values by offset.
struct Poll {
    epoch: i64,
    limit: Option<usize>,
    offsets: Vec<i64>,
    values: Vec<Option<Vec<u8>>>,
}

impl Poll {
    fn new(epoch: i64, records: impl IntoIterator<Item = (i64, Option<Vec<u8>>)>) -> Self {
        let (offsets, values) = records.into_iter().unzip();
        Self {
            epoch,
            limit: None,
            offsets,
            values,
        }
    }

    fn into(self, engine: &Engine) -> Result<Outcome, EngineError> {
        self.into_with(engine, &Keyed)
    }

    fn into_with(self, engine: &Engine, envelopes: &dyn Envelopes) -> Result<Outcome, EngineError> {
        let values: Vec<_> = self.values.iter().map(Option::as_deref).collect();
        let timestamps = vec![-1; values.len()];
        let batch = RawBatch {
            topic: "t",
            partition: 0,
            epoch: self.epoch,
            fetch_offset: 0,
            next_offset: self.offsets.last().map_or(0, |last| last + 1),
            limit: self.limit,
            records: RawRecords::Columns(RecordColumns {
                values: &values,
                offsets: &self.offsets,
                timestamps: &timestamps,
                envelopes,
            }),
        };
        Ok(engine.ingest(&[batch], 0)?.remove(0))
    }
}

struct Keyed;

impl Envelopes for Keyed {
    fn read(&self, indices: &[u32]) -> Result<Vec<Envelope>, String> {
        Ok(indices
            .iter()
            .map(|_| Envelope {
                key: Some(b"key".to_vec()),
                headers: vec![],
            })
            .collect())
    }
}

struct Panics;

impl Envelopes for Panics {
    fn read(&self, _indices: &[u32]) -> Result<Vec<Envelope>, String> {
        panic!("no envelopes")
    }
}

fn engine() -> Engine {
    Engine::new(CONFIG, 2).unwrap()
}

fn id(epoch: i64) -> AssignmentId {
    AssignmentId {
        topic: "t".into(),
        partition: 0,
        epoch,
    }
}

fn good(offset: i64) -> (i64, Option<Vec<u8>>) {
    (
        offset,
        Some(format!("{{\"id\": \"event {offset:012}\"}}").into_bytes()),
    )
}

fn bad(offset: i64) -> (i64, Option<Vec<u8>>) {
    (offset, Some(BAD.to_vec()))
}

fn read(file: Vec<u8>) -> Vec<RecordBatch> {
    let bytes = bytes_of(file);
    ParquetRecordBatchReaderBuilder::try_new(bytes)
        .unwrap()
        .build()
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

fn bytes_of(file: Vec<u8>) -> impl ChunkReader {
    bytes::Bytes::from(file)
}

fn sealed(engine: &Engine, table: Table, epoch: i64) -> Vec<RecordBatch> {
    read(
        engine
            .seal(table, &id(epoch), BTreeMap::new())
            .unwrap()
            .concat(),
    )
}

fn offsets(batches: &[RecordBatch]) -> Vec<i64> {
    let column = |batch: &RecordBatch| {
        batch["kafka_offset"]
            .as_primitive::<Int64Type>()
            .values()
            .to_vec()
    };
    batches.iter().flat_map(column).collect()
}

fn replayed(batches: &[RecordBatch]) -> Vec<bool> {
    batches
        .iter()
        .flat_map(|batch| {
            batch["replayed"]
                .as_boolean()
                .values()
                .iter()
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_record_is_counted_once() {
    let engine = engine();
    engine.open(id(1), 0, None).unwrap();
    let report = Poll::new(1, [good(4), bad(5), (7, None), good(9)])
        .into(&engine)
        .unwrap()
        .report;
    assert_eq!(
        (
            report.records,
            report.rows,
            report.dead_letters,
            report.tombstones
        ),
        (4, 2, 1, 1)
    );
    assert_eq!(offsets(&sealed(&engine, Table::Main, 1)), [4, 9]);
    assert_eq!(offsets(&sealed(&engine, Table::DeadLetter, 1)), [5]);
}

#[test]
fn batches_before_open_are_refused_and_nothing_is_ingested() {
    let engine = engine();
    let error = Poll::new(1, [good(0)]).into(&engine).unwrap_err();
    assert_eq!(
        error.to_string(),
        "t-0, epoch 1 is not open; open it before its first batch, and use it only until it is discarded"
    );
    assert_eq!(engine.memory(), 0);
}

#[test]
fn batches_after_discard_change_nothing() {
    let engine = engine();
    engine.open(id(1), 0, None).unwrap();
    engine.discard(&id(1));
    let outcome = Poll::new(1, [good(0)]).into(&engine).unwrap();
    assert_eq!((outcome.report.records, outcome.report.rows), (0, 0));
    assert!(engine.open_files().is_empty());
    assert!(
        engine
            .seal(Table::Main, &id(1), BTreeMap::new())
            .unwrap()
            .is_empty()
    );
    assert!(engine.take(Table::Main, &id(1)).unwrap().is_empty());
    assert!(matches!(
        engine.take(Table::Main, &id(7)),
        Err(EngineError::NotOpen(_))
    ));
}

#[test]
fn a_discarded_epoch_does_not_come_back() {
    let engine = engine();
    engine.open(id(2), 0, None).unwrap();
    engine.discard(&id(2));
    assert!(matches!(
        engine.open(id(1), 0, None),
        Err(EngineError::Discarded(_))
    ));
    assert!(matches!(
        engine.open(id(2), 0, None),
        Err(EngineError::Discarded(_))
    ));
    engine.open(id(3), 0, None).unwrap();
    assert!(matches!(
        engine.open(id(3), 0, None),
        Err(EngineError::AlreadyOpen(_))
    ));
}

#[test]
fn discarding_the_unknown_is_nothing() {
    let engine = engine();
    engine.discard(&id(4));
    engine.open(id(4), 0, None).unwrap();
}

#[test]
fn a_panic_leaves_the_assignment_unusable_but_the_engine_alive() {
    let engine = engine();
    engine.open(id(1), 0, None).unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        Poll::new(1, [good(0), bad(1)]).into_with(&engine, &Panics)
    }));
    assert!(panic.is_err());
    assert!(matches!(
        engine.seal(Table::Main, &id(1), BTreeMap::new()),
        Err(EngineError::Incomplete(_))
    ));
    assert!(matches!(
        Poll::new(1, [good(2)]).into(&engine),
        Err(EngineError::Incomplete(_))
    ));
    engine.discard(&id(1));
    engine.open(id(2), 0, None).unwrap();
    assert_eq!(
        Poll::new(2, [good(0)]).into(&engine).unwrap().report.rows,
        1
    );
}

#[test]
fn an_error_of_one_assignment_spoils_all_of_the_call() {
    struct Fails;
    impl Envelopes for Fails {
        fn read(&self, _indices: &[u32]) -> Result<Vec<Envelope>, String> {
            Err("gone".into())
        }
    }
    let engine = engine();
    engine.open(id(1), 0, None).unwrap();
    engine.open(id(2), 0, None).unwrap();
    let values = [Some(BAD)];
    let of = |epoch| RawBatch {
        topic: "t",
        partition: 0,
        epoch,
        fetch_offset: 0,
        next_offset: 4,
        limit: None,
        records: RawRecords::Columns(RecordColumns {
            values: &values,
            offsets: &[3],
            timestamps: &[-1],
            envelopes: if epoch == 1 { &Fails } else { &Keyed },
        }),
    };
    let error = engine.ingest(&[of(1), of(2)], 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "t-0, epoch 1: can't read the keys and headers of rejected records: gone"
    );
    for epoch in [1, 2] {
        assert!(matches!(
            engine.take(Table::Main, &id(epoch)),
            Err(EngineError::Incomplete(_))
        ));
    }
}

#[test]
fn columns_of_unequal_length_are_refused() {
    let engine = engine();
    engine.open(id(1), 0, None).unwrap();
    let batch = RawBatch {
        topic: "t",
        partition: 0,
        epoch: 1,
        fetch_offset: 0,
        next_offset: 3,
        limit: None,
        records: RawRecords::Columns(RecordColumns {
            values: &[None],
            offsets: &[1, 2],
            timestamps: &[1],
            envelopes: &Keyed,
        }),
    };
    let error = engine.ingest(&[batch], 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "t-0, epoch 1: a batch has 1 values but 2 offsets"
    );
}

#[test]
fn offsets_out_of_order_are_refused() {
    let engine = engine();
    engine.open(id(1), 0, None).unwrap();
    assert!(matches!(
        Poll::new(1, [good(2), good(2)]).into(&engine),
        Err(EngineError::UnorderedOffsets(_))
    ));
}

#[test]
fn the_file_in_pieces_is_the_file() {
    let engine = engine();
    engine.open(id(1), 0, None).unwrap();
    let mut file = Vec::new();
    let mut pieces = 0;
    for poll in 0..40 {
        Poll::new(1, (0..1_000).map(|i| good(poll * 1_000 + i)))
            .into(&engine)
            .unwrap();
        let taken = engine.take(Table::Main, &id(1)).unwrap();
        pieces += usize::from(!taken.is_empty());
        file.extend(taken.concat());
    }
    file.extend(
        engine
            .seal(Table::Main, &id(1), BTreeMap::new())
            .unwrap()
            .concat(),
    );
    assert!(pieces > 1, "row groups end before the file does");
    assert_eq!(offsets(&read(file)), (0..40_000).collect::<Vec<_>>());
}

#[test]
fn the_row_after_a_seal_begins_another_file() {
    let engine = engine();
    engine.open(id(1), 0, None).unwrap();
    Poll::new(1, [good(0)]).into(&engine).unwrap();
    assert_eq!(offsets(&sealed(&engine, Table::Main, 1)), [0]);
    let kept = engine.memory();
    assert!(kept < 100_000, "what compresses is kept for the next file");
    assert!(engine.open_files().is_empty());
    Poll::new(1, [good(1)]).into(&engine).unwrap();
    assert_eq!(offsets(&sealed(&engine, Table::Main, 1)), [1]);
    assert_eq!(engine.memory(), kept);
}

#[test]
fn dead_letters_without_values_keep_their_keys() {
    let engine = Engine::new(
        &CONFIG.replacen('{', r#"{"dead_letter": {"raw": "drop"},"#, 1),
        1,
    )
    .unwrap();
    engine.open(id(1), 0, None).unwrap();
    Poll::new(1, [bad(0)]).into(&engine).unwrap();
    let letters = sealed(&engine, Table::DeadLetter, 1);
    assert!(letters[0]["value"].is_null(0));
    assert_eq!(letters[0]["kafka_key"].as_binary::<i32>().value(0), b"key");
}

#[test]
fn a_dry_run_hands_rows_back_and_opens_nothing() {
    let engine = Engine::new(&CONFIG.replacen('{', r#"{"batches": true,"#, 1), 1).unwrap();
    engine.open(id(1), 0, None).unwrap();
    let outcome = Poll::new(1, [good(0), bad(1), good(2)])
        .into(&engine)
        .unwrap();
    assert_eq!(offsets(&[outcome.rows.unwrap()]), [0, 2]);
    assert_eq!(outcome.rejections.len(), 1);
    assert!(engine.open_files().is_empty());
}

#[test]
fn partitions_go_side_by_side_and_each_in_order() {
    let engine = Engine::new(CONFIG, 4).unwrap();
    let all: Vec<i64> = (0..8).collect();
    for &epoch in &all {
        engine.open(id(epoch), 0, None).unwrap();
    }
    let polls: Vec<Vec<(i64, Option<Vec<u8>>)>> = (0..20)
        .map(|poll| (0..100).map(|i| good(poll * 100 + i)).collect())
        .collect();
    let columns: Vec<(Vec<_>, Vec<_>)> = polls
        .iter()
        .map(|poll| {
            poll.iter()
                .map(|(offset, value)| (*offset, value.as_deref()))
                .unzip()
        })
        .collect();
    let timestamps = [-1; 100];
    let batches: Vec<RawBatch<'_>> = columns
        .iter()
        .flat_map(|(offsets, values)| {
            all.iter().map(|&epoch| RawBatch {
                topic: "t",
                partition: 0,
                epoch,
                fetch_offset: 0,
                next_offset: 4,
                limit: None,
                records: RawRecords::Columns(RecordColumns {
                    values,
                    offsets,
                    timestamps: &timestamps,
                    envelopes: &Keyed,
                }),
            })
        })
        .collect();
    let outcomes = engine.ingest(&batches, 0).unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.report.rows == 100));
    for &epoch in &all {
        assert_eq!(
            offsets(&sealed(&engine, Table::Main, epoch)),
            (0..2_000).collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_wrong_key_is_named() {
    for (json, named) in [
        (
            r#"{"columns": [], "encode": {"row_group_bytes": "x"}}"#,
            "encode.row_group_bytes: invalid type",
        ),
        (
            r#"{"columns": [], "encode": {"row_group_bytes": 0}}"#,
            "encode.row_group_bytes must not be 0",
        ),
        (
            r#"{"columns": [], "encode": {"zstd_level": 99}}"#,
            "encode.zstd_level",
        ),
        (
            r#"{"columns": [], "dead_letter": {"raw": "burn"}}"#,
            "dead_letter.raw: unknown variant",
        ),
        (r#"{"columns": [], "more": 1}"#, "more: unknown field"),
    ] {
        let error = Engine::new(json, 1).unwrap_err().to_string();
        assert!(
            error.starts_with("engine configuration: ") && error.contains(named),
            "{error}"
        );
    }
}

#[test]
fn a_column_named_like_ours_is_refused() {
    let json = CONFIG.replace("\"id\"", "\"kafka_offset\"");
    let error = Engine::new(&json, 1).unwrap_err().to_string();
    assert!(error.contains("kafka_offset"), "{error}");
    assert!(Engine::new(&json.replacen('{', r#"{"kafka_columns": false,"#, 1), 1).is_ok());
}
