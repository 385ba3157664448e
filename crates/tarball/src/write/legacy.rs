//! The format of Docker's first versions: a directory for each layer.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use wharf_archive::{Entry, Form, Plan};
use wharf_v1::{Config, DocumentKind, Error as ContentError, Hasher, sha256};

use super::parts::{Part, Parts};
use crate::record::{self, MANIFEST};
use crate::{ArchiveError, Error};

/// The version of each layer's directory.
const VERSION: &str = "1.0";

/// The time of what has none.
const NO_TIME: &str = r#""0001-01-01T00:00:00Z""#;

/// Plans an archive: for each image its config, then three files for each layer, in the order of the
/// configs' digests; and at the end `manifest.json` and `repositories`.
pub(super) async fn plan(mut images: Vec<Parts>) -> Result<Plan, Error> {
    images.sort_by(|a, b| a.config.digest().digest().cmp(b.config.digest().digest()));
    let mut entries = Vec::new();
    let mut seen = HashSet::new();
    let mut records = Vec::with_capacity(images.len());
    let mut repositories: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for mut image in images {
        image.repo_tags.sort();
        let metadata = Metadata::of(&image.config)?;
        let histories = metadata.histories(image.layers.len())?;
        let config = format!("{}.json", image.config.digest().digest());
        if seen.insert(config.clone()) {
            entries.push(Entry::bytes(&config, image.config.raw().clone()));
        }
        let mut names = Vec::with_capacity(image.layers.len());
        let mut parent = String::new();
        for (position, (part, history)) in image.layers.iter().zip(&histories).enumerate() {
            let top = (position + 1 == image.layers.len()).then_some(&image.config);
            let id = layer_id(part, &parent, top);
            if seen.insert(id.clone()) {
                let json = metadata.layer(history, &id, &parent, top.is_some());
                entries.push(uncompressed(part, &format!("{id}/layer.tar")).await?);
                entries.push(Entry::bytes(&format!("{id}/json"), json));
                entries.push(Entry::bytes(&format!("{id}/VERSION"), VERSION));
            }
            names.push(format!("{id}/layer.tar"));
            parent = id;
        }
        // An image without layers has nothing that a name could stand for here.
        for repo_tag in image.repo_tags.iter().filter(|_| !parent.is_empty()) {
            let (repository, tag) = split(repo_tag);
            let tags = repositories.entry(repository.to_owned()).or_default();
            tags.insert(tag.to_owned(), parent.clone());
        }
        records.push(image.record(config, names, Part::is_foreign).await?);
    }
    records.sort_by_cached_key(|record| {
        (
            record.repo_tags.clone().unwrap_or_default().join(","),
            record.config.clone(),
        )
    });
    entries.push(Entry::bytes(MANIFEST, record::to_json(&records)));
    let repositories = serde_json::to_vec(&repositories).expect("maps of text always serialise");
    entries.push(Entry::bytes("repositories", repositories));
    Ok(Plan::new(entries))
}

/// A file of the layer's content. Its size is only known once it was read.
async fn uncompressed(part: &Part, name: &str) -> Result<Entry, Error> {
    let digest = part.descriptor.digest();
    let measure = async {
        let content = part.layer.uncompressed().await?;
        content.measure(Hasher::sha256()).await
    };
    let measured = measure.await.map_err(|source| ArchiveError::ReadLayer {
        digest: digest.clone(),
        source: Box::new(source),
    })?;
    let (layer, digest) = (Arc::clone(&part.layer), digest.clone());
    Ok(Entry::layer(
        name,
        layer,
        Form::Uncompressed,
        digest,
        measured.size,
    ))
}

/// Equal for equal layers on equal ones, unless it is the last of an image.
fn layer_id(part: &Part, parent: &str, top: Option<&Config>) -> String {
    let mut text = format!("{} {parent}", part.descriptor.digest().digest()).into_bytes();
    if let Some(config) = top {
        text.push(b' ');
        text.extend_from_slice(config.raw());
    }
    sha256(text).digest().to_owned()
}

/// Repository and tag: at the last colon that is no port's.
fn split(repo_tag: &str) -> (&str, &str) {
    match repo_tag.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') && !tag.is_empty() => (repository, tag),
        Some((repository, "")) => (repository, "latest"),
        _ => (repo_tag, "latest"),
    }
}

