//! Lists that come in pages.

use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::response::Parts;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use wharf_transport::{AnsweredBy, RegistryContext, origin};

use crate::Client;
use crate::error::{Error, Operation, Target, Violation};
use crate::wire::with_query;

/// The most bytes that one page may have.
const PAGE_LIMIT: usize = 32 << 20;
/// The most pages that are followed: with pages of 1000 entries, a hundred million of them.
const MAX_PAGES: usize = 100_000;

/// A list as it comes, page by page: a [`Stream`] of the entries of each page, in the registry's order.
///
/// Pages are asked for one after the other, each when the one before was taken, and are found by the `Link` header
/// alone ([distribution-spec](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags)). A
/// page that fails ends the stream with its error; the pages before it are not lost. Costs 1 request a page.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use futures_util::TryStreamExt as _;
/// # let server = wharf_registry::server::Server::bind(wharf_registry::Registry::in_memory(), "127.0.0.1:0").await?;
/// # let client = wharf_remote::Client::new()?;
/// # let repository: wharf_name::Repository = format!("{}/app", server.host()).parse()?;
/// # client.write(&repository.tag("v1")?.into(), &wharf_v1::random::image(1, 1, 16)).await?;
/// let mut pages = client.tags(&repository);
/// while let Some(page) = pages.try_next().await? {
///     for tag in page {
///         println!("{tag}");
///     }
/// }
/// # Ok(()) }
/// ```
pub struct Pages(BoxStream<'static, Result<Vec<String>, Error>>);

impl Pages {
    /// All entries of all pages.
    ///
    /// # Errors
    /// That of the first page that fails.
    pub async fn collect_all(self) -> Result<Vec<String>, Error> {
        self.0.try_concat().await
    }

    /// The entries one by one.
    pub fn entries(self) -> impl Stream<Item = Result<String, Error>> + Send + 'static {
        self.0
            .map_ok(|page| stream::iter(page.into_iter().map(Ok)))
            .try_flatten()
    }

    /// `path` names the list, `parse` reads a page of it.
    pub(super) fn new(
        client: Client,
        context: RegistryContext,
        path: &str,
        operation: Operation,
        target: Target,
        parse: fn(&[u8]) -> serde_json::Result<Vec<String>>,
    ) -> Self {
        let path = match client.settings().page_size {
            Some(entries) => with_query(path, "n", &entries.to_string()),
            None => path.to_owned(),
        };
        let walk = Walk {
            client,
            context,
            operation,
            target,
            parse,
            next: Some(Ok(Next::First(path))),
            seen: HashSet::new(),
        };
        Self(
            stream::try_unfold(walk, |mut walk| async move {
                let page = walk.step().await?;
                Ok(page.map(|page| (page, walk)))
            })
            .boxed(),
        )
    }
}

impl Stream for Pages {
    type Item = Result<Vec<String>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

struct Walk {
    client: Client,
    context: RegistryContext,
    operation: Operation,
    target: Target,
    parse: fn(&[u8]) -> serde_json::Result<Vec<String>>,
    /// The next page. That it cannot be had is said only after the page that leads to it was handed out.
    next: Option<Result<Next, Error>>,
    /// Pages read, to notice when they go round in circles.
    seen: HashSet<Uri>,
}

enum Next {
    First(String),
    Url(Uri),
}

impl Walk {
    async fn step(&mut self) -> Result<Option<Vec<String>>, Error> {
        let Some(next) = self.next.take() else {
            return Ok(None);
        };
        let call = match &next? {
            Next::First(path) => self.client.call(Method::GET, self.context.clone(), path),
            Next::Url(url) => self.client.call_url(Method::GET, self.context.clone(), url),
        };
        let request_failed = |error| Error::request(self.operation, self.target.clone(), error);
        let response = call
            .accepted(&[StatusCode::OK])
            .send()
            .await
            .map_err(request_failed)?;
        let (parts, body) = response.into_parts();
        let body = body.collect(PAGE_LIMIT).await.map_err(request_failed)?;
        let page = (self.parse)(&body).map_err(|source| self.refuse(Violation::NotList { source }))?;
        self.next = self.following(&parts).map(|url| url.map(Next::Url)).transpose();
        Ok(Some(page))
    }

