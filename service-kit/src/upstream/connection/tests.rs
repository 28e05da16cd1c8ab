//! Calls over one connection, to a server that is bare h2.

use bytes::BytesMut;
use h2::server::{Builder as ServerBuilder, Connection as Peer, SendResponse};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use tokio::{
    net::TcpListener,
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tonic::Status;

use super::*;

const WINDOW: u32 = 64 * 1024;

type Server = Peer<TcpStream, Bytes>;
type Answering = SendResponse<Bytes>;

/// A connection, and what accepts its calls. The server must be polled for anything to happen.
async fn connected() -> (Connection, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let origin = "http://mail.test:1".parse().unwrap();
    let way = Way::new(&origin, &UpstreamTlsArgs::default(), (WINDOW, 16 * WINDOW)).unwrap();
    let accepted = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut builder = ServerBuilder::new();
        builder.initial_window_size(WINDOW);
        builder.handshake(stream).await.unwrap()
    };
    let (connection, server) = tokio::join!(way.connect(address), accepted);
    (connection.unwrap(), server)
}

/// Has every call answered by `answer`, each in a task of its own.
fn serve<F>(
    mut server: Server,
    answer: impl Fn(Request<RecvStream>, Answering) -> F + Send + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        while let Some(Ok((request, answering))) = server.accept().await {
            tokio::spawn(answer(request, answering));
        }
    });
}

fn request(body: Body) -> Request<Body> {
    Request::post("/turbo.Test/Call").body(body).unwrap()
}

async fn call(connection: &Connection, body: Body) -> Result<Response<Body>, BoxError> {
    connection.clone().call(request(body)).await
}

/// All that comes of a request, taken as it comes.
async fn all_of(mut body: RecvStream) -> BytesMut {
    let mut all = BytesMut::new();
    while let Some(Ok(data)) = body.data().await {
        let _ = body.flow_control().release_capacity(data.len());
        all.extend_from_slice(&data);
    }
    all
}

fn stream_of(frames: mpsc::UnboundedReceiver<Result<Frame<Bytes>, Status>>) -> Body {
    let frames = futures::stream::unfold(frames, |mut frames| async move {
        Some((frames.recv().await?, frames))
    });
    Body::new(StreamBody::new(frames))
}

#[tokio::test]
async fn a_call_names_the_service_and_brings_body_and_trailers_both_ways() {
    let (connection, server) = connected().await;
    serve(server, |request, mut answering| async move {
        assert_eq!(request.uri(), "http://mail.test:1/turbo.Test/Call");
        let body = all_of(request.into_body()).await.freeze();
        let mut sending = answering.send_response(Response::new(()), false).unwrap();
        sending.reserve_capacity(body.len());
        sending.send_data(body, false).unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        sending.send_trailers(trailers).unwrap();
    });
    // More than the window, in pieces and as a whole; and nothing.
    let large = Bytes::from(vec![7; 300 * 1024]);
    for body in [Bytes::new(), Bytes::from_static(b"small"), large] {
        let answer = call(
            &connection,
            Body::new(http_body_util::Full::new(body.clone())),
        );
        let answer = answer.await.unwrap().into_body().collect().await.unwrap();
        assert_eq!(answer.trailers().unwrap()["grpc-status"], "0");
        assert!(answer.to_bytes() == body);
    }
    let (frames, body) = mpsc::unbounded_channel();
    for piece in [b"one " as &[u8], b"", b"two"] {
        frames
            .send(Ok(Frame::data(Bytes::from_static(piece))))
            .unwrap();
    }
    drop(frames);
    let answer = call(&connection, stream_of(body)).await.unwrap();
    assert_eq!(
        answer.into_body().collect().await.unwrap().to_bytes(),
        "one two"
    );
}

#[tokio::test]
async fn what_is_still_to_be_sent_goes_on_while_the_answer_is_read() {
    let (connection, server) = connected().await;
    serve(server, |request, mut answering| async move {
        // Answers before anything has come, and echoes.
        let mut sending = answering.send_response(Response::new(()), false).unwrap();
        let mut body = request.into_body();
        while let Some(Ok(data)) = body.data().await {
            let _ = body.flow_control().release_capacity(data.len());
            sending.send_data(data, false).unwrap();
        }
        sending.send_data(Bytes::new(), true).unwrap();
    });
    let (frames, body) = mpsc::unbounded_channel();
    let mut answer = call(&connection, stream_of(body))
        .await
        .unwrap()
        .into_body();
    for text in ["one", "two", "three"] {
        frames.send(Ok(Frame::data(text.into()))).unwrap();
        let echoed = answer.frame().await.unwrap().unwrap();
        assert_eq!(echoed.into_data().unwrap(), text);
    }
    drop(frames);
    assert!(
        answer
            .frame()
            .await
            .is_none_or(|frame| frame.unwrap().into_data().unwrap().is_empty())
    );
}

