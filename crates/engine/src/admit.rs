//! From a POST's bytes to a delivery: verify, read, name, and get ready to render. Pure.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use meshhook_model::{BuildStatus, Details, State, Text, Timestamp, Unit};
use meshhook_normalize::{BodyError, Event, Meaning, Provider, Reader, Reading};
use meshhook_render::{News, Style};
use meshhook_store::{
    Announcement, BodyKey, Change, Content, Ending, Facts, Freshness, Machine, Moment, NewDelivery, Purport,
    Rank, Render, Trend,
};
use meshhook_verify::{Headers, Unverified, Verified, Verifier};

use crate::identity::{Names, body_key, body_key_of, branch_key};
use crate::line;
use crate::only::Only;
use crate::path_token;
use crate::pool::Pool;
use crate::raw::Context;
use crate::route::Routes;

/// The longest id from outside that is taken over into logs and messages.
const MAX_FOREIGN_ID: usize = 64;

/// Who may post, and what becomes of it.
#[derive(Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Whose bodies it sends, and how they are read.
    pub reader: Reader,
    /// How they are signed, with all keys that are valid.
    pub verifier: Verifier,
    /// What its marks are kept under: its name, unless sources share one on purpose.
    pub scope: String,
    /// Its own machine, where it has one.
    pub node: Option<Text>,
    /// The machines that an operator listed.
    pub pool: Arc<Pool>,
    /// What is announced.
    pub units: Vec<Unit>,
    /// And of that, which.
    pub only: Only,
    /// Where, unless one of `routes` leads elsewhere.
    pub room: String,
    /// Which of it is said in other rooms.
    pub routes: Arc<Routes>,
    /// How it looks.
    pub style: Arc<Style>,
    /// How long marks stay.
    pub retention: Duration,
}

impl Source {
    /// Where something is said.
    fn room_for(&self, status: &BuildStatus) -> &str {
        self.routes.room(&self.name, status).unwrap_or(&self.room)
    }

    /// Every room that something of it may be said in.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.room).chain(self.routes.rooms_of(&self.name))
    }
}

/// A POST's circumstances.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// When it came.
    pub now: Moment,
    /// The id of the request.
    pub request_id: &'a str,
    /// The id that the delivery gets, if it is new.
    pub delivery_id: &'a str,
}

/// Why a POST becomes no delivery.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not proved to be its source's. For the log; the sender is not told why.
    #[error(transparent)]
    Unverified(meshhook_verify::Refusal),
    /// Not JSON, nor a form that holds it.
    #[error(transparent)]
    Body(BodyError),
    /// In the own format: a field is wrong.
    #[error("{field} has to be {expected}")]
    Field {
        /// Which.
        field: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
}

/// A delivery, ready for the store.
#[derive(Debug)]
pub struct Admission {
    pub(crate) delivery: NewDelivery,
    pub(crate) state: Option<State>,
}

impl Admission {
    /// What people will ask for.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.delivery.facts
    }
}

/// Verifies and reads a POST.
///
/// The body is taken once it is verified. One that is not is left where it is: what it cost to find that out is to be
/// spent on it again where nothing may tell whose it was said to be.
///
/// # Errors
/// [`Refusal`].
pub fn admit(
    source: &Source,
    headers: &dyn Headers,
    body: &mut Vec<u8>,
    arrival: Arrival<'_>,
) -> Result<Admission, Refusal> {
    let verified = Unverified::new(&*body)
        .verify(&source.verifier, headers, arrival.now.seconds())
        .map_err(Refusal::Unverified)?;
    let context = Context {
        event_header: event_header(source.reader.provider(), headers),
        message_id: verified.message_id().map(Into::into),
        signed_at: verified.signed_at(),
    };
    let key = verified.key().to_owned();
    let mut body = Verified::into_signed_text(verified).unwrap_or_else(|| std::mem::take(body));
    path_token::hide(source.verifier.scheme(), headers, &mut body);
    let draft = Draft::read(source, arrival, &body, &context, key)?;
    Ok(draft.finish(context.append_to(body)))
}

/// Reads a kept body again, as a newer version may understand it.
pub(crate) fn read_again(
    source: &Source,
    raw: &meshhook_store::Raw,
    arrival: Arrival<'_>,
) -> Option<NewDelivery> {
    let (body, context) = Context::split_from(&raw.raw)?;
    let draft = Draft::read(source, arrival, body, &context, raw.facts.verified_by.clone()).ok()?;
    Some(draft.finish(raw.raw.clone()).delivery)
}

