//! The replicas of another service: found by name again and again, connected to, asked after their
//! health, and given each call in turn.
//!
//! A replica gets calls from the moment it says that it serves until it fails to say so. It is asked every few
//! seconds, and at once when a call to it went wrong: so one that was stopped, cut off or frozen is left
//! within seconds, whatever its connection looks like, and one that comes back is found.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use http::{Request, Response};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tonic::{Code, body::Body};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tower::Service;

use super::{
    TransportError,
    connection::{Connection, Way},
    lost,
};

/// How often names are looked up.
const LOOK_UP_INTERVAL: Duration = Duration::from_secs(5);
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a replica that is in use is asked whether it serves, and how long it has to answer.
const CHECK_INTERVAL: Duration = Duration::from_secs(3);
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// The least time between two questions, however many calls go wrong.
const CHECK_PAUSE: Duration = Duration::from_millis(50);
/// How long it takes at first, and at the most, until a replica that did not answer is tried again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long a call waits for a replica where there is none: a restart of the only one goes unnoticed.
const PATIENCE: Duration = Duration::from_secs(2);

/// The replicas of one service, as far as they serve, over one connection to each.
#[derive(Debug, Clone)]
pub(super) struct Replicas {
    serving: watch::Receiver<Vec<Arc<Replica>>>,
    /// Ends the search when nobody wants these replicas any more.
    _search: Arc<Search>,
}

#[derive(Debug)]
struct Search(JoinHandle<()>);

