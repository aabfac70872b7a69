//! Texts from outside that would be more than text, read back from a real Synapse.

use serde_json::json;

use crate::rig::{Room, accepted, github_body, post_github};

#[test]
fn what_a_stranger_named_is_shown_as_harmless_text() {
    let room = Room::new("hostile");
    let gateway = room.gateway().start().unwrap();
    let mut body = github_body("workflow_run-completed-failure");
    let run = &mut body["workflow_run"];
    run["head_branch"] = json!("<img src=x onerror=alert(1)>@room");
    run["name"] = json!("!ban @admin:server");
    run["html_url"] = json!("https://matrix.to/#/@admin:server");
    run["display_title"] = json!("</strong>\u{202e}\u{0}\n!kick");
    accepted(&post_github(&gateway, "workflow_run", body.to_string().as_bytes()));
    let said = room.wait_for(1);
    let content = said[0].content();
    let (plain, html) = (content["body"].as_str().unwrap(), content["formatted_body"].as_str().unwrap());
    assert!(!html.contains("<img") && html.contains("&lt;img src=x"), "{html}");
    assert!(!html.contains("href=\"https://matrix.to"), "{html}");
    assert!(plain.lines().chain(html.split("<br>")).all(|line| !line.starts_with('!')), "{plain}");
    for text in [plain, html] {
        assert!(
            !text.contains("@room") && !text.contains("@admin:server") && !text.contains("!ban"),
            "{text}"
        );
        assert!(!text.contains(['\u{202e}', '\u{0}']), "{text}");
    }
    assert_eq!(content["m.mentions"], json!({}));
    assert!(content.get("external_url").is_none(), "{content}");
}
