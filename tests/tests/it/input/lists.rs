//! Lists, ids and pages.

use tonic::{Code, Response, Status};
use turbomessage_proto::{
    auth_v1::RevokeSessionRequest,
    mail_v1::{
        BatchGetMessagesRequest, DeleteMessagesRequest, FolderRole, ListMessagesRequest,
        ListMessagesResponse, ModifyMessagesRequest,
    },
};
use turbomessage_tests::{
    Dev, User,
    errors::{metadata, refused, refused_fields},
};
use uuid::Uuid;

fn inbox() -> ListMessagesRequest {
    ListMessagesRequest {
        folder_role: FolderRole::Inbox.into(),
        page_size: 1,
        ..Default::default()
    }
}

async fn list(user: &User, request: ListMessagesRequest) -> Result<ListMessagesResponse, Status> {
    user.mail()
        .list_messages(request)
        .await
        .map(Response::into_inner)
}

async fn with_mail(dev: &Dev) -> User {
    let user = dev.register_fresh().await;
    for subject in ["one", "two", "three"] {
        user.send(&[&user], subject, "text").await.unwrap();
    }
    user
}

#[tokio::test(flavor = "multi_thread")]
async fn page_tokens_belong_to_one_list_of_one_account() {
    let dev = Dev::start().await;
    let (ana, ben) = (with_mail(&dev).await, with_mail(&dev).await);
    let page_token = list(&ana, inbox()).await.unwrap().next_page_token;
    let with = |page_token: &str| ListMessagesRequest {
        page_token: page_token.into(),
        ..inbox()
    };
    list(&ana, with(&page_token)).await.unwrap();
    let other_size = ListMessagesRequest {
        page_size: 2,
        ..with(&page_token)
    };
    assert_eq!(list(&ana, other_size).await.unwrap().messages.len(), 2);

    let damaged: String = page_token.chars().rev().collect();
    let cut = &page_token[..page_token.len() - 1];
    let long = "A".repeat(100_000);
    for forged in [
        "x",
        "AAAA",
        "' OR 1=1",
        "é",
        &damaged,
        cut,
        &format!("{page_token}A"),
        &long,
    ] {
        let status = list(&ana, with(forged)).await;
        refused(status, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    }
    let others = [
        ListMessagesRequest {
            unread_only: true,
            ..with(&page_token)
        },
        ListMessagesRequest {
            starred_only: true,
            ..with(&page_token)
        },
        ListMessagesRequest {
            folder_role: FolderRole::Sent.into(),
            ..with(&page_token)
        },
    ];
    for other in others {
        refused(
            list(&ana, other).await,
            Code::InvalidArgument,
            "PAGE_TOKEN_INVALID",
        );
    }
    refused(
        list(&ben, with(&page_token)).await,
        Code::InvalidArgument,
        "PAGE_TOKEN_INVALID",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_negative_size_is_refused_and_a_huge_one_is_cut() {
    let dev = Dev::start().await;
    let ana = with_mail(&dev).await;
    let of_size = |page_size| ListMessagesRequest {
        page_size,
        ..inbox()
    };
    for size in [-1, i32::MIN] {
        refused_fields(list(&ana, of_size(size)).await, &["page_size"]);
    }
    for size in [0, 500, i32::MAX] {
        assert_eq!(list(&ana, of_size(size)).await.unwrap().messages.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_is_a_uuid_or_is_refused() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let unhyphenated = Uuid::new_v4().simple().to_string();
    let long = "a".repeat(100_000);
    for bad in ["", "1", "not-a-uuid", "' OR ''='", &unhyphenated, &long] {
        refused_fields(ana.get(bad).await, &["message_id"]);
        let ids = vec![Uuid::new_v4().to_string(), bad.to_owned()];
        let request = BatchGetMessagesRequest {
            message_ids: ids.clone(),
            view: 0,
        };
        refused_fields(
            ana.mail().batch_get_messages(request).await,
            &["message_ids[1]"],
        );
        let request = ModifyMessagesRequest {
            message_ids: ids.clone(),
            set_read: Some(true),
            ..Default::default()
        };
        refused_fields(
            ana.mail().modify_messages(request).await,
            &["message_ids[1]"],
        );
        let request = DeleteMessagesRequest { message_ids: ids };
        refused_fields(
            ana.mail().delete_messages(request).await,
            &["message_ids[1]"],
        );
        let request = RevokeSessionRequest {
            session_id: bad.to_owned(),
        };
        refused_fields(ana.auth().revoke_session(request).await, &["session_id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_names_nothing_is_in_the_errors_metadata() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let id = Uuid::new_v4().to_string();
    let status = refused(ana.get(&id).await, Code::NotFound, "MESSAGE_NOT_FOUND");
    assert_eq!(metadata(&status)["message_id"], id);
    let request = ListMessagesRequest {
        folder_id: id.clone(),
        ..Default::default()
    };
    let status = refused(
        list(&ana, request).await,
        Code::NotFound,
        "FOLDER_NOT_FOUND",
    );
    assert_eq!(metadata(&status)["folder_id"], id);
    let request = RevokeSessionRequest {
        session_id: id.clone(),
    };
    let status = ana.auth().revoke_session(request).await;
    let status = refused(status, Code::NotFound, "SESSION_NOT_FOUND");
    assert_eq!(metadata(&status)["session_id"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_ids_have_limits() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let ids = |n: usize| {
        (0..n)
            .map(|_| Uuid::new_v4().to_string())
            .collect::<Vec<_>>()
    };
    for n in [0, 101] {
        let request = BatchGetMessagesRequest {
            message_ids: ids(n),
            view: 0,
        };
        refused_fields(
            ana.mail().batch_get_messages(request).await,
            &["message_ids"],
        );
    }
    for n in [0, 1001] {
        let request = DeleteMessagesRequest {
            message_ids: ids(n),
        };
        refused_fields(ana.mail().delete_messages(request).await, &["message_ids"]);
    }
    let request = BatchGetMessagesRequest {
        message_ids: ids(100),
        view: 99,
    };
    refused_fields(ana.mail().batch_get_messages(request).await, &["view"]);
    let many = BatchGetMessagesRequest {
        message_ids: ids(100),
        view: 0,
    };
    let status = ana.mail().batch_get_messages(many).await;
    let status = refused(status, Code::NotFound, "MESSAGE_NOT_FOUND");
    let metadata = metadata(&status);
    assert_eq!(metadata["count"], "100");
    assert_eq!(
        metadata["message_ids"].split(',').count(),
        20,
        "cut, and counted"
    );
}
