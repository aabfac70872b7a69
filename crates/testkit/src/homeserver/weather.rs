//! Faults at random.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fault::{Endpoint, Fault};
use crate::Dice;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How many of so many requests of that kind have a fault.
const OF: u64 = 1000;
const SENDS: u64 = 350;
const OTHERS: u64 = 100;

/// The random faults of a [`Homeserver`](crate::Homeserver): the same seed gives the same ones in the same order of
/// requests.
///
/// About a third of all sends go wrong, in every way that a homeserver or what stands before it can go wrong without
/// breaking these promises: a transaction id is one event; what is stored is never refused for good; a request has
/// taken effect or never will once it is longer gone than a PUT may last (30 s). Of all other requests a tenth goes
/// wrong.
#[derive(Debug)]
pub struct Weather {
    dice: Dice,
    longest_hang: Duration,
    refusals: bool,
    counts: BTreeMap<&'static str, u64>,
}

impl Weather {
    /// The faults of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            dice: Dice::of(seed, "weather"),
            longest_hang: ms(3_000),
            refusals: true,
            counts: BTreeMap::new(),
        }
    }

    /// Now and then a request hangs that long; three seconds by default. A PUT may last 30 seconds.
    #[must_use]
    pub fn with_longest_hang(self, longest_hang: Duration) -> Self {
        Self { longest_hang, ..self }
    }

    /// Nothing is refused for good (`413 M_TOO_LARGE`).
    #[must_use]
    pub fn without_refusals(self) -> Self {
        Self { refusals: false, ..self }
    }

    /// How often each fault was there.
    #[must_use]
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    /// The names of all faults that sends can have.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ANY.iter().chain(&OF_SENDS).map(|kind| kind.name)
    }

    pub(super) fn fault(&mut self, endpoint: Endpoint) -> Fault {
        let send = endpoint == Endpoint::Send;
        if self.dice.below(OF) >= if send { SENDS } else { OTHERS } {
            return Fault::none();
        }
        let kinds: Vec<&Kind> = ANY.iter().chain(OF_SENDS.iter().filter(|_| send)).collect();
        let kind = self.choose(&kinds);
        if kind.name == REFUSED && !self.refusals {
            return Fault::none();
        }
        *self.counts.entry(kind.name).or_default() += 1;
        (kind.make)(&mut self.dice, self.longest_hang).named(kind.name)
    }

    fn choose<'k>(&mut self, kinds: &[&'k Kind]) -> &'k Kind {
        let mut left = self.dice.below(kinds.iter().map(|kind| kind.weight).sum());
        for kind in kinds {
            match left.checked_sub(kind.weight) {
                None => return kind,
                Some(rest) => left = rest,
            }
        }
        unreachable!("less than the sum of all weights")
    }
}

/// A kind of fault, and how often it comes compared with others.
struct Kind {
    name: &'static str,
    weight: u64,
    make: fn(&mut Dice, Duration) -> Fault,
}

const fn kind(name: &'static str, weight: u64, make: fn(&mut Dice, Duration) -> Fault) -> Kind {
    Kind { name, weight, make }
}

/// Faults of anything that is asked.
static ANY: [Kind; 9] = [
    kind("dropped", 12, |_, _| Fault::dropped()),
    kind("502", 12, |_, _| Fault::html(502)),
    kind("captive portal", 8, |_, _| Fault::captive_portal()),
    kind("upload reset", 8, |_, _| Fault::reset_upload()),
    kind("answer cut off", 12, |_, _| Fault::truncated()),
    kind("answer, then closed", 12, |_, _| Fault::last_answer()),
    kind("hangs", 4, |dice, longest| Fault::hang(hang(dice, longest))),
    // Each holds up every room for a second at least, so there are few.
    kind("429", 1, |dice, _| Fault::rate_limited(limit(dice))),
    kind("429 in the header", 1, |dice, _| Fault::rate_limited_in_header(limit(dice))),
];

const REFUSED: &str = "refused";

/// Faults of sends, beside those: with most of them the message is in the room, or comes there later.
static OF_SENDS: [Kind; 13] = [
    kind("429 in the body", 1, |dice, _| Fault::rate_limited_in_body(limit(dice))),
    kind("stored, 429", 1, |dice, _| Fault::rate_limited(limit(dice)).after_commit()),
    kind("stored, 429 in the body", 1, |dice, _| Fault::rate_limited_in_body(limit(dice)).after_commit()),
    kind("stored, 429 in the header", 1, |dice, _| Fault::rate_limited_in_header(limit(dice)).after_commit()),
    kind("stored, dropped", 16, |_, _| Fault::dropped().after_commit()),
    kind("stored, 502", 12, |_, _| Fault::html(502).after_commit()),
    kind("stored, captive portal", 6, |_, _| Fault::captive_portal().after_commit()),
    kind("stored, hangs", 4, |dice, longest| Fault::hang(hang(dice, longest)).after_commit()),
    kind("stored, stalls", 4, |dice, longest| Fault::stalled(hang(dice, longest))),
    kind("stored, slow", 12, |dice, _| Fault::slow(dice.between(ms(20), ms(500)))),
    kind("dropped, stored later", 16, |dice, _| Fault::dropped().commits_later(later(dice))),
    kind("504, stored later", 8, |dice, _| Fault::html(504).commits_later(later(dice))),
    kind(REFUSED, 6, |_, _| Fault::refused(413, "M_TOO_LARGE", "event too large")),
];

fn hang(dice: &mut Dice, longest: Duration) -> Duration {
    let shortest = ms(100);
    if dice.one_in(8) { longest } else { dice.between(shortest, shortest * 8) }
}

fn limit(dice: &mut Dice) -> Duration {
    dice.between(ms(0), ms(1_500))
}

/// Well before the end of a PUT's 30 seconds.
fn later(dice: &mut Dice) -> Duration {
    let longest = if dice.one_in(8) { ms(20_000) } else { ms(2_000) };
    dice.between(ms(10), longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(seed: u64, endpoint: Endpoint, count: usize) -> Vec<&'static str> {
        let mut weather = Weather::new(seed);
        (0..count).map(|_| weather.fault(endpoint).name).collect()
    }

    #[test]
    fn a_seed_gives_the_same_weather_again() {
        assert_eq!(names(3, Endpoint::Send, 200), names(3, Endpoint::Send, 200));
        assert_ne!(names(3, Endpoint::Send, 200), names(4, Endpoint::Send, 200));
    }

    #[test]
    fn every_fault_comes_and_most_requests_have_none() {
        let seen = names(1, Endpoint::Send, 20_000);
        assert!(Weather::names().all(|name| seen.contains(&name)));
        let fine = seen.iter().filter(|name| **name == "answered").count();
        assert!((12_000..14_000).contains(&fine), "{fine}");
        let asked = names(1, Endpoint::Messages, 20_000);
        assert!(!asked.iter().any(|name| name.contains("stored") || *name == REFUSED));
    }

    #[test]
    fn refusals_can_be_left_out() {
        let mut weather = Weather::new(1).without_refusals();
        (0..20_000).for_each(|_| drop(weather.fault(Endpoint::Send)));
        assert!(!weather.counts().contains_key(REFUSED));
        assert!(weather.counts().contains_key("stored, 502"));
    }
}
