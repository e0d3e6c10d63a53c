//! In which Arrow type text leaves the decoder: views where they are wanted, else with offsets.

use std::str::FromStr;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, RecordBatchOptions};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, FieldRef, Schema};

use super::DecodeError;

/// The Arrow type of all text, at any depth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strings {
    /// `string_view`
    #[default]
    View,
    /// `utf8`: 32-bit offsets
    Utf8,
    /// `large_utf8`: 64-bit offsets
    LargeUtf8,
}

impl FromStr for Strings {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "view" => Ok(Self::View),
            "utf8" => Ok(Self::Utf8),
            "large_utf8" => Ok(Self::LargeUtf8),
            _ => Err(format!(
                "{text:?} is not one of \"view\", \"utf8\" and \"large_utf8\""
            )),
        }
    }
}

impl Strings {
    fn data_type(self) -> DataType {
        match self {
            Self::View => DataType::Utf8View,
            Self::Utf8 => DataType::Utf8,
            Self::LargeUtf8 => DataType::LargeUtf8,
        }
    }

    /// `schema` with all text of this type.
    #[must_use]
    pub fn schema(self, schema: &Schema) -> Schema {
        let fields = schema.fields().iter().map(|field| self.field(field));
        Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone())
    }

    /// `batch` with all text of this type. What is of it already is not copied; nor is text that becomes views.
    ///
    /// # Errors
    /// If 32-bit offsets do not reach over a column's text.
    pub fn batch(self, batch: &RecordBatch) -> Result<RecordBatch, DecodeError> {
        let schema = self.schema(batch.schema_ref());
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (column, field) in batch.columns().iter().zip(schema.fields()) {
            if column.data_type() == field.data_type() {
                columns.push(Arc::clone(column));
                continue;
            }
            if *field.data_type() == DataType::Utf8 && !offsets_reach(column) {
                return Err(DecodeError::TooMuchText(field.name().clone()));
            }
            columns.push(cast(column, field.data_type())?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            Arc::new(schema),
            columns,
            &options,
        )?)
    }

    fn field(self, field: &Field) -> FieldRef {
        let data_type = match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => self.data_type(),
            DataType::List(item) => DataType::List(self.field(item)),
            DataType::Struct(fields) => {
                DataType::Struct(fields.iter().map(|field| self.field(field)).collect())
            }
            DataType::Map(entries, sorted) => DataType::Map(self.field(entries), *sorted),
            other => other.clone(),
        };
        Arc::new(field.clone().with_data_type(data_type))
    }
}

/// Only views may hold more than that.
fn offsets_reach(column: &dyn Array) -> bool {
    column.as_string_view_opt().is_none_or(|views| {
        let bytes: u64 = views.lengths().map(u64::from).sum();
        i32::try_from(bytes).is_ok()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_schema::DataType;

    use super::Strings;
    use crate::decode::{ColumnConfig, DecodeConfig, DecodeOptions, Decoder};

    const RECORD: &[u8] = br#"{"s":"a text that is longer than a view","l":["a"],"r":{"f":"b"},"m":{"k":"v"},"n":1,"z":0}"#;

    fn decoder() -> Decoder {
        let columns = [
            ("s", "string"),
            ("l", "list<string>"),
            ("r", "struct<f: string>"),
            ("m", "map<string, string>"),
            ("n", "int64"),
        ];
        let columns = columns.map(|(name, kind)| ColumnConfig {
            name: name.into(),
            path: vec![name.into()],
            kind: kind.into(),
            required: false,
        });
        let decode = DecodeOptions::default();
        let columns = columns.into();
        Decoder::new(&DecodeConfig { columns, decode }).unwrap()
    }

    fn texts(data_type: &DataType, found: &mut Vec<DataType>) {
        match data_type {
            DataType::List(field) | DataType::Map(field, _) => texts(field.data_type(), found),
            DataType::Struct(fields) => {
                for field in fields {
                    texts(field.data_type(), found);
                }
            }
            DataType::Int64 => (),
            other => found.push(other.clone()),
        }
    }

    /// At any depth, keys of maps and the residue too; the values stay.
    #[test]
    fn all_text_is_of_the_type_asked_for() {
        let decoded = decoder()
            .decode(&[Some(RECORD), Some(b"{}")])
            .unwrap()
            .batch;
        for strings in [Strings::View, Strings::Utf8, Strings::LargeUtf8] {
            let batch = strings.batch(&decoded).unwrap();
            assert_eq!(*batch.schema(), strings.schema(&decoded.schema()));
            let mut found = Vec::new();
            for field in batch.schema().fields() {
                texts(field.data_type(), &mut found);
            }
            assert_eq!(found, vec![strings.data_type(); 6]);
            let back = Strings::Utf8.batch(&batch).unwrap();
            assert_eq!(back, Strings::Utf8.batch(&decoded).unwrap());
        }
    }

    /// Text that becomes views stays where it is.
    #[test]
    fn views_are_of_the_same_memory() {
        let decoded = decoder().decode(&[Some(RECORD)]).unwrap().batch;
        let once = Strings::View.batch(&decoded).unwrap();
        let again = Strings::View.batch(&once).unwrap();
        let text = once.column(0).as_string_view().value(0);
        assert_eq!(
            text.as_ptr(),
            again.column(0).as_string_view().value(0).as_ptr()
        );
    }

    /// Other names are refused.
    #[test]
    fn names_are_closed() {
        assert_eq!("view".parse(), Ok(Strings::View));
        assert!(
            "string"
                .parse::<Strings>()
                .unwrap_err()
                .contains("large_utf8")
        );
    }
}
