//! Where deliveries are kept: does it last, can it be read, is there room?

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use meshhook_config::StoreUrl;
use meshhook_store::StoreError;
use meshhook_store_sqlite::Peek;
use rustix::fs::statvfs;

use super::case::Case;
use super::report::Report;
use crate::failure::Failure;

const CHECK: &str = "store";

/// Below this a busy gateway is full within the hour, in bytes.
const ALMOST_FULL: u64 = 64 << 20;
/// And below this it is time to look, in bytes.
const GETTING_FULL: u64 = 512 << 20;

/// Looks at the store from beside the gateway, whether that runs or not.
pub(super) fn look(case: &Case, report: &mut Report<'_, '_>) -> Result<Option<Peek>, Failure> {
    // A store in memory is warned about with the configuration.
    let StoreUrl::Sqlite(file) = &case.store else { return Ok(None) };
    room(file, report)?;
    if fs::metadata(file).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        let text = format!("{}: there is none yet", file.display());
        report.note((CHECK, "no_store"), text, "the gateway makes it at its first start")?;
        return Ok(None);
    }
    match Peek::open(file) {
        Ok(peek) => {
            report.ok(CHECK, format!("{}: a store of meshhook's", file.display()))?;
            Ok(Some(peek))
        }
        Err(why) => unreadable(file, &why, report).map(|()| None),
    }
}

fn unreadable(file: &Path, why: &StoreError, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let text = format!("{}: {why}", file.display());
    match why {
        StoreError::Newer { .. } => {
            report.fault((CHECK, "store_newer"), text, "use the version that wrote it, or a newer one")
        }
        StoreError::Damaged(_) => report.fault(
            (CHECK, "store_damaged"),
            text,
            "stop the gateway, keep a copy, and put a backup in its place, or what \"sqlite3 FILE .recover\" makes of it",
        ),
        StoreError::Unusable(_) => report.fault((CHECK, "store_unusable"), text, "correct [store] url in gateway.toml"),
        _ => {
            let again = report.as_the_gateway();
            report.skipped(CHECK, format!("{text}; run the doctor as the gateway's user: {again}"))
        }
    }
}

/// How much may still be written beside it, by who is no administrator.
fn room(file: &Path, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let Some(folder) = file.ancestors().skip(1).find(|folder| folder.exists()) else { return Ok(()) };
    let Ok(system) = statvfs(folder) else { return Ok(()) };
    judge(folder, system.f_bavail.saturating_mul(system.f_frsize), report)
}

fn judge(folder: &Path, free: u64, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let text = format!("{}: {} MiB are free", folder.display(), free >> 20);
    let hint = "make room on that disk, or move the store to another one; nothing that was accepted is lost";
    match free {
        0..ALMOST_FULL => report.fault((CHECK, "disk_full"), text, hint),
        ALMOST_FULL..GETTING_FULL => report.warning((CHECK, "disk_filling"), text, hint),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(free: u64) -> &'static str {
        let mut report = Report::new(None, None, Path::new("/etc/meshhook"));
        judge(Path::new("/var/lib/meshhook"), free, &mut report).unwrap();
        report.codes().first().copied().unwrap_or("-")
    }

    #[test]
    fn a_disk_is_full_before_nothing_can_be_written() {
        assert_eq!(
            [0, ALMOST_FULL - 1, ALMOST_FULL, GETTING_FULL].map(judged),
            ["disk_full", "disk_full", "disk_filling", "-"]
        );
    }
}
