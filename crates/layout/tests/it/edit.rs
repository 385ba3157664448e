//! Several entries: replaced, removed, put together; and blobs on their own.

use std::fs;
use std::path::Path;

use wharf_layout::{AppendOptions, Damage, Error, FindExt as _, Layout, PresentCheck};
use wharf_v1::oci_spec::image::{Descriptor, MediaType};
use wharf_v1::{ByteStream, Child, Image as _, Index as _, IndexExt as _, Matcher, REF_NAME, empty, random};

use crate::support::{Behaviour, TestLayer, blob_path, files, image};

fn named(name: &str) -> AppendOptions {
    AppendOptions::new().with_ref_name(name)
}

fn index_json(root: &Path) -> String {
    fs::read_to_string(root.join("index.json")).expect("read")
}

fn name_of(entry: &Descriptor) -> Option<&str> {
    Some(entry.annotations().as_ref()?.get(REF_NAME)?)
}

async fn names(layout: &Layout) -> Vec<String> {
    let entries = layout
        .index()
        .await
        .expect("index")
        .children()
        .await
        .expect("entries");
    let names = entries
        .iter()
        .map(|entry| name_of(entry).unwrap_or("-").to_owned());
    names.collect()
}

async fn layout_of(root: &Path, names: &[&str]) -> Layout {
    let layout = Layout::create(root).await.expect("create");
    for (seed, name) in names.iter().enumerate() {
        layout
            .append_image(&random::image(seed as u64, 1, 100), &named(name))
            .await
            .expect("append");
    }
    layout
}

#[tokio::test]
async fn a_replacement_takes_the_place_of_all_that_match_at_the_end() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = layout_of(dir.path(), &["a", "b", "a"]).await;
    let new = random::image(9, 1, 100);
    let entry = layout
        .replace_image(
            &new,
            &Matcher::name("a"),
            &AppendOptions::new().with_annotation("k", "v"),
        )
        .await
        .expect("replace");
    // The name of the old entries is theirs.
    assert_eq!(names(&layout).await, ["b", "-"]);
    assert_eq!(
        entry.digest(),
        new.descriptor().await.expect("descriptor").digest()
    );

    // Nothing matches: it is listed all the same.
    layout
        .replace_index(&random::index(5, 1, 2, 100), &Matcher::name("none"), &named("c"))
        .await
        .expect("replace");
    assert_eq!(names(&layout).await, ["b", "-", "c"]);
    let digest = entry.digest().clone();
    layout
        .replace_image(&new, &Matcher::digests([digest]), &named("d"))
        .await
        .expect("replace");
    assert_eq!(names(&layout).await, ["b", "c", "d"]);
    assert!(layout.verify().await.expect("verify").is_good());
}

#[tokio::test]
async fn the_last_entry_leaves_an_empty_list_and_all_unknown_fields() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = layout_of(dir.path(), &["a"]).await;
    let edited = index_json(dir.path()).replacen('{', "{\"vendor\": {\"kept\": 1},", 1);
    fs::write(dir.path().join("index.json"), edited).expect("write");
    let blobs = files(dir.path()).len();
    let removed = layout.remove(&Matcher::name("a")).await.expect("remove");
    assert_eq!(removed.len(), 1);
    let left = index_json(dir.path());
    assert!(left.contains("\"manifests\": []"), "{left}");
    assert!(left.contains("\"kept\": 1"), "{left}");
    assert_eq!(files(dir.path()).len(), blobs, "the blobs stay");

    // What changes nothing writes nothing.
    fs::write(dir.path().join("index.json"), "{ \"schemaVersion\":2 }").expect("write");
    assert_eq!(layout.remove(&Matcher::name("a")).await.expect("remove"), []);
    assert_eq!(index_json(dir.path()), "{ \"schemaVersion\":2 }");
}

#[tokio::test]
async fn a_transaction_is_seen_when_it_is_committed() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = layout_of(dir.path(), &["old"]).await;
    let mut transaction = layout.transaction();
    transaction
        .append_image(&random::image(7, 2, 100), &named("a"))
        .await
        .expect("append");
    transaction
        .append_index(&random::index(8, 1, 2, 100), &named("b"))
        .await
        .expect("append");
    transaction.remove(&Matcher::name("old"));
    let broken = image(&[TestLayer::new("broken", Behaviour::Breaks)]);
    transaction
        .append_image(&broken, &named("broken"))
        .await
        .expect_err("broken");
    assert_eq!(names(&layout).await, ["old"]);
    // Somebody else is faster.
    layout
        .append_image(&empty::image(), &named("theirs"))
        .await
        .expect("append");
    let removed = transaction.commit().await.expect("commit");
    assert_eq!(removed.len(), 1);
    assert_eq!(names(&layout).await, ["theirs", "a", "b"]);
    assert!(layout.verify().await.expect("verify").is_good());
}

