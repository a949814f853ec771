//! Splits one generation in time, so that several threads can share its ordering and measuring.
//!
//! In go a generation's index and, while pass 1 scans them, its bytes. Out come [`Checkpoint`]s, states of the order at
//! times inside the generation, and the [`GenerationPart`]s between them, which threads order independently. This
//! folder knows neither the survey nor measuring: which goroutine an id means is passed in as a function.
//!
//! # Why
//!
//! Each generation can be ordered alone: Go's runtime begins it with the statuses of all that its events name, and
//! restarts all sequence numbers. So threads take one generation each. A short recording has fewer generations than the
//! machine has threads, and so has the end of a long one; without this folder the other threads would idle.
//!
//! # How
//!
//! What the order depends on at a time inside a generation is small: the next event of each traced thread, and the
//! scheduler's state (the state and sequence number of each goroutine and proc, what each thread executes and holds,
//! which goroutines assist the collector, the number of the collector's next event). That state can be *predicted*
//! without ordering what comes before. So a part is ordered *speculatively* from it, while another thread orders the
//! part before, *verifies* the prediction when it gets there, and *falls back* to ordering the rest itself if the
//! prediction was wrong.
//!
//! ```text
//!              time ───────►      split time 1             split time 2
//!                                      │                        │
//! traced thread M1   ─Start─────Block──┼──Start───SyscallBegin──┼──SyscallEnd──Stop──
//! traced thread M2   ──────Start───────┼─────────Unblock──Block─┼────────Start───────
//! traced thread M3   ──Unblock─────────┼───Start────────────────┼──Block──Start──────
//!                                      │                        │
//! pass 1             scans M1, M2 and M3 alone, from the left to the right; notes for each
//!                    of them what it saw before split time 1, and between 1 and 2
//!                                      ▼                        ▼
//! between            ids → goroutines: checkpoint 1        checkpoint 2
//!                                      │                        │
//! pass 2, worker A   orders part 1 ───►│ equal?                 │
//! pass 2, worker B                     │ orders part 2 ────────►│ equal?
//! pass 2, worker C                     │                        │ orders part 3 ────► end
//! ```
//!
//! 1. **Plan** ([`Plan`]). Without critical paths only the last generations are split, as many as there are threads at most,
//!    into at most 8 parts of at least 512 KiB. With critical paths a trace of fewer than four generations is split into six to
//!    eight parts of at least 4 MiB, for any number of threads. Split times are chosen so that parts cost about the same, by where
//!    the bytes of a batch are and not by where it begins: of hundreds of threads each has few batches, which begin together.
//! 2. **Predict while scanning** ([`StatePredictor`]). Pass 1 scans each traced thread alone; the predictor is its
//!    [`ScanObserver`]. From its own events a thread knows which goroutine it executes and which sequence number that
//!    goroutine's start had. So of what several threads observed of one goroutine, the observation with the highest
//!    number is the latest. Observations go by goroutine id, because goroutines are known only when all generations are
//!    scanned.
//! 3. **Make checkpoints** ([`Predictions::checkpoints`]). When goroutines are known, the observations of all threads
//!    up to split time 1, applied to the state at the generation's start, give checkpoint 1; those between 1 and 2,
//!    applied to checkpoint 1, give checkpoint 2.
//! 4. **Order speculatively** ([`GenerationPart`]). Each part is ordered from its checkpoint up to the next one, by any
//!    thread, and measured on its own, as a generation is.
//! 5. **Verify** (`order/frontier/start_stop.rs`). When all events before a split time are taken, the positions of all
//!    threads and the scheduler's state are compared with the checkpoint. If they are equal and nothing was wrong so
//!    far, the part ends there: what another thread ordered from the checkpoint on is what would have followed.
//! 6. **Fall back** ([`n_valid_parts`]). If anything differs, the order goes on to the generation's end, and the later
//!    parts are thrown away. A wrong prediction costs time, never a result.
//!
//! The result does not depend on the number of threads. To keep it so for damaged traces too, `pipeline/v2` measures a
//! generation in which any part has an ordering error once more as a whole. It does not split when goroutine ids repeat
//! (which instance an id means is known only in order) and when roots are tasks (a task leads from one goroutine to
//! another, in whichever part).
//!
//! # What it gains, and costs
//!
//! Time on two threads with splitting, against that without (medians of 5 in turn, recordings of `testdata/gen/load`; by
//! default before parts walked paths, which they must be split for in any case):
//!
//! | recording | by default | without paths |
//! |---|---:|---:|
//! | one generation, 21 MB, 49 threads (`stack`, 64 procs) | −27 % | −27 % |
//! | one generation, 16 MB, 132 threads (`http`, 128 procs) | −18 % | −12 % |
//! | 200 MB of several generations, `stack` | +1 % | −9 % |
//! | the same, `entry`, `long`, `short`, `http` (3 to 5) | −4 to +3 % | −6 to +8 % |
//!
//! So it is for recordings of a second or two, and for more threads than generations: of one generation of a 64-core
//! server, the longest path of eight threads is 1.8 to 3.0 times as short as that of one; without splitting it were 1.2 to
//! 1.5 times (`docs/performance.md`). Where two threads have several generations it hardly wins or costs.
//!
//! Predicting a checkpoint costs a twelfth of ordering and measuring what is before it (`plan::PREDICTION_SHARE`). A
//! checkpoint takes 16 bytes for every goroutine that the generation named before it, and what was measured of a part is
//! kept until the generation's last part is done.
//!
//! A pipeline of two threads, one that orders and one that measures, was no alternative: writing an event where another
//! core reads it took as long as measuring it, or longer.
//!
//! # Files, in reading order
//!
//! 1. `plan`: number of parts, split times.
//! 2. `scan_observer`: what a scan reports.
//! 3. `predictor`: which reports belong before which split time.
//! 4. `thread_walk`: what one thread's events say about the state.
//! 5. `observed_state`, `last_seen`: where that is kept.
//! 6. `predictions`, `checkpoint`: observations → checkpoints.
//! 7. `part`: the parts between them, and which of them are valid.

mod checkpoint;
mod last_seen;
mod observed_state;
mod part;
mod plan;
mod predictions;
mod predictor;
mod scan_observer;
mod thread_walk;

pub(crate) use checkpoint::Checkpoint;
pub(crate) use part::{GenerationPart, n_valid_parts};
pub(crate) use plan::Plan;
pub(crate) use predictions::{GenerationPredictions, Predictions, ScannedGeneration};
pub(crate) use predictor::{PredictorInput, StatePredictor};
pub(crate) use scan_observer::{NoObserver, ScanObserver};
