//! `[message]`: how messages look, and which notify.

use meshhook_model::State;
use meshhook_render::{Emoji, EmojiSet, Format, Style};

use crate::document::{Section, Value};
use crate::fault::Wrong;
use crate::later;
use crate::value::{text, word};

pub(crate) const FORMATS: [(&str, Format); 2] = [("html", Format::Html), ("plain", Format::Plain)];

/// The longest outcome, in bytes: providers' words are far shorter.
const LONGEST_OUTCOME: usize = 64;

pub(crate) fn read(mut section: Section<'_>) -> Style {
    let defaults = Style::default();
    section.get("timeline", |value| word(value, &[("lines", ())], later::TIMELINES));
    let style = Style {
        format: section.get("format", |value| word(value, &FORMATS, &[])).unwrap_or(defaults.format),
        emoji: emoji(section.section("emoji"), defaults.emoji),
        notify_on: section.values("notify_on", state).unwrap_or(defaults.notify_on),
        quiet_outcomes: section.values("quiet_outcomes", outcome).unwrap_or(defaults.quiet_outcomes),
    };
    section.finish(later::MESSAGE_KEYS);
    style
}

fn emoji(mut section: Section<'_>, defaults: EmojiSet) -> EmojiSet {
    let set = EmojiSet {
        queued: section.get("queued", one_emoji).unwrap_or(defaults.queued),
        running: section.get("running", one_emoji).unwrap_or(defaults.running),
        succeeded: section.get("succeeded", one_emoji).unwrap_or(defaults.succeeded),
        failed: section.get("failed", one_emoji).unwrap_or(defaults.failed),
        warned: section.get("warned", one_emoji).unwrap_or(defaults.warned),
    };
    section.finish(&[]);
    set
}

fn one_emoji(value: &Value<'_>) -> Result<Emoji, Wrong> {
    Emoji::new(text(value)?).map_err(|error| Wrong::new(error.to_string(), "write one sign, like \"✅\""))
}

fn state(value: &Value<'_>) -> Result<State, Wrong> {
    word(value, &State::ALL.map(|state| (state.as_str(), state)), &[])
}

fn outcome(value: &Value<'_>) -> Result<String, Wrong> {
    let word = text(value)?;
    let fits = !word.trim().is_empty() && word.len() <= LONGEST_OUTCOME && !word.contains(char::is_control);
    let hint = "write the provider's own word, like \"cancelled\"";
    if fits { Ok(word.to_owned()) } else { Err(Wrong::new("not an outcome", hint)) }
}
