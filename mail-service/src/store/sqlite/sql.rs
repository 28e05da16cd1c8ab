//! The statements of this engine alone, about one row, or what belongs to one key: carrying one out for each of many
//! costs nothing where the connection lives. Parameters are named in their order.

use crate::store::statements::{
    answer_columns, change_columns, content_columns, copy_columns, folder_columns, label_columns,
    labelled_columns, mailbox_columns, segment_columns, thread_columns,
};

pub(super) const BODY: &str = "SELECT message_id, body_text, body_html FROM copies JOIN contents USING \
     (content_id) WHERE owner_id = $1 AND message_id = $2";
pub(super) const OPENING: &str = "SELECT message_id, substr(body_text, 1, 16384), substr(body_html, 1, 65536) \
     FROM copies JOIN contents USING (content_id) WHERE owner_id = $1 AND message_id = $2";
pub(super) const ACCOUNT: &str =
    "SELECT account_id, username, display_name, deleted FROM accounts WHERE account_id = $1";
pub(super) const LAST_CHANGE: &str =
    "SELECT owner_id, last_change FROM mailboxes WHERE owner_id = $1";
macro_rules! thread_end {
    ($order:literal) => {
        concat!(
            "SELECT ",
            copy_columns!(),
            " FROM copies WHERE owner_id = $1 AND thread_id = $2 ORDER BY receive_time ",
            $order,
            " LIMIT $3"
        )
    };
}
pub(super) const THREAD_NEWEST: &str = thread_end!("DESC");
pub(super) const THREAD_OLDEST: &str = thread_end!("ASC");
pub(in crate::store) const COPY_AT: &str = concat!(
    "SELECT ",
    copy_columns!(),
    // Left to itself, SQLite reads all of the owner's.
    " FROM copies INDEXED BY copies_time WHERE owner_id = $1 AND receive_time = $2"
);
pub(super) const SEGMENTS: &str = concat!(
    "SELECT ",
    segment_columns!(),
    // Left to itself, SQLite reads all of the owner's, most of which may be replaced ones.
    " FROM search_segments INDEXED BY search_segments_used WHERE owner_id = $1 AND state = 2"
);
/// The blocks that may hold keys from $4 up to $3: the last one that begins before them reaches into them.
pub(in crate::store) const BLOCKS: &str = "SELECT segment_id, first_key, data FROM search_blocks WHERE \
     owner_id = $1 AND segment_id = $2 AND first_key < $3 AND first_key >= COALESCE((SELECT MAX(first_key) \
     FROM search_blocks AS reaching WHERE reaching.owner_id = $1 AND reaching.segment_id = $2 AND \
     reaching.first_key <= $4), x'') ORDER BY first_key LIMIT $5";
pub(super) const COPY: &str = concat!(
    "SELECT ",
    copy_columns!(),
    " FROM copies WHERE owner_id = $1 AND message_id = $2"
);
pub(super) const COPIES_BY_INTERNET_ID: &str = concat!(
    "SELECT ",
    copy_columns!(),
    // Left to itself, SQLite reads all of the owner's.
    " FROM copies INDEXED BY copies_internet_id WHERE owner_id = $1 AND internet_message_id = $2"
);
pub(super) const DELETED: &str =
    "SELECT owner_id, object_id FROM changes WHERE owner_id = $1 AND object_id = $2 AND kind = 3";
pub(super) const THREAD: &str = concat!(
    "SELECT ",
    thread_columns!(),
    " FROM threads WHERE owner_id = $1 AND thread_id = $2"
);
pub(super) const CREATE_MAILBOX: &str = concat!(
    "INSERT INTO mailboxes (",
    mailbox_columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (owner_id) DO NOTHING"
);
pub(super) const UPDATE_MAILBOX: &str = "UPDATE mailboxes SET state = $1, last_change = $2, \
     last_receive_time = $3, message_count = $4, used_bytes = $5 WHERE owner_id = $6";
pub(super) const CREATE_FOLDER: &str = concat!(
    "INSERT INTO folders (",
    folder_columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
);
pub(super) const UPDATE_FOLDER: &str = "UPDATE folders SET name = $1, total_count = $2, unread_count = $3, \
     change_number = $4 WHERE owner_id = $5 AND folder_id = $6";
pub(super) const DELETE_FOLDER: &str = "DELETE FROM folders WHERE owner_id = $1 AND folder_id = $2";
pub(super) const INSERT_CONTENT: &str = concat!(
    "INSERT INTO contents (",
    content_columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
);
pub(super) const DELETE_CONTENT: &str = "DELETE FROM contents WHERE content_id = $1";
pub(super) const INSERT_COPY: &str = concat!(
    "INSERT INTO copies (",
    copy_columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)"
);
pub(super) const UPDATE_COPY: &str = "UPDATE copies SET folder_id = $1, change_number = $2, is_read = $3, \
     is_starred = $4, is_answered = $5, is_forwarded = $6, labels = $7, trash_time = $8 WHERE owner_id = $9 \
     AND message_id = $10";
