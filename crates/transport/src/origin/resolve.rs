//! Judging the URLs that servers choose: redirect targets, upload locations, page links, realms.

use std::fmt;

use http::Uri;

use crate::{Error, RedactedUrl};

use super::{Origin, Reach};

/// The absolute URL that a server means by `location`, as an answer to a request to `base`.
///
/// This is the one judge of the URLs that servers choose, used for redirects and meant for every `Location` and `Link`
/// of a response. It resolves relative forms and keeps path and query byte for byte, since they may be signed. What it
/// lets pass is safe to *request*; whether a secret may go along is decided by comparing [`Origin`]s, never here.
///
/// | `location` | result |
/// |---|---|
/// | relative, or of the origin of `base` | allowed, wherever `base` is |
/// | `http` where `base` is `https`, same host, and the same or no port | rewritten to the origin of `base`: TLS ends in front of the registry |
/// | `http` where `base` is `https`, otherwise | refused |
/// | neither `http` nor `https`, or with user info or a fragment | refused |
/// | among those that the user `trusted` | allowed, wherever it is |
/// | host is loopback, private, link-local or special by its text, in whatever spelling | refused, unless `base` is at least as far inside |
/// | link-local and metadata addresses | refused, unless of the origin of `base` |
///
/// [`Transport::resolve_location`](crate::Transport::resolve_location) is this with the trust of a registry's settings.
///
/// ```
/// use wharf_transport::origin::resolve_location;
///
/// let base = "https://registry.example.com/v2/app/blobs/uploads/".parse()?;
/// assert_eq!(resolve_location(&base, "7?state=a%2Fb", &[])?, "https://registry.example.com/v2/app/blobs/uploads/7?state=a%2Fb");
/// assert_eq!(resolve_location(&base, "http://registry.example.com/7", &[])?, "https://registry.example.com/7");
/// assert!(resolve_location(&base, "https://169.254.169.254/latest/", &[]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::UnsafeUrl`] with the reason.
pub fn resolve_location(base: &Uri, location: &str, trusted: &[Origin]) -> Result<Uri, Error> {
    resolve(base, location, Site::Location, trusted).map_err(|error| Error::UnsafeUrl(Box::new(error)))
}

/// The URL of the token server that a registry names in its challenge.
///
/// `registry` is the origin that the challenge came from. The rules are those of [`resolve_location`], but stricter,
/// because credentials go there: a realm is absolute, and a private or loopback address is refused unless it is the
/// origin of the registry itself or among those that the user `trusted`.
///
/// # Errors
/// [`Error::UnsafeUrl`] with the reason.
pub fn resolve_realm(registry: &Origin, realm: &str, trusted: &[Origin]) -> Result<Uri, Error> {
    judge(registry, realm, Site::Realm, trusted).map_err(|error| Error::UnsafeUrl(Box::new(error)))
}

/// A URL that a descriptor names as another place to download its content from.
///
/// The rules are those of [`resolve_realm`]: whoever wrote the manifest is not the registry, and need not be trusted by
/// anybody inside the network that it is read from.
///
/// # Errors
/// [`Error::UnsafeUrl`] with the reason.
pub fn resolve_download(registry: &Origin, url: &str, trusted: &[Origin]) -> Result<Uri, Error> {
    judge(registry, url, Site::Download, trusted).map_err(|error| Error::UnsafeUrl(Box::new(error)))
}

fn judge(registry: &Origin, text: &str, site: Site, trusted: &[Origin]) -> Result<Uri, UnsafeUrl> {
    let url = parse(text, site)?;
    let target = Origin::of(&url).map_err(|error| error.at(site))?;
    let refuse = |reason| Err(UnsafeUrl::new(&url, site, reason));
    if registry.is_secure() && !target.is_secure() {
        return refuse(UnsafeUrlReason::Downgrade);
    }
    if target != *registry && target.reach() != Reach::Public && !trusted.contains(&target) {
        return refuse(UnsafeUrlReason::Inside);
    }
    rebuild(&url, &target.to_string(), site)
}

/// `trusted` are targets that may be anywhere.
pub(crate) fn resolve(base: &Uri, location: &str, site: Site, trusted: &[Origin]) -> Result<Uri, UnsafeUrl> {
    let origin = Origin::of(base)?;
    let url = if has_scheme(location) {
        parse(location, site)?
    } else if let Some(rest) = location.strip_prefix("//") {
        let scheme = if origin.is_secure() { "https" } else { "http" };
        parse(&format!("{scheme}://{rest}"), site)?
    } else {
        parse(&format!("{origin}{}", join(base, location)), site)?
    };
    let mut target = Origin::of(&url).map_err(|error| error.at(site))?;
    if origin.is_secure() && !target.is_secure() {
        let named_port = url.port_u16();
        if target.host() != origin.host()
            || named_port.is_some_and(|port| port != origin.port() && port != 80)
        {
            return Err(UnsafeUrl::new(&url, site, UnsafeUrlReason::Downgrade));
        }
        target = origin.clone();
    }
    if target != origin && !trusted.contains(&target) && !may_lead(origin.reach(), target.reach()) {
        return Err(UnsafeUrl::new(&url, site, UnsafeUrlReason::Inside));
    }
    rebuild(&url, &target.to_string(), site)
}

