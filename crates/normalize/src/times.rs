//! Times as CI systems write them, where that is not RFC 3339.

use meshhook_model::Timestamp;

/// RFC 3339, or what Ruby makes of a time: `2016-08-12 15:23:28 UTC`, `2021-04-28 21:50:00 +0200`.
pub(crate) fn ruby(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).or_else(|| {
        let mut words = text.split(' ');
        let (day, clock, zone) = (words.next()?, words.next()?, words.next()?);
        let (hours, minutes) = if zone == "UTC" { ("+00", "00") } else { zone.split_at_checked(3)? };
        let end = words.next().is_none();
        Timestamp::parse_rfc3339(&format!("{day}T{clock}{hours}:{minutes}")).filter(|_| end)
    })
}

/// RFC 3339, or what Java makes of a time: the same with `+0000` for `+00:00`.
pub(crate) fn java(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).or_else(|| {
        let (rest, minutes) = text.split_at_checked(text.len().checked_sub(2)?)?;
        Timestamp::parse_rfc3339(&format!("{rest}:{minutes}"))
    })
}

/// RFC 3339, or the basic format of ISO 8601: `20260504T091240+0200`.
pub(crate) fn basic(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).or_else(|| {
        let (day, clock) = text.split_once('T')?;
        let (year, month, day) = (day.get(..4)?, day.get(4..6)?, day.get(6..)?);
        let (hour, minute, rest) = (clock.get(..2)?, clock.get(2..4)?, clock.get(4..)?);
        java(&format!("{year}-{month}-{day}T{hour}:{minute}:{rest}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_java_writes_is_read() {
        for (text, read) in [
            ("2017-03-23T20:44:02.119+0000", "2017-03-23T20:44:02Z"),
            ("2017-03-23T20:44:02-0330", "2017-03-24T00:14:02Z"),
            ("2017-03-23T20:44:02Z", "2017-03-23T20:44:02Z"),
        ] {
            assert_eq!(java(text).unwrap().to_string(), read, "{text}");
        }
        for text in ["", "+", "0", "Aug 28, 2024, 9:30:19 PM", "2017-03-23T20:44:02", "2017-03-23T20:44:02+ü"]
        {
            assert_eq!(java(text), None, "{text}");
        }
    }

    #[test]
    fn the_basic_format_is_read() {
        for (text, read) in [
            ("20260504T091240+0000", "2026-05-04T09:12:40Z"),
            ("20260504T091240+0200", "2026-05-04T07:12:40Z"),
            ("20260504T091240Z", "2026-05-04T09:12:40Z"),
            ("2026-05-04T09:12:40Z", "2026-05-04T09:12:40Z"),
        ] {
            assert_eq!(basic(text).unwrap().to_string(), read, "{text}");
        }
        for text in ["", "T", "20260504", "20260504T0912", "2026ü504T091240+0000", "5/4/26 9:12 AM"] {
            assert_eq!(basic(text), None, "{text}");
        }
    }

    #[test]
    fn what_ruby_writes_is_read() {
        for (text, read) in [
            ("2016-08-12 15:23:28 UTC", "2016-08-12T15:23:28Z"),
            ("2021-04-28 21:50:00 +0200", "2021-04-28T19:50:00Z"),
            ("2021-04-28 21:50:00 -0330", "2021-04-29T01:20:00Z"),
            ("2026-02-13T17:59:30.284Z", "2026-02-13T17:59:30Z"),
            ("2026-02-13T17:59:30.284+01:00", "2026-02-13T16:59:30Z"),
        ] {
            assert_eq!(ruby(text).unwrap().to_string(), read, "{text}");
        }
        for text in [
            "",
            "2016-08-12",
            "2016-08-12 15:23:28",
            "2016-08-12 15:23:28 CET",
            "2016-08-12 15:23:28 +02:00",
            "2016-08-12 15:23:28 UTC.",
            "2016-08-12 15:23:28 UTC UTC",
            "2016-08-12  15:23:28 UTC",
            "2016-08-12 15:23:28 +ü0",
            "1970-01-01 00:00:00 UTC",
        ] {
            assert_eq!(ruby(text), None, "{text}");
        }
    }
}
