//! Deliveries that are all distinct and all signed, before the first of them is sent.

use std::net::SocketAddr;
use std::num::NonZero;
use std::ops::Range;
use std::thread;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{Payload, signed};

const EVENT: &str = "workflow_run";
const SIGNATURE: &str = "X-Hub-Signature-256";

/// Its last digits tell deliveries apart.
const GUID: &str = "9f2c6a10-5804-11f1-8000-000000000000";
const GUID_DIGITS: usize = 12;

/// The day of all of the fixture's times, and what follows it in each.
const DAY: &str = "2026-05-04T";
const TIME: usize = "09:02:11Z".len();

/// Of ten digits, as the fixture's.
const FIRST_RUN: u64 = 1_000_000_000;

/// Where they are posted to.
#[derive(Debug, Clone)]
pub struct Target {
    /// The server.
    pub address: SocketAddr,
    /// The path, from its slash on.
    pub path: String,
}

/// As many `workflow_run`s of GitHub as are wanted, each of a run of its own, signed for one secret.
#[derive(Debug)]
pub struct Deliveries {
    /// The body of any of them, with the fixture's run in it.
    body: Vec<u8>,
    /// Where the run's id stands in it.
    runs: Vec<Range<usize>>,
    /// The headers of any of them.
    headers: signed::Headers,
    /// The number of the first; runs and deliveries are called by it.
    first: u64,
    /// Of each the value of the signature's header.
    signatures: Vec<String>,
}

impl Deliveries {
    /// Makes and signs those of these numbers, of about `bytes` each, which are news at `now`, in seconds since the
    /// epoch. One of another number is another delivery.
    ///
    /// # Panics
    /// When the secret cannot be one.
    #[must_use]
    pub fn new(numbers: Range<u64>, bytes: usize, secret: &str, now: i64) -> Self {
        let body = moved(&Payload::WorkflowRun.body(bytes), now).into_bytes();
        let runs = places(&body, Payload::RUN_ID.to_string().as_bytes());
        let headers = signed::github(secret, EVENT, GUID, &body);
        let unsigned = Self { body, runs, headers, first: numbers.start, signatures: Vec::new() };
        let signatures = unsigned.sign(numbers, secret);
        Self { signatures, ..unsigned }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.signatures.len()
    }

    /// The length of each body, in bytes.
    #[must_use]
    pub fn body_len(&self) -> usize {
        self.body.len()
    }

    /// One of them, counted from 0, for any client: headers and body.
    #[must_use]
    pub fn delivery(&self, at: usize) -> (signed::Headers, Vec<u8>) {
        let number = self.first + at as u64;
        let (old, mut body) = (signature(&self.headers), self.body.clone());
        put(&mut body, &self.runs, run(number).as_bytes());
        let guid = format!("{}{number:0GUID_DIGITS$}", &GUID[..GUID.len() - GUID_DIGITS]);
        let renamed = |value: &str| value.replace(old, &self.signatures[at]).replace(GUID, &guid);
        (self.headers.iter().map(|(name, value)| (*name, renamed(value))).collect(), body)
    }

    /// Signs on every core there is.
    fn sign(&self, Range { start, end }: Range<u64>, secret: &str) -> Vec<String> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get) as u64;
        let share = (end - start).div_ceil(threads).max(1);
        thread::scope(|scope| {
            let begin = |n: u64| (start + n * share).min(end);
            let shares = (0..threads).map(|n| begin(n)..begin(n + 1));
            let signers: Vec<_> =
                shares.map(|numbers| scope.spawn(|| self.sign_some(numbers, secret))).collect();
            signers.into_iter().flat_map(|signer| signer.join().expect("it signs")).collect()
        })
    }

    fn sign_some(&self, numbers: Range<u64>, secret: &str) -> Vec<String> {
        let mut body = self.body.clone();
        let sign = |number| {
            put(&mut body, &self.runs, run(number).as_bytes());
            signature(&signed::github(secret, EVENT, GUID, &body)).to_owned()
        };
        numbers.map(sign).collect()
    }

    /// A request to that target, to be made one of the deliveries by [`Request::become_delivery`].
    pub(super) fn request(&self, target: &Target) -> Request {
        let mut bytes = format!("POST {} HTTP/1.1\r\nHost: {}\r\n", target.path, target.address);
        for (name, value) in &self.headers {
            bytes.extend([name, ": ", value, "\r\n"]);
        }
        bytes.extend(["Content-Length: ", &self.body.len().to_string(), "\r\n\r\n"]);
        let head = bytes.len();
        let mut bytes = bytes.into_bytes();
        let [signatures, guids] =
            [signature(&self.headers), GUID].map(|text| places(&bytes, text.as_bytes()));
        bytes.extend_from_slice(&self.body);
        let runs = self.runs.iter().map(|run| head + run.start..head + run.end).collect();
        let guids = guids.into_iter().map(|guid| guid.end - GUID_DIGITS..guid.end).collect();
        Request { bytes, signatures, guids, runs }
    }
}

