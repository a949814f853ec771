//! Slices a Go execution trace by root goroutines and their children, and says where their time went.
//!
//! The library turns a source of trace bytes into a [`Profile`](profile::Profile) and a profile into output
//! bytes. It opens no file, prints nothing and knows no terminal; the binary does that.

pub mod compare;
pub mod measure;
pub mod pipeline;
pub mod profile;
pub mod render;
pub mod slice;
pub mod survey;
pub mod trace;
