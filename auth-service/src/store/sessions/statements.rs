//! The statements of the SQLite session store.

/// `$1` token hash, `$2` session, `$3` account, `$4` device, `$5` created, `$6` last seen, `$7`
/// expires, `$8` ends.
pub(super) const OPEN: &str = "\
    INSERT INTO sessions (token_hash, session_id, account_id, device_name, create_time, \
    last_seen_time, expire_time, end_time) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// `$1` token hash, `$2` now.
pub(super) const CHECK: &str = "\
    SELECT session_id, account_id, device_name, create_time, last_seen_time, expire_time, end_time \
    FROM sessions WHERE token_hash = $1 AND expire_time > $2";

/// `$1` token hash, `$2` last seen, `$3` expires.
pub(super) const TOUCH: &str = "\
    UPDATE sessions SET last_seen_time = $2, expire_time = $3 WHERE token_hash = $1";

/// `$1` account, `$2` now.
pub(super) const LIST: &str = "\
    SELECT session_id, account_id, device_name, create_time, last_seen_time, expire_time, end_time \
    FROM sessions WHERE account_id = $1 AND expire_time > $2 \
    ORDER BY last_seen_time DESC, session_id DESC";

/// `$1` account, `$2` the one session or null, `$3` which not, `$4` now.
pub(super) const LOG_REVOKED: &str = "\
    INSERT INTO revocations (session_id, account_id, revoke_time) \
    SELECT session_id, account_id, $4 FROM sessions \
    WHERE account_id = $1 AND session_id = coalesce($2, session_id) AND session_id <> $3 \
    AND expire_time > $4";

/// `$1` account, `$2` the one session or null, `$3` which not.
pub(super) const REVOKE: &str = "\
    DELETE FROM sessions \
    WHERE account_id = $1 AND session_id = coalesce($2, session_id) AND session_id <> $3";

/// The last position given, even if its entry has been forgotten.
pub(super) const END_OF_LOG: &str = "SELECT seq FROM sqlite_sequence WHERE name = 'revocations'";

/// `$1` position, `$2` how many.
pub(super) const REVOCATIONS_AFTER: &str = "\
    SELECT position, session_id, account_id FROM revocations \
    WHERE position > $1 ORDER BY position LIMIT $2";

/// `$1` scope, `$2` the window's start.
pub(super) const ATTEMPTS: &str =
    "SELECT taken FROM attempts WHERE scope = $1 AND window_start = $2";

/// `$1` scope, `$2` the window's start, `$3` its end.
pub(super) const TAKE_ATTEMPT: &str = "\
    INSERT INTO attempts (scope, window_start, window_end, taken) VALUES ($1, $2, $3, 1) \
    ON CONFLICT (scope, window_start) DO UPDATE SET taken = taken + 1";

/// `$1` scope, `$2` the window's start.
pub(super) const GIVE_BACK_ATTEMPT: &str = "\
    UPDATE attempts SET taken = taken - 1 WHERE scope = $1 AND window_start = $2 AND taken > 0";

/// `$1` now.
pub(super) const FORGET_SESSIONS: &str = "DELETE FROM sessions WHERE expire_time <= $1";

/// `$1` now.
pub(super) const FORGET_ATTEMPTS: &str = "DELETE FROM attempts WHERE window_end <= $1";

/// `$1` the oldest time to keep.
pub(super) const FORGET_REVOCATIONS: &str = "DELETE FROM revocations WHERE revoke_time < $1";
