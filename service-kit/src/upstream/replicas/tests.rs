//! Replicas that come, go and freeze.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize},
};

use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::{Status, service::Routes};
use tower::ServiceExt as _;

use super::*;
use crate::{server, tls::UpstreamTlsArgs};

type Addresses = Arc<Mutex<BTreeSet<SocketAddr>>>;

/// A server that counts calls.
#[derive(Debug, Clone, Default)]
struct Server {
    calls: Arc<AtomicUsize>,
    frozen: Arc<AtomicBool>,
    stop: CancellationToken,
}

impl Server {
    async fn start_at(self, address: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = self.stop.clone();
        let answer = tower::service_fn(move |request: Request<_>| {
            let server = self.clone();
            async move {
                if server.frozen.load(Ordering::SeqCst) {
                    std::future::pending::<()>().await;
                }
                if request.uri().path() == "/call" {
                    server.calls.fetch_add(1, Ordering::SeqCst);
                }
                let answer = Status::unimplemented("nothing but a count");
                Ok::<_, std::convert::Infallible>(answer.into_http::<Body>())
            }
        });
        let router = Routes::default().into_axum_router();
        let router = router.fallback_service(answer);
        let drain = Duration::from_secs(1);
        tokio::spawn(server::serve(
            listener,
            Routes::from(router),
            10,
            stop,
            drain,
        ));
        address
    }

    async fn start() -> (Self, SocketAddr) {
        let server = Self::default();
        let address = server.clone().start_at(([127, 0, 0, 1], 0).into()).await;
        (server, address)
    }

    fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::SeqCst)
    }
}

fn lock(addresses: &Addresses) -> std::sync::MutexGuard<'_, BTreeSet<SocketAddr>> {
    addresses.lock().unwrap_or_else(PoisonError::into_inner)
}

fn replicas_at(addresses: &Addresses) -> Replicas {
    let addresses = Arc::clone(addresses);
    let look_up = move || {
        let addresses = lock(&addresses).clone();
        async { Ok(addresses) }
    };
    let origin = "http://service".parse().unwrap();
    let windows = (64 * 1024, 1024 * 1024);
    let way = Way::new(&origin, &UpstreamTlsArgs::default(), windows).unwrap();
    Replicas::found_by(look_up, way)
}

fn at(addresses: &[SocketAddr]) -> (Replicas, Addresses) {
    let addresses: Addresses = Arc::new(Mutex::new(addresses.iter().copied().collect()));
    (replicas_at(&addresses), addresses)
}

async fn call(replicas: &Replicas) -> bool {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = "http://service/call".parse().unwrap();
    *request.method_mut() = http::Method::POST;
    let answer = timeout(Duration::from_secs(4), replicas.clone().oneshot(request)).await;
    answer.is_ok_and(|answer| answer.is_ok())
}

/// Makes so many calls, a few at once; answers how many were answered.
async fn calls(replicas: &Replicas, count: usize) -> usize {
    let mut answered = 0;
    for _ in 0..count / 10 {
        let mut calls = JoinSet::new();
        for _ in 0..10 {
            let replicas = replicas.clone();
            calls.spawn(async move { call(&replicas).await });
        }
        answered += calls.join_all().await.into_iter().filter(|ok| *ok).count();
    }
    answered
}

async fn until(what: &str, limit: u64, condition: impl AsyncFn() -> bool) {
    let patience = timeout(Duration::from_secs(limit), async {
        while !condition().await {
            sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(patience.await.is_ok(), "not within {limit} s: {what}");
}

async fn serving(replicas: &Replicas, count: usize) {
    until("so many serve", 15, async || {
        replicas.serving.borrow().len() == count
    })
    .await;
}

#[tokio::test]
async fn each_of_the_replicas_has_an_even_share() {
    let [one, two, three] = [
        Server::start().await,
        Server::start().await,
        Server::start().await,
    ];
    let (replicas, _) = at(&[one.1, two.1, three.1]);
    serving(&replicas, 3).await;
    assert_eq!(calls(&replicas, 900).await, 900);
    for (server, _) in [one, two, three] {
        let share = server.calls();
        assert!((240..=360).contains(&share), "{share} of 900");
    }
}

#[tokio::test]
async fn who_comes_gets_a_share_and_who_goes_gets_nothing() {
    let [one, two] = [Server::start().await, Server::start().await];
    let (replicas, addresses) = at(&[one.1]);
    serving(&replicas, 1).await;
    assert_eq!(calls(&replicas, 20).await, 20);
    assert_eq!((one.0.calls(), two.0.calls()), (20, 0));

    lock(&addresses).insert(two.1);
    serving(&replicas, 2).await;
    assert_eq!(calls(&replicas, 200).await, 200);
    let (ones, twos) = (one.0.calls(), two.0.calls());
    assert!(ones > 60 && twos > 60, "{ones} and {twos}");

    lock(&addresses).remove(&one.1);
    serving(&replicas, 1).await;
    assert_eq!(calls(&replicas, 20).await, 20);
    assert_eq!((one.0.calls(), two.0.calls()), (0, 20));
}

#[tokio::test]
async fn who_stops_is_left_at_once_and_found_again() {
    let [one, two] = [Server::start().await, Server::start().await];
    let (replicas, _) = at(&[one.1, two.1]);
    serving(&replicas, 2).await;
    two.0.stop.cancel();
    until("what has stopped is left", 3, async || {
        call(&replicas).await;
        replicas.serving.borrow().len() == 1
    })
    .await;
    assert_eq!(calls(&replicas, 100).await, 100);

    let again = Server::default();
    again.clone().start_at(two.1).await;
    serving(&replicas, 2).await;
    assert_eq!(calls(&replicas, 100).await, 100);
    assert!(again.calls() > 20);
}

#[tokio::test]
async fn who_freezes_is_left_within_seconds() {
    let [one, two] = [Server::start().await, Server::start().await];
    let (replicas, _) = at(&[one.1, two.1]);
    serving(&replicas, 2).await;
    two.0.frozen.store(true, Ordering::SeqCst);
    until("what is frozen is left", 10, async || {
        replicas.serving.borrow().len() == 1
    })
    .await;
    assert_eq!(calls(&replicas, 100).await, 100);
    two.0.frozen.store(false, Ordering::SeqCst);
    serving(&replicas, 2).await;
}

#[tokio::test]
async fn where_nobody_serves_a_call_waits_a_little_and_no_longer() {
    let (server, address) = Server::start().await;
    server.stop.cancel();
    until("it has stopped", 5, async || {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
    let (replicas, _) = at(&[address]);
    let begun = Instant::now();
    assert!(!call(&replicas).await);
    assert!(begun.elapsed() < Duration::from_secs(4));

    let waiting = tokio::spawn({
        let replicas = replicas.clone();
        async move { call(&replicas).await }
    });
    Server::default().start_at(address).await;
    assert!(waiting.await.unwrap(), "a restart goes unnoticed");
}
