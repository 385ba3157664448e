//! What is said of the two sides of a copy apart: credentials, and how to talk to the registry.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use wharf::authn::{Authenticator, Basic, Error, Keychain, Resource};
use wharf::name::{Registry, Repository};
use wharf::transport::settings::{ClientIdentity, PlainHttp, RegistrySettings, TlsSettings};

use crate::failure::Failure;

/// The most bytes that a file with a certificate, a key or a password may have.
const LIMIT: u64 = 1 << 20;

/// What is said of one side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Side {
    pub(crate) creds: Option<String>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) plain_http: bool,
    pub(crate) skip_verify: bool,
}

/// The flags of one side, by their prefix.
macro_rules! side_args {
    ($name:ident, $what:literal, $($field:ident: $flag:literal),*) => {
        side_args!(@ $name, $what, $($field, $flag),*);
    };
    (@ $name:ident, $what:literal, $creds:ident, $creds_flag:literal, $ca:ident, $ca_flag:literal, $cert:ident, $cert_flag:literal, $key:ident, $key_flag:literal, $plain:ident, $plain_flag:literal, $skip:ident, $skip_flag:literal) => {
        #[doc = concat!("What is said of the ", $what, ".")]
        #[derive(Clone, Debug, clap::Args)]
        #[command(next_help_heading = "Options of one side")]
        pub(crate) struct $name {
            #[doc = concat!("Credentials for the ", $what, ": USER:PASSWORD, or @FILE that holds them")]
            #[arg(long = $creds_flag, value_name = "CREDS")]
            $creds: Option<String>,
            #[doc = concat!("Authorities to trust for the ", $what, ", a PEM file")]
            #[arg(long = $ca_flag, value_name = "FILE")]
            $ca: Option<PathBuf>,
            #[doc = concat!("The certificate to show to the ", $what, ", a PEM file")]
            #[arg(long = $cert_flag, value_name = "FILE", requires = stringify!($key))]
            $cert: Option<PathBuf>,
            #[doc = concat!("The key of the certificate for the ", $what, ", a PEM file")]
            #[arg(long = $key_flag, value_name = "FILE", requires = stringify!($cert))]
            $key: Option<PathBuf>,
            #[doc = concat!("Allow plain HTTP with the ", $what)]
            #[arg(long = $plain_flag)]
            $plain: bool,
            #[doc = concat!("Accept any certificate of the ", $what)]
            #[arg(long = $skip_flag)]
            $skip: bool,
        }

        impl From<$name> for Side {
            fn from(args: $name) -> Self {
                Self {
                    creds: args.$creds,
                    ca: args.$ca,
                    cert: args.$cert,
                    key: args.$key,
                    plain_http: args.$plain,
                    skip_verify: args.$skip,
                }
            }
        }
    };
}

side_args!(SourceArgs, "source",
    src_creds: "src-creds", src_ca: "src-ca", src_cert: "src-cert", src_key: "src-key",
    src_plain_http: "src-plain-http", src_skip_verify: "src-skip-verify");
side_args!(DestinationArgs, "destination",
    dest_creds: "dest-creds", dest_ca: "dest-ca", dest_cert: "dest-cert", dest_key: "dest-key",
    dest_plain_http: "dest-plain-http", dest_skip_verify: "dest-skip-verify");

impl Side {
    /// Whether nothing is said.
    pub(crate) fn is_empty(&self) -> bool {
        self.creds.is_none()
            && self.ca.is_none()
            && self.cert.is_none()
            && !self.plain_http
            && !self.skip_verify
    }

    /// How to talk to the registry; none if there is nothing to say.
    pub(crate) fn settings(&self) -> Result<Option<RegistrySettings>, Failure> {
        if self.ca.is_none() && self.cert.is_none() && !self.plain_http && !self.skip_verify {
            return Ok(None);
        }
        let mut tls = TlsSettings::default();
        if let Some(ca) = &self.ca {
            tls = tls.with_extra_root(read(ca)?);
        }
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            tls = tls.with_client_identity(ClientIdentity::new(read(cert)?, read(key)?));
        }
        if self.skip_verify {
            tls = tls.with_insecure_skip_verify();
        }
        let mut settings = RegistrySettings::default().with_tls(tls);
        if self.plain_http {
            settings = settings.with_plain_http(PlainHttp::Allowed);
        }
        Ok(Some(settings))
    }

    /// The credentials; none if there are none.
    pub(crate) fn credentials(&self) -> Result<Option<Arc<dyn Authenticator>>, Failure> {
        let Some(text) = &self.creds else { return Ok(None) };
        let text = match text.strip_prefix('@') {
            Some(path) => String::from_utf8_lossy(&read(Path::new(path))?)
                .trim_end_matches(['\r', '\n'])
                .to_owned(),
            None => text.clone(),
        };
        match text.split_once(':') {
            Some((user, password)) if !user.is_empty() => Ok(Some(Arc::new(Basic::new(user, password)))),
            _ => Err(Failure::usage("credentials must be USER:PASSWORD")),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::local(format!("reading {}", path.display()), error);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LIMIT {
        return Err(failed(std::io::ErrorKind::FileTooLarge.into()));
    }
    Ok(bytes)
}

/// What of a registry belongs to a side: a repository, or all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) registry: Registry,
    pub(crate) path: Option<String>,
}

impl From<&Repository> for Scope {
    fn from(repository: &Repository) -> Self {
        Self {
            registry: repository.registry().clone(),
            path: Some(repository.path().to_owned()),
        }
    }
}

/// Credentials by side, else those of another keychain.
#[derive(Debug)]
pub(crate) struct SidesKeychain {
    /// The repositories of each side, and what is said of them.
    pub(crate) sides: Vec<(Scope, Option<Arc<dyn Authenticator>>)>,
    pub(crate) rest: Arc<dyn Keychain>,
}

impl SidesKeychain {
    /// A side's credentials are for its repository, and for the rest of its registry unless that is the other side's too:
    /// then the other repository has its own, or none.
    fn find(&self, resource: &Resource) -> Option<&Arc<dyn Authenticator>> {
        let here = |scope: &Scope| scope.registry == *resource.registry();
        let exact = self.sides.iter().find(|(scope, _)| {
            here(scope) && scope.path.is_some() && scope.path.as_deref() == resource.path()
        });
        match exact {
            Some((_, found)) => found.as_ref(),
            None => self
                .sides
                .iter()
                .filter(|(scope, _)| here(scope))
                .find_map(|(_, found)| found.as_ref()),
        }
    }
}

impl Keychain for SidesKeychain {
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        Box::pin(async move {
            match self.find(resource) {
                Some(found) => Ok(Arc::clone(found)),
                None => self.rest.resolve(resource).await,
            }
        })
    }
}
