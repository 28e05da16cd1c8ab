-- When it was said that this database was restored from a backup, each time by a mark of its own.
CREATE TABLE restores (
    mark         TEXT NOT NULL PRIMARY KEY,
    restore_time INTEGER NOT NULL
) STRICT;
