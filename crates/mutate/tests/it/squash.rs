//! Several layers as one.

use std::collections::BTreeMap;
use std::sync::Arc;

use wharf_layer::{Compression, LayerBuilder};
use wharf_mutate::{Addendum, Error, MutatedImage, append_layers, edit_config, squash_layers};
use wharf_v1::oci_spec::image::MediaType;
use wharf_v1::partial::StaticLayer;
use wharf_v1::{Image, conformance, media_type};

use crate::support::{base, check_kept, history, raw, steps_of};

/// An image with a layer of these files for each list, and a step without a layer after the second.
async fn built(layers: &[&[&'static str]]) -> MutatedImage {
    let mut addenda = Vec::new();
    for (place, names) in layers.iter().enumerate() {
        let files = names.iter().map(|name| (*name, place.to_string()));
        let layer = LayerBuilder::from_files(files).compression(Compression::zstd());
        let layer = layer.build().await.expect("files");
        let addendum = Addendum::new(Arc::new(layer)).with_history(history(&place.to_string()));
        addenda.push(addendum.with_annotations([("place", place.to_string())]));
        if place == 1 {
            addenda.push(Addendum::without_layer(history("step")));
        }
    }
    append_layers(Arc::new(base()), addenda)
}

const LAYERS: [&[&str]; 4] = [
    &["gone", "kept", "replaced"],
    &[".wh.gone", "later-gone", "replaced"],
    &[".wh.later-gone", "again"],
    &["again", "top"],
];

/// The names in a layer, and what they contain.
async fn names(image: &impl Image, place: usize) -> BTreeMap<String, String> {
    let layer = image.layers().await.expect("layers").remove(place);
    let tar = layer
        .uncompressed()
        .await
        .expect("open")
        .collect(1 << 20)
        .await
        .expect("whole");
    let mut archive = tar::Archive::new(&tar[..]);
    let read = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.expect("valid");
        let name = entry.path().expect("a name").display().to_string();
        let mut content = String::new();
        std::io::Read::read_to_string(&mut entry, &mut content).expect("text");
        (name, content)
    };
    archive.entries().expect("an archive").map(read).collect()
}

#[track_caller]
fn check(got: &BTreeMap<String, String>, want: &[(&str, &str)]) {
    let want = want
        .iter()
        .map(|(name, content)| ((*name).to_owned(), (*content).to_owned()));
    assert_eq!(*got, want.collect());
}

#[tokio::test]
async fn a_range_in_the_middle() {
    let image = squash_layers(Arc::new(built(&LAYERS).await), 1..3)
        .await
        .expect("layers");
    let image = Arc::new(image);
    check_kept(&image).await;
    check(
        &names(&image, 1).await,
        &[
            (".wh.gone", ""),
            (".wh.later-gone", ""),
            ("again", "2"),
            ("replaced", "1"),
        ],
    );
    assert_eq!(steps_of(&image).await, ["0", "(1)", "(step)", "2", "3"]);
    let layers = image.layers().await.expect("layers");
    let types: Vec<_> = layers.iter().map(|layer| layer.media_type()).collect();
    assert_eq!(types, [const { MediaType::ImageLayerZstd }; 3]);
    let (manifest, _) = raw(&image).await;
    for place in ["0", "2", "3"] {
        assert!(
            manifest.contains(&format!(r#"{{"place":"{place}"}}"#)),
            "{manifest}"
        );
    }
    conformance::image(image).await;
}

#[tokio::test]
async fn a_range_from_the_bottom_has_nothing_to_remove() {
    let image = squash_layers(Arc::new(built(&LAYERS).await), 0..4)
        .await
        .expect("layers");
    check(
        &names(&image, 0).await,
        &[("again", "3"), ("kept", "0"), ("replaced", "1"), ("top", "3")],
    );
    assert_eq!(steps_of(&image).await, ["(0)", "(1)", "(step)", "(2)", "3"]);
    conformance::image(image).await;
}

#[tokio::test]
async fn one_layer_stays_as_it_is() {
    let before = built(&LAYERS).await;
    let (want, image) = (raw(&before).await, Arc::new(before));
    let image = squash_layers(image, 2..3).await.expect("layers");
    assert_eq!(raw(&image).await, want);
}

#[tokio::test]
async fn histories_that_tell_too_little_or_too_much() {
    let told = async |steps: &'static [&'static str]| {
        let image = built(&LAYERS).await;
        Arc::new(edit_config(Arc::new(image), |config| {
            config.set_history(Some(steps.iter().map(|step| history(step)).collect()));
        }))
    };
    let image = squash_layers(told(&["0", "1"]).await, 1..4)
        .await
        .expect("layers");
    assert_eq!(steps_of(&image).await, ["0", "1"]);
    conformance::image(image).await;
    let image = squash_layers(told(&["0", "1", "2"]).await, 1..4)
        .await
        .expect("layers");
    assert_eq!(steps_of(&image).await, ["0", "(1)", "2"]);
    let error = squash_layers(told(&["0", "1", "2", "3", "4"]).await, 1..4).await;
    assert!(matches!(error, Err(Error::History { .. })), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_squashed() {
    for range in [1..1, 2..5, 4..5] {
        let error = squash_layers(Arc::new(built(&LAYERS).await), range).await;
        assert!(
            matches!(error, Err(Error::NoSuchLayer { layers: 4, .. })),
            "{error:?}"
        );
    }
    for other in ["application/x", media_type::DOCKER_FOREIGN_LAYER] {
        let image = built(&LAYERS[..1]).await;
        let layer = StaticLayer::new("content", other.into());
        let image = append_layers(Arc::new(image), [Addendum::new(Arc::new(layer))]);
        let error = squash_layers(Arc::new(image), 0..2).await;
        assert!(
            matches!(error, Err(Error::NotSquashable { place: 1, .. })),
            "{error:?}"
        );
    }
    let damaged = StaticLayer::new("no tar", MediaType::ImageLayer);
    let image = append_layers(
        Arc::new(built(&LAYERS[..1]).await),
        [Addendum::new(Arc::new(damaged))],
    );
    let error = squash_layers(Arc::new(image), 0..2).await;
    assert!(matches!(error, Err(Error::Layer { .. })), "{error:?}");
}
