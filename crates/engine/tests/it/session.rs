//! Who sends, and what happens when that is in doubt.

use std::time::Duration;

use meshhook_engine::Sending;
use meshhook_testkit::{Endpoint, Fault, eventually};

use crate::rig::{Rig, SOON};

fn why(rig: &Rig) -> Option<String> {
    match rig.engine().sending() {
        Sending::Stopped { why, .. } => Some(why),
        _ => None,
    }
}

#[test]
fn a_refused_token_stops_everything_until_a_new_one_works() {
    let rig = Rig::new();
    let first = rig.accept(1, "completed", Some("success"));
    rig.eventually_status(&first, "sent");
    rig.homeserver.change_token("syt_rotated");
    let second = rig.accept(2, "completed", Some("success"));
    let told = eventually(SOON, || why(&rig));
    assert!(told.contains("M_UNKNOWN_TOKEN") && !told.contains("syt_"), "{told}");
    assert!(rig.saw("NotSending"));
    let sends = rig.homeserver.requests_for(Endpoint::Send).len();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(rig.homeserver.requests_for(Endpoint::Send).len(), sends);
    assert_eq!(rig.status(&second), "in_message");

    *rig.token.lock().unwrap() = "syt_rotated".into();
    rig.eventually_status(&second, "sent");
    assert_eq!(rig.messages().len(), 2);
}

#[test]
fn a_homeserver_that_is_down_at_the_start_is_asked_again() {
    let mut rig = Rig::new();
    rig.stop();
    rig.homeserver.fail(Endpoint::Whoami, Fault::html(502));
    rig.start();
    let id = rig.accept(1, "completed", Some("success"));
    let told = eventually(SOON, || why(&rig).filter(|why| why.contains("502")));
    assert!(told.contains("sign"), "{told}");
    rig.homeserver.mend(Endpoint::Whoami);
    rig.eventually_status(&id, "sent");
}

#[test]
fn a_new_token_in_the_file_is_taken_while_the_old_one_works() {
    let rig = Rig::new();
    let first = rig.accept(1, "completed", Some("success"));
    rig.eventually_status(&first, "sent");
    *rig.token.lock().unwrap() = "syt_wrong".into();
    eventually(SOON, || rig.saw("TokenNotTaken").then_some(()));
    let second = rig.accept(2, "completed", Some("success"));
    rig.eventually_status(&second, "sent");
}

#[test]
fn another_device_waits_until_nothing_of_the_first_can_be_under_way() {
    let mut rig = Rig::new();
    let first = rig.accept(1, "completed", Some("success"));
    rig.eventually_status(&first, "sent");
    rig.stop();
    rig.homeserver.change_device("OTHER", "syt_other_token");
    *rig.token.lock().unwrap() = "syt_other_token".into();
    rig.start();
    let second = rig.accept(2, "completed", Some("success"));
    let told = eventually(SOON, || why(&rig).filter(|why| why.contains("OTHER")));
    assert!(told.contains("SCRIPTED"), "{told}");
    assert_eq!(rig.status(&second), "pending");
    rig.advance(Duration::from_secs(91));
    rig.eventually_status(&second, "sent");
    assert!(matches!(rig.engine().sending(), Sending::As { device: Some(d), .. } if d == "OTHER"));
}

#[test]
fn a_token_of_another_device_is_taken_however_busy_the_first_one_is() {
    let rig = Rig::new();
    let first = rig.accept(1, "completed", Some("success"));
    rig.eventually_status(&first, "sent");
    rig.homeserver.change_device("OTHER", "syt_other_token");
    *rig.token.lock().unwrap() = "syt_other_token".into();
    eventually(SOON, || why(&rig).filter(|why| why.contains("OTHER")));
    let second = rig.accept(2, "completed", Some("success"));
    assert_eq!(rig.status(&second), "pending");
    rig.advance(Duration::from_secs(91));
    rig.eventually_status(&second, "sent");
}
