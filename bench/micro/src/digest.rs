//! What a reader found, in a form that readers in other languages can make too: see `bench/decoding/digest.py`.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use serde_json::{Value, json};

/// Where the values of a record go. A leaf is a number into a reader's list of names.
pub trait Sink {
    fn row(&mut self);
    fn text(&mut self, leaf: usize, value: &str);
    fn integer(&mut self, leaf: usize, value: i64);
    fn number(&mut self, leaf: usize, value: f64);
    fn boolean(&mut self, leaf: usize, value: bool);
}

/// What keeps the timed passes from being optimised away.
#[derive(Default)]
pub struct Checksum(pub u64);

impl Sink for Checksum {
    fn row(&mut self) {}
    fn text(&mut self, _leaf: usize, value: &str) {
        let last = value.as_bytes().last().copied().unwrap_or_default();
        self.0 = self.0.wrapping_add(value.len() as u64 + u64::from(last));
    }
    fn integer(&mut self, _leaf: usize, value: i64) {
        self.0 = self.0.wrapping_add(value.cast_unsigned());
    }
    fn number(&mut self, _leaf: usize, value: f64) {
        self.0 = self.0.wrapping_add(value.to_bits());
    }
    fn boolean(&mut self, _leaf: usize, value: bool) {
        self.0 = self.0.wrapping_add(u64::from(value));
    }
}

/// Of the values of one leaf.
#[derive(Default)]
struct Leaf {
    values: u64,
    /// Of text.
    bytes: u64,
    /// Each value weighs by its row and its place.
    sum: u64,
}

impl Leaf {
    fn add(&mut self, row: u64, value: u64, bytes: usize) {
        let weight = 2 * (row * 1_000_003 + self.values) + 1;
        self.values += 1;
        self.bytes += bytes as u64;
        self.sum = self.sum.wrapping_add(value.wrapping_mul(weight));
    }
}

/// Rows, and per leaf values, bytes and a sum.
#[derive(Default)]
pub struct Digest {
    pub rows: u64,
    leaves: BTreeMap<String, Leaf>,
}

impl Digest {
    /// `{leaf: [values, bytes, sum]}`.
    pub fn as_json(&self) -> Value {
        let leaves = self.leaves.iter();
        leaves
            .map(|(name, leaf)| (name.clone(), json!([leaf.values, leaf.bytes, leaf.sum])))
            .collect()
    }

    /// Add the rows of a batch.
    pub fn add_batch(&mut self, batch: &RecordBatch) -> Result<(), String> {
        let rows: Vec<u64> = (self.rows..).take(batch.num_rows()).collect();
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            self.add_array(field.name(), array, &rows)?;
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// `rows` says of which row each of the array's values is.
    fn add_array(&mut self, path: &str, array: &ArrayRef, rows: &[u64]) -> Result<(), String> {
        match array.data_type() {
            DataType::Struct(fields) => {
                for (field, child) in fields.iter().zip(array.as_struct().columns()) {
                    self.add_array(&format!("{path}.{}", field.name()), child, rows)?;
                }
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                let start = list.value_offsets()[0] as usize;
                let inner: Vec<u64> = (rows.iter().enumerate())
                    .flat_map(|(index, &row)| {
                        std::iter::repeat_n(row, list.value_length(index) as usize)
                    })
                    .collect();
                self.add_array(path, &list.values().slice(start, inner.len()), &inner)?;
            }
            _ => self.add_leaf(path, array, rows)?,
        }
        Ok(())
    }

    fn add_leaf(&mut self, path: &str, array: &ArrayRef, rows: &[u64]) -> Result<(), String> {
        let leaf = self.leaves.entry(path.to_owned()).or_default();
        let there = (0..array.len()).filter(|&index| array.is_valid(index));
        for index in there {
            let (value, bytes) = match array.data_type() {
                DataType::Utf8 => text(array.as_string::<i32>().value(index)),
                DataType::Utf8View => text(array.as_string_view().value(index)),
                DataType::Int64 => (
                    array
                        .as_primitive::<Int64Type>()
                        .value(index)
                        .cast_unsigned(),
                    0,
                ),
                DataType::Float64 => (
                    array.as_primitive::<Float64Type>().value(index).to_bits(),
                    0,
                ),
                DataType::Boolean => (u64::from(array.as_boolean().value(index)), 0),
                other => return Err(format!("{path} is {other}")),
            };
            leaf.add(rows[index], value, bytes);
        }
        Ok(())
    }
}

fn text(value: &str) -> (u64, usize) {
    (u64::from(crc32fast::hash(value.as_bytes())), value.len())
}

/// A digest by numbers of leaves.
pub struct Digesting {
    digest: Digest,
    names: &'static [&'static str],
}

impl Digesting {
    pub fn new(names: &'static [&'static str]) -> Self {
        let leaves = names
            .iter()
            .map(|&name| (name.to_owned(), Leaf::default()))
            .collect();
        Self {
            digest: Digest { rows: 0, leaves },
            names,
        }
    }

    pub fn finish(self) -> Digest {
        self.digest
    }

    fn add(&mut self, leaf: usize, value: u64, bytes: usize) {
        if let Some(leaf) = self.digest.leaves.get_mut(self.names[leaf]) {
            leaf.add(self.digest.rows - 1, value, bytes);
        }
    }
}

impl Sink for Digesting {
    fn row(&mut self) {
        self.digest.rows += 1;
    }
    fn text(&mut self, leaf: usize, value: &str) {
        let (hash, bytes) = text(value);
        self.add(leaf, hash, bytes);
    }
    fn integer(&mut self, leaf: usize, value: i64) {
        self.add(leaf, value.cast_unsigned(), 0);
    }
    fn number(&mut self, leaf: usize, value: f64) {
        self.add(leaf, value.to_bits(), 0);
    }
    fn boolean(&mut self, leaf: usize, value: bool) {
        self.add(leaf, u64::from(value), 0);
    }
}
