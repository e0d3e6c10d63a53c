//! Date-times in the form that nearly all have, eight bytes at a time.

use arrow_schema::TimeUnit;

use super::time::{SECONDS_PER_DAY, days_of_month, days_since_epoch};
use crate::json;

/// The units since the epoch of a date-time as nearly all are written, the first `length` bytes of `text`: with `T` and
/// `Z`, a fraction no finer than the unit. `None` says that [`super::parse_timestamp`] has to be asked.
#[inline(always)]
#[must_use]
pub fn common_timestamp(text: &[u8], length: usize, unit: TimeUnit) -> Option<i64> {
    let date = two_digits(text, 0, *b"0000-00-")?;
    let day = two_digits(text, 8, *b"00T00:00")?;
    let time = two_digits(text, 11, *b"00:00:00")?;
    let pair = |word: u64, at: usize| (word >> (8 * at) & 0xFF) as i64;
    let year = pair(date, 0) * 100 + pair(date, 2);
    let (month, day) = (pair(date, 5), pair(day, 0));
    let (hour, minute, second) = (pair(time, 0), pair(time, 3), pair(time, 6));
    let possible = year >= 1
        && (1..=12).contains(&month)
        && (1..=days_of_month(year, month)).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 59;
    if !possible {
        return None;
    }
    let end = match text.get(..length)? {
        [.., b'Z'] => length - 1,
        [.., b'+', b'0', b'0', b':', b'0', b'0'] => length - 6,
        _ => return None,
    };
    let (per_second, digits) = match unit {
        TimeUnit::Second => (1, 0),
        TimeUnit::Millisecond => (1_000, 3),
        TimeUnit::Microsecond => (1_000_000, 6),
        TimeUnit::Nanosecond => (1_000_000_000, 9),
    };
    let fraction = match (text.get(19)?, end) {
        (_, 19) => 0,
        (b'.', 21..=29) => {
            const SCALES: [i64; 9] = [
                1,
                10,
                100,
                1_000,
                10_000,
                100_000,
                1_000_000,
                10_000_000,
                100_000_000,
            ];
            let scale = SCALES[usize::checked_sub(digits, end - 20)?];
            json::digits_at(&text[20..], end - 20)? as i64 * scale
        }
        _ => return None,
    };
    let seconds =
        days_since_epoch(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    seconds.checked_mul(per_second)?.checked_add(fraction)
}

/// The eight bytes of `text` at `at`, if they are like `form`, in which `0` stands for any digit: each byte becomes the
/// number that its digit and the next one write.
#[inline(always)]
fn two_digits(text: &[u8], at: usize, form: [u8; 8]) -> Option<u64> {
    const ONES: u64 = u64::MAX / 0xFF;
    let separators = u64::from_le_bytes(form.map(|byte| if byte == b'0' { 0 } else { 0xFF }));
    let found = u64::from_le_bytes(*text.get(at..)?.first_chunk::<8>()?);
    let values = found ^ u64::from_le_bytes(form);
    let beyond_nine = (values.wrapping_add(ONES * 0x76) | values) & (ONES << 7);
    let wrong = values & separators | beyond_nine;
    (wrong == 0).then(|| values * 10 + (values >> 8))
}

#[cfg(test)]
mod tests {
    use arrow_schema::TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};

    use super::super::parse_timestamp;
    use super::common_timestamp;

    /// The quick way either agrees with the careful one or declines.
    #[test]
    fn common_timestamps_are_what_they_say() {
        let mut quick = 0;
        for date in [
            "1970-01-01",
            "2024-02-29",
            "2023-02-29",
            "0001-01-01",
            "0000-01-01",
            "9999-12-31",
            "2024-13-01",
            "2024/01/01",
            "2024-04-31",
            "20x4-01-01",
        ] {
            for time in [
                "T00:00:00",
                "T23:59:59",
                "T24:00:00",
                "T12:60:00",
                "T12:00:60",
                "t12:00:00",
                " 12:00:00",
                "T12-00:00",
                "T1a:00:00",
            ] {
                for end in [
                    "Z",
                    ".1Z",
                    ".123Z",
                    ".123456Z",
                    ".123456789Z",
                    ".000Z",
                    ".Z",
                    "+00:00",
                    ".12x456Z",
                    ".1234567890Z",
                    "z",
                ] {
                    for unit in [Second, Millisecond, Microsecond, Nanosecond] {
                        let text = format!("{date}{time}{end}");
                        let padded = format!("{text}\"7777777777777777");
                        if let Some(units) = common_timestamp(padded.as_bytes(), text.len(), unit) {
                            assert_eq!(Ok(units), parse_timestamp(&text, unit), "{text}");
                            quick += 1;
                        }
                    }
                }
            }
        }
        assert!(quick > 80, "{quick}");
    }
}
