//! The program's life: assemble, listen, serve until a signal, finish what is in hand.

use std::net::{SocketAddr, TcpListener};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use meshhook_config::{Config, Loaded, Voice};
use meshhook_engine::EngineError;
use meshhook_store::StoreError;
use rustix::process::Signal as Number;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::admin_token::AdminTokenError;
use crate::assemble::{App, Begun, Opened, assemble};
use crate::open_files;
use crate::reload::Reloader;
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

/// So many connections may wait to be accepted, as far as the system lets them. With the usual 128 a burst of strangers
/// would have the system drop a genuine one, whose sender tries again after a second or more.
const BACKLOG: i32 = 4096;

/// The name of the threads that answer requests.
const DOOR: &str = "door";

/// Why the program does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum StartError {
    /// The homeserver's address or the like.
    #[error("[matrix]: {0}")]
    Matrix(#[from] meshhook_matrix::OptionsError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The admin token's file.
    #[error(transparent)]
    AdminToken(#[from] AdminTokenError),
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
        matches!(self, Self::Matrix(_) | Self::AdminToken(AdminTokenError::File(_)))
    }

    /// What to do.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Matrix(_) => "correct [matrix] in gateway.toml",
            Self::Store(why) | Self::Engine(EngineError::Store(why)) => store_hint(why),
            Self::AdminToken(AdminTokenError::Make { .. }) => FOLDER,
            Self::AdminToken(_) => {
                "remove the file, and the gateway makes a new one; or name an admin_token_file"
            }
            Self::Listen { .. } => {
                "stop what listens there, or change listen or admin_listen in [server], or listen in [appservice]"
            }
            Self::System(_) | Self::Engine(_) => "look at the limits of the gateway's user",
        }
    }
}

const FOLDER: &str = "look at the store's folder: who may write there, and is there room on the disk?";

const fn store_hint(why: &StoreError) -> &'static str {
    match why {
        StoreError::InUse(_) => "stop the other gateway, or give this one a [store] of its own",
        StoreError::Newer { .. } => "start the version that wrote it, or a newer one",
        StoreError::Full(_) => "make room on the disk, or raise the quota or limit; nothing is lost",
        StoreError::Unavailable(_) => {
            "another program may hold the database, such as a backup or a shell: end it and start again"
        }
        StoreError::Damaged(_) => {
            "nothing was changed. Keep a copy of the file and of its -wal; put a backup in their place, or what \
             \"sqlite3 FILE .recover\" makes of them. Without them the gateway starts anew: what was owed is lost, and \
             what comes again is told again"
        }
        _ => FOLDER,
    }
}

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(loaded: Loaded) -> Result<(), StartError> {
    let Loaded { config, warnings, .. } = loaded;
    let begun = Begun::with(crate::log::set_up(config.log));
    panic::set_hook(Box::new(panicked));
    let (runtime, hangups) = runtime().map_err(StartError::System)?;
    warnings.iter().for_each(crate::observe::warned);
    let store = Opened::of(&config)?;
    let doors = Doors::open(&config)?;
    let app = assemble(config, store, begun)?;
    let served = runtime.block_on(serve_until_signal(&app, doors, hangups)).map_err(StartError::System);
    let finished = app.engine.stop(FINISH_WITHIN);
    runtime.shutdown_background();
    crate::observe::stopped(finished);
    served
}

/// The door's threads. From here on a write beyond a limit on the size of files fails, as one to a full disk does, and
/// who asks for a reload is heard, also before all is there: without handlers these signals would end the process.
fn runtime() -> std::io::Result<(Runtime, Signal)> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING)
        .thread_name(DOOR)
        .enable_all()
        .build()?;
    let inside = runtime.enter();
    // Nobody waits for it: that it is handled at all is the point, and lasts.
    drop(signal(SignalKind::from_raw(Number::XFSZ.as_raw()))?);
    let hangups = signal(SignalKind::hangup())?;
    drop(inside);
    Ok((runtime, hangups))
}

/// A bug at the door costs its request an answer. One in the engine's threads would leave a room silent, or nothing
/// accepted, without end: the process ends, and whoever runs it starts it anew. Nothing is lost by that.
fn panicked(panic: &PanicHookInfo<'_>) {
    let thread = thread::current();
    let name = thread.name().unwrap_or("-");
    crate::observe::panicked(name, panic);
    if name != DOOR {
        std::process::abort();
    }
}

/// Where we listen.
struct Doors {
    hooks: TcpListener,
    admin: TcpListener,
    /// For the homeserver, where an application service sends.
    homeserver: Option<TcpListener>,
}

impl Doors {
    fn open(config: &Config) -> Result<Self, StartError> {
        let homeserver = match &config.matrix.voice {
            Voice::Service(service) => Some(listen(service.listen)?),
            _ => None,
        };
        let server = &config.server;
        Ok(Self { hooks: listen(server.listen)?, admin: listen(server.admin_listen)?, homeserver })
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        rustix::net::listen(&listener, BACKLOG)?;
        Ok(listener)
    });
    bound.map_err(|why| StartError::Listen { address, why })
}

async fn serve_until_signal(app: &App, doors: Doors, hangups: Signal) -> std::io::Result<()> {
    let mut signals = Signals::new()?;
    let for_homeserver = doors.homeserver.as_ref().map_or(0, |_| Limits::HOMESERVER.connections);
    let limits = Limits::hooks(open_files::for_connections().saturating_sub(for_homeserver));
    crate::observe::listening(doors.hooks.local_addr()?, doors.admin.local_addr()?, limits.connections);
    let homeserver = doors.homeserver.map(from_std).transpose()?;
    let (stop, stopped) = watch::channel(());
    let (hooks, admin) = (from_std(doors.hooks)?, from_std(doors.admin)?);
    let served = async {
        tokio::join!(
            serve(hooks, app.ingress.clone(), limits, stopped.clone(), &app.observations),
            serve(admin, app.admin.clone(), Limits::ADMIN, stopped.clone(), &app.observations),
            serve_homeserver(homeserver, app, stopped.clone()),
        )
    };
    let end = async {
        signals.recv().await;
        crate::observe::stopping();
        drop(stop);
        tokio::time::sleep(ANSWER_WITHIN).await;
    };
    tokio::select! {
        _ = served => {}
        () = end => {}
        () = reload_at(hangups, &app.reloader) => {}
    }
    Ok(())
}

/// Serves the homeserver, where it has a door.
async fn serve_homeserver(
    listener: Option<tokio::net::TcpListener>,
    app: &App,
    stopped: watch::Receiver<()>,
) -> std::io::Result<()> {
    if let Some((listener, door)) = listener.zip(app.door.clone()) {
        crate::observe::listening_for_the_homeserver(listener.local_addr()?);
        serve(listener, door, Limits::HOMESERVER, stopped, &app.observations).await;
    }
    Ok(())
}

/// One reload after the other; what comes meanwhile is one more. What it leads to is in the log.
async fn reload_at(mut hangups: Signal, reloader: &Arc<Reloader>) {
    while hangups.recv().await.is_some() {
        let reloader = Arc::clone(reloader);
        // A panic in there is told by the hook.
        let _ = tokio::task::spawn_blocking(move || reloader.reload().is_ok()).await;
    }
    std::future::pending::<()>().await;
}

fn from_std(listener: TcpListener) -> std::io::Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::from_std(listener)
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
