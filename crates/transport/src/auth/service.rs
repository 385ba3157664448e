use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use tower::Service;
use wharf_authn::{Credential, Resource};

use crate::context::{ChallengeError, LeftOrigin};
use crate::origin::Origin;
use crate::send::{send, send_next, take_ready};
use crate::{Actions, Body, BoxError, Error, RedactedUrl, RegistryContext, Scope};

use super::cache::{Freshness, Token};
use super::exchange::basic;
use super::state::{Known, State, Wanted};
use super::{AuthError, AuthFailure, Challenge};

/// Up to this many bytes of a `401` are read, so that its connection can be used again.
const DRAIN_LIMIT: usize = 16 << 10;
/// For so long.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// The service of [`AuthLayer`](super::AuthLayer).
#[derive(Clone, Debug)]
pub struct Auth<S> {
    pub(super) inner: S,
    pub(super) state: Arc<State>,
}

impl<S> Service<Request<Body>> for Auth<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_service)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut inner = take_ready(&mut self.inner);
        let state = Arc::clone(&self.state);
        Box::pin(async move {
            match Exchange::of(&request, &state) {
                Some(exchange) => exchange.run(inner, &state, request).await,
                None => send(&mut inner, request).await,
            }
        })
    }
}

/// A request that may get credentials.
struct Exchange {
    registry: Origin,
    resource: Resource,
    scopes: Vec<Scope>,
}

/// What was sent as authorization.
enum Shown {
    Nothing,
    Basic(HeaderValue),
    Token(Arc<Token>),
}

impl Shown {
    fn header(&self) -> Option<&HeaderValue> {
        match self {
            Self::Nothing => None,
            Self::Basic(header) => Some(header),
            Self::Token(token) => Some(&token.header),
        }
    }
}

impl Exchange {
    /// `None` if the request must not get any credentials.
    fn of(request: &Request<Body>, state: &State) -> Option<Self> {
        let context = request.extensions().get::<RegistryContext>()?;
        if request.extensions().get::<LeftOrigin>().is_some() || request.headers().contains_key(AUTHORIZATION)
        {
            return None;
        }
        let registry = Origin::of(request.uri()).ok()?;
        let home = format!("{}://{}/", request.uri().scheme_str()?, context.registry);
        if Origin::of(&home.parse().ok()?).ok()? != registry {
            return None;
        }
        if !registry.is_secure() && !state.may_be_plain(&context.registry) {
            return None;
        }
        let resource = match &context.repository {
            Some(repository) => Resource::from(repository),
            None => Resource::from(&context.registry),
        };
        let mut scopes = context.scopes.clone();
        if let (true, Some(repository)) = (scopes.is_empty(), &context.repository) {
            let actions = match *request.method() {
                Method::GET | Method::HEAD => Actions::Pull,
                Method::DELETE => Actions::Delete,
                _ => Actions::Push,
            };
            scopes.push(Scope::repository(repository, actions));
        }
        Some(Self {
            registry,
            resource,
            scopes,
        })
    }

    async fn run<S>(
        &self,
        mut inner: S,
        state: &Arc<State>,
        request: Request<Body>,
    ) -> Result<Response<Body>, Error>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        let (parts, body) = request.into_parts();
        let one_shot = body.try_clone().is_none() && !body.is_empty();
        if one_shot && state.known(&self.registry).is_none() {
            self.ask(&mut inner, state, &parts).await?;
        }
        let freshness = if one_shot {
            Freshness::OneShot
        } else {
            Freshness::Usual
        };
        let shown = self.remembered(&inner, state, freshness).await?;
        let response = send_next(&mut inner, with_header(&parts, &body, &shown)).await?;

