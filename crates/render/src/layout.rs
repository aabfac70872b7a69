//! What stands where: the lines of a message, and the line of a digest.
//!
//! A line is a row of pieces that know whether they are ours or from outside. Every form of a message is written
//! from the same rows, so all say the same words.

use std::borrow::Cow;

use meshhook_model::{Attempt, BuildStatus, Details, State, Text, Timestamp, Unit};

use crate::address::{Address, Link};
use crate::outside::Outside;
use crate::{Emoji, News, Style, words};

/// How many bytes a field takes at most. `Message::MAX_CONTENT_BYTES` rests on their sum.
mod budget {
    pub(super) const WORKFLOW: usize = 120;
    pub(super) const JOB: usize = 100;
    pub(super) const OUTCOME: usize = 60;
    pub(super) const BRANCH: usize = 100;
    pub(super) const COMMIT: usize = 49;
    pub(super) const ADDRESS: usize = 120;
    pub(super) const MACHINE: usize = 48;
    pub(super) const CORRELATION_ID: usize = 100;
}

/// How many machines the footer names; a digest's line names one.
const MACHINES: usize = 5;

/// How many characters of a commit's hash are shown.
const COMMIT_CHARS: usize = 7;

/// A few characters that go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) span: Span,
    pub(crate) look: Look,
}

/// Whose words a piece has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Span {
    Ours(Cow<'static, str>),
    Outside(Outside),
}

/// What a piece looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Look {
    Text,
    Strong,
    /// The state's word.
    State,
    Link(Link),
}

/// One line.
pub(crate) type Row = Vec<Piece>;

/// The lines of a message: what happened, to what, where; the last two only if something is known.
pub(crate) fn rows(status: &BuildStatus, news: Option<News>, style: &Style) -> Vec<Row> {
    let d = &status.details;
    let lines = [Some(headline(status, news, style)), place(d), footer(d)];
    lines.into_iter().flatten().collect()
}

/// The line that stands for the whole message in a digest.
pub(crate) fn digest(status: &BuildStatus, news: Option<News>, style: &Style) -> Row {
    let d = &status.details;
    let address = d.run_url.as_ref().map(Address::new);
    let mut parts = vec![verdict(status, style)];
    parts.extend(subject(d));
    parts.extend(meaning(news));
    parts.extend(d.branch.as_ref().map(|branch| vec![outside(branch, budget::BRANCH)]));
    parts.extend(run(d, address.as_ref()).map(|piece| vec![piece]));
    parts.extend(machines(d, 1));
    parts.extend(when(status).map(|time| vec![ours(words::clock(time))]));
    joined(parts)
}

/// When it happened: a digest may come late.
fn when(status: &BuildStatus) -> Option<Timestamp> {
    let d = &status.details;
    if status.state.is_terminal() { d.finished_at } else { d.started_at }
}

/// The emoji of the status.
fn emoji<'s>(status: &BuildStatus, style: &'s Style) -> &'s Emoji {
    match status.state {
        State::Succeeded if words::is_warned(status) => &style.emoji.warned,
        State::Queued => &style.emoji.queued,
        State::Running => &style.emoji.running,
        State::Succeeded => &style.emoji.succeeded,
        State::Failed => &style.emoji.failed,
    }
}

fn headline(status: &BuildStatus, news: Option<News>, style: &Style) -> Row {
    let mut parts = vec![verdict(status, style)];
    parts.extend(subject(&status.details));
    parts.extend(meaning(news));
    parts.extend(status.duration_seconds().map(|seconds| vec![ours(words::duration(seconds))]));
    joined(parts)
}

/// Emoji, name, state, and the outcome where it says more.
fn verdict(status: &BuildStatus, style: &Style) -> Row {
    let state = Piece { span: Span::Ours(status.state.as_str().into()), look: Look::State };
    let mut row = vec![ours(format!("{} ", emoji(status, style))), name(&status.details), ours(" "), state];
    if let Some(remark) = words::remark(status) {
        let remark = Piece { span: Span::Outside(Outside::new(&remark, budget::OUTCOME)), look: Look::Text };
        row.extend([ours(" ("), remark, ours(")")]);
    }
    row
}

/// The workflow, else the job, else a word for neither.
fn name(d: &Details) -> Piece {
    let name = d.workflow.as_ref().or(d.job.as_ref());
    let span = name.map_or(Span::Ours("Build".into()), |name| {
        Span::Outside(Outside::new(name.as_str(), budget::WORKFLOW))
    });
    Piece { span, look: Look::Strong }
}

