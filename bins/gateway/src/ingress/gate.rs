//! What is decided by a request's line and headers, before anything of its body is read.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::body::{Body as _, Incoming};
use hyper::header::CONTENT_ENCODING;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use meshhook_config::Networks;
use meshhook_engine::Source;
use meshhook_verify::{Refusal, Unverified, Verifier};

use super::client_address::client_address;
use super::headers::Lines;
use crate::problem::{self, Problem};

/// A source's hook.
pub(crate) struct Hook {
    /// The source, as the engine knows it.
    pub(crate) source: Arc<Source>,
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

/// Whose a request claims to be.
pub(crate) enum Claim {
    /// That source's.
    Hook(Arc<Hook>),
    /// Nobody's who is let in, for a reason that only the log is told. It is read and verified all the same, in vain:
    /// neither the answer nor its time tells which sources there are and from where they post.
    Nobody(&'static str),
}

impl Gate {
    /// Whose address it is.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        client_address(peer, headers, |address| self.trusted.contains(address))
    }

    /// The source that a path names, whoever asks.
    pub(crate) fn named(&self, path: &str) -> Option<&Arc<Hook>> {
        self.name(path)?.and_then(|name| self.by_name(name))
    }

    /// Checks line and headers.
    ///
    /// A request without the headers of any scheme in use is refused here, and its body never kept.
    pub(crate) fn claim(
        &self,
        parts: &Parts,
        body: &Incoming,
        client: Option<IpAddr>,
    ) -> Result<Claim, Problem> {
        let name = self.name(parts.uri.path()).ok_or_else(no_hook)?;
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
        if !self.decoys.iter().any(|decoy| decoy.applies_to(&Lines(&parts.headers))) {
            return Err(Problem::unauthorized("unsigned"));
        }
        Ok(self.hook(name, &parts.headers, client))
    }

    /// The source's name in a hook's path; none in the path of all hooks; nothing in any other.
    fn name<'p>(&self, path: &'p str) -> Option<Option<&'p str>> {
        match path.strip_prefix(&self.path)? {
            "" => Some(None),
            rest => rest.strip_prefix('/').filter(|name| !name.is_empty() && !name.contains('/')).map(Some),
        }
    }

    fn hook(&self, name: Option<&str>, headers: &HeaderMap, client: Option<IpAddr>) -> Claim {
        let found = match name {
            Some(name) => self.by_name(name).ok_or("unknown_source"),
            None => self.only_fitting(headers).ok_or("no_one_source"),
        };
        match found {
            Ok(hook) if hook.lets_in(client) => Claim::Hook(Arc::clone(hook)),
            Ok(_) => Claim::Nobody("address"),
            Err(reason) => Claim::Nobody(reason),
        }
    }

    fn by_name(&self, name: &str) -> Option<&Arc<Hook>> {
        self.hooks.iter().find(|hook| hook.source.name == name)
    }

    fn only_fitting(&self, headers: &HeaderMap) -> Option<&Arc<Hook>> {
        let mut fitting = self.hooks.iter().filter(|hook| hook.source.verifier.applies_to(&Lines(headers)));
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// As much work as verifying: a key that nobody has fits nothing. Whether there was any: headers that are not
    /// well-formed in any scheme in use cost none, whoever's they are.
    pub(crate) fn work_in_vain(&self, headers: &HeaderMap, body: &[u8], now: i64) -> bool {
        let works = |decoy| Unverified::new(body).verify(decoy, &Lines(headers), now).is_err_and(has_hashed);
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
    Problem::new(&problem::NOT_FOUND, "This path is no hook.", "path")
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
    use super::*;
    use crate::assemble::tests::decoys_of_all;

    const GITHUB: (&str, &str) =
        ("x-hub-signature-256", "sha256=0000000000000000000000000000000000000000000000000000000000000000");
    const STANDARD: [(&str, &str); 3] = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", "1"),
        ("webhook-signature", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ];

    fn works(lines: &[(&'static str, &str)]) -> bool {
        let gate = Gate {
            path: "/hooks".to_owned(),
            max_body: 1,
            trusted: Networks::default(),
            hooks: Vec::new(),
            decoys: decoys_of_all(1).collect(),
        };
        let headers = lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        gate.work_in_vain(&headers.collect::<HeaderMap>(), b"{}", 1)
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
}
