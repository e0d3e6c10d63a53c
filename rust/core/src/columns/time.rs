//! Dates and timestamps: RFC 3339 text, and integers since the epoch.
//!
//! What is not a date or an instant (month 13, February 30, second 60, no offset, year 0) is a mismatch; an instant
//! that the column can't hold exactly is out of range. Instants are those of the years 1 to 9999, in UTC.

use arrow_schema::TimeUnit;

use super::Misfit;

pub(super) const SECONDS_PER_DAY: i64 = 86_400;
/// 0001-01-01T00:00:00Z.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const LAST_SECOND: i64 = 253_402_300_799;

/// Days since the epoch of a full-date.
///
/// # Errors
/// A mismatch if it is none.
pub fn parse_date(text: &str) -> Result<i32, Misfit> {
    let mut cursor = Cursor(text.as_bytes());
    let days = cursor.date().ok_or(Misfit::TypeMismatch)?;
    if cursor.0.is_empty() {
        Ok(days as i32)
    } else {
        Err(Misfit::TypeMismatch)
    }
}

/// Units since the epoch of a date-time: `T`, `t` or a space between date and time, `Z`, `z` or an offset at the end.
///
/// # Errors
/// A mismatch if it is none; out of range if the unit can't hold it.
pub fn parse_timestamp(text: &str, unit: TimeUnit) -> Result<i64, Misfit> {
    let mut cursor = Cursor(text.as_bytes());
    let (seconds, fraction) = cursor.date_time().ok_or(Misfit::TypeMismatch)?;
    // In 128 bits: the first nanosecond of int64 is not the start of a second.
    let units = to_units(seconds, fraction, unit)?;
    i64::try_from(units).map_err(|_| Misfit::OutOfRange)
}

fn to_units(seconds: i64, fraction: &[u8], unit: TimeUnit) -> Result<i128, Misfit> {
    if !(FIRST_SECOND..=LAST_SECOND).contains(&seconds) {
        return Err(Misfit::OutOfRange);
    }
    let digits = fraction_digits(unit);
    let (kept, beyond) = fraction.split_at(digits.min(fraction.len()));
    if beyond.iter().any(|&digit| digit != b'0') {
        return Err(Misfit::OutOfRange);
    }
    let padding = 10_i64.pow((digits - kept.len()) as u32);
    let fraction = kept
        .iter()
        .fold(0, |sum, &digit| sum * 10 + i64::from(digit - b'0'))
        * padding;
    Ok(i128::from(seconds) * i128::from(units_per_second(unit)) + i128::from(fraction))
}

/// Check that `units` since the epoch is in the years 1 to 9999.
///
/// # Errors
/// Out of range if it is not.
pub fn check_timestamp(units: i64, unit: TimeUnit) -> Result<i64, Misfit> {
    let seconds = units.div_euclid(units_per_second(unit));
    if (FIRST_SECOND..=LAST_SECOND).contains(&seconds) {
        Ok(units)
    } else {
        Err(Misfit::OutOfRange)
    }
}

/// Nanoseconds since the epoch of a date-time of the years 1 to 9999.
///
/// # Errors
/// A mismatch if it is none; out of range if it is finer than that.
pub fn parse_instant(text: &str) -> Result<i128, Misfit> {
    let mut cursor = Cursor(text.as_bytes());
    let (seconds, fraction) = cursor.date_time().ok_or(Misfit::TypeMismatch)?;
    to_units(seconds, fraction, TimeUnit::Nanosecond)
}

/// The date, as [`parse_date`] reads it.
#[must_use]
pub fn write_date(days: i32) -> String {
    let (year, month, day) = civil(i64::from(days));
    format!("{year:04}-{month:02}-{day:02}")
}

