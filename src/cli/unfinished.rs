//! Output files while they are written: under a temporary name in the folder of the file, locked, and gone if the process ends
//! early.
//!
//! Signals that end the process remove them first, and so does the message of a bug. SIGKILL cannot be caught: what it leaves
//! is removed by the next run that writes into the same folder. A file that a running process still writes is locked, and
//! stays. A limit of file sizes fails the write, as a full disk does, and ends no process.

use std::fs::{self, File, Permissions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};
use tempfile::{Builder, NamedTempFile, PersistError};

/// What names of unfinished files begin with.
const PREFIX: &str = ".gotrace-slice-";

/// Paths of the files that are being written, and of some that could not be: to remove one again does nothing. Held by the
/// signal's thread until the process is gone, so that no further file is made or renamed meanwhile.
static PATHS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A file that is being written; dropped, it is removed.
pub(super) struct UnfinishedFile(NamedTempFile);

impl UnfinishedFile {
    /// Creates one in a folder, and removes what killed runs left there. `permissions` is what the finished file gets;
    /// the umask restricts it.
    pub(super) fn create(folder: &Path, permissions: Option<&Permissions>) -> io::Result<Self> {
        sweep(folder);
        loop {
            let mut paths = PATHS.lock().unwrap_or_else(PoisonError::into_inner);
            let mut builder = Builder::new();
            builder.prefix(PREFIX);
            if let Some(permissions) = permissions {
                builder.permissions(permissions.clone());
            }
            let file = builder.tempfile_in(folder)?;
            // Where a file system has no locks, nothing is swept either.
            let _ = file.as_file().lock();
            if file.path().exists() {
                paths.push(file.path().to_owned());
                return Ok(Self(file));
            }
            // Another run swept it before it was locked.
        }
    }

    /// Creates a page for a browser, among temporary files. Nobody else can read it.
    pub(super) fn page() -> io::Result<Self> {
        Self::create(&std::env::temp_dir(), None)
    }

    /// Gives a page the name that it stays under, and says which. Signals remove it until it is [finished](finished).
    pub(super) fn keep_page(self) -> io::Result<PathBuf> {
        let name = self.0.path().file_name().unwrap_or_default().to_string_lossy();
        let path = self.0.path().with_file_name(name.trim_start_matches('.').to_owned() + ".html");
        self.finish(|file| file.persist_noclobber(&path), Some(path.clone()))?;
        Ok(path)
    }

    /// The file.
    pub(super) fn file(&mut self) -> &mut File {
        self.0.as_file_mut()
    }

    /// Gives the file its name, in place of what had it before.
    pub(super) fn persist(self, path: &Path) -> io::Result<()> {
        self.finish(|file| file.persist(path), None)
    }

    /// Renames the file, unless a signal is ending the process: it has removed the file, and that is no failure to report.
    /// `unfinished` is a name that signals remove from now on.
    fn finish(
        self,
        rename: impl FnOnce(NamedTempFile) -> Result<File, PersistError>,
        unfinished: Option<PathBuf>,
    ) -> io::Result<()> {
        let mut paths = PATHS.lock().unwrap_or_else(PoisonError::into_inner);
        paths.retain(|path| path != self.0.path());
        rename(self.0).map_err(|e| e.error)?;
        paths.extend(unfinished);
        Ok(())
    }
}

/// The file is somebody's now: signals leave it.
pub(super) fn finished(path: &Path) {
    PATHS.lock().unwrap_or_else(PoisonError::into_inner).retain(|p| p != path);
}

/// Removes unfinished files that no process writes any more.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let is_unfinished = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()))
            && fs::symlink_metadata(path).is_ok_and(|m| m.is_file())
    };
    for path in entries.flatten().map(|entry| entry.path()).filter(is_unfinished) {
        // Locked until it is gone: whoever made it sees that it is.
        if let Ok(file) = File::open(&path)
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether SIGINT is somebody else's.
static INTERRUPTS_LEFT: AtomicBool = AtomicBool::new(false);

/// From here on, SIGINT does nothing, or ends the process as before.
pub(super) fn leave_interrupts(left: bool) {
    INTERRUPTS_LEFT.store(left, Ordering::SeqCst);
}

/// Removes all unfinished files of this process, in which a bug was found. Not where that is in a thread that holds their list.
pub(super) fn remove_all() {
    match PATHS.try_lock() {
        Ok(paths) => remove(&paths),
        Err(TryLockError::Poisoned(paths)) => remove(&paths.into_inner()),
        Err(TryLockError::WouldBlock) => {}
    }
}

fn remove(paths: &[PathBuf]) {
    for path in paths {
        drop(fs::remove_file(path));
    }
}

/// From here on, signals that end the process remove unfinished files first.
pub(crate) fn remove_on_signals() {
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};
        use signal_hook::iterator::Signals;
        const ENDING: [i32; 9] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ];
        let ignored = ignored_signals();
        let wanted = ENDING.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
        // Without the thread, signals end the process as they always do.
        let Ok(mut signals) = Signals::new(wanted) else { return };
        std::thread::spawn(move || {
            for signal in signals.forever() {
                // Without its signal, a write beyond the limit of file sizes fails, and that is said.
                if signal == SIGXFSZ || signal == SIGINT && INTERRUPTS_LEFT.load(Ordering::SeqCst) {
                    continue;
                }
                let paths = PATHS.lock().unwrap_or_else(PoisonError::into_inner);
                remove(&paths);
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        });
    }
}

/// The signals that whoever started the process made it ignore (`nohup`, a shell's background job), the first as bit 0.
/// They stay ignored. 0 where the system does not say.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_is_swept_and_what_is_written_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(format!("{PREFIX}left"));
        fs::write(&left, "half").unwrap();
        let other = folder.path().join("other");
        fs::write(&other, "whole").unwrap();
        let first = UnfinishedFile::create(folder.path(), None).unwrap();
        assert!(!left.exists() && other.exists());
        let second = UnfinishedFile::create(folder.path(), None).unwrap();
        assert!(first.0.path().exists(), "it is still written");
        second.persist(&other).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        remove_all();
        assert!(!first.0.path().exists() && other.exists(), "a bug leaves none either");
        drop(first);
        let failing = UnfinishedFile::create(folder.path(), None).unwrap();
        failing.persist(&folder.path().join("missing/other")).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
