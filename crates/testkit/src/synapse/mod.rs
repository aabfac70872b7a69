//! A real Synapse as a child process.

mod client;
mod config;
mod members;
pub(crate) mod python;
mod template;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::Process;
use crate::{Service, certificates, free_port, http, synapse_python, try_for};
pub use config::Limits;
pub use members::Member;

/// Synapse ends with the test that started it, however that ends: the pipe closes with its process.
const LAUNCHER: &str = r#"
import os, runpy, signal, threading
def end_with_parent():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=end_with_parent, daemon=True).start()
runpy.run_module("synapse.app.homeserver", run_name="__main__", alter_sys=True)
"#;

const START_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// A Synapse on loopback with its own data, stopped and removed on drop.
///
/// Its server name is [`Synapse::SERVER_NAME`]; users are registered by the shared secret, so registration is
/// closed to others. Methods panic with Synapse's answer when it is not what they need.
#[derive(Debug)]
pub struct Synapse {
    dir: TempDir,
    port: u16,
    tls_port: Option<u16>,
    process: Option<Process>,
}

impl Synapse {
    /// The domain in every id.
    pub const SERVER_NAME: &'static str = config::SERVER_NAME;

    /// A fresh one, without rate limits.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(Limits::Relaxed)
    }

    /// A fresh one.
    ///
    /// # Panics
    /// When there is no Synapse installed, or it does not get ready; the message has what it said.
    #[must_use]
    pub fn start_with(limits: Limits) -> Self {
        Self::prepare(limits, None).launched()
    }

    /// A fresh one that speaks TLS too, at [`Self::tls_url`], with a certificate for `localhost` of an authority of
    /// its own.
    ///
    /// # Panics
    /// As [`Self::start_with`].
    #[must_use]
    pub fn start_with_tls() -> Self {
        let synapse = Self::prepare(Limits::Relaxed, Some(free_port()));
        certificates::make(synapse.dir.path());
        synapse.launched()
    }

    /// A fresh one that knows an application service from its start.
    ///
    /// # Panics
    /// As [`Self::start_with`].
    #[must_use]
    pub fn start_with_service(limits: Limits, service: &Service) -> Self {
        let synapse = Self::prepare(limits, None);
        synapse.write_service(service);
        synapse.launched()
    }

    /// Writes the registration of its one application service: known after [`Self::restart`], and no sooner.
    pub fn write_service(&self, service: &Service) {
        config::write_service(self.dir.path(), service);
    }

    /// Takes a file of somebody else's, as it is, for the registration of its one application service: known after
    /// [`Self::restart`], and no sooner.
    pub fn name_registration(&self, file: &Path) {
        config::name_registration(self.dir.path(), file);
    }

    fn launched(mut self) -> Self {
        fs::copy(template::database(), self.database_path()).expect("the template database can be copied");
        self.launch();
        self
    }

    /// One for all tests of a process that ask while one of them holds it; give each its own users and rooms.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Synapse>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let synapse = Arc::new(Self::start_with_service(Limits::Relaxed, Self::shared_service()));
            *shared = Arc::downgrade(&synapse);
            synapse
        })
    }

    /// The application service that the shared one knows, and pushes nothing to; give each test its own users of it.
    #[must_use]
    pub fn shared_service() -> &'static Service {
        static SERVICE: OnceLock<Service> = OnceLock::new();
        SERVICE.get_or_init(|| Service::new("ghosts", Self::SERVER_NAME).with("url", Value::Null))
    }

    fn prepare(limits: Limits, tls_port: Option<u16>) -> Self {
        let dir = tempfile::Builder::new().prefix("meshhook-synapse-").tempdir().expect("a temporary folder");
        let port = free_port();
        config::write(dir.path(), port, tls_port, limits);
        Self { dir, port, tls_port, process: None }
    }

    fn launch(&mut self) {
        self.spawn();
        assert!(self.gets_ready(), "Synapse did not get ready; it said:\n{}", self.said());
    }

    fn spawn(&mut self) {
        let said =
            File::options().create(true).append(true).open(self.said_path()).expect("a file for its words");
        let mut command = Command::new(synapse_python());
        command.args(["-c", LAUNCHER, "-c", "homeserver.yaml"]).current_dir(self.dir.path());
        command.stdin(Stdio::piped()).stdout(said.try_clone().expect("a second handle")).stderr(said);
        self.process = Some(Process::spawn(&mut command));
    }

    fn gets_ready(&mut self) -> bool {
        let url = format!("{}/health", self.url());
        let ready = try_for(START_WITHIN, || {
            let ended = self.process.as_mut().and_then(Process::ended);
            let healthy = http::get(&url, &[]).is_ok_and(|answer| answer.status == 200);
            (healthy || ended.is_some()).then_some(healthy)
        });
        ready == Some(true)
    }

    /// Its address, without a final slash; it stays the same over restarts.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its address over TLS, under the name that its certificate is for, and its authority's certificate in PEM.
    ///
    /// # Panics
    /// Of one that was not started by [`Self::start_with_tls`].
    #[must_use]
    pub fn tls_url(&self) -> (String, Vec<u8>) {
        let port = self.tls_port.expect("started with TLS");
        let ca = fs::read(self.dir.path().join("ca.pem")).expect("made at the start");
        (format!("https://localhost:{port}"), ca)
    }

    /// SIGTERM; what it holds stays.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.terminate(STOP_WITHIN);
        }
    }

    /// SIGKILL; what it holds stays.
    pub fn kill9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Starts it again on the same data and port, after stopping it if it runs.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn restart(&mut self) {
        self.stop();
        self.launch();
    }

    /// As [`Self::restart`] with a configuration that it is to refuse: what it said.
    ///
    /// # Panics
    /// When it gets ready.
    #[must_use]
    pub fn restart_refused(&mut self) -> String {
        self.stop();
        self.spawn();
        assert!(!self.gets_ready(), "Synapse starts with that");
        self.stop();
        self.said()
    }

    /// Synapse's log.
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        self.dir.path().join("synapse.log")
    }

    /// Synapse's SQLite database, in WAL mode.
    #[must_use]
    pub fn database_path(&self) -> PathBuf {
        self.dir.path().join(config::DATABASE)
    }

    /// Deletes what it knows of transaction ids, as it does by itself after a day; how many there were.
    ///
    /// # Panics
    /// When it runs.
    pub fn forget_transactions(&self) -> usize {
        assert!(self.process.is_none(), "a Synapse that runs has them in memory too");
        let deleted = Connection::open(self.database_path())
            .and_then(|database| database.execute("DELETE FROM event_txn_id_device_id", []));
        deleted.expect("the database of a Synapse that does not run can be written")
    }

    fn said_path(&self) -> PathBuf {
        self.dir.path().join("said.txt")
    }

    fn said(&self) -> String {
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        read(&self.said_path()) + &read(&self.log_path())
    }
}

impl Drop for Synapse {
    fn drop(&mut self) {
        self.stop();
    }
}
