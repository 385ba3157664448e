//! Adding and removing annotations.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use wharf_v1::{Image, Index, Matcher};

use crate::change::Change;
use crate::{MutatedImage, MutatedIndex, edit_children};

/// The image with more annotations in its manifest. Those that it has stay, unless a new one has the
/// same key. The config is not touched, whatever it is.
///
/// Ancestor in Go: `mutate.Annotations`.
pub fn annotate<K, V>(base: Arc<dyn Image>, annotations: impl IntoIterator<Item = (K, V)>) -> MutatedImage
where
    K: Into<String>,
    V: Into<String>,
{
    let more = collect(annotations);
    MutatedImage::new(
        base,
        Change::manifest(move |manifest| {
            manifest.set_annotations(merged(manifest.annotations().clone(), &more));
        }),
    )
}

/// The index with more annotations. Those that it has stay, unless a new one has the same key. Its
/// children are not touched.
///
/// Ancestor in Go: `mutate.Annotations`.
pub fn annotate_index<K, V>(
    base: Arc<dyn Index>,
    annotations: impl IntoIterator<Item = (K, V)>,
) -> MutatedIndex
where
    K: Into<String>,
    V: Into<String>,
{
    let more = collect(annotations);
    MutatedIndex::edited(base, move |index| {
        index.set_annotations(merged(index.annotations().clone(), &more));
    })
}

/// The index with more annotations on the entries of those children that match. What is said of them stays,
/// unless a new annotation has the same key. The children are not touched.
pub fn annotate_children<K, V>(
    base: Arc<dyn Index>,
    children: Matcher,
    annotations: impl IntoIterator<Item = (K, V)>,
) -> MutatedIndex
where
    K: Into<String>,
    V: Into<String>,
{
    let more = collect(annotations);
    edit_children(base, move |child| {
        if children.matches(child) {
            child.set_annotations(merged(child.annotations().clone(), &more));
        }
    })
}

/// The image without the annotations that have these keys. Keys that there are not are passed over.
pub fn remove_annotations<K: Into<String>>(
    base: Arc<dyn Image>,
    keys: impl IntoIterator<Item = K>,
) -> MutatedImage {
    let keys: Vec<String> = keys.into_iter().map(Into::into).collect();
    MutatedImage::new(
        base,
        Change::manifest(move |manifest| {
            manifest.set_annotations(without(manifest.annotations().clone(), &keys));
        }),
    )
}

/// The index without the annotations that have these keys. Keys that there are not are passed over.
pub fn remove_annotations_of_index<K: Into<String>>(
    base: Arc<dyn Index>,
    keys: impl IntoIterator<Item = K>,
) -> MutatedIndex {
    let keys: Vec<String> = keys.into_iter().map(Into::into).collect();
    MutatedIndex::edited(base, move |index| {
        index.set_annotations(without(index.annotations().clone(), &keys));
    })
}

type Annotations = Option<HashMap<String, String>>;

fn merged(before: Annotations, more: &BTreeMap<String, String>) -> Annotations {
    if more.is_empty() {
        return before;
    }
    let mut merged = before.unwrap_or_default();
    merged.extend(more.clone());
    Some(merged)
}

fn without(before: Annotations, keys: &[String]) -> Annotations {
    before.map(|mut annotations| {
        annotations.retain(|key, _| !keys.contains(key));
        annotations
    })
}

/// The annotations in an order, so that equal calls make equal values.
pub(crate) fn collect<K: Into<String>, V: Into<String>>(
    annotations: impl IntoIterator<Item = (K, V)>,
) -> BTreeMap<String, String> {
    annotations
        .into_iter()
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}
