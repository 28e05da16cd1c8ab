//! Reading messages and folders.

use std::collections::HashMap;

use turbomessage_service_kit::problem::{Problem, Reason};
use uuid::Uuid;

use super::{Mail, Page};
use crate::{
    commit::Place,
    domain::{Body, Copy, Cursor, Filter, Folder, Label, PageSize},
};

impl Mail {
    /// One copy, with its text if `full`.
    ///
    /// # Errors
    /// `MESSAGE_NOT_FOUND`.
    pub(crate) async fn get(
        &self,
        owner: Uuid,
        message_id: Uuid,
        full: bool,
    ) -> Result<(Copy, Option<Body>), Problem> {
        let not_found =
            || Problem::new(Reason::MessageNotFound).with("message_id", message_id.to_string());
        if full {
            let found = self.store.whole(owner, message_id).await?;
            let (copy, body) = found.ok_or_else(not_found)?;
            return Ok((copy, Some(body)));
        }
        let found = self.store.copies(owner, &[message_id]).await?.pop();
        Ok((found.ok_or_else(not_found)?, None))
    }

    /// Several copies in the order of `ids`.
    ///
    /// # Errors
    /// `MESSAGE_NOT_FOUND`, naming the missing.
    pub(crate) async fn copies(&self, owner: Uuid, ids: &[Uuid]) -> Result<Vec<Copy>, Problem> {
        let found = self.store.copies(owner, ids).await?;
        let mut found: HashMap<Uuid, Copy> = found.into_iter().map(|c| (c.message_id, c)).collect();
        let missing: Vec<Uuid> = ids
            .iter()
            .copied()
            .filter(|id| !found.contains_key(id))
            .collect();
        if !missing.is_empty() {
            return Err(
                Problem::new(Reason::MessageNotFound).with_culprits("message_ids", &missing)
            );
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// The texts of several copies, by id.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn bodies(
        &self,
        owner: Uuid,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Body>, Problem> {
        Ok(self.store.bodies(owner, ids).await?.into_iter().collect())
    }

    /// The beginnings of the texts of several copies, by id.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn openings(
        &self,
        owner: Uuid,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Body>, Problem> {
        Ok(self.store.openings(owner, ids).await?.into_iter().collect())
    }

    /// A page of a list after `cursor`, newest first.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn list(
        &self,
        filter: &Filter,
        cursor: Cursor,
        size: PageSize,
    ) -> Result<Page<Copy>, Problem> {
        let found = self.store.list(filter, cursor, size.get() + 1).await?;
        Ok(Page::of(found, size.get()))
    }

    /// The labels in use, by name.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn labels(&self, owner: Uuid) -> Result<Vec<Label>, Problem> {
        Ok(self.store.labels(owner).await?)
    }

    /// The id of the folder at `place`.
    ///
    /// # Errors
    /// `FOLDER_NOT_FOUND`.
    pub(crate) async fn folder(&self, owner: Uuid, place: Place) -> Result<Uuid, Problem> {
        match place {
            Place::Role(role) => {
                if let Some(id) = self.standard_folders.get(&(owner, role)) {
                    return Ok(id);
                }
                let folders = self.folders(owner).await?;
                let folder = folders.iter().find(|f| f.role == Some(role));
                folder
                    .map(|f| f.folder_id)
                    .ok_or_else(|| Problem::new(Reason::FolderNotFound))
            }
            Place::Folder(id) => {
                let there = self.folders(owner).await?.iter().any(|f| f.folder_id == id);
                let not_found =
                    || Problem::new(Reason::FolderNotFound).with("folder_id", id.to_string());
                there.then_some(id).ok_or_else(not_found)
            }
        }
    }

    /// All folders: the standard ones by role, then the owner's by name.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn folders(&self, owner: Uuid) -> Result<Vec<Folder>, Problem> {
        let mut folders = self.store.folders(owner).await?;
        if folders.is_empty() {
            self.open(owner).await?;
            folders = self.store.folders(owner).await?;
        }
        folders.sort_by_key(folder_order);
        for folder in &folders {
            if let Some(role) = folder.role {
                self.standard_folders
                    .insert((owner, role), folder.folder_id);
            }
        }
        Ok(folders)
    }
}

/// Standard folders in the order of their roles, then the owner's by name.
fn folder_order(folder: &Folder) -> (i16, String, Uuid) {
    let role = folder.role.map_or(i16::MAX, |role| role as i16);
    (role, folder.name.to_lowercase(), folder.folder_id)
}
