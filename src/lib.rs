//! Slices a Go execution trace by root goroutines and their children, and says where their time went.
//!
//! The library turns a source of trace bytes into a [`Profile`](profile::Profile) and a profile into output
//! bytes. It opens no file, prints nothing and knows no terminal; the binary does that.

mod buckets;
pub mod error;
pub mod ids;
pub mod time;

pub mod event;
pub mod symbols;

pub mod profile;

pub mod slice;
pub mod source;

pub mod binary;

pub mod format;
pub mod measure;
pub mod order;
pub mod pipeline;
pub mod survey;

pub mod render;
