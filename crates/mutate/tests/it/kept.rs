//! Whatever is done to an image or index, in whatever order: what nobody here knows stays.

use std::sync::Arc;
use std::time::SystemTime;

use proptest::prelude::*;
use wharf_layer::Compression;
use wharf_mutate::{
    Addendum, ConfigEdits, IndexAddendum, RebaseOptions, TimeOptions, annotate, annotate_index,
    append_children, append_layers, canonical, convert, convert_index, edit_children, edit_config,
    edit_images, keep_children, rebase, recompress, remove_annotations, set_artifact_type,
    set_artifact_type_of_index, set_time,
};
use wharf_v1::media_type::{Family, OCI_INDEX};
use wharf_v1::oci_spec::image::MediaType;
use wharf_v1::partial::{AssembledImage, AssembledIndex, StaticLayer};
use wharf_v1::{
    Child, Config, Image, Index, IndexManifest, Layer, Manifest, Matcher, PlatformSpec, conformance, empty,
    random, sha256,
};

use crate::support::{history, raw};

/// Makes fields that nobody knows, each with another name, and remembers them.
struct Vendor<'a> {
    values: &'a [String],
    fields: Vec<String>,
}

impl Vendor<'_> {
    /// Some fields, with a comma before each.
    fn fields(&mut self) -> String {
        let place = self.fields.len();
        let value = &self.values[place % self.values.len()];
        let field = format!(r#""x-{place}":{value}"#);
        let text = format!(",{field}");
        self.fields.push(field);
        text
    }
}

/// JSON that would not survive a typed detour: other numbers, escapes, order of keys.
fn values() -> impl Strategy<Value = Vec<String>> {
    let leaf = prop::sample::select(vec![
        "null",
        "1.50",
        "-0",
        "1e3",
        "12345678901234567890123",
        "true",
        "\"\"",
        "\"<&>\"",
        r#""\u0041""#,
        "[]",
        "{}",
    ]);
    let leaf = leaf.prop_map(str::to_owned);
    let value = leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
            (inner.clone(), inner).prop_map(|(a, b)| format!(r#"{{"z":{a},"a":{b}}}"#)),
        ]
    });
    prop::collection::vec(value, 1..8)
}

/// An image with fields that nobody knows everywhere, and these fields.
fn image(layers: usize, values: &[String]) -> (AssembledImage, Vec<String>, Vec<String>) {
    let contents: Vec<StaticLayer> = (0..layers).map(|seed| random::layer(seed as u64, 10)).collect();
    let stored = |seed: usize| {
        let future = async { contents[seed].descriptor().await.expect("in memory") };
        futures_util::FutureExt::now_or_never(future).expect("in memory")
    };
    let mut vendor = Vendor {
        values,
        fields: Vec::new(),
    };
    let diff_ids: Vec<_> = (0..layers)
        .map(|seed| format!(r#""{}""#, stored(seed).digest()))
        .collect();
    let entries: Vec<_> = (0..layers)
        .map(|seed| format!(r#"{{"created_by":"{seed}"{}}}"#, vendor.fields()))
        .collect();
    let config = format!(
        r#"{{"os":"linux","architecture":"arm64","history":[{}],"rootfs":{{"type":"layers","diff_ids":[{}]{}}},"config":{{"OnBuild":["x"],"Healthcheck":{{"Test":["y"]{}}}{}}}{}}}"#,
        entries.join(","),
        diff_ids.join(","),
        vendor.fields(),
        vendor.fields(),
        vendor.fields(),
        vendor.fields(),
    );
    let of_config = std::mem::take(&mut vendor.fields);
    let listed: Vec<_> = (0..layers)
        .map(|seed| {
            let stored = stored(seed);
            format!(
                r#"{{"mediaType":"{}","digest":"{}","size":{},"annotations":{{"of":"{seed}"}}{}}}"#,
                stored.media_type(),
                stored.digest(),
                stored.size(),
                vendor.fields()
            )
        })
        .collect();
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"{}","digest":"{}","size":{}{}}},"layers":[{}],"subject":{{"mediaType":"a/b","digest":"{}","size":7{}}},"annotations":{{"old":"1"}}{}}}"#,
        MediaType::ImageManifest,
        MediaType::ImageConfig,
        sha256(&config),
        config.len(),
        vendor.fields(),
        listed.join(","),
        sha256("subject"),
        vendor.fields(),
        vendor.fields(),
    );
    let described = contents.into_iter().enumerate().map(|(seed, layer)| {
        // As whoever reads an image gives its layers: with what the manifest says of them.
        let addendum = Addendum::new(Arc::new(layer)).with_annotations([("of", seed.to_string())]);
        let image = append_layers(Arc::new(empty::oci_image()), [addendum]);
        let layers = futures_util::FutureExt::now_or_never(async { image.layers().await.expect("there") });
        layers.expect("in memory").remove(0)
    });
    let image = AssembledImage::new(
        Manifest::new(manifest, MediaType::ImageManifest),
        Config::new(config, MediaType::ImageConfig),
        described.collect(),
    );
    (image.expect("aligned"), vendor.fields, of_config)
}

