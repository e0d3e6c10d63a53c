//! The values of a page that is being filled, by physical type.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayAccessor};
use arrow_buffer::{ArrowNativeType, BooleanBufferBuilder, NullBuffer};
use arrow_schema::{ArrowError, DataType};
use parquet::basic::Encoding;

use super::bounds::Bounds;
use super::dictionary::Dictionary;
use super::packing;

/// Room before the text for what a page has there: it is written when the page is full, and the text is not moved.
const HEADROOM: usize = 64 << 10;

/// A page is full with about this many bytes of values.
pub const PAGE_BYTES: usize = 1 << 20;

/// Values without their nulls.
#[derive(Debug)]
pub enum Values {
    /// Lengths, and the text after the headroom.
    Text {
        lengths: Vec<i64>,
        text: Vec<u8>,
    },
    /// Of 32 bits if narrow, else of 64.
    Integers {
        values: Vec<i64>,
        narrow: bool,
    },
    Floats(Vec<f64>),
    Booleans(BooleanBufferBuilder),
}

/// The dictionary that values go to instead, and what became of those of the page.
#[derive(Debug)]
pub struct Indexed {
    pub dictionary: Dictionary,
    pub indices: Vec<u32>,
}

impl Values {
    /// For columns of this type, unless it is left to the Parquet library.
    pub fn of(kind: &DataType) -> Option<Self> {
        Some(match kind {
            DataType::Utf8 | DataType::Binary => Self::Text {
                lengths: Vec::new(),
                text: vec![0; HEADROOM],
            },
            DataType::Int64 | DataType::Timestamp(_, _) => Self::Integers {
                values: Vec::new(),
                narrow: false,
            },
            DataType::Int32 | DataType::Date32 => Self::Integers {
                values: Vec::new(),
                narrow: true,
            },
            DataType::Float64 => Self::Floats(Vec::new()),
            DataType::Boolean => Self::Booleans(BooleanBufferBuilder::new(0)),
            _ => return None,
        })
    }

    /// Takes rows of `array` until the page is full; how many.
    pub fn take(
        &mut self,
        array: &dyn Array,
        rows: Range<usize>,
        indexed: Option<&mut Indexed>,
        bounds: Option<&mut Bounds>,
    ) -> Result<usize, ArrowError> {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        match (self, array.data_type()) {
            (Self::Text { lengths, text }, kind) => {
                let page = TextPage {
                    lengths,
                    text,
                    indexed,
                    bounds,
                };
                match kind {
                    DataType::Utf8 => Ok(page.take(&array.as_string::<i32>(), nulls, rows)),
                    DataType::Utf8View => Ok(page.take(&array.as_string_view(), nulls, rows)),
                    DataType::Binary => Ok(page.take(&array.as_binary::<i32>(), nulls, rows)),
                    other => Err(unexpected(other)),
                }
            }
            (Self::Integers { values, narrow }, kind) => {
                let taken = values.len();
                match (kind.primitive_width(), *narrow) {
                    (Some(8), false) => extend(values, array, nulls, &rows, |value: i64| value),
                    (Some(4), true) => {
                        extend(values, array, nulls, &rows, |value: i32| value.into());
                    }
                    _ => return Err(unexpected(kind)),
                }
                if let Some(bounds) = bounds {
                    bounds.observe_integers(&values[taken..]);
                }
                if let Some(indexed) = indexed {
                    let width = if *narrow { 4 } else { 8 };
                    indexed.take(values.drain(taken..).map(i64::to_le_bytes), width);
                }
                Ok(rows.len())
            }
            (Self::Floats(values), DataType::Float64) => {
                let taken = values.len();
                extend(values, array, nulls, &rows, |value: f64| value);
                if let Some(bounds) = bounds {
                    bounds.observe_floats(&values[taken..]);
                }
                if let Some(indexed) = indexed {
                    indexed.take(values.drain(taken..).map(f64::to_le_bytes), 8);
                }
                Ok(rows.len())
            }
            (Self::Booleans(values), DataType::Boolean) => {
                let bits = array.as_boolean().values();
                let taken = values.len();
                match nulls {
                    None => values.append_buffer(&bits.slice(rows.start, rows.len())),
                    Some(nulls) => {
                        valid(nulls, &rows).for_each(|row| values.append(bits.value(row)));
                    }
                }
                if let Some(bounds) = bounds {
                    bounds.observe_booleans((taken..values.len()).map(|at| values.get_bit(at)));
                }
                Ok(rows.len())
            }
            (_, other) => Err(unexpected(other)),
        }
    }

    /// The body of the page that begins with `head` and has the values after it; the page is empty then. It lies in `head`
    /// or in the values.
    pub fn body<'a>(&'a mut self, head: &'a mut Vec<u8>) -> &'a [u8] {
        match self {
            Self::Text { lengths, text } => {
                packing::deltas(head, lengths, true);
                if let Some(start) = HEADROOM.checked_sub(head.len()) {
                    text[start..HEADROOM].copy_from_slice(head);
                    &text[start..]
                } else {
                    head.extend_from_slice(&text[HEADROOM..]);
                    head
                }
            }
            Self::Integers { values, narrow } => {
                packing::deltas(head, values, *narrow);
                head
            }
            Self::Floats(values) => {
                for byte in 0..8 {
                    head.extend(
                        values
                            .iter()
                            .map(|value| (value.to_bits() >> (8 * byte)) as u8),
                    );
                }
                head
            }
            Self::Booleans(values) => {
                head.extend_from_slice(values.as_slice());
                head
            }
        }
    }

