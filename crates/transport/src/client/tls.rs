//! TLS by rustls: which authorities are trusted, and which certificate is shown, at which registry.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::origin::Origin;
use crate::settings::{AllSettings, SystemRoots, TlsSettings, Verification};
use crate::{BoxError, Error};

use super::connect::ConnectError;

/// In the order of preference: which one is used is decided here and not by the process.
const PROVIDERS: &[fn() -> CryptoProvider] = &[
    #[cfg(feature = "aws-lc-rs")]
    rustls::crypto::aws_lc_rs::default_provider,
    #[cfg(feature = "ring")]
    rustls::crypto::ring::default_provider,
];

/// The TLS configurations of all registries.
pub(super) struct Configs {
    default: Config,
    /// By host and port.
    own: HashMap<(String, u16), Config>,
    system_roots: OnceLock<RootCertStore>,
}

/// One configuration, built at its first handshake: to read the system's authorities takes longer than many a request.
struct Config {
    settings: TlsSettings,
    built: OnceLock<Result<Arc<ClientConfig>, Arc<Error>>>,
}

impl Configs {
    pub(super) fn new(settings: &AllSettings) -> Result<Self, Error> {
        let config = |settings: &TlsSettings| Config {
            settings: settings.clone(),
            built: OnceLock::new(),
        };
        let mut configs = Self {
            default: config(&settings.default.tls),
            own: HashMap::new(),
            system_roots: OnceLock::new(),
        };
        for (registry, settings) in &settings.own {
            let url = format!("https://{registry}/").parse().ok();
            if let Some(origin) = url.and_then(|url| Origin::of(&url).ok()) {
                configs.own.insert(key(&origin), config(&settings.tls));
            }
        }
        for config in configs.own.values().chain([&configs.default]) {
            // What is wrong with files of the user is said at once.
            if !config.settings.extra_roots.is_empty() || config.settings.client_identity.is_some() {
                let built = configs.build(&config.settings)?;
                config.built.get_or_init(|| Ok(Arc::new(built)));
            }
        }
        Ok(configs)
    }

    pub(super) async fn handshake(
        &self,
        origin: &Origin,
        tcp: TcpStream,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        let config = self.config(origin)?;
        let host = origin.host().trim_start_matches('[').trim_end_matches(']');
        let name =
            ServerName::try_from(host.to_owned()).map_err(|error| ConnectError::Tls(Arc::new(error)))?;
        TlsConnector::from(config)
            .connect(name, tcp)
            .await
            .map_err(|error| {
                let speaks_tls = speaks_tls(&error);
                let error = Arc::new(error);
                if speaks_tls {
                    ConnectError::Tls(error)
                } else {
                    ConnectError::NotTls(error)
                }
            })
    }

    fn config(&self, origin: &Origin) -> Result<Arc<ClientConfig>, ConnectError> {
        if PROVIDERS.is_empty() {
            return Err(ConnectError::NoTls);
        }
        let config = self.own.get(&key(origin)).unwrap_or(&self.default);
        let build = || self.build(&config.settings).map(Arc::new).map_err(Arc::new);
        match config.built.get_or_init(build) {
            Ok(config) => Ok(Arc::clone(config)),
            Err(error) => Err(ConnectError::Tls(Arc::new(Arc::clone(error)))),
        }
    }

    fn build(&self, settings: &TlsSettings) -> Result<ClientConfig, Error> {
        let failed = |what| move |source: BoxError| Error::Settings { what, source };
        let provider = PROVIDERS
            .first()
            .ok_or_else(|| failed("setting up TLS")("no provider in this build".into()))?;
        let provider = Arc::new(provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed("setting up TLS")(error.into()))?;
        let builder = match settings.verification {
            Verification::Full => builder.with_root_certificates(self.roots(settings)?),
            Verification::InsecureSkip => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AcceptAny(provider))),
        };
        let mut config = match &settings.client_identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let chain = CertificateDer::pem_slice_iter(&identity.chain)
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|error| failed("reading the client certificate")(error.into()))?;
                let key = PrivateKeyDer::from_pem_slice(&identity.key)
                    .map_err(|error| failed("reading the client key")(error.into()))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| failed("using the client certificate")(error.into()))?
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    fn roots(&self, settings: &TlsSettings) -> Result<RootCertStore, Error> {
        let mut roots = match settings.system_roots {
            SystemRoots::Trusted => self.system_roots.get_or_init(system_roots).clone(),
            SystemRoots::Ignored => RootCertStore::empty(),
        };
        for pem in &settings.extra_roots {
            let failed = |source: BoxError| Error::Settings {
                what: "reading a certificate authority",
                source,
            };
            let mut found = false;
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| failed(error.into()))?;
                roots.add(certificate).map_err(|error| failed(error.into()))?;
                found = true;
            }
            if !found {
                return Err(failed("no certificate in it".into()));
            }
        }
        Ok(roots)
    }
}

/// Whether the server spoke TLS as far as the handshake came: then it had something to say about it.
fn speaks_tls(error: &io::Error) -> bool {
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. }) | None => false,
        Some(_) => true,
    }
}

fn key(origin: &Origin) -> (String, u16) {
    (origin.host().to_owned(), origin.port())
}

/// The authorities that the system trusts.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    // Files that cannot be read and certificates that are odd are no reason to trust nobody.
    for error in native.errors {
        tracing::debug!(%error, "reading the system's certificate authorities");
    }
    roots.add_parsable_certificates(native.certs);
    roots
}

/// Accepts whatever certificate a server shows.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
