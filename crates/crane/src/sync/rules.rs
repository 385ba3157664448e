//! What to keep the same.

use std::path::Path;

use futures_util::{StreamExt as _, TryStreamExt as _};
use glob::Pattern;
use serde::Deserialize;
use wharf::name::{Registry, Repository};
use wharf::remote::Client;
use wharf::v1::PlatformSpec;

use crate::{CopyOptions, Error, Existing};

/// Rules are read into memory: at most so many bytes.
const LIMIT: u64 = 4 << 20;

/// Repositories that one rule may match.
const MOST_REPOSITORIES: usize = 100_000;

/// What to keep the same: a list of rules, each for one repository, or all of a registry that match. Read from YAML:
///
/// ```
/// let rules: wharf_crane::SyncRules = "
/// sync:
/// - source: docker.io/library/alpine
///   target: registry.example.com/mirror/alpine
///   tags:
///     include: ['3.*', latest]
///     exclude: ['*_rc*']
///   platforms: [linux/amd64, linux/arm64]
///   referrers: true
/// - source: registry.example.com/team/*
///   target: mirror.example.com/copies
/// "
/// .parse()?;
/// assert_eq!(rules.rules.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct SyncRules {
    /// The rules, in order.
    pub rules: Vec<SyncRule>,
}

/// What to copy from one repository to another, or from many.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct SyncRule {
    /// Where tags come from, and where they go, under the same names.
    pub repositories: SyncRepositories,
    /// Which tags: those that match one of these patterns (`*`, `?`, `[a-z]`). Default: all.
    pub include: Vec<Pattern>,
    /// Of those not the ones that match one of these. Default: none.
    pub exclude: Vec<Pattern>,
    /// How each is copied.
    pub options: CopyOptions,
}

/// The repositories of a rule.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum SyncRepositories {
    /// One.
    One {
        /// Where tags come from.
        source: Repository,
        /// Where they go.
        target: Repository,
    },
    /// All of a registry whose names match a pattern (`*`, `?`, `[a-z]`; a star matches slashes, too).
    Matching {
        /// The registry, which has to have a catalog.
        source: Registry,
        /// The pattern, for the whole name without the registry.
        pattern: Pattern,
        /// The registry that they go to.
        target: Registry,
        /// What their names get in front there, with a slash; nothing if it is empty.
        prefix: String,
    },
}

impl SyncRepositories {
    /// In a text of a rule: `REPOSITORY` to `REPOSITORY`, or `REGISTRY/PATTERN` to `REGISTRY[/PREFIX]`.
    fn parse(source: &str, target: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let Some((host, pattern)) = source
            .split_once('/')
            .filter(|_| source.contains(['*', '?', '[']))
        else {
            return Ok(Self::One {
                source: source.parse()?,
                target: target.parse()?,
            });
        };
        let pattern = Pattern::new(pattern).map_err(|error| format!("source {source:?}: {error}"))?;
        let (registry, prefix) = target.split_once('/').unwrap_or((target, ""));
        Ok(Self::Matching {
            source: host.parse()?,
            pattern,
            target: registry.parse()?,
            prefix: prefix.to_owned(),
        })
    }

    /// The registry where they are, and the path of a single one.
    #[must_use]
    pub fn source(&self) -> (&Registry, Option<&str>) {
        match self {
            Self::One { source, .. } => (source.registry(), Some(source.path())),
            Self::Matching { source, .. } => (source, None),
        }
    }

    /// The registry where they go, and the path of a single one.
    #[must_use]
    pub fn target(&self) -> (&Registry, Option<&str>) {
        match self {
            Self::One { target, .. } => (target.registry(), Some(target.path())),
            Self::Matching { target, .. } => (target, None),
        }
    }

    /// What they are called in a report that has no closer name for them.
    pub(super) fn names(&self) -> (String, String) {
        match self {
            Self::One { source, target } => (source.to_string(), target.to_string()),
            Self::Matching {
                source,
                pattern,
                target,
                prefix,
            } => (
                format!("{source}/{pattern}"),
                format!("{target}/{prefix}").trim_end_matches('/').to_owned(),
            ),
        }
    }

    /// Where from and where to, by the registry's catalog if need be.
    pub(super) async fn list(&self, client: &Client) -> Result<Vec<(Repository, Repository)>, Error> {
        match self {
            Self::One { source, target } => Ok(vec![(source.clone(), target.clone())]),
            Self::Matching {
                source,
                pattern,
                target,
                prefix,
            } => {
                let mut pairs = Vec::new();
                let mut paths = client.catalog(source).entries().boxed();
                while let Some(path) = paths.try_next().await? {
                    if !pattern.matches(&path) {
                        continue;
                    }
                    let there = match prefix.as_str() {
                        "" => path.clone(),
                        prefix => format!("{}/{path}", prefix.trim_end_matches('/')),
                    };
                    if pairs.len() == MOST_REPOSITORIES {
                        return Err(Error::TooManyRepositories {
                            most: MOST_REPOSITORIES,
                        });
                    }
                    pairs.push((source.repository(&path)?, target.repository(&there)?));
                }
                Ok(pairs)
            }
        }
    }
}

