//! What every [`Layer`], [`Image`] and [`Index`](crate::Index) must do, as tests to run on one.
//!
//! An implementation runs the suite of its trait on values that hold some content, compressed and not,
//! and so does each wrapper around one:
//!
//! ```
//! use wharf_v1::{conformance, random};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! conformance::image(random::image(1, 3, 1000)).await;
//! # }
//! ```
//!
//! Each law is one function, named after what it says; the suites panic with that. They
//! read everything several times, so give them small content. They are not covered by semantic
//! versioning: a law may be added at any time.

mod image;
mod index;
mod layer;

pub use image::image;
pub use index::index;
pub use layer::layer;

use oci_spec::image::{Descriptor, Digest};

use crate::{Document, Error, Hasher, Image, Layer, View};

/// What `result` holds, or a panic that says which law could not be tried.
#[track_caller]
fn must<T>(law: &str, result: Result<T, Error>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{law}: {error} ({error:?})"),
    }
}

/// The digest of `bytes` with the algorithm of `like`.
#[track_caller]
fn digest_like(law: &str, like: &Digest, bytes: &[u8]) -> Digest {
    let mut hasher = must(law, Hasher::new(like.algorithm()));
    hasher.update(bytes);
    hasher.finish()
}

#[track_caller]
fn the_digest_is_that_of_the_raw_bytes<T: View>(descriptor: &Descriptor, document: &Document<T>) {
    let law = "digest";
    let digest = digest_like(law, descriptor.digest(), document.raw());
    assert_eq!(
        *descriptor.digest(),
        digest,
        "{law}: the descriptor's digest is that of the raw bytes"
    );
    let digest = digest_like(law, document.digest(), document.raw());
    assert_eq!(
        *document.digest(),
        digest,
        "{law}: the document's digest is that of its raw bytes"
    );
}

#[track_caller]
fn the_size_is_that_of_the_raw_bytes<T: View>(descriptor: &Descriptor, document: &Document<T>) {
    assert_eq!(
        descriptor.size(),
        document.raw().len() as u64,
        "size: the size is that of the raw bytes"
    );
}

#[track_caller]
fn the_view_is_of_the_raw_bytes<T: View>(document: &Document<T>) {
    view_is_of_raw("view", document);
}

#[track_caller]
fn view_is_of_raw<T: View>(law: &str, document: &Document<T>) {
    let again = Document::<T>::new(document.raw().clone(), document.media_type().clone());
    let (view, again) = (must(law, document.view()), must(law, again.view()));
    assert_eq!(view, again, "{law}: the view is what the raw bytes say");
}

#[cfg(test)]
mod tests;
