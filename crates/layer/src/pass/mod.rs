//! The one pass over a layer's content: checks, compresses or decompresses, hashes and spools.

mod decoder;
mod fault;
mod sink;

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::rc::Rc;

use oci_spec::image::Digest;
use wharf_v1::{Codec, DecompressLimits, Hasher};

use crate::rewrite::Edits;
use crate::{Compression, Error};

use decoder::{Counting, Limited, decoder};
use fault::{Fault, Watched};
use sink::{HashSink, PlainSink, Shared, Stored, Tee};

/// Bytes that are moved at a time.
const CHUNK: usize = 128 * 1024;

/// What a pass does with the content.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// How content is stored that comes uncompressed.
    pub(crate) compression: Compression,
    /// How all content is stored, however it comes.
    pub(crate) recompression: Option<Compression>,
    pub(crate) edits: Edits,
    pub(crate) limits: DecompressLimits,
    /// How many threads compress; `None` for as many as there are processors.
    pub(crate) threads: Option<NonZero<usize>>,
    /// Content that is no tar archive passes.
    pub(crate) allow_any_content: bool,
    /// Where the temporary file goes, if not to the system's place for such.
    pub(crate) spool_directory: Option<PathBuf>,
}

impl Settings {
    /// How content is stored that comes with `codec`; `None` when it is kept as it comes.
    fn stored_as(&self, codec: Codec) -> Option<Compression> {
        match self.recompression {
            Some(compression) => Some(compression),
            None if codec == Codec::None => Some(self.compression),
            None if self.edits.is_empty() => None,
            None if self.compression.codec() == codec => Some(self.compression),
            None => Some(Compression::of(codec)),
        }
    }
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

/// Passes over content that is read. Unless `spool_original`, content that is stored as it comes is
/// not written again.
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
    let Some(compression) = settings.stored_as(codec) else {
        let stored = Stored::new(settings, spool_original, fault.clone())?;
        return keep(input, codec, stored, &fault, settings);
    };
    let as_it_comes = codec == Codec::None && compression == Compression::None && settings.edits.is_empty();
    let stored = Stored::new(settings, !as_it_comes || spool_original, fault.clone())?;
    let sink = PlainSink::new(stored, compression, settings)?;
    let mut tee = Tee {
        reader: plain(codec, input, &fault, settings.limits)?,
        sink,
    };
    fault.explain(consume(&mut tee, settings), not_tar)?;
    let finished = tee.sink.finish();
    fault.explain(finished, |source| Error::Spool { source })
}

/// Passes over compressed content that is stored as it comes.
fn keep(
    input: impl Read,
    codec: Codec,
    stored: Stored,
    fault: &Fault,
    settings: &Settings,
) -> Result<Outcome, Error> {
    let stored = Rc::new(RefCell::new(stored));
    let input = Tee {
        reader: input,
        sink: Shared(Rc::clone(&stored)),
    };
    let mut tee = Tee {
        reader: plain(codec, input, fault, settings.limits)?,
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

/// The content uncompressed. What the decoder or a limit says against it is a fault of the input.
fn plain<'a>(
    codec: Codec,
    input: impl Read + 'a,
    fault: &Fault,
    limits: DecompressLimits,
) -> Result<Box<dyn Read + 'a>, Error> {
    let (reader, taken): (Box<dyn Read + 'a>, _) = if codec == Codec::None {
        (Box::new(input), None)
    } else {
        let count = Rc::new(Cell::new(0));
        let input = Counting {
            reader: input,
            count: Rc::clone(&count),
        };
        let input = BufReader::with_capacity(CHUNK, input);
        (decoder(codec, input, limits)?, Some(count))
    };
    let limited = Limited {
        reader,
        limits,
        taken,
        made: 0,
    };
    Ok(Box::new(Watched {
        reader: limited,
        fault: fault.clone(),
    }))
}

/// Passes over a plain tar that `produce` writes.
pub(crate) fn write(
    settings: &Settings,
    produce: impl FnOnce(&mut dyn Write) -> Result<(), Error>,
) -> Result<Outcome, Error> {
    let fault = Fault::default();
    let stored = Stored::new(settings, true, fault.clone())?;
    let compression = settings.recompression.unwrap_or(settings.compression);
    let mut sink = PlainSink::new(stored, compression, settings)?;
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