impl Drop for Search {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One replica that serves.
#[derive(Debug)]
struct Replica {
    address: SocketAddr,
    connection: Connection,
    /// Calls and streams under way.
    under_way: AtomicUsize,
    /// A call went wrong.
    doubt: Notify,
}

impl Replicas {
    /// Those at the addresses that `look_up` answers with whenever it is asked.
    pub(super) fn found_by<F>(look_up: impl Fn() -> F + Send + 'static, way: Way) -> Self
    where
        F: Future<Output = anyhow::Result<BTreeSet<SocketAddr>>> + Send + 'static,
    {
        let (found, serving) = watch::channel(Vec::new());
        let search = tokio::spawn(search(look_up, way, found));
        Self {
            serving,
            _search: Arc::new(Search(search)),
        }
    }

    /// One that serves: of two at random the one with less to do.
    async fn pick(&self) -> Result<Arc<Replica>, TransportError> {
        if let Some(replica) = less_busy(&self.serving.borrow()) {
            return Ok(replica);
        }
        let mut serving = self.serving.clone();
        let some = serving.wait_for(|replicas| !replicas.is_empty());
        match timeout(PATIENCE, some).await {
            Ok(Ok(replicas)) => less_busy(&replicas).ok_or_else(nobody),
            Ok(Err(_)) | Err(_) => Err(nobody()),
        }
    }

    /// One that takes a call now. A replica that is about to stop says goodbye before it is found to serve no more: what
    /// was not sent to it goes to another.
    async fn ready(&self) -> Result<(UnderWay, Connection), TransportError> {
        let begun = Instant::now();
        loop {
            let under_way = UnderWay::at(self.pick().await?);
            let mut connection = under_way.0.connection.clone();
            match connection.ready().await {
                Ok(()) => return Ok((under_way, connection)),
                Err(error) => {
                    under_way.0.doubt.notify_one();
                    if begun.elapsed() > PATIENCE {
                        return Err(lost(error));
                    }
                    drop(under_way);
                    sleep(CHECK_PAUSE).await;
                }
            }
        }
    }
}

fn nobody() -> TransportError {
    lost(anyhow!("no replica serves"))
}

fn less_busy(replicas: &[Arc<Replica>]) -> Option<Arc<Replica>> {
    let random = || replicas.get(rand::random_range(0..replicas.len()));
    let [one, other] = match replicas {
        [] => return None,
        [only] => return Some(Arc::clone(only)),
        [one, other] => [one, other],
        _ => [random()?, random()?],
    };
    let load = |replica: &Replica| replica.under_way.load(Ordering::Relaxed);
    let (one_load, other_load) = (load(one), load(other));
    let other_is_less = other_load < one_load || other_load == one_load && rand::random();
    Some(Arc::clone(if other_is_less { other } else { one }))
}

impl Service<Request<Body>> for Replicas {
    type Response = Response<Body>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let replicas = self.clone();
        Box::pin(async move {
            let (under_way, connection) = replicas.ready().await?;
            match connection.send(request).await {
                Ok(response) => Ok(response.map(|body| counted(body, under_way))),
                Err(error) => {
                    under_way.0.doubt.notify_one();
                    Err(lost(error))
                }
            }
        })
    }
}

/// A call or stream that is under way, until it is dropped.
struct UnderWay(Arc<Replica>);

impl UnderWay {
    fn at(replica: Arc<Replica>) -> Self {
        replica.under_way.fetch_add(1, Ordering::Relaxed);
        Self(replica)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `body`, and with its end that of the call.
fn counted(body: Body, under_way: UnderWay) -> Body {
    if http_body::Body::is_end_stream(&body) {
        return body;
    }
    Body::new(Counted {
        body,
        under_way: Some(under_way),
    })
}

pin_project_lite::pin_project! {
    struct Counted {
        #[pin]
        body: Body,
        under_way: Option<UnderWay>,
    }
}

impl http_body::Body for Counted {
    type Data = bytes::Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<bytes::Bytes>, tonic::Status>>> {
        let this = self.project();
        let frame = std::task::ready!(this.body.poll_frame(cx));
        match (&frame, this.under_way.take()) {
            (Some(Ok(_)), under_way) => *this.under_way = under_way,
            (Some(Err(_)), Some(broken)) => broken.0.doubt.notify_one(),
            (Some(Err(_)), None) | (None, _) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// Looks for addresses again and again, and keeps a connection to each.
async fn search<F: Future<Output = anyhow::Result<BTreeSet<SocketAddr>>>>(
    look_up: impl Fn() -> F,
    way: Way,
    found: watch::Sender<Vec<Arc<Replica>>>,
) {
    let found = Arc::new(found);
    let mut keepers: BTreeMap<SocketAddr, Keeper> = BTreeMap::new();
    let mut known = true;
    loop {
        let addresses = timeout(LOOK_UP_TIMEOUT, look_up()).await;
        match addresses.unwrap_or_else(|_| Err(anyhow!("no answer in {LOOK_UP_TIMEOUT:?}"))) {
            Ok(addresses) => {
                known = true;
                keepers.retain(|address, _| addresses.contains(address));
                for address in addresses {
                    keepers
                        .entry(address)
                        .or_insert_with(|| Keeper::start(address, way.clone(), Arc::clone(&found)));
                }
            }
            // A name server that does not answer says nothing about the replicas.
            Err(error) if known => {
                known = false;
                tracing::warn!(error.cause = %format_args!("{error:#}"), "cannot look up an upstream");
            }
            Err(_) => {}
        }
        let pause = if keepers.is_empty() {
            FIRST_PAUSE
        } else {
            LOOK_UP_INTERVAL
        };
        sleep(pause).await;
    }
}

/// The addresses that the name service knows for `host`.
pub(super) async fn look_up(host: &str, port: u16) -> anyhow::Result<BTreeSet<SocketAddr>> {
    let addresses = tokio::net::lookup_host((host, port)).await;
    let addresses: BTreeSet<SocketAddr> = addresses.with_context(|| host.to_owned())?.collect();
    if addresses.is_empty() {
        return Err(anyhow!("{host} has no address"));
    }
    Ok(addresses)
}

/// Keeps up one replica, as long as its address is known.
#[derive(Debug)]
struct Keeper {
    address: SocketAddr,
    found: Arc<watch::Sender<Vec<Arc<Replica>>>>,
    work: JoinHandle<()>,
}

impl Keeper {
    fn start(address: SocketAddr, way: Way, found: Arc<watch::Sender<Vec<Arc<Replica>>>>) -> Self {
        Self {
            address,
            work: tokio::spawn(keep(address, way, Arc::clone(&found))),
            found,
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.work.abort();
        leave(&self.found, self.address);
    }
}

fn leave(found: &watch::Sender<Vec<Arc<Replica>>>, address: SocketAddr) {
    found.send_if_modified(|replicas| {
        let before = replicas.len();
        replicas.retain(|replica| replica.address != address);
        replicas.len() != before
    });
}

async fn keep(address: SocketAddr, way: Way, found: Arc<watch::Sender<Vec<Arc<Replica>>>>) {
    let mut pause = FIRST_PAUSE;
    let mut silent = false;
    loop {
        let connected = way.connect(address).await;
        if let Err(error) = &connected
            && !std::mem::replace(&mut silent, true)
        {
            // Once, however long it is not there.
            tracing::warn!(upstream.address = %address, error.cause = %format_args!("{error:#}"), "no way to an upstream");
        }
        if let Ok(connection) = connected
            && serves(&connection).await
        {
            silent = false;
            let since = Instant::now();
            let replica = Arc::new(Replica {
                address,
                connection,
                under_way: AtomicUsize::new(0),
                doubt: Notify::new(),
            });
            found.send_modify(|replicas| replicas.push(Arc::clone(&replica)));
            tracing::info!(upstream.address = %address, "an upstream serves");
            while_it_serves(&replica).await;
            leave(&found, address);
            tracing::warn!(upstream.address = %address, "an upstream does not serve");
            if since.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
        }
        // Not all at once, where many wait for the same replica.
        sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

async fn while_it_serves(replica: &Replica) {
    loop {
        tokio::select! {
            () = replica.connection.gone() => return,
            () = replica.doubt.notified() => sleep(CHECK_PAUSE).await,
            () = sleep(CHECK_INTERVAL) => {}
        }
        if !serves(&replica.connection).await {
            return;
        }
    }
}

/// Whether a replica says that it serves. One that answers, but knows nothing of health, does.
async fn serves(connection: &Connection) -> bool {
    let mut client = HealthClient::new(connection.clone());
    let check = client.check(HealthCheckRequest::default());
    match timeout(CHECK_TIMEOUT, check).await {
        Ok(Ok(answer)) => answer.get_ref().status() == ServingStatus::Serving,
        Ok(Err(status)) => matches!(status.code(), Code::Unimplemented | Code::NotFound),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests;
