//! What no input can make of a message.

use meshhook_model::BuildStatus;
use meshhook_render::{Emoji, EmojiSet, Format, Line, Message, News, Style, message, message_with, terminal};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::checker::{Shown, active, read};
use crate::hostile::{longest, news, status};

fn content<'m>(message: &'m Message, key: &str) -> Option<&'m str> {
    message.content.get(key).and_then(Value::as_str)
}

fn bodies(message: &Message) -> (&str, &str) {
    let body = |key| content(message, key).expect("a message in HTML has both bodies");
    (body("body"), body("formatted_body"))
}

/// The plain text without the one address it holds.
fn without_address(plain: &str, message: &Message) -> String {
    content(message, "external_url")
        .map_or(plain.to_owned(), |url| plain.replacen(&format!(": {url}"), "", 1))
}

fn begins_as_ours(at: usize, line: &str) -> bool {
    let EmojiSet { queued, running, succeeded, failed, warned } = EmojiSet::default();
    let is_ours = |emoji: &Emoji| line.starts_with(&format!("{emoji} "));
    match at {
        0 => [queued, running, succeeded, failed, warned].iter().any(is_ours),
        1 | 2 => ["on ", "at ", "open run", "no link: ", "machine ", "machines ", "attempt ", "id "]
            .iter()
            .any(|ours| line.starts_with(ours)),
        _ => false,
    }
}

fn isolates_are_paired(line: &str) -> bool {
    let open = |open: Option<bool>, c| match (open?, c) {
        (false, '\u{2068}') => Some(true),
        (true, '\u{2069}') => Some(false),
        (true, '\u{2068}') | (false, '\u{2069}') => None,
        (open, _) => Some(open),
    };
    line.chars().fold(Some(false), open) == Some(false)
}

/// The link that the HTML has is the one that the event names, or there is none.
fn has_no_other_link(shown: &Shown, message: &Message) -> bool {
    shown.links.iter().map(String::as_str).eq(content(message, "external_url"))
}

fn size(message: &Message) -> usize {
    serde_json::to_string(&message.content).expect("JSON is written").len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn html_is_ours_and_says_what_the_plain_body_says(status in status(), news in news()) {
        let message = message_with(&status, news, &Style::default());
        let (body, html) = bodies(&message);
        let shown = read(html).map_err(TestCaseError::fail)?;
        prop_assert!(has_no_other_link(&shown, &message));
        prop_assert_eq!(shown.lines.join("\n"), without_address(body, &message));
    }

    #[test]
    fn every_line_begins_with_our_own_words(status in status()) {
        let message = message(&status, &Style::default());
        let (body, html) = bodies(&message);
        let shown = read(html).unwrap().lines;
        for (at, line) in body.split('\n').enumerate().chain(shown.iter().map(String::as_str).enumerate()) {
            prop_assert!(begins_as_ours(at, line), "{line:?}");
            prop_assert!(isolates_are_paired(line), "{line:?}");
        }
    }

    #[test]
    fn nothing_becomes_a_mention_a_pill_or_a_second_link(status in status()) {
        let message = message(&status, &Style::default());
        let (body, html) = bodies(&message);
        let shown = [without_address(body, &message), read(html).unwrap().lines.join("\n")];
        for text in shown {
            prop_assert_eq!(active(&text), None);
            prop_assert!(!text.contains("matrix.to") && !text.contains("javascript:"));
        }
        prop_assert!(!body.contains("@room") && !html.contains("@room"));
        prop_assert_eq!(&message.content["m.mentions"], &json!({}));
    }

    #[test]
    fn no_control_character_but_the_line_ends(status in status()) {
        let message = message(&status, &Style::default());
        let (body, html) = bodies(&message);
        prop_assert!(!body.contains(|c: char| c.is_control() && c != '\n'));
        prop_assert!(!html.contains(char::is_control));
        let shown = terminal(&status, &Style::default(), false);
        prop_assert!(!shown.contains(|c: char| c.is_control() && c != '\n'));
        prop_assert_eq!(shown.lines().count(), body.lines().count());
    }

    #[test]
    fn the_digests_line_is_as_safe(status in status(), news in news()) {
        let message = message_with(&status, news, &Style::default());
        let Line { plain, html, .. } = &message.line;
        let shown = read(html).map_err(TestCaseError::fail)?;
        prop_assert!(has_no_other_link(&shown, &message));
        prop_assert_eq!(&shown.lines, &[without_address(plain, &message)]);
        prop_assert_eq!(active(&shown.lines[0]), None);
        prop_assert!(begins_as_ours(0, plain) && isolates_are_paired(plain));
        prop_assert!(!plain.contains(char::is_control));
    }

    #[test]
    fn the_content_is_bounded_and_always_the_same(status in status(), news in news()) {
        let first = message_with(&status, news, &Style::default());
        prop_assert!(size(&first) <= Message::MAX_CONTENT_BYTES, "{}", size(&first));
        prop_assert_eq!(first, message_with(&status, news, &Style::default()));
    }

    #[test]
    fn a_plain_message_has_the_same_body_and_no_other(status in status()) {
        let style = Style { format: Format::Plain, ..Style::default() };
        let (plain, html) = (message(&status, &style), message(&status, &Style::default()));
        prop_assert_eq!(content(&plain, "body"), content(&html, "body"));
        prop_assert!(!plain.content.contains_key("formatted_body") && !plain.content.contains_key("format"));
    }
}

