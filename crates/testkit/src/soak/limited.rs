//! A Synapse with its default rate limits, and many builds at once.

use std::thread;
use std::time::{Duration, Instant};

use super::aftermath::conclude;
use super::build::{State, shows};
use super::load::Load;
use super::report::Report;
use super::stage::Stage;
use crate::{Gateway, Limits, StartFailure, try_for};

/// What the design promises for 200 runs.
const READABLE: Duration = Duration::from_secs(90);

const POSTERS: usize = 4;
const STATES: [State; 3] = [State::Queued, State::Running, State::Succeeded];

/// How much is posted.
#[derive(Debug, Clone)]
pub struct Limited {
    /// How many runs there are, each with three states.
    pub runs: u64,
    /// How long it takes to post them all.
    pub within: Duration,
}

/// Posts every state of every run, and waits until the end of each can be read in the room.
///
/// # Errors
/// When the gateway does not start.
pub fn limited(limited: &Limited) -> Result<Report, StartFailure> {
    let (stage, _) = Stage::of_bot(Limits::Default, 1);
    let mut gateway = stage.gateway()?;
    let load = Load::new(0, stage.sources.clone(), &gateway, Duration::ZERO);
    let start = Instant::now();
    post_all(limited, &load, start);
    let posted = start.elapsed();
    let readable = all_readable(limited, &stage, start);

    let mut report = Report::new("A real Synapse with its default rate limits");
    report.tell("runs, of three states each", limited.runs);
    report.must("seconds to post them", seconds(posted), posted < limited.within * 3 / 2);
    report.must(
        "seconds from the first POST to the last end",
        readable.map_or_else(|| "too many".to_owned(), seconds),
        readable.is_some_and(|time| time < READABLE),
    );
    report.tell("429 answers", count_limited(&gateway));
    conclude(&mut report, &mut gateway, &load, &stage.us, || stage.said(), Vec::new);
    Ok(report)
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

/// One after the other and evenly; a run's states are a third of the time apart.
fn post_all(limited: &Limited, load: &Load, start: Instant) {
    let step = limited.within / u32::try_from(limited.runs * 3).expect("so many of tests");
    thread::scope(|scope| {
        for poster in 0..POSTERS {
            scope.spawn(move || {
                let all = STATES.into_iter().flat_map(|state| (0..limited.runs).map(move |run| (run, state)));
                for (n, (run, state)) in (0u32..).zip(all).skip(poster).step_by(POSTERS) {
                    thread::sleep((step * n).saturating_sub(start.elapsed()));
                    load.tell(0, run, state);
                }
            });
        }
    });
}

/// How long it took until the end of every run could be read.
fn all_readable(limited: &Limited, stage: &Stage, start: Instant) -> Option<Duration> {
    try_for(2 * READABLE, || {
        let said = stage.said().concat();
        let time = start.elapsed();
        let end = State::Succeeded.word();
        let readable = |run: u64| said.iter().any(|event| shows(event, &run.to_string(), end));
        if (0..limited.runs).all(readable) {
            return Some(time);
        }
        // Reading is work for Synapse too.
        thread::sleep(Duration::from_secs(1));
        None
    })
}

/// As the gateway's log has them.
fn count_limited(gateway: &Gateway) -> usize {
    gateway.log().lines().filter(|line| line.contains("M_LIMIT_EXCEEDED")).count()
}
