//! Layers for Windows.
//!
//! The host's layer format keeps files below `Files` and the registry's below `Hives`, and wants a
//! security descriptor with each file.

use std::io::Write;

use tar::{EntryType, Header};

use crate::Error;
use crate::header::{BLOCK, extended, seal, truncated, ustar};

use super::entry::{Entry, Extension};
use super::pax::Records;
use super::{not_tar, write};

const FILES: &str = "Files";
const HIVES: &str = "Hives";

/// The record with an entry's security descriptor, in base64.
const DESCRIPTOR_KEY: &[u8] = b"MSWINDOWS.rawsd";
/// Owner and group are BUILTIN\Users, so that any account may read the files.
const DESCRIPTOR: &[u8] = b"AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSAAAAAhAgAAAQIAAAAAAAUgAAAAIQIAAA==";

/// Bytes that a header has for a name or for a link's target.
const NAME_MAX: usize = 100;
const NAME: usize = 0;
const KIND: usize = 156;
const LINK_NAME: usize = 157;
const MAGIC: usize = 257;
/// Where headers have the rest of a long name, or GNU's fields.
const PREFIX: std::ops::Range<usize> = 345..BLOCK;

/// Writes the two directories.
pub(super) fn begin(mtime: Option<u64>, out: &mut dyn Write) -> Result<(), Error> {
    for name in [FILES, HIVES] {
        let mut block = ustar("", name, b'5', 0o555, 0);
        if let Some(time) = mtime {
            let mut header = Header::new_old();
            *header.as_mut_bytes() = block;
            super::set_time(&mut header, time);
            block = *header.as_bytes();
            seal(&mut block);
        }
        write(out, &block)?;
    }
    Ok(())
}

/// Moves an entry below `Files` and gives it the security descriptor.
pub(super) fn edit_entry(entry: &mut Entry) -> Result<(), Error> {
    let mut records = entry.records()?;
    let sparse_name = records.get(b"GNU.sparse.name").map(<[u8]>::to_vec);
    let old_name = match &sparse_name {
        Some(name) => name.clone(),
        None => name(entry, &records),
    };
    let name = below_files(&old_name)?;
    let mut target = link_target(entry, &records);
    if entry.header.entry_type() == EntryType::Link {
        target = below_files(&target)?.into_bytes();
    }
    records.set(DESCRIPTOR_KEY, DESCRIPTOR);
    if sparse_name.is_some() {
        records.set(b"GNU.sparse.name", name.as_bytes());
    }
    let block = entry.header.as_mut_bytes();
    // The oldest tar had no type for directories, and the new name has no slash at its end.
    if matches!(block[KIND], 0 | b'0') && old_name.ends_with(b"/") {
        block[KIND] = b'5';
    }
    // GNU's sparse files need their own fields; all others become what PAX builds on.
    if block[KIND] != b'S' {
        block[PREFIX].fill(0);
        block[MAGIC..MAGIC + 8].copy_from_slice(b"ustar\x0000");
    }
    if name_fills(block, NAME, name.as_bytes()) {
        records.set(b"path", name.as_bytes());
    } else {
        records.remove(b"path");
    }
    if name_fills(block, LINK_NAME, &target) {
        records.set(b"linkpath", &target);
    } else {
        records.remove(b"linkpath");
    }
    entry.extensions = vec![Extension::from_blocks(&extended(&name, &records.to_bytes()))?];
    Ok(())
}

/// An entry's name, in the order in which readers look for it.
fn name(entry: &Entry, records: &Records) -> Vec<u8> {
    let long = entry
        .long(EntryType::GNULongName)
        .or_else(|| records.get(b"path"));
    long.map_or_else(|| entry.header.path_bytes().into_owned(), <[u8]>::to_vec)
}

/// What a link points at; empty for all other entries.
fn link_target(entry: &Entry, records: &Records) -> Vec<u8> {
    let long = entry
        .long(EntryType::GNULongLink)
        .or_else(|| records.get(b"linkpath"));
    let short = || entry.header.link_name_bytes().unwrap_or_default().into_owned();
    long.map_or_else(short, <[u8]>::to_vec)
}

/// The name below `Files`, without needless parts. One that leads out of the layer is refused, also
/// when only Windows would see that it does.
fn below_files(name: &[u8]) -> Result<String, Error> {
    let name = std::str::from_utf8(name).map_err(|_| not_tar("a name is not UTF-8"))?;
    let mut kept = vec![FILES];
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." if kept.len() > 1 => {
                kept.pop();
            }
            part if part.split('\\').any(|part| part == "..") => {
                return Err(Error::Escapes {
                    path: name.to_owned(),
                });
            }
            part => kept.push(part),
        }
    }
    if kept.get(1) == Some(&FILES) {
        return Err(Error::ForWindows {
            path: name.to_owned(),
        });
    }
    Ok(kept.join("/"))
}

/// Puts a name into the header, as much as there is room for; whether a record has to have it whole.
fn name_fills(block: &mut [u8; BLOCK], at: usize, name: &[u8]) -> bool {
    let text = String::from_utf8_lossy(name);
    let fits = truncated(&text);
    let field = &mut block[at..at + NAME_MAX];
    field.fill(0);
    field[..fits.len()].copy_from_slice(fits.as_bytes());
    fits.as_bytes() != name
}
