//! A tar of a directory: the same tree gives the same bytes.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header, HeaderMode};
use walkdir::WalkDir;

use crate::Error;
use crate::xattrs;

/// What of the files' metadata goes into the layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// The numbers of user and group that all entries get; `None` keeps each file's own.
    pub(crate) owner: Option<(u32, u32)>,
    /// Whether extended attributes do.
    pub(crate) xattrs: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            owner: Some((0, 0)),
            xattrs: true,
        }
    }
}

/// Writes everything below `root`, sorted, with paths relative to it.
pub(crate) fn write(root: &Path, settings: Settings, out: &mut dyn Write) -> Result<(), Error> {
    let mut tar = Builder::new(out);
    let mut seen = Links::default();
    for entry in WalkDir::new(root).min_depth(1).sort_by_file_name() {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            Error::io("read", path, error.into())
        })?;
        let path = entry.path();
        let name = path.strip_prefix(root).expect("walkdir stays below its root");
        let metadata = entry
            .metadata()
            .map_err(|error| Error::io("read", path, error.into()))?;
        append(&mut tar, path, name, &metadata, settings, &mut seen)?;
    }
    tar.finish().map_err(|error| Error::io("pack", root, error))
}

fn append(
    tar: &mut Builder<&mut dyn Write>,
    path: &Path,
    name: &Path,
    metadata: &Metadata,
    settings: Settings,
    seen: &mut Links,
) -> Result<(), Error> {
    let failed = |error| Error::io("pack", path, error);
    let mut header = header(metadata, settings);
    if metadata.is_symlink() {
        let target = path
            .read_link()
            .map_err(|error| Error::io("read link", path, error))?;
        return tar.append_link(&mut header, name, target).map_err(failed);
    }
    if let Some(first) = seen.first_name(metadata, name) {
        header.set_entry_type(EntryType::Link);
        header.set_size(0);
        return tar.append_link(&mut header, name, first).map_err(failed);
    }
    if metadata.is_file() {
        let changed = || Error::Changed {
            path: path.to_owned(),
        };
        let file = open(path).map_err(|error| Error::io("open", path, error))?;
        // Another one may be in its place by now, and if that is a link, it leads anywhere.
        let opened = file.metadata().map_err(|error| Error::io("stat", path, error))?;
        if identity(&opened) != identity(metadata) {
            return Err(changed());
        }
        if settings.xattrs {
            put_xattrs(tar, xattrs::of_file(&file)).map_err(failed)?;
        }
        let mut content = Counted {
            reader: (&file).take(metadata.len()),
            read: 0,
        };
        tar.append_data(&mut header, name, &mut content).map_err(failed)?;
        // The header is written already, so the archive would be torn.
        let grown = (&file)
            .read(&mut [0])
            .map_err(|error| Error::io("read", path, error))?
            > 0;
        return if content.read == metadata.len() && !grown {
            Ok(())
        } else {
            Err(changed())
        };
    }
    if is_socket(metadata) {
        return Ok(());
    }
    header.set_size(0);
    if settings.xattrs && metadata.is_dir() {
        put_xattrs(tar, xattrs::of_directory(path)).map_err(failed)?;
    }
    tar.append_data(&mut header, name, io::empty()).map_err(failed)
}

/// Opens a file to read it. A pipe that took its place meanwhile is not waited for.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NONBLOCK.bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.cast_signed());
    }
    options.open(path)
}

/// Writes extended attributes, as the [records](https://www.gnu.org/software/tar/manual/html_section/Extended-Attributes.html)
/// that tar programs agree on, before the entry that has them.
fn put_xattrs(
    tar: &mut Builder<&mut dyn Write>,
    xattrs: io::Result<Vec<(String, Vec<u8>)>>,
) -> io::Result<()> {
    let xattrs = xattrs?;
    if xattrs.is_empty() {
        return Ok(());
    }
    tar.append_pax_extensions(xattrs.iter().map(|(key, value)| (key.as_str(), value.as_slice())))
}

fn header(metadata: &Metadata, settings: Settings) -> Header {
    let mut header = Header::new_gnu();
    header.set_metadata_in_mode(metadata, HeaderMode::Complete);
    if metadata.is_symlink() {
        header.set_size(0);
    }
    if let Some((user, group)) = settings.owner {
        header.set_uid(user.into());
        header.set_gid(group.into());
    }
    header
}

