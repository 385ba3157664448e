//! Several layers as one.

use std::collections::BTreeMap;
use std::io::Read as _;

use proptest::prelude::*;
use wharf_extract::{Error, ExtractOptions, squash};

use crate::layers::{Stack, Tar, listing, merged, stack};

async fn squashed(layers: Stack) -> Result<Vec<u8>, wharf_v1::Error> {
    squash(layers.0, &ExtractOptions::new())
        .collect(1 << 20)
        .await
        .map(Vec::from)
}

/// What the layers make of a filesystem below them, as one changeset.
async fn check(layers: impl IntoIterator<Item = Tar>, want: &[&str]) {
    let tar = squashed(stack(layers)).await.expect("good layers");
    assert_eq!(listing(&tar), want);
}

#[tokio::test]
async fn what_is_removed_below_stays_removed() {
    // Nothing else is left to say.
    check([Tar::new().mark(".wh.a")], &[".wh.a="]).await;
    check([Tar::new().mark("d/.wh..wh..opq")], &["d/.wh..wh..opq="]).await;
    check([Tar::new().mark(".wh..wh..opq")], &[".wh..wh..opq="]).await;
    // Removed here, whether it was here or below.
    check([Tar::new().file("a", "1"), Tar::new().mark(".wh.a")], &[".wh.a="]).await;
    // Put there again: a file replaces what was below, a directory needs a mark.
    check([Tar::new().mark(".wh.a"), Tar::new().file("a", "1")], &["a=1"]).await;
    check(
        [
            Tar::new().mark(".wh.d"),
            Tar::new().dir("d/", 0o755).file("d/a", "1"),
        ],
        &["d d", "d/a=1", "d/.wh..wh..opq="],
    )
    .await;
    check(
        [Tar::new().mark(".wh.d"), Tar::new().file("d/a", "1")],
        &["d/a=1", "d/.wh..wh..opq="],
    )
    .await;
    // A directory that took the place of a file does not show what was below the file.
    check(
        [Tar::new().file("d", "1"), Tar::new().dir("d/", 0o755)],
        &["d d", "d/.wh..wh..opq="],
    )
    .await;
    // A mark for all is enough.
    check(
        [
            Tar::new().mark("d/.wh.a"),
            Tar::new().mark("d/e/.wh.b"),
            Tar::new().mark(".wh.d"),
        ],
        &[".wh.d="],
    )
    .await;
    check(
        [Tar::new().mark("d/.wh.a"), Tar::new().mark("d/.wh..wh..opq")],
        &["d/.wh..wh..opq="],
    )
    .await;
}

#[tokio::test]
async fn links_to_what_is_below_stay() {
    check([Tar::new().link("a", "below")], &["a=>below"]).await;
    check(
        [Tar::new().file("a", "1"), Tar::new().link("b", "a")],
        &["a=1", "b=>a"],
    )
    .await;
    for upper in [Tar::new().file("below", "1"), Tar::new().mark(".wh.below")] {
        let error = squashed(stack([Tar::new().link("a", "below"), upper])).await;
        let error = error.expect_err("no changeset does that");
        assert!(
            matches!(error.source_ref(), Some(Error::DanglingLink { .. })),
            "{error:?}"
        );
    }
}

/// Paths with what is there: the content of files, through links, and `/` for directories.
fn filesystem(tar: &[u8]) -> BTreeMap<String, String> {
    let mut objects = BTreeMap::new();
    for entry in tar::Archive::new(tar).entries().expect("an archive") {
        let mut entry = entry.expect("valid");
        let name = String::from_utf8_lossy(&entry.path_bytes())
            .trim_end_matches('/')
            .to_owned();
        let mut content = String::new();
        match entry.header().entry_type() {
            tar::EntryType::Directory => content.push('/'),
            tar::EntryType::Link => {
                let target = entry.link_name_bytes().expect("has one");
                content = format!("=>{}", String::from_utf8_lossy(&target));
            }
            _ => {
                entry.read_to_string(&mut content).expect("text");
            }
        }
        objects.insert(name, content);
    }
    let links: Vec<(String, String)> = objects
        .iter()
        .filter_map(|(name, content)| Some((name.clone(), content.strip_prefix("=>")?.to_owned())))
        .collect();
    for (name, target) in links {
        let content = objects.get(&target).cloned().unwrap_or(target);
        objects.insert(name, content);
    }
    objects
}

