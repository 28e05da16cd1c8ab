//! The statements, over sets that go in as arrays.

use crate::store::statements::{
    answer_columns, change_columns, content_columns, copy_columns, folder_columns, label_columns,
    labelled_columns, mailbox_columns, segment_columns, thread_columns,
};

pub(super) const COPIES: &str = concat!(
    "SELECT ",
    copy_columns!(),
    " FROM copies WHERE owner_id = $1 AND message_id = ANY($2)"
);
pub(super) const BODIES: &str = "SELECT message_id, body_text, body_html FROM copies JOIN contents USING \
     (content_id) WHERE owner_id = $1 AND message_id = ANY($2)";
pub(super) const OPENINGS: &str = "SELECT message_id, substr(body_text, 1, 16384) AS body_text, \
     substr(body_html, 1, 65536) AS body_html FROM copies JOIN contents USING (content_id) WHERE \
     owner_id = $1 AND message_id = ANY($2)";
pub(super) const ACCOUNTS: &str =
    "SELECT account_id, username, display_name, deleted FROM accounts WHERE account_id = ANY($1)";
pub(super) const LOCK_MAILBOXES: &str = concat!(
    "SELECT ",
    mailbox_columns!(),
    " FROM mailboxes WHERE owner_id = ANY($1) ORDER BY owner_id FOR UPDATE"
);
pub(super) const CREATE_MAILBOXES: &str = concat!(
    "INSERT INTO mailboxes (",
    mailbox_columns!(),
    ") SELECT * FROM UNNEST($1::uuid[], $2::smallint[], $3::uuid[], $4::bigint[], $5::bigint[], \
     $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[]) AS new \
     ORDER BY 1 ON CONFLICT (owner_id) DO NOTHING RETURNING owner_id"
);
pub(super) const CREATE_FOLDERS: &str = concat!(
    "INSERT INTO folders (",
    folder_columns!(),
    ") SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::bigint[], \
     $6::bigint[], $7::bigint[], $8::bigint[])"
);
pub(super) const KEPT_ANSWERS: &str = concat!(
    "SELECT ",
    answer_columns!(),
    " FROM UNNEST($1::uuid[], $2::uuid[]) AS k (k_owner, k_id) JOIN answers ON owner_id = k_owner \
     AND request_id = k_id"
);
pub(super) const FOLDERS_OF: &str = concat!(
    "SELECT ",
    folder_columns!(),
    " FROM folders WHERE owner_id = ANY($1)"
);
pub(super) const COPIES_BY_KEY: &str = concat!(
    "SELECT ",
    copy_columns!(),
    " FROM UNNEST($1::uuid[], $2::uuid[]) AS k (k_owner, k_id) JOIN copies ON owner_id = k_owner \
     AND message_id = k_id"
);
pub(super) const COPIES_BY_INTERNET_ID: &str = concat!(
    "SELECT ",
    copy_columns!(),
    " FROM UNNEST($1::uuid[], $2::text[]) AS k (k_owner, k_id) JOIN copies ON owner_id = k_owner \
     AND internet_message_id = k_id"
);
pub(super) const DELETED: &str = "SELECT owner_id, object_id FROM UNNEST($1::uuid[], $2::uuid[]) AS \
     k (k_owner, k_id) JOIN changes ON owner_id = k_owner AND object_id = k_id AND kind = 3";
pub(super) const INSERT_CONTENTS: &str = concat!(
    "INSERT INTO contents (",
    content_columns!(),
    ") SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], \
     $6::text[], $7::bytea[], $8::text[], $9::text[], $10::bigint[], $11::bytea[])"
);
pub(super) const INSERT_COPIES: &str = concat!(
    "INSERT INTO copies (",
    copy_columns!(),
    ") SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], \
     $6::smallint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::boolean[], \
     $12::boolean[], $13::boolean[], $14::boolean[], $15::text[], $16::text[], $17::bytea[], \
     $18::uuid[], $19::text[], $20::bigint[], $21::bytea[], $22::uuid[], $23::bigint[], \
     $24::bigint[])"
);
pub(super) const UPDATE_COPIES: &str = "UPDATE copies SET folder_id = new.folder_id, change_number = \
     new.change_number, is_read = new.is_read, is_starred = new.is_starred, is_answered = \
     new.is_answered, is_forwarded = new.is_forwarded, labels = new.labels, trash_time = \
     new.trash_time FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::boolean[], \
     $6::boolean[], $7::boolean[], $8::boolean[], $9::bytea[], $10::bigint[]) AS new (owner_id, \
     message_id, folder_id, change_number, is_read, is_starred, is_answered, is_forwarded, labels, \
     trash_time) WHERE copies.owner_id = new.owner_id AND copies.message_id = new.message_id";
