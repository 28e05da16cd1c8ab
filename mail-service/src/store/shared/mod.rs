//! What both engines do in the same words, written once: the macros give each engine functions for
//! its own types of pool and connection.

mod reads;
mod writes;

pub(super) use self::{reads::shared_reads, writes::shared_writes};
