//! Which of the deliveries that wait go into the next message. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use meshhook_store::{Candidate, Pick, Queue, Rank, SubjectKey};

/// A 429 so long ago still means that the homeserver is behind.
const LIMITED: Duration = Duration::from_secs(60);

/// What is not terminal is worth a line of its own after so long.
const OLD: Duration = Duration::from_secs(60);

/// What a member costs beside its line: its key and the signs around it.
const MEMBER_BYTES: usize = 80;

/// When and how deliveries share a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// How long the oldest has to have waited.
    pub behind: Duration,
    /// How many lines a message has at most.
    pub max_lines: usize,
    /// How many bytes lines and keys may take together.
    pub max_bytes: usize,
}

impl Default for Digest {
    fn default() -> Self {
        Self { behind: Duration::from_secs(5), max_lines: 20, max_bytes: 12 * 1024 }
    }
}

impl Digest {
    fn holds(&self, (lines, bytes): (usize, usize)) -> bool {
        lines <= self.max_lines && bytes <= self.max_bytes
    }
}

/// Chooses the next message's members: the oldest alone, or, where the homeserver does not keep up, as many as a
/// digest holds.
///
/// Terminal states come first, then what has waited for a minute, each source in turn. Of a subject always all up to
/// the chosen one are taken; of those only terminal states and the last are shown.
#[must_use]
pub fn plan(queue: &Queue, digest: &Digest) -> Vec<Pick> {
    let Some(oldest) = queue.candidates.first() else { return Vec::new() };
    let alone = || vec![Pick { seq: oldest.seq, shown: true }];
    if oldest.solo || !is_behind(queue, oldest, digest) {
        return alone();
    }
    let mut taken = Taken::of(&queue.candidates);
    for target in in_order(queue) {
        taken.try_add(target, digest);
    }
    let picks = taken.picks();
    // Whatever no digest holds: a room never stands still.
    if picks.is_empty() { alone() } else { picks }
}

fn is_behind(queue: &Queue, oldest: &Candidate, digest: &Digest) -> bool {
    let limited = queue.gate.is_some_and(|gate| queue.now.since(gate) < LIMITED);
    limited || queue.now.since(oldest.received_at) > digest.behind
}

/// The candidates by how much a line of theirs is worth, each source in turn. What a later candidate has left behind
/// is worth none, and goes along with that.
fn in_order(queue: &Queue) -> impl Iterator<Item = &Candidate> {
    let class = |candidate: &Candidate| match candidate.rank {
        Rank::Terminal => 0,
        _ if queue.now.since(candidate.received_at) > OLD => 1,
        _ => 2,
    };
    let last: BTreeMap<_, _> =
        queue.candidates.iter().map(|candidate| (candidate.subject, candidate.seq)).collect();
    let has_line = move |c: &&Candidate| c.rank == Rank::Terminal || last[&c.subject] == c.seq;
    (0..3).flat_map(move |wanted| {
        let mut sources: BTreeMap<&str, VecDeque<&Candidate>> = BTreeMap::new();
        let worth = queue.candidates.iter().filter(|candidate| class(candidate) == wanted);
        for candidate in worth.filter(&has_line) {
            sources.entry(&candidate.source).or_default().push_back(candidate);
        }
        in_turn(sources.into_values().collect())
    })
}

fn in_turn<T>(mut queues: VecDeque<VecDeque<T>>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(mut queue) = queues.pop_front() {
        if let Some(next) = queue.pop_front() {
            all.push(next);
            queues.push_back(queue);
        }
    }
    all
}

/// What a digest has so far.
struct Taken<'a> {
    subjects: BTreeMap<SubjectKey, Vec<&'a Candidate>>,
    /// Of each subject, how many of its first candidates are taken.
    prefixes: BTreeMap<SubjectKey, usize>,
    lines: usize,
    bytes: usize,
}

impl<'a> Taken<'a> {
    fn of(candidates: &'a [Candidate]) -> Self {
        let mut subjects: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for candidate in candidates {
            subjects.entry(candidate.subject).or_default().push(candidate);
        }
        Self { subjects, prefixes: BTreeMap::new(), lines: 0, bytes: 0 }
    }