#[derive(Clone, Debug)]
enum Op {
    Directory(String),
    File(String, u8),
    Link(String, String),
    Gone(String),
    Opaque(String),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let one_of = |paths: Vec<&'static str>| prop::sample::select(paths).prop_map(str::to_owned);
    // Nothing links to a directory: no system can.
    let directory = move || one_of(vec!["d", "d/e"]);
    let other = move || one_of(vec!["a", "b", "d/a", "d/b", "d/e/a"]);
    let path = move || prop_oneof![directory(), other(), other()];
    let op = prop_oneof![
        directory().prop_map(Op::Directory),
        (path(), any::<u8>()).prop_map(|(path, content)| Op::File(path, content)),
        (path(), any::<u8>()).prop_map(|(path, content)| Op::File(path, content)),
        (other(), other()).prop_map(|(path, target)| Op::Link(path, target)),
        path().prop_map(Op::Gone),
        directory().prop_map(Op::Opaque),
    ];
    prop::collection::vec(op, 0..4)
}

/// A layer as builders write them: marks come first, each path is there once, with entries for the
/// directories that it lies in, and nothing is below a file.
fn layer(ops: &[Op]) -> Tar {
    let mut tar = Tar::new();
    for op in ops {
        tar = match op {
            Op::Gone(path) => match path.rsplit_once('/') {
                Some((directory, base)) => tar.mark(&format!("{directory}/.wh.{base}")),
                None => tar.mark(&format!(".wh.{path}")),
            },
            Op::Opaque(path) => tar.mark(&format!("{path}/.wh..wh..opq")),
            _ => tar,
        };
    }
    let (mut seen, mut files): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for op in ops {
        let (Op::Directory(path) | Op::File(path, _) | Op::Link(path, _)) = op else {
            continue;
        };
        let related = |other: &&str| *other == path || other.starts_with(&format!("{path}/"));
        let below = |other: &&str| path.starts_with(&format!("{other}/"));
        if seen.iter().any(related) || files.iter().any(below) {
            continue;
        }
        for (slash, _) in path.match_indices('/') {
            let parent = &path[..slash];
            if !seen.contains(&parent) {
                seen.push(parent);
                tar = tar.dir(&format!("{parent}/"), 0o755);
            }
        }
        seen.push(path);
        if !matches!(op, Op::Directory(_)) {
            files.push(path);
        }
        tar = match op {
            Op::Directory(path) => tar.dir(&format!("{path}/"), 0o755),
            Op::File(path, content) => tar.file(path, &content.to_string()),
            Op::Link(path, target) if path != target => tar.link(path, target),
            _ => tar,
        };
    }
    tar
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_squashed_range_does_the_same(
        layers in prop::collection::vec(ops(), 1..6),
        from in 0..6_usize,
        count in 1..6_usize,
    ) {
        let from = from.min(layers.len() - 1);
        let to = (from + count).min(layers.len());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("runtime");
        runtime.block_on(async {
            let all = || layers.iter().map(|ops| layer(ops));
            let options = ExtractOptions::new();
            let whole = crate::layers::run(stack(all()), &options).await;
            let range = squashed(stack(all().skip(from).take(to - from))).await;
            // What cannot be extracted at all, or not be said in one changeset, is not compared.
            let ((whole, Ok(())), Ok(range)) = (whole, range) else { return };
            let parts = all().take(from).chain([Tar::new().raw(&range)]).chain(all().skip(to));
            let parts = merged(parts).await;
            let (whole, parts) = (filesystem(&whole), filesystem(&parts));
            assert_eq!(parts, whole, "{:?}", listing(&range));
        });
    }
}
