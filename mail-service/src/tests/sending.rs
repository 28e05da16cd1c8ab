//! Sending, as callers see it.

use tonic::Code;
use turbomessage_proto::mail_v1::{
    Body, DeleteMessagesRequest, FolderRole, GetMessageRequest, ModifyMessagesRequest,
    SendMessageRequest,
};
use turbomessage_service_kit::problem::Reason;
use uuid::Uuid;

use super::{World, fields, letter, metadata, reason};

#[tokio::test]
async fn a_message_comes_back_byte_for_byte() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let text = "\u{202e}שלום\u{202c} \u{1f469}\u{200d}\u{1f680} e\u{301}\r\n'\"\\\u{1}\u{1f}\u{7f}";
    let message = SendMessageRequest {
        subject: "Ñandú\t'\"\\ \u{1f426}".into(),
        body: Some(Body {
            text: text.into(),
            html: format!("<p>{text}</p>"),
        }),
        ..letter(&[&bob])
    };
    let sent = world.try_send(&ana, message.clone()).await.unwrap();
    assert_eq!(sent.body, None, "BASIC");
    let received = world.inbox(&bob).await.swap_remove(0);
    let get = |person, id| {
        let request = GetMessageRequest {
            message_id: id,
            view: 0,
        };
        let request = world.by(person, request);
        let mut mail = world.mail();
        async move {
            mail.get_message(request)
                .await
                .unwrap()
                .into_inner()
                .message
                .unwrap()
        }
    };
    for full in [
        get(&ana, sent.message_id).await,
        get(&bob, received.message_id).await,
    ] {
        assert_eq!(full.subject, message.subject);
        assert_eq!(full.body, message.body);
        assert_eq!(full.from.unwrap().username, "ana");
        assert_eq!(full.to[0].display_name, "bob the person");
    }
}

#[tokio::test]
async fn all_unknown_recipients_are_named_and_nobody_gets_anything() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let message = SendMessageRequest {
        to: vec!["nobody".into(), "bob".into(), "noone".into()],
        bcc: vec!["nix".into()],
        ..letter(&[])
    };
    let refused = world.try_send(&ana, message).await;
    assert_eq!(reason(&refused), Some(Reason::RecipientNotFound));
    let facts = metadata(&refused.unwrap_err());
    assert_eq!(
        (&*facts["recipients"], &*facts["count"]),
        ("nobody,noone,nix", "3")
    );
    assert_eq!(world.inbox(&bob).await, []);
    assert_eq!(world.list(&ana, FolderRole::Sent).await, []);
}

#[tokio::test]
async fn everybody_without_room_is_named_the_sender_too() {
    let world = World::with(|config| config.quota_messages = 1).await;
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]);
    world.send(&ana, &[&bob]).await;
    let refused = world.try_send(&ana, letter(&[&bob, &cleo])).await;
    assert_eq!(reason(&refused), Some(Reason::MailboxFull));
    let facts = metadata(&refused.unwrap_err());
    let mut named: Vec<&str> = facts["recipients"].split(',').collect();
    named.sort_unstable();
    assert_eq!(named, ["ana", "bob"]);
    assert_eq!(world.inbox(&cleo).await, []);
}

#[tokio::test]
async fn every_offending_field_is_named() {
    let world = World::open().await;
    let ana = world.person("ana");
    let message = SendMessageRequest {
        request_id: "1".into(),
        to: vec!["?".into()],
        subject: "a\nb".into(),
        body: Some(Body {
            text: "\0".into(),
            html: String::new(),
        }),
        in_reply_to: "2".into(),
        ..SendMessageRequest::default()
    };
    let refused = world.try_send(&ana, message).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let expected = ["request_id", "to[0]", "in_reply_to", "subject", "body.text"];
    assert_eq!(fields(&refused), expected);
    let empty = SendMessageRequest::default();
    let refused = world.try_send(&ana, empty).await.unwrap_err();
    assert_eq!(fields(&refused), ["to", "subject"]);
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let message = SendMessageRequest {
        request_id: Uuid::new_v4().to_string(),
        ..letter(&[&bob])
    };
    let first = world.try_send(&ana, message.clone()).await.unwrap();
    let delete = DeleteMessagesRequest {
        message_ids: vec![first.message_id.clone()],
    };
    let deleted = world.mail().delete_messages(world.by(&ana, delete)).await;
    deleted.unwrap();
    let upper = SendMessageRequest {
        to: vec!["BOB".into(), "bob".into()],
        ..message.clone()
    };
    let again = world.try_send(&ana, upper).await.unwrap();
    assert_eq!(again, first, "the same once validated");
    let other = SendMessageRequest {
        subject: "Other".into(),
        ..message
    };
    let refused = world.try_send(&ana, other).await;
    assert_eq!(reason(&refused), Some(Reason::RequestIdReused));
    assert_eq!(world.inbox(&bob).await.len(), 1);
}

#[tokio::test]
async fn a_missing_parent_is_named() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let message = SendMessageRequest {
        in_reply_to: Uuid::new_v4().to_string(),
        ..letter(&[&bob])
    };
    let refused = world.try_send(&ana, message.clone()).await;
    assert_eq!(reason(&refused), Some(Reason::MessageNotFound));
    let facts = metadata(&refused.unwrap_err());
    assert_eq!(facts["in_reply_to"], message.in_reply_to);
}

#[tokio::test]
async fn an_old_etag_is_refused() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    world.send(&ana, &[&bob]).await;
    let received = world.inbox(&bob).await.swap_remove(0);
    let modify = ModifyMessagesRequest {
        message_ids: vec![received.message_id],
        set_starred: Some(true),
        etag: Some(received.etag),
        ..ModifyMessagesRequest::default()
    };
    let mut mail = world.mail();
    mail.modify_messages(world.by(&bob, modify.clone()))
        .await
        .unwrap();
    let refused = mail.modify_messages(world.by(&bob, modify)).await;
    assert_eq!(reason(&refused), Some(Reason::EtagMismatch));
}
