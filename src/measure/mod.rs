//! Pass 2: events in causal order → time by state and stack.

mod fold;
mod intervals;
mod measurer;
mod measurer_fast;
mod measurer_paths;
mod parts;
mod paths;
mod windows;

pub use fold::requests::MeasuredTrace;
pub use fold::samples::Folder;
pub use intervals::aggregate::{Aggregate, Key, SumIdx};
pub use intervals::log::IntervalLogMemory;
pub use intervals::states::{StateKey, detail};
pub use measurer::{MeasureSpec, Measured, Measurer, WithoutPaths};
pub use parts::part_start::{BeforePart, PartStart};
pub use parts::partial::GenerationMeasured;
pub use paths::measured::{ElsewhereKey, OtherGoroutine, PathsMeasured, RequestMeasured};
pub use paths::requests::MAX_PIECES;
pub use paths::slowest::{LaneMeasured, SlowestMeasured};
pub use paths::wakeups::{WaitKey, WaitSum};
