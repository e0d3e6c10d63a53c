//! What encoding costs beside the compressor alone: `encode CONFIG EVENTS FILE ROUNDS`.
//!
//! Decodes EVENTS, one JSON record a line, by the columns of CONFIG, in batches as a fetch brings them, encodes each as
//! the engine does, writes FILE, and FILE.library with the Parquet library's own writer, and prints as JSON what a round
//! cost, in seconds of this thread:
//!
//! - `encode_seconds`: from the batches to the bytes of the file, each batch as warm as decoding leaves it;
//! - `zstd_seconds`: zstd alone on the bodies of the file's pages;
//! - `plain_zstd_seconds`: zstd alone on the pages of the same rows in a file without dictionaries or encodings;
//! - `library_seconds`: the Parquet library's writer with its own settings and the same codec, from the same batches.
//!
//! Rounds of all of them alternate, so that a noisy neighbour slows all; the medians count.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::file::reader::{FileReader, SerializedFileReader};
use penstock_core::decode::{DecodeConfig, Decoder, Shapes};
use penstock_core::encode::{DataFile, EncodeConfig, FileChunk, Layout};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

/// As in the extension: what fresh memory costs is part of what a file costs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of records in one batch: what one partition has in one fetch.
const BATCH_BYTES: usize = 1 << 20;
const LAYOUT: Layout = Layout {
    repeated: &[],
    long: &["_residue"],
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [config, events, out, rounds] = &arguments[..] else {
        return Err("usage: encode CONFIG EVENTS FILE ROUNDS".into());
    };
    let config: DecodeConfig = serde_json::from_slice(&fs::read(config)?)?;
    let events = fs::read(events)?;
    let decoder = Decoder::new(&config)?;
    let batches = batches(&events);

    let mut shapes = Shapes::default();
    let ours = |shapes: &mut Shapes| encode(&decoder, &batches, shapes, Ours::new(&decoder));
    let library = WriterProperties::builder().set_compression(Compression::ZSTD(level()?));
    let plain = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::PLAIN);
    let theirs = |shapes: &mut Shapes, properties: &WriterPropertiesBuilder| {
        encode(
            &decoder,
            &batches,
            shapes,
            Library::new(&decoder, properties)?,
        )
    };

    let (file, rows, _) = ours(&mut shapes)?;
    fs::write(out, &file)?;
    fs::write(format!("{out}.library"), theirs(&mut shapes, &library)?.0)?;
    let pages = pages(&file)?;
    let plain_pages = self::pages(&theirs(&mut shapes, &plain)?.0)?;
    let mut compressor = Compressor::new(&[&pages, &plain_pages])?;
    let (mut encode, mut zstd, mut plain_zstd, mut of_library) = (vec![], vec![], vec![], vec![]);
    let (mut zstd_bytes, mut plain_bytes, mut library_bytes) = (0, 0, 0);
    for _ in 0..rounds.parse::<usize>()? {
        encode.push(ours(&mut shapes)?.2);
        zstd.push(compressor.seconds(&pages, &mut zstd_bytes)?);
        plain_zstd.push(compressor.seconds(&plain_pages, &mut plain_bytes)?);
        let (file, _, seconds) = theirs(&mut shapes, &library)?;
        library_bytes = file.len();
        of_library.push(seconds);
    }
    println!(
        "{}",
        json!({
            "rows": rows,
            "encode_seconds": median(encode),
            "zstd_seconds": median(zstd),
            "zstd_bytes": zstd_bytes,
            "plain_zstd_seconds": median(plain_zstd),
            "plain_zstd_bytes": plain_bytes,
            "library_seconds": median(of_library),
            "library_bytes": library_bytes,
        })
    );
    Ok(())
}

/// The records of each batch.
fn batches(events: &[u8]) -> Vec<Vec<Option<&[u8]>>> {
    let lines: Vec<Option<&[u8]>> = events
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(Some)
        .collect();
    let records = (BATCH_BYTES * lines.len() / events.len().max(1)).max(1);
    lines.chunks(records).map(<[_]>::to_vec).collect()
}

