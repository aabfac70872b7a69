//! What was posted, and what was promised for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::build::{Post, Stage};
use crate::http::Answer;

/// Every state that anybody tried to post, by its key.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Book>);

/// The ledger's pages.
#[derive(Debug, Default, Clone)]
pub(super) struct Book {
    pub(super) entries: HashMap<String, Entry>,
    /// POSTs whose senders got no answer, or did not wait for one.
    pub(super) cut_off: usize,
    /// 202s.
    pub(super) answered: usize,
    /// Answers that no sender should have got.
    pub(super) odd: Vec<String>,
}

/// What is known of one state.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) stage: Stage,
    /// A 202 says that it will be in the room, or is.
    pub(super) promised: bool,
    /// A 202 says that something later had been accepted before.
    pub(super) superseded: bool,
    /// A whole request was sent that had no answer.
    pub(super) perhaps: bool,
}

impl Ledger {
    /// What is in it by now.
    pub(super) fn book(&self) -> Book {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request was begun, and not sent as a whole.
    pub(super) fn began(&self, post: &Post) {
        let mut book = self.lock();
        book.cut_off += 1;
        book.entry(post);
    }

    /// A whole request may have arrived; there was no answer.
    pub(super) fn heard_nothing(&self, post: &Post) {
        let mut book = self.lock();
        book.cut_off += 1;
        book.entry(post).perhaps = true;
    }

    /// There was an answer; true when it is the last word.
    pub(super) fn heard(&self, post: &Post, answer: &Answer) -> bool {
        match answer.status {
            202 => self.lock().note(post, &answer.json()),
            // Nothing is promised, and the same is sent again.
            503 => return false,
            _ => self.lock().odd.push(format!("{:?}: {answer:?}", post.stage)),
        }
        true
    }
}

impl Book {
    fn entry(&mut self, post: &Post) -> &mut Entry {
        self.entries.entry(post.key.clone()).or_insert_with(|| Entry {
            stage: post.stage.clone(),
            promised: false,
            superseded: false,
            perhaps: false,
        })
    }

    fn note(&mut self, post: &Post, answer: &Value) {
        self.answered += 1;
        let entry = self.entry(post);
        match (answer["outcome"].as_str(), answer["status"].as_str()) {
            (Some("superseded"), _) | (Some("duplicate"), Some("superseded")) => entry.superseded = true,
            (Some("accepted" | "duplicate"), _) => entry.promised = true,
            _ => self.odd.push(format!("{:?}: {answer}", post.stage)),
        }
    }
}
