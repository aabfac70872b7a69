//! An application service whose users are kicked, forbidden or lose their devices, at a scripted homeserver that tells
//! nobody of it: nothing is said twice, and nothing stands still.

use std::sync::Arc;
use std::time::{Duration, Instant};

use meshhook_engine::{Account, Heard, Node, Pool, Route, Routes, Sending, Source};
use meshhook_model::{Globs, Text, Unit};
use meshhook_testkit::{Endpoint, Event, Fault, Homeserver, Service, eventually};

use crate::rig::{Rig, SOON, job_body, source};

const MINUTE: Duration = Duration::from_secs(60);
const SLOW: Duration = Duration::from_secs(8);
const OTHER: &str = "!another";
const GHOST: &str = "@buildbot_mac-01:scripted.localhost";
const SENDER: &str = "@buildbot:scripted.localhost";

/// An application service with two machines, whose builds of the branch `main` are said here, of others elsewhere.
fn served() -> Rig {
    let service = Service::new("buildbot", Homeserver::SERVER_NAME);
    let homeserver = Homeserver::start();
    homeserver.set_service(&service);
    homeserver.add_room(OTHER);
    let (url, token) = (homeserver.url(), service.as_token().to_owned());
    let mut rig = Rig::as_account(Account::Service, homeserver, url, Homeserver::ROOM, token);
    rig.stop();
    rig.source = Arc::new(pooled());
    rig.start();
    rig
}

fn pooled() -> Source {
    let node = |name| Node { name: Text::new(name).unwrap(), runners: Globs::default() };
    let nodes = ["mac-01", "mac-02"].map(node).to_vec();
    let elsewhere =
        Route { room: OTHER.into(), branches: Globs::new(["elsewhere"]).unwrap(), ..Route::default() };
    let (pool, routes) = (Arc::new(Pool::new(nodes)), Arc::new(Routes::new(vec![elsewhere])));
    Source { pool, routes, units: vec![Unit::Job], ..source(Homeserver::ROOM) }
}

fn body(rig: &Rig, run: u32, machine: &str) -> String {
    job_body(run, machine, "Default", meshhook_engine::Clock::now(&*rig.clock).seconds())
}

fn reports(rig: &Rig, run: u32, machine: &str) -> String {
    rig.post(&body(rig, run, machine)).unwrap().delivery
}

fn says(rig: &Rig, run: u32, machine: &str) -> String {
    let id = reports(rig, run, machine);
    rig.eventually_status(&id, "sent");
    id
}

/// Says something in the other room.
fn says_elsewhere(rig: &Rig, run: u32, machine: &str) {
    let id = rig.post(&body(rig, run, machine).replace("\"main\"", "\"elsewhere\"")).unwrap().delivery;
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.life(&id).delivery.room.as_deref(), Some(OTHER));
}

fn senders(rig: &Rig) -> Vec<String> {
    rig.messages().iter().map(Event::sender).map(str::to_owned).collect()
}

#[track_caller]
fn is_tried(rig: &Rig, id: &str, result: &str) {
    eventually(SOON, || rig.results(id).contains(&result.to_owned()).then_some(()));
}

/// The sender is removed, and the homeserver tells so; from where, and who.
fn is_removed(rig: &Rig) -> (String, String) {
    let (room, user) = (Homeserver::ROOM.to_owned(), SENDER.to_owned());
    rig.homeserver.kick(&room, &user);
    let (here, who, by) = (room.clone(), user.clone(), "@a:b".to_owned());
    rig.engine().hear(Heard::Removed { room: here, user: who, by, reason: None });
    (room, user)
}

fn held(rig: &Rig) -> Option<String> {
    let rooms = rig.engine().store().totals().unwrap().rooms;
    rooms.into_iter().find(|room| room.room == Homeserver::ROOM)?.hold.map(|(why, _)| why)
}

/// Somebody removes the sender, and the homeserver tells.
fn removed(rig: &Rig) {
    let (room, user) = (Homeserver::ROOM.to_owned(), SENDER.to_owned());
    rig.homeserver.kick(&room, &user);
    rig.engine().hear(Heard::Removed { room, user, by: "@a:b".into(), reason: None });
}

