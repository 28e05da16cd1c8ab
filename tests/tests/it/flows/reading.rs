//! Reading and keeping order.

use tonic::Code;
use turbomessage_proto::mail_v1::{
    BatchGetMessagesRequest, DeleteMessagesRequest, Folder, FolderRole, GetMailboxRequest,
    GetMessageRequest, ListFoldersRequest, ListMessagesRequest, Mailbox, Message, MessageView,
    ModifyMessagesRequest,
};
use turbomessage_tests::{
    Edge, User,
    errors::{metadata, refused},
};
use uuid::Uuid;

/// Two people, and what the first has sent to the second, newest first as the second sees it.
async fn with_mail(edge: &Edge, subjects: &[&str]) -> (User, User, Vec<Message>) {
    let (ana, ben) = (edge.register_fresh().await, edge.register_fresh().await);
    for subject in subjects {
        ana.send(&[&ben], subject, "text").await.unwrap();
    }
    let inbox = ben.inbox().await;
    assert_eq!(inbox.len(), subjects.len());
    (ana, ben, inbox)
}

async fn modify(user: &User, request: ModifyMessagesRequest) -> Vec<Message> {
    user.mail()
        .modify_messages(request)
        .await
        .unwrap()
        .into_inner()
        .messages
}

fn ids(messages: &[Message]) -> Vec<String> {
    messages
        .iter()
        .map(|message| message.message_id.clone())
        .collect()
}

async fn folders(user: &User) -> Vec<Folder> {
    let listed = user
        .mail()
        .list_folders(ListFoldersRequest {})
        .await
        .unwrap();
    listed.into_inner().folders
}

/// How many messages are in a folder, and how many of them are not read.
async fn counts(user: &User, role: FolderRole) -> (i32, i32) {
    let folders = folders(user).await;
    let folder = folders.iter().find(|folder| folder.role() == role).unwrap();
    (folder.total_count, folder.unread_count)
}

pub(super) async fn reading_does_not_mark_and_marking_counts(edge: &Edge) {
    let (_, ben, inbox) = with_mail(edge, &["one", "two"]).await;
    assert!(!ben.get(&inbox[0].message_id).await.unwrap().read);
    assert_eq!(counts(&ben, FolderRole::Inbox).await, (2, 2));

    let request = |read| ModifyMessagesRequest {
        message_ids: ids(&inbox[..1]),
        set_read: Some(read),
        ..Default::default()
    };
    let changed = modify(&ben, request(true)).await;
    assert!(changed[0].read && changed[0].etag != inbox[0].etag);
    assert_eq!(counts(&ben, FolderRole::Inbox).await, (2, 1));
    let unread = ListMessagesRequest {
        folder_role: FolderRole::Inbox.into(),
        unread_only: true,
        ..Default::default()
    };
    let unread = ben.mail().list_messages(unread).await.unwrap().into_inner();
    assert_eq!(ids(&unread.messages), ids(&inbox[1..]));
    modify(&ben, request(false)).await;
    assert_eq!(counts(&ben, FolderRole::Inbox).await, (2, 2));
}

pub(super) async fn favourites_are_listed_apart(edge: &Edge) {
    let (_, ben, inbox) = with_mail(edge, &["one", "two", "three"]).await;
    let request = ModifyMessagesRequest {
        message_ids: ids(&inbox[1..2]),
        set_starred: Some(true),
        ..Default::default()
    };
    assert!(modify(&ben, request).await[0].starred);
    let starred = ListMessagesRequest {
        folder_role: FolderRole::Inbox.into(),
        starred_only: true,
        ..Default::default()
    };
    let starred = ben
        .mail()
        .list_messages(starred)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(ids(&starred.messages), ids(&inbox[1..2]));
}

pub(super) async fn messages_move_among_folders(edge: &Edge) {
    let (ana, ben, inbox) = with_mail(edge, &["one", "two"]).await;
    let request = |messages: &[Message], role: FolderRole| ModifyMessagesRequest {
        message_ids: ids(messages),
        move_to_folder_role: role.into(),
        ..Default::default()
    };
    for role in [FolderRole::Archive, FolderRole::Spam, FolderRole::Trash] {
        modify(&ben, request(&inbox, role)).await;
        assert_eq!(counts(&ben, role).await, (2, 2));
        assert_eq!(counts(&ben, FolderRole::Inbox).await, (0, 0));
        assert_eq!(
            ids(&ben.list(role).await.unwrap()),
            ids(&inbox),
            "the order stays"
        );
    }
    let folders = folders(&ben).await;
    let back = ModifyMessagesRequest {
        message_ids: ids(&inbox),
        move_to_folder_id: folders[0].folder_id.clone(),
        ..Default::default()
    };
    modify(&ben, back).await;
    assert_eq!(ids(&ben.inbox().await), ids(&inbox));

    for role in [FolderRole::Drafts, FolderRole::Outbox] {
        let protected = ben.mail().modify_messages(request(&inbox, role)).await;
        refused(protected, Code::FailedPrecondition, "FOLDER_PROTECTED");
    }
    let sent = ana.list(FolderRole::Sent).await.unwrap();
    modify(&ana, request(&sent, FolderRole::Trash)).await;
    modify(&ana, request(&sent, FolderRole::Sent)).await;
    assert_eq!(ids(&ana.list(FolderRole::Sent).await.unwrap()), ids(&sent));
}