/// The bytes of a request, of which what makes it distinct can be written over.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    signatures: Vec<Range<usize>>,
    guids: Vec<Range<usize>>,
    runs: Vec<Range<usize>>,
}

impl Request {
    /// Makes it one of the deliveries, counted from 0.
    pub(super) fn become_delivery(&mut self, deliveries: &Deliveries, at: usize) {
        let number = deliveries.first + at as u64;
        put(&mut self.bytes, &self.signatures, deliveries.signatures[at].as_bytes());
        put(&mut self.bytes, &self.guids, format!("{number:0GUID_DIGITS$}").as_bytes());
        put(&mut self.bytes, &self.runs, run(number).as_bytes());
    }
}

fn run(number: u64) -> String {
    (FIRST_RUN + number).to_string()
}

fn signature(headers: &signed::Headers) -> &str {
    let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(SIGNATURE));
    &found.expect("GitHub signs in this header").1
}

/// Every time in it, moved to `now`.
fn moved(body: &str, now: i64) -> String {
    let now = OffsetDateTime::from_unix_timestamp(now).expect("a year of four digits");
    let now = now.format(&Rfc3339).expect("it has such a form");
    let mut parts = body.split(DAY);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |moved, part| moved + &now + &part[TIME..])
}

/// Where `text` stands.
fn places(bytes: &[u8], text: &[u8]) -> Vec<Range<usize>> {
    let windows = bytes.windows(text.len()).enumerate().filter(|(_, window)| *window == text);
    windows.map(|(at, _)| at..at + text.len()).collect()
}

fn put(bytes: &mut [u8], places: &[Range<usize>], text: &[u8]) {
    for place in places {
        bytes[place.clone()].copy_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const SECRET: &str = "a-secret-of-thirty-two-characters";
    const NOW: i64 = 1_795_413_600;

    #[test]
    fn each_is_another_and_is_signed() {
        let deliveries = Deliveries::new(100..105, 20 << 10, SECRET, NOW);
        let target = Target { address: "127.0.0.1:80".parse().unwrap(), path: "/hook".to_owned() };
        let mut request = deliveries.request(&target);
        let mut seen = BTreeSet::new();
        // In any order: a request is made anew in the place of another.
        for at in [3, 0, 4, 1, 2] {
            request.become_delivery(&deliveries, at);
            let head = places(&request.bytes, b"\r\n\r\n")[0].end;
            let (head, body) = request.bytes.split_at(head);
            let head = std::str::from_utf8(head).unwrap();
            let guid = GUID.replace("000000000000", &format!("{:012}", 100 + at));
            for (name, value) in signed::github(SECRET, EVENT, &guid, body) {
                assert!(head.contains(&format!("{name}: {value}\r\n")), "{name}: {value} is not in\n{head}");
            }
            assert!(head.ends_with(&format!("Content-Length: {}\r\n\r\n", body.len())));
            assert_eq!(deliveries.delivery(at), (signed::github(SECRET, EVENT, &guid, body), body.to_vec()));
            let body: serde_json::Value = serde_json::from_slice(body).unwrap();
            assert_eq!(body["workflow_run"]["updated_at"], "2026-11-23T06:00:00Z");
            seen.insert(body["workflow_run"]["id"].as_u64().unwrap());
        }
        assert_eq!(seen, (FIRST_RUN + 100..FIRST_RUN + 105).collect());
        assert!(!request.bytes.windows(10).any(|w| w == Payload::RUN_ID.to_string().as_bytes()));
    }
}
