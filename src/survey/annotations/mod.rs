//! User tasks and regions (`runtime/trace`): what events say about them, which are roots, and the list of all.
//!
//! *In:* an [`AnnotationEvent`](kind::AnnotationEvent) for each event that says something, one goroutine's in its own
//! order, and the ends of goroutines. *Out:* [`Annotated`](crate::survey::Annotated), the tasks and regions that match
//! and who worked in them; or, without a selection, one row per type.
//!
//! 1. `kind.rs`: what an event says, with names and goroutines as the caller has them.
//! 2. `sink.rs`: hands events to one of the two below.
//! 3. `regions.rs`: when each region of a goroutine was over. `list.rs`: counts tasks and regions by type.
//! 4. `roots.rs`: which tasks and regions match (`root_builder.rs`), and, with `worker.rs`, what each goroutine did for
//!    them: spans of work, which may overlap.
//! 5. `exclusive_work.rs`: spans → stretches that do not overlap, as a goroutine's time counts once.
//!
//! `task_ids.rs` finds tasks with the same id.

pub(crate) mod exclusive_work;
pub(crate) mod kind;
pub(crate) mod list;
pub(crate) mod regions;
pub(crate) mod root_builder;
pub(crate) mod roots;
pub(crate) mod sink;
pub(crate) mod task_ids;
pub(crate) mod worker;
