//! A registration out of its file.

mod fields;
mod values;

use super::reach::Users;
use super::{Fault, Namespace, Registration, yaml};

/// The longest text that is read, in bytes.
pub const LONGEST: usize = 64 << 10;

/// What is in a file, as far as it can be read, and what is not right about it.
#[derive(Debug, Clone)]
pub struct Reading {
    registration: Option<Registration>,
    /// The sender's local part and the users' patterns, whatever else is missing.
    users: Option<(String, Vec<Namespace>)>,
    faults: Vec<Fault>,
}

impl Reading {
    /// Every fault that the file shows by itself, in the order of its lines. What follows from the homeserver's name is
    /// told by [`Self::look_at_users`].
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// What stands there, sound or not, for comparing; `None` where something is missing or of another kind.
    #[must_use]
    pub fn registration(&self) -> Option<&Registration> {
        self.registration.as_ref()
    }

    /// The homeserver's name, as far as a pattern of users tells it.
    #[must_use]
    pub fn server_name(&self) -> Option<String> {
        self.users()?.server_name()
    }

    /// What is wrong with the users' patterns on that homeserver, as far as they can be read.
    #[must_use]
    pub fn look_at_users(&self, server_name: &str) -> Vec<Fault> {
        self.users().map(|users| users.look(server_name)).unwrap_or_default()
    }

    fn users(&self) -> Option<Users<'_>> {
        let (sender_localpart, namespaces) = self.users.as_ref()?;
        Some(Users { sender_localpart, namespaces })
    }

    /// What can be worked with, and what is doubtful about it.
    ///
    /// # Errors
    /// All faults, where one of them is wrong.
    pub fn usable(self) -> Result<(Registration, Vec<Fault>), Vec<Fault>> {
        match self.registration {
            Some(registration) if !self.faults.iter().any(Fault::is_wrong) => Ok((registration, self.faults)),
            _ => Err(self.faults),
        }
    }
}

impl Registration {
    /// Reads YAML, and so JSON, as Synapse does, whatever it holds.
    #[must_use]
    pub fn read(text: &str) -> Reading {
        if text.len() > LONGEST {
            let hint = "name the registration's file";
            return nothing(Fault::wrong(None, "this is longer than 64 KiB", hint));
        }
        let (fields::Found { registration, users }, mut faults) = match yaml::read(text) {
            Ok(root) => fields::all(&root),
            Err((why, line)) => return nothing(unreadable(why, line)),
        };
        faults.sort_by_key(|fault| fault.line().unwrap_or(usize::MAX));
        Reading { registration, users, faults }
    }
}

fn nothing(fault: Fault) -> Reading {
    Reading { registration: None, users: None, faults: vec![fault] }
}

fn unreadable(why: yaml::Unreadable, line: Option<usize>) -> Fault {
    use yaml::Unreadable;
    let hint = match why {
        Unreadable::Syntax => {
            "look at its indentation and its quotes; `meshhook registration new` writes a right one"
        }
        Unreadable::Unprintable => "write it as UTF-8 text",
        Unreadable::Tab => "write blanks; JSON that is indented with tabs is no YAML to Synapse",
        Unreadable::Empty => "write one by `meshhook registration new`",
        Unreadable::SecondDocument => "one file is one registration: Synapse does not start with more",
        Unreadable::Tag | Unreadable::Merge => "write out what is meant, without it",
        Unreadable::Key => "write each key as a word",
        Unreadable::TooDeep | Unreadable::TooLong | Unreadable::Circle | Unreadable::Anchor => {
            "write it out, without anchors and aliases"
        }
    };
    Fault::wrong(line, why.to_string(), hint)
}
