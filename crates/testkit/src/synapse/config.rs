//! Synapse's files: homeserver.yaml, written as JSON, which is YAML too.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::Service;

/// Constant, because a template database is tied to it.
pub(super) const SERVER_NAME: &str = "rig.localhost";
pub(super) const SHARED_SECRET: &str = "shared-secret-of-tests";
pub(super) const DATABASE: &str = "homeserver.db";
/// A key for tests only, inline, so that no step has to make one.
const SIGNING_KEY: &str = "ed25519 a_test 1OPd5JVxXdcRp5nqqO3L8lMbAEFBHtLdJqvnYBnD6Zs";

/// How often Synapse lets its users do things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limits {
    /// Never a 429.
    Relaxed,
    /// Synapse's own defaults: 0.2 messages a second after a burst of 10, and so on.
    Default,
}

/// Writes homeserver.yaml and its logging configuration; with a second port for TLS, if any.
pub(super) fn write(dir: &Path, port: u16, tls_port: Option<u16>, limits: Limits) {
    let mut homeserver = homeserver(dir, port, limits);
    if let Some(tls_port) = tls_port {
        let mut listener = homeserver["listeners"][0].clone();
        (listener["port"], listener["tls"]) = (tls_port.into(), true.into());
        homeserver["listeners"].as_array_mut().expect("an array, see below").push(listener);
        homeserver["tls_certificate_path"] = json!(dir.join("server.pem"));
        homeserver["tls_private_key_path"] = json!(dir.join("server.key"));
    }
    write_json(&dir.join("homeserver.yaml"), &homeserver);
    write_json(&dir.join("log.yaml"), &logging(dir));
}

/// Writes an application service's registration, and that there is one into homeserver.yaml.
pub(super) fn write_service(dir: &Path, service: &Service) {
    let registration = dir.join("registration.yaml");
    write_json(&registration, service.registration());
    name_registration(dir, &registration);
}

/// Writes into homeserver.yaml where the registration of its one application service is.
pub(super) fn name_registration(dir: &Path, registration: &Path) {
    let homeserver = dir.join("homeserver.yaml");
    let written = fs::read(&homeserver).expect("written before");
    let mut config: Value = serde_json::from_slice(&written).expect("written as JSON");
    config["app_service_config_files"] = json!([registration]);
    write_json(&homeserver, &config);
}

fn write_json(path: &Path, value: &Value) {
    fs::write(path, value.to_string()).expect("a file in our temporary folder can be written");
}

fn homeserver(dir: &Path, port: u16, limits: Limits) -> Value {
    let mut config = json!({
        "server_name": SERVER_NAME,
        "public_baseurl": format!("http://127.0.0.1:{port}/"),
        "report_stats": false,
        "signing_key": SIGNING_KEY,
        "trusted_key_servers": [],
        "suppress_key_server_warning": true,
        "federation_domain_whitelist": [],
        "listeners": [{
            "type": "http", "port": port, "bind_addresses": ["127.0.0.1"], "tls": false, "x_forwarded": false,
            "resources": [{ "names": ["client"], "compress": false }],
        }],
        "database": { "name": "sqlite3", "args": { "database": dir.join(DATABASE) } },
        "media_store_path": dir.join("media"),
        "log_config": dir.join("log.yaml"),
        "pid_file": dir.join("homeserver.pid"),
        "macaroon_secret_key": "macaroons-of-tests",
        "form_secret": "forms-of-tests",
        "registration_shared_secret": SHARED_SECRET,
        // Its default of 12 costs 0.2 s a registration or login.
        "bcrypt_rounds": 4,
        "presence": { "enabled": false },
        // Its default of two minutes answers a repeated GET /sync without `since` from memory.
        "caches": { "sync_response_cache_duration": "0s" },
    });
    if limits == Limits::Relaxed {
        config.as_object_mut().expect("an object, see above").append(&mut relaxed());
    }
    config
}

fn relaxed() -> Map<String, Value> {
    let free = || json!({ "per_second": 10_000, "burst_count": 10_000 });
    let mut limits = Map::new();
    for name in
        ["rc_message", "rc_registration", "rc_joins_per_room", "rc_room_creation", "rc_admin_redaction"]
    {
        limits.insert(name.into(), free());
    }
    for (name, parts) in [
        ("rc_login", ["address", "account", "failed_attempts"].as_slice()),
        ("rc_joins", &["local", "remote"]),
        ("rc_invites", &["per_room", "per_user", "per_issuer"]),
    ] {
        limits.insert(name.into(), parts.iter().map(|part| (*part, free())).collect());
    }
    limits
}

fn logging(dir: &Path) -> Value {
    json!({
        "version": 1,
        "disable_existing_loggers": false,
        "formatters": { "line": { "format": "%(asctime)s %(levelname)s %(name)s %(request)s %(message)s" } },
        "handlers": {
            "file": {
                "class": "logging.FileHandler", "formatter": "line", "filename": dir.join("synapse.log"),
            },
        },
        "root": { "level": "INFO", "handlers": ["file"] },
    })
}
