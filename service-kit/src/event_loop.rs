//! Threads with a runtime of their own, for work that is better off when it stays in one thread (ADR 13).

use std::{
    cell::Cell,
    io,
    sync::{Arc, mpsc},
    thread,
};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

thread_local! {
    /// Which of several loops this thread is.
    static HERE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// A thread with a runtime. When this is dropped, its tasks are too, and the thread ends.
#[derive(Debug)]
pub struct EventLoop {
    runtime: Handle,
    _end: DropGuard,
}

impl EventLoop {
    /// Starts a thread called `name`, which does `first` before anything else.
    ///
    /// # Errors
    /// The system gives no thread, or nothing to wait on.
    pub fn start(
        name: impl Into<String>,
        first: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let end = CancellationToken::new();
        let ended = end.clone();
        let (started, runtime) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name(name.into());
        thread.spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime.map_err(|error| started.send(Err(error))) else {
                return;
            };
            first();
            if started.send(Ok(runtime.handle().clone())).is_ok() {
                runtime.block_on(ended.cancelled());
            }
        })?;
        let runtime = runtime.recv().map_err(io::Error::other)??;
        Ok(Self {
            runtime,
            _end: end.drop_guard(),
        })
    }

    /// Its runtime.
    #[must_use]
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

/// Loops that share the work of a server: a connection, the calls that come over it, and the connections on which
/// they are handed on, live in one of them.
#[derive(Debug, Clone)]
pub struct EventLoops(Arc<[EventLoop]>);

impl EventLoops {
    /// As many as this process may use cores.
    ///
    /// # Errors
    /// See [`EventLoop::start`].
    pub fn start() -> io::Result<Self> {
        Self::of(thread::available_parallelism().map_or(1, Into::into))
    }

    /// So many, at least one.
    ///
    /// # Errors
    /// See [`EventLoop::start`].
    pub fn of(number: usize) -> io::Result<Self> {
        let start =
            |place| EventLoop::start(format!("loop-{place}"), move || HERE.set(Some(place)));
        let loops: io::Result<Vec<_>> = (0..number.max(1)).map(start).collect();
        Ok(Self(loops?.into()))
    }

    /// Each of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &EventLoop> {
        self.0.iter()
    }
}

