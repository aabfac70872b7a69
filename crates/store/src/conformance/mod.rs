//! What every backend has to do, as tests to call from its own.
//!
//! ```text
//! meshhook_store::conformance_tests!(MyStore::new());
//! ```

#![allow(clippy::unwrap_used, reason = "a suite of tests")]

mod audits;
mod cases;
mod changes;
pub mod fixture;
mod ghosts;
mod keys;
mod latest;
mod nodes;

pub use audits::*;
pub use cases::*;
pub use changes::*;
pub use ghosts::*;
pub use keys::*;
pub use latest::*;
pub use nodes::*;

/// One `#[test]` for each rule, each with a new store.
#[macro_export]
macro_rules! conformance_tests {
    ($make:expr) => {
        $crate::conformance_tests! { @each $make;
            a_known_key_is_a_duplicate_and_names_its_event,
            a_late_state_is_superseded_and_a_terminal_one_never,
            a_new_round_is_news,
            a_stale_body_is_kept_and_can_be_readmitted,
            unreadable_deliveries_are_kept_with_their_bodies_up_to_a_bound,
            machines_reach_the_content_of_their_group,
            a_batch_judges_its_own_members,
            one_message_is_in_hand_per_room,
            the_oldest_goes_first_and_rooms_do_not_wait_for_each_other,
            a_message_never_changes_between_its_puts,
            a_lost_lease_reports_only_success,
            a_room_with_a_live_lease_is_left_alone,
            waits_are_clamped,
            a_gate_closes_every_room_of_its_sender,
            rooms_of_a_limited_sender_take_turns,
            a_message_may_relate_to_the_event_that_shows_its_subject,
            an_anchor_of_another_room_or_sender_is_none,
            what_is_refused_with_a_relation_is_said_without,
            a_message_tells_how_often_its_homeserver_failed_lately,
            what_was_forgotten_stays_old_under_a_longer_retention,
            a_held_room_freezes_nothing_and_repeats_what_is_open,
            a_refused_single_is_parked_and_a_redelivery_revives_it,
            a_parked_state_that_was_overtaken_stays_silent,
            what_is_read_again_may_be_known_and_overtaken,
            a_retry_makes_a_new_message_with_another_transaction,
            an_uncertain_message_lets_the_room_go_on,
            only_a_pinned_identity_takes,
            orders_that_do_not_fit_are_conflicts,
            a_dropped_delivery_is_not_sent,
            nothing_owed_is_ever_forgotten,
            a_life_shows_each_attempt_and_no_more_than_the_bound,
            lists_are_filtered_and_paged,
            totals_count_what_is_owed,
            members_of_a_digest_share_its_fate,
            a_refused_digest_is_split_into_singles,
            a_plan_without_sense_takes_the_oldest,
            a_hold_ends_with_its_message,
            a_gate_is_not_opened_by_a_shorter_wait,
            a_message_tells_whether_one_session_had_it_all_the_time,
            a_subject_is_known_until_the_last_of_it_is_forgotten,
            a_key_can_be_said_again_after_its_mark,
            a_late_success_settles_what_still_waits,
            an_uncertain_digest_is_written_off_whole,
            a_dropped_body_can_be_read_again,
            an_audit_of_a_sound_store_finds_nothing,
            an_audit_compares_bodies_with_rows,
            an_audit_lets_be_what_was_refused_and_what_only_looks_out_of_order,
            what_is_in_a_room_is_listed_with_its_keys,
            a_plan_cannot_turn_a_subject_around,
            only_what_changes_is_said,
            branches_are_compared_each_with_itself,
            a_batch_compares_its_own_members,
            a_redelivery_is_never_compared_again,
            what_changes_nothing_keeps_its_mark,
            what_changes_nothing_has_come_as_far,
            what_is_owed_again_is_not_compared_again,
            what_nobody_heard_of_is_said_again,
            a_stale_ending_is_compared_when_it_is_readmitted,
            what_is_muted_is_remembered,
            an_ending_is_forgotten_after_its_time,
            a_machine_is_heard_of_by_the_last_that_names_it,
            a_machine_is_remembered_longer_than_what_named_it,
            the_machines_that_were_silent_longest_are_forgotten,
            a_key_is_used_by_whatever_it_verified_last,
            an_operators_order_uses_no_key,
            the_keys_of_a_batch_are_used_at_once,
            a_key_is_remembered_longer_than_what_it_verified,
            the_keys_that_were_unused_longest_are_forgotten,
            the_last_state_of_each_workflow_is_told,
            what_is_not_said_in_a_room_is_not_told_of_there,
            a_machine_says_what_it_has_to_say,
            nothing_is_frozen_for_who_may_not_be_able_to_speak,
            what_is_said_together_is_the_senders,
            a_machine_that_is_limited_waits_alone,
            nothing_is_frozen_for_a_machine_that_is_limited,
            what_a_machine_cannot_say_is_said_by_the_sender,
            a_machine_relates_to_its_own_events_alone,
            a_room_is_held_without_a_message,
            a_hold_lets_what_is_in_hand_be,
            what_is_in_hand_in_a_held_room_can_be_hurried,
            there_are_no_more_machines_users_than_may_be,
            who_lost_its_lease_hands_nothing_over,
        }
    };
    (@each $make:expr; $($case:ident,)*) => {
        $(#[test] fn $case() { $crate::conformance::$case(&$make); })*
    };
}
