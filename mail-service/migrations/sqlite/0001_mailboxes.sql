-- Times are microseconds since the Unix epoch. What belongs to a mailbox has keys and indexes that
-- begin with its owner. There are no foreign keys: their checks would lock rows that writers of
-- other mailboxes share.

CREATE TABLE mailboxes (
    owner_id          BLOB PRIMARY KEY,
    -- 1: in use. 2: erased, kept so that nothing brings it back.
    state             INTEGER NOT NULL,
    epoch             BLOB NOT NULL,
    last_change       INTEGER NOT NULL,
    last_receive_time INTEGER NOT NULL,
    message_count     INTEGER NOT NULL,
    used_bytes        INTEGER NOT NULL,
    quota_messages    INTEGER NOT NULL,
    quota_bytes       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE folders (
    owner_id      BLOB NOT NULL,
    folder_id     BLOB NOT NULL,
    -- 0: made by the owner.
    role          INTEGER NOT NULL,
    name          TEXT NOT NULL,
    total_count   INTEGER NOT NULL,
    unread_count  INTEGER NOT NULL,
    change_number INTEGER NOT NULL,
    create_change INTEGER NOT NULL,
    PRIMARY KEY (owner_id, folder_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX folders_role ON folders (owner_id, role) WHERE role <> 0;
CREATE UNIQUE INDEX folders_change ON folders (owner_id, change_number);

CREATE TABLE contents (
    content_id          BLOB PRIMARY KEY,
    sender_id           BLOB NOT NULL,
    send_time           INTEGER NOT NULL,
    subject             TEXT NOT NULL,
    body_text           TEXT NOT NULL,
    body_html           TEXT NOT NULL,
    participants        BLOB NOT NULL,
    internet_message_id TEXT NOT NULL,
    in_reply_to         TEXT NOT NULL,
    size_bytes          INTEGER NOT NULL,
    -- Pairs of owner and copy, 16 bytes each.
    deliveries          BLOB NOT NULL
) STRICT;

CREATE TABLE copies (
    owner_id            BLOB NOT NULL,
    message_id          BLOB NOT NULL,
    content_id          BLOB NOT NULL,
    thread_id           BLOB NOT NULL,
    folder_id           BLOB NOT NULL,
    -- 1: received. 2: sent.
    kind                INTEGER NOT NULL,
    change_number       INTEGER NOT NULL,
    create_change       INTEGER NOT NULL,
    receive_time        INTEGER NOT NULL,
    send_time           INTEGER NOT NULL,
    is_read             INTEGER NOT NULL,
    is_starred          INTEGER NOT NULL,
    is_answered         INTEGER NOT NULL,
    is_forwarded        INTEGER NOT NULL,
    subject             TEXT NOT NULL,
    snippet             TEXT NOT NULL,
    participants        BLOB NOT NULL,
    in_reply_to         BLOB,
    internet_message_id TEXT NOT NULL,
    size_bytes          INTEGER NOT NULL,
    -- The version of the tokenizer that indexed it; 0: not indexed.
    tokenizer           INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX copies_list ON copies (owner_id, folder_id, receive_time, message_id);
CREATE INDEX copies_unread ON copies (owner_id, folder_id, receive_time, message_id)
    WHERE NOT is_read;
CREATE INDEX copies_starred ON copies (owner_id, folder_id, receive_time, message_id)
    WHERE is_starred;
CREATE UNIQUE INDEX copies_change ON copies (owner_id, change_number);
CREATE UNIQUE INDEX copies_internet_id ON copies (owner_id, internet_message_id, kind);

CREATE TABLE tombstones (
    owner_id      BLOB NOT NULL,
    change_number INTEGER NOT NULL,
    -- 1: a message.
    kind          INTEGER NOT NULL,
    object_id     BLOB NOT NULL,
    delete_time   INTEGER NOT NULL,
    PRIMARY KEY (owner_id, change_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_object ON tombstones (owner_id, object_id);

CREATE TABLE answers (
    owner_id    BLOB NOT NULL,
    request_id  BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    answer      BLOB NOT NULL,
    create_time INTEGER NOT NULL,
    PRIMARY KEY (owner_id, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_time ON answers (owner_id, create_time);

-- Contents that have lost a copy: whether any is left is found out later.
CREATE TABLE orphans (
    orphan_id  BLOB PRIMARY KEY,
    content_id BLOB NOT NULL
) STRICT;

-- What auth-service's log of account events says, as far as it has been followed.
CREATE TABLE accounts (
    account_id   BLOB PRIMARY KEY,
    username     TEXT NOT NULL,
    display_name TEXT NOT NULL,
    deleted      INTEGER NOT NULL,
    position     INTEGER NOT NULL
) STRICT;
CREATE TABLE feed (
    position INTEGER NOT NULL
) STRICT;
INSERT INTO feed VALUES (0);
