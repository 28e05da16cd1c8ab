//! What TurboMessage is measured against, on the same machine and in turns with it.

pub mod dovecot;
pub mod echo;
pub mod imap;
pub mod lmtp;
pub mod pgbench;
pub mod rusqlite;
mod wire;
pub mod writer;
