//! Every secret of a configuration: each with one owner, none shared.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::document::{Placed, Section, Span, Value};
use crate::fault::Wrong;
use crate::file::FileId;
use crate::secret::{self, SHORT, SecretError, SecretFile};
use crate::value::text;

/// Reads secrets, and remembers whose they are.
pub(crate) struct Secrets<'r> {
    root: &'r Path,
    taken: RefCell<Vec<Taken>>,
}

struct Taken {
    owner: String,
    id: FileId,
    secret: SecretString,
}

/// How a secret's file is read.
type Reader = fn(&Path) -> Result<SecretFile, SecretError>;

/// A secret and the file that it stands in.
pub(crate) struct Named {
    pub(crate) path: PathBuf,
    /// The file's name as gateway.toml has it.
    pub(crate) name: String,
    pub(crate) secret: SecretString,
}

impl<'r> Secrets<'r> {
    pub(crate) fn new(root: &'r Path) -> Self {
        Self { root, taken: RefCell::default() }
    }

    /// Reads the file that `value` names by `read`, for `owner`.
    ///
    /// What names no file is not repeated in the fault: it may be the secret itself.
    fn read(&self, value: &Value<'_>, owner: &str, read: Reader) -> Result<Named, Wrong> {
        let name = text(value)?;
        let path = self.root.join(name);
        let file = read(&path)?;
        self.take(owner, file.id, &file.secret)?;
        Ok(Named { path, name: name.to_owned(), secret: file.secret })
    }

    fn take(&self, owner: &str, id: FileId, secret: &SecretString) -> Result<(), Wrong> {
        let mut taken = self.taken.borrow_mut();
        let others = || taken.iter().filter(|other| other.owner != owner);
        let hint = "give each its own secret, so that who holds the one cannot speak for the other";
        if let Some(other) = others().find(|other| other.id == id) {
            return Err(Wrong::new(format!("{} uses the same file", other.owner), hint));
        }
        if let Some(other) = others().find(|other| bare(&other.secret) == bare(secret)) {
            return Err(Wrong::new(format!("{} has the same secret in another file", other.owner), hint));
        }
        taken.push(Taken { owner: owner.to_owned(), id, secret: secret.clone() });
        Ok(())
    }
}

/// The secret without the mark that Standard Webhooks' may begin with.
fn bare(secret: &SecretString) -> &str {
    let secret = secret.expose_secret();
    secret.strip_prefix("whsec_").unwrap_or(secret)
}

impl Section<'_> {
    /// The token that `key` names.
    pub(crate) fn token(&mut self, key: &'static str, owner: &str, secrets: &Secrets<'_>) -> Option<Named> {
        let placed = self.placed(key, |value| secrets.read(value, owner, secret::token))?;
        self.warn_if_short(&placed.span, key, &placed.value);
        Some(placed.value)
    }

    /// The secrets that the list `key` names.
    pub(crate) fn secrets(
        &mut self,
        key: &'static str,
        owner: &str,
        secrets: &Secrets<'_>,
    ) -> Vec<Placed<Named>> {
        let list =
            self.filled_list(key, |value| secrets.read(value, owner, secret::read)).unwrap_or_default();
        for Placed { value, span } in &list {
            self.warn_if_short(span, key, value);
        }
        list
    }

    fn warn_if_short(&self, span: &Span, key: &str, named: &Named) {
        if named.secret.expose_secret().len() < SHORT {
            let hint = "make a long random one: openssl rand -hex 32";
            let message = format!("the secret in {:?} is shorter than {SHORT} bytes", named.name);
            self.warn_at(span, key, Wrong::new(message, hint));
        }
    }
}
