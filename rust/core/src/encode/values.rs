//! The values of a page that is being filled, by physical type.

use arrow_buffer::BooleanBufferBuilder;
use arrow_schema::DataType;
use parquet::basic::Encoding;

use super::packing;
use super::text_page::TextPage;
use crate::simd::{Backend, Isa, Kernel};

/// A page is full with about this many bytes of values.
pub const PAGE_BYTES: usize = 1 << 20;

/// Values without their nulls.
#[derive(Debug)]
pub enum Values {
    /// Text, or bytes.
    Text(TextPage),
    /// Integers of 32 bits.
    Narrow(Vec<i32>),
    /// Integers of 64 bits.
    Wide(Vec<i64>),
    Floats(Vec<f64>),
    Booleans(BooleanBufferBuilder),
}

impl Values {
    /// For columns of this type, unless it is left to the Parquet library.
    pub fn of(kind: &DataType) -> Option<Self> {
        Some(match kind {
            DataType::Utf8 | DataType::Binary => Self::Text(TextPage::default()),
            DataType::Int64 | DataType::Timestamp(_, _) => Self::Wide(Vec::new()),
            DataType::Int32 | DataType::Date32 => Self::Narrow(Vec::new()),
            DataType::Float64 => Self::Floats(Vec::new()),
            DataType::Boolean => Self::Booleans(BooleanBufferBuilder::new(0)),
            _ => return None,
        })
    }

    /// The body of the page that begins with `head` and has the values after it; the page is empty then. It lies in `head`
    /// or in the values.
    pub fn body<'a>(&'a mut self, head: &'a mut Vec<u8>) -> &'a [u8] {
        match self {
            Self::Text(page) => return page.body(head),
            Self::Narrow(values) => packing::deltas(head, values),
            Self::Wide(values) => packing::deltas(head, values),
            Self::Floats(values) => Isa::detect().run(Split { out: head, values }),
            Self::Booleans(values) => head.extend_from_slice(values.as_slice()),
        }
        head
    }

    /// How `body` encodes them.
    pub fn encoding(&self) -> Encoding {
        match self {
            Self::Text(_) => Encoding::DELTA_LENGTH_BYTE_ARRAY,
            Self::Narrow(_) | Self::Wide(_) => Encoding::DELTA_BINARY_PACKED,
            Self::Floats(_) => Encoding::BYTE_STREAM_SPLIT,
            Self::Booleans(_) => Encoding::PLAIN,
        }
    }

    /// Forgets all values and keeps the memory.
    pub fn clear(&mut self) {
        match self {
            Self::Text(page) => page.clear(),
            Self::Narrow(values) => values.clear(),
            Self::Wide(values) => values.clear(),
            Self::Floats(values) => values.clear(),
            Self::Booleans(values) => values.truncate(0),
        }
    }

    /// Gives back the memory of an empty page.
    pub fn release(&mut self) {
        match self {
            Self::Text(page) => *page = TextPage::default(),
            Self::Narrow(values) => *values = Vec::new(),
            Self::Wide(values) => *values = Vec::new(),
            Self::Floats(values) => *values = Vec::new(),
            Self::Booleans(values) => *values = BooleanBufferBuilder::new(0),
        }
    }

    /// About how many bytes they have on the page.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(page) => page.size(),
            Self::Narrow(values) => 4 * values.len(),
            Self::Wide(values) => 4 * values.len(),
            Self::Floats(values) => 8 * values.len(),
            Self::Booleans(values) => values.len() / 8,
        }
    }

    /// Bytes of memory held.
    pub fn memory_size(&self) -> usize {
        match self {
            Self::Text(page) => page.memory_size(),
            Self::Narrow(values) => 4 * values.capacity(),
            Self::Wide(values) => 8 * values.capacity(),
            Self::Floats(values) => 8 * values.capacity(),
            Self::Booleans(values) => values.capacity() / 8,
        }
    }
}

/// `BYTE_STREAM_SPLIT`: the first bytes of all values, then the second ones.
struct Split<'a> {
    out: &'a mut Vec<u8>,
    values: &'a [f64],
}

impl Kernel for Split<'_> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self) {
        let Self { out, values } = self;
        let start = out.len();
        out.resize(start + 8 * values.len(), 0);
        let mut rest = &mut out[start..];
        for byte in 0..8 {
            let (stream, others) = rest.split_at_mut(values.len());
            for (to, value) in stream.iter_mut().zip(values) {
                *to = (value.to_bits() >> (8 * byte)) as u8;
            }
            rest = others;
        }
    }
}
