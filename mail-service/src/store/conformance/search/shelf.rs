//! A random mailbox in a store: some of it indexed and merged, some not, some deleted or written anew
//! since.

use std::{collections::HashMap, time::Duration};

use futures::future::join_all;
use uuid::Uuid;

use super::{
    super::office::nothing,
    library::Library,
    model::{Item, LABELS, OWN, Origin, PEOPLE, Place},
    words::{html, text},
};
use crate::{
    commit::{self, Addressees, Answer, CreateFolder, Job, Modify, Recipient, Save, Send},
    domain::{Body, Copy, Draft, FolderRole},
    store::SharedStore,
};

const DAY: Duration = Duration::from_secs(86_400);

/// A mailbox to be made.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// What comes, day after day. After every day but the last, the mailbox is indexed.
    pub(super) days: Vec<Vec<Item>>,
    /// Those of the first days, by place there, that are deleted at the end.
    pub(super) deleted: Vec<usize>,
    /// Those of the drafts of the first days that are written anew at the end, with their new form.
    pub(super) rewritten: Vec<(usize, Item)>,
}

impl Plan {
    /// What there is in the end, by number, in the order of coming.
    pub(super) fn items(&self) -> Vec<(usize, &Item)> {
        let is_new = |number: &usize| self.rewritten.iter().any(|(n, _)| n == number);
        let old = self.days.iter().flatten().enumerate();
        let old = old.filter(|(n, _)| !is_new(n) && !self.deleted.contains(n));
        let new = self.rewritten.iter().map(|(n, item)| (*n, item));
        old.chain(new).collect()
    }
}

/// The mailbox in a store.
pub(super) struct Shelf {
    pub(super) library: Library,
    pub(super) owner: Uuid,
    people: Vec<Uuid>,
    own_folder: Uuid,
    /// The messages, by number.
    messages: Vec<Uuid>,
    /// Their numbers.
    pub(super) numbers: HashMap<Uuid, usize>,
}

impl Shelf {
    pub(super) async fn fill(store: SharedStore, plan: &Plan) -> Self {
        let library = Library::new(store);
        let mut people = Vec::new();
        for (username, display_name) in PEOPLE {
            people.push(library.person(username, display_name).await);
        }
        let owner = people[0];
        let folder = Job::CreateFolder(CreateFolder {
            owner_id: owner,
            request: None,
            name: OWN.into(),
        });
        let Ok(Answer::Folder(folder)) = library.office.submit(folder).await else {
            panic!("no folder");
        };
        let mut shelf = Self {
            library,
            owner,
            people,
            own_folder: folder.folder_id,
            messages: Vec::new(),
            numbers: HashMap::new(),
        };
        for (number, day) in plan.days.iter().enumerate() {
            if number > 0 {
                shelf.library.index(owner).await;
                shelf.library.office.clock.advance(DAY);
            }
            shelf.add(day).await;
        }
        shelf.finish(plan).await;
        shelf
    }

    async fn add(&mut self, items: &[Item]) {
        let jobs = items.iter().map(|item| self.job(item, None));
        let office = &self.library.office;
        let done = join_all(jobs.map(|job| office.submit(job))).await;
        let contents = done.into_iter().map(|answer| match answer {
            Ok(Answer::Message(copy)) => copy.content_id,
            other => panic!("{other:?}"),
        });
        let mut here = HashMap::new();
        for role in [FolderRole::Inbox, FolderRole::Sent, FolderRole::Drafts] {
            let copies = office.list(self.owner, role).await.into_iter();
            here.extend(copies.map(|copy| (copy.content_id, copy.message_id)));
        }
        for content in contents {
            self.numbers.insert(here[&content], self.messages.len());
            self.messages.push(here[&content]);
        }
    }

    fn job(&self, item: &Item, replaced: Option<&Copy>) -> Job {
        let names = |numbers: &[usize]| numbers.iter().map(|n| self.recipient(*n)).collect();
        let mut addressees = Addressees {
            to: names(&item.to),
            cc: names(&item.cc),
            bcc: names(&item.bcc),
        };
        let draft = Draft {
            subject: text(&item.subject),
            body: Body {
                text: text(&item.text),
                html: html(&item.html),
            },
            ..Draft::default()
        };
        let sender = match item.origin {
            Origin::From(person) => {
                addressees.to.push(self.recipient(0));
                person
            }
            Origin::Sent | Origin::Draft => 0,
        };
        if item.origin == Origin::Draft {
            return Job::Save(Box::new(Save {
                owner_id: self.owner,
                request: None,
                draft,
                addressees,
                replaced: replaced.map(|copy| (copy.message_id, copy.etag())),
            }));
        }
        Job::Send(Box::new(Send {
            sender_id: self.people[sender],
            request: None,
            draft,
            addressees,
            source: None,
        }))
    }

    fn recipient(&self, number: usize) -> Recipient {
        Recipient {
            account_id: self.people[number],
            username: PEOPLE[number].0.into(),
        }
    }

    /// Deletes, marks and moves what is indexed, and writes drafts anew.
    async fn finish(&self, plan: &Plan) {
        let office = &self.library.office;
        let deleted: Vec<Uuid> = plan.deleted.iter().map(|n| self.messages[*n]).collect();
        office.delete(self.owner, &deleted).await.unwrap();
        for (number, item) in &plan.rewritten {
            let copy = office.copy(self.owner, self.messages[*number]).await;
            let job = self.job(item, copy.as_ref());
            office.submit(job).await.unwrap();
        }
        let items = plan.items();
        let changes = items
            .iter()
            .map(|(number, item)| self.change(*number, item));
        for done in join_all(changes.map(|change| office.modify(change))).await {
            done.unwrap();
        }
    }

    fn change(&self, number: usize, item: &Item) -> Modify {
        let place = match item.place {
            Place::Own => Some(commit::Place::Folder(self.own_folder)),
            Place::Role(FolderRole::Inbox | FolderRole::Sent | FolderRole::Drafts) => None,
            Place::Role(role) => Some(commit::Place::Role(role)),
        };
        let labels = item.labels.iter().map(|label| LABELS[*label].to_owned());
        Modify {
            read: Some(item.read),
            starred: Some(item.starred),
            place,
            add_labels: labels.collect(),
            ..nothing(self.owner, &[self.messages[number]])
        }
    }
}
