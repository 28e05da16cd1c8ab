//! A connection to the server, and what every call on it carries: the token, the language for
//! errors, a time limit.

use std::{env, error::Error, fs, path::Path, time::Duration};

use tonic::{
    Request, Status,
    metadata::AsciiMetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{
    v1::server_reflection_client as v1, v1alpha::server_reflection_client as v1alpha,
};
use turbomessage_proto::{
    auth_v1::auth_service_client::AuthServiceClient,
    mail_v1::mail_service_client::MailServiceClient,
};
use turbomessage_service_kit::{language::Language, settings::Secret};

use crate::{failure::Failure, server_address::ServerAddress};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call may take. The server's own limit is shorter: this one is for a server that is
/// gone without a word.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// How often a server that is silent is asked whether it is still there, and how long it has to
/// answer: a stream has no other way to learn that the network is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Well above what the server sends, so that its limit decides.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Where systems keep the certificates that they trust, all in one file.
const SYSTEM_CERTIFICATES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// The way to the server.
type Calls = InterceptedService<Channel, Caller>;

/// A connection to the server.
#[derive(Clone)]
pub(crate) struct Connection {
    channel: Channel,
    caller: Caller,
}

impl Connection {
    /// Connects to `server`, to act in the session that `token` opens, or in none.
    pub(crate) async fn open(
        server: &ServerAddress,
        ca_file: Option<&Path>,
        token: Option<&Secret>,
    ) -> Result<Self, Failure> {
        let mut endpoint = Endpoint::from_shared(server.to_string())
            .map_err(|error| Failure::usage(format!("--server: {error}")))?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .user_agent(concat!("tm/", env!("CARGO_PKG_VERSION")))
            .map_err(Failure::other)?;
        if server.is_tls() {
            let tls = ClientTlsConfig::new().ca_certificate(trusted(ca_file)?);
            endpoint = endpoint.tls_config(tls).map_err(Failure::other)?;
        }
        let caller = Caller::new(token)?;
        let channel = endpoint.connect().await.map_err(|error| {
            let cause = innermost(&error);
            Failure::unreachable(format!("Cannot reach {server}: {cause}."))
        })?;
        Ok(Self { channel, caller })
    }

    /// Accounts and sessions.
    pub(crate) fn auth(&self) -> AuthServiceClient<Calls> {
        AuthServiceClient::with_interceptor(self.channel.clone(), self.caller.clone())
    }

    /// How the server is.
    pub(crate) fn health(&self) -> HealthClient<Calls> {
        HealthClient::with_interceptor(self.channel.clone(), self.caller.clone())
    }

    /// What the server offers.
    pub(crate) fn reflection(&self) -> v1::ServerReflectionClient<Calls> {
        v1::ServerReflectionClient::with_interceptor(self.channel.clone(), self.caller.clone())
    }

    /// The same in the version before.
    pub(crate) fn reflection_alpha(&self) -> v1alpha::ServerReflectionClient<Calls> {
        v1alpha::ServerReflectionClient::with_interceptor(self.channel.clone(), self.caller.clone())
    }

    /// The mailbox.
    pub(crate) fn mail(&self) -> MailServiceClient<Calls> {
        self.mail_as(self.caller.clone())
    }

    /// The mailbox, for calls that go on until somebody ends them.
    pub(crate) fn mail_without_deadline(&self) -> MailServiceClient<Calls> {
        self.mail_as(Caller {
            timeout: None,
            ..self.caller.clone()
        })
    }

    fn mail_as(&self, caller: Caller) -> MailServiceClient<Calls> {
        MailServiceClient::with_interceptor(self.channel.clone(), caller)
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }
}

/// The certificates in `ca_file`, or those that the system trusts.
fn trusted(ca_file: Option<&Path>) -> Result<Certificate, Failure> {
    let path = ca_file
        .or_else(|| {
            let known = SYSTEM_CERTIFICATES.iter().map(Path::new);
            known.into_iter().find(|path| path.exists())
        })
        .ok_or_else(|| Failure::usage("no trusted certificates found: give --ca-file"))?;
    let pem = fs::read(path).map_err(|error| {
        Failure::usage(format!(
            "--ca-file: cannot read {}: {error}",
            path.display()
        ))
    })?;
    Ok(Certificate::from_pem(pem))
}

/// The cause at the bottom, which says what happened: `Connection refused`, not `transport error`.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Adds to every call who makes it and how to talk to them.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    authorization: Option<AsciiMetadataValue>,
    language: Language,
    timeout: Option<Duration>,
}

impl Caller {
    fn new(token: Option<&Secret>) -> Result<Self, Failure> {
        let authorization = token.map(|token| format!("Bearer {}", token.expose()).parse());
        let authorization = authorization.transpose().map_err(|_| {
            Failure::not_signed_in("The token file holds something that is no token.")
        })?;
        Ok(Self {
            authorization: authorization.map(|mut value: AsciiMetadataValue| {
                value.set_sensitive(true);
                value
            }),
            language: language(|name| env::var(name).ok()),
            timeout: Some(CALL_TIMEOUT),
        })
    }
}

impl Interceptor for Caller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(timeout) = self.timeout {
            request.set_timeout(timeout);
        }
        let language = AsciiMetadataValue::from_static(self.language.tag());
        request.metadata_mut().insert("accept-language", language);
        if let Some(authorization) = &self.authorization {
            let authorization = authorization.clone();
            request
                .metadata_mut()
                .insert("authorization", authorization);
        }
        Ok(request)
    }
}

/// The language that the locale asks for, by the first of the variables of POSIX that is set:
/// `es_MX.UTF-8` is Spanish.
fn language(variable: impl Fn(&str) -> Option<String>) -> Language {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()))
        .unwrap_or_default();
    let name = locale.split(['.', '@']).next().unwrap_or_default();
    Language::from_accept(&name.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_come_in_the_language_of_the_locale() {
        let language = |set: &[(&str, &str)]| {
            language(|name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        for (set, expected) in [
            (&[("LANG", "es_MX.UTF-8")][..], Language::Spanish),
            (
                &[("LANG", "es"), ("LC_ALL", "en_GB.UTF-8")],
                Language::English,
            ),
            (
                &[("LC_MESSAGES", "es_ES@euro"), ("LC_ALL", "")],
                Language::Spanish,
            ),
            (&[("LANG", "C.UTF-8")], Language::English),
            (&[], Language::English),
        ] {
            assert_eq!(language(set), expected, "{set:?}");
        }
    }
}
