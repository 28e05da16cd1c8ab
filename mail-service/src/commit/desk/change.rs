//! Marking, labelling, moving and deleting: all of it or nothing.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::Desk;
use crate::{
    commit::job::{Answer, Delete, Modify, Place, Refusal},
    domain::{Copy, FolderRole, Kind, MAX_LABELS},
    store::Key,
};

impl Desk {
    pub(super) fn modify(&mut self, modify: &Modify) -> Result<Answer, Refusal> {
        let owner = modify.owner_id;
        self.active(owner)?;
        self.check_all_there(owner, &modify.message_ids, |_| false)?;
        let keys: Vec<Key> = modify.message_ids.iter().map(|&id| (owner, id)).collect();
        let matches = |copy: &Copy| modify.etag.as_ref().is_none_or(|etag| *etag == copy.etag());
        if !keys
            .iter()
            .filter_map(|key| self.copies.get(key))
            .all(matches)
        {
            return Err(Refusal::EtagMismatch);
        }
        let target = modify
            .place
            .map(|place| self.target(owner, place, &keys))
            .transpose()?;
        self.check_relabelling(modify, &keys)?;

        for &key in &keys {
            self.change(key, |copy| {
                copy.read = modify.read.unwrap_or(copy.read);
                copy.starred = modify.starred.unwrap_or(copy.starred);
                copy.folder_id = target.unwrap_or(copy.folder_id);
                copy.labels.extend(modify.add_labels.iter().cloned());
                copy.labels.retain(|l| !modify.remove_labels.contains(l));
                copy.labels.sort();
                copy.labels.dedup();
            });
        }
        Ok(Answer::Modified(
            keys.iter()
                .filter_map(|key| self.copies.get(key).cloned())
                .collect(),
        ))
    }

    /// What is put on may be more than there is room for, but for what loses its last use at the same time.
    fn check_relabelling(&self, modify: &Modify, keys: &[Key]) -> Result<(), Refusal> {
        let added = modify.add_labels.iter();
        let added = added.filter(|label| !modify.remove_labels.contains(label));
        let added: Vec<String> = added.cloned().collect();
        let here = |label: &String| {
            let copies = keys.iter().filter_map(|key| self.copies.get(key));
            copies.filter(|copy| copy.labels.contains(label)).count()
        };
        let owner = modify.owner_id;
        let removed: BTreeSet<&String> = modify.remove_labels.iter().collect();
        let freed = removed.into_iter().filter(|label| {
            let used = self.label_uses(owner, label);
            used > 0 && i64::try_from(here(label)).is_ok_and(|here| here == used)
        });
        self.check_labels(owner, &added, freed.count())
    }

    /// Whether there is room for `names`, where so many labels are `freed` by losing their last use.
    pub(super) fn check_labels(
        &self,
        owner: Uuid,
        names: &[String],
        freed: usize,
    ) -> Result<(), Refusal> {
        if !names.is_empty() && self.labels_with(owner, names) - freed > MAX_LABELS {
            return Err(Refusal::TooManyLabels);
        }
        Ok(())
    }

    /// The folder to move `keys` to, if all of them may go there.
    fn target(&self, owner: Uuid, place: Place, keys: &[Key]) -> Result<Uuid, Refusal> {
        let folder_id = match place {
            Place::Folder(id) => id,
            Place::Role(role) => self.standard_folder(owner, role),
        };
        let folder = self
            .folder(owner, folder_id)
            .ok_or(Refusal::FolderNotFound(folder_id))?;
        let role = folder.role;
        if role.is_some_and(FolderRole::is_protected) {
            return Err(Refusal::FolderProtected(folder_id));
        }
        for copy in keys.iter().filter_map(|key| self.copies.get(key)) {
            let from = self.folder(owner, copy.folder_id).and_then(|f| f.role);
            if from.is_some_and(FolderRole::is_protected) {
                return Err(Refusal::FolderProtected(copy.folder_id));
            }
            if role == Some(FolderRole::Sent) && copy.kind != Kind::Sent {
                return Err(Refusal::FolderProtected(folder_id));
            }
        }
        Ok(folder_id)
    }

    pub(super) fn delete(&mut self, delete: &Delete) -> Result<Answer, Refusal> {
        let owner = delete.owner_id;
        self.active(owner)?;
        let keys = delete.message_ids.iter().map(|&id| (owner, id));
        if let Some(time) = delete.trashed_before {
            for key in keys {
                let copy = self.copies.get(&key);
                if copy.is_some_and(|c| c.trash_time.is_some_and(|trashed| trashed < time)) {
                    self.remove(key);
                }
            }
            return Ok(Answer::Deleted);
        }
        self.check_all_there(owner, &delete.message_ids, |key| self.deleted.contains(key))?;
        for key in keys {
            self.remove(key);
        }
        Ok(Answer::Deleted)
    }

    fn check_all_there(
        &self,
        owner: Uuid,
        ids: &[Uuid],
        excused: impl Fn(&Key) -> bool,
    ) -> Result<(), Refusal> {
        let missing: Vec<Uuid> = ids
            .iter()
            .copied()
            .filter(|&id| !self.copies.contains_key(&(owner, id)) && !excused(&(owner, id)))
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Refusal::MessagesNotFound(missing))
        }
    }
}
