//! Statements that both engines take as they are, and the columns that all statements agree on. Parameters are named
//! in their order, for `SQLite` goes by that.

use crate::domain::Filter;

macro_rules! mailbox_columns {
    () => {
        "owner_id, state, epoch, last_change, oldest_change, last_receive_time, message_count, \
         used_bytes, quota_messages, quota_bytes, indexed_time"
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
         subject, snippet, participants, in_reply_to, internet_message_id, size_bytes, labels, \
         forward_of, deliver_time, trash_time"
    };
}
/// The columns of a copy where another table has columns of the same names.
macro_rules! copies_columns {
    () => {
        "copies.owner_id, copies.message_id, content_id, thread_id, copies.folder_id, kind, \
         change_number, create_change, copies.receive_time, send_time, is_read, is_starred, \
         is_answered, is_forwarded, subject, snippet, participants, in_reply_to, \
         internet_message_id, size_bytes, labels, forward_of, deliver_time, trash_time"
    };
}
macro_rules! thread_columns {
    () => {
        "owner_id, thread_id, folder_id, message_count, unread_count, last_time"
    };
}
macro_rules! label_columns {
    () => {
        "owner_id, name, total_count, unread_count"
    };
}
macro_rules! labelled_columns {
    () => {
        "owner_id, name, folder_id, receive_time, message_id"
    };
}
macro_rules! segment_columns {
    () => {
        "owner_id, segment_id, tokenizer, message_count, oldest_time, newest_time"
    };
}
macro_rules! change_columns {
    () => {
        "owner_id, change_number, kind, object_id"
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
macro_rules! list_labelled {
    ($more:literal) => {
        concat!(
            "SELECT ",
            copies_columns!(),
            " FROM labelled JOIN copies ON copies.owner_id = labelled.owner_id AND \
             copies.message_id = labelled.message_id WHERE labelled.owner_id = $1 AND \
             labelled.folder_id = $2 AND labelled.name = $3",
            $more,
            " AND (labelled.receive_time, labelled.message_id) < ($4, $5)",
            " ORDER BY labelled.receive_time DESC, labelled.message_id DESC LIMIT $6"
        )
    };
}
pub(super) use {
    answer_columns, change_columns, content_columns, copy_columns, folder_columns, label_columns,
    labelled_columns, mailbox_columns, segment_columns, thread_columns,
};

pub(super) const MAILBOX: &str = concat!(
    "SELECT ",
    mailbox_columns!(),
    " FROM mailboxes WHERE owner_id = $1"
);
pub(super) const FOLDERS: &str = concat!(
    "SELECT ",
    folder_columns!(),
    " FROM folders WHERE owner_id = $1"
);
pub(super) const LIST: &str = list!("");
pub(super) const LIST_UNREAD: &str = list!(" AND NOT is_read");
pub(super) const LIST_STARRED: &str = list!(" AND is_starred");
pub(super) const LIST_UNREAD_STARRED: &str = list!(" AND NOT is_read AND is_starred");
pub(super) const LIST_LABELLED: &str = list_labelled!("");
pub(super) const LIST_LABELLED_UNREAD: &str = list_labelled!(" AND NOT is_read");
pub(super) const LIST_LABELLED_STARRED: &str = list_labelled!(" AND is_starred");
pub(super) const LIST_LABELLED_UNREAD_STARRED: &str =
    list_labelled!(" AND NOT is_read AND is_starred");

/// The statement that lists what `filter` lets through. Parameters: owner, folder, the label if there is one, the
/// time and the id of the place after which the page begins, and its length.
pub(super) fn list_of(filter: &Filter) -> &'static str {
    let only = (filter.unread_only, filter.starred_only);
    match (filter.label.is_some(), only) {
        (false, (false, false)) => LIST,
        (false, (true, false)) => LIST_UNREAD,
        (false, (false, true)) => LIST_STARRED,
        (false, (true, true)) => LIST_UNREAD_STARRED,
        (true, (false, false)) => LIST_LABELLED,
        (true, (true, false)) => LIST_LABELLED_UNREAD,
        (true, (false, true)) => LIST_LABELLED_STARRED,
        (true, (true, true)) => LIST_LABELLED_UNREAD_STARRED,
    }
}

pub(super) const LABELS: &str = concat!(
    "SELECT ",
    label_columns!(),
    " FROM labels WHERE owner_id = $1 ORDER BY name"
);
pub(super) const THREADS: &str = "SELECT thread_id, last_time FROM threads WHERE owner_id = $1 AND \
     folder_id = $2 AND (last_time, thread_id) < ($3, $4) ORDER BY last_time DESC, thread_id DESC \
     LIMIT $5";
/// $4: the first id of a conversation that begins later. The newest of many new ones need not be looked at one by one.
pub(super) const MOVED_THREADS: &str = "SELECT thread_id, then_last FROM (SELECT thread_id, (SELECT \
     MAX(receive_time) FROM copies WHERE copies.owner_id = threads.owner_id AND copies.thread_id = \
     threads.thread_id AND receive_time <= $1) AS then_last FROM threads WHERE owner_id = $2 AND \
     folder_id = $3 AND last_time > $1 AND thread_id < $4 AND NOT EXISTS (SELECT 1 FROM copies AS later \
     WHERE later.owner_id = threads.owner_id AND later.thread_id = threads.thread_id AND \
     later.receive_time > $1 AND later.create_change <= $5)) AS moved WHERE then_last IS NOT NULL";
pub(super) const THREAD_PAGE: &str = concat!(
    "SELECT ",
    copy_columns!(),
    " FROM copies WHERE owner_id = $1 AND thread_id = $2 AND (receive_time, message_id) > ($3, $4)",
    " ORDER BY receive_time, message_id LIMIT $5"
);
pub(super) const CHANGES: &str = concat!(
    "SELECT ",
    change_columns!(),
    " FROM changes WHERE owner_id = $1 AND change_number > $2 ORDER BY change_number LIMIT $3"
);
pub(super) const DUE: &str = "SELECT owner_id, message_id FROM copies WHERE kind = 4 AND \
     deliver_time <= $1 ORDER BY deliver_time LIMIT $2";
pub(super) const TRASHED: &str = "SELECT owner_id, message_id FROM copies WHERE trash_time < $1 \
     ORDER BY trash_time LIMIT $2";
pub(super) const LONG_HISTORIES: &str = "SELECT mailboxes.owner_id FROM mailboxes JOIN changes ON \
     changes.owner_id = mailboxes.owner_id AND change_number = oldest_change + 1 WHERE \
     mailboxes.owner_id > $1 AND mailboxes.owner_id <= $2 AND (change_time < $3 OR last_change - \
     oldest_change > $4)";
pub(super) const HISTORY_CUT: &str = "SELECT CAST(COALESCE(MAX(change_number), 0) AS BIGINT) FROM \
     (SELECT change_number, change_time FROM changes WHERE owner_id = $1 ORDER BY change_number \
     LIMIT $2) AS oldest WHERE change_time < $3 OR change_number <= $4";
pub(super) const HISTORY_FORGET: &str =
    "DELETE FROM changes WHERE change_number <= $1 AND owner_id = $2";
pub(super) const HISTORY_BEGIN: &str =
    "UPDATE mailboxes SET oldest_change = $1 WHERE owner_id = $2";
pub(super) const UNINDEXED: &str = "SELECT copies.receive_time, copies.subject, body_text, body_html, \
     copies.participants FROM copies JOIN contents USING (content_id) WHERE owner_id = $1 AND \
     receive_time > $2 AND receive_time <= $3 ORDER BY receive_time";
pub(super) const UNINDEXED_SIZES: &str = "SELECT receive_time, size_bytes FROM copies WHERE owner_id = \
     $1 AND receive_time > $2 ORDER BY receive_time LIMIT $3";
pub(super) const BACKLOGS: &str = "SELECT owner_id FROM mailboxes WHERE owner_id > $1 AND owner_id <= \
     $2 AND state = 1 AND last_receive_time > indexed_time AND (SELECT COUNT(*) FROM (SELECT 1 FROM \
     copies WHERE copies.owner_id = mailboxes.owner_id AND receive_time > indexed_time LIMIT $3) AS \
     found) = $3";
pub(super) const TIMES: &str = "SELECT receive_time FROM copies WHERE owner_id = $1 AND receive_time \
     BETWEEN $2 AND $3";
pub(super) const BLOCKS_AFTER: &str = "SELECT segment_id, first_key, data FROM search_blocks WHERE \
     owner_id = $1 AND segment_id = $2 AND first_key > $3 ORDER BY first_key LIMIT $4";
pub(super) const CORRESPONDENTS: &str = "SELECT account_id FROM correspondents WHERE owner_id = $1";
pub(super) const UNUSED_SEGMENTS: &str = "SELECT owner_id, segment_id FROM search_segments WHERE state \
     <> 2 AND state_time < $1 ORDER BY state_time LIMIT $2";
pub(super) const ADD_SEGMENT: &str = concat!(
    "INSERT INTO search_segments (",
    segment_columns!(),
    ", state, state_time) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
);
pub(super) const SET_SEGMENT: &str = "UPDATE search_segments SET state = $1, state_time = $2 WHERE \
     owner_id = $3 AND segment_id = $4 AND state = $5";
pub(super) const DROP_BLOCKS: &str =
    "DELETE FROM search_blocks WHERE owner_id = $1 AND segment_id = $2";
pub(super) const DROP_SEGMENT: &str =
    "DELETE FROM search_segments WHERE owner_id = $1 AND segment_id = $2";
pub(super) const SET_INDEXED: &str = "UPDATE mailboxes SET indexed_time = $1 WHERE owner_id = $2 AND \
     indexed_time = $3 AND state = 1";
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
pub(super) const COPIES_IN: &str = concat!(
    "SELECT ",
    copy_columns!(),
    " FROM copies WHERE owner_id = $1 AND folder_id = $2 ORDER BY receive_time LIMIT $3"
);
pub(super) const PURGE: [&str; 9] = [
    "DELETE FROM search_segments WHERE owner_id = $1",
    "DELETE FROM search_blocks WHERE owner_id = $1",
    "DELETE FROM correspondents WHERE owner_id = $1",
    "DELETE FROM folders WHERE owner_id = $1",
    "DELETE FROM changes WHERE owner_id = $1",
    "DELETE FROM threads WHERE owner_id = $1",
    "DELETE FROM labels WHERE owner_id = $1",
    "DELETE FROM labelled WHERE owner_id = $1",
    "DELETE FROM answers WHERE owner_id = $1",
];
pub(super) const ORPHANS: &str = "SELECT orphans.orphan_id, orphans.content_id, \
     contents.deliveries FROM orphans LEFT JOIN contents ON contents.content_id = \
     orphans.content_id ORDER BY orphans.orphan_id LIMIT $1";
pub(super) const FEED_NOTE: &str = "UPDATE feed SET position = $1 WHERE position < $1";
pub(super) const RESTORE_NOTE: &str =
    "INSERT INTO restores (mark, restore_time) VALUES ($1, $2) ON CONFLICT DO NOTHING";
pub(super) const RESTORE_HISTORIES: &str = "UPDATE mailboxes SET epoch = $1, last_change = \
     last_change + $2, oldest_change = last_change + $2";
pub(super) const RESTORE_FORGET: &str = "DELETE FROM changes";
pub(super) const RESTORE_FEED: &str = "UPDATE feed SET position = 0";

/// Every statement above, for the test that prepares them.
#[cfg(any(test, feature = "conformance"))]
pub(super) const SHARED: &[&str] = &[
    MAILBOX,
    FOLDERS,
    LIST,
    LIST_UNREAD,
    LIST_STARRED,
    LIST_UNREAD_STARRED,
    LIST_LABELLED,
    LIST_LABELLED_UNREAD,
    LIST_LABELLED_STARRED,
    LIST_LABELLED_UNREAD_STARRED,
    LABELS,
    THREADS,
    MOVED_THREADS,
    THREAD_PAGE,
    CHANGES,
    DUE,
    TRASHED,
    LONG_HISTORIES,
    HISTORY_CUT,
    HISTORY_FORGET,
    HISTORY_BEGIN,
    ANSWER,
    FEED_POSITION,
    RESTORE_NOTE,
    RESTORE_HISTORIES,
    RESTORE_FORGET,
    RESTORE_FEED,
    OWNERS,
    SOME_COPIES,
    COPIES_IN,
    PURGE[0],
    PURGE[1],
    PURGE[2],
    PURGE[3],
    PURGE[4],
    PURGE[5],
    PURGE[6],
    PURGE[7],
    PURGE[8],
    UNINDEXED,
    UNINDEXED_SIZES,
    BACKLOGS,
    TIMES,
    BLOCKS_AFTER,
    CORRESPONDENTS,
    UNUSED_SEGMENTS,
    ADD_SEGMENT,
    SET_SEGMENT,
    DROP_BLOCKS,
    DROP_SEGMENT,
    SET_INDEXED,
    ORPHANS,
    FEED_NOTE,
];