fn invited(rig: &Rig) {
    let (room, user) = (Homeserver::ROOM.to_owned(), SENDER.to_owned());
    rig.homeserver.invite(&room, &user);
    rig.engine().hear(Heard::Invited { room, user });
}

/// Who has no device may not even look whether its message is there.
#[test]
fn a_sender_whose_device_was_deleted_goes_on() {
    let rig = served();
    says(&rig, 1, "linux-9");
    rig.homeserver.remove_devices(SENDER);
    says(&rig, 2, "linux-9");
    assert_eq!(senders(&rig), [SENDER, SENDER]);
}

/// A homeserver that errs just then does not make a room wait as one that refuses.
#[test]
fn a_device_that_is_not_made_at_once_is_made_soon() {
    let rig = served();
    says(&rig, 1, "linux-9");
    rig.homeserver.remove_devices(SENDER);
    rig.homeserver.fail_once(Endpoint::Device, Fault::html(502));
    says(&rig, 2, "linux-9");
    assert_eq!(senders(&rig), [SENDER, SENDER]);
}

/// With its device, a homeserver has forgotten what a user was told; also where another room's lane has made that anew.
#[test]
fn a_device_that_was_made_anew_for_another_room_is_no_second_message() {
    for (user, machine) in [(GHOST, "mac-01"), (SENDER, "linux-9")] {
        let rig = served();
        says(&rig, 1, machine);
        rig.homeserver
            .fail_once(Endpoint::Send, Fault::rate_limited(Duration::from_millis(1)).after_commit());
        rig.homeserver.fail_once(Endpoint::Send, Fault::rate_limited(Duration::from_secs(30)));
        let id = reports(&rig, 2, machine);
        eventually(SOON, || (rig.results(&id).len() >= 2).then_some(()));
        rig.homeserver.remove_devices(user);
        rig.homeserver.forget_transactions();
        rig.advance(Duration::from_secs(31));
        says_elsewhere(&rig, 3, machine);
        rig.eventually_status(&id, "sent");
        assert_eq!(rig.messages().len(), 2, "{user}");
    }
}

/// What was sent just before, and not answered, may take effect as long as a PUT lasts.
#[test]
fn the_sender_waits_for_what_the_machine_may_still_have_said() {
    let rig = served();
    says(&rig, 1, "mac-01");
    rig.homeserver.fail_for(GHOST, Endpoint::Send, Fault::forbidden());
    let id = reports(&rig, 2, "mac-01");
    is_tried(&rig, &id, "forbidden");
    rig.homeserver.fail_once(Endpoint::Send, Fault::dropped().commits_later(10 * MINUTE));
    rig.advance(Duration::from_secs(50));
    is_tried(&rig, &id, "unknown");
    rig.advance(Duration::from_secs(15));
    eventually(SOON, || (rig.results(&id).last()? == "forbidden").then_some(()));
    rig.homeserver.let_arrive();
    rig.advance(2 * MINUTE);
    rig.eventually_status(&id, "sent");
    rig.advance(2 * MINUTE);
    assert_eq!(senders(&rig), [GHOST, GHOST]);
}

/// Nobody tells: an invite is found by looking, and as often as it takes.
#[test]
fn an_invite_is_taken_while_a_message_waits_for_it() {
    let rig = served();
    says(&rig, 1, "linux-9");
    rig.homeserver.kick(Homeserver::ROOM, SENDER);
    let id = reports(&rig, 2, "linux-9");
    eventually(SOON, || held(&rig));
    rig.advance(6 * MINUTE);
    eventually(SOON, || (rig.results(&id).len() >= 2).then_some(()));
    rig.homeserver.invite(Homeserver::ROOM, SENDER);
    rig.advance(6 * MINUTE);
    rig.eventually_status(&id, "sent");
    assert_eq!(held(&rig), None);
}

/// A homeserver that errs at the look says nothing of the room.
#[test]
fn a_look_that_failed_is_taken_again_soon() {
    let rig = served();
    says(&rig, 1, "linux-9");
    removed(&rig);
    // Heard, and looked at.
    eventually(SOON, || held(&rig).filter(|why| why.starts_with("@somebody")));
    let looks = rig.homeserver.requests_for(Endpoint::JoinedRooms).len();
    rig.homeserver.fail_once(Endpoint::JoinedRooms, Fault::html(502));
    invited(&rig);
    let id = reports(&rig, 2, "linux-9");
    eventually(SOON, || (rig.homeserver.requests_for(Endpoint::JoinedRooms).len() > looks).then_some(()));
    assert!(held(&rig).unwrap().starts_with("@somebody"), "{:?}", held(&rig));
    rig.advance(MINUTE);
    rig.eventually_status(&id, "sent");
}

