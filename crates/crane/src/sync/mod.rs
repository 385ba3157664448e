//! Keeping repositories the same, by rules.

mod rules;

use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use wharf::name::{Reference, Repository, Tag};
use wharf::remote::Client;

use crate::{Error, Existing, copy};

pub use rules::{SyncRepositories, SyncRule, SyncRules};

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

impl SyncItem {
    fn failed(source: String, target: String, error: Error) -> Self {
        Self {
            source,
            target,
            outcome: SyncOutcome::Failed,
            error: Some(error),
        }
    }
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
        let pairs = match rule.repositories.list(client).await {
            Ok(pairs) => pairs,
            Err(error) => {
                let (source, target) = rule.repositories.names();
                let item = SyncItem::failed(source, target, error);
                each(&item);
                report.items.push(item);
                match options.keep_going {
                    true => continue,
                    false => return report,
                }
            }
        };
        for (source, target) in pairs {
            let before = report.items.len();
            repository(client, rule, (&source, &target), options, |item| {
                each(&item);
                report.items.push(item);
            })
            .await;
            let is_failed = |item: &SyncItem| item.outcome == SyncOutcome::Failed;
            if !options.keep_going && report.items[before..].iter().any(is_failed) {
                return report;
            }
        }
    }
    report
}

/// Carries out a rule for one repository; without [`keep_going`](SyncOptions::keep_going) until something fails.
async fn repository(
    client: &Client,
    rule: &SyncRule,
    (source, target): (&Repository, &Repository),
    options: &SyncOptions,
    mut each: impl FnMut(SyncItem),
) {
    let tags = match client.tags(source).collect_all().await {
        Ok(tags) => tags,
        Err(error) => {
            each(SyncItem::failed(
                source.to_string(),
                target.to_string(),
                error.into(),
            ));
            return;
        }
    };
    let wanted: Vec<String> = tags.into_iter().filter(|tag| rule.wants(tag)).collect();
    let items = stream::iter(wanted).map(|tag| item(client, rule, (source, target), tag, options.dry_run));
    // In order, so that reports can be compared.
    let mut items = items.buffered(rule.options.jobs.get());
    while let Some(item) = items.next().await {
        let failed = item.outcome == SyncOutcome::Failed;
        each(item);
        if failed && !options.keep_going {
            return;
        }
    }
}

async fn item(
    client: &Client,
    rule: &SyncRule,
    (source, target): (&Repository, &Repository),
    tag: String,
    dry_run: bool,
) -> SyncItem {
    let outcome = one(client, rule, (source, target), &tag, dry_run).await;
    let (outcome, error) = match outcome {
        Ok(outcome) => (outcome, None),
        Err(error) => (SyncOutcome::Failed, Some(error)),
    };
    SyncItem {
        source: format!("{source}:{tag}"),
        target: format!("{target}:{tag}"),
        outcome,
        error,
    }
}

async fn one(
    client: &Client,
    rule: &SyncRule,
    (source, target): (&Repository, &Repository),
    tag: &str,
    dry_run: bool,
) -> Result<SyncOutcome, Error> {
    let (source, target): (Tag, Tag) = (source.tag(tag)?, target.tag(tag)?);
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
