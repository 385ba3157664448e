//! What a copy would do.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oci_spec::image::{Descriptor, Digest};
use wharf_name::Reference;
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{Child, Image as _, Index as _, Layer as _, MountSource};

use crate::client::NonDistributable;
use crate::copy::schema1::layers_of;
use crate::read::{Fetched, RemoteImage, RemoteIndex};
use crate::tally::Tally;
use crate::write::Destination;

/// Indexes nested deeper than this are not followed.
const MAX_DEPTH: usize = 32;

/// The plan of one copy: asks where the copy would write, and counts.
pub(super) struct Plan {
    tally: Arc<Tally>,
    /// What was counted, since nothing is copied twice.
    seen: Mutex<HashSet<Digest>>,
}

impl Plan {
    pub(super) fn new(tally: Arc<Tally>) -> Self {
        let seen = Mutex::default();
        Self { tally, seen }
    }

    fn is_new(&self, digest: &Digest) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(digest.clone())
    }

    /// A manifest would be written.
    pub(super) fn manifest(&self, descriptor: &Descriptor) {
        self.tally.manifests.add(descriptor);
    }

    /// The parts of an image would be copied.
    pub(super) async fn image(&self, into: &Destination, image: &RemoteImage) -> Result<(), wharf_v1::Error> {
        let home = image.mount_source();
        if into.is_home(home.as_ref()) {
            return Ok(());
        }
        let view = image.load().await?.view()?;
        let mut parts = vec![self.blob(into, view.config(), home.as_ref())];
        for layer in view.layers() {
            parts.push(self.blob(into, layer, home.as_ref()));
        }
        stream::iter(parts)
            .buffer_unordered(into.client.jobs())
            .try_collect()
            .await
    }

    /// The children of an index would be copied.
    pub(super) async fn index(
        &self,
        into: &Destination,
        index: &RemoteIndex,
        only: Option<&HashSet<Digest>>,
    ) -> Result<(), wharf_v1::Error> {
        self.children(into, index, only, 1).await
    }

    fn children<'a>(
        &'a self,
        into: &'a Destination,
        index: &'a RemoteIndex,
        only: Option<&'a HashSet<Digest>>,
        depth: usize,
    ) -> BoxFuture<'a, Result<(), wharf_v1::Error>> {
        async move {
            if into.is_home(index.mount_source().as_ref()) || depth > MAX_DEPTH {
                return Ok(());
            }
            let children = index.load().await?.view()?.manifests();
            let mut wanted = Vec::new();
            for child in children {
                if only.is_none_or(|only| only.contains(child.digest())) {
                    wanted.push(self.child(into, index, child, depth));
                }
            }
            stream::iter(wanted)
                .buffer_unordered(into.client.jobs())
                .try_collect()
                .await
        }
        .boxed()
    }

    async fn child(
        &self,
        into: &Destination,
        index: &RemoteIndex,
        descriptor: &Descriptor,
        depth: usize,
    ) -> Result<(), wharf_v1::Error> {
        if let Child::Blob(blob) = index.child(descriptor).await? {
            return self.blob(into, descriptor, blob.mount_source().as_ref()).await;
        }
        if !self.is_new(descriptor.digest()) {
            return Ok(());
        }
        let reference = Reference::Digest(into.repository().digest(descriptor.digest().clone()));
        if into.is_tip(&reference, descriptor).await? {
            self.tally.present.add(descriptor);
            return Ok(());
        }
        self.manifest(descriptor);
        if descriptor.media_type().is_index() {
            let nested = index.nested(descriptor.clone());
            self.children(into, &nested, None, depth + 1).await
        } else {
            self.image(into, &index.image(descriptor.clone())).await
        }
    }

    /// The layers of a manifest of schema 1 would be copied.
    pub(super) async fn schema1(&self, into: &Destination, fetched: &Fetched) -> Result<(), wharf_v1::Error> {
        let source = fetched.reference().repository();
        for digest in layers_of(fetched)? {
            let layer = into.client.layer(&source.digest(digest));
            if !into.is_home(layer.mount_source().as_ref()) {
                let descriptor = layer.descriptor().await?;
                self.blob(into, &descriptor, layer.mount_source().as_ref())
                    .await?;
            }
        }
        Ok(())
    }

    async fn blob(
        &self,
        into: &Destination,
        descriptor: &Descriptor,
        home: Option<&MountSource>,
    ) -> Result<(), wharf_v1::Error> {
        if !self.is_new(descriptor.digest()) {
            return Ok(());
        }
        let skip = into.client.settings().non_distributable == NonDistributable::Skip;
        let registry = into.repository().registry().as_str();
        let count = if skip && !descriptor.media_type().is_distributable() {
            &self.tally.skipped
        } else if into.has_blob(descriptor).await? {
            &self.tally.present
        } else if home.is_some_and(|home| home.registry == registry) {
            &self.tally.mounted
        } else {
            &self.tally.moved
        };
        count.add(descriptor);
        Ok(())
    }
}
