//! Who asks in a room is told each machine's and workflow's last state. The answer is a delivery like any other, under a
//! key of the question's: asked once, it is said once, however often the question is pushed.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use meshhook_model::{State, Text};
use meshhook_render::{Board, BoardMachine, BoardWorkflow, LastBuild, Style, outdated_board};
use meshhook_store::{
    Announcement, Content, DeliveryView, Facts, Filter, Freshness, GroupKey, Key, Latest, Moment,
    NewDelivery, Purport, Rank, Status, StoreError, SubjectKey,
};
use serde_json::Value;

use crate::admit::{Admission, Source};
use crate::engine::Engine;
use crate::identity::Recipe;
use crate::line;
use crate::pool::KnownNode;

/// So many deliveries are looked at for the last state of each workflow.
const LOOK_AT: usize = 5000;

/// The name under which boards are listed among the sources' deliveries: none that a source may have.
const SOURCE: &str = "!builds";

/// What verified a question: the token that the homeserver shows.
const VERIFIED_BY: &str = "hs_token";

/// A question that was heard.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// In which room.
    pub room: &'a str,
    /// The event that asks.
    pub event_id: &'a str,
    /// The id of the request that brought it.
    pub request_id: &'a str,
    /// The id that the answer gets, if it is new.
    pub delivery_id: &'a str,
    /// When it was heard.
    pub now: Moment,
}

impl Engine {
    /// Whether builds are told of in that room, by the configuration.
    #[must_use]
    pub fn is_configured(&self, room: &str) -> bool {
        self.shared.conduct.get().serves(room)
    }

    /// Whether another question of that room still waits for its answer, which will be as new as this one's. Looks into the
    /// store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn owes_board(&self, asked: Asked<'_>) -> Result<bool, StoreError> {
        let waiting = Filter {
            status: Some(Status::Pending),
            source: Some(SOURCE.to_owned()),
            limit: LOOK_AT,
            ..Filter::default()
        };
        let asked_key = key(asked.event_id);
        let is_another =
            |view: &DeliveryView| view.room.as_deref() == Some(asked.room) && view.key != asked_key;
        Ok(self.store().list(&waiting)?.iter().any(is_another))
    }

    /// The board of a room, as an answer to be handed in; nothing where that room is not configured. Looks into the store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn board(&self, asked: Asked<'_>) -> Result<Option<Admission>, StoreError> {
        let conduct = self.shared.conduct.get();
        let leads_there = |source: &&Arc<Source>| source.rooms().any(|room| room == asked.room);
        let Some(source) = conduct.sources.iter().find(leads_there) else { return Ok(None) };
        let latest = self.store().latest(asked.room, LOOK_AT)?;
        let board = board(&latest, self.nodes()?, asked.now);
        Ok(Some(admission(asked, &board, &source.style, source.retention)))
    }
}

fn board(latest: &[Latest], nodes: Vec<KnownNode>, now: Moment) -> Board {
    Board { machines: machines(nodes, latest, now), workflows: workflows(latest, now) }
}

/// Those of the pool, where there is one, else all; who was heard of last comes first.
fn machines(mut nodes: Vec<KnownNode>, latest: &[Latest], now: Moment) -> Vec<BoardMachine> {
    if nodes.iter().any(|node| node.listed) {
        nodes.retain(|node| node.listed);
    }
    nodes.sort_by_key(|node| Reverse(node.seen.as_ref().map(|seen| seen.last_seen)));
    let told: HashSet<_> = latest.iter().filter_map(|one| one.workflow.as_deref()).collect();
    nodes.into_iter().filter_map(|node| machine(&node, &told, now)).collect()
}

/// What is not told of in this room is no workflow's name to it.
fn machine(node: &KnownNode, told: &HashSet<&str>, now: Moment) -> Option<BoardMachine> {
    let last = node.seen.as_ref().map(|seen| {
        let about = seen.seen_in.as_ref();
        let workflow = about.and_then(|about| about.workflow.as_deref()).filter(|name| told.contains(name));
        LastBuild {
            state: about.and_then(|about| about.state.as_deref()?.parse().ok()),
            workflow: workflow.and_then(Text::new),
            seconds_ago: now.since(seen.last_seen).as_secs(),
        }
    });
    Some(BoardMachine { name: Text::new(&node.name)?, last })
}

/// A job stands for its workflow only where nothing is told of that itself.
fn workflows(latest: &[Latest], now: Moment) -> Vec<BoardWorkflow> {
    let path = |one: &Latest| (one.repo.clone(), one.workflow.clone(), one.branch.clone());
    let mut told: HashSet<_> = latest.iter().filter(|one| one.job.is_none()).map(path).collect();
    let counts = |one: &&Latest| one.job.is_none() || one.workflow.is_none() || told.insert(path(one));
    latest.iter().filter(counts).filter_map(|one| workflow(one, now)).collect()
}

fn workflow(one: &Latest, now: Moment) -> Option<BoardWorkflow> {
    let text = |text: &Option<String>| text.as_deref().and_then(Text::new);
    Some(BoardWorkflow {
        name: text(&one.workflow).or_else(|| text(&one.job)),
        branch: text(&one.branch),
        repo: text(&one.repo),
        state: one.state.parse::<State>().ok()?,
        seconds_ago: now.since(one.received_at).as_secs(),
    })
}

