//! The index of a window.

use crate::trace::ids::dense_index;

dense_index! {
    /// A window of time in a [`Slice`](crate::slice::Slice): one occurrence of a root.
    WindowIdx
}
