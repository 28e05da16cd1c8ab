//! A small post office for the cases: a store, a clock that stands still, a writer, and short words
//! for what people do.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use futures::future::join_all;
use tokio_util::task::TaskTracker;
use turbomessage_service_kit::{
    clock::{ManualClock, SharedClock, Timestamp},
    problem::{Problem, Reason},
};
use uuid::Uuid;

use super::letter::Letter;
use crate::{
    commit::{
        Announce, Answer, Delete, Failure, Job, MailboxDefaults, Modify, Place, Refusal, Writer,
        erase_mailbox, sweep,
    },
    domain::{Copy, Cursor, Filter, Folder, FolderRole, Mailbox, MailboxState},
    store::{Changes, SharedStore, StoreError},
};

/// When cases take place.
pub(super) const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// A store and everything around it.
#[derive(Debug, Clone)]
pub(super) struct Office {
    pub(super) store: SharedStore,
    pub(super) clock: Arc<ManualClock>,
    pub(super) writer: Writer,
    pub(super) defaults: MailboxDefaults,
}

impl Office {
    /// With ample mailboxes.
    pub(super) fn new(store: SharedStore) -> Self {
        Self::with_quota(store, 1_000_000, 1 << 30)
    }

    /// Where mailboxes hold so much.
    pub(super) fn with_quota(store: SharedStore, messages: i64, bytes: i64) -> Self {
        let defaults = MailboxDefaults {
            quota_messages: messages,
            quota_bytes: bytes,
            mail_domain: "office.example".into(),
        };
        Self::with_writers(store, defaults, 1)
    }

    pub(super) fn with_writers(store: SharedStore, defaults: MailboxDefaults, n: usize) -> Self {
        let clock = ManualClock::at(NOW);
        let shared: SharedClock = Arc::clone(&clock) as SharedClock;
        let unheard: Announce = Arc::new(|_| {});
        let tracker = TaskTracker::new();
        let writer = Writer::start(&store, &shared, &defaults, &unheard, n, &tracker);
        Self {
            store,
            clock,
            writer,
            defaults,
        }
    }

    pub(super) async fn submit(&self, job: Job) -> Result<Answer, Failure> {
        self.writer.submit(job).await
    }

    pub(super) async fn send(&self, letter: &Letter) -> Copy {
        self.try_send(letter).await.unwrap()
    }

    pub(super) async fn try_send(&self, letter: &Letter) -> Result<Copy, Refusal> {
        self.message(letter.job()).await
    }

    /// Has a job done that is answered with a message.
    pub(super) async fn message(&self, job: Job) -> Result<Copy, Refusal> {
        match self.submit(job).await {
            Ok(Answer::Message(copy)) => Ok(*copy),
            other => Err(refusal(other)),
        }
    }

    pub(super) async fn modify(&self, modify: Modify) -> Result<Vec<Copy>, Refusal> {
        match self.submit(Job::Modify(modify)).await {
            Ok(Answer::Modified(copies)) => Ok(copies),
            other => Err(refusal(other)),
        }
    }

    pub(super) async fn mark_read(&self, copy: &Copy) -> Copy {
        let modify = Modify {
            read: Some(true),
            ..nothing(copy.owner_id, &[copy.message_id])
        };
        self.modify(modify).await.unwrap().pop().unwrap()
    }

    pub(super) async fn move_to(&self, copy: &Copy, role: FolderRole) -> Result<Copy, Refusal> {
        let modify = Modify {
            place: Some(Place::Role(role)),
            ..nothing(copy.owner_id, &[copy.message_id])
        };
        Ok(self.modify(modify).await?.pop().unwrap())
    }

    pub(super) async fn delete(&self, owner_id: Uuid, ids: &[Uuid]) -> Result<(), Refusal> {
        let delete = Delete {
            owner_id,
            message_ids: ids.to_vec(),
            trashed_before: None,
        };
        match self.submit(Job::Delete(delete)).await {
            Ok(Answer::Deleted) => Ok(()),
            other => Err(refusal(other)),
        }
    }

    pub(super) async fn erase(&self, owner: Uuid) {
        let erased = erase_mailbox(&*self.store, &*self.clock, &self.defaults, owner);
        erased.await.unwrap();
    }

