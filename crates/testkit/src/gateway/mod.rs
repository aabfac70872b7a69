//! The real gateway as a child process.

mod builder;
mod leak;
mod outage;

use std::fmt;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::http::{self, Answer};
use crate::process::Process;
use crate::{Service, try_for};
pub use builder::GatewayBuilder;
use builder::private_file;

const START_WITHIN: Duration = Duration::from_secs(20);
/// What is in hand may take ten seconds to finish.
const STOP_WITHIN: Duration = Duration::from_secs(15);
const TOKEN_FILE: &str = "matrix-token";
const REGISTRATION_FILE: &str = "registration.yaml";

/// A gateway on loopback, with its configuration, store and log in a temporary folder of its own.
///
/// On drop it is stopped, and its log is searched for every secret it was given: one in it is a panic.
#[derive(Debug)]
pub struct Gateway {
    dir: TempDir,
    store: PathBuf,
    binary: PathBuf,
    /// Where CI systems post, and where the operator asks.
    ports: (u16, u16),
    admin_token_file: PathBuf,
    secrets: Vec<String>,
    process: Option<Process>,
}

/// A gateway that did not get ready.
#[derive(Debug)]
pub struct StartFailure {
    /// How it ended; `None` when it had to be stopped because it did not get ready in time.
    pub status: Option<ExitStatus>,
    /// All it said.
    pub said: String,
}

impl StartFailure {
    /// Its exit code, if it ended by itself.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }
}

impl fmt::Display for StartFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "the gateway ended ({status}); it said:\n{}", self.said),
            None => write!(f, "the gateway did not get ready in {START_WITHIN:?}; it said:\n{}", self.said),
        }
    }
}

impl std::error::Error for StartFailure {}

impl Gateway {
    /// A gateway to be that writes into `room` of that homeserver with `token`.
    #[must_use]
    pub fn builder(homeserver: &str, room: &str, token: &str) -> GatewayBuilder {
        GatewayBuilder::new(homeserver, room, token)
    }

    /// A gateway to be that is that application service of that homeserver, and writes into `room`. It listens to the
    /// homeserver on the service's port.
    #[must_use]
    pub fn builder_of_service(homeserver: &str, room: &str, service: &Service) -> GatewayBuilder {
        GatewayBuilder::of_service(homeserver, room, service)
    }

    fn launch(&mut self) -> Result<(), StartFailure> {
        self.spawn();
        self.wait_until_ready()
    }

    fn spawn(&mut self) {
        let log =
            File::options().create(true).append(true).open(self.log_path()).expect("a file for its log");
        let mut command = Command::new(&self.binary);
        command.arg("--config-root").arg(self.config_root());
        // Nothing listens there: a gateway that obeyed the environment's proxies would reach no homeserver.
        for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(name, "http://127.0.0.1:9");
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        self.process = Some(Process::spawn(&mut command));
    }

    fn wait_until_ready(&mut self) -> Result<(), StartFailure> {
        let url = self.admin_url() + "/readyz";
        let outcome = try_for(START_WITHIN, || {
            if let Some(status) = self.process.as_mut().and_then(Process::ended) {
                return Some(Err(status));
            }
            let ready = http::get(&url, &[]).is_ok_and(|answer| answer.status == 200);
            ready.then_some(Ok(()))
        });
        match outcome {
            Some(Ok(())) => Ok(()),
            Some(Err(status)) => Err(StartFailure { status: Some(status), said: self.log() }),
            None => Err(StartFailure { status: None, said: self.log() }),
        }
    }

