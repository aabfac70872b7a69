//! Secrets that stand in files of their own.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::fault::{Fault, Wrong};
use crate::file::{self, FileError, FileId, Limits};

/// The longest secret file, in bytes.
const LIMIT: usize = 4096;
/// Secrets shorter than this, in bytes, are warned about.
pub(crate) const SHORT: usize = 16;

const LIMITS: Limits = Limits { forbidden: file::SECRET, bytes: LIMIT };

pub(crate) struct SecretFile {
    pub(crate) secret: SecretString,
    pub(crate) id: FileId,
}

/// Why a file holds no usable secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("it is empty")]
    Empty,
    #[error("blanks or control characters stand inside it")]
    Blank,
    #[error("other signs than those of ASCII stand in it")]
    NotAscii,
}

impl SecretError {
    fn hint(self) -> &'static str {
        match self {
            Self::File(error) => error.hint(),
            Self::Empty => "put the secret into it, on one line",
            Self::Blank => "the secret is one word on one line; a line end after it is fine",
            Self::NotAscii => "a token goes into an HTTP header: put it there as it was issued",
        }
    }
}

impl From<SecretError> for Wrong {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::File(error) => error.into(),
            error => Self::new(error.to_string(), error.hint()),
        }
    }
}

/// Reads an access or admin token from its file, by the same rules as at the start; for use while the gateway runs.
///
/// # Errors
/// What is wrong with the file or its content.
pub fn read_token(path: &Path) -> Result<SecretString, Fault> {
    token(path).map(|file| file.secret).map_err(|error| Fault::new(path, None, error.into()))
}

/// Whether a secret may be written at `path`, where nothing need be yet: by the rules of the start, others may write
/// neither its folder nor, where it is a link, the one that it leads to.
///
/// # Errors
/// Which folder's rule is broken, as [`read_token`] would say it afterwards.
pub fn check_secret_place(path: &Path) -> Result<(), Fault> {
    file::check_place_to_be(path).map_err(|error| Fault::new(path, None, SecretError::from(error).into()))
}

pub(crate) fn read(path: &Path) -> Result<SecretFile, SecretError> {
    let content = file::read(path, LIMITS)?;
    file::check_place(path)?;
    let secret = SecretString::from(word(&content.text)?);
    Ok(SecretFile { secret, id: content.id })
}

/// Reads a public key, a PEM of several lines: anybody may read it, but not write it.
pub(crate) fn public_key(path: &Path) -> Result<SecretString, SecretError> {
    let content = file::read(path, Limits { forbidden: file::OTHERS_WRITE, bytes: LIMIT })?;
    file::check_place(path)?;
    if content.text.trim().is_empty() {
        Err(SecretError::Empty)
    } else {
        Ok(SecretString::from(content.text.as_str()))
    }
}

/// Reads a secret that is sent in an HTTP header.
pub(crate) fn token(path: &Path) -> Result<SecretFile, SecretError> {
    let file = read(path)?;
    if file.secret.expose_secret().is_ascii() { Ok(file) } else { Err(SecretError::NotAscii) }
}

fn word(text: &str) -> Result<&str, SecretError> {
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text.is_empty() {
        return Err(SecretError::Empty);
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(SecretError::Blank);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_stripped() {
        for text in ["secret", "secret\n", "secret\r\n"] {
            assert_eq!(word(text), Ok("secret"));
        }
    }

    #[test]
    fn what_is_no_word_says_why() {
        for text in ["", "\n", "\r\n"] {
            assert_eq!(word(text), Err(SecretError::Empty));
        }
        for text in ["a b", " a", "a ", "a\n\n", "a\r", "a\u{a0}b", "a\0", "a\u{2028}b", "\u{1b}"] {
            assert_eq!(word(text), Err(SecretError::Blank), "{text:?}");
        }
    }
}
