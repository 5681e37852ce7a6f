//! The time of day for display, in UTC and the Gregorian calendar.

use core::fmt;
use core::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: u64 = 719_468;
/// The days in 400 years, after which the calendar repeats.
const ERA: u64 = 146_097;

/// A moment in time; displays as `2026-11-22 20:25:31 UTC`.
///
/// ```
/// use std::time::Duration;
/// use vmos::time::UnixTime;
///
/// let time = UnixTime::new(Duration::from_secs(1_700_000_000));
/// assert_eq!(time.date(), (2023, 11, 14));
/// assert_eq!(time.to_string(), "2023-11-14 22:13:20 UTC");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct UnixTime(Duration);

impl UnixTime {
    /// Creates a moment from the time since 1970-01-01 00:00 UTC.
    #[must_use]
    pub const fn new(since_1970: Duration) -> Self {
        Self(since_1970)
    }

    /// Returns the time since 1970-01-01 00:00 UTC, without leap seconds.
    #[must_use]
    pub const fn since_1970(self) -> Duration {
        self.0
    }

    /// Returns year, month and day; the latter two start at 1.
    #[must_use]
    pub const fn date(self) -> (u64, u64, u64) {
        // With March as the first month, the leap day is the last day of the year.
        let days = self.0.as_secs() / DAY + DAYS_BEFORE_1970;
        let (era, day) = (days / ERA, days % ERA);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let year = 400 * era + year;
        if month < 10 {
            (year, month + 3, day)
        } else {
            (year + 1, month - 9, day)
        }
    }

    /// Returns hour, minute and second.
    #[must_use]
    pub const fn time(self) -> (u64, u64, u64) {
        let second = self.0.as_secs() % DAY;
        (second / HOUR, second % HOUR / MINUTE, second % MINUTE)
    }
}

impl fmt::Display for UnixTime {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((year, month, day), (hour, minute, second)) = (self.date(), self.time());
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    fn at(seconds: u64) -> std::string::String {
        format!("{}", UnixTime::new(Duration::from_secs(seconds)))
    }

    #[test]
    fn the_first_second_is_that_of_1970() {
        assert_eq!(at(0), "1970-01-01 00:00:00 UTC");
    }

    #[test]
    fn a_moment_has_its_date_and_time() {
        assert_eq!(at(1_795_379_131), "2026-11-22 20:25:31 UTC");
    }

    #[test]
    fn leap_years_have_a_day_more() {
        assert_eq!(at(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(at(951_868_800), "2000-03-01 00:00:00 UTC");
        assert_eq!(at(1_709_164_800), "2024-02-29 00:00:00 UTC");
        assert_eq!(at(4_107_542_400), "2100-03-01 00:00:00 UTC");
        assert_eq!(at(4_107_542_399), "2100-02-28 23:59:59 UTC");
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut last = (1969, 12, 31);
        // Miri takes minutes for all of them.
        for day in 0..if cfg!(miri) { 1_000 } else { 200_000 } {
            let date = UnixTime::new(Duration::from_secs(day * DAY)).date();
            let (year, month, day) = last;
            let next = [
                (year, month, day + 1),
                (year, month + 1, 1),
                (year + 1, 1, 1),
            ];
            assert!(next.contains(&date), "{last:?} is followed by {date:?}");
            assert!((1..=12).contains(&date.1) && (1..=31).contains(&date.2));
            last = date;
        }
    }
}