    /// SIGTERM, which lets it finish what is in hand; `None` when it does not run.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        self.process.take().map(|mut process| process.terminate(STOP_WITHIN))
    }

    /// SIGKILL.
    pub fn kill9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Starts it again on the same configuration, store and ports, after stopping it if it runs.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn restart(&mut self) -> Result<(), StartFailure> {
        self.stop();
        self.launch()
    }

    /// As [`Self::restart`], without waiting until it is ready.
    pub fn respawn(&mut self) {
        self.stop();
        self.spawn();
    }

    /// SIGSTOP: it holds still, its sockets stay open.
    pub fn pause(&mut self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT after [`Self::pause`].
    pub fn resume(&mut self) {
        self.signal(Signal::CONT);
    }

    /// SIGHUP: it reads its configuration again.
    pub fn hang_up(&mut self) {
        self.signal(Signal::HUP);
    }

    fn signal(&mut self, signal: Signal) {
        self.process.as_mut().expect("a gateway that runs").signal(signal);
    }

    /// Whether it has been started and has not ended.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.ended().is_none())
    }

    /// Its process id, while it runs.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("a gateway that runs").id()
    }

    /// Where CI systems post: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.0)
    }

    /// Where the operator asks: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn admin_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.1)
    }

    /// Where a source posts to.
    #[must_use]
    pub fn hook_url(&self, source: &str) -> String {
        format!("{}/hooks/matrix/build-status/{source}", self.url())
    }

    /// POSTs to a source.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn post(&self, source: &str, headers: &[(&'static str, String)], body: &[u8]) -> Answer {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = http::send("POST", &self.hook_url(source), &headers, body);
        answer.unwrap_or_else(|e| panic!("the gateway does not answer a POST: {e}; it said:\n{}", self.log()))
    }

    /// GET of the admin listener, with its token.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn admin_get(&self, path: &str) -> Answer {
        let answer = http::get(&(self.admin_url() + path), &[("Authorization", &self.bearer())]);
        answer.unwrap_or_else(|e| {
            panic!("the gateway does not answer GET {path}: {e}; it said:\n{}", self.log())
        })
    }

    /// The value of a series without labels, as `/metrics` has it at present.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn metric(&self, series: &str) -> Option<f64> {
        let numbers = self.admin_get("/metrics").text();
        numbers.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }

    /// POST of JSON to the admin listener, with its token.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn admin_post(&self, path: &str, body: &Value) -> Answer {
        let bearer = self.bearer();
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let body = body.to_string();
        let answer = http::send("POST", &(self.admin_url() + path), &headers, body.as_bytes());
        answer.unwrap_or_else(|e| {
            panic!("the gateway does not answer POST {path}: {e}; it said:\n{}", self.log())
        })
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.admin_token())
    }

    /// The admin token, from the file where the gateway has it.
    ///
    /// # Panics
    /// When there is no such file.
    #[must_use]
    pub fn admin_token(&self) -> String {
        match fs::read_to_string(&self.admin_token_file) {
            Ok(token) => token.trim_end().to_owned(),
            Err(e) => panic!("no admin token in {}: {e}", self.admin_token_file.display()),
        }
    }

    /// Puts another access token into its file, whole at any moment.
    pub fn write_token(&mut self, token: &str) {
        self.write_secret(TOKEN_FILE, token);
    }

    /// Puts another registration into its file, whole at any moment.
    pub fn write_service(&mut self, service: &Service) {
        self.secrets.extend([service.as_token().to_owned(), service.hs_token().to_owned()]);
        self.write_secret(REGISTRATION_FILE, &service.registration().to_string());
    }

    /// Puts a secret into a file beside gateway.toml, whole at any moment.
    pub fn write_secret(&mut self, file: &str, secret: &str) {
        self.secrets.push(secret.to_owned());
        let unfinished = self.config_root().join("unfinished-secret");
        private_file(&unfinished, secret);
        fs::rename(unfinished, self.config_root().join(file)).expect("a file of ours can be renamed");
    }

    /// Writes `to` in the place of `from` in gateway.toml, whole at any moment.
    ///
    /// # Panics
    /// When it does not stand there.
    pub fn edit(&self, from: &str, to: &str) {
        let (file, unfinished) = ("gateway.toml", "unfinished.toml");
        let [file, unfinished] = [file, unfinished].map(|name| self.config_root().join(name));
        let text = fs::read_to_string(&file).expect("a file of ours can be read");
        assert!(text.contains(from), "{from} does not stand in\n{text}");
        fs::write(&unfinished, text.replace(from, to)).expect("a file of ours can be written");
        fs::rename(unfinished, file).expect("a file of ours can be renamed");
    }

    /// The folder of gateway.toml and the secrets.
    #[must_use]
    pub fn config_root(&self) -> PathBuf {
        self.dir.path().join("config")
    }

    /// The folder of the store.
    #[must_use]
    pub fn store_dir(&self) -> PathBuf {
        self.store.clone()
    }

    /// The file with all it said, over restarts.
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        self.dir.path().join("gateway.log")
    }

    /// All it said, over restarts.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    /// Every secret that it knows.
    fn all_secrets(&self) -> Vec<String> {
        let admin = fs::read_to_string(&self.admin_token_file);
        self.secrets.iter().cloned().chain(admin.map(|token| token.trim_end().to_owned())).collect()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop();
        let log = self.log();
        if thread::panicking() {
            show(&log);
            return;
        }
        let leaks = leak::find(&log, &self.all_secrets());
        assert!(leaks.is_empty(), "the gateway's log holds a secret:\n{}", leaks.join("\n"));
    }
}

/// A test that has failed shows what the gateway said: its folder is about to go. A second panic would only abort.
#[allow(clippy::print_stderr, reason = "the test harness shows it with the failed test")]
fn show(log: &str) {
    eprintln!("the gateway said:\n{log}");
}
