//! What streams cost the services in memory, however many there are and however slowly they are read.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use futures::future::{join_all, try_join_all};
use tokio::time::timeout;
use tonic::{
    IntoRequest as _, Request, client::Grpc, codegen::http::uri::PathAndQuery, transport::Endpoint,
};
use tonic_prost::ProstCodec;
use turbomessage_proto::mail_v1::{
    GetMailboxRequest, GetMessageRequest, GetMessageResponse, WatchMailboxRequest,
};
use turbomessage_tests::{
    Part, Services, User,
    admin::{get, value},
    client::{Client, letter},
    errors::reason,
    eventually::{SOON, eventually},
};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The memory of mail-service and the gateway.
fn memory(services: &Services) -> [u64; 2] {
    [&services.mail, &services.gateway].map(turbomessage_tests::Process::resident_bytes)
}

fn grown(before: [u64; 2], after: [u64; 2]) -> [u64; 2] {
    std::array::from_fn(|of| after[of].saturating_sub(before[of]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_waits_takes_little() {
    const EACH: usize = 200;
    const USERS: usize = 5;
    let services = Services::on_files().start().await;
    let users = join_all((0..USERS).map(|_| services.register_fresh())).await;
    // What the first ones bring with them is not what one more takes.
    let first = join_all(users.iter().map(|user| idle(user, EACH / 10))).await;
    let before = memory(&services);
    let watches = join_all(users.iter().map(|user| idle(user, EACH))).await;
    let grown = grown(before, memory(&services));
    let count = u64::try_from(EACH * USERS).unwrap();
    let [mail, gateway] = grown.map(|bytes| bytes / count);
    println!("one more watch: {mail} bytes in mail-service, {gateway} in the gateway");
    assert!(mail < 40 * KIB && gateway < 20 * KIB, "{mail} {gateway}");
    drop((first, watches));
}

/// A connection of somebody who lets nobody send them a byte of an answer.
async fn deaf(services: &Services, user: &User) -> Client {
    let endpoint = Endpoint::from_shared(services.gateway.url()).unwrap();
    let channel = endpoint.initial_stream_window_size(0).connect().await;
    Client::new(channel.unwrap()).with_token(&user.token)
}

/// So many streams that have given a sign of life.
async fn idle(user: &User, count: usize) -> Vec<impl Sized> {
    join_all((0..count).map(|_| async {
        let mut stream = user.watch("").await.unwrap();
        stream.message().await.unwrap().unwrap();
        stream
    }))
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_never_read_cost_no_memory_and_end_at_their_deadline() {
    const READERS: usize = 100;
    const MESSAGES: usize = 1500;
    let settings = Services::on_files()
        .env_all("TM_ADMIN_LISTEN", "127.0.0.1:0")
        .env(Part::Gateway, "TM_TRUSTED_PROXIES", "127.0.0.5/32");
    let services = settings.start().await;
    let ana = services.register_fresh().await;
    let begin = ana.state().await.unwrap();
    let subject = "s".repeat(990);
    let send = || ana.send_request(letter(&[&ana], &subject, "text"));
    for _ in 0..MESSAGES / 100 {
        try_join_all((0..100).map(|_| send())).await.unwrap();
    }
    let before = memory(&services);
    let readers = services.client().await.with_token(&ana.token);
    let proxy = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 5));
    let proxy = services.client_from(Some(proxy)).await;
    let proxy = proxy.with_token(&ana.token);
    let watch = |client: &Client| {
        let mut request = Request::new(WatchMailboxRequest {
            since_state: begin.clone(),
        });
        request.set_timeout(Duration::from_secs(8));
        let mut mail = client.mail();
        async move { mail.watch_mailbox(request).await }
    };
    let behind = watch(&proxy).await.unwrap();
    let streams = (0..READERS).map(|_| watch(&readers));
    let streams = try_join_all(streams).await.unwrap();
    // All there is for them, two copies of each message with their subjects, would be ten times as much.
    let limit = 30 * MIB;
    for _ in 0..20 {
        send().await.expect("others are served meanwhile");
        let state = ana.state().await;
        state.expect("no reader keeps a connection to the database");
        let [mail, gateway] = grown(before, memory(&services));
        assert!(mail < limit && gateway < limit, "{mail} {gateway}");
    }
    // Nobody reads that their time is over; they end all the same.
    eventually("all of them end", SOON, async || {
        let page = get(&services.gateway, "/metrics").await;
        (value(&page, "turbomessage_streams_open", &[]) == Some(1.0)).then_some(())
    })
    .await;
    eventually("for mail-service too", SOON, async || {
        let page = get(&services.mail, "/metrics").await;
        (value(&page, "turbomessage_streams_open", &[]) == Some(0.0)).then_some(())
    })
    .await;
    // A proxy's connection is not one client's: it stays, and what waits on it costs nothing behind the gateway.
    let mailbox = proxy.mail().get_mailbox(GetMailboxRequest {}).await;
    mailbox.expect("other clients of the proxy lose nothing");
    drop((behind, streams));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_whose_answers_are_never_read_keep_nobody_out_for_long() {
    const PLACES: usize = 2;
    let settings = Services::on_files().env(Part::Gateway, "TM_MAX_CALLS", &PLACES.to_string());
    let services = settings.start().await;
    let (ana, ben) = tokio::join!(services.register_fresh(), services.register_fresh());
    let readers = join_all((0..PLACES).map(|_| deaf(&services, &ana))).await;
    let unread = readers.into_iter().map(|reader| {
        tokio::spawn(async move {
            let mut request = Request::new(GetMailboxRequest {});
            request.set_timeout(Duration::from_secs(3));
            reader.mail().get_mailbox(request).await
        })
    });
    let unread: Vec<_> = unread.collect();
    eventually("all places are taken", SOON, async || {
        let refused = ben.mail().get_mailbox(GetMailboxRequest {}).await;
        (reason(&refused.err()?) == "OVERLOADED").then_some(())
    })
    .await;
    eventually("they are free again", SOON, async || {
        ben.mail().get_mailbox(GetMailboxRequest {}).await.ok()
    })
    .await;
    for call in unread {
        let ended = timeout(SOON, call).await.expect("its connection is closed");
        ended.unwrap().expect_err("nothing of it was read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_that_are_never_read_hold_up_nobody_else() {
    const READERS: usize = 10;
    let services = Services::on_files().start().await;
    let (ana, ben) = tokio::join!(services.register_fresh(), services.register_fresh());
    let mut large = letter(&[&ana], "large", &"t".repeat(1 << 20));
    large.body.as_mut().unwrap().html = "h".repeat(1 << 20);
    let large = ana.send_request(large).await.unwrap();
    let readers = (0..READERS).map(|_| async {
        let reader = deaf(&services, &ana).await;
        let mut calls = Grpc::new(reader.service());
        calls.ready().await.unwrap();
        let request = GetMessageRequest {
            message_id: large.message_id.clone(),
            ..GetMessageRequest::default()
        };
        let path = PathAndQuery::from_static("/turbomessage.mail.v1.MailService/GetMessage");
        let codec = ProstCodec::<GetMessageRequest, GetMessageResponse>::default();
        // It answers when the answer has begun.
        calls
            .server_streaming(request.into_request(), path, codec)
            .await
    });
    let readers = try_join_all(readers).await.unwrap();
    // Each goes to mail-service, as would those of anybody else.
    for _ in 0..100 {
        let state = timeout(Duration::from_secs(5), ben.state()).await;
        state.expect("no answer waits for those").unwrap();
    }
    drop(readers);
    let read = ana.get(&large.message_id).await.unwrap();
    assert_eq!(read.body.unwrap().html.len(), 1 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_never_read_take_nothing_of_what_others_are_told() {
    const READERS: usize = 150;
    let services = Services::on_files().start().await;
    let (ana, ben) = tokio::join!(services.register_fresh(), services.register_fresh());
    let begin = ana.state().await.unwrap();
    let subject = "s".repeat(990);
    try_join_all((0..100).map(|_| ana.send_request(letter(&[&ana], &subject, "text"))))
        .await
        .unwrap();
    let mut unread = Vec::new();
    // Together they have more than twice the bytes before them that one connection between the services took.
    for _ in 0..2 {
        let client = services.client().await.with_token(&ana.token);
        let streams = (0..READERS).map(|_| async {
            let since_state = begin.clone();
            let mut mail = client.mail();
            mail.watch_mailbox(WatchMailboxRequest { since_state })
                .await
        });
        unread.push(try_join_all(streams).await.unwrap());
    }
    let mut watch = ben.watch("").await.unwrap();
    watch.message().await.unwrap().unwrap();
    for _ in 0..20 {
        ana.send_request(letter(&[&ben], &subject, "text"))
            .await
            .unwrap();
        let told = tokio::time::timeout(Duration::from_secs(5), watch.message()).await;
        told.expect("in time").unwrap().unwrap();
    }
    drop(unread);
}
