//! Layers that are not what they say.

use oci_spec::image::{Digest, MediaType};

use super::*;
use crate::Layer;

/// Whoever implements [`Layer`] may hand on bytes that nobody has verified.
#[tokio::test]
async fn layers_that_verify_nothing_are_measured() {
    #[derive(Debug)]
    struct Claims(Descriptor, MediaType, Vec<u8>);
    impl Layer for Claims {
        fn media_type(&self) -> MediaType {
            self.1.clone()
        }
        fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
            Box::pin(async { Ok(self.0.clone()) })
        }
        fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
            Box::pin(async { Ok(sha256(&self.2)) })
        }
        fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
            Box::pin(async { Ok(ByteStream::from_bytes(self.2.clone())) })
        }
        fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
            self.compressed()
        }
    }
    let tar = tar_of("file");
    let (good, size) = (sha256(&tar), tar.len() as u64);
    let (digest, other) = (short(&tar), short(b"other"));
    for (claimed_size, claimed_digest, media_type, want) in [
        (size, good.clone(), MediaType::ImageLayer, vec![]),
        (
            size + 1,
            good.clone(),
            MediaType::ImageLayer,
            vec![format!("it: size: want {}, got {size}", size + 1)],
        ),
        (
            size,
            sha256("other"),
            MediaType::ImageLayer,
            vec![format!("it: digest: want {other}, got {digest}")],
        ),
        (
            size,
            good,
            MediaType::from("text/plain"),
            vec![format!(
                "it: media type: want {}, got text/plain",
                MediaType::ImageLayer
            )],
        ),
    ] {
        let descriptor = Descriptor::new(MediaType::ImageLayer, claimed_size, claimed_digest);
        let layer = Claims(descriptor, media_type, tar.clone());
        let want: Vec<_> = want.iter().map(String::as_str).collect();
        found(&validate::layer(&layer, &ValidateOptions::default()).await, &want);
    }
}