    /// Sweeps until nothing is left to sweep. Several cases may do so at once: one that is in the
    /// way of another is tried again.
    pub(super) async fn sweep(&self) {
        loop {
            match sweep(&*self.store, 100).await {
                Ok(0) => return,
                Ok(_) | Err(StoreError::Conflict(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    pub(super) async fn mailbox(&self, owner: Uuid) -> Mailbox {
        self.store.mailbox(owner).await.unwrap().unwrap()
    }

    pub(super) async fn folder(&self, owner: Uuid, role: FolderRole) -> Folder {
        let folders = self.store.folders(owner).await.unwrap();
        folders.into_iter().find(|f| f.role == Some(role)).unwrap()
    }

    /// A folder's copies, newest first; none in a mailbox that was never used.
    pub(super) async fn list(&self, owner: Uuid, role: FolderRole) -> Vec<Copy> {
        let folders = self.store.folders(owner).await.unwrap();
        match folders.iter().find(|f| f.role == Some(role)) {
            Some(folder) => self.listed(folder).await,
            None => Vec::new(),
        }
    }

    pub(super) async fn inbox(&self, owner: Uuid) -> Vec<Copy> {
        self.list(owner, FolderRole::Inbox).await
    }

    /// The newest in the inbox.
    pub(super) async fn newest(&self, owner: Uuid) -> Copy {
        self.inbox(owner).await.swap_remove(0)
    }

    pub(super) async fn copy(&self, owner: Uuid, id: Uuid) -> Option<Copy> {
        self.store.copies(owner, &[id]).await.unwrap().pop()
    }

    pub(super) async fn listed(&self, folder: &Folder) -> Vec<Copy> {
        let filter = filter(folder.owner_id, folder.folder_id);
        let (mut all, mut cursor) = (Vec::new(), Cursor::NEWEST);
        loop {
            let mut page = self.store.list(&filter, cursor, 501).await.unwrap();
            let more = page.len() > 500;
            page.truncate(500);
            all.append(&mut page);
            match all.last() {
                Some(last) if more => cursor = Cursor::after(last),
                _ => return all,
            }
        }
    }

    /// Everything in the mailbox, after checking that all its counts, numbers and lists agree with
    /// it.
    pub(super) async fn audit(&self, owner: Uuid) -> Vec<Copy> {
        let all = self.inspect(owner).await;
        let Some(mailbox) = self.store.mailbox(owner).await.unwrap() else {
            return all;
        };
        let folders = self.store.folders(owner).await.unwrap();
        self.audit_threads(&folders, &all).await;
        self.audit_labels(&folders, &all).await;
        self.audit_history(&mailbox).await;
        all
    }

    /// Everything in the mailbox, after checking the mailbox itself and its folders only.
    pub(super) async fn inspect(&self, owner: Uuid) -> Vec<Copy> {
        let mut all = Vec::new();
        let mut changes = HashSet::new();
        let Some(mailbox) = self.store.mailbox(owner).await.unwrap() else {
            return all;
        };
        let folders = self.store.folders(owner).await.unwrap();
        let lists = join_all(folders.iter().map(|folder| self.listed(folder))).await;
        for (folder, copies) in folders.iter().zip(lists) {
            let total = i64::try_from(copies.len()).unwrap();
            let unread = copies.iter().filter(|c| !c.read).count();
            assert_eq!(folder.total_count, total, "{}", folder.name);
            assert_eq!(folder.unread_count, i64::try_from(unread).unwrap());
            assert!(changes.insert(folder.change), "a number given twice");
            assert!(folder.create_change <= folder.change && folder.change <= mailbox.last_change);
            all.extend(copies);
        }
        let mut times = HashSet::new();
        for copy in &all {
            assert!(changes.insert(copy.change), "a number given twice");
            assert!(0 < copy.create_change && copy.create_change <= copy.change);
            assert!(copy.change <= mailbox.last_change);
            assert!(times.insert(copy.receive_time), "a time given twice");
            assert!(copy.receive_time.as_micros() <= mailbox.last_receive_time);
        }
        assert_eq!(mailbox.message_count, i64::try_from(all.len()).unwrap());
        let bytes: i64 = all.iter().map(|c| c.size_bytes).sum();
        assert_eq!(mailbox.used_bytes, bytes);
        all
    }

    async fn audit_threads(&self, folders: &[Folder], all: &[Copy]) {
        let Some(owner) = folders.first().map(|f| f.owner_id) else {
            return;
        };
        let mut expected: BTreeMap<(Uuid, Uuid), (i64, i64)> = BTreeMap::new();
        let mut last: BTreeMap<Uuid, Timestamp> = BTreeMap::new();
        for copy in all {
            let part = expected.entry((copy.thread_id, copy.folder_id));
            let part = part.or_default();
            *part = (part.0 + 1, part.1 + i64::from(!copy.read));
            let last = last.entry(copy.thread_id).or_insert(copy.receive_time);
            *last = copy.receive_time.max(*last);
        }
        let ids: Vec<Uuid> = last.keys().copied().collect();
        let parts = self.store.thread_parts(owner, &ids).await.unwrap();
        let found = parts.iter().map(|p| {
            let counts = (p.message_count, p.unread_count);
            ((p.thread_id, p.folder_id), counts)
        });
        let found: BTreeMap<(Uuid, Uuid), (i64, i64)> = found.collect();
        assert_eq!(found, expected, "conversations");
        for folder in folders {
            let here = expected
                .keys()
                .filter(|(_, folder_id)| *folder_id == folder.folder_id);
            let mut here: Vec<(Timestamp, Uuid)> = here.map(|(id, _)| (last[id], *id)).collect();
            here.sort_unstable_by(|a, b| b.cmp(a));
            let listed =
                self.store
                    .threads(owner, folder.folder_id, Cursor::NEWEST, i64::from(i32::MAX));
            let listed = listed.await.unwrap();
            let listed = listed.iter().map(|place| (place.time, place.id));
            assert!(listed.eq(here), "conversations in {}", folder.name);
        }
        for part in parts {
            assert_eq!(part.last_time, last[&part.thread_id], "the newest message");
        }
    }

    async fn audit_labels(&self, folders: &[Folder], all: &[Copy]) {
        let Some(owner) = folders.first().map(|f| f.owner_id) else {
            return;
        };
        let labels = self.store.labels(owner).await.unwrap();
        let names: BTreeSet<&String> = all.iter().flat_map(|c| &c.labels).collect();
        let listed: Vec<&String> = labels.iter().map(|l| &l.name).collect();
        assert!(names.into_iter().eq(listed), "labels in use: {labels:?}");
        for label in labels {
            let with = all.iter().filter(|c| c.labels.contains(&label.name));
            let unread = with.clone().filter(|c| !c.read).count();
            assert_eq!(label.unread_count, i64::try_from(unread).unwrap());
            assert_eq!(label.total_count, i64::try_from(with.count()).unwrap());
            let mut listed = Vec::new();
            for folder in folders {
                let filter = Filter {
                    label: Some(label.name.clone()),
                    ..filter(owner, folder.folder_id)
                };
                let found = self.store.list(&filter, Cursor::NEWEST, 1_000_000).await;
                listed.extend(ids(&found.unwrap()));
            }
            let with = all.iter().filter(|c| c.labels.contains(&label.name));
            let expected: BTreeSet<Uuid> = with.map(|c| c.message_id).collect();
            assert_eq!(listed.len(), expected.len(), "each listed once");
            assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), expected);
        }
    }

    /// Every number once, from the oldest that is kept to the last.
    async fn audit_history(&self, mailbox: &Mailbox) {
        if mailbox.state == MailboxState::Erased {
            return;
        }
        let owner = mailbox.owner_id;
        let changes = self.store.changes(owner, i64::MIN, i64::from(i32::MAX));
        let numbers = changes.await.unwrap();
        let numbers = numbers.iter().map(|change| change.number);
        let expected = mailbox.oldest_change + 1..=mailbox.last_change;
        assert!(numbers.eq(expected), "the history has a gap: {mailbox:?}");
    }

    /// Whether the store still has the content, copies or not. Looks by putting it into the queue
    /// of orphans, in a transaction that is undone.
    pub(super) async fn has_content(&self, content_id: Uuid) -> bool {
        let mut transaction = self.store.begin().await.unwrap();
        let changes = Changes {
            time: NOW.as_micros(),
            orphans: vec![content_id],
            ..Changes::default()
        };
        transaction.write(&Arc::new(changes)).await.unwrap();
        let orphans = transaction.orphans(i64::from(i32::MAX)).await.unwrap();
        transaction.rollback().await;
        let mut ours = orphans.iter().filter(|(_, id, _)| *id == content_id);
        ours.any(|(_, _, deliveries)| !deliveries.is_empty())
    }

    /// Waits until `condition` holds: for what happens without anybody being told.
    pub(super) async fn until<F: Future<Output = bool>>(&self, condition: impl Fn() -> F) {
        let patience = tokio::time::timeout(Duration::from_secs(10), async {
            while !condition().await {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        patience.await.unwrap();
    }
}

/// A modification that changes nothing yet.
pub(super) fn nothing(owner_id: Uuid, ids: &[Uuid]) -> Modify {
    Modify {
        owner_id,
        message_ids: ids.to_vec(),
        ..Modify::default()
    }
}

/// So many people nobody has heard of.
pub(super) fn people<const N: usize>() -> [Uuid; N] {
    std::array::from_fn(|_| Uuid::new_v4())
}

pub(super) fn filter(owner_id: Uuid, folder_id: Uuid) -> Filter {
    Filter {
        owner_id,
        folder_id,
        unread_only: false,
        starred_only: false,
        label: None,
    }
}

pub(super) fn ids(copies: &[Copy]) -> Vec<Uuid> {
    copies.iter().map(|c| c.message_id).collect()
}

/// The mailbox's refusal; anything else is none.
pub(super) fn refusal(result: Result<Answer, Failure>) -> Refusal {
    match result {
        Err(Failure::Refused(refusal)) => refusal,
        Err(Failure::Problem(problem)) => panic!("{problem:?}"),
        Ok(answer) => panic!("done: {answer:?}"),
    }
}

/// The reason of a failure that the mailbox's rules have no part in.
pub(super) fn reason(result: Result<Answer, Failure>) -> Reason {
    match result {
        Err(Failure::Problem(problem)) => Problem::reason(&problem),
        other => panic!("{other:?}"),
    }
}
