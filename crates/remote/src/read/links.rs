//! Following links to the next page.

use std::collections::HashSet;

use http::response::Parts;
use http::{Uri, header};
use wharf_name::Registry;
use wharf_transport::origin::Origin;
use wharf_transport::{AnsweredBy, next_link};

use crate::Client;
use crate::error::Violation;

/// The most pages that are followed: with pages of 1000 entries, a hundred million of them.
const MAX_PAGES: usize = 100_000;

/// The links of one list, which must neither leave the registry nor go round in circles.
#[derive(Default)]
pub(super) struct Links {
    seen: HashSet<Uri>,
}

/// Why a link is not followed.
pub(super) enum Unfollowed {
    /// It may not be.
    Refused(wharf_transport::Error),
    /// It makes no sense.
    Violation(Violation),
}

impl Links {
    /// Where the next page is, if this answer says so.
    pub(super) fn next(
        &mut self,
        client: &Client,
        registry: &Registry,
        response: &Parts,
    ) -> Result<Option<Uri>, Unfollowed> {
        let Some(AnsweredBy(base)) = response.extensions.get() else {
            return Ok(None);
        };
        self.seen.insert(base.clone());
        if self.seen.len() >= MAX_PAGES {
            return Err(Unfollowed::Violation(Violation::PageLoop));
        }
        let invalid = |_| Unfollowed::Violation(Violation::InvalidHeader { name: header::LINK });
        let Some(link) = next_link(&response.headers).map_err(invalid)? else {
            return Ok(None);
        };
        let judged = client.transport().resolve_location(registry, base, link);
        let url = judged.map_err(Unfollowed::Refused)?;
        if !is_same_origin(base, &url) {
            let (scheme, host) = (
                url.scheme_str().unwrap_or_default(),
                url.host().unwrap_or_default(),
            );
            let url = format!("{scheme}://{host}{}", url.path());
            return Err(Unfollowed::Violation(Violation::PageOrigin { url }));
        }
        if self.seen.contains(&url) {
            return Err(Unfollowed::Violation(Violation::PageLoop));
        }
        Ok(Some(url))
    }
}

fn is_same_origin(base: &Uri, url: &Uri) -> bool {
    matches!((Origin::of(base), Origin::of(url)), (Ok(base), Ok(url)) if base == url)
}