/// The schema of the file: text is text there.
fn file_schema(decoder: &Decoder) -> SchemaRef {
    let field = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8View => field.as_ref().clone().with_data_type(DataType::Utf8),
        _ => field.as_ref().clone(),
    };
    let fields: Vec<Field> = decoder.schema().fields().iter().map(field).collect();
    Arc::new(Schema::new(fields))
}

/// What batches become a file with.
trait Writer {
    fn append(&mut self, batch: &RecordBatch) -> Result<()>;

    fn finish(self) -> Result<Vec<Vec<u8>>>;
}

struct Ours {
    file: DataFile,
    chunks: Vec<Vec<u8>>,
}

impl Ours {
    fn new(decoder: &Decoder) -> Self {
        Self {
            file: DataFile::new(file_schema(decoder), LAYOUT, EncodeConfig::default()),
            chunks: Vec::new(),
        }
    }
}

impl Writer for Ours {
    fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        self.file.append(batch)?;
        self.chunks.extend(bytes(self.file.take()?));
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Vec<u8>>> {
        self.chunks.extend(bytes(self.file.seal([])?));
        Ok(self.chunks)
    }
}

fn bytes(chunks: Vec<FileChunk>) -> impl Iterator<Item = Vec<u8>> {
    chunks.into_iter().map(|chunk| chunk.bytes)
}

struct Library(ArrowWriter<Vec<u8>>);

impl Library {
    fn new(decoder: &Decoder, properties: &WriterPropertiesBuilder) -> Result<Self> {
        let properties = properties.clone().build();
        let writer = ArrowWriter::try_new(Vec::new(), decoder.schema(), Some(properties))?;
        Ok(Self(writer))
    }
}

impl Writer for Library {
    fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        Ok(self.0.write(batch)?)
    }

    fn finish(self) -> Result<Vec<Vec<u8>>> {
        Ok(vec![self.0.into_inner()?])
    }
}

/// The file, its rows, and the seconds that encoding took. Decoding, between them, is not counted.
fn encode(
    decoder: &Decoder,
    batches: &[Vec<Option<&[u8]>>],
    shapes: &mut Shapes,
    mut writer: impl Writer,
) -> Result<(Vec<u8>, usize, f64)> {
    let (mut rows, mut taken) = (0, 0.0);
    for batch in batches {
        let batch = decoder.decode_with(batch, shapes)?.batch;
        rows += batch.num_rows();
        let begin = seconds();
        writer.append(&batch)?;
        taken += seconds() - begin;
    }
    let begin = seconds();
    let chunks = writer.finish()?;
    taken += seconds() - begin;
    Ok((chunks.concat(), rows, taken))
}

/// zstd alone, into memory that is used again.
struct Compressor {
    zstd: zstd::bulk::Compressor<'static>,
    compressed: Vec<u8>,
}

impl Compressor {
    fn new(files: &[&[Vec<u8>]]) -> Result<Self> {
        let largest = files.iter().copied().flatten().map(Vec::len).max();
        let bound = zstd::zstd_safe::compress_bound(largest.unwrap_or_default());
        Ok(Self {
            zstd: zstd::bulk::Compressor::new(EncodeConfig::default().zstd_level)?,
            compressed: vec![0; bound],
        })
    }

    /// What compressing these pages takes; `bytes` is what becomes of them.
    fn seconds(&mut self, pages: &[Vec<u8>], bytes: &mut usize) -> Result<f64> {
        *bytes = 0;
        let begin = seconds();
        for page in pages {
            *bytes += self
                .zstd
                .compress_to_buffer(page, &mut self.compressed[..])?;
        }
        Ok(seconds() - begin)
    }
}

fn level() -> Result<ZstdLevel> {
    Ok(ZstdLevel::try_new(EncodeConfig::default().zstd_level)?)
}

/// The bodies of all pages, as the compressor was given them.
fn pages(file: &[u8]) -> Result<Vec<Vec<u8>>> {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(file))?;
    let mut bodies = Vec::new();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        for column in 0..group.num_columns() {
            for page in group.get_column_page_reader(column)? {
                bodies.push(page?.buffer().to_vec());
            }
        }
    }
    Ok(bodies)
}

/// Seconds of this thread on a processor.
fn seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or_default()
}
