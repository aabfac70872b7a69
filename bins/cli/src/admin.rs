//! The gateway's admin listener.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use meshhook_config::{admin_door, config_root, read_token};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use ureq::Agent;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE};
use ureq::http::{HeaderValue, Request};

use crate::failure::{self, Exit, Failure};
use crate::http::{self, Answer};

const NOT_ADMIN: &str = "--admin-url or MESHHOOK_ADMIN_URL has to be the gateway's admin_listen";

/// Where a gateway listens whose gateway.toml says nothing else.
const DEFAULT_URL: &str = "http://127.0.0.1:8788";

/// Where the admin listener is, and its token.
#[derive(Args)]
pub(crate) struct AdminArgs {
    /// The admin listener's address [default: admin_listen in gateway.toml, else http://127.0.0.1:8788]
    #[arg(long, value_name = "URL", env = "MESHHOOK_ADMIN_URL", hide_env_values = true)]
    admin_url: Option<String>,
    /// The admin token's file [default: as gateway.toml says, else admin-token beside the store]
    #[arg(long, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,
    /// Where gateway.toml lies [default: $OPENCLAW_CONFIG_ROOT, else /etc/meshhook]
    #[arg(long, value_name = "DIR")]
    config_root: Option<PathBuf>,
}

/// The admin listener, with the right to ask it.
pub(crate) struct Admin {
    agent: Agent,
    url: String,
    authorization: HeaderValue,
}

impl AdminArgs {
    /// Where gateway.toml lies, where that is said.
    pub(crate) fn config_root(&self) -> Option<&Path> {
        self.config_root.as_deref()
    }

    /// What `/readyz` says, which is open to everybody: 503 has the same body.
    pub(crate) fn readiness(&self) -> Result<Value, Failure> {
        let url = url(self.admin_url.as_deref(), &self.root());
        let request = Request::get(format!("{}/readyz", http::address(&url)?)).body(());
        let answer = http::run(&http::agent(), request.map_err(|_| unsendable())?)?;
        let told = matches!(answer.status, 200 | 503) && answer.json["ready"].is_boolean();
        if told { Ok(answer.json) } else { taken(Answer { json: Value::Null, ..answer }) }
    }

    /// Finds the token.
    pub(crate) fn open(&self) -> Result<Admin, Failure> {
        let url = url(self.admin_url.as_deref(), &self.root());
        let url = http::address(&url)?;
        if !http::is_private(url) {
            let hint = "use https, or a tunnel: ssh -L 8788:127.0.0.1:8788 and the gateway's machine";
            return Err(Failure::new(
                Exit::Usage,
                "over http the admin token could be read on the way",
                hint,
            ));
        }
        let token = token(&self.token_file()?)?;
        Ok(Admin { agent: http::agent(), url: url.to_owned(), authorization: bearer(&token) })
    }

    fn root(&self) -> PathBuf {
        config_root(self.config_root.as_deref())
    }

    fn token_file(&self) -> Result<PathBuf, Failure> {
        if let Some(file) = &self.admin_token_file {
            return Ok(file.clone());
        }
        admin_door(&self.root())?.token_file.ok_or_else(|| {
            let hint = "name an admin_token_file in [server] of gateway.toml";
            Failure::new(
                Exit::Configuration,
                "a gateway with its store in memory has no admin token of its own",
                hint,
            )
        })
    }
}

/// The admin listener's address: the one named, else as gateway.toml says.
pub(crate) fn url(named: Option<&str>, root: &Path) -> String {
    let told = || {
        // Whoever may not read gateway.toml, or has none here, may have the token by a file of its own.
        admin_door(root).map_or_else(|_| DEFAULT_URL.to_owned(), |door| format!("http://{}", door.asked_at()))
    };
    named.map_or_else(told, ToOwned::to_owned)
}

fn token(file: &Path) -> Result<SecretString, Failure> {
    read_token(file).map_err(|fault| {
        let refused = File::open(file).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
        if !refused {
            return fault.into();
        }
        let hint = "run as the gateway's user, or give --admin-token-file a copy that you may read";
        Failure::new(Exit::Configuration, failure::place(&fault), hint)
    })
}

fn bearer(token: &SecretString) -> HeaderValue {
    let value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()));
    let mut value = value.expect("read_token takes nothing but visible ASCII");
    value.set_sensitive(true);
    value
}

impl Admin {
    /// GET `path`, with its query.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        let request = Request::get(self.url(path)).header(AUTHORIZATION, &self.authorization).body(());
        taken(http::run(&self.agent, request.map_err(|_| unsendable())?)?)
    }

    /// GET `path`, which answers with a list.
    pub(crate) fn get_list(&self, path: &str) -> Result<Value, Failure> {
        let request = Request::get(self.url(path)).header(AUTHORIZATION, &self.authorization).body(());
        let answer = http::run(&self.agent, request.map_err(|_| unsendable())?)?;
        if answer.status == 200 && answer.json.is_array() { Ok(answer.json) } else { taken(answer) }
    }

    /// GET `path`, whose answer may take so long.
    pub(crate) fn get_within(&self, path: &str, patience: Duration) -> Result<Value, Failure> {
        let request = Request::get(self.url(path)).header(AUTHORIZATION, &self.authorization).body(());
        let request = self.agent.configure_request(request.map_err(|_| unsendable())?);
        taken(http::run(&self.agent, request.timeout_global(Some(patience)).build())?)
    }

    /// POST `body` as JSON to `path`.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = Request::post(self.url(path))
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        taken(http::run(&self.agent, request.map_err(|_| unsendable())?)?)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

fn taken(answer: Answer) -> Result<Value, Failure> {
    match answer.status {
        200 if answer.json.is_object() => Ok(answer.json),
        200 => {
            Err(Failure::new(Exit::Unreachable, "what answered is no gateway's admin listener", NOT_ADMIN))
        }
        404 if answer.text("detail").is_some_and(|detail| detail.contains("no delivery")) => {
            Err(answer.refusal_with("copy the id from `meshhook deliveries list`"))
        }
        404 => Err(answer.refusal_with(NOT_ADMIN)),
        _ => Err(answer.refusal()),
    }
}

fn unsendable() -> Failure {
    Failure::new(Exit::Usage, "such an id cannot be asked for", "copy it from meshhook deliveries list")
}
