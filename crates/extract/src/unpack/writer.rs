//! Writing entries below a directory.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags, chmodat, chownat, fchmod, fchown,
    fsetxattr, futimens, linkat, mkdirat, mknodat, openat, symlinkat, utimensat,
};
use rustix::fs::{FileType, makedev};
use rustix::io::Errno;

use super::options::{Privileges, SkippedPart, Unpacked};
use super::root::{Root, failed, shown};
use crate::Error;
use crate::archive::{Entry, Fault, Header, Kind, TarReader};

const XATTR: &[u8] = b"SCHILY.xattr.";
const SET_ID: u32 = 0o6000;

/// Writes entries of a merged filesystem.
pub(crate) struct Writer {
    root: Root,
    privileges: Privileges,
    /// Directories and how they are to be. That comes last: until then things are written into them.
    directories: BTreeMap<Vec<u8>, Header>,
    unpacked: Unpacked,
}

impl Writer {
    pub(crate) fn new(root: Root, privileges: Privileges) -> Self {
        Self {
            root,
            privileges,
            directories: BTreeMap::new(),
            unpacked: Unpacked::default(),
        }
    }

    /// Writes the entry that `reader` read last.
    pub(crate) fn entry<R: BufRead>(&mut self, entry: &Entry, reader: &mut TarReader<R>) -> Result<(), Fail> {
        let header = &entry.header;
        let path = &header.name[..];
        if header.kind != Kind::Directory {
            self.directories.remove(path);
        }
        match header.kind {
            Kind::Directory => self.directory(path, header)?,
            Kind::Symlink => self.symlink(path, header)?,
            Kind::Link => self.link(path, header)?,
            Kind::Fifo => self.node(path, header, FileType::Fifo)?,
            Kind::Char | Kind::Block if self.privileges == Privileges::None => {
                self.unpacked.skip(shown(path), SkippedPart::Device);
                return Ok(());
            }
            Kind::Char => self.node(path, header, FileType::CharacterDevice)?,
            Kind::Block => self.node(path, header, FileType::BlockDevice)?,
            Kind::File | Kind::Other(_) => self.file(entry, reader)?,
        }
        self.unpacked.entries += 1;
        Ok(())
    }

    /// Gives the directories their modes, owners and times, the deepest first.
    pub(crate) fn finish(mut self) -> Result<Unpacked, Error> {
        for (path, header) in std::mem::take(&mut self.directories).into_iter().rev() {
            let fd = self.root.directory(&path)?;
            let fd = fd
                .try_clone_to_owned()
                .map_err(|error| failed("open", &path, error))?;
            self.attributes(&fd, &path, &header)?;
        }
        Ok(self.unpacked)
    }

    fn directory(&mut self, path: &[u8], header: &Header) -> Result<(), Error> {
        if path != b"." {
            let name = OsStr::from_bytes;
            let (parent, base) = self.root.parent(path)?;
            match mkdirat(parent, name(base), Mode::from_raw_mode(0o700)) {
                Ok(()) => {}
                Err(Errno::EXIST) => {
                    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    if openat(parent, name(base), flags, Mode::empty()).is_err() {
                        self.root.remove(path)?;
                        let (parent, base) = self.root.parent(path)?;
                        mkdirat(parent, name(base), Mode::from_raw_mode(0o700))
                            .map_err(|error| failed("create", path, error))?;
                    }
                }
                Err(error) => return Err(failed("create", path, error)),
            }
        }
        self.directories.insert(path.to_vec(), header.clone());
        Ok(())
    }

    fn file<R: BufRead>(&mut self, entry: &Entry, reader: &mut TarReader<R>) -> Result<(), Fail> {
        let path = &entry.header.name[..];
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = self.anew(path, |parent, name| {
            openat(parent, name, flags, Mode::from_raw_mode(0o600))
        })?;
        let mut file = File::from(fd);
        reader
            .write_content(entry, &mut file)
            .map_err(|fault| match fault {
                Fault::Output(error) => Fail::Own(failed("write", path, error)),
                fault => Fail::Input(fault),
            })?;
        file.flush().map_err(|error| failed("write", path, error))?;
        self.unpacked.bytes += entry.header.size;
        self.attributes(&OwnedFd::from(file), path, &entry.header)?;
        Ok(())
    }

    fn symlink(&mut self, path: &[u8], header: &Header) -> Result<(), Error> {
        let target = OsStr::from_bytes(&header.link);
        self.anew(path, |parent, name| symlinkat(target, parent, name))?;
        self.attributes_by_name(path, header)
    }

    fn link(&mut self, path: &[u8], header: &Header) -> Result<(), Error> {
        let mut other = self.root.again()?;
        let (directory, target) = other.parent(&header.link)?;
        let target = OsStr::from_bytes(target);
        // Without a flag to the contrary, a symbolic link is linked to, not followed.
        self.anew(path, |parent, name| {
            linkat(directory, target, parent, name, AtFlags::empty())
        })
    }

