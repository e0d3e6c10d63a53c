//! Offsets, epochs and times, within a fetch and from one to the next.

use penstock_core::frame::{Cause, Limits, Place, Unpackers, Walker};

use super::batches::{Batch, DELETE_HORIZON, LOG_APPEND_TIME, Packing, Record, concat};
use super::reading::{ask, question, read, records};
use super::slow::Question;

fn offsets(batches: &[Batch], fetch_offset: i64, most_records: Option<u64>) -> (Vec<i64>, i64) {
    let question = Question {
        fetch_offset,
        most_records,
        ..question(concat(batches))
    };
    let answer = read(&question);
    assert_eq!(answer, super::slow::read(&question));
    assert_eq!(answer.fault, None);
    let offsets = answer.rows.iter().map(|row| row.offset).collect();
    (offsets, answer.next_offset)
}

#[test]
fn records_before_the_fetch_offset_are_left_out() {
    let batches = [
        Batch::new(10, &["a", "b", "c"]),
        Batch::new(13, &["d", "e"]).packed(Packing::Zstd),
    ];
    assert_eq!(offsets(&batches, 11, None), (vec![11, 12, 13, 14], 15));
    assert_eq!(offsets(&batches, 14, None), (vec![14], 15));
    assert_eq!(offsets(&batches, 13, None), (vec![13, 14], 15));
    // Everything lies before it.
    assert_eq!(offsets(&batches, 90, None), (vec![], 90));
    let records = records(&Question {
        fetch_offset: 14,
        ..question(concat(&batches))
    });
    assert_eq!(records.counts.earlier_records, 4);
}

#[test]
fn holes_and_empty_batches_move_the_offset() {
    let mut holes = Batch::new(10, &["a", "b"]).packed(Packing::Lz4);
    holes.records[0].offset_delta = 3;
    holes.records[1].offset_delta = 7;
    holes.last_offset_delta = Some(9);
    let mut empty = Batch::new(25, &[]);
    empty.last_offset_delta = Some(4);
    let mut packed_empty = Batch::new(40, &[]);
    packed_empty.last_offset_delta = Some(1);
    assert_eq!(
        offsets(&[holes.clone(), empty.clone()], 5, None),
        (vec![13, 17], 30)
    );
    for packing in Packing::ALL {
        let batches = [
            holes.clone(),
            empty.clone(),
            packed_empty.clone().packed(packing),
        ];
        assert_eq!(offsets(&batches, 14, None), (vec![17], 42), "{packing:?}");
    }
    // Compaction keeps the header of a compressed batch, and no body at all.
    packed_empty.packing = Packing::Gzip;
    let bytes = packed_empty.with_body(&[]);
    assert_eq!(read(&question(bytes)).next_offset, 42);
}

#[test]
fn no_more_than_the_most_records_are_taken() {
    let batches = [
        Batch::new(0, &["a", "b", "c"]),
        Batch::marker(3, 7, 1),
        Batch::new(4, &["d"]),
    ];
    let all = [0, 1, 2, 4];
    for (most, next) in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 5), (9, 5)] {
        let expected = all[..all.len().min(most as usize)].to_vec();
        assert_eq!(offsets(&batches, 0, Some(most)), (expected, next), "{most}");
    }
    // Reading on from there gives the rest.
    assert_eq!(offsets(&batches, 3, Some(1)), (vec![4], 5));
    assert_eq!(offsets(&batches, 2, Some(2)), (vec![2, 4], 5));
}

#[test]
fn times_are_the_producers_or_the_brokers() {
    let mut batch = Batch::new(0, &["a", "b", "c"]);
    batch.base_timestamp = 1000;
    batch.max_timestamp = 5000;
    // Compaction puts the delete horizon where the base was.
    batch.records[1].timestamp_delta = -400;
    batch.records[2].timestamp_delta = 4000;
    let times = |batch: &Batch| records(&question(batch.bytes())).timestamps;
    assert_eq!(times(&batch), [1000, 600, 5000]);
    batch.attributes = DELETE_HORIZON;
    assert_eq!(times(&batch), [1000, 600, 5000]);
    batch.attributes = LOG_APPEND_TIME | DELETE_HORIZON;
    assert_eq!(times(&batch), [5000; 3]);
    // A delta means nothing then.
    batch.records[1].timestamp_delta = i64::MAX;
    assert_eq!(times(&batch), [5000; 3]);
    batch.attributes = 0;
    batch.records[1].timestamp_delta = -1001;
    assert_eq!(times(&batch), [1000, -1, 5000]);
}

