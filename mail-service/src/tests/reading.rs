//! Reading, page by page and within the limits of an answer.

use std::sync::Arc;

use futures::future::join_all;
use prost::Message as _;
use turbomessage_proto::mail_v1::{
    BatchGetMessagesRequest, Body, FolderRole, GetMessageRequest, ListMessagesRequest,
    ListMessagesResponse, ListThreadsRequest, ModifyMessagesRequest, SendMessageRequest,
};
use turbomessage_service_kit::{clock::Timestamp, problem::Reason, server::MAX_MESSAGE_BYTES};
use uuid::Uuid;

use super::{Person, World, fields, letter, metadata, reason};
use crate::{
    domain::{Copy, ThreadPart},
    store::{Changes, MailStore, SqliteStore},
};

async fn page(
    world: &World,
    person: &Person,
    request: ListMessagesRequest,
) -> Result<ListMessagesResponse, tonic::Status> {
    let request = world.by(person, request);
    Ok(world.mail().list_messages(request).await?.into_inner())
}

fn list_of(role: FolderRole) -> ListMessagesRequest {
    ListMessagesRequest {
        folder_role: role.into(),
        ..ListMessagesRequest::default()
    }
}

#[tokio::test]
async fn pages_have_the_size_asked_for_within_bounds() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    join_all((0..55).map(|_| world.try_send(&ana, letter(&[&bob])))).await;
    let of_size = |page_size| ListMessagesRequest {
        page_size,
        ..list_of(FolderRole::Inbox)
    };
    for (size, found) in [(0, 50), (1, 1), (50, 50), (55, 55), (i32::MAX, 55)] {
        let page = page(&world, &bob, of_size(size)).await.unwrap();
        assert_eq!(page.messages.len(), found, "{size}");
        assert_eq!(page.next_page_token.is_empty(), found == 55);
    }
    let refused = page(&world, &bob, of_size(-1)).await.unwrap_err();
    assert_eq!(fields(&refused), ["page_size"]);
}

#[tokio::test]
async fn a_page_token_serves_its_own_list_only() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    join_all((0..5).map(|_| world.try_send(&ana, letter(&[&bob, &ana])))).await;
    let inbox = list_of(FolderRole::Inbox);
    let all = world.inbox(&bob).await;
    let first = ListMessagesRequest {
        page_size: 2,
        ..inbox.clone()
    };
    let token = page(&world, &bob, first).await.unwrap().next_page_token;
    let next = ListMessagesRequest {
        page_size: 3,
        page_token: token.clone(),
        ..inbox.clone()
    };
    let found = page(&world, &bob, next.clone()).await.unwrap();
    assert_eq!(found.messages, all[2..], "another size is fine");
    assert_eq!(found.next_page_token, "");
    for other in [
        ListMessagesRequest {
            folder_role: FolderRole::Sent.into(),
            ..next.clone()
        },
        ListMessagesRequest {
            unread_only: true,
            ..next.clone()
        },
        ListMessagesRequest {
            starred_only: true,
            ..next.clone()
        },
        ListMessagesRequest {
            page_token: format!("{token}x"),
            ..next.clone()
        },
    ] {
        let refused = page(&world, &bob, other).await;
        assert_eq!(reason(&refused), Some(Reason::PageTokenInvalid));
    }
    let foreign = page(&world, &ana, next).await;
    assert_eq!(reason(&foreign), Some(Reason::PageTokenInvalid));
}

#[tokio::test]
async fn one_missing_message_fails_the_whole_batch() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let sent = world.send(&ana, &[&bob]).await;
    let missing = Uuid::new_v4().to_string();
    let batch = |ids: &[&String]| BatchGetMessagesRequest {
        message_ids: ids.iter().map(|&id| id.clone()).collect(),
        view: 0,
    };
    let mut mail = world.mail();
    let both = world.by(&ana, batch(&[&sent.message_id, &missing]));
    let refused = mail.batch_get_messages(both).await;
    assert_eq!(reason(&refused), Some(Reason::MessageNotFound));
    assert_eq!(metadata(&refused.unwrap_err())["message_ids"], missing);
    let twice = world.by(&ana, batch(&[&sent.message_id, &sent.message_id]));
    let found = mail.batch_get_messages(twice).await.unwrap().into_inner();
    assert_eq!(found.messages.len(), 1);
    assert_eq!(found.messages[0].body.as_ref().unwrap().text, "Hello");
}