    fn node(&mut self, path: &[u8], header: &Header, kind: FileType) -> Result<(), Error> {
        let device = makedev(header.major, header.minor);
        let mode = Mode::from_raw_mode(0o600);
        self.anew(path, |parent, name| mknodat(parent, name, kind, mode, device))?;
        self.attributes_by_name(path, header)
    }

    /// Makes something at `path`, in the place of what is there.
    fn anew<T>(
        &mut self,
        path: &[u8],
        make: impl Fn(std::os::fd::BorrowedFd<'_>, &OsStr) -> rustix::io::Result<T>,
    ) -> Result<T, Error> {
        for _ in 0..2 {
            let (parent, base) = self.root.parent(path)?;
            match make(parent, OsStr::from_bytes(base)) {
                Err(Errno::EXIST) => self.root.remove(path)?,
                made => return made.map_err(|error| failed("create", path, error)),
            }
        }
        Err(failed("create", path, Errno::EXIST))
    }

    /// Owner, mode, extended attributes and times, in this order: each may undo those before it.
    fn attributes(&mut self, fd: &OwnedFd, path: &[u8], header: &Header) -> Result<(), Error> {
        if self.privileges == Privileges::All {
            let (uid, gid) = owner(path, header)?;
            fchown(fd.as_fd(), Some(uid), Some(gid)).map_err(|error| failed("chown", path, error))?;
        }
        let mode = self.mode(path, header);
        fchmod(fd, mode).map_err(|error| failed("chmod", path, error))?;
        self.xattrs(fd, path, header)?;
        futimens(fd, &times(header)).map_err(|error| failed("set times of", path, error))
    }

    /// The same for what cannot be opened.
    fn attributes_by_name(&mut self, path: &[u8], header: &Header) -> Result<(), Error> {
        let mode = self.mode(path, header);
        let privileges = self.privileges;
        let (parent, base) = self.root.parent(path)?;
        let name = OsStr::from_bytes(base);
        if privileges == Privileges::All {
            let (uid, gid) = owner(path, header)?;
            chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| failed("chown", path, error))?;
        }
        if header.kind != Kind::Symlink {
            chmodat(parent, name, mode, AtFlags::empty()).map_err(|error| failed("chmod", path, error))?;
        }
        utimensat(parent, name, &times(header), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| failed("set times of", path, error))
    }

    fn mode(&mut self, path: &[u8], header: &Header) -> Mode {
        let mut mode = header.mode & 0o7777;
        let has_bits = mode & SET_ID != 0 && header.kind != Kind::Symlink;
        if self.privileges == Privileges::None && has_bits {
            self.unpacked.skip(shown(path), SkippedPart::SetId);
            mode &= !SET_ID;
        }
        Mode::from_raw_mode(mode)
    }

    fn xattrs(&mut self, fd: &OwnedFd, path: &[u8], header: &Header) -> Result<(), Error> {
        for (key, value) in &header.records {
            let Some(name) = key.strip_prefix(XATTR) else {
                continue;
            };
            let allowed = self.privileges == Privileges::All || name.starts_with(b"user.");
            let result = if allowed {
                fsetxattr(fd, OsStr::from_bytes(name), value, XattrFlags::empty())
            } else {
                Err(Errno::PERM)
            };
            match result {
                Ok(()) => {}
                Err(Errno::PERM | Errno::OPNOTSUPP | Errno::ACCESS | Errno::RANGE | Errno::INVAL) => {
                    let name = String::from_utf8_lossy(name).into_owned();
                    self.unpacked.skip(shown(path), SkippedPart::Attribute(name));
                }
                Err(error) => return Err(failed("set attributes of", path, error)),
            }
        }
        Ok(())
    }
}

/// Why an entry was not written.
pub(crate) enum Fail {
    Input(Fault),
    Own(Error),
}

impl From<Error> for Fail {
    fn from(error: Error) -> Self {
        Self::Own(error)
    }
}

fn owner(path: &[u8], header: &Header) -> Result<(Uid, Gid), Error> {
    // The largest number means "leave it" to the system.
    let id = |id: u64| u32::try_from(id).ok().filter(|id| *id != u32::MAX);
    match (id(header.uid), id(header.gid)) {
        (Some(uid), Some(gid)) => Ok((Uid::from_raw(uid), Gid::from_raw(gid))),
        _ => Err(failed(
            "chown",
            path,
            io::Error::from(io::ErrorKind::InvalidInput),
        )),
    }
}

fn times(header: &Header) -> Timestamps {
    let [access, modification] = [header.atime.unwrap_or(header.mtime), header.mtime].map(|time| Timespec {
        tv_sec: time.seconds,
        tv_nsec: time.nanos.into(),
    });
    Timestamps {
        last_access: access,
        last_modification: modification,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_that_the_system_would_ignore_is_refused() {
        let most = u64::from(u32::MAX);
        for (uid, gid, fits) in [
            (0, 0, true),
            (most - 1, most - 1, true),
            (most, 0, false),
            (0, most, false),
            (most + 1, 0, false),
        ] {
            let header = Header {
                uid,
                gid,
                ..Header::default()
            };
            assert_eq!(owner(b"file", &header).is_ok(), fits, "{uid}:{gid}");
        }
    }
}
