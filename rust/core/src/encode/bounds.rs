//! The smallest and the largest value of a column chunk.

use arrow_buffer::{BooleanBuffer, Buffer};
use parquet::file::statistics::{Statistics, ValueStatistics};

use super::packing::Integer;
use super::values::Values;
use super::view;
use crate::simd::{Backend, Isa, Kernel};

/// Text in statistics has at most this many bytes.
const MOST_BYTES: usize = 64;

/// Of one column chunk, by what its values are.
#[derive(Debug)]
pub enum Bounds {
    Text(TextBounds),
    Integers {
        bounds: Option<(i64, i64)>,
        narrow: bool,
    },
    Floats(Option<(f64, f64)>),
    Booleans(Option<(bool, bool)>),
}

impl Bounds {
    /// None yet, for values like these.
    pub fn of(values: &Values) -> Self {
        match values {
            Values::Text(_) => Self::Text(TextBounds::default()),
            Values::Narrow(_) => Self::Integers {
                bounds: None,
                narrow: true,
            },
            Values::Wide(_) => Self::Integers {
                bounds: None,
                narrow: false,
            },
            Values::Floats(_) => Self::Floats(None),
            Values::Booleans(_) => Self::Booleans(None),
        }
    }

    /// Takes one more text into account.
    pub fn observe_text(&mut self, value: &[u8]) {
        if let Self::Text(bounds) = self {
            bounds.observe(value);
        }
    }

    /// Takes one more text into account.
    #[inline(always)]
    pub fn observe_view(&mut self, view: u128, buffers: &[Buffer]) {
        if let Self::Text(bounds) = self
            && bounds.may_grow(view)
        {
            view::with(view, buffers, |value| bounds.observe(value));
        }
    }

    /// Takes more integers into account.
    pub fn observe_integers<T: Integer>(&mut self, values: &[T]) {
        if let (Self::Integers { bounds, .. }, Some(&first)) = (self, values.first()) {
            let (smallest, largest) = Isa::detect().run(Extremes { values, first });
            let before = bounds.unwrap_or((i64::MAX, i64::MIN));
            *bounds = Some((
                before.0.min(smallest.signed()),
                before.1.max(largest.signed()),
            ));
        }
    }

    /// Takes more numbers into account, but for those that are none.
    pub fn observe_floats(&mut self, values: &[f64]) {
        if let Self::Floats(bounds) = self {
            let before = bounds.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
            let (smallest, largest) = Isa::detect().run(FloatExtremes { values, before });
            // They have crossed if there was no number.
            *bounds = (smallest <= largest).then_some((smallest, largest));
        }
    }

    /// Takes more booleans into account.
    pub fn observe_booleans(&mut self, values: &BooleanBuffer) {
        let trues = values.count_set_bits();
        if let (Self::Booleans(bounds), false) = (self, values.is_empty()) {
            let (smallest, largest) = (trues == values.len(), trues > 0);
            let before = bounds.unwrap_or((true, false));
            *bounds = Some((before.0 & smallest, before.1 | largest));
        }
    }

    /// What Parquet says of them.
    pub fn statistics(&self, nulls: u64) -> Statistics {
        match self {
            Self::Text(bounds) => bounds.statistics(nulls),
            Self::Integers { bounds, narrow } => {
                let (smallest, largest) = bounds.unzip();
                if *narrow {
                    let [smallest, largest] =
                        [smallest, largest].map(|bound| bound.map(|value| value as i32));
                    Statistics::int32(smallest, largest, None, Some(nulls), false)
                } else {
                    Statistics::int64(smallest, largest, None, Some(nulls), false)
                }
            }
            Self::Floats(bounds) => {
                // Parquet does not tell the zeros apart: each bound is the zero that includes both.
                let smallest = bounds.map(|(bound, _)| if bound == 0.0 { -0.0 } else { bound });
                let largest = bounds.map(|(_, bound)| if bound == 0.0 { 0.0 } else { bound });
                Statistics::double(smallest, largest, None, Some(nulls), false)
            }
            Self::Booleans(bounds) => {
                let (smallest, largest) = bounds.unzip();
                Statistics::boolean(smallest, largest, None, Some(nulls), false)
            }
        }
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        match self {
            Self::Text(bounds) => bounds.clear(),
            Self::Integers { bounds, .. } => *bounds = None,
            Self::Floats(bounds) => *bounds = None,
            Self::Booleans(bounds) => *bounds = None,
        }
    }
}

struct Extremes<'a, T> {
    values: &'a [T],
    first: T,
}

impl<T: Integer> Kernel for Extremes<'_, T> {
    type Output = (T, T);

    #[inline(always)]
    fn run<B: Backend>(self) -> (T, T) {
        let (mut smallest, mut largest) = (self.first, self.first);
        for &value in self.values {
            smallest = smallest.min(value);
            largest = largest.max(value);
        }
        (smallest, largest)
    }
}

