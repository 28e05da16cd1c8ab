//! Ways in which a session ends.

use turbomessage_proto::auth_v1::{
    ChangePasswordRequest, DeleteAccountRequest, LogoutRequest, RevokeOtherSessionsRequest,
    RevokeSessionRequest,
};
use turbomessage_tests::{User, client::fresh_password};

/// Ends the session of `other`, who is the same person as `own`.
pub(crate) async fn end_session(way: &str, own: &User, other: &User) {
    match way {
        "logout" => drop(other.auth().logout(LogoutRequest {}).await.unwrap()),
        "revocation" => {
            let session_id = other.session.session_id.clone();
            let request = RevokeSessionRequest { session_id };
            own.auth().revoke_session(request).await.unwrap();
        }
        "revocation of others" => {
            let request = RevokeOtherSessionsRequest {};
            own.auth().revoke_other_sessions(request).await.unwrap();
        }
        "new password" => {
            let request = ChangePasswordRequest {
                current_password: own.password.clone(),
                new_password: fresh_password(),
            };
            own.auth().change_password(request).await.unwrap();
        }
        "deletion" => {
            let password = own.password.clone();
            let request = DeleteAccountRequest { password };
            own.auth().delete_account(request).await.unwrap();
        }
        unknown => panic!("{unknown}"),
    }
}

/// All of them.
pub(crate) const WAYS: [&str; 5] = [
    "logout",
    "revocation",
    "revocation of others",
    "new password",
    "deletion",
];
