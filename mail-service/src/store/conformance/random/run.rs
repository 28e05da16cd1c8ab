//! Doing what a sequence says to a store and to the model, and comparing.

use std::{collections::HashSet, time::Duration};

use anyhow::{Context, ensure};
use futures::future::join_all;
use uuid::Uuid;

use super::{
    super::office::{Letter, Office, filter, letter, nothing},
    model::{Held, Model, QUOTA_BYTES, QUOTA_MESSAGES, wanted},
    operation::{Etag, Mail, Operation, Pick, Target},
};
use crate::{
    commit::{Delete, Modify, Place},
    domain::{Copy, Cursor, Filter, FolderRole, MailboxState, PageSize},
    store::SharedStore,
};

/// How many people there are at a time.
const PEOPLE: usize = 5;

struct Run {
    office: Office,
    model: Model,
    people: [Uuid; PEOPLE],
    erased: Vec<Uuid>,
    /// What was sent with a request id, or could not be.
    requests: Vec<Letter>,
    step: usize,
}

/// Carries out `operations` on `store`, in mailboxes of its own.
///
/// # Errors
/// Where the store first differs from the model.
pub async fn run(store: &SharedStore, operations: &[Operation]) -> anyhow::Result<()> {
    let mut run = Run {
        office: Office::with_quota(store.clone(), QUOTA_MESSAGES, QUOTA_BYTES),
        model: Model::default(),
        people: std::array::from_fn(|_| Uuid::new_v4()),
        erased: Vec::new(),
        requests: Vec::new(),
        step: 0,
    };
    for operation in operations {
        run.step += 1;
        let done = run.step_by(operation).await;
        done.with_context(|| format!("step {}: {operation:?}", run.step))?;
    }
    run.compare_all().await.context("at the end")
}

impl Run {
    async fn step_by(&mut self, operation: &Operation) -> anyhow::Result<()> {
        for owner in self.operate(operation).await? {
            self.compare(owner).await?;
        }
        Ok(())
    }

    /// One operation; answers whose mailboxes it may have touched.
    async fn operate(&mut self, operation: &Operation) -> anyhow::Result<HashSet<Uuid>> {
        match operation {
            Operation::Send(mail, with_request) => {
                let mut letter = self.letter(mail, true);
                letter.request = with_request.then(Uuid::new_v4);
                self.send(letter).await
            }
            Operation::Repeat(which, same) => {
                let Some(mut letter) = any(&self.requests, *which).cloned() else {
                    return Ok(HashSet::new());
                };
                if !same {
                    letter.text.push('!');
                }
                self.send(letter).await
            }
            Operation::SendTogether(mails) => {
                let letters = mails.iter().map(|mail| self.letter(mail, false)).collect();
                self.send_together(letters).await
            }
            Operation::Modify { owner, .. } => {
                let owner = self.person(*owner);
                self.modify(self.modification(owner, operation)).await
            }
            Operation::Delete { owner, messages } => {
                let owner_id = self.person(*owner);
                let message_ids = self.messages(owner_id, messages);
                self.delete(Delete {
                    owner_id,
                    message_ids,
                })
                .await
            }
            Operation::List {
                owner,
                role,
                unread,
                starred,
                size,
            } => {
                let only = (*unread, *starred);
                let size = i32::from(*size);
                self.list(self.person(*owner), *role, only, size).await
            }
            Operation::Erase(owner) => Ok(self.erase(self.person(*owner)).await),
            Operation::Sweep => self.sweep().await,
            Operation::Wait(millis) => {
                let time = Duration::from_millis(u64::from(*millis));
                self.office.clock.advance(time);
                Ok(HashSet::new())
            }
        }
    }

    async fn send(&mut self, letter: Letter) -> anyhow::Result<HashSet<Uuid>> {
        if letter.request.is_some() {
            self.requests.push(letter.clone());
        }
        let expected = self.model.judge_send(&letter).map(Option::<&Copy>::cloned);
        let found = self.office.try_send(&letter).await;
        match (expected, found) {
            (Ok(None), Ok(sent)) => self.model.deliver(&letter, &sent, self.step),
            (Ok(Some(first)), Ok(sent)) => ensure!(first == sent, "another answer: {sent:?}"),
            (Err(expected), Err(found)) => {
                ensure!(expected == found, "{found:?} instead of {expected:?}");
            }
            (expected, found) => anyhow::bail!("{found:?} instead of {expected:?}"),
        }
        Ok(wanted(&letter).into_keys().collect())
    }

