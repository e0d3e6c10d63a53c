//! Timing: the least of several passes, each right after a memcpy of the same bytes into a buffer that is used again.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::corpus::Corpus;
use crate::digest::Digest;

const LEAST_PASSES: usize = 3;
const MOST_PASSES: usize = 200;
/// Gone over before each copy, or what a reader leaves in the caches would decide how fast it is.
const OTHER_BYTES: usize = 32 << 20;

/// One way to read a whole corpus.
pub trait Reader {
    /// What it does, in a few words.
    fn way(&self) -> &'static str;

    /// Read everything; what is handed back is dropped off the clock.
    fn read(&mut self) -> Result<Box<dyn std::any::Any>, String>;

    /// The same once more, to be compared with what others found.
    fn digest(&mut self) -> Result<Digest, String>;
}

/// What one corpus took.
pub struct Found {
    way: &'static str,
    read: Duration,
    copy: Duration,
    digest: Digest,
}

impl Found {
    /// A line for the bench.
    pub fn as_json(&self, corpus: &str) -> Value {
        json!({
            "corpus": corpus,
            "way": self.way,
            "seconds": self.read.as_secs_f64(),
            "memcpy_seconds": self.copy.as_secs_f64(),
            "rows": self.digest.rows,
            "digest": self.digest.as_json(),
        })
    }
}

/// The way that is faster in its second pass is the one that counts.
pub fn measure(
    ways: &mut [&mut dyn Reader],
    corpus: &Corpus,
    seconds: f64,
) -> Result<Found, String> {
    let mut copied = vec![0; corpus.bytes.len()];
    let mut other = vec![0; OTHER_BYTES];
    let mut warm = Vec::with_capacity(ways.len());
    for way in ways.iter_mut() {
        pass(*way, corpus, &mut copied, &mut other)?;
        warm.push(pass(*way, corpus, &mut copied, &mut other)?.0);
    }
    let fastest = (0..ways.len())
        .min_by_key(|&index| warm[index])
        .ok_or("no way")?;
    let way = &mut ways[fastest];
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let (mut read, mut copy) = (Duration::MAX, Duration::MAX);
    for number in 0..MOST_PASSES {
        if number >= LEAST_PASSES && Instant::now() >= end {
            break;
        }
        let taken = pass(*way, corpus, &mut copied, &mut other)?;
        read = read.min(taken.0);
        copy = copy.min(taken.1);
    }
    Ok(Found {
        way: way.way(),
        read,
        copy,
        digest: way.digest()?,
    })
}

fn pass(
    way: &mut dyn Reader,
    corpus: &Corpus,
    copied: &mut [u8],
    other: &mut [u8],
) -> Result<(Duration, Duration), String> {
    other.fill(black_box(1));
    black_box(&mut *other);
    let start = processor_time();
    copied.copy_from_slice(black_box(&corpus.bytes));
    black_box(&mut *copied);
    let middle = processor_time();
    let found = black_box(way.read()?);
    let read = processor_time() - middle;
    drop(found);
    Ok((read, middle - start))
}

/// Of this process: others on the machine do not count.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}
