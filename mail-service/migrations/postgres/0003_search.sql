-- The index of search: per mailbox a few segments, each many small blocks (see docs/adr/0005-search.md).

CREATE TABLE search_segments (
    owner_id      uuid NOT NULL,
    segment_id    uuid NOT NULL,
    -- 1: being written. 2: in use. 3: replaced by another, and soon to be removed.
    state         smallint NOT NULL,
    -- The rules by which text became words.
    tokenizer     smallint NOT NULL,
    message_count bigint NOT NULL,
    oldest_time   bigint NOT NULL,
    newest_time   bigint NOT NULL,
    state_time    bigint NOT NULL,
    PRIMARY KEY (owner_id, segment_id)
);
CREATE INDEX search_segments_unused ON search_segments (state_time) WHERE state <> 2;

CREATE TABLE search_blocks (
    owner_id   uuid NOT NULL,
    segment_id uuid NOT NULL,
    first_key  bytea NOT NULL,
    data       bytea NOT NULL,
    PRIMARY KEY (owner_id, segment_id, first_key)
);
-- Blocks are small, and packed already.
ALTER TABLE search_blocks ALTER COLUMN data SET STORAGE PLAIN;

-- The accounts named in an owner's indexed messages: by their names a search finds their ids.
CREATE TABLE correspondents (
    owner_id   uuid NOT NULL,
    account_id uuid NOT NULL,
    PRIMARY KEY (owner_id, account_id)
);
