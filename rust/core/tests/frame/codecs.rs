//! Every codec, as every producer writes it; and bombs.

use penstock_core::frame::{Cause, Limits, Records, Unpackers, Walker};

use super::batches::{Batch, Packing, body};
use super::reading::{answer, ask, question, read, records};
use super::slow::Question;

const SLAB_BYTES: usize = (4 << 20) + 128;

/// Compressible, of more than one block of any codec.
fn long_batch(base_offset: i64) -> Batch {
    let values: Vec<String> = (0..300)
        .map(|n| format!("{{\"n\":{n},\"text\":\"{}\"}}", "word ".repeat(n % 200)))
        .collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    Batch::new(base_offset, &values)
}

fn fault(records: &Records) -> Cause {
    records.fault.as_ref().expect("a fault").cause
}

#[test]
fn every_codec_gives_the_same_records() {
    let plain = read(&question(long_batch(7).bytes()));
    assert_eq!(plain.rows.len(), 300);
    assert_eq!(plain.fault, None);
    for packing in Packing::ALL {
        let packed = read(&question(long_batch(7).packed(packing).bytes()));
        assert_eq!(packed, plain, "{packing:?}");
    }
}

#[test]
fn records_of_uncompressed_batches_are_views_of_the_frame() {
    let bytes = arrow_buffer::Buffer::from_vec(long_batch(0).bytes());
    let fetched = penstock_core::frame::Fetched {
        bytes: &bytes,
        fetch_offset: 0,
        aborted: &[],
        read_committed: false,
        most_records: None,
    };
    let records = Walker::default().read(&fetched, &Unpackers::new(Limits::default(), 0));
    assert_eq!(records.buffers.len(), 1);
    assert_eq!(records.buffers[0].as_ptr(), bytes.as_ptr());
}

#[test]
fn batches_share_a_slab_that_ends_with_zeros() {
    let bytes = [
        long_batch(0).packed(Packing::Zstd).bytes(),
        long_batch(300).bytes(),
        long_batch(600).packed(Packing::Lz4).bytes(),
    ];
    let unpackers = Unpackers::new(Limits::default(), SLAB_BYTES);
    let question = question(bytes.concat());
    let mut walker = Walker::default();
    for _ in 0..2 {
        let records = ask(&question, &mut walker, &unpackers);
        let buffers: Vec<u32> = records.values.iter().map(|span| span.buffer).collect();
        assert_eq!(buffers, [[1; 300], [0; 300], [1; 300]].concat());
        assert_eq!(records.buffers.len(), 2);
        let last = records.headers.last().unwrap();
        let end = last.start as usize + last.length as usize;
        assert_eq!(records.buffers[1][end..end + 128], [0; 128]);
        assert_eq!(
            records.counts.decompressed_bytes,
            2 * body(&long_batch(0).records).len() as u64
        );
        walker = Walker::default();
        unpackers.reuse(records);
        assert_eq!(unpackers.kept_bytes(), SLAB_BYTES);
    }
}

#[test]
fn a_slab_that_is_still_viewed_is_not_used_again() {
    let unpackers = Unpackers::new(Limits::default(), SLAB_BYTES);
    let question = question(long_batch(0).packed(Packing::Zstd).bytes());
    let records = ask(&question, &mut Walker::default(), &unpackers);
    let view = records.buffers[1].clone();
    unpackers.reuse(records);
    assert_eq!(unpackers.kept_bytes(), 0);
    drop(view);
}

#[test]
fn a_batch_larger_than_a_slab_has_its_own() {
    let text = "0123456789abcdef".repeat(9 << 16);
    for packing in Packing::ALL {
        let mut question = question(
            [
                long_batch(0).packed(packing).bytes(),
                Batch::new(300, &[&text]).packed(packing).bytes(),
                long_batch(301).packed(packing).bytes(),
            ]
            .concat(),
        );
        question.limit = 10 << 20;
        let records = records(&question);
        assert_eq!(records.fault, None, "{packing:?}");
        assert_eq!(records.len(), 601);
        assert_eq!(records.bytes(records.values[300]), Some(text.as_bytes()));
        let answer = answer(&records);
        assert_eq!(answer.rows[301].value, answer.rows[0].value);
    }
}

/// A batch that decompresses to exactly `size` bytes.
fn batch_of(size: usize, packing: Packing) -> Vec<u8> {
    let mut batch = Batch::new(0, &[""]).packed(packing);
    for length in (size - 16)..size {
        batch.records[0].value = Some(vec![b'a'; length]);
        if body(&batch.records).len() == size {
            return batch.bytes();
        }
    }
    panic!("no value makes a batch of {size} bytes");
}

