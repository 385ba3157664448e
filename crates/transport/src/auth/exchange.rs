//! Asking a token server for a token
//! ([token specification](https://distribution.github.io/distribution/spec/auth/token/) and
//! [its OAuth2 form](https://distribution.github.io/distribution/spec/auth/oauth/)).

use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use url::form_urlencoded;
use wharf_authn::{Credential, Secret};

use crate::check::{BODY_LIMIT, registry_error};
use crate::origin::{Origin, Site, UnsafeUrl, UnsafeUrlReason, resolve};
use crate::redirect::{Next, follow};
use crate::send::{Inner, send_next};
use crate::{Body, ChosenBy, Error, RedactReason, Scope};

use super::AuthFailure;
use super::token::Granted;

/// The name under which token servers know this program.
const CLIENT_ID: &str = "wharf";
/// How many redirects within the token server are followed.
const MAX_REDIRECTS: usize = 3;

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct TokenRequest {
    pub(super) realm: Uri,
    pub(super) service: String,
    pub(super) scopes: Vec<Scope>,
    /// The registry that named the realm, unless the user trusts the realm.
    pub(super) chosen_by: Option<ChosenBy>,
}

/// What is exchanged by POST.
enum Grant<'a> {
    Refresh(&'a Secret),
    Password { username: &'a str, password: &'a Secret },
}

impl TokenRequest {
    /// Exchanges a credential for a token.
    pub(super) async fn exchange(
        &self,
        inner: &mut impl Inner,
        credential: &Credential,
    ) -> Result<Granted, AuthFailure> {
        let Credential::IdentityToken { username, token } = credential else {
            let refused = match self.get(inner, basic(credential)).await {
                Err(AuthFailure::Exchange(error)) if knows_no_get(&error) => error,
                result => return result,
            };
            // Some token servers know OAuth2 only.
            return match credential {
                Credential::Basic { username, password } => {
                    self.post(inner, &Grant::Password { username, password }).await
                }
                _ => Err(AuthFailure::Exchange(refused)),
            };
        };
        let refused = match self.refresh(inner, token).await {
            Err(AuthFailure::Exchange(error)) if knows_no_refresh(&error) => error,
            result => return result,
        };
        // Token servers of the older kind take the token as the password of its user.
        match username {
            Some(username) if !username.is_empty() => {
                self.get(inner, Some(basic_header(username, token.expose())))
                    .await
            }
            _ => Err(AuthFailure::Exchange(refused)),
        }
    }

    /// Exchanges a refresh token for a token.
    pub(super) async fn refresh(
        &self,
        inner: &mut impl Inner,
        token: &Secret,
    ) -> Result<Granted, AuthFailure> {
        self.post(inner, &Grant::Refresh(token)).await
    }

    async fn get(
        &self,
        inner: &mut impl Inner,
        authorization: Option<HeaderValue>,
    ) -> Result<Granted, AuthFailure> {
        let mut headers = HeaderMap::new();
        headers.extend(authorization.map(|value| (AUTHORIZATION, value)));
        self.send(inner, Method::GET, self.get_url()?, headers, Body::empty())
            .await
    }

    async fn post(&self, inner: &mut impl Inner, grant: &Grant<'_>) -> Result<Granted, AuthFailure> {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let body = Body::full(self.post_form(grant));
        self.send(inner, Method::POST, self.realm.clone(), headers, body)
            .await
    }

    /// The realm with service and scopes in its query; what else is in its query is kept. Parameters are sorted.
    fn get_url(&self) -> Result<Uri, AuthFailure> {
        let query = self.realm.query().unwrap_or_default();
        let mut pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .filter(|(key, _)| key != "scope" && key != "service")
            .collect();
        pairs.extend(
            self.scopes
                .iter()
                .map(|scope| ("scope".to_owned(), scope.to_string())),
        );
        pairs.push(("service".to_owned(), self.service.clone()));
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        let mut parts = self.realm.clone().into_parts();
        let target = format!("{}?{query}", self.realm.path());
        parts.path_and_query = target.parse().ok();
        Uri::from_parts(parts).map_err(|_| {
            let error = UnsafeUrl::new(&self.realm, Site::Realm, UnsafeUrlReason::Malformed);
            failed(Error::UnsafeUrl(Box::new(error)))
        })
    }

