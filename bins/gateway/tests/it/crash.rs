//! Killed in the middle, with everything else going wrong too: nothing that was answered 202 is lost, told twice or out
//! of order. `cargo xtask soak` plays the same scenarios at length.

use std::time::{Duration, Instant};

use meshhook_testkit::soak::{Forgotten, Killed, Limited, Storm, both_killed, forgotten, limited, storm};

/// Ends a scenario that does not get on.
fn soon() -> Instant {
    Instant::now() + Duration::from_secs(120)
}

#[test]
fn every_fault_and_a_dozen_kills() {
    let report =
        storm(&Storm { seed: 12, kills: 12, rooms: 8, senders: 4, until: soon(), long: false }).unwrap();
    report.assert_sound();
    assert!(report.reached("SIGKILLs", 12) && report.reached("of them in the room already", 1), "{report}");
    assert!(report.reached("faults of requests", 20) && report.reached("impostors' events", 5), "{report}");
}

#[test]
fn the_gateway_and_synapse_both_killed() {
    let killed = Killed { seed: 31, gateways: 3, synapses: 1, rooms: 4, senders: 3, until: soon() };
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
