//! PostgreSQL's own `pgbench`, doing what mail-service has PostgreSQL do for one send: the very statements, as
//! they are found in the server's log after one send, as one transaction a send, each statement prepared, over a local
//! connection. The values are made up by pgbench itself: each client has mailboxes of its own, so that no two wait for
//! each other's rows.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use anyhow::{Context, bail, ensure};
use sqlx::{Executor, PgConnection, Row};
use turbomessage_mail_service::store::PostgresStore;

use crate::{containers::Postgres, load::letters::letter};

/// The database it works in, on the server of the services.
const DATABASE: &str = "yardstick";
/// Mailboxes of each client.
const MAILBOXES: u32 = 8;
/// The most clients that there may be.
const MOST_CLIENTS: u32 = 64;
const SCRIPT: &str = "/tmp/send.sql";

/// A database that pgbench can send in.
#[derive(Debug)]
pub struct Pgbench<'a> {
    postgres: &'a Postgres,
    /// What it does, for people to read.
    pub script: String,
    constants: Vec<String>,
    runs: u32,
}

impl<'a> Pgbench<'a> {
    /// Makes the database, and the script from what one `send` has mail-service ask of `postgres`.
    ///
    /// # Errors
    /// The statements are not those that this knows values for.
    pub async fn prepare<F>(postgres: &'a Postgres, send: F) -> anyhow::Result<Self>
    where
        F: AsyncFnOnce() -> anyhow::Result<()>,
    {
        let statements = statements_of(postgres, send).await?;
        let script = script(&statements)?;
        let url = postgres.create_database(DATABASE).await;
        drop(PostgresStore::open(&url).await?);
        let mut connection = postgres.connect(DATABASE).await;
        make_mailboxes(&mut connection).await?;
        let mut mail = postgres.connect("mail").await;
        let constants = constants(&mut mail).await?;
        postgres.0.put(SCRIPT, &script).await?;
        Ok(Self {
            postgres,
            script,
            constants,
            runs: 0,
        })
    }

    /// Sends with so many clients for so long; answers with how many a second that were.
    ///
    /// # Errors
    /// A statement failed.
    pub async fn run(&mut self, clients: u32, duration: Duration) -> anyhow::Result<f64> {
        ensure!(clients <= MOST_CLIENTS, "at most {MOST_CLIENTS} clients");
        self.runs += 1;
        let (clients, seconds) = (clients.to_string(), duration.as_secs().max(1).to_string());
        // Numbers go on where no run before has been.
        let first = format!("n={}", u64::from(self.runs) * 10_000_000);
        let mut command = vec!["pgbench", "--no-vacuum", "--protocol=prepared"];
        command.extend(["--client", &clients, "--jobs", "2", "--time", &seconds]);
        command.extend(["--file", SCRIPT, "--define", &first]);
        for constant in &self.constants {
            command.extend(["--define", constant]);
        }
        command.push(DATABASE);
        let command = [&["env", "PGUSER=turbomessage"], &command[..]].concat();
        let told = self.postgres.0.exec(&command).await?;
        let failed = told.contains("failed transactions: 0 ");
        ensure!(failed || !told.contains("failed transactions"), "{told}");
        let tps = told.lines().find_map(|line| line.strip_prefix("tps = "));
        let tps = tps.and_then(|tps| tps.split_whitespace().next());
        tps.and_then(|tps| tps.parse().ok()).context(told)
    }
}

/// The statements of the transaction that stores one message, as the server logs them.
async fn statements_of<F>(postgres: &Postgres, send: F) -> anyhow::Result<Vec<String>>
where
    F: AsyncFnOnce() -> anyhow::Result<()>,
{
    let mut connection = postgres.connect("mail").await;
    // Without values: long lines of several processes would run into each other.
    let log =
        "ALTER SYSTEM SET log_parameter_max_length = 0; ALTER SYSTEM SET log_statement = 'all'";
    reload(&mut connection, log).await?;
    send().await?;
    reload(&mut connection, "ALTER SYSTEM RESET log_statement").await?;
    let log = postgres.0.log().await?;
    transaction_in(&log).context("the server's log has no send in it")
}

/// Changes settings of the server, for connections that are there as well.
async fn reload(connection: &mut PgConnection, settings: &'static str) -> anyhow::Result<()> {
    for statement in settings.split("; ") {
        connection.execute(sqlx::AssertSqlSafe(statement)).await?;
    }
    connection.execute("SELECT pg_reload_conf()").await?;
    // Nothing tells when the server's processes have heard of it; each does before its next command.
    connection.execute("SELECT pg_sleep(0.5)").await?;
    Ok(())
}

/// The last transaction in `log` that adds to `contents`, from BEGIN to COMMIT.
fn transaction_in(log: &str) -> Option<Vec<String>> {
    let mut by_process: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut found = None;
    for line in log.lines() {
        let Some((process, statement)) = logged(line) else {
            continue;
        };
        let statements = by_process.entry(process).or_default();
        if statement == "BEGIN" {
            statements.clear();
        }
        statements.push(statement.to_owned());
        let stores = |s: &String| s.starts_with("INSERT INTO contents");
        if statement == "COMMIT" && statements.iter().any(stores) {
            found = Some(std::mem::take(statements));
        }
    }
    found
}

/// Process and statement in a line like `2026-11-26 12:00:00.000 UTC [42] LOG:  execute sqlx_s_1: SELECT 1`.
fn logged(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once('[')?;
    let (process, rest) = rest.split_once("] LOG:  ")?;
    let statement = rest.strip_prefix("statement: ").or_else(|| {
        let (_, statement) = rest.strip_prefix("execute ")?.split_once(": ")?;
        Some(statement)
    })?;
    Some((process, statement))
}

/// The script that pgbench runs: statements with values that it makes up in the place of parameters.
fn script(statements: &[String]) -> anyhow::Result<String> {
    let mut script = format!(
        "\\set n :n + 1\n\
         \\set s 1000000000000000 + :client_id * {MAILBOXES} + :n % {MAILBOXES}\n\
         \\set r 1000000000000000 + :client_id * {MAILBOXES} + (:n + 1) % {MAILBOXES}\n\
         \\set t 1800000000000000 + :n * 4\n\
         \\set u :t + 1\n\
         \\set c :n * 8 + 1\n\
         \\set d :n * 8 + 2\n\
         \\set e :n * 8 + 3\n\
         \\set f :n * 8 + 4\n\
         \\set x 1000000000000000 + :client_id * 10\n\
         \\set y :x + 1\n\
         \\set z :x + 2\n\
         \\set q :x + 3\n"
    );
    for statement in statements {
        let statement =
            filled_in(statement).with_context(|| format!("a send has come to do {statement}"))?;
        writeln!(script, "{statement};")?;
    }
    Ok(script)
}

/// A statement with expressions in the place of its parameters.
fn filled_in(statement: &str) -> anyhow::Result<String> {
    let values = values_for(statement)?;
    let mut text = String::new();
    let mut rest = statement;
    let mut used = 0;
    while let Some((before, after)) = rest.split_once('$') {
        let digits = after.find(|c: char| !c.is_ascii_digit());
        let (number, after) = after.split_at(digits.unwrap_or(after.len()));
        let number: usize = number.parse().context("a parameter")?;
        let value = values.get(number.wrapping_sub(1));
        let value = value.with_context(|| format!("no value for ${number} of {statement}"))?;
        text.push_str(before);
        text.push_str(value);
        rest = after;
        used = used.max(number);
    }
    text.push_str(rest);
    ensure!(used == values.len(), "too many values for {statement}");
    Ok(text)
}

/// Expressions for the parameters of a statement, which is known by how it begins and ends.
fn values_for(statement: &str) -> anyhow::Result<Vec<String>> {
    if ["BEGIN", "COMMIT"].contains(&statement) {
        return Ok(Vec::new());
    }
    let both = || format!("ARRAY[{}, {}]::uuid[]", id("s", "s"), id("r", "r"));
    if statement.starts_with("SELECT owner_id, request_id") {
        let (owner, request) = (id("s", "s"), id("t", "q"));
        return Ok(vec![format!("ARRAY[{owner}]"), format!("ARRAY[{request}]")]);
    }
    if statement.starts_with("SELECT ") && statement.contains("owner_id = ANY($1)") {
        return Ok(vec![both()]);
    }
    let Some(table) = ["INSERT INTO ", "UPDATE "]
        .iter()
        .find_map(|verb| statement.strip_prefix(verb))
        .and_then(|rest| rest.split_whitespace().next())
    else {
        bail!("nothing is known of {statement}");
    };
    // In the order of parameters: an update names them where it takes the array apart.
    let mark = if statement.starts_with("UPDATE ") {
        "AS new ("
    } else {
        "INTO "
    };
    let (_, columns) = statement.split_once(mark).context("columns")?;
    let columns = if mark == "INTO " {
        columns.split_once('(').context("columns")?.1
    } else {
        columns
    };
    let (columns, _) = columns.split_once(')').context("columns")?;
    let scalars = ["change_time", "create_time"];
    let mut values = Vec::new();
    for column in columns.split(',').map(str::trim) {
        let rows = rows_of(table, column)
            .with_context(|| format!("nothing is known of {table}.{column}"))?;
        if scalars.contains(&column) {
            values.push(rows[0].clone());
        } else {
            values.push(format!("ARRAY[{}]", rows.join(", ")));
        }
    }
    Ok(values)
}

/// A UUID of two numbers with 16 digits each.
fn id(first: &str, second: &str) -> String {
    format!("(:{first}::text || :{second}::text)::uuid")
}

/// What a column has in each of the rows that one send writes to a table, sender's first.
fn rows_of(table: &str, column: &str) -> Option<Vec<String>> {
    let both = |sender: &str, recipient: &str| vec![sender.to_owned(), recipient.to_owned()];
    let same = |value: &str| vec![value.to_owned(); if table == "changes" { 4 } else { 2 }];
    let (s, r) = (id("s", "s"), id("r", "r"));
    // Folders have their owner's number and their role's.
    let (sent, inbox) = (
        "(:s::text || '1000000000000002')::uuid",
        "(:r::text || '1000000000000001')::uuid",
    );
    let (content, own, copy) = (id("t", "x"), id("t", "y"), id("t", "z"));
    let internet_id = "'<' || :t::text || :x::text || '@turbomessage.invalid>'";
    Some(match (table, column) {
        ("contents", column) => vec![match column {
            "content_id" => content,
            "sender_id" => s,
            "send_time" => ":t::bigint".into(),
            "subject" => ":subject::text".into(),
            "body_text" => ":body::text".into(),
            "body_html" | "in_reply_to" => "''".into(),
            "participants" => ":participants::bytea".into(),
            "internet_message_id" => internet_id.into(),
            "size_bytes" => "1576".into(),
            "deliveries" => ":deliveries::bytea".into(),
            _ => return None,
        }],
        ("answers", column) => vec![match column {
            "owner_id" => s,
            "request_id" => id("t", "q"),
            "fingerprint" => ":fingerprint::bytea".into(),
            "answer" => ":answer::bytea".into(),
            "create_time" => ":t::bigint".into(),
            _ => return None,
        }],
        ("changes", "owner_id") => vec![s.clone(), r.clone(), s, r],
        ("changes", "change_number") => [":c", ":d", ":e", ":f"].map(String::from).to_vec(),
        ("changes", "kind") => ["1", "1", "5", "5"].map(String::from).to_vec(),
        ("changes", "object_id") => vec![own, copy, sent.into(), inbox.into()],
        ("changes", "change_time") => vec![":t::bigint".into()],
        (_, "owner_id") => both(&s, &r),
        (_, "folder_id") => both(sent, inbox),
        (_, "thread_id") | ("copies", "message_id") => both(&own, &copy),
        ("copies", "content_id") => both(&content, &content),
        ("copies", "kind") => both("2", "1"),
        ("copies", "is_read") => both("true", "false"),
        ("copies", "is_starred" | "is_answered" | "is_forwarded") => same("false"),
        ("copies", "change_number" | "create_change") => both(":c", ":d"),
        ("folders", "change_number") | ("mailboxes", "last_change") => both(":e", ":f"),
        ("copies", "receive_time" | "send_time")
        | ("threads", "last_time")
        | ("mailboxes", "last_receive_time") => same(":t"),
        ("copies", "subject") => same(":subject"),
        ("copies", "snippet") => same(":snippet"),
        ("copies", "participants") => same(":participants"),
        ("copies", "internet_message_id") => same(internet_id),
        ("copies", "size_bytes") => same("1576"),
        ("copies", "labels") => same("'\\x00'"),
        ("copies", "in_reply_to" | "forward_of" | "deliver_time" | "trash_time") => same("NULL"),
        ("mailboxes", "state") | ("threads", "message_count") => same("1"),
        ("mailboxes", "message_count") | ("folders", "total_count") => same(":n"),
        ("mailboxes", "used_bytes") => same(":c"),
        ("folders", "unread_count") => both("0", ":n"),
        ("threads", "unread_count") => both("0", "1"),
        ("folders", "name") => both("'Sent'", "'Inbox'"),
        _ => return None,
    })
}

/// The mailboxes of all clients, with their folders.
async fn make_mailboxes(connection: &mut PgConnection) -> anyhow::Result<()> {
    let last = MOST_CLIENTS * MAILBOXES - 1;
    let owner = "((1000000000000000 + i)::text || (1000000000000000 + i)::text)::uuid";
    let statements = format!(
        "INSERT INTO mailboxes (owner_id, state, epoch, last_change, oldest_change, last_receive_time, \
         message_count, used_bytes, quota_messages, quota_bytes, indexed_time) SELECT {owner}, 1, \
         gen_random_uuid(), 7, 7, 0, 0, 0, 1000000, 1073741824, 0 FROM generate_series(0, {last}) AS i; \
         INSERT INTO folders (owner_id, folder_id, role, name, total_count, unread_count, change_number, \
         create_change) SELECT {owner}, ((1000000000000000 + i)::text || (1000000000000000 + role)::text)::uuid, \
         role, 'Folder', 0, 0, role, role FROM generate_series(0, {last}) AS i, generate_series(1, 7) AS role; \
         ANALYZE"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements))
        .execute(connection)
        .await?;
    Ok(())
}

