//! Two ways to do the same, measured in turns: a ratio in one run says something, a lone number does not.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long the turns go on.
const BUDGET: Duration = Duration::from_secs(2);
/// At least so long is a turn, so that reading the clock does not count.
const TURN: Duration = Duration::from_micros(200);
/// At least so many turns are taken, however long they are.
const MIN_TURNS: usize = 51;

/// What a pair of turns took, in the median.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    /// The median of ours ÷ floor, each taken from two turns side by side.
    pub ratio: f64,
    /// One call of ours, in the median.
    pub ours: Duration,
    /// One call of the floor, in the median.
    pub floor: Duration,
}

impl Ratio {
    /// Measures `ours` against `floor`, in turns, the first of each pair changing.
    pub fn measure<A, B>(mut ours: impl FnMut() -> A, mut floor: impl FnMut() -> B) -> Self {
        let calls = calls_a_turn(&mut floor);
        let mut turns = Vec::new();
        let start = Instant::now();
        while turns.len() < MIN_TURNS || start.elapsed() < BUDGET {
            turns.push(if turns.len() % 2 == 0 {
                let ours = turn(calls, &mut ours);
                (ours, turn(calls, &mut floor))
            } else {
                let floor = turn(calls, &mut floor);
                (turn(calls, &mut ours), floor)
            });
        }
        Self {
            ratio: median(turns.iter().map(|(ours, floor)| ours.as_secs_f64() / floor.as_secs_f64())),
            ours: Duration::from_secs_f64(median(turns.iter().map(|turn| turn.0.as_secs_f64()))) / calls,
            floor: Duration::from_secs_f64(median(turns.iter().map(|turn| turn.1.as_secs_f64()))) / calls,
        }
    }
}

/// The first power of two with which a turn is long enough.
fn calls_a_turn<T>(work: &mut impl FnMut() -> T) -> u32 {
    (0..20).map(|power| 1 << power).find(|&calls| turn(calls, work) >= TURN).unwrap_or(1 << 20)
}

fn turn<T>(calls: u32, work: &mut impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(work());
    }
    start.elapsed()
}

/// The middle one.
///
/// # Panics
/// When there is none.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