impl SyncRule {
    /// Whether a tag is to be copied.
    #[must_use]
    pub fn wants(&self, tag: &str) -> bool {
        let matches = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(tag));
        (self.include.is_empty() || matches(&self.include)) && !matches(&self.exclude)
    }
}

impl SyncRules {
    /// Reads rules from a YAML file.
    ///
    /// # Errors
    /// [`Error::SyncRules`] when it cannot be read, is too large, or has no such rules.
    pub async fn load(path: &Path) -> Result<Self, Error> {
        use tokio::io::AsyncReadExt as _;

        let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::SyncRules {
            path: path.to_owned(),
            source,
        };
        let file = tokio::fs::File::open(path)
            .await
            .map_err(|error| failed(error.into()))?;
        let mut text = String::new();
        let read = file.take(LIMIT + 1).read_to_string(&mut text).await;
        if read.map_err(|error| failed(error.into()))? as u64 > LIMIT {
            return Err(failed("the file is too large".into()));
        }
        text.parse().map_err(failed)
    }
}

impl std::str::FromStr for SyncRules {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let spec: Spec = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        let rules = spec.sync.into_iter().map(Rule::parse).collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    sync: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    source: String,
    target: String,
    #[serde(default)]
    tags: Filter,
    #[serde(default)]
    platforms: Vec<String>,
    #[serde(default)]
    referrers: bool,
    #[serde(default, rename = "digest-tags")]
    digest_tags: bool,
    #[serde(default)]
    keep: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

impl Rule {
    fn parse(self) -> Result<SyncRule, Box<dyn std::error::Error + Send + Sync>> {
        let patterns = |texts: Vec<String>| -> Result<Vec<Pattern>, String> {
            let parse =
                |text: String| Pattern::new(&text).map_err(|error| format!("tag pattern {text:?}: {error}"));
            texts.into_iter().map(parse).collect()
        };
        let platforms: Vec<PlatformSpec> = self
            .platforms
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_, _>>()?;
        let mut options = CopyOptions::default()
            .with_platforms(platforms)
            .with_referrers(self.referrers)
            .with_digest_tags(self.digest_tags);
        if self.keep {
            options = options.with_existing(Existing::Keep);
        }
        Ok(SyncRule {
            repositories: SyncRepositories::parse(&self.source, &self.target)?,
            include: patterns(self.tags.include)?,
            exclude: patterns(self.tags.exclude)?,
            options,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<usize, &str>) {
        match (text.parse::<SyncRules>(), want) {
            (Ok(rules), Ok(want)) => assert_eq!(rules.rules.len(), want, "{text}"),
            (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{text}: {error}"),
            (got, _) => panic!("{text}: {got:?}"),
        }
    }

    #[test]
    fn rules_are_strict() {
        check("sync: []", Ok(0));
        check("sync:\n- {source: a.io/b, target: c.io/d}", Ok(1));
        check("sync:\n- {source: a.io/b}", Err("target"));
        check("sync:\n- {source: a.io/b, target: c.io/d, tag: x}", Err("tag"));
        check("sync:\n- {source: 'a.io/*', target: c.io}", Ok(1));
        check(
            "sync:\n- {source: 'a.io/[', target: c.io}",
            Err("source \"a.io/[\""),
        );
        check(
            "sync:\n- {source: 'A b/*', target: c.io}",
            Err("registries must be valid"),
        );
        check(
            "sync:\n- {source: 'a.io/b:v1', target: c.io/d}",
            Err("repository can only contain"),
        );
        check(
            "sync:\n- {source: a.io/b, target: c.io/d, tags: {include: ['[']}}",
            Err("tag pattern"),
        );
        check(
            "sync:\n- {source: a.io/b, target: c.io/d, platforms: [a/b/c/d]}",
            Err("too many slashes"),
        );
        check("", Err(""));
        check("not: yaml: at: all", Err(""));
    }

    #[test]
    fn patterns() {
        let rules: SyncRules = "sync:\n- {source: a.io/b, target: c.io/d, tags: {include: ['v1.*', latest], exclude: ['*-rc*']}}"
            .parse()
            .expect("rules");
        let wanted = |tag| rules.rules[0].wants(tag);
        assert!(wanted("v1.2") && wanted("latest"));
        assert!(!wanted("v1.2-rc1") && !wanted("v2.0") && !wanted("latest2"));
    }
}