/// The event's name; one that comes twice, or is no text, agrees with nothing.
fn event_header(provider: &Provider, headers: &dyn Headers) -> Option<String> {
    let mut found = Vec::new();
    headers.each(provider.event_header()?, &mut |value| found.push(value));
    match found[..] {
        [] => None,
        [one] => Some(std::str::from_utf8(one).unwrap_or_default().to_owned()),
        _ => Some(String::new()),
    }
}

struct Draft<'a> {
    source: &'a Source,
    arrival: Arrival<'a>,
    purport: Purport,
    machine: Option<Machine>,
    nodes: Vec<String>,
    facts: Facts,
    state: Option<State>,
}

impl<'a> Draft<'a> {
    fn read(
        source: &'a Source,
        arrival: Arrival<'a>,
        body: &[u8],
        context: &Context,
        verified_by: String,
    ) -> Result<Self, Refusal> {
        let reading = source.reader.read(body, context.event_header.as_deref()).map_err(Refusal::Body)?;
        let freshness = freshness(&reading, context);
        let body_key = || body_key(&source.name, body).to_string();
        let otherwise = || context.message_id.clone().unwrap_or_else(body_key);
        let mut draft = Self {
            source,
            arrival,
            purport: Purport::Ignored(String::new()),
            machine: None,
            nodes: Vec::new(),
            facts: Facts { verified_by, request_id: arrival.request_id.to_owned(), ..Facts::default() },
            state: None,
        };
        match reading.meaning {
            Meaning::Invalid { field, expected } => return Err(Refusal::Field { field, expected }),
            Meaning::Ignored { reason, mut details } => {
                draft.describe(&mut details, context);
                draft.purport = Purport::Ignored(reason.as_str().to_owned());
            }
            Meaning::Unreadable { reason, mut details } => {
                draft.describe(&mut details, context);
                draft.purport = Purport::Unreadable(reason.as_str().to_owned());
            }
            Meaning::Event(event) => draft.event(event, context, freshness, otherwise),
        }
        Ok(draft)
    }

    fn event(
        &mut self,
        mut event: Event,
        context: &Context,
        freshness: Freshness,
        otherwise: impl FnOnce() -> String,
    ) {
        self.place(&mut event);
        self.describe(&mut event.status.details, context);
        let status = event.status;
        self.state = Some(status.state);
        self.facts.state = Some(status.state.as_str().to_owned());
        let names = Names::of(&self.source.scope, &event.identity, &status, otherwise);
        self.machine = event
            .machine
            .filter(|machine| self.may_tell_of(&machine.name))
            .map(|machine| Machine { group: names.group, name: machine.name.as_str().to_owned() });
        let named = status.details.mesh_node_id.iter().chain(&status.details.nodes);
        self.nodes = named.map(|name| name.as_str().to_owned()).collect();
        self.purport = match self.refusal(&status) {
            Some(reason) => Purport::Ignored(reason.to_owned()),
            None => Purport::Announce(self.announcement(status, &names, freshness)),
        };
    }

    /// Whether others that share its runs may take it from this source that a machine was at work: one that is a machine's
    /// own could else have any machine speak, by what the other source says of the run.
    fn may_tell_of(&self, machine: &Text) -> bool {
        let Source { name, scope, node, .. } = self.source;
        scope == name || node.as_ref().is_none_or(|own| own == machine)
    }

