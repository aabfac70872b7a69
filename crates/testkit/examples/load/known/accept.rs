//! Accept, with many on record and with none.

use meshhook_testkit::load::{Pace, stored};

use super::restart::ready;
use super::{BODY, Bench, Store};
use crate::accept::target;
use crate::measure::SECRET;
use crate::rows::Row;
use crate::words::count;

impl Bench<'_> {
    /// As many as can be, on both in turns; how many a second on the one that knows many.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is neither")]
    pub(super) fn accept(&mut self) -> Result<u32, String> {
        let plan = self.arguments.plan(Pace::Closed);
        let deliveries = self.supply.next(plan.deliveries(), BODY, SECRET);
        let mut rows = Store::BOTH.map(|store| Row::new(store.name()));
        for round in 0..self.arguments.rounds() {
            for turn in 0..rows.len() {
                let number = (round + turn) % rows.len();
                let store = Store::BOTH[number];
                let mut gateway = self.builder(store, None).write();
                ready(&mut gateway)?;
                let before = stored(&gateway.store_dir());
                let mut load =
                    plan.load(&target(&gateway.hook_url("github"))?, &deliveries, Some(gateway.pid()))?;
                if store == Store::Known {
                    self.note_memory(&gateway);
                }
                gateway.stop();
                load.astray = Some((stored(&gateway.store_dir()) - before).abs_diff(load.figures.accepted));
                rows[number].rounds.push(load);
                self.tidy(store)?;
            }
        }
        let title = format!("{} remembered, beside an empty store, closed loop", count(self.known.rows));
        self.show(&title, &rows);
        Ok(rows[1].figures().rate() as u32)
    }
}
