//! Bytes as what a broker sent: the reader of record batches against the slow one of the core's tests.

#[path = "../../core/tests/frame/batches.rs"]
#[allow(dead_code, clippy::pedantic)]
mod batches;
#[path = "../../core/tests/frame/slow.rs"]
#[allow(clippy::pedantic)]
mod slow;

use arrow_buffer::Buffer;
use penstock_core::frame::{Fetched, Headers, Limits, Records, Unpackers, Walker, scan};

use self::slow::{Answer, Question, Row};

/// Bytes that a batch may decompress to here; small inputs are bombs too.
const LIMIT: usize = 64 << 10;

/// Batches and what is asked of them, made of `bytes`: six bytes of it are the question. Checksums, and lengths that go
/// past the end, are made right, or hardly any input would come further than those.
fn question(bytes: &[u8]) -> Option<Question> {
    let ([flags, most, from, producer, first, others], bytes) = bytes.split_first_chunk()?;
    let mut bytes = bytes.to_vec();
    if flags & 0x01 == 0 {
        mend(&mut bytes);
    }
    let base = bytes
        .first_chunk()
        .map_or(0, |&base| i64::from_be_bytes(base));
    let near = |byte: u8| base.saturating_add(i64::from(byte as i8));
    Some(Question {
        fetch_offset: near(*from),
        aborted: (0..i64::from(others & 3))
            .map(|n| (i64::from(*producer) + n, near(*first).saturating_add(n)))
            .collect(),
        read_committed: flags & 0x02 == 0,
        most_records: (flags & 0x04 != 0).then_some(u64::from(*most)),
        bytes,
        limit: LIMIT,
    })
}

fn mend(bytes: &mut [u8]) {
    let mut rest = bytes;
    while rest.len() >= 61 {
        let most = rest.len() as i32 - 12;
        let length = rest[8..12].try_into().map_or(0, i32::from_be_bytes);
        let length = if length > most { most } else { length };
        rest[8..12].copy_from_slice(&length.to_be_bytes());
        if length < 49 {
            return;
        }
        let (batch, after) = rest.split_at_mut(length as usize + 12);
        batches::seal(batch);
        rest = after;
    }
}

/// The reader says of `bytes` what the slow one says, and a scan of the headers agrees with both.
///
/// # Panics
/// If it does not.
pub fn read(bytes: &[u8]) -> bool {
    let Some(question) = question(bytes) else {
        return false;
    };
    let buffer = Buffer::from_slice_ref(&question.bytes);
    let fetched = Fetched {
        bytes: &buffer,
        fetch_offset: question.fetch_offset,
        aborted: &question.aborted,
        read_committed: question.read_committed,
        most_records: question.most_records,
    };
    let limits = Limits {
        max_batch_bytes: question.limit,
        max_ratio: u32::MAX,
    };
    let records = Walker::default().read(&fetched, &Unpackers::new(limits, 0));
    let answer = answer(&records);
    let expected = slow::read(&question);
    if let Some("invalid_compression" | "decompressed_too_large") = expected.fault {
        // Two libraries may say that of different bytes, and one of them checks what the checksum has checked.
        let rows = expected.rows.len();
        assert_eq!(answer.rows[..rows], expected.rows);
        assert!(answer.next_offset >= expected.next_offset);
    } else {
        assert_eq!(answer, expected);
        let scan = scan(&question.bytes);
        assert!(scan.complete <= question.bytes.len());
        assert!(scan.records >= records.len() as u64);
        if records.fault.is_none() && question.most_records.is_none() {
            assert_eq!(
                scan.next_offset
                    .unwrap_or(i64::MIN)
                    .max(question.fetch_offset),
                records.next_offset
            );
        }
    }
    true
}

fn answer(records: &Records) -> Answer {
    let own = |span| records.bytes(span).map(<[u8]>::to_vec);
    let headers = |span| Headers::new(records.bytes(span).expect("headers"));
    Answer {
        rows: (0..records.len())
            .map(|index| Row {
                offset: records.offsets[index],
                timestamp: records.timestamps[index],
                key: own(records.keys[index]),
                value: own(records.values[index]),
                headers: headers(records.headers[index])
                    .map(|(key, value)| (key.into(), value.map(Into::into)))
                    .collect(),
            })
            .collect(),
        next_offset: records.next_offset,
        fault: records.fault.as_ref().map(|fault| fault.cause.code()),
    }
}
