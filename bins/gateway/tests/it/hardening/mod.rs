//! The open internet knocks.

mod browser;
mod forwarded;
mod noise;
mod siege;
mod slow;
mod smuggled;
mod swollen;
