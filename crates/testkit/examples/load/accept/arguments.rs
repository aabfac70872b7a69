//! What is asked for on the command line.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use meshhook_testkit::load::Target;

/// What is to be loaded, how long and how.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) closed: bool,
    pub(crate) open: bool,
    pub(crate) rounds: usize,
    pub(crate) warm_up: Duration,
    pub(crate) span: Duration,
    pub(crate) connections: usize,
    pub(crate) body: usize,
    pub(crate) record: usize,
    pub(crate) rate: Option<u32>,
    pub(crate) target: Option<(Target, String)>,
}

impl Arguments {
    /// Reads them.
    pub(crate) fn read(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut read = Self {
            closed: true,
            open: true,
            rounds: 3,
            warm_up: Duration::from_secs(1),
            span: Duration::from_secs(5),
            connections: 64,
            body: 20 << 10,
            record: 2 << 10,
            rate: None,
            target: None,
        };
        let (mut url, mut secret_file) = (None, None);
        let mut words = words.into_iter();
        while let Some(name) = words.next() {
            if name == "--quick" {
                (read.rounds, read.warm_up) = (1, Duration::from_millis(500));
                read.span = Duration::from_secs(2);
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{name} wants a value"))?;
            match name.as_str() {
                "--mode" => (read.closed, read.open) = mode(&value)?,
                "--seconds" => read.span = Duration::from_secs(number(&name, &value, 600)?),
                "--rounds" => read.rounds = number(&name, &value, 100)?,
                "--connections" => read.connections = number(&name, &value, 1000)?,
                "--body" => read.body = number(&name, &value, 16 << 20)?,
                // A record begins with its number.
                "--record" => read.record = number::<usize>(&name, &value, 1 << 20)?.max(size_of::<u64>()),
                "--rate" => read.rate = Some(number(&name, &value, 1_000_000)?),
                "--target" => url = Some(value),
                "--secret-file" => secret_file = Some(PathBuf::from(value)),
                _ => return Err(format!("{name} is unknown")),
            }
        }
        read.target = match (url, secret_file) {
            (None, None) => None,
            (Some(url), Some(file)) => {
                let secret =
                    std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
                Some((target(&url)?, secret.trim_end().to_owned()))
            }
            _ => return Err("--target and --secret-file go together".to_owned()),
        };
        Ok(read)
    }
}

fn mode(value: &str) -> Result<(bool, bool), String> {
    match value {
        "closed" => Ok((true, false)),
        "open" => Ok((false, true)),
        _ => Err(format!("--mode is closed or open, and not {value}")),
    }
}

fn number<N: TryFrom<u64>>(name: &str, value: &str, most: u64) -> Result<N, String> {
    let read = value.parse().ok().filter(|number| (1..=most).contains(number));
    read.and_then(|number| N::try_from(number).ok())
        .ok_or_else(|| format!("{name} wants a number from 1 to {most}, and {value} is none"))
}

/// `http://127.0.0.1:PORT/PATH`; no machine but this one is to be loaded by a typing error.
pub(crate) fn target(url: &str) -> Result<Target, String> {
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("{url} does not begin with http://"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut addresses = host.to_socket_addrs().map_err(|e| format!("{host}: {e}"))?;
    let loopback = |address: &SocketAddr| address.ip().is_loopback();
    let address =
        addresses.find(loopback).ok_or_else(|| format!("{host} is not on this machine's loopback"))?;
    Ok(Target { address, path: format!("/{path}") })
}
