//! The messages as they reach the wire.

use meshhook_model::{Attempt, BuildStatus, Details, RunUrl, State, Text, Timestamp, Unit};
use meshhook_render::{
    Emoji, EmojiSet, Format, Line, Message, News, Style, digest, edit, in_thread, message, message_with,
    terminal,
};

/// A run as GitHub tells of it.
fn run(state: State) -> BuildStatus {
    let details = Details {
        workflow: Text::new("CI"),
        branch: Text::new("main"),
        commit: Text::new("5d7f1c2e9ab04c6b8f1f0d3f6a7e5b4c3d2e1f00"),
        run_url: RunUrl::new("https://github.com/octo/app/actions/runs/30433642?pr=2&check=1"),
        run_id: Text::new("30433642"),
        repo: Text::new("octo/app"),
        mesh_node_id: Text::new("mac-07"),
        attempt: Attempt::new(1),
        started_at: Timestamp::parse_rfc3339("2026-11-23T06:00:00Z"),
        finished_at: state.is_terminal().then(|| Timestamp::parse_rfc3339("2026-11-23T06:04:12Z")).flatten(),
        correlation_id: Text::new("72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ..Details::default()
    };
    BuildStatus { state, details }
}

fn failed(change: impl FnOnce(&mut Details)) -> BuildStatus {
    let mut status = run(State::Failed);
    change(&mut status.details);
    status
}

/// The content and the digest's line as JSON, what cannot be seen as its escape.
fn wire(status: &BuildStatus, style: &Style) -> String {
    written(&message(status, style))
}

fn written(message: &Message) -> String {
    let Line { plain, html, data } = &message.line;
    let json = serde_json::json!({
        "content": message.content,
        "line": { "plain": plain, "html": html, "data": data },
        "notify": message.notify,
    });
    visible(&serde_json::to_string_pretty(&json).expect("JSON is written"))
}

fn visible(text: &str) -> String {
    let escape = |c: char| match c {
        '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{fe0f}' => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

fn html(status: &BuildStatus) -> String {
    wire(status, &Style::default())
}

#[test]
fn a_digest() {
    let lines: Vec<Line> =
        [run(State::Succeeded), failed(|d| d.outcome = Text::new("timed_out")), run(State::Running)]
            .iter()
            .map(|status| message(status, &Style::default()).line)
            .collect();
    for (name, lines, format) in
        [("html", &lines[..], Format::Html), ("plain_single", &lines[..1], Format::Plain)]
    {
        let content = digest(lines, name == "html", format);
        let json = serde_json::to_string_pretty(&content).expect("JSON is written");
        insta::assert_snapshot!(format!("digest_{name}"), visible(&json));
    }
}

#[test]
fn each_state() {
    for state in State::ALL {
        insta::assert_snapshot!(format!("{state}_html"), html(&run(state)));
        let plain = Style { format: Format::Plain, ..Style::default() };
        insta::assert_snapshot!(format!("{state}_plain"), wire(&run(state), &plain));
    }
}

#[test]
fn outcomes() {
    let with = |state, outcome| {
        let mut status = run(state);
        status.details.outcome = Text::new(outcome);
        html(&status)
    };
    insta::assert_snapshot!("failed_timed_out", with(State::Failed, "timed_out"));
    insta::assert_snapshot!("failed_cancelled_is_quiet", with(State::Failed, "cancelled"));
    insta::assert_snapshot!("succeeded_with_warnings", with(State::Succeeded, "UNSTABLE"));
    insta::assert_snapshot!("succeeded_success", with(State::Succeeded, "success"));
}

#[test]
fn what_is_missing() {
    insta::assert_snapshot!("no_commit", html(&failed(|d| d.commit = None)));
    insta::assert_snapshot!("no_branch", html(&failed(|d| d.branch = None)));
    insta::assert_snapshot!("no_link", html(&failed(|d| d.run_url = None)));
    insta::assert_snapshot!("link_alone", html(&failed(|d| (d.branch, d.commit) = (None, None))));
    insta::assert_snapshot!("job_alone", html(&failed(|d| (d.workflow, d.job) = (None, Text::new("build")))));
    let nothing = BuildStatus { state: State::Queued, details: Details::default() };
    insta::assert_snapshot!("nothing", html(&nothing));
}

#[test]
fn jobs_machines_and_attempts() {
    let machines = |d: &mut Details, count: usize| {
        d.mesh_node_id = None;
        d.nodes = (1..=count).filter_map(|n| Text::new(&format!("mac-{n:02}"))).collect();
    };
    insta::assert_snapshot!("job", html(&failed(|d| d.job = Text::new("build (macos-14)"))));
    insta::assert_snapshot!("hosted", html(&failed(|d| d.mesh_node_id = None)));
    insta::assert_snapshot!("two_machines", html(&failed(|d| machines(d, 2))));
    insta::assert_snapshot!("eight_machines", html(&failed(|d| machines(d, 8))));
    insta::assert_snapshot!("third_attempt", html(&failed(|d| d.attempt = Attempt::new(3))));
    insta::assert_snapshot!("fork", html(&failed(|d| d.branch = Text::new("octocat:fix/1.2.3"))));
    insta::assert_snapshot!("no_finish_time", html(&failed(|d| d.finished_at = None)));
}

#[test]
fn what_it_means_to_its_branch() {
    let since = Timestamp::parse_rfc3339("2026-11-23T04:01:12Z").unwrap();
    let told = |state, outcome, news| {
        let mut status = run(state);
        status.details.outcome = Text::new(outcome);
        written(&message_with(&status, Some(news), &Style::default()))
    };
    insta::assert_snapshot!("broken", told(State::Failed, "timed_out", News::Broken { since }));
    insta::assert_snapshot!("still_failing", told(State::Failed, "failure", News::StillFailing { since }));
    insta::assert_snapshot!("fixed", told(State::Succeeded, "success", News::Fixed { since, after: 7380 }));
    let line =
        message_with(&run(State::Succeeded), Some(News::Fixed { since, after: 0 }), &Style::default()).line;
    insta::assert_snapshot!("fixed_at_once", visible(&line.plain));
}

/// The first line of each unit with all its names, without the job's, and without the workflow's.
#[test]
fn units() {
    let first = |unit, workflow: bool, job: bool| {
        let mut status = failed(|d| d.unit = unit);
        let environment = if unit == Unit::Deployment { "production" } else { "lint" };
        status.details.workflow = status.details.workflow.filter(|_| workflow);
        status.details.job = Text::new(environment).filter(|_| job);
        let shown = terminal(&status, &Style::default(), false);
        shown.lines().next().unwrap().to_owned()
    };
    let lines = Unit::ALL.map(|unit| {
        let lines = [(true, true), (true, false), (false, true)].map(|(w, j)| first(unit, w, j));
        format!("{unit}\n  {}\n", lines.join("\n  "))
    });
    insta::assert_snapshot!(lines.concat());
    insta::assert_snapshot!(
        "deployment",
        html(&failed(|d| {
            (d.unit, d.job) = (Unit::Deployment, Text::new("production"));
        }))
    );
    // GitHub calls it by its task, and its environment is a title; GitLab calls it by its environment.
    let deployed = |name: &str| {
        let status = failed(|d| {
            (d.unit, d.job) = (Unit::Deployment, None);
            (d.workflow, d.title) = (Text::new(name), Text::new("production"));
        });
        terminal(&status, &Style::default(), false).lines().next().unwrap().to_owned()
    };
    assert!(deployed("deploy").contains("deployment to production"), "{}", deployed("deploy"));
    assert!(!deployed("production").contains(" to "), "{}", deployed("production"));
}

#[test]
fn attacks() {
    let named = |name: &str| failed(|d| d.workflow = Text::new(name));
    let branch = |name: &str| failed(|d| d.branch = Text::new(name));
    let linked = |url: &str| failed(|d| d.run_url = RunUrl::new(url));
    insta::assert_snapshot!("attack_markup", html(&branch("<img src=x onerror=alert(1)>@room")));
    insta::assert_snapshot!("attack_command", html(&named("!ban @admin:server")));
    insta::assert_snapshot!("attack_permalink", html(&linked("https://matrix.to/#/@admin:example.org")));
    insta::assert_snapshot!(
        "attack_client_link",
        html(&linked("https://chat.example.org/#/user/@admin:example.org"))
    );
    insta::assert_snapshot!("attack_script_link", html(&linked("javascript:alert(1)")));
    insta::assert_snapshot!("attack_credentials", html(&linked("https://github.com@evil.example/")));
    insta::assert_snapshot!("attack_direction", html(&branch("\u{202e}niam/לא נכון")));
    insta::assert_snapshot!("attack_zalgo", html(&named(&format!("C{}I", "\u{334}\u{351}".repeat(40)))));
    insta::assert_snapshot!("attack_lines", html(&named("CI\n\u{2028}!ban @a:b\r\nx")));
    insta::assert_snapshot!("attack_room_in_link", html(&linked("https://ci.example.org/@room/it's).")));
}

#[test]
fn own_signs() {
    let emoji = EmojiSet { failed: Emoji::new("🟥").unwrap(), ..EmojiSet::default() };
    let style = Style { emoji, notify_on: vec![], ..Style::default() };
    insta::assert_snapshot!("own_emoji_never_notifies", wire(&run(State::Failed), &style));
}

#[test]
fn on_a_terminal() {
    let attacked = failed(|d| {
        d.workflow = Text::new("!ban \u{1b}[31m@admin:server");
        d.outcome = Text::new("timed_out");
    });
    insta::assert_snapshot!("terminal", terminal(&attacked, &Style::default(), false));
    let coloured: Vec<_> = State::ALL.map(|state| terminal(&run(state), &Style::default(), true)).into();
    insta::assert_snapshot!("terminal_coloured", coloured.concat().replace('\u{1b}', "␛"));
}

#[test]
fn an_edit_replaces_what_is_shown_and_carries_the_data_once() {
    let content = message(&run(State::Running), &Style::default()).content;
    let edit = serde_json::to_string_pretty(&edit(content, "$first")).unwrap();
    insta::assert_snapshot!(visible(&edit));
}

#[test]
fn an_answer_in_a_thread_is_a_whole_message() {
    let content = message(&run(State::Running), &Style::default()).content;
    let answer = in_thread(content.clone(), "$first");
    insta::assert_json_snapshot!(answer["m.relates_to"]);
    assert!(content.iter().all(|(key, value)| answer.get(key) == Some(value)));
}
