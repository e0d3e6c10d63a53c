//! How single columns are encoded, and that other readers find in them what was put in.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray,
};
use arrow_schema::{Field, Schema};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use penstock_core::encode::{DataFile, EncodeConfig, Layout};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

/// The file of one column of these arrays.
fn file_of(arrays: &[ArrayRef], config: EncodeConfig) -> Bytes {
    let field = Field::new("column", arrays[0].data_type().clone(), true);
    let schema = Arc::new(Schema::new(vec![field]));
    let mut file = DataFile::new(schema.clone(), Layout::default(), config);
    for array in arrays {
        let batch = RecordBatch::try_new(schema.clone(), vec![array.clone()]).unwrap();
        file.append(&batch).unwrap();
    }
    file.seal([]).unwrap().concat().into()
}

fn read(file: &Bytes) -> Vec<ArrayRef> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap();
    let batches = reader.with_batch_size(1 << 20).build().unwrap();
    batches
        .map(|batch| batch.unwrap().column(0).clone())
        .collect()
}

/// The chunk of the first row group.
fn chunk_of(array: ArrayRef) -> ColumnChunkMetaData {
    let file = file_of(&[array], EncodeConfig::default());
    let reader = SerializedFileReader::new(file).unwrap();
    reader.metadata().row_group(0).column(0).clone()
}

fn encodings_of(array: ArrayRef) -> Vec<Encoding> {
    chunk_of(array)
        .encodings()
        .filter(|encoding| *encoding != Encoding::RLE)
        .collect()
}

/// Without a pattern that a compressor could find.
fn scattered(number: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn text(rows: u64, of: impl Fn(u64) -> String) -> ArrayRef {
    Arc::new(StringArray::from_iter_values((0..rows).map(of)))
}

#[test]
fn text_that_repeats_has_a_dictionary() {
    let levels = text(4_000, |row| {
        ["info", "warn", "error"][row as usize % 3].into()
    });
    assert_eq!(
        encodings_of(levels),
        [Encoding::PLAIN, Encoding::RLE_DICTIONARY]
    );
    let agents = text(4_000, |row| format!("agent-{:05}", scattered(row) % 2_000));
    assert_eq!(
        encodings_of(agents),
        [Encoding::PLAIN, Encoding::RLE_DICTIONARY]
    );
}

#[test]
fn ids_and_long_text_have_lengths_and_text() {
    let ids = text(4_000, |row| format!("{:016x}", scattered(row)));
    assert_eq!(encodings_of(ids), [Encoding::DELTA_LENGTH_BYTE_ARRAY]);
    let contents = text(4_000, |row| format!("{row} ").repeat(100));
    assert_eq!(encodings_of(contents), [Encoding::DELTA_LENGTH_BYTE_ARRAY]);
}

#[test]
fn numbers_are_packed_by_their_type() {
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values(0..4_000));
    assert_eq!(encodings_of(times), [Encoding::DELTA_BINARY_PACKED]);
    let latencies: Float64Array = (0..4_000).map(|row| Some(scattered(row) as f64)).collect();
    assert_eq!(
        encodings_of(Arc::new(latencies)),
        [Encoding::BYTE_STREAM_SPLIT]
    );
    let flags: BooleanArray = (0..4_000).map(|row| Some(row % 3 == 0)).collect();
    assert_eq!(encodings_of(Arc::new(flags)), [Encoding::PLAIN]);
    let partitions = Int32Array::from_value(7, 4_000);
    assert_eq!(
        encodings_of(Arc::new(partitions)),
        [Encoding::PLAIN, Encoding::RLE_DICTIONARY]
    );
}

#[test]
fn what_does_not_shrink_is_not_compressed() {
    let noise: Int64Array = (0..4_000).map(|row| Some(scattered(row) as i64)).collect();
    assert_eq!(
        chunk_of(Arc::new(noise)).compression(),
        Compression::UNCOMPRESSED
    );
    let ids = text(4_000, |row| format!("{:016x}", scattered(row)));
    assert!(matches!(chunk_of(ids).compression(), Compression::ZSTD(_)));
}

