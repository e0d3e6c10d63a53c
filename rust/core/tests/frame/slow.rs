//! A second reader of record batches, slow and plain, by the same rules: what comes out of the fast one is held against it.

use std::io::Read;

pub type Header = (Vec<u8>, Option<Vec<u8>>);

/// One record, copied out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<Header>,
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    pub bytes: Vec<u8>,
    pub fetch_offset: i64,
    pub aborted: Vec<(i64, i64)>,
    pub read_committed: bool,
    pub most_records: Option<u64>,
    /// Bytes that a batch may decompress to.
    pub limit: usize,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub rows: Vec<Row>,
    pub next_offset: i64,
    /// Code of the fault that ended it.
    pub fault: Option<&'static str>,
}

type Slow<T> = Result<T, &'static str>;

pub fn read(question: &Question) -> Answer {
    let mut answer = Answer {
        rows: Vec::new(),
        next_offset: question.fetch_offset,
        fault: None,
    };
    let mut state = State {
        aborted: question.aborted.clone(),
        active: Vec::new(),
        epoch: -1,
        end: None,
    };
    let mut bytes = question.bytes.as_slice();
    loop {
        let most = question.most_records.unwrap_or(u64::MAX) as usize;
        if answer.rows.len() >= most {
            return answer;
        }
        match one(question, &mut state, bytes, most - answer.rows.len()) {
            Ok(None) => return answer,
            Ok(Some((size, mut rows, end))) => {
                if let Some(first_left) = rows.get(most - answer.rows.len()) {
                    answer.next_offset = first_left.offset;
                    rows.truncate(most - answer.rows.len());
                    answer.rows.append(&mut rows);
                    return answer;
                }
                answer.rows.append(&mut rows);
                answer.next_offset = answer.next_offset.max(end);
                bytes = &bytes[size..];
            }
            Err(code) => {
                answer.fault = Some(code);
                return answer;
            }
        }
    }
}

struct State {
    aborted: Vec<(i64, i64)>,
    active: Vec<i64>,
    epoch: i64,
    end: Option<i64>,
}

/// One batch: its size, its rows, of which there may be one more than `most`, and the offset after it.
fn one(
    question: &Question,
    state: &mut State,
    bytes: &[u8],
    most: usize,
) -> Slow<Option<(usize, Vec<Row>, i64)>> {
    if bytes.len() < 17 {
        return Ok(None);
    }
    match bytes[16] {
        2 => (),
        0 | 1 => return Err("old_magic"),
        _ => return Err("unknown_magic"),
    }
    let length = number(bytes, 8, 4);
    if length < 49 {
        return Err("invalid_length");
    }
    let size = length as usize + 12;
    if bytes.len() < size {
        return Ok(None);
    }
    let batch = &bytes[..size];
    if super::batches::crc32c(&batch[21..]) != number(batch, 17, 4) as u32 {
        return Err("checksum_mismatch");
    }
    let head = Head::of(batch);
    if head.count < 0
        || head.base < 0
        || head.delta < 0
        || i128::from(head.base) + i128::from(head.delta) >= i64::MAX.into()
    {
        return Err("invalid_header");
    }
    let asked = question.fetch_offset;
    let gap = state.end.is_some_and(|end| end <= asked) && head.base > asked;
    if state.end.is_some_and(|end| head.base < end) || gap {
        return Err("misplaced_batch");
    }
    if head.epoch >= 0 && head.epoch < state.epoch {
        return Err("leader_epoch_fell");
    }
    let rows = rows(question, state, &head, &batch[61..], most)?;
    state.end = Some(head.end());
    state.epoch = state.epoch.max(head.epoch);
    Ok(Some((size, rows, head.end())))
}

struct Head {
    base: i64,
    epoch: i64,
    attributes: i64,
    delta: i64,
    base_time: i64,
    max_time: i64,
    producer: i64,
    count: i64,
}

