//! Bytes to record values and a configuration.
//!
//! The first five bytes say what is done with the rest: the configuration, the order of the values and how some are
//! changed, where, and with which byte. The rest is values with [`SEPARATOR`] between them, so a seed can be written in
//! an editor: `A#7!x`, then records.

/// Stands between values: no JSON text has it.
const SEPARATOR: &[u8] = b"\n--\n";
/// A value of these bytes is a tombstone.
const TOMBSTONE: &[u8] = b"--";
const MOST_VALUES: usize = 4;
const HEADER: usize = 5;

/// What a target works on.
#[derive(Debug)]
pub struct Input {
    /// See [`crate::configuration`].
    pub configuration: u8,
    /// Each value once, with those that were made of others; `None` is a tombstone.
    pub values: Vec<Option<Vec<u8>>>,
    /// Which of them are decoded, in this order.
    pub order: Vec<usize>,
    /// A column to be asked about by a predicate, to be taken modulo.
    pub asked: usize,
}

impl Input {
    /// `None` if there are too few bytes.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let (&[configuration, how, at, more_at, with], rest) =
            bytes.split_first_chunk::<HEADER>()?;
        let parts = split(rest);
        let change = Change {
            how: how & 7,
            at: usize::from(at) + 128 * usize::from(more_at),
            with,
        };
        let mut values = parts.clone();
        values.extend(parts.iter().map(|part| change.apply(part)));
        let count = parts.len();
        // A shape is learnt, then met again; next comes another, then the same and one that is nearly the same.
        let mut order: Vec<usize> = (0..count)
            .flat_map(|this| {
                [
                    this,
                    this,
                    this,
                    (this + 1) % count,
                    this,
                    this + count,
                    this,
                    this + count,
                ]
            })
            .collect();
        // Now and then so many that they are no longer one block.
        if how >> 3 == 15 {
            let once = order.len();
            order = order
                .into_iter()
                .cycle()
                .take(once * (1100 / once))
                .collect();
        }
        let values = values
            .into_iter()
            .map(|value| (value != TOMBSTONE).then_some(value));
        Some(Self {
            configuration,
            values: values.collect(),
            order,
            asked: usize::from(how >> 3),
        })
    }

    /// The values in the order in which they are decoded.
    pub fn in_order(&self) -> Vec<Option<&[u8]>> {
        self.order
            .iter()
            .map(|&index| self.values[index].as_deref())
            .collect()
    }
}

fn split(mut rest: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while parts.len() + 1 < MOST_VALUES
        && let Some(at) = rest
            .windows(SEPARATOR.len())
            .position(|window| window == SEPARATOR)
    {
        parts.push(rest[..at].to_vec());
        rest = &rest[at + SEPARATOR.len()..];
    }
    parts.push(rest.to_vec());
    parts
}

/// What makes a value's sibling of it.
struct Change {
    how: u8,
    at: usize,
    with: u8,
}

impl Change {
    fn apply(&self, value: &[u8]) -> Vec<u8> {
        let mut value = value.to_vec();
        let at = self.at % (value.len() + 1);
        let length = value.len();
        match self.how {
            0 => value.insert(at, self.with),
            1 if at < length => drop(value.remove(at)),
            2 => value.truncate(at),
            3 if at < length => value[at] ^= self.with,
            // The next digit, letter or mark.
            4 if at < length => value[at] = value[at].wrapping_add(1),
            5 => {
                let end = (at + usize::from(self.with)).min(length);
                let repeated = value[at..end].to_vec();
                value.splice(at..at, repeated);
            }
            6 => value.splice(at..at, [b' ', b'\n']).for_each(drop),
            _ if at < length => value[at] = self.with,
            _ => {}
        }
        value
    }
}
