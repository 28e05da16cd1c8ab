//! Two versions side by side on one database: a later one may have added to the schema, before or after an earlier one
//! starts. What a later version is allowed is what the rules below allow a migration; the program of today stands for
//! the earlier version.

mod rules;

use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};
use tokio::task::LocalSet;
use turbomessage_tests::{Services, containers as engine};

use crate::history::Scene;

/// The databases, and where each keeps the migrations that were applied.
const DATABASES: [(&str, &str); 3] = [
    ("mail", "_sqlx_migrations"),
    ("accounts", "auth_migrations"),
    ("sessions", "auth_migrations"),
];

/// What a later version may do to each table, and beside them.
fn migrations(tables: &[String], applied: &str) -> Vec<String> {
    let mut statements: Vec<String> = tables
        .iter()
        .flat_map(|table| {
            [
                format!("ALTER TABLE {table} ADD COLUMN later_text TEXT NOT NULL DEFAULT 'later'"),
                format!("ALTER TABLE {table} ADD COLUMN later_number INTEGER"),
                format!("CREATE INDEX {table}_later ON {table} (later_number)"),
            ]
        })
        .collect();
    statements.extend([
        "CREATE TABLE later (id INTEGER NOT NULL PRIMARY KEY)".to_owned(),
        format!(
            "INSERT INTO {applied} (version, description, success, checksum, execution_time) \
             VALUES (9000, 'later', TRUE, '', 0)"
        ),
    ]);
    statements
}

/// Has a later version migrate everything on files.
async fn migrate_files(services: &Services) {
    for (name, applied) in DATABASES {
        let mut connection = SqliteConnection::connect(&services.file(name))
            .await
            .unwrap();
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table' \
                      AND name NOT LIKE 'sqlite%' AND name NOT LIKE '%migrations'";
        let tables: Vec<String> = sqlx::query_scalar(tables)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        assert!(!tables.is_empty());
        for statement in migrations(&tables, applied) {
            let done = connection.execute(AssertSqlSafe(statement.clone())).await;
            done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }
}

/// The same on a server.
async fn migrate_servers(services: &Services) {
    let postgres = &services.servers.as_ref().unwrap().postgres;
    for (name, applied) in &DATABASES[..2] {
        let mut connection = postgres.connect(name).await;
        let tables = "SELECT table_name::text FROM information_schema.tables \
                      WHERE table_schema = 'public' AND table_name NOT LIKE '%migrations'";
        let tables: Vec<String> = sqlx::query_scalar(tables)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        assert!(!tables.is_empty());
        for statement in migrations(&tables, applied) {
            let done = connection.execute(AssertSqlSafe(statement.clone())).await;
            done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }
}

/// Works on through somebody else's migrations, and starts after them.
async fn lives_with_a_later_version(services: &mut Services, migrate: impl AsyncFnOnce(&Services)) {
    let edge = **services;
    let mut scene = Scene::start(&[edge]).await;
    scene.progress(30).await;
    migrate(services).await;
    scene.progress(60).await;
    for process in [&mut services.mail, &mut services.auth] {
        process.kill().await;
        process.restart().await;
    }
    services.ready().await;
    scene.join(&edge).await;
    scene.progress(60).await;
    let newcomer = services.register_fresh().await;
    let newcomer = newcomer.log_in_again(services, None).await;
    newcomer.send(&[&newcomer], "hello", "").await.unwrap();
    scene.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_version_works_and_starts_on_the_files_of_a_later_one() {
    let mut services = Services::on_files().start().await;
    let lives = lives_with_a_later_version(&mut services, migrate_files);
    Box::pin(LocalSet::new().run_until(lives)).await;
}

mod containers {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_earlier_version_works_and_starts_on_the_databases_of_a_later_one() {
        if !engine::available() {
            return;
        }
        let mut services = Services::on_servers().start().await;
        let lives = lives_with_a_later_version(&mut services, migrate_servers);
        Box::pin(LocalSet::new().run_until(lives)).await;
    }
}
