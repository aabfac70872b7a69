//! The decisions of the state machine, pure, so that every backend makes the same ones.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::{
    Accepted, Candidate, Change, Freshness, Key, Last, Moment, News, Pick, Queue, Rank, Status, Trend,
};

/// How long a taken room is another's.
pub const LEASE: Duration = Duration::from_secs(60);

/// How long a PUT may last: no request outlives it.
pub const PUT_DEADLINE: Duration = Duration::from_secs(30);

/// How long after a message was taken nothing of it can be under way any more: it is PUT within its lease.
pub const QUIET: Duration = Duration::from_secs(90);

/// The longest wait that is believed, whatever a clock or a homeserver says.
pub const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// How long the mark of a signed body that holds no time is kept.
pub const TIMELESS: Duration = Duration::from_secs(400 * 24 * 3600);

/// How far ahead of the store's clock a sender's clock may be.
pub const AHEAD: Duration = Duration::from_secs(24 * 3600);

/// What a mark is kept longer than the freshness rule needs it: clocks are set.
const MARGIN: Duration = Duration::from_secs(3600);

/// How many rows of unreadable, stale and ignored deliveries a source may have.
pub const MAX_ASIDE_ROWS: u64 = 1000;

/// How many bytes of bodies a source's unreadable and stale deliveries may hold together.
pub const MAX_ASIDE_BYTES: u64 = 64 * 1024 * 1024;

/// How many waiting deliveries a plan looks at.
pub const MAX_CANDIDATES: usize = 1000;

/// How many deliveries may wait for a room: a room that nobody can write to must not fill the disk for the others.
pub const MAX_WAITING: u64 = 200_000;

/// The span in which failures of a homeserver count against a message.
pub const TROUBLE: Duration = Duration::from_secs(900);

/// How many machines are kept for a group.
pub const MAX_MACHINES: usize = 64;

/// How many machines are remembered by when they were last heard of.
pub const MAX_NODES: usize = 10_000;

/// How many keys are remembered by when they last verified a delivery.
pub const MAX_KEYS: usize = 1000;

/// How long a key is remembered after its last use.
pub const UNUSED: Duration = Duration::from_secs(400 * 24 * 3600);

/// How many branches' endings are remembered.
pub const MAX_BRANCHES: usize = 100_000;

/// How long a branch's last ending is remembered.
pub const REMEMBERED: Duration = Duration::from_secs(90 * 24 * 3600);

/// How many attempts of a message are kept: the first half of them and the last half.
pub const MAX_ATTEMPTS: usize = 20;

/// How far a subject has come: the highest round and, within it, rank that was accepted.
pub type Top = (u64, Rank);

/// What accept does with an announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is owed from now on.
    Pend,
    /// The parked delivery with the same key is owed again, with this content.
    Revive,
    /// Its key is known.
    Duplicate,
    /// Something later is known.
    Superseded,
    /// It is too old, or from too far in the future, to be news.
    Stale,
}

/// Judges an announcement by what the store knows: the status under its key, and its subject's top.
///
/// A parked delivery that something later has overtaken is superseded like a new one: it must not come up in the
/// room after its own end.
#[must_use]
pub fn judge(known: Option<Status>, top: Option<Top>, this: Top, fresh: bool) -> Verdict {
    let late = this.1 != Rank::Terminal && top.is_some_and(|top| this < top);
    match known {
        Some(Status::Parked) if !late => Verdict::Revive,
        Some(status) if status != Status::Parked => Verdict::Duplicate,
        _ if late => Verdict::Superseded,
        _ if fresh => Verdict::Pend,
        _ => Verdict::Stale,
    }
}

/// What becomes of an announcement by what it changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// What it means to its branch.
    pub news: Option<News>,
    /// Why it is not said, if it is not.
    pub silent: Option<String>,
    /// What is to be remembered of the branch from now on, if it is one that is.
    pub last: Option<Last>,
}

