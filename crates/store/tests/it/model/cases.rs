//! The rules hold, and none of them can be left out.

use std::time::Instant;

use super::invariants::Breach;
use super::rules::{Rule, Rules};
use super::search::search;
use super::state::{Cast, RERUN, RUN};
use super::steps::Model;

/// How many troubles a way has at most. Without any one of the rules it takes no more to break something.
const TROUBLES: u8 = 3;

#[test]
fn the_rules_hold() {
    hold(RUN, TROUBLES);
}

#[test]
fn the_rules_hold_over_rounds() {
    hold(RERUN, TROUBLES - 1);
}

#[expect(clippy::print_stderr, reason = "how far the search went")]
fn hold(cast: Cast, troubles: u8) {
    let start = Instant::now();
    let found = search(&Model { rules: Rules::EVERY, cast, looks_for: Breach::ALL }, troubles);
    eprintln!("{} states, {} steps, {troubles} troubles: {:?}", found.states, found.steps, start.elapsed());
    if let Some((breach, way)) = found.breach {
        panic!("{breach:?} after\n{}", way.join("\n"));
    }
}

/// Expects that without a rule something breaks, and after so many steps at the earliest.
#[expect(clippy::print_stderr, reason = "how it breaks")]
fn breaks(rule: Rule, cast: Cast, looks_for: &'static [Breach], steps: usize) {
    // What is seen in a single state ends the search. A circle is looked for in all of them.
    let troubles = if looks_for == [Breach::Circle] { 1 } else { TROUBLES };
    let found = search(&Model { rules: Rules::without(rule), cast, looks_for }, troubles);
    let words = rule.words();
    let Some((breach, way)) = found.breach else {
        panic!("nothing breaks without {rule:?} in {} states: {words}", found.states);
    };
    let way = way.join("\n");
    eprintln!("Without: {words}\n{way}\n{breach:?}, one of {} states", found.states);
    assert_eq!(
        way.lines().count(),
        steps,
        "without {rule:?} ({words}) the shortest way to {breach:?} is\n{way}"
    );
}

macro_rules! without {
    ($($name:ident: $rule:ident, $cast:ident, $breach:ident in $steps:literal;)*) => {
        mod without {
            use super::*;
            $(
                #[test]
                fn $name() {
                    breaks(Rule::$rule, $cast, &[Breach::$breach], $steps);
                }
            )*
        }

        const LEFT_OUT: &[(Rule, Breach)] = &[$((Rule::$rule, Breach::$breach),)*];
    };
}

without! {
    accept_is_durable: AcceptIsDurable, RUN, Loss in 2;
    key_is_said_once: KeyIsSaidOnce, RUN, Double in 8;
    replay_is_stale: ReplayIsStale, RUN, Double in 8;
    late_is_superseded: LateIsSuperseded, RUN, Disorder in 7;
    terminal_is_said: TerminalIsSaid, RERUN, Suppressed in 2;
    row_before_put: RowBeforePut, RUN, Double in 7;
    one_in_hand: OneInHand, RUN, Disorder in 6;
    prefix_by_seq: PrefixBySeq, RUN, Disorder in 7;
    identity_is_pinned: IdentityIsPinned, RUN, Double in 7;
    pin_waits_for_quiet: PinWaitsForQuiet, RUN, Double in 8;
    pin_moves: PinMoves, RUN, DeadEnd in 4;
    lease_is_kept: LeaseIsKept, RUN, Circle in 3;
    lease_ends: LeaseEnds, RUN, DeadEnd in 3;
    tail_before_taken_over: TailBeforeTakenOver, RUN, Double in 6;
    tail_before_old: TailBeforeOld, RUN, Double in 7;
    tail_before_other_login: TailBeforeOtherLogin, RUN, Double in 7;
    absent_as_same_user: AbsentAsSameUser, RUN, Double in 8;
    own_events_only: OwnEventsOnly, RUN, Loss in 5;
    no_put_once_forgotten: NoPutOnceForgotten, RUN, Double in 6;
    no_put_after_login: NoPutAfterLogin, RUN, Double in 7;
    give_up_when_quiet: GiveUpWhenQuiet, RUN, Disorder in 10;
    not_now_keeps_frozen: NotNowKeepsFrozen, RUN, Double in 9;
    unknown_keeps_frozen: UnknownKeepsFrozen, RUN, Double in 7;
    refusal_has_errcode: RefusalHasErrcode, RUN, Double in 7;
    success_has_event: SuccessHasEvent, RUN, Loss in 4;
    success_always: SuccessAlways, RUN, Unheard in 7;
    negative_needs_generation: NegativeNeedsGeneration, RUN, Double in 7;
    related_until_put: RelatedUntilPut, RUN, Double in 7;
    hand_over_absent: HandOverAbsent, RUN, Double in 9;
    hand_over_when_quiet: HandOverWhenQuiet, RUN, Double in 9;
    refused_go_alone: RefusedGoAlone, RUN, Circle in 11;
    uncertain_stays: UncertainStays, RUN, Double in 9;
    orders_have_guards: OrdersHaveGuards, RUN, Double in 6;
    written_off_whole: WrittenOffWhole, RUN, TwoMessages in 8;
    purge_final_only: PurgeFinalOnly, RUN, Loss in 2;

    // What the room shows in the end, as the store would show it before.
    key_is_said_once_in_the_store: KeyIsSaidOnce, RUN, Orphan in 3;
    one_in_hand_in_the_store: OneInHand, RUN, TwoOpen in 4;
    unknown_keeps_frozen_in_the_store: UnknownKeepsFrozen, RUN, Denied in 4;
}

#[test]
fn no_rule_and_no_breach_is_without_a_case() {
    for rule in Rule::ALL {
        assert!(LEFT_OUT.iter().any(|(left_out, _)| left_out == rule), "{rule:?}");
    }
    for breach in Breach::ALL {
        assert!(LEFT_OUT.iter().any(|(_, seen)| seen == breach), "{breach:?}");
    }
}
