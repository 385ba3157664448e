//! What two layers, images or indexes differ in. Go's `compare` package.
//!
//! ```
//! use wharf_v1::{compare, random};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
//! assert!(compare::images(&random::image(1, 2, 100), &random::image(1, 2, 100)).await?.is_empty());
//!
//! let differences = compare::layers(&random::layer(1, 100), &random::layer(1, 2000)).await?;
//! let lines: Vec<_> = differences.iter().map(ToString::to_string).collect();
//! assert_eq!(lines[1], "size: 2048 and 3584");
//! # Ok(()) }
//! ```

use std::fmt::{self, Display};

use serde_json::Value;

use crate::one_line::OneLine;
use crate::{Document, Error, Image, Index, Layer, View};

/// One thing that is not the same on both sides. Displays as one line.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs, from the outside inwards: `layers[0].size`, `manifest.annotations.key`.
    pub place: String,
    /// What the first one has; `None` if it has nothing there.
    pub left: Option<String>,
    /// What the second one has; `None` if it has nothing there.
    pub right: Option<String>,
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: &Option<String>| match side {
            Some(text) => OneLine(text).to_string(),
            None => "nothing".to_owned(),
        };
        let place = OneLine(&self.place);
        write!(f, "{place}: {} and {}", side(&self.left), side(&self.right))
    }
}

/// What two layers differ in: digest, size and media type as stored, and diff_id.
///
/// # Errors
/// What the layers give when they are asked.
pub async fn layers(left: &dyn Layer, right: &dyn Layer) -> Result<Vec<Difference>, Error> {
    let mut differences = Differences::default();
    differences.layers("", left, right).await?;
    Ok(differences.0)
}

/// What two images differ in: digest, size and media type, each place in manifest and config, and the
/// layers one by one.
///
/// # Errors
/// What the images and layers give when they are asked.
pub async fn images(left: &dyn Image, right: &dyn Image) -> Result<Vec<Difference>, Error> {
    let mut differences = Differences::default();
    differences.documents("", &left.manifest().await?, &right.manifest().await?);
    differences.documents("config.", &left.config().await?, &right.config().await?);
    let (left, right) = (left.layers().await?, right.layers().await?);
    differences.value("number of layers", left.len(), right.len());
    for (at, (left, right)) in left.iter().zip(&right).enumerate() {
        differences
            .layers(&format!("layers[{at}]."), &**left, &**right)
            .await?;
    }
    Ok(differences.0)
}