/// Compares how something ended with how it did the `last` time. To be asked of what [`judge`] lets pend, and of nothing
/// else: so each ending is compared once, whatever comes twice.
///
/// `key` is the announcement's own. Where what said it last is given up, by the homeserver or by an operator, the branch is
/// forgotten: nobody has heard how it ended.
///
/// A first failure is said and a first success is not. What ends as it did is not said; a success in another word is,
/// plainly, and so is a failure in another word, as one that goes on.
#[must_use]
pub fn compare(key: Key, change: &Change, last: Option<&Last>, now: Moment) -> Comparison {
    let last = last.filter(|last| last.expires_at >= now);
    let ending = &change.ending;
    let as_before = last.filter(|last| last.ending.well == ending.well);
    let since = as_before.map_or(now, |last| last.since);
    let trend = match (last.map(|last| last.ending.well), ending.well) {
        (Some(true), false) => Some((Trend::Broken, now)),
        (Some(false), false) => Some((Trend::StillFailing, since)),
        (Some(false), true) => Some((Trend::Fixed, last.map_or(now, |last| last.since))),
        (None, _) | (Some(true), true) => None,
    };
    let is_old = last.map_or(ending.well, |last| last.ending == *ending);
    let reason = if ending.well { "unchanged" } else { Trend::StillFailing.as_str() };
    let silent = if is_old { Some(reason.to_owned()) } else { change.muted.clone() };
    let told_by = last.filter(|_| silent.is_some()).map_or(key, |last| last.told_by);
    Comparison {
        news: trend.map(|(trend, since)| News { trend, since, at: now }),
        silent,
        last: Some(Last { ending: ending.clone(), since, told_by, expires_at: now.plus(REMEMBERED) }),
    }
}

/// Whether the machines that a delivery names were heard of by it: it is new, and it is news.
#[must_use]
pub fn is_sign_of_life(id: &str, answer: &Accepted) -> bool {
    answer.delivery == id && answer.status != Status::Stale
}

/// Whether something is news.
///
/// Every replay that this lets pass comes before the mark that [`expiry`] gives is forgotten: it passes until
/// the newest time in the body plus the retention, and that time is at most [`AHEAD`] of the first acceptance. Where the
/// retention was raised since, nothing passes that is not newer than all that was `forgotten`: the newest time in a body
/// whose mark is gone.
#[must_use]
pub fn is_fresh(freshness: Freshness, now: Moment, retention: Duration, forgotten: Option<Moment>) -> bool {
    match freshness {
        Freshness::Signed | Freshness::Timeless => true,
        Freshness::Body(newest) => {
            newest >= now.minus(retention)
                && newest <= now.plus(AHEAD)
                && forgotten.is_none_or(|forgotten| newest > forgotten)
        }
    }
}

/// How long the mark stays after the last of its times.
#[must_use]
pub fn keep(freshness: Freshness, retention: Duration) -> Duration {
    match freshness {
        Freshness::Timeless => TIMELESS.max(retention + MARGIN),
        Freshness::Signed | Freshness::Body(_) => retention + MARGIN,
    }
}

/// When the mark of a final delivery is forgotten.
#[must_use]
pub fn expiry(received: Moment, settled: Moment, event_time: Option<Moment>, keep: Duration) -> Moment {
    let event_time = event_time.map_or(received, |t| t.min(settled.plus(AHEAD)));
    received.max(settled).max(event_time).plus(keep)
}

/// A time to wait for. One that is further away than anybody may have meant was written before the clock was set
/// back: it is over.
#[must_use]
pub fn believable(until: Moment, longest: Duration, now: Moment) -> Moment {
    if until > now.plus(longest) { now } else { until }
}

/// A room's place among those of a sender that is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Since when it is due.
    pub due: Moment,
    /// When it was taken last.
    pub taken_at: Moment,
}

/// How long after a gate has opened rooms take turns.
pub const TURNS: Duration = Duration::from_secs(60);

/// How long a room waits that lets another go first, before it asks again.
pub const TURN: Duration = Duration::from_secs(1);

/// Whether another room goes before this one, where the sender's gate opened lately: each is taken once before any is
/// taken twice, and the one that is due longest is first.
#[must_use]
pub fn goes_first(other: Turn, this: Turn, gate: Moment, now: Moment) -> bool {
    let had_its_turn = |turn: Turn| turn.taken_at >= gate;
    let limited = now.since(gate) < TURNS;
    let waits = other.due <= now && !had_its_turn(other);
    limited && waits && (had_its_turn(this) || other.due < this.due)
}

/// Whether an operator may retry a delivery by a new reading of the body that is kept with it.
#[must_use]
pub fn may_reread(status: Status) -> bool {
    matches!(status, Status::Unreadable | Status::Stale | Status::Dropped)
}

