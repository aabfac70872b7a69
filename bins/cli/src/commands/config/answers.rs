//! What `meshhook config new` has to know: from flags, or asked for.

use clap::Args;
use meshhook_config::{Draft, Setting};
use meshhook_normalize::Provider;
use meshhook_verify::Scheme;

use super::ask::{Asker, Question, Wrong};
use crate::args::{any_provider, checked};
use crate::failure::Failure;
use crate::scheme::{self, FormArgs};

const TOKEN_FILE: &str = "matrix-token";
const LISTEN: &str = "127.0.0.1:8787";
const ADMIN_LISTEN: &str = "127.0.0.1:8788";
const STORE: &str = "sqlite:/var/lib/meshhook/meshhook.db";
/// The answer that lets a sender post from anywhere.
const ANY: &str = "any";

/// What is known by flags.
#[derive(Args)]
pub(super) struct Answers {
    /// The homeserver's address
    #[arg(long, value_name = "URL", value_parser = |text: &str| checked(Setting::Homeserver, text))]
    homeserver: Option<String>,
    /// The room's id, not its alias
    #[arg(long, value_name = "ID", value_parser = |text: &str| checked(Setting::Room, text))]
    room: Option<String>,
    /// The CI system that posts
    #[arg(long, value_parser = any_provider(), hide_possible_values = true)]
    provider: Option<&'static Provider>,
    /// What the source is called, in the address that it posts to [default: as its provider]
    #[arg(long, value_name = "NAME", value_parser = |text: &str| checked(Setting::SourceName, text))]
    source: Option<String>,
    /// How it signs [default: the provider's own scheme]
    #[arg(long, value_parser = scheme::name(), hide_possible_values = true)]
    scheme: Option<&'static str>,
    /// A network that it posts from; needed where the scheme proves no body
    #[arg(long, value_name = "CIDR", value_parser = |text: &str| checked(Setting::Network, text))]
    allow_from: Vec<String>,
    /// With such a scheme, take it from anywhere: whoever has the token may say anything
    #[arg(long, conflicts_with = "allow_from")]
    allow_any_address: bool,
    /// A repository of yours, others are not said; needed for Travis CI
    #[arg(long, value_name = "OWNER/NAME", value_parser = |text: &str| checked(Setting::OwnRepository, text))]
    repo: Vec<String>,
    /// Where the CI systems post, by way of a TLS proxy [default: 127.0.0.1:8787]
    #[arg(long, value_name = "ADDRESS", value_parser = |text: &str| checked(Setting::Listen, text))]
    listen: Option<String>,
    /// Where you ask [default: 127.0.0.1:8788]
    #[arg(long, value_name = "ADDRESS", value_parser = |text: &str| checked(Setting::Listen, text))]
    admin_listen: Option<String>,
    /// Where deliveries are kept [default: sqlite:/var/lib/meshhook/meshhook.db]
    #[arg(long, value_name = "URL", value_parser = |text: &str| checked(Setting::StoreUrl, text))]
    store: Option<String>,
    #[command(flatten)]
    form: FormArgs,
}

impl Answers {
    /// Whether the flags tell all that has no default.
    pub(super) fn are_whole(&self) -> bool {
        let Some(provider) = self.provider else { return false };
        let Some(scheme) = self.scheme.or(provider.default_scheme()) else { return false };
        let from_known = self.allow_any_address || !self.allow_from.is_empty() || proves_body(scheme);
        self.homeserver.is_some()
            && self.room.is_some()
            && from_known
            && !self.form.lacks_form(scheme)
            && (scheme != "travis" || !self.repo.is_empty())
    }

    /// All that is to be written, asked for where no flag says it.
    pub(super) fn draft(&self, asker: &Asker<'_, '_>) -> Result<Draft, Failure> {
        let homeserver = self.homeserver(asker)?;
        let room = self.room(asker)?;
        let provider = self.provider(asker)?;
        let scheme = self.scheme(asker, provider)?;
        let (allow_from, allow_any_address) = self.networks(asker, scheme)?;
        let repos = self.repos(asker, scheme)?;
        let source = self.source(asker, provider)?;
        Ok(Draft {
            homeserver,
            room,
            access_token_file: TOKEN_FILE.to_owned(),
            listen: self.listen.clone().filter(|address| address != LISTEN),
            admin_listen: self.admin_listen.clone().filter(|address| address != ADMIN_LISTEN),
            store: Some(self.store(asker)?).filter(|url| url != STORE),
            secret_file: format!("{source}-{}", secret_name(scheme)),
            source,
            provider,
            scheme,
            allow_from,
            allow_any_address,
            repos,
        })
    }

    fn homeserver(&self, asker: &Asker<'_, '_>) -> Result<String, Failure> {
        let question = Question { text: "the homeserver's address", flag: "--homeserver URL", default: None };
        asker.setting(self.homeserver.as_ref(), &question, Setting::Homeserver)
    }

