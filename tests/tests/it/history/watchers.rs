//! People who keep a replica of a mailbox by what changes tell them.

use std::time::Duration;

use rand::{RngExt as _, rngs::StdRng};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use turbomessage_proto::mail_v1::WatchMailboxResponse;
use turbomessage_tests::{User, errors::is_worth_repeating};

use super::{insist, replica::Replica};

/// The most replicas of its past that a [`Pager`] keeps.
const POINTS: usize = 30;
/// How many of them it brings up to date in the end.
const ENDS: usize = 5;

/// What does not come within this is not there yet.
const AT_ONCE: Duration = Duration::from_millis(50);

/// Watches over streams, hangs up at any moment, and goes on elsewhere in time or space.
pub(super) struct Tail {
    pub(super) user: User,
    pub(super) replica: Replica,
    pub(super) rng: StdRng,
}

impl Tail {
    /// Watches until `stop`, then to the end of what there is.
    pub(super) async fn follow(mut self, stop: CancellationToken) -> Vec<Replica> {
        while !stop.is_cancelled() {
            let stream = insist(async || self.user.watch(&self.replica.state).await).await;
            tokio::select! {
                () = self.read(stream.unwrap()) => {}
                () = stop.cancelled() => {}
            }
        }
        while self.told_more().await {}
        vec![self.replica]
    }

    /// Reads some of what comes.
    async fn read(&mut self, mut stream: Streaming<WatchMailboxResponse>) {
        for _ in 0..self.rng.random_range(1..=150) {
            match stream.message().await {
                Ok(Some(response)) => drop(self.replica.hear(response)),
                Ok(None) => panic!("a stream that ends says why"),
                Err(status) => return assert!(is_worth_repeating(&status), "{status:?}"),
            }
        }
    }

    /// Goes on from the last state by what comes at once; answers whether it was anything. Where
    /// nothing is left, the first that comes is a sign of life.
    async fn told_more(&mut self) -> bool {
        let first = async || {
            let mut stream = self.user.watch(&self.replica.state).await?;
            let first = stream.message().await?;
            let first = first.ok_or_else(|| Status::unavailable("ended"))?;
            Ok((first, stream))
        };
        let (first, mut stream) = insist(first).await.unwrap();
        let more = self.replica.hear(first);
        while more && let Ok(Ok(Some(next))) = timeout(AT_ONCE, stream.message()).await {
            self.replica.hear(next);
        }
        more
    }
}

/// Asks for pages of changes, from any of the states that it has ever been at.
pub(super) struct Pager {
    pub(super) user: User,
    pub(super) points: Vec<Replica>,
    pub(super) rng: StdRng,
}

impl Pager {
    /// Asks whenever something was acknowledged, until `stop`; in the end brings some of its
    /// replicas up to date.
    pub(super) async fn follow(
        mut self,
        mut kept: watch::Receiver<usize>,
        stop: CancellationToken,
    ) -> Vec<Replica> {
        let first = self.points[0].clone();
        while !stop.is_cancelled() {
            let mut replica = self.any();
            for _ in 0..self.rng.random_range(1..=5) {
                self.turn(&mut replica).await;
            }
            if self.points.len() == POINTS {
                let at = self.rng.random_range(0..POINTS);
                self.points.swap_remove(at);
            }
            self.points.push(replica);
            tokio::select! {
                _ = kept.changed() => {}
                () = stop.cancelled() => {}
            }
        }
        let mut ends = vec![first];
        for _ in 0..ENDS {
            ends.push(self.any());
        }
        for replica in &mut ends {
            while self.turn(replica).await {}
        }
        ends
    }

    fn any(&mut self) -> Replica {
        self.points[self.rng.random_range(0..self.points.len())].clone()
    }

    /// One page further; answers whether there is more.
    async fn turn(&mut self, replica: &mut Replica) -> bool {
        let size = self.rng.random_range(1..=40);
        let page = insist(async || self.user.changes(&replica.state, size).await).await;
        let page = page.unwrap();
        let more = page.has_more;
        replica.turn(page);
        more
    }
}

/// Not without a pause, or those who wait for a service keep it from starting.
pub(super) const PAUSE: Duration = Duration::from_millis(100);
