//! Batch by batch through what was fetched: checked, decompressed, and walked while it is in the cache.

use arrow_buffer::Buffer;

use super::checksum::crc32c;
use super::fault::{Cause, Fault, Place};
use super::header::{CHECKED_FROM, Codec, Extent, HEADER_BYTES, Header, extent};
use super::record::{Body, End, Wanted, walk};
use super::records::Records;
use super::transactions::{Aborted, is_abort};
use super::unpack::{Unpackers, Unpacking};

/// What one fetch brought of one partition.
#[derive(Clone, Copy, Debug)]
pub struct Fetched<'a> {
    /// Record batches; the last may be cut.
    pub bytes: &'a Buffer,
    /// The offset that was asked for; what lies before it is not wanted.
    pub fetch_offset: i64,
    /// Producer and first offset of aborted transactions.
    pub aborted: &'a [(i64, i64)],
    /// Whether records of aborted transactions are left out.
    pub read_committed: bool,
    /// Take no more records than this.
    pub most_records: Option<u64>,
}

/// What is remembered of a partition from fetch to fetch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Walker {
    /// The newest leader epoch, and the offset up to which it is known.
    known: Option<(i32, i64)>,
}

impl Walker {
    /// Read `fetched` up to its end, the first batch that can't be taken, or the most records.
    ///
    /// A batch is taken whole or, if anything is wrong with it, not at all.
    pub fn read(&mut self, fetched: &Fetched<'_>, unpackers: &Unpackers) -> Records {
        let mut walk = self.begin(fetched, unpackers);
        let records = walk.next(u64::MAX).unwrap_or_default();
        *self = walk.end();
        records
    }

    /// The same in portions: what is decompressed at once stays within bounds, and in the cache.
    #[must_use]
    pub fn begin<'a>(&self, fetched: &'a Fetched<'a>, unpackers: &'a Unpackers) -> Walk<'a> {
        // Going back is going to older leaders.
        let known = self.known.filter(|&(_, end)| end <= fetched.fetch_offset);
        Walk {
            fetched,
            aborted: Aborted::new(fetched.aborted),
            unpackers,
            unpacking: unpackers.begin(),
            records: portion(fetched, fetched.fetch_offset),
            taken: 0,
            position: 0,
            ended: false,
            epoch: known.map(|(epoch, _)| epoch),
            after: None,
        }
    }
}

/// On its way through what was fetched.
pub struct Walk<'a> {
    fetched: &'a Fetched<'a>,
    aborted: Aborted<'a>,
    unpackers: &'a Unpackers,
    unpacking: Unpacking<'a>,
    /// Of this portion.
    records: Records,
    /// Records of the portions before.
    taken: u64,
    /// Where the next batch begins.
    position: usize,
    ended: bool,
    epoch: Option<i32>,
    /// The last offset of the batch before.
    after: Option<i64>,
}

/// Nothing yet, from `offset` on.
fn portion(fetched: &Fetched<'_>, offset: i64) -> Records {
    Records {
        buffers: vec![fetched.bytes.clone()],
        next_offset: offset,
        ..Records::default()
    }
}

