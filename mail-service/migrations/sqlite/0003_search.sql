-- The index of search: per mailbox a few segments, each many small blocks (see docs/adr/0005-search.md).

CREATE TABLE search_segments (
    owner_id      BLOB NOT NULL,
    segment_id    BLOB NOT NULL,
    -- 1: being written. 2: in use. 3: replaced by another, and soon to be removed.
    state         INTEGER NOT NULL,
    -- The rules by which text became words.
    tokenizer     INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    oldest_time   INTEGER NOT NULL,
    newest_time   INTEGER NOT NULL,
    state_time    INTEGER NOT NULL,
    PRIMARY KEY (owner_id, segment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX search_segments_unused ON search_segments (state_time) WHERE state <> 2;

CREATE TABLE search_blocks (
    owner_id   BLOB NOT NULL,
    segment_id BLOB NOT NULL,
    first_key  BLOB NOT NULL,
    data       BLOB NOT NULL,
    PRIMARY KEY (owner_id, segment_id, first_key)
    -- With row ids: without, rows of this size are split, and the table is an eighth larger.
) STRICT;

-- The accounts named in an owner's indexed messages: by their names a search finds their ids.
CREATE TABLE correspondents (
    owner_id   BLOB NOT NULL,
    account_id BLOB NOT NULL,
    PRIMARY KEY (owner_id, account_id)
) STRICT, WITHOUT ROWID;
