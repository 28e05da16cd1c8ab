//! The statements, each over a set that goes in as JSON.

use crate::store::statements::{
    answer_columns, content_columns, copy_columns, folder_columns, mailbox_columns,
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
    id!(0),
    ", ",
    val!(1),
    ", ",
    id!(2),
    ", ",
    val!(3),
    ", ",
    val!(4),
    ", ",
    val!(5),
    ", ",
    val!(6),
    ", ",
    val!(7),
    ", ",
    val!(8),
    " FROM json_each($1) WHERE true ON CONFLICT (owner_id) DO NOTHING RETURNING owner_id"
);
pub(super) const CREATE_FOLDERS: &str = concat!(
    "INSERT INTO folders (",
    folder_columns!(),
    ") SELECT ",
    id!(0),
    ", ",
    id!(1),
    ", ",
    val!(2),
    ", ",
    val!(3),
    ", ",
    val!(4),
    ", ",
    val!(5),
    ", ",
    val!(6),
    ", ",
    val!(7),
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
    "copies",
    "internet_message_id = value ->> 1"
);
pub(super) const DELETED: &str = by_key!(
    "owner_id, object_id",
    "tombstones",
    "object_id = unhex(value ->> 1)"
);
pub(super) const INSERT_CONTENTS: &str = concat!(
    "INSERT INTO contents (",
    content_columns!(),
    ") SELECT ",
    id!(0),
    ", ",
    id!(1),
    ", ",
    val!(2),
    ", ",
    val!(3),
    ", ",
    val!(4),
    ", ",
    val!(5),
    ", ",
    id!(6),
    ", ",
    val!(7),
    ", ",
    val!(8),
    ", ",
    val!(9),
    ", ",
    id!(10),
    " FROM json_each($1)"
);
pub(super) const INSERT_COPIES: &str = concat!(
    "INSERT INTO copies (",
    copy_columns!(),
    ") SELECT ",
    id!(0),
    ", ",
    id!(1),
    ", ",
    id!(2),
    ", ",
    id!(3),
    ", ",
    id!(4),
    ", ",
    val!(5),
    ", ",
    val!(6),
    ", ",
    val!(7),
    ", ",
    val!(8),
    ", ",
    val!(9),
    ", ",
    val!(10),
    ", ",
    val!(11),
    ", ",
    val!(12),
    ", ",
    val!(13),
    ", ",
    val!(14),
    ", ",
    val!(15),
    ", ",
    id!(16),
    ", ",
    id!(17),
    ", ",
    val!(18),
    ", ",
    val!(19),
    " FROM json_each($1)"
);
pub(super) const UPDATE_COPIES: &str = concat!(
    "UPDATE copies SET folder_id = n2, change_number = n3, is_read = n4, is_starred = n5, \
     is_answered = n6, is_forwarded = n7 FROM (SELECT ",
    id!(0),
    " AS n0, ",
    id!(1),
    " AS n1, ",
    id!(2),
    " AS n2, ",
    val!(3),
    " AS n3, ",
    val!(4),
    " AS n4, ",
    val!(5),
    " AS n5, ",
    val!(6),
    " AS n6, ",
    val!(7),
    " AS n7 FROM json_each($1)) WHERE owner_id = n0 AND message_id = n1"
);
pub(super) const DELETE_COPIES: &str = "DELETE FROM copies WHERE (owner_id, message_id) IN \
     (SELECT unhex(value ->> 0), unhex(value ->> 1) FROM json_each($1))";
pub(super) const INSERT_TOMBSTONES: &str = "INSERT INTO tombstones (owner_id, object_id, change_number, kind, \
     delete_time) SELECT unhex(value ->> 0), unhex(value ->> 1), value ->> 2, 1, $2 FROM \
     json_each($1)";
pub(super) const INSERT_ORPHANS: &str = "INSERT INTO orphans (orphan_id, content_id) SELECT \
     unhex(value ->> 0), unhex(value ->> 1) FROM json_each($1)";
pub(super) const UPDATE_MAILBOXES: &str = concat!(
    "UPDATE mailboxes SET state = n1, last_change = n2, last_receive_time = n3, message_count = \
     n4, used_bytes = n5 FROM (SELECT ",
    id!(0),
    " AS n0, ",
    val!(1),
    " AS n1, ",
    val!(2),
    " AS n2, ",
    val!(3),
    " AS n3, ",
    val!(4),
    " AS n4, ",
    val!(5),
    " AS n5 FROM json_each($1)) WHERE owner_id = n0"
);
pub(super) const UPDATE_FOLDERS: &str = concat!(
    "UPDATE folders SET total_count = n2, unread_count = n3, change_number = n4 FROM (SELECT ",
    id!(0),
    " AS n0, ",
    id!(1),
    " AS n1, ",
    val!(2),
    " AS n2, ",
    val!(3),
    " AS n3, ",
    val!(4),
    " AS n4 FROM json_each($1)) WHERE owner_id = n0 AND folder_id = n1"
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
    INSERT_TOMBSTONES,
    INSERT_ORPHANS,
    UPDATE_MAILBOXES,
    UPDATE_FOLDERS,
    INSERT_ANSWERS,
    DELETE_ORPHANS,
    DELETE_CONTENTS,
    FORGET_ANSWERS,
    NOTE_ACCOUNTS,
];
