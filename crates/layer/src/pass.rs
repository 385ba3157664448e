//! The one pass over a layer's content: checks, compresses or decompresses, hashes and spools.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Write};
use std::path::PathBuf;
use std::rc::Rc;

use oci_spec::image::Digest;
use wharf_v1::{Codec, Hasher};

use crate::encoder::Encoder;
use crate::{Compression, Error};

/// Bytes that are moved at a time.
const CHUNK: usize = 128 * 1024;

/// What a pass does with the content.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) compression: Compression,
    /// Content that is no tar archive passes.
    pub(crate) allow_any_content: bool,
    /// Where the temporary file goes, if not to the system's place for such.
    pub(crate) spool_directory: Option<PathBuf>,
}

/// What a pass learns.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How the content is stored.
    pub(crate) codec: Codec,
    /// Of the bytes as stored.
    pub(crate) digest: Digest,
    /// Of the bytes as stored.
    pub(crate) size: u64,
    pub(crate) diff_id: Digest,
    /// The bytes as stored; `None` when that is the input as it is.
    pub(crate) spool: Option<File>,
}

/// Passes over content that is read. When `keep` is false, content that is stored as it comes is not
/// written again.
pub(crate) fn read(input: impl Read, spool_original: bool, settings: &Settings) -> Result<Outcome, Error> {
    let fault = Fault::default();
    let mut input = Watched {
        reader: input,
        fault: fault.clone(),
    };
    let mut head = Vec::with_capacity(Codec::MAGIC_LEN);
    let result = (&mut input).take(Codec::MAGIC_LEN as u64).read_to_end(&mut head);
    fault.explain(result, |source| Error::Read { source })?;
    let codec = Codec::detect(&head);
    let input = Cursor::new(head).chain(input);
    let as_it_comes = codec != Codec::None || settings.compression == Compression::None;
    let stored = Stored::new(settings, !as_it_comes || spool_original, fault.clone())?;
    if codec == Codec::None {
        let sink = PlainSink::new(stored, settings.compression)?;
        let mut tee = Tee { reader: input, sink };
        fault.explain(consume(&mut tee, settings), not_tar)?;
        fault.explain(tee.sink.finish(), |source| Error::Spool { source })
    } else {
        let stored = Rc::new(RefCell::new(stored));
        let input = BufReader::with_capacity(
            CHUNK,
            Tee {
                reader: input,
                sink: Shared(Rc::clone(&stored)),
            },
        );
        let reader = Watched {
            reader: decoder(codec, input)?,
            fault: fault.clone(),
        };
        let mut tee = Tee {
            reader,
            sink: HashSink(Hasher::sha256()),
        };
        fault.explain(consume(&mut tee, settings), not_tar)?;
        let diff_id = tee.sink.0.finish();
        drop(tee.reader);
        let stored = Rc::into_inner(stored)
            .expect("the decoder had the other one")
            .into_inner();
        Ok(stored.outcome(codec, Some(diff_id)))
    }
}

/// Passes over a plain tar that `produce` writes.
pub(crate) fn write(
    settings: &Settings,
    produce: impl FnOnce(&mut dyn Write) -> Result<(), Error>,
) -> Result<Outcome, Error> {
    let fault = Fault::default();
    let mut sink = PlainSink::new(Stored::new(settings, true, fault.clone())?, settings.compression)?;
    let produced = produce(&mut sink);
    fault.explain(Ok(()), not_tar)?;
    produced?;
    fault.explain(sink.finish(), |source| Error::Spool { source })
}

/// Reads everything, as a tar archive unless anything goes.
fn consume(reader: &mut dyn Read, settings: &Settings) -> io::Result<()> {
    if !settings.allow_any_content {
        let mut archive = tar::Archive::new(&mut *reader);
        for entry in archive.entries()? {
            entry?;
        }
    }
    // What follows the end of the archive belongs to the layer all the same.
    let mut rest = vec![0; CHUNK];
    while reader.read(&mut rest)? > 0 {}
    Ok(())
}

fn not_tar(source: io::Error) -> Error {
    Error::NotTar { source }
}

