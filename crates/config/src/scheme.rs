//! How a source proves who it is: its scheme, the form of it, its keys, and from where it may post.

use meshhook_model::{Glob, Globs};
use meshhook_normalize::Provider;
use meshhook_verify::{
    HmacEncoding, HmacForm, HmacFormError, HmacHash, HmacSettings, HmacTimestamp, Key, Scheme, Verifier,
};
use secrecy::ExposeSecret;

use crate::document::{Placed, Section, Value};
use crate::fault::Wrong;
use crate::network::Networks;
use crate::shared::{Named, Secrets};
use crate::value::{flag, text, word};

const HMAC: &str = "hmac";

pub(crate) const ENCODINGS: [(&str, HmacEncoding); 2] =
    [("hex", HmacEncoding::Hex), ("base64", HmacEncoding::Base64)];
pub(crate) const HASHES: [(&str, HmacHash); 2] = [("sha256", HmacHash::Sha256), ("sha512", HmacHash::Sha512)];

/// The scheme, which has to be one that the provider's senders use: its own where none is named.
pub(crate) fn read(section: &mut Section<'_>, provider: Option<&Provider>) -> Option<Scheme> {
    let named = section.placed("scheme", name);
    let form = section.has(HMAC).then(|| form(section.section(HMAC)));
    let provider = provider?;
    if provider.default_scheme().is_none() {
        section.need("scheme", &no_scheme_hint(provider));
    }
    let name = match &named {
        Some(Placed { value, span }) if !provider.schemes().contains(value) => {
            let message = format!("the provider {} does not sign by {value}", provider.name());
            section.fault_at(span, "scheme", Wrong::new(message, other_scheme_hint(provider)));
            return None;
        }
        Some(named) => named.value,
        None => provider.default_scheme()?,
    };
    match (name, form) {
        (HMAC, Some(form)) => form.map(Scheme::Hmac),
        (HMAC, None) => {
            let hint = "add [source.hmac] with header = \"…\", and prefix, encoding, hash where they differ";
            section.fault(Wrong::new("the scheme hmac needs the form of its signature", hint));
            None
        }
        (name, Some(_)) => {
            let hint = "write scheme = \"hmac\", or leave [source.hmac] out";
            section.fault(Wrong::new(format!("the scheme {name} has a form of its own"), hint));
            None
        }
        (name, None) => name.parse().ok(),
    }
}

fn name(value: &Value<'_>) -> Result<&'static str, Wrong> {
    let names: Vec<_> = Scheme::NAMES.iter().map(|name| (*name, *name)).collect();
    word(value, &names)
}

/// `[source.hmac]`.
fn form(mut section: Section<'_>) -> Option<HmacForm> {
    let header = section.get("header", owned);
    let prefix = section.get("prefix", owned).unwrap_or_default();
    let encoding = section.get("encoding", |value| word(value, &ENCODINGS)).unwrap_or(HmacEncoding::Hex);
    let hash = section.get("hash", |value| word(value, &HASHES)).unwrap_or(HmacHash::Sha256);
    let time = section.get("timestamp_header", owned);
    let separator = section.get("separator", owned);
    section.need("header", "name the header that the signature comes in, like header = \"X-Signature\"");
    if time.is_none() && separator.is_some() {
        let hint = "add timestamp_header = \"…\", or leave the separator out";
        section.fault(Wrong::new("a separator without a time to separate", hint));
    }
    let header = header?;
    let separator = separator.as_deref().unwrap_or(".");
    let timestamp = time.as_deref().map(|header| HmacTimestamp { header, separator });
    let made = HmacForm::new(&HmacSettings { header: &header, prefix: &prefix, encoding, hash, timestamp });
    let made = made.map_err(|error| section.fault(Wrong::new(error.to_string(), form_hint(error)))).ok();
    section.finish();
    made
}

fn owned(value: &Value<'_>) -> Result<String, Wrong> {
    text(value).map(str::to_owned)
}

const fn form_hint(error: HmacFormError) -> &'static str {
    match error {
        HmacFormError::Header | HmacFormError::TimestampHeader => {
            "write the header's name as the sender documents it, like \"X-Signature\""
        }
        HmacFormError::Prefix => "write what stands before the signature, like prefix = \"sha256=\"",
        _ => "write what is signed between the time and the body, like separator = \".\"",
    }
}

fn no_scheme_hint(provider: &Provider) -> String {
    let schemes = provider.schemes().join("\", \"");
    match provider.name() {
        "gitlab" => "add scheme = \"standard-webhooks\", set a signing token in the webhook's settings in GitLab, and \
                     put it into the secret file; \"gitlab-token\" for a secret token, which signs nothing"
            .to_owned(),
        _ => format!("add scheme = \"…\", as the sender is set up; one of \"{schemes}\""),
    }
}

