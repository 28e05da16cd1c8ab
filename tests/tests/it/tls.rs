//! TLS at the edge and between the services, with certificates made for the occasion.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, pem::PemObject as _},
    },
};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use turbomessage_tests::{
    Part, Process,
    client::{Client, fresh_name, fresh_password},
    eventually::{SOON, eventually},
    http2::{self, Kind},
    programs,
};

use crate::doctor::{doctor, finding};

/// Somebody who vouches for others.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    /// Certificate and key of somebody on this machine.
    fn vouch(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

/// Files in a folder.
struct Folder(TempDir);

impl Folder {
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

type Env = Vec<(String, String)>;

fn env<const N: usize>(pairs: [(&str, &str); N]) -> Env {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    pairs.into_iter().map(owned).collect()
}

/// What a server shows of itself.
fn shown(folder: &Folder, name: &str, (certificate, key): (String, String)) -> Env {
    env([
        (
            "TM_TLS_CERT_FILE",
            &folder.write(&format!("{name}.pem"), &certificate),
        ),
        (
            "TM_TLS_KEY_FILE",
            &folder.write(&format!("{name}.key"), &key),
        ),
    ])
}

/// All three services; `inside` and `outside` are further settings of those inside and of the gateway.
async fn start(folder: &Folder, scheme: &str, inside: &Env, outside: &Env) -> [Process; 3] {
    let file = |name: &str| format!("sqlite:{}", folder.path(name).display());
    let mut of_auth = env([
        ("TM_DATABASE_URL", &file("accounts.db")),
        ("TM_SESSION_STORE_URL", &file("sessions.db")),
    ]);
    of_auth.extend(inside.clone());
    let auth = Process::start(Part::Auth, of_auth).await;
    let url = |of: &Process| format!("{scheme}://127.0.0.1:{}", of.address.port());
    let mut of_mail = env([
        ("TM_DATABASE_URL", &file("mail.db")),
        ("TM_AUTH_URL", &url(&auth)),
    ]);
    of_mail.extend(inside.clone());
    let mail = Process::start(Part::Mail, of_mail).await;
    let mut of_gateway = env([("TM_AUTH_URL", &url(&auth)), ("TM_MAIL_URL", &url(&mail))]);
    of_gateway.extend(outside.clone());
    let gateway = Process::start(Part::Gateway, of_gateway).await;
    [auth, mail, gateway]
}

async fn connect(process: &Process, tls: ClientTlsConfig) -> Option<Channel> {
    let url = format!("https://localhost:{}", process.address.port());
    let endpoint = Endpoint::from_shared(url).unwrap().tls_config(tls).unwrap();
    let channel = endpoint.connect().await.ok()?;
    // In TLS 1.3 a client learns only now whether its certificate was good.
    serves(&channel, "").await.then_some(channel)
}

async fn serves(channel: &Channel, service: &str) -> bool {
    let service = service.to_owned();
    let mut health = HealthClient::new(channel.clone());
    match health.check(HealthCheckRequest { service }).await {
        Ok(answer) => answer.get_ref().status() == ServingStatus::Serving,
        Err(_) => false,
    }
}

fn trusting(authority: &Authority) -> ClientTlsConfig {
    ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&authority.certificate))
}

