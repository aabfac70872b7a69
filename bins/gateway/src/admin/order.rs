//! What an operator orders for a delivery.

use http_body_util::{BodyExt, Limited};
use hyper::HeaderMap;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use meshhook_store::{ActError, StoreError};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::{Duration, timeout};

use crate::problem::{self, Kind, Problem};

/// An order is a word or two.
const MOST: usize = 4096;
const WITHIN: Duration = Duration::from_secs(10);

/// The body of a retry.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retry {
    /// Also where nobody knows whether it was sent.
    pub(crate) force: bool,
}

/// The body of a drop or a reload: `{}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// Reads an order's body: JSON, and said to be. A page of another site cannot send that type without being asked.
pub(crate) async fn read<T: for<'de> Deserialize<'de>>(
    headers: &HeaderMap,
    body: Incoming,
) -> Result<T, Problem> {
    if !is_json(headers) {
        let detail = "An order has to be application/json.";
        return Err(Problem::new(&problem::UNSUPPORTED, detail, "content_type"));
    }
    let body = timeout(WITHIN, Limited::new(body, MOST).collect()).await;
    let Ok(Ok(body)) = body else { return Err(unreadable("The order is too long, too slow or not whole.")) };
    // Read as an object first: serde takes an array for a struct, too.
    serde_json::from_slice::<Map<String, Value>>(&body.to_bytes())
        .and_then(|object| serde_json::from_value(Value::Object(object)))
        .map_err(|_| unreadable("An order is {}, or for a retry {\"force\":true}."))
}

fn unreadable(detail: &'static str) -> Problem {
    Problem::new(&problem::BAD_ORDER, detail, "order")
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Why an order was not carried out, as the operator is told; `conflict` is what it is where the status forbids it.
pub(crate) fn refused(why: ActError, conflict: &'static Kind) -> Problem {
    match why {
        ActError::Unknown => no_delivery(),
        ActError::Store(why) => store_failed(&why),
        why => Problem::new(conflict, sentence(&why.to_string()), "conflict"),
    }
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// There is no delivery of that id.
pub(crate) fn no_delivery() -> Problem {
    Problem::new(&problem::NOT_FOUND, "There is no delivery of that id.", "delivery")
}

/// The store failed.
pub(crate) fn store_failed(why: &StoreError) -> Problem {
    Problem::unavailable("store_failed").because(why.to_string())
}
