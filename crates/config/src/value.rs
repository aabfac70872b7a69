//! Readers of single values: from a TOML value to a checked one, or what is wrong with it.

use std::time::Duration;

use meshhook_model::{State, Text};

use crate::document::Value;
use crate::fault::Wrong;
use crate::nearest::unknown;

/// Any text.
pub(crate) fn text<'v>(value: &'v Value<'_>) -> Result<&'v str, Wrong> {
    value.as_str().ok_or_else(|| {
        let found = value.type_str();
        Wrong::new(format!("a text is expected, {found} found"), "put it into double quotes")
    })
}

/// A state's word.
pub(crate) fn state(value: &Value<'_>) -> Result<State, Wrong> {
    word(value, &State::ALL.map(|state| (state.as_str(), state)))
}

/// A machine's name that is shown as it is written.
pub(crate) fn label(value: &Value<'_>) -> Result<Text, Wrong> {
    let name = text(value)?;
    Text::new(name).filter(|text| text.as_str() == name).ok_or_else(|| {
        let hint = "write it on one line, without invisible characters or blanks around it";
        Wrong::new("not a machine's name", hint)
    })
}

/// `true` or `false`.
pub(crate) fn flag(value: &Value<'_>) -> Result<bool, Wrong> {
    value.as_bool().ok_or_else(|| {
        let found = value.type_str();
        Wrong::new(format!("true or false is expected, {found} found"), "write it without quotes")
    })
}

/// One word of a closed list.
pub(crate) fn word<T: Copy>(value: &Value<'_>, known: &[(&'static str, T)]) -> Result<T, Wrong> {
    let word = text(value)?;
    let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
    known
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| unknown("value", word, &names))
}

/// A whole number from `least` to `most`.
pub(crate) fn whole(value: &Value<'_>, least: u32, most: u32) -> Result<u32, Wrong> {
    let digits = value.as_integer().filter(|number| number.radix() == 10);
    digits
        .and_then(|number| number.as_str().parse().ok())
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| {
            Wrong::new(
                format!("a whole number from {least} to {most} is expected"),
                "write it in decimal digits, without quotes",
            )
        })
}

/// A name that can stand in a path: `[a-z0-9][a-z0-9_-]{0,31}`.
pub(crate) fn name(value: &Value<'_>) -> Result<String, Wrong> {
    let name = text(value)?;
    let fits = name.len() <= 32
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if fits {
        return Ok(name.to_owned());
    }
    Err(Wrong::new(
        "not a name",
        "write 1 to 32 of a-z, 0-9, \"-\" and \"_\", beginning with a letter or digit: it stands in paths and logs",
    ))
}

/// A length of time like "72h", "3d", "90m" or "5s", from `least` to `most`.
pub(crate) fn duration(value: &Value<'_>, least: Duration, most: Duration) -> Result<Duration, Wrong> {
    let wrong = || {
        let hint = format!(
            "write a number and s, m, h or d, like \"72h\": from {} to {}",
            Short(least),
            Short(most)
        );
        Wrong::new("not a length of time in the range", hint)
    };
    let seconds = seconds(text(value)?).ok_or_else(wrong)?;
    let duration = Duration::from_secs(seconds);
    if (least..=most).contains(&duration) { Ok(duration) } else { Err(wrong()) }
}

fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    number.parse::<u64>().ok().filter(|_| digits)?.checked_mul(unit)
}

/// A length of time in the largest unit that fits it.
pub(crate) struct Short(pub(crate) Duration);

impl std::fmt::Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.as_secs();
        let (unit, word) = [(86_400, "d"), (3600, "h"), (60, "m")]
            .into_iter()
            .find(|(unit, _)| seconds.is_multiple_of(*unit))
            .unwrap_or((1, "s"));
        write!(f, "{}{word}", seconds / unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_and_written() {
        for (text, secs, written) in [
            ("72h", 259_200, "3d"),
            ("90m", 5_400, "90m"),
            ("3d", 259_200, "3d"),
            ("5h", 18_000, "5h"),
            ("5s", 5, "5s"),
        ] {
            assert_eq!(seconds(text), Some(secs));
            assert_eq!(Short(Duration::from_secs(secs)).to_string(), written);
        }
        for text in
            ["", "h", "72", "+1h", "-1h", "1.5h", "1 h", "99999999999999999999d", "213503982334602d", "1ä"]
        {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
