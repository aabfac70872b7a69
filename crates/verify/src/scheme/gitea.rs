//! Gitea, Forgejo, Gogs: `X-Gitea-Signature: <64 hex digits>`, an HMAC-SHA256 over the JSON text.
//!
//! Each sends the names of those that it came from as well, all with one value: Forgejo all three. What is there has to
//! agree, since two readers of one request could otherwise take different ones. Neither an event's name nor a time is
//! signed. The text is signed also where it comes in a form, unlike GitHub's. Whatever else a body is, it is taken as it
//! came: a form with two fields is hashed like any other body, so that the time taken tells nothing.
//!
//! Source: Gitea's `services/webhook/deliver.go`, and Forgejo's.

use super::{Claim, Kinds, Needs, Rules, SignedHeaders};
use crate::key::{self, Key};
use crate::lock::Lock;
use crate::mac::{Hash, Mac};
use crate::sign::Draft;
use crate::tag::Tag;
use crate::{Headers, KeyError, Refusal, SignError, form, headers};

const GITEA: &str = "X-Gitea-Signature";
const SIGNATURES: [&str; 3] = [GITEA, "X-Forgejo-Signature", "X-Gogs-Signature"];

pub(super) struct Gitea;

impl Rules for Gitea {
    fn name(&self) -> &'static str {
        "gitea"
    }

    fn needs(&self) -> Needs {
        Needs::Any(&SIGNATURES)
    }

    fn lock(&self, secret: &[u8]) -> Result<Lock, KeyError> {
        key::text(secret).map(|text| Lock::Mac(Mac::new(Hash::Sha256, text.as_bytes())))
    }

    fn claim<'h>(&self, headers: &'h dyn Headers, _: Kinds) -> Result<Claim<'h>, Refusal> {
        let mut agreed: Option<Tag> = None;
        for header in SIGNATURES {
            let Some(value) = headers::at_most_one(headers, header)? else { continue };
            let tag = Tag::from_hex(value, Hash::Sha256.bytes()).ok_or(Refusal::SignatureMalformed)?;
            if agreed.replace(tag).is_some_and(|other| other != tag) {
                return Err(Refusal::SignaturesDiffer);
            }
        }
        agreed.map(Claim::over_body).ok_or(Refusal::HeaderMissing { header: GITEA })
    }

    fn signed_text(&self, body: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(form::payload(body).ok())
    }

    fn sign(&self, key: &Key, draft: &Draft<'_>) -> Result<SignedHeaders, SignError> {
        Ok(vec![(GITEA, key.mac()?.tag([draft.body]).hex())])
    }
}
