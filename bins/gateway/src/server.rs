//! The door: connections with a limit on everything that a stranger could draw out.

use std::convert::Infallible;
use std::future::Future;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::answer::Answer;
use crate::crowd::{Crowd, Guest};
use crate::observe::Observations;
use crate::patient::Patient;

/// From the end of one answer, or from connecting, until the next request's header is whole: hyper has one timer for
/// a header that drips in and for a connection that idles.
const HEADER_WITHIN: Duration = Duration::from_secs(10);

/// Request line and headers, in bytes.
const MAX_HEADER: usize = 32 << 10;

/// Header lines.
const MAX_HEADERS: usize = 100;

/// After a failure to accept, such as "too many open files", so long nothing is accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// Connections of CI systems, and of whoever else, at once. Each may cost the memory of its header.
const MOST: usize = 4096;

/// What a door lets in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at once. For one more, the one is closed that has proved nothing for longest.
    pub(crate) connections: usize,
    /// And of one network.
    of_one: usize,
}

impl Limits {
    /// For the operator, who may be behind one address with everybody else on the machine.
    pub(crate) const ADMIN: Self = Self { connections: 64, of_one: 64 };

    /// For the homeserver, whose few connections prove themselves at once.
    pub(crate) const HOMESERVER: Self = Self { connections: 64, of_one: 64 };

    /// For CI systems, where the process may hold so many connections in all.
    pub(crate) fn hooks(all: usize) -> Self {
        let connections = all.saturating_sub(Self::ADMIN.connections).min(MOST);
        Self { connections, of_one: connections / 4 }
    }
}

/// Answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Answers one. What goes wrong is an answer too.
    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        guest: Arc<Guest>,
    ) -> impl Future<Output = Answer> + Send;

    /// Whose share of the connections one of that peer takes; nobody's where many are behind it.
    fn sharer(&self, peer: IpAddr) -> Option<IpAddr>;
}

/// Serves until `stop`'s sender is gone, then finishes the requests in hand.
pub(crate) async fn serve<H: Handler>(
    listener: TcpListener,
    handler: Arc<H>,
    limits: Limits,
    mut stop: watch::Receiver<()>,
    observations: &Arc<Observations>,
) {
    let graceful = GracefulShutdown::new();
    let crowd = Crowd::new(limits.connections, limits.of_one);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &crowd, &*handler) => accepted,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok(accepted) => {
                let (handler, watcher) = (Arc::clone(&handler), graceful.watcher());
                let observations = Arc::clone(observations);
                tokio::spawn(async move {
                    match accepted.serve(handler, watcher).await {
                        Ok(End::Itself) => {}
                        Ok(End::SentAway) => observations.connection_sent_away(),
                        Err(why) => observations.connection_failed(&why),
                    }
                });
            }
            // The client left while it waited.
            Err(why) if why.kind() == ErrorKind::ConnectionAborted => {}
            Err(why) => {
                observations.not_accepted(&why);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

struct Accepted {
    stream: TcpStream,
    guest: Arc<Guest>,
}

/// How a connection ended that did not fail.
enum End {
    Itself,
    /// To make room for another.
    SentAway,
}

async fn accept(
    listener: &TcpListener,
    crowd: &Arc<Crowd>,
    handler: &impl Handler,
) -> std::io::Result<Accepted> {
    let (stream, peer) = listener.accept().await?;
    // Answers are short: waiting to fill a packet would only delay them. It fails where the client is gone already.
    let _ = stream.set_nodelay(true);
    let guest = crowd.enter(peer, handler.sharer(peer.ip())).await;
    Ok(Accepted { stream, guest: Arc::new(guest) })
}

impl Accepted {
    /// Serves the connection to its end. What is no HTTP ends it, at most with hyper's own bare answer.
    async fn serve<H: Handler>(self, handler: Arc<H>, watcher: Watcher) -> hyper::Result<End> {
        let Self { stream, guest } = self;
        let service = service_fn(|request| {
            let (handler, guest) = (Arc::clone(&handler), Arc::clone(&guest));
            async move {
                let answer = handler.handle(request, Arc::clone(&guest)).await;
                guest.answered();
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // Who has said all there is to say may still hear the answer.
            .half_close(true)
            .header_read_timeout(HEADER_WITHIN)
            .max_buf_size(MAX_HEADER)
            .max_header_size(MAX_HEADER)
            .max_headers(MAX_HEADERS)
            .serve_connection(TokioIo::new(Patient::new(stream)), service);
        tokio::select! {
            served = watcher.watch(connection) => served.map(|()| End::Itself),
            () = guest.told_to_go() => Ok(End::SentAway),
        }
    }
}
