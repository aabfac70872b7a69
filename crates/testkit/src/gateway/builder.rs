//! A gateway's configuration, written as an operator would.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{Gateway, REGISTRATION_FILE, StartFailure, TOKEN_FILE};
use crate::place::built;
use crate::{Service, free_port};

/// What a [`Gateway`] is made from: gateway.toml line by line, and the secrets beside it.
#[derive(Debug, Clone)]
pub struct GatewayBuilder {
    binary: Option<PathBuf>,
    /// Files that only their owner may read, beside gateway.toml.
    private: Vec<(&'static str, String)>,
    secrets: Vec<String>,
    sections: BTreeMap<String, Vec<String>>,
    sources: Vec<Source>,
    more: String,
    files: Vec<(String, Vec<u8>)>,
    in_memory: bool,
    store: Option<PathBuf>,
}

#[derive(Debug, Clone)]
struct Source {
    name: String,
    secrets: Vec<String>,
    lines: Vec<String>,
}

impl GatewayBuilder {
    pub(super) fn new(homeserver: &str, room: &str, token: &str) -> Self {
        Self::of(homeserver, room)
            .line("matrix", &format!("access_token_file = {}", quoted(TOKEN_FILE)))
            .private(TOKEN_FILE, token, &[token])
    }

    pub(super) fn of_service(homeserver: &str, room: &str, service: &Service) -> Self {
        let secrets = [service.as_token(), service.hs_token()];
        Self::of(homeserver, room)
            .line("matrix", "mode = \"appservice\"")
            .line("appservice", &format!("listen = \"127.0.0.1:{}\"", service.port()))
            .line("appservice", &format!("registration_file = {}", quoted(REGISTRATION_FILE)))
            .private(REGISTRATION_FILE, &service.registration().to_string(), &secrets)
    }

    fn of(homeserver: &str, room: &str) -> Self {
        let builder = Self {
            binary: None,
            private: Vec::new(),
            secrets: Vec::new(),
            sections: BTreeMap::new(),
            sources: Vec::new(),
            more: String::new(),
            files: Vec::new(),
            in_memory: false,
            store: None,
        };
        builder
            .line("matrix", &format!("homeserver = {}", quoted(homeserver)))
            .line("matrix", &format!("room = {}", quoted(room)))
    }

    /// One more file that only its owner may read, with the secrets that are in it.
    fn private(mut self, name: &'static str, text: &str, secrets: &[&str]) -> Self {
        self.private.push((name, text.into()));
        self.secrets.extend(secrets.iter().map(|secret| (*secret).to_owned()));
        self
    }

    /// The program; `meshhook-gateway` of the same build by default.
    #[must_use]
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary = Some(path.into());
        self
    }

    /// Adds a source with one secret.
    #[must_use]
    pub fn source(mut self, name: &str, provider: &str, secret: &str) -> Self {
        let lines = vec![format!("name = {}", quoted(name)), format!("provider = {}", quoted(provider))];
        self.sources.push(Source { name: name.into(), secrets: vec![secret.into()], lines });
        self
    }

    /// One more secret for the source added last.
    #[must_use]
    pub fn also_secret(mut self, secret: &str) -> Self {
        self.last_source().secrets.push(secret.into());
        self
    }

    /// One more line for the source added last, such as `units = ["job"]`.
    #[must_use]
    pub fn in_source(mut self, line: &str) -> Self {
        self.last_source().lines.push(line.into());
        self
    }

    fn last_source(&mut self) -> &mut Source {
        self.sources.last_mut().expect("a source has been added before")
    }

    /// One more line in a section, such as `max_body_bytes = 4096` in `server`.
    #[must_use]
    pub fn line(mut self, section: &str, line: &str) -> Self {
        self.sections.entry(section.into()).or_default().push(line.into());
        self
    }

    /// More TOML, at the end of the file.
    #[must_use]
    pub fn toml(mut self, text: &str) -> Self {
        self.more.extend([text, "\n"]);
        self
    }

