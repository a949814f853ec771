//! Files as sources of traces where there are more of them than can be open at once: a system allows a process a thousand
//! or so. Those that were opened last are open; others are opened again when they are read.

use super::file_source::FileSource;
use gotrace_slice::profile::SharedText;
use gotrace_slice::trace::source::Source;
use std::collections::VecDeque;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Most files that are open at once. Each thread reads one at a time.
pub(crate) const MOST_OPEN: usize = 64;

/// The files that are open, each with the number of its source; the one that was opened last is at the end.
#[derive(Default)]
pub(crate) struct OpenFiles(Mutex<VecDeque<(usize, Arc<FileSource>)>>);

impl OpenFiles {
    /// The file of a source: `open` opens it if it is not.
    fn get(&self, number: usize, open: impl FnOnce() -> io::Result<FileSource>) -> io::Result<Arc<FileSource>> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = lock().iter().rev().find(|(of, _)| *of == number) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(open()?);
        let mut files = lock();
        let one_more = files.len() + 1;
        files.drain(..one_more.saturating_sub(MOST_OPEN));
        files.push_back((number, Arc::clone(&file)));
        Ok(file)
    }
}

/// A file that is opened when it is read.
#[derive(Clone)]
pub(crate) struct NamedFile {
    files: Arc<OpenFiles>,
    number: usize,
    path: FilePath,
    size: u64,
    identity: Identity,
}

/// Where a file is. There may be very many: a path is not kept twice.
#[derive(Clone)]
enum FilePath {
    /// What it is called is its path.
    Name(SharedText),
    Other(Box<Path>),
}

impl FilePath {
    fn new(name: &SharedText, path: &Path) -> Self {
        if path == Path::new(name.as_str()) { Self::Name(name.clone()) } else { Self::Other(path.into()) }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Name(name) => Path::new(name.as_str()),
            Self::Other(path) => path,
        }
    }
}

impl NamedFile {
    /// The file that is called so, at a path; `metadata` is what the system says of it now.
    pub(crate) fn new(
        (files, number): (&Arc<OpenFiles>, usize),
        (name, path): (&SharedText, &Path),
        metadata: &Metadata,
    ) -> Self {
        let (path, size, identity) = (FilePath::new(name, path), metadata.len(), Identity::of(metadata));
        Self { files: Arc::clone(files), number, path, size, identity }
    }

    fn open(&self) -> io::Result<FileSource> {
        let file = File::open(self.path.path())?;
        if Identity::of(&file.metadata()?) != self.identity {
            return Err(io::Error::other("another file took its place while it was read"));
        }
        Ok(FileSource::new(file, self.size))
    }
}

impl Source for NamedFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.files.get(self.number, || self.open())?.read_at(buf, offset)
    }
}

/// What tells a file from another one that has its name later.
#[derive(Clone, PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    inode: (u64, u64),
    #[cfg(not(unix))]
    created: Option<std::time::SystemTime>,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Self { inode: (metadata.dev(), metadata.ino()) }
        }
        #[cfg(not(unix))]
        Self { created: metadata.created().ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// More files than are open at once, in a folder.
    fn many(folder: &Path) -> (Arc<OpenFiles>, Vec<NamedFile>) {
        let files = Arc::default();
        let sources = (0..2 * MOST_OPEN).map(|i| {
            let path = folder.join(i.to_string());
            fs::write(&path, format!("file {i}")).unwrap();
            // What some are called is another name than that of the path, as where that is no text.
            let name = if i % 2 == 0 { path.display().to_string() } else { "shown".to_owned() };
            NamedFile::new((&files, i), (&name.into(), &path), &fs::metadata(&path).unwrap())
        });
        let sources = sources.collect();
        (files, sources)
    }

    fn text(source: &NamedFile) -> io::Result<String> {
        let mut text = vec![0; source.size() as usize];
        source.read_full_at(&mut text, 0)?;
        Ok(String::from_utf8(text).unwrap())
    }

    #[test]
    fn all_can_be_read_and_few_are_open() {
        let folder = tempfile::tempdir().unwrap();
        let (files, sources) = many(folder.path());
        for _ in 0..2 {
            for (i, source) in sources.iter().enumerate() {
                assert_eq!(text(source).unwrap(), format!("file {i}"));
                assert!(files.0.lock().unwrap().len() <= MOST_OPEN);
            }
        }
    }

    #[test]
    fn a_file_that_took_its_place_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let (_, sources) = many(folder.path());
        text(&sources[0]).unwrap();
        // As programs write: another file, which gets the name.
        let other = folder.path().join("other");
        fs::write(&other, "other").unwrap();
        fs::rename(&other, sources[0].path.path()).unwrap();
        // It is still open.
        assert_eq!(text(&sources[0]).unwrap(), "file 0");
        sources[1..].iter().for_each(|source| assert!(text(source).is_ok()));
        let error = text(&sources[0]).unwrap_err();
        assert!(error.to_string().contains("took its place"), "{error}");
    }
}
