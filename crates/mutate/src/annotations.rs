//! Adding annotations.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use wharf_v1::{Image, Index};

use crate::image::Change;
use crate::{MutatedImage, MutatedIndex};

/// The image with more annotations in its manifest. Those that it has stay, unless a new one has the
/// same key. The config is not touched, whatever it is.
///
/// Ancestor in Go: `mutate.Annotations`.
pub fn annotate<K, V>(base: Arc<dyn Image>, annotations: impl IntoIterator<Item = (K, V)>) -> MutatedImage
where
    K: Into<String>,
    V: Into<String>,
{
    MutatedImage::new(base, Change::Annotations(collect(annotations)))
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
    MutatedIndex::new(base, collect(annotations))
}

/// Annotations that came before, with more.
pub(crate) fn merged(
    before: Option<&HashMap<String, String>>,
    more: &BTreeMap<String, String>,
) -> Option<HashMap<String, String>> {
    if more.is_empty() {
        return before.cloned();
    }
    let mut merged = before.cloned().unwrap_or_default();
    merged.extend(more.clone());
    Some(merged)
}

fn collect<K: Into<String>, V: Into<String>>(
    annotations: impl IntoIterator<Item = (K, V)>,
) -> BTreeMap<String, String> {
    annotations
        .into_iter()
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}
