//! Random batches are read as they were written, and as the slow reader reads them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::batches::{Batch, CONTROL, Header, LOG_APPEND_TIME, Packing, Record, TRANSACTIONAL};
use super::reading::{read, read_in_portions};
use super::slow::{self, Question, Row};

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..20),
        2 => (any::<u8>(), 100..300usize).prop_map(|(byte, length)| vec![byte; length]),
        1 => vec(any::<u8>(), 0..9000),
    ]
}

fn header() -> impl Strategy<Value = Header> {
    (vec(any::<u8>(), 0..5), option::of(vec(any::<u8>(), 0..150)))
}

/// Offsets count from the record before.
fn record() -> impl Strategy<Value = Record> {
    let step = prop_oneof![9 => Just(1), 1 => 1..200];
    let headers = prop_oneof![3 => Just(Vec::new()), 1 => vec(header(), 0..70)];
    let parts = (
        step,
        -300_000..300_000i64,
        option::of(bytes()),
        option::of(bytes()),
        headers,
    );
    parts.prop_map(
        |(offset_delta, timestamp_delta, key, value, headers)| Record {
            offset_delta,
            timestamp_delta,
            key,
            value,
            headers,
        },
    )
}

fn batch() -> impl Strategy<Value = Batch> {
    let attributes = prop_oneof![
        4 => Just(0),
        2 => Just(TRANSACTIONAL),
        1 => Just(LOG_APPEND_TIME),
        1 => Just(TRANSACTIONAL | CONTROL),
    ];
    let parts = (
        0..3i64,
        attributes,
        0..3i64,
        0..2i16,
        vec(record(), 0..12),
        0..Packing::ALL.len(),
        0..3,
    );
    parts.prop_map(
        |(hole, attributes, producer, kind, mut records, packing, tail)| {
            let mut batch = if attributes & CONTROL != 0 {
                Batch::marker(hole, producer, kind)
            } else {
                let mut end = -1;
                for record in &mut records {
                    end += record.offset_delta;
                    record.offset_delta = end;
                }
                let mut batch = Batch::new(hole, &[]).packed(Packing::ALL[packing]);
                batch.records = records;
                batch.last_offset_delta = Some(end + tail + i32::from(end < 0));
                batch.attributes = attributes;
                batch
            };
            if attributes & TRANSACTIONAL != 0 {
                batch.producer_id = producer;
            }
            batch
        },
    )
}

/// Batches one after the other, the first after offset 1000.
fn batches() -> impl Strategy<Value = Vec<Batch>> {
    vec(batch(), 0..8).prop_map(|mut batches| {
        let mut end = 1000;
        for batch in &mut batches {
            batch.base_offset += end;
            let last = batch.records.last().map_or(0, |record| record.offset_delta);
            end = batch.base_offset + i64::from(batch.last_offset_delta.unwrap_or(last)) + 1;
        }
        batches
    })
}

/// The records as they were written.
fn written(batches: &[Batch]) -> Vec<Row> {
    let data = batches
        .iter()
        .filter(|batch| batch.attributes & CONTROL == 0);
    data.flat_map(|batch| {
        batch.records.iter().map(|record| Row {
            offset: batch.base_offset + i64::from(record.offset_delta),
            timestamp: match batch.attributes & LOG_APPEND_TIME {
                0 => batch.base_timestamp + record.timestamp_delta,
                _ => batch.max_timestamp,
            },
            key: record.key.clone(),
            value: record.value.clone(),
            headers: record.headers.clone(),
        })
    })
    .collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read(batches in batches()) {
        let question = Question {
            bytes: super::batches::concat(&batches),
            fetch_offset: 1000,
            limit: 4 << 20,
            ..Question::default()
        };
        let answer = read(&question);
        prop_assert_eq!(answer.fault, None);
        prop_assert_eq!(answer.rows, written(&batches));
    }

    #[test]
    fn what_is_asked_is_answered_as_by_the_slow_reader(
        batches in batches(),
        from in 0..60i64,
        mut aborted in vec((0..3i64, 995..1060i64), 0..5),
        read_committed: bool,
        most_records in option::of(0..40u64),
        cut in 0..400usize,
        limit in prop_oneof![3 => Just(4usize << 20), 1 => 0..4000usize],
    ) {
        aborted.sort_by_key(|&(_, first)| first);
        let mut bytes = super::batches::concat(&batches);
        bytes.truncate(bytes.len().saturating_sub(cut));
        let question = Question {
            bytes,
            fetch_offset: 1000 + from,
            aborted,
            read_committed,
            most_records,
            limit,
        };
        let answer = slow::read(&question);
        prop_assert_eq!(&read(&question), &answer);
        for enough in [0, 1, 200, 3000] {
            prop_assert_eq!(&read_in_portions(&question, enough), &answer);
        }
    }
}