impl Head {
    fn of(batch: &[u8]) -> Self {
        Self {
            base: number(batch, 0, 8),
            epoch: number(batch, 12, 4),
            attributes: number(batch, 21, 2),
            delta: number(batch, 23, 4),
            base_time: number(batch, 27, 8),
            max_time: number(batch, 35, 8),
            producer: number(batch, 43, 8),
            count: number(batch, 57, 4),
        }
    }

    fn has(&self, attribute: i64) -> bool {
        self.attributes & attribute != 0
    }

    fn end(&self) -> i64 {
        self.base + self.delta + 1
    }
}

/// The records of a batch that are wanted, and perhaps one more than `most`.
fn rows(
    question: &Question,
    state: &mut State,
    head: &Head,
    body: &[u8],
    most: usize,
) -> Slow<Vec<Row>> {
    let committed = question.read_committed && head.producer >= 0;
    if committed {
        for &(aborted, first) in &state.aborted {
            if first < head.end() {
                state.active.push(aborted);
            }
        }
        state.aborted.retain(|&(_, first)| first >= head.end());
    }
    if head.has(0x20) {
        if committed && head.count > 0 {
            let (record, _) = part(body, varint).ok_or("invalid_marker")?;
            if marker_aborts(record).ok_or("invalid_marker")? {
                state.active.retain(|&active| active != head.producer);
            }
        }
        return Ok(Vec::new());
    }
    let aborted = committed && head.has(0x10) && state.active.contains(&head.producer);
    let empty = head.count == 0 && body.is_empty();
    if aborted || head.end() <= question.fetch_offset || empty {
        return Ok(Vec::new());
    }
    let body = unpack(head.attributes & 7, body, question.limit)?;
    let mut rest = body.as_slice();
    let mut rows = Vec::new();
    let mut earliest = 0;
    for _ in 0..head.count {
        let (record, after) = part(rest, varint).ok_or("invalid_record")?;
        rest = after;
        let (time, offset, key, value, headers) = parse(record).ok_or("invalid_record")?;
        if offset < earliest || offset > head.delta {
            return Err("invalid_record");
        }
        earliest = offset + 1;
        let timestamp = if head.has(0x08) {
            head.max_time
        } else {
            head.base_time.checked_add(time).ok_or("invalid_record")?
        };
        if head.base + offset >= question.fetch_offset {
            rows.push(Row {
                offset: head.base + offset,
                timestamp,
                key,
                value,
                headers,
            });
            if rows.len() > most {
                return Ok(rows);
            }
        }
    }
    if rest.is_empty() {
        Ok(rows)
    } else {
        Err("trailing_bytes")
    }
}

fn number(bytes: &[u8], at: usize, width: usize) -> i64 {
    let unsigned = bytes[at..at + width]
        .iter()
        .fold(0u64, |number, &byte| number << 8 | u64::from(byte));
    let unused = 64 - 8 * width as u32;
    (unsigned << unused) as i64 >> unused
}

/// A zigzag number of at most `bits` bits, and what follows it.
fn zigzag(bytes: &[u8], bits: u32) -> Option<(i64, &[u8])> {
    let last = bytes.iter().position(|byte| byte & 0x80 == 0)?;
    if last >= bits.div_ceil(7) as usize {
        return None;
    }
    let number = bytes[..=last]
        .iter()
        .rev()
        .fold(0u128, |number, &byte| number << 7 | u128::from(byte & 0x7F));
    if number >> bits != 0 {
        return None;
    }
    let half = (number >> 1) as i64;
    let value = if number & 1 == 0 { half } else { !half };
    Some((value, &bytes[last + 1..]))
}

fn varint(bytes: &[u8]) -> Option<(i64, &[u8])> {
    zigzag(bytes, 32)
}