    /// Takes a candidate with all of its subject before it, if the digest holds them. Of what takes most of a digest, as
    /// many as it still holds: they would else wait for all others, for ever where there are always some.
    fn try_add(&mut self, target: &Candidate, digest: &Digest) {
        let subject = &self.subjects[&target.subject];
        let before = self.prefixes.get(&target.subject).copied().unwrap_or(0);
        let wanted = subject.iter().take_while(|candidate| candidate.seq <= target.seq).count();
        if subject[..wanted].iter().any(|candidate| candidate.solo) {
            return;
        }
        let old = cost(&subject[..before]);
        let with = |after: usize| {
            let new = cost(&subject[..after]);
            (self.lines - old.0 + new.0, self.bytes - old.1 + new.1)
        };
        let is_long = cost(&subject[..wanted]).1 > digest.max_bytes / 2;
        let least = if is_long { before + 1 } else { wanted.max(before + 1) };
        let most = wanted.min(digest.max_bytes / MEMBER_BYTES);
        if let Some(after) = (least..=most).rev().find(|&after| digest.holds(with(after))) {
            (self.lines, self.bytes) = with(after);
            self.prefixes.insert(target.subject, after);
        }
    }

    fn picks(&self) -> Vec<Pick> {
        let taken = self.prefixes.iter().map(|(subject, &count)| &self.subjects[subject][..count]);
        let picks: BTreeSet<_> =
            taken.flat_map(shown).map(|(candidate, shown)| (candidate.seq, shown)).collect();
        picks.into_iter().map(|(seq, shown)| Pick { seq, shown }).collect()
    }
}

/// Of a subject's taken candidates: a terminal state always has its line, another only if it is the last.
fn shown<'c>(taken: &'c [&'c Candidate]) -> impl Iterator<Item = (&'c Candidate, bool)> {
    let last = taken.len().saturating_sub(1);
    taken.iter().enumerate().map(move |(at, c)| (*c, at == last || c.rank == Rank::Terminal))
}

