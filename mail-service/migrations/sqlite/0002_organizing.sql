-- Labels, conversations, drafts, sending later, the history of changes, and the index of search.

ALTER TABLE mailboxes ADD COLUMN oldest_change INTEGER NOT NULL DEFAULT 0;
-- Messages that came up to this time are in the index of search.
ALTER TABLE mailboxes ADD COLUMN indexed_time INTEGER NOT NULL DEFAULT 0;
-- No history was kept until now: what is to come is.
UPDATE mailboxes SET oldest_change = last_change;

-- kind: 3 is a draft, 4 waits in the Outbox.
ALTER TABLE copies ADD COLUMN labels BLOB NOT NULL DEFAULT x'0100';
ALTER TABLE copies ADD COLUMN forward_of BLOB;
ALTER TABLE copies ADD COLUMN deliver_time INTEGER;
ALTER TABLE copies ADD COLUMN trash_time INTEGER;
CREATE UNIQUE INDEX copies_time ON copies (owner_id, receive_time);
CREATE INDEX copies_thread ON copies (owner_id, thread_id, receive_time);
-- The two queues of what is due have no owner.
CREATE INDEX copies_due ON copies (deliver_time) WHERE kind = 4;
CREATE INDEX copies_trash ON copies (trash_time) WHERE trash_time IS NOT NULL;

-- What happened to a mailbox, one row a number, from oldest_change + 1 to last_change.
CREATE TABLE changes (
    owner_id      BLOB NOT NULL,
    change_number INTEGER NOT NULL,
    -- 1 to 3: a message was created, updated, deleted. 4 to 6: a folder was.
    kind          INTEGER NOT NULL,
    object_id     BLOB NOT NULL,
    change_time   INTEGER NOT NULL,
    PRIMARY KEY (owner_id, change_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX changes_deleted ON changes (owner_id, object_id) WHERE kind = 3;
INSERT INTO changes (owner_id, change_number, kind, object_id, change_time)
    SELECT owner_id, change_number, 3, object_id, delete_time FROM tombstones;
DROP TABLE tombstones;
DROP INDEX copies_change;
DROP INDEX folders_change;

-- A conversation in a folder. last_time is that of its newest message in any folder.
CREATE TABLE threads (
    owner_id      BLOB NOT NULL,
    thread_id     BLOB NOT NULL,
    folder_id     BLOB NOT NULL,
    message_count INTEGER NOT NULL,
    unread_count  INTEGER NOT NULL,
    last_time     INTEGER NOT NULL,
    PRIMARY KEY (owner_id, thread_id, folder_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX threads_list ON threads (owner_id, folder_id, last_time, thread_id);
INSERT INTO threads (owner_id, thread_id, folder_id, message_count, unread_count, last_time)
    SELECT owner_id, thread_id, folder_id, COUNT(*), SUM(CASE WHEN is_read THEN 0 ELSE 1 END),
        (SELECT MAX(all_of_it.receive_time) FROM copies AS all_of_it
         WHERE all_of_it.owner_id = copies.owner_id AND all_of_it.thread_id = copies.thread_id)
    FROM copies GROUP BY owner_id, thread_id, folder_id;

-- Labels in use.
CREATE TABLE labels (
    owner_id     BLOB NOT NULL,
    name         TEXT NOT NULL,
    total_count  INTEGER NOT NULL,
    unread_count INTEGER NOT NULL,
    PRIMARY KEY (owner_id, name)
) STRICT, WITHOUT ROWID;
-- Which messages have them, in the order of lists.
CREATE TABLE labelled (
    owner_id     BLOB NOT NULL,
    name         TEXT NOT NULL,
    folder_id    BLOB NOT NULL,
    receive_time INTEGER NOT NULL,
    message_id   BLOB NOT NULL,
    PRIMARY KEY (owner_id, name, folder_id, receive_time, message_id)
) STRICT, WITHOUT ROWID;

-- Answers are kept in another form from now on.
DELETE FROM answers;
