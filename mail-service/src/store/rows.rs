//! Rows as the database has them, and the structures that are stored as bytes in them.

use serde::{Serialize, de::DeserializeOwned};
use sqlx::FromRow;
use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use super::{Delivery, Kept, KeptAnswer, Segment, StoreError, Unindexed};
use crate::{
    domain::{
        Body, Change, Copy, Event, Fingerprint, Folder, FolderRole, Kind, Label, Mailbox,
        MailboxState, Participants, ThreadPart,
    },
    search::Block,
};

/// The version of the form in which structures are stored as bytes.
const FORM: u8 = 1;

pub(super) fn pack(value: &impl Serialize) -> Vec<u8> {
    // Only sequences of unknown length cannot be written, and there are none.
    postcard::to_extend(value, vec![FORM]).unwrap_or_default()
}

pub(super) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    match bytes.split_first() {
        Some((&FORM, bytes)) => {
            postcard::from_bytes(bytes).map_err(|error| StoreError::Refused(error.into()))
        }
        _ => Err(StoreError::Refused(anyhow::anyhow!(
            "a stored structure has an unknown form"
        ))),
    }
}

pub(super) fn pack_deliveries(deliveries: &[Delivery]) -> Vec<u8> {
    deliveries
        .iter()
        .flat_map(|(owner, id)| [*owner.as_bytes(), *id.as_bytes()])
        .flatten()
        .collect()
}

pub(super) fn unpack_deliveries(bytes: &[u8]) -> Vec<Delivery> {
    let (pairs, _) = bytes.as_chunks::<32>();
    pairs
        .iter()
        .filter_map(|pair| {
            let (owner, id) = pair.split_at(16);
            Some((Uuid::from_slice(owner).ok()?, Uuid::from_slice(id).ok()?))
        })
        .collect()
}

/// A column with a structure as bytes, read from where the driver has them.
pub(super) struct Packed<T>(T);

impl<T: DeserializeOwned> rusqlite::types::FromSql for Packed<T> {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        let structure = unpack(value.as_blob()?);
        structure
            .map(Self)
            .map_err(rusqlite::types::FromSqlError::other)
    }
}

impl<D: sqlx::Database, T> sqlx::Type<D> for Packed<T>
where
    [u8]: sqlx::Type<D>,
{
    fn type_info() -> D::TypeInfo {
        <[u8] as sqlx::Type<D>>::type_info()
    }
}

impl<'r, D: sqlx::Database, T: DeserializeOwned> sqlx::Decode<'r, D> for Packed<T>
where
    &'r [u8]: sqlx::Decode<'r, D>,
{
    fn decode(value: D::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        let bytes = <&[u8] as sqlx::Decode<'r, D>>::decode(value)?;
        Ok(Self(unpack(bytes)?))
    }
}

/// A row that both drivers read: sqlx by the names of its columns, rusqlite by their order, which is that of the lists
/// of columns in `statements.rs`.
macro_rules! row {
    (pub(super) struct $name:ident { $($field:ident: $type:ty,)* }) => {
        #[derive(FromRow)]
        pub(super) struct $name { $($field: $type,)* }

        impl TryFrom<&rusqlite::Row<'_>> for $name {
            type Error = rusqlite::Error;

            fn try_from(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
                let mut columns = 0_usize..;
                let mut next = || columns.next().unwrap_or_default();
                Ok(Self { $($field: row.get(next())?,)* })
            }
        }
    };
}

row! {
    pub(super) struct MailboxRow {
        owner_id: Uuid,
        state: i16,
        epoch: Uuid,
        last_change: i64,
        oldest_change: i64,
        last_receive_time: i64,
        message_count: i64,
        used_bytes: i64,
        quota_messages: i64,
        quota_bytes: i64,
        indexed_time: i64,
    }
}