/// Whether a server at `from` may point to another origin at `to`: outwards, or within its own kind of network.
pub(crate) fn may_lead(from: Reach, to: Reach) -> bool {
    match to {
        Reach::Public => true,
        Reach::Private => matches!(from, Reach::Private | Reach::Loopback),
        Reach::Loopback => from == Reach::Loopback,
        Reach::Infrastructure => false,
    }
}

fn has_scheme(location: &str) -> bool {
    location.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    })
}

fn parse(text: &str, site: Site) -> Result<Uri, UnsafeUrl> {
    let refuse = |reason| UnsafeUrl {
        url: RedactedUrl::of_text(text),
        site,
        reason,
    };
    if text.contains('#') {
        return Err(refuse(UnsafeUrlReason::Fragment));
    }
    let url: Uri = text.parse().map_err(|_| refuse(UnsafeUrlReason::Malformed))?;
    match url.authority() {
        None => Err(refuse(UnsafeUrlReason::Scheme)),
        Some(authority) if authority.as_str().contains('@') => Err(refuse(UnsafeUrlReason::UserInfo)),
        Some(_) => Ok(url),
    }
}

/// `url` at `origin`: the host is then spelt as it was judged.
fn rebuild(url: &Uri, origin: &str, site: Site) -> Result<Uri, UnsafeUrl> {
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let slash = if path.starts_with('/') { "" } else { "/" };
    format!("{origin}{slash}{path}")
        .parse()
        .map_err(|_| UnsafeUrl::new(url, site, UnsafeUrlReason::Malformed))
}

/// Path and query of a relative reference, resolved as in RFC 3986, section 5.2.
fn join(base: &Uri, location: &str) -> String {
    let base_path = base.path();
    let (path, query) = match location.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (location, None),
    };
    let (path, query) = if path.is_empty() {
        (base_path.to_owned(), query.or_else(|| base.query()))
    } else if path.starts_with('/') {
        (remove_dots(path), query)
    } else {
        let folder = base_path.rfind('/').map_or("/", |end| &base_path[..=end]);
        (remove_dots(&format!("{folder}{path}")), query)
    };
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

fn remove_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.trim_start_matches('/').split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

/// A URL that will not be requested.
#[derive(Debug, thiserror::Error)]
#[error("refusing {site} {url}: {reason}")]
#[non_exhaustive]
pub struct UnsafeUrl {
    /// The URL.
    pub url: RedactedUrl,
    /// Where it comes from.
    pub site: Site,
    /// What is wrong with it.
    pub reason: UnsafeUrlReason,
}

impl UnsafeUrl {
    pub(crate) fn new(url: &Uri, site: Site, reason: UnsafeUrlReason) -> Self {
        Self {
            url: RedactedUrl::from(url),
            site,
            reason,
        }
    }

    fn at(self, site: Site) -> Self {
        Self { site, ..self }
    }
}

/// Where a URL comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Site {
    /// The request as it was made.
    Request,
    /// A redirect.
    Redirect,
    /// A `Location` or `Link` that the caller follows.
    Location,
    /// The realm of a challenge.
    Realm,
    /// Another place that a descriptor names for its content.
    Download,
    /// The address that a name in one of these resolved to.
    Address,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request to",
            Self::Redirect => "redirect to",
            Self::Location => "location",
            Self::Realm => "token server",
            Self::Download => "download from",
            Self::Address => "to connect to",
        })
    }
}

/// Why a URL will not be requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsafeUrlReason {
    /// It is no URL.
    #[error("it is not a valid URL")]
    Malformed,
    /// Its scheme is neither `http` nor `https`, or it has none where it must.
    #[error("the scheme must be http or https")]
    Scheme,
    /// Its host is no valid name or address, or its port no valid port.
    #[error("the host is not valid")]
    Host,
    /// It has a user name or password.
    #[error("it has user information")]
    UserInfo,
    /// It has a fragment.
    #[error("it has a fragment")]
    Fragment,
    /// It leads from `https` to `http`.
    #[error("it leads from https to http")]
    Downgrade,
    /// It leads to this machine, a private network or infrastructure.
    #[error("it leads to a private, loopback or link-local address")]
    Inside,
    /// It would take a secret to a site that the secret is not for.
    #[error("the stored identity token is not for that site")]
    ForeignSite,
}