/// What of an image's config the layers repeat, as it is written there.
#[derive(Deserialize)]
struct Metadata {
    architecture: Option<Box<RawValue>>,
    container: Option<Box<RawValue>>,
    created: Option<Box<RawValue>>,
    docker_version: Option<Box<RawValue>>,
    os: Option<Box<RawValue>>,
    config: Option<Box<RawValue>>,
    #[serde(default)]
    history: Vec<History>,
}

/// What of a layer's history its directory repeats.
#[derive(Clone, Default, Deserialize)]
struct History {
    author: Option<Box<RawValue>>,
    created: Option<Box<RawValue>>,
    created_by: Option<Box<RawValue>>,
    comment: Option<Box<RawValue>>,
    #[serde(default)]
    empty_layer: bool,
}

impl Metadata {
    /// Reads the config in canonical form, in which nothing is `null` and names are in their one case.
    fn of(config: &Config) -> Result<Self, Error> {
        let canonical = config.canonical()?;
        serde_json::from_slice(canonical.raw()).map_err(|error| {
            Error::Content(ContentError::InvalidDocument {
                kind: DocumentKind::Config,
                source: error.into(),
            })
        })
    }

    /// One history for each layer. A config without any history has nothing to tell.
    fn histories(&self, layers: usize) -> Result<Vec<History>, Error> {
        let told: Vec<_> = self
            .history
            .iter()
            .filter(|history| !history.empty_layer)
            .cloned()
            .collect();
        if told.is_empty() {
            return Ok(vec![History::default(); layers]);
        }
        if told.len() != layers {
            return Err(Error::HistoryCount {
                history: told.len(),
                layers,
            });
        }
        Ok(told)
    }

    /// The `json` of a layer: a config of its own, and what the first versions know of it. The top layer
    /// has what the image's config says.
    fn layer(&self, history: &History, id: &str, parent: &str, is_top: bool) -> String {
        let of_image = |value: &Option<Box<RawValue>>| value.clone().filter(|_| is_top);
        let text = |value: Option<Box<RawValue>>, or: &str| {
            value.map_or(or.to_owned(), |value| value.get().to_owned())
        };
        let quoted = |text: &str| format!("\"{text}\"");
        let created = of_image(&self.created).or_else(|| history.created.clone());
        let command = text(history.created_by.clone(), r#""""#);
        let fields = [
            ("architecture", Some(text(of_image(&self.architecture), r#""""#))),
            (
                "author",
                history.author.as_ref().map(|author| author.get().to_owned()),
            ),
            (
                "container",
                of_image(&self.container).map(|value| value.get().to_owned()),
            ),
            ("created", Some(text(created, NO_TIME))),
            (
                "docker_version",
                of_image(&self.docker_version).map(|value| value.get().to_owned()),
            ),
            ("os", Some(text(of_image(&self.os), r#""""#))),
            ("rootfs", Some(r#"{"type":"","diff_ids":null}"#.to_owned())),
            ("config", Some(text(of_image(&self.config), "{}"))),
            ("container_config", Some(format!(r#"{{"Cmd":[{command}]}}"#))),
            ("id", Some(quoted(id))),
            ("parent", Some(quoted(parent)).filter(|_| !parent.is_empty())),
            (
                "comment",
                history.comment.as_ref().map(|comment| comment.get().to_owned()),
            ),
        ];
        let fields: Vec<_> = fields
            .into_iter()
            .filter_map(|(key, value)| Some(format!("\"{key}\":{}", value?)))
            .collect();
        format!("{{{}}}", fields.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(repo_tag: &str, want: (&str, &str)) {
        assert_eq!(split(repo_tag), want, "{repo_tag}");
    }

    #[test]
    fn names_are_split_at_the_tag() {
        check("ubuntu:22.04", ("ubuntu", "22.04"));
        check("ubuntu", ("ubuntu", "latest"));
        check("localhost:5000/a", ("localhost:5000/a", "latest"));
        check("localhost:5000/a:b", ("localhost:5000/a", "b"));
    }
}
