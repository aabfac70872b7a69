#![doc = include_str!("../README.md")]

mod document;
mod fault;
mod fields;
mod file;
mod later;
mod load;
mod log;
mod matrix;
mod message;
mod nearest;
mod network;
mod only;
mod print;
mod root;
mod scheme;
mod secret;
mod server;
mod shared;
mod source;
mod storage;
mod value;

pub use fault::{Fault, Faults};
pub use fields::read_field_map;
pub use load::{Config, Loaded, admin_token_path};
pub use log::{Level, Log, LogFormat};
pub use matrix::{EncryptedRoom, Matrix};
pub use message::Digest;
pub use network::Networks;
pub use only::{Node, Only};
pub use root::{ROOT_VARIABLE, config_root};
pub use scheme::secret_hint;
pub use secret::read_token;
pub use server::Server;
pub use source::Source;
pub use storage::{Store, StoreUrl};
