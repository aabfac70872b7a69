//! The store that knows many: filled once, and used again as long as it fits.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use meshhook_testkit::load::{Pace, multiply, owes, schema, stored};
use meshhook_testkit::{Endpoint, Fault, Gateway, Homeserver, try_for};

use crate::accept::target;
use crate::measure::{Plan, SECRET, Supply};
use crate::report::{Report, folder};
use crate::words::{count, mib};

/// What is multiplied: so many that were said at once each, and so many that had to share messages.
const ALONE: u64 = 100;
const TOGETHER: u64 = 200;

/// Nothing of it expires by itself while the store is kept.
const RETENTION: &str = "retention = \"9000h\"";

const SAID_WITHIN: Duration = Duration::from_secs(120);

/// A folder with a store that a gateway can use.
#[derive(Debug)]
pub(super) struct Known {
    folder: PathBuf,
    pub(super) rows: u64,
}

impl Known {
    /// One of about that many: what is kept from the last time, or a new one.
    pub(super) fn of(rows: u64, report: &mut Report) -> Result<Self, String> {
        let mut known = Self { folder: made(&folder().join(format!("known-{rows}")))?, rows };
        let seed = seed()?;
        let schema = schema(&file(&seed.store_dir())).map_err(|e| format!("cannot read a schema: {e}"))?;
        if known.fits(&schema) {
            known.rows = stored(&known.folder);
        } else {
            known.fill(&seed, &schema, report)?;
        }
        let length = fs::metadata(known.file()).map_or(0, |found| found.len());
        report.say(&format!(
            "{} deliveries are on record, in {}; loads are taken out of it again.",
            count(known.rows),
            mib(length)
        ));
        Ok(known)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn file(&self) -> PathBuf {
        file(&self.folder)
    }

    fn schema_file(&self) -> PathBuf {
        self.folder.join("schema.sql")
    }

    /// Whether it is whole, as a gateway of today makes it, and has not lost too many to purges.
    fn fits(&self, schema: &str) -> bool {
        let is_as_today = fs::read_to_string(self.schema_file()).is_ok_and(|found| found == schema);
        is_as_today && stored(&self.folder) >= self.rows - self.rows / 10
    }

    fn fill(&mut self, seed: &Gateway, schema: &str, report: &mut Report) -> Result<(), String> {
        let failed = |e| format!("cannot make {}: {e}", self.folder.display());
        fs::remove_dir_all(&self.folder).map_err(failed)?;
        made(&self.folder)?;
        fs::copy(file(&seed.store_dir()), self.file()).map_err(failed)?;
        println!("Filling a store, once …");
        let start = Instant::now();
        self.rows = multiply(&self.file(), self.rows).map_err(|e| format!("cannot fill the store: {e}"))?;
        // Last: without it the store is not used.
        fs::write(self.schema_file(), schema).map_err(failed)?;
        report.say(&format!("Filled in {:.1} s.", start.elapsed().as_secs_f64()));
        Ok(())
    }
}

/// A folder for its owner alone, under the one name that a gateway takes.
fn made(folder: &Path) -> Result<PathBuf, String> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.and_then(|()| folder.canonicalize()).map_err(|e| format!("cannot make {}: {e}", folder.display()))
}

fn file(folder: &Path) -> PathBuf {
    folder.join("meshhook.db")
}

/// A gateway that has said some hundred deliveries and was stopped.
fn seed() -> Result<Gateway, String> {
    let homeserver = Homeserver::start();
    let builder = Gateway::builder(&homeserver.url(), Homeserver::ROOM, &homeserver.user().token)
        .source("github", "github", SECRET)
        .line("store", RETENTION)
        .line("message", "digest = { behind = \"1s\" }");
    let mut gateway = builder.start().map_err(|failure| failure.to_string())?;
    // Loads are of others.
    let mut supply = Supply::far_off();
    post(&gateway, &mut supply, ALONE)?;
    said(&gateway)?;
    homeserver.fail(Endpoint::Send, Fault::slow(Duration::from_millis(300)));
    post(&gateway, &mut supply, TOGETHER)?;
    said(&gateway)?;
    gateway.stop();
    Ok(gateway)
}

fn post(gateway: &Gateway, supply: &mut Supply, number: u64) -> Result<(), String> {
    let (warm_up, span) = (Duration::ZERO, Duration::from_secs(60));
    let plan = Plan { connections: 8, pace: Pace::Closed, warm_up, span };
    let deliveries = supply.next(number, 20 << 10, SECRET);
    let round = plan.load(&target(&gateway.hook_url("github"))?, &deliveries, None)?;
    let is_all = round.figures.is_clean() && round.figures.accepted == number;
    if is_all { Ok(()) } else { Err(format!("not all that is to be multiplied was accepted: {round:?}")) }
}

fn said(gateway: &Gateway) -> Result<(), String> {
    try_for(SAID_WITHIN, || (!owes(&gateway.store_dir())).then_some(()))
        .ok_or_else(|| "what is to be multiplied was not said".to_owned())
}
