//! The core's reader, its answer in the form of the slow one's.

use arrow_buffer::Buffer;
use penstock_core::frame::{Fetched, Headers, Limits, Records, Unpackers, Walker};

use super::slow::{Answer, Question, Row};

pub fn question(bytes: Vec<u8>) -> Question {
    Question {
        bytes,
        limit: 4 << 20,
        ..Question::default()
    }
}

/// Ask the core, in its raw form.
pub fn ask(question: &Question, walker: &mut Walker, unpackers: &Unpackers) -> Records {
    let bytes = Buffer::from_vec(question.bytes.clone());
    walker.read(
        &Fetched {
            bytes: &bytes,
            fetch_offset: question.fetch_offset,
            aborted: &question.aborted,
            read_committed: question.read_committed,
            most_records: question.most_records,
        },
        unpackers,
    )
}

/// Ask a core that knows nothing yet.
pub fn read(question: &Question) -> Answer {
    answer(&records(question))
}

/// The same, `enough` bytes at a time.
pub fn read_in_portions(question: &Question, enough: u64) -> Answer {
    let limits = Limits {
        max_batch_bytes: question.limit,
        max_ratio: u32::MAX,
    };
    let bytes = Buffer::from_vec(question.bytes.clone());
    let fetched = Fetched {
        bytes: &bytes,
        fetch_offset: question.fetch_offset,
        aborted: &question.aborted,
        read_committed: question.read_committed,
        most_records: question.most_records,
    };
    let unpackers = Unpackers::new(limits, 0);
    let mut walk = Walker::default().begin(&fetched, &unpackers);
    let mut whole = answer(&walk.next(enough).unwrap());
    while let Some(portion) = walk.next(enough) {
        assert_eq!(whole.fault, None);
        let Answer {
            rows,
            next_offset,
            fault,
        } = answer(&portion);
        whole.rows.extend(rows);
        whole.next_offset = next_offset;
        whole.fault = fault;
    }
    whole
}

pub fn records(question: &Question) -> Records {
    let limits = Limits {
        max_batch_bytes: question.limit,
        max_ratio: u32::MAX,
    };
    ask(question, &mut Walker::default(), &Unpackers::new(limits, 0))
}

pub fn answer(records: &Records) -> Answer {
    let own = |span| records.bytes(span).map(<[u8]>::to_vec);
    let row = |index: usize| Row {
        offset: records.offsets[index],
        timestamp: records.timestamps[index],
        key: own(records.keys[index]),
        value: own(records.values[index]),
        headers: Headers::new(records.bytes(records.headers[index]).unwrap())
            .map(|(key, value)| (key.into(), value.map(Into::into)))
            .collect(),
    };
    if let Some(fault) = &records.fault {
        assert_eq!(fault.offset, records.next_offset);
    }
    Answer {
        rows: (0..records.len()).map(row).collect(),
        next_offset: records.next_offset,
        fault: records.fault.as_ref().map(|fault| fault.cause.code()),
    }
}
