//! What lies between a client and a server, and loses things.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::door::Door;

/// What becomes of a PUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loss {
    /// It is passed on, and so is its answer.
    #[default]
    Nothing,
    /// Its connection is closed before the server has seen any of it.
    Request,
    /// The server gets it whole, and its connection is closed once the server has answered.
    Answer,
}

/// A TCP proxy on loopback before a real server, for the losses of PUTs that a real server cannot be made to have.
///
/// It knows as much HTTP/1.1 as a client needs that writes a request's head at once and waits for the answer. The
/// server may be away, and come back on the same port.
#[derive(Debug)]
pub struct Proxy {
    door: Door,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: String,
    loss: Mutex<Loss>,
    lost: AtomicUsize,
}

impl Proxy {
    /// Starts on a free loopback port, before the server of that `http://host:port`.
    ///
    /// # Panics
    /// When there is no port.
    #[must_use]
    pub fn before(url: &str) -> Self {
        let shared = Arc::new(Shared {
            server: url.trim_start_matches("http://").to_owned(),
            loss: Mutex::default(),
            lost: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&shared);
        Self { door: Door::open(move |client| accepting.pass_on(client)), shared }
    }

    /// Its address, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.door.address())
    }

    /// From now on this is lost of every PUT.
    pub fn lose(&self, loss: Loss) {
        *self.shared.loss() = loss;
    }

    /// How many requests or answers were lost.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.shared.lost.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn loss(&self) -> MutexGuard<'_, Loss> {
        self.loss.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass_on(self: &Arc<Self>, client: TcpStream) {
        // A client whose server is away finds its connection closed.
        if let Ok(server) = TcpStream::connect(&self.server) {
            Line { shared: Arc::clone(self), client, server, loses: Arc::default() }.open();
        }
    }
}

/// A connection, and the one that goes on from it.
#[derive(Debug)]
struct Line {
    shared: Arc<Shared>,
    client: TcpStream,
    server: TcpStream,
    /// What the request under way loses.
    loses: Arc<Mutex<Loss>>,
}

impl Line {
    fn open(self) {
        let Ok(back) = self.twin() else { return };
        thread::spawn(move || back.answers());
        thread::spawn(move || self.requests());
    }

    fn twin(&self) -> std::io::Result<Self> {
        let (client, server) = (self.client.try_clone()?, self.server.try_clone()?);
        Ok(Self { shared: Arc::clone(&self.shared), client, server, loses: Arc::clone(&self.loses) })
    }

    fn loses(&self) -> MutexGuard<'_, Loss> {
        self.loses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn requests(&self) {
        copy(&self.client, &self.server, |bytes| {
            let is_put = bytes.starts_with(b"PUT ");
            if is_put || bytes.starts_with(b"GET ") {
                *self.loses() = if is_put { *self.shared.loss() } else { Loss::Nothing };
            }
            self.passes(Loss::Request)
        });
    }

    fn answers(&self) {
        copy(&self.server, &self.client, |_| self.passes(Loss::Answer));
    }

    /// Whether what is under way goes on: not if `loss` is what it loses.
    fn passes(&self, loss: Loss) -> bool {
        let is_lost = *self.loses() == loss;
        self.shared.lost.fetch_add(usize::from(is_lost), Ordering::SeqCst);
        !is_lost
    }
}

/// Passes on what comes, as long as it may, and closes both sides in the end.
fn copy(mut from: &TcpStream, mut to: &TcpStream, may: impl Fn(&[u8]) -> bool) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !may(&bytes[..count]) || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    for side in [from, to] {
        let _ = side.shutdown(Shutdown::Both);
    }
}
