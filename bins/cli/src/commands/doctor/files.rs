//! Can the gateway's user read what it has to, and how old is the token?

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use meshhook_config::{Config, StoreUrl};

use super::case::Case;
use super::report::Report;
use crate::failure::Failure;

const CHECK: &str = "files";

/// After this a token ought to be replaced.
const OLD: Duration = Duration::from_secs(90 * 24 * 3600);

pub(super) fn look(case: &Case, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    if let Some(config) = &case.config {
        as_the_gateway(config, report)?;
    }
    match &case.token_file {
        Some(file) => age(file, report),
        None => Ok(()),
    }
}

/// Who runs the doctor may read more than the gateway's user, whom the store belongs to.
fn as_the_gateway(config: &Config, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let Some(store) = owned(config) else { return Ok(()) };
    let secrets = config.sources.iter().flat_map(|source| &source.secret_files);
    let gateway_toml = config.root.join("gateway.toml");
    for file in secrets.chain([&config.matrix.access_token_file, &gateway_toml]) {
        let Ok(found) = fs::metadata(file) else { continue };
        if !may_read(&store, &found) {
            report.fault(
                (CHECK, "unreadable"),
                format!(
                    "{}: user {}, whom the store belongs to, cannot read it",
                    file.display(),
                    store.uid()
                ),
                format!("chown root:{} {} && chmod 0440 {}", store.gid(), file.display(), file.display()),
            )?;
        }
    }
    Ok(())
}

/// Whose store it is, where there is one already.
fn owned(config: &Config) -> Option<Metadata> {
    match &config.store.url {
        StoreUrl::Sqlite(file) => fs::metadata(file).ok(),
        _ => None,
    }
}

/// By owner, group and mode. Of further groups that the user may be in nothing is known.
fn may_read(store: &Metadata, file: &Metadata) -> bool {
    let mode = file.mode();
    if store.uid() == 0 {
        return true;
    }
    if store.uid() == file.uid() {
        return mode & 0o400 != 0;
    }
    if store.gid() == file.gid() { mode & 0o040 != 0 } else { mode & 0o004 != 0 }
}

fn age(file: &Path, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let written = fs::metadata(file).and_then(|found| found.modified());
    let age = written.ok().and_then(|written| SystemTime::now().duration_since(written).ok());
    match age {
        Some(age) if age > OLD => report.warning(
            (CHECK, "token_old"),
            format!("{}: the access token is {} days old", file.display(), age.as_secs() / (24 * 3600)),
            "replace it: meshhook login, on the same device; the gateway takes the new one by itself",
        ),
        _ => Ok(()),
    }
}
