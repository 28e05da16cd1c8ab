//! Migrations only add before they remove, so that two versions can work on one database; and what was applied
//! somewhere does not change, for no program starts on it then.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

/// The folders of migrations, and those of one schema on two engines.
const FOLDERS: [&str; 5] = [
    "mail-service/migrations/postgres",
    "mail-service/migrations/sqlite",
    "auth-service/migrations/postgres/accounts",
    "auth-service/migrations/sqlite/accounts",
    "auth-service/migrations/sqlite/sessions",
];

/// What would not be allowed, by the migration that may: beginnings of statements.
const EXCUSED: [(&str, &[&str]); 2] = [
    // Written before anybody ran TurboMessage.
    (
        "0002_organizing.sql",
        &[
            "UPDATE mailboxes SET oldest_change",
            "CREATE UNIQUE INDEX copies_time ON copies",
            "DROP TABLE tombstones",
            "DROP INDEX copies_change",
            "DROP INDEX folders_change",
            "DELETE FROM answers",
        ],
    ),
    // The table has the same name and columns afterwards; earlier versions see no difference.
    (
        "0005_answers.sql",
        &[
            "ALTER TABLE answers RENAME TO answers_by_key",
            "DROP TABLE answers_by_key",
        ],
    ),
];

/// The first bytes of the SHA-256 of each migration. A new one gets a line here; a line that is here stays.
const APPLIED: &[(&str, &str)] = &[
    (
        "auth-service/migrations/postgres/accounts/0001_accounts.sql",
        "fd86b28b1cec447d",
    ),
    (
        "auth-service/migrations/sqlite/accounts/0001_accounts.sql",
        "157eac48a9280224",
    ),
    (
        "auth-service/migrations/sqlite/sessions/0001_sessions.sql",
        "1ae5867bd6732c9f",
    ),
    (
        "mail-service/migrations/postgres/0001_mailboxes.sql",
        "65ea9bd11ef01d2f",
    ),
    (
        "mail-service/migrations/postgres/0002_organizing.sql",
        "6a904a4b2ff24d32",
    ),
    (
        "mail-service/migrations/postgres/0003_search.sql",
        "de68f1461e20afc8",
    ),
    (
        "mail-service/migrations/postgres/0004_restores.sql",
        "81df7b394641252e",
    ),
    (
        "mail-service/migrations/postgres/0005_answers.sql",
        "3dd078ffc4d27b7b",
    ),
    (
        "mail-service/migrations/postgres/0006_used_segments.sql",
        "0faa1424ff962b86",
    ),
    (
        "mail-service/migrations/sqlite/0001_mailboxes.sql",
        "c61a8bd7b8252fa9",
    ),
    (
        "mail-service/migrations/sqlite/0002_organizing.sql",
        "4c0a91793b9b6cc0",
    ),
    (
        "mail-service/migrations/sqlite/0003_search.sql",
        "324fd881d8d0a11f",
    ),
    (
        "mail-service/migrations/sqlite/0004_restores.sql",
        "c87a65665afa7a88",
    ),
    (
        "mail-service/migrations/sqlite/0005_answers.sql",
        "de220beea5fec35c",
    ),
    (
        "mail-service/migrations/sqlite/0006_used_segments.sql",
        "0faa1424ff962b86",
    ),
];

struct Migration {
    path: PathBuf,
    text: String,
}

impl Migration {
    fn name(&self) -> &str {
        self.path.file_name().unwrap().to_str().unwrap()
    }

    /// Its statements, each on one line and without comments.
    fn statements(&self) -> Vec<String> {
        let code: Vec<&str> = self
            .text
            .lines()
            .map(|line| line.split("--").next().unwrap())
            .collect();
        let code = code.join(" ");
        let statements = code.split(';').map(|statement| {
            let words: Vec<&str> = statement.split_whitespace().collect();
            words.join(" ")
        });
        statements
            .filter(|statement| !statement.is_empty())
            .collect()
    }
}

/// The migrations in a folder, in their order.
fn migrations(folder: &str) -> Vec<Migration> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut paths: Vec<PathBuf> = fs::read_dir(root.join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let read = |path: PathBuf| Migration {
        text: fs::read_to_string(&path).unwrap(),
        path,
    };
    paths.into_iter().map(read).collect()
}

