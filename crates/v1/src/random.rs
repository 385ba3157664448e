//! Layers, images and indexes of random content, for tests and benchmarks.
//!
//! The same arguments give the same bytes, on every machine; [`seed`] gives arguments that differ.

use std::sync::Arc;

use oci_spec::image::{
    Arch, History, ImageConfiguration, ImageIndexBuilder, ImageManifestBuilder, MediaType, Os, RootFs,
    SCHEMA_VERSION,
};
use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, SeedableRng as _};

use crate::partial::{AssembledImage, AssembledIndex, StaticLayer};
use crate::{Child, Config, IndexManifest, Layer, Manifest};

/// A seed that was not used before.
#[must_use]
pub fn seed() -> u64 {
    rand::random()
}

/// A layer: an uncompressed tar of one file with `size` random bytes.
///
/// ```
/// use wharf_v1::{Layer as _, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// assert_eq!(random::layer(7, 1000).diff_id().await?, random::layer(7, 1000).diff_id().await?);
/// assert_ne!(random::layer(7, 1000).diff_id().await?, random::layer(8, 1000).diff_id().await?);
/// # Ok(()) }
/// ```
#[must_use]
pub fn layer(seed: u64, size: usize) -> StaticLayer {
    layer_from(&mut ChaCha8Rng::seed_from_u64(seed), size)
}

/// An OCI image of `layers` layers as [`layer`] makes them, with a config that has a history.
#[must_use]
pub fn image(seed: u64, layers: usize, layer_size: usize) -> AssembledImage {
    image_from(&mut ChaCha8Rng::seed_from_u64(seed), layers, layer_size)
}

/// An OCI index of `images` images as [`image`] makes them.
#[must_use]
pub fn index(seed: u64, images: usize, layers: usize, layer_size: usize) -> AssembledIndex {
    let mut source = ChaCha8Rng::seed_from_u64(seed);
    let images: Vec<_> = (0..images)
        .map(|_| image_from(&mut source, layers, layer_size))
        .collect();
    let manifest = ImageIndexBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .manifests(
            images
                .iter()
                .map(|image| image.as_descriptor().clone())
                .collect::<Vec<_>>(),
        )
        .build()
        .expect("all required fields are set");
    let manifest = IndexManifest::from_view(manifest, MediaType::ImageIndex);
    let children = images.into_iter().map(|image| {
        (
            image.as_descriptor().digest().clone(),
            Child::Image(Arc::new(image) as Arc<dyn crate::Image>),
        )
    });
    AssembledIndex::new(manifest, children)
}

fn layer_from(source: &mut ChaCha8Rng, size: usize) -> StaticLayer {
    let name = format!("random_file_{}.txt", source.next_u32());
    let mut content = vec![0; size];
    source.fill_bytes(&mut content);
    StaticLayer::new(tar_of(&name, &content), MediaType::ImageLayer)
}

fn tar_of(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0);
    let mut archive = tar::Builder::new(Vec::new());
    archive
        .append_data(&mut header, name, content)
        .expect("writing to memory");
    archive.into_inner().expect("writing to memory")
}

fn image_from(source: &mut ChaCha8Rng, layers: usize, layer_size: usize) -> AssembledImage {
    let layers: Vec<_> = (0..layers).map(|_| layer_from(source, layer_size)).collect();
    let config = Config::from_view(config_of(&layers), MediaType::ImageConfig);
    let descriptors: Vec<_> = layers.iter().map(|layer| layer.as_descriptor().clone()).collect();
    let manifest = ImageManifestBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .config(config.descriptor())
        .layers(descriptors)
        .build()
        .expect("all required fields are set");
    let manifest = Manifest::from_view(manifest, MediaType::ImageManifest);
    let layers = layers
        .into_iter()
        .map(|layer| Arc::new(layer) as Arc<dyn Layer>)
        .collect();
    AssembledImage::new(manifest, config, layers).expect("the manifest was just made of these")
}

fn config_of(layers: &[StaticLayer]) -> ImageConfiguration {
    let history = |i| {
        let mut entry = History::default();
        entry
            .set_author(Some("random.Image".to_owned()))
            .set_created_by(Some("random".to_owned()))
            .set_comment(Some(format!("this is a random history {i} of {}", layers.len())));
        entry
    };
    let mut rootfs = RootFs::default();
    rootfs.set_diff_ids(
        layers
            .iter()
            .map(|layer| layer.as_descriptor().digest().to_string())
            .collect(),
    );
    let mut config = ImageConfiguration::default();
    config
        .set_architecture(Arch::Amd64)
        .set_os(Os::Linux)
        .set_rootfs(rootfs)
        .set_history(Some((0..layers.len()).map(history).collect()));
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Image as _, ImageExt as _, IndexExt as _};

    #[tokio::test]
    async fn seeds_decide() {
        let image_digest = async |seed| image(seed, 3, 100).digest().await.expect("known");
        assert_eq!(image_digest(1).await, image_digest(1).await);
        assert_ne!(image_digest(1).await, image_digest(2).await);
        let index_digest = async |seed| index(seed, 2, 1, 10).digest().await.expect("known");
        assert_eq!(index_digest(1).await, index_digest(1).await);
        assert_ne!(index_digest(1).await, index_digest(2).await);
    }

    #[tokio::test]
    async fn a_layer_is_a_tar_of_one_file() {
        let bytes = layer(3, 5000)
            .uncompressed()
            .await
            .expect("opens")
            .collect(1 << 20)
            .await
            .expect("reads");
        let mut archive = tar::Archive::new(&bytes[..]);
        let mut sizes = Vec::new();
        for entry in archive.entries().expect("a tar") {
            let entry = entry.expect("an entry");
            assert!(
                entry
                    .path()
                    .expect("a name")
                    .to_string_lossy()
                    .starts_with("random_file_")
            );
            sizes.push(entry.size());
        }
        assert_eq!(sizes, [5000]);
    }

    #[tokio::test]
    async fn images_have_what_is_asked_for() {
        let image = image(4, 3, 10);
        let config = image.config().await.expect("known");
        assert_eq!(config.view().expect("valid").rootfs().diff_ids().len(), 3);
        assert_eq!(
            config.view().expect("valid").history().as_ref().map(Vec::len),
            Some(3)
        );
        assert_eq!(image.layers().await.expect("known").len(), 3);
        assert_eq!(index(4, 5, 1, 10).children().await.expect("known").len(), 5);
        assert!(index(4, 0, 1, 10).children().await.expect("known").is_empty());
    }
}
