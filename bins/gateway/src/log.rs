//! The log: one line an event on stderr, for people or as JSON.
//!
//! What may be in it is an allow-list, kept in [`crate::observe`], the only file that writes lines: no header
//! values, bodies, tokens, queries or raw paths.

use std::fmt;
use std::io::IsTerminal;

use meshhook_config::{Level, Log, LogFormat};
use tracing::level_filters::LevelFilter;

/// Sets the log up for the whole process.
pub(crate) fn set_up(log: Log) {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let lines = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(level(log.level))
        .with_ansi(colour && log.format == LogFormat::Text)
        .with_target(false);
    match log.format {
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
        }
        _ => lines.init(),
    }
}

const fn level(level: Level) -> LevelFilter {
    match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Debug => LevelFilter::DEBUG,
        _ => LevelFilter::INFO,
    }
}

/// A text that comes from outside, on one line: what a terminal or a line's reader would obey is escaped.
pub(crate) struct Plain<'a>(pub(crate) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .chars()
            .try_for_each(|c| if obeyed(c) { write!(f, "{}", c.escape_unicode()) } else { write!(f, "{c}") })
    }
}

/// Control characters, line and paragraph separators, and what turns the direction of a line.
fn obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200E}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{61C}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_makes_a_line_or_colours_it() {
        let text = Plain("a\nb\r\x1b[31mc\u{202E}d\u{2028}e\u{9b}ä✅").to_string();
        assert_eq!(text, r"a\u{a}b\u{d}\u{1b}[31mc\u{202e}d\u{2028}e\u{9b}ä✅");
    }
}
