//! One batch: lock and load what it touches, work on it in memory, write it, commit.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use turbomessage_service_kit::clock::{Clock, Timestamp, new_id};
use uuid::Uuid;

use super::{
    desk::Desk,
    job::{Answer, FOLDER_STEP, Job, Refusal, Send},
};
use crate::{
    domain::{Folder, FolderRole, Kind, Mailbox, MailboxState},
    store::{Key, MailStore, StoreError, Transaction},
};

/// What a new mailbox gets, and what new messages are named after.
#[derive(Debug, Clone)]
pub struct MailboxDefaults {
    /// Messages there may be.
    pub quota_messages: i64,
    /// Bytes they may take.
    pub quota_bytes: i64,
    /// The domain of `Message-ID`s.
    pub mail_domain: String,
}

/// How often a transaction is tried again when another one was in its way.
const TRIES: u32 = 8;

/// What became of each job of a batch.
pub(super) type Results = Vec<Result<Answer, Refusal>>;

/// A mailbox that a batch changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Whose it is.
    pub owner_id: Uuid,
    /// The number of the last change before the batch.
    pub before: i64,
    /// The number of the batch's last change.
    pub last: i64,
}

/// Carries out `jobs` in one durable transaction. Another transaction in the way is waited for.
///
/// # Errors
/// The store failed: no job took effect, unless the failure came while the commit was on its way.
pub(super) async fn run(
    store: &dyn MailStore,
    clock: &dyn Clock,
    defaults: &MailboxDefaults,
    jobs: &[&Job],
) -> Result<(Results, Vec<Changed>), StoreError> {
    let mut tried = 0;
    loop {
        match attempt(store, clock, defaults, jobs).await {
            Ok(done) => return Ok(done),
            Err(StoreError::Conflict(cause)) if tried < TRIES => {
                tried += 1;
                tracing::debug!(error.cause = %cause, commit.tried = tried, "commit in the way of another");
                // Those who collided once must not march in step and collide again.
                let pause = rand::random_range(1..=5) * u64::from(tried);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn attempt(
    store: &dyn MailStore,
    clock: &dyn Clock,
    defaults: &MailboxDefaults,
    jobs: &[&Job],
) -> Result<(Results, Vec<Changed>), StoreError> {
    let owners: BTreeSet<Uuid> = jobs.iter().flat_map(|job| job.owners()).collect();
    let owners: Vec<Uuid> = owners.into_iter().collect();
    let mut transaction = store.begin().await?;
    let mut mailboxes = transaction.lock_mailboxes(&owners).await?;
    if mailboxes.len() < owners.len() {
        // In a transaction of its own, so that every batch takes its locks in one and the same way.
        transaction.rollback().await;
        let there: HashSet<Uuid> = mailboxes.iter().map(|m| m.owner_id).collect();
        let missing: Vec<Uuid> = owners
            .iter()
            .copied()
            .filter(|o| !there.contains(o))
            .collect();
        create_mailboxes(store, clock, defaults, &missing).await?;
        transaction = store.begin().await?;
        mailboxes = transaction.lock_mailboxes(&owners).await?;
    }

    let before: HashMap<Uuid, i64> = mailboxes
        .iter()
        .map(|m| (m.owner_id, m.last_change))
        .collect();
    let mut desk = Desk::new(clock.now(), &defaults.mail_domain, mailboxes);
    load(&mut *transaction, &mut desk, &owners, jobs).await?;
    let results: Results = jobs.iter().map(|job| desk.work(job)).collect();
    let changes = Arc::new(desk.finish());
    transaction.write(&changes).await?;
    #[cfg(feature = "fault-points")]
    super::fault::reach("before-commit");
    transaction.commit().await?;
    #[cfg(feature = "fault-points")]
    super::fault::reach("after-commit");
    let announced = changes.mailboxes.iter().map(|m| Changed {
        owner_id: m.owner_id,
        before: before.get(&m.owner_id).copied().unwrap_or_default(),
        last: m.last_change,
    });
    Ok((results, announced.collect()))
}

/// Reads what the jobs look at. In statements of their own after the locks were taken, so that what
/// another writer committed meanwhile is seen.
async fn load(
    transaction: &mut dyn Transaction,
    desk: &mut Desk,
    owners: &[Uuid],
    jobs: &[&Job],
) -> Result<(), StoreError> {
    for folder in transaction.folders(owners).await? {
        desk.folders
            .entry(folder.owner_id)
            .or_default()
            .push(folder);
    }
    let requests: Vec<Key> = jobs
        .iter()
        .filter_map(|job| job.request())
        .map(|(owner, request)| (owner, request.id))
        .collect();
    if !requests.is_empty() {
        let kept = transaction.kept_answers(&requests).await?;
        desk.answers = kept
            .into_iter()
            .map(|answer| (answer.request, answer))
            .collect();
    }
    load_copies(transaction, desk, jobs).await?;
    load_parents(transaction, desk, jobs).await?;
    load_counts(transaction, desk, jobs).await
}

async fn load_copies(
    transaction: &mut dyn Transaction,
    desk: &mut Desk,
    jobs: &[&Job],
) -> Result<(), StoreError> {
    let keys: BTreeSet<Key> = jobs.iter().flat_map(|job| job.copies()).collect();
    let keys: Vec<Key> = keys.into_iter().collect();
    let mut copies = Vec::new();
    if !keys.is_empty() {
        copies = transaction.copies(&keys).await?;
    }
    for job in jobs {
        if let Job::DeleteFolder(delete) = job {
            let folder = (delete.owner_id, delete.folder_id);
            copies.extend(transaction.copies_in(folder, FOLDER_STEP).await?);
        }
    }
    desk.copies = copies
        .into_iter()
        .map(|c| ((c.owner_id, c.message_id), c))
        .collect();
    let mut deletions = Vec::new();
    for job in jobs {
        if let Job::Delete(delete) = job {
            deletions.extend(delete.message_ids.iter().map(|&id| (delete.owner_id, id)));
        }
    }
    deletions.retain(|key| !desk.copies.contains_key(key));
    if !deletions.is_empty() {
        desk.deleted = transaction.deleted(&deletions).await?.into_iter().collect();
    }
    Ok(())
}

/// The conversations and labels whose counts may change.
async fn load_counts(
    transaction: &mut dyn Transaction,
    desk: &mut Desk,
    jobs: &[&Job],
) -> Result<(), StoreError> {
    let copies = || desk.copies.values().chain(desk.parents.values());
    let mut threads: BTreeSet<Key> = copies().map(|c| (c.owner_id, c.thread_id)).collect();
    for job in jobs {
        // What continues a conversation may do so for recipients who no longer have its parent.
        let Job::Send(send) = job else { continue };
        let mut continued: Vec<Key> = job.copies();
        if answers_a_draft(desk, send) {
            // The draft may come into another conversation before it is answered.
            let saves = jobs.iter().filter(|j| matches!(j, Job::Save(_)));
            let named = saves.flat_map(|save| save.copies());
            continued.extend(named.filter(|(owner, _)| *owner == send.sender_id));
        }
        let continued = continued.into_iter();
        let continued = continued.filter_map(|key| Some(desk.copies.get(&key)?.thread_id));
        for thread in continued {
            threads.extend(send.addressees.all().map(|r| (r.account_id, thread)));
        }
    }
    let labelled = copies().filter(|c| !c.labels.is_empty());
    let owners: BTreeSet<Uuid> = labelled
        .map(|c| c.owner_id)
        .chain(jobs.iter().filter_map(|job| job.labels()))
        .collect();
    if !threads.is_empty() {
        let threads: Vec<Key> = threads.into_iter().collect();
        desk.load_threads(transaction.thread_parts(&threads).await?);
    }
    if !owners.is_empty() {
        let owners: Vec<Uuid> = owners.into_iter().collect();
        desk.load_labels(transaction.labels(&owners).await?);
    }
    Ok(())
}

fn answers_a_draft(desk: &Desk, send: &Send) -> bool {
    let parent = send.draft.in_reply_to;
    let parent = parent.and_then(|id| desk.copies.get(&(send.sender_id, id)));
    parent.is_some_and(|copy| copy.kind == Kind::Draft)
}

/// Finds what recipients of answers have of the messages that are answered.
async fn load_parents(
    transaction: &mut dyn Transaction,
    desk: &mut Desk,
    jobs: &[&Job],
) -> Result<(), StoreError> {
    let mut wanted = Vec::new();
    for job in jobs {
        let Job::Send(send) = job else { continue };
        let Some(parent) = send.draft.in_reply_to else {
            continue;
        };
        let Some(parent) = desk.copies.get(&(send.sender_id, parent)) else {
            continue;
        };
        let internet_id = &parent.internet_message_id;
        wanted.extend(
            send.addressees
                .all()
                .map(|r| (r.account_id, internet_id.clone())),
        );
    }
    if !wanted.is_empty() {
        let mut copies = transaction.copies_by_internet_id(&wanted).await?;
        // Whoever wrote to themselves has two: the later one in this order is what was answered.
        copies.sort_by_key(|copy| copy.kind == Kind::Sent);
        desk.parents = copies
            .into_iter()
            .map(|copy| ((copy.owner_id, copy.internet_message_id.clone()), copy))
            .collect();
    }
    Ok(())
}

/// Makes the mailboxes of `owners` that are not there yet.
///
/// # Errors
/// The store failed.
pub(crate) async fn create_mailboxes(
    store: &dyn MailStore,
    clock: &dyn Clock,
    defaults: &MailboxDefaults,
    owners: &[Uuid],
) -> Result<(), StoreError> {
    let now = clock.now();
    let folders: Vec<Folder> = owners
        .iter()
        .flat_map(|&owner| standard_folders(owner, now))
        .collect();
    let mailboxes: Vec<Mailbox> = owners
        .iter()
        .map(|&owner_id| Mailbox {
            owner_id,
            state: MailboxState::Active,
            epoch: Uuid::new_v4(),
            // The history begins with the standard folders there.
            last_change: STANDARD_FOLDERS,
            oldest_change: STANDARD_FOLDERS,
            last_receive_time: 0,
            message_count: 0,
            used_bytes: 0,
            quota_messages: defaults.quota_messages,
            quota_bytes: defaults.quota_bytes,
            indexed_time: Timestamp::from_micros(0),
        })
        .collect();
    let mut transaction = store.begin().await?;
    transaction.create_mailboxes(&mailboxes, &folders).await?;
    transaction.commit().await
}

const STANDARD_FOLDERS: i64 = FolderRole::Trash as i64;

fn standard_folders(owner_id: Uuid, now: Timestamp) -> impl Iterator<Item = Folder> {
    FolderRole::ALL.into_iter().map(move |role| Folder {
        owner_id,
        folder_id: new_id(now),
        role: Some(role),
        name: role.name().into(),
        total_count: 0,
        unread_count: 0,
        change: i64::from(role as i16),
        create_change: i64::from(role as i16),
    })
}
