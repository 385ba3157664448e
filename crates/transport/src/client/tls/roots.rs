use std::path::PathBuf;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

use crate::Error;
use crate::settings::ClientOptions;

/// Who is trusted.
#[derive(Clone, Debug)]
pub(super) struct Roots {
    pub(super) authorities: RootCertStore,
    /// The certificates that the user named, and not the system.
    pub(super) named: Vec<CertificateDer<'static>>,
}

/// Where the authorities are that are trusted by default.
#[derive(Debug)]
pub(super) struct RootSource {
    files: Vec<PathBuf>,
    dirs: Vec<PathBuf>,
}

impl RootSource {
    pub(super) fn new(options: &ClientOptions) -> Self {
        Self {
            files: options.root_files.clone(),
            dirs: options.root_dirs.clone(),
        }
    }

    /// Reads them all. Files that cannot be read and certificates that are odd are no reason to trust nobody, unless the
    /// user named them and there is nothing else.
    pub(super) fn read(&self) -> Result<Roots, Error> {
        let named = !self.files.is_empty() || !self.dirs.is_empty();
        let results: Vec<CertificateResult> = if named {
            let files = self
                .files
                .iter()
                .map(|file| load_certs_from_paths(Some(file), None));
            let dirs = self.dirs.iter().map(|dir| load_certs_from_paths(None, Some(dir)));
            files.chain(dirs).collect()
        } else {
            vec![load_native_certs()]
        };
        let mut roots = Roots {
            authorities: RootCertStore::empty(),
            named: Vec::new(),
        };
        let mut first_error = None;
        for result in results {
            if named {
                roots.named.extend_from_slice(&result.certs);
            }
            roots.authorities.add_parsable_certificates(result.certs);
            for error in result.errors {
                tracing::debug!(%error, "reading the trusted certificate authorities");
                first_error.get_or_insert(error);
            }
        }
        match first_error {
            Some(error) if named && roots.authorities.is_empty() => Err(Error::Settings {
                what: "SSL_CERT_FILE, SSL_CERT_DIR",
                source: error.into(),
            }),
            _ => Ok(roots),
        }
    }
}
