//! Accounts, as their owner and as others see them.

use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use super::{DisplayName, PasswordHash, Username};

/// An account that has not been deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_field_names,
    reason = "ids are called as in the contract"
)]
pub(crate) struct Account {
    /// Never changes, never given to another account.
    pub(crate) account_id: Uuid,
    /// The name others write to.
    pub(crate) username: Username,
    /// The name others see.
    pub(crate) display_name: DisplayName,
    /// When it was opened.
    pub(crate) create_time: Timestamp,
}

/// An account and what proves that someone is its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// The account.
    pub(crate) account: Account,
    /// What the owner's password is checked against.
    pub(crate) password_hash: PasswordHash,
}

/// What the directory knows of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DirectoryEntry {
    /// Which account.
    pub(crate) account_id: Uuid,
    /// What it is called; nothing once it has been deleted.
    pub(crate) names: Option<Names>,
}

/// What an account is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    /// The name others write to.
    pub(crate) username: Username,
    /// The name others see.
    pub(crate) display_name: DisplayName,
}
