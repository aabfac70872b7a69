//! Every secret of a configuration: each with one owner, none shared.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use crate::change::Mark;
use crate::document::{Placed, Section, Span, Value};
use crate::fault::Wrong;
use crate::file::{FileError, FileId};
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

impl Named {
    /// What tells its content from another.
    pub(crate) fn mark(&self) -> (String, Mark) {
        (self.name.clone(), Mark::of(&self.secret))
    }
}

impl<'r> Secrets<'r> {
    pub(crate) fn new(root: &'r Path) -> Self {
        Self { root, taken: RefCell::default() }
    }

    /// The folder that names are looked up in.
    pub(crate) fn root(&self) -> &'r Path {
        self.root
    }

    /// Reads the file that `value` names by `read`, for `owner`.
    ///
    /// What names no file is not repeated in the fault: it may be the secret itself.
    fn read(&self, value: &Value<'_>, owner: &str, read: Reader) -> Result<Named, Wrong> {
        let name = text(value)?;
        let path = self.root.join(name);
        let file = read(&path).map_err(|error| named(name, error))?;
        self.take(owner, file.id, &file.secret)?;
        Ok(Named { path, name: name.to_owned(), secret: file.secret })
    }

    fn read_public(&self, value: &Value<'_>) -> Result<Named, Wrong> {
        let name = text(value)?;
        let path = self.root.join(name);
        let secret = secret::public_key(&path).map_err(|error| named(name, error))?;
        Ok(Named { path, name: name.to_owned(), secret })
    }

    pub(crate) fn take(&self, owner: &str, id: FileId, secret: &SecretString) -> Result<(), Wrong> {
        let mut taken = self.taken.borrow_mut();
        let others = || taken.iter().filter(|other| other.owner != owner);
        let hint = "give each its own secret, so that who holds the one cannot speak for the other";
        if let Some(other) = others().find(|other| other.id == id) {
            return Err(Wrong::new(format!("{} uses the same file", other.owner), hint));
        }
        if let Some(other) = others().find(|other| are_one(&other.secret, secret)) {
            return Err(Wrong::new(format!("{} has the same secret in another file", other.owner), hint));
        }
        taken.push(Taken { owner: owner.to_owned(), id, secret: secret.clone() });
        Ok(())
    }
}

/// What is wrong with a file. The name of one that was opened is shown: it is no secret in the place of a name.
pub(crate) fn named(name: &str, error: SecretError) -> Wrong {
    match error {
        SecretError::File(FileError::Missing | FileError::Unreadable(_)) => error.into(),
        error => Wrong::from(error).of(name),
    }
}

/// Whether who holds the one holds the other: as it is written, or as what a scheme makes of it.
fn are_one(one: &SecretString, other: &SecretString) -> bool {
    let (a, b) = (keys(one), keys(other));
    a.iter().any(|key| b.contains(key))
}

/// What schemes take as the key: GitHub's the text, Standard Webhooks' what it is the base64 of. Whoever knows how one
/// secret is written knows the other, so every usual writing of the same bytes counts.
fn keys(secret: &SecretString) -> Vec<Zeroizing<Vec<u8>>> {
    let text = secret.expose_secret();
    let bare = text.strip_prefix("whsec_").unwrap_or(text);
    let mut keys = vec![Zeroizing::new(text.into()), Zeroizing::new(bare.into())];
    let unpadded = bare.trim_end_matches('=');
    let decoded = [Base64Unpadded::decode_vec(unpadded), Base64UrlUnpadded::decode_vec(unpadded)];
    keys.extend(decoded.into_iter().filter_map(Result::ok).chain(hex(bare)).map(Zeroizing::new));
    keys.retain(|key| !key.is_empty());
    keys
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
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

    /// The public keys that the list `key` names. They are nobody's secret, and may be several sources'.
    pub(crate) fn public_keys(&mut self, key: &'static str, secrets: &Secrets<'_>) -> Vec<Placed<Named>> {
        self.filled_list(key, |value| secrets.read_public(value)).unwrap_or_default()
    }

    fn warn_if_short(&self, span: &Span, key: &str, named: &Named) {
        if named.secret.expose_secret().len() < SHORT {
            let hint = "make a long random one: openssl rand -hex 32";
            let message = format!("the secret in {:?} is shorter than {SHORT} bytes", named.name);
            self.warn_at(span, key, Wrong::new(message, hint));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_same_in_every_writing() {
        let text = "0123456789abcdef0123456789abcdef";
        let base64 = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
        let marked = format!("whsec_{base64}");
        for (one, other, same) in [
            (text, text, true),
            (text, base64, true),
            (text, &marked, true),
            (base64, &marked, true),
            (&marked, text, true),
            (text, base64.trim_end_matches('='), true),
            (text, "30313233343536373839616263646566303132333435363738396162636465660", false),
            (text, "3031323334353637383961626364656630313233343536373839616263646566", true),
            (base64, "3031323334353637383961626364656630313233343536373839616263646566", true),
            ("3031323334353637383961626364656630313233343536373839616263646566", &marked, true),
            ("AB3f5a7c", "ab3F5A7C", true),
            ("_-_-_-_-_-_-_-_-", "/+/+/+/+/+/+/+/+", true),
            (text, "whsec_", false),
            ("whsec_", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false),
            (&marked, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false),
        ] {
            assert_eq!(are_one(&one.into(), &other.into()), same, "{one} {other}");
        }
    }
}
