//! How long a homeserver, or a proxy before it, asks to be left alone.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// The longest wait that is believed; who wants more is asked again after it.
pub const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Reads `Retry-After` (RFC 9110, 10.2.3): seconds, or a date, which counts from the answer's own `Date`, so that
/// no clock of ours matters.
pub(crate) fn parse(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean a time without end.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let wait = http_date(value)? - http_date(date?)?;
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

/// The one form of date that is still generated (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text.trim(), &Rfc2822).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DATE: Option<&str> = Some("Sun, 06 Nov 1994 08:49:37 GMT");

    #[test]
    fn seconds_and_dates_are_read() {
        for (value, wait) in [
            ("5", Some(5)),
            (" 120 ", Some(120)),
            ("0", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
        ] {
            assert_eq!(parse(value, DATE), wait.map(Duration::from_secs), "{value}");
        }
        assert_eq!(parse("Sun, 06 Nov 1994 08:50:07 GMT", None), None);
    }

    proptest! {
        #[test]
        fn nothing_a_server_sends_panics(value in "\\PC{0,40}", date in "\\PC{0,40}") {
            parse(&value, Some(&date));
        }
    }
}
