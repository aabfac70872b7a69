//! The client against a real Synapse, and against a script for what Synapse does not do.
// clippy.toml allows it in tests; the helpers beside them count as none.
#![allow(clippy::unwrap_used)]

mod classify;
mod ghost;
mod history;
mod once;
mod ping;
mod standing;
mod synapse;
mod tail;
mod tls;

use meshhook_matrix::{Client, Options, Token};

fn client(url: &str) -> Client {
    Client::new(Options::new(url)).unwrap()
}

fn token(token: &str) -> Token {
    Token::new(token).unwrap()
}
