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
        /// Where to.
        target: Target,
        /// Only with this etag.
        etag: Etag,
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
    let answers = proptest::option::weighted(0.3, any::<Pick>());
    let to = proptest::collection::vec(any::<Pick>(), 1..5);
    (any::<Pick>(), to, 1..6_usize, answers, 0..600_u16).prop_map(
        |(from, to, bcc_from, answers, size)| Mail {
            from,
            to,
            bcc_from,
            answers,
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
        1 => Just(Target::Unknown),
    ]
}

fn modification() -> impl Strategy<Value = Operation> {
    let etag = prop_oneof![4 => Just(Etag::Any), 1 => Just(Etag::Current), 1 => Just(Etag::Old)];
    let flags = (any::<Option<bool>>(), any::<Option<bool>>());
    (any::<Pick>(), picks(), flags, target(), etag).prop_map(
        |(owner, messages, (read, starred), target, etag)| Operation::Modify {
            owner,
            messages,
            read,
            starred,
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

/// Sequences of `steps` operations on average.
pub fn operations(steps: usize) -> impl Strategy<Value = Vec<Operation>> {
    let deletion = (any::<Pick>(), picks());
    let deletion = deletion.prop_map(|(owner, messages)| Operation::Delete { owner, messages });
    let together = proptest::collection::vec(mail(), 2..7);
    let operation = prop_oneof![
        36 => (mail(), any::<bool>()).prop_map(|(mail, request)| Operation::Send(mail, request)),
        8 => any::<(Pick, bool)>().prop_map(|(which, same)| Operation::Repeat(which, same)),
        10 => together.prop_map(Operation::SendTogether),
        36 => modification(),
        16 => deletion,
        10 => reading(),
        1 => any::<Pick>().prop_map(Operation::Erase),
        2 => Just(Operation::Sweep),
        6 => any::<u16>().prop_map(Operation::Wait),
    ];
    // From one on, so that a failing sequence can be made short.
    proptest::collection::vec(operation, 1..2 * steps)
}