    /// Their order is nobody's business, as long as nobody's mailbox runs full on the way.
    async fn send_together(&mut self, letters: Vec<Letter>) -> anyhow::Result<HashSet<Uuid>> {
        let mut touched = HashSet::new();
        if !self.model.has_room(&letters) {
            for letter in letters {
                touched.extend(self.send(letter).await?);
            }
            return Ok(touched);
        }
        let results = join_all(letters.iter().map(|l| self.office.try_send(l))).await;
        for (letter, found) in letters.iter().zip(results) {
            touched.extend(wanted(letter).into_keys());
            match (self.model.judge_send(letter).map(|_| ()), found) {
                (Ok(()), Ok(sent)) => self.model.deliver(letter, &sent, self.step),
                (Err(expected), Err(found)) if expected == found => {}
                (expected, found) => anyhow::bail!("{found:?} instead of {expected:?}"),
            }
        }
        Ok(touched)
    }

    async fn modify(&mut self, modify: Modify) -> anyhow::Result<HashSet<Uuid>> {
        let expected = self.model.judge_modify(&modify);
        let found = self.office.modify(modify.clone()).await;
        ensure!(
            found.as_ref().map(|_| ()) == expected.as_ref().map(|()| ()),
            "{found:?} instead of {expected:?}"
        );
        if let Ok(copies) = found {
            self.model.modify(&modify);
            let ids: Vec<Uuid> = copies.iter().map(|c| c.message_id).collect();
            ensure!(ids == modify.message_ids, "in the order asked for");
            for copy in copies {
                let stored = self.office.copy(copy.owner_id, copy.message_id).await;
                ensure!(stored.as_ref() == Some(&copy), "{copy:?} is {stored:?}");
            }
        }
        Ok(HashSet::from([modify.owner_id]))
    }

    async fn delete(&mut self, delete: Delete) -> anyhow::Result<HashSet<Uuid>> {
        let expected = self.model.judge_delete(&delete);
        let found = self
            .office
            .delete(delete.owner_id, &delete.message_ids)
            .await;
        ensure!(found == expected, "{found:?} instead of {expected:?}");
        if found.is_ok() {
            self.model.delete(&delete);
        }
        Ok(HashSet::from([delete.owner_id]))
    }

    async fn list(
        &self,
        owner: Uuid,
        role: FolderRole,
        (unread_only, starred_only): (bool, bool),
        size: i32,
    ) -> anyhow::Result<HashSet<Uuid>> {
        let Some(known) = self.model.owners.get(&owner) else {
            return Ok(HashSet::new());
        };
        let mut expected: Vec<&Held> = known
            .copies
            .iter()
            .filter(|h| h.role == role && !(unread_only && h.read) && (h.starred || !starred_only))
            .collect();
        expected.sort_by_key(|held| std::cmp::Reverse(held.receive_time));
        let expected: Vec<Uuid> = expected.iter().map(|held| held.message_id).collect();
        let filter = Filter {
            unread_only,
            starred_only,
            ..filter(owner, known.folders.get(&role).copied().unwrap_or_default())
        };
        let page = usize::try_from(size)?;
        let size = PageSize::parse(size).map_err(|rule| anyhow::anyhow!("{rule:?}"))?;
        let (mut seen, mut cursor) = (Vec::new(), Cursor::START);
        loop {
            let found = self.office.store.list(&filter, cursor, size).await?;
            let left = expected.len() - seen.len();
            ensure!(
                found.len() == left.min(page + 1),
                "{} of {left}",
                found.len()
            );
            seen.extend(found.iter().take(page).map(|copy| copy.message_id));
            ensure!(
                expected.starts_with(&seen),
                "{seen:?} instead of {expected:?}"
            );
            match found.get(page - 1) {
                Some(last) if left > page => cursor = Cursor::after(last),
                _ => return Ok(HashSet::new()),
            }
        }
    }