fn cost(taken: &[&Candidate]) -> (usize, usize) {
    shown(taken).fold((0, 0), |(lines, bytes), (candidate, shown)| {
        let (line, size) = if shown { (1, candidate.line_bytes) } else { (0, 0) };
        (lines + line, bytes + size + MEMBER_BYTES)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshhook_store::Moment;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const NOW: i64 = 10_000;

    fn candidate(seq: i64, subject: u8, rank: Rank, source: &str, seconds_ago: i64) -> Candidate {
        Candidate {
            seq,
            subject: SubjectKey([subject; 32]),
            rank,
            source: source.to_owned(),
            received_at: Moment::from_seconds(NOW - seconds_ago),
            solo: false,
            line_bytes: 300,
            speaker: None,
        }
    }

    fn queue(candidates: Vec<Candidate>) -> Queue {
        Queue { candidates, gate: None, now: Moment::from_seconds(NOW) }
    }

    fn picked(queue: &Queue, digest: &Digest) -> Vec<(i64, bool)> {
        plan(queue, digest).into_iter().map(|pick| (pick.seq, pick.shown)).collect()
    }

    #[test]
    fn who_keeps_up_sends_one_at_a_time() {
        let fresh =
            queue(vec![candidate(1, 1, Rank::Queued, "a", 5), candidate(2, 1, Rank::Terminal, "a", 1)]);
        assert_eq!(picked(&fresh, &Digest::default()), [(1, true)]);
        let limited = Queue { gate: Some(Moment::from_seconds(NOW - 59)), ..fresh.clone() };
        assert_eq!(picked(&limited, &Digest::default()), [(1, false), (2, true)]);
        let long_ago = Queue { gate: Some(Moment::from_seconds(NOW - 60)), ..fresh };
        assert_eq!(picked(&long_ago, &Digest::default()), [(1, true)]);
    }

    #[test]
    fn terminal_states_come_first_and_sources_in_turn() {
        let behind = queue(vec![
            candidate(1, 1, Rank::Running, "a", 90),
            candidate(2, 2, Rank::Terminal, "a", 80),
            candidate(3, 3, Rank::Terminal, "a", 70),
            candidate(4, 4, Rank::Terminal, "b", 10),
            candidate(5, 5, Rank::Running, "b", 9),
        ]);
        let with = |max_lines| picked(&behind, &Digest { max_lines, ..Digest::default() });
        assert_eq!(with(2), [(2, true), (4, true)]);
        assert_eq!(with(3), [(2, true), (3, true), (4, true)]);
        assert_eq!(with(4), [(1, true), (2, true), (3, true), (4, true)]);
    }

    #[test]
    fn what_has_to_be_alone_is() {
        let mut candidates = vec![
            candidate(1, 1, Rank::Terminal, "a", 90),
            candidate(2, 2, Rank::Queued, "a", 80),
            candidate(3, 2, Rank::Terminal, "a", 70),
        ];
        candidates[1].solo = true;
        assert_eq!(picked(&queue(candidates.clone()), &Digest::default()), [(1, true)]);
        candidates.remove(0);
        assert_eq!(picked(&queue(candidates), &Digest::default()), [(2, true)]);
    }

    #[test]
    fn where_no_digest_can_be_the_oldest_goes_out() {
        let mut left_behind =
            vec![candidate(1, 1, Rank::Running, "a", 90), candidate(2, 1, Rank::Terminal, "a", 80)];
        left_behind[1].solo = true;
        assert_eq!(picked(&queue(left_behind), &Digest::default()), [(1, true)]);
        let long = Candidate { line_bytes: 20_000, ..candidate(1, 1, Rank::Terminal, "a", 90) };
        assert_eq!(picked(&queue(vec![long]), &Digest::default()), [(1, true)]);
    }

    #[test]
    fn a_subject_that_no_digest_holds_goes_out_in_parts() {
        let mut candidates: Vec<_> = (1..=400).map(|seq| candidate(seq, 1, Rank::Queued, "a", 90)).collect();
        candidates.push(candidate(401, 2, Rank::Terminal, "a", 1));
        let picks = picked(&queue(candidates), &Digest::default());
        assert!(picks.contains(&(401, true)));
        assert!(picks.contains(&(1, false)), "the oldest does not wait for all others");
        assert!(picks.len() > 100);
        assert_eq!(picks.iter().filter(|(_, shown)| *shown).count(), 2);
    }

    fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
        let one = (0u8..6, 0u8..3, 0u8..3, 0i64..200, any::<bool>(), 0usize..4000);
        vec(one, 1..60).prop_map(|many| {
            let mut all: Vec<_> = (1..)
                .zip(many)
                .map(|(seq, (subject, rank, source, ago, solo, line_bytes))| Candidate {
                    solo: solo && seq % 7 == 0,
                    line_bytes,
                    ..candidate(seq, subject, Rank::from_number(rank), &source.to_string(), ago)
                })
                .collect();
            all[0].received_at = Moment::from_seconds(NOW - 200);
            all
        })
    }

    proptest! {
        #[test]
        fn a_plan_keeps_the_rules(candidates in candidates(), max_lines in 1usize..30) {
            let queue = queue(candidates);
            let digest = Digest { max_lines, ..Digest::default() };
            let picks = picked(&queue, &digest);
            let of = |seq: i64| &queue.candidates[usize::try_from(seq - 1).unwrap()];
            let is_picked = |seq: i64| picks.iter().any(|pick| pick.0 == seq);

            prop_assert!(!picks.is_empty(), "something always goes out");
            prop_assert!(picks.iter().filter(|pick| pick.1).count() <= max_lines);
            prop_assert!(picks.len() <= 1 || picks.iter().all(|pick| !of(pick.0).solo));
            for &(seq, shown) in &picks {
                let later = queue.candidates.iter().any(|c| {
                    c.subject == of(seq).subject && c.seq > seq && is_picked(c.seq)
                });
                prop_assert_eq!(shown, !later || of(seq).rank == Rank::Terminal);
                for before in queue.candidates.iter().filter(|c| c.subject == of(seq).subject && c.seq < seq) {
                    prop_assert!(is_picked(before.seq), "a subject goes out in order");
                }
            }
        }
    }
}
