//! Group commit: one transaction for all that wait, an answer to each after it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use meshhook_store::{Accepted, NewDelivery, Store, StoreError};

use crate::admit::Admission;
use crate::answer::Answer;
use crate::bell::Bell;
use crate::clock::Clock;
use crate::observe::{Observer, Sight};

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
#[derive(Clone)]
pub(crate) struct Committer {
    queue: SyncSender<Job>,
}

impl Committer {
    /// Starts the thread; it ends when the last committer is gone and the queue is empty.
    pub(crate) fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
        bell: Arc<Bell>,
    ) -> std::io::Result<(Self, thread::JoinHandle<()>)> {
        let (queue, jobs) = sync_channel(QUEUE);
        let worker = Worker { store, clock, observer, bell };
        let handle = thread::Builder::new().name("commit".to_owned()).spawn(move || worker.run(&jobs))?;
        Ok((Self { queue }, handle))
    }

    /// Hands an admission in; a reply that could not be promised is called at once.
    pub(crate) fn submit(&self, admission: Admission, reply: Reply) {
        match self.queue.try_send(Job { admission, reply, since: Instant::now() }) {
            Ok(()) => {}
            Err(TrySendError::Full(job)) => (job.reply)(Err(CommitError::Full)),
            Err(TrySendError::Disconnected(job)) => (job.reply)(Err(CommitError::Stopping)),
        }
    }
}

struct Worker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    bell: Arc<Bell>,
}

impl Worker {
    fn run(&self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            self.commit(batch(first, jobs));
        }
    }

    fn commit(&self, batch: Vec<Job>) {
        let (jobs, old): (Vec<_>, Vec<_>) = batch.into_iter().partition(|job| job.since.elapsed() < TOO_OLD);
        for job in old {
            (job.reply)(Err(CommitError::TooOld));
        }
        let started = Instant::now();
        let (deliveries, waiting): (Vec<_>, Vec<_>) = jobs.into_iter().map(Job::part).unzip();
        let count = deliveries.len();
        match self.store.accept(deliveries, self.clock.now()) {
            Ok(answers) => {
                self.observer.see(Sight::Committed { deliveries: count, took: started.elapsed() });
                self.bell.ring();
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

/// Whatever waits by now comes along: batches grow by themselves with the load.
fn batch(first: Job, jobs: &Receiver<Job>) -> Vec<Job> {
    let mut batch = vec![first];
    while batch.len() < BATCH {
        match jobs.try_recv() {
            Ok(job) => batch.push(job),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
        }
    }
    batch
}

struct Waiting {
    state: Option<meshhook_model::State>,
    reply: Reply,
}

impl Job {
    fn part(self) -> (NewDelivery, Waiting) {
        (self.admission.delivery, Waiting { state: self.admission.state, reply: self.reply })
    }
}

impl Waiting {
    fn answer(self, answer: Result<Accepted, StoreError>, durable: bool) {
        (self.reply)(answer.map(|accepted| Answer::new(accepted, self.state, durable)).map_err(Into::into));
    }
}
