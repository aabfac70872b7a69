//! `meshhook registration new`: a new one, in a file.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;
use meshhook_appservice::Registration;
use meshhook_appservice::registration::{RANDOM, Wanted};
use meshhook_config::check_secret_place;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::random;
use crate::shell::{quoted, word};
use crate::step::{self, Step};
use crate::whole_file::{self, WholeFile, folder_of};

/// For the gateway's group to read.
const MODE: u32 = 0o440;
/// Where the homeserver's copy lies on Debian and Ubuntu.
const COPY: &str = "/etc/matrix-synapse/meshhook.yaml";

const AFTER: &str = "\
Exit codes: 0 written · 1 the file is there already, or cannot be written · 2 an address or a name that cannot be · 78 \
others may write the folder";

/// Write a new registration, with new tokens, and tell what to do with it
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct New {
    /// The address at which the homeserver reaches the gateway: https, or http within a private network
    #[arg(long)]
    url: String,
    /// The homeserver's name, as behind the colon of its users' ids
    #[arg(long, value_name = "NAME")]
    server_name: String,
    /// The file to write; one that is there stays as it is
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The gateway's own user, and the beginning of its machines'
    #[arg(long, value_name = "NAME", default_value = "buildbot")]
    localpart: String,
    /// What no other application service of the homeserver is called [default: meshhook-LOCALPART]
    #[arg(long)]
    id: Option<String>,
    /// Print what was written as JSON, without the tokens
    #[arg(long)]
    json: bool,
}

impl New {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let registration = self.make()?;
        // A link that leads nowhere is in the way, too.
        if self.out.symlink_metadata().is_ok() {
            return Err(unwritten(&self.out, &io::ErrorKind::AlreadyExists.into()));
        }
        fs::metadata(folder_of(&self.out)).map_err(|error| unwritten(&self.out, &error))?;
        check_secret_place(&self.out)?;
        write(&self.out, &registration).map_err(|error| unwritten(&self.out, &error))?;
        let sender = registration.sender(&self.server_name);
        let steps = self.steps(registration.url.as_deref().unwrap_or_default(), &sender);
        if self.json {
            return output.json(&self.report(&registration, &sender, &steps));
        }
        output.line(&format!("wrote {}, for {sender}", self.out.display()))?;
        step::tell(&steps, output)
    }

    fn make(&self) -> Result<Registration, Failure> {
        let wanted = Wanted {
            url: &self.url,
            server_name: &self.server_name,
            localpart: &self.localpart,
            id: self.id.as_deref(),
        };
        let random: Zeroizing<[u8; RANDOM]> = Zeroizing::new(random::bytes()?);
        Registration::make(&wanted, &random)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string(), error.hint()))
    }

    fn report(&self, registration: &Registration, sender: &str, steps: &[Step]) -> Value {
        let steps: Vec<_> = steps.iter().map(Step::json).collect();
        let file = self.out.display().to_string();
        json!({ "wrote": file, "id": registration.id, "sender": sender, "next": steps })
    }

    fn steps(&self, url: &str, sender: &str) -> [Step; 6] {
        let file = fs::canonicalize(&self.out).unwrap_or_else(|_| self.out.clone());
        let file = file.display().to_string();
        let (copied, ping) = (word(&file), quoted(&format!("{url}/_matrix/app/v1/ping")));
        [
            Step::Command(format!(
                "install -o matrix-synapse -m 0400 {copied} {COPY}    # the homeserver's copy, for its user alone"
            )),
            Step::Words(format!("in homeserver.yaml: app_service_config_files: [\"{COPY}\"]")),
            Step::Words(
                "restart Synapse: a reload is not enough, it reads this at its start alone".to_owned(),
            ),
            Step::Words(format!(
                "in gateway.toml: [matrix] mode = \"appservice\", [appservice] registration_file = {file:?}; start the \
                 gateway"
            )),
            Step::Command(format!(
                "curl -sS -X POST {ping}    # from the homeserver's machine: M_FORBIDDEN is right, the gateway was \
                 reached and shown no token"
            )),
            Step::Words(format!("invite {sender} into the room")),
        ]
    }
}

/// Writes it whole or not at all, in the group of its folder.
fn write(path: &Path, registration: &Registration) -> io::Result<()> {
    let mut file = WholeFile::beside(path)?;
    file.give(None, fs::metadata(folder_of(path))?.gid())?;
    file.fill(format_args!("{}", registration.to_json().expose_secret()), MODE)?;
    file.put(false).map_err(|stuck| stuck.error)?;
    whole_file::sync(folder_of(path))
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::AlreadyExists => "its tokens may be in use: name another file, or move it away",
        io::ErrorKind::NotFound => "make its folder, or name another file by --out",
        io::ErrorKind::PermissionDenied => "run as root, or as who may write there",
        _ => "is the disk full, or the folder read-only?",
    };
    let why = match error.kind() {
        io::ErrorKind::AlreadyExists => "it is there already".to_owned(),
        _ => error.to_string(),
    };
    Failure::new(Exit::NotSo, format!("{}: {why}", path.display()), hint)
}