#[tokio::test]
async fn a_dropped_transaction_changes_nothing() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = layout_of(dir.path(), &["old"]).await;
    let before = index_json(dir.path());
    let mut transaction = layout.transaction();
    transaction
        .append_image(&random::image(7, 2, 100), &named("a"))
        .await
        .expect("append");
    transaction.remove(&Matcher::any());
    drop(transaction);
    assert_eq!(index_json(dir.path()), before);
    assert!(layout.verify().await.expect("verify").is_good());

    // One that was made for it goes.
    let fresh = Layout::create(dir.path().join("fresh")).await.expect("create");
    let mut transaction = fresh.transaction();
    transaction
        .append_image(&empty::image(), &named("a"))
        .await
        .expect("append");
    drop(transaction);
    assert!(!dir.path().join("fresh").exists());
}

#[tokio::test]
async fn a_blob_that_is_taken_away_before_the_commit_is_noticed() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = layout_of(dir.path(), &["old"]).await;
    let before = index_json(dir.path());
    let mut transaction = layout.transaction();
    let entry = transaction
        .append_image(&random::image(7, 2, 100), &named("a"))
        .await
        .expect("append");
    assert!(layout.remove_blob(entry.digest()).await.expect("remove"));
    assert!(!layout.remove_blob(entry.digest()).await.expect("remove"));
    let error = transaction.commit().await.expect_err("missing");
    assert!(
        matches!(&error, Error::Missing { digest } if digest == entry.digest()),
        "{error:?}"
    );
    assert_eq!(index_json(dir.path()), before);

    // One that was cut off meanwhile is as good as none.
    let mut transaction = layout.transaction();
    let entry = transaction
        .append_image(&random::image(8, 2, 100), &named("b"))
        .await
        .expect("append");
    let blob = blob_path(dir.path(), entry.digest());
    let content = fs::read(&blob).expect("there");
    fs::remove_file(&blob).expect("remove");
    fs::write(&blob, &content[1..]).expect("write");
    let error = transaction.commit().await.expect_err("cut off");
    assert!(
        matches!(&error, Error::Missing { digest } if digest == entry.digest()),
        "{error:?}"
    );
    assert_eq!(index_json(dir.path()), before);
}

#[tokio::test]
async fn any_descriptor_can_be_listed() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let mut entry = Descriptor::new(MediaType::from("application/x"), 3, wharf_v1::sha256("abc"));
    entry.set_urls(Some(vec!["https://example.com/x".to_owned()]));
    layout.append_descriptor(entry.clone()).await.expect("append");
    layout.append_descriptor(entry.clone()).await.expect("append");
    let index = Layout::open(dir.path())
        .await
        .expect("open")
        .index()
        .await
        .expect("index");
    assert_eq!(index.children().await.expect("entries"), [entry]);
}

#[tokio::test]
async fn entries_are_found_by_name_and_in_nested_indexes() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = layout_of(dir.path(), &["a", "b", "a"]).await;
    let nested = random::index(5, 2, 2, 100);
    layout
        .append_index(&nested, &named("nested"))
        .await
        .expect("append");
    let index = layout.index().await.expect("index");
    let last = random::image(2, 1, 100).descriptor().await.expect("descriptor");
    let entry = index.entry("a").await.expect("entry").expect("there");
    assert_eq!(entry.digest(), last.digest(), "the last of that name");
    assert!(matches!(index.named("nested").await, Ok(Some(Child::Index(_)))));
    assert!(index.named("x").await.expect("named").is_none());

    let child = &nested.children().await.expect("children")[1];
    let matches = Matcher::digests([child.digest().clone()]);
    assert_eq!(index.find(&matches).await.expect("find").len(), 1);
    let Some(Child::Image(found)) = index.open(&matches).await.expect("open") else {
        panic!("an image")
    };
    assert_eq!(
        found.descriptor().await.expect("descriptor").digest(),
        child.digest()
    );
    assert_eq!(index.find(&Matcher::any()).await.expect("find").len(), 6);
}

#[tokio::test]
async fn the_root_index_may_be_of_dockers_type_but_no_manifest() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = layout_of(dir.path(), &["a"]).await;
    let docker = "application/vnd.docker.distribution.manifest.list.v2+json";
    let edited = index_json(dir.path()).replace("application/vnd.oci.image.index.v1+json", docker);
    fs::write(dir.path().join("index.json"), &edited).expect("write");
    let index = layout.index().await.expect("index");
    assert_eq!(index.media_type().to_string(), docker);
    wharf_v1::conformance::index(index).await;
    layout
        .append_image(&empty::image(), &named("b"))
        .await
        .expect("append");
    assert!(index_json(dir.path()).contains(docker), "the type is kept");

    let manifest = edited.replace(docker, "application/vnd.oci.image.manifest.v1+json");
    fs::write(dir.path().join("index.json"), manifest).expect("write");
    let error = layout.index().await.expect_err("no index");
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
}

