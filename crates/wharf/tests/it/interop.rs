//! Images that umoci and buildah built go from layout to mutate to tarball to layout; skopeo reads each form.
//! What is not installed is said and passed over.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use wharf::layer::{Compression, Family};
use wharf::layout::{AppendOptions, ArchiveBuilder, FindExt as _, Layout, LayoutArchive};
use wharf::mutate::{annotate, convert, edit_config, recompress};
use wharf::tarball::{Archive, Format, TaggedImage, WriteOptions, write_file};
use wharf::v1::{Child, Image, IndexExt as _, Matcher, random};
use wharf_testkit::{is_installed, run};

/// What the layouts call the image.
const NAME: &str = "v1";

/// A place for one image, with some files to put into it.
struct Yard {
    dir: tempfile::TempDir,
}

impl Yard {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("temp dir");
        fs::create_dir_all(dir.path().join("home")).expect("directory");
        fs::create_dir_all(dir.path().join("source/bin")).expect("directory");
        fs::write(dir.path().join("source/bin/tool"), "a tool".repeat(5000)).expect("write");
        fs::write(dir.path().join("source/motd"), "hello").expect("write");
        let policy = r#"{"default":[{"type":"insecureAcceptAnything"}]}"#;
        fs::write(dir.path().join("policy.json"), policy).expect("write");
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a program here, which has to succeed, and gives its output.
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.dir.path());
        command.env("HOME", self.path("home"));
        String::from_utf8(run(&mut command).stdout).expect("text")
    }

    fn skopeo(&self, arguments: &[&str]) -> String {
        self.run("skopeo", &[&["--policy", "policy.json"], arguments].concat())
    }

    /// The diff_ids that skopeo sees.
    fn seen_by_skopeo(&self, image: &str) -> Vec<String> {
        let config = self.skopeo(&["inspect", "--config", image]);
        let config = wharf::v1::Config::new(config, "application/json".into());
        config.view().expect("a config").rootfs().diff_ids().clone()
    }
}

async fn named(layout: &Path) -> Arc<dyn Image> {
    let index = Layout::open(layout)
        .await
        .expect("open")
        .index()
        .await
        .expect("index");
    match index.named(NAME).await.expect("named") {
        Some(Child::Image(image)) => image,
        other => panic!("an image, not {other:?}"),
    }
}

async fn diff_ids(image: &dyn Image) -> Vec<String> {
    image
        .config()
        .await
        .expect("config")
        .view()
        .expect("valid")
        .rootfs()
        .diff_ids()
        .clone()
}

