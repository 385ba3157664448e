//! TLS by rustls: which authorities are trusted, and which certificate is shown, at which host.

mod roots;
mod self_signed;
mod verify;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certs::CertsDirs;
use crate::origin::Origin;
use crate::settings::{ClientOptions, SystemRoots, TlsSettings, Verification};
use crate::{BoxError, Error, TlsFailure};

use super::connect::ConnectError;
use super::hosts::{HostKey, Hosts, host_key};
use super::stream::BoxStream;

use self::roots::{RootSource, Roots};
use self::self_signed::SelfSigned;
use self::verify::AcceptAny;

/// In the order of preference: which one is used is decided here and not by the process.
const PROVIDERS: &[fn() -> CryptoProvider] = &[
    #[cfg(feature = "aws-lc-rs")]
    rustls::crypto::aws_lc_rs::default_provider,
    #[cfg(feature = "ring")]
    rustls::crypto::ring::default_provider,
];

/// Which protocols are offered in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    Http1,
    Http1And2,
}

/// Whether a certificate may be shown that is not for one host alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Show {
    /// The host was chosen by the user.
    Default,
    /// The host was chosen by a server, or is a proxy.
    OwnOnly,
}

/// The TLS configurations of all hosts.
pub(super) struct Configs {
    default: Config,
    /// The default without a client certificate.
    anonymous: Config,
    own: HashMap<HostKey, Config>,
    dirs: CertsDirs,
    /// Those of hosts with a folder in `dirs`. Hosts without one are not kept, since servers choose hosts too.
    of_dirs: Mutex<HashMap<(HostKey, Show), Arc<ClientConfig>>>,
    root_source: RootSource,
    system_roots: OnceLock<Result<Roots, Arc<Error>>>,
}

/// One configuration, built at its first handshake: to read the system's authorities takes longer than many a request.
struct Config {
    settings: TlsSettings,
    built: OnceLock<Result<Arc<ClientConfig>, Arc<Error>>>,
}

impl Config {
    fn new(settings: &TlsSettings) -> Self {
        Self {
            settings: settings.clone(),
            built: OnceLock::new(),
        }
    }
}

