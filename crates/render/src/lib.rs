#![doc = include_str!("../README.md")]

mod address;
mod board;
mod data;
mod digest;
mod emoji;
mod form;
mod layout;
mod message;
mod news;
mod outside;
mod relation;
mod style;
mod words;

pub use board::{Board, BoardMachine, BoardWorkflow, LastBuild, outdated_board};
pub use digest::digest;
pub use emoji::{Emoji, EmojiError, EmojiSet};
pub use message::{Line, Message, message, message_with, terminal};
pub use news::News;
pub use relation::{Timeline, edit, in_thread};
pub use style::{Format, Style};
pub use words::{is_quiet, outcome_word};
