//! The demo as an application service: every machine speaks for itself.

use std::path::Path;
use std::process::Command;

use meshhook_testkit::{Gateway, Limits, Service, StartFailure, Synapse, built, free_port, try_for};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::builds::{self, MACHINES, STRANGER};
use crate::ci::{self, Answers, Ci};
use crate::keep;
use crate::report::Report;
use crate::room::Room;
use crate::steps::{self, PATIENCE};

pub(crate) fn perform(report: &mut Report, keep: bool) -> Result<(), StartFailure> {
    let service = register(report);

    report.step("A Synapse on loopback that is given a copy, with an observer and a private room");
    let synapse = Synapse::start_with_service(Limits::Default, &service);
    let room = Room::create(&synapse);
    report.note(&format!("{} · {}, rate limits as they are by default", synapse.url(), room.id));

    report.step("The gateway, as an application service with three [[node]]s");
    let builder = Gateway::builder_of_service(&synapse.url(), &room.id, &service);
    let mut gateway = ci::sources(builder).toml(&nodes()).start()?;
    report.note(&format!("{} · for the homeserver http://127.0.0.1:{}", gateway.url(), service.port()));
    ping(report, &gateway);
    invite(report, &gateway, &room, &service);

    let ci = Ci::now();
    let (mut answers, repeats) = steps::build(report, &mut gateway, &ci, &room)?;
    answers.extend(call(report, &gateway, &ci, &room, answers.accepted(), &service));
    steps::compare(report, &room, &answers, &repeats);
    ask(report, &room, &service);
    room.print();
    if keep {
        keep::until_told(&room, &gateway);
    }
    Ok(())
}

/// As an operator does it.
fn register(report: &mut Report) -> Service {
    report.step("A registration, by `meshhook registration new`");
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("registration.yaml");
    let url = format!("http://127.0.0.1:{}", free_port());
    let said =
        meshhook(&["registration", "new", "--url", &url, "--server-name", Synapse::SERVER_NAME], &file);
    said.lines().for_each(|line| report.note(line));
    let text = std::fs::read_to_string(&file).expect("the registration that was written");
    let service = Service::of(serde_json::from_str(&text).expect("it is JSON"), Synapse::SERVER_NAME);
    let is_quiet = [service.as_token(), service.hs_token()].iter().all(|token| !said.contains(*token));
    report.check("it says what to do next, and no token", is_quiet && said.contains("restart Synapse"));
    service
}

fn meshhook(arguments: &[&str], out: &Path) -> String {
    let mut command = Command::new(built("meshhook", "meshhook"));
    let output = command.args(arguments).arg("--out").arg(out).output().expect("meshhook can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn nodes() -> String {
    MACHINES.map(|machine| format!("[[node]]\nname = \"{machine}\"")).join("\n")
}

/// Whether the homeserver reaches the gateway, as that has found out.
fn ping(report: &mut Report, gateway: &Gateway) {
    let seen = || Some(gateway.admin_get("/appservice").ok()["ping"].clone()).filter(|ping| !ping.is_null());
    let ping = try_for(PATIENCE, seen).unwrap_or_default();
    report.note(&format!("its ping through the homeserver: {}", words(&ping)));
    report.check("the homeserver reaches it, and shows the right token", ping["code"] == "ping_fine");
}

fn words(ping: &Value) -> String {
    let text = |key: &str| ping[key].as_str().map(str::to_owned);
    [text("code"), text("sentence")].into_iter().flatten().collect::<Vec<_>>().join(": ")
}

/// Nothing is posted yet: what is done here is done because Synapse has told of it.
fn invite(report: &mut Report, gateway: &Gateway, room: &Room<'_>, service: &Service) {
    let sender = service.sender();
    report.step(&format!("{sender} is invited: into the room, and into one that is none of its own"));
    let Room { synapse, observer, .. } = room;
    synapse.invite(&observer.token, &room.id, &sender);
    let elsewhere = synapse.private_room(&observer.token);
    synapse.invite(&observer.token, &elsewhere, &sender);
    let stands = |room: &str| synapse.member(&observer.token, room, &sender).map(|member| member.membership);
    let becomes = |room: &str, membership: &str| {
        try_for(PATIENCE, || (stands(room).as_deref() == Some(membership)).then_some(())).is_some()
    };
    report.check("it takes the one by itself", becomes(&room.id, "join"));
    report.check("and declines the other", becomes(&elsewhere, "leave"));
    let told = gateway.admin_get("/appservice").ok();
    report.note(&format!("events that Synapse has pushed: {}", told["events"]));
}

/// Three machines speak for themselves, one after the other; a fourth is spoken for.
fn call(
    report: &mut Report,
    gateway: &Gateway,
    ci: &Ci,
    room: &Room<'_>,
    before: usize,
    service: &Service,
) -> Answers {
    report.step("Each machine reports once more, and one that is not listed");
    report.check("all before are in the room", room.within(PATIENCE, before));
    let answers = ci.post_all(gateway, &builds::roll_call(ci.now));
    report.check("they come", room.within(PATIENCE, before + answers.accepted()));
    let lines = room.lines();
    let last = &lines[lines.len().saturating_sub(MACHINES.len() + 1)..];
    let senders: Vec<_> = last.iter().map(|line| line.sender().to_owned()).collect();
    let mut expected = MACHINES.map(|machine| service.user(machine)).to_vec();
    expected.push(service.sender());
    report.note(&senders.join(", "));
    report.check(
        "three machines are three senders, in order; the fourth is the service's own",
        senders == expected,
    );
    let is_named = |machine: &&str| {
        let member = room.member(&service.user(machine));
        member.and_then(|member| member.name).is_some_and(|name| name == format!("{machine} · build"))
    };
    report.check("each with its own name", MACHINES.iter().all(is_named));
    let named = last.last().and_then(|line| line.body()).is_some_and(|body| body.contains(STRANGER));
    report.check(
        "which names the machine, and makes no user of it",
        named && room.member(&service.user(STRANGER)).is_none(),
    );
    answers
}

/// A person asks, and is answered.
fn ask(report: &mut Report, room: &Room<'_>, service: &Service) {
    report.step("The observer says !builds");
    let before = room.lines().len();
    let question = json!({ "msgtype": "m.text", "body": "!builds" });
    let _ = room.synapse.send(&room.observer.token, &room.id, "question", &question);
    let answer = try_for(PATIENCE, || room.lines().get(before + 1).cloned());
    let sender = service.sender();
    let is_board = answer.is_some_and(|line| {
        let body = line.body().unwrap_or_default();
        body.lines().for_each(|line| report.note(&format!("│ {line}")));
        line.sender() == sender && MACHINES.iter().all(|machine| body.contains(machine))
    });
    report.check("and is shown the last of each machine", is_board);
}
