//! A tar of files that are in memory.

use std::collections::BTreeMap;
use std::io::{self, Write};

use bytes::Bytes;

use crate::Error;
use crate::header::{BLOCK, padding, regular_file};

/// Writes the files sorted by name, each with mode 0, owner 0 and time 0: the form of
/// go-containerregistry's `crane.Layer`, whose digests this has.
pub(crate) fn write(files: &BTreeMap<String, Bytes>, out: &mut dyn Write) -> Result<(), Error> {
    write_all(files, out).map_err(|source| Error::Spool { source })
}

fn write_all(files: &BTreeMap<String, Bytes>, out: &mut dyn Write) -> io::Result<()> {
    let zeros = [0; BLOCK];
    for (name, content) in files {
        let size = content.len() as u64;
        out.write_all(&regular_file(name, 0, size))?;
        out.write_all(content)?;
        out.write_all(&zeros[..padding(size)])?;
    }
    out.write_all(&zeros)?;
    out.write_all(&zeros)
}
