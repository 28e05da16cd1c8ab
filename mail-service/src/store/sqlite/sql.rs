//! The statements, each over a set that goes in as JSON.

use crate::store::statements::{
    answer_columns, change_columns, content_columns, copies_columns, copy_columns, folder_columns,
    label_columns, labelled_columns, mailbox_columns, thread_columns,
};

macro_rules! id {
    ($n:literal) => {
        concat!("unhex(value ->> ", $n, ")")
    };
}
macro_rules! val {
    ($n:literal) => {
        concat!("value ->> ", $n)
    };
}
/// Every element of a set as one row: `id` for ids and bytes, `val` for everything else.
macro_rules! elements {
    ($first:ident $n:literal $(, $kind:ident $m:literal)*) => {
        concat!($first!($n) $(, ", ", $kind!($m))*)
    };
}
/// The same with names, for updates.
macro_rules! named {
    ($first:ident $n:literal $(, $kind:ident $m:literal)*) => {
        concat!($first!($n), " AS n", $n $(, ", ", $kind!($m), " AS n", $m)*)
    };
}
/// Keys in, rows of another table out: the set is the outer loop, each key one look-up.
macro_rules! by_key {
    ($columns:expr, $table:literal, $second:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM json_each($1) CROSS JOIN ",
            $table,
            " ON owner_id = unhex(value ->> 0) AND ",
            $second
        )
    };
}

pub(super) const COPIES: &str = concat!(
    "SELECT ",
    copy_columns!(),
    " FROM copies WHERE owner_id = $1 AND message_id IN (SELECT unhex(value) FROM json_each($2))"
);
pub(super) const BODIES: &str = "SELECT message_id, body_text, body_html FROM copies JOIN contents USING \
     (content_id) WHERE owner_id = $1 AND message_id IN (SELECT unhex(value) FROM json_each($2))";
pub(super) const OPENINGS: &str = "SELECT message_id, substr(body_text, 1, 16384) AS body_text, \
     substr(body_html, 1, 65536) AS body_html FROM copies JOIN contents USING (content_id) WHERE \
     owner_id = $1 AND message_id IN (SELECT unhex(value) FROM json_each($2))";
pub(super) const ACCOUNTS: &str = "SELECT account_id, username, display_name, deleted FROM accounts WHERE \
     account_id IN (SELECT unhex(value) FROM json_each($1))";
pub(super) const LOCK_MAILBOXES: &str = concat!(
    "SELECT ",
    mailbox_columns!(),
    " FROM mailboxes WHERE owner_id IN (SELECT unhex(value) FROM json_each($1))"
);
pub(super) const CREATE_MAILBOXES: &str = concat!(
    "INSERT INTO mailboxes (",
    mailbox_columns!(),
    ") SELECT ",
    elements!(id 0, val 1, id 2, val 3, val 4, val 5, val 6, val 7, val 8, val 9, val 10),
    " FROM json_each($1) WHERE true ON CONFLICT (owner_id) DO NOTHING RETURNING owner_id"
);
pub(super) const CREATE_FOLDERS: &str = concat!(
    "INSERT INTO folders (",
    folder_columns!(),
    ") SELECT ",
    elements!(id 0, id 1, val 2, val 3, val 4, val 5, val 6, val 7),
    " FROM json_each($1)"
);
pub(super) const KEPT_ANSWERS: &str = by_key!(
    answer_columns!(),
    "answers",
    "request_id = unhex(value ->> 1)"
);
pub(super) const FOLDERS_OF: &str = concat!(
    "SELECT ",
    folder_columns!(),
    " FROM folders WHERE owner_id IN (SELECT unhex(value) FROM json_each($1))"
);
pub(super) const COPIES_BY_KEY: &str =
    by_key!(copy_columns!(), "copies", "message_id = unhex(value ->> 1)");
