use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Uri};
use tower::Service;
use wharf_authn::{Credential, Resource};

use crate::context::{LeftOrigin, LookedFor};
use crate::origin::Origin;
use crate::send::{Inner, send, send_next, take_ready};
use crate::{Actions, Body, BoxError, Error, RedactedUrl, RegistryContext, Scope};

use super::cache::Freshness;
use super::credentials::{MAX_CREDENTIALS, User};
use super::exchange::basic;
use super::refusal::{drain, is_refusal, says_expired, was_refused};
use super::sent::{Sent, annotated, with_header};
use super::state::{Known, State, Wanted};
use super::{AuthError, AuthFailure, Challenge};

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
    user: User,
}

/// Why a request was refused.
enum Refusal {
    /// The registry wants to be shown something else.
    Challenge(Challenge),
    /// The credential has expired.
    Expired,
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
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let user = if reads && state.is_refused(&resource) {
            User::Nobody
        } else {
            User::OfKeychain
        };
        Some(Self {
            registry,
            resource,
            scopes,
            user,
        })
    }

    async fn run<S: Inner>(
        &self,
        mut inner: S,
        state: &Arc<State>,
        request: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        let (parts, body) = request.into_parts();
        let result = self.attempt(&mut inner, state, &parts, &body).await;
        let may_go_without = state.reads_anonymously()
            && self.user == User::OfKeychain
            && matches!(parts.method, Method::GET | Method::HEAD)
            && was_refused(&result);
        if !may_go_without {
            return self.explained(state, result).await;
        }
        let without = Self {
            user: User::Nobody,
            registry: self.registry.clone(),
            resource: self.resource.clone(),
            scopes: self.scopes.clone(),
        };
        match without.attempt(&mut inner, state, &parts, &body).await {
            Ok(response) if !is_refusal(response.status()) => {
                tracing::warn!(registry = %self.registry, "the stored credential is refused: reading without it");
                state.refuse(&self.resource);
                Ok(response)
            }
            _ => self.explained(state, result).await,
        }
    }

    /// Notes on a refusal where its credentials come from.
    async fn explained(
        &self,
        state: &State,
        mut result: Result<Response<Body>, Error>,
    ) -> Result<Response<Body>, Error> {
        if self.user == User::Nobody {
            return result;
        }
        match &mut result {
            Ok(response) if is_refusal(response.status()) => {
                let explanation = state.credentials.explain(&self.resource).await;
                response.extensions_mut().insert(LookedFor(explanation));
            }
            Err(Error::Auth(error)) if error.is_unauthorized() => {
                error.credentials = Some(state.credentials.explain(&self.resource).await);
            }
            _ => {}
        }
        result
    }

    /// Sends the request with what its user has to show.
    async fn attempt<S: Inner>(
        &self,
        inner: &mut S,
        state: &Arc<State>,
        parts: &Parts,
        body: &Body,
    ) -> Result<Response<Body>, Error> {
        let one_shot = body.try_clone().is_none() && !body.is_empty();
        if one_shot && state.known(&self.registry).is_none() {
            self.ask(inner, state, parts).await?;
        }
        let freshness = if one_shot {
            Freshness::OneShot
        } else {
            Freshness::Usual
        };
        let mut sent = self.remembered(inner, state, freshness).await?;
        let mut response = send_next(inner, with_header(parts, body, &sent)).await?;
        let mut has_expired = false;
        for refusals in 1..=MAX_CREDENTIALS {
            let Some(refusal) = self.refusal(state, &mut response, &sent).await else {
                break;
            };
            // A token from earlier may have expired since. One that was just made was made for a credential that does
            // not do, as is a credential that was shown itself.
            let is_credential = refusals > 1 || matches!(sent, Sent::Basic(..));
            let has_another = is_credential && self.has_another(state, &sent).await?;
            // Whoever was not asked to renew a credential may have done so all the same, which is found out once.
            let has_just_expired =
                matches!(refusal, Refusal::Expired) && !std::mem::replace(&mut has_expired, true);
            if refusals > 1 && !has_another && !has_just_expired {
                break;
            }
            let answer = match refusal {
                Refusal::Challenge(challenge) => {
                    self.answer(inner, state, &challenge, &sent, freshness).await?
                }
                Refusal::Expired => self.basic(state).await?,
            };
            if !answer.adds_to(&sent) {
                break;
            }
            response = again(inner, parts, body, response, &answer).await?;
            sent = answer;
        }
        Ok(annotated(response, &sent))
    }

    /// Why the request was refused, if it was for want of other credentials.
    async fn refusal(&self, state: &State, response: &mut Response<Body>, sent: &Sent) -> Option<Refusal> {
        if let Some(challenge) = self.challenge(state, response, sent) {
            return Some(Refusal::Challenge(challenge));
        }
        let has_expired = matches!(sent, Sent::Basic(..)) && says_expired(response).await;
        has_expired.then_some(Refusal::Expired)
    }

    /// Tells that what was sent is not taken, and asks whether there is another credential by now.
    async fn has_another(&self, state: &State, sent: &Sent) -> Result<bool, Error> {
        let Some(refused) = sent.credential() else {
            return Ok(false);
        };
        let (resource, user) = (&self.resource, self.user);
        let another = state.credentials.has_another(resource, user, refused).await;
        another.map_err(|failure| auth(self.error(failure)))
    }

    /// Finds out how the registry wants to be authenticated to, before something is sent that cannot be sent again.
    async fn ask<S: Inner>(&self, inner: &mut S, state: &State, parts: &Parts) -> Result<(), Error> {
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
    async fn remembered<S: Inner>(
        &self,
        inner: &S,
        state: &Arc<State>,
        freshness: Freshness,
    ) -> Result<Sent, Error> {
        if self.user == User::OfKeychain
            && !self.scopes.is_empty()
            && let Some(token) = state.seeded(&self.registry, &self.scopes, freshness)
        {
            return Ok(Sent::Token(token));
        }
        match state.known(&self.registry) {
            None | Some(Known::Open) => Ok(Sent::Nothing),
            Some(Known::Basic) => self.basic(state).await,
            // Without a scope a token would be good for nothing.
            Some(Known::Bearer { .. }) if self.scopes.is_empty() => Ok(Sent::Nothing),
            Some(Known::Bearer { realm, service }) => {
                let wanted = self.wanted(realm, service, self.scopes.clone());
                state
                    .token(inner, &wanted, freshness, None)
                    .await
                    .map(Sent::Token)
                    .map_err(auth)
            }
        }
    }

    /// The challenge to answer; `None` if the response is final.
    fn challenge(&self, state: &State, response: &Response<Body>, shown: &Sent) -> Option<Challenge> {
        let status = response.status();
        if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            if status.is_success() && matches!(shown, Sent::Nothing) && state.known(&self.registry).is_none()
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
            let had: &[Scope] = if let Sent::Token(token) = shown {
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
    async fn answer<S: Inner>(
        &self,
        inner: &S,
        state: &Arc<State>,
        challenge: &Challenge,
        shown: &Sent,
        freshness: Freshness,
    ) -> Result<Sent, Error> {
        if let Sent::Token(token) = shown {
            state.forget_seeded(&self.registry, token);
        }
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
        let rejected = if let Sent::Token(token) = shown {
            Some(token.as_ref())
        } else {
            None
        };
        let wanted = self.wanted(realm, service, scopes);
        state
            .token(inner, &wanted, freshness, rejected)
            .await
            .map(Sent::Token)
            .map_err(auth)
    }

    async fn basic(&self, state: &State) -> Result<Sent, Error> {
        let credential = state
            .credentials
            .get(&self.resource, self.user)
            .await
            .map_err(|failure| auth(self.error(failure)))?;
        if let Credential::IdentityToken { .. } = credential {
            return Err(auth(self.error(AuthFailure::IdentityTokenForBasic)));
        }
        let id = credential.identity();
        Ok(basic(&credential).map_or(Sent::Nothing, |header| Sent::Basic(header, id)))
    }

    fn wanted(&self, realm: String, service: String, scopes: Vec<Scope>) -> Wanted {
        let (registry, resource) = (self.registry.clone(), self.resource.clone());
        Wanted {
            registry,
            resource,
            user: self.user,
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
            credentials: None,
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

/// The page by which a registry says that it is one
/// ([distribution-spec, Determining Support](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#determining-support)).
fn at_base(url: &Uri) -> Uri {
    let mut parts = url.clone().into_parts();
    parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/v2/"));
    Uri::from_parts(parts).expect("an absolute URL stays one with another path")
}

/// Sends a request again, with something else to show, after a response that refused it.
async fn again<S: Inner>(
    inner: &mut S,
    parts: &Parts,
    body: &Body,
    refusal: Response<Body>,
    answer: &Sent,
) -> Result<Response<Body>, Error> {
    if !body.can_resend() {
        // The caller may open the body again; what was just found out is then known.
        return Err(Error::NotReplayable {
            method: parts.method.clone(),
            url: RedactedUrl::from(&parts.uri),
            status: refusal.status(),
        });
    }
    drain(refusal).await;
    send_next(inner, with_header(parts, body, answer)).await
}
