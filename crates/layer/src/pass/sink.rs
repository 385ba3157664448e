//! Where content goes in a pass.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::rc::Rc;

use oci_spec::image::Digest;
use wharf_v1::{Codec, Hasher};

use super::fault::Fault;
use super::{Outcome, Settings};
use crate::encoder::Encoder;
use crate::rewrite::Rewriter;
use crate::{Compression, Error};

/// A reader that hands what goes by to a writer.
pub(super) struct Tee<R, W> {
    pub(super) reader: R,
    pub(super) sink: W,
}

impl<R: Read, W: Write> Read for Tee<R, W> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buf)?;
        self.sink.write_all(&buf[..read])?;
        Ok(read)
    }
}

pub(super) struct HashSink(pub(super) Hasher);

impl Write for HashSink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.update(buf);
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where uncompressed content goes: through its edits into the hash of the diff_id and the encoder.
pub(super) struct PlainSink {
    /// `None` when nothing is edited.
    rewriter: Option<Rewriter>,
    fault: Fault,
    out: Encoding,
}

impl PlainSink {
    pub(super) fn new(stored: Stored, compression: Compression, settings: &Settings) -> Result<Self, Error> {
        let codec = compression.codec();
        Ok(Self {
            rewriter: (!settings.edits.is_empty()).then(|| Rewriter::new(settings.edits)),
            fault: stored.fault.clone(),
            out: Encoding {
                diff: (codec != Codec::None).then(Hasher::sha256),
                encoder: Encoder::new(stored, compression, settings.threads)?,
                codec,
            },
        })
    }

    pub(super) fn finish(mut self) -> io::Result<Outcome> {
        if let Some(rewriter) = &mut self.rewriter {
            let finished = rewriter.finish(&mut self.out);
            finished.map_err(|error| self.fault.note(error))?;
        }
        let stored = self.out.encoder.finish()?;
        Ok(stored.outcome(self.out.codec, self.out.diff.map(Hasher::finish)))
    }
}

impl Write for PlainSink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.rewriter {
            Some(rewriter) => {
                let pushed = rewriter.push(buf, &mut self.out);
                pushed.map_err(|error| self.fault.note(error))?;
            }
            None => self.out.write_all(buf)?,
        }
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hashes and encodes.
struct Encoding {
    /// `None` when nothing is compressed: then the diff_id is the digest.
    diff: Option<Hasher>,
    encoder: Encoder<Stored>,
    codec: Codec,
}

impl Write for Encoding {
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
pub(super) struct Stored {
    hasher: Hasher,
    size: u64,
    spool: Option<File>,
    fault: Fault,
}

impl Stored {
    pub(super) fn new(settings: &Settings, spool: bool, fault: Fault) -> Result<Self, Error> {
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

    pub(super) fn outcome(self, codec: Codec, diff_id: Option<Digest>) -> Outcome {
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
pub(super) struct Shared(pub(super) Rc<RefCell<Stored>>);

impl Write for Shared {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(buf)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
