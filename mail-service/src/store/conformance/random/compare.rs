//! Comparing a store with the model.

use anyhow::{Context, ensure};
use uuid::Uuid;

use super::{
    super::{letter::Letter, office::Office},
    model::{Held, Model, Owner, Spot, Written},
};
use crate::domain::{Copy, Folder, FolderRole, Kind, Mailbox, MailboxState};

/// Every so many steps, everything that is counted and listed is looked at.
const THOROUGH: usize = 4;

/// The mailbox of `id` must be what the model says.
pub(super) async fn compare(office: &Office, model: &mut Model, id: Uuid) -> anyhow::Result<()> {
    // Everything takes its time: what is broken stays so for a few steps.
    let all = if model.step.is_multiple_of(THOROUGH) {
        office.audit(id).await
    } else {
        office.inspect(id).await
    };
    let Some(mailbox) = office.store.mailbox(id).await? else {
        let known = model.owners.get(&id);
        ensure!(known.is_none_or(|o| o.copies.is_empty()), "no mailbox");
        return Ok(());
    };
    let folders = office.store.folders(id).await?;
    let owner = model.owners.entry(id).or_default();
    check_frame(owner, &mailbox, &folders)?;
    check_copies(owner, &model.written, &all)?;
    // What is learned first has nothing to be compared with.
    let grown = mailbox.last_change > owner.last_change;
    ensure!(
        owner.changed == grown || owner.last_change == 0,
        "the last change is {}, was {}",
        mailbox.last_change,
        owner.last_change
    );
    owner.last_change = mailbox.last_change;
    owner.changed = false;
    Ok(())
}

fn check_frame(owner: &mut Owner, mailbox: &Mailbox, folders: &[Folder]) -> anyhow::Result<()> {
    let (state, count) = if owner.erased {
        (MailboxState::Erased, 0)
    } else {
        let count = FolderRole::ALL.len() + owner.own.len();
        (MailboxState::Active, count)
    };
    ensure!(mailbox.state == state, "{mailbox:?}");
    ensure!(folders.len() == count, "{folders:?}");
    for folder in folders {
        let Some(role) = folder.role else {
            let name = owner.own.get(&folder.folder_id);
            ensure!(name == Some(&folder.name), "{folder:?} is {name:?}");
            continue;
        };
        let known = *owner.folders.entry(role).or_insert(folder.folder_id);
        ensure!(known == folder.folder_id, "a folder has another id");
    }
    Ok(())
}

fn check_copies(owner: &mut Owner, written: &[Written], all: &[Copy]) -> anyhow::Result<()> {
    let expected = owner.copies.len();
    ensure!(all.len() == expected, "{} of {expected}", all.len());
    let mut order = Vec::new();
    for copy in all {
        let is_it = |held: &&mut Held| {
            written[held.letter].internet_id == copy.internet_message_id && held.kind == copy.kind
        };
        let held = owner.copies.iter_mut().find(is_it);
        let held = held.with_context(|| format!("nobody sent {copy:?}"))?;
        owner.changed |= held.changed;
        let folder_id = match held.spot {
            Spot::Role(role) => owner.folders.get(&role).copied(),
            Spot::Own(id) => Some(id),
        };
        let letter = &written[held.letter].letter;
        check(held, letter, copy, folder_id, owner.last_change)
            .with_context(|| format!("{copy:?}"))?;
        order.push((copy.receive_time, held.arrived));
    }
    order.sort_unstable();
    let in_order = order.is_sorted_by_key(|(_, arrived)| *arrived);
    ensure!(in_order, "not in the order of sending");
    Ok(())
}

/// One copy must be what the model says; what only the store knows is learned.
fn check(
    held: &mut Held,
    letter: &Letter,
    copy: &Copy,
    folder_id: Option<Uuid>,
    last_change: i64,
) -> anyhow::Result<()> {
    ensure!(
        held.message_id.is_nil() || held.message_id == copy.message_id,
        "its id"
    );
    ensure!(
        held.receive_time.is_none_or(|t| t == copy.receive_time),
        "its time"
    );
    ensure!(
        Some(copy.folder_id) == folder_id,
        "its folder, not {:?}",
        held.spot
    );
    let flags = (copy.read, copy.starred, copy.answered, copy.forwarded);
    ensure!(
        flags == (held.read, held.starred, held.answered, held.forwarded),
        "its flags"
    );
    ensure!(copy.labels.iter().eq(&held.labels), "its labels");
    let times = (copy.deliver_time, copy.trash_time);
    ensure!(times == (held.deliver_time, held.trash_time), "its times");
    ensure!(copy.forward_of == held.forward_of, "what it passes on");
    ensure!(copy.thread_id == held.thread_id, "its conversation");
    ensure!(copy.in_reply_to == held.in_reply_to, "what it answers");
    ensure!((&copy.subject, copy.size_bytes) == (&letter.subject, letter.size()));
    ensure!(copy.participants.to.len() == letter.to.len());
    let is_own = copy.kind != Kind::Received;
    ensure!(copy.participants.bcc.len() == if is_own { letter.bcc.len() } else { 0 });
    if held.changed {
        ensure!(copy.change > last_change, "its number is old");
    } else {
        ensure!(copy.change == held.change, "its number was {}", held.change);
    }
    held.message_id = copy.message_id;
    held.receive_time = Some(copy.receive_time);
    held.change = copy.change;
    held.changed = false;
    Ok(())
}

/// Every text must be there, and be the one that was sent.
pub(super) async fn compare_bodies(office: &Office, model: &Model) -> anyhow::Result<()> {
    for (id, owner) in &model.owners {
        let ids: Vec<Uuid> = owner.copies.iter().map(|h| h.message_id).collect();
        let bodies = office.store.bodies(*id, &ids).await?;
        ensure!(bodies.len() == ids.len(), "texts are missing");
        for (message_id, body) in bodies {
            let held = owner.find(message_id).context("a text of nobody's")?;
            ensure!(body.text == model.written[held.letter].letter.text);
        }
    }
    Ok(())
}
