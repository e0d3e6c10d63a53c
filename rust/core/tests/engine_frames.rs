//! Frames through the engine give what their records give as columns: rows, rejections, counts and dead letters.

#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "frame/batches.rs"]
mod batches;

use std::collections::BTreeMap;

use arrow_array::{Array, RecordBatch};
use arrow_buffer::Buffer;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use penstock_core::Engine;
use penstock_core::engine::{
    AssignmentId, Envelope, Envelopes, Outcome, RawBatch, RawFrame, RawRecords, RecordColumns,
    Table,
};

use batches::{Batch, Packing, Record, concat};

const CONFIG: &str = r#"{
    "columns": [
        {"name": "n", "path": ["n"], "type": "int64", "required": true},
        {"name": "who", "path": ["who"], "type": "string"}
    ],
    "transform": [
        {"type": "filter", "where": "n % 5 <> 1"},
        {"type": "redact", "columns": ["who"], "whole": true}
    ],
    "slab_bytes": 16777216
}"#;
const BASE: i64 = 100;
const PER_BATCH: usize = 16;

/// Rows, filtered records, dead letters of two kinds and tombstones by turns; some with headers.
fn record(number: usize) -> Record {
    let value = match number % 11 {
        3 => None,
        5 => Some(r#"{"who": "nobody"}"#.into()),
        7 => Some("{\"n\": ".into()),
        8 => Some(format!(
            "{{\"n\": {number}, \"who\": \"é\\n{number}\", \"more\": [1]}}"
        )),
        _ => Some(format!("{{\"n\": {number}, \"who\": \"somebody\"}}")),
    };
    Record {
        offset_delta: (number % PER_BATCH) as i32,
        timestamp_delta: number as i64,
        key: (!number.is_multiple_of(4)).then(|| format!("key {number}").into_bytes()),
        value: value.map(String::into_bytes),
        headers: vec![
            (b"trace".to_vec(), Some(vec![0xFF, number as u8])),
            (b"none".to_vec(), None),
        ][..number % 3]
            .to_vec(),
    }
}

fn batches(count: usize, packing: impl Fn(usize) -> Packing) -> Vec<Batch> {
    let numbers: Vec<usize> = (0..count).collect();
    let batch = |(index, numbers): (usize, &[usize])| Batch {
        records: numbers.iter().map(|&number| record(number)).collect(),
        packing: packing(index),
        ..Batch::new(BASE + (index * PER_BATCH) as i64, &[])
    };
    numbers.chunks(PER_BATCH).enumerate().map(batch).collect()
}

struct Apart(Vec<Record>);

impl Envelopes for Apart {
    fn read(&self, indices: &[u32]) -> Result<Vec<Envelope>, String> {
        let envelope = |&index: &u32| Envelope {
            key: self.0[index as usize].key.clone(),
            headers: self.0[index as usize].headers.clone(),
        };
        Ok(indices.iter().map(envelope).collect())
    }
}

struct Run {
    engine: Engine,
    /// Where the next batch begins.
    next: i64,
}

impl Run {
    /// `verdicts` as in `Engine::open`.
    fn new(dead_letters_from: i64, verdicts: Option<Vec<i64>>) -> Self {
        let engine = Engine::new(CONFIG, 2).unwrap();
        engine.open(id(), dead_letters_from, verdicts).unwrap();
        Self { engine, next: BASE }
    }

    fn ingest(&mut self, records: RawRecords<'_>, end: i64, limit: Option<usize>) -> Outcome {
        let batch = RawBatch {
            topic: "t",
            partition: 0,
            epoch: 1,
            fetch_offset: self.next,
            next_offset: end,
            limit,
            records,
        };
        let outcome = self.engine.ingest(&[batch], 0).unwrap().remove(0);
        self.next = outcome.next_offset;
        outcome
    }

    fn frame(&mut self, bytes: Vec<u8>, end: i64, limit: Option<usize>) -> Outcome {
        let data = Buffer::from_vec(bytes);
        let frame = RawFrame {
            data: &data,
            aborted: &[],
            read_committed: true,
        };
        self.ingest(RawRecords::Frame(frame), end, limit)
    }

    fn columns(&mut self, from: &[Batch], limit: Option<usize>) -> Outcome {
        let with_place = |batch: &Batch| {
            let (offset, time) = (batch.base_offset, batch.base_timestamp);
            let place = move |record: Record| {
                let own = (i64::from(record.offset_delta), record.timestamp_delta);
                (offset + own.0, time + own.1, record)
            };
            batch.records.clone().into_iter().map(place)
        };
        let records = from
            .iter()
            .flat_map(with_place)
            .filter(|record| record.0 >= self.next);
        let (mut offsets, mut timestamps, mut apart) = (vec![], vec![], vec![]);
        for (offset, timestamp, record) in records {
            offsets.push(offset);
            timestamps.push(timestamp);
            apart.push(record);
        }
        let end = offsets.last().unwrap() + 1;
        let envelopes = Apart(apart);
        let values: Vec<_> = envelopes
            .0
            .iter()
            .map(|record| record.value.as_deref())
            .collect();
        let columns = RecordColumns {
            values: &values,
            offsets: &offsets,
            timestamps: &timestamps,
            envelopes: &envelopes,
        };
        self.ingest(RawRecords::Columns(columns), end, limit)
    }

    fn files(&self) -> [Vec<RecordBatch>; 2] {
        Table::ALL.map(|table| {
            let chunks = self.engine.seal(table, &id(), BTreeMap::new()).unwrap();
            let file = Bytes::from(chunks.concat());
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            reader.build().unwrap().map(Result::unwrap).collect()
        })
    }
}

fn id() -> AssignmentId {
    AssignmentId {
        topic: "t".into(),
        partition: 0,
        epoch: 1,
    }
}

fn assert_same(frame: &Outcome, columns: &Outcome) {
    assert_eq!(frame.next_offset, columns.next_offset);
    assert_eq!(frame.rejections, columns.rejections);
    assert_eq!(
        format!("{:?}", frame.report),
        format!("{:?}", columns.report)
    );
}

fn end(batches: &[Batch]) -> i64 {
    let last = batches.last().unwrap();
    last.base_offset + last.records.len() as i64
}

/// Whatever packs them, and where every batch is packed by another.
#[test]
fn a_frame_gives_what_its_records_give() {
    let all = Packing::ALL;
    let each = all.map(|packing| batches(300, move |_| packing));
    for batches in each
        .into_iter()
        .chain([batches(300, |index| all[index % all.len()])])
    {
        let (mut by_frame, mut by_columns) = (Run::new(0, None), Run::new(0, None));
        let frame = by_frame.frame(concat(&batches), end(&batches), None);
        assert_same(&frame, &by_columns.columns(&batches, None));
        assert_eq!(frame.fault, None);
        let report = &frame.report;
        assert!(report.rows > 0 && report.filtered > 0 && report.dead_letters > 0);
        assert_eq!(by_frame.files(), by_columns.files());
    }
}

/// At any record, in the middle of a batch too; the rest is there when it is fetched again.
#[test]
fn a_limit_cuts_at_a_record() {
    let batches = batches(50, |index| Packing::ALL[index % 2]);
    for limit in 0..52 {
        let (mut by_frame, mut by_columns) = (Run::new(0, None), Run::new(0, None));
        let frame = by_frame.frame(concat(&batches), end(&batches), Some(limit));
        assert_same(&frame, &by_columns.columns(&batches, Some(limit)));
        assert_eq!(frame.next_offset, BASE + limit.min(50) as i64);
        if limit < 50 {
            let rest = by_frame.frame(concat(&batches), end(&batches), None);
            assert_same(&rest, &by_columns.columns(&batches, None));
            assert_eq!(rest.counts.earlier_records, limit as u64);
        }
        assert_eq!(by_frame.files(), by_columns.files());
    }
}

/// One bit in so many is flipped; fewer where a processor is emulated.
fn apart() -> usize {
    std::env::var("PENSTOCK_TEST_APART").map_or(1, |bits| bits.parse().unwrap())
}

/// Every bit of a batch: nothing of it is taken, all before it is, and it is told where.
#[test]
fn a_flipped_bit_costs_nothing_but_its_batch() {
    let batches = batches(48, |_| Packing::SizedZstd);
    let good = concat(&batches[..1]);
    let middle = batches[1].bytes();
    // Base offset, leader epoch and length are the broker's own, and not under the checksum.
    for bit in (17 * 8..middle.len() * 8).step_by(apart()) {
        let mut damaged = middle.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let bytes = [&good, &damaged, &batches[2].bytes()]
            .map(Vec::as_slice)
            .concat();
        let mut run = Run::new(0, None);
        let outcome = run.frame(bytes, end(&batches), None);
        let fault = outcome.fault.unwrap();
        assert_eq!(
            (fault.offset, fault.cause.code()),
            (BASE + 16, "checksum_mismatch")
        );
        assert_eq!(
            (outcome.report.records, outcome.next_offset),
            (16, BASE + 16)
        );
    }
}

/// After a change of plan the table's dead letters rule, in frames as in columns.
#[test]
fn verdicts_rule() {
    let batches = batches(64, |index| Packing::ALL[index % 3]);
    let verdicts = || Some(vec![BASE + 2, BASE + 7, BASE + 20, BASE + 21]);
    let from = BASE + 30;
    let (mut by_frame, mut by_columns) = (Run::new(from, verdicts()), Run::new(from, verdicts()));
    let frame = by_frame.frame(concat(&batches), end(&batches), None);
    assert_same(&frame, &by_columns.columns(&batches, None));
    let files = by_frame.files();
    assert_eq!(files, by_columns.files());
    assert!(
        files[1]
            .iter()
            .any(|letters| !letters.column_by_name("replayed").unwrap().is_empty())
    );
}

/// Leaders of before a rewind are no fall: the assignment that begins anew knows of none.
#[test]
fn the_leader_epoch_is_that_of_an_assignment() {
    let mut batches = batches(32, |_| Packing::None);
    batches[1].leader_epoch = 2;
    let mut run = Run::new(0, None);
    let outcome = run.frame(concat(&batches), end(&batches), None);
    assert_eq!(outcome.fault.unwrap().cause.code(), "leader_epoch_fell");
    run.next = BASE + 16;
    let again = run.frame(batches[1].bytes(), end(&batches), None);
    assert_eq!(again.fault.unwrap().cause.code(), "leader_epoch_fell");
    let mut anew = Run::new(0, None);
    anew.next = BASE + 16;
    assert_eq!(
        anew.frame(batches[1].bytes(), end(&batches), None).fault,
        None
    );
}
