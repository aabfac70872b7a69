//! The crate from outside: real files in a real folder.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod any;
mod change;
mod draft;
mod faults;
mod files;
mod good;
mod pages;
mod place;
mod readme;
mod reference;
