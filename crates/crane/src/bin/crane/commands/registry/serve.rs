//! `crane registry serve`.

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use tempfile::TempDir;
use wharf::proxy::{PullThrough, PullThroughOptions};
use wharf::registry::auth::{Authentication, Basic, Bearer, Rights, Users};
use wharf::registry::server::{Server, ServerOptions, Tls};
use wharf::registry::{Access, Deletion, DirectoryStore, MemoryStore, Options, References, Registry, Store};

use crate::context::Context;
use crate::env;
use crate::failure::Failure;
use crate::signals::Signals;

/// Serve a registry until SIGINT or SIGTERM comes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen [default: 127.0.0.1, port $PORT or any free one]
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// Keep everything in this directory, made when it does not exist [default: in memory]
    #[arg(long, value_name = "DIR")]
    disk: Option<PathBuf>,
    /// Keep everything in a bucket: s3://BUCKET/PREFIX with the usual AWS_ variables, file:///DIR, or memory:// (only in a crane that was built with the feature object-store)
    #[arg(long, value_name = "URL", conflicts_with_all = ["disk", "blobs_to_disk"])]
    bucket: Option<String>,
    /// Hand out what this registry has, and keep it; nothing can be pushed then
    #[arg(long, value_name = "REGISTRY[/PREFIX]", conflicts_with_all = ["sparse", "delete"])]
    upstream: Option<String>,
    /// Old name of --disk with a temporary directory
    #[arg(long, hide = true, conflicts_with = "disk")]
    blobs_to_disk: bool,
    /// Encrypt, and show these certificates (PEM): the server's own first
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Let in only the users that this file lists, as made by htpasswd -B
    #[arg(long, value_name = "FILE")]
    htpasswd: Option<PathBuf>,
    /// How users show who they are: basic, or bearer, with a token server at /token
    #[arg(long, value_name = "SCHEME", default_value = "basic", requires = "htpasswd")]
    auth: Scheme,
    /// Let everybody read
    #[arg(long, requires = "htpasswd")]
    anonymous_pull: bool,
    /// Refuse everything that would change something
    #[arg(long)]
    read_only: bool,
    /// Allow to delete, as is the default; --delete=false refuses
    #[arg(long, action = clap::ArgAction::SetFalse)]
    delete: bool,
    /// Take manifests whose parts are not there
    #[arg(long)]
    sparse: bool,
}

/// How users show who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Basic,
    Bearer,
}

impl FromStr for Scheme {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "basic" => Ok(Self::Basic),
            "bearer" => Ok(Self::Bearer),
            _ => Err("must be basic or bearer"),
        }
    }
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    // From before anybody can know that the server is there.
    let mut signals = Signals::listen()?;
    let mut temporary = None;
    let directory = if args.blobs_to_disk {
        context.log("--blobs-to-disk is deprecated, use --disk");
        let made = TempDir::with_prefix("craneregistry")
            .map_err(|error| Failure::local("making a directory", error))?;
        Some(temporary.insert(made).path().to_owned())
    } else {
        args.disk.clone()
    };
    let store: Arc<dyn Store> = match (&directory, &args.bucket) {
        (Some(directory), _) => Arc::new(open(directory).await?),
        (None, Some(bucket)) => super::bucket::open(bucket)?,
        (None, None) => Arc::new(MemoryStore::new()),
    };
    let mut options = options(&args);
    let store = match &args.upstream {
        Some(upstream) => {
            options = options.with_access(Access::ReadOnly);
            Arc::new(pull_through(context, upstream, store)?)
        }
        None => store,
    };
    let mut builder = Registry::builder().store(store).options(options);
    if let Some(authentication) = authentication(&args)? {
        builder = builder.authentication(authentication);
    }
    let registry = builder.build();
    let mut server_options = ServerOptions::default();
    if let (Some(certificates), Some(key)) = (&args.tls_cert, &args.tls_key) {
        server_options = server_options.with_tls(tls(certificates, key)?);
    }
    let address = address(args.address);
    let failed = |error| Failure::local(format!("listen tcp {address}"), error);
    let server = Server::bind_with(registry, &address, server_options)
        .await
        .map_err(failed)?;
    context.log(format_args!("serving on port {}", server.addr().port()));
    signals.next().await;
    context.log("shutting down...");
    server.shutdown().await;
    Ok(())
}

/// What another registry has, kept in `store`.
fn pull_through(
    context: &mut Context,
    upstream: &str,
    store: Arc<dyn Store>,
) -> Result<PullThrough, Failure> {
    let (registry, prefix) = match upstream.split_once('/') {
        Some((registry, prefix)) => (registry, Some(prefix)),
        None => (upstream, None),
    };
    let refuse = |error: wharf::name::ParseError| Failure::usage(error.to_string());
    let registry: wharf::name::Registry = registry.parse().map_err(refuse)?;
    let mut options = PullThroughOptions::default();
    if let Some(prefix) = prefix {
        registry.repository(prefix).map_err(refuse)?;
        options = options.with_prefix(prefix);
    }
    Ok(PullThrough::new(context.client()?, registry, store, options))
}

/// What the registry allows.
fn options(args: &Args) -> Options {
    let mut options = Options::default();
    if args.read_only {
        options = options.with_access(Access::ReadOnly);
    }
    if !args.delete {
        options = options.with_deletion(Deletion::Refused);
    }
    if args.sparse {
        options = options.with_references(References::MayBeMissing);
    }
    options
}

/// Who is let in.
fn authentication(args: &Args) -> Result<Option<Authentication>, Failure> {
    let Some(path) = &args.htpasswd else {
        return Ok(None);
    };
    let text = String::from_utf8(read(path)?).map_err(io::Error::other);
    let users = text.and_then(|text| Users::from_htpasswd(&text).map_err(io::Error::other));
    let mut users = users.map_err(|error| Failure::local(format!("reading {}", path.display()), error))?;
    if args.anonymous_pull {
        users = users.with_anonymous(Rights::pull());
    }
    Ok(Some(match args.auth {
        Scheme::Basic => Basic::new(users).into(),
        Scheme::Bearer => Bearer::new(users).into(),
    }))
}

fn tls(certificates: &Path, key: &Path) -> Result<Tls, Failure> {
    let (chain, secret) = (read(certificates)?, read(key)?);
    let failed = |error| {
        let action = format!("using {} and {}", certificates.display(), key.display());
        Failure::local(action, io::Error::other(error))
    };
    Tls::from_pem(&chain, &secret).map_err(failed)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::local(format!("reading {}", path.display()), error))
}

async fn open(directory: &Path) -> Result<DirectoryStore, Failure> {
    let failed = |error| Failure::Registry {
        directory: directory.to_owned(),
        source: error,
    };
    DirectoryStore::open(directory).await.map_err(failed)
}

/// Where to listen: on this machine only, unless told otherwise.
fn address(given: Option<String>) -> String {
    match given {
        // As the Go tool has it, no host means every one.
        Some(address) if address.starts_with(':') => format!("0.0.0.0{address}"),
        Some(address) => address,
        None => format!("127.0.0.1:{}", env::port().as_deref().unwrap_or("0")),
    }
}
