//! How long from a signed POST until its event can be read, beside a bare PUT to the same Synapse? One reader for both:
//! another user's long poll of `/sync`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use meshhook_testkit::load::Deliveries;
use meshhook_testkit::{Event, Gateway, Synapse, User};
use serde_json::Value;
use ureq::Agent;

use crate::measure::{SECRET, Supply};
use crate::report::Report;
use crate::words::millis;

/// Between two measurements: what the one before leads to is over by then.
const PAUSE: Duration = Duration::from_millis(100);

/// Those at the beginning that are not measured.
const WARM_UP: usize = 5;

const READ_WITHIN: Duration = Duration::from_secs(20);

pub(crate) fn run(is_quick: bool) -> Result<bool, String> {
    let pairs = if is_quick { 50 } else { 300 };
    let mut report = Report::new("latency");
    let synapse = Synapse::start();
    let [bot, bare, reader] = ["bot", "bare", "reader"].map(|name| synapse.register(name));
    let room = synapse.private_room(&bot.token);
    [&bare, &reader].into_iter().for_each(|user| synapse.bring_in(&bot.token, &room, user));
    let gateway = Gateway::builder(&synapse.url(), &room, &bot.token).source("github", "github", SECRET);
    let gateway = gateway.start().map_err(|failure| failure.to_string())?;
    let is_over = &AtomicBool::new(false);
    let spans = thread::scope(|scope| {
        let (events, seen) = channel();
        let sync = Sync::begin(&synapse.url(), &room, &reader)?;
        let reading = scope.spawn(move || sync.read(&events, is_over));
        let deliveries = Supply::default().next((WARM_UP + pairs) as u64, 20 << 10, SECRET);
        let stand = Stand {
            agent: agent(),
            hook: gateway.hook_url("github"),
            send: format!("{}/_matrix/client/v3/rooms/{room}/send/m.room.message", synapse.url()),
            users: [bot, bare],
            deliveries,
            seen,
        };
        let spans = stand.pairs(pairs);
        is_over.store(true, Ordering::Relaxed);
        reading.join().map_err(|_| "the reader failed".to_owned())??;
        spans
    })?;
    report.say(&format!("{pairs} pairs, each until another user's /sync has the event:"));
    let [put, post] = &spans;
    report.say(&put.line("bare PUT", put));
    report.say(&post.line("POST", put));
    report.finish()
}

/// Both ways in, and what is read.
struct Stand {
    agent: Agent,
    hook: String,
    send: String,
    /// As whom the gateway writes, and the bare PUT.
    users: [User; 2],
    deliveries: Deliveries,
    seen: Receiver<(Event, Instant)>,
}

/// How long each took.
#[derive(Default)]
struct Spans {
    answered: Vec<Duration>,
    read: Vec<Duration>,
}

impl Stand {
    /// Bare PUTs and POSTs in turns, another one first each time.
    fn pairs(&self, pairs: usize) -> Result<[Spans; 2], String> {
        let [mut put, mut post] = [Spans::default(), Spans::default()];
        // What is put has the content of what was last said.
        let mut content = self.post(0, &mut Spans::default())?;
        for number in 1..WARM_UP + pairs {
            if number == WARM_UP {
                (put, post) = (Spans::default(), Spans::default());
            }
            if number % 2 == 0 {
                self.put(number, &content, &mut put)?;
                content = self.post(number, &mut post)?;
            } else {
                content = self.post(number, &mut post)?;
                self.put(number, &content, &mut put)?;
            }
        }
        Ok([put, post])
    }

    /// A signed POST to the gateway; the content of its event.
    fn post(&self, number: usize, spans: &mut Spans) -> Result<Value, String> {
        let (headers, body) = self.deliveries.delivery(number);
        let request =
            headers.iter().fold(self.agent.post(&self.hook), |r, (name, value)| r.header(*name, value));
        self.measure(&self.users[0], spans, || request.send(&body).map(|answer| answer.status().as_u16()))
    }

