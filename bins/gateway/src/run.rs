//! The program's life: assemble, listen, serve until a signal, finish what is in hand.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use meshhook_config::Loaded;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::assemble::{App, assemble};
use crate::server::{Limits, serve};

/// How long requests in hand may take to be answered once a signal came.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// How long the engine may take after that to commit what waits and to finish its PUT. A PUT that takes longer is
/// made again after the next start, under the same transaction id.
const FINISH_WITHIN: Duration = Duration::from_secs(4);

/// Two threads: the door's work is short, and everything that waits for a disk is done elsewhere.
const WORKERS: usize = 2;

/// Threads for long bodies and for looks into the store.
const BLOCKING: usize = 8;

/// Why the program does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum StartError {
    /// The homeserver's address or the like.
    #[error("[matrix]: {0}")]
    Matrix(#[from] meshhook_matrix::OptionsError),
    /// The store.
    #[error(transparent)]
    Store(#[from] meshhook_store::StoreError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] meshhook_engine::EngineError),
    /// The admin token's file.
    #[error(transparent)]
    AdminToken(#[from] crate::admin_token::AdminTokenError),
    /// An address.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        why: std::io::Error,
    },
    /// Threads or signals.
    #[error("the operating system gives no threads or signals: {0}")]
    System(#[source] std::io::Error),
}

impl StartError {
    /// Whether a file has to be changed.
    pub(crate) fn is_configuration(&self) -> bool {
        matches!(self, Self::Matrix(_) | Self::AdminToken(_))
    }

    /// What to do.
    pub(crate) fn hint(&self) -> &'static str {
        use meshhook_store::StoreError;
        match self {
            Self::Matrix(_) => "correct [matrix] in gateway.toml",
            Self::Store(StoreError::InUse(_)) => {
                "stop the other gateway, or give this one a [store] of its own"
            }
            Self::Store(StoreError::Newer { .. }) => "start the version that wrote it, or a newer one",
            Self::Store(_) | Self::Engine(_) => {
                "look at the store's folder: who may write there, and is there room on the disk?"
            }
            Self::AdminToken(_) => {
                "remove the file, and the gateway makes a new one; or name an admin_token_file"
            }
            Self::Listen { .. } => "stop what listens there, or change listen or admin_listen in [server]",
            Self::System(_) => "look at the limits of the gateway's user",
        }
    }
}

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(loaded: Loaded) -> Result<(), StartError> {
    crate::log::set_up(loaded.config.log);
    for warning in &loaded.warnings {
        crate::observe::warned(warning);
    }
    let app = assemble(loaded.config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING)
        .enable_all()
        .build()
        .map_err(StartError::System)?;
    let served = runtime.block_on(serve_until_signal(&app));
    let finished = app.engine.stop(FINISH_WITHIN);
    runtime.shutdown_background();
    crate::observe::stopped(finished);
    served
}

async fn serve_until_signal(app: &App) -> Result<(), StartError> {
    let mut signals = Signals::new().map_err(StartError::System)?;
    let (hooks, admin) = (listen(app.listen)?, listen(app.admin_listen)?);
    crate::observe::listening(&hooks, &admin);
    let (stop, stopped) = watch::channel(());
    let doors = async {
        tokio::join!(
            serve(hooks, app.ingress.clone(), Limits::HOOKS, stopped.clone(), &app.observations),
            serve(admin, app.admin.clone(), Limits::ADMIN, stopped, &app.observations),
        )
    };
    tokio::pin!(doors);
    tokio::select! {
        () = signals.recv() => {}
        _ = &mut doors => {}
    }
    crate::observe::stopping();
    drop(stop);
    let _ = tokio::time::timeout(ANSWER_WITHIN, doors).await;
    Ok(())
}

fn listen(address: SocketAddr) -> Result<tokio::net::TcpListener, StartError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(listener)
    });
    bound.map_err(|why| StartError::Listen { address, why })
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
