//! Merging against a model: a filesystem in memory to which layers are applied one after the other.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tar::EntryType;
use wharf_extract::ExtractOptions;

use crate::layers::{Tar, run, stack};

/// What is at a path. Inodes tell which names are the same file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Object {
    /// `None`: no entry says how it is, something is below it.
    Directory(Option<u32>),
    File {
        inode: usize,
        content: String,
    },
    Symlink {
        inode: usize,
        target: String,
    },
}

#[derive(Clone, Debug, Default)]
struct Model {
    objects: BTreeMap<String, Object>,
    inodes: usize,
}

#[derive(Clone, Debug)]
enum Op {
    Directory(String, u32),
    File(String, String),
    Symlink(String, String),
    Link(String, String),
    Gone(String),
    Opaque(String),
}

impl Model {
    fn remove_below(&mut self, path: &str) {
        self.objects
            .retain(|other, _| !path.is_empty() && !other.starts_with(&format!("{path}/")));
    }

    fn is_directory(&self, path: &str) -> bool {
        matches!(self.objects.get(path), None | Some(Object::Directory(_)))
    }

    /// Makes room at a path: its parents are directories, and nothing is there that is none.
    fn make_room(&mut self, path: &str) {
        for (slash, _) in path.match_indices('/') {
            let parent = &path[..slash];
            if !matches!(self.objects.get(parent), Some(Object::Directory(_))) {
                self.objects.insert(parent.to_owned(), Object::Directory(None));
            }
        }
    }

    fn put(&mut self, path: &str, object: Object) {
        self.make_room(path);
        if let Object::Directory(mode) = object {
            self.objects.insert(path.to_owned(), Object::Directory(mode));
        } else {
            self.remove_below(path);
            self.objects.insert(path.to_owned(), object);
        }
    }

    fn next_inode(&mut self) -> usize {
        self.inodes += 1;
        self.inodes
    }

    /// Applies an operation that is no mark. `false` when no system could.
    fn apply(&mut self, op: &Op) -> bool {
        let inode = self.next_inode();
        match op {
            Op::Directory(path, mode) => self.put(path, Object::Directory(Some(*mode))),
            Op::File(path, content) => {
                let content = content.clone();
                self.put(path, Object::File { inode, content });
            }
            Op::Symlink(path, target) => {
                let target = target.clone();
                self.put(path, Object::Symlink { inode, target });
            }
            Op::Link(path, target) => match self.objects.get(target).cloned() {
                None | Some(Object::Directory(_)) => return false,
                Some(object) if path != target => self.put(path, object),
                Some(_) => return false,
            },
            Op::Gone(_) | Op::Opaque(_) => {}
        }
        true
    }

    /// Everything that an entry describes, with inodes as the first name of each.
    fn seen(&self) -> BTreeMap<String, String> {
        let (mut first, mut seen) = (BTreeMap::new(), BTreeMap::new());
        for (path, object) in &self.objects {
            let text = match object {
                Object::Directory(None) => continue,
                Object::Directory(Some(mode)) => format!("directory {mode:o}"),
                Object::File { inode, content } => {
                    format!("file {content:?} {}", first.entry(*inode).or_insert(path))
                }
                Object::Symlink { inode, target } => {
                    format!("symlink {target:?} {}", first.entry(*inode).or_insert(path))
                }
            };
            seen.insert(path.clone(), text);
        }
        seen
    }
}

/// Applies layers. Operations that no system could carry out are taken out of them.
fn model(layers: &mut [Vec<Op>]) -> Model {
    let mut model = Model::default();
    for layer in layers {
        // Marks are about what was there before, wherever in the layer they stand.
        for op in &*layer {
            match op {
                Op::Gone(path) => {
                    model.remove_below(path);
                    model.objects.remove(path);
                }
                Op::Opaque(path) => model.remove_below(path),
                _ => {}
            }
        }
        let mut own = Model::default();
        layer.retain(|op| {
            let (Op::Directory(path, _) | Op::File(path, _) | Op::Symlink(path, _) | Op::Link(path, _)) = op
            else {
                return true;
            };
            // Within one layer, nothing is below a file, and no directory becomes one.
            let below_file = path
                .match_indices('/')
                .any(|(slash, _)| !own.is_directory(&path[..slash]));
            let becomes_file = !matches!(op, Op::Directory(..))
                && matches!(own.objects.get(path), Some(Object::Directory(_)));
            // A directory in the place of a file of the same layer shows nothing of before.
            let replaces = matches!(op, Op::Directory(..)) && !own.is_directory(path);
            if below_file || becomes_file || replaces || !model.apply(op) {
                return false;
            }
            own.put(
                path,
                if matches!(op, Op::Directory(..)) {
                    Object::Directory(None)
                } else {
                    Object::File {
                        inode: 0,
                        content: String::new(),
                    }
                },
            );
            true
        });
    }
    model
}

