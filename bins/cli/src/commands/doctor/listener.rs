//! Listens in the gateway's place while that does not run, for one ping.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use meshhook_appservice::{Received, Registration};
use serde::Deserialize;

/// How often it is looked for a client, and whether it is over.
const LOOK: Duration = Duration::from_millis(10);
/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many may be heard at once; more are hung up on.
const MOST: usize = 16;
/// The longest request that is read, in bytes.
const LONGEST: usize = 32 << 10;

const NO_REQUEST: &str = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

const PING: &str = "/_matrix/app/v1/ping";

/// A listener that ends when it is dropped, and by itself when its time is over.
pub(super) struct Listener {
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

struct Seen {
    registration: Registration,
    /// Of which ping it is looked for what came.
    id: String,
    received: Mutex<Option<Received>>,
    /// How many clients are being heard.
    clients: AtomicUsize,
    is_over: AtomicBool,
    until: Instant,
}

impl Listener {
    /// Listens for the ping of that id, as the service of that registration would.
    pub(super) fn open(
        address: SocketAddr,
        registration: Registration,
        id: &str,
        time: Duration,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let seen = Arc::new(Seen {
            registration,
            id: id.to_owned(),
            received: Mutex::new(None),
            clients: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            until: Instant::now() + time,
        });
        let shared = Arc::clone(&seen);
        let thread = thread::Builder::new().spawn(move || shared.listen(&listener))?;
        Ok(Self { seen, thread: Some(thread) })
    }

    /// What came of the ping.
    pub(super) fn received(&self) -> Received {
        self.seen.received().unwrap_or(Received::NotReached)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.seen.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // One that panicked is over as well.
            let _ = thread.join();
        }
    }
}

impl Seen {
    fn received(&self) -> Option<Received> {
        *self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(self: &Arc<Self>, listener: &TcpListener) {
        while !self.is_over.load(Ordering::SeqCst) && Instant::now() < self.until {
            match listener.accept() {
                Ok((client, _)) => self.let_in(client),
                Err(_) => thread::sleep(LOOK),
            }
        }
    }

    fn let_in(self: &Arc<Self>, client: TcpStream) {
        if self.clients.fetch_add(1, Ordering::SeqCst) >= MOST {
            self.clients.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        let shared = Arc::clone(self);
        let heard = thread::Builder::new().spawn(move || {
            // Who hangs up is not answered.
            let _ = shared.hear(client);
            shared.clients.fetch_sub(1, Ordering::SeqCst);
        });
        if heard.is_err() {
            self.clients.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn hear(&self, mut client: TcpStream) -> io::Result<()> {
        // On some systems a client's is as its listener's.
        client.set_nonblocking(false)?;
        client.set_write_timeout(Some(PATIENCE))?;
        match read(&mut client, Instant::now() + PATIENCE) {
            Some(request) => client.write_all(self.answer(&request).as_bytes()),
            // Who speaks TLS hears by that what is wrong, as of any server.
            None => client.write_all(NO_REQUEST.as_bytes()),
        }
    }

    /// A transaction is not taken: nobody here could do anything about it, and what is refused comes again.
    fn answer(&self, request: &Request) -> &'static str {
        let shown = self.registration.received(request.headers("authorization").map(str::as_bytes));
        if request.is_ping() && request.id().as_deref() == Some(&*self.id) {
            *self.received.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        }
        match (shown, request.is_ping()) {
            (Received::RightToken, true) => {
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
            }
            (Received::RightToken, false) => {
                "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 23\r\n\
                 Connection: close\r\n\r\n{\"errcode\":\"M_UNKNOWN\"}"
            }
            _ => {
                "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 25\r\n\
                 Connection: close\r\n\r\n{\"errcode\":\"M_FORBIDDEN\"}"
            }
        }
    }
}

/// A request, in text: what is none of UTF-8 in it is nothing that is looked for.
struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn headers<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// How long its body is said to be, in bytes; nothing where that is not said as a homeserver says it.
    fn length(&self) -> Option<usize> {
        if self.headers("transfer-encoding").next().is_some() {
            return None;
        }
        self.headers("content-length").next().map_or(Some(0), |length| length.parse().ok())
    }

    fn is_ping(&self) -> bool {
        let mut words = self.head.split(' ');
        // A proxy may leave a path before it.
        words.next() == Some("POST") && words.next().is_some_and(|path| path.ends_with(PING))
    }

    fn id(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Body {
            transaction_id: String,
        }
        serde_json::from_slice::<Body>(&self.body).ok().map(|body| body.transaction_id)
    }
}

/// A whole request; nothing of one that is too long, too slow or none.
fn read(client: &mut TcpStream, until: Instant) -> Option<Request> {
    let (mut bytes, mut some) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(request) = whole(&bytes)? {
            return Some(request);
        }
        let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        client.set_read_timeout(Some(left)).ok()?;
        match client.read(&mut some) {
            Ok(count) if count > 0 && bytes.len() + count <= LONGEST => {
                bytes.extend_from_slice(&some[..count]);
            }
            _ => return None,
        }
    }
}

/// The request, if that is all of it; nothing where it will never be one.
fn whole(bytes: &[u8]) -> Option<Option<Request>> {
    // A method begins with a letter, and TLS with a control character.
    if bytes.first().is_some_and(|first| !first.is_ascii_uppercase()) {
        return None;
    }
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Some(None) };
    let (head, body) = (String::from_utf8_lossy(&bytes[..end]).into_owned(), &bytes[end + 4..]);
    let mut request = Request { head, body: Vec::new() };
    let length = request.length()?;
    if body.len() < length {
        return Some(None);
    }
    body[..length].clone_into(&mut request.body);
    Some(Some(request))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn registration() -> Registration {
        let text = "{\"id\":\"meshhook\",\"url\":\"http://127.0.0.1:1\",\"as_token\":\"as-0123456789abcdef\",\
                    \"hs_token\":\"hs-0123456789abcdef\",\"sender_localpart\":\"buildbot\",\"rate_limited\":false,\
                    \"namespaces\":{\"users\":[{\"exclusive\":true,\"regex\":\"^@buildbot_.+:x$\"}]}}";
        Registration::read(text).usable().unwrap().0
    }

