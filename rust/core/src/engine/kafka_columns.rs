//! Where a row came from: the columns `kafka_topic kafka_partition kafka_offset kafka_timestamp`.

use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, TimestampMillisecondArray};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use super::taken::Taken;

/// The four columns.
pub fn fields() -> [Field; 4] {
    let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    [
        Field::new("kafka_topic", DataType::Utf8View, false),
        Field::new("kafka_partition", DataType::Int32, false),
        Field::new("kafka_offset", DataType::Int64, false),
        Field::new("kafka_timestamp", time, true),
    ]
}

/// `schema` with the four columns after its own.
pub fn extended(schema: &Schema) -> SchemaRef {
    let own = schema.fields().iter().cloned();
    Arc::new(Schema::new(
        own.chain(fields().map(Arc::new)).collect::<Fields>(),
    ))
}

/// The four columns of the records at `indices`. All rows view one copy of the topic's name.
///
/// # Errors
/// Never: a topic's name is short.
pub fn columns(taken: &Taken<'_>, indices: &[u32]) -> Result<[ArrayRef; 4], ArrowError> {
    let pick = |column: &[i64]| {
        indices
            .iter()
            .map(|&index| column[index as usize])
            .collect::<Vec<_>>()
    };
    let times: TimestampMillisecondArray = pick(taken.timestamps())
        .into_iter()
        .map(|time| (time != -1).then_some(time))
        .collect();
    let mut topics = StringViewBuilder::with_capacity(indices.len());
    topics.try_append_value_n(taken.topic, indices.len())?;
    Ok([
        Arc::new(topics.finish()),
        Arc::new(Int32Array::from_value(taken.partition, indices.len())),
        Arc::new(Int64Array::from(pick(taken.offsets()))),
        Arc::new(times.with_timezone("UTC")),
    ])
}

/// `decoded` with the four columns after its own; row `i` is the record at `rows[i]`.
pub fn extend(
    decoded: &RecordBatch,
    schema: &SchemaRef,
    taken: &Taken<'_>,
    rows: &[u32],
) -> Result<RecordBatch, ArrowError> {
    let own = decoded.columns().iter().cloned();
    RecordBatch::try_new(schema.clone(), own.chain(columns(taken, rows)?).collect())
}