    fn post_form(&self, grant: &Grant<'_>) -> String {
        let scopes: Vec<String> = self.scopes.iter().map(ToString::to_string).collect();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("client_id", CLIENT_ID);
        match grant {
            Grant::Refresh(token) => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("refresh_token", token.expose());
            }
            Grant::Password { username, password } => {
                form.append_pair("grant_type", "password");
                form.append_pair("username", username);
                form.append_pair("password", password.expose());
            }
        }
        form.append_pair("scope", &scopes.join(" "));
        if !self.service.is_empty() {
            form.append_pair("service", &self.service);
        }
        form.finish()
    }

    async fn send(
        &self,
        inner: &mut impl Inner,
        mut method: Method,
        mut url: Uri,
        headers: HeaderMap,
        mut body: Body,
    ) -> Result<Granted, AuthFailure> {
        for _ in 0..=MAX_REDIRECTS {
            let mut request = Request::new(body.resend());
            *request.method_mut() = method.clone();
            *request.uri_mut() = url.clone();
            *request.headers_mut() = headers.clone();
            request
                .headers_mut()
                .insert(ACCEPT, HeaderValue::from_static("application/json"));
            request
                .extensions_mut()
                .insert(RedactReason("token response contains credentials"));
            if let Some(chosen_by) = &self.chosen_by {
                request.extensions_mut().insert(chosen_by.clone());
            }
            let response = send_next(inner, request).await.map_err(failed)?;
            let status = response.status();
            if status.is_success() {
                let date = date(response.headers());
                let body = response.into_body().collect(BODY_LIMIT).await.map_err(failed)?;
                return Granted::parse(&body, date);
            }
            match response
                .headers()
                .get(LOCATION)
                .and_then(|location| location.to_str().ok())
            {
                Some(location) if status.is_redirection() => {
                    let target = same_origin(&url, location)?;
                    match follow(&method, status) {
                        Next::Same => {}
                        Next::Bodiless(next) => (method, body) = (next, Body::empty()),
                        Next::Nothing => return Err(refused(method, url, response).await),
                    }
                    url = target;
                }
                _ => return Err(refused(method, url, response).await),
            }
        }
        let url = crate::RedactedUrl::from(&self.realm);
        Err(failed(Error::Redirect {
            method,
            url,
            reason: crate::RedirectLimit::TooMany(MAX_REDIRECTS),
        }))
    }
}

async fn refused(method: Method, url: Uri, response: Response<Body>) -> AuthFailure {
    failed(Error::Registry(Box::new(
        registry_error(method, url, response).await,
    )))
}

fn failed(error: Error) -> AuthFailure {
    AuthFailure::Exchange(Arc::new(error))
}

/// A redirect of the token server. It is followed only to the same origin, because the credential goes along.
fn same_origin(url: &Uri, location: &str) -> Result<Uri, AuthFailure> {
    let unsafe_url = |error| failed(Error::UnsafeUrl(Box::new(error)));
    let target = resolve(url, location, Site::Redirect, &[]).map_err(unsafe_url)?;
    let same = matches!((Origin::of(url), Origin::of(&target)), (Ok(from), Ok(to)) if from == to);
    if same {
        Ok(target)
    } else {
        Err(unsafe_url(UnsafeUrl::new(
            &target,
            Site::Redirect,
            UnsafeUrlReason::ForeignSite,
        )))
    }
}

/// Whether a refusal means that the server takes no GET.
fn knows_no_get(error: &Error) -> bool {
    matches!(
        error.status(),
        Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)
    )
}

/// Whether a refusal means that the server does not know refresh tokens, rather than this one.
fn knows_no_refresh(error: &Error) -> bool {
    error.registry_error().is_some_and(|answer| match answer.status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNAUTHORIZED => true,
        StatusCode::BAD_REQUEST => answer
            .body
            .windows(22)
            .any(|word| word == b"unsupported_grant_type"),
        _ => false,
    })
}

