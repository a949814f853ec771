//! Pass 2: events in causal order → time by state and stack.

mod core;
mod fold;
mod intervals;
mod parts;
mod paths;
mod spec;
mod windows;

pub use fold::requests::MeasuredTrace;
pub use fold::samples::Folder;
pub use intervals::aggregate::{Aggregate, Key};
pub use intervals::states::{StateKey, detail};
pub use parts::part::{MeasuredPart, PartMeasurer, WithoutPaths};
pub use parts::whole::{Measured, WholeMeasurer};
pub use paths::interval_log::IntervalLogMemory;
pub use paths::parallel::{Crew, Each};
pub use paths::requests::{MAX_PIECES, PathsMeasured, RequestMeasured};
pub use paths::slowest::{LaneMeasured, SlowestMeasured};
pub use paths::wakeups::{WaitKey, WaitSum};
pub use paths::walk_results::Via;
pub use spec::MeasureSpec;
pub use windows::part_start::{BeforePart, PartStart};
