//! The testkit against itself.

mod synapse;
