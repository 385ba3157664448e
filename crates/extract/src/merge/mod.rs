//! Merging the layers of an image into one archive, from the top down.

mod ahead;
mod links;
mod name;
mod output;
mod tree;

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::Arc;

use tokio::runtime::Handle;
use wharf_v1::{Image, Layer};

use crate::archive::{Entry, Fault, Header, Kind, TarReader};
use crate::{Error, ExtractOptions};
use ahead::{Ahead, LayerReader};
use links::{Action, Links};
use name::Name;
use output::Output;
use tree::{Hides, NodeId, Tree};

#[cfg(target_os = "linux")]
pub(crate) use name::split;

/// Symbolic links that are followed for one name, at most.
const MAX_FOLLOWED: usize = 64;

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
        tree: Tree::new(),
        links: Links::default(),
        symlinks: HashMap::new(),
        entries: 0,
        options: *options,
        below,
        out: Output::new(out, options.max_bytes),
    };
    while let Some((position, layer, reader)) = ahead.next() {
        merge.layer(position, reader)?;
        merge.late(position, &layer, &ahead)?;
        merge.links.seal(&merge.tree);
        merge.tree.seal();
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
    tree: Tree,
    links: Links,
    /// Targets of the symbolic links that went out or that the present layer has.
    symlinks: HashMap<NodeId, Symlink>,
    entries: u64,
    options: ExtractOptions,
    below: Below,
    out: Output<'a>,
}

struct Symlink {
    /// The layer that has it.
    layer: usize,
    target: Box<[u8]>,
    shown: bool,
}

/// Which symbolic links names are resolved by.
#[derive(Clone, Copy)]
enum Follow {
    /// Those of this layer.
    Layer(usize),
    /// Those of the merged filesystem.
    Merged,
}

