//! `index.json`: read, and changed without losing what we do not know.

use std::path::Path;

use oci_spec::image::{Descriptor, ImageIndex, MediaType};
use wharf_v1::IndexManifest;

use crate::Error;
use crate::file::{read_capped, replace};
use crate::options::REF_NAME;

/// The file's name.
pub(crate) const INDEX: &str = "index.json";

/// Largest `index.json` that is read, in bytes.
const LIMIT: u64 = 100 * 1024 * 1024;

/// Three blanks a level, as the tools that people compare the file with.
const INDENT: &str = "   ";

/// A layout's `index.json`, not parsed yet.
pub(crate) fn read(root: &Path) -> Result<IndexManifest, Error> {
    let raw = read_capped(&root.join(INDEX), LIMIT)?;
    Ok(IndexManifest::new(raw, MediaType::ImageIndex))
}

/// Writes an index without entries, unless there is one. Returns whether it wrote.
pub(crate) fn ensure(root: &Path) -> Result<bool, Error> {
    let path = root.join(INDEX);
    if path.exists() {
        return Ok(false);
    }
    write(&path, &empty())?;
    Ok(true)
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

/// Lists an entry in a layout's `index.json`, in place of one that has the same digest and name. The
/// caller holds the lock.
pub(crate) fn add(root: &Path, entry: &Descriptor) -> Result<(), Error> {
    let index = match read(root) {
        Ok(index) => index,
        Err(error) if error.is_not_found() => empty(),
        Err(error) => return Err(error),
    };
    let path = root.join(INDEX);
    let edited = index
        .edit(|index| {
            let mut entries = index.manifests().clone();
            put(&mut entries, entry);
            index.set_manifests(entries);
        })
        .map_err(|error| Error::Invalid {
            path: path.clone(),
            source: error.into(),
        })?;
    write(&path, &edited)
}

fn put(entries: &mut Vec<Descriptor>, entry: &Descriptor) {
    let same = |old: &&mut Descriptor| old.digest() == entry.digest() && ref_name(old) == ref_name(entry);
    match entries.iter_mut().find(same) {
        Some(old) => *old = entry.clone(),
        None => entries.push(entry.clone()),
    }
}

fn ref_name(descriptor: &Descriptor) -> Option<&String> {
    descriptor.annotations().as_ref()?.get(REF_NAME)
}

fn empty() -> IndexManifest {
    IndexManifest::from_view(ImageIndex::default(), MediaType::ImageIndex)
}

fn write(path: &Path, index: &IndexManifest) -> Result<(), Error> {
    replace(path, index.indented(INDENT)?.raw())
}