/// Layout, mutate, tarball in each format, layout, layout in a tar file: the layers stay what they are.
async fn goes_around(yard: &Yard, built: &Path) {
    assert!(
        Layout::open(built)
            .await
            .expect("open")
            .verify()
            .await
            .expect("verify")
            .is_good()
    );
    let original = named(built).await;
    let want = diff_ids(&original).await;
    assert!(!want.is_empty());
    let edited = edit_config(original, |config| {
        config.set_author(Some("wharf".to_owned()));
    });
    let edited: Arc<dyn Image> = Arc::new(annotate(Arc::new(edited), [("org.example.edited", "yes")]));
    let has_skopeo = is_installed("skopeo");

    let again = Layout::create(yard.path("again")).await.expect("create");
    for format in [Format::Docker, Format::DockerWithOci, Format::Legacy] {
        let tarball = yard.path("image.tar");
        let tagged = TaggedImage::new(Arc::clone(&edited)).with_repo_tag(format!("example.com/app:{NAME}"));
        write_file(&[tagged], &tarball, &WriteOptions::new().with_format(format))
            .await
            .expect("written");
        let read = Archive::open(&tarball)
            .await
            .expect("open")
            .image(None)
            .await
            .expect("image");
        assert_eq!(diff_ids(&read).await, want, "{format:?}");
        // What comes from an archive is of Docker's types, which skopeo does not look for in a layout.
        let read = convert(Arc::new(read), Family::Oci);
        let options = AppendOptions::new().with_ref_name(NAME);
        again
            .replace_image(&read, &Matcher::any(), &options)
            .await
            .expect("append");
        let stored = named(again.path()).await;
        assert_eq!(diff_ids(&stored).await, want, "{format:?}");
        for (layer, want) in stored.layers().await.expect("layers").iter().zip(&want) {
            let content = layer
                .uncompressed()
                .await
                .expect("opens")
                .collect(1 << 24)
                .await
                .expect("good");
            assert_eq!(wharf::v1::sha256(content).as_ref(), want, "{format:?}");
        }
        if has_skopeo {
            assert_eq!(
                yard.seen_by_skopeo("docker-archive:image.tar"),
                want,
                "{format:?}"
            );
            assert_eq!(
                yard.seen_by_skopeo(&format!("oci:again:{NAME}")),
                want,
                "{format:?}"
            );
            yard.skopeo(&[
                "copy",
                "-q",
                "docker-archive:image.tar",
                &format!("oci:by-skopeo:{NAME}"),
            ]);
            assert_eq!(
                diff_ids(&named(&yard.path("by-skopeo")).await).await,
                want,
                "{format:?}"
            );
            if format == Format::DockerWithOci {
                assert_eq!(
                    yard.seen_by_skopeo(&format!("oci-archive:image.tar:{NAME}")),
                    want
                );
            }
        }
    }

    let index = again.index().await.expect("index");
    ArchiveBuilder::from_index(index)
        .write_file(yard.path("layout.tar"))
        .await
        .expect("written");
    let archive = LayoutArchive::open(yard.path("layout.tar")).await.expect("open");
    assert_eq!(diff_ids(&archive.images().await.expect("images")[0]).await, want);
    if has_skopeo {
        assert_eq!(
            yard.seen_by_skopeo(&format!("oci-archive:layout.tar:{NAME}")),
            want
        );
        let (from, to) = (
            format!("oci-archive:layout.tar:{NAME}"),
            format!("oci-archive:theirs.tar:{NAME}"),
        );
        yard.skopeo(&["copy", "-q", &from, &to]);
        let theirs = LayoutArchive::open(yard.path("theirs.tar")).await.expect("open");
        assert!(theirs.verify().await.expect("verify").is_good());
        assert_eq!(diff_ids(&theirs.images().await.expect("images")[0]).await, want);
    }
    assert!(again.verify().await.expect("verify").is_good());
    assert_eq!(
        again
            .index()
            .await
            .expect("index")
            .children()
            .await
            .expect("entries")
            .len(),
        1
    );
}

#[tokio::test]
async fn an_image_of_umoci_goes_around() {
    if !is_installed("umoci") {
        return;
    }
    let yard = Yard::new();
    let image = format!("built:{NAME}");
    yard.run("umoci", &["init", "--layout", "built"]);
    yard.run("umoci", &["new", "--image", &image]);
    yard.run(
        "umoci",
        &["insert", "--rootless", "--image", &image, "source", "/usr"],
    );
    yard.run(
        "umoci",
        &[
            "insert",
            "--rootless",
            "--image",
            &image,
            "source/motd",
            "/etc/motd",
        ],
    );
    goes_around(&yard, &yard.path("built")).await;
    // And the other way: it reads what we wrote.
    let listed = yard.run("umoci", &["list", "--layout", "again"]);
    assert_eq!(listed.trim(), NAME);
    yard.run("umoci", &["stat", "--image", &format!("again:{NAME}")]);
}

#[tokio::test]
async fn an_image_of_buildah_goes_around() {
    if !is_installed("buildah") {
        return;
    }
    let yard = Yard::new();
    let (root, runroot) = (yard.path("storage"), yard.path("run"));
    let (root, runroot) = (root.to_str().expect("text"), runroot.to_str().expect("text"));
    let buildah = |arguments: &[&str]| {
        let places = ["--storage-driver", "vfs", "--root", root, "--runroot", runroot];
        yard.run("buildah", &[&places, arguments].concat())
    };
    buildah(&["from", "--name", "work", "scratch"]);
    buildah(&["copy", "work", "source", "/usr"]);
    buildah(&["config", "--label", "made-by=buildah", "work"]);
    let destination = format!("oci:built:{NAME}");
    buildah(&[
        "commit",
        "-q",
        "--signature-policy",
        "policy.json",
        "work",
        &destination,
    ]);
    goes_around(&yard, &yard.path("built")).await;
}

