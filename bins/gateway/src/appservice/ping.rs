//! Has the homeserver reach us, and says what is to be mended where it does not.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use meshhook_appservice::{Answered, Registration, Verdict};
use meshhook_engine::{Clock, Current, Engine, Sending, new_id};
use meshhook_matrix::{Client, Ping, PingFailure, Token};
use secrecy::ExposeSecret;

use super::journal::Journal;
use crate::observe::Observations;

/// Synapse itself waits a minute for us.
const DEADLINE: Duration = Duration::from_secs(75);

/// After a ping that failed, the next.
const AGAIN: Duration = Duration::from_secs(300);

/// How often it is looked whether there is something to ask.
const LOOK: Duration = Duration::from_secs(1);

/// Asks, until all is well, and again once the registration is another.
pub(crate) struct Pinger {
    pub(crate) client: Client,
    pub(crate) registration: Arc<Current<Registration>>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) observations: Arc<Observations>,
}

impl Pinger {
    /// Begins, in a thread of its own, which ends with the process.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(crate) fn start(self) -> std::io::Result<()> {
        thread::Builder::new().name("ping".to_owned()).spawn(move || self.run()).map(drop)
    }

    fn run(&self) {
        // For which registration there is nothing more to ask until when; never, if for none.
        let mut asked: Option<(Arc<Registration>, Option<Duration>)> = None;
        loop {
            let (registration, running) = (self.registration.get(), self.clock.running());
            let is_due = asked.as_ref().is_none_or(|(known, again)| {
                !Arc::ptr_eq(known, &registration) || again.is_some_and(|again| again <= running)
            });
            if is_due && matches!(self.engine.sending(), Sending::As { .. }) {
                let again = (!self.ask(&registration)).then(|| self.clock.running() + AGAIN);
                asked = Some((registration, again));
            }
            thread::sleep(LOOK);
        }
    }

    /// Whether all is well.
    fn ask(&self, registration: &Registration) -> bool {
        let Ok(token) = Token::new(registration.as_token.expose_secret()) else { return false };
        let transaction_id = new_id("ping_");
        let ping = Ping {
            service: &registration.id,
            transaction_id: &transaction_id,
            deadline: DEADLINE,
            hs_token: registration.hs_token.expose_secret(),
        };
        let answer = self.client.ping(&token, ping);
        let detail = answer.as_ref().err().map(ToString::to_string).unwrap_or_default();
        let verdict = Verdict::of(answered(answer).as_ref(), self.journal.received(&transaction_id));
        let is_news = self.journal.judged(verdict, self.clock.now());
        self.observations.reached(verdict, &detail, is_news);
        verdict.is_fine()
    }
}

/// What the homeserver answered; nothing where it did not.
fn answered(answer: Result<Duration, PingFailure>) -> Option<Answered> {
    let PingFailure { failure, status: their_status, body: their_body, .. } = match answer {
        Ok(_) => return Some(Answered { status: 200, ..Answered::default() }),
        Err(failure) => failure,
    };
    let (errcode, error) = (failure.errcode, Some(failure.detail));
    Some(Answered { status: failure.status?, errcode, error, their_status, their_body })
}
