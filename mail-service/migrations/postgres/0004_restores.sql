-- When it was said that this database was restored from a backup, each time by a mark of its own.
CREATE TABLE restores (
    mark         text PRIMARY KEY,
    restore_time bigint NOT NULL
);
