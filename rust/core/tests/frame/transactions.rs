//! Which records of transactions are seen.

use super::batches::{Batch, CONTROL, Packing, concat};
use super::reading::{question, read, records};
use super::slow::Question;

const ABORT: i16 = 0;
const COMMIT: i16 = 1;

fn values(batches: &[Batch], aborted: &[(i64, i64)], fetch_offset: i64) -> Vec<String> {
    let question = Question {
        aborted: aborted.into(),
        read_committed: true,
        fetch_offset,
        ..question(concat(batches))
    };
    let answer = read(&question);
    assert_eq!(answer, super::slow::read(&question));
    assert_eq!(answer.fault, None);
    let last = batches.last().unwrap();
    let after = last.records.last().map_or(0, |record| record.offset_delta);
    assert_eq!(answer.next_offset, last.base_offset + i64::from(after) + 1);
    answer
        .rows
        .into_iter()
        .map(|row| String::from_utf8(row.value.unwrap()).unwrap())
        .collect()
}

#[test]
fn records_of_an_aborted_transaction_are_left_out() {
    let batches = [
        Batch::new(0, &["a", "b"]).of(7),
        Batch::marker(2, 7, ABORT),
        Batch::new(3, &["c"]).of(7),
        Batch::marker(4, 7, COMMIT),
        Batch::new(5, &["d"]),
    ];
    assert_eq!(values(&batches, &[(7, 0)], 0), ["c", "d"]);
    assert_eq!(values(&batches, &[], 0), ["a", "b", "c", "d"]);
}

#[test]
fn transactions_of_many_producers_are_told_apart() {
    let batches = [
        Batch::new(0, &["a0"]).of(1),
        Batch::new(1, &["b1", "b2"]).of(2).packed(Packing::Lz4),
        Batch::new(3, &["a3"]).of(1).packed(Packing::Gzip),
        Batch::new(4, &["plain"]),
        Batch::marker(5, 2, ABORT),
        Batch::new(6, &["b6"]).of(2),
        Batch::marker(7, 1, ABORT),
        Batch::new(8, &["a8"]).of(1),
        Batch::marker(9, 2, COMMIT),
        Batch::new(10, &["b10"]).of(2),
        Batch::marker(11, 1, COMMIT),
        Batch::marker(12, 2, ABORT),
    ];
    let aborted = [(1, 0), (2, 1), (2, 10)];
    assert_eq!(values(&batches, &aborted, 0), ["plain", "b6", "a8"]);
    // Whatever the order of the list.
    let shuffled = [(2, 10), (2, 1), (1, 0)];
    assert_eq!(values(&batches, &shuffled, 0), ["plain", "b6", "a8"]);
}

#[test]
fn a_transaction_that_began_before_the_fetch_is_left_out() {
    let batches = [
        Batch::new(90, &["a", "b"]).of(7),
        Batch::marker(92, 7, ABORT),
    ];
    assert!(values(&batches, &[(7, 10)], 91).is_empty());
}

#[test]
fn a_marker_without_its_transaction_ends_nothing() {
    // Compaction leaves markers of transactions whose records are gone.
    let batches = [
        Batch::marker(0, 7, ABORT),
        Batch::marker(1, 8, ABORT),
        Batch::marker(2, 8, ABORT),
        Batch::new(3, &["a"]).of(8),
        Batch::new(4, &["b"]).of(7),
    ];
    assert_eq!(values(&batches, &[(7, 4)], 0), ["a"]);
}

#[test]
fn records_outside_transactions_are_never_aborted() {
    let mut idempotent = Batch::new(0, &["a"]);
    idempotent.producer_id = 7;
    assert_eq!(values(&[idempotent], &[(7, 0)], 0), ["a"]);
}

#[test]
fn other_readers_see_aborted_records_but_no_markers() {
    let batches = [Batch::new(0, &["a"]).of(7), Batch::marker(1, 7, ABORT)];
    let records = records(&Question {
        aborted: vec![(7, 0)],
        ..question(concat(&batches))
    });
    assert_eq!((records.len(), records.next_offset), (1, 2));
    assert_eq!(records.counts.control_batches, 1);
    assert_eq!(records.counts.aborted_records, 0);
}

#[test]
fn what_is_left_out_is_counted() {
    let batches = [
        Batch::new(0, &["a", "b"]).of(7),
        Batch::marker(2, 7, ABORT),
        Batch::new(3, &["c", "d"]),
    ];
    let bytes = concat(&batches);
    let size = bytes.len() as u64;
    let records = records(&Question {
        aborted: vec![(7, 0)],
        read_committed: true,
        fetch_offset: 1,
        ..question(bytes)
    });
    assert_eq!(records.counts.batches, 3);
    assert_eq!(records.counts.aborted_records, 2);
    assert_eq!(records.counts.wire_bytes, size);
    assert_eq!(records.counts.decompressed_bytes, 0);
}

#[test]
fn a_control_batch_of_another_kind_ends_no_transaction() {
    let batches = [
        Batch::new(0, &["a"]).of(7),
        Batch::marker(1, 7, 2),
        Batch::new(2, &["b"]).of(7),
        Batch::marker(3, 7, ABORT),
    ];
    assert!(values(&batches, &[(7, 0)], 0).is_empty());
}

#[test]
fn a_marker_that_says_nothing_is_a_fault() {
    let mut marker = Batch::new(0, &["x"]).of(7);
    marker.attributes |= CONTROL;
    for key in [None, Some(vec![0, 0, 0])] {
        marker.records[0].key = key;
        let question = Question {
            read_committed: true,
            ..question(marker.bytes())
        };
        assert_eq!(read(&question).fault, Some("invalid_marker"));
    }
    marker.records.clear();
    marker.last_offset_delta = Some(4);
    let question = Question {
        read_committed: true,
        ..question(marker.bytes())
    };
    assert_eq!(
        (read(&question).fault, read(&question).next_offset),
        (None, 5)
    );
}
