//! Can the gateway's user read what it has to, and how old is the token?

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use meshhook_config::{Config, Credential, StoreUrl};
use meshhook_model::Timestamp;
use rustix::process::geteuid;

use super::case::Case;
use super::gateway::{Gateway, Heard};
use super::report::Report;
use crate::failure::Failure;
use crate::shell::word;

const CHECK: &str = "files";

/// After this a token ought to be replaced.
const OLD: Duration = Duration::from_secs(90 * 24 * 3600);

/// The permission to read a file, and to go through a folder, for others.
const READ: u32 = 0o4;
const SEARCH: u32 = 0o1;

pub(super) fn look(case: &Case, gateway: &Gateway, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    // One that runs has read them; and where they are handed over to it, modes say nothing.
    if let Some(config) = &case.config {
        match &gateway.heard {
            Some(heard) => in_force(config, heard, report)?,
            None if gateway.runs => {}
            None => as_the_gateway(config, report)?,
        }
    }
    match &case.credential {
        Some(Credential::AccessToken(file)) => age(file, report),
        _ => Ok(()),
    }
}

/// Whether the gateway that runs goes by what the files say now. It looks at the access token by itself.
fn in_force(config: &Config, heard: &Heard, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let since = heard.sources["configured_since"].as_str().and_then(Timestamp::parse_rfc3339);
    let Some(since) = since else { return Ok(()) };
    let modified = |file: &Path| fs::metadata(file).ok().map(|found| found.mtime());
    let by_itself = match config.matrix.voice.credential() {
        Credential::AccessToken(file) => Some(file),
        _ => None,
    };
    let files = read_by_it(config).into_iter().filter(|file| Some(file) != by_itself.as_ref());
    for file in files.filter(|file| modified(file).is_some_and(|at| at > since.unix())) {
        let text =
            format!("{} was changed, and the gateway goes by what was there at {since}", file.display());
        let reload = report.command("meshhook-gateway reload");
        let hint =
            format!("have it read again: {reload}; what ca_file or LoadCredential brings takes a restart");
        report.warning((CHECK, "not_reloaded"), text, hint)?;
    }
    Ok(())
}

/// Who runs the doctor may read more than the gateway's user, whom the store belongs to.
fn as_the_gateway(config: &Config, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    // Who is that user has just read them.
    let Some(store) = owned(config).filter(|store| store.uid() != geteuid().as_raw()) else { return Ok(()) };
    let mut told = Vec::new();
    for file in read_by_it(config) {
        let Some(barred) = barred(&store, &file).filter(|barred| !told.contains(barred)) else { continue };
        let text =
            format!("{}: user {}, whom the store belongs to, cannot read it", barred.display(), store.uid());
        let shown = word(&barred.display().to_string());
        let hint = if barred == file {
            format!(
                "chown root:{} {shown} && chmod 0440 {shown}, unless it is handed over (LoadCredential)",
                store.gid()
            )
        } else {
            format!(
                "let that user go through the folder: setfacl -m u:{}:x {shown}; or move the file",
                store.uid()
            )
        };
        report.fault((CHECK, "unreadable"), text, hint)?;
        told.push(barred);
    }
    Ok(())
}

fn read_by_it(config: &Config) -> Vec<PathBuf> {
    let secrets = config.sources.iter().flat_map(|source| source.secret_files.clone());
    let mut files =
        vec![config.root.join("gateway.toml"), config.matrix.voice.credential().file().to_owned()];
    files.extend(config.matrix.connection.ca_file.clone());
    files.extend(config.server.admin_token_file.clone());
    files.extend(secrets);
    files
}

/// Whose store it is, where there is one already.
fn owned(config: &Config) -> Option<Metadata> {
    match &config.store.url {
        StoreUrl::Sqlite(file) => fs::metadata(file).ok(),
        _ => None,
    }
}

/// What keeps that user from a file: a folder above it, or the file itself.
fn barred(user: &Metadata, file: &Path) -> Option<PathBuf> {
    let mut above: Vec<_> = file.ancestors().skip(1).collect();
    above.reverse();
    let may = |place: &Path, what| fs::metadata(place).is_ok_and(|found| may(user, &found, what));
    let folder = above.into_iter().find(|folder| !folder.as_os_str().is_empty() && !may(folder, SEARCH));
    folder.or_else(|| (!may(file, READ)).then_some(file)).map(Path::to_owned)
}

/// By owner, group and mode. Of further groups that the user may be in nothing is known.
fn may(user: &Metadata, found: &Metadata, what: u32) -> bool {
    if user.uid() == 0 {
        return true;
    }
    let shift = match (user.uid() == found.uid(), user.gid() == found.gid()) {
        (true, _) => 6,
        (false, true) => 3,
        _ => 0,
    };
    found.mode() & (what << shift) != 0
}

fn age(file: &Path, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let written = fs::metadata(file).and_then(|found| found.modified());
    let age = written.ok().and_then(|written| SystemTime::now().duration_since(written).ok());
    let Some(age) = age.filter(|age| *age > OLD) else { return Ok(()) };
    let text = format!("{}: the access token is {} days old", file.display(), age.as_secs() / (24 * 3600));
    let login = report.command("meshhook login");
    let hint = format!("replace it: {login}, on the same device; the gateway takes the new one by itself");
    report.warning((CHECK, "token_old"), text, hint)
}