pub(super) const LAST_CHANGES: &str =
    "SELECT owner_id, last_change FROM mailboxes WHERE owner_id = ANY($1)";
pub(super) const THREAD_PARTS: &str = concat!(
    "SELECT ",
    thread_columns!(),
    " FROM threads WHERE owner_id = $1 AND thread_id = ANY($2)"
);
macro_rules! thread_ends {
    ($order:literal) => {
        concat!(
            "SELECT ends.* FROM UNNEST($2::uuid[]) AS wanted (id) CROSS JOIN LATERAL (SELECT ",
            copy_columns!(),
            " FROM copies WHERE owner_id = $1 AND thread_id = wanted.id ORDER BY receive_time ",
            $order,
            " LIMIT $3) AS ends"
        )
    };
}
pub(super) const THREAD_NEWEST: &str = thread_ends!("DESC");
pub(super) const THREAD_OLDEST: &str = thread_ends!("ASC");
pub(super) const LABELS_OF: &str = concat!(
    "SELECT ",
    label_columns!(),
    " FROM labels WHERE owner_id = ANY($1)"
);
pub(super) const THREADS_BY_KEY: &str = concat!(
    "SELECT ",
    thread_columns!(),
    " FROM UNNEST($1::uuid[], $2::uuid[]) AS k (k_owner, k_id) JOIN threads ON owner_id = k_owner \
     AND thread_id = k_id"
);
pub(super) const DELETE_FOLDERS: &str = "DELETE FROM folders USING UNNEST($1::uuid[], $2::uuid[]) AS \
     k (k_owner, k_id) WHERE owner_id = k_owner AND folder_id = k_id";
pub(super) const PUT_LABELS: &str = concat!(
    "INSERT INTO labels (",
    label_columns!(),
    ") SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::bigint[], $4::bigint[]) ON CONFLICT \
     (owner_id, name) DO UPDATE SET total_count = excluded.total_count, unread_count = \
     excluded.unread_count"
);
pub(super) const DELETE_LABELS: &str = "DELETE FROM labels USING UNNEST($1::uuid[], $2::text[]) AS \
     k (k_owner, k_name) WHERE owner_id = k_owner AND name = k_name";
pub(super) const INSERT_LABELLED: &str = concat!(
    "INSERT INTO labelled (",
    labelled_columns!(),
    ") SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::uuid[])"
);
pub(super) const DELETE_LABELLED: &str = "DELETE FROM labelled USING UNNEST($1::uuid[], $2::text[], \
     $3::uuid[], $4::bigint[], $5::uuid[]) AS k (k_owner, k_name, k_folder, k_time, k_id) WHERE \
     owner_id = k_owner AND name = k_name AND folder_id = k_folder AND receive_time = k_time AND \
     message_id = k_id";
pub(super) const PUT_THREADS: &str = concat!(
    "INSERT INTO threads (",
    thread_columns!(),
    ") SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], \
     $6::bigint[]) ON CONFLICT (owner_id, thread_id, folder_id) DO UPDATE SET message_count = \
     excluded.message_count, unread_count = excluded.unread_count, last_time = excluded.last_time"
);
pub(super) const DELETE_THREADS: &str = "DELETE FROM threads USING UNNEST($1::uuid[], $2::uuid[], \
     $3::uuid[]) AS k (k_owner, k_id, k_folder) WHERE owner_id = k_owner AND thread_id = k_id AND \
     folder_id = k_folder";
pub(super) const SHORTEN_THREADS: &str = "UPDATE threads SET last_time = (SELECT MAX(receive_time) FROM \
     copies WHERE copies.owner_id = threads.owner_id AND copies.thread_id = threads.thread_id) FROM \
     UNNEST($1::uuid[], $2::uuid[]) AS k (k_owner, k_id) WHERE owner_id = k_owner AND thread_id = \
     k_id";
pub(in crate::store) const COPIES_AT: &str = concat!(
    "SELECT ",
    copy_columns!(),
    " FROM copies WHERE owner_id = $1 AND receive_time = ANY($2)"
);
pub(super) const SEGMENTS: &str = concat!(
    "SELECT ",
    segment_columns!(),
    " FROM search_segments WHERE owner_id = $1 AND state = 2"
);
pub(in crate::store) const BLOCKS: &str = "SELECT blocks.segment_id, blocks.first_key, blocks.data FROM \
     UNNEST($2::uuid[], $3::bytea[], $4::bytea[]) AS wanted (segment_id, start_key, end_key) CROSS \
     JOIN LATERAL (SELECT segment_id, first_key, data FROM search_blocks WHERE owner_id = $1 AND \
     segment_id = wanted.segment_id AND first_key < wanted.end_key AND first_key >= COALESCE((SELECT \
     first_key FROM search_blocks WHERE owner_id = $1 AND segment_id = wanted.segment_id AND first_key \
     <= wanted.start_key ORDER BY first_key DESC LIMIT 1), ''::bytea)) AS blocks";
