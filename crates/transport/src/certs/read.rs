use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::BoxError;
use crate::settings::{ClientIdentity, TlsSettings};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// The folder of one host: the files in it by kind, sorted by name.
#[derive(Debug, Default)]
pub(super) struct Folder {
    authorities: Vec<PathBuf>,
    certificates: Vec<PathBuf>,
    keys: Vec<PathBuf>,
}

impl Folder {
    /// `None` if there is none, or none that may be looked into.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, CertsError> {
        let failed = |source| CertsError::Read {
            path: path.to_owned(),
            source,
        };
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                return match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
                    // Also docker and podman go on: the system's folders are often closed to users.
                    io::ErrorKind::PermissionDenied => {
                        tracing::debug!(path = %path.display(), "a folder of certificates cannot be read");
                        Ok(None)
                    }
                    _ => Err(failed(error)),
                };
            }
        };
        let mut folder = Self::default();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            match path.extension().and_then(OsStr::to_str) {
                Some("crt") => folder.authorities.push(path),
                Some("cert") => folder.certificates.push(path),
                Some("key") => folder.keys.push(path),
                _ => {}
            }
        }
        for files in [
            &mut folder.authorities,
            &mut folder.certificates,
            &mut folder.keys,
        ] {
            files.sort();
        }
        Ok(Some(folder))
    }

    pub(super) fn add_to(&self, settings: &mut TlsSettings) -> Result<(), CertsError> {
        for certificate in &self.certificates {
            let key = certificate.with_extension("key");
            if !self.keys.contains(&key) {
                let certificate = certificate.clone();
                return Err(CertsError::MissingKey { certificate, key });
            }
        }
        for key in &self.keys {
            let certificate = key.with_extension("cert");
            if !self.certificates.contains(&certificate) {
                let key = key.clone();
                return Err(CertsError::MissingCertificate { key, certificate });
            }
        }
        for path in &self.authorities {
            let bytes = read_file(path)?;
            check_certificates(path, &bytes)?;
            settings.extra_roots.push(bytes);
        }
        if let (Some(path), None) = (self.certificates.first(), &settings.client_identity) {
            let chain = read_file(path)?;
            check_certificates(path, &chain)?;
            let key_path = path.with_extension("key");
            let key = read_file(&key_path)?;
            if let Err(source) = PrivateKeyDer::from_pem_slice(&key) {
                return Err(CertsError::not_pem(&key_path, source));
            }
            settings.client_identity = Some(ClientIdentity::new(chain, key));
        }
        Ok(())
    }
}

/// Fails unless there is at least one certificate in a file, and no broken one.
fn check_certificates(path: &Path, bytes: &[u8]) -> Result<(), CertsError> {
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(bytes) {
        certificate.map_err(|error| CertsError::not_pem(path, error))?;
        found = true;
    }
    if found {
        Ok(())
    } else {
        Err(CertsError::not_pem(path, pem::Error::NoItemsFound))
    }
}

fn read_file(path: &Path) -> Result<Bytes, CertsError> {
    let failed = |source| CertsError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    Ok(bytes.into())
}

/// What is wrong with a folder of certificates.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertsError {
    /// A file or folder cannot be read.
    #[error("reading {}", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not PEM, or has no certificate or key in it.
    #[error("{} has no usable certificate or key", .path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: BoxError,
    },
    /// A client certificate has no key.
    #[error(
        "{} is missing: it is the key of the client certificate {} (authorities are named *.crt)",
        .key.display(), .certificate.display()
    )]
    MissingKey {
        /// The certificate.
        certificate: PathBuf,
        /// Where its key should be.
        key: PathBuf,
    },
    /// A key has no client certificate.
    #[error("{} is missing: it is the client certificate of the key {}", .certificate.display(), .key.display())]
    MissingCertificate {
        /// The key.
        key: PathBuf,
        /// Where its certificate should be.
        certificate: PathBuf,
    },
}

impl CertsError {
    fn not_pem(path: &Path, source: pem::Error) -> Self {
        Self::NotPem {
            path: path.to_owned(),
            source: Box::new(source),
        }
    }
}
