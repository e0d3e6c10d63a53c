//! A table's columns in its files: text is `Utf8` there, whatever it is in memory, so that a file says the same to every
//! reader and in every version.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields, Schema, SchemaRef};

use crate::columns::append_text;

/// The schema of the files that hold rows of `rows`.
pub fn of(rows: &Schema) -> SchemaRef {
    let field = |field: &FieldRef| match field.data_type() {
        DataType::Utf8View => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
        _ => field.clone(),
    };
    Arc::new(Schema::new(
        rows.fields().iter().map(field).collect::<Fields>(),
    ))
}

/// `rows` with the schema that is [`of`] theirs, for readers outside. Text is copied: views share their memory with
/// text that is no longer there, because its row was dropped or it was redacted.
///
/// # Errors
/// If a column has over 2 GiB of text.
pub fn rows(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let column = |column: &ArrayRef| match column.as_string_view_opt() {
        Some(texts) => copied(texts),
        None => Ok(column.clone()),
    };
    let columns = rows.columns().iter().map(column);
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns.collect::<Result<_, _>>()?, &options)
}

fn copied(texts: &StringViewArray) -> Result<ArrayRef, ArrowError> {
    let bytes = texts.iter().flatten().map(str::len).sum();
    let too_much = |_| ArrowError::OffsetOverflowError(bytes);
    let mut builder = StringBuilder::with_capacity(texts.len(), bytes);
    for text in texts {
        match text {
            Some(text) => append_text(text, &mut builder).map_err(too_much)?,
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow_array::{Int64Array, StringArray};
    use arrow_schema::Field;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::encode::{DataFile, EncodeConfig, Layout};

    const LONG: &str = "long enough not to be inline";

    /// Views are written as strings: a reader of the file sees neither them nor the rows around a slice.
    #[test]
    fn files_and_readers_see_no_views() {
        let batch = |texts: ArrayRef| {
            let schema = Schema::new(vec![
                Field::new("s", texts.data_type().clone(), true),
                Field::new("n", DataType::Int64, false),
            ]);
            let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
            RecordBatch::try_new(Arc::new(schema), vec![texts, numbers]).unwrap()
        };
        let texts = vec![Some(LONG), None, Some("short")];
        let views = batch(Arc::new(StringViewArray::from(texts.clone()))).slice(1, 2);
        let strings = batch(Arc::new(StringArray::from(texts))).slice(1, 2);
        let schema = of(&views.schema());
        assert_eq!(schema, strings.schema());

        let copied = rows(&views, &schema).unwrap();
        assert_eq!(copied, strings);
        assert_eq!(copied["s"].as_string::<i32>().value_data(), b"short");

        let written = |rows: &[&RecordBatch]| {
            let mut file =
                DataFile::new(schema.clone(), Layout::default(), EncodeConfig::default());
            for rows in rows {
                file.append(rows).unwrap();
            }
            bytes::Bytes::from(file.seal([]).unwrap().concat())
        };
        assert_eq!(written(&[&views]), written(&[&strings]));
        assert_eq!(written(&[&views, &strings]), written(&[&strings, &views]));
        for file in [written(&[]), written(&[&views])] {
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            assert_eq!(reader.schema(), &schema);
        }
    }
}
