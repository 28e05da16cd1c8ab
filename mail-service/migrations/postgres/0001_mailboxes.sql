-- Times are microseconds since the Unix epoch. What belongs to a mailbox has keys and indexes that
-- begin with its owner. There are no foreign keys: their checks would lock rows that writers of
-- other mailboxes share.

CREATE TABLE mailboxes (
    owner_id          uuid PRIMARY KEY,
    -- 1: in use. 2: erased, kept so that nothing brings it back.
    state             smallint NOT NULL,
    epoch             uuid NOT NULL,
    last_change       bigint NOT NULL,
    last_receive_time bigint NOT NULL,
    message_count     bigint NOT NULL,
    used_bytes        bigint NOT NULL,
    quota_messages    bigint NOT NULL,
    quota_bytes       bigint NOT NULL
);

CREATE TABLE folders (
    owner_id      uuid NOT NULL,
    folder_id     uuid NOT NULL,
    -- 0: made by the owner.
    role          smallint NOT NULL,
    name          text NOT NULL,
    total_count   bigint NOT NULL,
    unread_count  bigint NOT NULL,
    change_number bigint NOT NULL,
    create_change bigint NOT NULL,
    PRIMARY KEY (owner_id, folder_id)
);
CREATE UNIQUE INDEX folders_role ON folders (owner_id, role) WHERE role <> 0;
CREATE UNIQUE INDEX folders_change ON folders (owner_id, change_number);

CREATE TABLE contents (
    content_id          uuid PRIMARY KEY,
    sender_id           uuid NOT NULL,
    send_time           bigint NOT NULL,
    subject             text NOT NULL,
    body_text           text NOT NULL,
    body_html           text NOT NULL,
    participants        bytea NOT NULL,
    internet_message_id text NOT NULL,
    in_reply_to         text NOT NULL,
    size_bytes          bigint NOT NULL,
    -- Pairs of owner and copy, 16 bytes each.
    deliveries          bytea NOT NULL
);

CREATE TABLE copies (
    owner_id            uuid NOT NULL,
    message_id          uuid NOT NULL,
    content_id          uuid NOT NULL,
    thread_id           uuid NOT NULL,
    folder_id           uuid NOT NULL,
    -- 1: received. 2: sent.
    kind                smallint NOT NULL,
    change_number       bigint NOT NULL,
    create_change       bigint NOT NULL,
    receive_time        bigint NOT NULL,
    send_time           bigint NOT NULL,
    is_read             boolean NOT NULL,
    is_starred          boolean NOT NULL,
    is_answered         boolean NOT NULL,
    is_forwarded        boolean NOT NULL,
    subject             text NOT NULL,
    snippet             text NOT NULL,
    participants        bytea NOT NULL,
    in_reply_to         uuid,
    internet_message_id text NOT NULL,
    size_bytes          bigint NOT NULL,
    -- The version of the tokenizer that indexed it; 0: not indexed.
    tokenizer           smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (owner_id, message_id)
);
CREATE INDEX copies_list ON copies (owner_id, folder_id, receive_time, message_id);
CREATE INDEX copies_unread ON copies (owner_id, folder_id, receive_time, message_id)
    WHERE NOT is_read;
CREATE INDEX copies_starred ON copies (owner_id, folder_id, receive_time, message_id)
    WHERE is_starred;
CREATE UNIQUE INDEX copies_change ON copies (owner_id, change_number);
CREATE UNIQUE INDEX copies_internet_id ON copies (owner_id, internet_message_id, kind);

CREATE TABLE tombstones (
    owner_id      uuid NOT NULL,
    change_number bigint NOT NULL,
    -- 1: a message.
    kind          smallint NOT NULL,
    object_id     uuid NOT NULL,
    delete_time   bigint NOT NULL,
    PRIMARY KEY (owner_id, change_number)
);
CREATE INDEX tombstones_object ON tombstones (owner_id, object_id);

CREATE TABLE answers (
    owner_id    uuid NOT NULL,
    request_id  uuid NOT NULL,
    fingerprint bytea NOT NULL,
    answer      bytea NOT NULL,
    create_time bigint NOT NULL,
    PRIMARY KEY (owner_id, request_id)
);
CREATE INDEX answers_time ON answers (owner_id, create_time);

-- Contents that have lost a copy: whether any is left is found out later.
CREATE TABLE orphans (
    orphan_id  uuid PRIMARY KEY,
    content_id uuid NOT NULL
);

-- What auth-service's log of account events says, as far as it has been followed.
CREATE TABLE accounts (
    account_id   uuid PRIMARY KEY,
    username     text NOT NULL,
    display_name text NOT NULL,
    deleted      boolean NOT NULL,
    position     bigint NOT NULL
);
CREATE TABLE feed (
    position bigint NOT NULL
);
INSERT INTO feed VALUES (0);