impl From<MailboxRow> for Mailbox {
    fn from(row: MailboxRow) -> Self {
        let active = row.state == MailboxState::Active as i16;
        Self {
            owner_id: row.owner_id,
            // What is not known to be in use is not used.
            state: if active {
                MailboxState::Active
            } else {
                MailboxState::Erased
            },
            epoch: row.epoch,
            last_change: row.last_change,
            oldest_change: row.oldest_change,
            last_receive_time: row.last_receive_time,
            message_count: row.message_count,
            used_bytes: row.used_bytes,
            quota_messages: row.quota_messages,
            quota_bytes: row.quota_bytes,
            indexed_time: Timestamp::from_micros(row.indexed_time),
        }
    }
}

row! {
    pub(super) struct FolderRow {
        owner_id: Uuid,
        folder_id: Uuid,
        role: i16,
        name: String,
        total_count: i64,
        unread_count: i64,
        change_number: i64,
        create_change: i64,
    }
}

impl From<FolderRow> for Folder {
    fn from(row: FolderRow) -> Self {
        Self {
            owner_id: row.owner_id,
            folder_id: row.folder_id,
            role: FolderRole::from_number(row.role),
            name: row.name,
            total_count: row.total_count,
            unread_count: row.unread_count,
            change: row.change_number,
            create_change: row.create_change,
        }
    }
}

row! {
    pub(super) struct CopyRow {
        owner_id: Uuid,
        message_id: Uuid,
        content_id: Uuid,
        thread_id: Uuid,
        folder_id: Uuid,
        kind: i16,
        change_number: i64,
        create_change: i64,
        receive_time: i64,
        send_time: i64,
        is_read: bool,
        is_starred: bool,
        is_answered: bool,
        is_forwarded: bool,
        subject: String,
        snippet: String,
        participants: Packed<Participants>,
        in_reply_to: Option<Uuid>,
        internet_message_id: String,
        size_bytes: i64,
        labels: Packed<Vec<String>>,
        forward_of: Option<Uuid>,
        deliver_time: Option<i64>,
        trash_time: Option<i64>,
    }
}

impl From<CopyRow> for Copy {
    fn from(row: CopyRow) -> Self {
        Self {
            owner_id: row.owner_id,
            message_id: row.message_id,
            content_id: row.content_id,
            thread_id: row.thread_id,
            folder_id: row.folder_id,
            kind: Kind::from_number(row.kind),
            change: row.change_number,
            create_change: row.create_change,
            receive_time: Timestamp::from_micros(row.receive_time),
            send_time: Timestamp::from_micros(row.send_time),
            read: row.is_read,
            starred: row.is_starred,
            answered: row.is_answered,
            forwarded: row.is_forwarded,
            subject: row.subject,
            snippet: row.snippet,
            participants: row.participants.0,
            in_reply_to: row.in_reply_to,
            internet_message_id: row.internet_message_id,
            size_bytes: row.size_bytes,
            labels: row.labels.0,
            forward_of: row.forward_of,
            deliver_time: row.deliver_time.map(Timestamp::from_micros),
            trash_time: row.trash_time.map(Timestamp::from_micros),
        }
    }
}

row! {
    pub(super) struct LabelRow {
        owner_id: Uuid,
        name: String,
        total_count: i64,
        unread_count: i64,
    }
}

impl From<LabelRow> for Label {
    fn from(row: LabelRow) -> Self {
        Self {
            owner_id: row.owner_id,
            name: row.name,
            total_count: row.total_count,
            unread_count: row.unread_count,
        }
    }
}

row! {
    pub(super) struct ThreadRow {
        owner_id: Uuid,
        thread_id: Uuid,
        folder_id: Uuid,
        message_count: i64,
        unread_count: i64,
        last_time: i64,
    }
}

impl From<ThreadRow> for ThreadPart {
    fn from(row: ThreadRow) -> Self {
        Self {
            owner_id: row.owner_id,
            thread_id: row.thread_id,
            folder_id: row.folder_id,
            message_count: row.message_count,
            unread_count: row.unread_count,
            last_time: Timestamp::from_micros(row.last_time),
        }
    }
}

row! {
    pub(super) struct ChangeRow {
        owner_id: Uuid,
        change_number: i64,
        kind: i16,
        object_id: Uuid,
    }
}