pub(super) async fn the_owners_copy_alone_is_deleted(edge: &Edge) {
    let (ana, ben, inbox) = with_mail(edge, &["one", "two"]).await;
    let unknown = Uuid::new_v4().to_string();
    let request = |message_ids: Vec<String>| DeleteMessagesRequest { message_ids };
    let mixed = vec![inbox[0].message_id.clone(), unknown.clone()];
    let status = ben.mail().delete_messages(request(mixed)).await;
    let status = refused(status, Code::NotFound, "MESSAGE_NOT_FOUND");
    assert_eq!(metadata(&status)["message_ids"], unknown);
    assert_eq!(ben.inbox().await.len(), 2, "all or none");

    for _ in 0..2 {
        // What was deleted already counts as done.
        ben.mail()
            .delete_messages(request(ids(&inbox[..1])))
            .await
            .unwrap();
    }
    assert_eq!(ids(&ben.inbox().await), ids(&inbox[1..]));
    let gone = ben.get(&inbox[0].message_id).await;
    refused(gone, Code::NotFound, "MESSAGE_NOT_FOUND");
    assert_eq!(
        ana.list(FolderRole::Sent).await.unwrap().len(),
        2,
        "nobody else's"
    );
}

pub(super) async fn several_messages_are_read_in_the_order_asked_for(edge: &Edge) {
    let (_, ben, mut inbox) = with_mail(edge, &["one", "two", "three"]).await;
    inbox.rotate_left(1);
    let request = |view: MessageView| BatchGetMessagesRequest {
        message_ids: ids(&inbox),
        view: view.into(),
    };
    let full = request(MessageView::Unspecified);
    let full = ben
        .mail()
        .batch_get_messages(full)
        .await
        .unwrap()
        .into_inner()
        .messages;
    assert_eq!(ids(&full), ids(&inbox));
    assert!(
        full.iter()
            .all(|message| message.body.as_ref().unwrap().text == "text")
    );
    let basic = request(MessageView::Basic);
    let basic = ben
        .mail()
        .batch_get_messages(basic)
        .await
        .unwrap()
        .into_inner()
        .messages;
    assert_eq!(basic, inbox);
    let one = GetMessageRequest {
        message_id: inbox[0].message_id.clone(),
        view: MessageView::Basic.into(),
    };
    let one = ben.mail().get_message(one).await.unwrap().into_inner();
    assert_eq!(one.message.unwrap(), inbox[0]);
}

pub(super) async fn pages_follow_each_other_while_mail_arrives(edge: &Edge) {
    let subjects: Vec<String> = (0..7).map(|n| n.to_string()).collect();
    let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
    let (ana, ben, inbox) = with_mail(edge, &subjects).await;
    let mut seen = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListMessagesRequest {
            folder_role: FolderRole::Inbox.into(),
            page_size: 2,
            page_token: page_token.clone(),
            ..Default::default()
        };
        let page = ben
            .mail()
            .list_messages(request)
            .await
            .unwrap()
            .into_inner();
        assert!(page.messages.len() <= 2);
        seen.extend(ids(&page.messages));
        ana.send(&[&ben], "meanwhile", "text").await.unwrap();
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ids(&inbox));
}

pub(super) async fn a_change_of_what_was_not_seen_is_refused(edge: &Edge) {
    let (_, ben, inbox) = with_mail(edge, &["one"]).await;
    let request = |etag: &str| ModifyMessagesRequest {
        message_ids: ids(&inbox),
        set_starred: Some(true),
        etag: Some(etag.into()),
        ..Default::default()
    };
    let changed = modify(&ben, request(&inbox[0].etag)).await.remove(0);
    assert!(changed.starred);
    let late = ben.mail().modify_messages(request(&inbox[0].etag)).await;
    refused(late, Code::Aborted, "ETAG_MISMATCH");
}

async fn mailbox(user: &User) -> Mailbox {
    let got = user.mail().get_mailbox(GetMailboxRequest {}).await.unwrap();
    got.into_inner().mailbox.unwrap()
}

pub(super) async fn the_mailbox_says_how_full_it_is(edge: &Edge) {
    let (ana, ben, inbox) = with_mail(edge, &["one"]).await;
    let before = mailbox(&ben).await;
    assert_eq!(before.message_count, 1);
    assert_eq!(before.used_bytes, inbox[0].size_bytes);
    assert_eq!(
        (before.quota_bytes, before.quota_messages),
        (1 << 30, 1_000_000)
    );
    ana.send(&[&ben], "two", &"x".repeat(1000)).await.unwrap();
    let after = mailbox(&ben).await;
    assert_eq!(after.message_count, 2);
    assert_eq!(after.used_bytes - before.used_bytes, 1003);
    assert_ne!(after.state, before.state);
    assert_eq!(folders(&ben).await.len(), 7);
}
