-- Labels, conversations, drafts, sending later, the history of changes, and the index of search.

ALTER TABLE mailboxes ADD COLUMN oldest_change bigint NOT NULL DEFAULT 0;
-- Messages that came up to this time are in the index of search.
ALTER TABLE mailboxes ADD COLUMN indexed_time bigint NOT NULL DEFAULT 0;
-- No history was kept until now: what is to come is.
UPDATE mailboxes SET oldest_change = last_change;

-- kind: 3 is a draft, 4 waits in the Outbox.
ALTER TABLE copies ADD COLUMN labels bytea NOT NULL DEFAULT '\x0100';
ALTER TABLE copies ADD COLUMN forward_of uuid;
ALTER TABLE copies ADD COLUMN deliver_time bigint;
ALTER TABLE copies ADD COLUMN trash_time bigint;
CREATE UNIQUE INDEX copies_time ON copies (owner_id, receive_time);
CREATE INDEX copies_thread ON copies (owner_id, thread_id, receive_time);
-- The two queues of what is due have no owner.
CREATE INDEX copies_due ON copies (deliver_time) WHERE kind = 4;
CREATE INDEX copies_trash ON copies (trash_time) WHERE trash_time IS NOT NULL;

-- What happened to a mailbox, one row a number, from oldest_change + 1 to last_change.
CREATE TABLE changes (
    owner_id      uuid NOT NULL,
    change_number bigint NOT NULL,
    -- 1 to 3: a message was created, updated, deleted. 4 to 6: a folder was.
    kind          smallint NOT NULL,
    object_id     uuid NOT NULL,
    change_time   bigint NOT NULL,
    PRIMARY KEY (owner_id, change_number)
);
CREATE INDEX changes_deleted ON changes (owner_id, object_id) WHERE kind = 3;
INSERT INTO changes (owner_id, change_number, kind, object_id, change_time)
    SELECT owner_id, change_number, 3, object_id, delete_time FROM tombstones;
DROP TABLE tombstones;
DROP INDEX copies_change;
DROP INDEX folders_change;

-- A conversation in a folder. last_time is that of its newest message in any folder.
CREATE TABLE threads (
    owner_id      uuid NOT NULL,
    thread_id     uuid NOT NULL,
    folder_id     uuid NOT NULL,
    message_count bigint NOT NULL,
    unread_count  bigint NOT NULL,
    last_time     bigint NOT NULL,
    PRIMARY KEY (owner_id, thread_id, folder_id)
);
CREATE INDEX threads_list ON threads (owner_id, folder_id, last_time, thread_id);
INSERT INTO threads (owner_id, thread_id, folder_id, message_count, unread_count, last_time)
    SELECT owner_id, thread_id, folder_id, COUNT(*), SUM(CASE WHEN is_read THEN 0 ELSE 1 END),
        (SELECT MAX(all_of_it.receive_time) FROM copies AS all_of_it
         WHERE all_of_it.owner_id = copies.owner_id AND all_of_it.thread_id = copies.thread_id)
    FROM copies GROUP BY owner_id, thread_id, folder_id;

-- Labels in use.
CREATE TABLE labels (
    owner_id     uuid NOT NULL,
    name         text COLLATE "C" NOT NULL,
    total_count  bigint NOT NULL,
    unread_count bigint NOT NULL,
    PRIMARY KEY (owner_id, name)
);
-- Which messages have them, in the order of lists.
CREATE TABLE labelled (
    owner_id     uuid NOT NULL,
    name         text COLLATE "C" NOT NULL,
    folder_id    uuid NOT NULL,
    receive_time bigint NOT NULL,
    message_id   uuid NOT NULL,
    PRIMARY KEY (owner_id, name, folder_id, receive_time, message_id)
);

-- Answers are kept in another form from now on.
DELETE FROM answers;
