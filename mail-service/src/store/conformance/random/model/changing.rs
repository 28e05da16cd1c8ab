//! Marking, labelling, moving and deleting; folders.

use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use super::{Held, Model, Owner, Spot};
use crate::{
    commit::{Delete, Modify, Place, Refusal},
    domain::{FolderRole, Kind},
};

impl Model {
    /// What must come of a modification.
    pub(in super::super) fn judge_modify(&self, modify: &Modify) -> Result<(), Refusal> {
        self.active(modify.owner_id)?;
        let nobody = Owner::default();
        let owner = self.owners.get(&modify.owner_id).unwrap_or(&nobody);
        let ids = modify.message_ids.iter().copied();
        let missing: Vec<Uuid> = ids.clone().filter(|&id| owner.find(id).is_none()).collect();
        if !missing.is_empty() {
            return Err(Refusal::MessagesNotFound(missing));
        }
        let held = || ids.clone().filter_map(|id| owner.find(id));
        if let Some(etag) = &modify.etag
            && held().any(|held| *etag != format!("{:x}", held.change))
        {
            return Err(Refusal::EtagMismatch);
        }
        match target(owner, modify) {
            Some(Err(unknown)) => Err(Refusal::FolderNotFound(unknown)),
            Some(Ok(spot)) => may_move(owner, held(), spot),
            None => Ok(()),
        }
    }

    pub(in super::super) fn modify(&mut self, modify: &Modify) {
        let now = self.now;
        let owner = self.owner(modify.owner_id);
        let spot = target(owner, modify).and_then(Result::ok);
        for held in &mut owner.copies {
            if !modify.message_ids.contains(&held.message_id) {
                continue;
            }
            let before = held.clone();
            held.read = modify.read.unwrap_or(held.read);
            held.starred = modify.starred.unwrap_or(held.starred);
            held.labels.extend(modify.add_labels.iter().cloned());
            held.labels.retain(|l| !modify.remove_labels.contains(l));
            move_to(held, spot.unwrap_or(held.spot), now);
            let flags = |h: &Held| (h.read, h.starred, h.spot);
            held.changed |= flags(&before) != flags(held) || before.labels != held.labels;
        }
    }

    /// What must come of a deletion.
    pub(in super::super) fn judge_delete(&self, delete: &Delete) -> Result<(), Refusal> {
        self.active(delete.owner_id)?;
        let nobody = Owner::default();
        let owner = self.owners.get(&delete.owner_id).unwrap_or(&nobody);
        let there = |id: Uuid| owner.find(id).is_some() || owner.deleted.contains(&id);
        let ids = delete.message_ids.iter().copied();
        let missing: Vec<Uuid> = ids.filter(|&id| !there(id)).collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Refusal::MessagesNotFound(missing))
        }
    }

    pub(in super::super) fn delete(&mut self, owner: Uuid, ids: &[Uuid]) {
        let owner = self.owner(owner);
        let before = owner.copies.len();
        owner.copies.retain(|held| !ids.contains(&held.message_id));
        owner.changed |= owner.copies.len() < before;
        owner.deleted.extend(ids);
    }

    /// Those of `owner`'s messages that are in Trash since before `time`.
    pub(in super::super) fn trashed(&self, owner: Uuid, time: Timestamp) -> Vec<Uuid> {
        let copies = self.owners.get(&owner).map_or(&[][..], |o| &o.copies);
        let old = copies
            .iter()
            .filter(|h| h.trash_time.is_some_and(|t| t < time));
        old.map(|held| held.message_id).collect()
    }

    fn check_name(&self, owner: Uuid, name: &str, but: Option<Uuid>) -> Result<(), Refusal> {
        let name = name.to_lowercase();
        let standard = FolderRole::ALL
            .iter()
            .map(|role| role.name().to_lowercase());
        let own = self.owners.get(&owner).into_iter().flat_map(|o| &o.own);
        let own = own.filter(|(id, _)| Some(**id) != but);
        let mut taken = standard.chain(own.map(|(_, name)| name.to_lowercase()));
        if name == "anywhere" || taken.any(|other| other == name) {
            return Err(Refusal::FolderNameTaken);
        }
        Ok(())
    }

    pub(in super::super) fn judge_creation(&self, owner: Uuid, name: &str) -> Result<(), Refusal> {
        self.active(owner)?;
        self.check_name(owner, name, None)
    }

    /// A folder has this name now, for the first time or not.
    pub(in super::super) fn name_folder(&mut self, owner: Uuid, id: Uuid, name: &str) {
        let owner = self.owner(owner);
        let before = owner.own.insert(id, name.to_owned());
        owner.changed |= before.as_deref() != Some(name);
    }

    pub(in super::super) fn judge_renaming(
        &self,
        (owner, id): (Uuid, Uuid),
        name: &str,
    ) -> Result<(), Refusal> {
        self.judge_folder_deletion(owner, id)?;
        self.check_name(owner, name, Some(id))
    }

    /// Standard folders stay.
    pub(in super::super) fn judge_folder_deletion(
        &self,
        owner: Uuid,
        id: Uuid,
    ) -> Result<(), Refusal> {
        self.active(owner)?;
        match self.owners.get(&owner).and_then(|o| o.spot(id)) {
            None => Err(Refusal::FolderNotFound(id)),
            Some(Spot::Role(_)) => Err(Refusal::FolderProtected(id)),
            Some(Spot::Own(_)) => Ok(()),
        }
    }

    pub(in super::super) fn delete_folder(&mut self, owner: Uuid, id: Uuid) {
        let now = self.now;
        let owner = self.owner(owner);
        for held in &mut owner.copies {
            if held.spot == Spot::Own(id) {
                move_to(held, Spot::Role(FolderRole::Trash), now);
                held.changed = true;
            }
        }
        owner.own.remove(&id);
        owner.changed = true;
    }
}

fn move_to(held: &mut Held, spot: Spot, now: Timestamp) {
    if held.spot != spot {
        held.spot = spot;
        held.trash_time = (spot == Spot::Role(FolderRole::Trash)).then_some(now);
    }
}

fn is_protected(spot: Spot) -> bool {
    matches!(spot, Spot::Role(FolderRole::Drafts | FolderRole::Outbox))
}

fn may_move<'a>(
    owner: &Owner,
    held: impl Iterator<Item = &'a Held>,
    spot: Spot,
) -> Result<(), Refusal> {
    let protected = |spot| Err(Refusal::FolderProtected(owner.folder(spot)));
    if is_protected(spot) {
        return protected(spot);
    }
    for held in held {
        if is_protected(held.spot) {
            return protected(held.spot);
        }
        if spot == Spot::Role(FolderRole::Sent) && held.kind != Kind::Sent {
            return protected(spot);
        }
    }
    Ok(())
}

/// Where a modification moves to, if anywhere; the id, if no such folder is there.
fn target(owner: &Owner, modify: &Modify) -> Option<Result<Spot, Uuid>> {
    match modify.place? {
        Place::Role(role) => Some(Ok(Spot::Role(role))),
        Place::Folder(id) => Some(owner.spot(id).ok_or(id)),
    }
}
