//! A database that is full, read-only, gone, frozen, busy or slow: what was not written is not acknowledged, what can be
//! read is answered, health says so, and it ends by itself.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use tonic::{Code, Status};
use turbomessage_proto::{
    auth_v1::auth_service_server::SERVICE_NAME as AUTH,
    mail_v1::{
        FolderRole, SearchMessagesRequest, SendMessageRequest,
        mail_service_server::SERVICE_NAME as MAIL,
    },
};
use turbomessage_tests::{
    Services, User,
    client::letter,
    containers as engine,
    errors::reason,
    eventually::{SOON, eventually},
};
use uuid::Uuid;

/// The most that a call may take that says nothing of its time, and some for a slow machine.
const DEADLINE: Duration = Duration::from_secs(11);

/// A message that takes room on a disk: a hundred kilobytes that do not shrink.
fn bulky(to: &User, subject: &str) -> SendMessageRequest {
    let text: String = (0..3_000).map(|_| Uuid::new_v4().to_string()).collect();
    SendMessageRequest {
        request_id: Uuid::new_v4().to_string(),
        ..letter(&[to], subject, &text)
    }
}

/// Somebody with mail, and what they see of a database's faults.
struct Witness<'a> {
    services: &'a Services,
    user: User,
    sent: Vec<String>,
}

impl<'a> Witness<'a> {
    async fn of(services: &'a Services) -> Self {
        let user = services.register_fresh().await;
        let mut witness = Self {
            services,
            user,
            sent: Vec::new(),
        };
        let first = bulky(&witness.user, "before");
        witness.acknowledged(&first).await;
        witness
    }

    async fn acknowledged(&mut self, letter: &SendMessageRequest) {
        eventually("a send is acknowledged", SOON, async || {
            self.user.send_request(letter.clone()).await.ok()
        })
        .await;
        self.sent.push(letter.subject.clone());
    }

    /// Sends until it is refused, in time and with an error that says to try again; answers with what was refused.
    async fn refused(&mut self, what: &str) -> SendMessageRequest {
        let mut sent = Vec::new();
        let refused = eventually("nothing more is promised", SOON, async || {
            let letter = bulky(&self.user, &format!("{what} {}", sent.len()));
            let begun = Instant::now();
            let Err(status) = self.user.send_request(letter.clone()).await else {
                sent.push(letter.subject);
                return None;
            };
            says_try_again(&status);
            assert!(begun.elapsed() < DEADLINE, "{:?}", begun.elapsed());
            Some(letter)
        })
        .await;
        self.sent.extend(sent);
        refused
    }

    /// Reads in every way: an answer, or in time an error that says to try again.
    async fn reads(&self) -> Result<(), Status> {
        let begun = Instant::now();
        let inbox = self.user.list(FolderRole::Inbox);
        let inbox = inbox.await.inspect_err(says_try_again);
        assert!(begun.elapsed() < DEADLINE, "{:?}", begun.elapsed());
        let inbox = inbox?;
        self.user.get(&inbox[0].message_id).await?;
        self.user.folders().await?;
        let mut query = SearchMessagesRequest {
            query: "subject:before".into(),
            ..Default::default()
        };
        let mut found = 0;
        loop {
            let page = self.user.mail().search_messages(query.clone()).await?;
            let page = page.into_inner();
            found += page.messages.len();
            query.page_token = page.next_page_token;
            if query.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, 2, "what was sent is found");
        Ok(())
    }

    /// Waits until the health of `service` at its own port and at the edge is that, whatever is sent meanwhile. The
    /// processes themselves stay well.
    async fn health_is(&self, service: &str, serves: bool) {
        let Services {
            mail,
            auth,
            gateway,
            ..
        } = self.services;
        let of_its_own = if service == MAIL { mail } else { auth };
        for part in [of_its_own, gateway] {
            eventually(&format!("{service} serves: {serves}"), SOON, async || {
                let send = self.user.send_request(bulky(&self.user, "?"));
                let _ = timeout(Duration::from_millis(300), send).await;
                (part.edge().serves(service).await == serves).then_some(())
            })
            .await;
        }
        for part in [mail, auth, gateway] {
            assert!(part.edge().serves("").await, "pods stay");
        }
    }

    /// Everything that was acknowledged is there, once.
    async fn has_everything(&self) {
        let inbox = self.user.inbox().await;
        for subject in &self.sent {
            let copies = inbox.iter().filter(|m| m.subject == *subject).count();
            assert_eq!(copies, 1, "{subject}");
        }
    }
}

fn says_try_again(status: &Status) {
    let expected = [
        (Code::Unavailable, "STORE_UNAVAILABLE".to_owned()),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".to_owned()),
    ];
    let said = (status.code(), reason(status));
    assert!(expected.contains(&said), "{status:?}");
}

