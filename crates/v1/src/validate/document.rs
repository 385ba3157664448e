//! Checks of manifests and indexes as documents.

use oci_spec::image::{Descriptor, MediaType};

use super::descriptor;
use super::report::{Check, Notes};
use crate::{Document, Error, View};

/// What is said of a document on its way: by its owner, by its descriptor, by itself.
pub(super) struct Said<'a> {
    pub(super) media_type: MediaType,
    pub(super) descriptor: Result<Descriptor, Error>,
    pub(super) own_media_type: Option<&'a MediaType>,
    pub(super) schema_version: u32,
}

/// All that is said of the document is so.
pub(super) fn check<T: View>(document: &Document<T>, said: Said<'_>, notes: &mut Notes) {
    if let Some(descriptor) = notes.take(Check::Readable, said.descriptor) {
        descriptor::describes(&descriptor, document.raw(), notes);
        notes.equal(Check::MediaType, descriptor.media_type(), document.media_type());
    }
    let digest = descriptor::digest_like(document.digest(), document.raw());
    if let Some(digest) = notes.take(Check::Digest, digest) {
        notes.equal(Check::Digest, document.digest(), &digest);
    }
    notes.equal(Check::MediaType, &said.media_type, document.media_type());
    if let Some(own) = said.own_media_type {
        notes.equal(Check::MediaType, own, document.media_type());
    }
    notes.equal(Check::SchemaVersion, &2, &said.schema_version);
}
