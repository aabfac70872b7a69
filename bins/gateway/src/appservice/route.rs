//! What a homeserver asks for (Application Service API, "Homeserver -> Application Service").

use hyper::Method;

/// A path of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// Take these events.
    Transaction,
    /// Are you there?
    Ping,
    /// Is there such a user, room, or third-party network?
    Lookup,
}

/// Why a request is none of the API's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// There is nothing at the path.
    Path,
    /// There is, for that method.
    Method(&'static str),
}

/// What all of the API lies below.
const PREFIX: &str = "/_matrix/app/v1/";

/// Where third-party networks were before they had a version.
const UNSTABLE: &str = "/_matrix/app/unstable/";

impl Route {
    /// What a method and a path ask for.
    ///
    /// A homeserver appends the API's path to the registration's url, and that may have a path of its own, with a slash at
    /// its end or without. Whether a proxy takes that off again or not, it means nothing: what stands before the API's
    /// path is passed over.
    pub(crate) fn of(method: &Method, path: &str) -> Result<Self, Unfit> {
        let route = Self::at(path).ok_or(Unfit::Path)?;
        if method == route.method() { Ok(route) } else { Err(Unfit::Method(route.method())) }
    }

    fn at(path: &str) -> Option<Self> {
        match path.find(PREFIX) {
            Some(at) => Self::below(&path[at + PREFIX.len()..]),
            None => match path.find(UNSTABLE) {
                Some(at) => third_party(&path[at + UNSTABLE.len()..]),
                None => Self::legacy(path),
            },
        }
    }

    fn below(path: &str) -> Option<Self> {
        match path.split_once('/') {
            None => (path == "ping").then_some(Self::Ping),
            Some((kind, id)) => Self::named(kind, id).or_else(|| third_party(path)),
        }
    }

    /// Homeservers fall back to paths without the prefix where one with it is answered 404.
    fn legacy(path: &str) -> Option<Self> {
        let (before, id) = path.rsplit_once('/')?;
        let (_, kind) = before.rsplit_once('/')?;
        Self::named(kind, id)
    }

    fn named(kind: &str, id: &str) -> Option<Self> {
        if id.is_empty() || id.contains('/') {
            return None;
        }
        match kind {
            "transactions" => Some(Self::Transaction),
            "users" | "rooms" => Some(Self::Lookup),
            _ => None,
        }
    }

    const fn method(self) -> &'static str {
        match self {
            Self::Transaction => "PUT",
            Self::Ping => "POST",
            Self::Lookup => "GET",
        }
    }

    /// For the metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Ping => "ping",
            Self::Lookup => "lookup",
        }
    }
}

fn third_party(path: &str) -> Option<Route> {
    let parts: Vec<_> = path.split('/').collect();
    match parts[..] {
        ["thirdparty", "protocol", name] if !name.is_empty() => Some(Route::Lookup),
        ["thirdparty", "user" | "location"] => Some(Route::Lookup),
        ["thirdparty", "user" | "location", name] if !name.is_empty() => Some(Route::Lookup),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, path: &str) -> Result<Route, Unfit> {
        Route::of(&method.parse().unwrap(), path)
    }

    #[test]
    fn the_api_is_known_below_any_prefix() {
        for before in ["", "/", "/appservice", "/a/b/", "/transactions"] {
            for (method, path, route) in [
                ("PUT", "/_matrix/app/v1/transactions/1", Route::Transaction),
                ("POST", "/_matrix/app/v1/ping", Route::Ping),
                ("GET", "/_matrix/app/v1/users/%40a%3Ab", Route::Lookup),
                ("GET", "/_matrix/app/v1/rooms/%23a%3Ab", Route::Lookup),
                ("GET", "/_matrix/app/v1/thirdparty/protocol/irc", Route::Lookup),
                ("GET", "/_matrix/app/v1/thirdparty/user/irc", Route::Lookup),
                ("GET", "/_matrix/app/v1/thirdparty/location", Route::Lookup),
                ("GET", "/_matrix/app/unstable/thirdparty/user", Route::Lookup),
                ("PUT", "/transactions/7", Route::Transaction),
                ("GET", "/users/%40a%3Ab", Route::Lookup),
                ("GET", "/rooms/%23a%3Ab", Route::Lookup),
            ] {
                let path = format!("{before}{path}");
                assert_eq!(of(method, &path), Ok(route), "{path}");
                assert_eq!(of("DELETE", &path), Err(Unfit::Method(method)), "{path}");
            }
        }
    }

    #[test]
    fn all_else_is_unknown() {
        for path in [
            "/",
            "",
            "*",
            "/_matrix/app/v1/",
            "/_matrix/app/v1/transactions/",
            "/_matrix/app/v1/transactions/1/2",
            "/_matrix/app/v1/ping/",
            "/_matrix/app/v1/users",
            "/_matrix/app/v1/thirdparty/protocol/",
            "/_matrix/app/v1/thirdparty/other/x",
            "/_matrix/app/v2/transactions1",
            "/ping",
            "/transactions",
            "/transactions/",
            "transactions/1",
            "/other/1",
        ] {
            assert_eq!(of("PUT", path), Err(Unfit::Path), "{path}");
        }
    }
}