/// A first message through all three services.
async fn mail_works(channel: Channel) {
    eventually("both services serve", SOON, async || {
        let auth = serves(&channel, "turbomessage.auth.v1.AuthService").await;
        let mail = serves(&channel, "turbomessage.mail.v1.MailService").await;
        (auth && mail).then_some(())
    })
    .await;
    let client = Client::new(channel);
    let name = fresh_name();
    let account = client.register(&name, &fresh_password()).await.unwrap();
    let client = client.with_token(&account.session_token);
    let message = turbomessage_proto::mail_v1::SendMessageRequest {
        to: vec![name],
        subject: "over TLS".into(),
        ..Default::default()
    };
    client.mail().send_message(message).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_edge_speaks_tls_and_takes_a_new_certificate_while_it_runs() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let [first, second] = [Authority::new(), Authority::new()];
    let edge = shown(&folder, "edge", first.vouch());
    let [_auth, _mail, gateway] = start(&folder, "http", &Vec::new(), &edge).await;
    let channel = connect(&gateway, trusting(&first)).await.unwrap();
    mail_works(channel.clone()).await;
    assert!(
        connect(&gateway, trusting(&second)).await.is_none(),
        "nobody it knows vouches"
    );
    let ca = folder.write("second.pem", &second.certificate);
    let server = format!("https://localhost:{}", gateway.address.port());
    let (code, said) = doctor(&server, &["--ca-file", &ca]).await;
    let (verdict, detail) = finding(&said, "TLS");
    assert_eq!((code, &*verdict), (6, "failed"));
    assert!(detail.contains("certificate"), "{detail}");
    let clear = Endpoint::from_shared(gateway.url())
        .unwrap()
        .connect()
        .await;
    let clear = match clear {
        Ok(channel) => serves(&channel, "").await,
        Err(_) => false,
    };
    assert!(!clear, "nothing is said in the clear");

    // The key comes first: until its certificate is there too, everything stays as it is.
    let (certificate, key) = second.vouch();
    folder.write("edge.key", &key);
    eventually("half a change is noticed", SOON, async || {
        gateway.log().contains("stays as it was").then_some(())
    })
    .await;
    assert!(connect(&gateway, trusting(&first)).await.is_some());
    folder.write("edge.pem", &certificate);
    eventually("the new certificate is shown", SOON, async || {
        connect(&gateway, trusting(&second)).await
    })
    .await;
    assert!(connect(&gateway, trusting(&first)).await.is_none());
    assert!(serves(&channel, "").await, "connections go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn inside_both_sides_show_who_they_are() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let [inside, stranger] = [Authority::new(), Authority::new()];
    let ca = folder.write("ca.pem", &inside.certificate);
    let mut settings = shown(&folder, "service", inside.vouch());
    let (certificate, key) = inside.vouch();
    let as_client = env([
        ("TM_UPSTREAM_CA_FILE", &ca),
        (
            "TM_UPSTREAM_CERT_FILE",
            &folder.write("client.pem", &certificate),
        ),
        ("TM_UPSTREAM_KEY_FILE", &folder.write("client.key", &key)),
    ]);
    settings.extend(env([("TM_TLS_CLIENT_CA_FILE", &ca)]));
    settings.extend(as_client.clone());
    let [auth, mail, gateway] = start(&folder, "https", &settings, &as_client).await;
    let edge = Endpoint::from_shared(gateway.url()).unwrap();
    mail_works(edge.connect().await.unwrap()).await;

    for process in [&auth, &mail] {
        let known = Identity::from_pem(&certificate, &key);
        let known = trusting(&inside).identity(known);
        assert!(connect(process, known).await.is_some(), "one of us gets in");
        assert!(
            connect(process, trusting(&inside)).await.is_none(),
            "nobody does without"
        );
        let (certificate, key) = stranger.vouch();
        let foreign = trusting(&inside).identity(Identity::from_pem(certificate, key));
        assert!(
            connect(process, foreign).await.is_none(),
            "nor do strangers"
        );
    }
}

/// How long a connection stays open on which nothing more is said.
async fn kept(mut stream: impl AsyncRead + Unpin) -> Duration {
    let begun = Instant::now();
    let mut nothing = Vec::new();
    // An end and a reset both close it.
    let _ = timeout(SOON, stream.read_to_end(&mut nothing)).await;
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_tls_or_what_comes_after_it_and_says_no_more_is_cut_off() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let authority = Authority::new();
    let edge = shown(&folder, "edge", authority.vouch());
    let [_auth, _mail, gateway] = start(&folder, "http", &Vec::new(), &edge).await;
    let connect = async || TcpStream::connect(gateway.address).await.unwrap();
    let silent = connect().await;
    let mut half = connect().await;
    // The beginning of a handshake.
    half.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01")
        .await
        .unwrap();
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.certificate.as_bytes()).unwrap();
    roots.add(root).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots);
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let agreed = async || {
        let name = "localhost".try_into().unwrap();
        connector.connect(name, connect().await).await.unwrap()
    };
    let quiet = agreed().await;
    let mut amid = agreed().await;
    let head = http2::frame(Kind::Headers, 0, 1, &http2::head("/x", &[]));
    let settings = http2::frame(Kind::Settings, 0, 0, &[]);
    let opening = [http2::PREFACE, &settings, &head].concat();
    amid.write_all(&opening).await.unwrap();
    let (a, b, c, d) = tokio::join!(kept(silent), kept(half), kept(quiet), kept(amid));
    for (time, what) in [
        (a, "silent"),
        (b, "half"),
        (c, "quiet"),
        (d, "amid headers"),
    ] {
        assert!(time < Duration::from_secs(13), "{what}: {time:?}");
    }
}

