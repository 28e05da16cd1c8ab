-- Times are microseconds since the Unix epoch.

CREATE TABLE sessions (
    -- SHA-256 of the session token; the token itself is kept nowhere.
    token_hash     BLOB PRIMARY KEY,
    session_id     BLOB NOT NULL UNIQUE,
    account_id     BLOB NOT NULL,
    device_name    TEXT NOT NULL,
    create_time    INTEGER NOT NULL,
    last_seen_time INTEGER NOT NULL,
    -- When it ends if it is not used again.
    expire_time    INTEGER NOT NULL,
    -- When it ends at the latest.
    end_time       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_account ON sessions (account_id);
CREATE INDEX sessions_by_expiry ON sessions (expire_time);

-- The log of sessions that ended before their time. Positions are never used again.
CREATE TABLE revocations (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id  BLOB NOT NULL,
    account_id  BLOB NOT NULL,
    revoke_time INTEGER NOT NULL
) STRICT;
CREATE INDEX revocations_by_time ON revocations (revoke_time);

-- Failed logins, counted in fixed windows of time.
CREATE TABLE attempts (
    -- SHA-256 of whom or where they count against.
    scope        BLOB NOT NULL,
    window_start INTEGER NOT NULL,
    window_end   INTEGER NOT NULL,
    taken        INTEGER NOT NULL,
    PRIMARY KEY (scope, window_start)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_by_end ON attempts (window_end);