#[tokio::test]
async fn who_gives_up_ends_the_call_on_the_other_side_too() {
    let (connection, server) = connected().await;
    let (told, mut ended) = mpsc::unbounded_channel();
    serve(server, move |_, mut answering| {
        let told = told.clone();
        async move {
            let reason = poll_fn(|cx| answering.poll_reset(cx)).await;
            told.send(reason.unwrap()).unwrap();
        }
    });
    // Before the answer has begun.
    let waiting = call(&connection, Body::empty());
    assert!(timeout(Duration::from_millis(50), waiting).await.is_err());
    assert_eq!(ended.recv().await, Some(Reason::CANCEL));
    // And with a body that fails.
    let (frames, body) = mpsc::unbounded_channel();
    frames
        .send(Err(Status::cancelled("the client has gone")))
        .unwrap();
    let refused = call(&connection, stream_of(body)).await.unwrap_err();
    assert!(
        refused.to_string().contains("the client has gone"),
        "{refused}"
    );
    assert_eq!(ended.recv().await, Some(Reason::CANCEL));
}

#[tokio::test]
async fn an_answer_that_is_not_read_is_not_sent_on() {
    let (connection, server) = connected().await;
    let (told, mut sent) = mpsc::unbounded_channel();
    serve(server, move |_, mut answering| {
        let told = told.clone();
        async move {
            let mut sending = answering.send_response(Response::new(()), false).unwrap();
            loop {
                sending.reserve_capacity(16 * 1024);
                let Some(Ok(room)) = poll_fn(|cx| sending.poll_capacity(cx)).await else {
                    return;
                };
                sending
                    .send_data(Bytes::from(vec![1; room]), false)
                    .unwrap();
                told.send(room).unwrap();
            }
        }
    });
    let mut answer = call(&connection, Body::empty()).await.unwrap().into_body();
    let mut total = 0;
    let quiet = Duration::from_millis(200);
    while let Ok(Some(room)) = timeout(quiet, sent.recv()).await {
        total += room;
    }
    assert_eq!(total, WINDOW as usize);
    while total > 0 {
        let frame = answer.frame().await.unwrap().unwrap();
        total = total.saturating_sub(frame.into_data().unwrap().len());
    }
    assert!(sent.recv().await.unwrap() > 0, "what is read makes room");
}

#[tokio::test]
async fn an_answer_may_come_before_the_request_is_complete() {
    let (connection, server) = connected().await;
    serve(server, |_, mut answering| async move {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        // With that h2 resets the stream, without an error: nothing more is wanted of the request.
        answering.send_response(response, true).unwrap();
    });
    let (frames, body) = mpsc::unbounded_channel();
    frames.send(Ok(Frame::data("some of it".into()))).unwrap();
    let answer = call(&connection, stream_of(body)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT);
    assert!(
        answer
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .is_empty()
    );
    drop(frames);
}

#[tokio::test]
async fn who_said_goodbye_takes_no_call_and_ends_those_there_are() {
    let (mut connection, mut server) = connected().await;
    let calling = tokio::spawn({
        let connection = connection.clone();
        async move { call(&connection, Body::empty()).await }
    });
    let (_, mut answering) = server.accept().await.unwrap().unwrap();
    server.graceful_shutdown();
    let ending = tokio::spawn(async move { while server.accept().await.is_some() {} });
    let limit = Instant::now() + Duration::from_secs(5);
    while connection.ready().await.is_ok() {
        assert!(Instant::now() < limit);
        tokio::task::yield_now().await;
    }
    answering.send_response(Response::new(()), true).unwrap();
    assert!(
        calling.await.unwrap().is_ok(),
        "what was under way is answered"
    );
    timeout_at(limit, connection.gone()).await.unwrap();
    ending.await.unwrap();
}

#[tokio::test]
async fn a_call_fails_with_its_connection() {
    let (connection, mut server) = connected().await;
    let calling = tokio::spawn({
        let connection = connection.clone();
        async move { call(&connection, Body::empty()).await }
    });
    let taken = server.accept().await.unwrap().unwrap();
    drop(server);
    drop(taken);
    assert!(calling.await.unwrap().is_err());
    timeout(Duration::from_secs(5), connection.gone())
        .await
        .unwrap();
}

#[tokio::test]
async fn who_does_not_answer_pings_is_left() {
    let (connection, server) = connected().await;
    tokio::time::pause();
    // It holds the connection and does nothing.
    let begun = Instant::now();
    connection.gone().await;
    let patience = KEEPALIVE_INTERVAL + KEEPALIVE_TIMEOUT;
    assert!(begun.elapsed() >= patience && begun.elapsed() < 2 * patience);
    drop(server);
}

#[tokio::test]
async fn a_connection_is_closed_when_nobody_wants_it() {
    let (connection, mut server) = connected().await;
    drop(connection);
    let closed = timeout(Duration::from_secs(5), server.accept()).await;
    assert!(closed.unwrap().is_none_or(|accepted| accepted.is_err()));
}
