//! Folders of the owner's own.

use turbomessage_service_kit::clock::new_id;
use uuid::Uuid;

use super::Desk;
use crate::{
    commit::job::{Answer, CreateFolder, DeleteFolder, Refusal, RenameFolder},
    domain::{Event, Folder, FolderRole, MAX_FOLDERS},
    search::fold,
    store::{Kept, Key},
};

/// What a search calls all folders: no folder can have this name.
const ANYWHERE: &str = "anywhere";

impl Desk {
    pub(super) fn create_folder(&mut self, create: &CreateFolder) -> Result<Answer, Refusal> {
        let owner = create.owner_id;
        self.active(owner)?;
        if let Some(answer) = self.replay(owner, create.request) {
            return answer;
        }
        self.check_name(owner, &create.name, None)?;
        let folders = self.folders.get(&owner).into_iter().flatten();
        if folders.filter(|f| f.role.is_none()).count() >= MAX_FOLDERS {
            return Err(Refusal::TooManyFolders);
        }

        let folder_id = new_id(self.time());
        let change = self.next_change(owner, Event::FolderCreated, folder_id);
        let folder = Folder {
            owner_id: owner,
            folder_id,
            role: None,
            name: create.name.clone(),
            total_count: 0,
            unread_count: 0,
            change,
            create_change: change,
        };
        self.folders.entry(owner).or_default().push(folder.clone());
        self.new_folders.insert((owner, folder_id));
        self.keep(owner, create.request, Kept::Folder(folder.clone()));
        Ok(Answer::Folder(folder))
    }

    pub(super) fn rename_folder(&mut self, rename: &RenameFolder) -> Result<Answer, Refusal> {
        let (owner, id) = (rename.owner_id, rename.folder_id);
        self.active(owner)?;
        if let Some(answer) = self.replay(owner, rename.request) {
            return answer;
        }
        self.own_folder((owner, id))?;
        self.check_name(owner, &rename.name, Some(id))?;

        let folder = self.folder_mut(owner, id);
        let folder = folder.ok_or(Refusal::FolderNotFound(id))?;
        let changed = folder.name != rename.name;
        folder.name.clone_from(&rename.name);
        let folder = folder.clone();
        if changed {
            self.changed_folders.insert((owner, id));
        }
        self.keep(owner, rename.request, Kept::Folder(folder.clone()));
        Ok(Answer::Folder(folder))
    }

    /// Moves the messages that are on the desk to Trash, and deletes the folder if that was all.
    pub(super) fn delete_folder(&mut self, delete: &DeleteFolder) -> Result<Answer, Refusal> {
        let (owner, id) = (delete.owner_id, delete.folder_id);
        self.active(owner)?;
        self.own_folder((owner, id))?;

        let trash = self.standard_folder(owner, FolderRole::Trash);
        let inside = self.copies.values();
        let inside = inside.filter(|c| c.owner_id == owner && c.folder_id == id);
        let mut inside: Vec<_> = inside.map(|c| (c.receive_time, c.message_id)).collect();
        // The history is to show them in the order of the folder.
        inside.sort_unstable();
        for (_, message_id) in inside {
            self.change((owner, message_id), |copy| copy.folder_id = trash);
        }
        if self.folder(owner, id).is_some_and(|f| f.total_count > 0) {
            return Ok(Answer::FolderShrunk);
        }
        self.next_change(owner, Event::FolderDeleted, id);
        if let Some(folders) = self.folders.get_mut(&owner) {
            folders.retain(|f| f.folder_id != id);
        }
        if !self.new_folders.remove(&(owner, id)) {
            self.changes.deleted_folders.push((owner, id));
        }
        Ok(Answer::Deleted)
    }

    /// The folder must be there, and made by its owner.
    fn own_folder(&self, (owner, id): Key) -> Result<(), Refusal> {
        match self.folder(owner, id) {
            None => Err(Refusal::FolderNotFound(id)),
            Some(folder) if folder.role.is_some() => Err(Refusal::FolderProtected(id)),
            Some(_) => Ok(()),
        }
    }

    /// No folder but the one with this id may be called that.
    fn check_name(&self, owner: Uuid, name: &str, but: Option<Uuid>) -> Result<(), Refusal> {
        let mut folders = self.folders.get(&owner).into_iter().flatten();
        let taken = folders.any(|f| f.is_called(name) && Some(f.folder_id) != but);
        // A search takes these without their accents.
        let folded = fold(name);
        let is_standard = |role: FolderRole| fold(role.name()) == folded;
        if taken || folded == ANYWHERE || FolderRole::ALL.into_iter().any(is_standard) {
            return Err(Refusal::FolderNameTaken);
        }
        Ok(())
    }
}
