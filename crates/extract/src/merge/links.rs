//! Hard links whose content comes later, or went by without being shown.

use std::collections::{BTreeMap, HashMap};

use crate::merge::tree::{NodeId, Tree};

/// What became of what the present layer has at a path, for the hard links to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its content went out under this name, which need not be its own.
    Shown(NodeId),
    /// A higher layer hides it. Which entry of the layer has the content.
    Hidden(u64),
    /// It is a link to what a lower layer has here.
    Lower(NodeId),
    Directory,
}

/// How something goes out under its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Nothing hides it.
    pub(crate) visible: bool,
    /// No later entry of its layer takes its place. One that is not the last is not visible either, and
    /// leaves what waits for its name to the last.
    pub(crate) is_last: bool,
}

/// Why a name got no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lack {
    /// There is nothing at its target.
    Nothing,
    /// Its target is a directory.
    Directory,
}

/// The names that still need content.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// What became of the paths of the present layer.
    fates: HashMap<NodeId, Fate>,
    /// By target in layers below the one being read.
    pending: BTreeMap<NodeId, Vec<NodeId>>,
    /// Like `pending`, but the target is below the layer that comes next.
    fresh: BTreeMap<NodeId, Vec<NodeId>>,
    /// Names that the present layer gave content to; they get it again if their target comes again.
    served: HashMap<NodeId, Vec<NodeId>>,
    /// By entry of the present layer: hidden content that is needed all the same.
    late: BTreeMap<u64, Vec<NodeId>>,
    /// Names whose target no layer has under that very path, with the target.
    lost: Vec<(NodeId, NodeId, Lack)>,
}

/// What a link is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Link to this name, which went out already.
    Link(NodeId),
    /// Nothing: the name gets its content later, if it needs any.
    Wait,
}

impl Links {
    /// Notes what became of content, and says which names waited for it.
    pub(crate) fn content(&mut self, id: NodeId, shown: Shown, entry: u64) -> Vec<NodeId> {
        let names = self.begin(id, shown.is_last);
        let fate = match (shown.visible, names.first()) {
            (true, _) => Fate::Shown(id),
            (false, Some(name)) => Fate::Shown(*name),
            (false, None) => Fate::Hidden(entry),
        };
        self.fates.insert(id, fate);
        names
    }

    /// Notes a directory.
    pub(crate) fn directory(&mut self, id: NodeId, is_last: bool) {
        // No link to a directory is possible.
        let names = self.begin(id, is_last);
        self.lose(names, id, Lack::Directory);
        self.fates.insert(id, Fate::Directory);
    }

    /// Notes a hard link. `names`: which names become links to what it links to.
    pub(crate) fn link(&mut self, id: NodeId, target: NodeId, shown: Shown) -> (Vec<NodeId>, Action) {
        let mut names = self.begin(id, shown.is_last);
        if shown.visible {
            names.insert(0, id);
        }
        match self.fates.get(&target).copied() {
            Some(Fate::Shown(name)) => {
                // A link to itself is there already.
                names.retain(|own| *own != name);
                self.fates.insert(id, Fate::Shown(name));
                (names, Action::Link(name))
            }
            Some(Fate::Hidden(entry)) => {
                self.fates.insert(id, Fate::Hidden(entry));
                if !names.is_empty() {
                    self.late.entry(entry).or_default().append(&mut names);
                }
                (Vec::new(), Action::Wait)
            }
            Some(Fate::Lower(lower)) => self.wait(id, lower, names),
            Some(Fate::Directory) => {
                self.lose(names, target, Lack::Directory);
                (Vec::new(), Action::Wait)
            }
            None => self.wait(id, target, names),
        }
    }

    /// Something comes at a path: which names wait for it. What the present layer had there before counts
    /// no more.
    fn begin(&mut self, id: NodeId, is_last: bool) -> Vec<NodeId> {
        let names = if !is_last {
            Vec::new()
        } else if let Some(names) = self.pending.remove(&id) {
            self.served.insert(id, names.clone());
            names
        } else {
            self.served.get(&id).cloned().unwrap_or_default()
        };
        let waiting = match self.fates.get(&id) {
            Some(Fate::Lower(target)) => self.fresh.get_mut(target),
            Some(Fate::Hidden(entry)) => self.late.get_mut(entry),
            _ => None,
        };
        if let Some(waiting) = waiting {
            waiting.retain(|name| *name != id && !names.contains(name));
        }
        names
    }

    fn wait(&mut self, id: NodeId, lower: NodeId, mut names: Vec<NodeId>) -> (Vec<NodeId>, Action) {
        self.fates.insert(id, Fate::Lower(lower));
        if !names.is_empty() {
            self.fresh.entry(lower).or_default().append(&mut names);
        }
        (Vec::new(), Action::Wait)
    }

    /// Hidden content of the present layer that is needed, by entry, with the names for it.
    pub(crate) fn take_late(&mut self) -> BTreeMap<u64, Vec<NodeId>> {
        std::mem::take(&mut self.late)
    }

    /// Ends the layer. What waits for content that this layer hides from itself waits in vain.
    pub(crate) fn seal(&mut self, tree: &Tree) {
        let cut = self.pending.keys().copied().filter(|target| tree.is_cut(*target));
        for target in cut.collect::<Vec<_>>() {
            let names = self.pending.remove(&target).unwrap_or_default();
            let lack = if tree.is_parent(target) {
                Lack::Directory
            } else {
                Lack::Nothing
            };
            self.lose(names, target, lack);
        }
        for (target, names) in std::mem::take(&mut self.fresh) {
            self.pending.entry(target).or_default().extend(names);
        }
        self.fates.clear();
        self.served.clear();
    }

    fn lose(&mut self, names: Vec<NodeId>, target: NodeId, lack: Lack) {
        self.lost
            .extend(names.into_iter().map(|name| (name, target, lack)));
    }

    /// The names that got no content, each with its target.
    pub(crate) fn into_lost(mut self) -> Vec<(NodeId, NodeId, Lack)> {
        for (target, names) in std::mem::take(&mut self.pending) {
            self.lose(names, target, Lack::Nothing);
        }
        self.lost.sort_unstable();
        self.lost
    }
}
