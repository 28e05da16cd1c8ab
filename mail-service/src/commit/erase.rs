//! Work in the background: erasing the mailboxes of deleted accounts, and contents that nobody has
//! a copy of any more. In small transactions, each of which leaves everything consistent.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use turbomessage_service_kit::clock::Clock;
use uuid::Uuid;

use super::batch::{MailboxDefaults, create_mailboxes};
use crate::{
    domain::MailboxState,
    store::{Changes, Key, MailStore, StoreError},
};

/// How many copies go in one transaction.
const STEP: i64 = 500;

/// Erases the mailbox of a deleted account for good. The first step closes it, so that nothing
/// more comes in; a row that says so stays, also where there never was a mailbox. Doing it again
/// does no harm.
///
/// # Errors
/// The store failed; what was erased until then is erased.
pub async fn erase_mailbox(
    store: &dyn MailStore,
    clock: &dyn Clock,
    defaults: &MailboxDefaults,
    owner: Uuid,
) -> Result<(), StoreError> {
    create_mailboxes(store, clock, defaults, &[owner]).await?;
    loop {
        let mut transaction = store.begin().await?;
        let mut mailboxes = transaction.lock_mailboxes(&[owner]).await?;
        let copies = transaction.some_copies(owner, STEP).await?;
        for mailbox in &mut mailboxes {
            if mailbox.state != MailboxState::Erased || !copies.is_empty() {
                // Whoever watches it is to look, and find it gone.
                mailbox.last_change += 1;
            }
            mailbox.state = MailboxState::Erased;
            mailbox.message_count = 0;
            mailbox.used_bytes = 0;
        }
        let deleted_copies = copies.iter().map(|c| (owner, c.message_id)).collect();
        let orphans = copies.iter().map(|c| c.content_id).collect();
        let time = clock.now().as_micros();
        let done = copies.is_empty();
        let changes = Changes {
            time,
            mailboxes,
            deleted_copies,
            orphans,
            ..Changes::default()
        };
        transaction.write(&Arc::new(changes)).await?;
        if done {
            transaction.purge(owner).await?;
        }
        transaction.commit().await?;
        if done {
            return Ok(());
        }
    }
}

/// Removes contents without copies, up to `limit` entries of their queue; answers how many entries
/// there were.
///
/// # Errors
/// The store failed.
pub async fn sweep(store: &dyn MailStore, limit: i64) -> Result<usize, StoreError> {
    let mut transaction = store.begin().await?;
    let orphans = transaction.orphans(limit).await?;
    if orphans.is_empty() {
        transaction.rollback().await;
        return Ok(0);
    }
    let keys: BTreeSet<Key> = orphans
        .iter()
        .flat_map(|(_, _, copies)| copies)
        .copied()
        .collect();
    let keys: Vec<Key> = keys.into_iter().collect();
    let copies = transaction.copies(&keys).await?;
    // Only what is held counts: an owner's copies of other contents do not.
    let held: HashSet<Uuid> = copies.into_iter().map(|copy| copy.content_id).collect();
    let entries: Vec<Uuid> = orphans.iter().map(|(entry, _, _)| *entry).collect();
    let contents: BTreeSet<Uuid> = orphans
        .iter()
        .map(|(_, content, _)| *content)
        .filter(|c| !held.contains(c))
        .collect();
    let contents: Vec<Uuid> = contents.into_iter().collect();
    transaction.sweep(&entries, &contents).await?;
    transaction.commit().await?;
    Ok(orphans.len())
}
