//! What accounts and sessions are made of: types that cannot be invalid. Nothing here knows a wire
//! format or a database.

mod account;
mod address;
mod advice;
mod name;
mod password;
mod session;
mod strength;

pub(crate) use account::{Account, Credentials, DirectoryEntry, Names};
pub(crate) use address::ClientAddress;
pub(crate) use name::{DeviceName, DisplayName, Username};
pub(crate) use password::{Password, PasswordHash};
pub(crate) use session::{Lifetimes, RevokedSession, Session, SessionToken, TokenHash};
pub(crate) use strength::check_strength;
