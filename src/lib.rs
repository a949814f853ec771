//! Slices a Go execution trace by root goroutines and their children, and says where their time went.
//!
//! ```
//! use gotrace_slice::{Answer, Input, Options, Selector};
//!
//! let bytes = std::fs::read("testdata/traces/go1.26/server.trace")?;
//! let selector = Selector::builder().root("HashAndWriteHandler").build()?;
//! let input = Input::new("server.trace", &bytes);
//! let Answer::Profile(profile) = gotrace_slice::profile(&[input], &selector, Options::default(), None)? else {
//!     panic!("no goroutine or call matches");
//! };
//! for state in &profile.states {
//!     println!("{:>12} ns  {}", state.weight.latency_ns, state.state);
//! }
//! assert_eq!(profile.selection.roots, 8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The reader can be used alone: the events of a trace in causal order, whatever version of Go wrote it.
//!
//! ```
//! use gotrace_slice::Input;
//! use gotrace_slice::trace::event::{EventKind, GoState};
//!
//! let bytes = std::fs::read("testdata/traces/go1.26/server.trace")?;
//! let mut blocked = 0;
//! gotrace_slice::events(&Input::new("server.trace", &bytes), &mut |event, _symbols| {
//!     if let EventKind::Transition(t) = event.kind {
//!         blocked += u64::from(t.from == GoState::Running && t.to == GoState::Waiting);
//!     }
//! })?;
//! assert!(blocked > 100);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The library turns a source of trace bytes into a [`Profile`], and a profile into output bytes ([`render`]). It opens
//! no file, prints nothing and knows no terminal; the binary does that. [`compare`] makes one result of two profiles.

pub mod compare;
mod measure;
pub mod pipeline;
pub mod profile;
pub mod render;
pub mod slice;
mod survey;
pub mod table;
pub mod trace;

pub use compare::Comparison;
pub use pipeline::{Answer, Input, Options, candidates, events, profile};
pub use profile::Profile;
pub use slice::Selector;
pub use trace::error::{Error, Warning};
