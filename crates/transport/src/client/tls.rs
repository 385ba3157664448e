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

/// The TLS configurations of all registries.
pub(super) struct Configs {
    /// Built at the first handshake: to read the system's authorities takes longer than many a request.
    default: OnceLock<Result<Arc<ClientConfig>, Arc<Error>>>,
    default_settings: TlsSettings,
    /// By host and port.
    own: HashMap<(String, u16), Arc<ClientConfig>>,
}

impl Configs {
    pub(super) fn new(settings: &AllSettings) -> Result<Self, Error> {
        let default = OnceLock::new();
        if !settings.default.tls.extra_roots.is_empty() || settings.default.tls.client_identity.is_some() {
            // Files of the user are read at once, so that what is wrong with them is said at once.
            let config = Arc::new(client_config(&settings.default.tls)?);
            default.get_or_init(|| Ok(config));
        }
        let mut own = HashMap::new();
        for (registry, settings) in &settings.own {
            let Ok(url) = format!("https://{registry}/").parse() else {
                continue;
            };
            let Ok(origin) = Origin::of(&url) else { continue };
            own.insert(key(&origin), Arc::new(client_config(&settings.tls)?));
        }
        Ok(Self {
            default,
            default_settings: settings.default.tls.clone(),
            own,
        })
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
        if provider().is_none() {
            return Err(ConnectError::NoTls);
        }
        if let Some(config) = self.own.get(&key(origin)) {
            return Ok(Arc::clone(config));
        }
        let build = || {
            client_config(&self.default_settings)
                .map(Arc::new)
                .map_err(Arc::new)
        };
        match self.default.get_or_init(build) {
            Ok(config) => Ok(Arc::clone(config)),
            Err(error) => Err(ConnectError::Tls(Arc::new(Arc::clone(error)))),
        }
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

/// The provider of cryptography, chosen here and not by the process: aws-lc-rs where both are built in.
#[expect(clippy::unnecessary_wraps, reason = "there may be none, by the features")]
fn provider() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    return Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    return None;
}

fn client_config(settings: &TlsSettings) -> Result<ClientConfig, Error> {
    let failed = |what| move |source: BoxError| Error::Settings { what, source };
    let provider =
        provider().ok_or_else(|| failed("setting up TLS")("no TLS provider in this build".into()))?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed("setting up TLS")(error.into()))?;
    let builder = match settings.verification {
        Verification::Full => builder.with_root_certificates(roots(settings)?),
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

fn roots(settings: &TlsSettings) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    if settings.system_roots == SystemRoots::Trusted {
        // Files that cannot be read and certificates that are odd are no reason to trust nobody.
        let native = rustls_native_certs::load_native_certs();
        for error in native.errors {
            tracing::debug!(%error, "reading the system's certificate authorities");
        }
        roots.add_parsable_certificates(native.certs);
    }
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
