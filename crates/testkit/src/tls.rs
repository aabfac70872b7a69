//! What stands before a server and speaks TLS, as a reverse proxy does.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::door::Door;
use crate::{Certificate, Certificates};

/// TLS on loopback before a server of plain HTTP, such as a Synapse; its certificate can be replaced while it runs.
#[derive(Debug)]
pub struct TlsFront {
    door: Door,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: String,
    certificate: Mutex<Arc<CertifiedKey>>,
    /// Connections with whole handshakes.
    joined: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
}

impl ResolvesServerCert for Shared {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.certificate.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl TlsFront {
    /// Starts on a free loopback port, before the server of that `http://host:port`.
    ///
    /// # Panics
    /// When there is no port.
    #[must_use]
    pub fn before(url: &str, certificates: &Certificates, which: Certificate) -> Self {
        let shared = Arc::new(Shared {
            server: url.trim_start_matches("http://").to_owned(),
            certificate: Mutex::new(key(certificates, which)),
            joined: AtomicUsize::new(0),
            open: Mutex::default(),
        });
        let (serving, config) = (Arc::clone(&shared), shared.config());
        let door = Door::open(move |client| {
            let (shared, config) = (Arc::clone(&serving), Arc::clone(&config));
            thread::spawn(move || shared.serve(client, config));
        });
        Self { door, shared }
    }

    /// Its address, under the name that good certificates are for.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.door.address().port())
    }

    /// From now on connections get this certificate; those that are open are closed.
    pub fn present(&self, certificates: &Certificates, which: Certificate) {
        *self.shared.certificate.lock().unwrap_or_else(PoisonError::into_inner) = key(certificates, which);
        for client in self.shared.open().drain(..) {
            let _ = client.shutdown(Shutdown::Both);
        }
    }

    /// How many clients have believed it so far.
    #[must_use]
    pub fn joined(&self) -> usize {
        self.shared.joined.load(Ordering::SeqCst)
    }
}

fn key(certificates: &Certificates, which: Certificate) -> Arc<CertifiedKey> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&certificates.pem(which)).collect();
    let key = PrivateKeyDer::from_pem_slice(&certificates.key(which)).expect("a key in PEM");
    let key = CertifiedKey::from_der(chain.expect("certificates in PEM"), key, &ring::default_provider());
    Arc::new(key.expect("a key that fits its certificate"))
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn config(self: &Arc<Self>) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("ring has ciphers for them");
        Arc::new(builder.with_no_client_auth().with_cert_resolver(Arc::clone(self) as _))
    }

    /// Until either side ends, or the client does not believe us.
    fn serve(&self, mut client: TcpStream, config: Arc<ServerConfig>) -> Option<()> {
        let mut tls = ServerConnection::new(config).ok()?;
        while tls.is_handshaking() {
            tls.complete_io(&mut client).ok()?;
        }
        let server = TcpStream::connect(&self.server).ok()?;
        self.joined.fetch_add(1, Ordering::SeqCst);
        self.open().push(client.try_clone().ok()?);
        pass(StreamOwned::new(tls, client), server)
    }
}

/// Passes on what comes from either side, until one ends.
fn pass(mut client: StreamOwned<ServerConnection, TcpStream>, mut server: TcpStream) -> Option<()> {
    let mut bytes = vec![0; 64 << 10];
    loop {
        // What is decrypted already shows at no socket.
        while !client.conn.wants_read() {
            forward(&mut client, &mut server, &mut bytes)?;
        }
        let (from_client, from_server) = wait(&client.sock, &server)?;
        if from_client {
            forward(&mut client, &mut server, &mut bytes)?;
        }
        if from_server {
            forward(&mut server, &mut client, &mut bytes)?;
        }
    }
}

fn wait(client: &TcpStream, server: &TcpStream) -> Option<(bool, bool)> {
    let mut both = [PollFd::new(client, PollFlags::IN), PollFd::new(server, PollFlags::IN)];
    poll(&mut both, None).ok()?;
    Some((!both[0].revents().is_empty(), !both[1].revents().is_empty()))
}

fn forward(from: &mut impl Read, to: &mut impl Write, bytes: &mut [u8]) -> Option<()> {
    let count = from.read(bytes).ok().filter(|count| *count > 0)?;
    to.write_all(&bytes[..count]).ok()
}
