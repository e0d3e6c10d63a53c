//! Bytes that are cut, changed, or lie.

use penstock_core::frame::{Cause, Flaw, scan};

use super::batches::{Batch, Packing, Record, body, concat, seal, varint};
use super::reading::{question, read, records};
use super::slow::{self, Question};

fn batches() -> Vec<Batch> {
    let mut with_headers = Batch::new(103, &["four", "five"]);
    with_headers.records[1].headers = vec![
        (b"trace".to_vec(), Some(b"\xff\x00".to_vec())),
        (b"\xfe".to_vec(), None),
    ];
    with_headers.records[0].key = Some(b"key".to_vec());
    with_headers.records[0].value = None;
    vec![
        Batch::new(100, &["one", "two", "three"]).packed(Packing::SizedZstd),
        with_headers,
        Batch::new(105, &["six"]).packed(Packing::XerialSnappy),
    ]
}

fn asked(bytes: Vec<u8>) -> Question {
    Question {
        fetch_offset: 100,
        ..question(bytes)
    }
}

#[test]
fn cut_anywhere_the_batches_that_are_whole_are_read() {
    let bytes = concat(&batches());
    let whole = read(&asked(bytes.clone()));
    assert_eq!(whole.fault, None);
    let mut ends = vec![(0, 0, 100)];
    for batch in batches() {
        let (size, rows, next) = *ends.last().unwrap();
        let more = batch.records.len();
        ends.push((size + batch.bytes().len(), rows + more, next + more as i64));
    }
    for length in 0..=bytes.len() {
        let (size, rows, next) = *ends.iter().rfind(|(size, ..)| *size <= length).unwrap();
        let answer = read(&asked(bytes[..length].to_vec()));
        assert_eq!(answer.fault, None, "cut at {length}");
        assert_eq!(answer.rows, whole.rows[..rows]);
        assert_eq!(answer.next_offset, next);
        let scan = scan(&bytes[..length]);
        assert_eq!(scan.complete, size);
        assert_eq!(scan.next_offset, (rows > 0).then_some(next));
        assert_eq!(scan.records, rows as u64);
        assert_eq!(scan.magic, Ok(()));
    }
}

/// Offset and leader epoch are the broker's, and no checksum covers them: a change there may look right. What comes out
/// then are still this batch's own values, and they ascend.
#[test]
fn a_header_byte_that_changes_is_a_fault_a_shorter_read_or_no_change() {
    let bytes = concat(&batches());
    let whole = read(&asked(bytes.clone()));
    let second = batches()[0].bytes().len();
    for (at, bit) in (second..second + 61).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << bit;
        let answer = read(&asked(changed.clone()));
        assert_eq!(answer.rows[..3], whole.rows[..3]);
        match at - second {
            0..8 => {
                let values: Vec<_> = answer.rows.iter().map(|row| &row.value).collect();
                let expected: Vec<_> = whole.rows.iter().map(|row| &row.value).collect();
                assert_eq!(values[..], expected[..values.len()]);
                assert!(answer.rows.is_sorted_by(|a, b| a.offset < b.offset));
                assert!(
                    answer.rows.len() == 6
                        || answer.fault == Some("misplaced_batch")
                        || answer.fault == Some("invalid_header")
                );
            }
            12..16 => assert!(
                answer == whole || answer.fault == Some("leader_epoch_fell"),
                "{at} {bit}"
            ),
            _ => {
                let kept = answer.rows.len();
                assert_eq!(answer.rows, whole.rows[..kept], "{at} {bit}");
                assert!(answer.fault.is_some() || kept == 3, "{at} {bit}");
            }
        }
        assert_eq!(answer, slow::read(&asked(changed)));
    }
}

#[test]
fn a_byte_of_the_records_that_changes_is_a_fault() {
    let bytes = concat(&batches());
    let first = batches()[0].bytes().len();
    for at in 61..first {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let answer = read(&asked(changed));
        assert_eq!(answer.fault, Some("checksum_mismatch"));
        assert_eq!((answer.rows.len(), answer.next_offset), (0, 100));
    }
}

/// With the checksum made right again: a producer that writes nonsense.
#[test]
fn any_byte_of_a_sealed_batch_is_read_as_the_slow_reader_does() {
    for packing in [Packing::None, Packing::RawSnappy] {
        let mut batch = batches().swap_remove(1).packed(packing);
        batch.records[1].timestamp_delta = i64::MAX / 2;
        let bytes = batch.bytes();
        for (at, bit) in (17..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            seal(&mut changed);
            let question = asked(changed);
            assert_eq!(
                read(&question),
                slow::read(&question),
                "{packing:?} {at} {bit}"
            );
        }
    }
}

