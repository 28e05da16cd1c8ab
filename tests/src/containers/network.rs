//! Networks of containers.

use std::time::Duration;

use super::{Server, docker};

/// A network that containers find each other on by name, several by the same if need be. It goes away with
/// this.
#[derive(Debug)]
pub struct Network(String);

impl Network {
    /// A new one.
    pub async fn new() -> Self {
        let name = format!("turbomessage-test-{}", uuid::Uuid::new_v4().simple());
        docker(&["network", "create", &name]).await;
        Self(name)
    }

    /// Has `server` be found as `name`, beside what else is.
    pub async fn join(&self, server: &Server, name: &str) {
        let id = server.container.id();
        docker(&["network", "connect", "--alias", name, &self.0, id]).await;
    }

    /// Cuts `server` off.
    pub async fn leave(&self, server: &Server) {
        docker(&["network", "disconnect", &self.0, server.container.id()]).await;
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What is still on it leaves it a moment later, so it may have to be asked for more than once.
        let name = self.0.clone();
        std::thread::spawn(move || {
            for _ in 0..50 {
                let removed = std::process::Command::new("docker")
                    .args(["network", "rm", &name])
                    .output();
                if removed.is_ok_and(|removed| removed.status.success()) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        });
    }
}
