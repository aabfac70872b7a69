//! A scheme of the command line, and the form of it where it has one.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use meshhook_verify::{HmacEncoding, HmacForm, HmacHash, HmacSettings, HmacTimestamp, Scheme};

use crate::failure::{Exit, Failure};

/// The name of the scheme whose form has to be told.
const HMAC: &str = "hmac";

/// How the scheme hmac is written.
#[derive(Args)]
pub(crate) struct FormArgs {
    /// Of the scheme hmac: the header with the signature
    #[arg(long, value_name = "NAME")]
    hmac_header: Option<String>,
    /// Of the scheme hmac: what stands before the signature
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        requires = "hmac_header",
        hide_default_value = true
    )]
    hmac_prefix: String,
    /// Of the scheme hmac: how the signature is written
    #[arg(long, value_enum, default_value_t = Encoding::Hex, requires = "hmac_header")]
    hmac_encoding: Encoding,
    /// Of the scheme hmac: the hash
    #[arg(long, value_enum, default_value_t = Hash::Sha256, requires = "hmac_header")]
    hmac_hash: Hash,
    /// Of the scheme hmac: the header with the time, where that is signed
    #[arg(long, value_name = "NAME", requires = "hmac_header")]
    hmac_timestamp_header: Option<String>,
    /// Of the scheme hmac: what is signed between the time and the body
    #[arg(long, value_name = "TEXT", default_value = ".", requires = "hmac_timestamp_header")]
    hmac_separator: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Encoding {
    Hex,
    Base64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Hash {
    Sha256,
    Sha512,
}

/// A scheme's name.
pub(crate) fn name() -> impl TypedValueParser<Value = &'static str> {
    PossibleValuesParser::new(Scheme::NAMES).map(|name| {
        let known = Scheme::NAMES.iter().copied().find(|known| *known == name);
        known.unwrap_or_default()
    })
}

impl FormArgs {
    /// The scheme of that name, where hmac's header may have been told otherwise.
    pub(crate) fn scheme_with(&self, name: &str, header: Option<&str>) -> Result<Scheme, Failure> {
        match header {
            Some(header) if name == HMAC => self.form(header).map(Scheme::Hmac),
            _ => self.scheme(name),
        }
    }

    /// Whether the scheme of that name has a form that nobody told.
    pub(crate) fn lacks_form(&self, name: &str) -> bool {
        name == HMAC && self.hmac_header.is_none()
    }

    /// The scheme of that name.
    pub(crate) fn scheme(&self, name: &str) -> Result<Scheme, Failure> {
        match &self.hmac_header {
            Some(header) if name == HMAC => self.form(header).map(Scheme::Hmac),
            Some(_) => {
                let hint = "write --scheme hmac, or leave the --hmac-… flags out";
                Err(Failure::new(Exit::Usage, format!("{name} has a form of its own"), hint))
            }
            None => name.parse().map_err(|error: meshhook_verify::SchemeError| {
                Failure::new(Exit::Usage, error.to_string(), "write --hmac-header NAME")
            }),
        }
    }

    fn form(&self, header: &str) -> Result<HmacForm, Failure> {
        let settings = HmacSettings {
            header,
            prefix: &self.hmac_prefix,
            encoding: match self.hmac_encoding {
                Encoding::Hex => HmacEncoding::Hex,
                Encoding::Base64 => HmacEncoding::Base64,
            },
            hash: match self.hmac_hash {
                Hash::Sha256 => HmacHash::Sha256,
                Hash::Sha512 => HmacHash::Sha512,
            },
            timestamp: self
                .hmac_timestamp_header
                .as_deref()
                .map(|header| HmacTimestamp { header, separator: &self.hmac_separator }),
        };
        HmacForm::new(&settings).map_err(|error| {
            Failure::new(Exit::Usage, error.to_string(), "write it as the sender documents it")
        })
    }
}
