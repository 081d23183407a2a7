//! Which file a database is: not a name but an inode, that one process has, and that is still where it was.
//!
//! SQLite's POSIX locks of a file go as soon as any descriptor of it is closed by this process. So the one that locks it here
//! stays open for as long as SQLite has the file.

use super::{super::StoreError, mounts};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// What may be done with the files of a database: they hold portals' secrets.
pub(crate) const MODE: u32 = 0o600;

/// What SQLite keeps beside a database while it is open.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// What tells a file from every other on this machine: its device and its inode.
type Inode = (u64, u64);

/// Files that this process has open. To look at one through another descriptor would take its locks away.
static OPEN: Mutex<BTreeSet<Inode>> = Mutex::new(BTreeSet::new());

/// A database's file, locked for this process until it is dropped. To be dropped after every connection of SQLite.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    inode: Inode,
    /// What is beside it while it is open.
    beside: OnceLock<Vec<(PathBuf, Inode)>>,
    gone: AtomicBool,
    file: File,
    _open: Open,
    _lock: File,
}

/// An inode in [`OPEN`].
#[derive(Debug)]
struct Open(Inode);

impl Open {
    fn claim(inode: Inode) -> Option<Self> {
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).insert(inode).then_some(Self(inode))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

fn inode(of: &Metadata) -> Inode {
    (of.dev(), of.ino())
}

/// The name of a file beside another.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The files of a database that others than its owner may read or write, with what they may be; whatever of it is there.
pub(crate) fn open_to_others(path: &Path) -> Vec<(PathBuf, u32)> {
    let files = std::iter::once(path.to_owned()).chain(BESIDE.iter().map(|suffix| beside(path, suffix)));
    let mode = |file: PathBuf| Some((fs::metadata(&file).ok()?.permissions().mode() & 0o777, file));
    files.filter_map(mode).filter(|(mode, _)| mode & !MODE != 0).map(|(mode, file)| (file, mode)).collect()
}

/// A path without links, of a file that may not be there yet.
pub(crate) fn resolved(path: &Path) -> Result<PathBuf, StoreError> {
    let unavailable = |error: io::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found.map_err(unavailable),
    }
    if path.is_symlink() {
        return Err(StoreError::Unavailable(format!("{}: a symbolic link that leads nowhere", path.display())));
    }
    let Some(name) = path.file_name() else {
        return Err(StoreError::Unavailable(format!("{}: names no file", path.display())));
    };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = directory.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let why = format!("{}: its directory is not there; mkdir -p {}", path.display(), directory.display());
            StoreError::Unavailable(why)
        }
        _ => unavailable(error),
    });
    Ok(found?.join(name))
}