/// Every flavour of archive, of layers in every form, with several images in it.
#[tokio::test]
async fn skopeo_reads_every_flavour_of_archive() {
    if !is_installed("skopeo") {
        return;
    }
    let yard = Yard::new();
    for compression in [Compression::None, Compression::gzip(), Compression::zstd()] {
        let mut images = Vec::new();
        for (seed, name) in [(1, "example.com/one:v1"), (2, "example.com/two:v2")] {
            let image = Arc::new(random::image(seed, 2, 10_000));
            let image: Arc<dyn Image> = Arc::new(recompress(image, compression).await.expect("recompressed"));
            images.push((name, diff_ids(&*image).await, image));
        }
        let tagged = images
            .iter()
            .map(|(name, _, image)| TaggedImage::new(Arc::clone(image)).with_repo_tag(*name));
        let tagged: Vec<_> = tagged.collect();
        for format in [Format::Docker, Format::DockerWithOci, Format::Legacy] {
            let what = format!("{compression:?} {format:?}");
            let options = WriteOptions::new().with_format(format);
            for (at, (name, want, _)) in images.iter().enumerate() {
                // One alone needs no name; of several each has its own.
                write_file(&tagged[at..=at], &yard.path("one.tar"), &options)
                    .await
                    .expect("written");
                write_file(&tagged, &yard.path("all.tar"), &options)
                    .await
                    .expect("written");
                for from in ["one.tar".to_owned(), format!("all.tar:{name}")] {
                    let from = format!("docker-archive:{from}");
                    assert_eq!(yard.seen_by_skopeo(&from), *want, "{what} {from}");
                    // Copying reads the layers, and holds them to their digests.
                    yard.skopeo(&["copy", "-q", &from, "oci:copied:it"]);
                    let copied = Layout::open(yard.path("copied")).await.expect("open");
                    assert!(copied.verify().await.expect("verify").is_good(), "{what} {from}");
                    fs::remove_dir_all(yard.path("copied")).expect("removed");
                }
                if format == Format::DockerWithOci {
                    let tag = &name[name.len() - 2..];
                    let from = format!("oci-archive:all.tar:{tag}");
                    assert_eq!(yard.seen_by_skopeo(&from), *want, "{what} {from}");
                    if compression == Compression::zstd() {
                        // It reads such layers, but does not write them to an archive of docker's.
                        continue;
                    }
                    yard.skopeo(&["copy", "-q", &from, "docker-archive:theirs.tar"]);
                    let theirs = Archive::open(yard.path("theirs.tar")).await.expect("open");
                    let theirs = theirs.image(None).await.expect("image");
                    assert_eq!(diff_ids(&theirs).await, *want, "{what} {from}");
                    fs::remove_file(yard.path("theirs.tar")).expect("removed");
                }
            }
        }
        let mut builder = ArchiveBuilder::new();
        for (name, _, image) in &images {
            let named = AppendOptions::new().with_ref_name(*name);
            builder = builder.with_image(Arc::clone(image), &named);
        }
        builder
            .write_file(yard.path("layout.tar"))
            .await
            .expect("written");
        for (name, want, _) in &images {
            let from = format!("oci-archive:layout.tar:{name}");
            assert_eq!(yard.seen_by_skopeo(&from), *want, "{compression:?}");
            yard.skopeo(&["copy", "-q", &from, "oci:copied:it"]);
            let copied = Layout::open(yard.path("copied")).await.expect("open");
            assert!(
                copied.verify().await.expect("verify").is_good(),
                "{compression:?}"
            );
            fs::remove_dir_all(yard.path("copied")).expect("removed");
        }
    }
}
