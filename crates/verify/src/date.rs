//! The `Date` header: IMF-fixdate (RFC 9110, section 5.6.7).

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The last second of the year 9999.
const LAST: i64 = 253_402_300_799;

/// Seconds since the epoch, from a date as [`write`] writes it: one time has one spelling, its weekday included.
pub(crate) fn read(raw: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(raw).ok().filter(|text| text.len() == 29 && text.is_ascii())?;
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().ok();
    let month = MONTHS.iter().position(|month| *month == &text[8..11])?;
    let days = days_before(number(12, 16)?, i64::try_from(month).ok()? + 1, number(5, 7)?);
    let seconds = days * 86_400 + number(17, 19)? * 3600 + number(20, 22)? * 60 + number(23, 25)?;
    is_written(seconds, raw).then_some(seconds)
}

/// Writes a time, unless it lies before the epoch or after the year 9999.
pub(crate) fn write(seconds: i64) -> Option<String> {
    let mut date = String::new();
    write_to(&mut date, seconds).map(|()| date)
}

fn write_to(out: &mut impl std::fmt::Write, seconds: i64) -> Option<()> {
    if !(0..=LAST).contains(&seconds) {
        return None;
    }
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let weekday = DAYS.get(usize::try_from(days % 7).ok()?)?;
    let month = MONTHS.get(usize::try_from(month - 1).ok()?)?;
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    write!(out, "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT").ok()
}

fn is_written(seconds: i64, raw: &[u8]) -> bool {
    let mut rest = Rest(raw);
    write_to(&mut rest, seconds).is_some() && rest.0.is_empty()
}

/// What is left of some bytes once everything written was taken off their front.
struct Rest<'r>(&'r [u8]);

impl std::fmt::Write for Rest<'_> {
    fn write_str(&mut self, written: &str) -> std::fmt::Result {
        self.0 = self.0.strip_prefix(written.as_bytes()).ok_or(std::fmt::Error)?;
        Ok(())
    }
}

/// Days from the epoch to a day of the Gregorian calendar; years are taken to begin in March, so that the leap day is
/// the last of one.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// The year, month and day of a day after the epoch: the largest whose first day is not after it.
fn civil(days: i64) -> (i64, i64, i64) {
    let guess = 1970 + days / 366;
    let year = (guess..).take_while(|year| days_before(*year, 1, 1) <= days).last().unwrap_or(guess);
    let month = (1..=12).take_while(|month| days_before(year, *month, 1) <= days).last().unwrap_or(1);
    (year, month, days - days_before(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_field_are_read() {
        for (date, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Tue, 14 Nov 2023 22:13:20 GMT", 1_700_000_000),
            ("Fri, 31 Dec 9999 23:59:59 GMT", LAST),
        ] {
            assert_eq!(read(date.as_bytes()), Some(seconds), "{date}");
            assert_eq!(write(seconds).as_deref(), Some(date));
        }
        assert_eq!(write(-1), None);
        assert_eq!(write(LAST + 1), None);
    }

    #[test]
    fn every_day_is_read_back() {
        for day in 0..60_000 {
            let seconds = day * 86_400 + day;
            let date = write(seconds).unwrap();
            assert_eq!(read(date.as_bytes()), Some(seconds), "{date}");
        }
    }

    #[test]
    fn all_else_is_malformed() {
        for date in [
            "",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 gmt",
            "Sun, 06 Nov 1994 8:49:37 GMT ",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Wed, 30 Feb 2000 00:00:00 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Wed, 31 Dec 1969 23:59:59 GMT",
            "Sun, 06 Nov 1994 08:49:37 GM\u{e9}",
            "1994-11-06T08:49:37Z",
        ] {
            assert_eq!(read(date.as_bytes()), None, "{date}");
        }
        assert_eq!(read(&[b'9'; 1 << 16]), None);
    }
}
