//! Opens files by name: regular files only, without waiting, and within a limit of what is read.
//!
//! A named pipe would wait for ever for its other end, a device may never end, and a link or a directory that others
//! may write leads wherever somebody else wants. What an operator names is read through links, as a token in
//! Kubernetes or a configuration in a repository is. What is tidegate's own is not.

use std::fs::{self, DirBuilder, File, FileType, Metadata, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

#[cfg(test)]
mod tests;

/// Bits of a mode that let others than the owner write.
const OTHERS_WRITE: u32 = 0o022;
/// Bits of a mode that let others than the owner do anything.
const OTHERS: u32 = 0o077;

/// Reads a file that somebody named. An error where it is no regular file, or has more than `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(flags(OFlags::NONBLOCK)).open(path);
    read_all(regular(path, file)?, most)
}

/// The same as text. An error where it is not UTF-8.
pub(crate) fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("it is not UTF-8: {error}")))
}

/// Opens a file of our own for reading.
pub(crate) fn open_own(path: &Path) -> io::Result<File> {
    let file = regular(path, open_in(path, OFlags::RDONLY))?;
    own(&file.metadata()?)?;
    Ok(file)
}

/// Opens a file of our own for appending, or creates it, readable by its owner alone. So is its directory.
pub(crate) fn append_own(path: &Path) -> io::Result<File> {
    let directory = directory_of(path);
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let file = regular(path, open_in(path, OFlags::RDWR | OFlags::APPEND | OFlags::CREATE))?;
    let metadata = file.metadata()?;
    own(&metadata)?;
    if metadata.mode() & OTHERS != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Makes the directory of a file of our own, or finds that it is ours alone.
pub(crate) fn make_own_directory_of(path: &Path) -> io::Result<()> {
    let directory = directory_of(path);
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    ours_alone(directory, &fs::metadata(directory)?)
}

/// Reads a file of our own to its end.
pub(crate) fn read_own(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_all(open_own(path)?, most)
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens a file by its name within its directory: between the look at the directory and the opening nobody can put
/// another in its place.
fn open_in(path: &Path, how: OFlags) -> io::Result<File> {
    let directory = directory_of(path);
    let name = path.file_name().ok_or_else(|| refused("it has no name"))?;
    let opened =
        File::from(rustix::fs::open(directory, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?);
    ours_alone(directory, &opened.metadata()?)?;
    let how = how | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    Ok(File::from(rustix::fs::openat(&opened, name, how, Mode::RUSR | Mode::WUSR)?))
}

/// The file, where it is a regular one. Else, and where it could not be opened because of what it is, says what it is.
fn regular(path: &Path, opened: io::Result<File>) -> io::Result<File> {
    match opened {
        Ok(file) => match kind(file.metadata()?.file_type()) {
            Some(kind) => Err(refused(format!("it is {kind}, not a regular file"))),
            None => Ok(file),
        },
        Err(error) => {
            let found = fs::symlink_metadata(path).ok().and_then(|metadata| kind(metadata.file_type()));
            // A link that leads to nothing is read as what it is: nothing.
            let nothing = error.kind() == io::ErrorKind::NotFound;
            Err(found.filter(|_| !nothing).map_or(error, |kind| refused(format!("it is {kind}, not a regular file"))))
        }
    }
}

fn kind(found: FileType) -> Option<&'static str> {
    Some(match found {
        _ if found.is_file() => return None,
        _ if found.is_dir() => "a directory",
        _ if found.is_symlink() => "a symbolic link",
        _ if found.is_fifo() => "a named pipe",
        _ if found.is_socket() => "a socket",
        _ => "a device",
    })
}

fn ours_alone(directory: &Path, metadata: &Metadata) -> io::Result<()> {
    let name = directory.display();
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused(format!("its directory {name} belongs to another user (uid {})", metadata.uid())));
    }
    if metadata.mode() & OTHERS_WRITE != 0 {
        return Err(refused(format!("others may write to its directory {name}: `chmod go-w {name}` ends that")));
    }
    Ok(())
}

fn own(metadata: &Metadata) -> io::Result<()> {
    match metadata.uid() == rustix::process::geteuid().as_raw() {
        true => Ok(()),
        false => Err(refused(format!("it belongs to another user (uid {})", metadata.uid()))),
    }
}

fn read_all(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()).is_ok_and(|length| length <= most) {
        true => Ok(bytes),
        false => Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {}", size(most)))),
    }
}

fn size(bytes: u64) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{} KiB", bytes >> 10) }
}

fn refused(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, what.into())
}

fn flags(flags: OFlags) -> i32 {
    // The bits are those of the system's own `int`.
    flags.bits().cast_signed()
}
