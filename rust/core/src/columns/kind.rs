//! The types a column can be declared with. How they are written: `kind_text`.

use arrow_schema::{DataType, Field, FieldRef, Fields, TimeUnit};
use std::sync::Arc;

/// How a binary column's bytes are written in a JSON string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryText {
    /// RFC 4648 section 4, padded.
    Base64,
    /// Two hexadecimal digits per byte, either case.
    Hex,
}

/// A type without parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarKind {
    /// `bool`
    Bool,
    /// `int64`
    Int64,
    /// `float64`
    Float64,
    /// `string`
    String,
    /// `json`: any value, kept as written.
    Json,
    /// `date`
    Date,
    /// `decimal(precision, scale)`
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `timestamp[unit, UTC]`
    Timestamp(TimeUnit),
    /// `binary[base64]` or `binary[hex]`
    Binary(BinaryText),
}

/// A column's type. At most [`DEEPEST`](super::DEEPEST_KIND) lists, structs and maps lie in each other, so whatever
/// follows a type may recurse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// One value.
    Scalar(ScalarKind),
    /// `list<T>`: a JSON array of values that all fit T; null in it is a null element.
    List(Box<Self>),
    /// `struct<a: T, b: U>`: a JSON object; a field that is absent is null. Never without fields.
    Struct(Vec<StructField>),
    /// `map<string, T>`: a JSON object of any keys whose values all fit T.
    Map(Box<Self>),
}

/// One field of a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructField {
    /// The key in the JSON object, and the field's name.
    pub name: String,
    /// Its type.
    pub kind: ColumnKind,
}

impl ScalarKind {
    /// The Arrow type of a column of it: text is views, so that dropping rows and sharing text moves none of it.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int64 => DataType::Int64,
            Self::Float64 => DataType::Float64,
            Self::String | Self::Json => DataType::Utf8View,
            Self::Date => DataType::Date32,
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale as i8),
            Self::Timestamp(unit) => DataType::Timestamp(unit, Some("UTC".into())),
            Self::Binary(_) => DataType::Binary,
        }
    }
}

impl ColumnKind {
    /// The Arrow type of the column's array. Whatever lies inside a nested type is nullable, map keys excepted; names
    /// of items and entries are those that pyarrow gives, so that it prints the types without them.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Scalar(kind) => kind.data_type(),
            Self::List(item) => DataType::List(item.as_field("item")),
            Self::Struct(fields) => {
                DataType::Struct(fields.iter().map(StructField::as_field).collect())
            }
            Self::Map(value) => DataType::Map(value.as_entries(), false),
        }
    }

    /// As a part of a nested type; text is `Utf8` there, where few readers take views.
    pub(super) fn as_field(&self, name: &str) -> FieldRef {
        let data_type = match self.data_type() {
            DataType::Utf8View => DataType::Utf8,
            other => other,
        };
        Arc::new(Field::new(name, data_type, true))
    }

    /// The entries of a map with such values.
    pub(super) fn as_entries(&self) -> FieldRef {
        let key = Arc::new(Field::new("key", DataType::Utf8, false));
        let fields = Fields::from_iter([key, self.as_field("value")]);
        Arc::new(Field::new("entries", DataType::Struct(fields), false))
    }
}

impl StructField {
    pub(super) fn as_field(&self) -> FieldRef {
        self.kind.as_field(&self.name)
    }
}
