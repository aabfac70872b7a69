#![doc = include_str!("../README.md")]

mod names;

pub use names::{GhostNames, display_name};
