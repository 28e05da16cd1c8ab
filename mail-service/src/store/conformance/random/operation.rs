//! What can happen to a few mailboxes. Numbers are resolved against what is there when their turn
//! comes, so that any part of a sequence is a sequence too.

use proptest::prelude::*;

use crate::domain::FolderRole;

/// A number that stands for one of several things, whatever they are then.
pub(super) type Pick = u16;

/// A message somebody sends.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Who.
    pub from: Pick,
    /// To whom; who is named twice gets it once.
    pub to: Vec<Pick>,
    /// Those of the recipients from this one on are not seen by others.
    pub bcc_from: usize,
    /// What it answers.
    pub answers: Option<Pick>,
    /// What it passes on.
    pub passes_on: Option<Pick>,
    /// Labels, a bit each.
    pub labels: u8,
    /// When it is to be delivered, in milliseconds from then.
    pub later: Option<u16>,
    /// Bytes of text.
    pub size: u16,
}

/// Which etag goes with a modification.
#[derive(Debug, Clone, Copy)]
pub enum Etag {
    /// None.
    Any,
    /// The message's, if there is just one.
    Current,
    /// One it no longer has.
    Old,
}

/// Where a modification moves to.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// Nowhere.
    Stay,
    /// A standard folder.
    Role(FolderRole),
    /// The same, by its id.
    Id(FolderRole),
    /// A folder of the owner's own.
    Own(Pick),
    /// A folder that is not there.
    Unknown,
}

/// One step.
#[derive(Debug, Clone)]
pub enum Operation {
    /// A message is sent, with a request id or without.
    Send(Mail, bool),
    /// An earlier request is repeated, with the same content or with other.
    Repeat(Pick, bool),
    /// Several messages are sent at once.
    SendTogether(Vec<Mail>),
    /// Messages are marked and moved.
    Modify {
        /// Whose.
        owner: Pick,
        /// Which.
        messages: Vec<Pick>,
        /// Read or not.
        read: Option<bool>,
        /// A favourite or not.
        starred: Option<bool>,
        /// Labels to put on and to take off, a bit each.
        labels: (u8, u8),
        /// Where to.
        target: Target,
        /// Only with this etag.
        etag: Etag,
    },
    /// A draft is kept, in the place of another one or as a new one.
    Save {
        /// What it says, and whose it is.
        mail: Mail,
        /// Which message it replaces.
        replaces: Option<Pick>,
        /// Whether its etag is an old one.
        old: bool,
    },
    /// A draft is sent, with a request id or without.
    SendDraft {
        /// Whose.
        owner: Pick,
        /// Which message.
        message: Pick,
        /// With a request id.
        request: bool,
    },
    /// A message is taken back.
    Cancel {
        /// Whose.
        owner: Pick,
        /// Which message.
        message: Pick,
    },
    /// What is due is delivered.
    Deliver,
    /// A folder is made.
    CreateFolder {
        /// Whose.
        owner: Pick,
        /// Which of a few names.
        name: u8,
    },
    /// A folder is renamed.
    RenameFolder {
        /// Whose.
        owner: Pick,
        /// Which folder.
        folder: Pick,
        /// Which of a few names.
        name: u8,
    },
    /// A folder is deleted.
    DeleteFolder {
        /// Whose.
        owner: Pick,
        /// Which folder.
        folder: Pick,
    },
    /// What was in Trash is deleted.
    EmptyTrash {
        /// Whose.
        owner: Pick,
        /// For so many milliseconds.
        since: u16,
    },
    /// The history is followed from where it was followed to.
    Follow {
        /// Whose.
        owner: Pick,
        /// Entries a page.
        size: u8,
    },
    /// History is forgotten, but for so many entries.
    Forget {
        /// Whose.
        owner: Pick,
        /// How many are kept.
        kept: u8,
    },
    /// Messages are deleted.
    Delete {
        /// Whose.
        owner: Pick,
        /// Which.
        messages: Vec<Pick>,
    },
    /// A list is read page by page.
    List {
        /// Whose.
        owner: Pick,
        /// Which folder.
        role: FolderRole,
        /// Only the unread.
        unread: bool,
        /// Only favourites.
        starred: bool,
        /// Entries a page.
        size: u8,
    },
    /// An account is deleted; somebody new takes its place.
    Erase(Pick),
    /// Contents nobody holds are removed.
    Sweep,
    /// Time passes, in milliseconds.
    Wait(u16),
}

fn role() -> impl Strategy<Value = FolderRole> {
    proptest::sample::select(FolderRole::ALL.to_vec())
}

