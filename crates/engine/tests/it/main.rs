//! The engine with its threads, against a homeserver that is made to fail.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod answers;
mod conduct;
mod fate;
mod only;
mod rig;
mod route;
mod service;
mod session;
mod shown;
mod synapse;
mod timeline;
mod users;
mod way;
