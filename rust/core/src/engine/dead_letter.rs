//! Rows of the dead-letter table: the record as it came, and why it is not a row.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, ListBuilder, StructBuilder};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use super::batch::Envelope;
use super::kafka_columns;
use super::taken::Taken;
use crate::decode::Rejection;

/// One dead letter to write.
pub struct DeadLetter<'a> {
    /// What the decoder said.
    pub rejection: &'a Rejection,
    /// Its key and headers.
    pub envelope: Envelope,
    /// Appended after a change of plan, out of offset order.
    pub replayed: bool,
}

fn header_fields() -> Fields {
    Fields::from(vec![
        Field::new("key", DataType::Binary, false),
        Field::new("value", DataType::Binary, true),
    ])
}

fn header_item() -> Field {
    Field::new("item", DataType::Struct(header_fields()), false)
}

/// The table's columns. Header keys are binary, because Kafka does not say that they are text.
pub fn schema() -> SchemaRef {
    let now = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let own = [
        Field::new("kafka_key", DataType::Binary, true),
        Field::new(
            "kafka_headers",
            DataType::List(Arc::new(header_item())),
            false,
        ),
        Field::new("value", DataType::Binary, true),
        Field::new("stage", DataType::Utf8, false),
        Field::new("code", DataType::Utf8, false),
        Field::new("message", DataType::Utf8, false),
        Field::new("byte_position", DataType::Int64, false),
        Field::new("rejected_at", now, false),
        Field::new("replayed", DataType::Boolean, false),
    ];
    Arc::new(Schema::new(
        kafka_columns::fields()
            .into_iter()
            .chain(own)
            .collect::<Vec<_>>(),
    ))
}

/// The rows of `letters`, in order; their values only where `keep_values`. `now` in microseconds since the epoch.
pub fn rows(
    schema: &SchemaRef,
    taken: &Taken<'_>,
    letters: &[DeadLetter<'_>],
    keep_values: bool,
    now: i64,
) -> Result<RecordBatch, ArrowError> {
    let indices: Vec<u32> = letters
        .iter()
        .map(|letter| letter.rejection.index)
        .collect();
    let values = indices
        .iter()
        .map(|&index| taken.value(index as usize).filter(|_| keep_values));
    let of = |text: fn(&Rejection) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(
            letters.iter().map(|letter| text(letter.rejection)),
        ))
    };
    let own: [ArrayRef; 9] = [
        Arc::new(
            letters
                .iter()
                .map(|letter| letter.envelope.key.as_deref())
                .collect::<BinaryArray>(),
        ),
        Arc::new(headers(letters)),
        Arc::new(values.collect::<BinaryArray>()),
        of(|_| "decode"),
        of(|rejection| rejection.code.as_str()),
        of(|rejection| &rejection.message),
        Arc::new(Int64Array::from_iter_values(
            letters
                .iter()
                .map(|letter| letter.rejection.byte_position as i64),
        )),
        Arc::new(TimestampMicrosecondArray::from_value(now, letters.len()).with_timezone("UTC")),
        Arc::new(
            letters
                .iter()
                .map(|letter| Some(letter.replayed))
                .collect::<BooleanArray>(),
        ),
    ];
    RecordBatch::try_new(
        schema.clone(),
        kafka_columns::columns(taken, &indices)?
            .into_iter()
            .chain(own)
            .collect(),
    )
}

fn headers(letters: &[DeadLetter<'_>]) -> arrow_array::ListArray {
    let children: Vec<Box<dyn arrow_array::builder::ArrayBuilder>> = vec![
        Box::new(BinaryBuilder::new()),
        Box::new(BinaryBuilder::new()),
    ];
    let mut lists =
        ListBuilder::new(StructBuilder::new(header_fields(), children)).with_field(header_item());
    for letter in letters {
        for (key, value) in &letter.envelope.headers {
            let header = lists.values();
            if let Some(keys) = header.field_builder::<BinaryBuilder>(0) {
                keys.append_value(key);
            }
            if let Some(values) = header.field_builder::<BinaryBuilder>(1) {
                values.append_option(value.as_deref());
            }
            header.append(true);
        }
        lists.append(true);
    }
    lists.finish()
}
