//! Instants as senders write them, in whole seconds.

use std::fmt;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Seconds since the Unix epoch, within the years that RFC 3339 can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    const FIRST: i64 = -62_135_596_800; // 0001-01-01T00:00:00Z
    const LAST: i64 = 253_402_300_799; // 9999-12-31T23:59:59Z

    /// An instant; `None` outside the years 1 to 9999.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Option<Self> {
        if seconds < Self::FIRST || seconds > Self::LAST { None } else { Some(Self(seconds)) }
    }

    /// Reads RFC 3339 with any offset; fractions of a second are dropped.
    ///
    /// The zero times of Go (year 1) and of the Unix epoch mean "unknown" wherever CI systems send them: `None`.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let seconds = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp();
        if seconds <= 0 { None } else { Self::from_unix(seconds) }
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// Whole seconds from `earlier` to this; `None` when that is not in the past.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> Option<u64> {
        u64::try_from(self.0 - earlier.0).ok()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp(self.0)
            .ok()
            .and_then(|t| t.format(&Rfc3339).ok())
            .ok_or(fmt::Error)?;
        f.pad(&text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn offsets_and_fractions_are_read() {
        let t = Timestamp::parse_rfc3339("2026-11-23T08:00:00.75+02:00").unwrap();
        assert_eq!(t.to_string(), "2026-11-23T06:00:00Z");
    }

    #[test]
    fn zero_times_mean_unknown() {
        for zero in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "", "yesterday"] {
            assert_eq!(Timestamp::parse_rfc3339(zero), None, "{zero}");
        }
    }

    proptest! {
        #[test]
        fn every_instant_is_written(seconds in Timestamp::FIRST..=Timestamp::LAST) {
            let t = Timestamp::from_unix(seconds).unwrap();
            if seconds > 0 {
                prop_assert_eq!(Timestamp::parse_rfc3339(&t.to_string()), Some(t));
            } else {
                prop_assert!(t.to_string().ends_with('Z'));
            }
        }
    }
}
