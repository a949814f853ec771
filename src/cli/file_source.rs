//! Files as sources of a trace.

use gotrace_slice::trace::source::Source;
use std::fs::File;
use std::io::{self, Read};

/// A file read at positions, as long as it was when it was opened.
pub(crate) struct FileSource {
    #[cfg(unix)]
    file: File,
    #[cfg(not(unix))]
    file: std::sync::Mutex<File>,
    size: u64,
}

impl FileSource {
    pub(crate) fn new(file: File, size: u64) -> Self {
        #[cfg(not(unix))]
        let file = std::sync::Mutex::new(file);
        Self { file, size }
    }
}

impl Source for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        // A file that is still written to ends where it ended when it was opened.
        let n = self.size.saturating_sub(offset).min(buf.len() as u64) as usize;
        let buf = &mut buf[..n];
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(&self.file, buf, offset);
        #[cfg(not(unix))]
        {
            use std::io::Seek as _;
            let mut file = self.file.lock().map_err(|_| io::Error::other("a reader panicked"))?;
            file.seek(io::SeekFrom::Start(offset))?;
            file.read(buf)
        }
    }
}

/// A file read front to back.
pub(crate) struct FrontToBack<'a> {
    pub(crate) source: &'a FileSource,
    /// Where reading goes on.
    pub(crate) at: u64,
}

impl Read for FrontToBack<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read_at(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
