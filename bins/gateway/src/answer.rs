//! Answers as they go out.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::request_id;

/// What a listener answers.
pub(crate) type Answer = Response<Full<Bytes>>;

/// A body of that type.
pub(crate) fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let fixed =
        [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    for (name, value) in fixed {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// A JSON body.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    typed(status, "application/json", write(body))
}

/// The JSON text of a type of ours.
pub(crate) fn write(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("our answers have string keys and finite numbers")
}

/// The same answer, with the request's id on it.
pub(crate) fn with_id(mut answer: Answer, id: &str) -> Answer {
    let value = HeaderValue::from_str(id).expect("a request id is plain ASCII");
    answer.headers_mut().insert(HeaderName::from_static(request_id::HEADER), value);
    answer
}