    /// One more file beside gateway.toml.
    #[must_use]
    pub fn file(mut self, name: &str, content: Vec<u8>) -> Self {
        self.files.push((name.into(), content));
        self
    }

    /// A store in memory instead of SQLite.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.in_memory = true;
        self
    }

    /// The store in that folder, which is there and outlives the gateway.
    #[must_use]
    pub fn store_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.store = Some(folder.into());
        self
    }

    /// Writes everything and starts the gateway, until it is ready.
    ///
    /// # Errors
    /// When it ends or does not get ready.
    ///
    /// # Panics
    /// When the program is not there.
    pub fn start(self) -> Result<Gateway, StartFailure> {
        let mut gateway = self.write();
        gateway.launch()?;
        Ok(gateway)
    }

    /// Writes everything, and starts nothing yet: [`Gateway::restart`] does.
    #[must_use]
    pub fn write(self) -> Gateway {
        let dir = tempfile::Builder::new().prefix("meshhook-gateway-").tempdir().expect("a temporary folder");
        let ports = (free_port(), free_port());
        let config = dir.path().join("config");
        let store = self.store.clone().unwrap_or_else(|| dir.path().join("store"));
        for folder in [&config, &store] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.expect("a folder in our temporary one");
        }
        for (name, text) in &self.private {
            private_file(&config.join(name), text);
        }
        for source in &self.sources {
            source.write_secrets(&config);
        }
        for (name, content) in &self.files {
            fs::write(config.join(name), content).expect("a file of ours can be written");
        }
        let admin_token_file = self.admin_token_file(&config, &store);
        fs::write(config.join("gateway.toml"), self.text(ports, &store))
            .expect("gateway.toml can be written");
        let mut secrets = self.secrets;
        secrets.extend(self.sources.into_iter().flat_map(|source| source.secrets));
        let binary = self.binary.unwrap_or_else(|| built("meshhook-gateway", "meshhook-gateway"));
        Gateway { dir, store, binary, ports, admin_token_file, secrets, process: None }
    }

    /// With a store on disk the gateway makes the file itself, beside it; without one it has to be given.
    fn admin_token_file(&self, config: &Path, store: &Path) -> PathBuf {
        if !self.in_memory {
            return store.join("admin-token");
        }
        let file = config.join("admin-token");
        private_file(&file, "admin-token-of-a-gateway-in-memory");
        file
    }

    fn text(&self, (listen, admin): (u16, u16), store: &Path) -> String {
        let url = match self.in_memory {
            true => "memory:".to_owned(),
            false => format!("sqlite:{}", store.join("meshhook.db").display()),
        };
        let mut all = self
            .clone()
            .line("server", &format!("listen = \"127.0.0.1:{listen}\""))
            .line("server", &format!("admin_listen = \"127.0.0.1:{admin}\""))
            .line("store", &format!("url = {}", quoted(&url)));
        if self.in_memory {
            all = all.line("server", "admin_token_file = \"admin-token\"");
        }
        let mut text = String::new();
        for (section, lines) in &all.sections {
            write!(text, "[{section}]\n{}\n\n", lines.join("\n")).expect("a String takes everything");
        }
        for source in &all.sources {
            let files: Vec<_> = source.files().map(|file| quoted(&file)).collect();
            let lines = source.lines.join("\n");
            write!(text, "[[source]]\n{lines}\nsecret_files = [{}]\n\n", files.join(", "))
                .expect("a String takes everything");
        }
        text + &all.more
    }
}

impl Source {
    /// A file name for each secret.
    fn files(&self) -> impl Iterator<Item = String> {
        (1..=self.secrets.len()).map(|n| format!("{}-secret-{n}", self.name))
    }

    fn write_secrets(&self, config: &Path) {
        for (file, secret) in self.files().zip(&self.secrets) {
            private_file(&config.join(file), secret);
        }
    }
}

/// Writes a file that only its owner may read.
pub(super) fn private_file(path: &Path, text: &str) {
    let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.expect("a file in our temporary folder can be written");
}

/// A basic string of TOML; what needs escapes in JSON needs the same ones there.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