/// Which of several loops this is called in, counted from 0.
pub(crate) fn here() -> Option<usize> {
    HERE.get()
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap, convert::Infallible, net::SocketAddr, sync::LazyLock, time::Duration,
    };

    use http::{HeaderValue, Request};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        sync::Notify,
    };
    use tonic::{Status, body::Body, service::Routes};
    use tower::ServiceExt;

    use super::*;
    use crate::{
        listener::{Listener, Peer},
        server::{self, EDGE_STREAMS},
        tls::UpstreamTlsArgs,
        upstream::Upstream,
    };

    /// Somebody waits for an answer, and is to get it.
    #[derive(Debug, Default)]
    struct Held {
        asked: Notify,
        answer: Notify,
    }

    static HELD: LazyLock<Held> = LazyLock::new(Held::default);

    /// A server that says in which thread it answers, and to whom.
    async fn start(loops: Option<EventLoops>) -> (SocketAddr, DropGuard) {
        let answer = tower::service_fn(|request: Request<_>| async move {
            if request.uri().path() == "/held" {
                HELD.asked.notify_one();
                HELD.answer.notified().await;
            }
            let peer = format!("{:?}", request.extensions().get::<Peer>());
            let thread = thread::current().name().unwrap_or_default().to_owned();
            // Who does not know of health is taken for healthy.
            let answer = Status::unimplemented("nothing but where");
            let mut response = answer.into_http::<Body>();
            for (name, value) in [("peer", peer), ("thread", thread)] {
                let value = HeaderValue::try_from(value).unwrap();
                response.headers_mut().insert(name, value);
            }
            Ok::<_, Infallible>(response)
        });
        let routes = Routes::default()
            .into_axum_router()
            .fallback_service(answer);
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let mut listener = Listener::from(tcp);
        if let Some(loops) = loops {
            listener = listener.spread_over(loops);
        }
        let stop = CancellationToken::new();
        tokio::spawn(server::serve(
            listener,
            Routes::from(routes),
            EDGE_STREAMS,
            stop.clone(),
            Duration::from_secs(10),
        ));
        (address, stop.drop_guard())
    }

    /// The thread in which a request over this connection is answered.
    async fn thread_of(connection: &mut TcpStream) -> String {
        ask(connection, "/").await
    }

    async fn ask(connection: &mut TcpStream, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: here\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            assert_ne!(connection.read_buf(&mut answer).await.unwrap(), 0);
        }
        let answer = String::from_utf8(answer).unwrap();
        let line = answer
            .lines()
            .find_map(|line| line.strip_prefix("thread: "));
        line.unwrap().to_owned()
    }

    #[tokio::test]
    async fn connections_go_to_the_loop_with_the_fewest_and_stay_there() {
        let (address, _stop) = start(Some(EventLoops::of(3).unwrap())).await;
        let mut open: HashMap<String, Vec<TcpStream>> = HashMap::new();
        for _ in 0..12 {
            let mut connection = TcpStream::connect(address).await.unwrap();
            let thread = thread_of(&mut connection).await;
            assert_eq!(thread_of(&mut connection).await, thread);
            open.entry(thread).or_default().push(connection);
        }
        let mut loops: Vec<&String> = open.keys().collect();
        loops.sort();
        assert_eq!(loops, ["loop-0", "loop-1", "loop-2"]);
        assert!(open.values().all(|connections| connections.len() == 4));

        // Those of one loop are closed: as soon as the server has seen it, the next go there.
        open.remove("loop-1");
        let refilled = async {
            loop {
                let mut next = Vec::new();
                for _ in 0..4 {
                    let mut connection = TcpStream::connect(address).await.unwrap();
                    let thread = thread_of(&mut connection).await;
                    next.push((thread, connection));
                }
                if next.iter().all(|(thread, _)| thread == "loop-1") {
                    break;
                }
            }
        };
        let refilled = tokio::time::timeout(Duration::from_secs(5), refilled).await;
        assert!(refilled.is_ok());
    }

    #[tokio::test]
    async fn who_is_answered_when_it_stops_gets_the_answer_and_nobody_else_comes_in() {
        let (address, stop) = start(Some(EventLoops::of(2).unwrap())).await;
        let mut connection = TcpStream::connect(address).await.unwrap();
        let asking = tokio::spawn(async move { ask(&mut connection, "/held").await });
        HELD.asked.notified().await;
        drop(stop);
        let refused = async { while TcpStream::connect(address).await.is_ok() {} };
        let refused = tokio::time::timeout(Duration::from_secs(5), refused).await;
        assert!(refused.is_ok());
        HELD.answer.notify_one();
        assert!(asking.await.unwrap().starts_with("loop-"));
    }

    #[tokio::test]
    async fn calls_from_a_loop_go_over_connections_of_its_own() {
        let (address, _stop) = start(None).await;
        let loops = EventLoops::of(2).unwrap();
        let url = format!("http://{address}");
        let upstream = Upstream::connect_from(&loops, &url, &UpstreamTlsArgs::default()).unwrap();
        let call = |upstream: Upstream| async move {
            let request = Request::post("/call").body(Body::empty()).unwrap();
            let answer = upstream.calls().oneshot(request).await.unwrap();
            answer.headers()["peer"].clone()
        };
        let mut peers = Vec::new();
        for each in loops.iter().chain(loops.iter()) {
            let called = each.runtime().spawn(call(upstream.clone()));
            peers.push(called.await.unwrap());
        }
        assert_ne!(peers[0], peers[1]);
        assert_eq!(peers[..2], peers[2..]);
        // This thread is none of them.
        assert_eq!(call(upstream).await, peers[0]);
    }

    #[test]
    fn a_loop_ends_with_its_tasks() {
        let each = EventLoop::start("brief", || ()).unwrap();
        let (sender, ended) = mpsc::channel::<()>();
        each.runtime().spawn(async move {
            let _held = sender;
            std::future::pending::<()>().await;
        });
        drop(each);
        assert!(ended.recv().is_err());
    }
}
