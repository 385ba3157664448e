//! The token server: `/token`, by GET with Basic authentication
//! ([token](https://distribution.github.io/distribution/spec/auth/token/)) or by POST of a form
//! ([OAuth 2](https://distribution.github.io/distribution/spec/auth/oauth/)).

use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, Response};
use serde::Serialize;

use crate::auth::{Action, Bearer};
use crate::body::Body;
use crate::incoming::Incoming;
use crate::problem::{Code, Problem};
use crate::query::Query;

use super::bearer::Grant;
use super::users::{Malformed, Rights, basic_credentials};

/// Where the token server is.
pub(super) const PATH: &str = "/token";

/// The largest form that is taken in, in bytes.
const FORM_LIMIT: u64 = 64 << 10;

#[derive(Serialize)]
struct Answer {
    token: String,
    access_token: String,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

pub(super) async fn serve(
    bearer: &Bearer,
    parts: &Parts,
    incoming: &Incoming,
) -> Result<Response<Body>, Problem> {
    let (form, user) = match parts.method {
        Method::GET => {
            let query = Query::parse_form(parts.uri.query().unwrap_or_default());
            let user = user_of_header(bearer, parts).await?;
            (query, user)
        }
        Method::POST => {
            let body = incoming.stream().collect(FORM_LIMIT).await;
            let body = body.map_err(|error| Problem::new(Code::SizeInvalid, error.to_string()))?;
            let form = Query::parse_form(&String::from_utf8_lossy(&body));
            let user = user_of_form(bearer, &form).await?;
            (form, Some(user))
        }
        _ => return Err(Problem::method("GET, POST")),
    };
    let rights = bearer.users().rights(user.as_deref());
    if user.is_none() && rights.is_none() {
        return Err(unauthorized());
    }
    let offline = form.get("offline_token") == Some("true") || form.get("access_type") == Some("offline");
    let refresh_token = user.filter(|_| offline).map(|user| bearer.issue_refresh(&user));
    let token = bearer.issue(grant(&form, &rights));
    let expires_in = bearer.options().expiry.as_secs();
    let answer = Answer {
        access_token: token.clone(),
        token,
        expires_in,
        refresh_token,
    };
    let json = serde_json::to_vec(&answer).expect("texts and numbers serialise");
    let mut response = Response::new(Body::empty());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(json.len()));
    *response.body_mut() = Body::full(json);
    Ok(response)
}

/// Who asks, if they say. Saying it wrong is worse than not saying it.
async fn user_of_header(bearer: &Bearer, parts: &Parts) -> Result<Option<String>, Problem> {
    let given = basic_credentials(&parts.headers).map_err(|Malformed| unauthorized())?;
    let Some((name, password)) = given else {
        return Ok(None);
    };
    bearer
        .users()
        .check(&name, &password)
        .await
        .ok_or_else(unauthorized)?;
    Ok(Some(name))
}

async fn user_of_form(bearer: &Bearer, form: &Query) -> Result<String, Problem> {
    match form.get("grant_type") {
        Some("password") => {
            let name = form.get("username").unwrap_or_default();
            let password = form.get("password").unwrap_or_default();
            bearer
                .users()
                .check(name, password)
                .await
                .ok_or_else(unauthorized)?;
            Ok(name.to_owned())
        }
        Some("refresh_token") => {
            let token = form.get("refresh_token").unwrap_or_default();
            bearer.refreshed(token).ok_or_else(unauthorized)
        }
        _ => Err(
            Problem::new(Code::Unsupported, "grant_type is password or refresh_token")
                .with_status(http::StatusCode::BAD_REQUEST),
        ),
    }
}

/// What of the scopes that were asked for these rights give. Less is no error here: it comes out when
/// the token is used.
fn grant(form: &Query, rights: &Rights) -> Grant {
    let mut grant = Grant::default();
    for scope in form.all("scope").flat_map(|scopes| scopes.split(' ')) {
        let (Some((kind, rest)), Some((_, actions))) = (scope.split_once(':'), scope.rsplit_once(':')) else {
            continue;
        };
        let name = rest
            .strip_suffix(actions)
            .and_then(|name| name.strip_suffix(':'))
            .unwrap_or_default();
        match kind {
            "registry" if name == "catalog" => grant.catalog = rights.may_with("", Action::Pull),
            "repository" => {
                let granted = grant.repositories.entry(name.to_owned()).or_default();
                let wanted = |action: Action| {
                    actions
                        .split(',')
                        .any(|wanted| wanted == action.as_str() || wanted == "*")
                };
                let all = [Action::Pull, Action::Push, Action::Delete];
                granted.extend(
                    all.into_iter()
                        .filter(|action| wanted(*action) && rights.may_with(name, *action)),
                );
            }
            _ => {}
        }
    }
    grant
}

fn unauthorized() -> Problem {
    Problem::new(Code::Unauthorized, "wrong user name or password")
}