/// Addresses as long as a link may be: plain, full of what escaping or encoding makes longer, refused.
fn long_addresses() -> [String; 5] {
    let filled = |fill: &str, bytes: usize| {
        let mut url = String::from("https://h/?");
        url.extend(std::iter::repeat_n(fill, (bytes - url.len()) / fill.len()));
        url
    };
    [filled("a", 2048), filled("a&", 900), filled("&", 2048), filled("\\", 2048), filled("@", 4000)]
}

/// The one with the longest words.
const LONGEST_NEWS: News =
    News::StillFailing { since: meshhook_model::Timestamp::from_unix(253_402_300_799).unwrap() };

#[test]
fn the_longest_fields_stay_within_the_bound() {
    let mut largest = 0;
    for fill in ['x', '&', '"', '\'', '\\', '@', '.', '🍎', '日', '<'] {
        for url in long_addresses() {
            let message = message_with(&longest(fill, &url), Some(LONGEST_NEWS), &Style::default());
            assert!(size(&message) <= Message::MAX_CONTENT_BYTES, "{fill} {url}: {}", size(&message));
            largest = largest.max(size(&message));
        }
    }
    // The bound is not met because everything was thrown away.
    assert!(largest > Message::MAX_CONTENT_BYTES / 2, "{largest}");
}

fn data(status: &BuildStatus) -> Value {
    message(status, &Style::default()).content["com.meshmac.build_status"].clone()
}

#[test]
fn data_is_only_cut_where_it_must_be() {
    let mut status = longest('x', "https://h/");
    let nodes = std::mem::take(&mut status.details.nodes);
    for count in 0..100 {
        status.details.nodes = nodes[..count].to_vec();
        let whole = serde_json::to_value(&status).unwrap();
        let written = message(&status, &Style::default());
        let cut = written.content["com.meshmac.build_status"] != whole;
        let with_whole = size(&written) - data(&status).to_string().len() + whole.to_string().len();
        assert!(size(&written) <= Message::MAX_CONTENT_BYTES, "{count}");
        assert_eq!(cut, with_whole > Message::MAX_CONTENT_BYTES, "{count}");
    }
    assert_eq!(data(&status)["nodes"].as_array().unwrap().len(), 5);
    assert_eq!(data(&status)["title"].as_str().unwrap().len(), 64);
}
