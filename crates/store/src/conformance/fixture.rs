//! Deliveries to hand in, and one call for each thing a test does with them.

use std::time::Duration;

use crate::{
    Accepted, Announcement, Attempt, Background, BranchKey, Candidate, Change, Content, Draft, Ending, Facts,
    Freshness, Frozen, GroupKey, Identity, Key, Lease, Machine, Message, Moment, Negative, NewDelivery, Pick,
    Pin, Purport, Queue, Rank, Store, SubjectKey, Take, Taken, Voice,
};

/// When every test begins.
pub const START: Moment = Moment::from_seconds(1_790_000_000);
/// The usual room.
pub const ROOM: &str = "!builds:example.org";
/// How long marks stay.
pub const RETENTION: Duration = Duration::from_secs(72 * 3600);

/// `START` and so many seconds.
#[must_use]
pub fn at(seconds: u64) -> Moment {
    START.plus(Duration::from_secs(seconds))
}

/// The usual sender.
#[must_use]
pub fn bot() -> Identity {
    Identity { user: "@bot:example.org".to_owned(), device: Some("GATEWAY".to_owned()) }
}

/// A state of a run, to be accepted.
#[derive(Debug, Clone)]
pub struct State {
    /// The run.
    pub run: u8,
    /// Its round.
    pub round: u8,
    /// How far along.
    pub rank: Rank,
    /// Where it is said.
    pub room: String,
    /// What proves that it is news.
    pub freshness: Freshness,
    /// What it changes, where changes alone are said.
    pub change: Option<Change>,
    /// The machine that speaks.
    pub speaker: Option<&'static str>,
}

impl State {
    /// A state of a run in its first round.
    #[must_use]
    pub fn of(run: u8, rank: Rank) -> Self {
        let (room, freshness) = (ROOM.to_owned(), Freshness::Signed);
        Self { run, round: 1, rank, room, freshness, change: None, speaker: None }
    }

    /// In a later round.
    #[must_use]
    pub fn round(self, round: u8) -> Self {
        Self { round, ..self }
    }

    /// In another room.
    #[must_use]
    pub fn room(self, room: &str) -> Self {
        Self { room: room.to_owned(), ..self }
    }

    /// Said by a machine.
    #[must_use]
    pub fn by(self, speaker: &'static str) -> Self {
        Self { speaker: Some(speaker), ..self }
    }

    /// With the newest time in its body.
    #[must_use]
    pub fn newest(self, newest: Moment) -> Self {
        Self { freshness: Freshness::Body(newest), ..self }
    }

