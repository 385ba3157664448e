//! Making layers.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::future::join;
use oci_spec::image::{Descriptor, MediaType};
use tokio::io::AsyncRead;
use wharf_v1::{ByteStream, DecompressLimits, Layer};

use crate::feed::feed;
use crate::media_type::follow;
use crate::pass::{self, Outcome};
use crate::spooled::Blob;
use crate::stop::{Stop, blocking};
use crate::{Compression, Error, Family, SpooledLayer, files, tree};

/// Makes a layer of a tar file, a stream, a directory or some files.
///
/// The content is read once. In that pass it is recognised, checked to be a tar archive, compressed or
/// decompressed, hashed in both forms and, where it has to be, written to a temporary file. All that
/// happens on a thread for blocking work, in memory that does not depend on the layer's size.
///
/// Content that is compressed already, with gzip or zstd, is stored byte for byte as it comes.
///
/// Ancestors in Go: `tarball.LayerFromFile`, `tarball.LayerFromReader`, `crane.Layer`.
#[derive(Debug)]
#[must_use = "nothing is made until `build` is awaited"]
pub struct LayerBuilder {
    source: Source,
    media_type: Option<MediaType>,
    family: Option<Family>,
    compression: Option<Compression>,
    pass: pass::Settings,
    tree: tree::Settings,
}

enum Source {
    TarFile(PathBuf),
    Stream(ByteStream),
    Directory(PathBuf),
    Files(BTreeMap<String, Bytes>),
    Layer(Arc<dyn Layer>),
}

impl LayerBuilder {
    /// A layer of a tar file: plain, or compressed with gzip or zstd.
    ///
    /// A compressed regular file is not copied: the layer reads it again when it is needed, verified.
    /// A pipe or device is read once and spooled.
    pub fn from_tar_file(path: impl Into<PathBuf>) -> Self {
        Self::new(Source::TarFile(path.into()))
    }

