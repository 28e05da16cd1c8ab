//! The load generator and the yardsticks beside it; `benches/load.rs` is the program.
//!
//! A [`drive::Worker`] does one thing after the other: a call, a delivery over LMTP, a command of IMAP.
//! [`drive::run`] has many of them work, in a closed loop or at a rate, and answers with a
//! [`tally::Outcome`]. `systems` starts what is measured, `yardsticks` what it is measured against,
//! `figures` and `curves` do both in turns and print what came out.

pub mod curves;
pub mod drive;
pub mod figures;
pub mod letters;
pub mod mix;
pub mod people;
pub mod plot;
pub mod processes;
pub mod progress;
pub mod replicas;
pub mod report;
pub mod stats;
pub mod systems;
pub mod tally;
pub mod watching;
pub mod yardsticks;
