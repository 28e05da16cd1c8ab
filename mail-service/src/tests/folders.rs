//! Folders and labels, as callers see them.

use tonic::Status;
use turbomessage_proto::mail_v1::{
    CreateFolderRequest, DeleteFolderRequest, Folder, FolderRole, Label, ListFoldersRequest,
    ListLabelsRequest, ListMessagesRequest, Message, ModifyMessagesRequest, UpdateFolderRequest,
};
use turbomessage_service_kit::problem::Reason;
use uuid::Uuid;

use super::{Person, World, fields, metadata, reason};

impl World {
    pub(super) async fn create_folder(&self, owner: &Person, name: &str) -> Result<Folder, Status> {
        let request = CreateFolderRequest {
            name: name.into(),
            request_id: String::new(),
        };
        let made = self.mail().create_folder(self.by(owner, request)).await?;
        Ok(made.into_inner().folder.unwrap())
    }

    async fn rename(&self, owner: &Person, id: &str, name: &str) -> Result<Folder, Status> {
        let request = UpdateFolderRequest {
            folder_id: id.into(),
            name: name.into(),
            request_id: String::new(),
        };
        let renamed = self.mail().update_folder(self.by(owner, request)).await?;
        Ok(renamed.into_inner().folder.unwrap())
    }

    pub(super) async fn delete_folder(&self, owner: &Person, id: &str) -> Result<(), Status> {
        let request = DeleteFolderRequest {
            folder_id: id.into(),
        };
        let deleted = self.mail().delete_folder(self.by(owner, request)).await;
        deleted.map(drop)
    }

    pub(super) async fn folders(&self, owner: &Person) -> Vec<Folder> {
        let request = self.by(owner, ListFoldersRequest {});
        let listed = self.mail().list_folders(request).await.unwrap();
        listed.into_inner().folders
    }

    pub(super) async fn modify(
        &self,
        owner: &Person,
        request: ModifyMessagesRequest,
    ) -> Result<Vec<Message>, Status> {
        let request = self.by(owner, request);
        let modified = self.mail().modify_messages(request).await?;
        Ok(modified.into_inner().messages)
    }

    async fn labels(&self, owner: &Person) -> Vec<Label> {
        let request = self.by(owner, ListLabelsRequest {});
        let listed = self.mail().list_labels(request).await.unwrap();
        listed.into_inner().labels
    }
}

fn changing(messages: &[Message]) -> ModifyMessagesRequest {
    ModifyMessagesRequest {
        message_ids: messages.iter().map(|m| m.message_id.clone()).collect(),
        ..ModifyMessagesRequest::default()
    }
}

#[tokio::test]
async fn folders_are_listed_standard_ones_first_then_by_name() {
    let world = World::open().await;
    let ana = world.person("ana");
    for name in ["b", "C", "a"] {
        world.create_folder(&ana, name).await.unwrap();
    }
    let folders = world.folders(&ana).await;
    let names: Vec<&str> = folders.iter().map(|f| &*f.name).collect();
    let standard = [
        "Inbox", "Sent", "Drafts", "Outbox", "Archive", "Spam", "Trash",
    ];
    assert_eq!(names[..7], standard);
    assert_eq!(names[7..], ["a", "b", "C"]);
    assert!(
        folders[7..]
            .iter()
            .all(|f| f.role() == FolderRole::Unspecified)
    );
}

