//! Where the bytes of a blob come from.

use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use wharf_v1::{ByteStream, Error, Image, Layer, MountSource};

/// The content of a blob to be pushed, not opened yet.
pub(super) enum Content<'a> {
    /// The bytes of a layer.
    Layer(Arc<dyn Layer>),
    /// The config of an image.
    Config(&'a dyn Image),
}

/// The content of a blob, opened: as often as is wanted, unless it is a layer that can be read once.
#[derive(Clone)]
pub(super) enum Source {
    Layer(Arc<dyn Layer>),
    Bytes(Bytes),
}

/// Content that was opened, and may be opened again.
pub(super) type Opened = (Source, ByteStream);

impl Content<'_> {
    pub(super) fn mount_source(&self) -> Option<MountSource> {
        match self {
            Self::Layer(layer) => layer.mount_source(),
            Self::Config(image) => image.mount_source(),
        }
    }

    pub(super) fn is_reopenable(&self) -> bool {
        match self {
            Self::Layer(layer) => layer.is_reopenable(),
            Self::Config(_) => true,
        }
    }

    /// Opens it for the first time.
    pub(super) async fn open(&self) -> Result<Opened, Error> {
        let source = self.source().await?;
        let stream = source.clone().open().await?;
        Ok((source, stream))
    }

    async fn source(&self) -> Result<Source, Error> {
        Ok(match self {
            Self::Layer(layer) => Source::Layer(Arc::clone(layer)),
            Self::Config(image) => Source::Bytes(image.config().await?.raw().clone()),
        })
    }
}

impl Source {
    pub(super) fn open(self) -> BoxFuture<'static, Result<ByteStream, Error>> {
        Box::pin(async move {
            match self {
                Self::Layer(layer) => layer.compressed().await,
                Self::Bytes(bytes) => Ok(ByteStream::from_bytes(bytes)),
            }
        })
    }

    pub(super) fn is_reopenable(&self) -> bool {
        match self {
            Self::Layer(layer) => layer.is_reopenable(),
            Self::Bytes(_) => true,
        }
    }
}