/// What of the workflow it is about: the job, where the workflow has not left the name to it, and of what kind it is
/// where it is neither a run nor a job.
fn subject(d: &Details) -> Option<Row> {
    let part = d.job.as_ref().or_else(|| environment(d));
    let job = d.workflow.as_ref().and(part).map(|job| outside(job, budget::JOB));
    match (words::kind(d.unit), job) {
        (None, job) => job.map(|job| vec![job]),
        (Some((kind, _)), None) => Some(vec![ours(kind)]),
        (Some((kind, link)), Some(job)) => Some(vec![ours(kind), ours(link), job]),
    }
}

/// Where a deployment goes, where its name does not say so.
fn environment(d: &Details) -> Option<&Text> {
    d.title.as_ref().filter(|title| d.unit == Unit::Deployment && d.workflow.as_ref() != Some(title))
}

/// What it means to its branch.
fn meaning(news: Option<News>) -> Option<Row> {
    Some(vec![ours(news?.words())])
}

fn place(d: &Details) -> Option<Row> {
    let address = d.run_url.as_ref().map(Address::new);
    let mut parts = Vec::new();
    parts.extend(d.branch.as_ref().map(|branch| vec![ours("on "), outside(branch, budget::BRANCH)]));
    parts.extend(run(d, address.as_ref()).map(|piece| match (&d.branch, &piece.span) {
        (None, Span::Outside(_)) => vec![ours("at "), piece],
        _ => vec![piece],
    }));
    if let Some(Address::Text(text)) = address {
        let text = Piece { span: Span::Outside(Outside::new(text, budget::ADDRESS)), look: Look::Text };
        parts.push(vec![ours("no link: "), text]);
    }
    some(parts)
}

/// The commit, a link where there is one; without a commit the link alone.
fn run(d: &Details, address: Option<&Address<'_>>) -> Option<Piece> {
    let link = address.and_then(Address::link).cloned();
    let commit = d.commit.as_ref().map(|commit| {
        let short: String = commit.as_str().chars().take(COMMIT_CHARS).collect();
        Span::Outside(Outside::new(short.trim_end(), budget::COMMIT))
    });
    match (commit, link) {
        (Some(span), link) => Some(Piece { span, look: link.map_or(Look::Text, Look::Link) }),
        (None, Some(link)) => Some(Piece { span: Span::Ours("open run".into()), look: Look::Link(link) }),
        (None, None) => None,
    }
}

fn footer(d: &Details) -> Option<Row> {
    let mut parts = Vec::new();
    parts.extend(machines(d, MACHINES).map(|mut row| {
        let several = d.mesh_node_id.is_none() && d.nodes.len() > 1;
        row.insert(0, ours(if several { "machines " } else { "machine " }));
        row
    }));
    let again = d.attempt.map(Attempt::get).filter(|attempt| *attempt > 1);
    parts.extend(again.map(|attempt| vec![ours(format!("attempt {attempt}"))]));
    let id = d.correlation_id.as_ref();
    parts.extend(id.map(|id| vec![ours("id "), outside(id, budget::CORRELATION_ID)]));
    some(parts)
}

/// The machine that the status names, else up to `limit` of those that jobs of the run named.
fn machines(d: &Details, limit: usize) -> Option<Row> {
    let named = d.mesh_node_id.as_ref().map_or(d.nodes.as_slice(), std::slice::from_ref);
    let mut row = Row::new();
    for machine in named.iter().take(limit) {
        if !row.is_empty() {
            row.push(ours(", "));
        }
        row.push(outside(machine, budget::MACHINE));
    }
    if named.len() > limit {
        row.push(ours(format!(" +{}", named.len() - limit)));
    }
    (!row.is_empty()).then_some(row)
}

pub(crate) fn ours(words: impl Into<Cow<'static, str>>) -> Piece {
    Piece { span: Span::Ours(words.into()), look: Look::Text }
}

pub(crate) fn outside(text: &Text, budget: usize) -> Piece {
    Piece { span: Span::Outside(Outside::new(text.as_str(), budget)), look: Look::Text }
}

fn some(parts: Vec<Row>) -> Option<Row> {
    (!parts.is_empty()).then(|| joined(parts))
}

pub(crate) fn joined(parts: Vec<Row>) -> Row {
    parts
        .into_iter()
        .reduce(|mut row, part| {
            row.push(ours(" · "));
            row.extend(part);
            row
        })
        .unwrap_or_default()
}
