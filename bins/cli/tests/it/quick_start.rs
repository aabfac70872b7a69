//! docs/quick-start.md, followed as a stranger would: its commands word for word, at a real homeserver.

use std::env;
use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Output};

use meshhook_testkit::{Limits, Synapse, User, free_port, synapse_python, target_dir};
use serde_json::json;

use crate::words::fixtures;

/// A user who types into a terminal that shows nothing of it.
const TYPIST: &str = include_str!("typist.py");

/// Stands before what a block prints.
const MARK: &str = "@@block";

/// Stands for what differs from run to run: in a line for some of it, alone for any lines.
const ANY: &str = "…";

/// A build that is over soon: what is tried is the way there, not how fast the programs are.
const CHEAP: [(&str, &str); 6] = [
    ("CARGO_NET_OFFLINE", "true"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
    ("CARGO_PROFILE_RELEASE_STRIP", "true"),
];

/// Commands, and what the page says that they print.
struct Block {
    commands: String,
    prints: Option<String>,
}

/// The page's blocks, in order. `console` is for what no test can do: a package manager, another user.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for fence in page.split("\n```").skip(1).step_by(2) {
        let (language, text) = fence.split_once('\n').unwrap();
        match language {
            "sh" => blocks.push(Block { commands: format!("{text}\n"), prints: None }),
            "text" => {
                let before = blocks.last_mut().unwrap().prints.replace(text.to_owned());
                assert!(before.is_none(), "two blocks of text after one of commands");
            }
            "console" => assert!(text.lines().all(|line| line.starts_with("$ ")), "{text}"),
            other => panic!("what is ```{other} in the quick start?"),
        }
    }
    blocks
}

/// A new operator: an empty home, a homeserver with the limits that it has by default, a bot that is invited.
struct Operator {
    synapse: Synapse,
    host: User,
    bot: User,
    room: String,
    _folder: tempfile::TempDir,
    /// As a link-free path, since that is what is shown.
    home: PathBuf,
    listen: String,
    admin_listen: String,
}

impl Operator {
    fn new() -> Self {
        let synapse = Synapse::start_with(Limits::Default);
        let (host, bot) = (synapse.register("operator"), synapse.register("builds"));
        let room = synapse.create_room(&host.token, json!({ "preset": "private_chat" }));
        synapse.invite(&host.token, &room, &bot.id);
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap();
        let [listen, admin_listen] = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
        Self { synapse, host, bot, room, _folder: folder, home, listen, admin_listen }
    }

    /// What is set in the page's first block, and its value there and here: all in which the two differ.
    fn variables(&self) -> [(&'static str, &'static str, String); 4] {
        [
            ("HOMESERVER", "https://matrix.example.org", self.synapse.url()),
            ("ROOM", "'!abcdef'", format!("'{}'", self.room)),
            ("LISTEN", "127.0.0.1:8787", self.listen.clone()),
            ("ADMIN_LISTEN", "127.0.0.1:8788", self.admin_listen.clone()),
        ]
    }

    fn script(&self, blocks: &[Block]) -> String {
        let variables = self.variables();
        let page: String = variables.iter().map(|(name, value, _)| format!("{name}={value}\n")).collect();
        assert_eq!(
            blocks[0].commands, page,
            "the first block sets what the operator chooses, and does nothing else"
        );
        let own: String = variables.iter().map(|(name, _, value)| format!("{name}={value}\n")).collect();
        let others = blocks[1..].iter().map(|block| block.commands.as_str());
        let marked = std::iter::once(own.as_str()).chain(others).enumerate();
        let marked = marked.map(|(i, commands)| format!("echo '{MARK} {i}'\n{commands}"));
        // Whatever fails, the gateway does not outlive the shell.
        String::from("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n") + &marked.collect::<String>()
    }

