//! Conversations.

use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

/// A conversation's messages in one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadPart {
    /// Whose it is.
    pub owner_id: Uuid,
    /// Which conversation.
    pub thread_id: Uuid,
    /// Which folder.
    pub folder_id: Uuid,
    /// Messages of it there.
    pub message_count: i64,
    /// Those of them that are not read.
    pub unread_count: i64,
    /// When its newest message came, in any folder: the same in all parts.
    pub last_time: Timestamp,
}
