//! Who is asked, in which order, and under which name.

use http::header::{AUTHORIZATION, COOKIE, HOST, PROXY_AUTHORIZATION};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Uri};
use wharf_name::{Registry, Repository};

use crate::context::OriginHeaders;
use crate::origin::Origin;
use crate::settings::PlainHttp;
use crate::{Error, RegistryContext};

use super::ask::Ask;
use super::endpoint::Location;
use super::error::name;
use super::location::familiar;
use super::rules::Rule;
use super::{Access, Endpoint, EndpointFailure, FailureReason, MirrorError, Mirrors, Role, UpstreamFor};

/// The way of a request.
pub(super) enum Route {
    /// There is no rule for it.
    Direct,
    Through(Candidates),
}

pub(super) struct Candidates {
    pub(super) name: String,
    pub(super) ask: Ask,
    /// In the order in which they are to be asked; never empty.
    pub(super) targets: Vec<Target>,
    /// Those that cannot even be asked.
    pub(super) failures: Vec<EndpointFailure>,
}

/// One server, and the request as it is for it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) role: Role,
    uri: Uri,
    context: RegistryContext,
    headers: HeaderMap,
    /// Whether it is another registry than the one that the request is for.
    is_other: bool,
}

impl Route {
    pub(super) fn of(mirrors: &Mirrors, parts: &Parts) -> Result<Self, Error> {
        let Some(context) = parts.extensions.get::<RegistryContext>() else {
            return Ok(Self::Direct);
        };
        let path = context.repository.as_ref().map(Repository::path);
        let Some((rule, rest)) = mirrors.rule(&context.registry, path) else {
            return Ok(Self::Direct);
        };
        let name = name(&context.registry, path);
        if rule.access() == Access::Blocked {
            let prefix = rule.prefix().clone();
            return Err(MirrorError::Blocked { name, prefix }.into());
        }
        let tail = tail(parts, context);
        let ask = Ask::of(&parts.method, context, tail.unwrap_or_default());
        let asked = Asked {
            parts,
            context,
            rest,
            tail,
        };
        let mut found = Candidates {
            name,
            ask,
            targets: Vec::new(),
            failures: Vec::new(),
        };
        asked.find(rule, &mut found);
        if found.targets.is_empty() {
            return Err(match found.failures.is_empty() {
                true => MirrorError::NoEndpoint { name: found.name },
                false => MirrorError::Useless {
                    name: found.name,
                    failures: found.failures,
                },
            }
            .into());
        }
        Ok(Self::Through(found))
    }
}

/// A request, and what a rule makes of it.
struct Asked<'a> {
    parts: &'a Parts,
    context: &'a RegistryContext,
    /// What of the repository's path follows the rule's prefix.
    rest: &'a str,
    /// What of the URL's path follows the repository; `None` if the URL is not one of the registry's API, but for
    /// example where it sent an upload to.
    tail: Option<&'a str>,
}

