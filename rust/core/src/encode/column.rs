//! One column of a file that is not nested, from Arrow arrays to pages.

use arrow_array::Array;
use arrow_buffer::BooleanBufferBuilder;
use arrow_schema::{ArrowError, Field};
use parquet::basic::Encoding;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;

use super::bounds::Bounds;
use super::chunk::{Chunk, Compressor, Pages};
use super::dictionary::Dictionary;
use super::packing;
use super::page_header::Contents;
use super::rows::{Indexed, Rows};
use super::settings::Choice;
use super::values::{PAGE_BYTES, Values};

/// A page has at most this many rows, as in files of other writers: readers decode pages whole.
const PAGE_ROWS: usize = 20_000;

/// A column. It stays for the whole file, so that each row group uses the memory of the one before.
pub struct FlatColumn {
    descriptor: ColumnDescPtr,
    nullable: bool,
    values: Values,
    bounds: Option<Bounds>,
    indexed: Option<Indexed>,
    /// False once the dictionary of this row group is full.
    indexing: bool,
    validity: BooleanBufferBuilder,
    page_nulls: usize,
    nulls: usize,
    /// The levels of a page, and what else goes before its values.
    head: Vec<u8>,
    chunk: Chunk,
}

impl FlatColumn {
    /// A column of `field`, unless its type is left to the Parquet library.
    pub fn new(field: &Field, descriptor: &ColumnDescPtr, choice: Choice) -> Option<Self> {
        let values = Values::of(field.data_type())?;
        let is_text = matches!(values, Values::Text(_));
        let indexed = choice.dictionary.then(|| Indexed {
            dictionary: Dictionary::new(is_text),
            indices: Vec::new(),
        });
        Some(Self {
            descriptor: descriptor.clone(),
            nullable: field.is_nullable(),
            bounds: choice.statistics.then(|| Bounds::of(&values)),
            indexing: indexed.is_some(),
            indexed,
            values,
            validity: BooleanBufferBuilder::new(0),
            page_nulls: 0,
            nulls: 0,
            head: Vec::new(),
            chunk: Chunk::default(),
        })
    }

    /// Appends all rows of `array`.
    pub fn append(
        &mut self,
        array: &dyn Array,
        compressor: &mut Compressor,
    ) -> Result<(), ParquetError> {
        if !self.nullable && array.null_count() > 0 {
            let name = self.descriptor.name();
            let message = format!("column {name:?} has nulls, but must not have any");
            return Err(ArrowError::SchemaError(message).into());
        }
        let rows = Rows::of(array, &self.values)?;
        let mut start = 0;
        while start < array.len() {
            let end = array.len().min(start + PAGE_ROWS - self.validity.len());
            let indexed = self.indexed.as_mut().filter(|_| self.indexing);
            let count = rows.take(
                &(start..end),
                &mut self.values,
                indexed,
                self.bounds.as_mut(),
            );
            self.append_validity(array, start, count);
            start += count;
            if self.is_page_full() {
                self.end_page(compressor)?;
            }
        }
        Ok(())
    }

    /// Ends the column's part of a row group.
    pub fn finish(
        &mut self,
        compressor: &mut Compressor,
    ) -> Result<(Pages, ColumnCloseResult), ParquetError> {
        if !self.validity.is_empty() {
            self.end_page(compressor)?;
        }
        if self.indexing {
            self.end_dictionary(compressor)?;
        }
        self.indexing = self.indexed.is_some();
        let nulls = std::mem::take(&mut self.nulls) as u64;
        let statistics = self.bounds.as_ref().map(|bounds| bounds.statistics(nulls));
        self.bounds.iter_mut().for_each(Bounds::clear);
        self.chunk
            .finish(self.descriptor.clone(), compressor, statistics)
    }

    /// Gives back its memory, between two row groups.
    pub fn release(&mut self) {
        self.values.release();
        self.validity = BooleanBufferBuilder::new(0);
        self.head = Vec::new();
        self.release_dictionary();
    }

    fn release_dictionary(&mut self) {
        if let Some(Indexed {
            dictionary,
            indices,
        }) = &mut self.indexed
        {
            dictionary.release();
            *indices = Vec::new();
        }
    }

    /// About how many bytes it will add to the file if its row group ended now.
    pub fn size(&self) -> usize {
        let indexed = self.indexed.as_ref();
        let indexed = indexed.map_or(0, |it| it.dictionary.page().len() + it.indices.len());
        self.chunk.bytes() + self.values.size() + indexed + self.validity.len() / 8
    }

    /// Bytes of memory held.
    pub fn memory_size(&self) -> usize {
        let indexed = self.indexed.as_ref();
        self.chunk.bytes()
            + self.values.memory_size()
            + indexed.map_or(0, |it| {
                it.dictionary.memory_size() + 4 * it.indices.capacity()
            })
            + self.validity.capacity() / 8
            + self.head.capacity()
    }

    fn append_validity(&mut self, array: &dyn Array, start: usize, count: usize) {
        match array.nulls() {
            None => self.validity.append_n(count, true),
            Some(nulls) => {
                let part = nulls.slice(start, count);
                self.page_nulls += part.null_count();
                self.validity.append_buffer(part.inner());
            }
        }
    }

    fn is_page_full(&self) -> bool {
        let is_dictionary_full = |indexed: &Indexed| self.indexing && indexed.dictionary.is_full();
        self.validity.len() == PAGE_ROWS
            || self.values.size() >= PAGE_BYTES
            || self.indexed.as_ref().is_some_and(is_dictionary_full)
    }

    /// Writes the dictionary, to which no page will be added.
    fn end_dictionary(&mut self, compressor: &mut Compressor) -> Result<(), ParquetError> {
        if let Some(Indexed { dictionary, .. }) = &mut self.indexed {
            let values = dictionary.len();
            self.chunk.add(
                Contents::Dictionary { values },
                dictionary.page(),
                compressor,
            )?;
            dictionary.clear();
        }
        Ok(())
    }

    fn end_page(&mut self, compressor: &mut Compressor) -> Result<(), ParquetError> {
        let indexing = self.indexing;
        let rows = self.validity.len();
        self.head.clear();
        if self.nullable {
            let validity = (self.page_nulls > 0).then(|| self.validity.as_slice());
            packing::levels(&mut self.head, rows, validity);
        }
        let (encoding, body) = match &mut self.indexed {
            Some(Indexed {
                dictionary,
                indices,
            }) if self.indexing => {
                packing::indices(&mut self.head, indices, dictionary.len());
                indices.clear();
                self.indexing = !dictionary.is_full();
                (Encoding::RLE_DICTIONARY, self.head.as_slice())
            }
            _ => (self.values.encoding(), self.values.body(&mut self.head)),
        };
        self.chunk
            .add(Contents::Data { rows, encoding }, body, compressor)?;
        if indexing && !self.indexing {
            self.end_dictionary(compressor)?;
            self.release_dictionary();
        }
        self.values.clear();
        self.nulls += std::mem::take(&mut self.page_nulls);
        self.validity.truncate(0);
        Ok(())
    }
}
