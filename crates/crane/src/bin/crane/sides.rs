//! What is said of the two sides of a copy apart: credentials, and how to talk to the registry.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use futures_util::future::BoxFuture;
use wharf::authn::{Authenticator, Basic, Error, Explanation, Finding, Found, Keychain, Resource};
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

/// The flags that say it. They are written out once: what clap derives would be compiled for each side.
struct Flags {
    /// Of whom.
    what: &'static str,
    heading: &'static str,
    global: bool,
    creds: &'static str,
    ca: &'static str,
    cert: &'static str,
    key: &'static str,
    plain_http: &'static str,
    skip_verify: &'static str,
}

impl Flags {
    fn add_to(&self, command: Command) -> Command {
        let what = self.what;
        let values = [
            (
                self.creds,
                "CREDS",
                format!("Credentials for the {what}: USER:PASSWORD, or @FILE that holds them"),
            ),
            (
                self.ca,
                "FILE",
                format!("Authorities to trust for the {what}, a PEM file"),
            ),
            (
                self.cert,
                "FILE",
                format!("The certificate to show to the {what}, a PEM file"),
            ),
            (
                self.key,
                "FILE",
                format!("The key of the certificate for the {what}, a PEM file"),
            ),
        ];
        let switches = [
            (self.plain_http, format!("Allow plain HTTP with the {what}")),
            (self.skip_verify, format!("Accept any certificate of the {what}")),
        ];
        let values = values.into_iter().map(|(name, value, help)| {
            let arg = Arg::new(name).value_name(value).help(help);
            match value {
                // The other name is that of oras.
                "FILE" => arg
                    .value_parser(ValueParser::path_buf())
                    .alias(format!("{name}-file")),
                _ => arg.value_parser(ValueParser::string()),
            }
        });
        let switches = switches
            .into_iter()
            .map(|(name, help)| Arg::new(name).action(ArgAction::SetTrue).help(help));
        values.chain(switches).fold(command, |command, arg| {
            let name = arg.get_id().as_str().to_owned();
            command.arg(arg.long(name).help_heading(self.heading).global(self.global))
        })
    }

    fn side(&self, matches: &ArgMatches) -> Side {
        let path = |name| matches.get_one::<PathBuf>(name).cloned();
        Side {
            creds: matches.get_one::<String>(self.creds).cloned(),
            ca: path(self.ca),
            cert: path(self.cert),
            key: path(self.key),
            plain_http: matches.get_flag(self.plain_http),
            skip_verify: matches.get_flag(self.skip_verify),
        }
    }
}

macro_rules! side_args {
    ($(#[$docs:meta])* $name:ident, $flags:ident) => {
        $(#[$docs])*
        #[derive(Clone, Debug)]
        pub(crate) struct $name(pub(crate) Side);

        impl clap::Args for $name {
            fn augment_args(command: Command) -> Command {
                $flags.add_to(command)
            }

            fn augment_args_for_update(command: Command) -> Command {
                $flags.add_to(command)
            }
        }

        impl clap::FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self($flags.side(matches)))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                self.0 = $flags.side(matches);
                Ok(())
            }
        }
    };
}

side_args!(
    /// What is said of the source of a copy.
    SourceArgs, SOURCE
);
side_args!(
    /// What is said of the destination of a copy.
    DestinationArgs, DESTINATION
);
side_args!(
    /// What is said of the one registry that a command is about.
    RegistryArgs, REGISTRY
);

const SOURCE: Flags = Flags {
    what: "source",
    heading: "Options of one side",
    global: false,
    creds: "src-creds",
    ca: "src-ca",
    cert: "src-cert",
    key: "src-key",
    plain_http: "src-plain-http",
    skip_verify: "src-skip-verify",
};

const DESTINATION: Flags = Flags {
    what: "destination",
    heading: "Options of one side",
    global: false,
    creds: "dest-creds",
    ca: "dest-ca",
    cert: "dest-cert",
    key: "dest-key",
    plain_http: "dest-plain-http",
    skip_verify: "dest-skip-verify",
};

const REGISTRY: Flags = Flags {
    what: "registry",
    heading: "Options of the registry",
    global: true,
    creds: "creds",
    ca: "ca",
    cert: "cert",
    key: "key",
    plain_http: "plain-http",
    skip_verify: "skip-verify",
};

impl Side {
    /// Whether nothing is said.
    pub(crate) fn is_empty(&self) -> bool {
        self.creds.is_none()
            && self.ca.is_none()
            && self.cert.is_none()
            && self.key.is_none()
            && !self.plain_http
            && !self.skip_verify
    }

    /// How to talk to the registry; none if there is nothing to say.
    pub(crate) fn settings(&self) -> Result<Option<RegistrySettings>, Failure> {
        if self.cert.is_some() != self.key.is_some() {
            return Err(Failure::usage(
                "a certificate to show and its key are given together",
            ));
        }
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

impl From<&Registry> for Scope {
    fn from(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            path: None,
        }
    }
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

    fn explain<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Explanation> {
        Box::pin(async move {
            let Some(found) = self.find(resource) else {
                return self.rest.explain(resource).await;
            };
            let finding = match found.credential().await {
                Ok(credential) => Finding::used(Found::Itself, &credential),
                Err(error) => Finding::Failed(error),
            };
            Explanation::default().with("the command line", finding)
        })
    }
}
