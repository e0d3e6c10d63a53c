//! From the rows of an array to the values of a page or of a dictionary, by type.

use std::ops::Range;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_buffer::{
    ArrowNativeType, BooleanBuffer, BooleanBufferBuilder, NullBuffer, ScalarBuffer,
};
use arrow_schema::{ArrowError, DataType};

use super::bounds::Bounds;
use super::dictionary::Dictionary;
use super::text_page::TextPage;
use super::valid;
use super::values::Values;
use super::view::{self, Views};

/// Numbers that become views together.
const GROUP: usize = 64;

/// The dictionary that values go to instead of their page, and what became of those of the page.
#[derive(Debug)]
pub struct Indexed {
    pub dictionary: Dictionary,
    pub indices: Vec<u32>,
}

/// The rows of an array.
#[derive(Debug)]
pub struct Rows {
    values: Slots,
    nulls: Option<NullBuffer>,
}

/// A value for each row; those of nulls mean nothing.
#[derive(Debug)]
enum Slots {
    Text(Views),
    Narrow(ScalarBuffer<i32>),
    Wide(ScalarBuffer<i64>),
    Floats(ScalarBuffer<f64>),
    Booleans(BooleanBuffer),
}

impl Rows {
    /// Those of `array`, if its type is one that such `values` can be of.
    pub fn of(array: &dyn Array, values: &Values) -> Result<Self, ArrowError> {
        let kind = array.data_type();
        let slots = match (values, kind) {
            (Values::Text(_), _) => Views::of(array).map(Slots::Text),
            (Values::Narrow(_), DataType::Int32 | DataType::Date32) => {
                Some(Slots::Narrow(numbers(array)))
            }
            (Values::Wide(_), DataType::Int64 | DataType::Timestamp(_, _)) => {
                Some(Slots::Wide(numbers(array)))
            }
            (Values::Floats(_), DataType::Float64) => Some(Slots::Floats(numbers(array))),
            (Values::Booleans(_), DataType::Boolean) => {
                Some(Slots::Booleans(array.as_boolean().values().clone()))
            }
            _ => None,
        };
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        match slots {
            Some(values) => Ok(Self {
                values,
                nulls: nulls.cloned(),
            }),
            None => Err(ArrowError::SchemaError(format!(
                "values of type {kind} do not fit the file's column"
            ))),
        }
    }

    /// Takes some of the rows into `values`, or the dictionary, until a page of them is full; how many.
    pub fn take(
        &self,
        rows: &Range<usize>,
        values: &mut Values,
        indexed: Option<&mut Indexed>,
        bounds: Option<&mut Bounds>,
    ) -> usize {
        let nulls = self.nulls.as_ref();
        match (&self.values, values) {
            (Slots::Text(views), Values::Text(page)) => {
                take_text(views, nulls, rows, page, indexed, bounds)
            }
            (Slots::Narrow(all), Values::Narrow(values)) => {
                take_numbers(all, nulls, rows, values, indexed, bounds)
            }
            (Slots::Wide(all), Values::Wide(values)) => {
                take_numbers(all, nulls, rows, values, indexed, bounds)
            }
            (Slots::Floats(all), Values::Floats(values)) => {
                take_numbers(all, nulls, rows, values, indexed, bounds)
            }
            (Slots::Booleans(all), Values::Booleans(values)) => {
                take_booleans(all, nulls, rows, values, bounds)
            }
            // `of` has refused what does not fit.
            _ => rows.len(),
        }
    }
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "an exclusive reference, used up here"
)]
fn take_text(
    Views { views, buffers }: &Views,
    nulls: Option<&NullBuffer>,
    rows: &Range<usize>,
    page: &mut TextPage,
    indexed: Option<&mut Indexed>,
    mut bounds: Option<&mut Bounds>,
) -> usize {
    let Some(indexed) = indexed else {
        return valid::take(views, nulls, rows, |some| {
            page.take(some, buffers, bounds.as_deref_mut())
        });
    };
    let Indexed {
        dictionary,
        indices,
    } = indexed;
    let known = dictionary.len();
    let count = valid::take(views, nulls, rows, |some| {
        dictionary.take(some, buffers, indices)
    });
    if let Some(bounds) = bounds {
        dictionary.observe(known, bounds);
    }
    count
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "an exclusive reference, used up here"
)]
fn take_numbers<T: Number>(
    all: &[T],
    nulls: Option<&NullBuffer>,
    rows: &Range<usize>,
    values: &mut Vec<T>,
    indexed: Option<&mut Indexed>,
    mut bounds: Option<&mut Bounds>,
) -> usize {
    let Some(indexed) = indexed else {
        let before = values.len();
        let count = valid::take(all, nulls, rows, |some| {
            values.extend_from_slice(some);
            None
        });
        if let Some(bounds) = bounds {
            T::observe(&values[before..], bounds);
        }
        return count;
    };
    let Indexed {
        dictionary,
        indices,
    } = indexed;
    valid::take(all, nulls, rows, |some| {
        let mut groups = some.chunks(GROUP).enumerate();
        let end = groups.find_map(|(number, group)| {
            let mut views = [0; GROUP];
            for (view, &value) in views.iter_mut().zip(group) {
                *view = value.view();
            }
            let end = dictionary.take(&views[..group.len()], &[], indices)?;
            Some(number * GROUP + end)
        });
        if let Some(bounds) = &mut bounds {
            T::observe(&some[..end.unwrap_or(some.len())], bounds);
        }
        end
    })
}

fn take_booleans(
    all: &BooleanBuffer,
    nulls: Option<&NullBuffer>,
    rows: &Range<usize>,
    values: &mut BooleanBufferBuilder,
    bounds: Option<&mut Bounds>,
) -> usize {
    let bits = all.slice(rows.start, rows.len());
    let bits = match nulls {
        None => bits,
        Some(nulls) => {
            let valid = nulls.inner().slice(rows.start, rows.len());
            valid.set_indices().map(|row| bits.value(row)).collect()
        }
    };
    values.append_buffer(&bits);
    if let Some(bounds) = bounds {
        bounds.observe_booleans(&bits);
    }
    rows.len()
}

/// A number of a fixed width.
trait Number: ArrowNativeType {
    fn view(self) -> u128;

    fn observe(numbers: &[Self], bounds: &mut Bounds);
}

impl Number for i32 {
    fn view(self) -> u128 {
        view::of_number(u64::from(self as u32), 4)
    }

    fn observe(numbers: &[Self], bounds: &mut Bounds) {
        bounds.observe_integers(numbers);
    }
}

impl Number for i64 {
    fn view(self) -> u128 {
        view::of_number(self as u64, 8)
    }

    fn observe(numbers: &[Self], bounds: &mut Bounds) {
        bounds.observe_integers(numbers);
    }
}

impl Number for f64 {
    fn view(self) -> u128 {
        view::of_number(self.to_bits(), 8)
    }

    fn observe(numbers: &[Self], bounds: &mut Bounds) {
        bounds.observe_floats(numbers);
    }
}

fn numbers<T: ArrowNativeType>(array: &dyn Array) -> ScalarBuffer<T> {
    let data = array.to_data();
    ScalarBuffer::new(data.buffers()[0].clone(), data.offset(), data.len())
}