fn mail() -> impl Strategy<Value = Mail> {
    let named = || proptest::option::weighted(0.3, any::<Pick>());
    let to = proptest::collection::vec(any::<Pick>(), 1..5);
    let later = proptest::option::weighted(0.2, 0..20_000_u16);
    let labels = prop_oneof![3 => Just(0), 1 => any::<u8>()];
    let people = (any::<Pick>(), to, 1..6_usize);
    (people, (named(), named()), labels, later, 0..600_u16).prop_map(
        |((from, to, bcc_from), (answers, passes_on), labels, later, size)| Mail {
            from,
            to,
            bcc_from,
            answers,
            passes_on,
            labels,
            later,
            size,
        },
    )
}

fn picks() -> impl Strategy<Value = Vec<Pick>> {
    proptest::collection::vec(any::<Pick>(), 1..8)
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        4 => Just(Target::Stay),
        4 => role().prop_map(Target::Role),
        2 => role().prop_map(Target::Id),
        4 => any::<Pick>().prop_map(Target::Own),
        1 => Just(Target::Unknown),
    ]
}

fn modification() -> impl Strategy<Value = Operation> {
    let etag = prop_oneof![4 => Just(Etag::Any), 1 => Just(Etag::Current), 1 => Just(Etag::Old)];
    let flags = (any::<Option<bool>>(), any::<Option<bool>>());
    let labels = prop_oneof![1 => Just((0, 0)), 1 => any::<(u8, u8)>()];
    (any::<Pick>(), picks(), (flags, labels), target(), etag).prop_map(
        |(owner, messages, ((read, starred), labels), target, etag)| Operation::Modify {
            owner,
            messages,
            read,
            starred,
            labels,
            target,
            etag,
        },
    )
}

fn reading() -> impl Strategy<Value = Operation> {
    (any::<Pick>(), role(), any::<(bool, bool)>(), 1..9_u8).prop_map(
        |(owner, role, (unread, starred), size)| Operation::List {
            owner,
            role,
            unread,
            starred,
            size,
        },
    )
}

fn drafting() -> impl Strategy<Value = Operation> {
    let replaces = proptest::option::weighted(0.6, any::<Pick>());
    let pair = || any::<(Pick, Pick)>();
    prop_oneof![
        3 => (mail(), replaces, proptest::bool::weighted(0.1)).prop_map(
            |(mail, replaces, old)| Operation::Save { mail, replaces, old }
        ),
        2 => (pair(), any::<bool>()).prop_map(
            |((owner, message), request)| Operation::SendDraft { owner, message, request }
        ),
        1 => pair().prop_map(|(owner, message)| Operation::Cancel { owner, message }),
        2 => Just(Operation::Deliver),
    ]
}

fn foldering() -> impl Strategy<Value = Operation> {
    let folder = || any::<(Pick, Pick)>();
    let name = || any::<u8>();
    prop_oneof![
        3 => (any::<Pick>(), name()).prop_map(
            |(owner, name)| Operation::CreateFolder { owner, name }
        ),
        1 => (folder(), name()).prop_map(
            |((owner, folder), name)| Operation::RenameFolder { owner, folder, name }
        ),
        1 => folder().prop_map(|(owner, folder)| Operation::DeleteFolder { owner, folder }),
    ]
}

fn following() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => (any::<Pick>(), 1..20_u8).prop_map(|(owner, size)| Operation::Follow { owner, size }),
        1 => (any::<Pick>(), 0..60_u8).prop_map(|(owner, kept)| Operation::Forget { owner, kept }),
    ]
}

/// Sequences of `steps` operations on average.
pub fn operations(steps: usize) -> impl Strategy<Value = Vec<Operation>> {
    let deletion = (any::<Pick>(), picks());
    let deletion = deletion.prop_map(|(owner, messages)| Operation::Delete { owner, messages });
    let trash = any::<(Pick, u16)>();
    let trash = trash.prop_map(|(owner, since)| Operation::EmptyTrash { owner, since });
    let together = proptest::collection::vec(mail(), 2..7);
    let operation = prop_oneof![
        30 => (mail(), any::<bool>()).prop_map(|(mail, request)| Operation::Send(mail, request)),
        8 => any::<(Pick, bool)>().prop_map(|(which, same)| Operation::Repeat(which, same)),
        8 => together.prop_map(Operation::SendTogether),
        36 => modification(),
        24 => drafting(),
        16 => deletion,
        10 => foldering(),
        10 => reading(),
        9 => following(),
        4 => trash,
        1 => any::<Pick>().prop_map(Operation::Erase),
        2 => Just(Operation::Sweep),
        6 => any::<u16>().prop_map(Operation::Wait),
    ];
    // From one on, so that a failing sequence can be made short.
    proptest::collection::vec(operation, 1..2 * steps)
}
