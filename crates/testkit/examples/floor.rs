//! The floor: the gateway's door, with the settings of its `server.rs`, that reads a body, answers 202, and does nothing
//! else. What a machine's sockets and hyper let through at all.
//!
//! `floor PORT` listens on loopback, for as long as whoever started it keeps its standard input open.

use std::convert::Infallible;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener as Listener};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

const HEADER_WITHIN: Duration = Duration::from_secs(10);
const MAX_HEADER: usize = 32 << 10;
const MAX_HEADERS: usize = 100;
const WORKERS: usize = 2;
const BACKLOG: i32 = 4096;

fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).expect("floor PORT");
    let listener = Listener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    rustix::net::listen(&listener, BACKLOG)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(WORKERS).enable_all().build()?;
    runtime.spawn(serve(listener));
    std::io::stdin().read_to_end(&mut Vec::new())?;
    runtime.shutdown_background();
    Ok(())
}

async fn serve(listener: Listener) -> std::io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(answer_all(stream));
    }
}

async fn answer_all(stream: TcpStream) -> hyper::Result<()> {
    // It fails where the client is gone already.
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .half_close(true)
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(MAX_HEADER)
        .max_header_size(MAX_HEADER)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .await
}

async fn answer(request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    let mut accepted = Response::new(Empty::new());
    *accepted.status_mut() = StatusCode::ACCEPTED;
    Ok(accepted)
}
