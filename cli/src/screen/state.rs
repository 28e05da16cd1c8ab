//! All that the screen knows.

use turbomessage_proto::{
    auth_v1::Account,
    mail_v1::{Folder, FolderRole, Message},
};
use turbomessage_service_kit::clock::Timestamp;

use super::{
    change::Modify,
    event::Effect,
    layout::{Areas, areas},
    line::LineEdit,
    list::{MessageList, Source},
    picker::Picker,
    reader::Reader,
    view::{bottom, theme::Theme},
    writing::Writing,
};

/// The most actions that can be undone.
const MOST_UNDO: usize = 100;

/// All that the screen knows; what happens changes it in `update`.
#[derive(Debug)]
pub(crate) struct State {
    /// Columns and rows of the terminal.
    pub(crate) size: (u16, u16),
    /// When the last thing happened.
    pub(crate) now: Timestamp,
    /// What things look like.
    pub(crate) theme: Theme,
    /// Who is signed in.
    pub(crate) account: Account,
    /// All folders, standard ones first.
    pub(crate) folders: Vec<Folder>,
    /// The list of messages.
    pub(crate) list: MessageList,
    /// The folder to go back to from a search.
    pub(crate) home: Option<String>,
    /// The message that is read.
    pub(crate) reader: Option<Reader>,
    /// The message that is written.
    pub(crate) writing: Option<Writing>,
    /// What keys mean now.
    pub(crate) mode: Mode,
    /// What there is to say, until the next key.
    pub(crate) notice: Option<Notice>,
    /// The live stream.
    pub(crate) live: Live,
    /// The send that can be taken back, and until when.
    pub(crate) outgoing: Option<(String, Timestamp)>,
    /// What can be undone, the last action last.
    pub(super) undo: Vec<Undo>,
    /// What is to be done about what happened.
    pub(super) effects: Vec<Effect>,
}

/// What keys mean.
#[derive(Debug)]
pub(crate) enum Mode {
    /// They act on the list or on the message that is read.
    Browse,
    /// The next one says where to go.
    Go,
    /// They are a query, in which the last one had a mistake at this character (from 1), or none.
    Search(LineEdit, Option<(usize, String)>),
    /// They choose one of several.
    Pick(Picker),
    /// `y` does something that cannot be undone.
    Confirm(Sure),
    /// They say what becomes of what was written.
    Written,
    /// They scroll the help, which begins with this row.
    Help(usize),
}

/// Something to be sure about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sure {
    /// Delete the message with this id for good.
    Delete(String),
    /// Make a draft of the waiting message with this id.
    TakeBack(String),
}

/// Something to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// What; safe for a terminal.
    pub(crate) text: String,
    /// Whether something went wrong.
    pub(crate) is_error: bool,
}

/// How the live stream does.
#[derive(Debug, Default)]
pub(crate) struct Live {
    /// The last state it told.
    pub(crate) state: String,
    /// How often in a row it could not be followed.
    pub(crate) failures: u32,
}

impl Live {
    /// Whether the server cannot be reached. A stream that ends is taken up again at once, and only
    /// if that fails there is something to say.
    pub(crate) fn is_offline(&self) -> bool {
        self.failures > 1
    }
}

/// How to undo something.
#[derive(Debug)]
pub(super) enum Undo {
    /// Change a message back to what it was.
    Change {
        /// The change.
        back: Modify,
        /// What it was.
        before: Box<Message>,
    },
    /// Take back the send of the message with this id.
    Send(String),
}

impl State {
    /// A screen of `size` columns and rows that knows nothing yet.
    pub(crate) fn new(size: (u16, u16), has_colour: bool) -> Self {
        Self {
            size,
            now: Timestamp::from_micros(0),
            theme: Theme { has_colour },
            account: Account::default(),
            folders: Vec::new(),
            list: MessageList::default(),
            home: None,
            reader: None,
            writing: None,
            mode: Mode::Browse,
            notice: None,
            live: Live::default(),
            outgoing: None,
            undo: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// Which part of the screen shows what.
    pub(crate) fn areas(&self) -> Areas {
        let rows = u16::try_from(bottom::lines(self).len()).unwrap_or(u16::MAX);
        areas(self.size, rows, self.pane().is_some())
    }

    /// What the reading pane shows: what was written, or the message that is read.
    pub(crate) fn pane(&self) -> Option<&Reader> {
        match (&self.mode, &self.writing) {
            (Mode::Written, Some(writing)) => Some(&writing.preview),
            _ => self.reader.as_ref(),
        }
    }

    pub(super) fn pane_mut(&mut self) -> Option<&mut Reader> {
        match (&self.mode, &mut self.writing) {
            (Mode::Written, Some(writing)) => Some(&mut writing.preview),
            _ => self.reader.as_mut(),
        }
    }

    /// The message that keys act on: the one that is read, or the selected one.
    pub(crate) fn current(&self) -> Option<&Message> {
        match &self.reader {
            Some(reader) => Some(&reader.message),
            None => self.list.current(),
        }
    }

    /// The folder with this id.
    pub(crate) fn folder(&self, id: &str) -> Option<&Folder> {
        self.folders.iter().find(|folder| folder.folder_id == id)
    }

    /// The id of the standard folder for `role`.
    pub(crate) fn standard(&self, role: FolderRole) -> Option<String> {
        let folder = self.folders.iter().find(|folder| folder.role() == role);
        folder.map(|folder| folder.folder_id.clone())
    }

    /// What the folder that `message` is in is for.
    pub(crate) fn role_of(&self, message: &Message) -> FolderRole {
        let folder = self.folder(&message.folder_id);
        folder.map_or(FolderRole::Unspecified, Folder::role)
    }

    /// The folder that is listed, unless it is a search.
    pub(crate) fn listed_folder(&self) -> Option<&Folder> {
        match &self.list.source {
            Some(Source::Folder(id)) => self.folder(id),
            Some(Source::Search(_)) | None => None,
        }
    }

    /// Whether the time has to be told, for something on the screen depends on it.
    pub(crate) fn needs_ticks(&self) -> bool {
        self.outgoing.is_some()
    }

    pub(super) fn ask(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice {
            text: text.into(),
            is_error: false,
        });
    }

    pub(super) fn complain(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice {
            text: text.into(),
            is_error: true,
        });
    }

    pub(super) fn can_undo(&mut self, undo: Undo) {
        if self.undo.len() == MOST_UNDO {
            self.undo.remove(0);
        }
        self.undo.push(undo);
    }
}
