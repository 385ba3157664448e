//! One request, with all that has to be shown for it.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Uri};
use wharf_authn::{Credential, CredentialId, Resource};

use crate::context::{LeftOrigin, LookedFor};
use crate::origin::Origin;
use crate::send::{Inner, send_next};
use crate::{Accepted, Actions, Body, Error, RedactedUrl, RegistryContext, Scope};

use super::cache::Freshness;
use super::exchange::basic;
use super::refusal::{annotated, drain, is_refusal, says_expired, was_refused};
use super::sent::Sent;
use super::state::{Known, MAX_CREDENTIALS, State, User, Wanted};
use super::{AuthError, AuthFailure, Challenge, Used};

/// A request that may get credentials.
pub(super) struct Handshake {
    registry: Origin,
    resource: Resource,
    scopes: Vec<Scope>,
    user: User,
}

impl Handshake {
    /// `None` if the request must not get any credentials.
    pub(super) fn of(request: &Request<Body>, state: &State) -> Option<Self> {
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

    pub(super) async fn run(
        &self,
        mut inner: impl Inner,
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
            return result;
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
            _ => result,
        }
    }

    /// Sends the request with what its user has to show: what is remembered to be wanted, what a challenge asks for, and
    /// the next credential where one is refused and there is another.
    async fn attempt(
        &self,
        inner: &mut impl Inner,
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
        let mut shown = self.remembered(inner, state, freshness).await?;
        let mut response = send_next(inner, shown.request(parts, body)).await?;
        let mut is_answered = false;
        let mut refused = Vec::new();
        loop {
            let challenge = self.challenge(state, &response, &shown);
            let expired = matches!(shown, Sent::Basic { .. }) && says_expired(&mut response).await;
            if let (Some(challenge), false) = (&challenge, is_answered) {
                is_answered = true;
                let answer = self.answer(inner, state, challenge, &shown, freshness).await?;
                if answer.adds_to(&shown) {
                    response = again(inner, parts, body, response, &answer).await?;
                    shown = answer;
                    continue;
                }
            }
            // A token that was not made for this request may just be too old.
            let is_final = is_answered || shown.token().is_none();
            let is_refused = response.status() == StatusCode::UNAUTHORIZED && is_final;
            let has_another =
                (is_refused || expired) && self.has_another(state, &shown, expired, &mut refused).await?;
            if !has_another {
                break;
            }
            let answer = match &challenge {
                Some(challenge) => self.answer(inner, state, challenge, &shown, freshness).await?,
                None => self.remembered(inner, state, freshness).await?,
            };
            if !answer.adds_to(&shown) {
                break;
            }
            response = again(inner, parts, body, response, &answer).await?;
            shown = answer;
        }
        let mut response = annotated(response, &shown);
        if let Some(used) = Used::of(&shown) {
            response.extensions_mut().insert(used);
        }
        let accepted = parts.extensions.get::<Accepted>();
        let is_expected = accepted.is_some_and(|Accepted(statuses)| statuses.contains(&response.status()));
        if is_refusal(response.status()) && !is_expected && self.user == User::OfKeychain {
            let explanation = match shown.credential() {
                Some(id) => state.credentials.explain(&self.resource, &id).await,
                None => state.credentials.explain_all(&self.resource).await,
            };
            response.extensions_mut().insert(LookedFor(explanation));
        }
        Ok(response)
    }

    /// Tells that a credential is refused. Says whether there is another one than those that were `refused` before.
    async fn has_another(
        &self,
        state: &State,
        shown: &Sent,
        expired: bool,
        refused: &mut Vec<CredentialId>,
    ) -> Result<bool, Error> {
        let (Some(id), User::OfKeychain) = (shown.credential(), self.user) else {
            return Ok(false);
        };
        refused.push(id);
        // By now there may be a new one in place of one that expired.
        let may_have = state.credentials.refused(&self.resource, &id) || expired;
        if !may_have || refused.len() >= MAX_CREDENTIALS {
            return Ok(false);
        }
        let next = state.credential(&self.resource, self.user).await;
        let next = next.map_err(|failure| auth(self.error(failure)))?;
        Ok(!refused.contains(&next.identity()))
    }

    /// Finds out how the registry wants to be authenticated to, before something is sent that cannot be sent again.
    async fn ask(&self, inner: &mut impl Inner, state: &State, parts: &Parts) -> Result<(), Error> {
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
    async fn remembered(
        &self,
        inner: &impl Inner,
        state: &Arc<State>,
        freshness: Freshness,
    ) -> Result<Sent, Error> {
        if self.user == User::OfKeychain
            && !self.scopes.is_empty()
            && let Some(token) = state.seeded(&self.registry, &self.scopes, freshness)
        {
            return Ok(Sent::Token {
                token,
                credential: None,
            });
        }
        match state.known(&self.registry) {
            None | Some(Known::Open) => Ok(Sent::Nothing),
            Some(Known::Basic) => self.basic(state).await,
            // Without a scope a token would be good for nothing.
            Some(Known::Bearer { .. }) if self.scopes.is_empty() => Ok(Sent::Nothing),
            Some(Known::Bearer { realm, service }) => {
                let wanted = self.wanted(realm, service, self.scopes.clone());
                state.token(inner, &wanted, freshness, None).await.map_err(auth)
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
            let helps = challenge.param("error") == Some("insufficient_scope")
                && !Scope::all_covered(shown.scopes(), &more);
            if !helps {
                return None;
            }
        }
        state.learn(&self.registry, known(challenge));
        Some(challenge.clone())
    }

    /// What to show in answer to a challenge.
    async fn answer(
        &self,
        inner: &impl Inner,
        state: &Arc<State>,
        challenge: &Challenge,
        shown: &Sent,
        freshness: Freshness,
    ) -> Result<Sent, Error> {
        if let Some(token) = shown.token() {
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
        let wanted = self.wanted(realm, service, scopes);
        let token = state.token(inner, &wanted, freshness, shown.token()).await;
        token.map_err(auth)
    }

    async fn basic(&self, state: &State) -> Result<Sent, Error> {
        let credential = state
            .credential(&self.resource, self.user)
            .await
            .map_err(|failure| auth(self.error(failure)))?;
        if let Credential::IdentityToken { .. } = credential {
            return Err(auth(self.error(AuthFailure::IdentityTokenForBasic)));
        }
        let header = basic(&credential);
        let credential = credential.identity();
        Ok(header.map_or(Sent::Nothing, |header| Sent::Basic { header, credential }))
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
async fn again(
    inner: &mut impl Inner,
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
    send_next(inner, answer.request(parts, body)).await
}