/// Bytes after their length.
fn part(bytes: &[u8], length: impl Fn(&[u8]) -> Option<(i64, &[u8])>) -> Option<(&[u8], &[u8])> {
    let (length, rest) = length(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

fn nullable(bytes: &[u8]) -> Option<(Option<Vec<u8>>, &[u8])> {
    match varint(bytes)? {
        (-1, rest) => Some((None, rest)),
        _ => part(bytes, varint).map(|(part, rest)| (Some(part.into()), rest)),
    }
}

type Parsed = (i64, i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<Header>);

fn parse(record: &[u8]) -> Option<Parsed> {
    let (time, rest) = zigzag(record.get(1..)?, 64)?;
    let (offset, rest) = varint(rest)?;
    let (key, rest) = nullable(rest)?;
    let (value, rest) = nullable(rest)?;
    let (count, mut rest) = varint(rest)?;
    if count < 0 {
        return None;
    }
    let mut headers = Vec::new();
    for _ in 0..count {
        let (key, after) = part(rest, varint)?;
        let (value, after) = nullable(after)?;
        headers.push((key.into(), value));
        rest = after;
    }
    rest.is_empty()
        .then_some((time, offset, key, value, headers))
}

fn marker_aborts(record: &[u8]) -> Option<bool> {
    let (_, rest) = zigzag(record.get(1..)?, 64)?;
    let (_, rest) = varint(rest)?;
    let (key, _) = part(rest, varint)?;
    Some(key.get(2..4)? == [0, 0])
}

/// What `body` decompresses to; `invalid_compression` is all that is said of what can't be.
fn unpack(codec: i64, body: &[u8], limit: usize) -> Slow<Vec<u8>> {
    const CORRUPT: &str = "invalid_compression";
    let reader: Box<dyn Read + '_> = match codec {
        0 => return Ok(body.into()),
        1 => Box::new(flate2::read::MultiGzDecoder::new(body)),
        2 => return unpack_snappy(body, limit),
        3 => return unpack_lz4(body, limit),
        4 => Box::new(zstd::stream::read::Decoder::new(body).map_err(|_| CORRUPT)?),
        _ => return Err("unknown_codec"),
    };
    let mut bytes = Vec::new();
    let mut limited = reader.take(limit as u64 + 1);
    limited.read_to_end(&mut bytes).map_err(|_| CORRUPT)?;
    if bytes.len() > limit {
        return Err("decompressed_too_large");
    }
    Ok(bytes)
}

fn unpack_lz4(body: &[u8], limit: usize) -> Slow<Vec<u8>> {
    let mut rest = body;
    let mut bytes = Vec::new();
    // A reader for each frame: it stops at the end of one, and would take the sizes of the first for those of the next.
    while !rest.is_empty() {
        if rest.len() < 7 {
            // The library would take it for the end.
            return Err("invalid_compression");
        }
        let mut frame = lz4_flex::frame::FrameDecoder::new(rest);
        let mut limited = frame.by_ref().take((limit + 1 - bytes.len()) as u64);
        let read = limited.read_to_end(&mut bytes);
        read.map_err(|_| "invalid_compression")?;
        if bytes.len() > limit {
            return Err("decompressed_too_large");
        }
        rest = frame.into_inner();
    }
    Ok(bytes)
}

fn unpack_snappy(body: &[u8], limit: usize) -> Slow<Vec<u8>> {
    const CORRUPT: &str = "invalid_compression";
    let block = |block: &[u8]| snap::raw::Decoder::new().decompress_vec(block);
    let claimed = |block: &[u8]| snap::raw::decompress_len(block).map_err(|_| CORRUPT);
    let Some(mut rest) = body.strip_prefix(b"\x82SNAPPY\0") else {
        if claimed(body)? > limit {
            return Err("decompressed_too_large");
        }
        return block(body).map_err(|_| CORRUPT);
    };
    rest = rest.get(8..).ok_or(CORRUPT)?;
    let mut bytes = Vec::new();
    while !rest.is_empty() {
        let length = |rest: &'_ [u8]| -> Option<usize> {
            Some(number(rest.get(..4)?, 0, 4) as u32 as usize)
        };
        let length = length(rest).ok_or(CORRUPT)?;
        let (framed, after) = rest[4..].split_at_checked(length).ok_or(CORRUPT)?;
        if bytes.len() + claimed(framed)? > limit {
            return Err("decompressed_too_large");
        }
        bytes.extend(block(framed).map_err(|_| CORRUPT)?);
        rest = after;
    }
    Ok(bytes)
}