impl Walk<'_> {
    /// The next batch, and those after it until there are `enough` bytes of them, as they came and decompressed. `None`
    /// at the end; there is one portion at least.
    pub fn next(&mut self, enough: u64) -> Option<Records> {
        if self.ended {
            return None;
        }
        self.run(enough.max(1));
        let mut next = portion(self.fetched, self.records.next_offset);
        if !self.ended {
            next.reserve(self.records.len());
        }
        let mut records = std::mem::replace(&mut self.records, next);
        let unpacking = std::mem::replace(&mut self.unpacking, self.unpackers.begin());
        unpacking.end(&mut records.buffers);
        self.taken += records.len() as u64;
        Some(records)
    }

    /// What is remembered of what was read.
    #[must_use]
    pub fn end(self) -> Walker {
        Walker {
            known: self.epoch.map(|epoch| (epoch, self.records.next_offset)),
        }
    }

    fn run(&mut self, enough: u64) {
        let bytes = self.fetched.bytes.as_slice();
        // Spans have 32 bits.
        let bytes = &bytes[..bytes.len().min(u32::MAX as usize)];
        while self.left() > 0 {
            let position = self.position;
            let rest = bytes.get(position..).unwrap_or_default();
            let before = (self.records.len(), self.records.counts);
            let taken = match extent(rest) {
                Ok(Extent::Cut) => break,
                _ if before.1.wire_bytes + before.1.decompressed_bytes >= enough => return,
                Ok(Extent::Whole(size)) => {
                    self.batch(&rest[..size], position).map(|end| (size, end))
                }
                Err(cause) => Err(cause),
            };
            match taken {
                Ok((size, End::Batch)) => self.position += size,
                Ok((_, End::Enough(offset))) => {
                    self.records.next_offset = offset;
                    break;
                }
                Err(cause) => {
                    self.records.truncate(before.0);
                    self.records.counts = before.1;
                    self.records.fault = Some(Fault {
                        offset: self.records.next_offset,
                        batch: base_offset(rest),
                        position,
                        cause,
                    });
                    break;
                }
            }
        }
        self.ended = true;
    }

    /// How many records may still be taken.
    fn left(&self) -> u64 {
        let most = self.fetched.most_records.unwrap_or(u64::MAX);
        most.saturating_sub(self.taken + self.records.len() as u64)
    }

    fn batch(&mut self, batch: &[u8], position: usize) -> Result<End, Cause> {
        let header = Header::read(batch).ok_or(Cause::Header("it is cut"))?;
        let computed = crc32c(batch.get(CHECKED_FROM..).unwrap_or_default());
        if computed != header.checksum {
            return Err(Cause::Checksum {
                stored: header.checksum,
                computed,
            });
        }
        let last_offset = self.check(&header)?;
        self.records.counts.batches += 1;
        self.records.counts.wire_bytes += batch.len() as u64;
        let body = batch.get(HEADER_BYTES..).unwrap_or_default();
        let end = self.body(&header, last_offset, body, position + HEADER_BYTES)?;
        // Only a batch that is taken moves anything.
        if header.leader_epoch >= 0 {
            self.epoch = Some(header.leader_epoch);
        }
        self.after = Some(last_offset);
        self.records.next_offset = self.records.next_offset.max(last_offset + 1);
        Ok(end)
    }

    /// The header's numbers, by themselves and after what was read before. Gives the last offset.
    fn check(&self, header: &Header) -> Result<i64, Cause> {
        if header.count < 0 {
            return Err(Cause::Header("a negative number of records"));
        }
        if header.base_offset < 0 || header.last_offset_delta < 0 {
            return Err(Cause::Header("a negative offset"));
        }
        let last = header
            .last_offset()
            .filter(|&last| last < i64::MAX)
            .ok_or(Cause::Header("offsets beyond the largest"))?;
        // Neither offsets nor epoch are covered by the checksum.
        let fetch_offset = self.fetched.fetch_offset;
        match self.after {
            Some(after) if header.base_offset <= after => {
                let should = Place::After(after + 1);
                return Err(Cause::Misplaced { should });
            }
            Some(after) if after < fetch_offset && header.base_offset > fetch_offset => {
                let should = Place::UpTo(fetch_offset);
                return Err(Cause::Misplaced { should });
            }
            _ => (),
        }
        match self.epoch {
            Some(before) if (0..before).contains(&header.leader_epoch) => {
                Err(Cause::LeaderEpochFell {
                    epoch: header.leader_epoch,
                    before,
                })
            }
            _ => Ok(last),
        }
    }

    /// `body` begins at `start` of the fetched bytes.
    fn body(
        &mut self,
        header: &Header,
        last_offset: i64,
        body: &[u8],
        start: usize,
    ) -> Result<End, Cause> {
        let committed = self.fetched.read_committed && header.producer_id >= 0;
        if committed {
            self.aborted.advance(last_offset);
        }
        let counts = &mut self.records.counts;
        if header.is_control() {
            counts.control_batches += 1;
            if committed && header.count > 0 && is_abort(body).map_err(|_| Cause::Marker)? {
                self.aborted.end(header.producer_id);
            }
            return Ok(End::Batch);
        }
        if committed && header.is_transactional() && self.aborted.has(header.producer_id) {
            counts.aborted_records += header.count as u64;
            return Ok(End::Batch);
        }
        if last_offset < self.fetched.fetch_offset {
            counts.earlier_records += header.count as u64;
            return Ok(End::Batch);
        }
        if header.count == 0 && body.is_empty() {
            return Ok(End::Batch);
        }
        let wanted = Wanted {
            from: self.fetched.fetch_offset,
            most: self.left(),
        };
        let codec = header.codec()?;
        if codec == Codec::None {
            let body = Body {
                bytes: body,
                buffer: 0,
                start: start as u32,
            };
            return walk(header, body, wanted, &mut self.records);
        }
        let unpacked = self
            .unpacking
            .unpack(codec, body, &mut self.records.buffers)?;
        self.records.counts.decompressed_bytes += unpacked.length as u64;
        let body = Body {
            bytes: self.unpacking.bytes(unpacked),
            buffer: self.records.buffers.len() as u32,
            start: unpacked.start as u32,
        };
        walk(header, body, wanted, &mut self.records)
    }
}

/// As a batch that may be damaged tells it.
fn base_offset(batch: &[u8]) -> i64 {
    batch
        .first_chunk()
        .map_or(-1, |&bytes| i64::from_be_bytes(bytes))
}