impl Asked<'_> {
    fn find(&self, rule: &Rule, found: &mut Candidates) {
        let is_digest = matches!(found.ask, Ask::Manifest { digest: Some(_) });
        let mirrors = if found.ask.is_content() {
            rule.mirrors()
        } else {
            &[]
        };
        let (last, first): (Vec<_>, Vec<_>) = mirrors
            .iter()
            .partition(|mirror| is_digest && mirror.capabilities().digests_last);
        for mirror in first {
            self.add(mirror, Role::Mirror, found);
        }
        let own = Endpoint::as_asked();
        let upstream = match rule.upstream() {
            Some((endpoint, UpstreamFor::Everything)) => endpoint,
            Some((endpoint, UpstreamFor::Reads)) if found.ask.is_content() => endpoint,
            _ => &own,
        };
        self.add(upstream, Role::Upstream, found);
        for mirror in last {
            self.add(mirror, Role::Mirror, found);
        }
    }

    fn add(&self, endpoint: &Endpoint, role: Role, found: &mut Candidates) {
        if !found.ask.is_allowed(endpoint.capabilities()) {
            return;
        }
        match self.target(endpoint, role) {
            Some(target) => found.targets.push(target),
            None => found.failures.push(EndpointFailure {
                registry: endpoint.registry().unwrap_or(&self.context.registry).clone(),
                reason: FailureReason::NoName,
            }),
        }
    }

    fn target(&self, endpoint: &Endpoint, role: Role) -> Option<Target> {
        let mut target = Target {
            role,
            uri: self.parts.uri.clone(),
            context: self.context.clone(),
            headers: endpoint.headers().clone(),
            is_other: false,
        };
        let Location::At { registry, root, path } = &endpoint.location else {
            if !is_at(&target.uri, &self.context.registry) {
                // A server that the registry pointed to gets nothing that is for the registry.
                target.headers.clear();
            }
            return Some(target);
        };
        let repository = match &self.context.repository {
            None => None,
            Some(_) => Some(registry.repository(&join(path, self.rest)).ok()?),
        };
        match self.tail {
            // A URL from the upstream itself: a page, an upload.
            None if is_at(&target.uri, registry) => {}
            // One from elsewhere is requested as it is, and never with what belongs to the upstream.
            None => {
                target.headers.clear();
                return Some(target);
            }
            Some(tail) => {
                let scheme = match endpoint.plain_http() {
                    Some(PlainHttp::Only) => "http",
                    _ => "https",
                };
                let name = repository
                    .as_ref()
                    .map_or_else(String::new, |repository| format!("/{}", repository.path()));
                let query = self.query(endpoint, registry);
                target.uri = format!("{scheme}://{registry}{root}{name}{tail}{query}")
                    .parse()
                    .ok()?;
            }
        }
        target.is_other = *registry != self.context.registry;
        target.context = self.context_at(registry, repository);
        Some(target)
    }

    /// The query with its `?`.
    fn query(&self, endpoint: &Endpoint, registry: &Registry) -> String {
        let mut query = self
            .parts
            .uri
            .query()
            .map_or_else(String::new, |query| format!("?{query}"));
        let asked = &self.context.registry;
        let is_same = registry == asked || registry.is_docker_hub() && asked.is_docker_hub();
        if endpoint.names_namespace && !is_same {
            query.push(if query.is_empty() { '?' } else { '&' });
            // A host and port have no characters that mean something in a query.
            query.push_str("ns=");
            query.push_str(familiar(asked));
        }
        query
    }

    /// For what the server gets credentials: its own, for what it calls the repository.
    fn context_at(&self, registry: &Registry, repository: Option<Repository>) -> RegistryContext {
        let mut context = RegistryContext::new(registry.clone());
        match (&self.context.repository, &repository) {
            (Some(from), Some(to)) => {
                // Names of other repositories mean nothing there.
                let scopes = &self.context.scopes;
                let renamed = scopes.iter().filter_map(|scope| scope.renamed(from, to));
                context.scopes = renamed.collect();
            }
            _ => context.scopes.clone_from(&self.context.scopes),
        }
        context.repository = repository;
        context
    }
}

impl Target {
    pub(super) fn registry(&self) -> &Registry {
        &self.context.registry
    }

    /// Makes a request one for this server.
    pub(super) fn apply(&self, parts: &mut Parts) {
        if self.is_other {
            // Whatever the caller put there is for the registry that was asked for.
            for header in [AUTHORIZATION, COOKIE, HOST, PROXY_AUTHORIZATION] {
                parts.headers.remove(header);
            }
        }
        let names: Vec<HeaderName> = self.headers.keys().cloned().collect();
        for name in &names {
            parts.headers.remove(name);
            for value in self.headers.get_all(name) {
                parts.headers.append(name, value.clone());
            }
        }
        if !names.is_empty() {
            parts.extensions.insert(OriginHeaders(names.into()));
        }
        parts.uri = self.uri.clone();
        parts.extensions.insert(self.context.clone());
    }
}

fn join(path: &str, rest: &str) -> String {
    match (path, rest) {
        ("", name) | (name, "") => name.to_owned(),
        (path, rest) => format!("{path}/{rest}"),
    }
}

/// What follows the repository's name, or `/v2` where there is none, if the URL is one of the registry's API.
fn tail<'a>(parts: &'a Parts, context: &RegistryContext) -> Option<&'a str> {
    if !is_at(&parts.uri, &context.registry) {
        return None;
    }
    let path = parts.uri.path().strip_prefix("/v2")?;
    let tail = match &context.repository {
        None => path,
        Some(repository) => path.strip_prefix('/')?.strip_prefix(repository.path())?,
    };
    tail.starts_with('/').then_some(tail)
}

fn is_at(url: &Uri, registry: &Registry) -> bool {
    let home = url
        .scheme_str()
        .and_then(|scheme| format!("{scheme}://{registry}/").parse().ok());
    match (Origin::of(url), home.as_ref().map(Origin::of)) {
        (Ok(url), Some(Ok(home))) => url == home,
        _ => false,
    }
}
