//! One Parquet file that grows in memory.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;

use super::settings::{EncodeConfig, Layout};
use super::sink::ChunkSink;

/// How large a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Rows appended.
    pub rows: u64,
    /// Bytes in memory: rows not encoded yet plus finished bytes not taken yet.
    pub memory_bytes: u64,
    /// Bytes of the file so far, taken ones included; rows of the open row group by estimate.
    pub file_bytes: u64,
}

/// A Parquet file from its first row to its footer. It begins with its first rows, or when it is sealed.
#[derive(Debug)]
pub struct DataFile {
    schema: SchemaRef,
    layout: Layout,
    config: EncodeConfig,
    writer: Option<ArrowWriter<ChunkSink>>,
    /// What the encoders of an open row group claim before they hold anything. It is address space only (1 MiB for
    /// each delta encoder) and would drown the figure for what is really held.
    reserved: usize,
    rows: u64,
}

impl DataFile {
    /// A file with no bytes yet. `schema` is what readers see: text is `Utf8` in it.
    #[must_use]
    pub fn new(schema: SchemaRef, layout: Layout, config: EncodeConfig) -> Self {
        Self {
            schema,
            layout,
            config,
            writer: None,
            reserved: 0,
            rows: 0,
        }
    }

    /// Appends rows; ends the row group each time it has reached its bytes. Text columns may be views.
    ///
    /// # Errors
    /// If the rows can't be encoded; then the file is of no use.
    pub fn append(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let limit = self.config.row_group_bytes;
        let step = rows_in(limit, batch);
        let first = usize::from(self.writer.is_none());
        let writer = self.begin(Some(batch))?;
        for start in (first..batch.num_rows()).step_by(step) {
            writer.write(&batch.slice(start, step.min(batch.num_rows() - start)))?;
            if writer.in_progress_size() >= limit {
                writer.flush()?;
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Ends the open row group, if there is one.
    ///
    /// # Errors
    /// If its pages can't be encoded; then the file is of no use.
    pub fn flush(&mut self) -> Result<(), ParquetError> {
        self.writer.as_mut().map_or(Ok(()), ArrowWriter::flush)
    }

    /// The finished bytes since the last call; they leave the file's memory.
    ///
    /// # Errors
    /// If the writer can't hand over what it buffers; then the file is of no use.
    pub fn take(&mut self) -> Result<Vec<Vec<u8>>, ParquetError> {
        let Some(writer) = &mut self.writer else {
            return Ok(Vec::new());
        };
        writer.sync()?;
        Ok(writer.inner_mut().take())
    }

    /// Ends the file with `metadata` in its footer; the rest of its bytes. Without rows it has the schema only.
    ///
    /// # Errors
    /// If the last row group or the footer can't be encoded.
    pub fn seal(
        mut self,
        metadata: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Vec<Vec<u8>>, ParquetError> {
        let writer = self.begin(None)?;
        for (key, value) in metadata {
            writer.append_key_value_metadata(KeyValue::new(key, value));
        }
        writer.finish()?;
        Ok(writer.inner_mut().take())
    }

    /// How large it is now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.writer
            .as_ref()
            .map_or(Usage::default(), |writer| Usage {
                rows: self.rows,
                memory_bytes: (self.encoders_hold(writer) + writer.inner().memory_size()) as u64,
                file_bytes: (writer.bytes_written() + writer.in_progress_size()) as u64,
            })
    }

    fn encoders_hold(&self, writer: &ArrowWriter<ChunkSink>) -> usize {
        writer
            .memory_size()
            .saturating_sub(self.reserved)
            .max(writer.in_progress_size())
    }

    /// The writer; one that begins has the first row of `first` already.
    fn begin(
        &mut self,
        first: Option<&RecordBatch>,
    ) -> Result<&mut ArrowWriter<ChunkSink>, ParquetError> {
        if let Some(writer) = self.writer.take() {
            return Ok(self.writer.insert(writer));
        }
        let properties = self.config.properties(&self.schema, self.layout, first)?;
        let mut writer =
            ArrowWriter::try_new(ChunkSink::default(), self.schema.clone(), Some(properties))?;
        if let Some(batch) = first {
            writer.write(&batch.slice(0, 1))?;
            self.reserved = writer
                .memory_size()
                .saturating_sub(writer.in_progress_size());
        }
        Ok(self.writer.insert(writer))
    }
}

/// About how many of the batch's rows fill a row group: what is appended between two looks at its size.
fn rows_in(bytes: usize, batch: &RecordBatch) -> usize {
    let row_bytes = batch.get_array_memory_size() / batch.num_rows();
    (bytes / row_bytes.max(1)).max(1)
}
