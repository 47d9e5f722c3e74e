//! The only user of `std::fs`: reading, writing and walking that never hang and never leave the project by surprise.
//!
//! A path is looked at before it is opened and the open handle is looked at again, so that a FIFO or a device,
//! which could block for ever, is refused. Errors say which path and why.

#![expect(clippy::disallowed_methods, reason = "the only module that touches the file system")]

mod walk;

use std::{
    fmt, fs,
    io::{self, Read as _, Write},
};

use camino::{Utf8Path, Utf8PathBuf};
pub use walk::{Entry, Found, walk};

/// The largest script of a project, in bytes. Snowflake refuses statements far below it.
pub const LARGEST_FILE: u64 = 512 * 1024 * 1024;

/// Why a path could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {action} '{path}': {reason}")]
pub struct FileError {
    /// The path as it was given.
    pub path: Utf8PathBuf,
    /// What was tried.
    pub action: Action,
    /// What was in the way.
    pub reason: Reason,
}

/// What was tried with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Reading a file or a link.
    Read,
    /// Writing or creating a file.
    Write,
    /// Creating a folder.
    CreateFolder,
    /// Listing a folder.
    List,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::CreateFolder => "create the folder",
            Self::List => "list the folder",
        })
    }
}

/// What was in the way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nothing is there.
    #[error("there is no such file or folder")]
    Missing,
    /// A link whose target is not there.
    #[error("the link leads to '{0}', which does not exist")]
    Dangling(String),
    /// Something is there that is no ordinary file.
    #[error("it is {0}, not a file")]
    NotAFile(Special),
    /// Something is there that is no folder.
    #[error("it is not a folder")]
    NotAFolder,
    /// The file is larger than a limit.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// Links that lead to one another, or a folder that holds itself.
    #[error("its links go in a circle, or lead to a folder that is read already")]
    Loop,
    /// A link to a place outside the project.
    #[error("the link leads out of the project, to '{0}'")]
    Outside(String),
    /// The operating system does not allow it.
    #[error("permission denied")]
    Permission,
    /// It is there already.
    #[error("it exists already")]
    Exists,
    /// The text is no UTF-8.
    #[error("it is not UTF-8: bad byte at offset {offset}, line {line}")]
    NotUtf8 {
        /// Offset of the first bad byte, from 0.
        offset: usize,
        /// Its line, from 1.
        line: usize,
    },
    /// The name is no UTF-8.
    #[error("its name is not UTF-8")]
    Name,
    /// What the operating system says.
    #[error("{0}")]
    Other(String),
}

/// Something on disk that is no ordinary file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// A folder.
    Folder,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block or character device.
    Device,
    /// Anything else.
    Unknown,
}

impl fmt::Display for Special {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Folder => "a folder",
            Self::Fifo => "a named pipe (FIFO)",
            Self::Socket => "a socket",
            Self::Device => "a device",
            Self::Unknown => "something special",
        })
    }
}

impl FileError {
    fn new(path: &Utf8Path, action: Action, reason: Reason) -> Self {
        Self { path: path.to_owned(), action, reason }
    }

    fn io(path: &Utf8Path, action: Action, error: &io::Error) -> Self {
        Self::new(path, action, reason_of(error))
    }
}

fn reason_of(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::NotFound => Reason::Missing,
        io::ErrorKind::PermissionDenied => Reason::Permission,
        io::ErrorKind::AlreadyExists => Reason::Exists,
        io::ErrorKind::IsADirectory => Reason::NotAFile(Special::Folder),
        io::ErrorKind::NotADirectory => Reason::NotAFolder,
        // `ErrorKind::FilesystemLoop` is not stable; the code is ELOOP.
        _ if is_loop(error) => Reason::Loop,
        _ => Reason::Other(error.to_string()),
    }
}

fn is_loop(error: &io::Error) -> bool {
    const ELOOP: i32 = if cfg!(target_os = "linux") { 40 } else { 62 };
    cfg!(unix) && error.raw_os_error() == Some(ELOOP)
}

