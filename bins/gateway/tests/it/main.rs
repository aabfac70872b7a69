//! The real program, before a scripted homeserver and a real one.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod admin;
mod answers;
mod appservice;
mod audit;
mod clients;
mod crash;
mod disk;
mod faults;
mod filters;
mod forgery;
mod gitlab;
mod hangup;
mod hardening;
mod hostile;
mod impostor;
mod ledger;
mod life;
mod limits;
mod operation;
mod providers;
mod registration;
mod reload;
mod rig;
mod room;
mod rotation;
mod routes;
mod service;
mod sources;
mod stall;
mod timeline;
mod tls;
mod unseen;
mod unusable;
mod wire;
mod wrapped;
