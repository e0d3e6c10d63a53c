//! Batches into data files and back.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray, StringViewArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use penstock_core::encode::{DataFile, EncodeConfig, Layout};

fn file_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("level", DataType::Utf8, true),
        Field::new("content", DataType::Utf8, true),
        Field::new("tokens", DataType::Int64, true),
        Field::new_list("tags", Field::new("item", DataType::Utf8, true), true),
    ]))
}

/// `rows` rows from number `first` on, their text as text.
fn batch(first: usize, rows: usize) -> RecordBatch {
    let numbers = first..first + rows;
    let ids = numbers
        .clone()
        .map(|n| format!("{:032x}", n * 0x9e37_79b9_7f4a_7c15));
    let levels = numbers
        .clone()
        .map(|n| (n % 7 != 0).then(|| ["info", "warn"][n % 2]));
    let contents = numbers
        .clone()
        .map(|n| (n % 3 != 0).then(|| "Long text. ".repeat(n % 40)));
    let tokens: Int64Array = numbers
        .clone()
        .map(|n| (n % 5 != 0).then_some(n as i64))
        .collect();
    let mut tags =
        arrow_array::builder::ListBuilder::new(arrow_array::builder::StringBuilder::new());
    for n in numbers {
        for tag in 0..n % 3 {
            tags.values().append_value(format!("tag {tag}"));
        }
        tags.append(n % 4 != 0);
    }
    let tags: ListArray = tags.finish();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(ids)),
        Arc::new(levels.collect::<StringArray>()),
        Arc::new(contents.collect::<StringArray>()),
        Arc::new(tokens),
        Arc::new(tags),
    ];
    RecordBatch::try_new(file_schema(), columns).unwrap()
}

/// The same rows, the text of their own columns as views.
fn viewed(batch: &RecordBatch) -> RecordBatch {
    let columns = batch
        .columns()
        .iter()
        .map(|column| match column.as_string_opt::<i32>() {
            Some(text) => Arc::new(StringViewArray::from(text)) as ArrayRef,
            None => column.clone(),
        });
    let names = batch
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect::<Vec<_>>();
    RecordBatch::try_from_iter_with_nullable(
        names
            .into_iter()
            .zip(columns)
            .zip(batch.schema().fields())
            .map(|((name, column), field)| (name, column, field.is_nullable())),
    )
    .unwrap()
}

fn file_of<'a>(
    batches: impl IntoIterator<Item = &'a RecordBatch>,
    config: EncodeConfig,
) -> Vec<u8> {
    let mut file = DataFile::new(file_schema(), Layout::default(), config);
    for batch in batches {
        file.append(batch).unwrap();
    }
    file.seal([("penstock.version".into(), "1".into())])
        .unwrap()
        .concat()
}

fn read(file: Vec<u8>) -> (SchemaRef, Vec<RecordBatch>) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file)).unwrap();
    let schema = reader.schema().clone();
    let batches = reader.with_batch_size(1 << 20).build().unwrap();
    (schema, batches.collect::<Result<_, _>>().unwrap())
}

#[test]
fn views_of_text_give_the_same_file_as_text() {
    let batches: Vec<RecordBatch> = [(0, 1), (1, 700), (701, 3_000)]
        .map(|(first, rows)| batch(first, rows))
        .into();
    let views: Vec<RecordBatch> = batches.iter().map(viewed).collect();
    for row_group_bytes in [16 << 20, 20_000] {
        let config = EncodeConfig {
            row_group_bytes,
            ..EncodeConfig::default()
        };
        let file = file_of(&batches, config);
        assert!(file == file_of(&views, config));
        assert!(file == file_of([&batches[0], &views[1], &batches[2]], config));
    }
}

#[test]
fn parts_of_large_batches_end_row_groups_like_small_batches() {
    let config = EncodeConfig {
        row_group_bytes: 100_000,
        ..EncodeConfig::default()
    };
    let small: Vec<RecordBatch> = (0..30).map(|part| batch(part * 100, 100)).collect();
    let large = batch(0, 3_000);
    let slabs = viewed(&large);
    let parts = |whole: &RecordBatch| -> Vec<RecordBatch> {
        (0..30).map(|part| whole.slice(part * 100, 100)).collect()
    };
    let file = file_of(&small, config);
    assert!(file == file_of(&parts(&large), config));
    assert!(file == file_of(&parts(&slabs), config));
}

#[test]
fn a_file_has_the_schema_it_was_begun_with() {
    let rows = viewed(&batch(0, 500));
    let (schema, batches) = read(file_of([&rows], EncodeConfig::default()));
    assert_eq!(schema.fields(), file_schema().fields());
    assert_eq!(batches, [batch(0, 500)]);
}

#[test]
fn a_file_without_rows_has_its_schema() {
    let (schema, batches) = read(file_of([], EncodeConfig::default()));
    assert_eq!(schema.fields(), file_schema().fields());
    assert!(batches.is_empty());
}