    fn room(&self, asker: &Asker<'_, '_>) -> Result<String, Failure> {
        let question = Question { text: "the room's id", flag: "--room ID", default: None };
        asker.setting(self.room.as_ref(), &question, Setting::Room)
    }

    fn provider(&self, asker: &Asker<'_, '_>) -> Result<&'static Provider, Failure> {
        let text = "the CI system that posts (github, gitlab, …; standard for a step of a build)";
        let question = Question { text, flag: "--provider NAME", default: None };
        match self.provider {
            Some(provider) => Ok(provider),
            None => asker.answer(&question, |name| {
                Setting::Provider.check(name)?;
                Provider::by_name(name).ok_or_else(|| Wrong::new("not a provider", "see docs/providers"))
            }),
        }
    }

    fn source(&self, asker: &Asker<'_, '_>, provider: &Provider) -> Result<String, Failure> {
        let text = "the source's name, the last part of the address that is posted to";
        let question = Question { text, flag: "--source NAME", default: Some(provider.name()) };
        asker.setting(self.source.as_ref(), &question, Setting::SourceName)
    }

    fn store(&self, asker: &Asker<'_, '_>) -> Result<String, Failure> {
        let question =
            Question { text: "where deliveries are kept", flag: "--store URL", default: Some(STORE) };
        asker.setting(self.store.as_ref(), &question, Setting::StoreUrl)
    }

    fn scheme(&self, asker: &Asker<'_, '_>, provider: &Provider) -> Result<Scheme, Failure> {
        let schemes = provider.schemes();
        let text = format!("how it signs ({})", schemes.join(", "));
        let default = provider.default_scheme().or(asker.asks.then_some(schemes[0]));
        let question = Question { text: &text, flag: "--scheme NAME", default };
        let name = match (self.scheme, schemes) {
            (Some(name), _) => name,
            (None, [only]) => *only,
            (None, _) => asker.answer(&question, |name| known(name, schemes))?,
        };
        self.form.scheme_with(name, self.header(asker, name)?.as_deref())
    }

    /// The header of the signature, where it has to be told and no flag does.
    fn header(&self, asker: &Asker<'_, '_>, scheme: &str) -> Result<Option<String>, Failure> {
        if !self.form.lacks_form(scheme) {
            return Ok(None);
        }
        let question =
            Question { text: "the header with the signature", flag: "--hmac-header NAME", default: None };
        let read = |name: &str| {
            let form = self.form.scheme_with(scheme, Some(name));
            form.map(|_| name.to_owned())
                .map_err(|_| Wrong::new("not a header's name", "write it like X-Signature"))
        };
        asker.answer(&question, read).map(Some)
    }

    /// The networks of a sender that proves no body, or whether it may post from anywhere.
    fn networks(&self, asker: &Asker<'_, '_>, scheme: Scheme) -> Result<(Vec<String>, bool), Failure> {
        if scheme.proves_body() || self.allow_any_address || !self.allow_from.is_empty() {
            return Ok((self.allow_from.clone(), self.allow_any_address));
        }
        let text = "the networks that it posts from, like 192.0.2.0/24, since nothing is signed; or any";
        let question = Question { text, flag: "--allow-from CIDR or --allow-any-address", default: None };
        asker.answer(&question, |text| match text {
            ANY => Ok((Vec::new(), true)),
            list => Ok((each(list, Setting::Network)?, false)),
        })
    }

    fn repos(&self, asker: &Asker<'_, '_>, scheme: Scheme) -> Result<Vec<String>, Failure> {
        if scheme.as_str() != "travis" || !self.repo.is_empty() {
            return Ok(self.repo.clone());
        }
        let text = "your repositories, like acme/rocket, since it signs for everybody";
        let question = Question { text, flag: "--repo OWNER/NAME", default: None };
        asker.answer(&question, |list| each(list, Setting::OwnRepository))
    }
}

/// Words between blanks, each checked; one at least.
fn each(list: &str, setting: Setting) -> Result<Vec<String>, Wrong> {
    let words: Vec<_> = list.split_whitespace().map(ToOwned::to_owned).collect();
    if words.is_empty() {
        return Err(Wrong::new("none is told", "write one, or several with blanks between"));
    }
    words.iter().try_for_each(|word| setting.check(word))?;
    Ok(words)
}

fn known(name: &str, schemes: &[&'static str]) -> Result<&'static str, Wrong> {
    let known = schemes.iter().copied().find(|scheme| *scheme == name);
    known.ok_or_else(|| Wrong::new("it does not sign by that", format!("one of {}", schemes.join(", "))))
}

fn proves_body(scheme: &str) -> bool {
    scheme.parse::<Scheme>().map_or(true, Scheme::proves_body)
}

/// What the file of such a secret is called, after its source.
fn secret_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Travis => "public-key",
        Scheme::Basic => "password",
        scheme if scheme.proves_body() => "secret",
        _ => "token",
    }
}
