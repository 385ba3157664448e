//! Counting what one operation does.

use std::sync::atomic::{AtomicU64, Ordering};

use oci_spec::image::Descriptor;

use crate::copy::{Amount, CopyReport};
use crate::events::Event;

/// What one operation has done so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) manifests: Count,
    pub(crate) moved: Count,
    pub(crate) mounted: Count,
    pub(crate) present: Count,
    pub(crate) skipped: Count,
    requests: AtomicU64,
}

/// How many of one kind, and their bytes.
#[derive(Debug, Default)]
pub(crate) struct Count {
    items: AtomicU64,
    bytes: AtomicU64,
}

impl Count {
    pub(crate) fn add(&self, descriptor: &Descriptor) {
        self.items.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(descriptor.size(), Ordering::Relaxed);
    }

    fn amount(&self) -> Amount {
        Amount {
            count: self.items.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

impl Tally {
    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, event: Event<'_>) {
        match event {
            Event::BlobExists { descriptor, .. } | Event::ManifestExists { descriptor, .. } => {
                self.present.add(descriptor);
            }
            Event::BlobMounted { descriptor, .. } => self.mounted.add(descriptor),
            Event::BlobSkipped { descriptor, .. } => self.skipped.add(descriptor),
            Event::BlobPushed { descriptor, .. } => self.moved.add(descriptor),
            Event::ManifestPushed { descriptor, .. } => self.manifests.add(descriptor),
            _ => {}
        }
    }

    pub(crate) fn report(&self, descriptor: Descriptor) -> CopyReport {
        CopyReport {
            descriptor,
            manifests: self.manifests.amount(),
            moved: self.moved.amount(),
            mounted: self.mounted.amount(),
            present: self.present.amount(),
            skipped: self.skipped.amount(),
            requests: self.requests.load(Ordering::Relaxed),
        }
    }
}
