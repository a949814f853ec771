//! Own stacks → the parts of a goroutine's life that can be roots.
//!
//! *In:* one goroutine's evidence in its own order ([`tracker::RootEvidence`]). *Out:* stretches with a matching function
//! on the stack, and requests of servers ([`tracker::RootPart`]), which [`served::Served`] files: those that match in the
//! forest, the others in the list of handlers.
//!
//! 1. `servers.rs`: which functions belong to a server, and what a stack says about its requests.
//! 2. `classify.rs`: what a stack says (`stack_class.rs`), decided once: whether it matches, and where in a server it is.
//! 3. `stretches.rs`: stretches between stacks that do not match; the borders are inferred.
//! 4. `connections.rs`: requests of one HTTP/1 connection; the borders are what the server does around them.
//! 5. `workers.rs`: calls of gRPC's stream workers; the borders are inferred.
//! 6. `tracker.rs`: follows one goroutine, and uses the three above.
//! 7. `paths.rs`: which functions the stacks of a request go through, from its handler on.
//! 8. `served.rs`: takes the parts. A goroutine that serves one request alone (HTTP/2, gRPC) needs no tracker: it is a
//!    root as a whole.

pub(crate) mod classify;
pub(crate) mod connections;
pub(crate) mod paths;
pub(crate) mod served;
pub(crate) mod servers;
pub(crate) mod stack_class;
pub(crate) mod stack_evidence;
pub(crate) mod stretches;
pub(crate) mod tracker;
pub(crate) mod workers;
