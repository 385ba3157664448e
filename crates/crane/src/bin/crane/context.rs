//! What every command works with: the global flags, the client made from them, and where results go.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use wharf::authn::{DefaultKeychain, Keychain};
use wharf::name::{ParseError, Reference, Registry, Repository};
use wharf::remote::{Client, NonDistributable};
use wharf::transport::Environment;
use wharf::transport::certs::CertsDirs;
use wharf::transport::check::HeadFailures;
use wharf::transport::settings::{PlainHttp, RegistrySettings, TlsSettings};
use wharf::v1::PlatformSpec;
use wharf_crane::{ParsePlaceError, Place};

use crate::cli::{Choice, Globals, VERSION};
use crate::failure::Failure;
use crate::printer::{self, Printer};
use crate::progress::Progress;
use crate::sides::{Scope, Side, SidesKeychain};
use crate::warnings::Warnings;
use crate::{headers, mirrors};

/// What every command works with.
pub(crate) struct Context {
    globals: Globals,
    /// The registries that the arguments name.
    named: Vec<Registry>,
    /// Whether there is a client, for the registries that were named until then.
    asks: bool,
    /// What to do when a question that has no answer but a status is refused.
    head_failures: HeadFailures,
    warnings: Warnings,
    pub(crate) out: Printer,
}

impl Context {
    pub(crate) fn new(globals: Globals) -> Self {
        Self {
            globals,
            named: Vec::new(),
            asks: false,
            head_failures: HeadFailures::AsTheyAre,
            warnings: Warnings::default(),
            out: Printer::new(),
        }
    }

    /// The platform asked for, by the last of the flags; none means `all`.
    pub(crate) fn platform(&self) -> Option<&PlatformSpec> {
        self.globals.platform.last().and_then(|choice| choice.0.last())
    }

    /// The platforms asked for by all flags; none means `all`.
    pub(crate) fn platforms(&self) -> Vec<PlatformSpec> {
        let mut platforms: Vec<PlatformSpec> = Vec::new();
        for Choice(choice) in &self.globals.platform {
            if choice.is_empty() {
                platforms.clear();
            }
            for platform in choice {
                if !platforms.contains(platform) {
                    platforms.push(platform.clone());
                }
            }
        }
        platforms
    }

    /// Whether one flag asks for several platforms.
    pub(crate) fn lists_platforms(&self) -> bool {
        self.globals
            .platform
            .last()
            .is_some_and(|choice| choice.0.len() > 1)
    }

    /// A client with the user's credentials, as the global flags say.
    pub(crate) fn client(&mut self) -> Result<Client, Failure> {
        self.client_with(None)
    }

    /// A client for whom a refusal is the end: it asks again for the reason, where the answer has no place for it.
    pub(crate) fn client_that_asks_why(&mut self) -> Result<Client, Failure> {
        self.head_failures = HeadFailures::AskAgain;
        self.client()
    }

    /// A client that moves so many blobs at a time.
    pub(crate) fn client_with(&mut self, jobs: Option<NonZeroUsize>) -> Result<Client, Failure> {
        let keychain = Arc::new(DefaultKeychain::from_env());
        // A registry that wants no credentials would never ask, and a damaged file go unnoticed.
        keychain.check().map_err(wharf_crane::Error::from)?;
        let Some(registry) = self.own()? else {
            return self.build(keychain, jobs, Vec::new());
        };
        let side = &self.globals.registry.0;
        let (credentials, settings) = (side.credentials()?, side.settings()?);
        let keychain = SidesKeychain {
            sides: vec![(Scope::from(&registry), credentials)],
            rest: keychain,
        };
        let settings = settings.into_iter().map(|settings| (registry.clone(), settings));
        self.build(Arc::new(keychain), jobs, settings.collect())
    }

    /// The one registry that options are about, if there are such options.
    fn own(&mut self) -> Result<Option<Registry>, Failure> {
        self.asks = true;
        if self.globals.registry.0.is_empty() {
            return Ok(None);
        }
        match &self.named[..] {
            [registry] => Ok(Some(registry.clone())),
            [] => Err(Failure::usage(
                "no argument names the registry that options of the registry are about",
            )),
            [one, other, ..] => Err(several(one, other)),
        }
    }