#[test]
fn a_dictionary_that_grows_too_large_is_given_up() {
    let first = text(4_000, |row| format!("{}", row % 10));
    let then = text(50_000, |row| format!("{:016x}", scattered(row)));
    let file = file_of(&[first.clone(), then.clone()], EncodeConfig::default());
    let reader = SerializedFileReader::new(file.clone()).unwrap();
    let encodings: Vec<Encoding> = reader
        .metadata()
        .row_group(0)
        .column(0)
        .encodings()
        .collect();
    assert!(encodings.contains(&Encoding::RLE_DICTIONARY));
    assert!(encodings.contains(&Encoding::DELTA_LENGTH_BYTE_ARRAY));
    let expected = arrow_select::concat::concat(&[&first, &then]).unwrap();
    assert_eq!(read(&file), [expected]);
}

/// Every row whose number is no multiple of `each`, the others null.
fn text_with_nulls(rows: u64, each: u64, of: impl Fn(u64) -> String) -> ArrayRef {
    let rows = (0..rows).map(|row| (row % each != 0).then(|| of(row)));
    Arc::new(rows.collect::<StringArray>())
}

/// The encoding of the values of a page, and how they come back.
fn check_encoded(arrays: &[ArrayRef], encodings: &[Encoding]) {
    let file = file_of(arrays, EncodeConfig::default());
    let reader = SerializedFileReader::new(file.clone()).unwrap();
    let chunk = reader.metadata().row_group(0).column(0);
    let found: Vec<Encoding> = chunk.encodings().collect();
    for encoding in encodings {
        assert!(found.contains(encoding), "{encoding} of {found:?}");
    }
    let expected: Vec<_> = arrays.iter().map(|array| &**array).collect();
    let expected = arrow_select::concat::concat(&expected).unwrap();
    assert_eq!(read(&file), [expected]);
}

#[test]
fn values_of_every_length_are_told_apart() {
    // They differ at one place each: the first one, the last one or one between.
    let of = |row: u64| {
        let length = (row / 4) as usize % 70;
        let mut value = vec![b'a'; length];
        let places = [0, length / 2, length.saturating_sub(1)];
        if let (Some(&place), true) = (places.get(row as usize % 4), length > 0) {
            value[place] = b'b';
        }
        String::from_utf8(value).unwrap()
    };
    let repeated = text_with_nulls(5_000, 7, |row| of(scattered(row) % 280));
    check_encoded(&[repeated], &[Encoding::RLE_DICTIONARY]);
    let lengths = text_with_nulls(5_000, 7, |row| format!("{row}{}", of(row)));
    check_encoded(&[lengths], &[Encoding::DELTA_LENGTH_BYTE_ARRAY]);
}

#[test]
fn a_dictionary_may_be_full_between_nulls() {
    let first = text_with_nulls(4_000, 3, |row| format!("{}", row % 10));
    let then = text_with_nulls(50_000, 3, |row| format!("{:016x}", scattered(row)));
    let encodings = [Encoding::RLE_DICTIONARY, Encoding::DELTA_LENGTH_BYTE_ARRAY];
    check_encoded(&[first, then], &encodings);
    let numbers = |rows: u64, of: fn(u64) -> u64| -> ArrayRef {
        let rows = (0..rows).map(|row| (row % 3 != 0).then(|| of(row) as i64));
        Arc::new(rows.collect::<Int64Array>())
    };
    let encodings = [Encoding::RLE_DICTIONARY, Encoding::DELTA_BINARY_PACKED];
    check_encoded(
        &[numbers(4_000, |row| row % 10), numbers(70_000, scattered)],
        &encodings,
    );
}

#[test]
fn pages_may_be_full_between_nulls() {
    let long = text_with_nulls(3_000, 3, |row| format!("{row} ").repeat(row as usize % 400));
    check_encoded(&[long], &[Encoding::DELTA_LENGTH_BYTE_ARRAY]);
    let longest = text(3, |row| "x".repeat((row as usize * 3) << 20));
    check_encoded(&[longest], &[]);
}

