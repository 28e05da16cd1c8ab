//! Conversations, as callers see them.

use tonic::Status;
use turbomessage_proto::mail_v1::{
    CreateDraftRequest, FolderRole, GetThreadRequest, GetThreadResponse, ListThreadsRequest,
    ListThreadsResponse, Message, MessageView, SendMessageRequest, Thread, UpdateDraftRequest,
};
use turbomessage_service_kit::problem::Reason;
use uuid::Uuid;

use super::{Person, World, fields, letter, metadata, reason};

impl World {
    async fn threads(
        &self,
        owner: &Person,
        request: ListThreadsRequest,
    ) -> Result<ListThreadsResponse, Status> {
        let listed = self.mail().list_threads(self.by(owner, request)).await?;
        Ok(listed.into_inner())
    }

    async fn thread(
        &self,
        owner: &Person,
        request: GetThreadRequest,
    ) -> Result<GetThreadResponse, Status> {
        let read = self.mail().get_thread(self.by(owner, request)).await?;
        Ok(read.into_inner())
    }

    async fn answer(&self, from: &Person, parent: &Message, to: &[&Person], text: &str) -> Message {
        let mut message = SendMessageRequest {
            subject: format!("Re: {text}"),
            in_reply_to: parent.message_id.clone(),
            ..letter(to)
        };
        message.body.as_mut().unwrap().text = text.into();
        self.try_send(from, message).await.unwrap()
    }
}

fn inbox_threads() -> ListThreadsRequest {
    ListThreadsRequest {
        folder_role: FolderRole::Inbox.into(),
        ..ListThreadsRequest::default()
    }
}

fn one(thread_id: &str) -> GetThreadRequest {
    GetThreadRequest {
        thread_id: thread_id.into(),
        ..GetThreadRequest::default()
    }
}

fn names(thread: &Thread) -> Vec<&str> {
    thread.participants.iter().map(|p| &*p.username).collect()
}

#[tokio::test]
async fn a_conversation_is_shown_as_a_whole() {
    let world = World::open().await;
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]);
    let first = world.send(&ana, &[&bob]).await;
    let at_bob = world.inbox(&bob).await.swap_remove(0);
    world.answer(&bob, &at_bob, &[&ana, &cleo], "one").await;
    let last = world.answer(&ana, &first, &[&bob], "two").await;
    let listed = world.threads(&bob, inbox_threads()).await.unwrap();
    let [thread] = &listed.threads[..] else {
        panic!("one conversation: {listed:?}");
    };
    assert_eq!((thread.message_count, thread.unread_count), (3, 2));
    assert_eq!((&*thread.subject, &*thread.snippet), ("A letter", "two"));
    assert_eq!(
        names(thread),
        ["ana", "bob", "cleo"],
        "who wrote last first"
    );
    let newest = world.inbox(&bob).await.swap_remove(0);
    assert_eq!(thread.last_time, newest.receive_time);
    let whole = world.thread(&bob, one(&thread.thread_id)).await.unwrap();
    assert_eq!(whole.thread.as_ref(), Some(thread));
    let texts = whole
        .messages
        .iter()
        .map(|m| &*m.body.as_ref().unwrap().text);
    assert!(texts.eq(["Hello", "one", "two"]), "oldest first, whole");
    assert_eq!(whole.next_page_token, "");
    // Everybody sees what is their own.
    let theirs = world.threads(&cleo, inbox_threads()).await.unwrap().threads;
    assert_eq!(theirs[0].message_count, 1);
    assert_eq!(names(&theirs[0]), ["bob", "ana", "cleo"]);
    assert_eq!(last.thread_id, first.thread_id);
}