/// Sockets only mean something to the process that made them, and tar has no type for them.
#[cfg(unix)]
fn is_socket(metadata: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_socket(_metadata: &Metadata) -> bool {
    false
}

/// What tells a file from all others at a time.
#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(metadata: &Metadata) -> std::fs::FileType {
    metadata.file_type()
}

/// Files that have more than one name, by device and inode.
#[derive(Default)]
struct Links(HashMap<(u64, u64), PathBuf>);

impl Links {
    /// The name under which this very file was packed before.
    #[cfg(unix)]
    fn first_name(&mut self, metadata: &Metadata, name: &Path) -> Option<PathBuf> {
        use std::os::unix::fs::MetadataExt as _;
        if metadata.is_dir() || metadata.nlink() < 2 {
            return None;
        }
        let key = identity(metadata);
        let first = self.0.get(&key).cloned();
        if first.is_none() {
            self.0.insert(key, name.to_owned());
        }
        first
    }

    #[cfg(not(unix))]
    fn first_name(&mut self, _metadata: &Metadata, _name: &Path) -> Option<PathBuf> {
        None
    }
}

struct Counted<R> {
    reader: R,
    read: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buf)?;
        self.read += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What comes of a file that `change` changes after it was looked at.
    fn packed(change: impl FnOnce(&Path)) -> Result<(), Error> {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("file");
        fs::write(&path, "content").expect("write");
        let metadata = path.symlink_metadata().expect("there");
        change(&path);
        let mut out = Vec::new();
        let out: &mut dyn Write = &mut out;
        let mut tar = Builder::new(out);
        let (name, mut links) = (Path::new("file"), Links::default());
        append(&mut tar, &path, name, &metadata, Settings::default(), &mut links)
    }

    #[test]
    fn a_file_that_changes_meanwhile_is_told() {
        packed(|_| {}).expect("unchanged");
        let changed = |change: fn(&Path)| matches!(packed(change), Err(Error::Changed { .. }));
        assert!(
            changed(|path| fs::write(path, "more content").expect("write")),
            "grown"
        );
        assert!(changed(|path| fs::write(path, "less").expect("write")), "shrunk");
        let gone = packed(|path| fs::remove_file(path).expect("remove"));
        assert!(matches!(gone, Err(Error::Io { action: "open", .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_in_the_place_of_a_file_is_not_waited_for() {
        let swapped = packed(|path| {
            fs::remove_file(path).expect("remove");
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).expect("pipe");
        });
        assert!(matches!(swapped, Err(Error::Changed { .. })), "{swapped:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn attributes_that_travel_go_along() {
        let dir = tempfile::tempdir().expect("temp dir");
        let (file, folder) = (dir.path().join("file"), dir.path().join("folder"));
        fs::write(&file, "content").expect("write");
        fs::create_dir(&folder).expect("directory");
        for (path, name, value) in [
            (&file, "user.two", "2"),
            (&file, "user.one", "1"),
            (&file, "user.overlay.opaque", "y"),
            (&folder, "user.of", "a directory"),
        ] {
            match ::xattr::set(path, name, value.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    eprintln!("not tested: this filesystem has no extended attributes");
                    return;
                }
                result => result.expect("set"),
            }
        }
        let packed = |xattrs| {
            let mut out = Vec::new();
            let settings = Settings {
                xattrs,
                ..Settings::default()
            };
            write(dir.path(), settings, &mut out).expect("packed");
            let mut found = Vec::new();
            for entry in tar::Archive::new(&out[..]).entries().expect("entries") {
                let mut entry = entry.expect("entry");
                let name = entry.path().expect("path").display().to_string();
                for record in entry.pax_extensions().expect("records").into_iter().flatten() {
                    let record = record.expect("record");
                    found.push(format!(
                        "{name} {}={}",
                        record.key().expect("text"),
                        record.value().expect("text")
                    ));
                }
            }
            found
        };
        assert_eq!(
            packed(true),
            [
                "file SCHILY.xattr.user.one=1",
                "file SCHILY.xattr.user.two=2",
                "folder SCHILY.xattr.user.of=a directory",
            ]
        );
        assert!(packed(false).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_file_is_not_followed() {
        let swapped = packed(|path| {
            fs::remove_file(path).expect("remove");
            std::os::unix::fs::symlink("/proc/self/cmdline", path).expect("link");
        });
        assert!(matches!(swapped, Err(Error::Changed { .. })), "{swapped:?}");
    }
}
