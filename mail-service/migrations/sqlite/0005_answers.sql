-- Clients choose request ids at random: where the key holds the answer, each one changes a page of its own. Here
-- answers are appended, and only their short keys stand in the order of the ids.
ALTER TABLE answers RENAME TO answers_by_key;
CREATE TABLE answers (
    owner_id    BLOB NOT NULL,
    request_id  BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    answer      BLOB NOT NULL,
    create_time INTEGER NOT NULL
) STRICT;
INSERT INTO answers (owner_id, request_id, fingerprint, answer, create_time)
    SELECT owner_id, request_id, fingerprint, answer, create_time FROM answers_by_key ORDER BY create_time;
DROP TABLE answers_by_key;
CREATE UNIQUE INDEX answers_request ON answers (owner_id, request_id);
-- Old answers go whoever's they are, so the index that finds them grows at one end instead of one end an owner.
CREATE INDEX answers_create_time ON answers (create_time);
