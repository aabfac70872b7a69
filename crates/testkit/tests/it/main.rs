//! The testkit against itself.
// clippy.toml allows it in tests; the helpers beside them count as none.
#![allow(clippy::unwrap_used)]

mod gateway;
mod homeserver;
mod load;
mod proxy;
mod service;
mod synapse;
