//! The endpoints of the API, a file each.

mod base;
mod blob;
mod call;
mod catalog;
mod listing;
mod manifest;
mod put_manifest;
mod referrers;
mod respond;
mod tags;
mod upload;
mod uploads;

use std::sync::Arc;

use http::request::Parts;
use http::{Method, Response};

use crate::body::Body;
use crate::hook::Feature;
use crate::incoming::Incoming;
use crate::options::Access;
use crate::problem::{Code, Problem};
use crate::registry::Inner;
use crate::route::Route;

use call::Call;

/// Finds the endpoint that a request is for, makes sure that the caller may use it, and answers.
pub(crate) async fn dispatch(
    inner: &Arc<Inner>,
    parts: &Parts,
    incoming: &Incoming,
) -> Result<Response<Body>, Problem> {
    if let Some(authentication) = &inner.authentication
        && let Some(response) = authentication.token_endpoint(parts, incoming).await
    {
        return response;
    }
    let route = Route::parse(parts.uri.path());
    let caller = match &inner.authentication {
        Some(authentication) => {
            let need = route.as_ref().ok().and_then(|route| route.needs(&parts.method));
            authentication.admit(parts, need).await?
        }
        None => crate::auth::Caller::anybody(),
    };
    let route = route?;
    if inner.options.access == Access::ReadOnly && ![Method::GET, Method::HEAD].contains(&parts.method) {
        return Err(Problem::new(Code::Unsupported, "this registry is read-only"));
    }
    let call = Call::new(inner, parts, incoming, caller);
    match route {
        Route::Base => base::serve(&call),
        Route::Catalog => catalog::serve(&call).await,
        Route::Blob(repository, digest) => blob::serve(&call, &repository, &digest).await,
        Route::Uploads(repository) => uploads::serve(&call, &repository).await,
        Route::Upload(repository, id) => upload::serve(&call, &repository, &id).await,
        Route::Manifest(repository, identifier) => manifest::serve(&call, &repository, &identifier).await,
        Route::NoManifest(repository, text) => manifest::serve_none(&call, &repository, &text),
        Route::Tags(repository) => tags::serve(&call, &repository).await,
        Route::Referrers(repository, subject) if call.has(Feature::Referrers) => {
            referrers::serve(&call, &repository, &subject).await
        }
        Route::Referrers(..) => {
            Err(Problem::new(Code::Unsupported, "no referrers here").with_status(http::StatusCode::NOT_FOUND))
        }
    }
}