#[test]
fn a_batch_may_be_as_large_as_the_limit_and_no_larger() {
    for packing in &Packing::ALL[1..] {
        for limit in [100, 65_536, 5 << 20] {
            let limited = |bytes| Question {
                limit,
                ..question(bytes)
            };
            let records_within = records(&limited(batch_of(limit, *packing)));
            assert_eq!(records_within.fault, None, "{packing:?} {limit}");
            assert_eq!(records_within.len(), 1);
            let beyond = records(&limited(batch_of(limit + 1, *packing)));
            assert!(
                matches!(fault(&beyond), Cause::TooLarge { limit: said, .. } if said == limit),
                "{packing:?} {limit} {:?}",
                beyond.fault
            );
            assert!(beyond.is_empty());
        }
    }
}

#[test]
fn a_bomb_is_stopped_by_its_ratio() {
    // 32 MiB of zeros are within the size, but not from so few bytes. Snappy can't do that.
    let zeros = vec![0; 32 << 20];
    let limits = Limits {
        max_batch_bytes: 64 << 20,
        max_ratio: 100,
    };
    for packing in [
        Packing::Gzip,
        Packing::Lz4,
        Packing::LinkedLz4,
        Packing::Zstd,
        Packing::SizedZstd,
    ] {
        let bytes = Batch::new(0, &["x"])
            .packed(packing)
            .with_body(&packing.pack(&zeros));
        let limit = (100 * (bytes.len() - 61)).max(4 << 20);
        let records = ask(
            &question(bytes),
            &mut Walker::default(),
            &Unpackers::new(limits, 0),
        );
        assert!(
            matches!(fault(&records), Cause::TooLarge { limit: said, .. } if said == limit),
            "{packing:?} {:?}",
            records.fault
        );
    }
}

#[test]
fn what_a_batch_claims_of_its_size_is_not_allocated() {
    // Gzip and LZ4 claim 3 GiB, a frame of Zstandard an exbibyte, Snappy what its block can't hold.
    let gzip = {
        let mut file = Packing::Gzip.pack(b"small");
        let end = file.len();
        file[end - 4..].copy_from_slice(&(3u32 << 30).to_le_bytes());
        file
    };
    let lz4 = {
        let mut frame = Packing::LinkedLz4.pack(b"small");
        frame[6..14].copy_from_slice(&(3u64 << 30).to_le_bytes());
        frame
    };
    let zstd = [
        &[0x28, 0xB5, 0x2F, 0xFD, 0xE0][..],
        &(1u64 << 60).to_le_bytes(),
        &[0x01, 0x00, 0x00],
    ]
    .concat();
    let snappy = vec![0x80, 0x80, 0x80, 0x80, 0x0C, 0x00];
    for (packing, body) in [
        (Packing::Gzip, gzip),
        (Packing::LinkedLz4, lz4),
        (Packing::SizedZstd, zstd),
        (Packing::RawSnappy, snappy),
    ] {
        let bytes = Batch::new(0, &["x"]).packed(packing).with_body(&body);
        let unpackers = Unpackers::new(Limits::default(), 0);
        let records = ask(&question(bytes), &mut Walker::default(), &unpackers);
        assert!(
            matches!(
                fault(&records),
                Cause::Compression { .. } | Cause::TooLarge { .. }
            ),
            "{packing:?} {:?}",
            records.fault
        );
        let allocated: usize = records.buffers[1..]
            .iter()
            .map(arrow_buffer::Buffer::len)
            .sum();
        assert!(allocated <= SLAB_BYTES, "{packing:?}: {allocated}");
    }
}

#[test]
fn compressed_data_that_is_damaged_is_a_fault_or_the_same() {
    let batch = Batch::new(5, &["one", "two", "three three three three three three"]);
    let whole = read(&question(batch.bytes()));
    for packing in &Packing::ALL[1..] {
        let batch = batch.clone().packed(*packing);
        let packed = packing.pack(&body(&batch.records));
        for length in 0..packed.len() {
            let answer = read(&question(batch.with_body(&packed[..length])));
            assert!(answer.fault.is_some(), "{packing:?} cut at {length}");
            assert_eq!((answer.rows.len(), answer.next_offset), (0, 0));
        }
        let longer = read(&question(batch.with_body(&[&packed[..], b"more"].concat())));
        assert!(longer.fault.is_some(), "{packing:?}");
        let mut twice = batch.clone();
        twice.count = Some(6);
        twice.last_offset_delta = Some(5);
        // Both halves are read, and the second has the offsets of the first.
        let doubled = read(&question(
            twice.with_body(&[&packed[..], &packed[..]].concat()),
        ));
        assert!(doubled.fault.is_some(), "{packing:?}");
    }
    assert_eq!(whole.rows.len(), 3);
}

#[test]
fn an_unknown_codec_is_a_fault() {
    for codec in 5..8 {
        let mut batch = Batch::new(0, &["x"]);
        batch.attributes = codec;
        assert_eq!(
            fault(&records(&question(batch.bytes()))),
            Cause::UnknownCodec(codec as u8)
        );
    }
}
