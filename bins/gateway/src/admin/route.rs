//! What can be asked of the admin listener.

use hyper::Method;

use crate::problem::{self, Problem};

/// A question or an order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Does it run?
    Livez,
    /// Can it accept?
    Readyz,
    /// The numbers.
    Metrics,
    /// Which deliveries?
    List,
    /// Does what is on record keep to the invariants?
    Audit,
    /// Which machines, and when were they heard of?
    Nodes,
    /// What did the homeserver push, and does it reach us?
    Appservice,
    /// Which sources, when were they heard of, and what was refused of them?
    Sources,
    /// That delivery.
    Show(String),
    /// Make it owed again.
    Retry(String),
    /// Give it up.
    Drop(String),
    /// Take another configuration over.
    Reload,
}

impl Route {
    /// What a method and a path ask for.
    pub(crate) fn of(method: &Method, path: &str) -> Result<Self, Problem> {
        let parts: Vec<_> = path.strip_prefix('/').unwrap_or_default().split('/').collect();
        let route = match parts[..] {
            ["livez"] => Self::Livez,
            ["readyz"] => Self::Readyz,
            ["metrics"] => Self::Metrics,
            ["nodes"] => Self::Nodes,
            ["appservice"] => Self::Appservice,
            ["sources"] => Self::Sources,
            ["reload"] => Self::Reload,
            ["deliveries"] => Self::List,
            // No delivery's id is a word.
            ["deliveries", "audit"] => Self::Audit,
            ["deliveries", id] if !id.is_empty() => Self::Show(id.to_owned()),
            ["deliveries", id, "retry"] => Self::Retry(id.to_owned()),
            ["deliveries", id, "drop"] => Self::Drop(id.to_owned()),
            _ => return Err(Problem::new(&problem::NOT_FOUND, "There is nothing at this path.", "path")),
        };
        let fits = match route {
            Self::Retry(_) | Self::Drop(_) | Self::Reload => *method == Method::POST,
            _ => *method == Method::GET || *method == Method::HEAD,
        };
        if fits { Ok(route) } else { Err(Problem::method(route.allow())) }
    }

    const fn allow(&self) -> &'static str {
        match self {
            Self::Retry(_) | Self::Drop(_) | Self::Reload => "POST",
            _ => "GET, HEAD",
        }
    }

    /// Whether it takes no token.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self, Self::Livez | Self::Readyz | Self::Metrics)
    }

    /// For the log.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Livez => "GET /livez",
            Self::Readyz => "GET /readyz",
            Self::Metrics => "GET /metrics",
            Self::List => "GET /deliveries",
            Self::Audit => "GET /deliveries/audit",
            Self::Nodes => "GET /nodes",
            Self::Appservice => "GET /appservice",
            Self::Sources => "GET /sources",
            Self::Show(_) => "GET /deliveries/{id}",
            Self::Retry(_) => "POST /deliveries/{id}/retry",
            Self::Drop(_) => "POST /deliveries/{id}/drop",
            Self::Reload => "POST /reload",
        }
    }
}
