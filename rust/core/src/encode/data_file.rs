//! One Parquet file that grows in memory.

use std::collections::HashSet;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use arrow_schema::SchemaRef;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;

use super::columns::Columns;
use super::settings::{EncodeConfig, Layout, choices};
use super::sink::{ChunkSink, FileChunk};

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
    open: Option<Open>,
    rows: u64,
}

/// What has begun.
#[derive(Debug)]
struct Open {
    writer: SerializedFileWriter<ChunkSink>,
    columns: Columns,
}

impl DataFile {
    /// A file with no bytes yet.
    #[must_use]
    pub fn new(schema: SchemaRef, layout: Layout, config: EncodeConfig) -> Self {
        Self {
            schema,
            layout,
            config,
            open: None,
            rows: 0,
        }
    }

    /// Appends rows; ends the row group each time it has reached its bytes. Text may be views of text: the file is the
    /// same, and nothing is copied to make it so.
    ///
    /// # Errors
    /// If the rows can't be encoded; then the file is of no use.
    pub fn append(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let limit = self.config.row_group_bytes;
        let step = rows_in(limit, batch);
        let Open { writer, columns } = self.begin(Some(batch))?;
        for start in (0..batch.num_rows()).step_by(step) {
            columns.append(&batch.slice(start, step.min(batch.num_rows() - start)))?;
            if columns.size() >= limit {
                columns.end_row_group(writer)?;
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Ends the open row group, if there is one. What the file holds then is finished bytes.
    ///
    /// # Errors
    /// If its pages can't be encoded; then the file is of no use.
    pub fn flush(&mut self) -> Result<(), ParquetError> {
        let Some(Open { writer, columns }) = &mut self.open else {
            return Ok(());
        };
        columns.end_row_group(writer)?;
        columns.release();
        Ok(())
    }

    /// The finished bytes since the last call; they leave the file's memory.
    ///
    /// # Errors
    /// If the writer can't hand over what it buffers; then the file is of no use.
    pub fn take(&mut self) -> Result<Vec<FileChunk>, ParquetError> {
        let Some(Open { writer, .. }) = &mut self.open else {
            return Ok(Vec::new());
        };
        writer.flush()?;
        Ok(writer.inner_mut().take())
    }

    /// Ends the file with `metadata` in its footer; the rest of its bytes. Without rows it has the schema only.
    ///
    /// # Errors
    /// If the last row group or the footer can't be encoded.
    pub fn seal(
        mut self,
        metadata: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Vec<FileChunk>, ParquetError> {
        let Open { writer, columns } = self.begin(None)?;
        columns.end_row_group(writer)?;
        for (key, value) in metadata {
            writer.append_key_value_metadata(KeyValue::new(key, value));
        }
        writer.finish()?;
        Ok(writer.inner_mut().take())
    }

    /// How large it is now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.open
            .as_ref()
            .map_or(Usage::default(), |Open { writer, columns }| Usage {
                rows: self.rows,
                memory_bytes: (columns.memory_size() + writer.inner().memory_size()) as u64,
                file_bytes: (writer.bytes_written() + columns.size()) as u64,
            })
    }

    fn begin(&mut self, first: Option<&RecordBatch>) -> Result<&mut Open, ParquetError> {
        if let Some(open) = self.open.take() {
            return Ok(self.open.insert(open));
        }
        let parquet = ArrowSchemaConverter::new().convert(&self.schema)?;
        let choices = choices(&parquet, self.layout, first)?;
        let properties = self.config.properties(&parquet, &choices)?;
        let level = self.config.level()?;
        let columns = Columns::new(&self.schema, &parquet, &choices, properties.clone(), level)?;
        let sink = ChunkSink::default();
        let writer = ArrowWriter::try_new(sink, self.schema.clone(), Some(properties))?;
        let (writer, _) = writer.into_serialized_writer()?;
        Ok(self.open.insert(Open { writer, columns }))
    }
}

/// About how many of the batch's rows fill a row group: what is appended between two looks at its size.
fn rows_in(bytes: usize, batch: &RecordBatch) -> usize {
    if held_bytes(batch) <= bytes {
        return batch.num_rows();
    }
    let row_bytes = batch.columns().iter().map(value_bytes).sum::<usize>() / batch.num_rows();
    (bytes / row_bytes.max(1)).max(1)
}

/// Bytes of memory of the columns, a buffer that several of them view counted once: seldom less than what their values
/// have, and known without a look at them.
fn held_bytes(batch: &RecordBatch) -> usize {
    let mut seen = HashSet::new();
    let mut held = 0;
    for column in batch.columns() {
        if let Some(views) = column.as_string_view_opt() {
            let buffers = views.data_buffers().iter();
            let new = buffers.filter(|buffer| seen.insert(buffer.as_ptr()));
            held += new.map(Buffer::len).sum::<usize>() + size_of_val(&**views.views());
        } else {
            held += column.get_array_memory_size();
        }
    }
    held
}

/// About the bytes of the values, as many for views of text as for text. What holds them may be far larger: views share
/// their buffers, and so do slices.
fn value_bytes(column: &ArrayRef) -> usize {
    if let Some(views) = column.as_string_view_opt() {
        views.total_bytes_len()
    } else if let Some(text) = column.as_string_opt::<i32>() {
        let offsets = text.value_offsets();
        (offsets[text.len()] - offsets[0]) as usize
    } else {
        let data = column.to_data();
        data.get_slice_memory_size()
            .unwrap_or_else(|_| column.get_array_memory_size())
    }
}
