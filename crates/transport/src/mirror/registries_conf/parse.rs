use std::collections::BTreeMap;
use std::path::Path;

use crate::settings::{PlainHttp, TlsSettings};

use super::super::config::{ConfigError, ConfigProblem, Document, ErrorAt, Node, Table};
use super::super::{Access, Capabilities, Endpoint, InvalidLocation, Prefix, Rule, UpstreamFor, location};
use super::{Entry, Flags, RegistriesConf};

impl RegistriesConf {
    /// Parses the text of one file. `file` is its name for errors.
    ///
    /// # Errors
    /// [`ConfigError`], which names the line and the key.
    pub fn parse(text: &str, file: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let file = file.as_ref();
        let document = Document::parse(text, file)?;
        let root = document.root();
        // Version 1 had one table with three lists, of which none is in version 2.
        if let Some(old) = root.get("registries") {
            return Err(old.error(ConfigProblem::VersionOne));
        }
        let mut conf = Self::default();
        if let Some(search) = root.get("unqualified-search-registries") {
            let registry = |item: Node<'_>| {
                let host = item.text()?.trim_end_matches('/');
                location::registry(host)
                    .map_err(|reason| item.error(ConfigProblem::Location(location::invalid(host, reason))))
            };
            conf.search = Some(
                search
                    .items()?
                    .into_iter()
                    .map(registry)
                    .collect::<Result<_, _>>()?,
            );
        }
        if let Some(aliases) = root.get("aliases") {
            for (name, stands_for) in aliases.table()?.entries() {
                let text = stands_for.text()?;
                if !text.is_empty() {
                    location::parse(text)
                        .map_err(|error| stands_for.error(ConfigProblem::Location(error)))?;
                }
                conf.aliases.insert(name.to_owned(), text.to_owned());
            }
        }
        for registry in root.items("registry")? {
            let entry = entry(&registry.table()?)?;
            conf.replace(entry);
        }
        conf.check(file)?;
        Ok(conf)
    }

    /// What is at one place is insecure or blocked for all prefixes that are there, or for none.
    pub(super) fn check(&self, file: &Path) -> Result<(), ConfigError> {
        let mut known: BTreeMap<&str, Flags> = BTreeMap::new();
        for (location, flags) in self.entries.iter().filter_map(|entry| entry.location.as_ref()) {
            if known
                .insert(location, *flags)
                .is_some_and(|before| before != *flags)
            {
                let mut error = ConfigError::of_file(
                    file,
                    ConfigProblem::Conflict("one location has several settings for `insecure` or `blocked`"),
                );
                error.key = format!("registry, location {location:?}");
                return Err(error);
            }
        }
        Ok(())
    }
}

fn entry(table: &Table<'_>) -> Result<Entry, ConfigError> {
    let (prefix_at, location_at) = (set(table, "prefix"), set(table, "location"));
    let prefix = match (&prefix_at, &location_at) {
        (Some(node), _) | (None, Some(node)) => parsed::<Prefix>(node)?,
        (None, None) => return Err(table.error(ConfigProblem::Missing)),
    };
    let flags = Flags {
        insecure: table.flag("insecure")?,
        blocked: table.flag("blocked")?,
    };
    if let Some(node) = set(table, "pull-from-mirror") {
        return Err(node.error(ConfigProblem::Conflict("only a mirror can have this key")));
    }
    let digests_only = table.flag("mirror-by-digest-only")?;

    let mut rule = Rule::new(prefix);
    if flags.blocked {
        rule = rule.with_access(Access::Blocked);
    }
    for mirror in table.items("mirror")? {
        rule = rule.with_mirror(mirror_of(&mirror.table()?, digests_only)?);
    }
    let mut entry = Entry { rule, location: None };
    let mut upstream = flags.insecure.then(Endpoint::as_asked);
    if let Some(node) = &location_at {
        let endpoint = parsed::<Endpoint>(node)?;
        let location = parsed::<Prefix>(node)?;
        if location != *entry.rule.prefix() {
            upstream = Some(endpoint);
        }
        entry.location = Some((location.to_string(), flags));
    } else if flags.insecure && entry.rule.prefix().registry().is_none() {
        // Whom not to check is said by name or not at all.
        let prefix = entry.rule.prefix();
        tracing::warn!(%prefix, "`insecure` has no effect for a wildcard without a location");
    }
    if let Some(endpoint) = upstream {
        entry.rule = entry
            .rule
            .with_upstream(insecure(endpoint, flags.insecure), UpstreamFor::Reads);
    }
    Ok(entry)
}

/// Empty is as good as missing.
fn set<'d>(table: &Table<'d>, key: &str) -> Option<Node<'d>> {
    table.get(key).filter(|node| !matches!(node.text(), Ok("")))
}

fn mirror_of(table: &Table<'_>, digests_only: bool) -> Result<Endpoint, ConfigError> {
    let Some(location) = table.get("location") else {
        return Err(table.error(ConfigProblem::Missing));
    };
    let endpoint = insecure(parsed::<Endpoint>(&location)?, table.flag("insecure")?);
    let all = Capabilities::default();
    let Some(node) = set(table, "pull-from-mirror") else {
        return Ok(endpoint.with_capabilities(all.with_resolve(!digests_only)));
    };
    if digests_only {
        let problem = "cannot be together with `mirror-by-digest-only`";
        return Err(node.error(ConfigProblem::Conflict(problem)));
    }
    let capabilities = match node.text()? {
        "all" => all,
        "digest-only" => all.with_resolve(false),
        "tag-only" => all.with_digests_last(true),
        _ => {
            let want = "all, digest-only, tag-only";
            return Err(node.error(ConfigProblem::Value { want }));
        }
    };
    Ok(endpoint.with_capabilities(capabilities))
}

fn insecure(endpoint: Endpoint, insecure: bool) -> Endpoint {
    if !insecure {
        return endpoint;
    }
    endpoint
        .with_plain_http(PlainHttp::Allowed)
        .with_tls(TlsSettings::default().with_insecure_skip_verify())
}

fn parsed<T: std::str::FromStr<Err = InvalidLocation>>(node: &Node<'_>) -> Result<T, ConfigError> {
    node.text()?
        .parse()
        .map_err(|error| node.error(ConfigProblem::Location(error)))
}
