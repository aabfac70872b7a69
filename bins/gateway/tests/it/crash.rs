//! Killed in the middle, with everything else going wrong too: nothing that was answered 202 is lost, told twice or out
//! of order. `cargo xtask soak` plays the same scenarios at length.

use std::time::{Duration, Instant};

use meshhook_testkit::soak::{
    Account, Forgotten, Killed, Limited, Storm, both_killed, forgotten, limited, storm,
};

/// Ends a scenario that does not get on.
fn soon() -> Instant {
    Instant::now() + Duration::from_secs(120)
}

fn in_a_storm(seed: u64, kills: u32, timeline: &'static str) {
    let account = Account::Bot;
    let size = Storm { account, seed, kills, rooms: 8, senders: 4, timeline, until: soon(), long: false };
    let report = storm(&size).unwrap();
    report.assert_sound();
    assert!(report.reached("SIGKILLs", kills.into()), "{report}");
    assert!(report.reached("of them in the room already", 1), "{report}");
    assert!(report.reached("faults of requests", 10) && report.reached("impostors' events", 2), "{report}");
}

#[test]
fn every_fault_and_a_dozen_kills() {
    in_a_storm(12, 12, "lines");
}

#[test]
fn the_same_with_cards() {
    in_a_storm(13, 5, "card");
}

#[test]
fn the_same_with_threads() {
    in_a_storm(14, 5, "thread");
}

#[test]
fn the_gateway_and_synapse_both_killed() {
    let account = Account::Bot;
    let killed = Killed { account, seed: 31, gateways: 3, synapses: 1, rooms: 4, senders: 3, until: soon() };
    let report = both_killed(&killed).unwrap();
    report.assert_sound();
    assert!(
        report.reached("SIGKILLs of the gateway", 3) && report.reached("SIGKILLs of Synapse", 1),
        "{report}"
    );
    assert!(report.reached("messages in hand when the gateway died", 1), "{report}");
}

#[test]
fn synapse_with_its_default_limits() {
    let report = limited(&Limited { runs: 30, within: Duration::from_secs(4) }).unwrap();
    report.assert_sound();
    assert!(report.reached("429 answers", 1), "{report}");
}

#[test]
fn forgotten_transaction_ids_and_new_logins() {
    let size = Forgotten { seed: 41, outages: 1, logins: 1, rooms: 3, senders: 3, until: soon() };
    let report = forgotten(&size).unwrap();
    report.assert_sound();
    assert!(report.reached("outages of a day", 1), "{report}");
    assert!(report.reached("new logins, on the same device and on others", 2), "{report}");
}

#[test]
fn every_fault_as_an_application_service() {
    let account = Account::Service;
    let size = Storm {
        account,
        seed: 15,
        kills: 8,
        rooms: 6,
        senders: 4,
        timeline: "lines",
        until: soon(),
        long: false,
    };
    let report = storm(&size).unwrap();
    report.assert_sound();
    for (what, least) in [
        ("SIGKILLs", 8),
        ("machines' users kicked", 1),
        ("devices taken away", 1),
        ("messages by machines themselves", 10),
        ("messages by the sender, for a listed machine", 1),
    ] {
        assert!(report.reached(what, least), "{what}\n{report}");
    }
}

#[test]
fn an_application_service_and_its_synapse_both_killed() {
    let account = Account::Service;
    let killed = Killed { account, seed: 32, gateways: 3, synapses: 2, rooms: 4, senders: 3, until: soon() };
    let report = both_killed(&killed).unwrap();
    report.assert_sound();
    for (what, least) in [
        ("SIGKILLs of the gateway", 3),
        ("SIGKILLs of Synapse", 2),
        ("messages by machines themselves", 10),
        ("messages by the sender, of others and of several", 1),
    ] {
        assert!(report.reached(what, least), "{what}\n{report}");
    }
}
