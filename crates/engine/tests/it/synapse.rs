//! A real Synapse, a PUT whose answer was really lost, and whatever makes Synapse forget it.

use std::time::Duration;

use meshhook_testkit::{Event, Loss, Proxy, Synapse, User, eventually};
use serde_json::json;

use crate::rig::{Rig, SOON};

const DAY: Duration = Duration::from_secs(25 * 3600);
const HOUR: Duration = Duration::from_secs(3600);

/// So long nothing may be under way of another device before this one sends.
const QUIET: Duration = Duration::from_secs(90);

/// A Synapse of its own, and what loses its answers.
struct Server {
    synapse: Synapse,
    proxy: Proxy,
    bot: User,
}

type Real = Rig<Server>;

impl Real {
    /// With a message that was sent as it should be.
    fn real() -> Self {
        let synapse = Synapse::start();
        let bot = synapse.register("bot");
        let room = synapse.create_room(&bot.token, json!({ "name": "CI" }));
        let proxy = Proxy::before(&synapse.url());
        let (url, token) = (proxy.url(), bot.token.clone());
        let rig = Self::on(Server { synapse, proxy, bot }, url, &room, token);
        let before = rig.accept(1, "completed", Some("success"));
        rig.eventually_status(&before, "sent");
        rig
    }

    /// And then one that is in the room, without the engine having heard of it. The engine is stopped.
    fn with_a_lost_answer() -> (Self, String) {
        let mut rig = Self::real();
        let id = rig.lose(Loss::Answer);
        rig.stop();
        rig.homeserver.proxy.lose(Loss::Nothing);
        assert_eq!(rig.said().len(), 2, "it is there");
        (rig, id)
    }

    /// From now on this is lost of every PUT, and first of one more message.
    fn lose(&self, loss: Loss) -> String {
        self.homeserver.proxy.lose(loss);
        let id = self.accept(2, "completed", Some("failure"));
        eventually(SOON, || (!self.results(&id).is_empty()).then_some(()));
        assert!(self.results(&id).iter().all(|result| result == "unknown"), "{:?}", self.results(&id));
        id
    }

    /// What the bot has said.
    fn said(&self) -> Vec<Event> {
        let Server { synapse, bot, .. } = &self.homeserver;
        let mut events = synapse.messages(&bot.token, &self.room);
        events.retain(|event| event.kind() == "m.room.message" && event.sender() == bot.id);
        events
    }

    /// Stops Synapse, lets it forget every transaction id, and starts it again.
    fn forget(&mut self) {
        let synapse = &mut self.homeserver.synapse;
        synapse.stop();
        assert!(synapse.forget_transactions() >= 2, "there was nothing to forget");
        synapse.restart();
    }

    /// From now on the gateway has the token of this user, who is the bot on some device.
    fn use_token_of(&mut self, user: User) {
        *self.token.lock().unwrap() = user.token.clone();
        self.homeserver.bot = user;
    }

    /// Waits until the delivery is settled, by what was found: it is in the room once, as what was there before.
    #[track_caller]
    fn is_found(&self, id: &str) {
        self.eventually_status(id, "sent");
        assert_eq!(self.results(id).last().map(String::as_str), Some("found"));
        self.is_there_once(id);
    }

    #[track_caller]
    fn is_there_once(&self, id: &str) {
        let said = self.said();
        let key = self.life(id).delivery.key.to_string();
        let shows = |event: &&Event| event.content()["com.meshmac.message"]["keys"][0] == key;
        let there: Vec<_> = said.iter().filter(shows).map(Event::id).collect();
        assert_eq!(there, [self.life(id).delivery.event_id.unwrap()]);
        assert_eq!(said.len(), 2);
    }
}

#[test]
fn a_days_outage_with_forgotten_transactions_and_a_restart_is_no_second_message() {
    let (mut rig, id) = Real::with_a_lost_answer();
    rig.forget();
    rig.advance(DAY);
    rig.start();
    rig.is_found(&id);
    // And the room goes on.
    let next = rig.accept(3, "completed", Some("success"));
    rig.eventually_status(&next, "sent");
    assert_eq!(rig.said().len(), 3);
}

