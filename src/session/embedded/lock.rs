//! The lock of the operating system that tells whether the holder of the lease lives.
//!
//! The system gives it up when the process ends, however it ends, so a kill costs the next run no wait. The lock
//! file stays when the lock is gone: to delete it would let two processes lock two files of one name.

use std::fs::{File, TryLockError};

use camino::{Utf8Path, Utf8PathBuf};

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(super) struct OsLock {
    _file: File,
}

/// The lock file of a database.
pub(super) fn lock_path(database: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{database}.lock"))
}

impl OsLock {
    /// Takes the lock of a database, or answers `None` while another session has it, of this process too.
    #[expect(
        clippy::disallowed_methods,
        reason = "a lock file is opened to be locked, never read or written"
    )]
    pub(super) fn take(database: &Utf8Path) -> Result<Option<Self>, std::io::Error> {
        let file = File::options().create(true).append(true).open(lock_path(database))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_free_after_drop() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("local.db")).unwrap();
        let first = OsLock::take(&path).unwrap();
        assert!(first.is_some());
        assert!(OsLock::take(&path).unwrap().is_none());
        drop(first);
        assert!(OsLock::take(&path).unwrap().is_some());
    }
}
