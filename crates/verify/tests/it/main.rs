//! Everything that needs only the public face.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as loudly as tests")]

mod allocation;
mod corpus;
mod dependencies;
mod forgery;
mod keys;
mod oracle;
mod replay;
mod vectors;
