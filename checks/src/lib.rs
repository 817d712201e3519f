//! The checks of dind-doctor.
//!
//! A check looks at [`facts::Facts`] and one [`plan::Plan`], and returns a [`outcome::Verdict`]. Nothing here can do I/O,
//! read a clock or the environment: the crate is `no_std`, and so are its dependencies. That is
//! what makes a recorded bundle as good as the machine it came from.
//!
//! To add a check: one file in the folder of its area, two lines in that folder's `mod.rs`, a
//! recorded scenario in which it fires.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[macro_use]
mod check;
mod derived;
pub mod facts;
pub mod judge;
pub mod outcome;
pub mod plan;
pub mod registry;
pub mod remedy;
pub mod target;
pub mod version;

mod cgroup;
mod kernel;
mod kubernetes;
mod mount;
mod netfilter;
mod network;
mod pid1;
mod privilege;
mod resources;
mod runtime;
mod security;
mod storage;
mod time;

#[cfg(test)]
mod testing;

pub use check::{Check, HEADINGS, Layer};
pub use network::mtus_to_try;
pub use privilege::{Privileged, missing_privileges};
pub use runtime::{EngineAddress, engine_address};
