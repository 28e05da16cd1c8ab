//! The names of keys, in one place.

use uuid::Uuid;

use crate::{domain::TokenHash, store::Window};

/// What the key of every session begins with, before its token's hash.
pub(super) const SESSION: &str = "tm:auth:session:";

/// The stream of revocations.
pub(super) const REVOCATIONS: &str = "tm:auth:revocations";

/// The hash with a session.
pub(super) fn session(token: &TokenHash) -> String {
    format!("{SESSION}{}", hex::encode(token.as_bytes()))
}

/// The hash with an account's session ids and the hashes of their tokens.
pub(super) fn sessions_of(account_id: Uuid) -> String {
    format!("tm:auth:sessions-of:{account_id}")
}

/// The counter of attempts of `scope` in `window`.
pub(super) fn attempts(scope: &[u8; 32], window: Window) -> String {
    let start = window.start.as_micros();
    format!("tm:auth:attempts:{}:{start}", hex::encode(scope))
}
