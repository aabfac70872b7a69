//! An HMAC in one header, with or without a signed timestamp in another: what most senders do, each in its own form.

use std::sync::{Mutex, PoisonError};

use super::{Claim, Kinds, Needs, Rules, SignedHeaders};
use crate::key::{self, Key};
use crate::lock::Lock;
use crate::mac::{Hash, Mac};
use crate::sign::Draft;
use crate::tag::{Tag, Tags};
use crate::{Headers, KeyError, Refusal, SignError, headers, timestamp};

const MAX_HEADER: usize = 64;
const MAX_PREFIX: usize = 32;
const MAX_SEPARATOR: usize = 8;

/// Headers that say how a request is to be read; a signature in one of them would be a mistake. (RFC 9110, RFC 9112)
const NOT_FOR_SIGNATURES: [&str; 14] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-for",
];

/// Headers that several schemes use: only the prefix tells whose they are.
const SHARED: [&str; 2] = ["authorization", "x-hub-signature"];

/// How the bytes of an HMAC are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HmacEncoding {
    /// `hex`, in lower case.
    Hex,
    /// `base64`: the alphabet with `+` and `/`, padded.
    Base64,
}

/// The hash of an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HmacHash {
    /// `sha256`.
    Sha256,
    /// `sha512`.
    Sha512,
}

/// How a sender of the scheme `hmac` signs, as someone writes it down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HmacSettings<'a> {
    /// The header with the signature: a token (RFC 9110, section 5.6.2) of up to 64 characters.
    pub header: &'a str,
    /// What is written before the signature: up to 32 printable ASCII characters, the first no blank.
    pub prefix: &'a str,
    /// How the signature is written.
    pub encoding: HmacEncoding,
    /// What it is made with.
    pub hash: HmacHash,
    /// Where the time is signed: how. Without it the body alone is.
    pub timestamp: Option<HmacTimestamp<'a>>,
}

/// How a sender signs the time: what is signed is `<timestamp><separator><body>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HmacTimestamp<'a> {
    /// The header with the time, in seconds since the epoch.
    pub header: &'a str,
    /// What is signed between the time and the body: 1 to 8 printable ASCII characters, the first no digit. Without one,
    /// the time and the body could trade digits.
    pub separator: &'a str,
}

impl<'a> HmacSettings<'a> {
    /// HMAC-SHA256 over the body, in hex, in `header`.
    #[must_use]
    pub const fn new(header: &'a str) -> Self {
        Self { header, prefix: "", encoding: HmacEncoding::Hex, hash: HmacHash::Sha256, timestamp: None }
    }
}

/// Why settings make no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HmacFormError {
    /// No name of a header, or of one that means something else.
    #[error("the header is no name of one that can carry a signature")]
    Header,
    /// No prefix that could stand in a header.
    #[error("the prefix is other than up to 32 printable ASCII characters, the first no blank")]
    Prefix,
    /// No name of a header, or of one that means something else, or the signature's.
    #[error("the timestamp's header is no name of one that can carry it")]
    TimestampHeader,
    /// Nothing that keeps time and body apart.
    #[error("the separator is other than 1 to 8 printable ASCII characters, the first no digit")]
    Separator,
}

/// How a sender of the scheme `hmac` signs.
///
/// Forms come from configuration: they are few, and each different one is kept as long as the process lives, so that a
/// [`Scheme`](crate::Scheme) stays as small as a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HmacForm(&'static Form);

impl HmacForm {
    /// A form from its settings. Headers have no case.
    ///
    /// # Errors
    /// When a setting is none that a sender could have.
    pub fn new(settings: &HmacSettings<'_>) -> Result<Self, HmacFormError> {
        let header = header(settings.header).ok_or(HmacFormError::Header)?;
        if !is_prefix(settings.prefix) {
            return Err(HmacFormError::Prefix);
        }
        let mut headers = vec![header];
        let mut separator = None;
        if let Some(timestamp) = settings.timestamp {
            let time = self::header(timestamp.header).filter(|time| *time != headers[0]);
            headers.push(time.ok_or(HmacFormError::TimestampHeader)?);
            separator = Some(timestamp.separator);
        }
        if separator.is_some_and(|separator| !is_separator(separator)) {
            return Err(HmacFormError::Separator);
        }
        let hash = match settings.hash {
            HmacHash::Sha256 => Hash::Sha256,
            HmacHash::Sha512 => Hash::Sha512,
        };
        let HmacSettings { prefix, encoding, .. } = *settings;
        Ok(Self(kept(&Written { headers, prefix, encoding, hash, separator })))
    }