    /// How a branch ended, to be said only if that changed.
    #[must_use]
    pub fn ends(self, branch: u8, well: bool, word: &str) -> Self {
        let ending = Ending { well, word: word.to_owned() };
        let branch = hash(7, [branch, 0, 0], BranchKey);
        Self { change: Some(Change { branch, ending, muted: None }), ..self }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> Key {
        hash(1, [self.run, self.round, self.rank.number()], Key)
    }

    /// Its key as a body.
    #[must_use]
    pub fn body_key(&self) -> Key {
        hash(2, [self.run, self.round, self.rank.number()], Key)
    }

    /// The delivery that brings it, under an id of its own.
    #[must_use]
    pub fn delivery(&self, id: &str, now: Moment) -> NewDelivery {
        let words = format!("run {} round {} rank {}", self.run, self.round, self.rank.number());
        let speaker = self.speaker.map(str::to_owned);
        let announcement = Announcement {
            key: self.key(),
            subject: hash(3, [self.run, 0, 0], SubjectKey),
            round: u64::from(self.round),
            rank: self.rank,
            room: self.room.clone(),
            freshness: self.freshness,
            group: self.group(),
            change: self.change.clone().map(Box::new),
            render: Box::new(move |background| Content {
                content: format!(r#"{{"body":"{words} {}"}}"#, around(background)),
                line: words.clone(),
                notify: false,
                speaker: speaker.clone(),
            }),
        };
        NewDelivery { purport: Purport::Announce(announcement), ..aside(id, self.body_key(), "github", now) }
    }

    /// The group of its machines.
    #[must_use]
    pub fn group(&self) -> GroupKey {
        hash(4, [self.run, self.round, 0], GroupKey)
    }

    /// Accepts it.
    pub fn accept(&self, store: &dyn Store, id: &str, now: Moment) -> Accepted {
        accept(store, self.delivery(id, now), now)
    }
}

fn hash<T>(kind: u8, parts: [u8; 3], name: impl Fn([u8; 32]) -> T) -> T {
    let mut bytes = [0; 32];
    bytes[0] = kind;
    bytes[1..4].copy_from_slice(&parts);
    name(bytes)
}

/// The machines and the news, which says how many seconds ago the branch broke.
fn around(background: &Background<'_>) -> String {
    let news = background.news.map(|news| format!("{}:{}", news.trend, news.at.since(news.since).as_secs()));
    background.machines.iter().cloned().chain(news).collect::<Vec<_>>().join(",")
}

/// A delivery that is not to be announced.
#[must_use]
pub fn aside(id: &str, body_key: Key, source: &str, now: Moment) -> NewDelivery {
    NewDelivery {
        id: id.to_owned(),
        source: source.to_owned(),
        body_key: body_key.into(),
        purport: Purport::Ignored("unit".to_owned()),
        facts: Facts {
            state: Some("running".to_owned()),
            run_id: Some(format!("run-of-{id}")),
            correlation_id: format!("c-{id}"),
            verified_by: "first-key".to_owned(),
            request_id: format!("r-{id}"),
            ..Facts::default()
        },
        machine: None,
        nodes: Vec::new(),
        raw: b"{}".to_vec(),
        received_at: now,
        retention: RETENTION,
    }
}

/// An unreadable delivery with a body of its own.
#[must_use]
pub fn unreadable(id: &str, number: u16, now: Moment) -> NewDelivery {
    let [high, low] = number.to_be_bytes();
    let purport = Purport::Unreadable("unknown_state".to_owned());
    NewDelivery { purport, ..aside(id, hash(5, [high, low, 0], Key), "github", now) }
}

/// A job's delivery that only names a machine for the group of a state.
#[must_use]
pub fn naming(id: &str, state: &State, machine: &str, now: Moment) -> NewDelivery {
    let machine = Machine { group: state.group(), name: machine.to_owned() };
    NewDelivery { machine: Some(machine), ..aside(id, hash(6, [state.run, 0, 0], Key), "github", now) }
}

/// Accepts one delivery.
pub fn accept(store: &dyn Store, new: NewDelivery, now: Moment) -> Accepted {
    let mut answers = store.accept(vec![new], now).expect("the store works");
    assert_eq!(answers.len(), 1, "one answer for each delivery");
    answers.remove(0).expect("the delivery is acceptable")
}

/// Freezes by a rule that shows its arguments.
#[must_use]
pub fn freeze(draft: &Draft) -> Frozen {
    let keys: Vec<_> = draft.members.iter().map(|member| member.key.to_string()).collect();
    let shown = draft.members.iter().filter(|member| member.shown);
    let bodies: Vec<_> = shown.map(|member| member.content.content.as_str()).collect();
    Frozen {
        txn: format!("{}-{}-{}-{}", draft.room, draft.sender, keys.join("+"), draft.refused_before),
        body: bodies.join("\n"),
        relates_to: draft.anchor.as_ref().map(|anchor| format!("{}:{}", anchor.event_id, anchor.round)),
    }
}

/// One at a time.
#[must_use]
pub fn alone(queue: &Queue) -> Vec<Pick> {
    vec![Pick { seq: queue.candidates[0].seq, shown: true }]
}

/// All together, but for those that have to be alone; of each subject only the last is shown.
#[must_use]
pub fn together(queue: &Queue) -> Vec<Pick> {
    let overtaken = |this: &Candidate| {
        queue.candidates.iter().any(|other| other.subject == this.subject && other.seq > this.seq)
    };
    let sociable = queue.candidates.iter().filter(|candidate| !candidate.solo);
    sociable.map(|candidate| Pick { seq: candidate.seq, shown: !overtaken(candidate) }).collect()
}

/// Takes from a room as the usual sender in the process `owner`, one delivery a message.
pub fn take(store: &dyn Store, room: &str, owner: &str, now: Moment) -> Taken {
    take_by(store, room, owner, now, &alone)
}

/// Takes from a room by a plan.
pub fn take_by(
    store: &dyn Store,
    room: &str,
    owner: &str,
    now: Moment,
    plan: &dyn Fn(&Queue) -> Vec<Pick>,
) -> Taken {
    take_as(store, room, owner, now, plan, &|_| Voice::Sender)
}

/// Takes from a room by a plan, where machines speak by these voices.
pub fn take_as(
    store: &dyn Store,
    room: &str,
    owner: &str,
    now: Moment,
    plan: &dyn Fn(&Queue) -> Vec<Pick>,
    voice: &dyn Fn(&str) -> Voice,
) -> Taken {
    let identity = bot();
    assert_eq!(store.pin(&identity, now), Ok(Pin::Ours));
    store
        .take(&Take { room, identity: &identity, session: "s", owner, now, voice, plan, freeze: &freeze })
        .expect("the store works")
}

/// Takes from a room and expects a message.
pub fn take_message(store: &dyn Store, room: &str, owner: &str, now: Moment) -> (Lease, Message, bool) {
    match take(store, room, owner, now) {
        Taken::Message { lease, message, fresh } => (lease, *message, fresh),
        other => panic!("a message was expected in {room}, there was {other:?}"),
    }
}

/// Takes, sends and settles one message; its body.
pub fn send_one(store: &dyn Store, room: &str, now: Moment) -> Option<String> {
    match take(store, room, "one", now) {
        Taken::Message { message, .. } => {
            store
                .settle(message.id, &format!("$event{}", message.id), &attempt("sent", now), now)
                .expect("settled");
            Some(message.body)
        }
        _ => None,
    }
}

/// An attempt with this result.
#[must_use]
pub fn attempt(result: &str, now: Moment) -> Attempt {
    Attempt {
        at: now,
        took: Duration::from_millis(20),
        result: result.to_owned(),
        http_status: Some(200),
        errcode: None,
        detail: String::new(),
    }
}

/// A failure that only waits.
#[must_use]
pub fn later(due: Moment) -> Negative {
    Negative { due: Some(due), hold: None, gate: None }
}

/// One delivery in each status, under its name, all but one of `ROOM`: messages 1 to 4 are of `sent`, `parked`,
/// `uncertain` and `in_message`; `pending` waits with `later`, about the same run.
pub fn one_of_each(store: &dyn Store) {
    State::of(1, Rank::Terminal).accept(store, "sent", START);
    send_one(store, ROOM, START).expect("a message");
    State::of(2, Rank::Terminal).accept(store, "parked", START);
    let (lease, ..) = take_message(store, ROOM, "one", START);
    store.refuse(&lease, &attempt("refused", START), START).expect("parked");
    State::of(3, Rank::Terminal).accept(store, "uncertain", START);
    let (lease, ..) = take_message(store, ROOM, "one", START);
    store.give_up(&lease, &attempt("uncertain", START), START).expect("given up");
    State::of(4, Rank::Terminal).accept(store, "in_message", START);
    take_message(store, ROOM, "one", START);
    State::of(5, Rank::Queued).accept(store, "pending", at(1));
    State::of(5, Rank::Running).accept(store, "later", at(2));
    State::of(5, Rank::Queued).round(0).accept(store, "superseded", at(2));
    State::of(6, Rank::Running).room("!other").accept(store, "dropped", START);
    store.discard("dropped", START).expect("dropped");
    accept(store, naming("ignored", &State::of(5, Rank::Queued), "mac-1", START), START);
    accept(store, unreadable("unreadable", 1, START), START);
    State::of(7, Rank::Running).newest(START.minus(RETENTION * 2)).accept(store, "stale", START);
}

/// The keys of the states that a message frozen by [`freeze`] shows.
#[must_use]
pub fn shown_keys(body: &str) -> Option<Vec<Key>> {
    let states = body.lines().map(|line| {
        let numbers: Vec<u8> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [run, round, rank] = numbers[..] else { return None };
        Some(State::of(run, Rank::from_number(rank)).round(round).key())
    });
    states.collect()
}
