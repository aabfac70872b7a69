//! What was posted and what was answered, against what the room shows in the end.

use std::collections::BTreeSet;
use std::time::Duration;

use meshhook_testkit::http::Answer;
use meshhook_testkit::{Event, Gateway, Homeserver, eventually, try_for};
use serde_json::Value;

use crate::rig::{SOON, build, keys, post_build, said};

/// How long a room may take for a few hundred builds on a busy machine.
const SETTLED: Duration = Duration::from_secs(60);

/// Runs by their ids.
#[derive(Default)]
pub(crate) struct Ledger {
    posted: BTreeSet<String>,
    promised: BTreeSet<String>,
}

impl Ledger {
    /// Notes that a run may have been handed in.
    pub(crate) fn posted(&mut self, run: &str) {
        self.posted.insert(run.to_owned());
    }

    /// Takes over what another has noted.
    pub(crate) fn add(&mut self, other: Self) {
        self.posted.extend(other.posted);
        self.promised.extend(other.promised);
    }

    /// Posts a build that has failed; what is answered is 202 or 503.
    #[track_caller]
    pub(crate) fn post(&mut self, gateway: &Gateway, run: &str) -> Answer {
        self.posted(run);
        let answer = post_build(gateway, &build(run, "failed"));
        match answer.status {
            202 => drop(self.promised.insert(run.to_owned())),
            503 => promises_nothing(&answer),
            _ => panic!("{run}: {answer:?}"),
        }
        answer
    }

    /// Posts one that has to be taken.
    #[track_caller]
    pub(crate) fn take(&mut self, gateway: &Gateway, run: &str) -> Value {
        let answer = self.post(gateway, run);
        assert_eq!(answer.status, 202, "{run}: {answer:?}; {}", gateway.log());
        answer.json()
    }

    /// Posts what was answered 503, or not at all, until it is taken, as senders do that retry.
    #[track_caller]
    pub(crate) fn redeliver(&mut self, gateway: &Gateway) {
        let runs: Vec<_> = self.posted.difference(&self.promised).cloned().collect();
        for run in runs {
            eventually(SOON, || (self.post(gateway, &run).status == 202).then_some(()));
        }
    }

    pub(crate) fn promised(&self) -> usize {
        self.promised.len()
    }

    /// Waits until nothing waits, and holds the room to it: what was promised is there, nothing is there twice, and
    /// nothing that was not posted.
    #[track_caller]
    pub(crate) fn balance(&self, gateway: &Gateway, homeserver: &Homeserver) -> BTreeSet<String> {
        let idle = try_for(SETTLED, || is_idle(gateway).then_some(()));
        assert!(idle.is_some(), "{}", gateway.admin_get("/readyz").text());
        let told = said(homeserver.events(Homeserver::ROOM));
        let keys = keys(&told);
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "a key twice");
        let all: Vec<_> = told.iter().flat_map(runs).collect();
        let runs: BTreeSet<_> = all.iter().cloned().collect();
        assert_eq!((runs.len(), keys.len()), (all.len(), all.len()), "a run twice, or a key without one");
        let lost: Vec<_> = self.promised.difference(&runs).collect();
        assert!(lost.is_empty(), "{lost:?} were answered 202 and are not in the room");
        assert!(runs.is_subset(&self.posted), "{runs:?}");
        runs
    }
}

fn is_idle(gateway: &Gateway) -> bool {
    let ready = gateway.admin_get("/readyz").json();
    let rooms = ready["rooms"].as_array().expect("a store that can be looked into");
    rooms.iter().all(|room| room["waiting"] == 0)
}

/// The runs that a message tells of.
fn runs(event: &Event) -> Vec<String> {
    let content = event.content();
    let one = content.get("com.meshmac.build_status").into_iter();
    let many = content.get("com.meshmac.build_statuses").and_then(Value::as_array).into_iter().flatten();
    one.chain(many).map(|status| status["run_id"].as_str().unwrap().to_owned()).collect()
}

/// A 503 as the contract has it.
#[track_caller]
pub(crate) fn promises_nothing(answer: &Answer) {
    let headers = (answer.header("retry-after"), answer.header("content-type"));
    assert_eq!((answer.status, headers), (503, (Some("10"), Some("application/problem+json"))));
    assert_eq!(answer.json()["code"], "unavailable");
}
