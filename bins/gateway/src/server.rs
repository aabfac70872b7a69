//! The door: connections with a limit on everything that a stranger could draw out.

use std::convert::Infallible;
use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::answer::Answer;
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

/// What a door lets in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at once; further ones wait in the operating system's queue. Both doors together stay below the
    /// 1,024 open files that systems give a process.
    connections: usize,
}

impl Limits {
    /// For CI systems.
    pub(crate) const HOOKS: Self = Self { connections: 768 };
    /// For the operator.
    pub(crate) const ADMIN: Self = Self { connections: 64 };
}

/// Answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Answers one. What goes wrong is an answer too.
    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Answer> + Send;
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
    let room = Arc::new(Semaphore::new(limits.connections));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok(accepted) => {
                let (handler, watcher) = (Arc::clone(&handler), graceful.watcher());
                let observations = Arc::clone(observations);
                tokio::spawn(async move {
                    if let Err(why) = accepted.serve(handler, watcher).await {
                        observations.connection_failed(&why);
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
    peer: SocketAddr,
    _place: OwnedSemaphorePermit,
}

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> std::io::Result<Accepted> {
    let place = Arc::clone(room).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // Answers are short: waiting to fill a packet would only delay them. It fails where the client is gone already.
    let _ = stream.set_nodelay(true);
    Ok(Accepted { stream, peer, _place: place })
}

impl Accepted {
    /// Serves the connection to its end. What is no HTTP ends it, at most with hyper's own bare answer.
    async fn serve<H: Handler>(self, handler: Arc<H>, watcher: Watcher) -> hyper::Result<()> {
        let Self { stream, peer, _place } = self;
        let service = service_fn(|request| {
            let handler = Arc::clone(&handler);
            async move { Ok::<_, Infallible>(handler.handle(request, peer).await) }
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
        watcher.watch(connection).await
    }
}
