//! What the layers above the one that is read have at each path.

use std::collections::HashMap;
use std::sync::Arc;

/// All paths that were met so far, and which of them hide what from lower layers.
///
/// Layers are merged from the top down. What a layer says counts for the layers below it only, so it is
/// kept apart until [`seal`](Self::seal).
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// Nodes with marks of the layer that is being read.
    touched: Vec<NodeId>,
}

/// A path in a [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(u32);

impl NodeId {
    pub(crate) const ROOT: Self = Self(0);
}

#[derive(Debug)]
struct Node {
    parent: NodeId,
    name: Arc<[u8]>,
    children: HashMap<Arc<[u8]>, NodeId>,
    /// Marks of the layers above.
    above: u8,
    /// Marks of the layer that is being read.
    here: u8,
}

/// A directory is here.
const DIRECTORY: u8 = 1;
/// Something else is here. It hides what is below.
const OTHER: u8 = 2;
/// Something is below, so this is a directory even if no entry says so.
const PARENT: u8 = 4;
/// This and what is below is gone.
const GONE: u8 = 8;
/// What is below is gone.
const OPAQUE: u8 = 16;
/// It went out, and is no directory.
const SHOWN: u8 = 32;
/// It went out, or something below it did.
const OUT: u8 = 64;

/// What a path hides from whatever is below all layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hides {
    /// All that is there.
    Itself,
    /// All that is below it.
    Content,
}

impl Tree {
    pub(crate) fn new() -> Self {
        let root = Node::new(NodeId::ROOT, Arc::from(&b""[..]));
        Self {
            nodes: vec![root],
            touched: Vec::new(),
        }
    }

    /// How many paths there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node of `name` in `parent`.
    pub(crate) fn child(&mut self, parent: NodeId, name: &[u8]) -> NodeId {
        if let Some(child) = self.node(parent).children.get(name) {
            return *child;
        }
        // The limit on entries is far below what ids can count.
        let id = NodeId(u32::try_from(self.nodes.len()).expect("fewer nodes than bytes of memory / 64"));
        let name: Arc<[u8]> = name.into();
        self.nodes.push(Node::new(parent, Arc::clone(&name)));
        self.node_mut(parent).children.insert(name, id);
        id
    }

    pub(crate) fn parent(&self, id: NodeId) -> NodeId {
        self.node(id).parent
    }

    /// The path of a node, relative to the root; `.` for the root.
    pub(crate) fn path(&self, id: NodeId) -> Vec<u8> {
        if id == NodeId::ROOT {
            return b".".to_vec();
        }
        let mut parts: Vec<&[u8]> = Vec::new();
        let mut at = id;
        while at != NodeId::ROOT {
            parts.push(&self.node(at).name);
            at = self.parent(at);
        }
        parts.reverse();
        parts.join(&b'/')
    }

    /// Whether nothing in the layers above hides this.
    pub(crate) fn is_visible(&self, id: NodeId, is_directory: bool) -> bool {
        let hidden_by = if is_directory {
            DIRECTORY | OTHER | GONE
        } else {
            DIRECTORY | OTHER | GONE | PARENT
        };
        self.node(id).above & hidden_by == 0 && !self.any_ancestor(id, |node| node.above)
    }

    /// Whether the layer that is being read hides this from lower ones.
    pub(crate) fn is_cut(&self, id: NodeId) -> bool {
        self.node(id).here & (DIRECTORY | OTHER | GONE | PARENT) != 0
            || self.any_ancestor(id, |node| node.here)
    }

    /// Whether the layer that is being read has something below this.
    pub(crate) fn is_parent(&self, id: NodeId) -> bool {
        self.node(id).here & PARENT != 0
    }

    /// Whether the layer that is being read had an entry for this.
    pub(crate) fn is_here(&self, id: NodeId) -> bool {
        self.node(id).here & (DIRECTORY | OTHER) != 0
    }

    /// Whether this is a directory, by what went out.
    pub(crate) fn is_directory(&self, id: NodeId) -> bool {
        let marks = self.node(id).above;
        marks & SHOWN == 0 && marks & OUT != 0
    }

