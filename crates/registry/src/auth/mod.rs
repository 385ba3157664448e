//! Who is let in: Basic authentication, and Bearer tokens from a token server that the registry plays
//! itself, so that a client's whole handshake can be tested in one process.
//!
//! ```
//! use http::{Request, StatusCode, header};
//! use tower::ServiceExt as _;
//! use wharf_registry::auth::{Bearer, Rights, Users};
//! use wharf_registry::{Body, Registry};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // Ann may do everything, everybody else may read.
//! let users = Users::new().with("ann", "secret").with_anonymous(Rights::pull());
//! let registry = Registry::builder().authentication(Bearer::new(users)).build();
//!
//! let ping = Request::get("/v2/").body(Body::empty()).expect("a request");
//! let Ok(response) = registry.clone().oneshot(ping).await;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! let challenge = &response.headers()[header::WWW_AUTHENTICATE];
//! assert_eq!(challenge, r#"Bearer realm="http://localhost/token",service="wharf""#);
//! # }
//! ```

mod basic;
mod bearer;
mod need;
mod password;
mod token;
mod users;

use std::sync::Arc;

use http::Response;
use http::request::Parts;

use crate::body::Body;
use crate::incoming::Incoming;
use crate::name::RepositoryName;
use crate::problem::Problem;

pub use basic::Basic;
pub use bearer::{Bearer, BearerOptions};
pub use need::Action;
pub(crate) use need::Need;
pub use users::{HtpasswdError, Rights, Users};

/// How callers prove who they are.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum Authentication {
    /// User name and password with every request.
    Basic(Basic),
    /// A token with every request, which the registry hands out at `/token` for a user name and password.
    Bearer(Bearer),
}

impl From<Basic> for Authentication {
    fn from(basic: Basic) -> Self {
        Self::Basic(basic)
    }
}

impl From<Bearer> for Authentication {
    fn from(bearer: Bearer) -> Self {
        Self::Bearer(bearer)
    }
}

impl Authentication {
    /// Lets a request in that needs `need`, or says what its caller should do.
    pub(crate) async fn admit(&self, parts: &Parts, need: Option<Need<'_>>) -> Result<Caller, Problem> {
        match self {
            Self::Basic(basic) => basic.admit(parts, need).await,
            Self::Bearer(bearer) => bearer.admit(parts, need),
        }
    }

    /// Answers a request to the token server, if it is one.
    pub(crate) async fn token_endpoint(
        &self,
        parts: &Parts,
        incoming: &Incoming,
    ) -> Option<Result<Response<Body>, Problem>> {
        match self {
            Self::Bearer(bearer) if parts.uri.path() == token::PATH => {
                Some(token::serve(bearer, parts, incoming).await)
            }
            _ => None,
        }
    }
}

/// On a request: it came by TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encrypted;

/// Judges an action on a repository.
type Judge = dyn Fn(&RepositoryName, Action) -> bool + Send + Sync;

/// Someone who was let in, with the question of what else they may do.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Judge>);

impl Caller {
    /// Someone who may do everything.
    pub(crate) fn anybody() -> Self {
        Self::new(|_, _| true)
    }

    fn new(may: impl Fn(&RepositoryName, Action) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(may))
    }

    pub(crate) fn may(&self, repository: &RepositoryName, action: Action) -> bool {
        (self.0)(repository, action)
    }
}
