//! The board: each machine's and each workflow's last state, for who asks.

use meshhook_model::{State, Text};
use serde_json::{Map, Value, json};

use crate::layout::{Look, Piece, Row, Span, joined, ours, outside};
use crate::message::Line;
use crate::outside::Outside;
use crate::{Format, Style, data, form, words};

/// How many lines of a kind there are at most.
const MOST: usize = 30;

/// How many bytes a field takes at most.
mod budget {
    pub(super) const NAME: usize = 64;
    pub(super) const FIELD: usize = 64;
}

/// What a board's headers begin with: no line begins with text from outside.
const SIGN: &str = "📋";

/// What stands before a machine of which no state is known.
const NO_STATE: &str = "▫️";

/// What is known of the builds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Board {
    /// The machines; what matters most comes first.
    pub machines: Vec<BoardMachine>,
    /// The workflows, likewise.
    pub workflows: Vec<BoardWorkflow>,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardMachine {
    /// Its name.
    pub name: Text,
    /// The last build that named it; nothing if it was never heard of.
    pub last: Option<LastBuild>,
}

/// The last build on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastBuild {
    /// Where it stood, where that is known.
    pub state: Option<State>,
    /// Of which workflow it was.
    pub workflow: Option<Text>,
    /// How long ago that was heard, in seconds.
    pub seconds_ago: u64,
}

/// A workflow of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardWorkflow {
    /// The workflow, or the job where there is none.
    pub name: Option<Text>,
    /// The branch.
    pub branch: Option<Text>,
    /// The repository.
    pub repo: Option<Text>,
    /// Where its last build stands.
    pub state: State,
    /// How long ago that was heard, in seconds.
    pub seconds_ago: u64,
}

impl Board {
    /// The content's longest JSON, in bytes.
    pub const MAX_CONTENT_BYTES: usize = 12 * 1024;

    /// The content of an `m.notice`, all but `com.meshmac.message`: up to 30 lines of each kind, and no more than there is
    /// room for.
    #[must_use]
    pub fn content(&self, style: &Style) -> Map<String, Value> {
        let longest = (0..=MOST).rev().map(|most| written(&self.rows(style, most), style.format));
        let fits = |content: &Map<String, Value>| data::written(content) <= Self::MAX_CONTENT_BYTES;
        let mut contents = longest.skip_while(|content| !fits(content));
        contents.next().unwrap_or_else(|| written(&[], style.format))
    }

    fn rows(&self, style: &Style, most: usize) -> Vec<Row> {
        let machines = self.machines.iter().map(|machine| machine.row(style));
        let workflows = self.workflows.iter().map(|workflow| workflow.row(style));
        let rows = [section("Machines", machines, most), section("Workflows", workflows, most)].concat();
        if rows.is_empty() { vec![vec![ours(format!("{SIGN} No build was heard of yet"))]] } else { rows }
    }
}

/// What stands for a board in a digest: by then it is out of date.
#[must_use]
pub fn outdated_board() -> Line {
    let words = format!("{SIGN} a board was asked for, and is out of date by now: ask again");
    Line { plain: words.clone(), html: words, data: Value::Null }
}

/// A header, lines, and how many more there would be; nothing where there are none.
fn section(name: &str, lines: impl ExactSizeIterator<Item = Row>, most: usize) -> Vec<Row> {
    let count = lines.len();
    if count == 0 {
        return Vec::new();
    }
    let header = vec![ours(format!("{SIGN} {name}"))];
    let more = count.checked_sub(most).filter(|more| *more > 0);
    let more = more.map(|more| vec![ours(format!("and {more} more"))]);
    std::iter::once(header).chain(lines.take(most)).chain(more).collect()
}

impl BoardMachine {
    fn row(&self, style: &Style) -> Row {
        let Some(last) = &self.last else {
            return joined(vec![begin(NO_STATE, &self.name), vec![ours("not heard of yet")]]);
        };
        let mut first = begin(last.state.map_or(NO_STATE, |state| sign(state, style)), &self.name);
        first.extend(last.state.map(state_word).into_iter().flatten());
        let mut parts = vec![first];
        parts.extend(last.workflow.as_ref().map(field));
        parts.push(vec![ours(ago(last.seconds_ago))]);
        joined(parts)
    }
}

impl BoardWorkflow {
    fn row(&self, style: &Style) -> Row {
        let sign = sign(self.state, style);
        let mut first = match &self.name {
            Some(name) => begin(sign, name),
            None => vec![ours(format!("{sign} Build"))],
        };
        first.extend(state_word(self.state));
        let mut parts = vec![first];
        parts.extend([&self.branch, &self.repo].into_iter().flatten().map(field));
        parts.push(vec![ours(ago(self.seconds_ago))]);
        joined(parts)
    }
}

/// A sign and a name.
fn begin(sign: &str, name: &Text) -> Row {
    let span = Span::Outside(Outside::new(name.as_str(), budget::NAME));
    vec![ours(format!("{sign} ")), Piece { span, look: Look::Strong }]
}

fn field(text: &Text) -> Row {
    vec![outside(text, budget::FIELD)]
}

fn state_word(state: State) -> [Piece; 2] {
    [ours(" "), Piece { span: Span::Ours(state.as_str().into()), look: Look::State }]
}

fn sign(state: State, style: &Style) -> &str {
    let emoji = &style.emoji;
    match state {
        State::Queued => emoji.queued.as_str(),
        State::Running => emoji.running.as_str(),
        State::Succeeded => emoji.succeeded.as_str(),
        State::Failed => emoji.failed.as_str(),
    }
}

/// In the largest unit: to the minute nobody asks.
fn ago(seconds: u64) -> String {
    let whole = [(86_400, "d"), (3600, "h"), (60, "min")].into_iter().find(|(unit, _)| seconds >= *unit);
    whole.map_or_else(
        || format!("{} ago", words::duration(seconds)),
        |(unit, name)| format!("{} {name} ago", seconds / unit),
    )
}

fn written(rows: &[Row], format: Format) -> Map<String, Value> {
    let joined = |form: fn(&[Piece]) -> String, end: &str| {
        rows.iter().map(|row| form(row)).collect::<Vec<_>>().join(end)
    };
    let mut content = Map::new();
    content.insert("msgtype".into(), "m.notice".into());
    content.insert("m.mentions".into(), json!({}));
    content.insert("body".into(), joined(form::plain, "\n").into());
    if format == Format::Html {
        content.insert("format".into(), "org.matrix.custom.html".into());
        content.insert("formatted_body".into(), joined(form::html, "<br>").into());
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_ago_is_one_number() {
        for (seconds, words) in [
            (0, "0 s ago"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (3599, "59 min ago"),
            (7300, "2 h ago"),
            (200_000, "2 d ago"),
        ] {
            assert_eq!(ago(seconds), words);
        }
    }
}
