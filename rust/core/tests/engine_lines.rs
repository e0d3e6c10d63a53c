//! Lines of a text go through the engine as the same records do that were taken apart before.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_select::concat::concat_batches;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use penstock_core::decode::Lines;
use penstock_core::engine::{
    AssignmentId, Engine, Envelope, Envelopes, Outcome, RawBatch, RawLines, RawRecords,
    RecordColumns, Table,
};

const CONFIG: &str = r#"{
    "columns": [
        {"name": "id", "path": ["id"], "type": "int64", "required": true},
        {"name": "text", "path": ["text"], "type": "string", "required": false}
    ],
    "transform": [{"type": "redact", "columns": ["text"], "patterns": ["email"], "whole": false, "mode": "mask"}]
}"#;

const TEXT: &[u8] = b"\n{\"id\":1,\"text\":\"to ann@example.com and others\"}\r\n\r\n{\"id\":2,\"more\":[1]}\n{\n\
    {\"id\":3,\"text\":\"an escape \\n and a long text behind it\"}\n{\"text\":\"none\"}\n{\"id\":4,\"text\":\"\xff\"}\n\
    \n{\"id\":5,\"text\":\"the last one, without an end\"}";
const FIRST: i64 = 40;

struct None_;

impl Envelopes for None_ {
    fn read(&self, indices: &[u32]) -> Result<Vec<Envelope>, String> {
        Ok(vec![Envelope::default(); indices.len()])
    }
}

fn id() -> AssignmentId {
    AssignmentId {
        topic: "/data/events.ndjson".into(),
        partition: 0,
        epoch: 1,
    }
}

/// What the engine says of `TEXT`; with `lines` it is given as it is.
fn ingest(engine: &Engine, lines: bool, limit: Option<usize>) -> Outcome {
    let source = Buffer::from(TEXT);
    let split = Lines::split(&source, usize::MAX);
    let count = split.values.len();
    let offsets: Vec<i64> = (FIRST..).take(count).collect();
    let batch = RawBatch {
        topic: &id().topic,
        partition: 0,
        epoch: 1,
        fetch_offset: FIRST,
        next_offset: FIRST + count as i64,
        limit,
        records: if lines {
            RawRecords::Lines(RawLines { data: &source })
        } else {
            RawRecords::Columns(RecordColumns {
                values: &split.values,
                offsets: &offsets,
                timestamps: &vec![-1; count],
                envelopes: &None_,
            })
        },
    };
    engine.ingest(&[batch], 0).unwrap().remove(0)
}

fn file(engine: &Engine, table: Table) -> RecordBatch {
    let chunks = engine.seal(table, &id(), BTreeMap::new()).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(chunks.concat())).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

/// The same counts, rejections, rows and dead letters, with verdicts of an earlier run, and under a limit.
#[test]
fn lines_are_records() {
    for limit in [None, Some(0), Some(2), Some(100)] {
        for verdicts in [None, Some(vec![FIRST + 1, FIRST + 2])] {
            let [columns, lines] = [false, true].map(|lines| {
                let engine = Engine::new(CONFIG, 1).unwrap();
                engine.open(id(), FIRST + 3, verdicts.clone()).unwrap();
                let outcome = ingest(&engine, lines, limit);
                let tables = Table::ALL.map(|table| {
                    engine
                        .open_files()
                        .iter()
                        .any(|open| open.table == table)
                        .then(|| file(&engine, table))
                });
                (format!("{outcome:?}"), outcome.next_offset, tables)
            });
            assert_eq!(lines, columns, "{limit:?} {verdicts:?}");
            assert_eq!(lines.1, FIRST + limit.unwrap_or(100).min(7) as i64);
            assert!(limit == Some(0) || lines.2[0].is_some());
        }
    }
}
