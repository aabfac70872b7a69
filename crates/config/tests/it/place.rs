//! A config root of its own for each test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use meshhook_config::{Config, Loaded};

pub(crate) const TOKEN: &str = "syt_Ym90_tokenOfTheBotItself_0a1b2c";
pub(crate) const GITHUB: &str = "github-7d38cdd689735b008b3c702edd92eea2";
pub(crate) const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const GITLAB: &str = "whsec_Z2l0bGFiIHNpZ25zIGJ5IHRoaXMgdG9rZW4gaGVyZSE=";

/// An authority made for this test; nobody has its key.
pub(crate) const CA: &str = include_str!("ca.pem");

pub(crate) const SMALLEST: &str = r#"
[matrix]
homeserver = "https://matrix.example.org"
room = "!abcdef"
access_token_file = "matrix-token"

[[source]]
name = "github"
provider = "github"
secret_files = ["github-secret"]
"#;

pub(crate) const AS_TOKEN: &str = "as-0f1e2d3c4b5a69788796a5b4c3d2e1f0";
pub(crate) const HS_TOKEN: &str = "hs-f0e1d2c3b4a5968778695a4b3c2d1e0f";

/// A registration as `meshhook registration new` makes one.
pub(crate) const REGISTRATION: &str = r#"{
  "id": "meshhook",
  "url": "http://127.0.0.1:8789",
  "as_token": "as-0f1e2d3c4b5a69788796a5b4c3d2e1f0",
  "hs_token": "hs-f0e1d2c3b4a5968778695a4b3c2d1e0f",
  "sender_localpart": "buildbot",
  "rate_limited": false,
  "namespaces": {
    "users": [{ "exclusive": true, "regex": "^@buildbot(_[a-z0-9._=/-]+)?:example\\.org$" }],
    "aliases": [],
    "rooms": []
  }
}
"#;

/// [`SMALLEST`] for an application service.
pub(crate) const SERVICE: &str = r#"
[matrix]
homeserver = "https://matrix.example.org"
room = "!abcdef"
mode = "appservice"

[appservice]
registration_file = "registration.yaml"

[[source]]
name = "github"
provider = "github"
secret_files = ["github-secret"]
"#;

pub(crate) struct Place(tempfile::TempDir);

impl Place {
    /// A root with secrets, and no gateway.toml yet.
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write("matrix-token", format!("{TOKEN}\n"), 0o440);
        place.write("github-secret", GITHUB, 0o400);
        place.write("standard-secret", STANDARD, 0o400);
        place.write("registration.yaml", REGISTRATION, 0o440);
        place.write("ca.pem", CA, 0o444);
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) {
        let path = self.at(name);
        let _ = fs::remove_file(&path);
        fs::write(&path, content).unwrap();
        self.chmod(name, mode);
    }

    pub(crate) fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn load(&self, toml: &str) -> Loaded {
        self.write("gateway.toml", toml, 0o644);
        Config::load(self.path()).unwrap()
    }

    /// Faults or warnings as an operator reads them, `ROOT` for the folder.
    pub(crate) fn printed(&self, toml: &str) -> String {
        self.write("gateway.toml", toml, 0o644);
        self.reload()
    }

    pub(crate) fn reload(&self) -> String {
        let text = match Config::load(self.path()) {
            Ok(loaded) if loaded.warnings.is_empty() => "fine".to_owned(),
            Ok(loaded) => loaded.warnings.iter().map(|w| format!("warning: {w}\n")).collect(),
            Err(faults) => faults.iter().map(|fault| format!("error: {fault}\n")).collect(),
        };
        for secret in [TOKEN, GITHUB, STANDARD, AS_TOKEN, HS_TOKEN] {
            assert!(!text.contains(secret), "{text}");
        }
        text.replace(&self.path().display().to_string(), "ROOT")
    }
}