/// Without its device the service is let in nowhere, and a room that is held has no message that would tell.
#[test]
fn a_room_that_is_held_is_released_though_the_senders_device_is_gone() {
    let rig = served();
    says(&rig, 1, "linux-9");
    removed(&rig);
    eventually(SOON, || held(&rig));
    rig.homeserver.remove_devices(SENDER);
    invited(&rig);
    says(&rig, 2, "linux-9");
    assert_eq!(held(&rig), None);
}

/// Anybody may invite a service, a thousand times, from a homeserver that takes its time: the room that is written to is
/// held all the same.
#[test]
fn invites_from_elsewhere_hold_nothing_up() {
    let rig = served();
    says(&rig, 1, "linux-9");
    rig.homeserver.fail(Endpoint::Leave, Fault::slow(SLOW));
    let (room, user) = (Homeserver::ROOM.to_owned(), SENDER.to_owned());
    rig.engine().hear(Heard::Invited { room: "!first".to_owned(), user: user.clone() });
    eventually(SOON, || (!rig.homeserver.requests_for(Endpoint::Leave).is_empty()).then_some(()));
    rig.homeserver.kick(&room, &user);
    rig.engine().hear(Heard::Removed { room, user: user.clone(), by: "@a:b".into(), reason: None });
    for n in 0..1000 {
        rig.engine().hear(Heard::Invited { room: format!("!{n}"), user: user.clone() });
    }
    let begun = Instant::now();
    eventually(SOON, || held(&rig));
    assert!(begun.elapsed() < SLOW / 2, "{:?}", begun.elapsed());
}

/// However long it took to find out that a machine cannot speak: it is not found out again before the sender spoke.
#[test]
fn a_machine_that_is_slow_to_be_refused_does_not_hold_its_message_up() {
    let rig = served();
    let renames = || {
        let requests = rig.homeserver.requests_for(Endpoint::Profile);
        requests.into_iter().filter(|request| request.method == "PUT").count()
    };
    rig.homeserver.fail_for(GHOST, Endpoint::Profile, Fault::slow(Duration::from_secs(2)));
    rig.homeserver.fail_for(GHOST, Endpoint::Join, Fault::forbidden());
    rig.homeserver.fail(Endpoint::Invite, Fault::forbidden());
    let id = reports(&rig, 1, "mac-01");
    eventually(SOON, || (renames() == 1).then_some(()));
    rig.advance(2 * MINUTE);
    rig.eventually_status(&id, "sent");
    assert_eq!((senders(&rig), renames()), (vec![SENDER.to_owned()], 1));
}

/// What waits is said by the sender.
#[test]
fn a_machine_that_is_listed_no_longer_gets_no_user() {
    let rig = served();
    says(&rig, 1, "linux-9");
    let (room, user) = is_removed(&rig);
    eventually(SOON, || held(&rig));
    let id = reports(&rig, 2, "mac-01");
    rig.engine().adopt(rig.conduct(vec![Arc::new(source(&room))])).unwrap();
    rig.homeserver.invite(&room, &user);
    rig.engine().hear(Heard::Invited { room, user });
    rig.eventually_status(&id, "sent");
    assert_eq!(senders(&rig), [SENDER, SENDER]);
}

/// Homeservers may let nobody speak as a user who is locked or deactivated, nor look as one.
#[test]
fn the_sender_speaks_and_looks_for_a_machine_whose_user_is_shut_out() {
    let rig = served();
    says(&rig, 1, "mac-01");
    let shut_out = || Fault::error(403, "M_USER_DEACTIVATED", "This account has been deactivated");
    for endpoint in [Endpoint::Send, Endpoint::Messages, Endpoint::Device, Endpoint::Profile] {
        rig.homeserver.fail_for(GHOST, endpoint, shut_out());
    }
    let id = reports(&rig, 2, "mac-01");
    eventually(SOON, || (!rig.results(&id).is_empty()).then_some(()));
    for _ in 0..4 {
        rig.advance(MINUTE);
        std::thread::sleep(Duration::from_millis(500));
    }
    rig.eventually_status(&id, "sent");
    assert_eq!((senders(&rig), held(&rig)), (vec![GHOST.to_owned(), SENDER.to_owned()], None));
}

