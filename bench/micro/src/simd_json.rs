//! simd-json, a record at a time onto a tape that is used again.

use std::any::Any;

use simd_json::prelude::*;
use simd_json::value::tape::Value;
use simd_json::{Buffers, INPUT_PADDING, fill_tape_padded};

use crate::corpus::Corpus;
use crate::digest::{Checksum, Digest, Digesting, Sink};
use crate::node::Node;
use crate::passes::Reader;
use crate::{event, spans};

/// It unescapes in place, so each record is copied first.
pub struct Tape<'c> {
    corpus: &'c Corpus,
    copy: Vec<u8>,
    buffers: Buffers,
}

impl<'c> Tape<'c> {
    pub fn new(corpus: &'c Corpus) -> Self {
        let longest = corpus
            .records
            .iter()
            .map(ExactSizeIterator::len)
            .max()
            .unwrap_or_default();
        Self {
            corpus,
            copy: vec![0; longest + INPUT_PADDING],
            buffers: Buffers::new(longest),
        }
    }

    fn read_into(&mut self, sink: &mut impl Sink) -> Result<(), String> {
        let mut tape = simd_json::Tape::null();
        for record in self.corpus.iter() {
            self.copy[..record.len()].copy_from_slice(record);
            let copy = &mut self.copy[..record.len() + INPUT_PADDING];
            let mut filled = tape.reset();
            fill_tape_padded(copy, record.len(), &mut self.buffers, &mut filled)
                .map_err(|error| error.to_string())?;
            sink.row();
            if self.corpus.spans {
                spans::walk(filled.as_value(), sink)?;
            } else {
                event::walk(filled.as_value(), sink)?;
            }
            tape = filled.reset();
        }
        Ok(())
    }
}

impl Reader for Tape<'_> {
    fn way(&self) -> &'static str {
        "tape"
    }

    fn read(&mut self) -> Result<Box<dyn Any>, String> {
        let mut checksum = Checksum::default();
        self.read_into(&mut checksum)?;
        Ok(Box::new(checksum.0))
    }

    fn digest(&mut self) -> Result<Digest, String> {
        let names = if self.corpus.spans {
            spans::NAMES
        } else {
            event::NAMES
        };
        let mut digesting = Digesting::new(names);
        self.read_into(&mut digesting)?;
        Ok(digesting.finish())
    }
}

impl<'tape> Node<'tape> for Value<'tape, '_> {
    fn text_into(&self, leaf: usize, sink: &mut impl Sink) -> Result<(), String> {
        self.as_str()
            .into_iter()
            .for_each(|text| sink.text(leaf, text));
        Ok(())
    }

    fn integer_into(&self, leaf: usize, sink: &mut impl Sink) -> Result<(), String> {
        self.as_i64()
            .into_iter()
            .for_each(|value| sink.integer(leaf, value));
        Ok(())
    }

    fn number_into(&self, leaf: usize, sink: &mut impl Sink) -> Result<(), String> {
        self.cast_f64()
            .into_iter()
            .for_each(|value| sink.number(leaf, value));
        Ok(())
    }

    fn boolean_into(&self, leaf: usize, sink: &mut impl Sink) -> Result<(), String> {
        self.as_bool()
            .into_iter()
            .for_each(|value| sink.boolean(leaf, value));
        Ok(())
    }

    fn members(self, mut each: impl FnMut(&str, Self) -> Result<(), String>) -> Result<(), String> {
        let Some(object) = self.as_object() else {
            return Ok(());
        };
        object.iter().try_for_each(|(key, value)| each(key, value))
    }

    fn elements(self, each: impl FnMut(Self) -> Result<(), String>) -> Result<(), String> {
        let Some(array) = self.as_array() else {
            return Ok(());
        };
        array.iter().try_for_each(each)
    }
}
