//! `index.json`: read, and changed without losing what we do not know.

use std::path::Path;

use bytes::Bytes;
use oci_spec::image::{Descriptor, ImageIndex, MediaType};
use serde::Deserialize;
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{DocumentKind, IndexManifest, Matcher};

use crate::Error;
use crate::file::{create_new, read_capped, replace};
use crate::find::ref_name;

/// The file's name.
pub(crate) const INDEX: &str = "index.json";

/// Largest `index.json` that is read, in bytes.
pub(crate) const LIMIT: u64 = 100 * 1024 * 1024;

/// Three blanks a level, as the tools that people compare the file with.
const INDENT: &str = "   ";

/// A change of what a layout lists.
pub(crate) enum Change {
    /// Lists an entry, in place of one that has the same digest and name.
    Put(Box<Descriptor>),
    /// Takes entries off the list.
    Remove(Matcher),
}

/// A layout's `index.json`, not parsed yet.
pub(crate) fn read(root: &Path) -> Result<IndexManifest, Error> {
    let path = root.join(INDEX);
    parse(read_capped(&path, LIMIT)?, &path)
}

/// The bytes of an `index.json` as a document. It may be of any type of index, and need not say.
pub(crate) fn parse(raw: impl Into<Bytes>, path: &Path) -> Result<IndexManifest, Error> {
    let raw = raw.into();
    // What is no JSON is told by whoever asks for the view.
    let said = serde_json::from_slice::<Typed>(&raw).ok();
    let media_type = match said.and_then(|typed| typed.media_type) {
        Some(said) if !said.is_empty() => MediaType::from(said.as_str()),
        _ => MediaType::ImageIndex,
    };
    if !media_type.is_index() {
        return Err(Error::Invalid {
            path: path.to_owned(),
            source: wharf_v1::Error::UnexpectedMediaType {
                got: media_type,
                wanted: DocumentKind::Index,
            }
            .into(),
        });
    }
    Ok(IndexManifest::new(raw, media_type))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Typed {
    media_type: Option<String>,
}

/// Writes an index without entries, unless there is one. Returns whether it wrote.
pub(crate) fn ensure(root: &Path) -> Result<bool, Error> {
    let path = root.join(INDEX);
    if path.exists() {
        return Ok(false);
    }
    // Somebody may have listed an image meanwhile.
    create_new(&path, empty().indented(INDENT)?.raw())
}

/// Whether the layout lists nothing: neither an entry nor any field that we did not write.
pub(crate) fn is_empty_at(root: &Path) -> bool {
    match read(root) {
        Ok(index) => empty()
            .indented(INDENT)
            .is_ok_and(|empty| empty.raw() == index.raw()),
        Err(error) => error.is_not_found(),
    }
}

/// Makes these changes in a layout's `index.json`, in order and in one step. Returns the entries that
/// were removed. The caller holds the lock.
pub(crate) fn change(root: &Path, changes: Vec<Change>) -> Result<Vec<Descriptor>, Error> {
    let path = root.join(INDEX);
    let (index, is_there) = match read(root) {
        Ok(index) => (index, true),
        Err(error) if error.is_not_found() => (empty(), false),
        Err(error) => return Err(error),
    };
    let mut removed = Vec::new();
    let edited = index
        .edit(|index| {
            let mut entries = index.manifests().clone();
            for change in changes {
                match change {
                    Change::Put(entry) => put(&mut entries, &entry),
                    Change::Remove(matcher) => {
                        removed.extend(entries.extract_if(.., |entry| matcher.matches(entry)));
                    }
                }
            }
            index.set_manifests(entries);
        })
        .map_err(|error| Error::Invalid {
            path: path.clone(),
            source: error.into(),
        })?;
    if !is_there || edited.raw() != index.raw() {
        write(&path, &edited)?;
    }
    Ok(removed)
}

/// An index with further entries, as it is written.
pub(crate) fn listed(index: &IndexManifest, listed: &[Descriptor]) -> Result<IndexManifest, Error> {
    let edited = index.edit(|index| {
        let mut entries = index.manifests().clone();
        listed.iter().for_each(|entry| put(&mut entries, entry));
        index.set_manifests(entries);
    })?;
    Ok(edited.indented(INDENT)?)
}

fn put(entries: &mut Vec<Descriptor>, entry: &Descriptor) {
    let same = |old: &&mut Descriptor| old.digest() == entry.digest() && ref_name(old) == ref_name(entry);
    match entries.iter_mut().find(same) {
        Some(old) => *old = entry.clone(),
        None => entries.push(entry.clone()),
    }
}

/// An index without entries.
pub(crate) fn empty() -> IndexManifest {
    IndexManifest::from_view(ImageIndex::default(), MediaType::ImageIndex)
}

fn write(path: &Path, index: &IndexManifest) -> Result<(), Error> {
    replace(path, index.indented(INDENT)?.raw())
}
