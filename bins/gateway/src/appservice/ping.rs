//! Has the homeserver reach us, and says what is to be mended where it does not.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use meshhook_appservice::{Answered, Registration, Verdict};
use meshhook_engine::{Clock, Current, Engine, Sending, new_id};
use meshhook_matrix::{Client, Ping, PingFailure, Token};
use secrecy::ExposeSecret;

use super::journal::Journal;
use crate::observe::Observations;

/// Synapse itself waits a minute for us.
const DEADLINE: Duration = Duration::from_secs(75);

/// After a ping that failed as the one before it did, the next.
const AGAIN: Duration = Duration::from_secs(300);

/// After one that failed otherwise: a homeserver may have tried a connection that was closed meanwhile.
const SOON: Duration = Duration::from_secs(10);

/// So long is waited for who we are, before the homeserver is asked all the same: where it does not know our token, this is
/// what tells so.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// The last time that the homeserver was asked.
struct Asked {
    registration: Arc<Registration>,
    signed_in: bool,
    /// When to ask again, on the clock that nobody sets; not, if all was well.
    again: Option<Duration>,
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
        let begun = self.clock.running();
        let mut asked = None;
        loop {
            let (registration, running) = (self.registration.get(), self.clock.running());
            let signed_in = matches!(self.engine.sending(), Sending::As { .. });
            let may = signed_in || running.saturating_sub(begun) >= PATIENCE;
            if may && is_due(asked.as_ref(), &registration, signed_in, running) {
                let again = self.ask(&registration).map(|wait| self.clock.running() + wait);
                asked = Some(Asked { registration, signed_in, again });
            }
            thread::sleep(LOOK);
        }
    }

    /// How long to wait for the next; not at all, where all is well. A homeserver that is not there says nothing of the way
    /// from it to us.
    fn ask(&self, registration: &Registration) -> Option<Duration> {
        let Ok(token) = Token::new(registration.as_token.expose_secret()) else { return Some(AGAIN) };
        let transaction_id = new_id("ping_");
        let ping = Ping {
            service: &registration.id,
            transaction_id: &transaction_id,
            deadline: DEADLINE,
            hs_token: registration.hs_token.expose_secret(),
        };
        let begun = Instant::now();
        let answer = self.client.ping(&token, ping);
        let detail = answer.as_ref().err().map(ToString::to_string).unwrap_or_default();
        let answered = answered(answer);
        if answered.is_none() && begun.elapsed() < DEADLINE {
            return Some(AGAIN);
        }
        let verdict = Verdict::of(answered.as_ref(), self.journal.received(&transaction_id));
        let is_news = self.journal.judged(verdict, self.clock.now());
        self.observations.reached(verdict, &detail, is_news);
        match (verdict.is_fine(), is_news) {
            (true, _) => None,
            (false, true) => Some(SOON),
            (false, false) => Some(AGAIN),
        }
    }
}

/// Who is signed in by now, and has another registration, begins anew.
fn is_due(
    asked: Option<&Asked>,
    registration: &Arc<Registration>,
    signed_in: bool,
    running: Duration,
) -> bool {
    asked.is_none_or(|asked| {
        let is_another = !Arc::ptr_eq(&asked.registration, registration) || (signed_in && !asked.signed_in);
        is_another || asked.again.is_some_and(|again| again <= running)
    })
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
