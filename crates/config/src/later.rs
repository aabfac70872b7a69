//! Words that later versions are to have: unknown in this one, which says so in its hint.

pub(crate) const TABLES: &[&str] = &["appservice"];
pub(crate) const MODES: &[&str] = &["appservice"];
