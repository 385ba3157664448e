//! Layers that are made while they are read.

mod joined;

use std::fmt;
use std::io::{Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};
use tokio::io::AsyncRead;
use wharf_v1::media_type::Family;
use wharf_v1::{ByteStream, Error, Hasher, Layer, Measure};

use self::joined::Joined;
use crate::Compression;
use crate::encoder::Encoder;
use crate::feed::{FeedReader, feed};

/// Bytes that are moved at a time.
const CHUNK: usize = 128 * 1024;

/// A layer of an uncompressed tar that is read once, on its way to where the layer goes: it is compressed
/// and hashed as it is read, and nothing of it is kept.
///
/// So its digest, diff_id and size are known only after its bytes went by. Until then they are
/// [`Error::NotComputed`]; if the layer was given up before its end, or failed, [`Error::Aborted`] for
/// ever. It can be opened once; after that, opening it is [`Error::Consumed`]. [`state`](Self::state)
/// says where it stands.
///
/// What can send a blob before it knows its digest takes such a layer: a registry's upload, a layout. For
/// all else there is [`LayerBuilder`](crate::LayerBuilder), which keeps the bytes.
///
/// The content is not looked at; it should be a plain tar. The ancestor in Go is `stream.Layer`, which
/// publishes wrong values when it is closed early.
///
/// ```
/// use wharf_layer::{Compression, StreamLayer, StreamState};
/// use wharf_v1::{Error, Layer as _};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// let tar = vec![b'a'; 10_000];
/// let layer = StreamLayer::from_blocking_read(std::io::Cursor::new(tar)).compression(Compression::None);
/// assert!(matches!(layer.diff_id().await, Err(Error::NotComputed)));
///
/// layer.compressed().await?.collect(1 << 20).await?;
/// assert_eq!(layer.state(), StreamState::Done);
/// assert_eq!(
///     layer.diff_id().await?.to_string(),
///     "sha256:27dd1f61b867b6a0f6e9d8a41c43231de52107e53ae424de8f847b821db4b711"
/// );
/// # Ok(()) }
/// ```
pub struct StreamLayer {
    media_type: Option<MediaType>,
    family: Family,
    compression: Compression,
    pass: Mutex<Pass>,
}

/// Where a [`StreamLayer`] stands.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamState {
    /// Not opened yet.
    Fresh,
    /// Opened, and not read to its end.
    Reading,
    /// Read to its end: digest, diff_id and size are known.
    Done,
    /// Failed, or dropped before its end: digest, diff_id and size will never be known.
    Aborted,
}

enum Pass {
    Fresh(ByteStream),
    /// `plain` is complete whenever `stored` is.
    Begun {
        plain: Measure,
        stored: Measure,
    },
}

impl StreamLayer {
    /// A layer of a plain tar that is read.
    pub fn from_reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self::from_stream(ByteStream::from_async_read(reader))
    }

    /// A layer of a plain tar that is read on a thread for blocking work.
    pub fn from_blocking_read(reader: impl Read + Send + 'static) -> Self {
        Self::from_stream(ByteStream::from_blocking_read(reader))
    }

    /// A layer of a plain tar that comes as a stream.
    #[must_use]
    pub fn from_stream(stream: ByteStream) -> Self {
        Self {
            media_type: None,
            family: Family::default(),
            compression: Compression::default(),
            pass: Mutex::new(Pass::Fresh(stream)),
        }
    }

    /// Sets the media type, whatever the compression. Default: that of the [`family`](Self::family) for the
    /// compression.
    #[must_use]
    pub fn with_media_type(mut self, media_type: MediaType) -> Self {
        self.media_type = Some(media_type);
        self
    }

    /// Sets whose media type the layer gets. Default: [`Family::Oci`].
    #[must_use]
    pub fn family(mut self, family: Family) -> Self {
        self.family = family;
        self
    }

    /// Sets how the content is compressed. Default: gzip at level 1.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Where the layer stands.
    #[must_use]
    pub fn state(&self) -> StreamState {
        match &*self.pass() {
            Pass::Fresh(_) => StreamState::Fresh,
            Pass::Begun { stored, .. } => match stored.get() {
                Ok(_) => StreamState::Done,
                Err(Error::NotComputed) => StreamState::Reading,
                Err(_) => StreamState::Aborted,
            },
        }
    }

    fn pass(&self) -> MutexGuard<'_, Pass> {
        // A panic elsewhere leaves nothing half done here.
        self.pass.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<ByteStream, Error> {
        let mut pass = self.pass();
        let Pass::Fresh(source) = &mut *pass else {
            return Err(Error::Consumed);
        };
        let source = std::mem::replace(source, ByteStream::from_bytes(""));
        let (source, plain) = source.hashed(Hasher::sha256());
        let (feeder, reader) = feed(source);
        let compression = self.compression;
        let encoded = ByteStream::from_blocking_write(move |out| encode(reader, compression, out));
        let (stream, stored) = ByteStream::new(Joined::new(feeder.run(), encoded)).hashed(Hasher::sha256());
        *pass = Pass::Begun { plain, stored };
        Ok(stream)
    }
}

fn encode(mut reader: FeedReader, compression: Compression, out: &mut dyn Write) -> Result<(), Error> {
    let mut encoder = Encoder::new(out, compression, None).map_err(Error::source)?;
    let mut buf = vec![0; CHUNK];
    loop {
        match reader.read(&mut buf)? {
            0 => break,
            read => encoder.write_all(&buf[..read])?,
        }
    }
    encoder.finish()?;
    Ok(())
}

impl Layer for StreamLayer {
    fn media_type(&self) -> MediaType {
        let of_family = || self.family.layer(self.compression.codec());
        self.media_type.clone().unwrap_or_else(of_family)
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async {
            match &*self.pass() {
                Pass::Fresh(_) => Err(Error::NotComputed),
                Pass::Begun { stored, .. } => {
                    let stored = stored.get()?;
                    Ok(Descriptor::new(self.media_type(), stored.size, stored.digest))
                }
            }
        })
    }

    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        Box::pin(async {
            match &*self.pass() {
                Pass::Fresh(_) => Err(Error::NotComputed),
                Pass::Begun { plain, stored } => {
                    stored.get()?;
                    Ok(plain.get()?.digest)
                }
            }
        })
    }

    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { self.open() })
    }

    /// Compresses and decompresses, because the digest is learned from the compressed form.
    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { Ok(self.open()?.decompressed()) })
    }

    fn is_reopenable(&self) -> bool {
        false
    }
}

impl fmt::Debug for StreamLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamLayer")
            .field("media_type", &self.media_type().to_string())
            .field("compression", &self.compression)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
