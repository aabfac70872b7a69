//! A body, read within bounds of size, time and memory.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::{Body as _, Incoming};
use hyper::header::EXPECT;
use tokio::time::{Instant, timeout_at};

use super::room::Place;

/// A whole body has to be there within this.
const WHOLE: Duration = Duration::from_secs(30);

/// And something of it every so often.
const STALL: Duration = Duration::from_secs(10);

/// For so long a body that nobody reads is taken in, so that its sender gets to read the answer.
const DRAIN: Duration = Duration::from_secs(5);

/// And so much of it: as much as GitHub ever sends.
const DRAIN_BYTES: usize = 25 << 20;

/// A whole body, with the room that it takes.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) place: Place,
}

/// Why there is no whole body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyFault {
    TooLarge,
    TooSlow,
    Broken,
    NoRoom,
}

/// Reads a body of at most `most` bytes into its place.
pub(crate) async fn collect(mut body: Incoming, most: usize, place: Place) -> Result<Body, BodyFault> {
    let whole_by = Instant::now() + WHOLE;
    let mut read = Body { bytes: Vec::new(), place };
    loop {
        let next_by = whole_by.min(Instant::now() + STALL);
        let frame = timeout_at(next_by, body.frame()).await.map_err(|_| BodyFault::TooSlow)?;
        let Some(frame) = frame else { return Ok(read) };
        // Trailers have no meaning here.
        let Ok(data) = frame.map_err(|_| BodyFault::Broken)?.into_data() else { continue };
        if data.len() > most - read.bytes.len() {
            return Err(BodyFault::TooLarge);
        }
        read.append(&data)?;
    }
}

impl Body {
    fn append(&mut self, data: &[u8]) -> Result<(), BodyFault> {
        self.place.take(data.len()).ok_or(BodyFault::NoRoom)?;
        self.bytes.extend_from_slice(data);
        Ok(())
    }
}

/// Takes in, and forgets, a body that was refused unread: a connection that is closed while its client still writes
/// is reset, and the answer lost. Who waits for "100 Continue" has not begun to write.
pub(crate) async fn drain(headers: &HeaderMap, mut body: Incoming) {
    if headers.contains_key(EXPECT) || body.is_end_stream() {
        return;
    }
    let until = Instant::now() + DRAIN;
    let mut left = DRAIN_BYTES;
    while let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
    }
}