    async fn erase(&mut self, owner: Uuid) -> HashSet<Uuid> {
        self.office.erase(owner).await;
        self.model.erase(owner);
        for person in &mut self.people {
            if *person == owner {
                *person = Uuid::new_v4();
                self.erased.push(owner);
            }
        }
        HashSet::from([owner])
    }

    /// Contents stay as long as somebody holds a copy, and not longer.
    async fn sweep(&mut self) -> anyhow::Result<HashSet<Uuid>> {
        self.office.sweep().await;
        let held = self.model.held();
        for (number, sent) in self.model.sent.iter_mut().enumerate() {
            if !sent.swept && !held.contains(&number) {
                let office = &self.office;
                let gone = || async { !office.has_content(sent.content_id).await };
                office.until(gone).await;
                sent.swept = true;
            }
        }
        self.compare_bodies().await?;
        Ok(HashSet::new())
    }

    /// The mailbox must be what the model says.
    async fn compare(&mut self, id: Uuid) -> anyhow::Result<()> {
        let all = self.office.audit(id).await;
        let mailbox = self.office.store.mailbox(id).await?;
        let Some(mailbox) = mailbox else {
            let known = self.model.owners.get(&id);
            ensure!(known.is_none_or(|o| o.copies.is_empty()), "no mailbox");
            return Ok(());
        };
        let folders = self.office.store.folders(id).await?;
        let owner = self.model.owners.entry(id).or_default();
        let state = if owner.erased {
            MailboxState::Erased
        } else {
            MailboxState::Active
        };
        ensure!(mailbox.state == state, "{mailbox:?}");
        ensure!(
            folders.len()
                == if owner.erased {
                    0
                } else {
                    FolderRole::ALL.len()
                }
        );
        for folder in &folders {
            let role = folder.role.context("a folder without a role")?;
            let known = *owner.folders.entry(role).or_insert(folder.folder_id);
            ensure!(known == folder.folder_id, "a folder has another id");
        }
        ensure!(
            all.len() == owner.copies.len(),
            "{} of {}",
            all.len(),
            owner.copies.len()
        );
        let (mut order, mut changed) = (Vec::new(), owner.changed);
        for copy in &all {
            let held = owner
                .copies
                .iter_mut()
                .find(|h| {
                    let sent = &self.model.sent[h.letter];
                    sent.internet_id == copy.internet_message_id && h.kind == copy.kind
                })
                .with_context(|| format!("nobody sent {copy:?}"))?;
            changed |= held.changed;
            let letter = &self.model.sent[held.letter].letter;
            let folder_id = owner.folders.get(&held.role).copied();
            check(held, letter, copy, folder_id, owner.last_change)
                .with_context(|| format!("{copy:?}"))?;
            order.push((copy.receive_time, held.arrived));
        }
        order.sort_unstable();
        ensure!(
            order.is_sorted_by_key(|(_, arrived)| *arrived),
            "not in the order of sending"
        );
        ensure!(
            changed == (mailbox.last_change > owner.last_change) || owner.last_change == 0,
            "the last change is {}, was {}",
            mailbox.last_change,
            owner.last_change
        );
        owner.last_change = mailbox.last_change;
        owner.changed = false;
        Ok(())
    }

    async fn compare_bodies(&self) -> anyhow::Result<()> {
        for (id, owner) in &self.model.owners {
            let ids: Vec<Uuid> = owner.copies.iter().map(|h| h.message_id).collect();
            let bodies = self.office.store.bodies(*id, &ids).await?;
            ensure!(bodies.len() == ids.len(), "texts are missing");
            for (message_id, body) in bodies {
                let held = owner.find(message_id).context("a text of nobody's")?;
                ensure!(body.text == self.model.sent[held.letter].letter.text);
            }
        }
        Ok(())
    }

