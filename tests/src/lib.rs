//! The harness of the tests that need more than one part of TurboMessage.
//!
//! [`Dev`] is `tm dev` in this process; [`Services`] are the three programs as processes of their
//! own, on files or on Redis and Postgres in containers. Both are an [`Edge`] that [`User`]s call.

#![expect(
    clippy::missing_panics_doc,
    reason = "a harness fails its test by a panic, anywhere"
)]

pub mod admin;
pub mod client;
pub mod collector;
pub mod containers;
pub mod deployment;
pub mod errors;
pub mod eventually;
pub mod http2;
pub mod line;
pub mod load;
pub mod programs;
pub mod raw;
pub mod stack;
pub mod terminal;

pub use client::{Client, User};
pub use eventually::eventually;
pub use stack::{Dev, Edge, Part, Process, Services};