pub(super) const FIRST_BLOCKS: &str = "SELECT wanted.number - 1 AS range_number, blocks.first_key, \
     blocks.data FROM UNNEST($2::uuid[], $3::bytea[], $4::bytea[]) WITH ORDINALITY AS wanted \
     (segment_id, start_key, end_key, number) CROSS JOIN LATERAL (SELECT first_key, data FROM \
     search_blocks WHERE owner_id = $1 AND segment_id = wanted.segment_id AND first_key < \
     wanted.end_key AND first_key >= COALESCE((SELECT first_key FROM search_blocks WHERE owner_id = $1 \
     AND segment_id = wanted.segment_id AND first_key <= wanted.start_key ORDER BY first_key DESC LIMIT \
     1), ''::bytea) ORDER BY first_key LIMIT $5) AS blocks";
pub(super) const ADD_BLOCKS: &str = "INSERT INTO search_blocks (owner_id, segment_id, first_key, data) \
     SELECT $1, $2, new.first_key, new.data FROM UNNEST($3::bytea[], $4::bytea[]) AS new \
     (first_key, data)";
pub(super) const ADD_CORRESPONDENTS: &str = "INSERT INTO correspondents (owner_id, account_id) SELECT \
     $1, account_id FROM UNNEST($2::uuid[]) AS new (account_id) ON CONFLICT DO NOTHING";
pub(super) const DELETE_COPIES: &str = "DELETE FROM copies USING UNNEST($1::uuid[], $2::uuid[]) AS \
     k (k_owner, k_id) WHERE owner_id = k_owner AND message_id = k_id";
pub(super) const INSERT_CHANGES: &str = concat!(
    "INSERT INTO changes (",
    change_columns!(),
    ", change_time) SELECT c.owner_id, c.change_number, c.kind, c.object_id, $5 FROM \
     UNNEST($1::uuid[], $2::bigint[], $3::smallint[], $4::uuid[]) AS c (owner_id, change_number, \
     kind, object_id)"
);
pub(super) const INSERT_ORPHANS: &str = "INSERT INTO orphans (orphan_id, content_id) SELECT * FROM \
     UNNEST($1::uuid[], $2::uuid[])";
pub(super) const UPDATE_MAILBOXES: &str = "UPDATE mailboxes SET state = new.state, last_change = \
     new.last_change, last_receive_time = new.last_receive_time, message_count = \
     new.message_count, used_bytes = new.used_bytes FROM UNNEST($1::uuid[], $2::smallint[], \
     $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) AS new (owner_id, state, last_change, \
     last_receive_time, message_count, used_bytes) WHERE mailboxes.owner_id = new.owner_id";
pub(super) const UPDATE_FOLDERS: &str = "UPDATE folders SET name = new.name, total_count = new.total_count, \
     unread_count = new.unread_count, change_number = new.change_number FROM UNNEST($1::uuid[], \
     $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) AS new (owner_id, folder_id, \
     name, total_count, unread_count, change_number) WHERE folders.owner_id = new.owner_id AND \
     folders.folder_id = new.folder_id";
pub(super) const INSERT_ANSWERS: &str = "INSERT INTO answers (owner_id, request_id, fingerprint, answer, \
     create_time) SELECT a.owner_id, a.request_id, a.fingerprint, a.answer, $5 FROM \
     UNNEST($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[]) AS a (owner_id, request_id, \
     fingerprint, answer)";
pub(super) const DELETE_ORPHANS: &str = "DELETE FROM orphans WHERE orphan_id = ANY($1)";
pub(super) const DELETE_CONTENTS: &str = "DELETE FROM contents WHERE content_id = ANY($1)";
pub(super) const FORGET_ANSWERS: &str =
    "DELETE FROM answers WHERE owner_id = ANY($1) AND create_time < $2";
pub(super) const NOTE_ACCOUNTS: &str = "INSERT INTO accounts (account_id, username, display_name, deleted, \
     position) SELECT a.account_id, a.username, a.display_name, a.deleted, $5 FROM \
     UNNEST($1::uuid[], $2::text[], $3::text[], $4::boolean[]) AS a (account_id, username, \
     display_name, deleted) ORDER BY 1 ON CONFLICT (account_id) DO UPDATE SET username = \
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
    SEGMENTS,
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