/// The same without a restart of the engine, which has the message in hand all the time.
#[test]
fn a_days_outage_that_the_engine_sits_out_is_no_second_message() {
    let mut rig = Real::real();
    let id = rig.lose(Loss::Answer);
    // First the homeserver is away, then it has forgotten; the engine tries all the time.
    rig.homeserver.synapse.stop();
    rig.homeserver.proxy.lose(Loss::Nothing);
    assert!(rig.homeserver.synapse.forget_transactions() >= 2);
    for _ in 0..25 {
        rig.advance(HOUR);
        std::thread::sleep(Duration::from_millis(40));
    }
    assert_eq!(rig.status(&id), "in_message");
    rig.homeserver.synapse.restart();
    rig.advance(HOUR);
    rig.is_found(&id);
}

/// What is not in the room is sent, however long it takes: the same as above, but for the PUT that never arrived.
#[test]
fn a_days_outage_loses_nothing() {
    let mut rig = Real::real();
    let id = rig.lose(Loss::Request);
    rig.stop();
    assert_eq!(rig.said().len(), 1, "it is not there");
    rig.homeserver.proxy.lose(Loss::Nothing);
    rig.homeserver.synapse.restart();
    rig.advance(DAY);
    rig.start();
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.results(&id).last().map(String::as_str), Some("sent"));
    rig.is_there_once(&id);
}

#[test]
fn a_login_with_the_same_device_is_no_second_message() {
    let (mut rig, id) = Real::with_a_lost_answer();
    let again = rig.homeserver.synapse.login("bot", Some(&rig.homeserver.bot.device));
    assert_eq!(again.device, rig.homeserver.bot.device);
    rig.use_token_of(again);
    rig.start();
    rig.is_found(&id);
}

#[test]
fn a_login_with_another_device_waits_and_is_no_second_message() {
    let (mut rig, id) = Real::with_a_lost_answer();
    let other = rig.homeserver.synapse.login("bot", None);
    assert_ne!(other.device, rig.homeserver.bot.device);
    rig.use_token_of(other);
    rig.start();
    eventually(SOON, || format!("{:?}", rig.engine().sending()).contains("waits until").then_some(()));
    assert_eq!(rig.status(&id), "in_message");
    rig.advance(QUIET);
    rig.is_found(&id);
}

/// A device that is logged out takes what Synapse knows of its transactions along.
#[test]
fn a_logout_and_a_login_with_the_same_device_is_no_second_message() {
    let (mut rig, id) = Real::with_a_lost_answer();
    let Server { synapse, bot, .. } = &mut rig.homeserver;
    synapse.logout(&bot.token);
    let again = synapse.login("bot", Some(&bot.device));
    synapse.restart();
    synapse.stop();
    assert_eq!(synapse.forget_transactions(), 0, "Synapse has forgotten them with the device");
    synapse.restart();
    rig.use_token_of(again);
    rig.start();
    rig.is_found(&id);
}

/// While the engine runs and has the message in hand, its token is taken away.
#[test]
fn a_token_that_is_replaced_with_a_message_in_hand_is_no_second_message() {
    let mut rig = Real::real();
    let id = rig.lose(Loss::Answer);
    let Server { synapse, bot, proxy } = &mut rig.homeserver;
    synapse.logout(&bot.token);
    proxy.lose(Loss::Nothing);
    eventually(SOON, || rig.saw("NotSending").then_some(()));
    let Server { synapse, bot, .. } = &mut rig.homeserver;
    let again = synapse.login("bot", Some(&bot.device));
    synapse.restart();
    rig.use_token_of(again);
    rig.is_found(&id);
}

#[test]
fn an_impostor_in_a_real_room_settles_nothing() {
    let mut rig = Real::real();
    let id = rig.lose(Loss::Request);
    let Server { synapse, bot, .. } = &rig.homeserver;
    let mallory = synapse.register("mallory");
    synapse.bring_in(&bot.token, &rig.room, &mallory);
    let message = rig.life(&id).message.unwrap();
    let keys = json!({ "id": message.txn, "keys": [rig.life(&id).delivery.key.to_string()] });
    let forged = json!({ "msgtype": "m.notice", "body": "all is well", "com.meshmac.message": keys });
    let forged = synapse.send(&mallory.token, &rig.room, &message.txn, &forged);
    rig.stop();
    rig.homeserver.proxy.lose(Loss::Nothing);
    rig.advance(DAY);
    rig.start();
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.results(&id).last().map(String::as_str), Some("sent"));
    assert_ne!(rig.life(&id).delivery.event_id.unwrap(), forged);
    rig.is_there_once(&id);
}
