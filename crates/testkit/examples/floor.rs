//! The floors: the gateway's door, with the settings of its `server.rs`, that reads a body, answers 202, and does
//! nothing else. What a machine's sockets and hyper let through at all; and with a file, what its disk does.
//!
//! `floor PORT` listens on loopback, for as long as whoever started it keeps its standard input open. `floor PORT FILE
//! BYTES` answers once a record of so many bytes is durable in the file, and says at its end how many were, by how many
//! syncs.
#![allow(clippy::print_stdout, reason = "it speaks to the program that started it")]

use std::convert::Infallible;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener as Listener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use meshhook_testkit::load::Journal;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

const HEADER_WITHIN: Duration = Duration::from_secs(10);
const MAX_HEADER: usize = 32 << 10;
const MAX_HEADERS: usize = 100;
const WORKERS: usize = 2;
const BACKLOG: i32 = 4096;

/// What has to be durable before there is an answer, if anything.
type Disk = Option<Arc<Journal>>;

fn main() -> std::io::Result<()> {
    let mut words = std::env::args().skip(1);
    let port = words.next().and_then(|port| port.parse().ok()).expect("floor PORT [FILE BYTES]");
    let file = words.next().map(PathBuf::from);
    let record = words.next().and_then(|bytes| bytes.parse().ok());
    let disk = file.zip(record).map(|(file, record)| Journal::create(&file, record)).transpose()?;
    let disk = disk.map(Arc::new);
    let listener = Listener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    rustix::net::listen(&listener, BACKLOG)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(WORKERS).enable_all().build()?;
    runtime.spawn(serve(listener, disk.clone()));
    std::io::stdin().read_to_end(&mut Vec::new())?;
    runtime.shutdown_background();
    if let Some((records, syncs)) = disk.map(|disk| disk.written()) {
        println!("{records} {syncs}");
    }
    Ok(())
}

async fn serve(listener: Listener, disk: Disk) -> std::io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(answer_all(stream, disk.clone()));
    }
}

async fn answer_all(stream: TcpStream, disk: Disk) -> hyper::Result<()> {
    // It fails where the client is gone already.
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .half_close(true)
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(MAX_HEADER)
        .max_header_size(MAX_HEADER)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service_fn(|request| answer(request, disk.clone())))
        .await
}

async fn answer(request: Request<Incoming>, disk: Disk) -> Result<Response<Empty<Bytes>>, Infallible> {
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    let mut answer = Response::new(Empty::new());
    *answer.status_mut() = match disk {
        Some(journal) if !is_durable(&journal).await => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::ACCEPTED,
    };
    Ok(answer)
}

/// True once a record is, false when none can be.
async fn is_durable(journal: &Journal) -> bool {
    let (done, durable) = oneshot::channel();
    journal.append(move || {
        // Nobody listens where the client has gone.
        let _ = done.send(());
    });
    durable.await.is_ok()
}