#[test]
fn a_fault_leaves_nothing_of_its_batch_and_all_before_it() {
    let mut batches = batches();
    batches[1].count = Some(3);
    batches[1].last_offset_delta = Some(9);
    let records = records(&asked(concat(&batches)));
    let fault = records.fault.clone().expect("a fault");
    assert_eq!(records.len(), 3);
    assert_eq!(records.counts.batches, 1);
    assert_eq!(
        (records.next_offset, fault.offset, fault.batch),
        (103, 103, 103)
    );
    assert_eq!(fault.position, batches[0].bytes().len());
    assert_eq!(
        fault.to_string(),
        format!(
            "batch at offset 103, byte {} of the fetched records: record 2 of 3, byte {} of the records: \
             it goes on past the end",
            fault.position,
            body(&batches[1].records).len()
        )
    );
}

/// The cause of one batch of two records, of which the header tells something else.
fn cause(change: impl Fn(&mut Batch)) -> Cause {
    let mut batch = Batch::new(10, &["a", "b"]);
    change(&mut batch);
    let records = records(&question(batch.bytes()));
    assert!(records.is_empty());
    assert_eq!(records.next_offset, 0);
    records.fault.expect("a fault").cause
}

#[test]
fn counts_that_lie_are_faults() {
    let flawed = |record, count, flaw| Cause::Record {
        record,
        count,
        position: 16,
        flaw,
    };
    assert_eq!(
        cause(|batch| batch.count = Some(1)),
        Cause::TrailingBytes { bytes: 8, count: 1 }
    );
    assert_eq!(
        cause(|batch| batch.count = Some(0)),
        Cause::TrailingBytes {
            bytes: 16,
            count: 0
        }
    );
    assert_eq!(
        cause(|batch| batch.count = Some(3)),
        flawed(2, 3, Flaw::Cut)
    );
    let most = i32::MAX;
    assert_eq!(
        cause(|batch| batch.count = Some(most)),
        flawed(2, most as u32, Flaw::Cut)
    );
    assert!(matches!(
        cause(|batch| batch.count = Some(-1)),
        Cause::Header(_)
    ));
    assert!(matches!(
        cause(|batch| batch.last_offset_delta = Some(-1)),
        Cause::Header(_)
    ));
    assert!(matches!(
        cause(|batch| batch.base_offset = i64::MAX - 1),
        Cause::Header(_)
    ));
    assert!(matches!(
        cause(|batch| batch.base_offset = -1),
        Cause::Header(_)
    ));
}

#[test]
fn offsets_outside_their_batch_are_faults() {
    let flaw = |change: fn(&mut Batch)| match cause(change) {
        Cause::Record { flaw, .. } => flaw,
        other => panic!("{other}"),
    };
    assert_eq!(
        flaw(|batch| batch.last_offset_delta = Some(0)),
        Flaw::Offset
    );
    assert_eq!(
        flaw(|batch| batch.records[1].offset_delta = 0),
        Flaw::Offset
    );
    assert_eq!(
        flaw(|batch| batch.records[0].offset_delta = -1),
        Flaw::Offset
    );
    assert_eq!(
        flaw(|batch| batch.records[0].timestamp_delta = i64::MAX),
        Flaw::Timestamp
    );
}

/// What is wrong with a record of these bytes, its length not included.
fn flaw(parts: &[&[u8]]) -> Option<Flaw> {
    let parts = parts.concat();
    let mut body = Vec::new();
    varint(&mut body, parts.len() as i64);
    body.extend(parts);
    flaw_of_body(&body)
}

fn flaw_of_body(body: &[u8]) -> Option<Flaw> {
    let records = records(&question(Batch::new(0, &["x"]).with_body(body)));
    match records.fault?.cause {
        Cause::Record { flaw, .. } => Some(flaw),
        other => panic!("{other}"),
    }
}