    /// The same content by the shortest way.
    fn put(&self, number: usize, content: &Value, spans: &mut Spans) -> Result<Value, String> {
        let bearer = format!("Bearer {}", self.users[1].token);
        let request = self.agent.put(format!("{}/bare-{number}", self.send)).header("Authorization", bearer);
        let body = content.to_string();
        self.measure(&self.users[1], spans, || request.send(&body).map(|answer| answer.status().as_u16()))
    }

    /// Sends, and waits until what that user says is read.
    fn measure(
        &self,
        sender: &User,
        spans: &mut Spans,
        send: impl FnOnce() -> Result<u16, ureq::Error>,
    ) -> Result<Value, String> {
        thread::sleep(PAUSE);
        let start = Instant::now();
        let status = send().map_err(|e| e.to_string())?;
        let answered = start.elapsed();
        if !(200..300).contains(&status) {
            return Err(format!("{} was answered {status}", sender.id));
        }
        let (event, read) =
            self.seen.recv_timeout(READ_WITHIN).map_err(|_| "an event was not read".to_owned())?;
        if event.sender() != sender.id {
            return Err(format!("{} says something while it was {}'s turn", event.sender(), sender.id));
        }
        spans.answered.push(answered);
        spans.read.push(read.duration_since(start));
        Ok(event.content().clone())
    }
}

impl Spans {
    fn line(&self, name: &str, base: &Self) -> String {
        let of = |spans: &[Duration], percent: usize| {
            let mut sorted = spans.to_vec();
            sorted.sort_unstable();
            sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default()
        };
        let [ours, theirs] = [self, base].map(|spans| [50, 95].map(|percent| of(&spans.read, percent)));
        let [median, p95] = [0, 1].map(|at| ours[at].as_secs_f64() / theirs[at].as_secs_f64());
        format!(
            "  {name:<8}  ratio {median:.2}  readable p50 {} p95 {} ({p95:.2} ×)  answered p50 {} p95 {}",
            millis(ours[0]),
            millis(ours[1]),
            millis(of(&self.answered, 50)),
            millis(of(&self.answered, 95)),
        )
    }
}

/// A user's long poll.
struct Sync {
    agent: Agent,
    url: String,
    room: String,
    bearer: String,
    since: String,
}

impl Sync {
    fn begin(homeserver: &str, room: &str, user: &User) -> Result<Self, String> {
        let url = format!("{homeserver}/_matrix/client/v3/sync");
        let bearer = format!("Bearer {}", user.token);
        let mut sync = Self { agent: agent(), url, room: room.to_owned(), bearer, since: String::new() };
        sync.since = sync.once("timeout=0")?["next_batch"].as_str().unwrap_or_default().to_owned();
        Ok(sync)
    }

    fn once(&self, query: &str) -> Result<Value, String> {
        let request = self.agent.get(format!("{}?{query}", self.url)).header("Authorization", &self.bearer);
        let read = |e: ureq::Error| format!("/sync: {e}");
        let text = request.call().map_err(read)?.body_mut().read_to_string().map_err(read)?;
        serde_json::from_str(&text).map_err(|e| format!("/sync: {e}"))
    }

    /// Hands on each message of the room and when it came, until it is over.
    fn read(mut self, events: &Sender<(Event, Instant)>, is_over: &AtomicBool) -> Result<(), String> {
        while !is_over.load(Ordering::Relaxed) {
            let page = self.once(&format!("timeout=2000&since={}", self.since))?;
            let now = Instant::now();
            self.since = page["next_batch"].as_str().unwrap_or_default().to_owned();
            let timeline = page["rooms"]["join"][&self.room]["timeline"]["events"].as_array();
            let said = timeline.into_iter().flatten().cloned().map(Event);
            for event in said.filter(|event| event.kind() == "m.room.message") {
                // Nobody listens any more once something has failed.
                let _ = events.send((event, now));
            }
        }
        Ok(())
    }
}

/// A client that keeps its connections, as a gateway does.
fn agent() -> Agent {
    let config = Agent::config_builder().http_status_as_error(false).proxy(None);
    config.timeout_global(Some(Duration::from_secs(30))).build().new_agent()
}
