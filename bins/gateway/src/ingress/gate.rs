//! What is decided by a request's line and headers, before anything of its body is read.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::body::{Body as _, Incoming};
use hyper::header::CONTENT_ENCODING;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use meshhook_config::Networks;
use meshhook_engine::Source;
use meshhook_verify::{Refusal, Scheme, Unverified, Verifier};

use super::client_address::client_address;
use super::headers::Lines;
use crate::problem::{self, Problem};

/// A source's hook.
pub(crate) struct Hook {
    /// The source, as the engine knows it.
    pub(crate) source: Arc<Source>,
    /// The names of its keys, as gateway.toml has them.
    pub(crate) keys: Vec<String>,
    /// Where it may be posted from; empty: anywhere.
    pub(crate) allow_from: Networks,
}

/// The hooks, and what holds for all of them.
pub(crate) struct Gate {
    /// The path of all hooks.
    pub(crate) path: String,
    /// The longest body, in bytes.
    pub(crate) max_body: usize,
    /// Who is believed about whom it forwards for.
    pub(crate) trusted: Networks,
    /// The hooks.
    pub(crate) hooks: Vec<Arc<Hook>>,
    /// A verifier for each scheme in use, with a key that nobody has.
    pub(crate) decoys: Vec<Verifier>,
}

/// Whose a request claims to be, and the token in its path.
pub(crate) struct Claim {
    /// The gate that it came to: it goes by that one to its end.
    pub(crate) gate: Arc<Gate>,
    pub(crate) whose: Whose,
    pub(crate) token: Option<String>,
}

/// Whose a request claims to be.
pub(crate) enum Whose {
    /// That source's.
    Hook(Arc<Hook>),
    /// Nobody's who is let in, for a reason that only the log is told. It is read and verified all the same, in vain:
    /// neither the answer nor its time tells which sources there are and from where they post.
    Nobody(Stranger),
}

/// Why a request is nobody's who is let in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stranger {
    UnknownSource,
    NoOneSource,
    Address,
}

impl Stranger {
    /// The word for the log and the metrics.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::UnknownSource => "unknown_source",
            Self::NoOneSource => "no_one_source",
            Self::Address => "address",
        }
    }

    /// For the log.
    pub(crate) const fn why(self) -> &'static str {
        match self {
            Self::UnknownSource => "no source has the name in the path",
            Self::NoOneSource => "its headers fit no source, or several: post to the path of one",
            Self::Address => {
                "its address is not in allow_from, or no trusted proxy tells it in X-Forwarded-For"
            }
        }
    }
}

/// What stands in a hook's path.
struct Target<'p> {
    /// The source's name; none in the path of all hooks.
    source: Option<&'p str>,
    token: Option<&'p str>,
}

impl Gate {
    /// Whose address it is.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        client_address(peer, headers, |address| self.trusted.contains(address))
    }

    /// The source that a path names, whoever asks.
    pub(crate) fn named(&self, path: &str) -> Option<&Arc<Hook>> {
        self.target(path)?.source.and_then(|name| self.by_name(name))
    }

    /// Checks line and headers.
    ///
    /// A request without the headers of any scheme in use is refused here, and its body never kept.
    pub(crate) fn claim(
        self: &Arc<Self>,
        parts: &Parts,
        body: &Incoming,
        client: Option<IpAddr>,
    ) -> Result<Claim, Problem> {
        let Target { source, token } = self.target(parts.uri.path()).ok_or_else(no_hook)?;
        if parts.method != Method::POST {
            return Err(Problem::method("POST"));
        }
        if body.size_hint().lower() > self.max_body as u64 {
            return Err(Problem::too_large());
        }
        if is_coded(&parts.headers) {
            let detail = "A signature covers the bytes as they are sent, so they cannot be compressed.";
            return Err(Problem::new(&problem::UNSUPPORTED, detail, "content_encoding"));
        }
        let lines = Lines { headers: &parts.headers, token };
        if !self.decoys.iter().any(|decoy| decoy.applies_to(&lines)) {
            return Err(self.unsigned(source));
        }
        let whose = self.hook(source, &lines, client);
        Ok(Claim { gate: Arc::clone(self), whose, token: token.map(str::to_owned) })
    }

    /// What a hook's path says; nothing of any other path. A token is looked for only where a source has one there.
    fn target<'p>(&self, path: &'p str) -> Option<Target<'p>> {
        let rest = path.strip_prefix(&self.path)?;
        if rest.is_empty() {
            return Some(Target { source: None, token: None });
        }
        let rest = rest.strip_prefix('/')?;
        let (source, token) = match rest.split_once('/') {
            Some((source, token)) if self.decoys.iter().any(|d| d.scheme() == Scheme::PathToken) => {
                (source, Some(token))
            }
            _ => (rest, None),
        };
        let whole = |part: &str| !part.is_empty() && !part.contains('/');
        (whole(source) && token.is_none_or(whole)).then_some(Target { source: Some(source), token })
    }

    fn hook(&self, name: Option<&str>, lines: &Lines<'_>, client: Option<IpAddr>) -> Whose {
        let found = match name {
            Some(name) => self.by_name(name).ok_or(Stranger::UnknownSource),
            None => self.only_fitting(lines).ok_or(Stranger::NoOneSource),
        };
        match found {
            Ok(hook) if hook.lets_in(client) => Whose::Hook(Arc::clone(hook)),
            Ok(_) => Whose::Nobody(Stranger::Address),
            Err(reason) => Whose::Nobody(reason),
        }
    }

    /// The sources' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.hooks.iter().map(|hook| &*hook.source.name)
    }

    /// The hook of that source.
    pub(crate) fn by_name(&self, name: &str) -> Option<&Arc<Hook>> {
        self.hooks.iter().find(|hook| hook.source.name == name)
    }

    /// Nothing proves whose it is. The reason is the first thing to be mended: under a name that is nobody's a signature
    /// would not help.
    fn unsigned(&self, name: Option<&str>) -> Problem {
        let unknown = Stranger::UnknownSource;
        match name {
            Some(name) if self.by_name(name).is_none() => Problem::unauthorized(unknown.code())
                .because(format!("{}, and nothing is signed", unknown.why())),
            _ => Problem::unauthorized("unsigned"),
        }
    }

    fn only_fitting(&self, lines: &Lines<'_>) -> Option<&Arc<Hook>> {
        let mut fitting = self.hooks.iter().filter(|hook| hook.source.verifier.applies_to(lines));
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// As much work as verifying: a key that nobody has fits nothing. Whether there was any: headers that are not
    /// well-formed in any scheme in use cost none, whoever's they are.
    pub(crate) fn work_in_vain(&self, lines: &Lines<'_>, body: &[u8], now: i64) -> bool {
        let works = |decoy| Unverified::new(body).verify(decoy, lines, now).is_err_and(has_hashed);
        self.decoys.iter().any(works)
    }
}

