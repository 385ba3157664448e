//! Layers that are kept in a directory.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use tempfile::NamedTempFile;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use wharf::v1::oci_spec::image::{Descriptor, Digest};
use wharf::v1::partial::{AssembledImage, BlobLayer, BlobSource};
use wharf::v1::{ByteStream, Hasher, Image, Layer, MountSource};

use crate::Error;

/// The image with layers that are read from `directory` where it has them, and kept there once they were read.
///
/// The directory is made if it is not there, for its owner only. A layer is a file in it that is named by its digest and
/// holds the bytes as stored. What is not what its name says is read anew.
pub(crate) async fn with_cache(image: Arc<dyn Image>, directory: &Path) -> Result<Arc<dyn Image>, Error> {
    let failed = |source| Error::Io {
        action: "creating",
        path: directory.to_owned(),
        source,
    };
    create(directory).map_err(failed)?;
    let mut layers: Vec<Arc<dyn Layer>> = Vec::new();
    for layer in image.layers().await? {
        if !layer.is_reopenable() {
            layers.push(layer);
            continue;
        }
        let descriptor = layer.descriptor().await?;
        let source = CachedBlob {
            layer,
            path: directory.join(file_name(descriptor.digest())),
            descriptor: descriptor.clone(),
        };
        layers.push(Arc::new(BlobLayer::new(descriptor, source)));
    }
    let (manifest, config) = (image.manifest().await?, image.config().await?);
    let cached = AssembledImage::new(manifest, config, layers)?;
    Ok(Arc::new(cached.with_descriptor(image.descriptor().await?)?))
}

fn create(directory: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Windows has no colons in names.
fn file_name(digest: &Digest) -> String {
    match cfg!(windows) {
        true => digest.to_string().replace(':', "-"),
        false => digest.to_string(),
    }
}

/// A layer, and the file that it is kept in.
#[derive(Debug)]
struct CachedBlob {
    layer: Arc<dyn Layer>,
    path: PathBuf,
    descriptor: Descriptor,
}

impl CachedBlob {
    /// The bytes from the file, if they are those of the layer. Else there is no such file any more.
    async fn kept(&self) -> Option<ByteStream> {
        let (digest, size) = (self.descriptor.digest(), self.descriptor.size());
        let file = File::open(&self.path).await.ok()?;
        let is_whole = file
            .metadata()
            .await
            .is_ok_and(|there| there.is_file() && there.len() == size);
        // Other algorithms than sha256 are rare, and the stream is verified once more as it is read.
        let is_sound = is_whole
            && match Hasher::new(digest.algorithm()) {
                Ok(hasher) => {
                    let measured = ByteStream::from_async_read(file).measure(hasher).await;
                    measured.is_ok_and(|measured| measured.digest == *digest)
                }
                Err(_) => false,
            };
        if is_sound {
            return Some(ByteStream::from_async_read(File::open(&self.path).await.ok()?));
        }
        tracing::warn!("Layer {digest} is damaged in cache, getting");
        // Whoever else reads it has it open.
        let _ = tokio::fs::remove_file(&self.path).await;
        None
    }

    /// A file that becomes the cached one; none if it cannot be made, which is no reason not to read the layer.
    fn begin(&self) -> Option<Keeper> {
        let directory = self.path.parent()?;
        let begun = tempfile::Builder::new().prefix(".wharf-").tempfile_in(directory);
        let writer = begun.and_then(|file| Ok((File::from_std(file.reopen()?), file)));
        match writer {
            Ok((writer, file)) => Some(Keeper {
                file,
                writer,
                path: self.path.clone(),
            }),
            Err(error) => {
                tracing::warn!(%error, "Layer {} cannot be cached", self.descriptor.digest());
                None
            }
        }
    }
}

impl BlobSource for CachedBlob {
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, wharf::v1::Error>> {
        Box::pin(async {
            let digest = self.descriptor.digest();
            if let Some(kept) = self.kept().await {
                tracing::info!("Layer {digest} found (compressed) in cache");
                return Ok(kept);
            }
            tracing::info!("Layer {digest} not found (compressed) in cache, getting");
            // Only what was verified to its end is kept.
            let inner = self.layer.compressed().await?.verified(&self.descriptor)?;
            Ok(ByteStream::new(stream::unfold(
                (inner, self.begin()),
                |(mut inner, mut keeper)| async {
                    let item = inner.next().await;
                    match &item {
                        Some(Ok(chunk)) => keeper = write(keeper, chunk).await,
                        Some(Err(_)) => keeper = None,
                        None => {
                            if let Some(keeper) = keeper.take() {
                                keeper.keep().await;
                            }
                        }
                    }
                    item.map(|item| (item, (inner, keeper)))
                },
            )))
        })
    }

    fn diff_id(&self) -> BoxFuture<'_, Result<Option<Digest>, wharf::v1::Error>> {
        Box::pin(async { self.layer.diff_id().await.map(Some) })
    }

    fn mount_source(&self) -> Option<MountSource> {
        self.layer.mount_source()
    }
}

/// A file on its way into the cache. Dropped before it is kept, it goes.
struct Keeper {
    file: NamedTempFile,
    writer: File,
    path: PathBuf,
}

async fn write(keeper: Option<Keeper>, chunk: &Bytes) -> Option<Keeper> {
    let mut keeper = keeper?;
    match keeper.writer.write_all(chunk).await {
        Ok(()) => Some(keeper),
        Err(error) => {
            tracing::warn!(%error, "{} cannot be written", keeper.path.display());
            None
        }
    }
}

impl Keeper {
    async fn keep(mut self) {
        let written = self.writer.flush().await;
        let kept = written.and_then(|()| self.file.persist(&self.path).map_err(|error| error.error));
        if let Err(error) = kept {
            tracing::warn!(%error, "{} cannot be written", self.path.display());
        }
    }
}