/// The instant in UTC, as [`parse_timestamp`] reads it.
#[must_use]
pub fn write_timestamp(units: i64, unit: TimeUnit) -> String {
    let per_second = units_per_second(unit);
    let (seconds, fraction) = (units.div_euclid(per_second), units.rem_euclid(per_second));
    let (year, month, day) = civil(seconds.div_euclid(SECONDS_PER_DAY));
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = match fraction_digits(unit) {
        0 => String::new(),
        digits => format!(".{fraction:0digits$}"),
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Year, month and day of a number of days since the epoch: [`days_since_epoch`] the other way round.
fn civil(days: i64) -> (i64, i64, i64) {
    // Eras of 400 years, years that begin in March.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + next, month, day)
}

fn fraction_digits(unit: TimeUnit) -> usize {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

/// How many of a unit a second has.
#[must_use]
pub fn units_per_second(unit: TimeUnit) -> i64 {
    10_i64.pow(fraction_digits(unit) as u32)
}

/// What is left to read. Each method takes its part from the front, or gives `None`.
struct Cursor<'t>(&'t [u8]);

impl<'t> Cursor<'t> {
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.iter().try_fold(0, |sum, &digit| {
            digit
                .is_ascii_digit()
                .then(|| sum * 10 + i64::from(digit - b'0'))
        })
    }

    fn number_up_to(&mut self, most: i64) -> Option<i64> {
        self.number(2).filter(|&number| number <= most)
    }

    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        bytes.contains(&first).then_some(first)
    }

    /// Days since the epoch.
    fn date(&mut self) -> Option<i64> {
        let year = self.number(4)?;
        self.one_of(b"-")?;
        let month = self.number(2)?;
        self.one_of(b"-")?;
        let day = self.number(2)?;
        let possible = year >= 1
            && (1..=12).contains(&month)
            && (1..=days_of_month(year, month)).contains(&day);
        possible.then(|| days_since_epoch(year, month, day))
    }

    /// Seconds since the epoch, and the digits of the fraction.
    fn date_time(&mut self) -> Option<(i64, &'t [u8])> {
        let days = self.date()?;
        self.one_of(b"Tt ")?;
        let hour = self.number_up_to(23)?;
        self.one_of(b":")?;
        let minute = self.number_up_to(59)?;
        self.one_of(b":")?;
        let second = self.number_up_to(59)?;
        let fraction = self.fraction()?;
        let offset = self.offset()?;
        let seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset;
        self.0.is_empty().then_some((seconds, fraction))
    }

    fn fraction(&mut self) -> Option<&'t [u8]> {
        let Some(rest) = self.0.strip_prefix(b".") else {
            return Some(&[]);
        };
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = rest.split_at(length);
        self.0 = rest;
        (length > 0).then_some(digits)
    }

    /// Seconds east of UTC.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.one_of(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let hours = self.number_up_to(23)?;
        self.one_of(b":")?;
        let minutes = self.number_up_to(59)?;
        Some(sign * (hours * 3600 + minutes * 60))
    }
}

#[inline(always)]
pub(super) fn days_of_month(year: i64, month: i64) -> i64 {
    const DAYS: [i64; 16] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0];
    let leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    DAYS[month as usize % 16] + i64::from(leap)
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, for years from 1 on. Years are taken to begin in March,
/// so that the leap day is a year's last: then day `d` of month `m` (March = 0) is number `(153 m + 2) / 5 + d - 1`.
#[inline(always)]
pub(super) fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    const EPOCH: i64 = 719_468;
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - EPOCH
}

