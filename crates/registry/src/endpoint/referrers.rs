//! `/v2/<name>/referrers/<digest>`: [listing referrers](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers).

use http::header::HeaderName;
use http::{Method, Response};
use oci_spec::image::Digest;
use serde::Serialize;

use crate::body::Body;
use crate::hook::Feature;
use crate::name::RepositoryName;
use crate::problem::Problem;
use crate::store::Referrer;

use super::call::Call;
use super::listing;
use super::respond::Reply;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// Clients read a list like a manifest, so a page is no larger than they must be ready for, unless one
/// entry alone is.
const PAGE_BYTES: usize = 4 << 20;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u32,
    media_type: &'static str,
    manifests: &'a [Referrer],
}

pub(super) async fn serve(
    call: &Call<'_>,
    repository: &RepositoryName,
    subject: &Digest,
) -> Result<Response<Body>, Problem> {
    if ![Method::GET, Method::HEAD].contains(call.method()) {
        return Err(Problem::method("GET, HEAD"));
    }
    let page = listing::page(call)?;
    let wanted = call
        .query
        .get("artifactType")
        // Nothing is of the empty type: a client that sends it has no type to ask for.
        .filter(|wanted| !wanted.is_empty() && call.has(Feature::ReferrersFilter));
    let referrers = call.store().referrers(repository, subject).await?;
    let matching = referrers
        .into_iter()
        .filter(|referrer| wanted.is_none_or(|wanted| referrer.artifact_type.as_deref() == Some(wanted)));
    let mut listing = page.cut(matching, |referrer| referrer.digest.as_ref());
    let fitting = fitting(&listing.entries);
    listing.more |= fitting < listing.entries.len();
    listing.entries.truncate(fitting);

    let index = Index {
        schema_version: 2,
        media_type: INDEX,
        manifests: &listing.entries,
    };
    let mut reply = Reply::json(call, INDEX, &index);
    if wanted.is_some() {
        reply = reply.text(FILTERS_APPLIED, "artifactType");
    }
    Ok(match listing.entries.last() {
        Some(last) if listing.more => {
            let limit = page.limit.to_string();
            let mut parameters = vec![("n", &*limit), ("last", last.digest.as_ref())];
            parameters.extend(wanted.map(|wanted| ("artifactType", wanted)));
            reply
                .next(&format!("/v2/{repository}/referrers/{subject}"), &parameters)
                .done()
        }
        _ => reply.done(),
    })
}

/// How many of the entries go on a page; at least one, if there is one.
fn fitting(entries: &[Referrer]) -> usize {
    let mut room = PAGE_BYTES;
    let fits = entries.iter().take_while(|entry| {
        let annotations = entry
            .annotations
            .iter()
            .map(|(name, value)| name.len() + value.len() + 16);
        let size = 512 + entry.artifact_type.as_deref().map_or(0, str::len) + annotations.sum::<usize>();
        room.checked_sub(size).is_some_and(|rest| {
            room = rest;
            true
        })
    });
    fits.count().max(1).min(entries.len())
}
