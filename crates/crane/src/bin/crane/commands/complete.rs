//! `crane __complete`, which the scripts of `crane completion` ask.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use wharf::name::{Registry, Repository};
use wharf::remote::Pages;
use wharf_crane::{Place, catalog, tags};

use crate::context::Context;
use crate::failure::Failure;

/// Who presses a key does not wait long.
const TIME: Duration = Duration::from_secs(2);
/// More to choose from helps nobody.
const MOST: usize = 1000;

/// What the last word could become is to be printed. Names are asked of the registry that the word names; whatever goes
/// wrong, there is nothing to choose from then.
#[derive(Debug)]
pub(crate) struct Args {
    /// The command line without the program, up to the cursor.
    pub(super) words: Vec<String>,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let Some((word, before)) = args.words.split_last() else {
        return Ok(());
    };
    // `--tag=WORD` is a word to a shell.
    let word = match word.split_once('=') {
        Some((flag, value)) if flag.starts_with('-') => value,
        _ => word,
    };
    if before.iter().any(|word| word == "--insecure") {
        context.allow_insecure();
    }
    let mut found = Vec::new();
    // What was found until the time was up is better than nothing.
    let _ = tokio::time::timeout(TIME, find(word, context, &mut found)).await;
    for text in found {
        context.out.queue(text).await?;
    }
    context.out.flush().await
}

/// Finds what begins with `word`. What fails ends it.
async fn find(word: &str, context: &mut Context, found: &mut Vec<String>) -> Option<()> {
    if let Some((place, prefix)) = local(word) {
        let names = place.parse::<Place>().ok()?.names().await.ok()?;
        let names = names
            .iter()
            .filter(|name| name.starts_with(prefix) && is_plain(name));
        found.extend(names.take(MOST).map(|name| format!("{place}:{name}")));
        return Some(());
    }
    match word.rsplit_once(':') {
        Some((name, prefix)) if !prefix.contains('/') && (name.contains('/') || !is_host(name)) => {
            let repository: Repository = name.parse().ok()?;
            let pages = tags(&context.client().ok()?, &repository);
            collect(pages, prefix, &format!("{name}:"), found).await
        }
        _ => {
            let (host, prefix) = word.split_once('/')?;
            let registry: Registry = is_host(host).then(|| host.parse().ok())??;
            let pages = catalog(&context.client().ok()?, &registry);
            collect(pages, prefix, &format!("{host}/"), found).await
        }
    }
}

/// A layout or archive, and how the name in it begins.
fn local(word: &str) -> Option<(&str, &str)> {
    let kinds = ["oci:", "oci-archive:", "docker-archive:"];
    let kind = kinds.into_iter().find(|kind| word.starts_with(kind))?;
    let colon = word[kind.len()..].find(':')?;
    let at = kind.len() + colon;
    Some((&word[..at], &word[at + 1..]))
}

/// Whether the first part of a name is a registry.
fn is_host(text: &str) -> bool {
    text == "localhost" || text.contains(['.', ':'])
}

/// Whether a name means nothing but itself to a shell, into whose command line it goes.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.-/:+".contains(c))
}

async fn collect(mut pages: Pages, prefix: &str, before: &str, found: &mut Vec<String>) -> Option<()> {
    while let Some(page) = pages.try_next().await.ok()? {
        for name in page {
            if name.starts_with(prefix) && is_plain(&name) {
                found.push(format!("{before}{name}"));
            }
            if found.len() == MOST {
                return None;
            }
        }
    }
    Some(())
}