    /// Whether there are options of a registry, and none was asked.
    pub(crate) fn has_idle_options(&self) -> bool {
        !self.asks && !self.globals.registry.0.is_empty()
    }

    /// Takes note of a registry that is named.
    fn note(&mut self, registry: &Registry) -> Result<(), Failure> {
        if self.named.contains(registry) {
            return Ok(());
        }
        if self.asks && !self.globals.registry.0.is_empty() {
            return Err(match self.named.first() {
                Some(other) => several(other, registry),
                None => Failure::usage("options of the registry are not for this command"),
            });
        }
        self.named.push(registry.clone());
        Ok(())
    }

    /// A client that is told of each side of a copy apart: what belongs to it, and what is said of it.
    pub(crate) fn client_of_sides(
        &mut self,
        jobs: Option<NonZeroUsize>,
        sides: [(Vec<Scope>, Side); 2],
    ) -> Result<Client, Failure> {
        if sides.iter().all(|(_, side)| side.is_empty()) {
            let has_scopes = sides.iter().any(|(scopes, _)| !scopes.is_empty());
            if !self.globals.registry.0.is_empty() && has_scopes && self.named.len() != 1 {
                return Err(Failure::usage(
                    "options of the registry are for one: say those of each side apart (--src-creds, --dest-ca …)",
                ));
            }
            return self.client_with(jobs);
        }
        if !self.globals.registry.0.is_empty() {
            return Err(Failure::usage(
                "options of the registry and of one side do not go together",
            ));
        }
        let keychain = DefaultKeychain::from_env();
        keychain.check().map_err(wharf_crane::Error::from)?;
        let mut credentials = Vec::new();
        let mut settings: Vec<(Registry, RegistrySettings)> = Vec::new();
        for (scopes, side) in sides {
            if scopes.is_empty() && !side.is_empty() {
                return Err(Failure::usage("a side that is no registry has no such options"));
            }
            if let Some(found) = side.settings()? {
                let mut own: Vec<&Registry> = Vec::new();
                for registry in scopes.iter().map(|scope| &scope.registry) {
                    if !own.contains(&registry) {
                        own.push(registry);
                    }
                }
                if own
                    .iter()
                    .any(|own| settings.iter().any(|(other, _)| other == *own))
                {
                    return Err(Failure::usage(
                        "both sides are the same registry: give its options once",
                    ));
                }
                settings.extend(own.into_iter().map(|registry| (registry.clone(), found.clone())));
            }
            let found = side.credentials()?;
            credentials.extend(scopes.into_iter().map(|scope| (scope, found.clone())));
        }
        let keychain = SidesKeychain {
            sides: credentials,
            rest: Arc::new(keychain),
        };
        self.build(Arc::new(keychain), jobs, settings)
    }

    /// A client with other credentials than the user's.
    pub(crate) fn client_as(&mut self, keychain: Arc<dyn Keychain>) -> Result<Client, Failure> {
        let Some(registry) = self.own()? else {
            return self.build(keychain, None, Vec::new());
        };
        let side = &self.globals.registry.0;
        if side.creds.is_some() {
            return Err(Failure::usage("--creds is not for this command"));
        }
        let settings = side.settings()?.map(|settings| (registry, settings));
        self.build(keychain, None, settings.into_iter().collect())
    }

