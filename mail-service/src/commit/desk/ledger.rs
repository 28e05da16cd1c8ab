//! Copies come, change and go only here, so that everything counted and listed about them follows:
//! the mailbox's totals, folders, labels, conversations and the history.

use std::collections::BTreeMap;

use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use super::Desk;
use crate::{
    domain::{Copy, Event, FolderRole, Label, ThreadPart},
    store::{Key, Labelled},
};

/// A conversation: how many messages it has in which folder, and how many of them are not read.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    last_time: i64,
    parts: BTreeMap<Uuid, (i64, i64)>,
}

impl Conversation {
    pub(super) fn load(&mut self, part: &ThreadPart) {
        self.last_time = part.last_time.as_micros();
        let counts = (part.message_count, part.unread_count);
        self.parts.insert(part.folder_id, counts);
    }
}

fn unread(copy: &Copy) -> i64 {
    i64::from(!copy.read)
}

impl Desk {
    /// Puts a new copy into its mailbox, as the newest.
    pub(super) fn add(&mut self, mut copy: Copy) -> Copy {
        copy.change = self.next_change(copy.owner_id, Event::MessageCreated, copy.message_id);
        copy.create_change = copy.change;
        copy.receive_time = self.next_time(copy.owner_id);
        self.settle(None, Some(&copy));
        self.changes.new_copies.push(copy.clone());
        copy
    }

    /// Puts `copy`, as the newest, in the place of the one with its id.
    pub(super) fn replace(&mut self, mut copy: Copy) -> Copy {
        let key = (copy.owner_id, copy.message_id);
        copy.change = self.next_change(copy.owner_id, Event::MessageUpdated, copy.message_id);
        copy.receive_time = self.next_time(copy.owner_id);
        let before = self.copies.insert(key, copy.clone());
        self.settle(before.as_ref(), Some(&copy));
        if let Some(before) = before
            && before.content_id != copy.content_id
        {
            self.changes.orphans.push(before.content_id);
        }
        self.replaced_copies.insert(key);
        copy
    }

    /// Changes a copy, if `edit` makes it another one.
    pub(super) fn change(&mut self, key: Key, edit: impl FnOnce(&mut Copy)) {
        let Some(before) = self.copies.get(&key).cloned() else {
            return;
        };
        let mut copy = before.clone();
        edit(&mut copy);
        if copy == before {
            return;
        }
        if copy.folder_id != before.folder_id {
            let trash = self.standard_folder(key.0, FolderRole::Trash);
            copy.trash_time = (copy.folder_id == trash).then(|| self.time());
        }
        copy.change = self.next_change(key.0, Event::MessageUpdated, key.1);
        self.settle(Some(&before), Some(&copy));
        self.copies.insert(key, copy);
        self.changed_copies.insert(key);
    }

    /// Removes a copy for good, if it is there.
    pub(super) fn remove(&mut self, key: Key) {
        let Some(copy) = self.copies.remove(&key) else {
            return;
        };
        self.next_change(key.0, Event::MessageDeleted, key.1);
        self.settle(Some(&copy), None);
        self.deleted.insert(key);
        self.changes.deleted_copies.push(key);
        self.changes.orphans.push(copy.content_id);
    }

    /// Later than everything in the mailbox, whatever the clock says.
    fn next_time(&mut self, owner: Uuid) -> Timestamp {
        let mut time = self.now;
        if let Some(mailbox) = self.mailboxes.get_mut(&owner) {
            time = time.max(mailbox.last_receive_time + 1);
            mailbox.last_receive_time = time;
        }
        Timestamp::from_micros(time)
    }

    /// Brings everything that is counted and listed from one form of a copy to another.
    fn settle(&mut self, before: Option<&Copy>, after: Option<&Copy>) {
        self.settle_totals(before, after);
        let place = |copy: &Copy| (copy.folder_id, copy.read);
        if before.map(place) != after.map(place) {
            for (copy, sign) in sides(before, after) {
                self.count_folder(copy, sign);
            }
        }
        let place = |copy: &Copy| (copy.thread_id, copy.folder_id, copy.read, copy.receive_time);
        if before.map(place) != after.map(place) {
            for (copy, sign) in sides(before, after) {
                self.count_conversation(copy, sign);
            }
        }
        for (copy, sign) in sides(before, after) {
            self.count_labels(copy, sign);
        }
    }

