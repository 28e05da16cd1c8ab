//! `turbomessage.auth.v1.AuthService`.

use std::sync::Arc;

use tonic::{Request, Response, Status, metadata::MetadataMap};
use turbomessage_proto::auth_v1::{
    ChangePasswordRequest, ChangePasswordResponse, DeleteAccountRequest, DeleteAccountResponse,
    GetAccountRequest, GetAccountResponse, ListSessionsRequest, ListSessionsResponse, LoginRequest,
    LoginResponse, LogoutRequest, LogoutResponse, RegisterRequest, RegisterResponse,
    RevokeOtherSessionsRequest, RevokeOtherSessionsResponse, RevokeSessionRequest,
    RevokeSessionResponse, UpdateAccountRequest, UpdateAccountResponse,
    auth_service_server::AuthService,
};
use turbomessage_service_kit::{fields::Fields, problem::Problem};
use uuid::Uuid;

use super::{ENDED_SESSIONS_OF, bearer, client_address, convert, requests};
use crate::{auth::Auth, domain::Session};

/// Accounts and sessions for their owners.
pub(super) struct AuthApi {
    auth: Arc<Auth>,
}

impl AuthApi {
    pub(super) fn new(auth: Arc<Auth>) -> Self {
        Self { auth }
    }

    /// The session that a call is made in.
    async fn caller(&self, metadata: &MetadataMap) -> Result<Session, Problem> {
        self.auth.authenticate(bearer(metadata)).await
    }
}

/// An answer that tells the gateway whose sessions have ended.
fn ended<T>(account_id: Uuid, message: T) -> Result<Response<T>, Status> {
    let mut response = Response::new(message);
    let value = account_id.to_string().parse().map_err(Problem::internal)?;
    response.metadata_mut().insert(ENDED_SESSIONS_OF, value);
    Ok(response)
}

#[tonic::async_trait]
impl AuthService for AuthApi {
    async fn register(
        &self,
        request: Request<RegisterRequest>,
    ) -> Result<Response<RegisterResponse>, Status> {
        let registration = requests::registration(request.into_inner())?;
        let (account, session, token) = convert::welcome(self.auth.register(registration).await?);
        Ok(Response::new(RegisterResponse {
            account: Some(account),
            session: Some(session),
            session_token: token,
        }))
    }

    async fn login(
        &self,
        request: Request<LoginRequest>,
    ) -> Result<Response<LoginResponse>, Status> {
        let address = client_address(request.metadata());
        let login = requests::login(request.into_inner())?;
        let welcome = self.auth.log_in(login, &address).await?;
        let (account, session, token) = convert::welcome(welcome);
        Ok(Response::new(LoginResponse {
            account: Some(account),
            session: Some(session),
            session_token: token,
        }))
    }

    async fn logout(
        &self,
        request: Request<LogoutRequest>,
    ) -> Result<Response<LogoutResponse>, Status> {
        let caller = self.caller(request.metadata()).await?;
        self.auth.log_out(&caller).await?;
        ended(caller.account_id, LogoutResponse {})
    }

    async fn get_account(
        &self,
        request: Request<GetAccountRequest>,
    ) -> Result<Response<GetAccountResponse>, Status> {
        let caller = self.caller(request.metadata()).await?;
        let credentials = self.auth.credentials_of(&caller).await?;
        Ok(Response::new(GetAccountResponse {
            account: Some(credentials.account.into()),
        }))
    }

    async fn update_account(
        &self,
        request: Request<UpdateAccountRequest>,
    ) -> Result<Response<UpdateAccountResponse>, Status> {
        let caller = self.caller(request.metadata()).await?;
        let display_name = requests::account_update(&request.into_inner())?;
        let account = self.auth.update_account(&caller, display_name).await?;
        Ok(Response::new(UpdateAccountResponse {
            account: Some(account.into()),
        }))
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<Response<ChangePasswordResponse>, Status> {
        let caller = self.caller(request.metadata()).await?;
        let address = client_address(request.metadata());
        let (current, new) = requests::password_change(request.into_inner())?;
        let account_id = caller.account_id;
        self.auth
            .change_password(caller, current, new, &address)
            .await?;
        ended(account_id, ChangePasswordResponse {})
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let caller = self.caller(request.metadata()).await?;
        let sessions = self.auth.list_sessions(&caller).await?;
        let current = caller.session_id;
        Ok(Response::new(ListSessionsResponse {
            sessions: sessions
                .iter()
                .map(|s| convert::session(s, current))
                .collect(),
        }))
    }

    async fn revoke_session(
        &self,
        request: Request<RevokeSessionRequest>,
    ) -> Result<Response<RevokeSessionResponse>, Status> {
        let caller = self.caller(request.metadata()).await?;
        let mut fields = Fields::new();
        let session_id = fields.id("session_id", &request.get_ref().session_id);
        fields.finish()?;
        self.auth
            .revoke_session(&caller, session_id.unwrap_or_default())
            .await?;
        ended(caller.account_id, RevokeSessionResponse {})
    }

    async fn revoke_other_sessions(
        &self,
        request: Request<RevokeOtherSessionsRequest>,
    ) -> Result<Response<RevokeOtherSessionsResponse>, Status> {
        let caller = self.caller(request.metadata()).await?;
        let count = self.auth.end_other_sessions(&caller).await?;
        let revoked_count = i32::try_from(count).unwrap_or(i32::MAX);
        ended(
            caller.account_id,
            RevokeOtherSessionsResponse { revoked_count },
        )
    }

    async fn delete_account(
        &self,
        request: Request<DeleteAccountRequest>,
    ) -> Result<Response<DeleteAccountResponse>, Status> {
        let caller = self.caller(request.metadata()).await?;
        let address = client_address(request.metadata());
        let password = requests::deletion(request.into_inner())?;
        let account_id = caller.account_id;
        self.auth.delete_account(caller, password, &address).await?;
        ended(account_id, DeleteAccountResponse {})
    }
}
