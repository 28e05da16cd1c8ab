//! `SearchMessages`: what is found, before and after it is indexed.

use turbomessage_proto::mail_v1::{
    Body, DeleteMessagesRequest, ModifyMessagesRequest, SearchMessagesRequest,
    SearchMessagesResponse, SendMessageRequest,
};
use turbomessage_service_kit::problem::Reason;

use super::{Person, World, eventually, letter, metadata, reason};

impl World {
    async fn write(&self, from: &Person, to: &Person, subject: &str, text: &str) -> String {
        let message = SendMessageRequest {
            subject: subject.into(),
            body: Some(Body {
                text: text.into(),
                html: String::new(),
            }),
            ..letter(&[to])
        };
        self.try_send(from, message).await.unwrap();
        self.inbox(to).await[0].message_id.clone()
    }

    async fn search(
        &self,
        person: &Person,
        query: &str,
    ) -> Result<SearchMessagesResponse, tonic::Status> {
        let request = SearchMessagesRequest {
            query: query.into(),
            page_size: 500,
            ..SearchMessagesRequest::default()
        };
        let response = self.mail().search_messages(self.by(person, request)).await;
        Ok(response?.into_inner())
    }

    /// The subjects of what is found.
    async fn found(&self, person: &Person, query: &str) -> Vec<String> {
        let found = self.search(person, query).await.unwrap();
        assert_eq!(found.next_page_token, "");
        assert_eq!(found.highlights.len(), found.messages.len());
        found.messages.into_iter().map(|m| m.subject).collect()
    }
}

