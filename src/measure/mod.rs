//! Pass 2: events in causal order → time by state and stack.

mod aggregate;
mod critical_path;
mod delegations;
mod fold;
mod fold_requests;
mod measurer;
mod overlays;
mod partial;
mod requests;
mod states;
mod tape;
mod timeline;
mod wakers;
mod wakeups;
mod windows;

pub use aggregate::{Aggregate, Key};
pub use critical_path::Via;
pub use fold::Folder;
pub use fold_requests::MeasuredTrace;
pub use measurer::{Measured, Measurer, Task};
pub use partial::GenerationMeasured;
pub use requests::{LaneMeasured, MAX_PIECES, PathsMeasured, RequestMeasured, SlowestMeasured};
pub use states::{StateKey, detail};
pub use wakeups::{WaitKey, WaitSum};
