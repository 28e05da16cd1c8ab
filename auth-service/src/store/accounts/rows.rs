//! Rows as both engines give them.

use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use crate::{
    domain::{Account, Credentials, DirectoryEntry, DisplayName, Names, PasswordHash, Username},
    store::AccountEvents,
};

/// An account that has not been deleted.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct AccountRow {
    account_id: Uuid,
    username: String,
    display_name: String,
    password_hash: String,
    create_time: i64,
}

impl From<AccountRow> for Credentials {
    fn from(row: AccountRow) -> Self {
        Self {
            account: Account {
                account_id: row.account_id,
                username: Username::stored(row.username),
                display_name: DisplayName::stored(row.display_name),
                create_time: Timestamp::from_micros(row.create_time),
            },
            password_hash: PasswordHash::new(row.password_hash),
        }
    }
}

/// An account as the directory knows it.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct EntryRow {
    account_id: Uuid,
    username: String,
    display_name: String,
    state: String,
}

impl From<EntryRow> for DirectoryEntry {
    fn from(row: EntryRow) -> Self {
        Self {
            account_id: row.account_id,
            names: (row.state == "ACTIVE").then(|| Names {
                username: Username::stored(row.username),
                display_name: DisplayName::stored(row.display_name),
            }),
        }
    }
}

/// An event and the account it is about.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct EventRow {
    position: i64,
    #[sqlx(flatten)]
    entry: EntryRow,
}

impl AccountEvents {
    /// What was read after `position`.
    pub(super) fn read(position: i64, rows: Vec<EventRow>) -> Self {
        Self {
            position: rows.last().map_or(position, |row| row.position),
            entries: rows.into_iter().map(|row| row.entry.into()).collect(),
        }
    }
}