/// What `kind` is when it is no ordinary file.
fn special(kind: fs::FileType) -> Option<Special> {
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some(Special::Folder);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return Some(Special::Fifo);
        }
        if kind.is_socket() {
            return Some(Special::Socket);
        }
        if kind.is_block_device() || kind.is_char_device() {
            return Some(Special::Device);
        }
    }
    Some(Special::Unknown)
}

/// Whether something, of any kind, is at `path`. What cannot be looked at counts as absent.
pub fn exists(path: &Utf8Path) -> bool {
    fs::metadata(path).is_ok()
}

/// Whether a folder is at `path`, links followed.
pub fn is_folder(path: &Utf8Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_dir())
}

/// `path` without links and `..`; it must exist.
pub fn canonical(path: &Utf8Path) -> Result<Utf8PathBuf, FileError> {
    path.canonicalize_utf8().map_err(|error| match error.kind() {
        // camino's word for a path that is no UTF-8.
        io::ErrorKind::InvalidData => FileError::new(path, Action::Read, Reason::Name),
        _ => FileError::io(path, Action::Read, &error),
    })
}

/// The bytes of an ordinary file of at most [`LARGEST_FILE`] bytes. Links are followed.
pub fn read_bytes(path: &Utf8Path) -> Result<Vec<u8>, FileError> {
    read_at_most(path, LARGEST_FILE)
}

/// The bytes of an ordinary file of any size. Links are followed.
pub fn read_any_size(path: &Utf8Path) -> Result<Vec<u8>, FileError> {
    read_at_most(path, u64::MAX)
}

/// All that comes on standard input.
pub fn read_standard_input() -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    match io::stdin().lock().read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(FileError::io(Utf8Path::new("-"), Action::Read, &error)),
    }
}

fn read_at_most(path: &Utf8Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let failed = |error: &io::Error| FileError::io(path, Action::Read, error);
    let refused = |reason| FileError::new(path, Action::Read, reason);
    let before = fs::metadata(path).map_err(|e| failed(&e))?;
    if let Some(what) = special(before.file_type()) {
        return Err(refused(Reason::NotAFile(what)));
    }
    let file = open_without_waiting(path).map_err(|e| failed(&e))?;
    let after = file.metadata().map_err(|e| failed(&e))?;
    if let Some(what) = special(after.file_type()) {
        return Err(refused(Reason::NotAFile(what)));
    }
    if after.len() > limit {
        return Err(refused(Reason::TooLarge { limit }));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(after.len()).unwrap_or_default());
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
    if bytes.len() as u64 > limit {
        return Err(refused(Reason::TooLarge { limit }));
    }
    Ok(bytes)
}

/// Opens for reading; a FIFO that took the file's place after it was looked at does not block.
fn open_without_waiting(path: &Utf8Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(any(
        target_os = "macos",
        all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))
    ))]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        /// `O_NONBLOCK` of `fcntl.h`.
        const WITHOUT_WAITING: i32 = if cfg!(target_os = "macos") { 0x4 } else { 0o4000 };
        options.custom_flags(WITHOUT_WAITING);
    }
    options.open(path)
}

/// The text of an ordinary UTF-8 file, as it is: a byte-order mark and line ends are kept.
pub fn read_text(path: &Utf8Path) -> Result<String, FileError> {
    String::from_utf8(read_bytes(path)?).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let line = 1 + memchr::memchr_iter(b'\n', &error.as_bytes()[..offset]).count();
        FileError::new(path, Action::Read, Reason::NotUtf8 { offset, line })
    })
}