    /// A layer of a tar that is read: plain, or compressed with gzip or zstd.
    pub fn from_reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self::from_stream(ByteStream::from_async_read(reader))
    }

    /// A layer of a tar that comes as a stream: plain, or compressed with gzip or zstd.
    pub fn from_stream(stream: ByteStream) -> Self {
        Self::new(Source::Stream(stream))
    }

    /// A layer of what is in a directory, with paths relative to it.
    ///
    /// Entries are sorted, so that the same tree gives the same digest. They keep their permissions and
    /// times (see [`mtime`](Self::mtime)), and belong to user and group 0 (see
    /// [`keep_owners`](Self::keep_owners)). Links stay links. Sockets are left out. Extended
    /// attributes go along that mean the same elsewhere: `security.capability` and `user.`, but not `user.overlay.`
    /// (see [`without_xattrs`](Self::without_xattrs)).
    pub fn from_directory(path: impl Into<PathBuf>) -> Self {
        Self::new(Source::Directory(path.into()))
    }

    /// A layer of files by their names, sorted, with mode, owner and time 0.
    ///
    /// The names are taken as they are, with a leading `/` if they have one.
    pub fn from_files<N, C>(files: impl IntoIterator<Item = (N, C)>) -> Self
    where
        N: Into<String>,
        C: Into<Bytes>,
    {
        let files = files
            .into_iter()
            .map(|(name, content)| (name.into(), content.into()));
        Self::new(Source::Files(files.collect()))
    }

    /// A layer of what another one holds, changed by what is asked for here: other times, another
    /// compression. It keeps the other one's family of media types and its compression, except where
    /// they are set. What comes from the other one is verified to its end, if that verifies itself.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::SystemTime;
    /// use wharf_layer::{Compression, LayerBuilder};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), wharf_layer::Error> {
    /// let files = LayerBuilder::from_files([("hello", "world")]).compression(Compression::None);
    /// let layer = files.build().await?;
    /// let same = LayerBuilder::from_layer(Arc::new(layer.clone())).build().await?;
    /// assert_eq!(same.as_descriptor(), layer.as_descriptor());
    /// let year_2001 = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    /// let changed = LayerBuilder::from_layer(Arc::new(layer.clone())).mtime(year_2001).build().await?;
    /// assert_ne!(changed.as_diff_id(), layer.as_diff_id());
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_layer(layer: Arc<dyn Layer>) -> Self {
        Self::new(Source::Layer(layer))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            media_type: None,
            compression: None,
            family: None,
            pass: pass::Settings::default(),
            tree: tree::Settings::default(),
        }
    }

    /// Sets the media type, whatever the content. Default: that of the [`family`](Self::family) for how
    /// the layer is stored.
    pub fn media_type(mut self, media_type: MediaType) -> Self {
        self.media_type = Some(media_type);
        self
    }

    /// Sets whose media type the layer gets. Default: [`Family::Oci`], or that of the layer it is made
    /// [from](Self::from_layer).
    pub fn family(mut self, family: Family) -> Self {
        self.family = Some(family);
        self
    }

    /// Sets how content that comes uncompressed is stored. Default: gzip at level 1, or as it comes
    /// [from a layer](Self::from_layer).
    ///
    /// Content that comes compressed is kept byte for byte; where its entries are changed, it is
    /// compressed again in the same format.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// Sets how content is stored, however it comes. The diff_id stays what it was.
    pub fn recompress(mut self, compression: Compression) -> Self {
        self.pass.recompression = Some(compression);
        self
    }

    /// Makes the content a layer for Windows: everything moves below `Files`, beside an empty `Hives`,
    /// and gets the security descriptor of `BUILTIN\Users` (a PAX record `MSWINDOWS.rawsd`). Targets of
    /// hard links move along. Fails with [`Error::ForWindows`] when it is such a layer already, and
    /// with [`Error::Escapes`] on names that lead out of the layer.
    ///
    /// Ancestor in Go: `mutate.Windows`.
    pub fn for_windows(mut self) -> Self {
        self.pass.edits.windows = true;
        self
    }

    /// Limits how far the input may swell when it is decompressed, and how large it may be. Default:
    /// not at all, but for the window of zstd.
    ///
    /// Too much is [`Error::Read`], whose source is one of [`wharf_v1::Error`].
    pub fn limits(mut self, limits: DecompressLimits) -> Self {
        self.pass.limits = limits;
        self
    }

    /// Sets how many threads compress at a time with gzip. Default: as many as there are processors, at
    /// most 16. What comes out is the same for any number. A layer of less than 1 MiB needs no others.
    pub fn threads(mut self, threads: NonZero<usize>) -> Self {
        self.pass.threads = Some(threads);
        self
    }

    /// Lets content pass that is no tar archive. Default: that is an error, since no runtime could
    /// unpack it.
    pub fn allow_any_content(mut self) -> Self {
        self.pass.allow_any_content = true;
        self
    }

    /// Sets the directory for the temporary file. Default: the system's.
    pub fn spool_in(mut self, directory: impl Into<PathBuf>) -> Self {
        self.pass.spool_directory = Some(directory.into());
        self
    }

    /// Gives every entry this time, in whole seconds, not before 1970. Default: entries keep theirs;
    /// those made [from files](Self::from_files) have 0.
    ///
    /// In an archive that exists, all headers get it as the time of modification, and as those of
    /// access, change and creation where they have one. Nothing else changes, except that the archive
    /// ends with the two blocks of zeros that mark its end. The content streams by.
    ///
    /// A build tool that honours `SOURCE_DATE_EPOCH` passes its value here.
    ///
    /// Ancestor in Go: `mutate.Time`.
    pub fn mtime(mut self, time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.pass.edits.mtime = Some(since.as_secs());
        self
    }

    /// Keeps the numbers of users and groups of entries made [from a directory](Self::from_directory).
    /// Default: all are 0.
    pub fn keep_owners(mut self) -> Self {
        self.tree.owner = None;
        self
    }

    /// Sets the numbers of user and group of entries made [from a directory](Self::from_directory).
    /// Default: both are 0.
    pub fn owner(mut self, user: u32, group: u32) -> Self {
        self.tree.owner = Some((user, group));
        self
    }

    /// Leaves out extended attributes of entries made [from a directory](Self::from_directory).
    pub fn without_xattrs(mut self) -> Self {
        self.tree.xattrs = false;
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Read`] when the input cannot be read, [`Error::NotTar`] when it is not
    /// a whole tar archive, [`Error::Spool`] when the temporary file cannot be written,
    /// [`Error::Unsupported`] when the build lacks the codec, [`Error::Changed`] when a file changes
    /// meanwhile, and those of [`for_windows`](Self::for_windows).
    ///
    /// # Cancel safety
    /// When the future is dropped the work ends soon, and nothing is left behind.
    pub async fn build(self) -> Result<SpooledLayer, Error> {
        let Self {
            source,
            media_type,
            compression,
            family,
            mut pass,
            tree,
        } = self;
        let (old_type, otherwise) = match &source {
            Source::Layer(layer) => (Some(layer.media_type()), Compression::None),
            _ => (None, Compression::default()),
        };
        pass.compression = compression.unwrap_or(otherwise);
        let (outcome, original) = match source {
            Source::Layer(layer) => {
                let opened = layer.compressed().await;
                let stream = opened.map_err(|error| Error::Read { source: error.into() })?;
                (read_stream(stream, pass).await?, None)
            }
            Source::TarFile(path) => blocking(move |stop| read_file(&path, &pass, &stop)).await?,
            Source::Stream(stream) => (read_stream(stream, pass).await?, None),
            Source::Directory(path) => {
                let write = move |stop: Stop| {
                    pass::write(&pass, |out| tree::write(&path, tree, &mut stop.watch(out)))
                };
                (blocking(write).await?, None)
            }
            Source::Files(files) => {
                let write = move |_| pass::write(&pass, |out| files::write(&files, out));
                (blocking(write).await?, None)
            }
        };
        let media_type = media_type.unwrap_or_else(|| match (family, old_type) {
            (None, Some(old)) => follow(&old, outcome.codec),
            (family, _) => family.unwrap_or_default().layer(outcome.codec),
        });
        let descriptor = Descriptor::new(media_type, outcome.size, outcome.digest);
        let blob = match outcome.spool {
            Some(spool) => Blob::Spool(Arc::new(spool)),
            None => Blob::Original(Arc::new(original.expect("only what is in a file is not spooled"))),
        };
        Ok(SpooledLayer::new(descriptor, outcome.diff_id, blob))
    }
}

/// Passes over a stream, which is always spooled.
async fn read_stream(stream: ByteStream, settings: pass::Settings) -> Result<Outcome, Error> {
    let (feeder, reader) = feed(stream);
    let work = blocking(move |_| pass::read(reader, true, &settings));
    let ((), outcome) = join(feeder.run(), work).await;
    outcome
}

/// Passes over a tar file. What cannot be read a second time is spooled.
fn read_file(path: &Path, settings: &pass::Settings, stop: &Stop) -> Result<(Outcome, Option<File>), Error> {
    let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
    let metadata = file.metadata().map_err(|error| Error::io("stat", path, error))?;
    if metadata.is_dir() {
        return Err(Error::io("read", path, io::ErrorKind::IsADirectory.into()));
    }
    let outcome = pass::read(stop.watch(&file), !metadata.is_file(), settings)?;
    Ok((outcome, Some(file)))
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TarFile(path) => f.debug_tuple("TarFile").field(path).finish(),
            Self::Stream(_) => f.write_str("Stream"),
            Self::Directory(path) => f.debug_tuple("Directory").field(path).finish(),
            Self::Layer(layer) => f.debug_tuple("Layer").field(layer).finish(),
            Self::Files(files) => f.debug_tuple("Files").field(&files.keys()).finish(),
        }
    }
}