    fn build(
        &self,
        keychain: Arc<dyn Keychain>,
        jobs: Option<NonZeroUsize>,
        settings: Vec<(Registry, RegistrySettings)>,
    ) -> Result<Client, Failure> {
        let head_failures = self.head_failures;
        let mirrors = mirrors::load(self.globals.mirrors.as_deref())?;
        let headers = headers::load()?;
        let certs = CertsDirs::system(&Environment::from_process());
        let mut builder = Client::builder().observer(Arc::new(Progress));
        builder = builder.configure(|transport| {
            transport
                .keychain(keychain)
                .user_agent(format!("crane/{VERSION}"))
                .certs_dirs(certs)
                .mirrors(mirrors)
                .head_failures(head_failures)
                .layer(self.warnings.layer())
        });
        if self.globals.verbose {
            builder = builder.configure(|transport| transport.wire_log(printer::wire));
        }
        if self.globals.insecure {
            let tls = TlsSettings::default().with_insecure_skip_verify();
            let settings = RegistrySettings::default()
                .with_plain_http(PlainHttp::Allowed)
                .with_tls(tls);
            builder = builder.configure(|transport| transport.default_settings(settings));
        }
        if !headers.is_empty() {
            // Below what follows redirects and asks for tokens: it has to see where each request goes.
            builder = builder.configure(|transport| transport.layer_inside(headers::layer(headers)));
        }
        for (registry, settings) in settings {
            builder = builder.configure(|transport| transport.registry_settings(&registry, settings));
        }
        if self.globals.allow_nondistributable_artifacts {
            builder = builder.non_distributable(NonDistributable::Upload);
        }
        if let Some(jobs) = jobs {
            builder = builder.jobs(jobs.get());
        }
        Ok(builder.build().map_err(wharf_crane::Error::from)?)
    }

    /// Allows what `--insecure` does.
    pub(crate) fn allow_insecure(&mut self) {
        self.globals.insecure = true;
    }

    /// What the registries warned of that the clients talked to.
    pub(crate) fn warnings(&self) -> Warnings {
        self.warnings.clone()
    }

    /// Tells the user on standard error what is going on.
    pub(crate) fn log(&self, line: impl Display) {
        printer::log(line);
    }

    /// The registry that an argument names.
    pub(crate) fn registry(&mut self, text: &str) -> Result<Registry, Failure> {
        let registry = name(text)?;
        self.note(&registry)?;
        Ok(registry)
    }

    /// The repository that an argument names.
    pub(crate) fn repository(&mut self, text: &str) -> Result<Repository, Failure> {
        let failed = |error| Failure::Doing {
            action: format!("parsing repo {text:?}"),
            source: Box::new(wharf_crane::Error::Name(error)),
        };
        let repository: Repository = text.parse().map_err(failed)?;
        self.note(repository.registry())?;
        Ok(repository)
    }

    /// The image or repository in a registry that an argument names.
    pub(crate) fn reference(&mut self, text: &str) -> Result<Reference, Failure> {
        let reference: Reference = name(text)?;
        self.note(reference.repository().registry())?;
        Ok(reference)
    }

    /// The place that an argument names.
    pub(crate) fn place(&mut self, text: &str) -> Result<Place, Failure> {
        let place: Place = match text.parse() {
            Ok(place) => place,
            Err(ParsePlaceError::Name(error)) => return Err(wharf_crane::Error::Name(error).into()),
            Err(error) => return Err(wharf_crane::Error::Place(error).into()),
        };
        if let Some(reference) = place.reference() {
            self.note(reference.repository().registry())?;
        }
        Ok(place)
    }

    /// The place that a flag names, if it is given.
    pub(crate) fn optional_place(&mut self, text: Option<&str>) -> Result<Option<Place>, Failure> {
        text.map(|text| self.place(text)).transpose()
    }

    /// The place that an argument stands for which may also be a path, if it is none: `oci:DIR` and the like.
    pub(crate) fn local(&mut self, path: &Path) -> Result<Option<Place>, Failure> {
        let Some(text) = path.to_str() else {
            return Ok(None);
        };
        let kinds = ["oci:", "oci-archive:", "docker-archive:"];
        match kinds.iter().any(|kind| text.starts_with(kind)) && !path.exists() {
            true => self.place(text).map(Some),
            false => Ok(None),
        }
    }
}

/// Two registries are named, and options are about one.
fn several(one: &Registry, other: &Registry) -> Failure {
    Failure::usage(format!(
        "options of the registry are for one, and there are {one} and {other}"
    ))
}

/// Parses a name that was given as an argument.
pub(crate) fn name<T: FromStr<Err = ParseError>>(text: &str) -> Result<T, Failure> {
    text.parse()
        .map_err(|error| wharf_crane::Error::Name(error).into())
}
