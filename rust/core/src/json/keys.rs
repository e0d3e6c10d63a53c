//! The keys that are expected in an object, to be found by their text.
//!
//! Keys are told apart by their length and by their first and last eight bytes, which are all of it for most. These are
//! hashed to a place in a table that is made once, so no record can choose keys that crowd together in it.

/// Places of a table per key, at least: few keys find theirs taken.
const PLACES_PER_KEY: usize = 4;
/// How many tables are tried, to take the one in which the fewest do.
const TRIALS: u64 = 32;
/// Up to this length a key is nothing but its first and last eight bytes.
const WHOLE: u64 = 16;
/// Odd, with bits all over it.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// What is looked at first of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    head: u64,
    tail: u64,
    length: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    digest: Digest,
    number: usize,
    key: Box<str>,
}

/// The numbers of an object's expected members, by their keys.
#[derive(Debug, Default)]
pub struct Keys {
    /// A power of two of places, or none. A key is at its own place or in the first free one behind it.
    table: Box<[Option<Entry>]>,
    seed: u64,
}

impl Digest {
    /// That of the `length` bytes of `text` from `start` on.
    #[inline(always)]
    #[must_use]
    pub fn of(text: &[u8], start: usize, length: usize) -> Self {
        // Of a short key head and tail are the same; what follows it in the text is masked away.
        let mask = u64::MAX.unbounded_shr(64 - 8 * length.min(8) as u32);
        Self {
            head: word_at(text, start) & mask,
            tail: word_at(text, start + length.saturating_sub(8)) & mask,
            length: length as u64,
        }
    }

    /// A number of few bits in common with those of other keys.
    #[inline(always)]
    #[must_use]
    pub fn hash(self, seed: u64) -> u64 {
        let (a, b) = (
            self.head ^ seed,
            self.tail.rotate_left(32) ^ self.length ^ SPREAD,
        );
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    }
}

impl Keys {
    /// Those of `members`, all different, with their numbers.
    #[must_use]
    pub fn new(members: &[(Box<str>, usize)]) -> Self {
        let tables = (1..=TRIALS).map(|trial| Self::with_seed(members, trial.wrapping_mul(SPREAD)));
        tables
            .min_by_key(|(moved, _)| *moved)
            .map_or_else(Self::default, |(_, keys)| keys)
    }

    /// A table, and how many places its keys are from their own.
    fn with_seed(members: &[(Box<str>, usize)], seed: u64) -> (usize, Self) {
        let places = match members.len() {
            0 => 0,
            count => (PLACES_PER_KEY * count).next_power_of_two(),
        };
        let mut table = vec![None; places].into_boxed_slice();
        let mut moved = 0;
        for (key, number) in members {
            let digest = Digest::of(key.as_bytes(), 0, key.len());
            let mut place = digest.hash(seed) as usize & (places - 1);
            while table[place].is_some() {
                place = (place + 1) & (places - 1);
                moved += 1;
            }
            table[place] = Some(Entry {
                digest,
                number: *number,
                key: key.clone(),
            });
        }
        (moved, Self { table, seed })
    }

    /// Whether there are none.
    #[inline(always)]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The number of the key that is the `length` bytes of `text` from `start` on, and whose digest is `digest`.
    #[inline(always)]
    #[must_use]
    pub fn find(&self, digest: Digest, text: &[u8], start: usize, length: usize) -> Option<usize> {
        let last = self.table.len().checked_sub(1)?;
        let mut place = digest.hash(self.seed) as usize & last;
        loop {
            let entry = self.table.get(place)?.as_ref()?;
            if entry.digest == digest
                && (digest.length <= WHOLE
                    || text.get(start..start + length) == Some(entry.key.as_bytes()))
            {
                return Some(entry.number);
            }
            place = (place + 1) & last;
        }
    }
}

#[inline(always)]
fn word_at(text: &[u8], at: usize) -> u64 {
    match text.get(at..).and_then(<[u8]>::first_chunk) {
        Some(word) => u64::from_le_bytes(*word),
        None => last_word(text, at),
    }
}

/// The few bytes from `at` on that a text ends with, as a word.
#[cold]
fn last_word(text: &[u8], at: usize) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    let bytes = rest.iter().rev();
    bytes.fold(0, |word, &byte| word << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::{Digest, Keys};

    fn find(keys: &Keys, text: &str, start: usize, length: usize) -> Option<usize> {
        let digest = Digest::of(text.as_bytes(), start, length);
        keys.find(digest, text.as_bytes(), start, length)
    }

    /// Keys of every length are found wherever they stand in a text, and those that differ in one byte are not.
    #[test]
    fn keys_are_found_by_all_of_their_text() {
        let all = "abcdefghijklmnopqrstuvwxyz0123456789";
        let lengths = 0..=all.len();
        let members: Vec<(Box<str>, usize)> = lengths.map(|end| (all[..end].into(), end)).collect();
        let keys = Keys::new(&members);
        for (key, number) in &members {
            for before in ["", "\"", "a text before \""] {
                for behind in ["", "\"", "\": and a text behind"] {
                    let text = format!("{before}{key}{behind}");
                    let found = |text: &str| find(&keys, text, before.len(), key.len());
                    assert_eq!(found(&text), Some(*number), "{text}");
                    for at in before.len()..before.len() + key.len() {
                        let mut other = text.clone();
                        other.replace_range(at..=at, "_");
                        assert_eq!(found(&other), None, "{other}");
                    }
                }
            }
        }
    }

    /// No keys, no number; many keys, each its own.
    #[test]
    fn tables_are_of_any_size() {
        assert_eq!(find(&Keys::new(&[]), "key", 0, 3), None);
        let members: Vec<(Box<str>, usize)> = (0..3000)
            .map(|number| {
                (
                    format!("a_common_beginning.{number}.a_common_end").into(),
                    number,
                )
            })
            .collect();
        let keys = Keys::new(&members);
        for (key, number) in &members {
            assert_eq!(find(&keys, key, 0, key.len()), Some(*number));
        }
        assert_eq!(
            find(&keys, "a_common_beginning.3000.a_common_end", 0, 36),
            None
        );
    }
}