#[tokio::test]
async fn a_message_is_found_as_soon_as_it_is_sent_and_no_longer_once_deleted() {
    let world = World::open().await;
    let [ana, ben] = world.people(["ana", "ben"]);
    let id = world.write(&ben, &ana, "Café", "Toda la información").await;
    for query in [
        "",
        "informacion",
        "INFORMACIÓN cafe",
        "inform*",
        "\"la informacion\"",
        "from:ben",
        "to:ana",
        "subject:café",
        "is:unread",
        "in:inbox",
        "-nothing",
        "nothing OR toda",
        "ben",
        "smaller:1K",
        "after:2027-01-01",
    ] {
        assert_eq!(world.found(&ana, query).await, ["Café"], "{query}");
    }
    for query in [
        "nothing",
        "\"informacion la\"",
        "from:ana",
        "cc:ana",
        "subject:informacion",
        "is:read",
        "in:trash",
        "label:x",
        "has:attachment",
        "larger:1K",
        "before:2027-01-01",
        "-cafe",
    ] {
        assert!(world.found(&ana, query).await.is_empty(), "{query}");
    }
    let request = DeleteMessagesRequest {
        message_ids: vec![id],
    };
    world
        .mail()
        .delete_messages(world.by(&ana, request))
        .await
        .unwrap();
    assert!(world.found(&ana, "cafe").await.is_empty());
    assert_eq!(
        world.found(&ben, "cafe").await,
        ["Café"],
        "the sender's own"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_indexed_is_found_like_what_is_not() {
    let world = World::open().await;
    let [ana, ben, cleo] = world.people(["ana", "ben", "cleo"]);
    for n in 0..600 {
        let from = if n % 3 == 0 { &cleo } else { &ben };
        let text = format!(
            "common word{} {}",
            n % 7,
            if n % 100 == 50 { "rare" } else { "x" }
        );
        world.write(from, &ana, &format!("Number {n}"), &text).await;
    }
    // 600 messages make segments, some of which are merged; a few stay out.
    eventually(|| async { (world.segments(&ana).await > 0).then_some(()) }).await;
    let numbers = |step: usize, first: usize| -> Vec<String> {
        (first..600)
            .step_by(step)
            .map(|n| format!("Number {n}"))
            .rev()
            .collect()
    };
    assert_eq!(world.found(&ana, "rare").await, numbers(100, 50));
    assert_eq!(world.found(&ana, "word3").await, numbers(7, 3));
    assert_eq!(world.found(&ana, "from:cleo").await, numbers(3, 0));
    assert_eq!(
        world.found(&ana, "\"common word3\" cleo").await,
        numbers(21, 3)
    );
    assert_eq!(world.found(&ana, "\"number 77\"").await, ["Number 77"]);
    let without = world.found(&ana, "word* -from:ben").await;
    assert_eq!(without, numbers(3, 0));

    let mut seen = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = SearchMessagesRequest {
            query: "common".into(),
            page_size: 70,
            page_token,
        };
        let response = world.mail().search_messages(world.by(&ana, request)).await;
        let found = response.unwrap().into_inner();
        seen.extend(found.messages.into_iter().map(|m| m.subject));
        page_token = found.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, numbers(1, 0));
}

#[tokio::test]
async fn flags_labels_and_folders_are_searched_as_they_are_now() {
    let world = World::open().await;
    let [ana, ben] = world.people(["ana", "ben"]);
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(world.write(&ben, &ana, &n.to_string(), "hello").await);
    }
    let request = ModifyMessagesRequest {
        message_ids: ids[..2].to_vec(),
        set_read: Some(true),
        set_starred: Some(true),
        add_labels: vec!["Año nuevo".into()],
        ..ModifyMessagesRequest::default()
    };
    world
        .mail()
        .modify_messages(world.by(&ana, request))
        .await
        .unwrap();
    for query in [
        "hello is:read",
        "is:read",
        "is:starred",
        "label:\"ano nuevo\"",
        "label:\"AÑO NUEVO\" hello",
        "-is:unread",
    ] {
        assert_eq!(world.found(&ana, query).await, ["1", "0"], "{query}");
    }
    assert_eq!(world.found(&ana, "is:unread").await, ["3", "2"]);
    let request = ModifyMessagesRequest {
        message_ids: ids[..1].to_vec(),
        move_to_folder_role: turbomessage_proto::mail_v1::FolderRole::Trash.into(),
        ..ModifyMessagesRequest::default()
    };
    world
        .mail()
        .modify_messages(world.by(&ana, request))
        .await
        .unwrap();
    assert_eq!(world.found(&ana, "hello is:read").await, ["1"]);
    assert_eq!(world.found(&ana, "in:trash").await, ["0"]);
    assert_eq!(
        world.found(&ana, "in:anywhere is:starred").await,
        ["1", "0"]
    );
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_refused_with_the_place() {
    let world = World::open().await;
    let ana = world.person("ana");
    for (query, position, kind) in [
        ("a \"b", "3", "unclosed_quote"),
        ("(a", "1", "unclosed_parenthesis"),
        ("é )", "3", "unexpected_parenthesis"),
        ("is:odd", "4", "unknown_value"),
    ] {
        let refused = world.search(&ana, query).await;
        assert_eq!(reason(&refused), Some(Reason::QueryInvalid), "{query}");
        let metadata = metadata(&refused.unwrap_err());
        assert_eq!(metadata["kind"], kind, "{query}");
        assert_eq!(metadata["position"], position, "{query}");
    }
}

#[tokio::test]
async fn a_page_token_serves_its_own_search_only() {
    let world = World::open().await;
    let [ana, ben] = world.people(["ana", "ben"]);
    for subject in ["1", "2", "3"] {
        world.write(&ben, &ana, subject, "hello").await;
    }
    let page = async |person: &Person, query: &str, token: &str| {
        let request = SearchMessagesRequest {
            query: query.into(),
            page_size: 1,
            page_token: token.into(),
        };
        let page = world
            .mail()
            .search_messages(world.by(person, request))
            .await;
        page.map(tonic::Response::into_inner)
    };
    let first = page(&ana, "hello", "").await.unwrap();
    let token = first.next_page_token;
    let second = page(&ana, "hello", &token).await.unwrap();
    assert_eq!(second.messages[0].subject, "2");
    let half = &token[..token.len() / 2];
    let other = format!("{}{}", &token[1..], &token[..1]);
    for (person, query, token) in [
        (&ana, "hello", half),
        (&ana, "hello", &other),
        (&ana, "hello", "%"),
        (&ana, "hello", "\u{202e}"),
        (&ana, "hello ", &token),
        (&ana, "", &token),
        (&ben, "hello", &token),
    ] {
        let refused = page(person, query, token).await;
        assert_eq!(reason(&refused), Some(Reason::PageTokenInvalid), "{query}");
    }
}

#[tokio::test]
async fn what_matches_is_marked() {
    let world = World::open().await;
    let [ana, ben] = world.people(["ana", "ben"]);
    let text = format!("{} the point is here", "word ".repeat(300));
    world.write(&ben, &ana, "To the point", &text).await;
    let found = world.search(&ana, "point").await.unwrap();
    let highlight = &found.highlights[0];
    let marked = |parts: &[turbomessage_proto::mail_v1::HighlightPart]| -> Vec<String> {
        let marked = parts.iter().filter(|part| part.matched);
        marked.map(|part| part.text.clone()).collect()
    };
    assert_eq!(marked(&highlight.subject), ["point"]);
    assert_eq!(marked(&highlight.snippet), ["point"]);
    let whole: String = highlight
        .snippet
        .iter()
        .map(|part| part.text.as_str())
        .collect();
    assert!(whole.ends_with("the point is here"), "{whole}");
    assert!(whole.chars().count() <= 200);
}
