//! SQLite on a disk, against the bare disk: as many bytes written over, and made durable.

use std::cell::Cell;
use std::fs::{self, File};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use meshhook_benches::{Posted, Ratio, median};
use meshhook_engine::{Digest, Look, freeze, plan};
use meshhook_store::{
    Announcement, Attempt, Content, Facts, Freshness, GroupKey, Identity, Intake, Key, Lease, Moment,
    NewDelivery, Outbox, Purport, Rank, SubjectKey, Take, Taken, Upkeep, Voice,
};
use meshhook_store_sqlite::SqliteStore;
use meshhook_testkit::{Payload, target_dir};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

const BATCHES: [usize; 4] = [1, 16, 64, 256];
/// How many wait in the room from which a message is frozen: one, or more than are looked at.
const WAITING: [usize; 2] = [1, 2000];
const NOW: Moment = Moment::from_seconds(Payload::NOW);
const ROOM: &str = "!builds:example.org";
/// About what a delivery takes in the store.
const ROW: usize = 4096;
const TURNS: usize = 101;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for batch in BATCHES {
        accept(&mut criterion, batch);
    }
    for waiting in WAITING {
        deliver(&mut criterion, waiting);
    }
    criterion.final_summary();
    // As criterion does: without this flag it is a test, and every way is only gone once.
    if std::env::args().any(|arg| arg == "--bench") {
        print_ratios();
    }
}

fn accept(criterion: &mut Criterion, batch: usize) {
    let (disk, rig) = (Disk::new(), Rig::new());
    let mut group = criterion.benchmark_group("accept");
    group.throughput(Throughput::Elements(batch as u64));
    group.bench_function(BenchmarkId::new("bare disk", batch), |b| b.iter(|| disk.write(batch)));
    group.bench_function(BenchmarkId::new("sqlite", batch), |b| b.iter(|| rig.accept(batch)));
    group.finish();
}

fn deliver(criterion: &mut Criterion, waiting: usize) {
    let (disk, rig) = (Disk::new(), Rig::new());
    let mut group = criterion.benchmark_group("deliver");
    group.bench_function("bare disk", |b| b.iter(|| disk.write(1)));
    for (name, step) in [("freeze", 0), ("settle", 1)] {
        group.bench_function(BenchmarkId::new(name, format!("{waiting} waiting")), |b| {
            b.iter_custom(|times| (0..times).map(|_| rig.deliver(waiting)[step]).sum());
        });
    }
    group.finish();
}

#[expect(clippy::print_stdout, reason = "the result")]
fn print_ratios() {
    for batch in BATCHES {
        let (disk, rig) = (Disk::new(), Rig::new());
        let Ratio { ratio, ours, floor } = Ratio::measure(|| rig.accept(batch), || disk.write(batch));
        let each = ours / u32::try_from(batch).expect("a batch is short");
        println!("accept {batch}: {ratio:.2} × bare disk ({ours:.2?} / {floor:.2?}), {each:.2?} a delivery");
    }
    for waiting in WAITING {
        let (disk, rig) = (Disk::new(), Rig::new());
        let turns: Vec<_> = (0..TURNS).map(|_| (rig.deliver(waiting), disk.timed(1))).collect();
        for (step, name) in ["freeze", "settle"].into_iter().enumerate() {
            let ours = median(turns.iter().map(|(steps, _)| steps[step].as_secs_f64()));
            let ratio = turns.iter().map(|(steps, disk)| steps[step].as_secs_f64() / disk.as_secs_f64());
            let (ratio, ours) = (median(ratio), Duration::from_secs_f64(ours));
            println!("{name} of {waiting} waiting: {ratio:.2} × bare disk ({ours:.2?})");
        }
    }
}

/// Where a store of an operator's would be: not in memory, as temporary folders can be.
fn folder() -> TempDir {
    let scratch = target_dir().join("tmp");
    fs::create_dir_all(&scratch).expect("a folder below the build directory");
    TempDir::new_in(scratch).expect("a folder of our own")
}

/// A file that is as long as it will be, as a write-ahead log is after a while.
struct Disk {
    file: File,
    bytes: Vec<u8>,
    _folder: TempDir,
}

impl Disk {
    fn new() -> Self {
        let (folder, bytes) = (folder(), vec![0x5a; ROW * BATCHES[BATCHES.len() - 1]]);
        let path = folder.path().join("log");
        fs::write(&path, &bytes).expect("it can be written");
        let file = File::options().write(true).open(path).expect("it is there");
        Self { file, bytes, _folder: folder }
    }

