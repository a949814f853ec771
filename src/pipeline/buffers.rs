//! Memory for the bytes of generations, used again by whoever reads the next one.

use super::in_order::lock;
use std::sync::Mutex;

/// Buffers that nobody uses.
#[derive(Default)]
pub(super) struct Buffers {
    free: Mutex<Vec<Vec<u8>>>,
    /// Bytes of the largest generation.
    size: usize,
}

impl Buffers {
    /// Of a trace whose largest generation has so many bytes.
    pub(super) fn new(size: usize) -> Self {
        Self { free: Mutex::default(), size }
    }

    /// A buffer, which comes back when it is dropped.
    pub(super) fn take(&self) -> Buffer<'_> {
        // What is not used of it is never touched, and costs nothing; growing would copy.
        let bytes = lock(&self.free).pop().unwrap_or_else(|| Vec::with_capacity(self.size));
        Buffer { bytes, home: self }
    }
}

/// One of them.
pub(super) struct Buffer<'b> {
    pub(super) bytes: Vec<u8>,
    home: &'b Buffers,
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        lock(&self.home.free).push(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again() {
        let buffers = Buffers::new(100);
        let first = {
            let mut buffer = buffers.take();
            buffer.bytes.resize(100, 1);
            buffer.bytes.as_ptr()
        };
        let (again, other) = (buffers.take(), buffers.take());
        assert_eq!(again.bytes.as_ptr(), first);
        assert!(other.bytes.is_empty() && other.bytes.capacity() >= 100);
    }
}
