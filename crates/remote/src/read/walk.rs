//! Going from page to page.

use http::response::Parts;
use http::{Method, StatusCode, Uri, header};
use wharf_transport::RegistryContext;

use crate::Client;
use crate::error::{Error, Operation, Target, Violation};
use crate::read::links::{Links, Unfollowed};
use crate::wire::with_query;

/// The most bytes that one page may have.
const PAGE_LIMIT: usize = 32 << 20;

/// What is listed.
pub(super) struct List {
    pub(super) context: RegistryContext,
    pub(super) operation: Operation,
    pub(super) target: Target,
    /// Below the root of the API, without a query.
    pub(super) path: String,
    /// The entry after which the list begins; `None` for all of it.
    pub(super) after: Option<String>,
    pub(super) parse: fn(&[u8]) -> serde_json::Result<Vec<String>>,
}

/// A walk through the pages of a list.
pub(super) struct Walk {
    client: Client,
    list: List,
    /// The next page. That it cannot be had is said only after the page that leads to it was handed out.
    next: Option<Result<Next, Error>>,
    /// Pages read, to notice when they go round in circles.
    links: Links,
}

enum Next {
    /// The first one, after this entry if the whole list is not wanted.
    First(Option<String>),
    /// Where a link leads.
    Link(Uri),
    /// What comes after this entry, where a link should be but is not.
    After(String),
}

impl Walk {
    pub(super) fn new(client: Client, list: List) -> Self {
        let first = Next::First(list.after.clone());
        Self {
            client,
            list,
            next: Some(Ok(first)),
            links: Links::default(),
        }
    }

    /// The entries of the next page.
    pub(super) async fn step(&mut self) -> Result<Option<Vec<String>>, Error> {
        let Some(next) = self.next.take().transpose()? else {
            return Ok(None);
        };
        let context = self.list.context.clone();
        let call = match &next {
            Next::First(last) => self
                .client
                .call(Method::GET, context, &self.path(last.as_deref())),
            Next::After(last) => self.client.call(Method::GET, context, &self.path(Some(last))),
            Next::Link(url) => self.client.call_url(Method::GET, context, url),
        };
        let (parts, body) = call
            .accepted(&[StatusCode::OK])
            .read(PAGE_LIMIT)
            .await
            .map_err(|error| self.failed(error))?;
        let mut page =
            (self.list.parse)(&body).map_err(|source| self.refuse(Violation::NotList { source }))?;
        if matches!(&next, Next::After(last) if page.contains(last)) {
            // A registry that does not know what `last` means has no further pages either.
            return Ok(None);
        }
        self.next = self.following(&parts, &page).transpose();
        if let Next::First(Some(last)) = &next
            && let Some(at) = page.iter().position(|entry| entry == last)
        {
            page.drain(..=at);
        }
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
        let registry = &self.list.context.registry;
        let link = match self.links.next(&self.client, registry, response) {
            Ok(link) => link,
            Err(Unfollowed::Refused(error)) => return Err(self.failed(error)),
            Err(Unfollowed::Violation(violation)) => return Err(self.refuse(violation)),
        };
        if response.headers.contains_key(header::LINK) {
            return Ok(link.map(Next::Link));
        }
        let page_size = self.client.settings().page_size;
        let full = page_size.is_some_and(|entries| page.len() == entries as usize);
        Ok(page.last().filter(|_| full).cloned().map(Next::After))
    }

    fn failed(&self, error: wharf_transport::Error) -> Error {
        Error::request(self.list.operation, self.list.target.clone(), error)
    }

    fn refuse(&self, violation: Violation) -> Error {
        Error::answer(self.list.operation, self.list.target.clone(), violation)
    }
}