impl Configs {
    pub(super) fn new(options: &ClientOptions, hosts: &Hosts) -> Result<Self, Error> {
        let mut anonymous = hosts.default().tls.clone();
        anonymous.client_identity = None;
        let own = hosts.own();
        let configs = Self {
            default: Config::new(&hosts.default().tls),
            anonymous: Config::new(&anonymous),
            own: own
                .map(|(key, settings)| (key.clone(), Config::new(&settings.tls)))
                .collect(),
            dirs: options.certs_dirs.clone(),
            of_dirs: Mutex::default(),
            root_source: RootSource::new(options),
            system_roots: OnceLock::new(),
        };
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
        self: &Arc<Self>,
        origin: &Origin,
        stream: BoxStream,
        show: Show,
        offer: Offer,
    ) -> Result<TlsStream<BoxStream>, ConnectError> {
        let config = match self.ready(origin, show) {
            Some(config) => config,
            None => {
                // Files are read.
                let (configs, origin) = (Arc::clone(self), origin.clone());
                let reading = tokio::task::spawn_blocking(move || configs.config(&origin, show));
                reading
                    .await
                    .map_err(|error| ConnectError::Settings(Arc::new(error)))??
            }
        };
        let config = match offer {
            Offer::Http1And2 => config,
            Offer::Http1 => {
                let mut config = ClientConfig::clone(&config);
                config.alpn_protocols = vec![b"http/1.1".to_vec()];
                Arc::new(config)
            }
        };
        let host = origin.host().trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| ConnectError::Tls(TlsFailure::Other, Arc::new(error)))?;
        TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| match failure(&error) {
                Some(failure) => ConnectError::Tls(failure, Arc::new(error)),
                None => ConnectError::NotTls(Arc::new(error)),
            })
    }

    /// The configuration for a host, if nothing has to be read for it.
    fn ready(&self, origin: &Origin, show: Show) -> Option<Arc<ClientConfig>> {
        if !self.dirs.is_none() {
            let of_dirs = self.of_dirs.lock().unwrap_or_else(PoisonError::into_inner);
            return of_dirs.get(&(host_key(origin), show)).cloned();
        }
        self.choose(origin, show).built.get()?.as_ref().ok().cloned()
    }

    fn choose(&self, origin: &Origin, show: Show) -> &Config {
        let default = match show {
            Show::Default => &self.default,
            Show::OwnOnly => &self.anonymous,
        };
        self.own.get(&host_key(origin)).unwrap_or(default)
    }

    fn config(&self, origin: &Origin, show: Show) -> Result<Arc<ClientConfig>, ConnectError> {
        if PROVIDERS.is_empty() {
            return Err(ConnectError::NoTls);
        }
        let config = self.choose(origin, show);
        let mut settings = config.settings.clone();
        let found = self
            .dirs
            .add_to(&mut settings, origin.host(), origin.port())
            .map_err(|error| ConnectError::Settings(Arc::new(error)))?;
        if found {
            let built = self.build(&settings).map(Arc::new);
            let built = built.map_err(|error| ConnectError::Settings(Arc::new(error)))?;
            let mut of_dirs = self.of_dirs.lock().unwrap_or_else(PoisonError::into_inner);
            of_dirs.insert((host_key(origin), show), Arc::clone(&built));
            return Ok(built);
        }
        let build = || self.build(&config.settings).map(Arc::new).map_err(Arc::new);
        match config.built.get_or_init(build) {
            Ok(config) => Ok(Arc::clone(config)),
            Err(error) => Err(ConnectError::Settings(Arc::new(Arc::clone(error)))),
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
            Verification::Full => match self.roots(settings)? {
                Roots { authorities, named } if named.is_empty() || authorities.is_empty() => {
                    builder.with_root_certificates(authorities)
                }
                Roots { authorities, named } => {
                    let usual =
                        WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), provider).build();
                    builder
                        .dangerous()
                        .with_custom_certificate_verifier(Arc::new(SelfSigned {
                            usual: usual.map_err(|error| failed("setting up TLS")(error.into()))?,
                            trusted: named,
                        }))
                }
            },
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

    fn roots(&self, settings: &TlsSettings) -> Result<Roots, Error> {
        let mut roots = match settings.system_roots {
            SystemRoots::Trusted => {
                let read = || self.root_source.read().map_err(Arc::new);
                match self.system_roots.get_or_init(read) {
                    Ok(roots) => roots.clone(),
                    Err(error) => {
                        return Err(Error::Settings {
                            what: "reading the trusted authorities",
                            source: Box::new(Arc::clone(error)),
                        });
                    }
                }
            }
            SystemRoots::Ignored => Roots {
                authorities: RootCertStore::empty(),
                named: Vec::new(),
            },
        };
        for pem in &settings.extra_roots {
            let failed = |source: BoxError| Error::Settings {
                what: "reading a certificate authority",
                source,
            };
            let mut found = false;
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| failed(error.into()))?;
                roots.named.push(certificate.clone());
                let added = roots.authorities.add(certificate);
                added.map_err(|error| failed(error.into()))?;
                found = true;
            }
            if !found {
                return Err(failed("no certificate in it".into()));
            }
        }
        Ok(roots)
    }
}

/// What TLS says is wrong; `None` if the server did not speak TLS as far as the handshake came.
pub(super) fn failure(error: &io::Error) -> Option<TlsFailure> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. } => None,
        error => Some(classify(error)),
    }
}

fn classify(error: &rustls::Error) -> TlsFailure {
    use rustls::{AlertDescription as Alert, CertificateError};
    match error {
        rustls::Error::InvalidCertificate(error) => match error {
            // An authority that was made anew has the name of the old one, but not its key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsFailure::UnknownAuthority,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsFailure::WrongName
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFailure::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                TlsFailure::NotYetValid
            }
            CertificateError::Revoked => TlsFailure::Revoked,
            _ => TlsFailure::BadCertificate,
        },
        rustls::Error::AlertReceived(alert) => match alert {
            Alert::CertificateRequired => TlsFailure::ClientCertificateRequired,
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError => TlsFailure::ClientCertificateRefused,
            Alert::ProtocolVersion | Alert::InsufficientSecurity => TlsFailure::NothingInCommon,
            _ => TlsFailure::Other,
        },
        rustls::Error::PeerIncompatible(_) | rustls::Error::NoApplicationProtocol => {
            TlsFailure::NothingInCommon
        }
        _ => TlsFailure::Other,
    }
}