    /// The settings that make this form.
    #[must_use]
    pub fn settings(self) -> HmacSettings<'static> {
        let Form { headers, prefix, encoding, hash, separator, .. } = *self.0;
        let hash = match hash {
            Hash::Sha512 => HmacHash::Sha512,
            _ => HmacHash::Sha256,
        };
        let timestamp = headers.get(1).zip(separator);
        let timestamp = timestamp.map(|(header, separator)| HmacTimestamp { header, separator });
        HmacSettings { header: headers[0], prefix, encoding, hash, timestamp }
    }

    pub(super) fn rules(self) -> &'static dyn Rules {
        self.0
    }
}

fn header(name: &str) -> Option<String> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let in_form = (1..=MAX_HEADER).contains(&name.len()) && name.bytes().all(is_token);
    let name = in_form.then(|| name.to_ascii_lowercase())?;
    (!NOT_FOR_SIGNATURES.contains(&name.as_str())).then_some(name)
}

fn is_prefix(prefix: &str) -> bool {
    prefix.len() <= MAX_PREFIX && prefix.bytes().all(is_printable) && !prefix.starts_with(' ')
}

fn is_separator(separator: &str) -> bool {
    (1..=MAX_SEPARATOR).contains(&separator.len())
        && separator.bytes().all(is_printable)
        && !separator.starts_with(|first: char| first.is_ascii_digit())
}

const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// A form that may be kept already.
struct Written<'w> {
    headers: Vec<String>,
    prefix: &'w str,
    encoding: HmacEncoding,
    hash: Hash,
    separator: Option<&'w str>,
}

impl Written<'_> {
    fn is(&self, form: &Form) -> bool {
        self.headers == form.headers
            && (self.prefix, self.encoding, self.hash, self.separator)
                == (form.prefix, form.encoding, form.hash, form.separator)
    }

    fn leaked(&self) -> &'static Form {
        fn leak(text: &str) -> &'static str {
            Box::leak(text.into())
        }
        let headers: Vec<_> = self.headers.iter().map(|name| leak(name)).collect();
        Box::leak(Box::new(Form {
            name: "hmac",
            headers: Vec::leak(headers),
            prefix: leak(self.prefix),
            encoding: self.encoding,
            hash: self.hash,
            separator: self.separator.map(leak),
        }))
    }
}

/// The one form that is so, for ever.
fn kept(written: &Written<'_>) -> &'static Form {
    static FORMS: Mutex<Vec<&'static Form>> = Mutex::new(Vec::new());
    let mut forms = FORMS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(form) = forms.iter().find(|form| written.is(form)) {
        return form;
    }
    let form = written.leaked();
    forms.push(form);
    form
}

/// An HMAC in a header.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    pub(super) name: &'static str,
    /// The signature's, and the timestamp's where there is one.
    pub(super) headers: &'static [&'static str],
    pub(super) prefix: &'static str,
    pub(super) encoding: HmacEncoding,
    pub(super) hash: Hash,
    /// What is signed between the timestamp and the body, where there is a timestamp.
    pub(super) separator: Option<&'static str>,
}

impl Form {
    fn tag(&self, value: &[u8]) -> Option<Tag> {
        let written = value.strip_prefix(self.prefix.as_bytes())?;
        match self.encoding {
            HmacEncoding::Hex => Tag::from_hex(written, self.hash.bytes()),
            HmacEncoding::Base64 => Tag::from_base64(written, self.hash.bytes()),
        }
    }

    fn write(&self, tag: &Tag) -> String {
        let written = match self.encoding {
            HmacEncoding::Hex => tag.hex(),
            HmacEncoding::Base64 => tag.base64(),
        };
        format!("{}{written}", self.prefix)
    }
}