pub(super) const DELETE_COPY: &str = "DELETE FROM copies WHERE owner_id = $1 AND message_id = $2";
pub(super) const INSERT_ORPHAN: &str =
    "INSERT INTO orphans (orphan_id, content_id) VALUES ($1, $2)";
pub(super) const DELETE_ORPHAN: &str = "DELETE FROM orphans WHERE orphan_id = $1";
pub(super) const PUT_LABEL: &str = concat!(
    "INSERT INTO labels (",
    label_columns!(),
    ") VALUES ($1, $2, $3, $4) ON CONFLICT (owner_id, name) DO UPDATE SET \
     total_count = excluded.total_count, unread_count = excluded.unread_count"
);
pub(super) const DELETE_LABEL: &str = "DELETE FROM labels WHERE owner_id = $1 AND name = $2";
pub(super) const INSERT_LABELLED: &str = concat!(
    "INSERT INTO labelled (",
    labelled_columns!(),
    ") VALUES ($1, $2, $3, $4, $5)"
);
pub(super) const DELETE_LABELLED: &str = concat!(
    "DELETE FROM labelled WHERE (",
    labelled_columns!(),
    ") = ($1, $2, $3, $4, $5)"
);
pub(super) const PUT_THREAD: &str = concat!(
    "INSERT INTO threads (",
    thread_columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (owner_id, thread_id, \
     folder_id) DO UPDATE SET message_count = excluded.message_count, unread_count = \
     excluded.unread_count, last_time = excluded.last_time"
);
pub(super) const DELETE_THREAD: &str =
    "DELETE FROM threads WHERE owner_id = $1 AND thread_id = $2 AND folder_id = $3";
pub(super) const SHORTEN_THREAD: &str = "UPDATE threads SET last_time = (SELECT MAX(receive_time) FROM copies \
     WHERE copies.owner_id = threads.owner_id AND copies.thread_id = threads.thread_id) WHERE owner_id = $1 \
     AND thread_id = $2";
pub(super) const INSERT_CHANGE: &str = concat!(
    "INSERT INTO changes (",
    change_columns!(),
    ", change_time) VALUES ($1, $2, $3, $4, $5)"
);
pub(super) const INSERT_ANSWER: &str = concat!(
    "INSERT INTO answers (",
    answer_columns!(),
    ", create_time) VALUES ($1, $2, $3, $4, $5)"
);
pub(super) const FORGET_ANSWERS: &str = "DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers WHERE \
     create_time < $1 ORDER BY create_time LIMIT $2)";
pub(super) const ADD_BLOCK: &str =
    "INSERT INTO search_blocks (owner_id, segment_id, first_key, data) VALUES ($1, $2, $3, $4)";
pub(super) const ADD_CORRESPONDENT: &str =
    "INSERT INTO correspondents (owner_id, account_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
pub(super) const NOTE_ACCOUNT: &str = "INSERT INTO accounts (account_id, username, display_name, deleted, \
     position) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id) DO UPDATE SET username = \
     excluded.username, display_name = excluded.display_name, deleted = excluded.deleted, position = \
     excluded.position WHERE accounts.position < excluded.position AND NOT accounts.deleted";

/// Every statement above, for the test that prepares them.
#[cfg(any(test, feature = "conformance"))]
pub(in crate::store) const OWN: &[&str] = &[
    BODY,
    OPENING,
    ACCOUNT,
    LAST_CHANGE,
    THREAD_NEWEST,
    THREAD_OLDEST,
    COPY_AT,
    SEGMENTS,
    BLOCKS,
    COPY,
    COPIES_BY_INTERNET_ID,
    DELETED,
    THREAD,
    CREATE_MAILBOX,
    UPDATE_MAILBOX,
    CREATE_FOLDER,
    UPDATE_FOLDER,
    DELETE_FOLDER,
    INSERT_CONTENT,
    DELETE_CONTENT,
    INSERT_COPY,
    UPDATE_COPY,
    DELETE_COPY,
    INSERT_ORPHAN,
    DELETE_ORPHAN,
    PUT_LABEL,
    DELETE_LABEL,
    INSERT_LABELLED,
    DELETE_LABELLED,
    PUT_THREAD,
    DELETE_THREAD,
    SHORTEN_THREAD,
    INSERT_CHANGE,
    INSERT_ANSWER,
    FORGET_ANSWERS,
    ADD_BLOCK,
    ADD_CORRESPONDENT,
    NOTE_ACCOUNT,
];
