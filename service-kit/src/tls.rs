//! TLS for those who connect to us, and for those whom we connect to. Certificates are read again while the
//! process runs: one that is replaced in time needs no restart.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio::net::TcpStream;
use tokio_rustls::{Accept, TlsAcceptor};
use zeroize::Zeroizing;

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// What clients are shown, and what they have to show.
#[derive(Debug, Clone, Default, Args)]
pub struct TlsArgs {
    /// A file with the certificate that clients are shown, and what leads from it to one they trust, in PEM.
    /// With it, all connections are TLS. It is read again when it changes.
    #[arg(
        long,
        env = "TM_TLS_CERT_FILE",
        requires = "tls_key_file",
        value_name = "FILE"
    )]
    pub tls_cert_file: Option<PathBuf>,
    /// A file with that certificate's private key, in PEM.
    #[arg(
        long,
        env = "TM_TLS_KEY_FILE",
        requires = "tls_cert_file",
        value_name = "FILE"
    )]
    pub tls_key_file: Option<PathBuf>,
    /// A file with the certificates, in PEM, of those who say who may connect: clients must show a
    /// certificate that one of them has signed.
    #[arg(
        long,
        env = "TM_TLS_CLIENT_CA_FILE",
        requires = "tls_cert_file",
        value_name = "FILE"
    )]
    pub tls_client_ca_file: Option<PathBuf>,
}

/// How other services of ours are connected to where their URLs begin with `https://`.
#[derive(Debug, Clone, Default, Args)]
pub struct UpstreamTlsArgs {
    /// A file with the certificates, in PEM, of those who vouch for the services behind `https://` URLs.
    #[arg(long, env = "TM_UPSTREAM_CA_FILE", value_name = "FILE")]
    pub upstream_ca_file: Option<PathBuf>,
    /// A file with the certificate, in PEM, that those services are shown.
    #[arg(
        long,
        env = "TM_UPSTREAM_CERT_FILE",
        requires = "upstream_key_file",
        value_name = "FILE"
    )]
    pub upstream_cert_file: Option<PathBuf>,
    /// A file with that certificate's private key, in PEM.
    #[arg(
        long,
        env = "TM_UPSTREAM_KEY_FILE",
        requires = "upstream_cert_file",
        value_name = "FILE"
    )]
    pub upstream_key_file: Option<PathBuf>,
}

impl UpstreamTlsArgs {
    /// How to connect now, in HTTP/2: the files may have changed since.
    ///
    /// # Errors
    /// Says which file is missing or cannot be used.
    pub(crate) fn client_config(&self) -> anyhow::Result<ClientConfig> {
        let Some(ca) = &self.upstream_ca_file else {
            bail!("an https:// URL needs --upstream-ca-file");
        };
        let roots = roots("--upstream-ca-file", ca, &read("--upstream-ca-file", ca)?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let mut config = match (&self.upstream_cert_file, &self.upstream_key_file) {
            (Some(cert), Some(key)) => {
                let pem = read("--upstream-cert-file", cert)?;
                let chain = certificates("--upstream-cert-file", cert, &pem)?;
                let pem = Zeroizing::new(read("--upstream-key-file", key)?);
                let key = private_key("--upstream-key-file", key, &pem)?;
                let config = config.with_client_auth_cert(chain, key);
                config.context("--upstream-cert-file and --upstream-key-file do not go together")?
            }
            _ => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

impl TlsArgs {
    /// What accepts connections, if they are to be TLS. The files are looked at again until this and all
    /// of its clones are gone.
    ///
    /// # Errors
    /// Says which file cannot be used.
    pub fn acceptor(&self) -> anyhow::Result<Option<Acceptor>> {
        let (Some(cert), Some(key)) = (&self.tls_cert_file, &self.tls_key_file) else {
            return Ok(None);
        };
        let files = Files {
            cert: cert.clone(),
            key: key.clone(),
            client_ca: self.tls_client_ca_file.clone(),
        };
        let seen = files.read()?;
        let current = Arc::new(RwLock::new(Arc::new(files.config(&seen)?)));
        tokio::spawn(files.follow(seen, Arc::downgrade(&current)));
        Ok(Some(Acceptor { current }))
    }
}

/// Accepts TLS connections with the certificate as it is now.
#[derive(Debug, Clone)]
pub struct Acceptor {
    current: Arc<RwLock<Arc<ServerConfig>>>,
}

impl Acceptor {
    pub(crate) fn accept(&self, stream: TcpStream) -> Accept<TcpStream> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current)).accept(stream)
    }
}

struct Files {
    cert: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

/// What is in the files.
#[derive(PartialEq, Eq)]
struct Seen {
    cert: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    client_ca: Option<Vec<u8>>,
}

impl Files {
    fn read(&self) -> anyhow::Result<Seen> {
        let client_ca = self.client_ca.as_ref();
        Ok(Seen {
            cert: read("--tls-cert-file", &self.cert)?,
            key: read("--tls-key-file", &self.key)?.into(),
            client_ca: client_ca
                .map(|path| read("--tls-client-ca-file", path))
                .transpose()?,
        })
    }

    fn config(&self, seen: &Seen) -> anyhow::Result<ServerConfig> {
        let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
        let chain = certificates("--tls-cert-file", &self.cert, &seen.cert)?;
        let key = private_key("--tls-key-file", &self.key, &seen.key)?;
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let config = if let (Some(path), Some(pem)) = (&self.client_ca, &seen.client_ca) {
            let roots = roots("--tls-client-ca-file", path, pem)?;
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.context("--tls-client-ca-file")?)
        } else {
            config.with_no_client_auth()
        };
        let mut config = config
            .with_single_cert(chain, key)
            .context("--tls-cert-file and --tls-key-file do not go together")?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Takes what is new in the files for connections from then on. What cannot be used, such as a key that has
    /// changed before its certificate, leaves everything as it is.
    async fn follow(self, mut seen: Seen, current: std::sync::Weak<RwLock<Arc<ServerConfig>>>) {
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let Some(current) = current.upgrade() else {
                return;
            };
            let renewed = match self.read() {
                Ok(now) if now == seen => continue,
                Ok(now) => self.config(&now).map(|config| (now, config)),
                Err(error) => Err(error),
            };
            match renewed {
                Ok((now, config)) => {
                    seen = now;
                    *current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                    tracing::info!("another TLS certificate is in use");
                }
                Err(error) => {
                    tracing::warn!(error.cause = %format_args!("{error:#}"), "the TLS certificate stays as it was");
                }
            }
        }
    }
}

fn read(setting: &str, path: &Path) -> anyhow::Result<Vec<u8>> {
    let pem: io::Result<_> = fs::read(path);
    pem.with_context(|| format!("{setting}: cannot read {}", path.display()))
}

fn private_key(setting: &str, path: &Path, pem: &[u8]) -> anyhow::Result<PrivateKeyDer<'static>> {
    let key = PrivateKeyDer::from_pem_slice(pem);
    key.with_context(|| format!("{setting}: {} has no key", path.display()))
}

fn roots(setting: &'static str, path: &Path, pem: &[u8]) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for root in certificates(setting, path, pem)? {
        roots.add(root).context(setting)?;
    }
    Ok(roots)
}

fn certificates(
    setting: &str,
    path: &Path,
    pem: &[u8],
) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.with_context(|| format!("{setting}: {}", path.display()))?;
    if chain.is_empty() {
        bail!("{setting}: {} has no certificate", path.display());
    }
    Ok(chain)
}
