//! Pass 2: events in causal order → time by state and stack.

mod aggregate;
mod borders;
mod critical_path;
mod delegations;
mod fold;
mod fold_requests;
mod measurer;
mod overlays;
mod partial;
mod past;
mod requests;
mod slowest;
mod states;
mod tape;
mod taping;
mod timeline;
mod usual;
mod wakers;
mod wakeups;
mod walked;
mod walks;
mod windows;

pub use aggregate::{Aggregate, Key};
pub use fold::Folder;
pub use fold_requests::MeasuredTrace;
pub use measurer::{Measured, Measurer, Task, WithoutPaths};
pub use partial::GenerationMeasured;
pub use past::{Beginning, Past};
pub use requests::{MAX_PIECES, PathsMeasured, RequestMeasured};
pub use slowest::{LaneMeasured, SlowestMeasured};
pub use states::{StateKey, detail};
pub use tape::TapeMemory;
pub use wakeups::{WaitKey, WaitSum};
pub use walked::Via;
pub use walks::{Crew, Each};
