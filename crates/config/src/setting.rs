//! Single values, checked as where they stand in gateway.toml: for whoever asks somebody for one.

use meshhook_model::Glob;

use crate::document::Value;
use crate::fault::Wrong;
use crate::{matrix, network, only, scheme, server, source, storage, value};

/// A value that can be checked alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setting {
    /// `[matrix] homeserver`.
    Homeserver,
    /// `[matrix] room`.
    Room,
    /// `[[source]] provider`.
    Provider,
    /// `[server] listen` or `admin_listen`.
    Listen,
    /// `[store] url`; whether it lies below the config root is not looked at.
    StoreUrl,
    /// `[[source]] name`.
    SourceName,
    /// One of `[[source]] allow_from`.
    Network,
    /// One of `[[source]] only.repos`, with its owner in full.
    OwnRepository,
}

/// Why a value does not do; the value is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SettingError {
    message: String,
    hint: String,
}

impl SettingError {
    /// What to write instead, in one line.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl From<Wrong> for SettingError {
    fn from(Wrong { message, hint, .. }: Wrong) -> Self {
        Self { message, hint }
    }
}

impl Setting {
    /// Checks `text` as the value.
    ///
    /// # Errors
    /// What the parser would say of it.
    pub fn check(self, text: &str) -> Result<(), SettingError> {
        let value = Value::String(text.into());
        match self {
            Self::Homeserver => matrix::homeserver(&value).map(drop),
            Self::Room => matrix::room(&value).map(drop),
            Self::Provider => source::provider(&value).map(drop),
            Self::Listen => server::socket(&value).map(drop),
            Self::StoreUrl => storage::store_url(&value).map(drop),
            Self::SourceName => value::name(&value).map(drop),
            Self::Network => network::network(&value).map(drop),
            Self::OwnRepository => only::glob(&value).and_then(own),
        }
        .map_err(Into::into)
    }
}

fn own(glob: Glob) -> Result<(), Wrong> {
    if scheme::names_its_owner(&glob) {
        return Ok(());
    }
    Err(Wrong::new(
        format!("{glob} fits strangers"),
        "name the owner in full, like \"acme/rocket\" or \"acme/*\"",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_the_parser_takes() {
        for (setting, good, bad) in [
            (Setting::Homeserver, "https://matrix.example.org", "matrix.example.org"),
            (Setting::Room, "!abcdef", "#builds:example.org"),
            (Setting::Provider, "generic", "woodpecker"),
            (Setting::Listen, "127.0.0.1:9000", "9000"),
            (Setting::StoreUrl, "sqlite:/var/lib/a.db", "/var/lib/a.db"),
            (Setting::SourceName, "github", "Git Hub"),
            (Setting::Network, "192.0.2.0/24", "192.0.2.1"),
            (Setting::OwnRepository, "acme/*", "*/rocket"),
        ] {
            assert_eq!(setting.check(good), Ok(()), "{setting:?}");
            let error = setting.check(bad).unwrap_err();
            assert!(!error.to_string().is_empty() && !error.hint().is_empty(), "{setting:?}");
        }
    }
}