#[tokio::test]
async fn a_deleted_folder_leaves_its_messages_in_trash() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let folder = world.create_folder(&bob, "Plans").await.unwrap();
    for _ in 0..2 {
        world.send(&ana, &[&bob]).await;
    }
    let inbox = world.inbox(&bob).await;
    let into = ModifyMessagesRequest {
        move_to_folder_id: folder.folder_id.clone(),
        ..changing(&inbox)
    };
    let moved = world.modify(&bob, into.clone()).await.unwrap();
    assert!(moved.iter().all(|m| m.folder_id == folder.folder_id));
    let renamed = world
        .rename(&bob, &folder.folder_id, "Dreams")
        .await
        .unwrap();
    assert_eq!(
        (&*renamed.name, renamed.total_count, renamed.unread_count),
        ("Dreams", 2, 2)
    );
    world.delete_folder(&bob, &folder.folder_id).await.unwrap();
    assert_eq!(world.list(&bob, FolderRole::Trash).await.len(), 2);
    assert_eq!(world.folders(&bob).await.len(), 7);
    let refused = world.modify(&bob, into).await;
    assert_eq!(reason(&refused), Some(Reason::FolderNotFound));
    assert_eq!(
        metadata(&refused.unwrap_err())["move_to_folder_id"],
        folder.folder_id
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_folder_is_said() {
    let world = World::with(|config| config.quota_messages = 10).await;
    let [ana, eve] = world.people(["ana", "eve"]);
    let folder = world.create_folder(&ana, "Plans").await.unwrap();
    for bad in ["", " x", "x\n", &"x".repeat(65)] {
        let refused = world.create_folder(&ana, bad).await.unwrap_err();
        assert_eq!(fields(&refused), ["name"]);
        let refused = world.rename(&ana, "1", bad).await.unwrap_err();
        assert_eq!(fields(&refused), ["folder_id", "name"]);
    }
    let taken = world.create_folder(&ana, "PLANS").await;
    assert_eq!(reason(&taken), Some(Reason::FolderNameTaken));
    let taken = world.rename(&ana, &folder.folder_id, "inbox").await;
    assert_eq!(reason(&taken), Some(Reason::FolderNameTaken));
    let outbox = world.folders(&ana).await.swap_remove(3).folder_id;
    let sent = world.send(&ana, &[&eve]).await;
    let into = ModifyMessagesRequest {
        move_to_folder_id: outbox.clone(),
        ..changing(&[sent])
    };
    let protected = world.modify(&ana, into).await;
    assert_eq!(reason(&protected), Some(Reason::FolderProtected));
    let named = metadata(&protected.unwrap_err());
    assert_eq!(named["move_to_folder_id"], outbox);
    let inbox = world.folders(&ana).await.swap_remove(0).folder_id;
    let protected = world.rename(&ana, &inbox, "Other").await;
    assert_eq!(reason(&protected), Some(Reason::FolderProtected));
    let protected = world.delete_folder(&ana, &inbox).await;
    assert_eq!(
        metadata(protected.as_ref().unwrap_err())["folder_id"],
        inbox
    );
    assert_eq!(reason(&protected), Some(Reason::FolderProtected));
    for id in [folder.folder_id.clone(), Uuid::new_v4().to_string()] {
        let foreign = world.rename(&eve, &id, "Mine").await;
        assert_eq!(reason(&foreign), Some(Reason::FolderNotFound));
        assert_eq!(metadata(&foreign.unwrap_err())["folder_id"], id);
        let foreign = world.delete_folder(&eve, &id).await;
        assert_eq!(reason(&foreign), Some(Reason::FolderNotFound));
    }
    let refused = world.delete_folder(&ana, "").await.unwrap_err();
    assert_eq!(fields(&refused), ["folder_id"]);
    for n in 1..100 {
        world.create_folder(&ana, &n.to_string()).await.unwrap();
    }
    let refused = world.create_folder(&ana, "100").await;
    assert_eq!(reason(&refused), Some(Reason::LimitReached));
    assert_eq!(metadata(&refused.unwrap_err())["limit"], "folders");
}

#[tokio::test]
async fn requests_about_folders_are_repeated_safely() {
    let world = World::open().await;
    let ana = world.person("ana");
    let mut mail = world.mail();
    let make = CreateFolderRequest {
        name: "Plans".into(),
        request_id: Uuid::new_v4().to_string(),
    };
    let first = mail.create_folder(world.by(&ana, make.clone())).await;
    let first = first.unwrap().into_inner();
    let id = first.folder.as_ref().unwrap().folder_id.clone();
    let rename = UpdateFolderRequest {
        folder_id: id.clone(),
        name: "Dreams".into(),
        request_id: Uuid::new_v4().to_string(),
    };
    let renamed = mail.update_folder(world.by(&ana, rename.clone())).await;
    let renamed = renamed.unwrap().into_inner();
    world.delete_folder(&ana, &id).await.unwrap();
    let again = mail.create_folder(world.by(&ana, make.clone())).await;
    assert_eq!(again.unwrap().into_inner(), first);
    let again = mail.update_folder(world.by(&ana, rename.clone())).await;
    assert_eq!(again.unwrap().into_inner(), renamed);
    let other = CreateFolderRequest {
        request_id: rename.request_id,
        ..make.clone()
    };
    let refused = mail.create_folder(world.by(&ana, other)).await;
    assert_eq!(reason(&refused), Some(Reason::RequestIdReused));
    let other = UpdateFolderRequest {
        request_id: make.request_id,
        folder_id: id,
        name: "Plans".into(),
    };
    let refused = mail.update_folder(world.by(&ana, other)).await;
    assert_eq!(reason(&refused), Some(Reason::RequestIdReused));
}

#[tokio::test]
async fn labels_are_put_on_listed_and_taken_off() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    for _ in 0..3 {
        world.send(&ana, &[&bob]).await;
    }
    let inbox = world.inbox(&bob).await;
    let labelled = ModifyMessagesRequest {
        add_labels: vec!["b".into(), "a".into(), "b".into()],
        ..changing(&inbox[..2])
    };
    let changed = world.modify(&bob, labelled.clone()).await.unwrap();
    assert!(changed.iter().all(|m| m.labels == ["a", "b"]));
    let unlabelled = ModifyMessagesRequest {
        remove_labels: vec!["b".into()],
        set_read: Some(true),
        ..changing(&inbox[..1])
    };
    world.modify(&bob, unlabelled).await.unwrap();
    let found = world.labels(&bob).await.into_iter();
    let found: Vec<_> = found
        .map(|l| (l.name, l.total_count, l.unread_count))
        .collect();
    assert_eq!(found, [("a".into(), 2, 1), ("b".into(), 1, 1)]);
    let list = ListMessagesRequest {
        folder_role: FolderRole::Inbox.into(),
        label: "a".into(),
        page_size: 1,
        ..ListMessagesRequest::default()
    };
    let mut mail = world.mail();
    let page = mail.list_messages(world.by(&bob, list.clone())).await;
    let page = page.unwrap().into_inner();
    assert_eq!(page.messages[0].message_id, inbox[0].message_id);
    let next = ListMessagesRequest {
        page_token: page.next_page_token.clone(),
        ..list.clone()
    };
    let next = mail
        .list_messages(world.by(&bob, next))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(next.messages[0].message_id, inbox[1].message_id);
    assert_eq!(next.next_page_token, "");
    let other = ListMessagesRequest {
        label: "b".into(),
        page_token: page.next_page_token,
        ..list
    };
    let refused = mail.list_messages(world.by(&bob, other)).await;
    assert_eq!(reason(&refused), Some(Reason::PageTokenInvalid));
    assert_eq!(world.labels(&ana).await, [], "nobody else's");
}

#[tokio::test]
async fn what_is_wrong_with_labels_is_said() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let sent = world.send(&ana, &[&bob]).await;
    let bad = ModifyMessagesRequest {
        add_labels: vec!["a".into(), String::new()],
        remove_labels: vec![" b".into(), "a".into()],
        ..changing(std::slice::from_ref(&sent))
    };
    let refused = world.modify(&ana, bad).await.unwrap_err();
    let expected = ["add_labels[1]", "remove_labels[0]", "remove_labels"];
    assert_eq!(fields(&refused), expected);
    let many = ModifyMessagesRequest {
        add_labels: (0..101).map(|n| n.to_string()).collect(),
        ..changing(&[sent])
    };
    let refused = world.modify(&ana, many).await;
    assert_eq!(reason(&refused), Some(Reason::LimitReached));
    assert_eq!(metadata(&refused.unwrap_err())["limit"], "labels");
    let nowhere = ListMessagesRequest {
        label: " a".into(),
        page_size: -1,
        ..ListMessagesRequest::default()
    };
    let refused = world.mail().list_messages(world.by(&ana, nowhere)).await;
    let named = fields(&refused.unwrap_err());
    assert_eq!(named, ["label", "folder_id", "page_size"]);
}
