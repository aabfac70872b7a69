//! The `Date` header: IMF-fixdate (RFC 9110, section 5.6.7).

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The last second of the year 9999.
const LAST: i64 = 253_402_300_799;

/// Seconds since the epoch, from a date as [`write`] writes it: one time has one spelling, its weekday included.
pub(crate) fn read(raw: &[u8]) -> Option<i64> {
    let raw: &[u8; 29] = raw.try_into().ok()?;
    let (date, rest) = raw.split_first_chunk::<16>()?;
    let [w0, w1, w2, b',', b' ', d0, d1, b' ', m0, m1, m2, b' ', year @ ..] = date else { return None };
    let [b' ', h0, h1, b':', n0, n1, b':', s0, s1, b' ', b'G', b'M', b'T'] = rest else { return None };
    let month = (1..).zip(MONTHS).find(|(_, name)| name.as_bytes() == [*m0, *m1, *m2])?.0;
    let (year, day) = (number(year)?, number(&[*d0, *d1])?);
    let (hour, minute, second) = (number(&[*h0, *h1])?, number(&[*n0, *n1])?, number(&[*s0, *s1])?);
    let days = days_before(year, month, day);
    let is_day = (1..=days_before(year, month + 1, 1) - days_before(year, month, 1)).contains(&day);
    let is_written = is_day && hour < 24 && minute < 60 && second < 60 && year >= 1970;
    let is_its_weekday = weekday(days)?.as_bytes() == [*w0, *w1, *w2];
    (is_written && is_its_weekday).then_some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| match digit {
        b'0'..=b'9' => Some(number * 10 + i64::from(digit - b'0')),
        _ => None,
    })
}

fn weekday(days: i64) -> Option<&'static str> {
    DAYS.get(usize::try_from(days.rem_euclid(7)).ok()?).copied()
}

/// Writes a time, unless it lies before the epoch or after the year 9999.
pub(crate) fn write(seconds: i64) -> Option<String> {
    if !(0..=LAST).contains(&seconds) {
        return None;
    }
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (weekday, month) = (weekday(days)?, MONTHS.get(usize::try_from(month - 1).ok()?)?);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    Some(format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT"))
}

/// Days from the epoch to a day of the Gregorian calendar; years are taken to begin in March, so that the leap day is
/// the last of one. A month 13 is the next January.
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

    /// Whatever is read is what would be written.
    #[test]
    fn a_date_has_one_spelling() {
        let date = write(951_868_799).unwrap().into_bytes();
        for (at, byte) in (0..date.len()).flat_map(|at| (0..=255).map(move |byte| (at, byte))) {
            let mut other = date.clone();
            other[at] = byte;
            let written = read(&other).and_then(write);
            assert!(written.is_none_or(|written| written.as_bytes() == other), "{}", other.escape_ascii());
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
