//! The messages that may be meant where words do not say: those of the folders that are searched,
//! newest first, read by the index that fits best.

use std::collections::VecDeque;

use turbomessage_service_kit::{clock::Timestamp, problem::Problem};
use uuid::Uuid;

use super::Mail;
use crate::{
    domain::{Copy, Cursor, Filter, Folder, FolderRole},
    search::{self, Attribute, Node, Place, Query, Window},
};

const FIRST_STEP: i64 = 50;
const LARGEST_STEP: i64 = 500;

/// Lists that are read side by side.
pub(super) struct Scan {
    lists: Vec<List>,
    /// When the last message came that was handed out.
    last: Option<Timestamp>,
}

struct List {
    filter: Filter,
    /// Where to go on; nothing at the end.
    next: Option<Cursor>,
    step: i64,
    ready: VecDeque<Copy>,
}

impl Scan {
    /// The lists in which everything is that `query` asks for in `window`.
    pub(super) async fn of(
        mail: &Mail,
        owner: Uuid,
        query: &Query,
        folders: &[Folder],
        window: Window,
    ) -> Result<Self, Problem> {
        let conditions = required(&query.root);
        let mut labels = vec![None];
        if let Some(wanted) = conditions.iter().find_map(|c| label(c)) {
            let known = mail.labels(owner).await?.into_iter();
            let known = known.filter(|label| search::fold(&label.name) == *wanted);
            labels = known.map(|label| Some(label.name)).collect();
        }
        let unread_only = conditions.contains(&&Attribute::Read(false));
        let starred_only = conditions.contains(&&Attribute::Starred);
        let searched = folders.iter().filter(|f| {
            let is_hidden = matches!(f.role, Some(FolderRole::Spam | FolderRole::Trash));
            f.total_count > 0
                && (query.mentions_in || !is_hidden)
                && !(unread_only && f.unread_count == 0)
                && conditions.iter().all(|condition| may_hold(condition, f))
        });
        let newest = Cursor {
            time: Timestamp::from_micros(window.newest.saturating_add(1)),
            id: Uuid::nil(),
        };
        let lists = searched.flat_map(|folder| {
            labels.iter().map(|label| List {
                filter: Filter {
                    owner_id: owner,
                    folder_id: folder.folder_id,
                    unread_only,
                    starred_only,
                    label: label.clone(),
                },
                next: Some(newest),
                step: FIRST_STEP,
                ready: VecDeque::new(),
            })
        });
        Ok(Self {
            lists: lists.collect(),
            last: None,
        })
    }

    /// The next message that came at `oldest` or later.
    pub(super) async fn next(&mut self, mail: &Mail, oldest: i64) -> Result<Option<Copy>, Problem> {
        loop {
            for list in &mut self.lists {
                list.fill(mail).await?;
            }
            let lists = self.lists.iter_mut();
            let newest = lists.max_by_key(|list| list.ready.front().map(|copy| copy.receive_time));
            let in_time = |copy: &mut Copy| copy.receive_time.as_micros() >= oldest;
            let Some(copy) = newest.and_then(|list| list.ready.pop_front_if(in_time)) else {
                return Ok(None);
            };
            // Moved from one list into another meanwhile, it is in both.
            if self.last.replace(copy.receive_time) != Some(copy.receive_time) {
                return Ok(Some(copy));
            }
        }
    }
}

impl List {
    async fn fill(&mut self, mail: &Mail) -> Result<(), Problem> {
        let Some(next) = self.next.filter(|_| self.ready.is_empty()) else {
            return Ok(());
        };
        let found = mail.store.list(&self.filter, next, self.step).await?;
        let full = i64::try_from(found.len()).is_ok_and(|n| n == self.step);
        self.next = found.last().map(Cursor::after).filter(|_| full);
        self.step = LARGEST_STEP.min(self.step * 2);
        self.ready = found.into();
        Ok(())
    }
}

/// What must hold of every message that is asked for.
fn required(node: &Node) -> Vec<&Attribute> {
    match node {
        Node::Attribute(attribute) => vec![attribute],
        Node::And(nodes) => nodes.iter().flat_map(required).collect(),
        Node::All | Node::Leaf(_) | Node::Not(_) | Node::Or(_) => Vec::new(),
    }
}

fn label(attribute: &Attribute) -> Option<&String> {
    match attribute {
        Attribute::Label(name) => Some(name),
        Attribute::In(_)
        | Attribute::Read(_)
        | Attribute::Starred
        | Attribute::HasAttachment
        | Attribute::Before(_)
        | Attribute::After(_)
        | Attribute::Larger(_)
        | Attribute::Smaller(_) => None,
    }
}

/// Whether messages in `folder` can be as `attribute` says.
fn may_hold(attribute: &Attribute, folder: &Folder) -> bool {
    match attribute {
        Attribute::In(Place::Role(role)) => folder.role == Some(*role),
        Attribute::In(Place::Named(name)) => search::fold(&folder.name) == *name,
        Attribute::In(Place::Anywhere)
        | Attribute::Label(_)
        | Attribute::Read(_)
        | Attribute::Starred
        | Attribute::HasAttachment
        | Attribute::Before(_)
        | Attribute::After(_)
        | Attribute::Larger(_)
        | Attribute::Smaller(_) => true,
    }
}
