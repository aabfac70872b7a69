#![doc = include_str!("../README.md")]

mod names;
pub mod registration;

pub use names::{GhostNames, display_name};
pub use registration::Registration;
