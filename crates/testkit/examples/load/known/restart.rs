//! How soon a gateway is ready again.

use std::thread;
use std::time::{Duration, Instant};

use meshhook_testkit::load::{Pace, stored};
use meshhook_testkit::{Gateway, http};

use super::{BODY, Bench, Store};
use crate::accept::target;
use crate::measure::{Plan, SECRET};
use crate::words::millis;

/// A start that takes longer is none.
const START_WITHIN: Duration = Duration::from_secs(180);

/// How often a start is asked whether it is ready.
const GLANCE: Duration = Duration::from_millis(1);

impl Bench<'_> {
    /// From the start of the process until it is ready.
    pub(super) fn restarts(&mut self) -> Result<(), String> {
        self.report.say("Ready within, from the start of the process to the first 200 of /readyz:");
        for store in Store::BOTH {
            let mut gateway = self.builder(store, None).write();
            let first = ready(&mut gateway)?;
            let (mut clean, mut killed) = (Vec::new(), Vec::new());
            for _ in 0..self.arguments.rounds() {
                gateway.stop();
                clean.push(ready(&mut gateway)?);
                let before = stored(&gateway.store_dir());
                let answered = self.kill_under_load(&mut gateway)?;
                killed.push(ready(&mut gateway)?);
                let lost = (before + answered).saturating_sub(stored(&gateway.store_dir()));
                self.report.expect(lost == 0, || format!("{lost} that were answered are gone"));
            }
            gateway.stop();
            self.report.say(&format!(
                "  {}  the first time {}, after a stop {}, after a kill under load {}",
                store.name(),
                millis(first),
                slowest(&clean),
                slowest(&killed)
            ));
            self.tidy(store)?;
        }
        Ok(())
    }

    /// How many were answered before it.
    fn kill_under_load(&mut self, gateway: &mut Gateway) -> Result<u64, String> {
        let plan = Plan { warm_up: Duration::ZERO, ..self.arguments.plan(Pace::Closed) };
        let deliveries = self.supply.next(plan.deliveries(), BODY, SECRET);
        let target = target(&gateway.hook_url("github"))?;
        thread::scope(|scope| {
            let load = scope.spawn(|| plan.load(&target, &deliveries, None));
            thread::sleep(Duration::from_secs(1));
            gateway.kill9();
            let load = load.join().map_err(|_| "the load failed".to_owned())??;
            let was_under_load = load.figures.unanswered > 0;
            self.report.expect(was_under_load, || "the load was over before the kill".to_owned());
            Ok(load.figures.accepted)
        })
    }
}

/// Starts it; how long until it says that it is ready.
pub(super) fn ready(gateway: &mut Gateway) -> Result<Duration, String> {
    let url = gateway.admin_url() + "/readyz";
    let start = Instant::now();
    gateway.respawn();
    while start.elapsed() < START_WITHIN && gateway.is_running() {
        if http::get(&url, &[]).is_ok_and(|answer| answer.status == 200) {
            return Ok(start.elapsed());
        }
        thread::sleep(GLANCE);
    }
    Err(format!("the gateway is not ready after {} s:\n{}", start.elapsed().as_secs(), gateway.log()))
}

fn slowest(all: &[Duration]) -> String {
    all.iter().max().map_or("-".to_owned(), |most| format!("{} at most", millis(*most)))
}
