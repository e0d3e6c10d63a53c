//! The columns of a file and the row group they are filling.
//!
//! Columns that are not nested are encoded here; lists, structs, maps and decimals by the Parquet library.

use std::fmt;
use std::io;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{FieldRef, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;

use super::chunk::Compressor;
use super::column::FlatColumn;
use super::settings::Choice;
use super::sink::ChunkSink;

enum Column {
    Flat(Box<FlatColumn>),
    /// The next so many of the library's writers.
    Other {
        field: FieldRef,
        leaves: usize,
    },
}

/// The columns of a file.
pub struct Columns {
    all: Vec<Column>,
    /// Makes the writers of the other columns.
    factory: ArrowRowGroupWriterFactory,
    writers: Vec<ArrowColumnWriter>,
    /// What the library's writers claim before they hold anything. It is address space only (1 MiB for each delta
    /// encoder) and would drown the figure for what is really held.
    reserved: usize,
    rows: usize,
}

impl fmt::Debug for Columns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Columns")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Columns {
    /// Without rows. `choices` has one for each leaf column.
    pub fn new(
        schema: &Schema,
        parquet: &SchemaDescriptor,
        choices: &[Choice],
        properties: WriterProperties,
    ) -> Result<Self, ParquetError> {
        let mut columns = Vec::new();
        let mut others = Vec::new();
        let mut leaf = 0;
        for (number, field) in schema.fields().iter().enumerate() {
            let first = leaf;
            while leaf < parquet.num_columns() && parquet.get_column_root_idx(leaf) == number {
                leaf += 1;
            }
            let flat = FlatColumn::new(field, &parquet.column(first), choices[first]);
            if let Some(column) = flat {
                columns.push(Column::Flat(Box::new(column)));
            } else {
                others.push(field.clone());
                columns.push(Column::Other {
                    field: field.clone(),
                    leaves: leaf - first,
                });
            }
        }
        // The library makes writers for whole schemas only, so these columns get a file of their own, never written.
        let others = Arc::new(Schema::new(others));
        let file = ArrowWriter::try_new(io::sink(), others, Some(properties))?;
        let (_, factory) = file.into_serialized_writer()?;
        Ok(Self {
            all: columns,
            factory,
            writers: Vec::new(),
            reserved: 0,
            rows: 0,
        })
    }

    /// Appends rows to the row group; begins one if there is none.
    pub fn append(
        &mut self,
        batch: &RecordBatch,
        compressor: &mut Compressor,
    ) -> Result<(), ParquetError> {
        if self.rows == 0 {
            self.writers = self.factory.create_column_writers(0)?;
            self.reserved = self.writers_hold();
        }
        self.rows += batch.num_rows();
        let mut writers = self.writers.iter_mut();
        for (column, array) in self.all.iter_mut().zip(batch.columns()) {
            match column {
                Column::Flat(column) => column.append(array, compressor)?,
                Column::Other { field, .. } => {
                    for (leaf, writer) in compute_leaves(field, array)?.iter().zip(&mut writers) {
                        writer.write(leaf)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Ends the row group, if it has rows.
    pub fn end_row_group(
        &mut self,
        file: &mut SerializedFileWriter<ChunkSink>,
        compressor: &mut Compressor,
    ) -> Result<(), ParquetError> {
        if std::mem::take(&mut self.rows) == 0 {
            return Ok(());
        }
        let mut group = file.next_row_group()?;
        let mut writers = std::mem::take(&mut self.writers).into_iter();
        for column in &mut self.all {
            match column {
                Column::Flat(column) => {
                    let (pages, close) = column.finish(compressor)?;
                    group.append_column(&pages, close)?;
                }
                Column::Other { leaves, .. } => {
                    for writer in writers.by_ref().take(*leaves) {
                        writer.close()?.append_to_row_group(&mut group)?;
                    }
                }
            }
        }
        group.close()?;
        Ok(())
    }

    /// Gives back what the next row group would use again.
    pub fn release(&mut self) {
        for column in &mut self.all {
            if let Column::Flat(column) = column {
                column.release();
            }
        }
    }

    /// About how many bytes the row group will have.
    pub fn size(&self) -> usize {
        let flat = self.flat().map(FlatColumn::size).sum::<usize>();
        flat + self.others_size()
    }

    /// Bytes of memory held.
    pub fn memory_size(&self) -> usize {
        let flat = self.flat().map(FlatColumn::memory_size).sum::<usize>();
        let held = self.writers_hold().saturating_sub(self.reserved);
        flat + held.max(self.others_size())
    }

    fn flat(&self) -> impl Iterator<Item = &FlatColumn> {
        self.all.iter().filter_map(|column| match column {
            Column::Flat(column) => Some(&**column),
            Column::Other { .. } => None,
        })
    }

    fn others_size(&self) -> usize {
        let sizes = self
            .writers
            .iter()
            .map(ArrowColumnWriter::get_estimated_total_bytes);
        sizes.sum()
    }

    fn writers_hold(&self) -> usize {
        self.writers
            .iter()
            .map(ArrowColumnWriter::memory_size)
            .sum()
    }
}
