//! Statuses as a stranger would write them.

use meshhook_model::{Attempt, BuildStatus, Details, RunUrl, State, Text, Timestamp, Unit};
use meshhook_render::News;
use proptest::prelude::*;
use proptest::sample::select;

/// Pieces that do something in HTML, in Matrix clients, in other bots or on a terminal.
const PIECES: &[&str] = &[
    "<img src=x onerror=alert(1)>",
    "</a>",
    "</strong>",
    "<br>",
    "<script>",
    "<a href=\"javascript:alert(1)\">",
    "<!--",
    "&lt;",
    "&#64;",
    "&amp",
    "\"",
    "'",
    "<",
    ">",
    "&",
    "\\",
    "@room",
    "@admin:server",
    "#alias:example.org",
    "!ban ",
    "!abcdef",
    "$event",
    "+group:h",
    "https://",
    "http://evil.com/",
    "https://matrix.to/#/@a:b",
    "www.",
    "WWW.1und1",
    "matrix:u/a",
    "mailto:",
    "a@b.c",
    "evil.com",
    "10.0.0.7",
    "1.2.3",
    "javascript:alert(1)",
    "tel:1",
    "\n",
    "\r\n",
    "\u{2028}",
    "\u{85}",
    "\0",
    "\u{1b}[31m",
    "\u{9b}",
    "\u{7f}",
    "\u{202e}",
    "\u{2066}",
    "\u{2068}",
    "\u{2069}",
    "\u{200b}",
    "\u{2060}",
    "\u{feff}",
    "\u{e0041}",
    "e\u{301}\u{301}\u{301}",
    "\u{301}",
    "שלום",
    "مرحبا",
    "日本",
    "🍎",
    "👩‍💻",
    "**b**",
    "[x](http://y)",
    "`",
    " ",
    ".",
    ":",
    "@",
    "#",
    "!",
    "/",
    "-",
    "x",
    "42",
];

fn raw() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => select(PIECES).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-z0-9./:@-]{1,8}",
    ];
    prop_oneof![
        4 => prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        1 => (select(PIECES), 1..300usize).prop_map(|(piece, times)| piece.repeat(times)),
        1 => any::<String>(),
    ]
}

fn text() -> impl Strategy<Value = Option<Text>> {
    raw().prop_map(|raw| Text::new(&raw))
}

fn run_url() -> impl Strategy<Value = Option<RunUrl>> {
    let behind_host = (raw(), 0..2048usize).prop_map(|(raw, times)| {
        let address = format!("https://ci.example.org/{}", raw.replace(char::is_whitespace, "%20"));
        format!("{address}{}", "&'\\".repeat(times / 3))
    });
    prop_oneof![raw(), behind_host, "https?://[!-~]{1,40}"].prop_map(|raw| RunUrl::new(&raw))
}

fn time() -> impl Strategy<Value = Option<Timestamp>> {
    any::<Option<u32>>().prop_map(|seconds| Timestamp::from_unix(seconds?.into()))
}

/// Any news, or none.
pub(crate) fn news() -> impl Strategy<Value = Option<News>> {
    (0..4u8, any::<u32>(), any::<u64>()).prop_map(|(kind, since, after)| {
        let since = Timestamp::from_unix(since.into())?;
        match kind {
            0 => Some(News::Broken { since }),
            1 => Some(News::Fixed { since, after }),
            2 => Some(News::StillFailing { since }),
            _ => None,
        }
    })
}

prop_compose! {
    fn names()(workflow in text(), job in text(), outcome in text(), branch in text(), commit in text())
        -> Details {
        Details { workflow, job, outcome, branch, commit, ..Details::default() }
    }
}

prop_compose! {
    fn place()(mesh_node_id in text(), nodes in prop::collection::vec(text(), 0..9), run_url in run_url())
        -> Details {
        Details { mesh_node_id, nodes: nodes.into_iter().flatten().collect(), run_url, ..Details::default() }
    }
}

prop_compose! {
    fn rest()(run_id in text(), repo in text(), actor in text(), title in text(), correlation_id in text(),
              attempt in any::<Option<u64>>(), started_at in time(), finished_at in time()) -> Details {
        let attempt = attempt.and_then(Attempt::new);
        Details { run_id, repo, actor, title, correlation_id, attempt, started_at, finished_at, ..Details::default() }
    }
}

prop_compose! {
    /// Any status.
    pub(crate) fn status()(state in select(&State::ALL[..]), unit in select(&Unit::ALL[..]), a in names(), b in place(), c in rest()) -> BuildStatus {
        let Details { workflow, job, outcome, branch, commit, .. } = a;
        let Details { mesh_node_id, nodes, run_url, .. } = b;
        BuildStatus {
            state,
            details: Details { unit, workflow, job, outcome, branch, commit, mesh_node_id, nodes, run_url, ..c },
        }
    }
}

/// A status with every field as long as it may be, of `fill` alone.
pub(crate) fn longest(fill: char, run_url: &str) -> BuildStatus {
    let text = Text::new(&fill.to_string().repeat(Text::MAX_CHARS));
    let details = Details {
        unit: Unit::Status,
        workflow: text.clone(),
        job: text.clone(),
        outcome: text.clone(),
        branch: text.clone(),
        commit: text.clone(),
        run_url: RunUrl::new(run_url),
        mesh_node_id: None,
        nodes: text.iter().cycle().take(300).cloned().collect(),
        run_id: text.clone(),
        attempt: Attempt::new((1 << 53) - 1),
        repo: text.clone(),
        actor: text.clone(),
        title: text.clone(),
        started_at: Timestamp::from_unix(1),
        finished_at: Timestamp::from_unix(253_402_300_799),
        correlation_id: text,
        ..Details::default()
    };
    BuildStatus { state: State::Succeeded, details }
}