#[test]
fn all_parts_of_a_record_come_out() {
    let mut batch = Batch::new(3, &["v", ""]);
    batch.records.push(Record {
        offset_delta: 2,
        headers: vec![
            (b"h".to_vec(), Some(b"1".to_vec())),
            (b"\xff\xfe".to_vec(), None),
            (Vec::new(), Some(Vec::new())),
        ],
        ..Record::default()
    });
    batch.records[0].key = Some(vec![]);
    batch.records[1].key = Some(vec![b'k'; 300]);
    for packing in Packing::ALL {
        let answer = read(&question(batch.clone().packed(packing).bytes()));
        for (row, record) in answer.rows.iter().zip(&batch.records) {
            assert_eq!(row.offset, 3 + i64::from(record.offset_delta));
            assert_eq!((&row.key, &row.value), (&record.key, &record.value));
            assert_eq!(row.headers, record.headers);
        }
        assert_eq!(answer.rows.len(), 3);
    }
}

#[test]
fn a_batch_that_goes_back_is_a_fault() {
    let first = Batch::new(10, &["a", "b"]);
    for (base, should) in [
        (11, Place::After(12)),
        (10, Place::After(12)),
        (0, Place::After(12)),
    ] {
        let batches = [first.clone(), Batch::new(base, &["x", "y", "z"])];
        let records = records(&question(concat(&batches)));
        assert_eq!(records.len(), 2);
        assert_eq!(
            records.fault.expect("a fault").cause,
            Cause::Misplaced { should }
        );
    }
}

/// A broker begins with the batch that has the offset asked for, or the one after it. If the first is elsewhere, its
/// records would be missing without a word.
#[test]
fn a_gap_after_earlier_batches_is_a_fault() {
    let batches = [Batch::new(3, &["a", "b"]), Batch::new(12, &["c"])];
    let asked = Question {
        fetch_offset: 10,
        ..question(concat(&batches))
    };
    let records = records(&asked);
    let should = Place::UpTo(10);
    assert_eq!(
        records.fault.expect("a fault").cause,
        Cause::Misplaced { should }
    );
    assert_eq!((records.offsets.len(), records.next_offset), (0, 10));
}

/// One walker, fetch by fetch: base offset and leader epoch of a batch each; whether it is taken.
fn epochs(walker: &mut Walker, fetches: &[(i64, i32, bool)]) {
    let unpackers = Unpackers::new(Limits::default(), 0);
    for &(base, epoch, taken) in fetches {
        let mut batch = Batch::new(base, &["x"]);
        batch.leader_epoch = epoch;
        let asked = Question {
            fetch_offset: base,
            ..question(batch.bytes())
        };
        let records = ask(&asked, walker, &unpackers);
        let fell = matches!(
            records.fault,
            Some(ref fault) if matches!(fault.cause, Cause::LeaderEpochFell { .. })
        );
        assert_eq!(
            (records.len() == 1, fell),
            (taken, !taken),
            "{base} {epoch}"
        );
    }
}

#[test]
fn a_leader_epoch_that_falls_is_a_fault() {
    let mut low = Batch::new(1, &["b"]);
    low.leader_epoch = 2;
    let records = records(&question(concat(&[Batch::new(0, &["a"]), low])));
    assert_eq!(records.len(), 1);
    let cause = records.fault.expect("a fault").cause;
    assert_eq!(
        cause,
        Cause::LeaderEpochFell {
            epoch: 2,
            before: 3
        }
    );
    assert_eq!(cause.code(), "leader_epoch_fell");
}

#[test]
fn the_leader_epoch_is_remembered_from_fetch_to_fetch() {
    let ascending = [(0, 3, true), (1, 3, true), (2, 7, true)];
    // It is the same at the second look, and a batch that tells none changes nothing.
    let then = [
        (3, 6, false),
        (3, 6, false),
        (3, -1, true),
        (4, 6, false),
        (4, 7, true),
    ];
    let mut walker = Walker::default();
    epochs(&mut walker, &ascending);
    epochs(&mut walker, &then);
    // Going back is going to older leaders.
    epochs(&mut walker, &[(1, 3, true), (2, 7, true), (3, 6, false)]);
}

#[test]
fn nothing_fetched_is_nothing_read() {
    let answer = read(&Question {
        fetch_offset: 17,
        ..question(Vec::new())
    });
    assert_eq!(
        (answer.rows.len(), answer.next_offset, answer.fault),
        (0, 17, None)
    );
}
