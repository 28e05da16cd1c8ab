//! `tm sessions`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use turbomessage_proto::auth_v1::{
    ListSessionsRequest, RevokeOtherSessionsRequest, RevokeSessionRequest, Session,
};

use crate::{
    connection::Connection,
    context::Context,
    failure::Failure,
    output::{json, people},
    short_id::{Search, ShortId},
};

/// Options of `tm sessions`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm sessions
  tm sessions revoke --others")]
pub(crate) struct SessionsArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the sessions, newest use first (the default).
    #[command(before_help = "Examples:\n  tm sessions list")]
    List,
    /// End sessions.
    Revoke(RevokeArgs),
}

/// Options of `tm sessions revoke`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm sessions revoke 3fa2c1d0
  tm sessions revoke --others")]
struct RevokeArgs {
    /// The sessions: their ids, or the beginnings of what the list shows of them.
    #[arg(required_unless_present = "others", value_name = "ID")]
    ids: Vec<ShortId>,
    /// All sessions but this one.
    #[arg(long, conflicts_with = "ids")]
    others: bool,
}

/// Lists or ends sessions.
pub(crate) async fn run(args: SessionsArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    match args.action {
        None | Some(Action::List) => list(&connection, context).await,
        Some(Action::Revoke(args)) if args.others => revoke_others(&connection, context).await,
        Some(Action::Revoke(args)) => revoke(&args.ids, &connection, context).await,
    }
}

async fn all(connection: &Connection) -> Result<Vec<Session>, Failure> {
    let answer = connection
        .auth()
        .list_sessions(ListSessionsRequest {})
        .await?;
    Ok(answer.into_inner().sessions)
}

async fn list(connection: &Connection, context: &Context) -> Result<(), Failure> {
    let sessions = all(connection).await?;
    let rows: Value = sessions.iter().map(json::session).collect();
    let json = json!({"sessions": rows});
    context
        .printer
        .print(&json, |screen| people::session_table(&sessions, screen))
}

async fn revoke(
    wanted: &[ShortId],
    connection: &Connection,
    context: &Context,
) -> Result<(), Failure> {
    let sessions = all(connection).await?;
    let mut search = Search::new(wanted);
    for session in &sessions {
        search.look_at(&session.session_id);
    }
    let ids = search.finish("session", "SESSION_NOT_FOUND")?;
    for id in &ids {
        let request = RevokeSessionRequest {
            session_id: id.clone(),
        };
        connection.auth().revoke_session(request).await?;
    }
    let ended_own = sessions
        .iter()
        .any(|s| s.current && ids.contains(&s.session_id));
    if ended_own {
        context.token_file()?.remove()?;
    }
    ended(ids.len(), context)
}

async fn revoke_others(connection: &Connection, context: &Context) -> Result<(), Failure> {
    let request = RevokeOtherSessionsRequest {};
    let answer = connection.auth().revoke_other_sessions(request).await?;
    let revoked = answer.into_inner().revoked_count;
    ended(usize::try_from(revoked).unwrap_or(0), context)
}

fn ended(number: usize, context: &Context) -> Result<(), Failure> {
    context
        .printer
        .print(&json!({"revoked_count": number}), |_| {
            format!("Ended {}.\n", people::count(number, "session"))
        })
}