    /// How `body` encodes them.
    pub fn encoding(&self) -> Encoding {
        match self {
            Self::Text { .. } => Encoding::DELTA_LENGTH_BYTE_ARRAY,
            Self::Integers { .. } => Encoding::DELTA_BINARY_PACKED,
            Self::Floats(_) => Encoding::BYTE_STREAM_SPLIT,
            Self::Booleans(_) => Encoding::PLAIN,
        }
    }

    /// Forgets all values and keeps the memory.
    pub fn clear(&mut self) {
        match self {
            Self::Text { lengths, text } => {
                lengths.clear();
                text.truncate(HEADROOM);
            }
            Self::Integers { values, .. } => values.clear(),
            Self::Floats(values) => values.clear(),
            Self::Booleans(values) => values.truncate(0),
        }
    }

    /// Gives back the memory of an empty page.
    pub fn release(&mut self) {
        match self {
            Self::Text { lengths, text } => {
                *lengths = Vec::new();
                text.shrink_to_fit();
            }
            Self::Integers { values, .. } => *values = Vec::new(),
            Self::Floats(values) => *values = Vec::new(),
            Self::Booleans(values) => *values = BooleanBufferBuilder::new(0),
        }
    }

    /// About how many bytes they have on the page.
    pub fn size(&self) -> usize {
        match self {
            Self::Text { lengths, text } => text.len() - HEADROOM + lengths.len(),
            Self::Integers { values, .. } => 4 * values.len(),
            Self::Floats(values) => 8 * values.len(),
            Self::Booleans(values) => values.len() / 8,
        }
    }

    /// Bytes of memory held, without the headroom, which is address space.
    pub fn memory_size(&self) -> usize {
        match self {
            Self::Text { lengths, text } => text.capacity() - HEADROOM + 8 * lengths.capacity(),
            Self::Integers { values, .. } => 8 * values.capacity(),
            Self::Floats(values) => 8 * values.capacity(),
            Self::Booleans(values) => values.capacity() / 8,
        }
    }
}

struct TextPage<'a> {
    lengths: &'a mut Vec<i64>,
    text: &'a mut Vec<u8>,
    indexed: Option<&'a mut Indexed>,
    bounds: Option<&'a mut Bounds>,
}

impl TextPage<'_> {
    fn take<'a, T: AsRef<[u8]> + ?Sized + 'a>(
        mut self,
        array: &impl ArrayAccessor<Item = &'a T>,
        nulls: Option<&NullBuffer>,
        rows: Range<usize>,
    ) -> usize {
        let start = rows.start;
        for row in rows.clone() {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            if self.push(array.value(row).as_ref()) {
                return row + 1 - start;
            }
        }
        rows.len()
    }

    /// Takes a value; whether the page is full then.
    fn push(&mut self, value: &[u8]) -> bool {
        if let Some(Indexed {
            dictionary,
            indices,
        }) = &mut self.indexed
        {
            let (index, is_new) = dictionary.index_of(value);
            indices.push(index);
            if is_new && let Some(bounds) = &mut self.bounds {
                bounds.observe_text(value);
            }
            dictionary.is_full()
        } else {
            self.lengths.push(value.len() as i64);
            self.text.extend_from_slice(value);
            if let Some(bounds) = &mut self.bounds {
                bounds.observe_text(value);
            }
            self.text.len() >= HEADROOM + PAGE_BYTES
        }
    }
}

impl Indexed {
    fn take(&mut self, values: impl Iterator<Item = [u8; 8]>, width: usize) {
        let Self {
            dictionary,
            indices,
        } = self;
        indices.extend(values.map(|value| dictionary.index_of(&value[..width]).0));
    }
}

fn extend<T: ArrowNativeType, U>(
    values: &mut Vec<U>,
    array: &dyn Array,
    nulls: Option<&NullBuffer>,
    rows: &Range<usize>,
    convert: impl Fn(T) -> U,
) {
    let data = array.to_data();
    let all = &data.buffer::<T>(0)[..data.len()];
    match nulls {
        None => values.extend(all[rows.clone()].iter().map(|&value| convert(value))),
        Some(nulls) => values.extend(valid(nulls, rows).map(|row| convert(all[row]))),
    }
}

fn valid(nulls: &NullBuffer, rows: &Range<usize>) -> impl Iterator<Item = usize> {
    let start = rows.start;
    let part = nulls.inner().slice(start, rows.len());
    let rows: Vec<usize> = part.set_indices().map(|row| start + row).collect();
    rows.into_iter()
}

fn unexpected(kind: &DataType) -> ArrowError {
    ArrowError::SchemaError(format!(
        "values of type {kind} do not fit the file's column"
    ))
}