pub(super) const COPIES_BY_INTERNET_ID: &str = by_key!(
    copy_columns!(),
    // Left to itself, SQLite reads all of the owner's.
    "copies INDEXED BY copies_internet_id",
    "internet_message_id = value ->> 1"
);
pub(super) const DELETED: &str = by_key!(
    "owner_id, object_id",
    "changes",
    "object_id = unhex(value ->> 1) AND kind = 3"
);
pub(super) const INSERT_CONTENTS: &str = concat!(
    "INSERT INTO contents (",
    content_columns!(),
    ") SELECT ",
    elements!(id 0, id 1, val 2, val 3, val 4, val 5, id 6, val 7, val 8, val 9, id 10),
    " FROM json_each($1)"
);
pub(super) const INSERT_COPIES: &str = concat!(
    "INSERT INTO copies (",
    copy_columns!(),
    ") SELECT ",
    elements!(
        id 0, id 1, id 2, id 3, id 4, val 5, val 6, val 7, val 8, val 9, val 10, val 11, val 12, val 13, val 14, val 15, id 16, id 17, val 18, val 19, id 20, id 21, val 22, val 23
    ),
    " FROM json_each($1)"
);
pub(super) const UPDATE_COPIES: &str = concat!(
    "UPDATE copies SET folder_id = n2, change_number = n3, is_read = n4, is_starred = n5, \
     is_answered = n6, is_forwarded = n7, labels = n8, trash_time = n9 FROM (SELECT ",
    named!(id 0, id 1, id 2, val 3, val 4, val 5, val 6, val 7, id 8, val 9),
    " FROM json_each($1)) WHERE owner_id = n0 AND message_id = n1"
);
pub(super) const LAST_CHANGES: &str = "SELECT owner_id, last_change FROM mailboxes WHERE owner_id IN \
     (SELECT unhex(value) FROM json_each($1))";
pub(super) const THREAD_PARTS: &str = concat!(
    "SELECT ",
    thread_columns!(),
    " FROM threads WHERE owner_id = $1 AND thread_id IN (SELECT unhex(value) FROM json_each($2))"
);
macro_rules! thread_ends {
    ($order:literal) => {
        concat!(
            "SELECT ",
            copies_columns!(),
            " FROM json_each($2) AS wanted CROSS JOIN copies ON copies.owner_id = $1 AND \
             copies.message_id IN (SELECT message_id FROM copies AS ends WHERE ends.owner_id = $1 \
             AND ends.thread_id = unhex(wanted.value) ORDER BY ends.receive_time ",
            $order,
            " LIMIT $3)"
        )
    };
}
pub(super) const THREAD_NEWEST: &str = thread_ends!("DESC");
pub(super) const THREAD_OLDEST: &str = thread_ends!("ASC");
pub(super) const LABELS_OF: &str = concat!(
    "SELECT ",
    label_columns!(),
    " FROM labels WHERE owner_id IN (SELECT unhex(value) FROM json_each($1))"
);
pub(super) const THREADS_BY_KEY: &str = by_key!(
    thread_columns!(),
    "threads",
    "thread_id = unhex(value ->> 1)"
);
pub(super) const DELETE_FOLDERS: &str = "DELETE FROM folders WHERE (owner_id, folder_id) IN \
     (SELECT unhex(value ->> 0), unhex(value ->> 1) FROM json_each($1))";
pub(super) const PUT_LABELS: &str = concat!(
    "INSERT INTO labels (",
    label_columns!(),
    ") SELECT ",
    elements!(id 0, val 1, val 2, val 3),
    " FROM json_each($1) WHERE true ON CONFLICT (owner_id, name) DO UPDATE SET total_count = \
     excluded.total_count, unread_count = excluded.unread_count"
);
pub(super) const DELETE_LABELS: &str = "DELETE FROM labels WHERE (owner_id, name) IN \
     (SELECT unhex(value ->> 0), value ->> 1 FROM json_each($1))";
