//! The time that a sender signed.

use crate::Refusal;

/// How far the signed time may be from now, either way, in seconds: the five minutes of the Standard Webhooks
/// libraries.
pub const FRESH_SECONDS: u64 = 5 * 60;

/// Seconds since the epoch from 1 to 12 digits without a sign or a leading zero.
///
/// One number has one spelling, and its length is bounded before it is read: 12 digits fit an `i64`.
pub(crate) fn read(raw: &[u8]) -> Option<i64> {
    let in_form = match raw {
        [b'0'] => true,
        [b'0', ..] => false,
        _ => (1..=12).contains(&raw.len()) && raw.iter().all(u8::is_ascii_digit),
    };
    in_form.then(|| raw.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

/// As [`read`] reads it.
pub(crate) fn write(seconds: i64) -> Option<String> {
    let digits = seconds.to_string();
    read(digits.as_bytes()).map(|_| digits)
}

/// Whether what was signed at `signed_at` is fresh at `now`.
pub(crate) fn judge(signed_at: i64, now: i64) -> Result<(), Refusal> {
    match now.abs_diff(signed_at) {
        0..=FRESH_SECONDS => Ok(()),
        seconds if signed_at < now => Err(Refusal::Stale { seconds }),
        seconds => Err(Refusal::Future { seconds }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read() {
        assert_eq!(read(b"0"), Some(0));
        assert_eq!(read(b"1700000000"), Some(1_700_000_000));
        assert_eq!(read(b"999999999999"), Some(999_999_999_999));
    }

    #[test]
    fn all_else_is_malformed() {
        let long = "9".repeat(400);
        for raw in ["", "00", "01", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "١", "1234567890123", &long]
        {
            assert_eq!(read(raw.as_bytes()), None, "{raw}");
        }
        assert_eq!(read(i64::MIN.to_string().as_bytes()), None);
    }

    #[test]
    fn five_minutes_either_way_are_fresh() {
        let now = 1_700_000_000;
        assert_eq!(judge(now - 300, now), Ok(()));
        assert_eq!(judge(now + 300, now), Ok(()));
        assert_eq!(judge(now - 301, now), Err(Refusal::Stale { seconds: 301 }));
        assert_eq!(judge(now + 301, now), Err(Refusal::Future { seconds: 301 }));
    }

    #[test]
    fn no_clock_overflows() {
        assert_eq!(judge(0, i64::MAX), Err(Refusal::Stale { seconds: i64::MAX.unsigned_abs() }));
        assert_eq!(judge(0, i64::MIN), Err(Refusal::Future { seconds: i64::MIN.unsigned_abs() }));
        assert!(judge(999_999_999_999, i64::MIN).is_err());
    }
}