/// Whether an operator may retry a delivery without a new reading of its body.
#[must_use]
pub fn may_retry(status: Status, force: bool, was_in_message: bool) -> bool {
    match status {
        Status::Parked => true,
        Status::Uncertain => force,
        Status::Dropped => !was_in_message,
        _ => false,
    }
}

/// Whether an operator may give a delivery up.
#[must_use]
pub fn may_discard(status: Status) -> bool {
    matches!(
        status,
        Status::Pending | Status::Parked | Status::Uncertain | Status::Unreadable | Status::Stale
    )
}

/// The picks of a plan, in order; what is no candidate, named twice, or would go before an older one of its subject is
/// left out, and the oldest goes alone where nothing is left.
#[must_use]
pub fn sound(mut picks: Vec<Pick>, queue: &Queue) -> Vec<Pick> {
    picks.sort_by_key(|pick| pick.seq);
    picks.dedup_by_key(|pick| pick.seq);
    let may_go = in_order(&picks, &queue.candidates);
    picks.retain(|pick| may_go.contains(&pick.seq));
    if picks.is_empty() {
        picks.extend(queue.candidates.first().map(|oldest| Pick { seq: oldest.seq, shown: true }));
    }
    picks
}

/// The machine whose message that is: of what is shown alone.
#[must_use]
pub fn speaker<'a>(picks: &[Pick], candidates: &'a [Candidate]) -> Option<&'a str> {
    let mut shown = picks.iter().filter(|pick| pick.shown);
    let (Some(only), None) = (shown.next(), shown.next()) else { return None };
    candidates.iter().find(|candidate| candidate.seq == only.seq)?.speaker.as_deref()
}

