//! What a machine's user is called: reversibly, within what the specification lets a user id have.

use std::fmt::Write as _;

/// The longest user id, in bytes (Matrix specification, "User Identifiers").
const LONGEST: usize = 255;

/// How the users are called that machines speak as.
///
/// A machine's name is written as the specification recommends ("Mapping from other character sets"): UTF-8, of which a
/// capital letter is `_` and the small one, `_` is `__`, and what no user id may have, or `=`, is `=` and two hexadecimal
/// digits. So two machines never share a user, and a user tells its machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GhostNames {
    /// `@buildbot_`
    before: String,
    /// `:example.org`
    after: String,
}

impl GhostNames {
    /// Those of the application service with this user of its own, as `@buildbot:example.org`; `None` where that is no
    /// user id.
    #[must_use]
    pub fn of(sender: &str) -> Option<Self> {
        let (local, server) = sender.strip_prefix('@')?.split_once(':')?;
        let is_one = !local.is_empty() && !server.is_empty();
        is_one.then(|| Self { before: format!("@{local}_"), after: format!(":{server}") })
    }

    /// The user that a machine speaks as; `None` where its name is empty, or too long for a user id.
    #[must_use]
    pub fn user_id(&self, node: &str) -> Option<String> {
        let id = format!("{}{}{}", self.before, encode(node), self.after);
        (!node.is_empty() && id.len() <= LONGEST).then_some(id)
    }

    /// Whose user that is; `None` where it is no machine's.
    #[must_use]
    pub fn node(&self, user_id: &str) -> Option<String> {
        let name = user_id.strip_prefix(&self.before)?.strip_suffix(&self.after)?;
        decode(name).filter(|node| self.user_id(node).as_deref() == Some(user_id))
    }
}

/// What a machine's user is shown as.
#[must_use]
pub fn display_name(node: &str) -> String {
    format!("{node} · build")
}

fn encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'.' | b'/' | b'-' => encoded.push(char::from(byte)),
            b'A'..=b'Z' => encoded.extend(['_', char::from(byte.to_ascii_lowercase())]),
            b'_' => encoded.push_str("__"),
            _ => write!(encoded, "={byte:02x}").expect("a String takes everything"),
        }
    }
    encoded
}

/// Reads what [`encode`] writes; other writings of the same name are for the caller to refuse.
fn decode(encoded: &str) -> Option<String> {
    let mut bytes = encoded.bytes();
    let mut name = Vec::with_capacity(encoded.len());
    while let Some(byte) = bytes.next() {
        name.push(match byte {
            b'_' => bytes.next()?.to_ascii_uppercase(),
            b'=' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names() -> GhostNames {
        GhostNames::of("@buildbot:example.org").unwrap()
    }

    #[test]
    fn odd_names_are_users_of_their_own() {
        for (node, user) in [
            ("mac-03", "@buildbot_mac-03:example.org"),
            ("Mac Mini #3 (Büro)", "@buildbot__mac=20_mini=20=233=20=28_b=c3=bcro=29:example.org"),
            ("a:b", "@buildbot_a=3ab:example.org"),
            ("a_b", "@buildbot_a__b:example.org"),
            ("a=3ab", "@buildbot_a=3d3ab:example.org"),
            ("../../x", "@buildbot_../../x:example.org"),
        ] {
            assert_eq!(names().user_id(node).as_deref(), Some(user));
            assert_eq!(names().node(user).as_deref(), Some(node));
        }
    }

    #[test]
    fn what_makes_no_user_id_is_nobody() {
        assert_eq!(names().user_id(""), None);
        assert_eq!(names().user_id(&"x".repeat(300)), None);
        assert_eq!(names().user_id(&"x".repeat(233)).map(|id| id.len()), Some(LONGEST));
        for sender in ["buildbot:example.org", "@:example.org", "@buildbot", "@buildbot:", ""] {
            assert_eq!(GhostNames::of(sender), None, "{sender}");
        }
    }

    #[test]
    fn nobody_elses_user_is_a_machine() {
        for user in [
            "@buildbot:example.org",
            "@buildbot_:example.org",
            "@buildbot_mac-03:example.com",
            "@otherbot_mac-03:example.org",
            "@buildbot_a=3Ab:example.org",
            "@buildbot_=61:example.org",
            "@buildbot_a_:example.org",
            "@buildbot_=ff:example.org",
            "@buildbot_Mac:example.org",
        ] {
            assert_eq!(names().node(user), None, "{user}");
        }
    }

    proptest! {
        #[test]
        fn a_user_tells_its_machine(node in "\\PC{1,40}") {
            let user = names().user_id(&node);
            prop_assume!(user.is_some());
            let user = user.unwrap();
            prop_assert!(user[1..].bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'=' | b'/' | b'-' | b':')));
            prop_assert_eq!(names().node(&user), Some(node));
        }

        #[test]
        fn no_user_id_is_too_much(user: String) {
            for user in [format!("@buildbot_{user}:example.org"), user] {
                prop_assert!(names().node(&user).is_none_or(|node| names().user_id(&node) == Some(user)));
            }
        }
    }
}
