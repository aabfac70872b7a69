//! matrix-webhook, from the Python package index: it sends to a room of a Matrix server before it answers.

use std::env::var_os;
use std::path::{Path, PathBuf};
use std::process::Command;

use meshhook_testkit::load::Target;
use meshhook_testkit::{Synapse, User};

use super::Peer;
use super::install::{place, run};
use super::server::Server;
use crate::measure::SECRET;

const PACKAGE: &str = "matrix-webhook";

pub(super) struct MatrixWebhook<'s> {
    python: PathBuf,
    version: String,
    server: Server,
    synapse: &'s Synapse,
    bot: User,
    room: String,
}

impl<'s> MatrixWebhook<'s> {
    pub(super) fn install(synapse: &'s Synapse) -> Result<Box<dyn Peer + 's>, String> {
        let place = place()?;
        let python = installed(&place.join("venv"))?;
        let version = ["-c", "import importlib.metadata as m; print(m.version('matrix-webhook'))"];
        let version = run(Command::new(&python).args(version))?;
        let bot = synapse.register("peer");
        let room = synapse.private_room(&bot.token);
        let server = Server::new(place.join("matrix-webhook.log"));
        Ok(Box::new(Self { python, version, server, synapse, bot, room }))
    }
}

/// The Python of a virtual environment that has it.
fn installed(venv: &Path) -> Result<PathBuf, String> {
    let python = venv.join("bin/python");
    if run(Command::new(&python).args(["-c", "import matrix_webhook.formatters"])).is_err() {
        println!("Installing {PACKAGE}, once …");
        let any = var_os("PYTHON").unwrap_or_else(|| "python3".into());
        run(Command::new(any).args(["-m", "venv"]).arg(venv))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--no-input", PACKAGE]))?;
    }
    Ok(python)
}

impl Peer for MatrixWebhook<'_> {
    fn name(&self) -> &'static str {
        PACKAGE
    }

    fn version(&self) -> String {
        format!("{}, with its formatter for GitHub", self.version)
    }

    fn effect(&self) -> &'static str {
        "messages"
    }

    fn start(&mut self) -> Result<(), String> {
        let mut command = Command::new(&self.python);
        command.args(["-m", "matrix_webhook", "--host", "127.0.0.1", "--port", &self.server.port()]);
        command.args(["--matrix-url", &self.synapse.url(), "--matrix-id", &self.bot.id]);
        self.server.start(command.env("MATRIX_TOKEN", &self.bot.token).env("API_KEY", SECRET))
    }

    fn target(&self) -> Result<Target, String> {
        Ok(self.server.target(&format!("/?formatter=github&room_id={}", self.room)))
    }

    fn pid(&self) -> u32 {
        self.server.pid()
    }

    fn kill9(&mut self) {
        self.server.kill9();
    }

    fn shown(&self) -> u64 {
        let events = self.synapse.messages(&self.bot.token, &self.room);
        events.iter().filter(|event| event.kind() == "m.room.message").count() as u64
    }
}
