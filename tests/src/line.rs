//! A line to a server, which can be slow.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Carries bytes to a server and back, until this is dropped.
#[derive(Debug)]
pub struct Line {
    /// Where it begins.
    pub address: SocketAddr,
    delay: Arc<AtomicU64>,
    _stop: DropGuard,
}

impl Line {
    /// A line to `server`, as fast as can be.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let delay = Arc::<AtomicU64>::default();
        let stop = CancellationToken::new();
        let carrying = carry_all(listener, server, Arc::clone(&delay));
        tokio::spawn(stop.clone().run_until_cancelled_owned(carrying));
        Self {
            address,
            delay,
            _stop: stop.drop_guard(),
        }
    }

    /// How long everything takes from now on, in each direction.
    pub fn set_delay(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).expect("a short time");
        self.delay.store(millis, Ordering::Relaxed);
    }
}

async fn carry_all(listener: TcpListener, server: SocketAddr, delay: Arc<AtomicU64>) {
    let mut carried = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let delay = Arc::clone(&delay);
        carried.spawn(async move {
            let far = TcpStream::connect(server).await?;
            near.set_nodelay(true)?;
            far.set_nodelay(true)?;
            let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
            tokio::try_join!(
                carry(from_near, to_far, &delay),
                carry(from_far, to_near, &delay)
            )
        });
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    delay: &AtomicU64,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut bytes).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        tokio::time::sleep(Duration::from_millis(delay.load(Ordering::Relaxed))).await;
        to.write_all(&bytes[..count]).await?;
    }
}