impl Hook {
    fn lets_in(&self, client: Option<IpAddr>) -> bool {
        self.allow_from.is_empty() || client.is_some_and(|address| self.allow_from.contains(address))
    }
}

/// Whether a body was hashed before it was refused.
pub(super) const fn has_hashed(why: Refusal) -> bool {
    matches!(
        why,
        Refusal::SignatureMismatch | Refusal::DigestMismatch | Refusal::Stale { .. } | Refusal::Future { .. }
    )
}

fn no_hook() -> Problem {
    Problem::new(&problem::NOT_FOUND, "This path is no hook.", "no_hook")
}

/// Whether there is a coding: "identity" is none, and neither is an empty element of the list.
fn is_coded(headers: &HeaderMap) -> bool {
    let codings =
        headers.get_all(CONTENT_ENCODING).iter().flat_map(|line| line.as_bytes().split(|&b| b == b','));
    codings
        .map(<[u8]>::trim_ascii)
        .any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
mod tests {
    use meshhook_verify::Key;

    use super::*;

    const GITHUB: (&str, &str) =
        ("x-hub-signature-256", "sha256=0000000000000000000000000000000000000000000000000000000000000000");
    const STANDARD: [(&str, &str); 3] = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", "1"),
        ("webhook-signature", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ];

    fn gate(schemes: &[Scheme]) -> Gate {
        let decoy = |scheme: &Scheme| {
            let secret = b"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA==";
            let secret = if *scheme == Scheme::PathToken { &secret[..40] } else { &secret[..] };
            let key = Key::new(*scheme, "test", secret).unwrap();
            Verifier::new(*scheme, vec![key]).unwrap().decoy(1, || [7; 32])
        };
        Gate {
            path: "/hooks".to_owned(),
            max_body: 1,
            trusted: Networks::default(),
            hooks: Vec::new(),
            decoys: schemes.iter().map(decoy).collect(),
        }
    }

    fn works(lines: &[(&'static str, &str)]) -> bool {
        let gate = gate(&[Scheme::Github, Scheme::StandardWebhooks]);
        let headers = lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        gate.work_in_vain(&Lines { headers: &headers.collect(), token: None }, b"{}", 1)
    }

    #[test]
    fn a_scheme_whose_headers_are_well_formed_costs_work_whatever_the_others_are() {
        let [id, time, signature] = STANDARD;
        let (no_github, no_standard) = ((GITHUB.0, "sha256=0"), (signature.0, "v1,A"));
        assert!(works(&[GITHUB]) && works(&STANDARD));
        assert!(works(&[no_github, id, time, signature]));
        assert!(works(&[GITHUB, id, time, no_standard]));
        for lines in [&[][..], &[no_github], &[id, time], &[no_github, id, time, no_standard]] {
            assert!(!works(lines), "{lines:?}");
        }
    }
    #[test]
    fn a_token_is_looked_for_in_a_path_only_where_a_source_has_one() {
        let (with, without) = (gate(&[Scheme::Github, Scheme::PathToken]), gate(&[Scheme::Github]));
        let target = |gate: &Gate, path: &str| {
            let target = gate.target(path)?;
            Some((target.source.map(str::to_owned), target.token.map(str::to_owned)))
        };
        let of =
            |source: &str, token: Option<&str>| Some((Some(source.to_owned()), token.map(str::to_owned)));
        for gate in [&with, &without] {
            assert_eq!(target(gate, "/hooks"), Some((None, None)));
            assert_eq!(target(gate, "/hooks/xcode"), of("xcode", None));
            for none in
                ["/hooks/", "/hook", "/hooksxcode", "/hooks//", "/hooks/xcode/", "/hooks/a/b/c", "/hooks//t"]
            {
                assert_eq!(target(gate, none), None, "{none}");
            }
        }
        assert_eq!(target(&with, "/hooks/xcode/t0ken"), of("xcode", Some("t0ken")));
        assert_eq!(target(&without, "/hooks/xcode/t0ken"), None);
    }
}