/// What is the same in every send, as pgbench's variables: texts, and bytes as mail-service has stored them.
async fn constants(mail: &mut PgConnection) -> anyhow::Result<Vec<String>> {
    let row = sqlx::query(
        "SELECT c.participants::text AS participants, deliveries::text AS deliveries, snippet, \
         fingerprint::text AS fingerprint, answer::text AS answer FROM contents AS c JOIN copies \
         USING (content_id) JOIN answers ON answers.owner_id = sender_id LIMIT 1",
    )
    .fetch_one(mail)
    .await
    .context("a message that was sent under a request id")?;
    let mut constants = Vec::new();
    for name in [
        "participants",
        "deliveries",
        "snippet",
        "fingerprint",
        "answer",
    ] {
        constants.push(format!("{name}={}", row.get::<String, _>(name)));
    }
    let letter = letter(0);
    constants.push(format!("subject={}", letter.subject));
    constants.push(format!("body={}", letter.body));
    Ok(constants)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
2026-11-26 12:00:00.000 UTC [7] LOG:  statement: BEGIN
2026-11-26 12:00:00.000 UTC [7] LOG:  execute sqlx_s_3: UPDATE mailboxes SET indexed_time = $1
2026-11-26 12:00:00.000 UTC [7] LOG:  statement: COMMIT
2026-11-26 12:00:00.000 UTC [7] LOG:  statement: BEGIN
2026-11-26 12:00:00.000 UTC [8] LOG:  statement: BEGIN
2026-11-26 12:00:00.000 UTC [7] LOG:  execute sqlx_s_1: SELECT a FROM mailboxes WHERE owner_id = ANY($1)
2026-11-26 12:00:00.000 UTC [7] DETAIL:  parameters: $1 = '{1}'
2026-11-26 12:00:00.000 UTC [8] LOG:  statement: COMMIT
2026-11-26 12:00:00.000 UTC [7] LOG:  execute sqlx_s_2: INSERT INTO contents (content_id) SELECT $1
2026-11-26 12:00:00.000 UTC [7] LOG:  statement: COMMIT
2026-11-26 12:00:00.000 UTC [7] LOG:  statement: SET x
";

    #[test]
    fn the_transaction_of_a_send_is_found_in_the_log() {
        let expected = [
            "BEGIN",
            "SELECT a FROM mailboxes WHERE owner_id = ANY($1)",
            "INSERT INTO contents (content_id) SELECT $1",
            "COMMIT",
        ];
        assert_eq!(transaction_in(LOG).unwrap(), expected);
        assert_eq!(transaction_in("nothing of the kind"), None);
    }

    #[test]
    fn parameters_get_values_by_the_names_of_their_columns() {
        let insert = "INSERT INTO answers (owner_id, request_id, create_time) SELECT a, b, $3 FROM \
                      UNNEST($1::uuid[], $2::uuid[])";
        let expected = "INSERT INTO answers (owner_id, request_id, create_time) SELECT a, b, :t::bigint FROM \
                        UNNEST(ARRAY[(:s::text || :s::text)::uuid]::uuid[], ARRAY[(:t::text || \
                        :q::text)::uuid]::uuid[])";
        assert_eq!(filled_in(insert).unwrap(), expected);
        let update =
            "UPDATE mailboxes SET state = new.state FROM UNNEST($1::smallint[]) AS new (state)";
        let update = filled_in(update).unwrap();
        assert!(
            update.contains("UNNEST(ARRAY[1, 1]::smallint[])"),
            "{update}"
        );
    }

    #[test]
    fn a_statement_that_is_new_is_not_guessed_at() {
        for new in [
            "INSERT INTO copies (owner_id, colour) SELECT $1, $2",
            "DELETE FROM copies WHERE owner_id = $1",
            "UPDATE mailboxes SET state = 1 FROM UNNEST($1, $2) AS new (state)",
        ] {
            assert!(filled_in(new).is_err(), "{new}");
        }
    }
}
