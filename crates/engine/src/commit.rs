//! Group commit: one transaction for all that wait, an answer to each after it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use meshhook_store::{Accepted, Announcement, NewDelivery, Outcome, Purport, Store, StoreError};

use crate::admit::Admission;
use crate::answer::Answer;
use crate::bells::Bells;
use crate::clock::Clock;
use crate::observe::{Observer, Sight};
use crate::queue::{NotTaken, Queue};

/// How many may wait for the disk; they hold their bodies meanwhile.
const QUEUE: usize = 1024;

/// How many go into one transaction.
const BATCH: usize = 256;

/// What has waited longer than this was answered long ago: the sender was told that nothing is promised.
const TOO_OLD: Duration = Duration::from_secs(60);

/// Why a delivery was not accepted. Nothing of it is durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Too many wait already.
    #[error("too many deliveries wait for the disk")]
    Full,
    /// It waited so long that its sender is gone.
    #[error("the delivery waited too long for the disk")]
    TooOld,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine is stopping.
    #[error("the gateway is stopping")]
    Stopping,
}

/// Called once with the answer, from the committing thread: it must not wait.
pub type Reply = Box<dyn FnOnce(Result<Answer, CommitError>) + Send>;

struct Job {
    admission: Admission,
    reply: Reply,
    since: Instant,
}

/// The queue's open end.
pub(crate) struct Committer {
    queue: Arc<Queue<Job>>,
}

impl Committer {
    /// Starts the thread; it ends once the queue is closed and empty.
    pub(crate) fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
        lanes: Arc<Bells>,
    ) -> std::io::Result<(Self, thread::JoinHandle<()>)> {
        let queue = Arc::new(Queue::new(QUEUE));
        let (worker, jobs) = (Worker { store, clock, observer, lanes }, Arc::clone(&queue));
        let handle = thread::Builder::new().name("commit".to_owned()).spawn(move || worker.run(&jobs))?;
        Ok((Self { queue }, handle))
    }

    /// Hands an admission in; a reply that could not be promised is called at once.
    pub(crate) fn submit(&self, admission: Admission, reply: Reply) {
        match self.queue.put(Job { admission, reply, since: Instant::now() }) {
            Ok(()) => {}
            Err(NotTaken::Full(job)) => (job.reply)(Err(CommitError::Full)),
            Err(NotTaken::Closed(job)) => (job.reply)(Err(CommitError::Stopping)),
        }
    }

    /// Takes nothing more in.
    pub(crate) fn close(&self) {
        self.queue.close();
    }
}

struct Worker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    lanes: Arc<Bells>,
}

impl Worker {
    /// Whatever waits by the end of one commit goes into the next: batches grow by themselves with the load.
    fn run(&self, jobs: &Queue<Job>) {
        loop {
            let batch = jobs.take(BATCH);
            if batch.is_empty() {
                return;
            }
            self.commit(batch);
        }
    }

    fn commit(&self, batch: Vec<Job>) {
        let (jobs, old): (Vec<_>, Vec<_>) = batch.into_iter().partition(|job| job.since.elapsed() < TOO_OLD);
        for job in old {
            (job.reply)(Err(CommitError::TooOld));
        }
        let started = Instant::now();
        let (deliveries, waiting): (Vec<_>, Vec<_>) = jobs.into_iter().map(Job::part).unzip();
        let (count, rooms) = (deliveries.len(), rooms(&deliveries));
        match self.store.accept(deliveries, self.clock.now()) {
            Ok(answers) => {
                self.observer.see(Sight::Committed { deliveries: count, took: started.elapsed() });
                // What was parked is owed to the room that it was for then.
                let revived = |(answer, waiting): (&Answered, &Waiting)| waiting.is_revived(answer);
                match answers.iter().zip(&waiting).any(revived) {
                    true => self.lanes.ring_all(),
                    false => self.lanes.ring(&rooms),
                }
                for (answer, waiting) in answers.into_iter().zip(waiting) {
                    waiting.answer(answer, self.store.is_durable());
                }
            }
            Err(why) => {
                self.observer.see(Sight::StoreFailed { doing: "accept", why: &why });
                for waiting in waiting {
                    waiting.answer(Err(why.clone()), false);
                }
            }
        }
    }
}

/// In which rooms something is to be said.
fn rooms(deliveries: &[NewDelivery]) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for delivery in deliveries {
        if let Purport::Announce(Announcement { room, .. }) = &delivery.purport
            && !rooms.contains(room)
        {
            rooms.insert(room.clone());
        }
    }
    rooms
}

type Answered = Result<Accepted, StoreError>;

struct Waiting {
    /// The id that it has if it is new.
    delivery: String,
    state: Option<meshhook_model::State>,
    reply: Reply,
}

impl Job {
    fn part(self) -> (NewDelivery, Waiting) {
        let Admission { delivery, state } = self.admission;
        let waiting = Waiting { delivery: delivery.id.clone(), state, reply: self.reply };
        (delivery, waiting)
    }
}

impl Waiting {
    fn is_revived(&self, answer: &Answered) -> bool {
        let is_accepted = |accepted: &&Accepted| accepted.outcome == Outcome::Accepted;
        answer.as_ref().ok().filter(is_accepted).is_some_and(|accepted| accepted.delivery != self.delivery)
    }

    fn answer(self, answer: Answered, durable: bool) {
        (self.reply)(answer.map(|accepted| Answer::new(accepted, self.state, durable)).map_err(Into::into));
    }
}
