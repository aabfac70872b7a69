//! `[message]`: how messages look, and which notify.

use std::time::Duration;

use meshhook_render::{Emoji, EmojiSet, Format, Style, Timeline};

use crate::document::{Section, Value};
use crate::fault::Wrong;
use crate::value::{duration, state, text, whole, word};

pub(crate) const TIMELINES: [(&str, Timeline); 3] =
    [("lines", Timeline::Lines), ("card", Timeline::Card), ("thread", Timeline::Thread)];
pub(crate) const FORMATS: [(&str, Format); 2] = [("html", Format::Html), ("plain", Format::Plain)];

/// The longest outcome, in bytes: providers' words are far shorter.
const LONGEST_OUTCOME: usize = 64;

/// `[message] digest`: when and how many lines share a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Digest {
    /// How long the oldest has to have waited.
    pub behind: Duration,
    /// How many lines a message has at most.
    pub max_lines: usize,
}

const BEHIND: Duration = Duration::from_secs(5);
const LONGEST_BEHIND: Duration = Duration::from_secs(600);
const MAX_LINES: u32 = 20;

pub(crate) fn read(mut section: Section<'_>) -> (Style, Digest, Timeline) {
    let digest = digest(section.section("digest"));
    let defaults = Style::default();
    let timeline = section.get("timeline", |value| word(value, &TIMELINES)).unwrap_or_default();
    let style = Style {
        format: section.get("format", |value| word(value, &FORMATS)).unwrap_or(defaults.format),
        emoji: emoji(section.section("emoji"), defaults.emoji),
        notify_on: section.values("notify_on", state).unwrap_or(defaults.notify_on),
        quiet_outcomes: section.values("quiet_outcomes", outcome).unwrap_or(defaults.quiet_outcomes),
    };
    section.finish();
    (style, digest, timeline)
}

fn digest(mut section: Section<'_>) -> Digest {
    let least = Duration::from_secs(1);
    let behind = section.get("behind", |value| duration(value, least, LONGEST_BEHIND)).unwrap_or(BEHIND);
    let max_lines = section.get("max_lines", |value| whole(value, 1, MAX_LINES)).unwrap_or(MAX_LINES);
    section.finish();
    Digest { behind, max_lines: usize::try_from(max_lines).unwrap_or(usize::MAX) }
}

fn emoji(mut section: Section<'_>, defaults: EmojiSet) -> EmojiSet {
    let set = EmojiSet {
        queued: section.get("queued", one_emoji).unwrap_or(defaults.queued),
        running: section.get("running", one_emoji).unwrap_or(defaults.running),
        succeeded: section.get("succeeded", one_emoji).unwrap_or(defaults.succeeded),
        failed: section.get("failed", one_emoji).unwrap_or(defaults.failed),
        warned: section.get("warned", one_emoji).unwrap_or(defaults.warned),
    };
    section.finish();
    set
}

fn one_emoji(value: &Value<'_>) -> Result<Emoji, Wrong> {
    Emoji::new(text(value)?).map_err(|error| Wrong::new(error.to_string(), "write one sign, like \"✅\""))
}

fn outcome(value: &Value<'_>) -> Result<String, Wrong> {
    let word = text(value)?;
    let fits = !word.trim().is_empty() && word.len() <= LONGEST_OUTCOME && !word.contains(char::is_control);
    let hint = "write the provider's own word, like \"cancelled\"";
    if fits { Ok(word.to_owned()) } else { Err(Wrong::new("not an outcome", hint)) }
}
