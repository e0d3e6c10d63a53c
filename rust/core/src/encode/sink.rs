//! Where a Parquet writer writes to: chunks of memory that can be taken while the file is open.

use std::borrow::Borrow;
use std::io::{self, Write};

const SMALLEST_CHUNK: usize = 8 << 10;
const LARGEST_CHUNK: usize = 1 << 20;

/// Consecutive bytes of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct FileChunk {
    /// Where in the file its first byte is.
    pub start: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Borrow<[u8]> for FileChunk {
    fn borrow(&self) -> &[u8] {
        &self.bytes
    }
}

/// Bytes written and not taken yet, in chunks that never move once written.
#[derive(Debug, Default)]
pub struct ChunkSink {
    chunks: Vec<FileChunk>,
    written: usize,
}

impl ChunkSink {
    /// The chunks written since the last call, in order; they leave the sink's memory.
    pub fn take(&mut self) -> Vec<FileChunk> {
        std::mem::take(&mut self.chunks)
    }

    /// Bytes of memory held.
    pub fn memory_size(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.bytes.capacity()).sum()
    }
}

impl Write for ChunkSink {
    /// Chunks grow with the file, so that a small file does not hold a large one's memory.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self
            .chunks
            .last()
            .is_none_or(|chunk| chunk.bytes.len() == chunk.bytes.capacity())
        {
            let capacity = self.written.clamp(SMALLEST_CHUNK, LARGEST_CHUNK);
            self.chunks.push(FileChunk {
                start: self.written as u64,
                bytes: Vec::with_capacity(capacity),
            });
        }
        let Some(FileChunk { bytes: chunk, .. }) = self.chunks.last_mut() else {
            return Ok(0);
        };
        let fits = bytes.len().min(chunk.capacity() - chunk.len());
        chunk.extend_from_slice(&bytes[..fits]);
        self.written += fits;
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(file: &mut Vec<u8>, chunks: Vec<FileChunk>) {
        for chunk in chunks {
            assert_eq!(chunk.start, file.len() as u64);
            file.extend(chunk.bytes);
        }
    }

    #[test]
    fn chunks_concatenate_to_what_was_written() {
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
        let mut sink = ChunkSink::default();
        let mut taken = Vec::new();
        for part in bytes.chunks(7_001) {
            sink.write_all(part).unwrap();
            if taken.len() < 1_000_000 {
                put(&mut taken, sink.take());
                assert_eq!(sink.memory_size(), 0);
            }
        }
        assert!(sink.memory_size() >= bytes.len() - taken.len());
        put(&mut taken, sink.take());
        assert!(taken == bytes);
    }

    #[test]
    fn a_small_file_holds_little_memory() {
        let mut sink = ChunkSink::default();
        sink.write_all(b"PAR1").unwrap();
        assert_eq!(sink.memory_size(), SMALLEST_CHUNK);
    }
}