pub(super) const INSERT_LABELLED: &str = concat!(
    "INSERT INTO labelled (",
    labelled_columns!(),
    ") SELECT ",
    elements!(id 0, val 1, id 2, val 3, id 4),
    " FROM json_each($1)"
);
pub(super) const DELETE_LABELLED: &str = concat!(
    "DELETE FROM labelled WHERE (",
    labelled_columns!(),
    ") IN (SELECT ",
    elements!(id 0, val 1, id 2, val 3, id 4),
    " FROM json_each($1))"
);
pub(super) const PUT_THREADS: &str = concat!(
    "INSERT INTO threads (",
    thread_columns!(),
    ") SELECT ",
    elements!(id 0, id 1, id 2, val 3, val 4, val 5),
    " FROM json_each($1) WHERE true ON CONFLICT (owner_id, thread_id, folder_id) DO UPDATE SET \
     message_count = excluded.message_count, unread_count = excluded.unread_count, last_time = \
     excluded.last_time"
);
pub(super) const DELETE_THREADS: &str = "DELETE FROM threads WHERE (owner_id, thread_id, folder_id) IN \
     (SELECT unhex(value ->> 0), unhex(value ->> 1), unhex(value ->> 2) FROM json_each($1))";
pub(super) const SHORTEN_THREADS: &str = "UPDATE threads SET last_time = (SELECT MAX(receive_time) FROM \
     copies WHERE copies.owner_id = threads.owner_id AND copies.thread_id = threads.thread_id) \
     WHERE (owner_id, thread_id) IN (SELECT unhex(value ->> 0), unhex(value ->> 1) FROM \
     json_each($1))";
pub(in crate::store) const COPIES_AT: &str = concat!(
    "SELECT ",
    copy_columns!(),
    // Left to itself, SQLite reads all of the owner's.
    " FROM json_each($2) CROSS JOIN copies INDEXED BY copies_time ON owner_id = $1 AND receive_time \
     = value"
);
pub(in crate::store) const BLOCKS: &str = "SELECT blocks.segment_id, blocks.first_key, blocks.data FROM \
     json_each($2) AS wanted CROSS JOIN search_blocks AS blocks ON blocks.owner_id = $1 AND \
     blocks.segment_id = unhex(wanted.value ->> 0) AND blocks.first_key < unhex(wanted.value ->> 2) \
     AND blocks.first_key >= COALESCE((SELECT MAX(first_key) FROM search_blocks AS reaching WHERE \
     reaching.owner_id = $1 AND reaching.segment_id = unhex(wanted.value ->> 0) AND \
     reaching.first_key <= unhex(wanted.value ->> 1)), x'')";
pub(super) const FIRST_BLOCKS: &str = "SELECT wanted.key AS range_number, blocks.first_key, blocks.data \
     FROM json_each($2) AS wanted CROSS JOIN search_blocks AS blocks ON blocks.owner_id = $1 AND \
     blocks.segment_id = unhex(wanted.value ->> 0) AND blocks.first_key IN (SELECT first_key FROM \
     search_blocks AS first WHERE first.owner_id = $1 AND first.segment_id = unhex(wanted.value ->> 0) \
     AND first.first_key < unhex(wanted.value ->> 2) AND first.first_key >= COALESCE((SELECT \
     MAX(first_key) FROM search_blocks AS reaching WHERE reaching.owner_id = $1 AND \
     reaching.segment_id = unhex(wanted.value ->> 0) AND reaching.first_key <= \
     unhex(wanted.value ->> 1)), x'') ORDER BY first_key LIMIT $3)";
pub(super) const ADD_BLOCKS: &str = "INSERT INTO search_blocks (owner_id, segment_id, first_key, data) \
     SELECT $1, $2, unhex(value ->> 0), unhex(value ->> 1) FROM json_each($3)";
pub(super) const ADD_CORRESPONDENTS: &str = "INSERT INTO correspondents (owner_id, account_id) SELECT \
     $1, unhex(value) FROM json_each($2) WHERE true ON CONFLICT DO NOTHING";
pub(super) const DELETE_COPIES: &str = "DELETE FROM copies WHERE (owner_id, message_id) IN \
     (SELECT unhex(value ->> 0), unhex(value ->> 1) FROM json_each($1))";