/// Where nothing is sent, nothing else finds out that the token is refused; and the room is not held for that.
#[test]
fn a_token_that_is_refused_at_a_look_is_told_as_what_it_is() {
    let rig = served();
    says(&rig, 1, "linux-9");
    let (room, user) = is_removed(&rig);
    eventually(SOON, || held(&rig).filter(|why| why.starts_with("@somebody")));
    for endpoint in [Endpoint::JoinedRooms, Endpoint::Whoami] {
        rig.homeserver.fail(endpoint, Fault::error(401, "M_UNKNOWN_TOKEN", "Invalid access token passed."));
    }
    rig.advance(6 * MINUTE);
    eventually(SOON, || matches!(rig.engine().sending(), Sending::Stopped { .. }).then_some(()));
    assert!(held(&rig).unwrap().starts_with("@somebody"), "{:?}", held(&rig));
    rig.homeserver.mend(Endpoint::JoinedRooms);
    rig.homeserver.mend(Endpoint::Whoami);
    rig.homeserver.invite(&room, &user);
    let id = reports(&rig, 2, "linux-9");
    rig.advance(2 * MINUTE);
    rig.eventually_status(&id, "sent");
}

/// While a registration's tokens are changed, it is nobody's fault: a machine is not spoken for because of it.
#[test]
fn a_machine_is_waited_for_while_the_token_is_refused() {
    let rig = served();
    let endpoints = [Endpoint::JoinedRooms, Endpoint::Register, Endpoint::Whoami];
    for endpoint in endpoints {
        rig.homeserver.fail(endpoint, Fault::error(401, "M_UNKNOWN_TOKEN", "Invalid access token passed."));
    }
    let id = reports(&rig, 1, "mac-01");
    eventually(SOON, || matches!(rig.engine().sending(), Sending::Stopped { .. }).then_some(()));
    assert_eq!(rig.status(&id), "pending");
    endpoints.into_iter().for_each(|endpoint| rig.homeserver.mend(endpoint));
    rig.advance(2 * MINUTE);
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.life(&id).message.unwrap().sender, GHOST);
}

/// Upgraded or encrypted: nothing is written until the homeserver tells that neither is so.
#[test]
fn a_room_that_was_changed_is_held_until_it_can_be_looked_at() {
    let rig = served();
    says(&rig, 1, "linux-9");
    rig.homeserver.fail(Endpoint::State, Fault::html(502));
    rig.engine().hear(Heard::Changed { room: Homeserver::ROOM.to_owned() });
    eventually(SOON, || held(&rig));
    let id = reports(&rig, 2, "linux-9");
    rig.advance(MINUTE);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(rig.status(&id), "pending");
    rig.homeserver.mend(Endpoint::State);
    rig.advance(MINUTE);
    rig.eventually_status(&id, "sent");
    assert_eq!(held(&rig), None);
}

/// A homeserver that lets nobody join any more, and takes its time over it, is not asked for each machine.
#[test]
fn one_machine_is_waited_for_where_the_homeserver_does_not_answer() {
    let rig = served();
    says(&rig, 1, "linux-9");
    let joins = || rig.homeserver.requests_for(Endpoint::Join).len();
    let before = joins();
    rig.homeserver.fail(Endpoint::Join, Fault::hang(Duration::from_secs(2)));
    let first = reports(&rig, 2, "mac-01");
    eventually(SOON, || (joins() > before).then_some(()));
    rig.advance(Duration::from_secs(15));
    rig.eventually_status(&first, "sent");
    says(&rig, 3, "mac-02");
    assert_eq!(joins(), before + 1);
    rig.homeserver.mend(Endpoint::Join);
    rig.advance(2 * MINUTE);
    says(&rig, 4, "mac-02");
    assert_eq!(senders(&rig).last().unwrap(), &GHOST.replace('1', "2"));
}
