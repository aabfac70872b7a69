//! What a list of deliveries is asked for.

use meshhook_model::State;
use meshhook_store::{Filter, Status};
use url::form_urlencoded;

use crate::problem::{self, Problem};

const DEFAULT: usize = 50;
const MOST: usize = 500;
/// Longer values match nothing that is stored.
const LONGEST: usize = 1024;

/// Reads a query. A parameter that is unknown, repeated or of a wrong value is named, its value is not repeated.
pub(crate) fn filter(query: &str) -> Result<Filter, Problem> {
    let mut filter = Filter { limit: DEFAULT, ..Filter::default() };
    let mut seen = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let Some(name) = NAMES.into_iter().find(|known| *known == name) else { return Err(unknown(&name)) };
        if seen.contains(&name) {
            return Err(wrong(format!("{name} stands there twice")));
        }
        seen.push(name);
        set(&mut filter, name, value.into_owned())
            .map_err(|what| wrong(format!("{name} has to be {what}")))?;
    }
    Ok(filter)
}

/// Whether an audit is to count in the rooms, too.
pub(crate) fn in_rooms(query: &str) -> Result<bool, Problem> {
    match query {
        "" => Ok(false),
        "room=true" => Ok(true),
        _ => Err(wrong("an audit takes room=true, and nothing else".to_owned())),
    }
}

const NAMES: [&str; 8] = ["status", "state", "source", "run", "node", "correlation_id", "limit", "before"];

fn set(filter: &mut Filter, name: &str, value: String) -> Result<(), String> {
    if value.is_empty() || value.len() > LONGEST {
        return Err(format!("1 to {LONGEST} bytes long"));
    }
    match name {
        "status" => filter.status = Some(value.parse().map_err(|()| words(Status::ALL.map(Status::as_str)))?),
        "state" => {
            value.parse::<State>().map_err(|_| words(State::ALL.map(State::as_str)))?;
            filter.state = Some(value);
        }
        "source" => filter.source = Some(value),
        "run" => filter.run = Some(value),
        "node" => filter.node = Some(value),
        "correlation_id" => filter.correlation_id = Some(value),
        "limit" => filter.limit = limit(&value).ok_or(format!("a number from 1 to {MOST}"))?,
        _ => filter.before = Some(value.parse().map_err(|_| "the next of an answer before".to_owned())?),
    }
    Ok(())
}

fn unknown(name: &str) -> Problem {
    let name: String = name.chars().take(32).collect();
    wrong(format!("{name:?} is unknown; there are {}", NAMES.join(", ")))
}

fn limit(value: &str) -> Option<usize> {
    value.parse().ok().filter(|limit| (1..=MOST).contains(limit))
}

fn words<const N: usize>(words: [&str; N]) -> String {
    format!("one of {}", words.join(", "))
}

fn wrong(what: String) -> Problem {
    Problem::new(&problem::BAD_ORDER, format!("In the query: {what}."), "query")
}
