use std::collections::BTreeMap;

use wharf_name::Registry;

use crate::Error;
use crate::settings::{AllSettings, RegistrySettings, SystemRoots, Verification};

use super::endpoint::Reached;
use super::{Endpoint, Prefix};

/// What is read from where: one [`Rule`] a prefix.
///
/// Of the rules that match a name the one with the longest prefix counts, and of several with the same prefix the last.
#[derive(Clone, Debug, Default)]
pub struct Mirrors {
    rules: Vec<Rule>,
}

impl Mirrors {
    /// No rules: everything comes from its registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule.
    #[must_use]
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Adds all rules of another set, which go before those of this one with the same prefix.
    #[must_use]
    pub fn with_rules_of(mut self, other: Self) -> Self {
        self.rules.extend(other.rules);
        self
    }

    /// The rules in the order they were added.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule for a name, and what of the repository's path follows its prefix.
    pub(super) fn rule<'a>(&self, registry: &Registry, path: Option<&'a str>) -> Option<(&Rule, &'a str)> {
        self.rules
            .iter()
            .filter_map(|rule| Some((rule, rule.prefix.rest(registry, path)?)))
            .max_by_key(|(rule, _)| rule.prefix.len())
    }

    /// Adds how the endpoints are reached to the settings of all registries, where these have none of their own.
    pub(crate) fn settings_into(&self, all: &mut AllSettings) -> Result<(), Error> {
        let mut hosts: BTreeMap<&str, (&Registry, Reached)> = BTreeMap::new();
        for rule in &self.rules {
            let upstream = rule.upstream.as_ref().map(|upstream| &upstream.endpoint);
            for endpoint in rule.mirrors.iter().chain(upstream) {
                let registry = endpoint.registry().or_else(|| rule.prefix.registry());
                if let Some(registry) = registry.filter(|registry| !all.own.contains_key(registry.as_str())) {
                    let (_, reached) = hosts
                        .entry(registry.as_str())
                        .or_insert_with(|| (registry, Reached::default()));
                    reached.add(&endpoint.reached).map_err(|source| Error::Settings {
                        what: "setting up mirrors",
                        source: format!("endpoints at {registry} have {source} that differ").into(),
                    })?;
                }
            }
        }
        for (registry, reached) in hosts.into_values() {
            if reached != Reached::default() {
                reached.apply(all.own_mut(registry));
            }
        }
        Ok(())
    }
}

impl Reached {
    /// Adds what is not set yet. The error is what is set to something else.
    fn add(&mut self, other: &Self) -> Result<(), &'static str> {
        match (self.plain_http, other.plain_http) {
            (Some(one), Some(other)) if one != other => return Err("schemes"),
            (one, other) => self.plain_http = one.or(other),
        }
        match (&self.tls, &other.tls) {
            (Some(one), Some(other)) if one != other => return Err("TLS settings"),
            (None, Some(tls)) => self.tls = Some(tls.clone()),
            _ => {}
        }
        Ok(())
    }

    fn apply(self, settings: &mut RegistrySettings) {
        if let Some(plain_http) = self.plain_http {
            settings.plain_http = plain_http;
        }
        let Some(own) = self.tls else { return };
        let tls = &mut settings.tls;
        tls.extra_roots.extend(own.extra_roots);
        if own.system_roots != SystemRoots::default() {
            tls.system_roots = own.system_roots;
        }
        if own.verification != Verification::default() {
            tls.verification = own.verification;
        }
        tls.client_identity = own.client_identity.or_else(|| tls.client_identity.take());
    }
}

/// From where names with one prefix are read.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(super) prefix: Prefix,
    pub(super) access: Access,
    pub(super) mirrors: Vec<Endpoint>,
    pub(super) upstream: Option<Upstream>,
}

/// Whether names may be used at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// They may.
    #[default]
    Allowed,
    /// Each request fails with [`MirrorError::Blocked`](super::MirrorError::Blocked).
    Blocked,
}

/// What is in place of the registry that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    pub(super) endpoint: Endpoint,
    pub(super) reach: UpstreamFor,
}

/// For which requests a rule's upstream is in place of the registry that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpstreamFor {
    /// For reading manifests and blobs, as `location` in `registries.conf`. All else goes to the registry by its name.
    Reads,
    /// For all requests, as `server` in `hosts.toml`.
    Everything,
}

impl Rule {
    /// A rule without mirrors.
    #[must_use]
    pub fn new(prefix: Prefix) -> Self {
        Self {
            prefix,
            access: Access::Allowed,
            mirrors: Vec::new(),
            upstream: None,
        }
    }

    /// Sets whether the names may be used at all. Default: allowed.
    #[must_use]
    pub fn with_access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Adds a mirror, to be asked after those added before.
    #[must_use]
    pub fn with_mirror(mut self, mirror: Endpoint) -> Self {
        self.mirrors.push(mirror);
        self
    }

    /// Sets what is asked last, in place of the registry by its name.
    #[must_use]
    pub fn with_upstream(mut self, endpoint: Endpoint, reach: UpstreamFor) -> Self {
        self.upstream = Some(Upstream { endpoint, reach });
        self
    }

    /// For which names it is.
    #[must_use]
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// Whether the names may be used at all.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// The mirrors in the order in which they are asked.
    #[must_use]
    pub fn mirrors(&self) -> &[Endpoint] {
        &self.mirrors
    }

    /// What is asked last, and for which requests, if that was set.
    #[must_use]
    pub fn upstream(&self) -> Option<(&Endpoint, UpstreamFor)> {
        self.upstream
            .as_ref()
            .map(|upstream| (&upstream.endpoint, upstream.reach))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ClientIdentity, PlainHttp, TlsSettings};

    #[test]
    fn what_an_endpoint_sets_is_added_to_what_is_for_all() {
        let for_all = TlsSettings::default().with_extra_root("of all");
        let mut all = AllSettings::new(RegistrySettings::default().with_tls(for_all), []);
        let tls = TlsSettings::default()
            .with_extra_root("of the mirror")
            .with_client_identity(ClientIdentity::new("chain", "key"));
        let rule = |prefix: &str| Rule::new(prefix.parse().expect("a prefix"));
        let endpoint = |text: &str| text.parse::<Endpoint>().expect("a location");
        let insecure = TlsSettings::default().with_insecure_skip_verify();
        let mirrors = Mirrors::new()
            .with_rule(rule("a.example").with_mirror(endpoint("m.example").with_tls(tls)))
            .with_rule(rule("b.example").with_mirror(endpoint("m.example").with_plain_http(PlainHttp::Never)))
            .with_rule(rule("c.example").with_mirror(endpoint("n.example")))
            .with_rule(rule("d.example").with_upstream(
                Endpoint::as_asked().with_tls(insecure.clone()),
                UpstreamFor::Reads,
            ))
            .with_rule(
                rule("*.e.example")
                    .with_upstream(Endpoint::as_asked().with_tls(insecure), UpstreamFor::Reads),
            );
        mirrors.settings_into(&mut all).expect("they agree");
        let named: Vec<_> = all.own.keys().map(String::as_str).collect();
        assert_eq!(named, ["d.example", "m.example"]);
        let mirror = &all.own["m.example"];
        assert_eq!(mirror.plain_http, PlainHttp::Never);
        assert_eq!(mirror.tls.extra_roots, ["of all", "of the mirror"]);
        assert!(mirror.tls.client_identity.is_some());
        assert_eq!(mirror.tls.verification, Verification::Full);
        assert_eq!(all.own["d.example"].tls.verification, Verification::InsecureSkip);
        assert_eq!(all.default.tls.extra_roots, ["of all"]);
    }
}
