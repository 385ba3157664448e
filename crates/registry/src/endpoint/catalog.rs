//! `/v2/_catalog`: the repositories. The specification does not have it; every registry has, since Docker's.

use http::{Method, Response};
use serde::Serialize;

use crate::body::Body;
use crate::name::RepositoryName;
use crate::problem::Problem;

use super::call::Call;
use super::listing;
use super::respond::Reply;

#[derive(Serialize)]
struct Catalog<'a> {
    repositories: Vec<&'a str>,
}

pub(super) async fn serve(call: &Call<'_>) -> Result<Response<Body>, Problem> {
    if ![Method::GET, Method::HEAD].contains(call.method()) {
        return Err(Problem::method("GET, HEAD"));
    }
    let page = listing::page(call)?;
    let listing = call.store().repositories(&page).await?;
    let repositories = listing.entries.iter().map(RepositoryName::as_str).collect();
    let reply = Reply::json(call, "application/json", &Catalog { repositories });
    Ok(match listing.entries.last() {
        Some(last) if listing.more => reply
            .next(
                "/v2/_catalog",
                &[("n", &page.limit.to_string()), ("last", last.as_str())],
            )
            .done(),
        _ => reply.done(),
    })
}
