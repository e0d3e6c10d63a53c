//! sonic-rs: into a type that a person would write, or lazily over each object.

use std::any::Any;

use sonic_rs::{JsonValueTrait, LazyValue, to_object_iter};

use crate::corpus::Corpus;
use crate::digest::{Checksum, Digest, Digesting, Sink};
use crate::event::Event;
use crate::node::Node;
use crate::passes::Reader;
use crate::spans::Request;
use crate::{event, spans};

/// `#[derive(Deserialize)]`, texts borrowed where they have no escapes.
pub struct Typed<'c>(pub &'c Corpus);

/// Each object's members as they come, their texts and numbers parsed when asked for.
pub struct Lazy<'c>(pub &'c Corpus);

impl Typed<'_> {
    fn read_into(&self, sink: &mut impl Sink) -> Result<(), String> {
        for record in self.0.iter() {
            sink.row();
            if self.0.spans {
                sonic_rs::from_slice::<Request<'_>>(record)
                    .map_err(told)?
                    .give(sink);
            } else {
                sonic_rs::from_slice::<Event<'_>>(record)
                    .map_err(told)?
                    .give(sink);
            }
        }
        Ok(())
    }
}

impl Lazy<'_> {
    fn read_into(&self, sink: &mut impl Sink) -> Result<(), String> {
        for record in self.0.iter() {
            sink.row();
            if self.0.spans {
                spans::walk(Lazily::Record(record), sink)?;
            } else {
                event::walk(Lazily::Record(record), sink)?;
            }
        }
        Ok(())
    }
}

fn digesting(corpus: &Corpus) -> Digesting {
    Digesting::new(if corpus.spans {
        spans::NAMES
    } else {
        event::NAMES
    })
}

impl Reader for Typed<'_> {
    fn way(&self) -> &'static str {
        "into a type"
    }

    fn read(&mut self) -> Result<Box<dyn Any>, String> {
        let mut checksum = Checksum::default();
        self.read_into(&mut checksum)?;
        Ok(Box::new(checksum.0))
    }

    fn digest(&mut self) -> Result<Digest, String> {
        let mut digesting = digesting(self.0);
        self.read_into(&mut digesting)?;
        Ok(digesting.finish())
    }
}

impl Reader for Lazy<'_> {
    fn way(&self) -> &'static str {
        "lazily"
    }

    fn read(&mut self) -> Result<Box<dyn Any>, String> {
        let mut checksum = Checksum::default();
        self.read_into(&mut checksum)?;
        Ok(Box::new(checksum.0))
    }

    fn digest(&mut self) -> Result<Digest, String> {
        let mut digesting = digesting(self.0);
        self.read_into(&mut digesting)?;
        Ok(digesting.finish())
    }
}

/// A record, or a value in it.
enum Lazily<'a> {
    Record(&'a [u8]),
    Value(LazyValue<'a>),
}

impl<'a> Lazily<'a> {
    fn value(&self) -> Option<&LazyValue<'a>> {
        match self {
            Self::Record(_) => None,
            Self::Value(value) => Some(value),
        }
    }
}

impl<'a> Node<'a> for Lazily<'a> {
    fn text_into(&self, leaf: usize, sink: &mut impl Sink) -> Result<(), String> {
        let text = self.value().and_then(JsonValueTrait::as_str);
        text.into_iter().for_each(|text| sink.text(leaf, text));
        Ok(())
    }

    fn integer_into(&self, leaf: usize, sink: &mut impl Sink) -> Result<(), String> {
        let value = self.value().and_then(JsonValueTrait::as_i64);
        value
            .into_iter()
            .for_each(|value| sink.integer(leaf, value));
        Ok(())
    }

    fn number_into(&self, leaf: usize, sink: &mut impl Sink) -> Result<(), String> {
        let value = self.value().and_then(JsonValueTrait::as_f64);
        value.into_iter().for_each(|value| sink.number(leaf, value));
        Ok(())
    }

    fn boolean_into(&self, leaf: usize, sink: &mut impl Sink) -> Result<(), String> {
        let value = self.value().and_then(JsonValueTrait::as_bool);
        value
            .into_iter()
            .for_each(|value| sink.boolean(leaf, value));
        Ok(())
    }

    fn members(self, mut each: impl FnMut(&str, Self) -> Result<(), String>) -> Result<(), String> {
        let iterator = match self {
            Self::Record(record) => Some(to_object_iter(record)),
            Self::Value(value) => value.into_object_iter(),
        };
        for member in iterator.into_iter().flatten() {
            let (key, value) = member.map_err(told)?;
            each(&key, Self::Value(value))?;
        }
        Ok(())
    }

    fn elements(self, mut each: impl FnMut(Self) -> Result<(), String>) -> Result<(), String> {
        let iterator = match self {
            Self::Record(_) => None,
            Self::Value(value) => value.into_array_iter(),
        };
        for element in iterator.into_iter().flatten() {
            each(Self::Value(element.map_err(told)?))?;
        }
        Ok(())
    }
}

fn told(error: sonic_rs::Error) -> String {
    error.to_string()
}