    /// Why nothing is said of an event, as far as it alone can tell.
    fn refusal(&self, status: &BuildStatus) -> Option<&'static str> {
        let Source { units, only, style, .. } = self.source;
        if !units.contains(&status.details.unit) {
            return Some("unit");
        }
        // What is no end, or was called off, says nothing of its branch: neither is it compared nor remembered.
        let may_change = status.state.is_terminal() && !meshhook_render::is_quiet(status, style);
        only.refuses(status).or_else(|| match only.changes {
            true => (!may_change).then_some("unchanged"),
            false => only.mutes(status.state),
        })
    }

    /// What an end has to change, where only changes are said.
    fn change(&self, status: &BuildStatus) -> Option<Change> {
        let Source { only, scope, .. } = self.source;
        only.changes.then(|| Change {
            branch: branch_key(scope, status),
            ending: Ending {
                well: status.state == State::Succeeded,
                word: meshhook_render::outcome_word(status),
            },
            muted: only.mutes(status.state).map(str::to_owned),
        })
    }

    /// Every runner under the name of its machine. A vendor's own is none; a source's machine is that of what names none.
    fn place(&self, event: &mut Event) {
        let Details { mesh_node_id, nodes, .. } = &mut event.status.details;
        let of_body = mesh_node_id.iter_mut().chain(nodes.iter_mut());
        of_body
            .chain(event.machine.as_mut().map(|m| &mut m.name))
            .for_each(|name| self.source.pool.rename(name));
        nodes.sort_unstable();
        nodes.dedup();
        if event.machine.take_if(|machine| machine.hosted).is_some() {
            event.status.details.mesh_node_id = None;
        }
        if event.status.details.mesh_node_id.is_none() {
            event.status.details.mesh_node_id.clone_from(&self.source.node);
        }
    }

    /// Completes the details by the correlation id and notes what people ask for.
    fn describe(&mut self, details: &mut Details, context: &Context) {
        let signed = context.message_id.as_deref().filter(|id| id.len() <= MAX_FOREIGN_ID);
        let id = signed.unwrap_or(self.arrival.delivery_id);
        let correlation_id = details.correlation_id.take().or_else(|| Text::new(id));
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.as_str().to_owned());
        self.facts = Facts {
            outcome: text(&details.outcome),
            workflow: text(&details.workflow),
            job: text(&details.job),
            repo: text(&details.repo),
            branch: details.owned_branch().map(Cow::into_owned),
            run_id: text(&details.run_id),
            node: text(&details.mesh_node_id),
            correlation_id: text(&correlation_id).unwrap_or_default(),
            ..std::mem::take(&mut self.facts)
        };
        details.correlation_id = correlation_id;
    }

    fn announcement(&self, status: BuildStatus, names: &Names, freshness: Freshness) -> Announcement {
        Announcement {
            key: names.key,
            subject: names.subject,
            round: status.details.round.get(),
            rank: Rank::from_number(status.state.rank()),
            room: self.source.room_for(&status).to_owned(),
            freshness,
            group: names.group,
            change: self.change(&status).map(Box::new),
            render: renderer(status, self.source),
        }
    }

    fn finish(self, raw: Vec<u8>) -> Admission {
        let mut delivery = NewDelivery {
            id: self.arrival.delivery_id.to_owned(),
            source: self.source.name.clone(),
            body_key: BodyKey::Of(body_key_of),
            purport: self.purport,
            facts: self.facts,
            machine: self.machine,
            nodes: self.nodes,
            raw,
            received_at: self.arrival.now,
            retention: self.source.retention,
        };
        // The store has one writer: what is certainly needed is reckoned here.
        if !matches!(delivery.purport, Purport::Announce(_)) {
            delivery.body_key = delivery.body_key().into();
        }
        Admission { delivery, state: self.state }
    }
}

/// How old something may be. A time that is not signed itself is as good as the body it stands in: where a scheme proves
/// possession of a secret alone, anybody who has that writes both. It still tells an old request from a new one.
fn freshness(reading: &Reading, context: &Context) -> Freshness {
    match (context.signed_at, reading.newest) {
        (Some(_), _) => Freshness::Signed,
        (None, Some(newest)) => Freshness::Body(Moment::from_seconds(newest.unix())),
        (None, None) => Freshness::Timeless,
    }
}

/// Renders a status with the machines that jobs of its run have named by then, and what it means to its branch.
fn renderer(status: BuildStatus, source: &Source) -> Render {
    let style = Arc::clone(&source.style);
    let speakers = Speakers { pool: Arc::clone(&source.pool), only: source.node.clone() };
    Box::new(move |background| {
        let mut status = status.clone();
        if status.details.unit != Unit::Job {
            name_machines(&mut status.details, background.machines);
        }
        let news = background.news.and_then(news);
        let message = meshhook_render::message_with(&status, news, &style);
        Content {
            content: serde_json::Value::Object(message.content).to_string(),
            line: line::write(&message.line),
            notify: message.notify,
            speaker: speakers.of(&status.details),
        }
    })
}

/// Which machines a source may have speak: those of the pool; of a source that is one machine's own, that one alone.
struct Speakers {
    pool: Arc<Pool>,
    only: Option<Text>,
}

impl Speakers {
    fn of(&self, details: &Details) -> Option<String> {
        let node = details.mesh_node_id.as_ref().filter(|node| self.pool.lists(node.as_str()))?;
        let may_name = self.only.as_ref().is_none_or(|only| only == node);
        may_name.then(|| node.as_str().to_owned())
    }
}

/// The news by times that a message can say.
fn news(news: meshhook_store::News) -> Option<News> {
    let since = Timestamp::from_unix(news.since.seconds())?;
    Some(match news.trend {
        Trend::Broken => News::Broken { since },
        Trend::Fixed => News::Fixed { since, after: news.at.since(news.since).as_secs() },
        Trend::StillFailing => News::StillFailing { since },
    })
}