#[tokio::test]
async fn an_empty_index_is_appended_to_a_fresh_layout() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    layout
        .append_index(&empty::index(), &AppendOptions::new())
        .await
        .expect("append");
    assert_eq!(files(dir.path()).len(), 3);
    assert!(layout.verify().await.expect("verify").is_good());
}

#[tokio::test]
async fn blobs_are_put_and_read_verified() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path().join("new")).await.expect("create");
    let good = Descriptor::new(MediaType::ImageLayer, 4, wharf_v1::sha256("asdf"));
    for (bytes, told) in [("asdX", "checksum"), ("asd", "size"), ("asdfg", "size")] {
        let error = layout
            .put_blob(&good, ByteStream::from_bytes(bytes))
            .await
            .expect_err("wrong");
        assert!(
            matches!(&error, Error::Store { source, .. } if source.to_string().contains(told)),
            "{error:?}"
        );
        assert!(
            !layout.path().exists(),
            "{bytes}: a layout that was made for it is taken away"
        );
    }
    layout
        .put_blob(&good, ByteStream::from_bytes("asdf"))
        .await
        .expect("put");
    assert_eq!(layout.blob_size(good.digest()).await.expect("size"), Some(4));
    // It is there: what comes is not looked at.
    layout
        .put_blob(&good, ByteStream::from_bytes("no"))
        .await
        .expect("put");
    assert_eq!(layout.read_blob(&good, 10).await.expect("read"), "asdf");
    layout.read_blob(&good, 3).await.expect_err("too large");

    let added = layout
        .add_blob(MediaType::EmptyJSON, ByteStream::from_bytes("{}"))
        .await
        .expect("add");
    assert_eq!(
        (added.size(), added.digest().clone()),
        (2, wharf_v1::sha256("{}"))
    );
    fs::write(blob_path(layout.path(), good.digest()), "ASDF").expect("write");
    layout.read_blob(&good, 10).await.expect_err("damaged");
    let missing = Descriptor::new(MediaType::ImageLayer, 1, wharf_v1::sha256("x"));
    assert!(
        layout
            .read_blob(&missing, 10)
            .await
            .expect_err("missing")
            .is_not_found()
    );
    assert_eq!(layout.blob_size(missing.digest()).await.expect("size"), None);
}

#[tokio::test]
async fn damage_is_found_and_repaired() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let layers = ["one", "two"].map(|content| TestLayer::new(content, Behaviour::Good));
    let image = image(&layers);
    let entry = layout.append_image(&image, &named("a")).await.expect("append");
    let verified = layout.verify().await.expect("verify");
    assert!(verified.is_good());
    assert_eq!(verified.blobs, 4);
    let config = image.built_config();
    for (position, digest) in [
        layers[0].real_descriptor().digest(),
        config.digest(),
        entry.digest(),
    ]
    .into_iter()
    .enumerate()
    {
        let path = blob_path(dir.path(), digest);
        let mut bytes = fs::read(&path).expect("read");
        // Another byte, of the same size; or a byte less; or nothing at all.
        let check = if position == 0 {
            bytes[0] ^= 1;
            PresentCheck::Digest
        } else {
            bytes.pop();
            PresentCheck::Size
        };
        fs::write(&path, bytes).expect("write");
        let found = layout.verify().await.expect("verify").damaged;
        let [(damaged, damage)] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(damaged, digest);
        let is_told = match position {
            0 => matches!(damage, Damage::Digest { .. }),
            _ => matches!(damage, Damage::Size { got, want } if got + 1 == *want),
        };
        assert!(is_told, "{damage:?}");
        layout
            .append_image(&image, &named("a").with_present_check(check))
            .await
            .expect("repair");
        assert!(layout.verify().await.expect("verify").is_good());
    }
    assert_eq!(layers[1].opened(), 1, "what is good is not read again");
    fs::remove_file(blob_path(dir.path(), config.digest())).expect("remove");
    let found = layout.verify().await.expect("verify").damaged;
    assert_eq!(format!("{}", found[0].1), "missing");
}

#[tokio::test]
async fn paths_that_cannot_be_are_errors() {
    for path in ["a\0b", ""] {
        Layout::open(path).await.expect_err("no path");
    }
    Layout::create("a\0b").await.expect_err("no path");
}
