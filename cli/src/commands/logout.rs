//! `tm logout`.

use serde_json::json;
use tonic::Code;
use turbomessage_proto::auth_v1::LogoutRequest;

use crate::{context::Context, failure::Failure};

/// Ends the session and forgets its token. A session that has ended already is as good.
pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    match connection.auth().logout(LogoutRequest {}).await {
        Err(status) if status.code() != Code::Unauthenticated => return Err(status.into()),
        _ => {}
    }
    context.token_file()?.remove()?;
    context
        .printer
        .print(&json!({}), |_| "Signed out.\n".into())
}
