//! `tm folders`, and finding a folder by what people call it.

use serde_json::{Value, json};
use turbomessage_proto::mail_v1::{Folder, FolderRole, ListFoldersRequest};

use crate::{
    connection::Connection,
    context::Context,
    failure::Failure,
    output::{json, one_line, people},
};

/// The standard folders, by the names that commands take.
const STANDARD: [(&str, FolderRole); 7] = [
    ("inbox", FolderRole::Inbox),
    ("sent", FolderRole::Sent),
    ("drafts", FolderRole::Drafts),
    ("outbox", FolderRole::Outbox),
    ("archive", FolderRole::Archive),
    ("spam", FolderRole::Spam),
    ("trash", FolderRole::Trash),
];

/// Lists the folders.
pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    let folders = all(&context.connect_signed_in().await?).await?;
    let rows: Value = folders.iter().map(json::folder).collect();
    let json = json!({"folders": rows});
    context
        .printer
        .print(&json, |screen| people::folder_table(&folders, screen))
}

/// All folders, standard ones first.
pub(crate) async fn all(connection: &Connection) -> Result<Vec<Folder>, Failure> {
    let answer = connection
        .mail()
        .list_folders(ListFoldersRequest {})
        .await?;
    Ok(answer.into_inner().folders)
}

/// A folder as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A standard folder.
    Role(FolderRole),
    /// A folder by its id.
    Id(String),
}

impl Place {
    /// The fields of a request, of which one is set.
    pub(crate) fn fields(&self) -> (String, i32) {
        match self {
            Self::Role(role) => (String::new(), (*role).into()),
            Self::Id(id) => (id.clone(), FolderRole::Unspecified.into()),
        }
    }
}

/// The folder that `name` means: a standard one by its English name, any by its own name or id.
pub(crate) async fn find(name: &str, connection: &Connection) -> Result<Place, Failure> {
    if let Some(role) = standard(name) {
        return Ok(Place::Role(role));
    }
    Ok(Place::Id(named(name, connection).await?.folder_id))
}

/// The folder that `name` means, with what is known of it.
pub(crate) async fn named(name: &str, connection: &Connection) -> Result<Folder, Failure> {
    let folders = all(connection).await?;
    let role = standard(name).map(i32::from);
    let same = |f: &&Folder| Some(f.role) == role || f.name == name || f.folder_id == name;
    let any_case = || {
        let wanted = name.to_lowercase();
        folders.iter().find(|f| f.name.to_lowercase() == wanted)
    };
    let found = folders.iter().find(same).or_else(any_case).cloned();
    found.ok_or_else(|| {
        Failure::not_found(
            "FOLDER_NOT_FOUND",
            format!("There is no folder called {}.", one_line(name)),
        )
        .hint("`tm folders` lists them")
    })
}

fn standard(name: &str) -> Option<FolderRole> {
    let known = |(known, _): &&(&str, FolderRole)| known.eq_ignore_ascii_case(name);
    STANDARD.iter().find(known).map(|(_, role)| *role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_folders_are_known_by_their_english_names() {
        assert_eq!(standard("Inbox"), Some(FolderRole::Inbox));
        assert_eq!(standard("trash"), Some(FolderRole::Trash));
        assert_eq!(standard("work"), None);
        let all = (1..).map_while(|n| FolderRole::try_from(n).ok());
        let named: Vec<FolderRole> = STANDARD.iter().map(|(_, role)| *role).collect();
        assert_eq!(named, all.collect::<Vec<_>>());
    }
}