impl Merge<'_> {
    /// Takes in one layer.
    fn layer(&mut self, position: usize, reader: LayerReader) -> Result<(), wharf_v1::Error> {
        let mut reader = TarReader::new(reader);
        let mut number = 0;
        while let Some(entry) = reader.next_entry().map_err(|fault| explain(position, fault))? {
            self.entries += 1;
            if self.entries > self.options.max_entries {
                let limit = self.options.max_entries;
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
        reader: &mut TarReader<LayerReader>,
    ) -> Result<(), wharf_v1::Error> {
        let follow = Follow::Layer(position);
        let is_directory = entry.header.kind == Kind::Directory;
        let path = match Name::parse(&entry.header.name, is_directory)? {
            Name::Path(path) => path,
            Name::Gone(path) => {
                let id = self.locate(&path, follow);
                self.tree.put_gone(id);
                return Ok(());
            }
            Name::Opaque(path) => {
                let id = self.locate(&path, follow);
                self.tree.put_opaque(id);
                return Ok(());
            }
            Name::Nothing => return Ok(()),
        };
        let id = self.locate(&path, follow);
        let visible = self.tree.is_visible(id, is_directory);
        match entry.header.kind {
            Kind::Directory => {
                self.symlinks.remove(&id);
                self.tree.put_directory(id);
                self.links.directory(id);
                if visible {
                    self.tree.put_out(id);
                    entry.header.name = self.tree.path(id);
                    self.out.header(&entry.header)?;
                }
                return Ok(());
            }
            Kind::Link => return self.link(position, id, visible, &entry.header),
            Kind::Symlink => {
                let directory = name::split(&path).0;
                if !name::symlink_stays(directory, &entry.header.link) {
                    dropped(&entry.header);
                    return Ok(());
                }
                let symlink = Symlink {
                    layer: position,
                    target: entry.header.link.clone().into(),
                    shown: visible,
                };
                self.symlinks.insert(id, symlink);
            }
            _ => {
                self.symlinks.remove(&id);
            }
        }
        self.tree.put_other(id);
        let names = self.links.content(id, visible, number);
        if visible {
            self.tree.show(id);
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
        visible: bool,
        header: &Header,
    ) -> Result<(), wharf_v1::Error> {
        let Some(target) = name::hard_link(&header.link) else {
            dropped(header);
            return Ok(());
        };
        let target = self.locate(&target, Follow::Layer(position));
        self.symlinks.remove(&id);
        self.tree.put_other(id);
        if visible {
            self.tree.show(id);
        }
        let (names, action) = self.links.link(id, target, visible);
        if let Action::Link(target) = action {
            for name in names {
                let link = Header {
                    name: self.tree.path(name),
                    link: self.tree.path(target),
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
        reader: &mut TarReader<LayerReader>,
        position: usize,
    ) -> Result<(), wharf_v1::Error> {
        entry.header.name = self.tree.path(name);
        self.out.header(&entry.header)?;
        reader
            .write_content(&entry, &mut self.out)
            .map_err(|fault| explain(position, fault))?;
        self.out.pad()?;
        for link in links.iter().filter(|link| **link != name) {
            let link = entry
                .header
                .to_link(self.tree.path(*link), entry.header.name.clone());
            self.out.header(&link)?;
        }
        Ok(())
    }

    /// Reads the layer again for content that a higher layer hides but that hard links of this one need.
    fn late(
        &mut self,
        position: usize,
        layer: &Arc<dyn Layer>,
        ahead: &Ahead,
    ) -> Result<(), wharf_v1::Error> {
        let late: BTreeMap<u64, Vec<NodeId>> = self.links.take_late();
        if late.is_empty() {
            return Ok(());
        }
        let mut reader = TarReader::new(ahead.open(layer));
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
        for (name, target) in std::mem::take(&mut self.links).into_lost() {
            let path = self.tree.path(target);
            let mut found = self.locate(&path, Follow::Merged);
            if self.below == Below::Something {
                // What one of these layers put there is not what the link was made for.
                if self.tree.is_covered(target) {
                    return Err(self.dangling(name, target).into());
                }
                found = target;
            } else if !self.tree.is_shown(found) || found == name {
                return Err(self.dangling(name, target).into());
            }
            let link = Header {
                mode: 0o644,
                ..Header::default()
            };
            let link = link.to_link(self.tree.path(name), self.tree.path(found));
            self.out.header(&link)?;
        }
        if self.below == Below::Something {
            for (id, hides) in self.tree.removals() {
                let name = match hides {
                    Hides::Itself => name::gone(&self.tree.path(id)),
                    Hides::Content => name::opaque(&self.tree.path(id)),
                };
                self.out.header(&Header {
                    name,
                    ..Header::default()
                })?;
            }
        }
        self.out.finish()
    }

    fn dangling(&self, name: NodeId, target: NodeId) -> Error {
        let lossy = |id| String::from_utf8_lossy(&self.tree.path(id)).into_owned();
        Error::DanglingLink {
            path: lossy(name),
            target: lossy(target),
        }
    }

    /// The node of a path, whose directories may be symbolic links.
    fn locate(&mut self, path: &[u8], follow: Follow) -> NodeId {
        let mut parts: Vec<Vec<u8>> = path.split(|byte| *byte == b'/').rev().map(Vec::from).collect();
        let mut at = NodeId::ROOT;
        let mut followed = 0;
        while let Some(part) = parts.pop() {
            match &part[..] {
                b"" | b"." => continue,
                b".." => {
                    at = self.tree.parent(at);
                    continue;
                }
                part => at = self.tree.child(at, part),
            }
            if parts.is_empty() || followed == MAX_FOLLOWED {
                continue;
            }
            let Some(symlink) = self.symlinks.get(&at) else {
                continue;
            };
            let counts = match follow {
                Follow::Layer(layer) => symlink.layer == layer,
                Follow::Merged => symlink.shown,
            };
            if counts {
                followed += 1;
                let absolute = symlink.target.starts_with(b"/");
                at = if absolute {
                    NodeId::ROOT
                } else {
                    self.tree.parent(at)
                };
                parts.extend(symlink.target.split(|byte| *byte == b'/').rev().map(Vec::from));
            }
        }
        at
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