    fn settle_totals(&mut self, before: Option<&Copy>, after: Option<&Copy>) {
        for (copy, sign) in sides(before, after) {
            if let Some(mailbox) = self.mailboxes.get_mut(&copy.owner_id) {
                mailbox.message_count += sign;
                mailbox.used_bytes += sign * copy.size_bytes;
            }
        }
    }

    fn count_folder(&mut self, copy: &Copy, sign: i64) {
        if let Some(folder) = self.folder_mut(copy.owner_id, copy.folder_id) {
            folder.total_count += sign;
            folder.unread_count += sign * unread(copy);
            self.changed_folders.insert((copy.owner_id, copy.folder_id));
        }
    }

    fn count_conversation(&mut self, copy: &Copy, sign: i64) {
        let key = (copy.owner_id, copy.thread_id);
        let conversation = self.conversations.entry(key).or_default();
        let part = conversation.parts.entry(copy.folder_id).or_default();
        part.0 += sign;
        part.1 += sign * unread(copy);
        let time = copy.receive_time.as_micros();
        if sign > 0 {
            conversation.last_time = conversation.last_time.max(time);
        } else if time >= conversation.last_time {
            self.shortened_conversations.insert(key);
        }
        self.changed_conversations.insert(key);
    }

    fn count_labels(&mut self, copy: &Copy, sign: i64) {
        for name in &copy.labels {
            let labels = self.labels.entry(copy.owner_id).or_default();
            let label = labels.entry(name.clone()).or_insert_with(|| Label {
                owner_id: copy.owner_id,
                name: name.clone(),
                total_count: 0,
                unread_count: 0,
            });
            label.total_count += sign;
            label.unread_count += sign * unread(copy);
            self.changed_labels.insert((copy.owner_id, name.clone()));
            let labelled = Labelled {
                owner_id: copy.owner_id,
                name: name.clone(),
                folder_id: copy.folder_id,
                receive_time: copy.receive_time,
                message_id: copy.message_id,
            };
            *self.labelled.entry(labelled).or_default() += if sign > 0 { 1 } else { -1 };
        }
    }

    /// How many labels a mailbox would have with `names` too.
    /// How many messages have a label.
    pub(super) fn label_uses(&self, owner: Uuid, name: &String) -> i64 {
        let label = self.labels.get(&owner).and_then(|all| all.get(name));
        label.map_or(0, |label| label.total_count)
    }

    pub(super) fn labels_with(&self, owner: Uuid, names: &[String]) -> usize {
        let labels = self.labels.get(&owner);
        let in_use = |name: &String| self.label_uses(owner, name) > 0;
        let used = labels.map_or(0, |all| all.values().filter(|l| l.total_count > 0).count());
        used + names.iter().filter(|name| !in_use(name)).count()
    }

    pub(super) fn finish_labels(&mut self) {
        for (owner, name) in std::mem::take(&mut self.changed_labels) {
            let label = self.labels.get(&owner).and_then(|all| all.get(&name));
            self.changes.labels.extend(label.cloned());
        }
        for (labelled, sign) in std::mem::take(&mut self.labelled) {
            match sign {
                1.. => self.changes.labelled.push(labelled),
                0 => {}
                ..0 => self.changes.unlabelled.push(labelled),
            }
        }
    }

    pub(super) fn finish_conversations(&mut self) {
        for (owner_id, thread_id) in std::mem::take(&mut self.changed_conversations) {
            let Some(conversation) = self.conversations.get(&(owner_id, thread_id)) else {
                continue;
            };
            let parts = conversation.parts.iter();
            let parts = parts.map(|(&folder_id, &(message_count, unread_count))| ThreadPart {
                owner_id,
                thread_id,
                folder_id,
                message_count,
                unread_count,
                last_time: Timestamp::from_micros(conversation.last_time),
            });
            self.changes.threads.extend(parts);
        }
        let shortened = std::mem::take(&mut self.shortened_conversations);
        self.changes.shortened_threads = shortened.into_iter().collect();
    }
}

/// What goes, with -1, and what comes, with 1.
fn sides<'a>(
    before: Option<&'a Copy>,
    after: Option<&'a Copy>,
) -> impl Iterator<Item = (&'a Copy, i64)> {
    let before = before.into_iter().map(|copy| (copy, -1));
    before.chain(after.into_iter().map(|copy| (copy, 1)))
}
