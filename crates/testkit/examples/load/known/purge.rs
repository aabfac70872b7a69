//! What is felt of a purge.

use meshhook_testkit::Homeserver;
use meshhook_testkit::load::{Pace, expire, keep_on};

use super::restart::ready;
use super::{BODY, Bench, Store};
use crate::accept::target;
use crate::measure::{Plan, SECRET, now};
use crate::rows::Row;
use crate::words::thousands;

/// So many expire at once, at most; a twentieth of a store that has not many.
const EXPIRING: u64 = 200_000;

impl Bench<'_> {
    /// At half of the rate, with nothing to forget and with much, in turns.
    pub(super) fn purge(&mut self, rate: u32) -> Result<(), String> {
        let plan = self.arguments.plan(Pace::Open { rate });
        let expiring = (self.known.rows / 20).min(EXPIRING);
        let homeserver = Homeserver::start();
        // Nothing is forgotten by a clock that nobody confirms, and nothing is said without an account.
        homeserver.set_clock(now());
        let mut rows = [Row::new("keeping"), Row::new("purging")];
        let mut purged = 0.0;
        for _ in 0..self.arguments.rounds() {
            let early = self.load_while_purging(plan, &homeserver, &mut rows[0])?;
            self.report.expect(early == 0.0, || format!("{early} rows went that had not expired"));
            self.on_record("expire", |file| expire(file, expiring, now() * 1000))?;
            let gone = self.load_while_purging(plan, &homeserver, &mut rows[1])?;
            self.report.expect(gone > 0.0, || "nothing was purged".to_owned());
            purged += gone;
            self.on_record("stay", |file| keep_on(file, now() * 1000))?;
        }
        let title = format!("Open loop, {} a second, beside a purge", thousands(f64::from(rate)));
        self.show(&title, &rows);
        self.report.say(&format!("  {} rows went meanwhile", thousands(purged)));
        Ok(())
    }

    /// One load of the store that knows many; how many rows went from the gateway's start to the load's end.
    fn load_while_purging(
        &mut self,
        plan: Plan,
        homeserver: &Homeserver,
        row: &mut Row,
    ) -> Result<f64, String> {
        let mut gateway = self.builder(Store::Known, Some(homeserver)).write();
        ready(&mut gateway)?;
        let deliveries = self.supply.next(plan.deliveries(), BODY, SECRET);
        row.rounds.push(plan.load(
            &target(&gateway.hook_url("github"))?,
            &deliveries,
            Some(gateway.pid()),
        )?);
        let gone = gateway.metric("meshhook_purged_rows_total").unwrap_or(0.0);
        self.note_memory(&gateway);
        gateway.stop();
        self.tidy(Store::Known)?;
        Ok(gone)
    }
}
