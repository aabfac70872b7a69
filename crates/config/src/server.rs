//! `[server]`: where the gateway listens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::document::{Placed, Section, Value};
use crate::fault::Wrong;
use crate::network::{Networks, network};
use crate::shared::Secrets;
use crate::value::{text, whole};

/// The bytes of bodies that may be in flight together, so also the most of one.
const MAX_BODY: u32 = 64 << 20;
const DEFAULT_BODY: u32 = 4 << 20;
const LONGEST_PATH: usize = 256;

/// `[server]`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Server {
    /// Where CI systems post.
    pub listen: SocketAddr,
    /// The path they post to, without the source's name; begins with a slash and does not end with one.
    pub path: String,
    /// Where the operator asks.
    pub admin_listen: SocketAddr,
    /// The file with the admin token, where one is named; see [`crate::Config::admin_token_path`].
    pub admin_token_file: Option<PathBuf>,
    /// Names, besides those of loopback, under which the admin listener answers; lower case, without port.
    pub admin_hosts: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Networks,
    /// The largest body, in bytes.
    pub max_body_bytes: u32,
}

pub(crate) fn read(mut section: Section<'_>, secrets: &Secrets<'_>) -> Server {
    let server = Server {
        listen: section.get("listen", socket).unwrap_or(loopback(8787)),
        path: section.get("path", path).unwrap_or_else(|| "/hooks/matrix/build-status".to_owned()),
        admin_listen: admin_listen(&mut section),
        admin_token_file: section.token("admin_token_file", "[server]", secrets).map(|named| named.path),
        admin_hosts: section.values("admin_hosts", host).unwrap_or_default(),
        trusted_proxies: trusted(&mut section),
        max_body_bytes: section
            .get("max_body_bytes", |value| whole(value, 1024, MAX_BODY))
            .unwrap_or(DEFAULT_BODY),
    };
    if collide(server.listen, server.admin_listen) {
        let hint = "give admin_listen a port of its own; its default is 127.0.0.1:8788";
        let message = "listen and admin_listen are the same address; 0.0.0.0 and [::] are every one";
        section.fault(Wrong::new(message, hint));
    }
    section.finish();
    server
}

pub(crate) fn admin_listen(section: &mut Section<'_>) -> SocketAddr {
    let Some(Placed { value, span }) = section.placed("admin_listen", socket) else { return loopback(8788) };
    if !value.ip().to_canonical().is_loopback() {
        let hint =
            "keep it on loopback and tunnel to it; or put TLS before it and name its host in admin_hosts";
        let wrong = Wrong::new("the admin token goes over the network in clear text", hint);
        section.warn_at(&span, "admin_listen", wrong);
    }
    value
}

/// Whether both would listen on one port of one address; 0.0.0.0 and :: are every address, port 0 is any free one.
pub(crate) fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let (a, b) = (one.ip(), other.ip());
    one.port() == other.port() && one.port() != 0 && (a == b || a.is_unspecified() || b.is_unspecified())
}

/// The path alone: the file is not opened.
pub(crate) fn admin_token_file(section: &mut Section<'_>, root: &Path) -> Option<PathBuf> {
    section.get("admin_token_file", |value| Ok(root.join(text(value)?)))
}

fn trusted(section: &mut Section<'_>) -> Networks {
    match section.values("trusted_proxies", network) {
        Some(list) => Networks::of(list),
        None => {
            let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
            Networks::of(loopback.map(Into::into))
        }
    }
}

pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

pub(crate) fn socket(value: &Value<'_>) -> Result<SocketAddr, Wrong> {
    text(value)?.parse().map_err(|_| {
        Wrong::new("not an address with port", "write \"127.0.0.1:8787\" or \"[::1]:8787\"; no host names")
    })
}

fn path(value: &Value<'_>) -> Result<String, Wrong> {
    let path = text(value)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    let fits = path.len() <= LONGEST_PATH
        && path.strip_prefix('/').is_some_and(|rest| {
            rest.split('/').all(|part| !matches!(part, "" | "." | "..") && part.bytes().all(plain))
        });
    let hint = "begin with one slash, end without, and use letters, digits, \"-\", \".\", \"_\", \"~\" between: \"/hooks/ci\"";
    if fits { Ok(path.to_owned()) } else { Err(Wrong::new("not a path to post to", hint)) }
}

fn host(value: &Value<'_>) -> Result<String, Wrong> {
    let host = text(value)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let named = !host.is_empty() && host.len() <= 253 && host.bytes().all(plain);
    if named || host.parse::<IpAddr>().is_ok() {
        return Ok(host.to_ascii_lowercase());
    }
    Err(Wrong::new("not a host name", "write the name or address alone, without scheme, port or brackets"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_plain() {
        for (text, fits) in [
            ("/hooks/matrix/build-status", true),
            ("/h", true),
            ("/", false),
            ("", false),
            ("hooks", false),
            ("/hooks/", false),
            ("/a//b", false),
            ("/a/../b", false),
            ("/a?b", false),
            ("/ä", false),
        ] {
            assert_eq!(path(&Value::String(text.into())).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        for (text, fits) in [
            ("Gateway.Example.org", true),
            ("10.0.0.7", true),
            ("fd00::7", true),
            ("http://x", false),
            ("x:80", false),
            ("[fd00::7]", false),
            ("", false),
        ] {
            assert_eq!(host(&Value::String(text.into())).is_ok(), fits, "{text}");
        }
    }
}