/// Which picks go before nothing older of their subject.
fn in_order(picks: &[Pick], candidates: &[Candidate]) -> BTreeSet<i64> {
    let (mut may_go, mut left_behind) = (BTreeSet::new(), BTreeSet::new());
    for candidate in candidates {
        let picked = picks.binary_search_by_key(&candidate.seq, |pick| pick.seq).is_ok();
        if picked && !left_behind.contains(&candidate.subject) {
            may_go.insert(candidate.seq);
        } else {
            left_behind.insert(candidate.subject);
        }
    }
    may_go
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BranchKey, Ending, SubjectKey};
    use proptest::prelude::*;

    const KEY: Key = Key([1; 32]);

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_terminal_state_is_suppressed_by_nothing_but_its_own_key() {
        for status in Status::ALL {
            let verdict = judge(Some(status), None, (1, Rank::Terminal), true);
            let expected = if status == Status::Parked { Verdict::Revive } else { Verdict::Duplicate };
            assert_eq!(verdict, expected);
        }
        assert_eq!(judge(None, Some((9, Rank::Terminal)), (1, Rank::Terminal), true), Verdict::Pend);
    }

    #[test]
    fn what_comes_too_late_is_superseded() {
        let top = Some((1, Rank::Terminal));
        assert_eq!(judge(None, top, (1, Rank::Running), true), Verdict::Superseded);
        assert_eq!(judge(None, top, (1, Rank::Running), false), Verdict::Superseded);
        assert_eq!(judge(Some(Status::Parked), top, (1, Rank::Running), true), Verdict::Superseded);
        assert_eq!(judge(Some(Status::Sent), top, (1, Rank::Running), true), Verdict::Duplicate);
        assert_eq!(judge(None, top, (2, Rank::Queued), true), Verdict::Pend);
        assert_eq!(judge(None, None, (1, Rank::Queued), false), Verdict::Stale);
    }

    fn ending(well: bool, word: &str) -> Change {
        let ending = Ending { well, word: word.to_owned() };
        Change { branch: BranchKey([0; 32]), ending, muted: None }
    }

    /// Each step: how it ended, when, and what is said of it.
    #[test]
    fn a_change_is_said_and_what_stays_is_not() {
        let mut last = None;
        for (second, (well, word), said) in [
            (0, (true, ""), Err("unchanged")),
            (1, (true, ""), Err("unchanged")),
            (2, (true, "unstable"), Ok(None)),
            (3, (true, ""), Ok(None)),
            (4, (false, ""), Ok(Some((Trend::Broken, 4)))),
            (5, (false, ""), Err("still_failing")),
            (6, (false, "timedout"), Ok(Some((Trend::StillFailing, 4)))),
            (7, (false, "timedout"), Err("still_failing")),
            (8, (true, ""), Ok(Some((Trend::Fixed, 4)))),
            (9, (false, ""), Ok(Some((Trend::Broken, 9)))),
        ] {
            let now = Moment::from_seconds(second);
            let found = compare(KEY, &ending(well, word), last.as_ref(), now);
            let news = found.news.map(|news| (news.trend, news.since.seconds()));
            let heard = found.silent.as_deref().map_or(Ok(news), Err);
            assert_eq!(heard, said, "{second}");
            assert!(found.news.is_none_or(|news| news.at == now));
            last = found.last;
        }
    }

    #[test]
    fn a_first_failure_is_said_and_means_nothing_yet() {
        let first = compare(KEY, &ending(false, "timedout"), None, Moment::from_seconds(1));
        assert_eq!((first.news, first.silent), (None, None));
        assert_eq!(first.last.unwrap().since.seconds(), 1);
    }

    #[test]
    fn what_is_muted_is_remembered() {
        let now = Moment::from_seconds(5);
        let failed = compare(KEY, &ending(false, ""), None, now).last;
        let muted = Change { muted: Some("state".to_owned()), ..ending(true, "") };
        let fixed = compare(KEY, &muted, failed.as_ref(), now);
        assert_eq!(fixed.silent.as_deref(), Some("state"));
        let broken = compare(KEY, &ending(false, ""), fixed.last.as_ref(), now);
        assert_eq!((broken.silent, broken.news.map(|news| news.trend)), (None, Some(Trend::Broken)));
    }

    #[test]
    fn what_is_long_ago_is_no_last_time() {
        let start = Moment::from_seconds(0);
        let failed = compare(KEY, &ending(false, ""), None, start).last;
        let again = |after| compare(KEY, &ending(false, ""), failed.as_ref(), start.plus(after));
        assert_eq!(again(REMEMBERED).silent.as_deref(), Some("still_failing"));
        let forgotten = again(REMEMBERED + Duration::from_secs(1));
        assert_eq!((forgotten.silent, forgotten.news), (None, None));
    }

    /// Invariant 6, whatever a plan wants.
    #[test]
    fn nothing_goes_before_an_older_one_of_its_subject() {
        let candidate = |seq: i64, subject: u8| Candidate {
            seq,
            subject: SubjectKey([subject; 32]),
            rank: Rank::Terminal,
            source: String::new(),
            received_at: Moment::default(),
            solo: false,
            line_bytes: 0,
            speaker: None,
        };
        let candidates =
            vec![candidate(1, 1), candidate(2, 2), candidate(3, 1), candidate(4, 2), candidate(5, 3)];
        let queue = Queue { candidates, gate: None, now: Moment::default() };
        let sound = |seqs: &[i64]| -> Vec<i64> {
            let picks = seqs.iter().map(|&seq| Pick { seq, shown: true }).collect();
            super::sound(picks, &queue).iter().map(|pick| pick.seq).collect()
        };
        assert_eq!(sound(&[5, 4, 3, 2, 1, 1]), [1, 2, 3, 4, 5]);
        assert_eq!(sound(&[2, 3, 5]), [2, 5]);
        assert_eq!(sound(&[1, 4]), [1]);
        assert_eq!(sound(&[3, 4]), [1]);
        assert_eq!(sound(&[9]), [1]);
    }

    proptest! {
        /// No captured request of a signed scheme is good for a second message, ever.
        #[test]
        fn a_replay_is_stale_or_known(
            received in 0i64..1 << 40,
            ahead in -(1i64 << 34)..1 << 34,
            later in 0i64..1 << 36,
            settled_later in 0i64..1 << 20,
            hours in 1u64..10_000,
        ) {
            let retention = HOUR * u32::try_from(hours).unwrap();
            let received = Moment::from_millis(received);
            let newest = Moment::from_millis(received.millis() + ahead);
            let body = Freshness::Body(newest);
            prop_assume!(is_fresh(body, received, retention, None));
            let settled = Moment::from_millis(received.millis() + settled_later);
            let forgotten = expiry(received, settled, Some(newest), keep(body, retention));
            let replay = Moment::from_millis(received.millis() + later);
            prop_assert!(replay < forgotten || !is_fresh(body, replay, retention, None));
            prop_assert!(replay < forgotten || !is_fresh(body, replay, retention * 3, Some(newest)));
        }
    }
}
