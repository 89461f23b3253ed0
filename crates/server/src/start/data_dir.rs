//! The data folder: private to its owner, and used by one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// A data folder held by this process until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Another process holds the folder.
#[derive(Debug, thiserror::Error)]
#[error("{} is in use by another countersign process; stop that one first", .0.display())]
pub struct InUse(PathBuf);

impl DataDir {
    /// Makes the folder when it is not there and locks it. Two processes on one SQLite file would each believe to be the
    /// only writer, and their memories would not hear of each other.
    pub fn lock(path: &Path) -> anyhow::Result<Self> {
        create_private_dir(path)?;
        let lock = open_private(
            &path.join("lock"),
            OpenOptions::new().create(true).truncate(false),
        )?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(InUse(path.to_owned()).into()),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes a folder that only its owner can enter.
pub fn create_private_dir(path: &Path) -> anyhow::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .with_context(|| format!("cannot make {}", path.display()))
}

/// Writes a new file that only its owner can read, and has it on disk when this returns. Refuses an existing one.
pub fn write_private(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    let mut file = create_private(path)?;
    let written = file.write_all(contents).and_then(|()| file.sync_all());
    written.with_context(|| format!("cannot write {}", path.display()))?;
    sync_parent(path)
}

/// Makes an empty file that only its owner can read. Refuses an existing one.
pub fn create_private(path: &Path) -> anyhow::Result<File> {
    open_private(path, OpenOptions::new().create_new(true))
}

/// Makes a created, renamed or removed name last through a power loss.
pub fn sync_parent(path: &Path) -> anyhow::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let synced = File::open(parent).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("cannot sync {}", parent.display()))
}

fn open_private(path: &Path, options: &mut OpenOptions) -> anyhow::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_refused_until_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let first = DataDir::lock(&path).unwrap();
        let error = DataDir::lock(&path).unwrap_err();
        assert!(error.to_string().contains("in use by another"), "{error}");
        drop(first);
        DataDir::lock(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_what_is_written() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        write_private(&file, b"x").unwrap();
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(write_private(&file, b"y").is_err(), "never overwritten");
    }
}
