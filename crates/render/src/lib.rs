#![doc = include_str!("../README.md")]

mod address;
mod data;
mod digest;
mod emoji;
mod form;
mod layout;
mod message;
mod outside;
mod relation;
mod style;
mod words;

pub use digest::digest;
pub use emoji::{Emoji, EmojiError, EmojiSet};
pub use message::{Line, Message, message, terminal};
pub use relation::{Timeline, edit, in_thread};
pub use style::{Format, Style};