impl TryFrom<ChangeRow> for Change {
    type Error = StoreError;

    fn try_from(row: ChangeRow) -> Result<Self, StoreError> {
        let unknown = || StoreError::Refused(anyhow::anyhow!("an event of an unknown kind"));
        Ok(Self {
            owner_id: row.owner_id,
            number: row.change_number,
            event: Event::from_number(row.kind).ok_or_else(unknown)?,
            object_id: row.object_id,
        })
    }
}

row! {
    pub(super) struct BodyRow {
        message_id: Uuid,
        body_text: String,
        body_html: String,
    }
}

impl From<BodyRow> for (Uuid, Body) {
    fn from(row: BodyRow) -> Self {
        (
            row.message_id,
            Body {
                text: row.body_text,
                html: row.body_html,
            },
        )
    }
}

row! {
    pub(super) struct UnindexedRow {
        receive_time: i64,
        subject: String,
        body_text: String,
        body_html: String,
        participants: Packed<Participants>,
    }
}

impl From<UnindexedRow> for Unindexed {
    fn from(row: UnindexedRow) -> Self {
        Self {
            receive_time: Timestamp::from_micros(row.receive_time),
            subject: row.subject,
            body: Body {
                text: row.body_text,
                html: row.body_html,
            },
            participants: row.participants.0,
        }
    }
}

row! {
    pub(super) struct SegmentRow {
        owner_id: Uuid,
        segment_id: Uuid,
        tokenizer: i16,
        message_count: i64,
        oldest_time: i64,
        newest_time: i64,
    }
}

impl From<SegmentRow> for Segment {
    fn from(row: SegmentRow) -> Self {
        Self {
            owner_id: row.owner_id,
            segment_id: row.segment_id,
            tokenizer: row.tokenizer,
            message_count: row.message_count,
            oldest_time: Timestamp::from_micros(row.oldest_time),
            newest_time: Timestamp::from_micros(row.newest_time),
        }
    }
}

row! {
    pub(super) struct BlockRow {
        segment_id: Uuid,
        first_key: Vec<u8>,
        data: Vec<u8>,
    }
}

impl BlockRow {
    /// The segment and its block.
    pub(super) fn into_block(self) -> (Uuid, Block) {
        let block = Block {
            first_key: self.first_key,
            data: self.data,
        };
        (self.segment_id, block)
    }
}

/// A block with the number of the range that it was read for.
#[derive(FromRow)]
pub(super) struct FirstBlockRow {
    range_number: i64,
    first_key: Vec<u8>,
    data: Vec<u8>,
}

impl TryFrom<FirstBlockRow> for (usize, Block) {
    type Error = StoreError;

    fn try_from(row: FirstBlockRow) -> Result<Self, StoreError> {
        let number = usize::try_from(row.range_number);
        let block = Block {
            first_key: row.first_key,
            data: row.data,
        };
        Ok((
            number.map_err(|error| StoreError::Refused(error.into()))?,
            block,
        ))
    }
}

row! {
    pub(super) struct AnswerRow {
        owner_id: Uuid,
        request_id: Uuid,
        fingerprint: Vec<u8>,
        answer: Packed<Kept>,
    }
}

impl TryFrom<AnswerRow> for KeptAnswer {
    type Error = StoreError;

    fn try_from(row: AnswerRow) -> Result<Self, StoreError> {
        let fingerprint = row
            .fingerprint
            .try_into()
            .map_err(|_| StoreError::Refused(anyhow::anyhow!("a fingerprint has 32 bytes")))?;
        Ok(Self {
            request: (row.owner_id, row.request_id),
            fingerprint: Fingerprint(fingerprint),
            answer: row.answer.0,
        })
    }
}

/// Rows as what they mean.
pub(super) fn all<R, T>(rows: Vec<R>) -> Result<Vec<T>, StoreError>
where
    T: TryFrom<R>,
    StoreError: From<T::Error>,
{
    rows.into_iter()
        .map(|row| T::try_from(row).map_err(StoreError::from))
        .collect()
}

impl From<std::convert::Infallible> for StoreError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
