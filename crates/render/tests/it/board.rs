//! The board, as it reaches the wire, and what no name can make of it.

use meshhook_model::{State, Text};
use meshhook_render::{Board, BoardMachine, BoardWorkflow, Format, LastBuild, Style, digest, outdated_board};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::checker::{active, read};

fn machine(name: &str, last: Option<(Option<State>, &str, u64)>) -> BoardMachine {
    let last = last.map(|(state, workflow, seconds_ago)| LastBuild {
        state,
        workflow: Text::new(workflow),
        seconds_ago,
    });
    BoardMachine { name: Text::new(name).expect("a name"), last }
}

fn workflow([name, branch, repo]: [&str; 3], state: State, seconds_ago: u64) -> BoardWorkflow {
    BoardWorkflow {
        name: Text::new(name),
        branch: Text::new(branch),
        repo: Text::new(repo),
        state,
        seconds_ago,
    }
}

fn usual() -> Board {
    Board {
        machines: vec![
            machine("mac-03", Some((Some(State::Failed), "CI", 300))),
            machine("mac-07", Some((Some(State::Running), "", 42))),
            machine("mac-08", Some((None, "", 90_000))),
            machine("mac-09", None),
        ],
        workflows: vec![
            workflow(["CI", "main", "octo/app"], State::Failed, 300),
            workflow(["", "", ""], State::Queued, 7300),
        ],
    }
}

fn visible(content: &serde_json::Map<String, Value>) -> String {
    let json = serde_json::to_string_pretty(content).expect("JSON is written");
    json.replace('\u{2068}', "\\u2068").replace('\u{2069}', "\\u2069").replace('\u{2060}', "\\u2060")
}

#[test]
fn a_board() {
    insta::assert_snapshot!("board_html", visible(&usual().content(&Style::default())));
    let plain = Style { format: Format::Plain, ..Style::default() };
    insta::assert_snapshot!("board_plain", visible(&usual().content(&plain)));
    insta::assert_snapshot!("board_empty", visible(&Board::default().content(&plain)));
}

/// One that comes late is a line like any other, and no build.
#[test]
fn a_board_in_a_digest() {
    let content = digest(&[outdated_board()], false, Format::Html);
    assert_eq!(content["com.meshmac.build_statuses"], json!([]));
    assert_eq!(active(content["body"].as_str().expect("a body")), None);
}

#[test]
fn a_board_of_many_has_thirty_lines_of_each_and_says_how_many_more() {
    let machines = (0..10_000).map(|n| machine(&format!("m{n}"), None)).collect();
    let workflows = (0..31).map(|_| workflow(["w", "", ""], State::Queued, 1)).collect();
    let content = Board { machines, workflows }.content(&Style::default());
    let body = content["body"].as_str().expect("a body");
    assert_eq!(body.lines().count(), 2 * 32);
    assert!(body.contains("\nand 9970 more\n") && body.ends_with("\nand 1 more"), "{body}");
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,200}",
        "[!@#$+.:/&<>\"' a-z\u{202e}\n]{1,80}",
        "(!builds|@room|https://evil\\.com/|<b>){1,9}"
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_name_is_more_than_text(names in prop::collection::vec(text(), 1..40), count in 1usize..60) {
        let named = |at: usize| &*names[at % names.len()];
        let named_machine = |at| Text::new(named(at)).map(|name| {
            let last = LastBuild { state: Some(State::Failed), workflow: Text::new(named(at + 1)), seconds_ago: 1 };
            BoardMachine { name, last: Some(last) }
        });
        let workflows = (0..count).map(|at| workflow([named(at), named(at + 1), named(at + 2)], State::Running, 1));
        let board = Board { machines: (0..count).filter_map(named_machine).collect(), workflows: workflows.collect() };
        let content = board.content(&Style::default());
        let written = Value::Object(content.clone()).to_string();
        prop_assert!(written.len() <= Board::MAX_CONTENT_BYTES, "{}", written.len());
        prop_assert_eq!((&content["msgtype"], &content["m.mentions"]), (&json!("m.notice"), &json!({})));
        let body = content["body"].as_str().expect("a body");
        let shown = read(content["formatted_body"].as_str().expect("HTML")).map_err(TestCaseError::fail)?;
        prop_assert_eq!(shown.lines.join("\n"), body);
        prop_assert_eq!(shown.links.len(), 0);
        for line in body.lines() {
            prop_assert!(["📋 ", "❌ ", "🔨 ", "and "].iter().any(|ours| line.starts_with(ours)), "{}", line);
            prop_assert_eq!(active(line), None, "{}", line);
        }
    }
}
