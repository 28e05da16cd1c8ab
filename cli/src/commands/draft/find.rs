//! Finding drafts among drafts only: what somebody does to a draft must never happen to a message.

use std::collections::HashSet;

use turbomessage_proto::mail_v1::FolderRole;

use super::super::{folders::Place, message_ids};
use crate::{
    connection::Connection,
    failure::Failure,
    short_id::{Search, ShortId},
};

/// The id of the draft that `wanted` means.
pub(super) async fn one(wanted: &ShortId, connection: &Connection) -> Result<String, Failure> {
    let ids = all(std::slice::from_ref(wanted), connection).await?;
    Ok(ids.into_iter().next().unwrap_or_default())
}

/// The ids of the drafts that `wanted` mean.
pub(super) async fn all(
    wanted: &[ShortId],
    connection: &Connection,
) -> Result<Vec<String>, Failure> {
    let mut search = Search::new(wanted);
    let mut drafts = HashSet::new();
    let folder = Place::Role(FolderRole::Drafts);
    message_ids::look_at_folder(&folder, connection, |draft| {
        search.look_at(&draft.message_id);
        drafts.insert(draft.message_id.clone());
    })
    .await?;
    let ids = search.finish("draft", "MESSAGE_NOT_FOUND")?;
    match ids.iter().find(|id| !drafts.contains(*id)) {
        Some(id) => Err(Failure::not_found(
            "MESSAGE_NOT_FOUND",
            format!("No draft has the id {id}."),
        )),
        None => Ok(ids),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fake_server::{self, Script};

    const DRAFT: &str = "0199a8f3-1c2b-7abc-8def-aaaa00000001";
    const LETTER: &str = "0199a8f3-1c2b-7abc-8def-bbbb00000001";

    #[tokio::test]
    async fn a_message_that_is_no_draft_is_not_found_even_by_its_whole_id() {
        let script = Arc::new(Script {
            folders: vec![("drafts", vec![vec![DRAFT]]), ("inbox", vec![vec![LETTER]])],
            ..Script::default()
        });
        let connection = fake_server::serve(&script).await;
        for (wanted, expected) in [
            ("aaaa", Some(DRAFT)),
            (DRAFT, Some(DRAFT)),
            ("bbbb", None),
            (LETTER, None),
        ] {
            let found = one(&wanted.parse().unwrap(), &connection).await;
            match expected {
                Some(id) => assert_eq!(found.unwrap(), id),
                None => assert_eq!(found.unwrap_err().exit_code(), 5, "{wanted}"),
            }
        }
    }
}
