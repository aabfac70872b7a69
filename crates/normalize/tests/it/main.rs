//! Whole bodies: real ones, our own, and broken ones.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod buildkite;
mod circleci;
mod cirrus;
mod conformance;
mod eas;
mod explain;
mod fixtures;
mod forgery;
mod generic;
mod gitea;
mod github;
mod gitlab;
mod guide;
mod hostile;
mod rounds;
mod standard;
mod support;
mod tekton;
mod travis;
mod unknown;
mod words;
mod xcode_cloud;
