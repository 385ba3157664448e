//! What tests move around. Digests follow from the seeds, so a changed digest is a finding.

use std::path::Path;
use std::sync::Arc;

use wharf::layer::LayerBuilder;
use wharf::v1::media_type::{OCI_INDEX, OCI_MANIFEST};
use wharf::v1::oci_spec::image::{Descriptor, MediaType};
use wharf::v1::partial::{AssembledImage, AssembledIndex};
use wharf::v1::{Child, Config, Image, IndexManifest, Layer, Manifest, random};

/// An image of two small layers.
pub(crate) fn image() -> AssembledImage {
    random::image(7, 2, 600)
}

/// An image of two other layers.
pub(crate) fn other_image() -> AssembledImage {
    random::image(8, 2, 600)
}

/// An index of images for three platforms, of which one has a variant and one an os.version.
pub(crate) fn index() -> AssembledIndex {
    index_of((21..).map(|seed| random::image(seed, 1, 400)))
}

/// An index of the first three of some images, for the same platforms.
pub(crate) fn index_of(images: impl IntoIterator<Item = AssembledImage>) -> AssembledIndex {
    let platforms = [
        r#"{"architecture":"amd64","os":"linux"}"#,
        r#"{"architecture":"arm64","os":"linux","variant":"v8"}"#,
        r#"{"architecture":"amd64","os":"windows","os.version":"10.0.20348.1"}"#,
    ];
    let (mut entries, mut children) = (Vec::new(), Vec::new());
    for (image, platform) in images.into_iter().zip(platforms) {
        let entry = described(image.as_descriptor());
        entries.push(format!(
            r#"{},"platform":{platform}}}"#,
            entry.trim_end_matches('}')
        ));
        let digest = image.as_descriptor().digest().clone();
        children.push((digest, Child::Image(Arc::new(image) as Arc<dyn Image>)));
    }
    let raw = format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[{}],"annotations":{{"kept":"<as is>"}}}}"#,
        entries.join(",")
    );
    AssembledIndex::new(IndexManifest::new(raw, MediaType::ImageIndex), children)
}

/// An image of one compressed layer that holds the files of a directory, as for a platform.
pub(crate) async fn packed(directory: &Path, architecture: &str) -> AssembledImage {
    let layer = LayerBuilder::from_directory(directory)
        .build()
        .await
        .expect("packed");
    let (descriptor, diff_id) = (layer.as_descriptor().clone(), layer.as_diff_id().to_string());
    image_of(Arc::new(layer), &descriptor, &diff_id, architecture)
}

/// An image of one layer.
pub(crate) fn image_of(
    layer: Arc<dyn Layer>,
    descriptor: &Descriptor,
    diff_id: &str,
    architecture: &str,
) -> AssembledImage {
    let config = format!(
        r#"{{"created":"2026-01-02T03:04:05Z","architecture":"{architecture}","os":"linux","config":{{"Labels":{{"of":"real files"}}}},"rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}}}}"#,
    );
    let config = Config::new(config, MediaType::ImageConfig);
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{},"layers":[{}]}}"#,
        described(&config.descriptor()),
        described(descriptor),
    );
    let manifest = Manifest::new(manifest, MediaType::ImageManifest);
    AssembledImage::new(manifest, config, vec![layer]).expect("the manifest is of these")
}

fn described(descriptor: &Descriptor) -> String {
    let (media_type, size, digest) = (descriptor.media_type(), descriptor.size(), descriptor.digest());
    format!(r#"{{"mediaType":"{media_type}","size":{size},"digest":"{digest}"}}"#)
}
