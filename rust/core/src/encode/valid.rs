//! The values of an array's rows that are not null.

use std::ops::Range;

use arrow_buffer::NullBuffer;

/// Rows that are looked at together.
const GROUP: usize = 64;

/// Calls `take` with the values of `rows` that are not null, some at a time, in order. It says how many it took; with
/// less than all it ends there. How many rows were gone through.
pub fn take<T: Copy + Default>(
    values: &[T],
    nulls: Option<&NullBuffer>,
    rows: Range<usize>,
    mut take: impl FnMut(&[T]) -> usize,
) -> usize {
    let values = &values[rows.clone()];
    let Some(nulls) = nulls else {
        return take(values);
    };
    let bits = nulls.inner().slice(rows.start, rows.len());
    let mut chosen = [T::default(); GROUP];
    let groups = values.chunks(GROUP).zip(bits.bit_chunks().iter_padded());
    for (number, (group, valid)) in groups.enumerate() {
        let wanted = valid.count_ones() as usize;
        let taken = if wanted == group.len() {
            take(group)
        } else if wanted == 0 {
            continue;
        } else {
            // Each is written, and stays if it is not null: there is nothing to predict.
            let mut count = 0;
            for (row, &value) in group.iter().enumerate() {
                chosen[count % GROUP] = value;
                count += (valid >> row) as usize & 1;
            }
            take(&chosen[..wanted])
        };
        if taken < wanted {
            return number * GROUP + row_after(valid, taken);
        }
    }
    rows.len()
}

/// How many rows there are up to the one that is the last of `count` valid ones.
fn row_after(mut valid: u64, count: usize) -> usize {
    for _ in 1..count {
        valid &= valid - 1;
    }
    valid.trailing_zeros() as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes at most `most` of the values, and says which they were and how many rows that was.
    fn taken(valid: &[bool], rows: Range<usize>, most: usize) -> (Vec<usize>, usize) {
        let values: Vec<usize> = (0..valid.len()).collect();
        let nulls = NullBuffer::from(valid);
        let mut all = Vec::new();
        let gone = take(&values, Some(&nulls), rows, |some| {
            let count = some.len().min(most - all.len());
            all.extend_from_slice(&some[..count]);
            count
        });
        (all, gone)
    }

    #[test]
    fn nulls_are_left_out() {
        let valid: Vec<bool> = (0..500)
            .map(|row| row % 3 != 0 || (128..256).contains(&row))
            .collect();
        for rows in [0..500, 1..499, 70..71, 65..65, 100..300] {
            let expected: Vec<usize> = rows.clone().filter(|&row| valid[row]).collect();
            assert_eq!(taken(&valid, rows.clone(), 500), (expected, rows.len()));
        }
    }

    #[test]
    fn it_ends_after_the_last_value_that_was_taken() {
        let valid: Vec<bool> = (0..500).map(|row| row % 5 == 1).collect();
        for most in 1..90 {
            let (values, rows) = taken(&valid, 20..500, most);
            assert_eq!(values.len(), most);
            assert_eq!(rows, values[most - 1] + 1 - 20);
        }
    }
}
