//! Merging the layers of an image into one archive, from the top down.

mod ahead;
mod links;
mod name;
mod output;
mod paths;
mod replaced;
mod tree;

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, Write};
use std::sync::Arc;

use tokio::runtime::Handle;
use wharf_v1::{Image, Layer};

use crate::archive::{Entry, Fault, Header, Kind, TarReader};
use crate::{Error, ExtractOptions, Replaced};
use ahead::Ahead;
use links::{Action, Lack, Links, Shown};
use name::Name;
use output::Output;
use paths::{Follow, Paths};
use replaced::{Begun, leads_out};
use tree::{Hides, NodeId};

#[cfg(target_os = "linux")]
pub(crate) use name::split;

/// Directories that no entry of its own describes, for each entry that is allowed, at most.
const MAX_IMPLIED: u64 = 8;

/// Paths that there may be, however few entries are allowed.
const MIN_PATHS: u64 = 1 << 20;

/// Writes the filesystem of `image` to `out`. Must run where it may block, within a runtime.
pub(crate) fn merge(
    image: &dyn Image,
    options: &ExtractOptions,
    out: &mut dyn Write,
) -> Result<(), wharf_v1::Error> {
    let layers = Handle::current().block_on(image.layers());
    let layers = layers.map_err(|source| Error::Layers {
        source: Box::new(source),
    })?;
    merge_layers(layers, Below::Nothing, options, out)
}

/// Writes what these layers, base first, make of what is below them.
pub(crate) fn merge_layers(
    layers: Vec<Arc<dyn Layer>>,
    below: Below,
    options: &ExtractOptions,
    out: &mut dyn Write,
) -> Result<(), wharf_v1::Error> {
    let mut ahead = Ahead::new(Handle::current(), layers, *options);
    let mut merge = Merge {
        paths: Paths::new(),
        links: Links::default(),
        replaced: HashSet::new(),
        refuses: false,
        entries: 0,
        options: *options,
        below,
        out: Output::new(out, options.max_bytes),
    };
    while let Some((position, layer, reader)) = ahead.next() {
        let failed = |error| explain(position, Fault::Input(error));
        let mut begun = Begun::new(reader).map_err(failed)?;
        let reopen = options.replaced == Replaced::LeftOut && layer.is_reopenable();
        let reopen = reopen.then_some(|| ahead.open(&layer));
        merge.replaced = begun.replaced(reopen).map_err(failed)?;
        merge.refuses = options.replaced == Replaced::Refused && !begun.is_whole();
        merge.layer(position, begun.read())?;
        merge.late(position, || match begun.again() {
            Some(again) => again,
            None => Box::new(ahead.open(&layer)),
        })?;
        merge.links.seal(&merge.paths.tree);
        merge.paths.tree.seal();
    }
    merge.finish()
}

/// What is below the layers that are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Below {
    /// Nothing: they are all of a filesystem.
    Nothing,
    /// Something that they change, and that they may link to.
    Something,
}

struct Merge<'a> {
    paths: Paths,
    links: Links,
    /// Numbers of the entries of the present layer that a later one replaces.
    replaced: HashSet<u64>,
    /// Whether there must be none in the present layer.
    refuses: bool,
    entries: u64,
    options: ExtractOptions,
    below: Below,
    out: Output<'a>,
}

