//! Images and indexes of any documents and layers, some of which are not what they are said to be: checking them ends,
//! says the same however it is done, and what is called valid keeps its promises.
#![no_main]

mod archive;

use std::collections::HashMap;
use std::sync::Arc;

use archive::{LIMIT, block_on};
use futures_util::future::BoxFuture;
use libfuzzer_sys::fuzz_target;
use oci_spec::image::{Descriptor, Digest, MediaType};
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::partial::{ContentSource, StoredImage, StoredIndex};
use wharf_v1::validate::{self, Report, ValidateOptions};
use wharf_v1::{ByteStream, DecompressLimits, Error, Hasher, Image, sha256};

/// What a blob is: a text in which `@3` stands for the digest of the third blob before it and `%3` for its size.
const TEXT: u8 = 1;
/// What a blob is: an archive of entries.
const ARCHIVE: u8 = 2;
/// The blob that is stored is another one.
const LIE: u8 = 4;
/// The last blob is an index, and else a manifest.
const INDEX: u8 = 8;

#[derive(Debug, Default)]
struct Store(HashMap<Digest, Vec<u8>>);

impl ContentSource for Store {
    fn open<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<ByteStream, Error>> {
        Box::pin(async {
            let digest = descriptor.digest();
            let bytes = self.0.get(digest).cloned();
            let bytes = bytes.ok_or_else(|| Error::NotFound {
                digest: digest.clone(),
            })?;
            Ok(ByteStream::from_bytes(bytes))
        })
    }
}

/// Stores the blobs that the input describes, each by what it is and its content. The last of them is the root.
fn read(mut input: &[u8]) -> Option<(Store, u8, Descriptor)> {
    let mut store = Store::default();
    let mut blobs: Vec<(Digest, usize)> = Vec::new();
    let mut root = None;
    while let Some((form, rest)) = input.split_first() {
        let (content, rest) = archive::field(rest, 2, usize::MAX);
        input = rest;
        let mut blob = match form & (TEXT | ARCHIVE) {
            TEXT => filled_in(content, &blobs),
            ARCHIVE => archive::tar_of(content),
            _ => content.to_vec(),
        };
        let digest = sha256(&blob);
        blobs.push((digest.clone(), blob.len()));
        root = Some((*form, digest.clone(), blob.len() as u64));
        if form & LIE != 0 {
            match blob.pop() {
                Some(last) => blob.push(!last),
                None => blob.push(0),
            }
        }
        store.0.insert(digest, blob);
    }
    let (form, digest, size) = root?;
    let media_type = match form & INDEX {
        0 => MediaType::ImageManifest,
        _ => MediaType::ImageIndex,
    };
    Some((store, form, Descriptor::new(media_type, size, digest)))
}

fn filled_in(text: &[u8], blobs: &[(Digest, usize)]) -> Vec<u8> {
    let mut filled = Vec::new();
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let before = match bytes.as_slice().first() {
            Some(digit @ b'1'..=b'9') => blobs.iter().nth_back(usize::from(digit - b'1')),
            _ => None,
        };
        match (byte, before) {
            (b'@', Some((digest, _))) => filled.extend(digest.as_ref().as_bytes()),
            (b'%', Some((_, size))) => filled.extend(size.to_string().as_bytes()),
            _ => {
                filled.push(*byte);
                continue;
            }
        }
        bytes.next();
    }
    filled
}

/// What is valid is so by the laws themselves.
async fn keeps_promises(image: &dyn Image) {
    let (manifest, config) = (image.manifest().await, image.config().await);
    let (manifest, config) = (manifest.expect("valid"), config.expect("valid"));
    assert_eq!(manifest.digest(), &sha256(manifest.raw()));
    let view = manifest.view().expect("valid");
    assert_eq!(view.config().digest(), &sha256(config.raw()));
    let layers = image.layers().await.expect("valid");
    assert_eq!(view.layers().len(), layers.len());
    for (at, (layer, listed)) in layers.iter().zip(view.layers()).enumerate() {
        // Those that live elsewhere need not be here.
        if !listed.media_type().is_distributable() {
            continue;
        }
        let stored = layer.compressed().await.expect("valid").collect(LIMIT).await;
        let stored = stored.expect("valid");
        assert_eq!(listed.digest(), &sha256(&stored));
        assert_eq!(listed.size(), stored.len() as u64);
        if view.config().media_type().is_config() {
            let diff_id = &config.view().expect("valid").rootfs().diff_ids()[at];
            let diff_id = Digest::try_from(diff_id.as_str()).expect("valid");
            let hasher = Hasher::new(diff_id.algorithm()).expect("valid");
            let plain = layer.uncompressed().await.expect("valid").measure(hasher).await;
            assert_eq!(plain.expect("valid").digest, diff_id);
        }
    }
}

async fn check(store: &Arc<Store>, form: u8, root: &Descriptor, options: &ValidateOptions) -> Report {
    if form & INDEX == 0 {
        let image = StoredImage::new(root.clone(), Arc::clone(store));
        let report = validate::image(&image, options).await;
        if report.is_valid() && !options.fast {
            keeps_promises(&image).await;
        }
        report
    } else {
        let index = StoredIndex::new(root.clone(), Arc::clone(store));
        validate::index(&index, options).await
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((store, form, root)) = read(input) else {
        return;
    };
    let store = Arc::new(store);
    let options = ValidateOptions::default()
        .with_limits(DecompressLimits::default().with_max_bytes(LIMIT))
        .with_max_entries(100)
        .with_max_depth(3)
        .with_max_children(20);
    block_on(async {
        let one = check(&store, form, &root, &options.clone().with_concurrency(1)).await;
        let several = check(&store, form, &root, &options.clone().with_concurrency(4)).await;
        if one.findings().len() < 20 {
            assert_eq!(one, several, "the order of reading makes no difference");
        }
        assert_eq!(one.to_string().lines().count(), one.findings().len());
        // Whoever looks at less finds no more.
        let fast = check(&store, form, &root, &options.clone().with_fast(true)).await;
        assert!(!one.is_valid() || fast.is_valid(), "{fast}");
        let both = check(&store, form, &root, &options.clone().with_both_forms(true)).await;
        assert_eq!(one.is_valid(), both.is_valid(), "{one} {both}");
    });
});