    fn any_ancestor(&self, id: NodeId, marks: impl Fn(&Node) -> u8) -> bool {
        let mut at = id;
        while at != NodeId::ROOT {
            at = self.parent(at);
            if marks(self.node(at)) & (OTHER | GONE | OPAQUE) != 0 {
                return true;
            }
        }
        false
    }

    /// The layer has a directory here.
    pub(crate) fn put_directory(&mut self, id: NodeId) {
        // One that takes the place of a file of the same layer does not show what was below before that.
        let opaque = if self.node(id).here & OTHER != 0 {
            OPAQUE
        } else {
            0
        };
        self.node_mut(id).here &= !OTHER;
        self.mark(id, DIRECTORY | opaque);
        self.put_parents(id);
    }

    /// The layer has something here that is no directory.
    pub(crate) fn put_other(&mut self, id: NodeId) {
        self.node_mut(id).here &= !DIRECTORY;
        self.mark(id, OTHER);
        self.put_parents(id);
    }

    /// The layer removes this. Where it lies may still be a symbolic link in a lower layer, which stays.
    pub(crate) fn put_gone(&mut self, id: NodeId) {
        self.mark(id, GONE);
    }

    /// The layer removes all below this.
    pub(crate) fn put_opaque(&mut self, id: NodeId) {
        self.mark(id, OPAQUE);
    }

    /// This went out under its own name, and is no directory.
    pub(crate) fn show(&mut self, id: NodeId) {
        self.node_mut(id).above |= SHOWN;
        self.put_out(id);
    }

    /// Something went out under this name.
    pub(crate) fn put_out(&mut self, id: NodeId) {
        let mut at = id;
        while self.node(at).above & OUT == 0 {
            self.node_mut(at).above |= OUT;
            at = self.parent(at);
        }
    }

    /// What has to be removed from whatever is below all layers, since one of them removes it and what went
    /// out does not.
    pub(crate) fn removals(&self) -> Vec<(NodeId, Hides)> {
        let ids = (0..self.nodes.len()).map(|id| NodeId(u32::try_from(id).expect("as many as there are")));
        let removal = |id| {
            let marks = self.node(id).above;
            let is_hidden = self.any_ancestor(id, |node| node.above);
            if marks & (OTHER | GONE | OPAQUE) == 0 || marks & SHOWN != 0 || is_hidden {
                return None;
            }
            let is_directory = marks & OUT != 0 || marks & (OTHER | GONE) == 0;
            let hides = if is_directory {
                Hides::Content
            } else {
                Hides::Itself
            };
            Some((id, hides))
        };
        ids.filter_map(removal).collect()
    }

    /// Whether a layer has or hides something at this path, so that what is below all layers cannot be
    /// seen there.
    pub(crate) fn is_covered(&self, id: NodeId) -> bool {
        self.node(id).above & (DIRECTORY | OTHER | GONE | PARENT) != 0
            || self.any_ancestor(id, |node| node.above)
    }

    /// Whether this went out under its own name, and is no directory.
    pub(crate) fn is_shown(&self, id: NodeId) -> bool {
        self.node(id).above & SHOWN != 0
    }

    /// Ends the layer: what it says counts from now on.
    pub(crate) fn seal(&mut self) {
        for id in std::mem::take(&mut self.touched) {
            let node = self.node_mut(id);
            node.above |= std::mem::take(&mut node.here);
        }
    }

    fn put_parents(&mut self, id: NodeId) {
        let mut at = id;
        while at != NodeId::ROOT {
            at = self.parent(at);
            if self.node(at).here & PARENT != 0 {
                return;
            }
            self.mark(at, PARENT);
        }
    }

    fn mark(&mut self, id: NodeId, marks: u8) {
        let node = self.node_mut(id);
        let first = node.here == 0;
        node.here |= marks;
        if first {
            self.touched.push(id);
        }
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }
}

impl Node {
    fn new(parent: NodeId, name: Arc<[u8]>) -> Self {
        Self {
            parent,
            name,
            children: HashMap::new(),
            above: 0,
            here: 0,
        }
    }
}
