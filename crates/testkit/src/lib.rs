#![doc = include_str!("../README.md")]

mod event;
mod gateway;
mod homeserver;
pub mod http;
mod percent;
mod place;
mod ports;
mod process;
pub mod signed;
mod synapse;
mod wait;

pub use event::{Event, User};
pub use gateway::{Gateway, GatewayBuilder, StartFailure};
pub use homeserver::{Endpoint, Fault, Homeserver, Request};
pub use place::{synapse_python, target_dir, venv_dir};
pub use ports::free_port;
pub use synapse::{Limits, Synapse};
pub use wait::{eventually, try_for};
