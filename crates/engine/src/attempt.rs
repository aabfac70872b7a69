//! What was tried, for a delivery's life.

use meshhook_matrix::{Failure, FailureKind};
use meshhook_store::{Attempt, Moment};

pub(crate) fn attempt(
    started: Moment,
    ended: Moment,
    result: &str,
    http_status: Option<u16>,
    detail: String,
) -> Attempt {
    Attempt {
        at: started,
        took: ended.since(started),
        result: result.to_owned(),
        http_status,
        errcode: None,
        detail,
    }
}

pub(crate) fn of_failure(started: Moment, ended: Moment, failure: &Failure) -> Attempt {
    let result = match failure.kind {
        FailureKind::Limited { .. } => "limited",
        FailureKind::Unauthorized { .. } => "unauthorized",
        FailureKind::Forbidden => "forbidden",
        FailureKind::Refused => "refused",
        _ => "unknown",
    };
    let attempt = attempt(started, ended, result, failure.status, failure.detail.clone());
    Attempt { errcode: failure.errcode.clone(), ..attempt }
}