    async fn compare_all(&mut self) -> anyhow::Result<()> {
        let everybody: Vec<Uuid> = self.model.owners.keys().copied().collect();
        for owner in everybody {
            self.compare(owner).await?;
        }
        for letter in self.requests.clone() {
            for owner in self.send(letter).await? {
                self.compare(owner).await?;
            }
        }
        let _ = self.sweep().await?;
        self.compare_bodies().await
    }

    fn person(&self, pick: Pick) -> Uuid {
        match any(&self.erased, pick / 16) {
            Some(erased) if pick % 16 == 15 => *erased,
            _ => self.people[usize::from(pick / 16) % PEOPLE],
        }
    }

    /// Mostly one of the owner's messages; else one deleted, somebody else's, or none at all.
    fn message(&self, owner: Uuid, pick: Pick) -> Uuid {
        let held = |id: Uuid| self.model.owners.get(&id).map_or(&[][..], |o| &o.copies);
        let number = pick / 16;
        let found = match pick % 16 {
            0..=12 => any(held(owner), number).map(|h| h.message_id),
            13 => {
                let deleted = self.model.owners.get(&owner).map(|o| &o.deleted);
                deleted.and_then(|all| all.iter().min().copied())
            }
            14 => any(held(self.person(number)), number).map(|h| h.message_id),
            _ => None,
        };
        found.unwrap_or_else(|| Uuid::from_u128(u128::from(pick) + 1))
    }

    fn messages(&self, owner: Uuid, picks: &[Pick]) -> Vec<Uuid> {
        let mut ids = Vec::new();
        for &pick in picks {
            let id = self.message(owner, pick);
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    fn letter(&self, mail: &Mail, may_answer: bool) -> Letter {
        let from = self.person(mail.from);
        let mut to = Vec::new();
        for &pick in &mail.to {
            let person = self.person(pick);
            if !to.contains(&person) {
                to.push(person);
            }
        }
        let bcc = to.split_off(mail.bcc_from.min(to.len()));
        let answers = mail.answers.filter(|_| may_answer);
        Letter {
            bcc,
            subject: format!("Nr. {} ñ", self.step),
            text: "\u{1f426}".repeat(usize::from(mail.size) / 4),
            in_reply_to: answers.map(|pick| self.message(from, pick)),
            ..letter(from, &to)
        }
    }

    fn modification(&self, owner: Uuid, operation: &Operation) -> Modify {
        let Operation::Modify {
            messages,
            read,
            starred,
            target,
            etag,
            ..
        } = operation
        else {
            return nothing(owner, &[]);
        };
        let ids = self.messages(owner, messages);
        let known = self.model.owners.get(&owner);
        let change = match ids[..] {
            [id] => known.and_then(|o| o.find(id)).map_or(0, |held| held.change),
            _ => 0,
        };
        let folder = |role| known.and_then(|o| o.folders.get(&role)).copied();
        Modify {
            read: *read,
            starred: *starred,
            place: match target {
                Target::Stay => None,
                Target::Role(role) => Some(Place::Role(*role)),
                Target::Id(role) => folder(*role).map(Place::Folder),
                Target::Unknown => Some(Place::Folder(Uuid::max())),
            },
            etag: match etag {
                Etag::Current if ids.len() == 1 => Some(format!("{change:x}")),
                Etag::Old if ids.len() == 1 => Some(format!("{:x}", change + 1)),
                Etag::Any | Etag::Current | Etag::Old => None,
            },
            ..nothing(owner, &ids)
        }
    }
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
        held.role
    );
    let flags = (copy.read, copy.starred, copy.answered, copy.forwarded);
    ensure!(
        flags == (held.read, held.starred, held.answered, false),
        "its flags"
    );
    ensure!(copy.thread_id == held.thread_id, "its conversation");
    ensure!(copy.in_reply_to == held.in_reply_to, "what it answers");
    ensure!((&copy.subject, copy.size_bytes) == (&letter.subject, letter.size()));
    ensure!(copy.participants.to.len() == letter.to.len());
    let is_own = copy.kind == crate::domain::Kind::Sent;
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

fn any<T>(all: &[T], pick: Pick) -> Option<&T> {
    all.get(usize::from(pick).checked_rem(all.len())?)
}