    fn write(&self, rows: usize) {
        self.file.write_all_at(black_box(&self.bytes[..ROW * rows]), 0).expect("it is long enough");
        self.file.sync_data().expect("the disk takes it");
    }

    fn timed(&self, rows: usize) -> Duration {
        timed(|| self.write(rows)).0
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let done = work();
    (start.elapsed(), done)
}

/// A store, and as many deliveries as are wanted, each of a run of its own.
struct Rig {
    store: SqliteStore,
    identity: Identity,
    content: Arc<Content>,
    next: Cell<u64>,
    waiting: Cell<usize>,
    _folder: TempDir,
}

impl Rig {
    fn new() -> Self {
        let folder = folder();
        let store = SqliteStore::open(&folder.path().join("meshhook.db")).expect("a new store");
        store.limit_waiting(u64::from(u32::MAX));
        let identity = Identity { user: "@builds:example.org".to_owned(), device: Some("B".to_owned()) };
        store.pin(&identity, NOW).expect("nobody is pinned");
        let posted = Posted::new(Payload::WorkflowRun, 20 << 10);
        let message = posted.render(&posted.status());
        let content = Content {
            content: serde_json::Value::Object(message.content).to_string(),
            line: format!(r#"{{"plain":"{}","html":"","data":{{}}}}"#, "x".repeat(200)),
            notify: message.notify,
            speaker: None,
        };
        let (content, next, waiting) = (Arc::new(content), Cell::new(0), Cell::new(0));
        Self { store, identity, content, next, waiting, _folder: folder }
    }

    fn accept(&self, batch: usize) {
        let deliveries = (0..batch).map(|_| self.delivery()).collect();
        let answers = self.store.accept(deliveries, NOW).expect("the store works");
        assert!(answers.iter().all(Result::is_ok), "each is accepted");
        self.waiting.set(self.waiting.get() + batch);
    }

    /// Freezes and settles one message of a room in which so many wait; how long each took.
    fn deliver(&self, waiting: usize) -> [Duration; 2] {
        while self.waiting.get() < waiting {
            self.accept((waiting - self.waiting.get()).min(256));
        }
        let (frozen, lease) = timed(|| self.freeze());
        let (settled, ()) = timed(|| {
            let settled = self.store.settle(lease.message, &format!("${}", lease.message), &sent(), NOW);
            settled.expect("the store works");
        });
        self.waiting.set(self.waiting.get() - 1);
        [frozen, settled]
    }

    fn freeze(&self) -> Lease {
        let take = Take {
            room: ROOM,
            identity: &self.identity,
            session: "s",
            owner: "o",
            now: NOW,
            voice: &|_| Voice::Sender,
            plan: &|queue| plan(queue, &Digest::default()),
            freeze: &|draft| freeze(draft, Look::default()),
        };
        match self.store.take(&take).expect("the store works") {
            Taken::Message { lease, .. } => lease,
            other => panic!("no message: {other:?}"),
        }
    }

    fn delivery(&self) -> NewDelivery {
        let number = self.next.replace(self.next.get() + 1);
        let id = format!("d_{number:026}");
        let hash =
            |kind: u8| <[u8; 32]>::from(Sha256::new().chain_update([kind]).chain_update(&id).finalize());
        let content = Arc::clone(&self.content);
        let announcement = Announcement {
            key: Key(hash(0)),
            subject: SubjectKey(hash(1)),
            round: 1,
            rank: Rank::Terminal,
            room: ROOM.to_owned(),
            freshness: Freshness::Body(NOW),
            group: GroupKey(hash(2)),
            change: None,
            render: Box::new(move |_| Content::clone(&content)),
        };
        NewDelivery {
            source: "github".to_owned(),
            body_key: Key(hash(3)).into(),
            purport: Purport::Announce(announcement),
            facts: facts(&id, number),
            machine: None,
            nodes: Vec::new(),
            raw: Vec::new(),
            received_at: NOW,
            retention: Duration::from_secs(72 * 3600),
            id,
        }
    }
}

fn facts(id: &str, number: u64) -> Facts {
    let text = |text: &str| Some(text.to_owned());
    Facts {
        state: text("succeeded"),
        outcome: text("success"),
        workflow: text("iOS build"),
        repo: text("acme/rocket"),
        branch: text("main"),
        run_id: Some(number.to_string()),
        correlation_id: id.to_owned(),
        verified_by: "github-secret".to_owned(),
        request_id: id.replace('d', "r"),
        ..Facts::default()
    }
}

fn sent() -> Attempt {
    Attempt {
        at: NOW,
        took: Duration::from_millis(20),
        result: "sent".to_owned(),
        http_status: Some(200),
        errcode: None,
        detail: String::new(),
    }
}
