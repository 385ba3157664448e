//! Where names lead, by the symbolic links on the way.

use std::collections::HashMap;

use super::tree::{NodeId, Tree};

/// Symbolic links that are followed for one name, at most.
const MAX_FOLLOWED: usize = 64;

/// Bytes of a symbolic link's target that is followed, at most. Systems end there, too.
const MAX_TARGET: usize = 4096;

/// The paths of layers, and the symbolic links among them.
#[derive(Debug)]
pub(crate) struct Paths {
    pub(crate) tree: Tree,
    /// Targets of the symbolic links that went out or that the present layer has.
    symlinks: HashMap<NodeId, Symlink>,
}

#[derive(Debug)]
struct Symlink {
    /// The layer that has it.
    layer: usize,
    target: Box<[u8]>,
    shown: bool,
}

/// Which symbolic links names are resolved by.
#[derive(Clone, Copy)]
pub(crate) enum Follow {
    /// Those of this layer.
    Layer(usize),
    /// Those of the merged filesystem.
    Merged,
}

impl Paths {
    pub(crate) fn new() -> Self {
        Self {
            tree: Tree::new(),
            symlinks: HashMap::new(),
        }
    }

    /// A symbolic link of this layer is here.
    pub(crate) fn put_symlink(&mut self, id: NodeId, layer: usize, target: &[u8], shown: bool) {
        let symlink = Symlink {
            layer,
            target: target.into(),
            shown,
        };
        self.symlinks.insert(id, symlink);
    }

    /// Something else is here.
    pub(crate) fn no_symlink(&mut self, id: NodeId) {
        self.symlinks.remove(&id);
    }

    /// The node of a path, whose directories may be symbolic links.
    pub(crate) fn locate(&mut self, path: &[u8], follow: Follow) -> NodeId {
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
            if counts && symlink.target.len() <= MAX_TARGET {
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