/// The `Authorization` header that shows a credential to a token server by GET, or to a registry by Basic.
pub(super) fn basic(credential: &Credential) -> Option<HeaderValue> {
    match credential {
        Credential::Basic { username, password } if !(username.is_empty() && password.is_empty()) => {
            Some(basic_header(username, password.expose()))
        }
        Credential::RegistryToken(token) => bearer_header(token),
        _ => None,
    }
}

fn basic_header(username: &str, password: &str) -> HeaderValue {
    let encoded = STANDARD.encode(format!("{username}:{password}"));
    let mut header = HeaderValue::try_from(format!("Basic {encoded}")).expect("base64 is a header");
    header.set_sensitive(true);
    header
}

/// `Bearer <token>`; `None` if the token has characters that no header can have.
pub(super) fn bearer_header(token: &Secret) -> Option<HeaderValue> {
    let mut header = HeaderValue::try_from(format!("Bearer {}", token.expose())).ok()?;
    header.set_sensitive(true);
    Some(header)
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(realm: &str, service: &str, scopes: &str) -> TokenRequest {
        TokenRequest {
            realm: realm.parse().expect("URL"),
            service: service.to_owned(),
            scopes: Scope::parse_list(scopes),
            chosen_by: None,
        }
    }

    #[track_caller]
    fn check_get(realm: &str, service: &str, scopes: &str, want: &str) {
        let url = request(realm, service, scopes).get_url().expect("a URL");
        assert_eq!(url.to_string(), want);
    }

    #[test]
    fn get_keeps_the_realms_query_and_encodes_the_rest() {
        check_get(
            "https://a/token?a=b",
            "svc",
            "repository:a/b:pull repository:c:push,pull",
            "https://a/token?a=b&scope=repository%3Aa%2Fb%3Apull&scope=repository%3Ac%3Apull%2Cpush&service=svc",
        );
        check_get("https://a/token", "", "", "https://a/token?service=");
        check_get(
            "https://a/token?scope=evil&service=evil",
            "svc",
            "",
            "https://a/token?service=svc",
        );
        check_get(
            "https://a/token",
            "x&scope=*#%\n",
            "",
            "https://a/token?service=x%26scope%3D*%23%25%0A",
        );
    }

    #[track_caller]
    fn check_post(grant: &Grant<'_>, service: &str, scopes: &str, want: &str) {
        let form = request("https://a/token?a=b", service, scopes).post_form(grant);
        assert_eq!(form, want);
    }

    #[test]
    fn post_has_the_fields_of_oauth2() {
        let refresh = "r&t".into();
        check_post(
            &Grant::Refresh(&refresh),
            "svc",
            "repository:a:pull repository:b:pull",
            "client_id=wharf&grant_type=refresh_token&refresh_token=r%26t\
             &scope=repository%3Aa%3Apull+repository%3Ab%3Apull&service=svc",
        );
        check_post(
            &Grant::Refresh(&refresh),
            "",
            "",
            "client_id=wharf&grant_type=refresh_token&refresh_token=r%26t&scope=",
        );
        let grant = Grant::Password {
            username: "al ice",
            password: &"p=w".into(),
        };
        check_post(
            &grant,
            "a&b",
            "registry:catalog:*",
            "client_id=wharf&grant_type=password&username=al+ice&password=p%3Dw\
             &scope=registry%3Acatalog%3A*&service=a%26b",
        );
    }

    #[track_caller]
    fn check_basic(credential: &Credential, want: Option<&str>) {
        let header = basic(credential);
        assert!(header.as_ref().is_none_or(HeaderValue::is_sensitive));
        assert_eq!(
            header.as_ref().map(|header| header.to_str().expect("ASCII")),
            want
        );
    }

    #[test]
    fn credentials_as_headers() {
        check_basic(&Credential::Anonymous, None);
        check_basic(&Credential::basic("user", "pass"), Some("Basic dXNlcjpwYXNz"));
        check_basic(&Credential::basic("user", ""), Some("Basic dXNlcjo="));
        check_basic(&Credential::basic("", ""), None);
        check_basic(&Credential::registry_token("t"), Some("Bearer t"));
        check_basic(&Credential::registry_token("t\n"), None);
        check_basic(&Credential::identity_token("t"), None);
    }
}
