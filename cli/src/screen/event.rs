//! What can happen to the screen, and what it can ask for: the whole of its contact with the world.

use std::{path::PathBuf, time::Duration};

use turbomessage_proto::{
    auth_v1::Account,
    mail_v1::{
        CreateDraftRequest, Folder, Label, Message, ModifyMessagesRequest, SendMessageRequest,
        UpdateDraftRequest, WatchMailboxResponse,
    },
};

use super::{key::Key, list::Source};
use crate::failure::Failure;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// Time has passed.
    Tick,
    /// The answer to [`Effect::Begin`].
    Begun(Result<Begun, Failure>),
    /// The answer to [`Effect::List`] with this ticket.
    Listed(u64, Result<Page, Failure>),
    /// The answer to [`Effect::Fetch`].
    Fetched(Purpose, Result<Box<Message>, Failure>),
    /// The answer to [`Effect::Labels`].
    Labels(Result<Vec<Label>, Failure>),
    /// The answer to [`Effect::Modify`] and [`Effect::Delete`].
    Changed(Result<(), Failure>),
    /// The answer to [`Effect::TakeBack`].
    TakenBack(Result<(), Failure>),
    /// Something came on the live stream.
    Watched(Box<WatchMailboxResponse>),
    /// The live stream is over, for this reason.
    WatchEnded(Failure),
    /// The editor was closed.
    Edited(Result<Written, Failure>),
    /// The answer to [`Effect::Send`] and [`Effect::SendDraft`].
    Sent(Result<Box<Message>, Failure>),
    /// The answer to [`Effect::CreateDraft`] and [`Effect::UpdateDraft`].
    Kept(Result<Box<Message>, Failure>),
}

/// What is known at the beginning.
#[derive(Debug)]
pub(crate) struct Begun {
    /// The state of the mailbox before anything else was asked.
    pub(crate) state: String,
    /// Who is signed in.
    pub(crate) account: Account,
    /// All folders.
    pub(crate) folders: Vec<Folder>,
}

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    /// Newest first.
    pub(crate) messages: Vec<Message>,
    /// Where the next page begins; empty at the end.
    pub(crate) next_page_token: String,
}

/// What a whole message is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be read.
    Read,
    /// To be answered.
    Reply,
    /// To be answered, to all.
    ReplyAll,
    /// To be passed on.
    Forward,
    /// To be written on.
    Draft,
}

/// What came out of the editor.
#[derive(Debug)]
pub(crate) struct Written {
    /// The file that keeps it.
    pub(crate) path: PathBuf,
    /// The text.
    pub(crate) text: String,
    /// A UUID under which this text is kept as a draft once.
    pub(crate) keep_id: String,
    /// A UUID under which this text is sent once.
    pub(crate) send_id: String,
}

/// Something to be done.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Read the mailbox's state, then what [`Begun`] tells, after a pause.
    Begin(Duration),
    /// Read a page of a list.
    List {
        /// Comes back with the answer.
        ticket: u64,
        /// Of which list.
        source: Source,
        /// Where it begins; empty for the newest.
        page_token: String,
    },
    /// Read a whole message.
    Fetch(String, Purpose),
    /// Read the labels in use.
    Labels,
    /// Change messages.
    Modify(Box<ModifyMessagesRequest>),
    /// Delete a message for good.
    Delete(String),
    /// Take a send back.
    TakeBack(String),
    /// Follow the mailbox from this state on, after a pause.
    Watch(String, Duration),
    /// Open the editor: on a new file with `text`, or on the one at `path` as it is.
    Edit {
        /// What a new file begins with.
        text: String,
        /// The file that keeps what was written before.
        path: Option<PathBuf>,
    },
    /// Send a message.
    Send(Box<SendMessageRequest>),
    /// Keep a new draft.
    CreateDraft(Box<CreateDraftRequest>),
    /// Keep a draft anew.
    UpdateDraft(Box<UpdateDraftRequest>),
    /// Send the draft with this id, once for this request id.
    SendDraft(String, String),
    /// Remove a file whose text is safe elsewhere, or not wanted.
    Forget(PathBuf),
    /// Draw every cell anew.
    Redraw,
    /// Leave, for a reason or because the user wants to.
    Quit(Option<Failure>),
}