#[tokio::test]
async fn certificates_that_cannot_be_used_end_the_program_before_it_listens() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let authority = Authority::new();
    let (certificate, key) = authority.vouch();
    let certificate = folder.write("good.pem", &certificate);
    let key = folder.write("good.key", &key);
    let other = folder.write("other.key", &authority.vouch().1);
    let empty = folder.write("empty.pem", "");
    let missing = folder.path("missing.pem").display().to_string();
    for (arguments, said) in [
        (vec!["--tls-cert-file", &*certificate], "--tls-key-file"),
        (
            vec!["--tls-cert-file", &missing, "--tls-key-file", &key],
            "--tls-cert-file: cannot read",
        ),
        (
            vec!["--tls-cert-file", &empty, "--tls-key-file", &key],
            "has no certificate",
        ),
        (
            vec!["--tls-cert-file", &certificate, "--tls-key-file", &empty],
            "has no key",
        ),
        (
            vec!["--tls-cert-file", &certificate, "--tls-key-file", &other],
            "do not go together",
        ),
        (
            vec!["--auth-url", "https://localhost:1"],
            "--upstream-ca-file",
        ),
    ] {
        let error = refused(&arguments, folder.0.path()).await;
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
}

/// What mail-service says when it is started so.
async fn refused(arguments: &[&str], folder: &Path) -> String {
    let database = format!("sqlite:{}", folder.join("mail.db").display());
    let mut program = tokio::process::Command::new(programs::own("turbomessage-mail-service"));
    program.args(["--listen", "127.0.0.1:0", "--database-url", &database]);
    program.args(arguments).kill_on_drop(true);
    let ended = timeout(SOON, program.output()).await.unwrap().unwrap();
    assert_eq!(ended.status.code(), Some(64), "{ended:?}");
    String::from_utf8(ended.stderr).unwrap()
}

mod containers {
    use turbomessage_tests::containers::{Redis, available};

    use super::{Authority, Endpoint, Folder, SOON, env, eventually, mail_works, start};

    #[tokio::test(flavor = "multi_thread")]
    async fn redis_shows_a_certificate_of_an_authority_of_ones_own() {
        if !available() {
            return;
        }
        let folder = Folder(tempfile::tempdir().unwrap());
        let [own, stranger] = [Authority::new(), Authority::new()];
        let (certificate, key) = own.vouch();
        let redis = Redis::start_with_tls(certificate, key).await;
        let url = format!("rediss://localhost:{}", redis.0.port());
        let with = |ca: &Authority, name: &str| {
            let file = folder.write(name, &ca.certificate);
            env([
                ("TM_SESSION_STORE_URL", &url),
                ("TM_WAKEUP_URL", &url),
                ("TM_REDIS_CA_FILE", &file),
            ])
        };
        let inside = with(&own, "own.pem");
        let [_auth, mail, gateway] = start(&folder, "http", &inside, &Vec::new()).await;
        let channel = Endpoint::from_shared(gateway.url())
            .unwrap()
            .connect()
            .await;
        mail_works(channel.unwrap()).await;
        assert!(!mail.log().contains("no wake-ups"), "{}", mail.log());

        let inside = with(&stranger, "stranger.pem");
        let [auth, mail, _gateway] = start(&folder, "http", &inside, &Vec::new()).await;
        let log = eventually("Redis is not believed", SOON, async || {
            let log = mail.log();
            log.contains("no wake-ups").then_some(log)
        })
        .await;
        assert!(log.contains("certificate"), "{log}");
        assert!(!auth.edge().serves("turbomessage.auth.v1.AuthService").await);
    }
}
