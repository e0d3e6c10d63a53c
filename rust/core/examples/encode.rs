//! What encoding costs beside the compressor alone: `encode CONFIG EVENTS FILE ROUNDS`.
//!
//! Decodes EVENTS, one JSON record a line, by the columns of CONFIG, in batches as a fetch brings them, encodes each as
//! the engine does, writes FILE, and prints as JSON what a round cost, in seconds of this thread: `encode_seconds` from
//! the batches to the bytes of the file, `zstd_seconds` of zstd alone on the bodies of the file's pages. Rounds of both
//! alternate, so that a noisy neighbour slows both; the medians count.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray};
use arrow_schema::{Field, Schema};
use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use penstock_core::decode::{DecodeConfig, Decoder};
use penstock_core::encode::{DataFile, EncodeConfig, Layout};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

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

    let (file, rows, _) = encode(&decoder, &batches)?;
    let file = file.concat();
    fs::write(out, &file)?;
    let pages = pages(&file)?;
    let mut compressor = zstd::bulk::Compressor::new(EncodeConfig::default().zstd_level)?;
    let largest = pages.iter().map(Vec::len).max().unwrap_or_default();
    let mut compressed = vec![0; zstd::zstd_safe::compress_bound(largest)];
    let (mut encode_seconds, mut zstd_seconds) = (Vec::new(), Vec::new());
    let mut zstd_bytes = 0;
    for _ in 0..rounds.parse::<usize>()? {
        encode_seconds.push(encode(&decoder, &batches)?.2);
        zstd_bytes = 0;
        let begin = seconds();
        for page in &pages {
            zstd_bytes += compressor.compress_to_buffer(page, &mut compressed[..])?;
        }
        zstd_seconds.push(seconds() - begin);
    }
    println!(
        "{}",
        json!({
            "rows": rows,
            "encode_seconds": median(encode_seconds),
            "zstd_seconds": median(zstd_seconds),
            "zstd_bytes": zstd_bytes,
            "page_bytes": pages.iter().map(Vec::len).sum::<usize>(),
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

/// The rows with views of their text, however they were decoded.
fn viewed(rows: &RecordBatch) -> std::result::Result<RecordBatch, arrow_schema::ArrowError> {
    let columns: Vec<ArrayRef> = rows
        .columns()
        .iter()
        .map(|column| match column.as_string_opt::<i32>() {
            Some(text) => Arc::new(StringViewArray::from(text)) as ArrayRef,
            None => column.clone(),
        })
        .collect();
    let fields: Vec<Field> = rows
        .schema()
        .fields()
        .iter()
        .zip(&columns)
        .map(|(field, column)| {
            field
                .as_ref()
                .clone()
                .with_data_type(column.data_type().clone())
        })
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// The chunks of the file, its rows, and what encoding them took: each batch is as warm as decoding leaves it.
fn encode(decoder: &Decoder, batches: &[Vec<Option<&[u8]>>]) -> Result<(Vec<Vec<u8>>, usize, f64)> {
    let mut file = DataFile::new(decoder.schema(), LAYOUT, EncodeConfig::default());
    let (mut chunks, mut rows, mut taken) = (Vec::new(), 0, 0.0);
    for batch in batches {
        let batch = viewed(&decoder.decode(batch)?.batch)?;
        rows += batch.num_rows();
        let begin = seconds();
        file.append(&batch)?;
        chunks.extend(file.take()?);
        taken += seconds() - begin;
    }
    let begin = seconds();
    chunks.extend(file.seal([])?);
    Ok((chunks, rows, taken + seconds() - begin))
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
