//! Which users a registration's patterns are of, found by trying.

use super::pattern::{self, Pattern};
use super::{Fault, Namespace, Registration, server_name, shown};
use crate::GhostNames;

/// Machines whose users have in their names whatever such a name may have.
const NODES: [&str; 5] = ["mac-03", "ci.9/x", "Mac Mini #3 (Büro)", "a_b", "m"];
/// People that a homeserver may have.
const PEOPLE: [&str; 5] = ["alice", "bob", "admin", "x", "zoe.o-neill"];

/// Whether the users that machines speak as are an application service's own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reach {
    /// All of them.
    All,
    /// Not all: what such a user is called that is none of its own.
    Some {
        /// As `@buildbot__mac:example.org`.
        but_not: String,
    },
    /// None of them.
    None,
    /// That cannot be told: this pattern is not read here, and no other covers all.
    Unknown {
        /// In Python's words.
        pattern: String,
    },
}

impl Registration {
    /// Whether the namespaces cover the users that machines speak as.
    #[must_use]
    pub fn covers(&self, ghosts: &GhostNames) -> Reach {
        self.users().cover(ghosts)
    }

    /// The homeserver's name, as far as a pattern of users tells it.
    #[must_use]
    pub fn server_name(&self) -> Option<String> {
        self.users().server_name()
    }

    /// What is wrong with the users' patterns on that homeserver.
    #[must_use]
    pub fn look_at_users(&self, server_name: &str) -> Vec<Fault> {
        self.users().look(server_name)
    }

    fn users(&self) -> Users<'_> {
        Users { sender_localpart: &self.sender_localpart, namespaces: &self.namespaces.users }
    }
}

/// What of a registration says which users are its own.
#[derive(Clone, Copy)]
pub(super) struct Users<'u> {
    pub(super) sender_localpart: &'u str,
    pub(super) namespaces: &'u [Namespace],
}

impl Users<'_> {
    fn cover(self, ghosts: &GhostNames) -> Reach {
        let users = users_of(ghosts);
        let patterns: Vec<_> = self.namespaces.iter().map(|one| Pattern::of(&one.regex)).collect();
        let covered = |user: &String| patterns.iter().flatten().any(|pattern| pattern.matches(user));
        let Some(left_out) = users.iter().find(|user| !covered(user)) else { return Reach::All };
        let unread = self.namespaces.iter().zip(&patterns).find(|(_, pattern)| pattern.is_none());
        match unread {
            Some((space, _)) => Reach::Unknown { pattern: space.regex.clone() },
            None if users.iter().any(covered) => Reach::Some { but_not: left_out.clone() },
            None => Reach::None,
        }
    }

    pub(super) fn server_name(self) -> Option<String> {
        self.namespaces.iter().find_map(|space| self.server_name_in(&space.regex))
    }

    /// What stands behind one of its colons, if the pattern matches a user of that server.
    fn server_name_in(self, regex: &str) -> Option<String> {
        let pattern = Pattern::of(regex)?;
        let regex = regex.strip_suffix('$').or_else(|| regex.strip_suffix(r"\Z")).unwrap_or(regex);
        let ends = regex.match_indices(':').map(|(colon, _)| &regex[colon + 1..]);
        let names = ends.filter_map(pattern::unescaped).filter(|name| server_name::is_one(name));
        let mut fitting = names.filter(|name| {
            let local = self.sender_localpart;
            [format!("@{local}_x:{name}"), format!("{local}_x:{name}")].iter().any(|id| pattern.matches(id))
        });
        fitting.next()
    }

    pub(super) fn look(self, server_name: &str) -> Vec<Fault> {
        let sender = format!("@{}:{server_name}", self.sender_localpart);
        let Some(ghosts) = GhostNames::of(&sender) else { return Vec::new() };
        let looked = Looked { users: self, ghosts: &ghosts, server_name };
        let of_each: Vec<_> = self.namespaces.iter().flat_map(|space| looked.at(space)).collect();
        // What is wrong with one says why none matches.
        let told = of_each.iter().any(Fault::is_wrong);
        looked.at_all().filter(|fault| !told || !fault.is_wrong()).into_iter().chain(of_each).collect()
    }
}

