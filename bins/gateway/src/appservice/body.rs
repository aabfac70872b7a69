//! Bodies of a homeserver's requests, within bounds of size and time.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::{Body as _, Incoming};
use hyper::header::EXPECT;
use tokio::time::{Instant, timeout_at};

/// The longest transaction, in bytes: a hundred events of 64 KiB and what a homeserver puts around them fit well.
pub(crate) const MOST: usize = 16 << 20;

/// A whole body has to be there within this.
const WHOLE: Duration = Duration::from_secs(30);

/// And something of it every so often.
const STALL: Duration = Duration::from_secs(10);

/// How much is taken in, and forgotten, of a body that is too long, so that its sender gets to read the answer.
const DRAINED: usize = 4 * MOST;

/// How much is looked at of a body whose sender has proved nothing.
const GLANCE: usize = 64 << 10;

/// And for how long.
const GLANCE_WITHIN: Duration = Duration::from_secs(1);

/// What came of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// All of it.
    Whole(Vec<u8>),
    /// More than is kept; whether its end was reached all the same.
    TooLong {
        /// Whether nothing of it is left to be read.
        ended: bool,
    },
    /// It did not come to its end.
    Unfinished,
}

/// Reads a body of at most [`MOST`] bytes.
pub(crate) async fn read(mut body: Incoming) -> Read {
    let whole_by = Instant::now() + WHOLE;
    let mut whole = Vec::new();
    loop {
        match next(&mut body, whole_by).await {
            Next::End => return Read::Whole(whole),
            Next::Failed => return Read::Unfinished,
            Next::Data(data) if data.len() > MOST - whole.len() => {
                drop(whole);
                return Read::TooLong { ended: drained(body, whole_by).await };
            }
            Next::Data(data) => whole.extend_from_slice(&data),
        }
    }
}

async fn drained(mut body: Incoming, until: Instant) -> bool {
    let mut left = DRAINED;
    loop {
        match next(&mut body, until).await {
            Next::End => return true,
            Next::Data(data) if data.len() <= left => left -= data.len(),
            Next::Data(_) | Next::Failed => return false,
        }
    }
}

/// The beginning of a body that is not to be acted on: nothing of one that is longer, or does not come at once.
///
/// It is also taken in so that a client that is still writing gets to read its answer. Who waits for "100 Continue" has not
/// begun to write.
pub(crate) async fn glance(headers: &HeaderMap, mut body: Incoming) -> Option<Vec<u8>> {
    let announced = body.size_hint().exact().is_some_and(|bytes| bytes <= GLANCE as u64);
    if !announced || headers.contains_key(EXPECT) {
        return None;
    }
    let until = Instant::now() + GLANCE_WITHIN;
    let mut whole = Vec::new();
    loop {
        match next(&mut body, until).await {
            Next::End => return Some(whole),
            Next::Data(data) => whole.extend_from_slice(&data),
            Next::Failed => return None,
        }
    }
}

enum Next {
    Data(Bytes),
    End,
    Failed,
}

async fn next(body: &mut Incoming, until: Instant) -> Next {
    loop {
        let until = until.min(Instant::now() + STALL);
        match timeout_at(until, body.frame()).await {
            Err(_) | Ok(Some(Err(_))) => return Next::Failed,
            Ok(None) => return Next::End,
            // Trailers have no meaning here.
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Next::Data(data);
                }
            }
        }
    }
}
