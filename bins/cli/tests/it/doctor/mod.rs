//! The doctor: nothing to say of what is well, and the true cause of each fault that is provoked.

mod faults;
mod page;
mod pings;
mod service;
mod tls;
mod ward;

use serde_json::{Value, json};

use crate::words::{meshhook, said};
use ward::Ward;

#[test]
fn a_gateway_that_lacks_nothing_has_no_fault() {
    let mut ward = Ward::running();
    ward.args = vec!["--send-test"];
    let diagnosis = ward.diagnose();
    assert_eq!((diagnosis.code, diagnosis.bad()), (0, vec!["never_heard"]), "{:#?}", diagnosis.findings);
    for check in [
        "configuration",
        "store",
        "gateway",
        "homeserver",
        "clock",
        "account",
        "room",
        "power",
        "topic",
        "test message",
    ] {
        let ok = |one: &Value| one["check"] == check && one["level"] == "ok";
        assert!(diagnosis.findings.iter().any(ok), "{check} is not among {:#?}", diagnosis.findings);
    }
}

/// It works without the gateway, and says so.
#[test]
fn a_gateway_that_does_not_run_is_no_reason_to_stop() {
    let mut ward = Ward::running();
    ward.gateway.stop();
    let diagnosis = ward.diagnose();
    assert_eq!(
        (diagnosis.code, diagnosis.bad()),
        (0, vec!["not_running", "never_heard"]),
        "{:#?}",
        diagnosis.findings
    );
    let heard = diagnosis
        .findings
        .iter()
        .any(|one| one["text"].as_str().unwrap().starts_with("builds was last heard of"));
    assert!(heard, "{:#?}", diagnosis.findings);
}

#[test]
fn what_is_found_is_told_in_lines_with_a_hint_for_what_is_wrong() {
    let ward = Ward::new();
    let mut command = meshhook();
    command
        .args(["doctor", "--admin-url", "http://127.0.0.1:9", "--config-root"])
        .arg(ward.gateway.config_root());
    let told = said(&mut command);
    let told = told
        .replace(ward.gateway.config_root().to_str().unwrap(), "CONFIG")
        .replace(ward.gateway.store_dir().to_str().unwrap(), "STORE")
        .replace(&ward.synapse.url(), "HOMESERVER")
        .replace(&ward.room, "ROOM")
        .replace(&ward.bot.device, "DEVICE")
        .replace(&ward.bot.id, "BOT");
    insta::assert_snapshot!(told);
}

/// The bot itself may not, and the token that is lent goes nowhere else.
#[test]
fn a_topic_is_set_with_the_token_of_somebody_who_may() {
    let ward = Ward::new();
    ward.synapse.set_state(&ward.host.token, &ward.room, "m.room.topic", &json!({ "topic": "Our builds." }));
    let fix = |token: &str| {
        let mut command = meshhook();
        command.args([
            "doctor",
            "--json",
            "--fix-topic",
            "--admin-url",
            "http://127.0.0.1:9",
            "--config-root",
        ]);
        command.arg(ward.gateway.config_root()).write_stdin(format!("{token}\n"));
        let told = said(&mut command);
        assert!(!told.contains(token), "{told}");
        told
    };
    let refused = fix(&ward.bot.token);
    assert!(refused.contains("was not set: 403 M_FORBIDDEN") && refused.ends_with("=> 1\n"), "{refused}");
    let set = fix(&ward.host.token);
    assert!(set.contains("now tells workers to send mesh_node_id") && set.ends_with("=> 0\n"), "{set}");
    let topic = ward.synapse.state(&ward.host.token, &ward.room, "m.room.topic");
    let lines: Vec<_> = topic["topic"].as_str().unwrap().lines().collect();
    assert_eq!(lines[0], "Our builds.");
    assert!(lines[1].contains("mesh_node_id"), "{lines:?}");
    assert!(!ward.diagnose().bad().contains(&"topic"));
}

#[test]
fn without_a_configuration_it_says_where_it_looked() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = meshhook();
    command.args(["doctor", "--config-root"]).arg(folder.path());
    let told = said(&mut command).replace(folder.path().to_str().unwrap(), "CONFIG");
    insta::assert_snapshot!(told);
}