impl Rules for Form {
    fn name(&self) -> &'static str {
        self.name
    }

    fn needs(&self) -> Needs {
        match self.headers {
            [header] if SHARED.iter().any(|shared| shared.eq_ignore_ascii_case(header)) => {
                Needs::Begins(header_of(self.headers), self.prefix)
            }
            all => Needs::All(all),
        }
    }

    fn signs_time(&self) -> bool {
        self.separator.is_some()
    }

    fn lock(&self, secret: &[u8]) -> Result<Lock, KeyError> {
        key::text(secret).map(|text| Lock::Mac(Mac::new(self.hash, text.as_bytes())))
    }

    fn claim<'h>(&self, headers: &'h dyn Headers, _: Kinds) -> Result<Claim<'h>, Refusal> {
        let tag = self.tag(headers::only(headers, self.headers[0])?).ok_or(Refusal::SignatureMalformed)?;
        let ([_, header], Some(separator)) = (self.headers, self.separator) else {
            return Ok(Claim::over_body(tag));
        };
        let time = headers::only(headers, header)?;
        Ok(Claim {
            before_body: [time, separator.as_bytes(), b"", b""],
            tags: Tags::one(tag),
            signed_at: Some(timestamp::read(time).ok_or(Refusal::TimestampMalformed)?),
            ..Claim::default()
        })
    }

    fn sign(&self, key: &Key, draft: &Draft<'_>) -> Result<SignedHeaders, SignError> {
        let mac = key.mac()?;
        let ([signature, header], Some(separator)) = (self.headers, self.separator) else {
            return Ok(vec![(self.headers[0], self.write(&mac.tag([draft.body])))]);
        };
        let time = timestamp::write(draft.now).ok_or(SignError::Time)?;
        let tag = mac.tag([time.as_bytes(), separator.as_bytes(), draft.body]);
        Ok(vec![(signature, self.write(&tag)), (header, time)])
    }
}

/// The one header.
fn header_of(headers: &'static [&'static str]) -> &'static [&'static str; 1] {
    headers.first_chunk().expect("a form has a header")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(settings: &HmacSettings<'_>) -> Option<HmacFormError> {
        HmacForm::new(settings).err()
    }

    #[test]
    fn equal_settings_are_one_form() {
        let settings = HmacSettings {
            prefix: "v0=",
            timestamp: Some(HmacTimestamp { header: "X-Time", separator: ":" }),
            ..HmacSettings::new("X-Own-Signature")
        };
        let form = HmacForm::new(&settings).unwrap();
        let again =
            HmacForm::new(&HmacSettings { header: "x-own-SIGNATURE", prefix: "v0=", ..settings }).unwrap();
        assert!(std::ptr::eq(form.0, again.0));
        assert_eq!(form.0.headers, ["x-own-signature", "x-time"]);
        assert_eq!(HmacForm::new(&form.settings()), Ok(form));
        for other in [
            HmacSettings { prefix: "", ..settings },
            HmacSettings { encoding: HmacEncoding::Base64, ..settings },
            HmacSettings { hash: HmacHash::Sha512, ..settings },
            HmacSettings { timestamp: None, ..settings },
            HmacSettings { timestamp: Some(HmacTimestamp { header: "X-Time", separator: "." }), ..settings },
        ] {
            assert_ne!(HmacForm::new(&other).unwrap(), form);
        }
    }

    #[test]
    fn a_header_is_one_that_can_carry_a_signature() {
        let longest = "x".repeat(64);
        for header in ["X-Signature", "ac_signature", "Authorization", &longest] {
            assert_eq!(error(&HmacSettings::new(header)), None, "{header}");
        }
        let too_long = "x".repeat(65);
        for header in ["", " x", "x y", "x:", ":x", "é", "x\n", "Content-Length", "HOST", &too_long] {
            assert_eq!(error(&HmacSettings::new(header)), Some(HmacFormError::Header), "{header}");
            let timestamp = Some(HmacTimestamp { header, separator: "." });
            let settings = HmacSettings { timestamp, ..HmacSettings::new("x-sig") };
            assert_eq!(error(&settings), Some(HmacFormError::TimestampHeader), "{header}");
        }
        let timestamp = Some(HmacTimestamp { header: "X-Sig", separator: "." });
        let settings = HmacSettings { timestamp, ..HmacSettings::new("x-sig") };
        assert_eq!(error(&settings), Some(HmacFormError::TimestampHeader));
    }

    #[test]
    fn prefix_and_separator_are_short_and_printable() {
        let (prefix, separator) = ("p".repeat(33), "s".repeat(9));
        for prefix in [" x", "x\t", "x\r\n", "é", &prefix] {
            let settings = HmacSettings { prefix, ..HmacSettings::new("x-sig") };
            assert_eq!(error(&settings), Some(HmacFormError::Prefix), "{prefix}");
        }
        for separator in ["", "0", "1.", "\n", "é", &separator] {
            let timestamp = Some(HmacTimestamp { header: "x-time", separator });
            let settings = HmacSettings { timestamp, ..HmacSettings::new("x-sig") };
            assert_eq!(error(&settings), Some(HmacFormError::Separator), "{separator}");
        }
        assert_eq!(error(&HmacSettings { prefix: "HMAC ", ..HmacSettings::new("authorization") }), None);
    }
}
