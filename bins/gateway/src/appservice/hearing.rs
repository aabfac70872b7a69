//! What is made of a transaction: the engine is told what concerns it, and who asks for the board is answered.

use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use meshhook_appservice::{Event, GhostNames, Kind, Membership, Push};
use meshhook_engine::{Answer, Asked, Clock, CommitError, Engine, Heard, Sending, new_delivery_id};
use meshhook_store::Moment;

use super::journal::{Count, Journal};
use super::recent::{Paced, Recent};
use crate::observe::Observations;

/// What somebody writes who asks for the board.
const QUESTION: &str = "!builds";

/// A question that is older is nobody's any more; one from so far ahead was sent by a clock that lies.
const FRESH: Duration = Duration::from_secs(300);

/// How long the homeserver waits for the disk.
const DURABLE_WITHIN: Duration = Duration::from_secs(3);

/// Hears transactions, one after the other.
pub(crate) struct Hearing {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observations: Arc<Observations>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) recent: Recent,
    pub(crate) paced: Paced,
}

/// What becomes of an answer.
type Replies = Sender<(String, Result<Answer, CommitError>)>;

/// What an event is to us.
#[derive(Debug, PartialEq, Eq)]
enum Heed {
    Tell(Heard),
    Answer(Question),
    Nothing,
}

/// Somebody asks for the board.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    room: String,
    event_id: String,
    sent_at: Moment,
}

impl Hearing {
    /// Hears what is new. It returns once all answers are durable, or nobody waits any longer for the disk.
    pub(crate) fn hear(&mut self, push: Push, request_id: &str) {
        let us = Us::of(self.engine.sending());
        let mut count = Count { unreadable: push.unreadable as u64, ..Count::default() };
        let (replies, answers) = mpsc::channel();
        for event in push.events {
            if !self.recent.is_new(&event.event_id) {
                count.duplicates += 1;
                continue;
            }
            count.events += 1;
            match heed(event, &us) {
                Heed::Tell(heard) => self.engine.hear(heard),
                Heed::Answer(question) => self.answer(&question, request_id, &replies),
                Heed::Nothing => {}
            }
        }
        drop(replies);
        self.observations.pushed(request_id, count);
        self.journal.heard(count, self.clock.now());
        let until = Instant::now() + DURABLE_WITHIN;
        while let Ok((room, answer)) = answers.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.observations.board(&room, &answer);
        }
    }

    fn answer(&mut self, question: &Question, request_id: &str, replies: &Replies) {
        let Question { room, event_id, sent_at } = question;
        let now = self.clock.now();
        if !self.engine.is_configured(room) {
            return;
        }
        if now.since(*sent_at).max(sent_at.since(now)) > FRESH {
            return self.observations.board_not_said("old");
        }
        if !self.paced.may(room, self.clock.running()) {
            return self.observations.board_not_said("limited");
        }
        let asked = Asked { room, event_id, request_id, delivery_id: &new_delivery_id(now), now };
        // A room that is held, or whose homeserver limits us, is not to be owed a board for each time it was asked for.
        let board = match self.engine.owes_board(asked) {
            Ok(true) => return self.observations.board_not_said("waiting"),
            Ok(false) => self.engine.board(asked),
            Err(why) => Err(why),
        };
        match board {
            Ok(None) => {}
            Ok(Some(admission)) => {
                let (room, replies) = (room.clone(), replies.clone());
                // Nobody may wait for it any more.
                let reply = Box::new(move |answer| drop(replies.send((room, answer))));
                self.engine.commit(admission, reply);
            }
            Err(why) => {
                self.observations.store_failed("look", &why);
                self.observations.board_not_said("failed");
            }
        }
    }
}

/// Who of a room's users is ours.
#[derive(Debug)]
struct Us(Option<(String, GhostNames)>);

impl Us {
    fn of(sending: Sending) -> Self {
        match sending {
            Sending::As { user, .. } => Self(GhostNames::of(&user).map(|ghosts| (user, ghosts))),
            _ => Self(None),
        }
    }

    fn are(&self, user: &str) -> bool {
        self.0.as_ref().is_some_and(|(sender, ghosts)| user == sender || ghosts.node(user).is_some())
    }

    /// Whether that may be one of us: before anybody is signed in the engine has to tell, once somebody is.
    fn may_be(&self, user: &str) -> bool {
        self.0.is_none() || self.are(user)
    }
}