fn pack(layer: &[Op]) -> Tar {
    layer.iter().fold(Tar::new(), |tar, op| match op {
        Op::Directory(path, mode) => tar.dir(&format!("{path}/"), *mode),
        Op::File(path, content) => tar.file(&format!("./{path}"), content),
        Op::Symlink(path, target) => tar.symlink(path, target),
        Op::Link(path, target) => tar.link(path, target),
        Op::Gone(path) => match path.rsplit_once('/') {
            Some((directory, base)) => tar.mark(&format!("{directory}/.wh.{base}")),
            None => tar.mark(&format!(".wh.{path}")),
        },
        Op::Opaque(path) => tar.mark(&format!("{path}/.wh..wh..opq")),
    })
}

/// What an unpacking program makes of an archive.
fn unpacked(tar: &[u8]) -> Model {
    let mut model = Model::default();
    let mut names = BTreeSet::new();
    let mut archive = tar::Archive::new(tar);
    for entry in archive.entries().expect("fresh") {
        let mut entry = entry.expect("valid");
        let mut content = String::new();
        std::io::Read::read_to_string(&mut entry, &mut content).expect("whole");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        let path = text(&entry.path_bytes());
        let target = entry
            .link_name_bytes()
            .map(|target| text(&target))
            .unwrap_or_default();
        let op = match entry.header().entry_type() {
            EntryType::Directory => Op::Directory(path, entry.header().mode().expect("valid")),
            EntryType::Regular => Op::File(path, content),
            EntryType::Symlink => Op::Symlink(path, target),
            EntryType::Link => Op::Link(path, target),
            other => panic!("{other:?}"),
        };
        let (Op::Directory(path, _) | Op::File(path, _) | Op::Symlink(path, _) | Op::Link(path, _)) = &op
        else {
            unreachable!("marks never come out")
        };
        assert!(names.insert(path.clone()), "{path} comes out twice");
        for (slash, _) in path.match_indices('/') {
            assert!(
                model.is_directory(&path[..slash]),
                "{path} is below something that is no directory"
            );
        }
        let below = model
            .objects
            .keys()
            .any(|other| other.starts_with(&format!("{path}/")));
        assert!(
            matches!(op, Op::Directory(..)) || !below,
            "{path} replaces a directory"
        );
        assert!(model.apply(&op), "{op:?} cannot be unpacked");
    }
    model
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4).prop_map(|parts| parts.join("/"))
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => (path(), prop::sample::select(vec![0o755, 0o700])).prop_map(|(path, mode)| Op::Directory(path, mode)),
        4 => (path(), "[a-z]{0,3}").prop_map(|(path, content)| Op::File(path, content)),
        1 => (path(), "[x-z]{1,2}").prop_map(|(path, target)| Op::Symlink(path, target)),
        3 => (path(), path()).prop_map(|(path, target)| Op::Link(path, target)),
        2 => path().prop_map(Op::Gone),
        1 => path().prop_map(Op::Opaque),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn merging_is_applying_layers_one_by_one(
        mut layers in prop::collection::vec(prop::collection::vec(op(), 0..12), 1..5),
        ahead in 0..3usize,
    ) {
        let want = model(&mut layers).seen();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let image = stack(layers.iter().map(|layer| pack(layer)));
        let options = ExtractOptions::new().with_layers_ahead(ahead);
        let (tar, end) = runtime.block_on(run(image, &options));
        prop_assert!(end.is_ok(), "{:?}", end);
        prop_assert_eq!(unpacked(&tar).seen(), want);
    }
}
