//! `tm folder`.

use clap::{Args, Subcommand};
use serde_json::json;
use turbomessage_proto::mail_v1::{
    CreateFolderRequest, DeleteFolderRequest, Folder, UpdateFolderRequest,
};

use super::{confirm, delivery::new_request_id, folders, retry};
use crate::{
    connection::Connection,
    context::Context,
    failure::Failure,
    output::{json, one_line, people::count},
};

/// Options of `tm folder`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm folder create Work
  tm folder rename Work 'Old work'
  tm folder delete 'Old work'
  tm folders                      lists them")]
pub(crate) struct FolderArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a folder.
    #[command(before_help = "Examples:\n  tm folder create Work")]
    Create {
        /// What to call it: at most 64 characters.
        name: String,
    },
    /// Give a folder another name.
    #[command(before_help = "Examples:\n  tm folder rename Work 'Old work'")]
    Rename {
        /// The folder: its name or id.
        folder: String,
        /// What to call it: at most 64 characters.
        name: String,
    },
    /// Remove a folder; its messages go to the Trash.
    #[command(
        before_help = "Examples:\n  tm folder delete 'Old work'\n  tm folder delete Work --yes"
    )]
    Delete {
        /// The folder: its name or id.
        folder: String,
        /// Do not ask first.
        #[arg(short, long)]
        yes: bool,
    },
}

/// Makes, renames or removes a folder.
pub(crate) async fn run(args: FolderArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    match args.action {
        Action::Create { name } => {
            let folder = create(name, new_request_id(context), &connection).await?;
            let made = format!("Made the folder {}.\n", one_line(&folder.name));
            say(&folder, made, context)
        }
        Action::Rename { folder, name } => {
            let before = folders::named(&folder, &connection).await?;
            let request_id = new_request_id(context);
            let folder = rename(&before, name, request_id, &connection).await?;
            let (before, now) = (one_line(&before.name), one_line(&folder.name));
            say(
                &folder,
                format!("The folder {before} is now called {now}.\n"),
                context,
            )
        }
        Action::Delete { folder, yes } => {
            let folder = folders::named(&folder, &connection).await?;
            if !yes {
                confirm(&question(&folder))?;
            }
            delete(&folder, &connection).await?;
            let name = one_line(&folder.name);
            let gone = format!("Deleted the folder {name}. What was in it is in the Trash.\n");
            say(&folder, gone, context)
        }
    }
}

fn say(folder: &Folder, text: String, context: &Context) -> Result<(), Failure> {
    let json = json!({"folder": json::folder(folder)});
    context.printer.print(&json, |_| text)
}

fn question(folder: &Folder) -> String {
    let name = one_line(&folder.name);
    match usize::try_from(folder.total_count) {
        Ok(total @ 1..) => {
            let messages = count(total, "message");
            format!("Delete the folder {name}, and move the {messages} in it to the Trash?")
        }
        Ok(0) | Err(_) => format!("Delete the empty folder {name}?"),
    }
}

async fn create(
    name: String,
    request_id: String,
    connection: &Connection,
) -> Result<Folder, Failure> {
    let request = CreateFolderRequest { name, request_id };
    let call = async || connection.mail().create_folder(request.clone()).await;
    let answer = retry::until_answered(call).await?;
    Ok(answer.folder.unwrap_or_default())
}

async fn rename(
    folder: &Folder,
    name: String,
    request_id: String,
    connection: &Connection,
) -> Result<Folder, Failure> {
    let request = UpdateFolderRequest {
        folder_id: folder.folder_id.clone(),
        name,
        request_id,
    };
    let call = async || connection.mail().update_folder(request.clone()).await;
    let answer = retry::until_answered(call).await?;
    Ok(answer.folder.unwrap_or_default())
}

async fn delete(folder: &Folder, connection: &Connection) -> Result<(), Failure> {
    let request = DeleteFolderRequest {
        folder_id: folder.folder_id.clone(),
    };
    connection.mail().delete_folder(request).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tonic::Code;
    use turbomessage_proto::mail_v1::{
        CreateFolderResponse, DeleteFolderResponse, UpdateFolderResponse,
    };

    use super::*;
    use crate::fake_server::{self, Script};

    fn script() -> Arc<Script> {
        Arc::new(Script {
            folders: vec![("work", vec![vec!["a", "b"]]), ("inbox", vec![])],
            ..Script::default()
        })
    }

    #[tokio::test]
    async fn a_folder_that_may_have_been_made_is_made_once() {
        let script = script();
        let away = fake_server::error(Code::Unavailable, "SHUTTING_DOWN", &[]);
        script.create_folder.will(Err(away));
        script
            .create_folder
            .will(Ok(CreateFolderResponse::default()));
        let connection = fake_server::serve(&script).await;
        create("Work".into(), "id".into(), &connection)
            .await
            .unwrap();
        let once = CreateFolderRequest {
            name: "Work".into(),
            request_id: "id".into(),
        };
        assert_eq!(script.create_folder.asked(), [once.clone(), once]);
    }

    #[tokio::test]
    async fn folders_are_renamed_and_deleted_by_name() {
        let script = script();
        script
            .update_folder
            .will(Ok(UpdateFolderResponse::default()));
        script
            .delete_folder
            .will(Ok(DeleteFolderResponse::default()));
        let connection = fake_server::serve(&script).await;
        let folder = folders::named("Work", &connection).await.unwrap();
        rename(&folder, "Home".into(), "id".into(), &connection)
            .await
            .unwrap();
        delete(&folder, &connection).await.unwrap();
        let renamed = UpdateFolderRequest {
            folder_id: "work".into(),
            name: "Home".into(),
            request_id: "id".into(),
        };
        assert_eq!(script.update_folder.asked(), [renamed]);
        assert_eq!(script.delete_folder.asked()[0].folder_id, "work");
    }

    #[test]
    fn who_is_asked_learns_what_becomes_of_the_messages() {
        let folder = |total_count| Folder {
            name: "Work\x07".into(),
            total_count,
            ..Folder::default()
        };
        assert_eq!(
            question(&folder(3)),
            "Delete the folder Work\\u{7}, and move the 3 messages in it to the Trash?"
        );
        assert_eq!(question(&folder(0)), "Delete the empty folder Work\\u{7}?");
    }
}
