//! The real program, before a scripted homeserver and a real one.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod admin;
mod answers;
mod clients;
mod crash;
mod faults;
mod forgery;
mod gitlab;
mod hostile;
mod life;
mod limits;
mod rig;
mod room;
mod wire;