fn decoder<'a>(codec: Codec, input: impl io::BufRead + 'a) -> Result<Box<dyn Read + 'a>, Error> {
    match codec {
        #[cfg(feature = "gzip")]
        Codec::Gzip => Ok(Box::new(flate2::bufread::MultiGzDecoder::new(input))),
        #[cfg(feature = "zstd")]
        Codec::Zstd => match zstd::stream::read::Decoder::with_buffer(input) {
            Ok(mut decoder) => {
                // A frame chooses its window, and so how much memory we use: 128 MiB at most.
                decoder
                    .window_log_max(27)
                    .map_err(|source| Error::Read { source })?;
                Ok(Box::new(decoder))
            }
            Err(source) => Err(Error::Read { source }),
        },
        codec => {
            drop(input);
            Err(Error::Unsupported { codec })
        }
    }
}

/// Who was first to fail. Errors pass through parsers and codecs that wrap or replace them, so the
/// culprit leaves the original here.
#[derive(Clone, Debug, Default)]
struct Fault(Rc<RefCell<Option<Error>>>);

impl Fault {
    fn note(&self, error: Error) -> io::Error {
        self.0.borrow_mut().get_or_insert(error);
        io::Error::other("failed before")
    }

    /// The result, its error replaced by the original fault; without one it is `otherwise`'s.
    fn explain<T>(
        &self,
        result: io::Result<T>,
        otherwise: impl FnOnce(io::Error) -> Error,
    ) -> Result<T, Error> {
        match (self.0.borrow_mut().take(), result) {
            (Some(fault), _) => Err(fault),
            (None, result) => result.map_err(otherwise),
        }
    }
}

/// A reader whose errors are faults of the input.
struct Watched<R> {
    reader: R,
    fault: Fault,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(buf) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.fault.note(Error::Read { source })),
                Ok(read) => return Ok(read),
            }
        }
    }
}

/// A reader that hands what goes by to a writer.
struct Tee<R, W> {
    reader: R,
    sink: W,
}

impl<R: Read, W: Write> Read for Tee<R, W> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buf)?;
        self.sink.write_all(&buf[..read])?;
        Ok(read)
    }
}

struct HashSink(Hasher);

impl Write for HashSink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.update(buf);
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where uncompressed content goes: into the hash of the diff_id and through the encoder.
struct PlainSink {
    /// `None` when nothing is compressed: then the diff_id is the digest.
    diff: Option<Hasher>,
    codec: Codec,
    encoder: Encoder<Stored>,
}

impl PlainSink {
    fn new(stored: Stored, compression: Compression) -> Result<Self, Error> {
        let codec = compression.codec();
        let diff = (codec != Codec::None).then(Hasher::sha256);
        Ok(Self {
            diff,
            codec,
            encoder: Encoder::new(stored, compression)?,
        })
    }

    fn finish(self) -> io::Result<Outcome> {
        let stored = self.encoder.finish()?;
        Ok(stored.outcome(self.codec, self.diff.map(Hasher::finish)))
    }
}

impl Write for PlainSink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.encoder.write_all(buf)?;
        if let Some(diff) = &mut self.diff {
            diff.update(buf);
        }
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The bytes as stored: hashed, counted and written to the spool file.
struct Stored {
    hasher: Hasher,
    size: u64,
    spool: Option<File>,
    fault: Fault,
}

impl Stored {
    fn new(settings: &Settings, spool: bool, fault: Fault) -> Result<Self, Error> {
        let create = || match &settings.spool_directory {
            Some(directory) => tempfile::tempfile_in(directory),
            None => tempfile::tempfile(),
        };
        let spool = spool
            .then(create)
            .transpose()
            .map_err(|source| Error::Spool { source })?;
        Ok(Self {
            hasher: Hasher::sha256(),
            size: 0,
            spool,
            fault,
        })
    }

    fn outcome(self, codec: Codec, diff_id: Option<Digest>) -> Outcome {
        let digest = self.hasher.finish();
        let diff_id = diff_id.unwrap_or_else(|| digest.clone());
        Outcome {
            codec,
            digest,
            size: self.size,
            diff_id,
            spool: self.spool,
        }
    }
}

impl Write for Stored {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if let Some(spool) = &mut self.spool {
            spool
                .write_all(buf)
                .map_err(|source| self.fault.note(Error::Spool { source }))?;
        }
        self.hasher.update(buf);
        self.size += buf.len() as u64;
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A writer that the decoder's input has, while its owner waits for it.
struct Shared(Rc<RefCell<Stored>>);

impl Write for Shared {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(buf)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
