//! Penstock's own decoder, so that a profiler sees nothing else.

use std::any::Any;

use arrow_array::RecordBatch;
use penstock_core::decode::{DecodeConfig, Decoder};

use crate::corpus::Corpus;
use crate::digest::Digest;
use crate::passes::Reader;

pub struct Penstock<'c> {
    corpus: &'c Corpus,
    decoder: Decoder,
}

impl<'c> Penstock<'c> {
    pub fn new(corpus: &'c Corpus) -> Result<Self, String> {
        let config: DecodeConfig =
            serde_json::from_str(&corpus.columns).map_err(|error| error.to_string())?;
        Ok(Self {
            corpus,
            decoder: Decoder::new(&config).map_err(|error| error.to_string())?,
        })
    }

    fn batch(&self) -> Result<RecordBatch, String> {
        let values: Vec<Option<&[u8]>> = self.corpus.iter().map(Some).collect();
        let decoded = self
            .decoder
            .decode(&values)
            .map_err(|error| error.to_string())?;
        match decoded.rejections.first() {
            Some(rejection) => Err(format!(
                "record {} is rejected: {rejection:?}",
                rejection.index
            )),
            None => Ok(decoded.batch),
        }
    }
}

impl Reader for Penstock<'_> {
    fn way(&self) -> &'static str {
        "record batch"
    }

    fn read(&mut self) -> Result<Box<dyn Any>, String> {
        Ok(Box::new(self.batch()?))
    }

    fn digest(&mut self) -> Result<Digest, String> {
        let mut digest = Digest::default();
        digest.add_batch(&self.batch()?)?;
        Ok(digest)
    }
}