#[test]
fn a_record_that_lies_is_a_fault() {
    const LONG: [u8; 10] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
    const TOO_LONG: [u8; 10] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02];
    let empty = [0, 0, 0, 1, 1, 0];
    assert_eq!(flaw(&[&empty]), None);
    // Numbers: of more bytes than they need, of too many bits, of bytes without end.
    assert_eq!(flaw(&[&[0, 0x80, 0x00, 0, 1, 1, 0]]), None);
    assert_eq!(flaw(&[&[0], &LONG, &[0, 1, 1, 0]]), None);
    assert_eq!(
        flaw(&[&[0], &TOO_LONG, &[0, 1, 1, 0]]),
        Some(Flaw::Overflow)
    );
    assert_eq!(
        flaw(&[&[0], &[0x80; 10], &[0, 0, 1, 1, 0]]),
        Some(Flaw::Overflow)
    );
    assert_eq!(
        flaw(&[&[0, 0], &[0x80, 0x80, 0x80, 0x80, 0x10], &[1, 1, 0]]),
        Some(Flaw::Overflow)
    );
    assert_eq!(
        flaw(&[&[0, 0], &[0x80; 5], &[0, 1, 1, 0]]),
        Some(Flaw::Overflow)
    );
    // Lengths: less than null, longer than the record, longer than anything.
    assert_eq!(flaw(&[&[0, 0, 0, 3, 1, 0]]), Some(Flaw::Negative));
    assert_eq!(flaw(&[&[0, 0, 0, 1, 3, 0]]), Some(Flaw::Negative));
    assert_eq!(flaw(&[&[0, 0, 0, 2, b'k', 1]]), Some(Flaw::Cut));
    assert_eq!(flaw(&[&[0, 0, 0, 8, b'k', 1, 0]]), Some(Flaw::Cut));
    assert_eq!(
        flaw(&[&[0, 0, 0, 1], &[0xFE, 0xFF, 0xFF, 0xFF, 0x0F], &[0]]),
        Some(Flaw::Cut)
    );
    assert_eq!(flaw(&[&empty[..5]]), Some(Flaw::Cut));
    assert_eq!(flaw(&[&empty, &[0]]), Some(Flaw::Length));
    // Headers: fewer than none, fewer than said, a null key, bytes behind them.
    assert_eq!(flaw(&[&[0, 0, 0, 1, 1, 1]]), Some(Flaw::Negative));
    assert_eq!(flaw(&[&[0, 0, 0, 1, 1, 4, 2, b'k', 1]]), Some(Flaw::Cut));
    assert_eq!(flaw(&[&[0, 0, 0, 1, 1, 2, 1, 1]]), Some(Flaw::Negative));
    assert_eq!(
        flaw(&[&[0, 0, 0, 1, 1, 2, 2, b'k', 3]]),
        Some(Flaw::Negative)
    );
    assert_eq!(flaw(&[&[0, 0, 0, 1, 1, 2, 0, 0, 0]]), Some(Flaw::Length));
    assert_eq!(
        flaw(&[&[0, 0, 0, 1, 1], &[0xFE, 0xFF, 0xFF, 0xFF, 0x0F]]),
        Some(Flaw::Cut)
    );
    // The record itself.
    assert_eq!(flaw_of_body(&[1]), Some(Flaw::Negative));
    assert_eq!(flaw_of_body(&[14, 0, 0, 0, 1, 1, 0]), Some(Flaw::Cut));
    assert_eq!(flaw_of_body(&[]), Some(Flaw::Cut));
}

#[test]
fn older_formats_are_left_to_another_reader() {
    for magic in [0, 1] {
        let mut old = Batch::new(103, &["old"]).bytes();
        old[16] = magic;
        let bytes = [batches()[0].bytes(), old].concat();
        let scan = scan(&bytes);
        assert_eq!(scan.magic, Err(magic));
        assert_eq!(
            (scan.complete, scan.next_offset),
            (batches()[0].bytes().len(), Some(103))
        );
        let records = records(&asked(bytes));
        assert_eq!(records.len(), 3);
        assert_eq!(
            records.fault.expect("a fault").cause,
            Cause::OldMagic(magic as i8)
        );
    }
}

#[test]
fn a_scan_leaves_damaged_batches_to_the_walker() {
    for (at, byte) in [(16, 3), (8, 0x80), (11, 48)] {
        let mut bytes = concat(&batches());
        let second = batches()[0].bytes().len();
        bytes[second + 8..second + 12].copy_from_slice(&60i32.to_be_bytes());
        bytes[second + at] = byte;
        let scan = scan(&bytes);
        assert_eq!((scan.complete, scan.next_offset), (bytes.len(), Some(103)));
        let answer = read(&asked(bytes));
        assert!(matches!(
            answer.fault,
            Some("unknown_magic" | "invalid_length")
        ));
    }
}

#[test]
fn room_is_made_for_what_can_be_there() {
    let mut batch = Batch::new(0, &[]);
    batch.records = vec![Record::default()];
    batch.count = Some(i32::MAX);
    let records = records(&question(batch.bytes()));
    assert!(records.offsets.capacity() < 16);
}
