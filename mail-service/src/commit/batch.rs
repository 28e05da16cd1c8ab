//! One batch: lock and load what it touches, work on it in memory, write it, commit.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use turbomessage_service_kit::clock::{Clock, Timestamp, new_id};
use uuid::Uuid;

use super::{
    desk::Desk,
    job::{Answer, Job, Refusal},
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

/// Carries out `jobs` in one durable transaction. Another transaction in the way is waited for.
///
/// # Errors
/// The store failed: no job took effect, unless the failure came while the commit was on its way.
pub(super) async fn run(
    store: &dyn MailStore,
    clock: &dyn Clock,
    defaults: &MailboxDefaults,
    jobs: &[&Job],
) -> Result<Results, StoreError> {
    let mut tried = 0;
    loop {
        match attempt(store, clock, defaults, jobs).await {
            Ok(results) => return Ok(results),
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
) -> Result<Results, StoreError> {
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

    let mut desk = Desk::new(clock.now(), &defaults.mail_domain, mailboxes);
    load(&mut *transaction, &mut desk, &owners, jobs).await?;
    let results: Results = jobs.iter().map(|job| desk.work(job)).collect();
    transaction.write(&desk.finish()).await?;
    #[cfg(feature = "fault-points")]
    super::fault::reach("before-commit");
    transaction.commit().await?;
    #[cfg(feature = "fault-points")]
    super::fault::reach("after-commit");
    Ok(results)
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
    let (mut requests, mut keys, mut deletions) = (Vec::new(), BTreeSet::new(), Vec::new());
    for job in jobs {
        match job {
            Job::Send(send) => {
                requests.extend(send.request.map(|request| (send.sender_id, request.id)));
                keys.extend(send.draft.in_reply_to.map(|id| (send.sender_id, id)));
            }
            Job::Modify(modify) => {
                keys.extend(modify.message_ids.iter().map(|&id| (modify.owner_id, id)));
            }
            Job::Delete(delete) => {
                deletions.extend(delete.message_ids.iter().map(|&id| (delete.owner_id, id)));
            }
        }
    }
    keys.extend(&deletions);
    if !requests.is_empty() {
        let kept = transaction.kept_answers(&requests).await?;
        desk.answers = kept
            .into_iter()
            .map(|answer| (answer.request, answer))
            .collect();
    }
    if !keys.is_empty() {
        let keys: Vec<Key> = keys.into_iter().collect();
        let copies = transaction.copies(&keys).await?;
        desk.copies = copies
            .into_iter()
            .map(|c| ((c.owner_id, c.message_id), c))
            .collect();
    }
    deletions.retain(|key| !desk.copies.contains_key(key));
    if !deletions.is_empty() {
        desk.deleted = transaction.deleted(&deletions).await?.into_iter().collect();
    }
    load_parents(transaction, desk, jobs).await
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
            send.recipients()
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
            last_change: FolderRole::ALL.len().try_into().unwrap_or(i64::MAX),
            last_receive_time: 0,
            message_count: 0,
            used_bytes: 0,
            quota_messages: defaults.quota_messages,
            quota_bytes: defaults.quota_bytes,
        })
        .collect();
    let mut transaction = store.begin().await?;
    transaction.create_mailboxes(&mailboxes, &folders).await?;
    transaction.commit().await
}

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
