#![doc = include_str!("../README.md")]

pub mod http;
mod place;
mod ports;
mod process;
mod synapse;
mod wait;

pub use place::{synapse_python, target_dir, venv_dir};
pub use ports::free_port;
pub use synapse::{Event, Limits, Synapse, User};
pub use wait::{eventually, try_for};
