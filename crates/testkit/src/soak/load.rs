//! CI systems that post: many runs at once, each from its beginning to its end, with all their bad habits.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::build::{Post, Source, State};
use super::hang_up;
use super::ledger::Ledger;
use crate::{Dice, Gateway, http};

/// A sender that is to stop repeats its last POST no longer than this.
const LAST_WORD: Duration = Duration::from_secs(30);

/// Runs that a sender has under way.
const UNDER_WAY: usize = 4;

/// What is posted at a gateway, and by whom.
#[derive(Debug)]
pub(super) struct Load {
    seed: u64,
    sources: Vec<Source>,
    /// `127.0.0.1:PORT` of the gateway, the same over its restarts.
    address: String,
    /// A sender's longest pause between two POSTs.
    pace: Duration,
    pub(super) ledger: Ledger,
    runs: AtomicU64,
    stop: AtomicBool,
}

impl Load {
    pub(super) fn new(seed: u64, sources: Vec<Source>, gateway: &Gateway, pace: Duration) -> Self {
        let address = gateway.url().trim_start_matches("http://").to_owned();
        let (runs, stop) = (AtomicU64::new(1_000), AtomicBool::new(false));
        Self { seed, sources, address, pace, ledger: Ledger::default(), runs, stop }
    }

    /// Posts from so many senders while `work` goes on.
    pub(super) fn during<T>(&self, senders: usize, work: impl FnOnce() -> T) -> T {
        self.stop.store(false, Ordering::Relaxed);
        thread::scope(|scope| {
            for number in 0..senders {
                let dice = Dice::of(self.seed, &format!("sender {number}"));
                scope.spawn(move || Sender { load: self, dice, under_way: Vec::new() }.post_on());
            }
            let stopped = Stop(&self.stop);
            let done = work();
            drop(stopped);
            done
        })
    }

    /// Posts one state of a run's first attempt until there is an answer.
    pub(super) fn tell(&self, source: usize, run: u64, state: State) {
        self.until_answered(&self.sources[source].post(run, 1, state));
    }

    fn path(post: &Post) -> String {
        format!("/hooks/matrix/build-status/{}", post.stage.source)
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Posts until there is an answer, as senders do that retry.
    fn until_answered(&self, post: &Post) {
        let mut end = None;
        while !self.once(post) {
            if self.is_over() && Instant::now() > *end.get_or_insert_with(|| Instant::now() + LAST_WORD) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Posts; false when there was no answer, or one that promises nothing.
    fn once(&self, post: &Post) -> bool {
        let url = format!("http://{}{}", self.address, Self::path(post));
        let headers: Vec<_> = post.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        match http::send("POST", &url, &headers, &post.body) {
            Ok(answer) => self.ledger.heard(post, &answer),
            Err(_) => {
                self.ledger.heard_nothing(post);
                false
            }
        }
    }
}

/// Ends the senders, also when the work that they went along with panics.
struct Stop<'l>(&'l AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// An attempt of a run, and what is still to be told of it.
struct Attempt {
    source: usize,
    run: u64,
    number: u64,
    /// The next state is the last.
    ahead: Vec<State>,
    told: Vec<Post>,
}

struct Sender<'l> {
    load: &'l Load,
    dice: Dice,
    under_way: Vec<Attempt>,
}

impl Sender<'_> {
    fn post_on(mut self) {
        while !self.load.is_over() {
            while self.under_way.len() < UNDER_WAY {
                let run = self.load.runs.fetch_add(1, Ordering::Relaxed);
                let source = self.dice.index(self.load.sources.len());
                self.begin(source, run, 1);
            }
            self.tell_next();
            thread::sleep(self.dice.between(Duration::ZERO, self.load.pace));
        }
    }

    fn begin(&mut self, source: usize, run: u64, number: u64) {
        let end = if self.dice.one_in(2) { State::Succeeded } else { State::Failed };
        let ahead = match self.dice.below(10) {
            // The network turned two of them round: the late one is to say nothing.
            0 => vec![State::Running, end, State::Queued],
            1 => vec![end, State::Queued, State::Running],
            _ => vec![end, State::Running, State::Queued],
        };
        self.under_way.push(Attempt { source, run, number, ahead, told: Vec::new() });
    }

    fn tell_next(&mut self) {
        let at = self.dice.index(self.under_way.len());
        let attempt = &mut self.under_way[at];
        let Some(state) = attempt.ahead.pop() else { return self.end(at) };
        let post = self.load.sources[attempt.source].post(attempt.run, attempt.number, state);
        attempt.told.push(post.clone());
        self.tell(&post);
        if self.dice.one_in(8) {
            let told = &self.under_way[at].told;
            let again = told[self.dice.index(told.len())].clone();
            self.load.until_answered(&again);
        }
    }

    /// What failed may be tried again, under the same run id.
    fn end(&mut self, at: usize) {
        let Attempt { source, run, number, .. } = self.under_way.swap_remove(at);
        if self.dice.one_in(5) {
            self.begin(source, run, number + 1);
        }
    }

    fn tell(&mut self, post: &Post) {
        match self.dice.below(16) {
            0 => self.hang_up(post, hang_up::in_the_body, |ledger| ledger.began(post)),
            1 => self.hang_up(post, hang_up::before_the_answer, |ledger| ledger.heard_nothing(post)),
            2 => self.twice_at_once(post),
            _ => self.load.until_answered(post),
        }
    }

    /// Half of those who hang up come back.
    fn hang_up(
        &mut self,
        post: &Post,
        how: fn(&str, &str, &Post) -> std::io::Result<()>,
        note: impl FnOnce(&Ledger),
    ) {
        note(&self.load.ledger);
        // A gateway that is just dead is hung up on too.
        let _ = how(&self.load.address, &Load::path(post), post);
        if self.dice.one_in(2) {
            self.load.until_answered(post);
        }
    }

    fn twice_at_once(&self, post: &Post) {
        thread::scope(|scope| {
            scope.spawn(|| self.load.until_answered(post));
            self.load.until_answered(post);
        });
    }
}
