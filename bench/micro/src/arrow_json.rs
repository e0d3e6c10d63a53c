//! arrow-json, from newline-delimited JSON to record batches by a given schema.

use std::any::Any;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_json::ReaderBuilder;
use arrow_schema::{ArrowError, SchemaRef};

use crate::corpus::Corpus;
use crate::digest::Digest;
use crate::passes::Reader;
use crate::{event, spans};

const BATCH_ROWS: usize = 8192;

pub struct ArrowJson<'c> {
    corpus: &'c Corpus,
    schema: SchemaRef,
}

impl<'c> ArrowJson<'c> {
    pub fn new(corpus: &'c Corpus) -> Self {
        let schema = if corpus.spans {
            spans::schema()
        } else {
            event::schema(corpus.content)
        };
        Self {
            corpus,
            schema: Arc::new(schema),
        }
    }

    fn batches(&self) -> Result<Vec<RecordBatch>, ArrowError> {
        let builder = ReaderBuilder::new(Arc::clone(&self.schema)).with_batch_size(BATCH_ROWS);
        let mut decoder = builder.build_decoder()?;
        let mut batches = Vec::new();
        let mut left = self.corpus.bytes.as_slice();
        loop {
            left = &left[decoder.decode(left)?..];
            match decoder.flush()? {
                Some(batch) => batches.push(batch),
                None => return Ok(batches),
            }
        }
    }
}

impl Reader for ArrowJson<'_> {
    fn way(&self) -> &'static str {
        "record batches"
    }

    fn read(&mut self) -> Result<Box<dyn Any>, String> {
        Ok(Box::new(self.batches().map_err(|error| error.to_string())?))
    }

    fn digest(&mut self) -> Result<Digest, String> {
        let mut digest = Digest::default();
        for batch in self.batches().map_err(|error| error.to_string())? {
            digest.add_batch(&batch)?;
        }
        Ok(digest)
    }
}
