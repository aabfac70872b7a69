//! Everything that needs only the public face.

#![allow(clippy::unwrap_used, reason = "the functions tests call fail as loudly as they do")]

mod allocation;
mod corpus;
mod dependencies;
mod forgery;
mod keys;
mod oracle;
mod replay;
mod vectors;