/// Who may do what with a file: the bits of its mode, links followed. `None` where the system has no modes, or there is
/// no file.
pub fn mode(path: &Utf8Path) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(path).ok().map(|found| found.permissions().mode())
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Writes a file so that a reader, or a crash, sees the old content or the new, never a part. A link is followed;
/// the permissions of a file that is there are kept.
pub fn write_atomic(path: &Utf8Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |error: &io::Error| FileError::io(path, Action::Write, error);
    let existing = match fs::metadata(path) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(&error)),
    };
    if let Some(what) = existing.as_ref().and_then(|found| special(found.file_type())) {
        return Err(FileError::new(path, Action::Write, Reason::NotAFile(what)));
    }
    let real = if existing.is_some() { canonical(path)? } else { path.to_owned() };
    let folder = match real.parent() {
        Some(folder) if !folder.as_str().is_empty() => folder,
        _ => Utf8Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".snowops-").suffix(".tmp");
    #[cfg(unix)]
    let ordinary = {
        use std::os::unix::fs::PermissionsExt as _;
        // The process's umask still takes its part away.
        fs::Permissions::from_mode(0o666)
    };
    #[cfg(unix)]
    builder.permissions(ordinary);
    let mut file = builder.tempfile_in(folder).map_err(|e| failed(&e))?;
    file.write_all(bytes).map_err(|e| failed(&e))?;
    if let Some(found) = existing {
        file.as_file().set_permissions(found.permissions()).map_err(|e| failed(&e))?;
    }
    file.as_file().sync_all().map_err(|e| failed(&e))?;
    file.persist(&real).map_err(|e| failed(&e.error))?;
    Ok(())
}

/// Writes a new file; fails with [`Reason::Exists`] when anything is at `path`.
pub fn create_new(path: &Utf8Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |error: &io::Error| FileError::io(path, Action::Write, error);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(|e| failed(&e))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|e| failed(&e))
}

/// Opens a file to add to its end, created if absent. A FIFO or a device is allowed: the user names it for that.
pub fn append(path: &Utf8Path) -> Result<impl Write + Send + use<>, FileError> {
    let file = fs::OpenOptions::new().append(true).create(true).open(path);
    file.map_err(|error| FileError::io(path, Action::Write, &error))
}

/// Creates a folder and those above it; one that is there is no error.
pub fn create_dir_all(path: &Utf8Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(|error| FileError::io(path, Action::CreateFolder, &error))
}

#[cfg(test)]
mod tests;

/// The folder that the process runs in.
///
/// # Errors
/// When it is gone, or its path is no Unicode.
pub fn current_directory() -> io::Result<Utf8PathBuf> {
    let path = std::env::current_dir()?;
    Utf8PathBuf::from_path_buf(path)
        .map_err(|path| io::Error::other(format!("{} is no Unicode path", path.display())))
}

/// Whether a file is empty or begins with `bytes`. A file that cannot be read does not.
pub fn begins_with(path: &Utf8Path, bytes: &[u8]) -> bool {
    use std::io::Read as _;
    let ordinary = fs::metadata(path).is_ok_and(|found| found.is_file());
    let Some(file) = ordinary.then(|| open_without_waiting(path).ok()).flatten() else { return false };
    let mut start = Vec::new();
    let wanted = u64::try_from(bytes.len()).unwrap_or(0);
    file.take(wanted).read_to_end(&mut start).is_ok() && (start.is_empty() || start == bytes)
}

/// Makes or empties a file, for text that is written as it comes.
///
/// # Errors
/// When the file cannot be made or written.
pub fn create(path: &Utf8Path) -> io::Result<fs::File> {
    fs::File::create(path)
}

/// The file itself, or every `.sql` file below a folder, in the order of paths; what cannot be read among them.
///
/// # Errors
/// When there is nothing at `path`, or a folder cannot be read.
pub fn sql_files(path: &Utf8Path) -> Result<Vec<Result<Utf8PathBuf, FileError>>, FileError> {
    if !is_folder(path) {
        return Ok(vec![Ok(path.to_owned())]);
    }
    let mut found = Vec::new();
    for Entry { path: below, found: what } in walk(path, path)? {
        match what {
            Found::File if below.extension().is_some_and(|e| e.eq_ignore_ascii_case("sql")) => {
                found.push(Ok(path.join(below)));
            }
            Found::Refused(error) => found.push(Err(error)),
            Found::File | Found::Folder => {}
        }
    }
    Ok(found)
}