impl Merge<'_> {
    /// Takes in one layer.
    fn layer(&mut self, position: usize, reader: impl BufRead) -> Result<(), wharf_v1::Error> {
        let mut reader = TarReader::new(reader);
        let mut number = 0;
        while let Some(entry) = reader.next_entry().map_err(|fault| explain(position, fault))? {
            self.entries += 1;
            let limit = self.options.max_entries;
            let paths = limit.saturating_mul(MAX_IMPLIED).max(MIN_PATHS);
            if self.entries > limit || self.paths.tree.len() as u64 > paths {
                return Err(Error::TooManyEntries { limit }.into());
            }
            self.entry(position, number, entry, &mut reader)?;
            number += 1;
        }
        reader.drain().map_err(|fault| explain(position, fault))
    }

    fn entry(
        &mut self,
        position: usize,
        number: u64,
        mut entry: Entry,
        reader: &mut TarReader<impl BufRead>,
    ) -> Result<(), wharf_v1::Error> {
        let follow = Follow::Layer(position);
        let is_directory = entry.header.kind == Kind::Directory;
        let path = match Name::parse(&entry.header.name, is_directory)? {
            Name::Path(path) => path,
            Name::Gone(path) => {
                let id = self.paths.locate(&path, follow);
                self.paths.tree.put_gone(id);
                return Ok(());
            }
            Name::Opaque(path) => {
                let id = self.paths.locate(&path, follow);
                self.paths.tree.put_opaque(id);
                return Ok(());
            }
            Name::Nothing => return Ok(()),
        };
        if leads_out(&path, &entry.header) {
            dropped(&entry.header);
            return Ok(());
        }
        let id = self.paths.locate(&path, follow);
        if self.refuses && self.paths.tree.is_here(id) {
            let path = String::from_utf8_lossy(&self.paths.tree.path(id)).into_owned();
            return Err(Error::Replaced { position, path }.into());
        }
        let is_last = !self.replaced.contains(&number);
        let visible = is_last && self.paths.tree.is_visible(id, is_directory);
        match entry.header.kind {
            Kind::Directory => {
                self.paths.no_symlink(id);
                self.paths.tree.put_directory(id);
                self.links.directory(id, is_last);
                if visible {
                    self.paths.tree.put_out(id);
                    entry.header.name = self.paths.tree.path(id);
                    self.out.header(&entry.header)?;
                }
                return Ok(());
            }
            Kind::Link => {
                let shown = Shown { visible, is_last };
                return self.link(position, id, shown, &entry.header);
            }
            Kind::Symlink => {
                self.paths.put_symlink(id, position, &entry.header.link, visible);
            }
            _ => {
                self.paths.no_symlink(id);
            }
        }
        self.paths.tree.put_other(id);
        let names = self.links.content(id, Shown { visible, is_last }, number);
        if visible {
            self.paths.tree.show(id);
            self.content(id, &names, entry, reader, position)?;
        } else if let Some((first, more)) = names.split_first() {
            self.content(*first, more, entry, reader, position)?;
        }
        Ok(())
    }

    fn link(
        &mut self,
        position: usize,
        id: NodeId,
        shown: Shown,
        header: &Header,
    ) -> Result<(), wharf_v1::Error> {
        let Some(target) = name::hard_link(&header.link) else {
            return Ok(());
        };
        let target = self.paths.locate(&target, Follow::Layer(position));
        self.paths.no_symlink(id);
        self.paths.tree.put_other(id);
        if shown.visible {
            self.paths.tree.show(id);
        }
        let (names, action) = self.links.link(id, target, shown);
        if let Action::Link(target) = action {
            for name in names {
                let link = Header {
                    name: self.paths.tree.path(name),
                    link: self.paths.tree.path(target),
                    ..header.clone()
                };
                self.out.header(&link)?;
            }
        }
        Ok(())
    }

    /// Writes an entry under `name`, and links to it under the other names.
    fn content(
        &mut self,
        name: NodeId,
        links: &[NodeId],
        mut entry: Entry,
        reader: &mut TarReader<impl BufRead>,
        position: usize,
    ) -> Result<(), wharf_v1::Error> {
        entry.header.name = self.paths.tree.path(name);
        self.out.header(&entry.header)?;
        reader
            .write_content(&entry, &mut self.out)
            .map_err(|fault| explain(position, fault))?;
        self.out.pad()?;
        for link in links.iter().filter(|link| **link != name) {
            let link = entry
                .header
                .to_link(self.paths.tree.path(*link), entry.header.name.clone());
            self.out.header(&link)?;
        }
        Ok(())
    }

    /// Reads the layer again for content that a higher layer hides but that hard links of this one need.
    fn late<'a>(
        &mut self,
        position: usize,
        again: impl FnOnce() -> Box<dyn BufRead + 'a>,
    ) -> Result<(), wharf_v1::Error> {
        let late: BTreeMap<u64, Vec<NodeId>> = self.links.take_late();
        if late.is_empty() {
            return Ok(());
        }
        let mut reader = TarReader::new(again());
        let mut number = 0;
        while let Some(entry) = reader.next_entry().map_err(|fault| explain(position, fault))? {
            if let Some((first, more)) = late.get(&number).and_then(|names| names.split_first()) {
                self.content(*first, more, entry, &mut reader, position)?;
            }
            number += 1;
        }
        reader.drain().map_err(|fault| explain(position, fault))
    }

    /// Writes the links whose targets have other names in the merged filesystem, and the end mark.
    fn finish(mut self) -> Result<(), wharf_v1::Error> {
        for (name, target, lack) in std::mem::take(&mut self.links).into_lost() {
            let path = self.paths.tree.path(target);
            let mut found = self.paths.locate(&path, Follow::Merged);
            if self.below == Below::Something {
                // What one of these layers put there is not what the link was made for.
                if self.paths.tree.is_covered(target) {
                    return Err(self.dangling(name, target, lack).into());
                }
                found = target;
            } else if !self.paths.tree.is_shown(found) || found == name {
                let is_directory = self.paths.tree.is_directory(found);
                let lack = if is_directory { Lack::Directory } else { lack };
                return Err(self.dangling(name, target, lack).into());
            }
            let link = Header {
                mode: 0o644,
                ..Header::default()
            };
            let link = link.to_link(self.paths.tree.path(name), self.paths.tree.path(found));
            self.out.header(&link)?;
        }
        if self.below == Below::Something {
            for (id, hides) in self.paths.tree.removals() {
                let name = match hides {
                    Hides::Itself => name::gone(&self.paths.tree.path(id)),
                    Hides::Content => name::opaque(&self.paths.tree.path(id)),
                };
                self.out.header(&Header {
                    name,
                    ..Header::default()
                })?;
            }
        }
        self.out.finish()
    }

    fn dangling(&self, name: NodeId, target: NodeId, lack: Lack) -> Error {
        let lossy = |id| String::from_utf8_lossy(&self.paths.tree.path(id)).into_owned();
        let (path, target) = (lossy(name), lossy(target));
        match lack {
            Lack::Nothing => Error::DanglingLink { path, target },
            Lack::Directory => Error::DirectoryLink { path, target },
        }
    }
}

fn dropped(header: &Header) {
    tracing::warn!(
        name = %header.name.escape_ascii(),
        target = %header.link.escape_ascii(),
        "left out a link that leads out of the image"
    );
}

fn explain(position: usize, fault: Fault) -> wharf_v1::Error {
    match fault {
        Fault::Input(error) => Error::read(position, error).into(),
        Fault::Damaged(damage) => Error::NotTar {
            position,
            source: damage.into(),
        }
        .into(),
        Fault::Output(error) => error.into(),
    }
}
