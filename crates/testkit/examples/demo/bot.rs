//! The demo with a bot: one user speaks for every machine.

use meshhook_testkit::{Gateway, StartFailure, Synapse};

use crate::ci::{self, Ci};
use crate::report::Report;
use crate::room::Room;
use crate::{builds, keep, steps};

pub(crate) fn perform(report: &mut Report, keep: bool) -> Result<(), StartFailure> {
    report.step("A Synapse on loopback, with a bot, an observer and a room");
    let synapse = Synapse::start();
    let (room, bot) = Room::with_bot(&synapse);
    report.note(&format!("{} · {} · {}", synapse.url(), bot.id, room.id));

    report.step("The gateway, with its store in SQLite");
    let mut gateway = ci::sources(Gateway::builder(&synapse.url(), &room.id, &bot.token)).start()?;
    report.note(&format!("{} · admin {}", gateway.url(), gateway.admin_url()));

    let (answers, repeats) = steps::build(report, &mut gateway, &Ci::now(), &room)?;
    steps::compare(report, &room, &answers, &repeats);
    report.check("every machine is named", builds::MACHINES.iter().all(|machine| room.names(machine)));
    room.print();
    if keep {
        keep::until_told(&room, &gateway);
    }
    Ok(())
}
