-- Times are microseconds since the Unix epoch.

CREATE TABLE accounts (
    account_id    BLOB PRIMARY KEY,
    -- Kept for ever, also of deleted accounts: a name is never given out again.
    username      TEXT NOT NULL UNIQUE,
    -- Empty once deleted, like the password's hash.
    display_name  TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    -- ACTIVE or DELETED.
    state         TEXT NOT NULL,
    create_time   INTEGER NOT NULL,
    delete_time   INTEGER
) STRICT, WITHOUT ROWID;

-- Where the log of events ends. Its one row is locked by whoever appends, so that positions have no
-- gap and become visible in their order.
CREATE TABLE account_log (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    position INTEGER NOT NULL
) STRICT;
INSERT INTO account_log (only_row, position) VALUES (1, 0);

CREATE TABLE account_events (
    position   INTEGER PRIMARY KEY,
    account_id BLOB NOT NULL REFERENCES accounts (account_id),
    -- OPENED, RENAMED or DELETED.
    kind       TEXT NOT NULL,
    event_time INTEGER NOT NULL
) STRICT;

-- How far those who act on events have come.
CREATE TABLE account_followers (
    follower TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