    fn free() -> SocketAddr {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
    }

    fn open(time: Duration) -> (SocketAddr, Listener) {
        let address = free();
        (address, Listener::open(address, registration(), "ours", time).unwrap())
    }

    /// The answer's status, or nothing.
    fn ask(address: SocketAddr, request: &str) -> Option<String> {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let length = format!("Content-Length: {}\r\n", body.len());
        let is_json = serde_json::from_str::<serde_json::Value>(body).is_ok();
        assert!(head.contains(&length) && (is_json || body.is_empty()), "{answer}");
        Some(head[9..12].to_owned())
    }

    fn ping(headers: &str, id: &str) -> String {
        let body = format!("{{\"transaction_id\":\"{id}\"}}");
        format!(
            "POST /below/_matrix/app/v1/ping HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        )
    }

    const RIGHT: &str = "Authorization: Bearer hs-0123456789abcdef\r\n";
    const WRONG: &str = "Authorization: Bearer hs-0123456789abcdeX\r\n";

    #[test]
    fn what_comes_is_told_by_its_token() {
        for (headers, status, received) in [
            (RIGHT, "200", Received::RightToken),
            ("authorization:bearer hs-0123456789abcdef\r\n", "200", Received::RightToken),
            (WRONG, "403", Received::WrongToken),
            (&format!("{RIGHT}{RIGHT}"), "403", Received::WrongToken),
            ("Authorization: Basic x\r\n", "403", Received::NoToken),
            ("", "403", Received::NoToken),
        ] {
            let (address, listener) = open(Duration::from_secs(30));
            assert_eq!(listener.received(), Received::NotReached);
            assert_eq!(ask(address, &ping(headers, "ours")).as_deref(), Some(status), "{headers}");
            assert_eq!(listener.received(), received, "{headers}");
        }
    }

    #[test]
    fn another_ping_says_nothing_of_ours_and_no_transaction_is_taken() {
        let (address, listener) = open(Duration::from_secs(30));
        assert_eq!(ask(address, &ping(RIGHT, "other")).as_deref(), Some("200"));
        let push = |headers: &str| {
            format!("PUT /_matrix/app/v1/transactions/1 HTTP/1.1\r\n{headers}Content-Length: 2\r\n\r\n{{}}")
        };
        assert_eq!(ask(address, &push(RIGHT)).as_deref(), Some("503"));
        assert_eq!(ask(address, &push(WRONG)).as_deref(), Some("403"));
        assert_eq!(listener.received(), Received::NotReached);
    }

    #[test]
    fn what_is_no_request_is_answered_at_once_and_harms_nobody() {
        let (address, listener) = open(Duration::from_secs(30));
        let chunked = format!("POST {PING} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
        let many = format!("POST {PING} HTTP/1.1\r\nContent-Length: many\r\n\r\n");
        for request in [&chunked, &many, "\u{16}\u{3}\u{1}", "post"] {
            assert_eq!(ask(address, request).as_deref(), Some("400"), "{request:?}");
        }
        let mut long = TcpStream::connect(address).unwrap();
        // It may be hung up on before it is at its end.
        let _ = long.write_all(&vec![b'x'; 2 * LONGEST]);
        // Silent ones have the places of a moment, and no more of them than there are.
        let _silent: Vec<_> = (0..MOST / 2).map(|_| TcpStream::connect(address).unwrap()).collect();
        assert_eq!(ask(address, &ping(RIGHT, "ours")).as_deref(), Some("200"));
        assert_eq!(listener.received(), Received::RightToken);
    }

    #[test]
    fn it_ends_by_itself_and_when_it_is_dropped() {
        let (address, listener) = open(Duration::from_millis(50));
        thread::sleep(Duration::from_millis(300));
        assert!(TcpListener::bind(address).is_ok());
        drop(listener);
        let (address, listener) = open(Duration::from_secs(600));
        assert!(TcpListener::bind(address).is_err());
        drop(listener);
        assert!(TcpListener::bind(address).is_ok());
    }
}