/// What two indexes differ in: digest, size and media type, and each place in the document. Children are
/// compared by their descriptors.
///
/// # Errors
/// What the indexes give when they are asked.
pub async fn indexes(left: &dyn Index, right: &dyn Index) -> Result<Vec<Difference>, Error> {
    let mut differences = Differences::default();
    differences.documents("", &left.manifest().await?, &right.manifest().await?);
    Ok(differences.0)
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn value<T: Display + PartialEq>(&mut self, place: impl Into<String>, left: T, right: T) {
        if left != right {
            self.note(place.into(), Some(left.to_string()), Some(right.to_string()));
        }
    }

    fn note(&mut self, place: String, left: Option<String>, right: Option<String>) {
        self.0.push(Difference { place, left, right });
    }

    async fn layers(&mut self, at: &str, left: &dyn Layer, right: &dyn Layer) -> Result<(), Error> {
        let (one, other) = (left.descriptor().await?, right.descriptor().await?);
        self.value(format!("{at}digest"), one.digest(), other.digest());
        self.value(format!("{at}size"), one.size(), other.size());
        self.value(format!("{at}media type"), one.media_type(), other.media_type());
        self.value(
            format!("{at}diff id"),
            left.diff_id().await?,
            right.diff_id().await?,
        );
        Ok(())
    }

    fn documents<T: View>(&mut self, at: &str, left: &Document<T>, right: &Document<T>) {
        self.value(format!("{at}digest"), left.digest(), right.digest());
        self.value(format!("{at}size"), left.size(), right.size());
        self.value(format!("{at}media type"), left.media_type(), right.media_type());
        let parse = |document: &Document<T>| serde_json::from_slice::<Value>(document.raw()).ok();
        // What is no JSON differs in its digest, and that is all to be said.
        if let (Some(left), Some(right)) = (parse(left), parse(right)) {
            let root = if at.is_empty() { "manifest" } else { "config" };
            self.json(root, Some(&left), Some(&right));
        }
    }

    /// As deep as both sides are alike. Documents are no deeper than the parser allows: 128 levels.
    fn json(&mut self, place: &str, left: Option<&Value>, right: Option<&Value>) {
        match (left, right) {
            (Some(Value::Object(left)), Some(Value::Object(right))) => {
                for (key, value) in left {
                    self.json(&format!("{place}.{key}"), Some(value), right.get(key));
                }
                for (key, value) in right.iter().filter(|(key, _)| !left.contains_key(*key)) {
                    self.json(&format!("{place}.{key}"), None, Some(value));
                }
            }
            (Some(Value::Array(left)), Some(Value::Array(right))) => {
                for at in 0..left.len().max(right.len()) {
                    self.json(&format!("{place}[{at}]"), left.get(at), right.get(at));
                }
            }
            (left, right) if left == right => {}
            (left, right) => {
                let text = |side: Option<&Value>| {
                    side.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                };
                self.note(place.to_owned(), text(left), text(right));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use oci_spec::image::MediaType;

    use super::*;
    use crate::media_type::Family;
    use crate::partial::{ImageBuilder, IndexBuilder, StaticLayer};
    use crate::{Config, empty, random};

    #[track_caller]
    fn check(differences: Result<Vec<Difference>, Error>, want: &[&str]) {
        let differences = differences.expect("known");
        // Digests only say that something differs.
        let lines = differences.iter().map(ToString::to_string);
        let lines: Vec<_> = lines.filter(|line| !line.contains("sha256:")).collect();
        assert_eq!(lines, want);
        assert!(
            differences
                .iter()
                .all(|difference| difference.left != difference.right)
        );
    }

    fn of(text: &'static str, media_type: &str) -> StaticLayer {
        StaticLayer::new(text, MediaType::from(media_type))
    }

    #[tokio::test]
    async fn the_same_is_the_same() {
        let same = random::image(1, 2, 100);
        assert!(images(&same, &same.clone()).await.expect("known").is_empty());
        assert!(
            images(&empty::image(), &empty::image())
                .await
                .expect("known")
                .is_empty()
        );
        let index = random::index(1, 2, 1, 10);
        assert!(indexes(&index, &index.clone()).await.expect("known").is_empty());
    }

    #[tokio::test]
    async fn layers_differ_in_what_they_are() {
        let differences = layers(&of("a", "x"), &of("bc", "y")).await;
        check(differences, &["size: 1 and 2", "media type: x and y"]);
        let differences = layers(&of("a", "x"), &of("b", "x")).await.expect("known");
        let places: Vec<_> = differences
            .iter()
            .map(|difference| difference.place.as_str())
            .collect();
        assert_eq!(places, ["digest", "diff id"]);
    }

    #[tokio::test]
    async fn images_differ_in_their_documents() {
        let builder = || ImageBuilder::new(Family::Oci).layer(of("a", "x"));
        let plain = builder().build().await.expect("fits");
        let annotated = builder().annotation("key", "a\nb").build().await.expect("fits");
        let differences = images(&plain, &annotated).await;
        check(
            differences,
            &[
                "size: 357 and 386",
                r#"manifest.annotations: nothing and {"key":"a\nb"}"#,
            ],
        );
        let other = builder().layer(of("b", "x")).build().await.expect("fits");
        let differences = images(&plain, &other).await.expect("known");
        let places: Vec<_> = differences
            .iter()
            .map(|difference| difference.place.as_str())
            .collect();
        for place in [
            "manifest.layers[1]",
            "config.rootfs.diff_ids[1]",
            "number of layers",
        ] {
            assert!(places.contains(&place), "{places:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_json_differs_in_its_digest() {
        let of = |config: &'static str| {
            ImageBuilder::new(Family::Oci)
                .config(Config::new(config, MediaType::from("x")))
                .build()
        };
        let (left, right) = (of("a").await.expect("fits"), of("b").await.expect("fits"));
        let differences = images(&left, &right).await.expect("known");
        assert!(
            differences
                .iter()
                .any(|difference| difference.place == "config.digest")
        );
    }

    #[tokio::test]
    async fn indexes_differ_in_what_they_list() {
        let of = |image| IndexBuilder::new(Family::Oci).image(image).build();
        let left = of(random::image(1, 1, 1)).await.expect("built");
        let right = IndexBuilder::new(Family::Oci).build().await.expect("built");
        let differences = indexes(&left, &right).await.expect("known");
        assert!(
            differences
                .iter()
                .any(|difference| difference.place == "manifest.manifests[0]" && difference.right.is_none())
        );
    }
}