    /// The page after the one that came with `response`.
    fn following(&mut self, response: &Parts) -> Result<Option<Uri>, Error> {
        let Some(AnsweredBy(base)) = response.extensions.get() else {
            return Ok(None);
        };
        self.seen.insert(base.clone());
        let Some(link) = next_link(&response.headers).map_err(|violation| self.refuse(violation))? else {
            return Ok(None);
        };
        let url = origin::resolve_location(base, link)
            .map_err(|error| Error::request(self.operation, self.target.clone(), error))?;
        if !is_same_origin(base, &url) {
            // The next page is asked for with the registry's credentials.
            let url = format!(
                "{}://{}{}",
                url.scheme_str().unwrap_or_default(),
                host(&url),
                url.path()
            );
            return Err(self.refuse(Violation::PageOrigin { url }));
        }
        if self.seen.contains(&url) || self.seen.len() >= MAX_PAGES {
            return Err(self.refuse(Violation::PageLoop));
        }
        Ok(Some(url))
    }

    fn refuse(&self, violation: Violation) -> Error {
        Error::answer(self.operation, self.target.clone(), violation)
    }
}

fn is_same_origin(base: &Uri, url: &Uri) -> bool {
    matches!((origin::Origin::of(base), origin::Origin::of(url)), (Ok(base), Ok(url)) if base == url)
}

fn host(url: &Uri) -> &str {
    url.authority().map_or("", |authority| authority.as_str())
}

/// The target of the link to the next page ([RFC 8288](https://www.rfc-editor.org/rfc/rfc8288)).
///
/// A link without `rel` counts, since there are registries that leave it out.
fn next_link(headers: &HeaderMap) -> Result<Option<&str>, Violation> {
    let invalid = || Violation::InvalidHeader { name: header::LINK };
    for value in headers.get_all(header::LINK) {
        let mut rest = value.to_str().map_err(|_| invalid())?.trim();
        while !rest.is_empty() {
            let (target, after) = rest
                .strip_prefix('<')
                .and_then(|rest| rest.split_once('>'))
                .ok_or_else(invalid)?;
            let end = end_of_link(after);
            if is_next(&after[..end]) {
                return Ok(Some(target).filter(|target| !target.is_empty()));
            }
            rest = after[end..].trim_start_matches([',', ' ', '\t']);
        }
    }
    Ok(None)
}

/// Where the parameters of one link end: at a comma outside of quotes.
fn end_of_link(parameters: &str) -> usize {
    let mut quoted = false;
    for (at, c) in parameters.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => return at,
            _ => {}
        }
    }
    parameters.len()
}

fn is_next(parameters: &str) -> bool {
    for parameter in parameters.split(';') {
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        if name.trim().eq_ignore_ascii_case("rel") {
            let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
            return relations.any(|relation| relation.eq_ignore_ascii_case("next"));
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, want: Result<Option<&str>, ()>) {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::LINK,
            header::HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        );
        assert_eq!(next_link(&headers).map_err(|_| ()), want, "{value}");
    }

    #[test]
    fn links() {
        check(
            r#"</v2/a/tags/list?n=2&last=b>; rel="next""#,
            Ok(Some("/v2/a/tags/list?n=2&last=b")),
        );
        check("</v2/a/tags/list?n=2>", Ok(Some("/v2/a/tags/list?n=2")));
        check("<https://r.example/x>;REL=Next", Ok(Some("https://r.example/x")));
        check("<a>; rel=prev", Ok(None));
        check(
            r#"<a>; rel="prev", <b>; title="x, y"; rel="last next""#,
            Ok(Some("b")),
        );
        check("", Ok(None));
        check("<>", Ok(None));
        check("<", Err(()));
        check("><", Err(()));
        check("a", Err(()));
        check("<ä>", Err(()));
    }
}
