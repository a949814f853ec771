//! User tasks and regions: what events say of them, which are roots, and the list of all.

pub(crate) mod exclusive_work;
pub mod list;
pub mod notes;
pub mod roots;
pub mod sink;
