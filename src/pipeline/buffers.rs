//! Memory for the bytes of generations, used again by whoever reads the next one.

use super::in_order::lock;
use std::sync::Mutex;

/// Buffers that nobody uses.
#[derive(Default)]
pub(super) struct Buffers {
    free: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// A buffer, which comes back when it is dropped.
    pub(super) fn take(&self) -> Buffer<'_> {
        let bytes = lock(&self.free).pop().unwrap_or_default();
        Buffer { bytes, home: self }
    }

    /// Gives back what nobody uses: no generation is read any more.
    pub(super) fn clear(&self) {
        lock(&self.free).clear();
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
        let buffers = Buffers::default();
        let first = {
            let mut buffer = buffers.take();
            buffer.bytes.resize(100, 1);
            buffer.bytes.as_ptr()
        };
        let (again, other) = (buffers.take(), buffers.take());
        assert_eq!(again.bytes.as_ptr(), first);
        assert!(other.bytes.is_empty());
        drop((again, other));
        buffers.clear();
        assert_eq!(buffers.take().bytes.capacity(), 0);
    }
}
