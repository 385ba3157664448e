//! The trait of indexes.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};

use crate::media_type::MediaTypeExt as _;
use crate::{Error, Image, IndexManifest, Layer, Matcher, MountSource, PlatformSpec, select};

/// A list of manifests: images of several platforms, artifacts, further indexes.
///
/// # Contract
/// - [`descriptor`](Self::descriptor) gives media type, digest and size of [`manifest`](Self::manifest).
/// - [`child`](Self::child) opens what a descriptor of that manifest names; its bytes match the
///   descriptor's digest and size. An image or index of the ecosystem's media types comes as such,
///   anything else as a blob.
///
/// ```
/// use wharf_v1::{Child, Index, IndexExt as _, random};
///
/// async fn count_images(index: &dyn Index) -> Result<usize, wharf_v1::Error> {
///     let mut count = 0;
///     for descriptor in index.children().await? {
///         if let Child::Image(_) = index.child(&descriptor).await? {
///             count += 1;
///         }
///     }
///     Ok(count)
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// assert_eq!(count_images(&random::index(1, 3, 1, 100)).await?, 3);
/// # Ok(()) }
/// ```
pub trait Index: Debug + Send + Sync + 'static {
    /// The media type of the index. Known without I/O.
    fn media_type(&self) -> MediaType;

    /// Media type, digest and size of the index.
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>>;

    /// The index document.
    fn manifest(&self) -> BoxFuture<'_, Result<IndexManifest, Error>>;

    /// Opens the child that `descriptor`, one of this index's, names. Its content may be loaded later.
    ///
    /// [`Error::NotFound`] when the index's home has no such content.
    fn child<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Child, Error>>;

    /// The repository that has this very index whole: its document, and all children that it has at all.
    /// An index that was changed is no longer the one that a repository has.
    fn mount_source(&self) -> Option<MountSource> {
        None
    }
}

/// What a descriptor in an index leads to.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum Child {
    /// An image or artifact manifest.
    Image(Arc<dyn Image>),
    /// A nested index.
    Index(Arc<dyn Index>),
    /// Content of a media type that is neither: its bytes.
    Blob(Arc<dyn Layer>),
}

impl Child {
    /// What an index says of the child if nobody says otherwise: the child's own descriptor; for an image
    /// also the platform that its config states, for an artifact what it is for.
    ///
    /// # Errors
    /// What the child gives when it is asked for its descriptor, manifest and config.
    pub async fn own_descriptor(&self) -> Result<Descriptor, Error> {
        let image = match self {
            Self::Image(image) => image,
            Self::Index(index) => return index.descriptor().await,
            Self::Blob(blob) => return blob.descriptor().await,
        };
        let mut descriptor = image.descriptor().await?;
        let manifest = image.manifest().await?;
        let view = manifest.view()?;
        if !view.config().media_type().is_config() {
            // What an artifact is for is told here, so that nobody has to open it.
            if descriptor.artifact_type().is_none() {
                let own = view.artifact_type().clone();
                descriptor.set_artifact_type(own.or_else(|| Some(view.config().media_type().clone())));
            }
        } else if descriptor.platform().is_none() {
            let config = image.config().await?;
            let platform = PlatformSpec::of_config(config.view()?);
            descriptor.set_platform(platform.map(|spec| spec.to_platform()));
        }
        Ok(descriptor)
    }
}

/// Conveniences for every [`Index`].
pub trait IndexExt: Index {
    /// The digest of the index.
    fn digest(&self) -> impl Future<Output = Result<Digest, Error>> + Send {
        async move { Ok(self.descriptor().await?.digest().clone()) }
    }

    /// The descriptors of the children, in order.
    fn children(&self) -> impl Future<Output = Result<Vec<Descriptor>, Error>> + Send {
        async move { Ok(self.manifest().await?.view()?.manifests().clone()) }
    }

    /// The descriptors of the children that `matcher` matches, in order. For those of nested indexes too there
    /// is [`walk`](crate::walk).
    fn matching(&self, matcher: &Matcher) -> impl Future<Output = Result<Vec<Descriptor>, Error>> + Send {
        async move {
            let mut children = self.children().await?;
            children.retain(|child| matcher.matches(child));
            Ok(children)
        }
    }

    /// Opens the first child with this digest.
    fn child_by_digest(&self, manifest_digest: &Digest) -> impl Future<Output = Result<Child, Error>> + Send {
        async move {
            let children = self.children().await?;
            let found = children.iter().find(|child| child.digest() == manifest_digest);
            let descriptor = found.ok_or_else(|| Error::NotFound {
                digest: manifest_digest.clone(),
            })?;
            self.child(descriptor).await
        }
    }

    /// The image that [fits this platform](PlatformSpec::fit_child) best, and of those that fit as well the
    /// first.
    ///
    /// One without a platform counts as `linux/amd64`, unless it says that it is an artifact. A nested
    /// index is searched if it fits the platform or does not say.
    ///
    /// [`Error::NoPlatform`] when there is none.
    fn image_for(
        &self,
        platform: &PlatformSpec,
    ) -> impl Future<Output = Result<Arc<dyn Image>, Error>> + Send {
        select::image_for(self, platform)
    }
}

impl<T: Index + ?Sized> IndexExt for T {}

#[deny(clippy::missing_trait_methods)]
impl<T: Index + ?Sized> Index for Arc<T> {
    fn media_type(&self) -> MediaType {
        (**self).media_type()
    }
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        (**self).descriptor()
    }
    fn manifest(&self) -> BoxFuture<'_, Result<IndexManifest, Error>> {
        (**self).manifest()
    }
    fn child<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Child, Error>> {
        (**self).child(descriptor)
    }
    fn mount_source(&self) -> Option<MountSource> {
        (**self).mount_source()
    }
}

const _: fn(&dyn Index) = |_| {};
