//! From the short ids that people type to whole ones.

use turbomessage_proto::mail_v1::{FolderRole, ListMessagesRequest, Message};

use super::{
    folders::{self, Place},
    pages::MAX_PAGE,
};
use crate::{
    connection::Connection,
    failure::Failure,
    short_id::{Search, ShortId},
};

/// The whole ids that `wanted` mean. A whole one is taken as it is; for short ones the mailbox is
/// gone through, for only then is it known that no other message has such an id.
pub(crate) async fn find(
    wanted: &[ShortId],
    connection: &Connection,
) -> Result<Vec<String>, Failure> {
    let mut search = Search::new(wanted);
    if !search.is_over() {
        look_at_all(connection, |message| search.look_at(&message.message_id)).await?;
    }
    search.finish("message", "MESSAGE_NOT_FOUND")
}

/// The whole id that `wanted` means.
pub(crate) async fn find_one(wanted: &ShortId, connection: &Connection) -> Result<String, Failure> {
    let ids = find(std::slice::from_ref(wanted), connection).await?;
    Ok(ids.into_iter().next().unwrap_or_default())
}

/// Gives every message of the mailbox to `look`.
pub(crate) async fn look_at_all(
    connection: &Connection,
    mut look: impl FnMut(&Message),
) -> Result<(), Failure> {
    for folder in folders::all(connection).await? {
        if folder.total_count > 0 {
            let folder = Place::Id(folder.folder_id);
            look_at_folder(&folder, connection, &mut look).await?;
        }
    }
    Ok(())
}

/// Gives every message of `folder` to `look`.
pub(crate) async fn look_at_folder(
    folder: &Place,
    connection: &Connection,
    mut look: impl FnMut(&Message),
) -> Result<(), Failure> {
    let (folder_id, folder_role) = folder.fields();
    let mut request = ListMessagesRequest {
        folder_id,
        folder_role,
        page_size: MAX_PAGE,
        ..ListMessagesRequest::default()
    };
    loop {
        let page = connection.mail().list_messages(request.clone()).await?;
        let page = page.into_inner();
        page.messages.iter().for_each(&mut look);
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

/// The newest message of a standard folder, which people call `name`.
pub(crate) async fn newest(
    folder_role: FolderRole,
    name: &str,
    connection: &Connection,
) -> Result<String, Failure> {
    let request = ListMessagesRequest {
        folder_role: folder_role.into(),
        page_size: 1,
        ..ListMessagesRequest::default()
    };
    let page = connection.mail().list_messages(request).await?.into_inner();
    let newest = page.messages.into_iter().next();
    newest
        .map(|message: Message| message.message_id)
        .ok_or_else(|| Failure::not_found("MESSAGE_NOT_FOUND", format!("The {name} is empty.")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fake_server::{self, Script};

    const A: &str = "0199a8f3-1c2b-7abc-8def-3fa2c1d00001";
    const B: &str = "0199a8f3-1c2b-7abd-8def-aaaabbbbcccc";
    const C: &str = "0199a8f4-0000-7abd-8def-3fa2c1d0ffff";

    async fn found(wanted: &[&str]) -> (Result<Vec<String>, Failure>, usize) {
        let script = Arc::new(Script {
            folders: vec![
                ("inbox", vec![vec![A], vec![B]]),
                ("drafts", vec![]),
                ("trash", vec![vec![], vec![C]]),
            ],
            ..Script::default()
        });
        let connection = fake_server::serve(&script).await;
        let wanted: Vec<ShortId> = wanted.iter().map(|text| text.parse().unwrap()).collect();
        let ids = find(&wanted, &connection).await;
        let pages = script.lists.lock().unwrap().len();
        (ids, pages)
    }

    #[tokio::test]
    async fn short_ids_are_looked_for_in_every_folder_and_on_every_page() {
        let (ids, pages) = found(&["0199a8f4", "aaaa"]).await;
        assert_eq!(ids.unwrap(), [C, B]);
        assert_eq!(pages, 4);
    }

    #[tokio::test]
    async fn one_that_means_messages_in_two_folders_is_refused() {
        let (ids, _) = found(&["3fa2c1d0"]).await;
        assert_eq!(ids.unwrap_err().exit_code(), 2);
    }

    #[tokio::test]
    async fn whole_ids_are_not_looked_for() {
        let (ids, pages) = found(&[A]).await;
        assert_eq!((ids.unwrap(), pages), (vec![A.to_owned()], 0));
    }
}