/// The machines' users, the longest that there can be included.
fn users_of(ghosts: &GhostNames) -> Vec<String> {
    let longest = (1..=255).rev().find_map(|length| ghosts.user_id(&"x".repeat(length)));
    NODES.iter().filter_map(|node| ghosts.user_id(node)).chain(longest).collect()
}

struct Looked<'l> {
    users: Users<'l>,
    ghosts: &'l GhostNames,
    server_name: &'l str,
}

impl Looked<'_> {
    /// At all patterns together.
    fn at_all(&self) -> Option<Fault> {
        if self.users.namespaces.is_empty() {
            let message = "namespaces.users is empty, so that no machine speaks for itself";
            return Some(Fault::doubtful(None, message, self.right()));
        }
        match self.users.cover(self.ghosts) {
            Reach::None => {
                let message = "no pattern of namespaces.users matches the users that machines speak as";
                Some(Fault::wrong(None, message, self.right()))
            }
            Reach::Some { but_not } => {
                let but_not = shown::short(&but_not);
                let message =
                    format!("the patterns of namespaces.users leave out machines' users such as {but_not}");
                Some(Fault::doubtful(None, message, self.right()))
            }
            Reach::All | Reach::Unknown { .. } => None,
        }
    }

    /// At one of them.
    fn at(&self, space: &Namespace) -> Vec<Fault> {
        let about = match shown::short(&space.regex) {
            regex if regex.is_empty() => "the empty pattern".to_owned(),
            regex => format!("the pattern {regex}"),
        };
        let Some(pattern) = Pattern::of(&space.regex) else {
            let message =
                format!("{about} is not understood here; if not by Synapse either, it does not start");
            return vec![Fault::doubtful(None, message, self.right())];
        };
        if let Some(what) = self.wrong(&pattern) {
            return vec![Fault::wrong(None, format!("{about} {what}"), self.right())];
        }
        let doubt = |what, hint| Fault::doubtful(None, format!("{about} {what}"), hint);
        let open = "is not exclusive, so that anybody can register a machine's user".to_owned();
        let open = (!space.exclusive).then(|| doubt(open, "write exclusive: true".to_owned()));
        self.doubts(&pattern).into_iter().map(|what| doubt(what, self.right())).chain(open).collect()
    }

    fn wrong(&self, pattern: &Pattern) -> Option<String> {
        if let Some(id) = self.people().find(|id| pattern.matches(id)) {
            return Some(format!("takes other people's users, such as {id}"));
        }
        let local = self.users.sender_localpart;
        let bare = [format!("{local}_x:{}", self.server_name), format!("{local}_x")];
        let is_bare = bare.iter().any(|id| pattern.matches(id)) && !pattern.matches(&format!("@{}", bare[0]));
        is_bare.then(|| "never matches: it is held against a whole id, which begins with @".to_owned())
    }

    fn people(&self) -> impl Iterator<Item = String> {
        PEOPLE.iter().filter(|name| **name != self.users.sender_localpart).map(|name| self.id(name))
    }

    fn id(&self, local: &str) -> String {
        format!("@{local}:{}", self.server_name)
    }

    fn doubts(&self, pattern: &Pattern) -> Vec<String> {
        let local = self.users.sender_localpart;
        let beside = self.id(&format!("{local}x"));
        let ghost = |server: &str| format!("@{local}_m:{server}");
        let mut doubts = Vec::new();
        if pattern.matches(&beside) {
            doubts.push(format!("also matches {beside}, which is no machine's"));
        }
        if pattern.matches(&ghost("elsewhere.example.net")) {
            doubts.push("matches users of every homeserver".to_owned());
            return doubts;
        }
        let undotted = self.server_name.replace('.', "x");
        if undotted != self.server_name && pattern.matches(&ghost(&undotted)) {
            doubts.push("has dots that match any character, for want of a backslash".to_owned());
        }
        if pattern.matches(&ghost(&format!("{}.example.net", self.server_name))) {
            doubts.push("is not anchored: it has no $ at its end".to_owned());
        }
        doubts
    }

    fn right(&self) -> String {
        let pattern = pattern::of_ghosts(self.users.sender_localpart, self.server_name);
        format!("write '{}', in these quotes", shown::short(&pattern))
    }
}
