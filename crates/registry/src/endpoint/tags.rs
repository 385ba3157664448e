//! `/v2/<name>/tags/list`: [listing tags](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags).

use http::{Method, Response};
use serde::Serialize;

use crate::body::Body;
use crate::name::{RepositoryName, TagName};
use crate::problem::Problem;

use super::call::Call;
use super::listing;
use super::respond::Reply;

#[derive(Serialize)]
struct Tags<'a> {
    name: &'a str,
    tags: Vec<&'a str>,
}

pub(super) async fn serve(call: &Call<'_>, repository: &RepositoryName) -> Result<Response<Body>, Problem> {
    if ![Method::GET, Method::HEAD].contains(call.method()) {
        return Err(Problem::method("GET, HEAD"));
    }
    let page = listing::page(call)?;
    let listing = call.store().tags(repository, &page).await?;
    let tags = listing.entries.iter().map(TagName::as_str).collect();
    let reply = Reply::json(
        call,
        "application/json",
        &Tags {
            name: repository.as_str(),
            tags,
        },
    );
    Ok(match listing.entries.last() {
        Some(last) if listing.more => {
            let path = format!("/v2/{repository}/tags/list");
            reply
                .next(&path, &[("n", &page.limit.to_string()), ("last", last.as_str())])
                .done()
        }
        _ => reply.done(),
    })
}
