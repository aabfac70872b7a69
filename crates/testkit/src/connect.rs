//! A proxy that connects (RFC 9110, 9.3.6).

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::door::Door;

/// A `CONNECT` proxy on loopback that keeps account of whom it was asked to connect to.
#[derive(Debug)]
pub struct ConnectProxy {
    door: Door,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    heads: Mutex<Vec<String>>,
    refuses: AtomicBool,
}

impl ConnectProxy {
    /// Starts on a free loopback port.
    ///
    /// # Panics
    /// When there is no port.
    #[must_use]
    pub fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let connecting = Arc::clone(&shared);
        let door = Door::open(move |client| {
            let shared = Arc::clone(&connecting);
            // A client whose server is away finds its connection closed.
            thread::spawn(move || shared.connect(client));
        });
        Self { door, shared }
    }

    /// Its address, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.door.address())
    }

    /// From now on it answers 407.
    pub fn refuse(&self) {
        self.shared.refuses.store(true, Ordering::SeqCst);
    }

    /// The heads of all requests so far, line by line as they came.
    #[must_use]
    pub fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    fn connect(&self, mut client: TcpStream) -> io::Result<()> {
        let head = head(&mut client)?;
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
        let target =
            head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        if self.refuses.load(Ordering::SeqCst) {
            return client
                .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        }
        let server = TcpStream::connect(target)?;
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
        thread::spawn(move || {
            io::copy(&mut from, &mut to).and_then(|_| to.shutdown(std::net::Shutdown::Both))
        });
        io::copy(&mut &server, &mut client)?;
        client.shutdown(std::net::Shutdown::Both)
    }
}

/// A request's head; what follows it is left in the stream.
fn head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