#[test]
fn deltas_of_every_width_come_back() {
    for width in 0..64 {
        let wide = |row: u64| ((scattered(row) >> 1) & ((1 << width) - 1)) as i64;
        let numbers: Int64Array = (0..1_100).map(|row| Some(wide(row))).collect();
        check(Arc::new(numbers), EncodeConfig::default());
        let numbers: Int32Array = (0..1_100).map(|row| Some(wide(row) as i32)).collect();
        check(Arc::new(numbers), EncodeConfig::default());
    }
}

#[test]
fn dictionaries_of_every_size_come_back() {
    for bits in 0..14 {
        let distinct = 1 << bits;
        let of = |row: u64| format!("{:x}", scattered(row) % distinct);
        check(text(20_011, of), EncodeConfig::default());
    }
}

#[test]
fn floats_have_bounds_whatever_else_there_is() {
    let bounds = |rows: &[f64]| {
        let array: Float64Array = rows.iter().copied().map(Some).collect();
        match chunk_of(Arc::new(array)).statistics() {
            Some(Statistics::Double(found)) => (found.min_opt().copied(), found.max_opt().copied()),
            _ => unreachable!("doubles have statistics of doubles"),
        }
    };
    let (nan, most) = (f64::NAN, f64::INFINITY);
    assert_eq!(bounds(&[nan; 20]), (None, None));
    assert_eq!(bounds(&[nan, most]), (Some(most), Some(most)));
    let mut rows = [nan; 20];
    (rows[3], rows[12], rows[19]) = (-2.5, 7.0, -3.0);
    assert_eq!(bounds(&rows), (Some(-3.0), Some(7.0)));
}

#[test]
fn statistics_are_bounds_and_nulls() {
    let rows = [Some("b"), None, Some("aa"), Some("a"), Some("\u{e9}")];
    let array: ArrayRef = Arc::new(rows.into_iter().collect::<StringArray>());
    let chunk = chunk_of(array);
    let statistics = chunk.statistics().unwrap();
    assert_eq!(statistics.min_bytes_opt(), Some(&b"a"[..]));
    assert_eq!(statistics.max_bytes_opt(), Some("\u{e9}".as_bytes()));
    assert_eq!(statistics.null_count_opt(), Some(1));
    assert!(statistics.min_is_exact() && statistics.max_is_exact());
    let floats: Float64Array = [Some(0.0), Some(f64::NAN), None, Some(-1.5)]
        .into_iter()
        .collect();
    let chunk = chunk_of(Arc::new(floats));
    let Some(Statistics::Double(statistics)) = chunk.statistics() else {
        unreachable!("doubles have statistics of doubles");
    };
    assert_eq!(
        (statistics.min_opt(), statistics.max_opt()),
        (Some(&-1.5), Some(&0.0))
    );
    let nulls = chunk_of(Arc::new(Int64Array::new_null(5)));
    assert_eq!(nulls.statistics().unwrap().min_bytes_opt(), None);
    assert_eq!(nulls.statistics().unwrap().null_count_opt(), Some(5));
}

#[test]
fn statistics_of_one_long_value_are_cut_to_bounds() {
    let long = "\u{e9}".repeat(40);
    let array = StringArray::from_iter_values((0..100).map(|_| "z").chain([&*long, "a\u{e9}"]));
    let chunk = chunk_of(Arc::new(array));
    let statistics = chunk.statistics().unwrap();
    assert_eq!(statistics.min_bytes_opt(), Some("a\u{e9}".as_bytes()));
    // Nothing but characters that have no successor of one byte: no upper bound.
    assert_eq!(statistics.max_bytes_opt(), None);
    let long = format!("z{}", "y".repeat(99));
    let array = StringArray::from_iter_values((0..100).map(|_| "a").chain([&*long]));
    let chunk = chunk_of(Arc::new(array));
    let statistics = chunk.statistics().unwrap();
    let bound = statistics.max_bytes_opt().unwrap();
    assert!(bound > long.as_bytes() && bound.len() <= 64 && !statistics.max_is_exact());
}

