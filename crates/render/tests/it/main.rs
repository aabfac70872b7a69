//! The messages as they reach the wire, and what no input can make of them.

mod board;
mod checker;
mod hostile;
mod properties;
mod snapshots;
