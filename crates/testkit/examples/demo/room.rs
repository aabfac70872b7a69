//! What the room says, as the homeserver gives it back to someone who is in it.

use std::collections::BTreeSet;
use std::time::Duration;

use meshhook_testkit::{Event, Member, Synapse, User, try_for};
use serde_json::json;

/// A room, seen by one of its members.
pub(crate) struct Room<'s> {
    pub(crate) synapse: &'s Synapse,
    pub(crate) id: String,
    pub(crate) observer: User,
}

impl<'s> Room<'s> {
    pub(crate) const NAME: &'static str = "Builds";

    /// A room with an observer in it that is joined by invite only.
    pub(crate) fn create(synapse: &'s Synapse) -> Self {
        let observer = synapse.register("observer");
        let id =
            synapse.create_room(&observer.token, json!({ "name": Self::NAME, "preset": "private_chat" }));
        Self { synapse, id, observer }
    }

    /// One with a bot in it, too.
    pub(crate) fn with_bot(synapse: &'s Synapse) -> (Self, User) {
        let (room, bot) = (Self::create(synapse), synapse.register("meshhook"));
        synapse.bring_in(&room.observer.token, &room.id, &bot);
        (room, bot)
    }

    /// How a user stands to the room, where it does.
    pub(crate) fn member(&self, user: &str) -> Option<Member> {
        self.synapse.member(&self.observer.token, &self.id, user)
    }

    /// The messages, oldest first.
    pub(crate) fn lines(&self) -> Vec<Event> {
        let events = self.synapse.messages(&self.observer.token, &self.id);
        events.into_iter().filter(|event| event.kind() == "m.room.message").collect()
    }

    /// How many deliveries the messages are made of.
    pub(crate) fn keys(&self) -> usize {
        keys(&self.lines()).len()
    }

    /// Whether that many are there, or come within the time.
    pub(crate) fn within(&self, time: Duration, deliveries: usize) -> bool {
        try_for(time, || (self.keys() >= deliveries).then_some(())).is_some()
    }

    /// Whether any message has that name in it.
    pub(crate) fn names(&self, machine: &str) -> bool {
        self.lines().iter().any(|line| line.body().is_some_and(|body| body.contains(machine)))
    }

    pub(crate) fn print(&self) {
        for line in self.lines() {
            let kind = line.content()["msgtype"].as_str().unwrap_or_default();
            let name = self.member(line.sender()).and_then(|member| member.name).unwrap_or_default();
            println!("\n   {name} · {} ({kind})", line.sender());
            for text in line.body().unwrap_or_default().lines() {
                println!("   │ {text}");
            }
        }
    }
}

/// The keys of every delivery in these messages, repeats included. Most have one; a digest has many.
pub(crate) fn keys(lines: &[Event]) -> Vec<&str> {
    lines.iter().flat_map(Event::keys).collect()
}

/// Whether a message says which deliveries it is made of, so that none can be there beside those counted.
pub(crate) fn has_keys(line: &Event) -> bool {
    line.keys().next().is_some()
}

/// Whether each key is there once.
pub(crate) fn no_repeats(keys: &[&str]) -> bool {
    keys.iter().collect::<BTreeSet<_>>().len() == keys.len()
}

/// What in a message a reader, a client or another bot could take for more than text.
pub(crate) fn harm(line: &Event) -> Option<String> {
    let content = line.content();
    let (Some(plain), Some(html)) = (line.body(), content["formatted_body"].as_str()) else {
        return Some("a message without body and formatted_body".to_owned());
    };
    let shown = html.replace("<br>", "\n");
    [
        foreign_tag(html).map(|tag| format!("the tag {tag}")),
        commands(plain)
            .or_else(|| commands(&without_tags(&shown)))
            .map(|line| format!("a line that is a command: {line}")),
        ["@room", "@admin:server"]
            .into_iter()
            .find(|id| plain.contains(id) || html.contains(id))
            .map(|id| format!("{id} unbroken")),
        html.contains("href=\"https://matrix.to").then(|| "a link to matrix.to".to_owned()),
        (content["m.mentions"] != json!({})).then(|| format!("mentions: {}", content["m.mentions"])),
    ]
    .into_iter()
    .flatten()
    .next()
}

/// The first tag that is none of those that messages are made of.
fn foreign_tag(html: &str) -> Option<&str> {
    let tags = html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or(rest));
    tags.into_iter().find(|tag| {
        !matches!(*tag, "strong" | "/strong" | "br" | "/a") && !tag.starts_with("a href=\"https://")
    })
}

fn without_tags(html: &str) -> String {
    let parts = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.collect()
}

/// The first line that another bot could obey.
fn commands(text: &str) -> Option<String> {
    let mut lines =
        text.lines().map(|line| line.trim_start_matches(['\u{2068}', '\u{2066}', '\u{2067}', ' ']));
    lines.find(|line| line.starts_with(['!', '/', '@'])).map(str::to_owned)
}
