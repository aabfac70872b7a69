//! Whole bodies: real ones, our own, and broken ones.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cirrus;
mod conformance;
mod eas;
mod fixtures;
mod forgery;
mod github;
mod gitlab;
mod guide;
mod hostile;
mod standard;
mod support;
mod tekton;
mod travis;
mod words;
mod xcode_cloud;