fn heed(event: Event, us: &Us) -> Heed {
    let Event { event_id, room_id: room, sender, sent_at, kind } = event;
    match kind {
        Kind::Member { user, membership, reason } if us.may_be(&user) => match membership {
            Membership::Invite => Heed::Tell(Heard::Invited { room, user }),
            Membership::Join => Heed::Tell(Heard::Joined { room, user }),
            Membership::Leave | Membership::Ban => {
                Heed::Tell(Heard::Removed { room, user, by: sender, reason })
            }
            _ => Heed::Nothing,
        },
        Kind::Tombstone { .. } | Kind::Encrypted => Heed::Tell(Heard::Changed { room }),
        Kind::Text { msgtype, body } if is_question(&msgtype, &body) && !us.are(&sender) => {
            Heed::Answer(Question { room, event_id, sent_at: Moment::from_millis(sent_at) })
        }
        _ => Heed::Nothing,
    }
}

/// Programs write notices, and are not to answer one another.
fn is_question(msgtype: &str, body: &str) -> bool {
    msgtype == "m.text" && body.trim_end() == QUESTION
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us() -> Us {
        Us::of(Sending::As { user: "@buildbot:x".to_owned(), device: None })
    }

    fn event(sender: &str, kind: Kind) -> Event {
        let (event_id, room_id) = ("$e".to_owned(), "!r".to_owned());
        Event { event_id, room_id, sender: sender.to_owned(), sent_at: 5, kind }
    }

    fn says(sender: &str, msgtype: &str, body: &str) -> bool {
        let kind = Kind::Text { msgtype: msgtype.to_owned(), body: body.to_owned() };
        let question =
            Question { room: "!r".to_owned(), event_id: "$e".to_owned(), sent_at: Moment::from_millis(5) };
        match heed(event(sender, kind), &us()) {
            Heed::Nothing => false,
            heeded => {
                assert_eq!(heeded, Heed::Answer(question));
                true
            }
        }
    }

    #[test]
    fn a_person_asks_by_the_word_alone() {
        for body in ["!builds", "!builds ", "!builds \t"] {
            assert!(says("@ada:x", "m.text", body), "{body:?}");
        }
        for body in ["!build", " !builds", "!builds now", "!builds!", "builds", "!Builds", "> !builds", ""] {
            assert!(!says("@ada:x", "m.text", body), "{body:?}");
        }
    }

    #[test]
    fn no_program_asks_and_none_of_us() {
        assert!(!says("@ada:x", "m.notice", "!builds") && !says("@ada:x", "m.emote", "!builds"));
        assert!(
            !says("@buildbot:x", "m.text", "!builds") && !says("@buildbot_mac-03:x", "m.text", "!builds")
        );
        // No machine's name is written so: it is somebody else's user.
        assert!(says("@buildbot_Mac:x", "m.text", "!builds") && says("@buildbot:y", "m.text", "!builds"));
    }

    fn member(user: &str, membership: Membership, us: &Us) -> Heed {
        let kind = Kind::Member { user: user.to_owned(), membership, reason: None };
        heed(event("@ada:x", kind), us)
    }

    #[test]
    fn what_happens_to_us_is_told() {
        let [room, user, by] = ["!r", "@buildbot_mac-03:x", "@ada:x"].map(str::to_owned);
        let of = |membership| member(&user, membership, &us());
        let (here, who) = (room.clone(), user.clone());
        assert_eq!(of(Membership::Invite), Heed::Tell(Heard::Invited { room: here, user: who }));
        let (here, who) = (room.clone(), user.clone());
        assert_eq!(of(Membership::Join), Heed::Tell(Heard::Joined { room: here, user: who }));
        let removed = |(room, user, by)| Heed::Tell(Heard::Removed { room, user, by, reason: None });
        for membership in [Membership::Leave, Membership::Ban] {
            assert_eq!(of(membership), removed((room.clone(), user.clone(), by.clone())));
        }
        assert_eq!(of(Membership::Knock), Heed::Nothing);
        assert_eq!(heed(event("@ada:x", Kind::Encrypted), &us()), Heed::Tell(Heard::Changed { room }));
    }

    /// What happens to others does not concern us, once it is known who we are.
    #[test]
    fn what_happens_to_others_is_not_told() {
        let nobody = Us::of(Sending::Stopped { why: String::new(), since: Moment::default() });
        assert_eq!(member("@bob:x", Membership::Leave, &us()), Heed::Nothing);
        assert!(matches!(member("@bob:x", Membership::Leave, &nobody), Heed::Tell(_)));
        assert_eq!(heed(event("@ada:x", Kind::Other), &us()), Heed::Nothing);
    }
}
