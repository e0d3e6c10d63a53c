//! The finished pages of one column in one row group, in memory until the row group ends.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use super::page_header::Contents;

/// What columns compress with, one after the other.
pub struct Compressor {
    zstd: zstd::bulk::Compressor<'static>,
    level: ZstdLevel,
    compressed: Vec<u8>,
}

impl Compressor {
    /// One for a level that Parquet knows.
    pub fn new(level: ZstdLevel) -> Result<Self, ParquetError> {
        Ok(Self {
            zstd: zstd::bulk::Compressor::new(level.compression_level())?,
            level,
            compressed: Vec::new(),
        })
    }

    /// Bytes of memory held. The library lends its context for changes only.
    pub fn memory_size(&mut self) -> usize {
        self.compressed.capacity() + self.zstd.context_mut().sizeof()
    }

    fn compress(&mut self, body: &[u8]) -> io::Result<&[u8]> {
        let bound = zstd::zstd_safe::compress_bound(body.len());
        if self.compressed.len() < bound {
            self.compressed.resize(bound, 0);
        }
        let size = self
            .zstd
            .compress_to_buffer(body, &mut self.compressed[..])?;
        Ok(&self.compressed[..size])
    }
}

/// Finished pages.
#[derive(Default)]
pub struct Chunk {
    pages: Vec<Bytes>,
    sizes: Vec<(i64, i64)>,
    dictionary: Option<Bytes>,
    /// Whether pages are compressed: as the first one shows that it pays, or not. Dictionaries are worth it whatever the
    /// references to them look like.
    compressed: Option<bool>,
    encodings: BTreeSet<Encoding>,
    rows: usize,
    uncompressed_bytes: usize,
    bytes: usize,
}

impl Chunk {
    /// Adds the page with this body.
    pub fn add(
        &mut self,
        contents: Contents,
        body: &[u8],
        compressor: &mut Compressor,
    ) -> Result<(), ParquetError> {
        let bytes = if self.compressed == Some(false) {
            body
        } else {
            let compressed = compressor.compress(body)?;
            let pays =
                compressed.len() + body.len() / 16 < body.len() || contents.refer_to_dictionary();
            if *self.compressed.get_or_insert(pays) {
                compressed
            } else {
                body
            }
        };
        let header = contents.header(body.len(), bytes.len())?;
        let page = Bytes::from([&header, bytes].concat());
        self.uncompressed_bytes += header.len() + body.len();
        self.bytes += page.len();
        match contents {
            Contents::Data { rows, encoding } => {
                self.encodings.extend([Encoding::RLE, encoding]);
                self.rows += rows;
                self.sizes.push((page.len() as i64, rows as i64));
                self.pages.push(page);
            }
            Contents::Dictionary { .. } => {
                self.encodings.insert(Encoding::PLAIN);
                self.dictionary = Some(page);
            }
        }
        Ok(())
    }

    /// The chunk as a row group takes it; it is empty then.
    pub fn finish(
        &mut self,
        descriptor: ColumnDescPtr,
        compressor: &Compressor,
        statistics: Option<Statistics>,
    ) -> Result<(Pages, ColumnCloseResult), ParquetError> {
        let chunk = std::mem::take(self);
        let data_offset = chunk.dictionary.as_ref().map_or(0, Bytes::len) as i64;
        let compression = if chunk.compressed == Some(false) {
            Compression::UNCOMPRESSED
        } else {
            Compression::ZSTD(compressor.level)
        };
        let mut metadata = ColumnChunkMetaData::builder(descriptor)
            .set_compression(compression)
            .set_encodings(chunk.encodings.into_iter().collect())
            .set_num_values(chunk.rows as i64)
            .set_total_compressed_size(chunk.bytes as i64)
            .set_total_uncompressed_size(chunk.uncompressed_bytes as i64)
            .set_data_page_offset(data_offset)
            .set_dictionary_page_offset(chunk.dictionary.as_ref().map(|_| 0));
        if let Some(statistics) = statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let mut offset_index = OffsetIndexBuilder::new();
        let mut offset = data_offset;
        for &(bytes, rows) in &chunk.sizes {
            offset_index.append_offset_and_size(offset, bytes as i32);
            offset_index.append_row_count(rows);
            offset += bytes;
        }
        let close = ColumnCloseResult {
            bytes_written: chunk.bytes as u64,
            rows_written: chunk.rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(offset_index.build()),
        };
        let pages = chunk.dictionary.into_iter().chain(chunk.pages).collect();
        Ok((Pages { pages }, close))
    }

    /// Bytes of the finished pages.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The pages of a chunk as one piece.
pub struct Pages {
    pages: Arc<[Bytes]>,
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.pages.iter().map(|page| page.len() as u64).sum()
    }
}

impl ChunkReader for Pages {
    type T = PagesReader;

    fn get_read(&self, start: u64) -> Result<PagesReader, ParquetError> {
        let mut reader = PagesReader {
            pages: self.pages.clone(),
            page: 0,
            at: 0,
        };
        io::copy(&mut reader.by_ref().take(start), &mut io::sink())?;
        Ok(reader)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let mut bytes = vec![0; length];
        self.get_read(start)?.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// Reads pages one after the other.
pub struct PagesReader {
    pages: Arc<[Bytes]>,
    page: usize,
    at: usize,
}

impl Read for PagesReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(page) = self.pages.get(self.page) {
            let count = (&page[self.at..]).read(buffer)?;
            if count > 0 || buffer.is_empty() {
                self.at += count;
                return Ok(count);
            }
            (self.page, self.at) = (self.page + 1, 0);
        }
        Ok(0)
    }
}
