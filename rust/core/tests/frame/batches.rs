//! A small encoder of record batches: what producers and brokers write, and what a liar would.

use std::io::Write;

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

pub const LOG_APPEND_TIME: i16 = 0x08;
pub const TRANSACTIONAL: i16 = 0x10;
pub const CONTROL: i16 = 0x20;
pub const DELETE_HORIZON: i16 = 0x40;

pub type Header = (Vec<u8>, Option<Vec<u8>>);

/// One record; offset and timestamp count from those of its batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub offset_delta: i32,
    pub timestamp_delta: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<Header>,
}

/// How the records of a batch are compressed, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    None,
    Gzip,
    /// As librdkafka does.
    RawSnappy,
    /// As Java's client and aiokafka do.
    XerialSnappy,
    /// Blocks that stand for themselves.
    Lz4,
    /// Blocks that point into those before, with every checksum and the size there is.
    LinkedLz4,
    /// As a stream, which does not know its size.
    Zstd,
    /// In one call.
    SizedZstd,
}

impl Packing {
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::Gzip,
        Self::RawSnappy,
        Self::XerialSnappy,
        Self::Lz4,
        Self::LinkedLz4,
        Self::Zstd,
        Self::SizedZstd,
    ];

    pub fn codec(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::RawSnappy | Self::XerialSnappy => 2,
            Self::Lz4 | Self::LinkedLz4 => 3,
            Self::Zstd | Self::SizedZstd => 4,
        }
    }

    pub fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::None => bytes.into(),
            Self::Gzip => {
                let fastest = flate2::Compression::fast();
                let mut file = flate2::write::GzEncoder::new(Vec::new(), fastest);
                file.write_all(bytes).unwrap();
                file.finish().unwrap()
            }
            Self::RawSnappy => snap::raw::Encoder::new().compress_vec(bytes).unwrap(),
            Self::XerialSnappy => {
                let mut framed = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
                for block in bytes.chunks(32 << 10) {
                    let block = snap::raw::Encoder::new().compress_vec(block).unwrap();
                    framed.extend((block.len() as u32).to_be_bytes());
                    framed.extend(block);
                }
                framed
            }
            Self::Lz4 => lz4(FrameInfo::new().block_mode(BlockMode::Independent), bytes),
            Self::LinkedLz4 => lz4(
                FrameInfo::new()
                    .block_mode(BlockMode::Linked)
                    .block_checksums(true)
                    .content_checksum(true)
                    .content_size(Some(bytes.len() as u64)),
                bytes,
            ),
            Self::Zstd => zstd::stream::encode_all(bytes, 1).unwrap(),
            Self::SizedZstd => zstd::bulk::compress(bytes, 1).unwrap(),
        }
    }
}

fn lz4(info: FrameInfo, bytes: &[u8]) -> Vec<u8> {
    let info = info.block_size(BlockSize::Max64KB);
    let mut frame = FrameEncoder::with_frame_info(info, Vec::new());
    frame.write_all(bytes).unwrap();
    frame.finish().unwrap()
}

/// One batch. `count` and `last_offset_delta` are those of its records unless they are to lie.
#[derive(Clone, Debug)]
pub struct Batch {
    pub base_offset: i64,
    pub leader_epoch: i32,
    pub attributes: i16,
    pub last_offset_delta: Option<i32>,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub producer_id: i64,
    pub count: Option<i32>,
    pub records: Vec<Record>,
    pub packing: Packing,
}

impl Batch {
    /// Of records with these values.
    pub fn new(base_offset: i64, values: &[&str]) -> Self {
        let records = values.iter().zip(0..).map(|(value, offset_delta)| Record {
            offset_delta,
            timestamp_delta: 10 * i64::from(offset_delta),
            value: Some(value.as_bytes().into()),
            ..Record::default()
        });
        Self {
            base_offset,
            leader_epoch: 3,
            attributes: 0,
            last_offset_delta: None,
            base_timestamp: 1_700_000_000_000,
            max_timestamp: 1_700_000_000_999,
            producer_id: -1,
            count: None,
            records: records.collect(),
            packing: Packing::None,
        }
    }

    pub fn packed(mut self, packing: Packing) -> Self {
        self.packing = packing;
        self
    }

    /// A part of a transaction of `producer`.
    pub fn of(mut self, producer: i64) -> Self {
        self.producer_id = producer;
        self.attributes |= TRANSACTIONAL;
        self
    }

    /// The marker that ends a transaction of `producer`; type 0 aborts, 1 commits.
    pub fn marker(offset: i64, producer: i64, kind: i16) -> Self {
        let mut marker = Self::new(offset, &["\0\0\0\0\0\x05"]).of(producer);
        marker.attributes |= CONTROL;
        marker.records[0].key = Some([0i16.to_be_bytes(), kind.to_be_bytes()].concat());
        marker
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.with_body(&self.packing.pack(&body(&self.records)))
    }

    /// With a body of its own.
    pub fn with_body(&self, body: &[u8]) -> Vec<u8> {
        let last = self.records.last().map_or(0, |record| record.offset_delta);
        let mut bytes = Vec::with_capacity(61 + body.len());
        bytes.extend(self.base_offset.to_be_bytes());
        bytes.extend((49 + body.len() as i32).to_be_bytes());
        bytes.extend(self.leader_epoch.to_be_bytes());
        bytes.push(2);
        bytes.extend([0; 4]);
        bytes.extend((self.attributes | self.packing.codec()).to_be_bytes());
        bytes.extend(self.last_offset_delta.unwrap_or(last).to_be_bytes());
        bytes.extend(self.base_timestamp.to_be_bytes());
        bytes.extend(self.max_timestamp.to_be_bytes());
        bytes.extend(self.producer_id.to_be_bytes());
        bytes.extend(0i16.to_be_bytes());
        bytes.extend((-1i32).to_be_bytes());
        let count = self.count.unwrap_or(self.records.len() as i32);
        bytes.extend(count.to_be_bytes());
        bytes.extend(body);
        seal(&mut bytes);
        bytes
    }
}

/// The batches one after the other.
pub fn concat(batches: &[Batch]) -> Vec<u8> {
    batches.iter().flat_map(Batch::bytes).collect()
}

/// Make the checksum of a batch right.
pub fn seal(batch: &mut [u8]) {
    let checksum = crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&checksum.to_be_bytes());
}

/// The records before they are compressed.
pub fn body(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        let mut parts = vec![0];
        varint(&mut parts, record.timestamp_delta);
        varint(&mut parts, record.offset_delta.into());
        nullable(&mut parts, record.key.as_deref());
        nullable(&mut parts, record.value.as_deref());
        varint(&mut parts, record.headers.len() as i64);
        for (key, value) in &record.headers {
            nullable(&mut parts, Some(key));
            nullable(&mut parts, value.as_deref());
        }
        varint(&mut bytes, parts.len() as i64);
        bytes.extend(parts);
    }
    bytes
}

pub fn varint(bytes: &mut Vec<u8>, value: i64) {
    let mut left = (value << 1 ^ value >> 63) as u64;
    while left >= 0x80 {
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
}

fn nullable(bytes: &mut Vec<u8>, part: Option<&[u8]>) {
    varint(bytes, part.map_or(-1, |part| part.len() as i64));
    bytes.extend(part.unwrap_or_default());
}

/// Bit by bit, as the standard says.
pub fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc: u32, _| {
            crc >> 1 ^ (0x82F6_3B78 & 0u32.wrapping_sub(crc & 1))
        })
    })
}
