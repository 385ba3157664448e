//! Keeping repositories the same, by rules.

use std::path::Path;

use futures_util::{StreamExt as _, stream};
use glob::Pattern;
use serde::{Deserialize, Serialize};
use wharf::name::{Reference, Repository, Tag};
use wharf::remote::Client;
use wharf::v1::PlatformSpec;

use crate::{CopyOptions, Error, Existing, copy};

/// Rules are read into memory: at most so many bytes.
const LIMIT: u64 = 4 << 20;

/// What to keep the same: a list of rules, each for one repository. Read from YAML:
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
/// "
/// .parse()?;
/// assert_eq!(rules.rules.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct SyncRules {
    /// The rules, in order.
    pub rules: Vec<SyncRule>,
}

/// What to copy from one repository to another.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct SyncRule {
    /// Where tags come from.
    pub source: Repository,
    /// Where they go, under the same names.
    pub target: Repository,
    /// Which tags: those that match one of these patterns (`*`, `?`, `[a-z]`). Default: all.
    pub include: Vec<Pattern>,
    /// Of those not the ones that match one of these. Default: none.
    pub exclude: Vec<Pattern>,
    /// How each is copied.
    pub options: CopyOptions,
}

impl SyncRule {
    /// Whether a tag is to be copied.
    #[must_use]
    pub fn wants(&self, tag: &str) -> bool {
        let matches = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(tag));
        (self.include.is_empty() || matches(&self.include)) && !matches(&self.exclude)
    }
}

/// How rules are carried out.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncOptions {
    /// Whether is only found out what would be copied. Default: no.
    pub dry_run: bool,
    /// Whether one failure is no reason to leave the rest. Default: no.
    pub keep_going: bool,
}

impl SyncOptions {
    /// Sets whether is only found out what would be copied.
    #[must_use]
    pub fn with_dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Sets whether one failure is no reason to leave the rest.
    #[must_use]
    pub fn with_keep_going(mut self, keep_going: bool) -> Self {
        self.keep_going = keep_going;
        self
    }
}

/// What came of it, tag by tag. Serialises as what `crane sync --json` prints; fields may be added.
#[non_exhaustive]
#[derive(Debug, Default, Serialize)]
pub struct SyncReport {
    /// Each tag, and each repository that cannot be listed, in the order of the rules.
    pub items: Vec<SyncItem>,
}

impl SyncReport {
    /// How many had this outcome.
    #[must_use]
    pub fn count(&self, outcome: SyncOutcome) -> usize {
        self.items.iter().filter(|item| item.outcome == outcome).count()
    }
}

/// What became of a tag.
#[non_exhaustive]
#[derive(Debug, Serialize)]
pub struct SyncItem {
    /// What should be copied: a tag, or a repository that cannot be listed.
    pub source: String,
    /// Where it should go.
    pub target: String,
    /// What became of it.
    pub outcome: SyncOutcome,
    /// Why it failed.
    #[serde(skip)]
    pub error: Option<Error>,
}

/// What became of a tag.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncOutcome {
    /// It was copied.
    Copied,
    /// It would have been copied.
    WouldCopy,
    /// It was there, the same.
    Same,
    /// It was there and was kept, whatever it is.
    Kept,
    /// It failed.
    Failed,
}

/// Carries out all rules, and tells `each` what became of a tag as soon as that is known.
///
/// A tag that names the same at both ends costs one request at each. Tags are never deleted.
///
/// # Errors
/// Failures are in the report. Without [`keep_going`](SyncOptions::keep_going) it ends with the first.
pub async fn sync(
    client: &Client,
    rules: &SyncRules,
    options: &SyncOptions,
    mut each: impl FnMut(&SyncItem) + Send,
) -> SyncReport {
    let mut report = SyncReport::default();
    for rule in &rules.rules {
        let tags = match client.tags(&rule.source).collect_all().await {
            Ok(tags) => tags,
            Err(error) => {
                let item = SyncItem {
                    source: rule.source.to_string(),
                    target: rule.target.to_string(),
                    outcome: SyncOutcome::Failed,
                    error: Some(error.into()),
                };
                each(&item);
                report.items.push(item);
                match options.keep_going {
                    true => continue,
                    false => return report,
                }
            }
        };
        let wanted: Vec<String> = tags.into_iter().filter(|tag| rule.wants(tag)).collect();
        let items = stream::iter(wanted).map(|tag| item(client, rule, tag, options.dry_run));
        // In order, so that reports can be compared.
        let mut items = items.buffered(rule.options.jobs.get());
        while let Some(item) = items.next().await {
            let failed = item.outcome == SyncOutcome::Failed;
            each(&item);
            report.items.push(item);
            if failed && !options.keep_going {
                return report;
            }
        }
    }
    report
}

async fn item(client: &Client, rule: &SyncRule, tag: String, dry_run: bool) -> SyncItem {
    let outcome = one(client, rule, &tag, dry_run).await;
    let (outcome, error) = match outcome {
        Ok(outcome) => (outcome, None),
        Err(error) => (SyncOutcome::Failed, Some(error)),
    };
    SyncItem {
        source: format!("{}:{tag}", rule.source),
        target: format!("{}:{tag}", rule.target),
        outcome,
        error,
    }
}

async fn one(client: &Client, rule: &SyncRule, tag: &str, dry_run: bool) -> Result<SyncOutcome, Error> {
    let (source, target): (Tag, Tag) = (rule.source.tag(tag)?, rule.target.tag(tag)?);
    let (source, target) = (Reference::Tag(source), Reference::Tag(target));
    let there = match client.head(&target).await {
        Ok(there) => Some(there),
        Err(error) if error.is_not_found() || error.is_denied() => None,
        Err(error) => return Err(error.into()),
    };
    let options = &rule.options;
    if there.is_some() && options.existing == Existing::Keep {
        return Ok(SyncOutcome::Kept);
    }
    // Of an index that loses platforms the digest is not known before.
    let goes_alone = !options.referrers && !options.digest_tags && options.platforms.is_empty();
    if let (Some(there), true) = (&there, goes_alone || dry_run && options.platforms.is_empty())
        && client.head(&source).await?.digest() == there.digest()
    {
        return Ok(SyncOutcome::Same);
    }
    if dry_run {
        return Ok(SyncOutcome::WouldCopy);
    }
    let options = options.clone().with_existing(Existing::Overwrite);
    let copied = copy(client, &source.into(), &target.into(), &options).await?;
    match there.is_some_and(|there| there.digest() == copied.digest()) {
        true => Ok(SyncOutcome::Same),
        false => Ok(SyncOutcome::Copied),
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
            source: self.source.parse()?,
            target: self.target.parse()?,
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