#[tokio::test]
async fn conversations_come_page_by_page_newest_first() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    for _ in 0..5 {
        world.send(&ana, &[&bob]).await;
    }
    let expected = world.inbox(&bob).await.into_iter().map(|m| m.thread_id);
    let expected: Vec<String> = expected.collect();
    let mut request = ListThreadsRequest {
        page_size: 2,
        ..inbox_threads()
    };
    let mut seen = Vec::new();
    loop {
        let page = world.threads(&bob, request.clone()).await.unwrap();
        assert!(page.threads.len() <= 2);
        seen.extend(page.threads.into_iter().map(|t| t.thread_id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(seen, expected);
    let other = ListThreadsRequest {
        folder_role: FolderRole::Archive.into(),
        ..request.clone()
    };
    let refused = world.threads(&bob, other).await;
    assert_eq!(reason(&refused), Some(Reason::PageTokenInvalid));
    let foreign = world.threads(&ana, request).await;
    assert_eq!(reason(&foreign), Some(Reason::PageTokenInvalid));
}

#[tokio::test]
async fn a_conversation_that_moves_up_while_someone_pages_comes_once() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    for _ in 0..7 {
        world.send(&ana, &[&bob]).await;
    }
    let at_bob = world.inbox(&bob).await;
    let expected: Vec<String> = at_bob.iter().map(|m| m.thread_id.clone()).collect();
    let mut request = ListThreadsRequest {
        page_size: 2,
        ..inbox_threads()
    };
    let mut seen = Vec::new();
    // One that was shown already, one that comes next, and the last.
    for moves in [[0, 6], [1, 3], [6, 5], [0, 6]] {
        let page = world.threads(&bob, request.clone()).await.unwrap();
        seen.extend(page.threads.into_iter().map(|t| t.thread_id));
        request.page_token = page.next_page_token;
        for moved in moves {
            world.answer(&bob, &at_bob[moved], &[&bob], "more").await;
        }
        world.send(&ana, &[&bob]).await;
    }
    assert_eq!(seen, expected, "each once, where it was");
    assert_eq!(request.page_token, "");
}

#[tokio::test]
async fn a_conversation_in_which_something_is_written_anew_comes_no_second_time() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    for _ in 0..5 {
        world.send(&ana, &[&bob]).await;
    }
    let oldest = world.inbox(&bob).await.pop().unwrap();
    let draft = CreateDraftRequest {
        in_reply_to: oldest.message_id.clone(),
        ..CreateDraftRequest::default()
    };
    let draft = world.mail().create_draft(world.by(&bob, draft)).await;
    let draft = draft.unwrap().into_inner().message.unwrap();
    let mut request = ListThreadsRequest {
        page_size: 2,
        ..inbox_threads()
    };
    let (mut seen, mut etag) = (Vec::new(), draft.etag);
    loop {
        let page = world.threads(&bob, request.clone()).await.unwrap();
        seen.extend(page.threads.into_iter().map(|t| t.thread_id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
        let again = UpdateDraftRequest {
            message_id: draft.message_id.clone(),
            in_reply_to: oldest.message_id.clone(),
            etag,
            ..UpdateDraftRequest::default()
        };
        let saved = world.mail().update_draft(world.by(&bob, again)).await;
        etag = saved.unwrap().into_inner().message.unwrap().etag;
    }
    assert_eq!((seen.len(), &seen[0]), (5, &oldest.thread_id), "{seen:?}");
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 5, "each once");
}

#[tokio::test]
async fn a_conversation_is_read_page_by_page_oldest_first() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let mut parent = world.send(&ana, &[&bob]).await;
    let mut expected = vec![parent.message_id.clone()];
    for n in 0..4 {
        parent = world.answer(&ana, &parent, &[&bob], &n.to_string()).await;
        expected.push(parent.message_id.clone());
    }
    let mut request = GetThreadRequest {
        view: MessageView::Basic.into(),
        page_size: 2,
        ..one(&parent.thread_id)
    };
    let mut seen = Vec::new();
    let last_token = loop {
        let page = world.thread(&ana, request.clone()).await.unwrap();
        assert_eq!(page.thread.unwrap().message_count, 5);
        assert!(page.messages.iter().all(|m| m.body.is_none()));
        seen.extend(page.messages.into_iter().map(|m| m.message_id));
        if page.next_page_token.is_empty() {
            break request.page_token;
        }
        request.page_token = page.next_page_token;
    };
    assert_eq!(seen, expected);
    let full = GetThreadRequest {
        page_token: last_token,
        ..one(&parent.thread_id)
    };
    let refused = world.thread(&ana, full).await;
    assert_eq!(
        reason(&refused),
        Some(Reason::PageTokenInvalid),
        "another view"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_conversation_is_said() {
    let world = World::open().await;
    let [ana, bob, eve] = world.people(["ana", "bob", "eve"]);
    let sent = world.send(&ana, &[&bob]).await;
    for id in [sent.thread_id, Uuid::new_v4().to_string()] {
        let foreign = world.thread(&eve, one(&id)).await;
        assert_eq!(reason(&foreign), Some(Reason::ThreadNotFound));
        assert_eq!(metadata(&foreign.unwrap_err())["thread_id"], id);
    }
    let bad = GetThreadRequest {
        view: 9,
        page_size: -1,
        ..one("x")
    };
    let refused = world.thread(&ana, bad).await.unwrap_err();
    assert_eq!(fields(&refused), ["thread_id", "view", "page_size"]);
    let bad = ListThreadsRequest {
        page_size: -1,
        ..ListThreadsRequest::default()
    };
    let refused = world.threads(&ana, bad).await.unwrap_err();
    assert_eq!(fields(&refused), ["folder_id", "page_size"]);
    let unknown = ListThreadsRequest {
        folder_id: Uuid::new_v4().to_string(),
        ..ListThreadsRequest::default()
    };
    let refused = world.threads(&ana, unknown).await;
    assert_eq!(reason(&refused), Some(Reason::FolderNotFound));
}
