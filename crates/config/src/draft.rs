//! A first gateway.toml, with a word on each line.

use std::fmt::{self, Display, Formatter};

use meshhook_normalize::{FieldMap, Provider};
use meshhook_verify::Scheme;

use crate::print::{List, Quoted, hmac};
use crate::reference::{self, TABLES, line};

const HEAD: &str = "\
# The gateway's configuration. `meshhook-gateway --check` reads it, `meshhook config show` prints all that holds, and
# `meshhook config explain` tells of every key there is.
";

/// What a first gateway.toml says: where to write, and of one source.
///
/// `Display` writes it, commented; [`crate::Config::check`] says what is wrong with it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// `[matrix] homeserver`.
    pub homeserver: String,
    /// `[matrix] room`.
    pub room: String,
    /// `[matrix] access_token_file`.
    pub access_token_file: String,
    /// `[server] listen`, where it is not the default.
    pub listen: Option<String>,
    /// `[server] admin_listen`, where it is not the default.
    pub admin_listen: Option<String>,
    /// `[store] url`, where it is not the default.
    pub store: Option<String>,
    /// `[[source]] name`.
    pub source: String,
    /// `[[source]] provider`. For [`Provider::GENERIC`], examples stand where the map of its fields has to be.
    pub provider: &'static Provider,
    /// `[[source]] scheme`.
    pub scheme: Scheme,
    /// `[[source]] secret_files`.
    pub secret_file: String,
    /// `[[source]] allow_from`.
    pub allow_from: Vec<String>,
    /// `[[source]] allow_any_address`.
    pub allow_any_address: bool,
    /// `[[source]] only.repos`.
    pub repos: Vec<String>,
}

impl Display for Draft {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        self.server(f)?;
        if let Some(url) = &self.store {
            heading(f, "store")?;
            told(f, "store.url", &Quoted(url))?;
        }
        heading(f, "matrix")?;
        told(f, "matrix.homeserver", &Quoted(&self.homeserver))?;
        told(f, "matrix.room", &Quoted(&self.room))?;
        told(f, "matrix.access_token_file", &Quoted(&self.access_token_file))?;
        self.source(f)
    }
}

impl Draft {
    fn server(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let listeners = [("server.listen", &self.listen), ("server.admin_listen", &self.admin_listen)];
        let named = listeners.into_iter().filter_map(|(path, address)| Some((path, address.as_ref()?)));
        for (i, (path, address)) in named.enumerate() {
            if i == 0 {
                heading(f, "server")?;
            }
            told(f, path, &Quoted(address))?;
        }
        Ok(())
    }

    fn source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        heading(f, "source")?;
        told(f, "source.name", &Quoted(&self.source))?;
        told(f, "source.provider", &Quoted(self.provider.name()))?;
        told(f, "source.scheme", &Quoted(self.scheme))?;
        told(f, "source.secret_files", &List(&[&self.secret_file]))?;
        if !self.allow_from.is_empty() {
            told(f, "source.allow_from", &List(&self.allow_from))?;
        }
        if self.allow_any_address {
            told(f, "source.allow_any_address", &true)?;
        }
        if !self.repos.is_empty() {
            let comment = about("source.only.repos");
            f.write_str(&line(&format!("only = {{ repos = {} }}", List(&self.repos)), comment))?;
        }
        if let Scheme::Hmac(form) = self.scheme {
            hmac(f, &form.settings())?;
        }
        if self.provider.name() == Provider::GENERIC.name() { fields(f) } else { Ok(()) }
    }
}

/// Examples of what a map of fields cannot do without.
fn fields(f: &mut Formatter<'_>) -> fmt::Result {
    heading(f, "source.fields")?;
    let needed = FieldMap::FIELDS[..FieldMap::REQUIRED].iter();
    needed.map(|field| format!("source.fields.{field}")).try_for_each(|path| {
        let entries = reference::find(&path);
        entries.iter().try_for_each(|entry| told(f, &path, &entry.key.example()))
    })
}

fn heading(f: &mut Formatter<'_>, path: &str) -> fmt::Result {
    let table = TABLES.iter().find(|table| table.path == path);
    table.map_or(Ok(()), |table| write!(f, "\n{}", line(&table.heading(), table.about)))
}

/// A line of the key at `path`, with what the reference says of it.
fn told(f: &mut Formatter<'_>, path: &str, value: &dyn Display) -> fmt::Result {
    let name = path.rsplit('.').next().unwrap_or(path);
    f.write_str(&line(&format!("{name} = {value}"), about(path)))
}

fn about(path: &str) -> &'static str {
    reference::find(path).first().map_or("", |entry| entry.key.about)
}
