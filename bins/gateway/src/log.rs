//! The log: one line an event on stderr, for people or as JSON.
//!
//! What may be in it is an allow-list, kept in [`crate::observe`], the only module that writes lines: no header
//! values, bodies, tokens, queries or raw paths.

use std::borrow::Cow;
use std::io::IsTerminal;

use meshhook_config::{Level, Log, LogFormat};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::{Layered, SubscriberExt};
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// What the lines are written with, once their level has let them pass.
type Lines = Box<dyn Layer<Levelled> + Send + Sync>;
type Levelled = Layered<reload::Layer<LevelFilter, Registry>, Registry>;

/// The log of this process, which can be given another level and format.
pub(crate) struct LogControl {
    level: Handle<LevelFilter, Registry>,
    lines: Handle<Lines, Levelled>,
}

impl LogControl {
    /// Goes on like that. What `tell` writes, it writes by the level before or by this one, whichever shows more: a
    /// change of the level would else hide itself. Nothing fails where the process has no log any more.
    pub(crate) fn set(&self, log: Log, tell: impl FnOnce()) {
        let level = level(log.level);
        let _ = self.level.modify(|before| *before = level.max(*before));
        tell();
        let _ = self.level.reload(level).and_then(|()| self.lines.reload(lines(log.format)));
    }
}

/// Sets the log up for the whole process.
pub(crate) fn set_up(log: Log) -> LogControl {
    let (levelled, level) = reload::Layer::new(level(log.level));
    let (written, lines) = reload::Layer::new(lines(log.format));
    tracing_subscriber::registry().with(levelled).with(written).init();
    LogControl { level, lines }
}

fn lines(format: LogFormat) -> Lines {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colour && format == LogFormat::Text)
        // It would say so on stderr, and panic where that takes nothing: a full disk, a reader that is gone.
        .log_internal_errors(false)
        .with_target(false);
    match format {
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
        _ => lines.boxed(),
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

/// A text that comes from outside, without what a terminal or a reader of lines would obey. As a line's value it is
/// quoted besides, so that it cannot look like a field of its own.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if text.contains(obeyed) { text.replace(obeyed, "\u{FFFD}").into() } else { text.into() }
}

/// Control characters, line and paragraph separators, and what turns the direction of a line.
fn obeyed(c: char) -> bool {
    let turns =
        matches!(c, '\u{61C}' | '\u{200E}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_obeyed() {
        assert_eq!(plain("a\nb\r\x1b[31mc\u{202E}d\u{2028}e\u{9b}ä✅"), "a�b��[31mc�d�e�ä✅");
        assert!(matches!(plain("as it is"), Cow::Borrowed(_)));
    }
}