#[test]
fn long_text_has_no_statistics() {
    let contents = text(100, |row| format!("{row} ").repeat(100));
    assert!(chunk_of(contents).statistics().is_none());
}

/// Values of a few kinds: some repeat, some are of the largest, some of any.
fn numbers() -> impl Strategy<Value = Vec<Option<i64>>> {
    let number = prop_oneof![0..3_i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX)];
    vec(weighted(0.8, number), 1..700)
}

fn strings() -> impl Strategy<Value = Vec<Option<String>>> {
    let string = prop_oneof!["[ab]{0,2}", "[a-z]{0,40}", ".{0,9}", "[0-9a-f]{16,17}"];
    vec(weighted(0.8, string), 1..700)
}

/// One row group, or many.
fn configs() -> impl Strategy<Value = EncodeConfig> {
    prop_oneof![Just(16 << 20), 1..3_000_usize].prop_map(|row_group_bytes| EncodeConfig {
        row_group_bytes,
        ..EncodeConfig::default()
    })
}

fn check(array: ArrayRef, config: EncodeConfig) {
    let middle = array.len() / 3;
    let parts = [
        array.slice(0, middle),
        array.slice(middle, array.len() - middle),
    ];
    let found = read(&file_of(&parts, config));
    let found: Vec<_> = found.iter().map(|array| &**array).collect();
    assert_eq!(&arrow_select::concat::concat(&found).unwrap(), &array);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn numbers_come_back(rows in numbers(), config in configs()) {
        let narrow = rows.iter().map(|row| row.map(|value| value as i32));
        check(Arc::new(rows.iter().copied().collect::<Int64Array>()), config);
        check(Arc::new(narrow.clone().collect::<Int32Array>()), config);
        check(Arc::new(narrow.collect::<Date32Array>()), config);
        check(Arc::new(rows.iter().copied().collect::<TimestampMicrosecondArray>()), config);
        let floats = rows.iter().map(|row| row.map(|value| f64::from_bits(value as u64)));
        check(Arc::new(floats.filter(|row| row.is_none_or(|value| !value.is_nan())).chain([None]).collect::<Float64Array>()), config);
        check(Arc::new(rows.iter().map(|row| row.map(|value| value % 2 == 0)).collect::<BooleanArray>()), config);
    }

    #[test]
    fn text_comes_back(rows in strings(), config in configs()) {
        let text: StringArray = rows.iter().map(Option::as_deref).collect();
        let bytes: BinaryArray = rows.iter().map(|row| row.as_deref().map(str::as_bytes)).collect();
        check(Arc::new(text), config);
        check(Arc::new(bytes), config);
    }

    #[test]
    fn bounds_hold(rows in strings()) {
        let text: StringArray = rows.iter().map(Option::as_deref).collect();
        let chunk = chunk_of(Arc::new(text));
        let statistics = chunk.statistics().unwrap();
        for value in rows.iter().flatten() {
            assert!(statistics.min_bytes_opt().is_none_or(|bound| bound <= value.as_bytes()));
            assert!(statistics.max_bytes_opt().is_none_or(|bound| bound >= value.as_bytes()));
        }
    }
}

#[test]
fn views_of_views_come_back_as_text() {
    let views: StringViewArray = (0..3_000)
        .map(|row| (row % 9 != 0).then(|| "x".repeat(row % 30)))
        .collect();
    let text: StringArray = views.iter().collect();
    let schema = Arc::new(Schema::new(vec![Field::new(
        "column",
        arrow_schema::DataType::Utf8,
        true,
    )]));
    let batch = RecordBatch::try_from_iter([("column", Arc::new(views) as ArrayRef)]).unwrap();
    let mut file = DataFile::new(schema, Layout::default(), EncodeConfig::default());
    file.append(&batch.slice(1_000, 1_500)).unwrap();
    let found = read(&file.seal([]).unwrap().concat().into());
    assert_eq!(found, [Arc::new(text.slice(1_000, 1_500)) as ArrayRef]);
}
