//! A gateway that lacks nothing, to be hurt in one place at a time.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use meshhook_testkit::{Gateway, GatewayBuilder, Synapse, User, eventually, signed};
use serde_json::{Value, json};

use crate::words::{GITHUB, STANDARD, meshhook};

const SOON: Duration = Duration::from_secs(20);

/// A room of a real Synapse, a bot in it, and a gateway for both, which need not run.
pub(crate) struct Ward {
    pub(crate) synapse: Arc<Synapse>,
    pub(crate) host: User,
    pub(crate) bot: User,
    pub(crate) room: String,
    pub(crate) gateway: Gateway,
    /// Further arguments of the doctor.
    pub(crate) args: Vec<&'static str>,
}

/// What the doctor found.
pub(crate) struct Diagnosis {
    pub(crate) code: i32,
    pub(crate) findings: Vec<Value>,
    pub(crate) words: String,
}

impl Ward {
    /// All is well, and the gateway does not run.
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// The same, with more in its configuration.
    pub(crate) fn with(more: impl FnOnce(GatewayBuilder) -> GatewayBuilder) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let synapse = Synapse::shared();
        let (host, bot) = (synapse.register(&format!("host{n}")), synapse.register(&format!("bot{n}")));
        let options = json!({
            "preset": "private_chat",
            "topic": "Every worker sends its mesh_node_id.",
            "power_level_content_override": { "invite": 50 },
        });
        let room = synapse.create_room(&host.token, options);
        synapse.bring_in(&host.token, &room, &bot);
        let gateway = more(builder(&synapse.url(), &room, &bot.token)).write();
        Self { synapse, host, bot, room, gateway, args: Vec::new() }
    }

    /// The same, and it runs and has sent something.
    pub(crate) fn running() -> Self {
        Self::running_with(|builder| builder)
    }

    pub(crate) fn running_with(more: impl FnOnce(GatewayBuilder) -> GatewayBuilder) -> Self {
        let mut ward = Self::with(more);
        ward.run();
        ward
    }

    /// Starts the gateway, and has it say something.
    pub(crate) fn run(&mut self) {
        self.gateway.restart().unwrap();
        assert_eq!(self.post(STANDARD, 0), 202);
        self.wait_until_sent();
    }

    /// Posts a status in our own format; the status of the answer.
    pub(crate) fn post(&self, secret: &str, seconds: i64) -> u16 {
        self.post_to("builds", secret, seconds)
    }

    /// The same to another source.
    pub(crate) fn post_to(&self, source: &str, secret: &str, seconds: i64) -> u16 {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "workflow": "nightly", "state": "failed", "run_id": n.to_string(), "mesh_node_id": "mac-01" });
        let body = body.to_string();
        let headers = signed::standard(secret, &format!("msg_{n}"), now() + seconds, body.as_bytes());
        self.gateway.post(source, &headers, body.as_bytes()).status
    }

    pub(crate) fn wait_until_sent(&self) {
        eventually(SOON, || {
            let list = self.gateway.admin_get("/deliveries?status=sent").json();
            (!list["deliveries"].as_array()?.is_empty()).then_some(())
        });
    }

    /// Changes gateway.toml.
    pub(crate) fn rewrite(&self, from: &str, to: &str) {
        let file = self.gateway.config_root().join("gateway.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from} is not in\n{text}");
        fs::write(&file, text.replace(from, to)).unwrap();
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.gateway.config_root().join(name)
    }

    /// Gives the configuration and the store to another user, but for one file.
    pub(crate) fn hand_over(&self, user: u32, but: &str) {
        let root = self.gateway.config_root();
        let entries = [&root, &self.gateway.store_dir()].map(|folder| fs::read_dir(folder).unwrap());
        let files = entries.into_iter().flatten().map(|entry| entry.unwrap().path());
        files
            .filter(|file| !file.ends_with(but))
            .for_each(|file| chown(file, Some(user), Some(user)).unwrap());
        for folder in [root.parent().unwrap(), &root] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    pub(crate) fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.file(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Writes into the store behind the gateway's back.
    pub(crate) fn harm(&self, statements: &str) {
        let store = rusqlite::Connection::open(self.gateway.store_dir().join("meshhook.db")).unwrap();
        store.execute_batch(statements).unwrap();
    }

    /// Asks the doctor.
    pub(crate) fn diagnose(&self) -> Diagnosis {
        diagnose(&self.gateway, &self.args, &[&self.bot.token, &self.host.token, GITHUB, STANDARD])
    }
}

/// Asks the doctor about a gateway; none of the secrets may be in what it says.
pub(crate) fn diagnose(gateway: &Gateway, args: &[&str], secrets: &[&str]) -> Diagnosis {
    let mut command = meshhook();
    command.env("MESHHOOK_ADMIN_URL", gateway.admin_url());
    command.arg("doctor").arg("--config-root").arg(gateway.config_root());
    let output = command.arg("--json").args(args).output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {words}"));
    for secret in secrets {
        assert!(!told.to_string().contains(secret) && !words.contains(secret), "a secret is told");
    }
    Diagnosis {
        code: output.status.code().unwrap(),
        findings: told["findings"].as_array().unwrap().clone(),
        words,
    }
}

/// Two sources and a pool of one machine.
pub(crate) fn builder(homeserver: &str, room: &str, token: &str) -> GatewayBuilder {
    Gateway::builder(homeserver, room, token)
        .source("github", "github", GITHUB)
        .source("builds", "standard", STANDARD)
        .toml("[[node]]\nname = \"mac-01\"\n")
}

impl Diagnosis {
    /// Those that say that something is not as it should be.
    pub(crate) fn bad(&self) -> Vec<&str> {
        let bad = self.findings.iter().filter(|one| one["level"] == "fault" || one["level"] == "warning");
        bad.map(|one| one["code"].as_str().unwrap()).collect()
    }

    /// The causes that keep messages from their room.
    pub(crate) fn faults(&self) -> Vec<&str> {
        let faults = self.findings.iter().filter(|one| one["level"] == "fault");
        faults.map(|one| one["code"].as_str().unwrap()).collect()
    }

    /// The finding of a cause.
    #[track_caller]
    pub(crate) fn finding(&self, code: &str) -> &Value {
        let found = self.findings.iter().find(|one| one["code"] == code);
        found.unwrap_or_else(|| panic!("{code} is not among {:#?}", self.findings))
    }
}

/// Seconds since the epoch.
pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}
