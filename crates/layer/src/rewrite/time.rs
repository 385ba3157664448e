//! One time for everything.

use tar::Header;

use crate::Error;

use super::entry::{Entry, Extension};

/// Largest time that a header's eleven octal digits hold.
const OCTAL_MAX: u64 = 0o777_7777_7777;
/// Where headers of GNU's format have the times of access and of change.
const GNU_TIMES: [std::ops::Range<usize>; 2] = [345..357, 357..369];
/// PAX records of times other than that of modification.
const RECORDS: [&[u8]; 3] = [b"LIBARCHIVE.creationtime", b"atime", b"ctime"];

/// Sets the time of an entry in all places that have one: modification always, others where they were.
pub(super) fn edit_entry(entry: &mut Entry, time: u64) -> Result<(), Error> {
    for extension in &mut entry.extensions {
        edit_extension(extension, time)?;
    }
    set_time(&mut entry.header, time);
    Ok(())
}

pub(super) fn edit_extension(extension: &mut Extension, time: u64) -> Result<(), Error> {
    set_time(&mut extension.header, time);
    if !(extension.is_pax() || extension.is_global()) {
        return Ok(());
    }
    let mut records = extension.records()?;
    let before = records.clone();
    // The header has it, in whole seconds.
    records.remove(b"mtime");
    for key in RECORDS {
        if records.get(key).is_some() {
            records.set(key, time.to_string().as_bytes());
        }
    }
    if records != before {
        extension.set_records(&records);
    }
    Ok(())
}

/// Sets the time in a header; its checksum is not right any more then.
pub(crate) fn set_time(header: &mut Header, time: u64) {
    header.set_mtime(time);
    if header.as_gnu().is_none() {
        return;
    }
    for field in GNU_TIMES {
        let field = &mut header.as_mut_bytes()[field];
        if field.iter().any(|byte| *byte != 0) {
            let octal = format!("{:011o}\0", time.min(OCTAL_MAX));
            field.copy_from_slice(octal.as_bytes());
        }
    }
}