    /// Runs the script in a terminal, with nothing of our own environment but where cargo and its packages are.
    fn follow(&self, script: &str) -> Output {
        let file = self.home.join("quick-start.sh");
        fs::write(&file, script).unwrap();
        let cargo = PathBuf::from(env::var_os("CARGO").expect("cargo runs the tests"));
        let tools = cargo.parent().unwrap().display().to_string();
        let home = || PathBuf::from(env::var_os("HOME").unwrap()).join(".cargo");
        let packages = env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from);
        // The build leaves the processors to other tests, which wait for something.
        let mut typist = Command::new("nice");
        typist
            .arg(synapse_python())
            .args(["-c", TYPIST, &self.bot.id, Synapse::PASSWORD, "/bin/bash", "-euo", "pipefail"])
            .arg(&file);
        typist.env_clear().env("HOME", &self.home).env("TERM", "xterm");
        // The first build takes minutes.
        typist.env("PATIENCE", "1800");
        typist.env("PATH", format!("{tools}:/usr/local/bin:/usr/bin:/bin")).env("CARGO_HOME", packages);
        typist.envs(CHEAP).env("CARGO_TARGET_DIR", target_dir().join("quick-start"));
        typist.current_dir(fixtures().parent().unwrap()).output().unwrap()
    }

    /// What the page would show of that.
    fn for_anybody(&self, shown: &str) -> String {
        let home = self.home.display().to_string();
        let mut text = uncoloured(&shown.replace("\r\n", "\n"));
        for (own, page) in [
            (self.synapse.url().as_str(), "https://matrix.example.org"),
            (&self.room, "!abcdef"),
            (&self.bot.id, "@builds:example.org"),
            (&self.listen, "127.0.0.1:8787"),
            (&self.admin_listen, "127.0.0.1:8788"),
            (&home, "/home/you"),
        ] {
            text = text.replace(own, page);
        }
        text
    }
}

/// Without what colours it (ECMA-48, "Select Graphic Rendition").
fn uncoloured(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or(part, |(_, rest)| rest))
}

fn fits(page: &[&str], shown: &[&str]) -> bool {
    match page {
        [] => shown.is_empty(),
        [any, page @ ..] if *any == ANY => (0..=shown.len()).any(|n| fits(page, &shown[n..])),
        [line, page @ ..] => {
            shown.first().is_some_and(|first| line_fits(line, first)) && fits(page, &shown[1..])
        }
    }
}

fn line_fits(page: &str, shown: &str) -> bool {
    match page.split_once(ANY) {
        None => page == shown,
        Some((before, after)) => shown.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| line_fits(after, &rest[at..]))
        }),
    }
}

#[test]
fn the_quick_start_holds_word_for_word() {
    let page = fs::read_to_string(fixtures().join("../docs/quick-start.md")).unwrap();
    assert!(page.matches("\n```console\n").count() <= 2, "what is not tried has to be little");
    let blocks = blocks(&page);
    let operator = Operator::new();
    let output = operator.follow(&operator.script(&blocks));
    let shown = operator.for_anybody(&String::from_utf8(output.stdout).unwrap());
    assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    let printed: Vec<_> = shown.split(MARK).skip(1).collect();
    assert_eq!(printed.len(), blocks.len(), "{shown}");
    for (block, printed) in blocks.iter().zip(printed) {
        let Some(page) = &block.prints else { continue };
        let (page, printed): (Vec<_>, Vec<_>) = (page.lines().collect(), printed.lines().skip(1).collect());
        assert!(fits(&page, &printed), "the page says\n{page:#?}\nand it is\n{printed:#?}");
    }
    assert!(!shown.contains(Synapse::PASSWORD) && !shown.contains("syt_"), "{shown}");
    let events = operator.synapse.messages(&operator.host.token, &operator.room);
    let said: Vec<_> = events.iter().filter(|event| event.0["sender"] == *operator.bot.id).collect();
    let said: Vec<_> = said.iter().filter_map(|event| event.0["content"]["body"].as_str()).collect();
    assert!(said.len() == 2 && said[0].contains("failed") && said[1].contains("doctor"), "{said:#?}");
    assert!(TcpStream::connect(&operator.listen).is_err(), "the gateway still runs");
}

#[test]
fn a_page_that_says_something_else_is_found_out() {
    for (page, shown, fit) in [
        ("a\nb", "a\nb", true),
        ("a\nb", "a\nc", false),
        ("a\n…", "a\nb\nc", true),
        ("…\nc", "a\nb\nc", true),
        ("…\nc", "a\nb", false),
        ("d_… sent $…", "d_1 sent $2", true),
        ("d_… sent $…", "d_1 pending", false),
        ("a", "a\nb", false),
    ] {
        let lines = |text: &'static str| text.lines().collect::<Vec<_>>();
        assert_eq!(fits(&lines(page), &lines(shown)), fit, "{page:?} {shown:?}");
    }
}