/// Why a statement may not be in a migration that comes after others; `new` are the tables that it makes itself.
fn forbidden(statement: &str, new: &BTreeSet<&str>) -> Option<&'static str> {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let words: Vec<&str> = words
        .iter()
        .map(|word| word.trim_matches(['(', ')']))
        .collect();
    match *words.as_slice() {
        // Where a value is kept is nobody's business.
        ["CREATE", "TABLE" | "INDEX", ..]
        | [
            "ALTER",
            "TABLE",
            _,
            "ALTER",
            "COLUMN",
            _,
            "SET",
            "STORAGE",
            ..,
        ] => None,
        ["CREATE", "UNIQUE", "INDEX", _, "ON", table, ..] | ["INSERT", "INTO", table, ..]
            if new.contains(table) =>
        {
            None
        }
        ["ALTER", "TABLE", _, "ADD", "COLUMN", ..] => {
            let must_be_given = statement.contains("NOT NULL") && !statement.contains(" DEFAULT ");
            let checks = ["UNIQUE", "CHECK", "REFERENCES"];
            let is_checked = checks.iter().any(|check| statement.contains(check));
            (must_be_given || is_checked).then_some("an earlier version does not give its value")
        }
        ["CREATE", "UNIQUE", ..] => Some("what an earlier version writes may break it"),
        _ => Some("it takes away or changes what an earlier version knows"),
    }
}

fn new_tables(statements: &[String]) -> BTreeSet<&str> {
    let tables = statements.iter().filter_map(|statement| {
        let table = statement.strip_prefix("CREATE TABLE ")?;
        table.split([' ', '(']).next()
    });
    tables.collect()
}

#[test]
fn migrations_only_add() {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for folder in FOLDERS {
        // The first one finds nothing that it could break.
        for migration in &migrations(folder)[1..] {
            let statements = migration.statements();
            let new = new_tables(&statements);
            for statement in &statements {
                let Some(why) = forbidden(statement, &new) else {
                    continue;
                };
                let excuse = EXCUSED
                    .iter()
                    .filter(|(name, _)| migration.name() == *name)
                    .flat_map(|(_, allowed)| *allowed)
                    .find(|beginning| statement.starts_with(**beginning));
                assert!(
                    excuse.is_some(),
                    "{}: {statement}: {why}",
                    migration.path.display()
                );
                used.extend(excuse);
            }
        }
    }
    let allowed: usize = EXCUSED.iter().map(|(_, allowed)| allowed.len()).sum();
    assert_eq!(used.len(), allowed, "excuses that nobody needs");
}

#[test]
fn what_takes_away_or_demands_is_noticed() {
    let new = BTreeSet::from(["fresh"]);
    for good in [
        "CREATE TABLE fresh (id BIGINT NOT NULL PRIMARY KEY)",
        "CREATE INDEX copies_x ON copies (x)",
        "CREATE UNIQUE INDEX fresh_x ON fresh (x)",
        "INSERT INTO fresh VALUES (0)",
        "ALTER TABLE copies ADD COLUMN x BIGINT",
        "ALTER TABLE copies ADD COLUMN x BIGINT NOT NULL DEFAULT 0",
    ] {
        assert_eq!(forbidden(good, &new), None, "{good}");
    }
    for bad in [
        "DROP TABLE copies",
        "DROP INDEX copies_list",
        "ALTER TABLE copies ADD COLUMN x BIGINT NOT NULL",
        "ALTER TABLE copies ADD COLUMN x BIGINT UNIQUE",
        "ALTER TABLE copies DROP COLUMN subject",
        "ALTER TABLE copies RENAME COLUMN subject TO title",
        "ALTER TABLE copies RENAME TO messages",
        "ALTER TABLE copies ALTER COLUMN subject TYPE bytea",
        "ALTER TABLE copies ALTER COLUMN in_reply_to SET NOT NULL",
        "ALTER TABLE copies ADD CONSTRAINT c CHECK (size_bytes > 0)",
        "CREATE UNIQUE INDEX copies_x ON copies (x)",
        "DELETE FROM answers",
        "UPDATE copies SET is_read = true",
        "INSERT INTO feed VALUES (0)",
    ] {
        assert!(forbidden(bad, &new).is_some(), "{bad}");
    }
}

#[test]
fn both_engines_have_the_same_migrations() {
    for [one, other] in [[FOLDERS[0], FOLDERS[1]], [FOLDERS[2], FOLDERS[3]]] {
        let names = |folder| -> Vec<String> {
            let all = migrations(folder);
            all.iter()
                .map(|migration| migration.name().to_owned())
                .collect()
        };
        assert_eq!(names(one), names(other));
    }
}

/// sqlx compares what was applied with what the program has, and refuses to start where they differ.
#[test]
fn what_may_have_been_applied_does_not_change() {
    let mut is = BTreeMap::new();
    for folder in FOLDERS {
        for migration in migrations(folder) {
            let hash = Sha256::digest(&migration.text);
            let first: [u8; 8] = hash[..8].try_into().unwrap();
            let hash = format!("{:016x}", u64::from_be_bytes(first));
            is.insert(format!("{folder}/{}", migration.name()), hash);
        }
    }
    let was: BTreeMap<String, String> = APPLIED
        .iter()
        .map(|(name, hash)| ((*name).to_owned(), (*hash).to_owned()))
        .collect();
    assert_eq!(is, was);
}