fn admission(asked: Asked<'_>, board: &Board, style: &Style, retention: Duration) -> Admission {
    let content = Content {
        content: Value::Object(board.content(style)).to_string(),
        line: line::write(&outdated_board()),
        notify: false,
        speaker: None,
    };
    let announcement = Announcement {
        key: key(asked.event_id),
        subject: SubjectKey(named("subject", asked.event_id)),
        round: 1,
        rank: Rank::Terminal,
        room: asked.room.to_owned(),
        freshness: Freshness::Signed,
        group: GroupKey(named("group", asked.event_id)),
        change: None,
        render: Box::new(move |_| content.clone()),
    };
    let delivery = NewDelivery {
        id: asked.delivery_id.to_owned(),
        source: SOURCE.to_owned(),
        body_key: key(asked.event_id).into(),
        purport: Purport::Announce(announcement),
        facts: Facts {
            correlation_id: asked.delivery_id.to_owned(),
            verified_by: VERIFIED_BY.to_owned(),
            request_id: asked.request_id.to_owned(),
            ..Facts::default()
        },
        machine: None,
        nodes: Vec::new(),
        raw: Vec::new(),
        received_at: asked.now,
        retention,
    };
    Admission { delivery, state: None }
}

fn key(event_id: &str) -> Key {
    Key(Recipe::new().text("board").text(event_id).hash())
}

fn named(what: &str, event_id: &str) -> [u8; 32] {
    Recipe::new().text("board").text(what).text(event_id).hash()
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshhook_store::{NodeView, SeenIn};

    const NOW: Moment = Moment::from_seconds(1000);

    fn latest([workflow, job, branch]: [&str; 3], state: &str, second: i64) -> Latest {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Latest {
            repo: some("o/a"),
            workflow: some(workflow),
            job: some(job),
            branch: some(branch),
            state: state.to_owned(),
            received_at: Moment::from_seconds(second),
        }
    }

    fn node(name: &str, listed: bool, seen: Option<(i64, &str)>) -> KnownNode {
        let seen = seen.map(|(second, workflow)| NodeView {
            name: name.to_owned(),
            last_seen: Moment::from_seconds(second),
            delivery: "d".to_owned(),
            seen_in: Some(SeenIn {
                source: "s".to_owned(),
                workflow: Some(workflow.to_owned()),
                state: Some("failed".to_owned()),
                status: Status::Sent,
            }),
        });
        KnownNode { name: name.to_owned(), listed, seen }
    }

    fn lines(board: &Board) -> Vec<String> {
        let body = board.content(&Style::default())["body"].as_str().unwrap().to_owned();
        body.lines().map(|line| line.replace(['\u{2068}', '\u{2069}', '\u{2060}'], "")).collect()
    }

    #[test]
    fn a_board_has_the_last_of_each() {
        let latest = [
            latest(["CI", "", "main"], "failed", 990),
            latest(["CI", "build", "main"], "succeeded", 985),
            latest(["Nightly", "test", "main"], "running", 980),
            latest(["Nightly", "lint", "main"], "failed", 970),
            latest(["", "deploy", ""], "queued", 400),
            latest(["CI", "", "main"], "no state", 300),
        ];
        let nodes = vec![
            node("mac-1", true, None),
            node("mac-2", true, Some((700, "CI"))),
            node("x", false, Some((999, "CI"))),
        ];
        let expected = [
            "📋 Machines",
            "❌ mac-2 failed · CI · 5 min ago",
            "▫️ mac-1 · not heard of yet",
            "📋 Workflows",
            "❌ CI failed · main · o/a · 10 s ago",
            "🔨 Nightly running · main · o/a · 20 s ago",
            "🕓 deploy queued · o/a · 10 min ago",
        ];
        assert_eq!(lines(&board(&latest, nodes, NOW)), expected);
    }

    /// A room's workflows are nobody else's business.
    #[test]
    fn a_machine_names_no_workflow_of_another_room() {
        let nodes = vec![node("b", false, Some((990, "secret"))), node("a", false, Some((995, "CI")))];
        let known = [latest(["CI", "", ""], "running", 995)];
        let lines = lines(&board(&known, nodes, NOW));
        assert_eq!(lines[1..3], ["❌ a failed · CI · 5 s ago", "❌ b failed · 10 s ago"]);
    }

    #[test]
    fn an_answer_is_its_questions() {
        let asked = |event_id| Asked { room: "!r", event_id, request_id: "r", delivery_id: "d", now: NOW };
        let of = |event_id| {
            let style = Style::default();
            match admission(asked(event_id), &Board::default(), &style, Duration::ZERO).delivery.purport {
                Purport::Announce(Announcement { key, subject, .. }) => (key, subject),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(of("$a"), of("$a"));
        assert!(of("$a").0 != of("$b").0 && of("$a").1 != of("$b").1);
        assert_eq!(of("$a").0.to_string(), GOLDEN);
    }

    /// Another recipe would answer a question twice across an upgrade. Reckoned by another program.
    const GOLDEN: &str = "0105f2edce88afbc1de6437c78bae3b8c810bff72c80bfb1f0e6233001955b68";
}