fn other_scheme_hint(provider: &Provider) -> String {
    let schemes = provider.schemes().join("\" or \"");
    let or_none = if provider.default_scheme().is_some() { ", or leave it out" } else { "" };
    format!("write \"{schemes}\"{or_none}")
}

/// The secrets that `secret_files` names; Travis CI's is the public key of everybody's, and no secret.
pub(crate) fn keys(
    section: &mut Section<'_>,
    scheme: Option<Scheme>,
    owner: &str,
    secrets: &Secrets<'_>,
) -> Vec<Placed<Named>> {
    match scheme {
        Some(Scheme::Travis) => section.public_keys("secret_files", secrets),
        _ => section.secrets("secret_files", owner, secrets),
    }
}

pub(crate) fn verifier(section: &Section<'_>, scheme: Scheme, keys: &[Placed<Named>]) -> Option<Verifier> {
    let mut made = Vec::with_capacity(keys.len());
    for Placed { value: Named { name, secret, .. }, span } in keys {
        match Key::new(scheme, name, secret.expose_secret().as_bytes()) {
            Ok(key) => made.push(key),
            Err(error) => {
                let hint = secret_hint(scheme);
                section.fault_at(span, "secret_files", Wrong::new(format!("{name:?}: {error}"), hint));
            }
        }
    }
    Verifier::new(scheme, made).ok()
}

/// What a secret of that scheme looks like, for whoever has another.
#[must_use]
pub fn secret_hint(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::StandardWebhooks => {
            "whsec_ and the base64 of 24 to 64 bytes is expected, made for example by: openssl rand -base64 32"
        }
        Scheme::PathToken => "make a long random one: openssl rand -hex 32",
        Scheme::Travis => "put the public key of https://api.travis-ci.com/config into the file, as a PEM",
        _ => "put the secret into the file just as the sender's settings show it",
    }
}

/// Whether a scheme that proves no body is let in from everywhere: only if somebody says so.
pub(crate) fn from_anywhere(
    section: &mut Section<'_>,
    scheme: Option<Scheme>,
    allow_from: &Networks,
) -> bool {
    let anywhere = section.placed("allow_any_address", flag);
    let Some(scheme) = scheme else { return false };
    match anywhere {
        Some(Placed { value: true, span }) if scheme.proves_body() => {
            let hint = "leave it out: what is signed may come from anywhere";
            let message = format!("{scheme} proves what it signs");
            section.fault_at(&span, "allow_any_address", Wrong::new(message, hint));
            false
        }
        Some(Placed { value: true, span }) if !allow_from.is_empty() => {
            let wrong = Wrong::new("the addresses are named as well", "leave one of the two out");
            section.fault_at(&span, "allow_any_address", wrong);
            false
        }
        Some(Placed { value: true, span }) => {
            let message = format!(
                "{scheme} proves nothing of a body or its time: whoever has seen one request can send any other, from anywhere"
            );
            let hint = "name the sender's networks in allow_from, or let a proxy sign for it";
            section.warn_at(&span, "allow_any_address", Wrong::new(message, hint));
            true
        }
        _ => {
            if !scheme.proves_body() && allow_from.is_empty() {
                let message = format!("{scheme} proves nothing of the body, so allow_from is needed");
                let hint = "add allow_from = [\"…/…\"] with the sender's networks; \
                            where it has none that are known, allow_any_address = true";
                section.fault(Wrong::new(message, hint));
            }
            false
        }
    }
}

/// Whether it fits nobody's repositories but one owner's.
pub(crate) fn names_its_owner(glob: &Glob) -> bool {
    let owner = glob.as_str().split_once('/').map_or("", |(owner, _)| owner);
    !owner.is_empty() && !owner.contains(['*', '?', '[', '{', '\\'])
}

/// Travis CI signs for all of its users with one key, so with it the repositories have to be named, and their owners in
/// full: anybody can have an account that a pattern fits.
pub(crate) fn check_repos(section: &Section<'_>, scheme: Option<Scheme>, repos: &Globs) {
    if scheme != Some(Scheme::Travis) {
        return;
    }
    if let Some(glob) = repos.iter().find(|glob| !names_its_owner(glob)) {
        let message = format!(
            "travis proves that Travis CI sent it, for whichever of its users: {glob} fits strangers"
        );
        section.fault(Wrong::new(message, "name the owner in full, as in only = { repos = [\"owner/*\"] }"));
    }
    if repos.is_empty() {
        let message =
            "travis proves that Travis CI sent it, for whichever of its users: the repositories are needed";
        section.fault(Wrong::new(message, "add only = { repos = [\"owner/name\"] } with your own"));
    }
}
