//! Going from page to page.

use std::collections::HashSet;

use http::response::Parts;
use http::{Method, StatusCode, Uri, header};
use wharf_transport::origin::Origin;
use wharf_transport::{AnsweredBy, RegistryContext, next_link};

use crate::Client;
use crate::error::{Error, Operation, Target, Violation};
use crate::wire::with_query;

/// The most bytes that one page may have.
const PAGE_LIMIT: usize = 32 << 20;
/// The most pages that are followed: with pages of 1000 entries, a hundred million of them.
const MAX_PAGES: usize = 100_000;

/// What is listed.
pub(super) struct List {
    pub(super) context: RegistryContext,
    pub(super) operation: Operation,
    pub(super) target: Target,
    /// Below the root of the API, without a query.
    pub(super) path: String,
    pub(super) parse: fn(&[u8]) -> serde_json::Result<Vec<String>>,
}

/// A walk through the pages of a list.
pub(super) struct Walk {
    client: Client,
    list: List,
    /// The next page. That it cannot be had is said only after the page that leads to it was handed out.
    next: Option<Result<Next, Error>>,
    /// Pages read, to notice when they go round in circles.
    seen: HashSet<Uri>,
}

enum Next {
    First,
    /// Where a link leads.
    Link(Uri),
    /// What comes after this entry, where a link should be but is not.
    After(String),
}

impl Walk {
    pub(super) fn new(client: Client, list: List) -> Self {
        Self {
            client,
            list,
            next: Some(Ok(Next::First)),
            seen: HashSet::new(),
        }
    }

    /// The entries of the next page.
    pub(super) async fn step(&mut self) -> Result<Option<Vec<String>>, Error> {
        let Some(next) = self.next.take().transpose()? else {
            return Ok(None);
        };
        let context = self.list.context.clone();
        let call = match &next {
            Next::First => self.client.call(Method::GET, context, &self.path(None)),
            Next::After(last) => self.client.call(Method::GET, context, &self.path(Some(last))),
            Next::Link(url) => self.client.call_url(Method::GET, context, url),
        };
        let response = call
            .accepted(&[StatusCode::OK])
            .send()
            .await
            .map_err(|error| self.failed(error))?;
        let (parts, body) = response.into_parts();
        let body = body
            .collect(PAGE_LIMIT)
            .await
            .map_err(|error| self.failed(error))?;
        let page = (self.list.parse)(&body).map_err(|source| self.refuse(Violation::NotList { source }))?;
        if matches!(&next, Next::After(last) if page.contains(last)) {
            // A registry that does not know what `last` means has no further pages either.
            return Ok(None);
        }
        self.next = self.following(&parts, &page).transpose();
        Ok(Some(page))
    }

    fn path(&self, last: Option<&str>) -> String {
        let mut path = self.list.path.clone();
        if let Some(entries) = self.client.settings().page_size {
            path = with_query(&path, "n", &entries.to_string());
        }
        if let Some(last) = last {
            path = with_query(&path, "last", last);
        }
        path
    }

    /// What comes after a page.
    fn following(&mut self, response: &Parts, page: &[String]) -> Result<Option<Next>, Error> {
        let Some(AnsweredBy(base)) = response.extensions.get() else {
            return Ok(None);
        };
        self.seen.insert(base.clone());
        if self.seen.len() >= MAX_PAGES {
            return Err(self.refuse(Violation::PageLoop));
        }
        if !response.headers.contains_key(header::LINK) {
            let full = self
                .client
                .settings()
                .page_size
                .is_some_and(|entries| page.len() == entries as usize);
            return Ok(page.last().filter(|_| full).cloned().map(Next::After));
        }
        let invalid = |_| self.refuse(Violation::InvalidHeader { name: header::LINK });
        let Some(link) = next_link(&response.headers).map_err(invalid)? else {
            return Ok(None);
        };
        let registry = &self.list.context.registry;
        let judged = self.client.transport().resolve_location(registry, base, link);
        let url = judged.map_err(|error| self.failed(error))?;
        if !is_same_origin(base, &url) {
            let (scheme, host) = (
                url.scheme_str().unwrap_or_default(),
                url.host().unwrap_or_default(),
            );
            let url = format!("{scheme}://{host}{}", url.path());
            return Err(self.refuse(Violation::PageOrigin { url }));
        }
        if self.seen.contains(&url) {
            return Err(self.refuse(Violation::PageLoop));
        }
        Ok(Some(Next::Link(url)))
    }

    fn failed(&self, error: wharf_transport::Error) -> Error {
        Error::request(self.list.operation, self.list.target.clone(), error)
    }

    fn refuse(&self, violation: Violation) -> Error {
        Error::answer(self.list.operation, self.list.target.clone(), violation)
    }
}

fn is_same_origin(base: &Uri, url: &Uri) -> bool {
    matches!((Origin::of(base), Origin::of(url)), (Ok(base), Ok(url)) if base == url)
}