pub(super) const INSERT_CHANGES: &str = concat!(
    "INSERT INTO changes (",
    change_columns!(),
    ", change_time) SELECT ",
    elements!(id 0, val 1, val 2, id 3),
    ", $2 FROM json_each($1)"
);
pub(super) const INSERT_ORPHANS: &str = "INSERT INTO orphans (orphan_id, content_id) SELECT \
     unhex(value ->> 0), unhex(value ->> 1) FROM json_each($1)";
pub(super) const UPDATE_MAILBOXES: &str = concat!(
    "UPDATE mailboxes SET state = n1, last_change = n2, last_receive_time = n3, message_count = \
     n4, used_bytes = n5 FROM (SELECT ",
    named!(id 0, val 1, val 2, val 3, val 4, val 5),
    " FROM json_each($1)) WHERE owner_id = n0"
);
pub(super) const UPDATE_FOLDERS: &str = concat!(
    "UPDATE folders SET name = n2, total_count = n3, unread_count = n4, change_number = n5 FROM \
     (SELECT ",
    named!(id 0, id 1, val 2, val 3, val 4, val 5),
    " FROM json_each($1)) WHERE owner_id = n0 AND folder_id = n1"
);
pub(super) const INSERT_ANSWERS: &str = "INSERT INTO answers (owner_id, request_id, fingerprint, answer, \
     create_time) SELECT unhex(value ->> 0), unhex(value ->> 1), unhex(value ->> 2), \
     unhex(value ->> 3), $2 FROM json_each($1)";
pub(super) const DELETE_ORPHANS: &str =
    "DELETE FROM orphans WHERE orphan_id IN (SELECT unhex(value) FROM json_each($1))";
pub(super) const DELETE_CONTENTS: &str =
    "DELETE FROM contents WHERE content_id IN (SELECT unhex(value) FROM json_each($1))";
pub(super) const FORGET_ANSWERS: &str = "DELETE FROM answers WHERE owner_id IN (SELECT unhex(value) FROM \
     json_each($1)) AND create_time < $2";
pub(super) const NOTE_ACCOUNTS: &str = "INSERT INTO accounts (account_id, username, display_name, deleted, \
     position) SELECT unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3, $2 FROM \
     json_each($1) WHERE true ON CONFLICT (account_id) DO UPDATE SET username = \
     excluded.username, display_name = excluded.display_name, deleted = excluded.deleted, position \
     = excluded.position WHERE accounts.position < excluded.position AND NOT accounts.deleted";

/// Every statement above, for the test that prepares them.
#[cfg(any(test, feature = "conformance"))]
pub(in crate::store) const OWN: &[&str] = &[
    COPIES,
    BODIES,
    OPENINGS,
    ACCOUNTS,
    LOCK_MAILBOXES,
    CREATE_MAILBOXES,
    CREATE_FOLDERS,
    KEPT_ANSWERS,
    FOLDERS_OF,
    COPIES_BY_KEY,
    COPIES_BY_INTERNET_ID,
    DELETED,
    INSERT_CONTENTS,
    INSERT_COPIES,
    UPDATE_COPIES,
    DELETE_COPIES,
    INSERT_CHANGES,
    COPIES_AT,
    BLOCKS,
    FIRST_BLOCKS,
    ADD_BLOCKS,
    ADD_CORRESPONDENTS,
    LAST_CHANGES,
    THREAD_PARTS,
    THREAD_NEWEST,
    THREAD_OLDEST,
    LABELS_OF,
    THREADS_BY_KEY,
    DELETE_FOLDERS,
    PUT_LABELS,
    DELETE_LABELS,
    INSERT_LABELLED,
    DELETE_LABELLED,
    PUT_THREADS,
    DELETE_THREADS,
    SHORTEN_THREADS,
    INSERT_ORPHANS,
    UPDATE_MAILBOXES,
    UPDATE_FOLDERS,
    INSERT_ANSWERS,
    DELETE_ORPHANS,
    DELETE_CONTENTS,
    FORGET_ANSWERS,
    NOTE_ACCOUNTS,
];