struct FloatExtremes<'a> {
    values: &'a [f64],
    before: (f64, f64),
}

impl Kernel for FloatExtremes<'_> {
    type Output = (f64, f64);

    /// In lanes, which a compiler may not make of one: the order of comparisons with NaN counts.
    #[inline(always)]
    fn run<B: Backend>(self) -> (f64, f64) {
        const LANES: usize = 8;
        let (mut smallest, mut largest) = ([self.before.0; LANES], [self.before.1; LANES]);
        let mut observe = |lane: usize, value: f64| {
            smallest[lane] = if value < smallest[lane] {
                value
            } else {
                smallest[lane]
            };
            largest[lane] = if value > largest[lane] {
                value
            } else {
                largest[lane]
            };
        };
        let (groups, rest) = self.values.as_chunks::<LANES>();
        for group in groups {
            for (lane, &value) in group.iter().enumerate() {
                observe(lane, value);
            }
        }
        rest.iter().for_each(|&value| observe(0, value));
        (
            smallest.into_iter().fold(f64::INFINITY, f64::min),
            largest.into_iter().fold(f64::NEG_INFINITY, f64::max),
        )
    }
}

/// Of text. The first eight bytes decide most comparisons, so they are compared as one number.
#[derive(Debug, Default)]
pub struct TextBounds {
    smallest: Vec<u8>,
    largest: Vec<u8>,
    smallest_head: u64,
    largest_head: u64,
    any: bool,
}

impl TextBounds {
    /// Whether a value may be a new bound, by its first four bytes, which are part of its view.
    #[inline(always)]
    fn may_grow(&self, view: u128) -> bool {
        let prefix = ((view >> 32) as u32).swap_bytes();
        prefix <= (self.smallest_head >> 32) as u32
            || prefix >= (self.largest_head >> 32) as u32
            || !self.any
    }

    /// Takes one more value into account.
    pub fn observe(&mut self, value: &[u8]) {
        let head = head(value);
        if !self.any {
            self.any = true;
            (self.smallest_head, self.largest_head) = (head, head);
            self.smallest.extend_from_slice(value);
            self.largest.extend_from_slice(value);
            return;
        }
        if head <= self.smallest_head && value < self.smallest.as_slice() {
            self.smallest_head = head;
            self.smallest.clear();
            self.smallest.extend_from_slice(value);
        }
        if head >= self.largest_head && value > self.largest.as_slice() {
            self.largest_head = head;
            self.largest.clear();
            self.largest.extend_from_slice(value);
        }
    }

    /// What Parquet says of them; text that is too long is cut short, to a bound that is not a value.
    pub fn statistics(&self, nulls: u64) -> Statistics {
        if !self.any {
            return Statistics::ByteArray(ValueStatistics::new(
                None,
                None,
                None,
                Some(nulls),
                false,
            ));
        }
        let (smallest, largest) = (below(&self.smallest), above(&self.largest));
        let smallest_is_exact = smallest.len() == self.smallest.len();
        let largest_is_exact = largest
            .as_ref()
            .is_some_and(|largest| *largest == self.largest);
        let statistics = ValueStatistics::new(
            Some(smallest.to_vec().into()),
            largest.map(Into::into),
            None,
            Some(nulls),
            false,
        );
        Statistics::ByteArray(
            statistics
                .with_min_is_exact(smallest_is_exact)
                .with_max_is_exact(largest_is_exact),
        )
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        self.any = false;
        self.smallest.clear();
        self.largest.clear();
    }
}

/// The first eight bytes; shorter values are less than their continuations, or equal.
fn head(value: &[u8]) -> u64 {
    match value.first_chunk() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => value
            .iter()
            .fold(0, |head, &byte| (head << 8) | u64::from(byte))
            .checked_shl(8 * (8 - value.len() as u32))
            .unwrap_or_default(),
    }
}

/// The beginning of `value`, which is not larger.
fn below(value: &[u8]) -> &[u8] {
    if value.len() <= MOST_BYTES {
        return value;
    }
    let begins_character = |&at: &usize| value[at] & 0xc0 != 0x80;
    let end = (1..=MOST_BYTES).rev().find(begins_character);
    &value[..end.unwrap_or(MOST_BYTES)]
}

/// A short text that is not smaller than `value`, if there is one.
fn above(value: &[u8]) -> Option<Vec<u8>> {
    let mut bound = below(value).to_vec();
    if bound.len() == value.len() {
        return Some(bound);
    }
    // The last ASCII character that has a successor is replaced by it; what follows does not count then.
    let at = bound.iter().rposition(|&byte| byte < 0x7f)?;
    bound[at] += 1;
    bound.truncate(at + 1);
    Some(bound)
}
