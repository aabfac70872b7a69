//! The program as people and scripts run it.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as loudly as tests")]

mod body;
mod broken;
mod config;
mod docs;
mod doctor;
mod gateway;
mod links;
mod login;
mod login_faults;
mod pages;
mod post;
mod quick_start;
mod registration;
mod signature;
mod terminal;
mod try_out;
mod usage;
mod words;
