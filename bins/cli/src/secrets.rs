//! Secrets of the command line: from files and the environment, never from an argument.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use meshhook_verify::{Key, Scheme};
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};

/// As long as a gateway's secret files may be, in bytes.
const LIMIT: usize = 4096;

const SECRET: &str = "MESHHOOK_SECRET";
const SECRET_FILE: &str = "MESHHOOK_SECRET_FILE";

/// Where the secret is.
#[derive(Args)]
pub(crate) struct SecretFile {
    /// The secret's file [env: MESHHOOK_SECRET_FILE, or the secret itself in MESHHOOK_SECRET]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl SecretFile {
    pub(crate) fn key(&self, scheme: Scheme) -> Result<Key, Failure> {
        match &self.secret_file {
            Some(file) => key_in(scheme, file),
            None => key_of_environment(scheme),
        }
    }
}

/// The key of the environment.
pub(crate) fn key_of_environment(scheme: Scheme) -> Result<Key, Failure> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(secret) = set(SECRET) {
        return key(scheme, SECRET, &Zeroizing::new(secret.into_encoded_bytes()));
    }
    let Some(file) = set(SECRET_FILE) else {
        return Err(Failure::new(
            Exit::Usage,
            "no secret is given",
            format!("write --secret-file FILE, or set {SECRET_FILE} or {SECRET}"),
        ));
    };
    key_in(scheme, Path::new(&file))
}

/// The key whose secret is all of a file but one line end.
pub(crate) fn key_in(scheme: Scheme, file: &Path) -> Result<Key, Failure> {
    let text = read(file)?;
    let secret = text.strip_suffix(b"\n").map_or(&text[..], |line| line.strip_suffix(b"\r").unwrap_or(line));
    key(scheme, &file.display().to_string(), secret)
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // The buffer never grows, so no copy of the secret is left behind.
    let mut text = Zeroizing::new(Vec::with_capacity(LIMIT + 2));
    let read = File::open(file).and_then(|opened| opened.take(LIMIT as u64 + 1).read_to_end(&mut text));
    let failure = |why: &str| {
        Failure::new(
            Exit::Configuration,
            format!("{}: {why}", file.display()),
            "name the file that holds the secret alone",
        )
    };
    read.map_err(|error| failure(&error.to_string()))?;
    if text.len() > LIMIT { Err(failure("longer than 4 KiB")) } else { Ok(text) }
}

fn key(scheme: Scheme, label: &str, secret: &[u8]) -> Result<Key, Failure> {
    Key::for_sender(scheme, label, secret).map_err(|error| {
        let hint = meshhook_config::secret_hint(scheme);
        Failure::new(Exit::Configuration, format!("{label}: {error}"), hint)
    })
}
