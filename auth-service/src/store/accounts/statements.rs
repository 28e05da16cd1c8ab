//! The statements that both engines accept. Only looking accounts up by lists differs: see
//! `sqlite.rs` and `postgres.rs`.

/// `$1` id, `$2` name, `$3` display name, `$4` hash, `$5` time. No row: the name is taken.
pub(crate) const OPEN: &str = "\
    INSERT INTO accounts (account_id, username, display_name, password_hash, state, create_time) \
    VALUES ($1, $2, $3, $4, 'ACTIVE', $5) ON CONFLICT (username) DO NOTHING";

/// `$1` id.
pub(crate) const FIND: &str = "\
    SELECT account_id, username, display_name, password_hash, create_time \
    FROM accounts WHERE account_id = $1 AND state = 'ACTIVE'";

/// `$1` name.
pub(crate) const FIND_NAMED: &str = "\
    SELECT account_id, username, display_name, password_hash, create_time \
    FROM accounts WHERE username = $1 AND state = 'ACTIVE'";

/// `$1` id, `$2` display name.
pub(crate) const RENAME: &str = "\
    UPDATE accounts SET display_name = $2 WHERE account_id = $1 AND state = 'ACTIVE' \
    RETURNING account_id, username, display_name, password_hash, create_time";

/// `$1` id, `$2` hash until now, `$3` hash from now on.
pub(crate) const CHANGE_PASSWORD: &str = "\
    UPDATE accounts SET password_hash = $3 \
    WHERE account_id = $1 AND password_hash = $2 AND state = 'ACTIVE'";

/// `$1` id, `$2` hash, `$3` time.
pub(crate) const DELETE: &str = "\
    UPDATE accounts SET state = 'DELETED', display_name = '', password_hash = '', delete_time = $3 \
    WHERE account_id = $1 AND password_hash = $2 AND state = 'ACTIVE'";

/// Takes the next position and the lock on it: the last step before the event, so that other
/// writers wait for as little as possible.
pub(crate) const NEXT_POSITION: &str =
    "UPDATE account_log SET position = position + 1 RETURNING position";

/// `$1` position, `$2` account, `$3` kind, `$4` time.
pub(crate) const APPEND_EVENT: &str = "\
    INSERT INTO account_events (position, account_id, kind, event_time) VALUES ($1, $2, $3, $4)";

/// `$1` position, `$2` how many.
pub(crate) const EVENTS_AFTER: &str = "\
    SELECT e.position, a.account_id, a.username, a.display_name, a.state \
    FROM account_events e JOIN accounts a ON a.account_id = e.account_id \
    WHERE e.position > $1 ORDER BY e.position LIMIT $2";

/// Where the log ends.
pub(crate) const END_OF_EVENTS: &str = "SELECT position FROM account_log";

/// `$1` follower.
pub(crate) const FOLLOWER_POSITION: &str =
    "SELECT position FROM account_followers WHERE follower = $1";

/// `$1` follower, `$2` position.
pub(crate) const ADVANCE_FOLLOWER: &str = "\
    INSERT INTO account_followers (follower, position) VALUES ($1, $2) \
    ON CONFLICT (follower) DO UPDATE SET position = excluded.position \
    WHERE account_followers.position < excluded.position";

/// Every statement here, for the test that prepares them on both engines.
#[cfg(any(test, feature = "conformance"))]
pub(crate) const ALL: &[&str] = &[
    OPEN,
    FIND,
    FIND_NAMED,
    RENAME,
    CHANGE_PASSWORD,
    DELETE,
    NEXT_POSITION,
    APPEND_EVENT,
    EVENTS_AFTER,
    END_OF_EVENTS,
    FOLLOWER_POSITION,
    ADVANCE_FOLLOWER,
];