/// Adds the machines that jobs have named to those that the body itself names.
fn name_machines(details: &mut Details, machines: &[String]) {
    details.nodes.extend(machines.iter().filter_map(|name| Text::new(name)));
    details.nodes.sort_unstable();
    details.nodes.dedup();
    if let (None, [only]) = (&details.mesh_node_id, &details.nodes[..]) {
        details.mesh_node_id = Some(only.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshhook_verify::{Key, Scheme, sign};

    fn key() -> Key {
        Key::new(Scheme::StandardWebhooks, "k", b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
    }

    fn source() -> Source {
        Source {
            name: "mac".into(),
            reader: Reader::new(Provider::by_name("standard").unwrap()),
            verifier: Verifier::new(Scheme::StandardWebhooks, vec![key()]).unwrap(),
            scope: "mac".into(),
            node: None,
            pool: Arc::default(),
            units: vec![Unit::Run],
            only: Only::default(),
            room: "!room".into(),
            routes: Arc::default(),
            style: Arc::default(),
            retention: Duration::from_secs(3600),
        }
    }

    fn correlation_id(message_id: &str) -> String {
        let body = br#"{"workflow":"w","state":"failed","run_id":"1"}"#;
        let headers = sign(&key(), message_id, 1_795_413_600, body).unwrap();
        let now = Moment::from_seconds(1_795_413_600);
        let arrival = Arrival { now, request_id: "r", delivery_id: "ours" };
        admit(&source(), &headers, &mut body.to_vec(), arrival).unwrap().facts().correlation_id.clone()
    }

    #[test]
    fn the_machines_of_the_body_and_those_of_jobs_are_named_once() {
        let of = |own: &[&str], of_jobs: &[&str]| {
            let own = own.iter().filter_map(|name| Text::new(name)).collect();
            let mut details = Details { nodes: own, ..Details::default() };
            let of_jobs: Vec<_> = of_jobs.iter().map(ToString::to_string).collect();
            name_machines(&mut details, &of_jobs);
            let text = |name: &Text| name.as_str().to_owned();
            (details.nodes.iter().map(text).collect::<Vec<_>>(), details.mesh_node_id.as_ref().map(text))
        };
        let some = |one: &str| Some(one.to_owned());
        assert_eq!(of(&["b", "c"], &["a", "b"]), (vec!["a".into(), "b".into(), "c".into()], None));
        assert_eq!(of(&["a"], &["a"]), (vec!["a".into()], some("a")));
        assert_eq!(of(&["a"], &[]), (vec!["a".into()], some("a")));
        assert_eq!(of(&[], &["a"]), (vec!["a".into()], some("a")));
    }

    /// By any scheme that signs no time, also one that proves nothing of the body: a captured request is old all the same.
    #[test]
    fn the_newest_time_of_a_body_counts_where_none_is_signed() {
        let freshness = |scheme, times: &str| {
            let key = || Key::for_sender(scheme, "k", TOKEN.as_bytes()).unwrap();
            let source = Source { verifier: Verifier::new(scheme, vec![key()]).unwrap(), ..source() };
            let body = format!(r#"{{"workflow":"w","state":"failed","run_id":"1"{times}}}"#);
            let headers = sign(&key(), "", 0, body.as_bytes()).unwrap();
            let now = Moment::from_seconds(1_795_413_600);
            let arrival = Arrival { now, request_id: "r", delivery_id: "ours" };
            match admit(&source, &headers, &mut body.into_bytes(), arrival).unwrap().delivery.purport {
                Purport::Announce(announcement) => announcement.freshness,
                other => panic!("{other:?}"),
            }
        };
        let started = r#","started_at":"2026-11-23T05:00:00Z""#;
        let both = format!(r#"{started},"finished_at":"2026-11-23T06:00:00Z""#);
        for scheme in [Scheme::Github, Scheme::Bearer, Scheme::PathToken] {
            assert_eq!(freshness(scheme, &both), Freshness::Body(Moment::from_seconds(1_795_413_600)));
            assert_eq!(freshness(scheme, started), Freshness::Body(Moment::from_seconds(1_795_410_000)));
            assert_eq!(freshness(scheme, ""), Freshness::Timeless);
        }
    }

    const TOKEN: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

    fn of_path(body: &str, token: &str, provider: &str) -> (Result<Admission, Refusal>, Vec<u8>) {
        let key = Key::for_sender(Scheme::PathToken, "k", TOKEN.as_bytes()).unwrap();
        let verifier = Verifier::new(Scheme::PathToken, vec![key]).unwrap();
        let reader = Reader::new(Provider::by_name(provider).unwrap());
        let source = Source { verifier, reader, ..source() };
        let now = Moment::from_seconds(1_795_413_600);
        let mut body = body.as_bytes().to_vec();
        let headers = [(":path-token", token)];
        let found =
            admit(&source, &headers, &mut body, Arrival { now, request_id: "r", delivery_id: "ours" });
        (found, body)
    }

    /// Xcode Cloud's bodies have the address in them that they are posted to.
    #[test]
    fn the_token_of_the_path_is_neither_kept_nor_said() {
        let body = format!(
            r#"{{"workflow":"w","state":"failed","run_id":"1","title":"{TOKEN}{TOKEN}","url":"https://h/x/{TOKEN}"}}"#
        );
        let admission = of_path(&body, TOKEN, "standard").0.unwrap();
        let raw = String::from_utf8(admission.delivery.raw).unwrap();
        assert!(!raw.contains(TOKEN) && raw.contains(&format!("https://h/x/{}", "*".repeat(32))), "{raw}");
        let Purport::Announce(announcement) = admission.delivery.purport else { panic!() };
        let background = meshhook_store::Background { machines: &[], news: None };
        let said = (announcement.render)(&background).content;
        assert!(!said.contains(TOKEN) && said.contains("failed"), "{said}");
        let unread = of_path(&format!(r#"{{"hook":"/x/{TOKEN}"}}"#), TOKEN, "xcode-cloud").0.unwrap();
        assert!(matches!(unread.delivery.purport, Purport::Unreadable(_)));
        assert!(!String::from_utf8(unread.delivery.raw).unwrap().contains(TOKEN));
    }

    /// Announced ones too: they may turn out to be stale.
    #[test]
    fn whatever_is_set_aside_is_known_by_source_and_body() {
        let announced = r#"{"workflow":"w","state":"failed","run_id":"1"}"#;
        let (ignored, unreadable) = (announced.replace("run_id", "job\":\"j\",\"run_id"), "{}");
        for (body, provider) in [(announced, "standard"), (&ignored, "standard"), (unreadable, "xcode-cloud")]
        {
            let delivery = of_path(body, TOKEN, provider).0.unwrap().delivery;
            assert_eq!(
                delivery.body_key(),
                body_key(&delivery.source, body.as_bytes()),
                "{:?}",
                delivery.purport
            );
        }
    }

    #[test]
    fn a_body_that_nobody_proved_is_left_where_it_was() {
        let (found, body) = of_path("{}", &TOKEN.replace('0', "1"), "standard");
        assert!(matches!(found, Err(Refusal::Unverified(_))));
        assert_eq!(body, b"{}");
    }

    /// A source that is a machine's own names no other to a source that it shares its runs with.
    #[test]
    fn a_machines_own_source_tells_others_of_that_machine_alone() {
        let told = |node: Option<&str>, scope: &str, runner: &str| {
            let key = || Key::new(Scheme::Github, "k", b"a secret of thirty-two characters").unwrap();
            let source = Source {
                reader: Reader::new(Provider::by_name("github").unwrap()),
                verifier: Verifier::new(Scheme::Github, vec![key()]).unwrap(),
                scope: scope.into(),
                node: node.and_then(Text::new),
                ..source()
            };
            let body = format!(
                r#"{{"action":"queued","workflow_job":{{"id":2,"run_id":1,"name":"b","status":"in_progress",
                "runner_name":"{runner}","runner_group_name":"Default"}},"repository":{{"full_name":"o/a"}}}}"#
            );
            let headers = sign(&key(), "", 0, body.as_bytes()).unwrap();
            let now = Moment::from_seconds(1_795_413_600);
            let arrival = Arrival { now, request_id: "r", delivery_id: "ours" };
            let admission = admit(&source, &headers, &mut body.into_bytes(), arrival).unwrap();
            admission.delivery.machine.map(|machine| machine.name)
        };
        let mac = |n: u8| Some(format!("mac-{n}"));
        assert_eq!(told(Some("mac-1"), "shared", "mac-2"), None);
        assert_eq!(told(Some("mac-1"), "shared", "mac-1"), mac(1));
        assert_eq!(told(Some("mac-1"), "mac", "mac-2"), mac(2));
        assert_eq!(told(None, "shared", "mac-2"), mac(2));
    }

    #[test]
    fn an_id_from_outside_is_taken_over_while_it_is_short() {
        assert_eq!(correlation_id(&"a".repeat(64)), "a".repeat(64));
        assert_eq!(correlation_id(&"a".repeat(65)), "ours");
    }
}
