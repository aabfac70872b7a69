//! Thousands of connections that say as little as keeps them open.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use meshhook_testkit::Gateway;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::rig::build_headers;
use crate::wire::head;

/// So many files this test holds open itself.
const NEEDED: u64 = 4096;

/// A byte of each connection every so often.
const ROUND: Duration = Duration::from_millis(200);

/// Connections that drip, stall and idle until it is lifted; whichever the other side closes comes again.
pub(super) struct Siege {
    lifted: Arc<AtomicBool>,
    besiegers: JoinHandle<usize>,
}

impl Siege {
    /// Lays it with `count` connections of these addresses in turn, and waits until all have connected.
    pub(super) fn lay(gateway: &Gateway, from: &[Ipv4Addr], count: usize) -> Self {
        raise_open_files();
        let to = gateway.url().trim_start_matches("http://").parse().unwrap();
        let mut all: Vec<_> =
            (0..count).map(|n| Slow::begin(Kind::of(n), from[n % from.len()], to)).collect();
        let lifted = Arc::new(AtomicBool::new(false));
        let is_lifted = Arc::clone(&lifted);
        let besiegers = thread::spawn(move || {
            let mut came_again = 0;
            while !is_lifted.load(Ordering::Relaxed) {
                came_again += all.iter_mut().map(|slow| usize::from(!slow.goes_on(to))).sum::<usize>();
                sleep(ROUND);
            }
            came_again
        });
        Self { lifted, besiegers }
    }

    /// Ends it; how many connections were closed by the other side, and came again.
    pub(super) fn lift(self) -> usize {
        self.lifted.store(true, Ordering::Relaxed);
        self.besiegers.join().unwrap()
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Header,
    Body,
    Idle,
}

impl Kind {
    fn of(n: usize) -> Self {
        [Self::Header, Self::Body, Self::Idle][n % 3]
    }

    /// What is sent at once, and what drips after it.
    fn script(self) -> (String, String) {
        let mut signed = build_headers(b"forged");
        signed.push(("Content-Length", "1000".to_owned()));
        let lines: Vec<_> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let head = head("builds", &lines);
        match self {
            Self::Header => (String::new(), head),
            Self::Body => (head, " ".repeat(1000)),
            Self::Idle => ("GET / HTTP/1.1\r\nHost: ci\r\n\r\n".to_owned(), String::new()),
        }
    }
}

struct Slow {
    kind: Kind,
    from: Ipv4Addr,
    stream: TcpStream,
    drip: std::vec::IntoIter<u8>,
}

impl Slow {
    fn begin(kind: Kind, from: Ipv4Addr, to: SocketAddrV4) -> Self {
        let (first, drip) = kind.script();
        let mut stream = connect_from(from, to);
        let _ = stream.write_all(first.as_bytes());
        stream.set_nonblocking(true).unwrap();
        Self { kind, from, stream, drip: drip.into_bytes().into_iter() }
    }

    /// Sends one byte more, where it has any; connects again where it was closed, which is told by `false`.
    fn goes_on(&mut self, to: SocketAddrV4) -> bool {
        let is_open = is_open(&mut self.stream)
            && self.drip.next().is_none_or(|byte| self.stream.write_all(&[byte]).is_ok());
        if !is_open {
            *self = Self::begin(self.kind, self.from, to);
        }
        is_open
    }
}

/// Whether the other side has not closed it; what it says is thrown away.
fn is_open(stream: &mut TcpStream) -> bool {
    let mut said = [0; 4096];
    loop {
        match stream.read(&mut said) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(why) => return why.kind() == ErrorKind::WouldBlock,
        }
    }
}

fn connect_from(from: Ipv4Addr, to: SocketAddrV4) -> TcpStream {
    let stream = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    // How long to wait for a gateway that accepts nobody.
    set_socket_timeout(&stream, Timeout::Send, Some(Duration::from_secs(10))).unwrap();
    bind(&stream, &SocketAddrV4::new(from, 0)).unwrap();
    connect(&stream, &to).unwrap();
    stream.into()
}

/// The ordinary soft limit of 1,024 is too low for the besiegers' side, as for the other.
fn raise_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    assert!(
        maximum.is_none_or(|maximum| maximum >= NEEDED),
        "this test needs {NEEDED} open files, and the hard limit is {maximum:?}: raise it (ulimit -Hn)"
    );
    if current.is_some_and(|current| current < NEEDED) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(NEEDED), maximum }).unwrap();
    }
}
