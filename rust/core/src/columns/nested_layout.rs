//! A nested type as its values are read.

use super::kind::{ColumnKind, ScalarKind};
use crate::json::Keys;

/// A type, with the fields of its structs to be found by their keys.
#[derive(Debug)]
pub enum Layout {
    Scalar(ScalarKind),
    List(Box<Self>),
    Map(Box<Self>),
    Struct { fields: Vec<Self>, keys: Keys },
}

impl Layout {
    pub fn new(kind: &ColumnKind) -> Self {
        match kind {
            ColumnKind::Scalar(kind) => Self::Scalar(*kind),
            ColumnKind::List(item) => Self::List(Box::new(Self::new(item))),
            ColumnKind::Map(value) => Self::Map(Box::new(Self::new(value))),
            ColumnKind::Struct(fields) => {
                let names = fields.iter().map(|field| field.name.as_str().into());
                Self::Struct {
                    keys: Keys::new(&names.zip(0..).collect::<Vec<_>>()),
                    fields: fields.iter().map(|field| Self::new(&field.kind)).collect(),
                }
            }
        }
    }
}