#[tokio::test]
async fn of_large_messages_as_many_come_as_an_answer_holds() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    for n in 0..5 {
        let message = SendMessageRequest {
            body: Some(Body {
                text: n.to_string().repeat(1 << 20),
                html: "h".repeat(1 << 19),
            }),
            ..letter(&[&bob])
        };
        world.try_send(&ana, message).await.unwrap();
    }
    let inbox = world.inbox(&bob).await;
    let ids: Vec<String> = inbox.into_iter().map(|m| m.message_id).collect();
    let mut seen = Vec::new();
    while seen.len() < ids.len() {
        let batch = BatchGetMessagesRequest {
            message_ids: ids[seen.len()..].to_vec(),
            view: 0,
        };
        let answer = world.mail().batch_get_messages(world.by(&bob, batch)).await;
        let answer = answer.unwrap().into_inner();
        assert!(answer.encoded_len() <= MAX_MESSAGE_BYTES);
        assert!((1..=2).contains(&answer.messages.len()));
        for message in answer.messages {
            assert_eq!(message.body.unwrap().text.len(), 1 << 20);
            seen.push(message.message_id);
        }
    }
    assert_eq!(seen, ids, "in the order asked for");
}

/// Puts copies of a message beside it, until there are so many.
async fn repeat(world: &World, owner: &Person, message_id: &str, times: usize) {
    let file = world.directory.path().join("mail.db");
    let store = SqliteStore::open(&file).await.unwrap();
    let id: Uuid = message_id.parse().unwrap();
    let mut mailbox = store.mailbox(owner.id).await.unwrap().unwrap();
    let first = store.copies(owner.id, &[id]).await.unwrap().remove(0);
    let mut changes = Changes::default();
    for n in 1..times {
        mailbox.last_change += 1;
        mailbox.last_receive_time += 1;
        changes.new_copies.push(Copy {
            message_id: Uuid::new_v4(),
            internet_message_id: format!("<{n}@again.example>"),
            change: mailbox.last_change,
            receive_time: Timestamp::from_micros(mailbox.last_receive_time),
            thread_id: Uuid::new_v4(),
            ..first.clone()
        });
        let copy = changes.new_copies.last().unwrap();
        changes.threads.push(ThreadPart {
            owner_id: owner.id,
            thread_id: copy.thread_id,
            folder_id: copy.folder_id,
            message_count: 1,
            unread_count: 0,
            last_time: copy.receive_time,
        });
    }
    changes.mailboxes.push(mailbox);
    let mut transaction = store.begin().await.unwrap();
    transaction.write(&Arc::new(changes)).await.unwrap();
    transaction.commit().await.unwrap();
}

/// A hundred recipients with the longest of names, in as many messages as make more than 4 MiB.
#[tokio::test]
async fn lists_and_changes_of_the_largest_entries_stay_within_an_answer() {
    const MESSAGES: usize = 120;
    let world = World::open().await;
    let ana = world.person("ana");
    let crowd: Vec<Person> = (0..100)
        .map(|n| {
            let (id, name) = (Uuid::new_v4(), format!("p{n:031}"));
            world.auth.add(id, &name, &"\u{1f426}".repeat(64));
            Person { id, name }
        })
        .collect();
    let first = SendMessageRequest {
        subject: "s".repeat(998),
        ..letter(&crowd.iter().collect::<Vec<_>>())
    };
    let first = world.try_send(&ana, first).await.unwrap();
    repeat(&world, &ana, &first.message_id, MESSAGES).await;
    let mut request = ListMessagesRequest {
        page_size: 500,
        ..list_of(FolderRole::Sent)
    };
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let answer = page(&world, &ana, request.clone()).await.unwrap();
        assert!(answer.encoded_len() <= MAX_MESSAGE_BYTES);
        seen.extend(answer.messages.into_iter().map(|m| m.message_id));
        pages += 1;
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = answer.next_page_token;
    }
    assert!(pages > 1, "more than one answer holds");
    seen.dedup();
    assert_eq!(seen.len(), MESSAGES, "each once");

    let mut request = ListThreadsRequest {
        folder_role: FolderRole::Sent.into(),
        page_size: 500,
        ..ListThreadsRequest::default()
    };
    let (mut mail, mut threads) = (world.mail(), Vec::new());
    loop {
        let answer = mail.list_threads(world.by(&ana, request.clone())).await;
        let answer = answer.unwrap().into_inner();
        assert!(answer.encoded_len() <= MAX_MESSAGE_BYTES);
        threads.push(answer.threads.len());
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = answer.next_page_token;
    }
    assert!(threads.len() > 1, "more than one answer holds");
    assert_eq!(threads.iter().sum::<usize>(), MESSAGES, "each once");

    let modify = ModifyMessagesRequest {
        message_ids: seen.clone(),
        set_starred: Some(true),
        ..ModifyMessagesRequest::default()
    };
    let answer = world.mail().modify_messages(world.by(&ana, modify)).await;
    let answer = answer.unwrap().into_inner();
    assert!(answer.encoded_len() <= MAX_MESSAGE_BYTES);
    let told = answer.messages.iter().map(|m| &m.message_id);
    assert!(told.eq(&seen[..answer.messages.len()]), "from the first on");
    let last = seen.pop().unwrap();
    let get = GetMessageRequest {
        message_id: last,
        view: 0,
    };
    let found = world.mail().get_message(world.by(&ana, get)).await;
    assert!(
        found.unwrap().into_inner().message.unwrap().starred,
        "told of or not"
    );
}