#[cfg(test)]
mod tests {
    use arrow_schema::TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};

    use super::{
        Misfit, check_timestamp, days_of_month, parse_date, parse_timestamp, write_date,
        write_timestamp,
    };

    /// Counting every day of the years 1 to 9999 gives each date's number.
    #[test]
    fn every_date_has_its_number() {
        let mut expected: i32 = -719_162;
        for year in 1..=9999 {
            for month in 1..=12 {
                for day in 1..=days_of_month(year, month) {
                    let text = format!("{year:04}-{month:02}-{day:02}");
                    assert_eq!(parse_date(&text), Ok(expected));
                    assert_eq!(write_date(expected), text);
                    expected += 1;
                }
            }
        }
        assert_eq!(parse_date("1970-01-01"), Ok(0));
        assert_eq!(expected, 2_932_897);
    }

    /// What is written is read back as the same instant.
    #[test]
    fn timestamps_are_written_as_they_are_read() {
        for (units, unit, text) in [
            (0, Second, "1970-01-01T00:00:00Z"),
            (-1, Millisecond, "1969-12-31T23:59:59.999Z"),
            (1_500_000, Microsecond, "1970-01-01T00:00:01.500000Z"),
            (i64::MIN, Nanosecond, "1677-09-21T00:12:43.145224192Z"),
            (253_402_300_799, Second, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(write_timestamp(units, unit), text);
            assert_eq!(parse_timestamp(text, unit), Ok(units));
        }
    }

    /// What is not a date of the calendar is a mismatch.
    #[test]
    fn impossible_dates_are_mismatches() {
        for text in [
            "",
            "2024",
            "2024-1-01",
            "2024-00-01",
            "2024-13-01",
            "2024-01-00",
            "2024-04-31",
            "2023-02-29",
            "1900-02-29",
            "0000-01-01",
            "2024-01-01 ",
            " 2024-01-01",
            "2024-01-01T00:00:00Z",
            "+2024-01-01",
            "20240101",
            "2024/01/01",
            "12024-01-01",
            "２024-01-01",
        ] {
            assert_eq!(parse_date(text), Err(Misfit::TypeMismatch), "{text}");
        }
        assert_eq!(parse_date("2000-02-29"), Ok(11_016));
    }

    /// Offsets, fractions and separators of RFC 3339 give the instant in the column's unit.
    #[test]
    fn timestamps_are_instants() {
        assert_eq!(parse_timestamp("1970-01-01T00:00:00Z", Second), Ok(0));
        assert_eq!(
            parse_timestamp("1970-01-01t00:00:01.5z", Millisecond),
            Ok(1500)
        );
        assert_eq!(
            parse_timestamp("1970-01-01 01:00:00.000001+01:00", Microsecond),
            Ok(1)
        );
        assert_eq!(
            parse_timestamp("1969-12-31T23:59:59.999999999-00:00", Nanosecond),
            Ok(-1)
        );
        assert_eq!(
            parse_timestamp("2024-02-29T12:30:45.123-05:30", Millisecond),
            Ok(1_709_229_645_123)
        );
        assert_eq!(
            parse_timestamp("1970-01-01T00:00:00.10000000000000000000Z", Millisecond),
            Ok(100)
        );
    }

    /// An instant that the unit or the years 1 to 9999 can't hold is out of range.
    #[test]
    fn instants_beyond_the_column_are_out_of_range() {
        assert_eq!(
            parse_timestamp("1970-01-01T00:00:00.0001Z", Millisecond),
            Err(Misfit::OutOfRange)
        );
        assert_eq!(
            parse_timestamp("1970-01-01T00:00:00.1Z", Second),
            Err(Misfit::OutOfRange)
        );
        assert_eq!(
            parse_timestamp("0001-01-01T00:00:00+00:01", Second),
            Err(Misfit::OutOfRange)
        );
        assert_eq!(
            parse_timestamp("9999-12-31T23:59:59-00:01", Second),
            Err(Misfit::OutOfRange)
        );
        assert_eq!(
            parse_timestamp("2262-04-11T23:47:16.854775807Z", Nanosecond),
            Ok(i64::MAX)
        );
        assert_eq!(
            parse_timestamp("2262-04-11T23:47:16.854775808Z", Nanosecond),
            Err(Misfit::OutOfRange)
        );
        assert_eq!(
            parse_timestamp("1677-09-21T00:12:43.145224192Z", Nanosecond),
            Ok(i64::MIN)
        );
        assert_eq!(
            parse_timestamp("1677-09-21T00:12:43.145224191Z", Nanosecond),
            Err(Misfit::OutOfRange)
        );
        assert_eq!(
            check_timestamp(253_402_300_799, Second),
            Ok(253_402_300_799)
        );
        assert_eq!(
            check_timestamp(253_402_300_800, Second),
            Err(Misfit::OutOfRange)
        );
        assert_eq!(
            check_timestamp(-62_135_596_800_000, Millisecond),
            Ok(-62_135_596_800_000)
        );
        assert_eq!(
            check_timestamp(-62_135_596_800_001, Millisecond),
            Err(Misfit::OutOfRange)
        );
        assert_eq!(check_timestamp(i64::MIN, Nanosecond), Ok(i64::MIN));
    }

    /// What is not an RFC 3339 date-time is a mismatch, a leap second included.
    #[test]
    fn other_texts_are_mismatches() {
        for text in [
            "",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2016-12-31T23:59:60Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00,5Z",
            "2024-01-01T00:00:00+0100",
            "2024-01-01T00:00:00+01",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00+01:60",
            "2024-01-01T00:00:00Zx",
            "2024-01-01_00:00:00Z",
            "2024-02-30T00:00:00Z",
        ] {
            assert_eq!(
                parse_timestamp(text, Microsecond),
                Err(Misfit::TypeMismatch),
                "{text}"
            );
        }
    }
}
