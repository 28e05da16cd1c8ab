//! Statements that both engines take as they are, and the columns that all statements agree on.

macro_rules! mailbox_columns {
    () => {
        "owner_id, state, epoch, last_change, last_receive_time, message_count, used_bytes, \
         quota_messages, quota_bytes"
    };
}
macro_rules! folder_columns {
    () => {
        "owner_id, folder_id, role, name, total_count, unread_count, change_number, create_change"
    };
}
macro_rules! copy_columns {
    () => {
        "owner_id, message_id, content_id, thread_id, folder_id, kind, change_number, \
         create_change, receive_time, send_time, is_read, is_starred, is_answered, is_forwarded, \
         subject, snippet, participants, in_reply_to, internet_message_id, size_bytes"
    };
}
macro_rules! answer_columns {
    () => {
        "owner_id, request_id, fingerprint, answer"
    };
}
macro_rules! content_columns {
    () => {
        "content_id, sender_id, send_time, subject, body_text, body_html, participants, \
         internet_message_id, in_reply_to, size_bytes, deliveries"
    };
}
macro_rules! list {
    ($more:literal) => {
        concat!(
            "SELECT ",
            copy_columns!(),
            " FROM copies WHERE owner_id = $1 AND folder_id = $2",
            $more,
            " AND (receive_time, message_id) < ($3, $4)",
            " ORDER BY receive_time DESC, message_id DESC LIMIT $5"
        )
    };
}
pub(super) use {answer_columns, content_columns, copy_columns, folder_columns, mailbox_columns};

pub(super) const MAILBOX: &str = concat!(
    "SELECT ",
    mailbox_columns!(),
    " FROM mailboxes WHERE owner_id = $1"
);
pub(super) const FOLDERS: &str = concat!(
    "SELECT ",
    folder_columns!(),
    " FROM folders WHERE owner_id = $1 ORDER BY CASE role WHEN 0 THEN 99 ELSE role END, name"
);
pub(super) const LIST: &str = list!("");
pub(super) const LIST_UNREAD: &str = list!(" AND NOT is_read");
pub(super) const LIST_STARRED: &str = list!(" AND is_starred");
pub(super) const LIST_UNREAD_STARRED: &str = list!(" AND NOT is_read AND is_starred");
pub(super) const ANSWER: &str = concat!(
    "SELECT ",
    answer_columns!(),
    " FROM answers WHERE owner_id = $1 AND request_id = $2"
);
pub(super) const FEED_POSITION: &str = "SELECT position FROM feed";
pub(super) const OWNERS: &str =
    "SELECT owner_id FROM mailboxes WHERE owner_id > $1 ORDER BY owner_id LIMIT $2";
pub(super) const SOME_COPIES: &str = concat!(
    "SELECT ",
    copy_columns!(),
    " FROM copies WHERE owner_id = $1 LIMIT $2"
);
pub(super) const PURGE: [&str; 3] = [
    "DELETE FROM folders WHERE owner_id = $1",
    "DELETE FROM tombstones WHERE owner_id = $1",
    "DELETE FROM answers WHERE owner_id = $1",
];
pub(super) const ORPHANS: &str = "SELECT orphans.orphan_id, orphans.content_id, \
     contents.deliveries FROM orphans LEFT JOIN contents ON contents.content_id = \
     orphans.content_id ORDER BY orphans.orphan_id LIMIT $1";
pub(super) const FEED_NOTE: &str = "UPDATE feed SET position = $1 WHERE position < $1";

/// Every statement above, for the test that prepares them.
#[cfg(any(test, feature = "conformance"))]
pub(super) const SHARED: &[&str] = &[
    MAILBOX,
    FOLDERS,
    LIST,
    LIST_UNREAD,
    LIST_STARRED,
    LIST_UNREAD_STARRED,
    ANSWER,
    FEED_POSITION,
    OWNERS,
    SOME_COPIES,
    PURGE[0],
    PURGE[1],
    PURGE[2],
    ORPHANS,
    FEED_NOTE,
];
