//! `crane auth token`.

use http::header::WWW_AUTHENTICATE;
use http::{Request, StatusCode};
use wharf::transport::auth::{Used, UsedToken};
use wharf::transport::{Accepted, Actions, Body, RegistryContext, Scope};
use wharf_crane::Error;

use crate::context::Context;
use crate::failure::Failure;
use crate::json;

/// Get a token for a repository
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The repository
    repo: String,
    /// Print it as a header, for use with curl
    #[arg(short = 'H', long)]
    header: bool,
    /// Also allow reading from this repository, to mount its blobs
    #[arg(short, long, value_name = "REPO", value_delimiter = ',')]
    mount: Vec<String>,
    /// Also allow pushing
    #[arg(long)]
    push: bool,
    /// Print JSON, which it does anyway
    #[arg(long, conflicts_with = "header")]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let repo = context.repository(&args.repo)?;
    let actions = if args.push { Actions::Push } else { Actions::Pull };
    let mut scopes = vec![Scope::repository(&repo, actions)];
    for mount in &args.mount {
        scopes.push(Scope::repository(&context.repository(mount)?, Actions::Pull));
    }
    let client = context.client()?;
    let transport = client.transport();
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = transport.url(repo.registry(), "/v2/").map_err(Error::from)?;
    let mut of = RegistryContext::of(&repo);
    of.scopes = scopes;
    request.extensions_mut().insert(of);
    // Whether the token is good for this very page says nothing.
    let any = Accepted(&[
        StatusCode::OK,
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
    ]);
    request.extensions_mut().insert(any);
    let response = transport.send(request).await.map_err(Error::from)?;
    match response.extensions().get() {
        Some(Used::Token(token)) if args.header => {
            let header = format!("Authorization: Bearer {}", token.secret().expose());
            context.out.bytes(header.as_bytes()).await
        }
        Some(Used::Token(token)) => context.out.line(answer(token)).await,
        Some(_) => Err(not_bearer("basic")),
        None => {
            let challenge = response.headers().get(WWW_AUTHENTICATE);
            let challenge = challenge.and_then(|challenge| challenge.to_str().ok());
            let scheme = challenge.and_then(|challenge| challenge.split(' ').next());
            Err(not_bearer(&scheme.unwrap_or_default().to_lowercase()))
        }
    }
}

fn not_bearer(scheme: &str) -> Failure {
    Failure::usage(format!("challenge scheme {scheme:?} is not bearer"))
}

/// The token as its server would give it.
fn answer(token: &UsedToken) -> String {
    let secret = token.secret();
    // What is left of a second counts: nobody waited that long.
    let seconds = token.expires_in().as_secs_f64().round();
    let fields = [
        ("token", serde_json::Value::from(secret.expose())),
        ("access_token", secret.expose().into()),
        ("refresh_token", "".into()),
        ("expires_in", (seconds as u64).into()),
    ];
    let fields = fields.map(|(name, value)| format!("\"{name}\":{}", json::compact(&value)));
    format!("{{{}}}", fields.join(","))
}
