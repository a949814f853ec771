//! The limits of the format of Go 1.22 and later, each with its source, and what counts as damage.

/// Largest size of a batch's data in bytes (`MaxBatchSize`, Go 1.22, `internal/trace/event/go122`).
pub(crate) const MAX_BATCH_SIZE: u64 = 64 << 10;
/// Most frames of a stack (`MaxFramesPerStack`, same file). Longer stacks lose their root end.
pub(crate) const MAX_FRAMES_PER_STACK: u64 = 128;
/// Longest string in bytes (`MaxEventTrailerDataSize`, Go 1.24, `internal/trace/tracev2/events.go`).
pub(crate) const MAX_STRING_SIZE: u64 = 1 << 10;
/// Slowest plausible clock in ticks per second.
pub(crate) const MIN_FREQUENCY: u64 = 1_000;
/// Fastest plausible clock in ticks per second.
pub(crate) const MAX_FREQUENCY: u64 = 100_000_000_000;
/// Ticks per second that are assumed where a trace has lost its frequency: what the runtime uses on all platforms with a
/// fine clock (1e9 / `traceTimeDiv` = 1e9 / 64, Go 1.22, `runtime/tracetime.go`).
pub(crate) const DEFAULT_FREQUENCY: u64 = 15_625_000;
/// Longest plausible trace in nanoseconds: ten years.
pub(crate) const MAX_SPAN_NS: u64 = 10 * 365 * 86_400 * 1_000_000_000;