impl DatabaseFile {
    /// Takes a file for this process, and makes it if there is none.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let path = resolved(path)?;
        let unavailable = |why: &dyn std::fmt::Display| StoreError::Unavailable(format!("{}: {why}", path.display()));
        let taken = || unavailable(&"another process has it open, perhaps by another name");
        if let Some(system) = mounts::network_under(&path) {
            return Err(StoreError::Broken(format!(
                "{}: it is on the network file system {system}, where several machines could write to it: name a file on a disk of this machine, or use Postgres",
                path.display()
            )));
        }
        // By its name first: whoever has it by that name is not disturbed, and neither are programs that know only this lock.
        let lock = lock(&path)?;
        let known = match fs::metadata(&path) {
            Ok(known) => Some(known),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unavailable(&error)),
        };
        if let Some(known) = &known {
            check(&path, known)?;
            let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner).contains(&inode(known));
            if open {
                return Err(taken());
            }
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(MODE);
        let file = match known {
            Some(_) => options.open(&path),
            None => options.create_new(true).open(&path),
        };
        let file = file.map_err(|e| unavailable(&e))?;
        let found = file.metadata().map_err(|e| unavailable(&e))?;
        check(&path, &found)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken()),
            Err(TryLockError::Error(error)) => return Err(unavailable(&error)),
        }
        let open = Open::claim(inode(&found)).ok_or_else(taken)?;
        Ok(Self {
            inode: inode(&found),
            beside: OnceLock::new(),
            gone: AtomicBool::new(false),
            file,
            _open: open,
            _lock: lock,
            path,
        })
    }

    /// Its name, without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file itself. Not to be opened a second time: closing that would take SQLite's locks away.
    pub fn raw(&self) -> &File {
        &self.file
    }

    /// Nobody but its owner may read or write it, or what SQLite makes beside it after its example, whatever the umask.
    pub fn close_to_others(&self) {
        for (file, mode) in open_to_others(&self.path) {
            match fs::set_permissions(&file, Permissions::from_mode(MODE)) {
                Ok(()) => {
                    tracing::info!(file = %file.display(), was = %format_args!("{mode:04o}"), "others may not read it any more")
                }
                Err(error) => {
                    tracing::warn!(%error, file = %file.display(), mode = %format_args!("{mode:04o}"), "others may read it, and it holds secrets");
                }
            }
        }
        // A umask may have taken from its owner, too.
        let owner = fs::metadata(&self.path).map(|found| found.permissions().mode() & MODE);
        if owner.is_ok_and(|owner| owner != MODE)
            && let Err(error) = fs::set_permissions(&self.path, Permissions::from_mode(MODE))
        {
            tracing::warn!(%error, file = %self.path.display(), "its owner may not read and write it");
        }
    }

    /// SQLite has it open: what it keeps beside it is there now, and is looked after from now on.
    pub fn opened(&self) {
        let found = BESIDE.iter().filter_map(|suffix| {
            let path = beside(&self.path, suffix);
            let found = fs::metadata(&path).ok()?;
            Some((path, inode(&found)))
        });
        let _ = self.beside.set(found.collect());
    }

    /// Whether its name still leads to it, and the same of what is beside it. What was committed to a file that is gone is not
    /// stored.
    pub fn check(&self) -> Result<(), StoreError> {
        let files = std::iter::once((&self.path, &self.inode));
        let mut files = files.chain(self.beside.get().into_iter().flatten().map(|(path, inode)| (path, inode)));
        let lost = files.find_map(|(path, own)| match fs::metadata(path) {
            Ok(found) if inode(&found) == *own => None,
            Ok(_) => Some(format!("{} is another file than the one that was opened", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(format!("{} is gone", path.display())),
            Err(error) => Some(format!("{} cannot be found: {error}", path.display())),
        });
        let was_gone = self.gone.swap(lost.is_some(), Ordering::Relaxed);
        match lost {
            Some(why) => {
                if !was_gone {
                    tracing::error!(
                        why,
                        "the database was taken away or replaced while it was open: nothing is stored until it is put back, or Hubbub is started again with what is there now"
                    );
                }
                Err(StoreError::Unavailable(why))
            }
            None => {
                if was_gone {
                    tracing::warn!(file = %self.path.display(), "the database is back");
                }
                Ok(())
            }
        }
    }
}

/// Whether this can be a database of one process.
fn check(path: &Path, found: &Metadata) -> Result<(), StoreError> {
    if !found.is_file() {
        return Err(StoreError::Broken(format!(
            "{0}: no file; a database in a directory is like {0}/hubbub.db",
            path.display()
        )));
    }
    if found.nlink() > 1 {
        return Err(StoreError::Unavailable(format!(
            "{}: the file has {} names (hard links), and another process may have it by another: remove the others, or copy it",
            path.display(),
            found.nlink()
        )));
    }
    Ok(())
}

/// SQLite's own locks let several processes write; the order of ids and the wakes do not.
fn lock(database: &Path) -> Result<File, StoreError> {
    let path = beside(database, ".lock");
    let unavailable = |why: &dyn std::fmt::Display| StoreError::Unavailable(format!("{}: {why}", path.display()));
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(MODE)
        .open(&path)
        .map_err(|e| unavailable(&format_args!("the lock file cannot be opened: {e}")))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(unavailable(&format_args!("another process has {} open", database.display())))
        }
        Err(TryLockError::Error(e)) => Err(unavailable(&e)),
    }
}
