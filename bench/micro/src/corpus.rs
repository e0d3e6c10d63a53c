//! The records of one corpus, in memory.

use std::fs;
use std::ops::Range;
use std::path::Path;

/// Newline-delimited JSON, and where its records are: Kafka says that, so finding it out is not timed.
pub struct Corpus {
    pub bytes: Vec<u8>,
    pub records: Vec<Range<usize>>,
    /// Export requests of OTLP/JSON; else events.
    pub spans: bool,
    /// Events with a `content`.
    pub content: bool,
    /// The configuration of Penstock's decoder.
    #[cfg_attr(not(feature = "penstock"), allow(dead_code))]
    pub columns: String,
}

impl Corpus {
    /// What `bench/decode.py` wrote for `name`.
    pub fn load(directory: &Path, name: &str) -> Result<Self, String> {
        let file = |ending: &str| {
            let path = directory.join(format!("{name}.{ending}"));
            fs::read(&path).map_err(|error| {
                format!(
                    "can't read {}: {error}; `python bench/decode.py --corpus {name}` writes it",
                    path.display()
                )
            })
        };
        let bytes = file("ndjson")?;
        let mut records = Vec::new();
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &bytes) {
            records.push(start..end);
            start = end + 1;
        }
        Ok(Self {
            records,
            spans: name == "otlp_json",
            content: name != "340",
            columns: String::from_utf8_lossy(&file("columns.json")?).into_owned(),
            bytes,
        })
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.records.iter().map(|range| &self.bytes[range.clone()])
    }
}