/// The image after edit number `edit`, and how many layers it put below the image's own.
async fn edited(image: Arc<dyn Image>, edit: usize) -> Arc<dyn Image> {
    let times = TimeOptions::new();
    match edit {
        0 => {
            let layer = Addendum::new(Arc::new(random::layer(99, 10))).with_history(history("new"));
            Arc::new(append_layers(image, [layer]))
        }
        1 => Arc::new(append_layers(image, [Addendum::without_layer(history("step"))])),
        2 => Arc::new(edit_config(image, |config| {
            let platform = PlatformSpec::new("windows", "arm")
                .with_os_version("10")
                .to_platform();
            let edits = ConfigEdits::new()
                .env("A", "1")
                .label("l", "2")
                .author("dave")
                .platform(platform);
            edits.apply(config);
        })),
        3 => Arc::new(edit_config(image, |config| {
            ConfigEdits::new()
                .without_env("A")
                .without_label("l")
                .without_author()
                .apply(config);
        })),
        4 => Arc::new(annotate(image, [("new", "2")])),
        5 => Arc::new(remove_annotations(image, ["new"])),
        6 => Arc::new(set_artifact_type(image, MediaType::from("x/y"))),
        7 => Arc::new(convert(image, Family::Docker)),
        8 => Arc::new(convert(image, Family::Oci)),
        9 => Arc::new(recompress(image, Compression::gzip()).await.expect("tars")),
        10 => Arc::new(recompress(image, Compression::None).await.expect("tars")),
        11 => Arc::new(
            set_time(image, SystemTime::UNIX_EPOCH, &times)
                .await
                .expect("tars"),
        ),
        12 => Arc::new(canonical(image, &times).await.expect("tars")),
        _ => {
            let (old, new) = (empty::image(), Arc::new(random::image(98, 1, 10)));
            let rebased = rebase(image, &old, new, &RebaseOptions::new()).await;
            Arc::new(rebased.expect("everything is based on nothing"))
        }
    }
}

#[track_caller]
fn check_fields(text: &str, fields: &[String], edits: &[usize]) {
    for field in fields {
        assert!(text.contains(field.as_str()), "{field} after {edits:?} in {text}");
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("runtime");
    runtime.block_on(future)
}

/// An index of images that have such fields, which it has itself.
fn index(children: usize, values: &[String]) -> (AssembledIndex, Vec<String>, Vec<Vec<String>>) {
    let mut vendor = Vendor {
        values,
        fields: Vec::new(),
    };
    let (mut entries, mut opened, mut of_children) = (Vec::new(), Vec::new(), Vec::new());
    for layers in 0..children {
        let (image, of_manifest, _) = image(layers, values);
        let listed = image.as_descriptor().clone();
        entries.push(format!(
            r#"{{"mediaType":"{}","digest":"{}","size":{},"annotations":{{"k":"v"}},"platform":{{"os":"linux","architecture":"arm64"{}}}{}}}"#,
            listed.media_type(),
            listed.digest(),
            listed.size(),
            vendor.fields(),
            vendor.fields(),
        ));
        opened.push((listed.digest().clone(), Child::Image(Arc::new(image))));
        of_children.push(of_manifest);
    }
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[{}],"subject":{{"mediaType":"a/b","digest":"{}","size":7{}}},"annotations":{{"old":"1"}}{}}}"#,
        entries.join(","),
        sha256("subject"),
        vendor.fields(),
        vendor.fields(),
    );
    let manifest = IndexManifest::new(manifest, MediaType::ImageIndex);
    (AssembledIndex::new(manifest, opened), vendor.fields, of_children)
}

