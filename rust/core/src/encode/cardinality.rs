//! What a column's first values are like: how many differ, how long they are.

use std::hash::BuildHasher;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Values looked at per column, and about how many bytes of them.
const SAMPLE: usize = 4_096;
const SAMPLE_BYTES: usize = 1 << 20;

/// A look at the first values of one leaf column, nulls aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Values looked at.
    pub values: usize,
    /// How many of them differ.
    pub distinct: usize,
    /// Their bytes, together.
    pub bytes: usize,
}

impl Sample {
    /// Looks at the first values of `array`, which must not be nested. Types that it can't tell apart give an
    /// empty sample.
    pub fn of(array: &dyn Array) -> Self {
        let rows = array.len().min(SAMPLE);
        let valid = (0..rows).filter(|&row| array.is_valid(row));
        match array.data_type() {
            DataType::Utf8 => {
                let strings = array.as_string::<i32>();
                Self::count(valid.map(|row| strings.value(row).as_bytes()))
            }
            DataType::Utf8View => {
                let views = array.as_string_view();
                Self::count(valid.map(|row| views.value(row).as_bytes()))
            }
            DataType::Binary => {
                let binary = array.as_binary::<i32>();
                Self::count(valid.map(|row| binary.value(row)))
            }
            DataType::FixedSizeBinary(_) => {
                let binary = array.as_fixed_size_binary();
                Self::count(valid.map(|row| binary.value(row)))
            }
            kind => match kind.primitive_width() {
                Some(width) => {
                    let data = array.to_data();
                    let values = &data.buffers()[0].as_slice()[data.offset() * width..];
                    Self::count(valid.map(|row| &values[row * width..(row + 1) * width]))
                }
                None => Self::default(),
            },
        }
    }

    /// How many values differ in a long run of such values, if each is as likely as the others: of `distinct` values, `n`
    /// draws show `distinct * (1 - exp(-n / distinct))`. The number of values if they don't repeat.
    pub fn estimated_distinct(&self) -> usize {
        let (drawn, seen) = (self.values as f64, self.distinct as f64);
        if self.distinct == self.values {
            return usize::MAX;
        }
        let shown = |distinct: f64| distinct * -(-drawn / distinct).exp_m1();
        let (mut low, mut high) = (seen, seen * drawn);
        for _ in 0..32 {
            let middle = f64::midpoint(low, high);
            if shown(middle) < seen {
                low = middle;
            } else {
                high = middle;
            }
        }
        high as usize
    }

    /// By their hashes: that two values share one is too rare to change what is chosen.
    fn count<'a>(values: impl Iterator<Item = &'a [u8]>) -> Self {
        let hasher = RandomState::default();
        let mut distinct = HashTable::with_capacity(SAMPLE);
        let mut sample = Self::default();
        for value in values {
            sample.values += 1;
            sample.bytes += value.len();
            let hash = hasher.hash_one(value);
            if distinct.find(hash, |&other| other == hash).is_none() {
                distinct.insert_unique(hash, hash, |&other| other);
            }
            if sample.bytes >= SAMPLE_BYTES {
                break;
            }
        }
        sample.distinct = distinct.len();
        sample
    }
}

/// The leaf columns of a batch's columns, in the order in which Parquet numbers them.
pub fn leaves<'a>(columns: impl IntoIterator<Item = &'a ArrayRef>) -> Vec<ArrayRef> {
    let mut found = Vec::new();
    for column in columns {
        descend(column, &mut found);
    }
    found
}

fn descend(array: &ArrayRef, found: &mut Vec<ArrayRef>) {
    match array.data_type() {
        DataType::List(_) => descend(array.as_list::<i32>().values(), found),
        DataType::Struct(_) => array
            .as_struct()
            .columns()
            .iter()
            .for_each(|column| descend(column, found)),
        DataType::Map(_, _) => array
            .as_map()
            .entries()
            .columns()
            .iter()
            .for_each(|column| descend(column, found)),
        _ => found.push(array.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int32Array, StringArray, StructArray};
    use arrow_schema::Field;

    use super::*;

    #[test]
    fn nulls_do_not_count() {
        let array = StringArray::from(vec![Some("a"), None, Some("bc"), Some("a")]);
        assert_eq!(
            Sample::of(&array),
            Sample {
                values: 3,
                distinct: 2,
                bytes: 4
            }
        );
    }

    #[test]
    fn a_slice_is_sampled_from_its_own_start() {
        let array = Int32Array::from(vec![1, 2, 3, 3, 3]).slice(2, 3);
        assert_eq!(
            Sample::of(&array),
            Sample {
                values: 3,
                distinct: 1,
                bytes: 12
            }
        );
    }

    #[test]
    fn leaves_of_structs_are_found_in_order() {
        let inner = Arc::new(Int32Array::from(vec![1])) as ArrayRef;
        let outer = StructArray::from(vec![
            (Arc::new(Field::new("a", DataType::Int32, false)), inner),
            (
                Arc::new(Field::new("b", DataType::Utf8, false)),
                Arc::new(StringArray::from(vec!["x"])) as ArrayRef,
            ),
        ]);
        let columns = [Arc::new(outer) as ArrayRef];
        let types: Vec<DataType> = leaves(&columns)
            .iter()
            .map(|leaf| leaf.data_type().clone())
            .collect();
        assert_eq!(types, [DataType::Int32, DataType::Utf8]);
    }
}