/// What holds from `begin` to `end` of a fault and afterwards.
async fn endures(
    witness: &mut Witness<'_>,
    fault: &str,
    can_read: bool,
    faulty: &[&str],
    begin: impl AsyncFnOnce(),
    end: impl AsyncFnOnce(),
) {
    let since = Instant::now();
    let note = |what| eprintln!("{fault}: {what} after {:?}", since.elapsed());
    begin().await;
    let letter = witness.refused(fault).await;
    note("refused");
    assert_eq!(witness.reads().await.is_ok(), can_read, "{fault}");
    note("read");
    for service in faulty {
        witness.health_is(service, false).await;
    }
    note("unhealthy");
    end().await;
    witness.acknowledged(&letter).await;
    witness.reads().await.unwrap();
    for service in faulty {
        witness.health_is(service, true).await;
    }
    witness.has_everything().await;
    note("over");
}

/// Every file of all three services.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_sends_and_reads_go_on_on_sqlite() {
    let services = Services::on_files().start().await;
    let mut witness = Witness::of(&services).await;
    let set_full = |full| {
        for process in [&services.mail, &services.auth] {
            process.set_disk_full(full);
        }
    };
    endures(
        &mut witness,
        "full",
        true,
        &[MAIL],
        async || set_full(true),
        async || set_full(false),
    )
    .await;
    set_full(true);
    let refused = witness
        .user
        .client
        .log_in(&witness.user.name, &witness.user.password);
    says_try_again(&refused.await.expect_err("no new session"));
    witness.health_is(AUTH, false).await;
    set_full(false);
    witness.user.log_in_again(&services, None).await;
    witness.health_is(AUTH, true).await;
}

mod containers {
    use std::net::SocketAddr;

    use futures::future::join_all;
    use sqlx::Executor as _;
    use turbomessage_tests::{Part, Process, containers::Postgres, line::Line};

    use super::*;
    use crate::crash::load::Load;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_disk_refuses_sends_and_reads_go_on_on_postgres() {
        if !engine::available() {
            return;
        }
        let services = Services::on_servers().on_disk().start().await;
        let postgres = &services.servers.as_ref().unwrap().postgres;
        endures(
            &mut Witness::of(&services).await,
            "full",
            true,
            &[MAIL],
            async || postgres.fill_disk().await,
            async || postgres.empty_disk().await,
        )
        .await;
    }

    /// Calls wait for something in the database, until they have all its connections; then others have none.
    async fn busy(witness: &Witness<'_>, postgres: &Postgres) {
        let mut connection = postgres.connect("mail").await;
        let lock = "BEGIN; LOCK TABLE copies IN ACCESS EXCLUSIVE MODE";
        connection.execute(lock).await.unwrap();
        join_all((0..60).map(|_| async {
            let begun = Instant::now();
            let listed = witness.user.list(FolderRole::Inbox).await;
            says_try_again(&listed.expect_err("there is no answer"));
            assert!(begun.elapsed() < DEADLINE, "{:?}", begun.elapsed());
        }))
        .await;
        connection.execute("ROLLBACK").await.unwrap();
        eventually("all is well", SOON, async || witness.reads().await.ok()).await;
    }

    /// Every word to and from the database takes its time.
    async fn slow(services: &Services, postgres: &Postgres) {
        let line = Line::to(SocketAddr::from(([127, 0, 0, 1], postgres.0.port()))).await;
        let url = format!("postgres://turbomessage:turbomessage@{}/mail", line.address);
        let settings = [
            ("TM_DATABASE_URL", url),
            ("TM_AUTH_URL", services.auth.url()),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value));
        let mail = Process::start(Part::Mail, settings.into()).await;
        let gateway = services.another_gateway(&mail).await;
        let mut people = Vec::new();
        for _ in 0..3 {
            people.push(gateway.edge().register_fresh().await);
        }
        let load = Load::start(people);
        load.progress(10).await;
        // Slow, and too slow for any commit.
        line.set_delay(Duration::from_millis(30));
        load.progress(10).await;
        line.set_delay(Duration::from_millis(700));
        let failures = load.failures().len();
        eventually("sends are not acknowledged", SOON, async || {
            (load.failures().len() > failures).then_some(())
        })
        .await;
        line.set_delay(Duration::ZERO);
        load.progress(50).await;
        load.check().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_that_is_read_only_gone_frozen_busy_or_slow_loses_nothing() {
        if !engine::available() {
            return;
        }
        let services = Services::on_servers().start().await;
        let postgres = &services.servers.as_ref().unwrap().postgres;
        let mut witness = Witness::of(&services).await;
        let witness = &mut witness;
        let both = [MAIL, AUTH];
        endures(
            witness,
            "read-only",
            true,
            &both,
            async || postgres.set_read_only(true).await,
            async || postgres.set_read_only(false).await,
        )
        .await;
        endures(
            witness,
            "gone",
            false,
            &both,
            async || postgres.0.kill().await,
            async || postgres.0.start_again().await,
        )
        .await;
        endures(
            witness,
            "frozen",
            false,
            &both,
            async || postgres.0.pause().await,
            async || postgres.0.resume().await,
        )
        .await;
        busy(witness, postgres).await;
        slow(&services, postgres).await;
    }
}
