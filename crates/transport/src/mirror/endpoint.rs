use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;
use wharf_name::{Registry, Scheme};

use crate::settings::{PlainHttp, TlsSettings};

use super::location::{self, InvalidLocation, LocationProblem, invalid};

/// A server that has what a [`Rule`](super::Rule) is for: where, for which requests, and how it is reached.
///
/// Parsed from `host[:port][/path]`, where `path` takes the place of the prefix of the rule.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(super) location: Location,
    pub(super) capabilities: Capabilities,
    pub(super) headers: HeaderMap,
    pub(super) reached: Reached,
    pub(super) names_namespace: bool,
}

/// How an endpoint is reached, as far as that is its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) plain_http: Option<PlainHttp>,
    pub(super) tls: Option<TlsSettings>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// The registry of the request, under the same name.
    AsAsked,
    At {
        registry: Registry,
        /// The path of the API, without a `/` at its end.
        root: String,
        /// What takes the place of the rule's prefix.
        path: String,
    },
}

/// What an [`Endpoint`] is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Manifests by digest, and blobs. Default: yes.
    pub pull: bool,
    /// Manifests by tag. Default: yes.
    pub resolve: bool,
    /// Writes. Of no effect for mirrors, which never get any: what is written has to be where all others look for it.
    /// Default: yes.
    pub push: bool,
    /// Whether manifests by digest are asked for only where the registry itself did not answer, as `tag-only` in
    /// `registries.conf`. Default: no.
    pub digests_last: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            pull: true,
            resolve: true,
            push: true,
            digests_last: false,
        }
    }
}

impl Capabilities {
    /// Nothing: what is left out in a list of capabilities.
    #[must_use]
    pub fn none() -> Self {
        Self {
            pull: false,
            resolve: false,
            push: false,
            digests_last: false,
        }
    }

    /// Sets [`pull`](Self::pull).
    #[must_use]
    pub fn with_pull(mut self, pull: bool) -> Self {
        self.pull = pull;
        self
    }

    /// Sets [`resolve`](Self::resolve).
    #[must_use]
    pub fn with_resolve(mut self, resolve: bool) -> Self {
        self.resolve = resolve;
        self
    }

    /// Sets [`digests_last`](Self::digests_last).
    #[must_use]
    pub fn with_digests_last(mut self, digests_last: bool) -> Self {
        self.digests_last = digests_last;
        self
    }

    /// Sets [`push`](Self::push).
    #[must_use]
    pub fn with_push(mut self, push: bool) -> Self {
        self.push = push;
        self
    }
}

/// What the path of an endpoint's URL is, as `override_path` in containerd's `hosts.toml`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RootPath {
    /// What is before the `/v2` of the API.
    #[default]
    BeforeV2,
    /// What takes the place of `/v2`. A `/v2/path` is the API with `path` before all names.
    InPlaceOfV2,
}

impl Endpoint {
    /// The registry that is asked for, under its own name.
    #[must_use]
    pub fn as_asked() -> Self {
        Self::at(Location::AsAsked)
    }

    /// The server of a URL. Without a scheme it is `https`; `http` means without TLS.
    ///
    /// # Errors
    /// [`InvalidLocation`] when it is no such URL, or no repository could be there.
    pub fn from_url(text: &str, root_path: RootPath) -> Result<Self, InvalidLocation> {
        let has_scheme = text.contains("://");
        let whole = if has_scheme {
            text.to_owned()
        } else {
            format!("https://{text}")
        };
        let url = Url::parse(&whole).map_err(|_| invalid(text, LocationProblem::NotAUrl))?;
        let refuse = |reason| invalid(text, reason);
        let default_port = match url.scheme() {
            "https" => 443,
            "http" => 80,
            _ => return Err(refuse(LocationProblem::NotAUrl)),
        };
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(refuse(LocationProblem::Extras));
        }
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or_else(|| refuse(LocationProblem::Empty))?;
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            // As a registry it would be ambiguous.
            None if !host.contains(['.', ':']) && host != "localhost" => format!("{host}:{default_port}"),
            None => host.to_owned(),
        };
        let registry = location::registry(&host).map_err(refuse)?;
        let (root, path) = split_root(url.path(), root_path);
        location::check_path(&registry, &path).map_err(refuse)?;
        let plain_http = match (url.scheme(), registry.scheme()) {
            ("http", _) => Some(PlainHttp::Only),
            // What is written out is meant, also where the name alone would allow more.
            ("https", Scheme::Http) if has_scheme => Some(PlainHttp::Never),
            _ => None,
        };
        let mut endpoint = Self::at(Location::At { registry, root, path });
        endpoint.reached.plain_http = plain_http;
        Ok(endpoint)
    }

    fn at(location: Location) -> Self {
        Self {
            location,
            capabilities: Capabilities::default(),
            headers: HeaderMap::new(),
            reached: Reached::default(),
            names_namespace: false,
        }
    }

    /// Sets what it is asked for. Default: everything.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Adds a header to the requests that it gets. Redirects do not carry it to other servers.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        // It may be a secret, which is then in nobody's `Debug`.
        value.set_sensitive(true);
        self.headers.append(name, value);
        self
    }

    /// Sets whether it may be spoken to without TLS. Default: as for any registry.
    ///
    /// As [`with_tls`](Self::with_tls), this is used for whatever the same transport requests at this host and port,
    /// unless [`TransportBuilder::registry_settings`](crate::TransportBuilder::registry_settings) are there for it.
    #[must_use]
    pub fn with_plain_http(mut self, plain_http: PlainHttp) -> Self {
        self.reached.plain_http = Some(plain_http);
        self
    }

    /// Adds authorities, a client certificate and the like to those for all registries.
    #[must_use]
    pub fn with_tls(mut self, tls: TlsSettings) -> Self {
        self.reached.tls = Some(tls);
        self
    }

    /// Names the registry that is asked for in the query of requests (`ns=docker.io`), as containerd does it: mirrors
    /// of several registries know by it which one is meant.
    #[must_use]
    pub fn with_namespace_query(mut self) -> Self {
        self.names_namespace = true;
        self
    }

    /// The server; `None` for one that is [as asked](Self::as_asked).
    #[must_use]
    pub fn registry(&self) -> Option<&Registry> {
        match &self.location {
            Location::AsAsked => None,
            Location::At { registry, .. } => Some(registry),
        }
    }

    /// What it is asked for.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Whether it may be spoken to without TLS, if that was set, by itself or in a URL.
    #[must_use]
    pub fn plain_http(&self) -> Option<PlainHttp> {
        self.reached.plain_http
    }

    /// Its settings for TLS, if there are any of its own.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsSettings> {
        self.reached.tls.as_ref()
    }

    /// The headers that it gets; all are marked as sensitive.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

