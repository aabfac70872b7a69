//! What the homeserver pushes, and whether it reaches us.

use std::net::SocketAddr;

use meshhook_appservice::Verdict;
use meshhook_engine::{Answer, CommitError, Sight};
use tracing::{debug, info, warn};

use super::{Observations, unix};
use crate::appservice::Count;
use crate::log::plain;

impl Observations {
    /// What happens where an application service sends.
    pub(super) fn see_service(&self, sight: &Sight<'_>) {
        match sight {
            Sight::Released { room } => info!(room = &*plain(room), "room no longer held"),
            Sight::GhostReady { room, node, user } => {
                let (room, node, user) = (&*plain(room), &*plain(node), &*plain(user));
                info!(room, node, user, "a machine speaks for itself");
            }
            Sight::GhostNotReady { room, node, why } => {
                let (room, node, why) = (&*plain(room), &*plain(node), &*plain(why));
                warn!(room, node, why, "a machine cannot speak for itself, it is spoken for");
            }
            Sight::Heard { room, done } => {
                info!(room = &*plain(room), done = &*plain(done), "acted on what the homeserver pushed");
            }
            Sight::NotHeeded { room, why } => {
                let (room, why) = (&*plain(room), &*plain(why));
                warn!(room, why, "what the homeserver pushed could not be acted on");
            }
            _ => {}
        }
    }

    /// The homeserver's door was asked for something, or a stranger was refused there.
    pub(crate) fn homeserver_asked(&self, what: &'static str) {
        self.metrics.appservice_requests.count([("what", what)]);
        debug!(what, "request at the homeserver's door");
    }

    /// A transaction came.
    pub(crate) fn pushed(&self, request_id: &str, count: Count) {
        let Count { events, duplicates, unreadable } = count;
        for (result, number) in [("new", events), ("duplicate", duplicates), ("unreadable", unreadable)] {
            self.metrics.appservice_events.add([("result", result)], number);
        }
        self.metrics.appservice_last_transaction.set(unix(self.clock.now()));
        if unreadable > 0 {
            warn!(request_id, events, duplicates, unreadable, "the homeserver pushed what cannot be read");
        } else {
            debug!(request_id, events, duplicates, "the homeserver pushed");
        }
    }

    /// A question for the board was taken in, or was not.
    pub(crate) fn board(&self, room: &str, answer: &Result<Answer, CommitError>) {
        let room = &*plain(room);
        match answer {
            Ok(answer) => {
                let (outcome, delivery) = (answer.outcome, &*answer.delivery);
                self.metrics.boards.count([("result", outcome)]);
                info!(room, outcome, delivery, "the board was asked for");
            }
            Err(why) => {
                self.metrics.boards.count([("result", "failed")]);
                warn!(room, why = &*plain(&why.to_string()), "the board was asked for, and is not said");
            }
        }
    }

    /// A question for the board is not answered.
    pub(crate) fn board_not_said(&self, result: &'static str) {
        self.metrics.boards.count([("result", result)]);
        debug!(result, "the board was asked for, and is not said");
    }

    /// Our ping was answered.
    pub(crate) fn reached(&self, verdict: Verdict, detail: &str, is_news: bool) {
        self.metrics.appservice_reached.set(verdict.is_fine().into());
        let (code, what, detail) = (verdict.code(), verdict.sentence(), &*plain(detail));
        match (is_news, verdict.is_fine()) {
            (true, true) => info!(code, what, "ping"),
            (true, false) => warn!(code, what, detail, "ping"),
            (false, _) => debug!(code, detail, "ping"),
        }
    }
}

/// The homeserver's door is open.
pub(crate) fn listening(address: SocketAddr) {
    info!(listen = %address, "listening for the homeserver");
}
