//! Domain types as messages.

use turbomessage_proto::{auth_internal_v1 as internal, auth_v1 as public};
use uuid::Uuid;

use crate::{
    auth::Welcome,
    domain::{Account, DirectoryEntry, RevokedSession, Session},
};

impl From<Account> for public::Account {
    fn from(account: Account) -> Self {
        Self {
            account_id: account.account_id.to_string(),
            username: account.username.as_str().to_owned(),
            display_name: account.display_name.as_str().to_owned(),
            create_time: Some(account.create_time.into()),
        }
    }
}

/// `session` as the caller sees it whose own session is `current`.
pub(super) fn session(session: &Session, current: Uuid) -> public::Session {
    public::Session {
        session_id: session.session_id.to_string(),
        device_name: session.device_name.as_str().to_owned(),
        create_time: Some(session.create_time.into()),
        last_seen_time: Some(session.last_seen_time.into()),
        expire_time: Some(session.expire_time.into()),
        current: session.session_id == current,
    }
}

/// The account, the session and the token of a `Welcome`.
pub(super) fn welcome(welcome: Welcome) -> (public::Account, public::Session, String) {
    let current = welcome.session.session_id;
    (
        welcome.account.into(),
        session(&welcome.session, current),
        welcome.token.expose().to_owned(),
    )
}

impl From<RevokedSession> for internal::RevokedSession {
    fn from(revoked: RevokedSession) -> Self {
        Self {
            session_id: revoked.session_id.to_string(),
            account_id: revoked.account_id.to_string(),
        }
    }
}

impl From<DirectoryEntry> for internal::DirectoryEntry {
    fn from(entry: DirectoryEntry) -> Self {
        let deleted = entry.names.is_none();
        let (username, display_name) = entry
            .names
            .map(|n| {
                (
                    n.username.as_str().to_owned(),
                    n.display_name.as_str().to_owned(),
                )
            })
            .unwrap_or_default();
        Self {
            account_id: entry.account_id.to_string(),
            username,
            display_name,
            deleted,
        }
    }
}
