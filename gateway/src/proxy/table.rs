//! The public methods by path.

use std::collections::HashMap;

use http::Uri;
use turbomessage_proto::{Method, auth_v1::auth_service_server};

/// The methods that hash a password, which takes as much work as thousands of other calls.
const PASSWORD_METHODS: [&str; 4] = [
    "/turbomessage.auth.v1.AuthService/Register",
    "/turbomessage.auth.v1.AuthService/Login",
    "/turbomessage.auth.v1.AuthService/ChangePassword",
    "/turbomessage.auth.v1.AuthService/DeleteAccount",
];

/// Who answers a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// auth-service, which checks sessions itself.
    Auth,
    /// mail-service, which wants a ticket.
    Mail,
}

/// A public method.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) uri: Uri,
    pub(super) service: Service,
    pub(super) no_side_effects: bool,
    pub(super) streaming: bool,
    pub(super) hashes_password: bool,
}

/// All public methods.
#[derive(Debug)]
pub(super) struct Table(HashMap<&'static str, Route>);

impl Table {
    pub(super) fn new(methods: &'static [Method]) -> Self {
        Self(methods.iter().map(|m| (m.path, route(m))).collect())
    }

    pub(super) fn get(&self, path: &str) -> Option<&Route> {
        self.0.get(path)
    }
}

fn route(method: &Method) -> Route {
    Route {
        uri: Uri::from_static(method.path),
        service: if method.service == auth_service_server::SERVICE_NAME {
            Service::Auth
        } else {
            Service::Mail
        },
        no_side_effects: method.no_side_effects,
        streaming: method.streaming,
        hashes_password: PASSWORD_METHODS.contains(&method.path),
    }
}

#[cfg(test)]
mod tests {
    use turbomessage_proto::PUBLIC_METHODS;

    use super::*;

    #[test]
    fn every_method_that_hashes_a_password_is_one() {
        let table = Table::new(PUBLIC_METHODS);
        for path in PASSWORD_METHODS {
            let route = table.get(path).unwrap();
            assert!(route.hashes_password && route.service == Service::Auth);
        }
    }

    #[test]
    fn internal_services_are_not_in_the_table() {
        let internal = PUBLIC_METHODS.iter().any(|m| m.path.contains("internal"));
        assert!(!internal);
        assert!(PUBLIC_METHODS.len() > 10);
    }
}
