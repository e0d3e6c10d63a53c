//! What can be known of fetched bytes from the headers of their batches alone.

use super::fault::Cause;
use super::header::{Extent, Header, extent};

/// What the headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Bytes up to the end of the last whole batch; all bytes if a batch is damaged, for the walker to say how.
    pub complete: usize,
    /// The offset after the last whole batch.
    pub next_offset: Option<i64>,
    /// At most so many records are in the whole batches.
    pub records: u64,
    /// The older message format that a batch has. `complete` ends before it.
    pub magic: Result<(), u8>,
}

/// Look at the headers of the batches in `bytes`. Nothing is checked: the walker does that.
#[must_use]
pub fn scan(bytes: &[u8]) -> Scan {
    let mut scan = Scan {
        complete: 0,
        next_offset: None,
        records: 0,
        magic: Ok(()),
    };
    loop {
        let batch = bytes.get(scan.complete..).unwrap_or_default();
        match extent(batch) {
            Ok(Extent::Whole(size)) => {
                scan.complete += size;
                if let Some(header) = Header::read(batch) {
                    let last = header.last_offset().unwrap_or(i64::MAX);
                    scan.next_offset = Some(last.saturating_add(1)).max(scan.next_offset);
                    if !header.is_control() {
                        scan.records += header.count.max(0) as u64;
                    }
                }
            }
            Ok(Extent::Cut) => return scan,
            Err(Cause::OldMagic(magic)) => {
                scan.magic = Err(magic as u8);
                return scan;
            }
            Err(_) => {
                scan.complete = bytes.len();
                return scan;
            }
        }
    }
}