async fn edited_index(index: Arc<dyn Index>, edit: usize) -> Arc<dyn Index> {
    match edit {
        0 => Arc::new(annotate_index(index, [("new", "2")])),
        1 => Arc::new(append_children(
            index,
            [IndexAddendum::image(random::image(97, 1, 10))],
        )),
        2 => Arc::new(edit_children(index, |child| {
            child.set_urls(Some(vec!["https://example.com/".to_owned()]));
        })),
        3 => Arc::new(keep_children(index, Matcher::any())),
        4 => Arc::new(set_artifact_type_of_index(index, MediaType::from("x/y"))),
        5 => Arc::new(convert_index(index, Family::Docker).await.expect("all known")),
        6 => Arc::new(convert_index(index, Family::Oci).await.expect("all known")),
        edit => {
            let edit = async |_, image| Ok(edited(image, edit - 7).await);
            Arc::new(edit_images(index, edit).await.expect("all there"))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_edit_of_an_image_loses_anything(
        layers in 0..3_usize,
        values in values(),
        edits in prop::collection::vec(0..14_usize, 0..7),
    ) {
        let (base, of_manifest, of_config) = image(layers, &values);
        block_on(async {
            let (mut image, mut family, mut count): (Arc<dyn Image>, _, _) = (Arc::new(base), Family::Oci, layers);
            for edit in &edits {
                image = edited(image, *edit).await;
                match edit {
                    0 | 13 => count += 1,
                    7 => family = Family::Docker,
                    8 => family = Family::Oci,
                    _ => {}
                }
            }
            let (manifest, config) = raw(&image).await;
            check_fields(&manifest, &of_manifest, &edits);
            check_fields(&config, &of_config, &edits);
            check_fields(&config, &["OnBuild".to_owned(), r#""Test":["y"]"#.to_owned()], &edits);
            check_fields(&manifest, &[sha256("subject").to_string(), r#""old":"1""#.to_owned()], &edits);
            for layer in 0..layers {
                check_fields(&manifest, &[format!(r#""annotations":{{"of":"{layer}"}}"#)], &edits);
            }
            let other = if family == Family::Oci { "vnd.docker" } else { "vnd.oci" };
            // What is appended keeps its own media type until the image is converted.
            if !edits.contains(&0) {
                assert!(!manifest.contains(other), "{edits:?}: {manifest}");
            }
            assert_eq!(image.layers().await.expect("layers").len(), count);
            conformance::image(image).await;
        });
    }

    #[test]
    fn no_edit_of_an_index_loses_anything(
        children in 1..3_usize,
        values in values(),
        edits in prop::collection::vec(0..21_usize, 0..5),
    ) {
        let (base, fields, of_children) = index(children, &values);
        block_on(async {
            let mut index: Arc<dyn Index> = Arc::new(base);
            for edit in &edits {
                index = edited_index(index, *edit).await;
            }
            let manifest = index.manifest().await.expect("manifest");
            let text = String::from_utf8_lossy(manifest.raw());
            check_fields(&text, &fields, &edits);
            check_fields(&text, &[sha256("subject").to_string(), r#""old":"1""#.to_owned()], &edits);
            assert!(text.matches(r#""annotations":{"k":"v"}"#).count() >= children, "{text}");
            let listed = manifest.view().expect("index").manifests();
            for (listed, fields) in listed.iter().zip(&of_children) {
                match index.child(listed).await.expect("there") {
                    Child::Image(image) => check_fields(&raw(&image).await.0, fields, &edits),
                    other => panic!("{other:?}"),
                }
            }
            conformance::index(index).await;
        });
    }
}
