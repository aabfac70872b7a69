#![doc = include_str!("../README.md")]

mod certificates;
mod connect;
mod dice;
mod door;
mod event;
mod gateway;
mod harm;
mod homeserver;
pub mod http;
mod percent;
mod place;
mod ports;
mod process;
mod proxy;
mod service;
pub mod signed;
pub mod soak;
mod synapse;
mod tls;
pub mod tools;
mod wait;

pub use certificates::{Certificate, Certificates};
pub use connect::ConnectProxy;
pub use dice::Dice;
pub use event::{Event, User};
pub use gateway::{Gateway, GatewayBuilder, StartFailure};
pub use harm::{Killer, Pauser};
pub use homeserver::{Endpoint, Fault, Homeserver, Request, Weather};
pub use place::{built, synapse_python, target_dir, venv_dir};
pub use ports::free_port;
pub use proxy::{Loss, Proxy};
pub use service::Service;
pub use synapse::{Limits, Member, Synapse};
pub use tls::TlsFront;
pub use wait::{eventually, try_for};
