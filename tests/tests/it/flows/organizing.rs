//! Putting mail in order: folders, labels, conversations.

use tonic::Code;
use turbomessage_proto::mail_v1::{
    CreateFolderRequest, DeleteFolderRequest, Folder, FolderRole, GetThreadRequest, Label,
    ListFoldersRequest, ListLabelsRequest, ListMessagesRequest, ListThreadsRequest,
    ModifyMessagesRequest, SendMessageRequest, UpdateFolderRequest,
};
use turbomessage_tests::{Edge, User, client::letter, errors::refused};

async fn folder(user: &User, id: &str) -> Option<Folder> {
    let folders = user.mail().list_folders(ListFoldersRequest {}).await;
    let mut folders = folders.unwrap().into_inner().folders.into_iter();
    folders.find(|folder| folder.folder_id == id)
}

async fn labels(user: &User) -> Vec<Label> {
    let labels = user.mail().list_labels(ListLabelsRequest {}).await;
    labels.unwrap().into_inner().labels
}

pub(super) async fn folders_of_ones_own_come_and_go(edge: &Edge) {
    let [ana, ben] = [edge.register_fresh().await, edge.register_fresh().await];
    ben.send(&[&ana], "Plans", "text").await.unwrap();
    let create = |name: &str| CreateFolderRequest {
        name: name.into(),
        ..Default::default()
    };
    let made = ana.mail().create_folder(create("Añil")).await.unwrap();
    let made = made.into_inner().folder.unwrap();
    assert_eq!((made.total_count, made.role), (0, 0));
    let taken = ana.mail().create_folder(create("añIL")).await;
    refused(taken, Code::AlreadyExists, "FOLDER_NAME_TAKEN");

    let id = ana.inbox().await[0].message_id.clone();
    let modify = ModifyMessagesRequest {
        message_ids: vec![id.clone()],
        move_to_folder_id: made.folder_id.clone(),
        ..Default::default()
    };
    ana.mail().modify_messages(modify).await.unwrap();
    let shown = folder(&ana, &made.folder_id).await.unwrap();
    assert_eq!((shown.total_count, shown.unread_count), (1, 1));
    assert!(ana.inbox().await.is_empty());

    let update = UpdateFolderRequest {
        folder_id: made.folder_id.clone(),
        name: "Azul".into(),
        ..Default::default()
    };
    let renamed = ana.mail().update_folder(update).await.unwrap();
    let renamed = renamed.into_inner().folder.unwrap();
    assert_eq!((&*renamed.name, renamed.total_count), ("Azul", 1));

    let delete = DeleteFolderRequest {
        folder_id: made.folder_id.clone(),
    };
    ana.mail().delete_folder(delete.clone()).await.unwrap();
    assert_eq!(folder(&ana, &made.folder_id).await, None);
    let trash = ana.list(FolderRole::Trash).await.unwrap();
    assert_eq!(trash[0].message_id, id, "its messages are in Trash");
    let again = ana.mail().delete_folder(delete).await;
    refused(again, Code::NotFound, "FOLDER_NOT_FOUND");
}

pub(super) async fn labels_come_with_use_and_go_with_it(edge: &Edge) {
    let [ana, ben] = [edge.register_fresh().await, edge.register_fresh().await];
    for n in 0..3 {
        ben.send(&[&ana], &n.to_string(), "text").await.unwrap();
    }
    let inbox = ana.inbox().await;
    let ids: Vec<String> = inbox.iter().map(|m| m.message_id.clone()).collect();
    let modify = |ids: &[String], add: &[&str], remove: &[&str]| ModifyMessagesRequest {
        message_ids: ids.to_vec(),
        add_labels: add.iter().map(|&l| l.into()).collect(),
        remove_labels: remove.iter().map(|&l| l.into()).collect(),
        ..Default::default()
    };
    let changed = modify(&ids[..2], &["work", "Urgent"], &[]);
    let changed = ana.mail().modify_messages(changed).await.unwrap();
    let changed = changed.into_inner().messages;
    assert!(changed.iter().all(|m| m.labels == ["Urgent", "work"]));
    let label = |name: &str, total_count, unread_count| Label {
        name: name.into(),
        total_count,
        unread_count,
    };
    let expected = [label("Urgent", 2, 2), label("work", 2, 2)];
    assert_eq!(labels(&ana).await, expected);

    let list = ListMessagesRequest {
        folder_role: FolderRole::Inbox.into(),
        label: "work".into(),
        ..Default::default()
    };
    let listed = ana.mail().list_messages(list).await.unwrap();
    let listed = listed.into_inner().messages.into_iter();
    let listed: Vec<String> = listed.map(|m| m.message_id).collect();
    assert_eq!(listed, ids[..2]);

    let off = modify(&ids, &[], &["Urgent"]);
    ana.mail().modify_messages(off).await.unwrap();
    assert_eq!(labels(&ana).await, [label("work", 2, 2)]);
}

pub(super) async fn a_conversation_is_one_for_everybody_in_it(edge: &Edge) {
    let [ana, ben] = [edge.register_fresh().await, edge.register_fresh().await];
    ana.send(&[&ben], "Lunch?", "At one?").await.unwrap();
    let first = ben.inbox().await.remove(0);
    let answer = SendMessageRequest {
        in_reply_to: first.message_id.clone(),
        ..letter(&[&ana], "Re: Lunch?", "Yes!")
    };
    ben.send_request(answer).await.unwrap();
    ana.send(&[&ben], "Other", "text").await.unwrap();

    for (user, role, newest) in [
        (&ana, FolderRole::Inbox, "Yes!"),
        (&ben, FolderRole::Inbox, "text"),
    ] {
        let request = ListThreadsRequest {
            folder_role: role.into(),
            ..Default::default()
        };
        let threads = user.mail().list_threads(request).await.unwrap();
        let threads = threads.into_inner().threads;
        assert_eq!(threads[0].snippet, newest);
        let thread = threads.iter().find(|t| t.subject == "Lunch?").unwrap();
        assert_eq!((thread.message_count, thread.participants.len()), (2, 2));
        let request = GetThreadRequest {
            thread_id: thread.thread_id.clone(),
            ..Default::default()
        };
        let whole = user.mail().get_thread(request).await.unwrap().into_inner();
        let texts: Vec<String> = whole
            .messages
            .into_iter()
            .map(|m| m.body.unwrap().text)
            .collect();
        assert_eq!(texts, ["At one?", "Yes!"], "oldest first, whole");
        assert_eq!(whole.thread.as_ref(), Some(thread));
    }
}
