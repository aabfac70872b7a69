//! Rules that lead what is said into other rooms.

use std::sync::Arc;
use std::time::Duration;

use meshhook_engine::{Look, Node, Pool, Route, Routes, Source};
use meshhook_model::{Globs, State, Text, Unit};
use meshhook_render::Timeline;
use meshhook_testkit::{Event, Homeserver};

use crate::rig::{Rig, START, job_body, run_body, source};

const OTHER: &str = "!another";

fn to(room: &str) -> Route {
    Route { room: room.to_owned(), ..Route::default() }
}

fn failed() -> Route {
    Route { states: vec![State::Failed], ..to(OTHER) }
}

fn rig(routes: Vec<Route>, look: Look) -> Rig {
    let mut rig = Rig::new();
    rig.stop();
    rig.homeserver.add_room(OTHER);
    rig.look = look;
    rig.source = Arc::new(led(routes));
    rig.start();
    rig
}

fn led(routes: Vec<Route>) -> Source {
    Source { routes: Arc::new(Routes::new(routes)), ..source(Homeserver::ROOM) }
}

/// Goes by other rules from now on.
fn lead(rig: &mut Rig, routes: Vec<Route>) {
    rig.source = Arc::new(led(routes));
    rig.engine().adopt(rig.conduct(vec![Arc::clone(&rig.source)])).unwrap();
}

/// Says something, and waits until it is in its room.
fn say(rig: &Rig, run: u32, status: &str, conclusion: Option<&str>) -> String {
    let id = rig.accept(run, status, conclusion);
    rig.eventually_status(&id, "sent");
    id
}

/// The messages of both rooms.
fn said(rig: &Rig) -> [Vec<Event>; 2] {
    [Homeserver::ROOM, OTHER].map(|room| {
        let mut events = rig.homeserver.events(room);
        events.retain(|event| event.kind() == "m.room.message");
        events
    })
}

fn counts(rig: &Rig) -> [usize; 2] {
    said(rig).map(|events| events.len())
}

#[test]
fn the_first_rule_that_fits_wins_and_what_none_fits_stays() {
    let here = Route { branches: Globs::new(["main"]).unwrap(), ..to(Homeserver::ROOM) };
    let rig = rig(
        vec![Route { repos: Globs::new(["nobody/*"]).unwrap(), ..to("!nowhere") }, failed(), here],
        Look::default(),
    );
    say(&rig, 1, "in_progress", None);
    say(&rig, 1, "completed", Some("failure"));
    say(&rig, 2, "completed", Some("success"));
    assert_eq!(counts(&rig), [2, 1]);
    assert!(said(&rig)[1][0].body().unwrap().contains("failed"));
}

/// The room is not in the mark.
#[test]
fn what_was_said_is_not_said_again_where_another_rule_leads_now() {
    let mut rig = rig(Vec::new(), Look::default());
    let first = say(&rig, 1, "completed", Some("failure"));
    lead(&mut rig, vec![failed()]);
    let again = rig.post(&run_body(1, "completed", Some("failure"), START)).unwrap();
    assert_eq!((again.outcome, &again.delivery), ("duplicate", &first));
    say(&rig, 2, "completed", Some("failure"));
    assert_eq!(counts(&rig), [1, 1]);
    lead(&mut rig, Vec::new());
    let again = rig.post(&run_body(2, "completed", Some("failure"), START)).unwrap();
    assert_eq!(again.outcome, "duplicate");
    say(&rig, 3, "completed", Some("failure"));
    assert_eq!(counts(&rig), [2, 1]);
}

/// Nothing edits, or answers to, what is in another room.
#[test]
fn a_run_that_comes_to_another_room_begins_anew_there() {
    for timeline in [Timeline::Card, Timeline::Thread] {
        let succeeded = Route { states: vec![State::Succeeded], ..to(OTHER) };
        let rig = rig(vec![succeeded], Look { timeline, ..Look::default() });
        say(&rig, 1, "in_progress", None);
        say(&rig, 1, "completed", Some("success"));
        let [here, there] = said(&rig);
        assert_eq!((here.len(), there.len()), (1, 1));
        assert!(there[0].content().get("m.relates_to").is_none(), "{:?}", there[0].content());
    }
}

/// Its job names it; that the run does not is known before its machines are looked up.
#[test]
fn a_machine_is_what_the_body_names_by_the_name_that_the_pool_gives_it() {
    let mut rig = rig(Vec::new(), Look::default());
    let node = Node { name: Text::new("mac-07").unwrap(), runners: Globs::new(["runner-*"]).unwrap() };
    let seven = Route { nodes: Globs::new(["mac-07"]).unwrap(), ..to(OTHER) };
    let source = Source {
        pool: Arc::new(Pool::new(vec![node])),
        units: vec![Unit::Run, Unit::Job],
        ..led(vec![seven])
    };
    rig.source = Arc::new(source);
    rig.engine().adopt(rig.conduct(vec![Arc::clone(&rig.source)])).unwrap();
    for (run, runner) in [(7, "runner-2"), (8, "visitor")] {
        let job = rig.post(&job_body(run, runner, "Default", START)).unwrap();
        rig.eventually_status(&job.delivery, "sent");
        say(&rig, run, "completed", Some("failure"));
    }
    let [here, there] = said(&rig);
    assert_eq!((here.len(), there.len()), (3, 1));
    let status = &there[0].content()["com.meshmac.build_status"];
    assert_eq!((&status["unit"], &status["mesh_node_id"]), (&"job".into(), &"mac-07".into()));
}

#[test]
fn what_names_no_machine_is_its_sources_own() {
    let mut rig = rig(Vec::new(), Look::default());
    let seven = Route { nodes: Globs::new(["mac-0*"]).unwrap(), ..to(OTHER) };
    rig.source = Arc::new(Source { node: Text::new("mac-07"), ..led(vec![seven]) });
    rig.engine().adopt(rig.conduct(vec![Arc::clone(&rig.source)])).unwrap();
    say(&rig, 1, "completed", Some("failure"));
    assert_eq!(counts(&rig), [0, 1]);
}

#[test]
fn a_room_that_cannot_be_written_into_keeps_nothing_from_another() {
    let running = Route { states: vec![State::Running], ..to("!closed") };
    let rig = rig(vec![running], Look::default());
    let owed = [1, 2].map(|run| rig.accept(run, "in_progress", None));
    for run in [1, 2] {
        say(&rig, run, "completed", Some("failure"));
    }
    assert_eq!(counts(&rig), [2, 0]);
    rig.homeserver.add_room("!closed");
    rig.advance(Duration::from_secs(600));
    owed.iter().for_each(|id| rig.eventually_status(id, "sent"));
    let keys = |event: &Event| event.content()["com.meshmac.message"]["keys"].as_array().unwrap().len();
    assert_eq!(rig.homeserver.events("!closed").iter().map(keys).sum::<usize>(), 2);
    assert_eq!(counts(&rig), [2, 0]);
}