        let Some(challenge) = self.challenge(state, &response, &shown) else {
            return Ok(annotated(response));
        };
        let answer = self.answer(&inner, state, &challenge, &shown, freshness).await?;
        if answer.header().is_none() || answer.header() == shown.header() {
            // Nothing else to show than what has been seen.
            return Ok(annotated(response));
        }
        if !body.can_resend() {
            // The caller may open the body again; what was just found out is then known.
            let (url, status) = (RedactedUrl::from(&parts.uri), response.status());
            return Err(Error::NotReplayable {
                method: parts.method,
                url,
                status,
            });
        }
        drain(response).await;
        let response = send_next(&mut inner, with_header(&parts, &body, &answer)).await?;
        Ok(annotated(response))
    }

    /// Finds out how the registry wants to be authenticated to, before something is sent that cannot be sent again.
    async fn ask<S>(&self, inner: &mut S, state: &State, parts: &Parts) -> Result<(), Error>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>> + Send,
        S::Future: Send,
    {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = at_base(&parts.uri);
        let response = send_next(inner, request).await?;
        let challenges = Challenge::of(response.headers());
        match Challenge::choose(&challenges) {
            Some(challenge) if response.status() == StatusCode::UNAUTHORIZED => {
                state.learn(&self.registry, known(challenge));
            }
            // The answer to anything else than our question says little: some registries have no such page.
            _ if response.status().is_success() => state.learn(&self.registry, Known::Open),
            _ => {}
        }
        drain(response).await;
        Ok(())
    }

    /// What to show by what is remembered of the registry.
    async fn remembered<S>(&self, inner: &S, state: &Arc<State>, freshness: Freshness) -> Result<Shown, Error>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        match state.known(&self.registry) {
            None | Some(Known::Open) => Ok(Shown::Nothing),
            Some(Known::Basic) => self.basic(state).await,
            // Without a scope a token would be good for nothing.
            Some(Known::Bearer { .. }) if self.scopes.is_empty() => Ok(Shown::Nothing),
            Some(Known::Bearer { realm, service }) => {
                let wanted = self.wanted(realm, service, self.scopes.clone());
                state
                    .token(inner, &wanted, freshness, None)
                    .await
                    .map(Shown::Token)
                    .map_err(auth)
            }
        }
    }

    /// The challenge to answer; `None` if the response is final.
    fn challenge(&self, state: &State, response: &Response<Body>, shown: &Shown) -> Option<Challenge> {
        let status = response.status();
        if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            if status.is_success() && matches!(shown, Shown::Nothing) && state.known(&self.registry).is_none()
            {
                state.learn(&self.registry, Known::Open);
            }
            return None;
        }
        let challenges = Challenge::of(response.headers());
        let challenge = Challenge::choose(&challenges)?;
        if status == StatusCode::FORBIDDEN {
            // Only a refusal for want of a wider token can be helped.
            let more = Scope::parse_list(challenge.param("scope").unwrap_or_default());
            let had: &[Scope] = if let Shown::Token(token) = shown {
                &token.scopes
            } else {
                &[]
            };
            let helps =
                challenge.param("error") == Some("insufficient_scope") && !Scope::all_covered(had, &more);
            if !helps {
                return None;
            }
        }
        state.learn(&self.registry, known(challenge));
        Some(challenge.clone())
    }

    /// What to show in answer to a challenge.
    async fn answer<S>(
        &self,
        inner: &S,
        state: &Arc<State>,
        challenge: &Challenge,
        shown: &Shown,
        freshness: Freshness,
    ) -> Result<Shown, Error>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        let Known::Bearer { realm, service } = known(challenge) else {
            return self.basic(state).await;
        };
        if realm.is_empty() {
            return Err(auth(self.error(AuthFailure::MissingRealm)));
        }
        // The first scope is the one that counts where a server honours only one.
        let mut scopes = Scope::parse_list(challenge.param("scope").unwrap_or_default());
        for scope in &self.scopes {
            Scope::merge_into(&mut scopes, scope);
        }
        let rejected = if let Shown::Token(token) = shown {
            Some(token.as_ref())
        } else {
            None
        };
        let wanted = self.wanted(realm, service, scopes);
        state
            .token(inner, &wanted, freshness, rejected)
            .await
            .map(Shown::Token)
            .map_err(auth)
    }

    async fn basic(&self, state: &State) -> Result<Shown, Error> {
        let credential = state
            .credential(&self.resource)
            .await
            .map_err(|failure| auth(self.error(failure)))?;
        if let Credential::IdentityToken { .. } = credential {
            return Err(auth(self.error(AuthFailure::IdentityTokenForBasic)));
        }
        Ok(basic(&credential).map_or(Shown::Nothing, Shown::Basic))
    }

    fn wanted(&self, realm: String, service: String, scopes: Vec<Scope>) -> Wanted {
        let (registry, resource) = (self.registry.clone(), self.resource.clone());
        Wanted {
            registry,
            resource,
            realm,
            service,
            scopes,
        }
    }

    fn error(&self, failure: AuthFailure) -> AuthError {
        AuthError {
            registry: self.registry.clone(),
            scopes: self.scopes.clone(),
            failure,
        }
    }
}

fn auth(error: AuthError) -> Error {
    Error::Auth(Box::new(error))
}

fn known(challenge: &Challenge) -> Known {
    match challenge.scheme() {
        "bearer" => Known::Bearer {
            realm: challenge.param("realm").unwrap_or_default().to_owned(),
            service: challenge.param("service").unwrap_or_default().to_owned(),
        },
        _ => Known::Basic,
    }
}

fn with_header(parts: &Parts, body: &Body, shown: &Shown) -> Request<Body> {
    let mut request = Request::from_parts(parts.clone(), body.resend());
    if let Some(header) = shown.header() {
        request.headers_mut().insert(AUTHORIZATION, header.clone());
    }
    request
}

/// The page by which a registry says that it is one
/// ([distribution-spec, Determining Support](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#determining-support)).
fn at_base(url: &Uri) -> Uri {
    let mut parts = url.clone().into_parts();
    parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/v2/"));
    Uri::from_parts(parts).expect("an absolute URL stays one with another path")
}

/// Notes on a refusal what the registry says is wrong.
fn annotated(mut response: Response<Body>) -> Response<Body> {
    let refused = matches!(
        response.status(),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    );
    let error = || {
        Challenge::of(response.headers())
            .iter()
            .find_map(Challenge::error)
    };
    if let Some(error) = refused.then(error).flatten() {
        response.extensions_mut().insert(ChallengeError(error));
    }
    response
}

/// Reads what is left of a response, if it is little and comes soon.
async fn drain(response: Response<Body>) {
    let rest = response.into_body().collect_prefix(DRAIN_LIMIT);
    // Whatever happens here costs a connection at most.
    let _ = tokio::time::timeout(DRAIN_TIME, rest).await;
}