impl FromStr for Endpoint {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        let (registry, path) = location::parse(text)?;
        Ok(Self::at(Location::At {
            registry,
            root: "/v2".to_owned(),
            path,
        }))
    }
}

/// The root of the API, and what is before all names in it.
fn split_root(path: &str, root_path: RootPath) -> (String, String) {
    let path = path.trim_end_matches('/');
    match root_path {
        RootPath::BeforeV2 if path.ends_with("/v2") => (path.to_owned(), String::new()),
        RootPath::BeforeV2 => (format!("{path}/v2"), String::new()),
        RootPath::InPlaceOfV2 => match path.strip_prefix("/v2/") {
            Some(names) => ("/v2".to_owned(), names.to_owned()),
            None => (path.to_owned(), String::new()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, root_path: RootPath, want: (&str, &str, &str), plain: Option<PlainHttp>) {
        let endpoint = Endpoint::from_url(url, root_path).expect("a URL");
        let Location::At { registry, root, path } = &endpoint.location else {
            panic!("{url} is somewhere");
        };
        assert_eq!((registry.as_str(), root.as_str(), path.as_str()), want, "{url}");
        assert_eq!(endpoint.plain_http(), plain, "{url}");
    }

    #[test]
    fn urls() {
        use RootPath::{BeforeV2, InPlaceOfV2};
        check("https://m.example", BeforeV2, ("m.example", "/v2", ""), None);
        check("https://m.example/", BeforeV2, ("m.example", "/v2", ""), None);
        check(
            "https://m.example:443/v2/",
            BeforeV2,
            ("m.example", "/v2", ""),
            None,
        );
        check("https://m.example/a", BeforeV2, ("m.example", "/a/v2", ""), None);
        check(
            "https://m.example/a/v2",
            BeforeV2,
            ("m.example", "/a/v2", ""),
            None,
        );
        check(
            "https://m.example/v2/a",
            BeforeV2,
            ("m.example", "/v2/a/v2", ""),
            None,
        );
        check(
            "https://m.example/v2/a",
            InPlaceOfV2,
            ("m.example", "/v2", "a"),
            None,
        );
        check("https://m.example/a", InPlaceOfV2, ("m.example", "/a", ""), None);
        check("https://m.example", InPlaceOfV2, ("m.example", "", ""), None);
        check("m.example:5000", BeforeV2, ("m.example:5000", "/v2", ""), None);
        check("https://mirror", BeforeV2, ("mirror:443", "/v2", ""), None);
        let only = Some(PlainHttp::Only);
        check("http://mirror", BeforeV2, ("mirror:80", "/v2", ""), only);
        check(
            "http://m.example:5000",
            BeforeV2,
            ("m.example:5000", "/v2", ""),
            only,
        );
        check(
            "https://localhost:5000",
            BeforeV2,
            ("localhost:5000", "/v2", ""),
            Some(PlainHttp::Never),
        );
        check("localhost:5000", BeforeV2, ("localhost:5000", "/v2", ""), None);
        check(
            "https://docker.io",
            BeforeV2,
            ("index.docker.io", "/v2", ""),
            None,
        );
    }

    #[test]
    fn refused() {
        for url in [
            "",
            "https://",
            "ftp://m.example",
            "https://m.example/?a=b",
            "https://m.example/#a",
            "https://[::1",
            "unix:///run/x",
        ] {
            assert!(Endpoint::from_url(url, RootPath::BeforeV2).is_err(), "{url}");
        }
        let error = Endpoint::from_url("https://alice:secret@m.example", RootPath::BeforeV2)
            .expect_err("a password in a URL is seen by too many");
        assert_eq!(error, invalid("m.example", LocationProblem::Extras));
        assert!(Endpoint::from_url("https://m.example/v2/A B", RootPath::InPlaceOfV2).is_err());
        assert!("https://m.example".parse::<Endpoint>().is_err());
        assert!("mirror/path".parse::<Endpoint>().is_err());
    }

    #[test]
    fn headers_are_not_shown() {
        let endpoint = Endpoint::as_asked().with_header(
            HeaderName::from_static("x-token"),
            HeaderValue::from_static("secret"),
        );
        assert!(!format!("{endpoint:?}").contains("secret"));
    }
}
