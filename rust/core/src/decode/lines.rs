//! Newline-delimited JSON: one record per line, LF or CRLF. Blank lines are no records; a last line without LF is one.

/// The records of a text.
#[derive(Debug, Default)]
pub struct Lines<'s> {
    /// The lines that are records, without their ends; there is no tombstone among them.
    pub values: Vec<Option<&'s [u8]>>,
    /// Where each begins in the text.
    starts: Vec<usize>,
    /// Of each blank line, how many records stand before it.
    blanks: Vec<usize>,
    /// Where the next line begins.
    end: usize,
}

/// Where a record is in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinePlace {
    /// The number of its line, from 1; blank lines count.
    pub line: u64,
    /// How many bytes stand before it.
    pub start: u64,
}

impl<'s> Lines<'s> {
    /// The first `most` records of `source`.
    #[must_use]
    pub fn split(source: &'s [u8], most: usize) -> Self {
        let mut lines = Self::default();
        while lines.values.len() < most && lines.split_line(source) {}
        lines
    }

    /// The lines of about the next `bytes` of `source`, which is the same in all calls; false if there are none.
    pub fn split_more(&mut self, source: &'s [u8], bytes: usize) -> bool {
        let start = self.end;
        while self.end - start < bytes && self.split_line(source) {}
        self.end > start
    }

    /// How many bytes have been split.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.end
    }

    fn split_line(&mut self, source: &'s [u8]) -> bool {
        let start = self.end;
        let Some(rest @ [_, ..]) = source.get(start..) else {
            return false;
        };
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.end = source.len().min(start + length + 1);
        self.push(start, &rest[..length]);
        true
    }

    /// How many records `source` has, `most` at most, and where the line of the last of these ends.
    #[must_use]
    pub fn count(source: &[u8], most: usize) -> (usize, usize) {
        let (mut count, mut start, mut end) = (0, 0, 0);
        let ends = memchr::memchr_iter(b'\n', source)
            .chain((source.last() != Some(&b'\n')).then_some(source.len()));
        for line_end in ends {
            if count == most {
                break;
            }
            if !matches!(source[start..line_end], [] | [b'\r']) {
                count += 1;
                end = source.len().min(line_end + 1);
            }
            start = line_end + 1;
        }
        (count, end)
    }

    fn push(&mut self, start: usize, line: &'s [u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            self.blanks.push(self.values.len());
        } else {
            self.values.push(Some(line));
            self.starts.push(start);
        }
    }

    /// Where the record with this index is.
    #[must_use]
    pub fn place(&self, index: u32) -> LinePlace {
        let index = index as usize;
        let blanks = self.blanks.partition_point(|&before| before <= index);
        LinePlace {
            line: (index + blanks + 1) as u64,
            start: self.starts.get(index).copied().unwrap_or_default() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LinePlace, Lines};

    fn split(text: &str) -> Vec<(&str, u64, u64)> {
        let lines = Lines::split(text.as_bytes(), usize::MAX);
        let records = (0..).zip(&lines.values);
        records
            .map(|(index, value)| {
                let LinePlace { line, start } = lines.place(index);
                let value = value.and_then(|value| std::str::from_utf8(value).ok());
                (value.unwrap_or_default(), line, start)
            })
            .collect()
    }

    /// Each record has its line's number and place, whatever stands between.
    #[test]
    fn records_have_their_place() {
        assert_eq!(split(""), []);
        assert_eq!(split("\n\r\n"), []);
        assert_eq!(split("{}"), [("{}", 1, 0)]);
        assert_eq!(split("a\nb\n"), [("a", 1, 0), ("b", 2, 2)]);
        assert_eq!(
            split("\n\r\na\r\n\nb\n\n\n \nc"),
            [("a", 3, 3), ("b", 5, 7), (" ", 8, 11), ("c", 9, 13)]
        );
        assert_eq!(split("\r\r\n\r"), [("\r", 1, 0)]);
    }

    /// Counting is splitting, whatever is on the lines.
    #[test]
    fn counting_is_splitting() {
        let parts = ["\n", "\r\n", "\r", "a", "{}\n"];
        for mut number in 0..5_usize.pow(6) {
            let mut text = String::new();
            for _ in 0..6 {
                text.push_str(parts[number % parts.len()]);
                number /= parts.len();
            }
            let source = text.as_bytes();
            for most in [0, 1, 2, usize::MAX] {
                let lines = Lines::split(source, most);
                let (count, end) = Lines::count(source, most);
                assert_eq!(count, lines.values.len(), "{text:?}");
                let rest = Lines::split(&source[end..], usize::MAX);
                let all = Lines::split(source, usize::MAX);
                assert_eq!([lines.values, rest.values].concat(), all.values, "{text:?}");
            }
        }
    }

    /// What is beyond the most is not looked at.
    #[test]
    fn a_sample_is_the_first_records() {
        let lines = Lines::split(b"\na\nb\nc\n", 2);
        assert_eq!(lines.values, [Some(&b"a"[..]), Some(&b"b"[..])]);
        assert!(Lines::split(b"a\n", 0).values.is_empty());
    }
}
