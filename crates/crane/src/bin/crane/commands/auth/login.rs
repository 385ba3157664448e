//! `crane auth login`.

use std::sync::Arc;

use http::{Request, StatusCode};
use wharf::authn::{AnonymousKeychain, Basic, ConfigEditor, Credential, Stored};
use wharf::name::Registry;
use wharf::transport::{Accepted, Body, RegistryContext};
use wharf_crane::Error;

use crate::context::Context;
use crate::failure::{Failure, chain};
use crate::sides::{Scope, SidesKeychain};
use crate::stdin;

/// Log in to a registry
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The registry [default: Docker Hub]
    #[arg(default_value = "", hide_default_value = true)]
    server: String,
    /// Username
    #[arg(short, long)]
    username: Option<String>,
    /// Password; others may see it in the list of processes
    #[arg(short, long)]
    password: Option<String>,
    /// Take the password from standard input
    #[arg(long, conflicts_with = "password")]
    password_stdin: bool,
    /// Store the credential without asking the registry whether it takes it
    #[arg(long)]
    skip_check: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let registry = context.registry(&args.server)?;
    let (username, password) = credential(&args).await?;
    if username.is_empty() && password.is_empty() {
        return Err(Failure::usage("username and password required"));
    }
    let credential = Credential::basic(username, password);
    if !args.skip_check {
        check(&registry, &credential, context).await?;
    }
    let editor = ConfigEditor::from_env().map_err(Error::from)?;
    let stored = editor.store(&registry, &credential).await.map_err(Error::from)?;
    if stored == Stored::File {
        context.log(format_args!(
            "WARNING! Your credentials are stored unencrypted in '{}'; a credential helper keeps them better",
            editor.path().display()
        ));
    }
    context.log(format_args!("logged in via {}", editor.path().display()));
    Ok(())
}

async fn credential(args: &Args) -> Result<(String, String), Failure> {
    let may_ask = stdin::is_interactive();
    let username = match &args.username {
        Some(username) => username.clone(),
        None if may_ask && !args.password_stdin => stdin::ask("Username: ", true).await?,
        None => String::new(),
    };
    let password = match &args.password {
        Some(password) => password.clone(),
        None if args.password_stdin => {
            let text = stdin::text().await?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            text.strip_suffix('\r').unwrap_or(text).to_owned()
        }
        None if may_ask => stdin::ask("Password: ", false).await?,
        None => String::new(),
    };
    Ok((username, password))
}

/// Asks the registry whether it takes the credential. One that cannot be asked is no reason not to store it.
async fn check(registry: &Registry, credential: &Credential, context: &mut Context) -> Result<(), Failure> {
    let Credential::Basic { username, password } = credential else {
        return Ok(());
    };
    let given = Basic::new(username, password.clone());
    let keychain = SidesKeychain {
        sides: vec![(Scope::from(registry), Some(Arc::new(given)))],
        rest: Arc::new(AnonymousKeychain),
    };
    let client = context.client_as(Arc::new(keychain))?;
    let transport = client.transport();
    let url = transport.url(registry, "/v2/").map_err(Error::from)?;
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = url;
    request
        .extensions_mut()
        .insert(RegistryContext::new(registry.clone()));
    request
        .extensions_mut()
        .insert(Accepted(&[StatusCode::OK, StatusCode::NOT_FOUND]));
    match transport.send(request).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_unauthorized() || error.is_denied() => Err(Failure::Doing {
            action: format!("logging in to {registry}"),
            source: Box::new(error.into()),
        }),
        Err(error) => {
            let error = chain(&error);
            context.log(format_args!(
                "{registry} could not be asked whether it takes the credential: {error}"
            ));
            Ok(())
        }
    }
}
