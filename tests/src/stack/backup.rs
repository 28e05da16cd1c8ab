//! Backups, made and restored as `docs/operations.md` says.

use std::fs;

use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};
use tempfile::TempDir;

use super::Services;

/// A backup of the accounts and the mailboxes; not of sessions.
#[derive(Debug)]
pub struct Backup(TempDir);

/// The databases, and the files that they are without a server. Accounts come last: an account without a mailbox
/// gets one, a mailbox whose account is not there would stay.
const DATABASES: [&str; 2] = ["mail", "accounts"];

impl Services {
    /// Makes a backup while everything runs.
    pub async fn back_up(&self) -> Backup {
        let backup = Backup(tempfile::tempdir().expect("a folder"));
        for name in DATABASES {
            if let Some(servers) = &self.servers {
                let file = format!("--file=/tmp/{name}.dump");
                let url = own_url(name);
                let dump = ["pg_dump", "--format=custom", &file, &url];
                servers.postgres.0.execute(&dump).await;
            } else {
                let url = format!("sqlite:{}", self.data.path().join(file(name)).display());
                let to = backup.0.path().join(file(name));
                let mut connection = SqliteConnection::connect(&url).await.expect("the file");
                let vacuum = format!("VACUUM INTO '{}'", to.display());
                let copied = connection.execute(AssertSqlSafe(vacuum)).await;
                copied.expect("a copy of the database");
            }
        }
        backup
    }

    /// Puts what was saved in the place of what is there, and says so to mail-service by `mark`.
    pub async fn restore(&mut self, backup: &Backup, mark: &str) {
        for process in [&mut self.gateway, &mut self.mail, &mut self.auth] {
            process.kill().await;
        }
        for name in DATABASES {
            if let Some(servers) = &self.servers {
                let (url, file) = (own_url(name), format!("/tmp/{name}.dump"));
                let dbname = format!("--dbname={url}");
                let into = ["--clean", "--if-exists", "--exit-on-error", &dbname, &file];
                let restore = [&["pg_restore"], &into[..]].concat();
                servers.postgres.0.execute(&restore).await;
            } else {
                let to = self.data.path().join(file(name));
                for journal in ["-wal", "-shm"] {
                    // Belongs to what was there.
                    let _ = fs::remove_file(to.with_file_name(file(name) + journal));
                }
                fs::copy(backup.0.path().join(file(name)), to).expect("a file put back");
            }
        }
        self.mail.set("TM_RESTORED", Some(mark));
        self.start_again().await;
    }

    /// Starts all three again after they ended, and waits until they serve.
    pub async fn start_again(&mut self) {
        for process in [&mut self.auth, &mut self.mail, &mut self.gateway] {
            process.restart().await;
        }
        self.ready().await;
    }
}

fn file(name: &str) -> String {
    format!("{name}.db")
}

/// Where the server finds a database of its own.
fn own_url(name: &str) -> String {
    format!("postgres://turbomessage:turbomessage@localhost/{name}")
}
