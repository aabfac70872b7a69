//! Registrations: made, read, compared, and held to what the real Synapse makes of the same files.
// clippy.toml allows it in tests; the helpers beside them count as none.
#![allow(clippy::unwrap_used)]

mod any;
mod compared;
mod faults;
mod made;
mod synapse;

use meshhook_appservice::Registration;
use meshhook_appservice::registration::{RANDOM, Wanted};

/// A registration whose tokens are known.
fn made() -> Registration {
    Registration::make(&wanted(), &random()).unwrap()
}

fn wanted() -> Wanted<'static> {
    Wanted {
        url: "https://gateway.example.org:8789",
        server_name: "ci.example.org",
        localpart: "buildbot",
        id: None,
    }
}

fn random() -> [u8; RANDOM] {
    std::array::from_fn(|i| u8::try_from(i).unwrap())
}

/// A sound registration as people write it.
const GOOD: &str = r#"id: meshhook
url: https://gateway.example.org:8789
as_token: "as-0123456789abcdef"
hs_token: "hs-0123456789abcdef"
sender_localpart: buildbot
namespaces:
  users:
    - exclusive: true
      regex: '^@buildbot_[a-z0-9._=/-]+:ci\.example\.org$'
rate_limited: false
"#;

/// [`GOOD`], but the line of `key` is `line`; without it, where that is empty.
fn with(key: &str, line: &str) -> String {
    let lines = GOOD.lines().map(|old| if old.starts_with(key) { line } else { old });
    let text = lines.filter(|line| !line.is_empty()).fold(String::new(), |text, line| text + line + "\n");
    assert_ne!(text, GOOD, "{key} is there");
    text
}
