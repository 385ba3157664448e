//! TLS.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::body::BoxError;

/// With what a server shows who it is, and encrypts: TLS 1.2 and 1.3.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

/// Why certificates or a key cannot be used.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// There is no certificate in the PEM text, or it is damaged.
    #[error("reading the certificates")]
    Certificates(#[source] BoxError),
    /// There is no private key in the PEM text, or it is damaged.
    #[error("reading the private key")]
    Key(#[source] BoxError),
    /// Key and certificate do not belong together, or are of a kind that cannot be used.
    #[error("using the certificate with its key")]
    Unusable(#[source] BoxError),
}

impl Tls {
    /// From PEM texts: the server's certificate with those that lead to its authority behind it, and the private key.
    ///
    /// # Errors
    /// [`TlsError`] for what is missing, damaged, or does not fit.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| TlsError::Certificates(error.into()))?;
        if chain.is_empty() {
            return Err(TlsError::Certificates("there are none".into()));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::Key(error.into()))?;
        let provider = provider().ok_or_else(|| TlsError::Unusable("no provider of cryptography".into()))?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Unusable(error.into()))?;
        let mut config = config
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| TlsError::Unusable(error.into()))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config).into()))
    }

    /// Shakes hands, in no more than this time.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        timeout: Duration,
    ) -> io::Result<TlsStream<TcpStream>> {
        tokio::time::timeout(timeout, self.0.accept(stream)).await?
    }
}

#[cfg(feature = "aws-lc-rs")]
fn provider() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
}

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
fn provider() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(rustls::crypto::ring::default_provider()))
}

/// The one that the process has chosen.
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
fn provider() -> Option<Arc<CryptoProvider>> {
    CryptoProvider::get_default().cloned()
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}
