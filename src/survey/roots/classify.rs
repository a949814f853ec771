//! What stacks say: about a selection by stack, and about a server's requests. Decided once for each stack.
//!
//! The rule is a fold over the frames, from the outermost inwards. Who has the stacks does the folding: for a table of
//! stacks [`v2::classes`](crate::survey::v2::classes), for the tree of all stacks [`v1`](crate::survey::v1).
//!
//! ```text
//!  frames            main.main   main.serve   main.Handler
//!  PartialClass   ∅ ───enter──────enter─────────enter────► Classifier::class → StackClass
//! ```

use super::servers::{CONNECTION, Role, ServerStep, StackWalk, role_in};
use super::stack_class::{CallSite, StackClass};
use crate::survey::NameMatcher;
use crate::trace::gos_own::RECORDING_HANDLER;
use crate::trace::sample_stacks::is_outside_goroutines;
use rustc_hash::{FxBuildHasher, FxHashSet};
use std::hash::BuildHasher as _;

/// Most frames of a CPU sample (`maxCPUProfStack`, `runtime/cpuprof.go`, Go 1.27).
const MAX_SAMPLE_FRAMES: u32 = 64;

/// Most frames that the runtime keeps of a stack, the innermost ones (`traceStackSize`, `runtime/tracestack.go`, Go 1.27).
pub(crate) const MAX_FRAMES: u32 = 128;

/// What a function's name says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FunctionFacts {
    role: Role,
    matches: bool,
    recording: bool,
    unnamed: bool,
    /// A hash of its name.
    id: u64,
    /// It stands where a signal stopped the function that seems to call it.
    preempts: bool,
    /// A stack that begins with it lacks the goroutine's own frames.
    system: bool,
}

impl FunctionFacts {
    /// The same function, whose name may be another.
    #[must_use]
    pub(crate) fn unnamed(self) -> Self {
        Self { unnamed: true, ..self }
    }
}

/// Decides what functions and stacks say.
pub(crate) struct Classifier<'a> {
    /// Decides which names match; none without a selection.
    roots: Option<NameMatcher<'a>>,
    /// Whether the recording's own handler matches.
    names_recording: bool,
    /// Whether the function of connections matches: the selection means connections as such, not their requests.
    names_connection: bool,
    /// Whether servers' functions are functions like any others.
    ignores_servers: bool,
}

impl<'a> Classifier<'a> {
    /// For a selection by stack; with none, only servers matter.
    pub(crate) fn new(roots: Option<NameMatcher<'a>>) -> Self {
        let named = |name| roots.is_some_and(|matches| matches(name));
        let (names_recording, names_connection) = (named(RECORDING_HANDLER), named(CONNECTION));
        Self { roots, names_recording, names_connection, ignores_servers: false }
    }

    /// The same, where no requests of servers are looked for.
    pub(crate) fn without_servers(roots: Option<NameMatcher<'a>>) -> Self {
        Self { ignores_servers: true, ..Self::new(roots) }
    }

    /// What a function's name says, and the file that it is in.
    pub(crate) fn function<'f>(&self, name: &str, file: impl FnOnce() -> &'f str) -> FunctionFacts {
        let role = match role_in(name, file) {
            _ if self.ignores_servers => Role::Other,
            Role::Connection if self.names_connection => Role::Other,
            role => role,
        };
        // With no selection all handlers are looked for.
        let matches = self.roots.map_or(role == Role::GrpcMethod, |matches| matches(name));
        FunctionFacts {
            role,
            matches,
            recording: name == RECORDING_HANDLER,
            unnamed: false,
            id: FxBuildHasher.hash_one(name),
            preempts: name.starts_with("runtime.asyncPreempt"),
            system: is_outside_goroutines(name),
        }
    }

    /// Whether the classes of stacks are needed: for a selection always, else if a stack is a server's (`serves`).
    pub(crate) fn needs_classes(&self, serves: bool) -> bool {
        self.roots.is_some() || serves
    }

    /// What a stack says, all of whose frames were entered. The recording itself is no root, unless its name matches.
    pub(crate) fn class(&self, stack: PartialClass) -> StackClass {
        let step = stack.walk.step();
        StackClass {
            present: stack.depth > 0,
            matches: self.matches(stack),
            call: stack.call(),
            match_is_leaf: stack.outside_match == stack.outer,
            truncated: step == ServerStep::None && stack.depth >= MAX_FRAMES,
            step,
            hides_match: false,
            partial_sample: stack.system_root || stack.depth >= MAX_SAMPLE_FRAMES,
            unnamed: stack.unnamed,
            skippable: false,
        }
    }
}

impl Classifier<'_> {
    fn matches(&self, stack: PartialClass) -> bool {
        self.roots.is_some() && stack.matches && (self.names_recording || !stack.recording)
    }
}

/// What the outer frames of a stack say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PartialClass {
    walk: StackWalk,
    matches: bool,
    recording: bool,
    unnamed: bool,
    depth: u32,
    /// Whether the outermost function says that the goroutine's own frames are missing.
    system_root: bool,
    /// Hash of the functions outside of the outermost match, with the line of each.
    call: u64,
    /// [`functions`](Self::functions) outside of the outermost match.
    outside_match: u64,
    /// Hash of the functions, without those of a preemption.
    functions: u64,
    /// The same without the innermost.
    outer: u64,
    /// The innermost.
    leaf: u64,
    /// Whether a signal stopped it.
    preempted: bool,
}

impl PartialClass {
    /// One frame further in, at this line of its file.
    #[must_use]
    pub(crate) fn enter(self, function: FunctionFacts, line: u64) -> Self {
        let (functions, outer, leaf) = if function.preempts {
            (self.functions, self.outer, self.leaf)
        } else {
            (FxBuildHasher.hash_one((self.functions, function.id)), self.functions, function.id)
        };
        let matches = self.matches || function.matches;
        let (call, outside_match) = match (self.matches, matches) {
            (false, false) => (FxBuildHasher.hash_one((self.call, function.id, line)), 0),
            (false, true) => (self.call, self.functions),
            (true, _) => (self.call, self.outside_match),
        };
        Self {
            walk: self.walk.enter(function.role),
            matches,
            call,
            outside_match,
            recording: self.recording || function.recording,
            unnamed: self.unnamed || function.unnamed,
            depth: self.depth + 1,
            system_root: if self.depth == 0 { function.system } else { self.system_root },
            functions,
            outer,
            leaf,
            preempted: self.preempted || function.preempts,
        }
    }

    /// Which call of the matching function it shows; unknown where the stack's outer end may be cut off, or a function on
    /// it gets its name later.
    fn call(&self) -> CallSite {
        if self.matches && self.depth < MAX_FRAMES && !self.unnamed {
            CallSite::of(self.call)
        } else {
            CallSite::UNKNOWN
        }
    }

    /// Whether a match is at work, or a server's request: that goes on in a handler, whatever matches there.
    fn is_inside(&self) -> bool {
        self.matches || self.walk.is_in_request()
    }
}

/// Which stacks of stops can lack frames that match.
///
/// The runtime follows frame pointers. A function that is stopped before it has set its own, or that never does as it
/// calls none, has its caller's: so *its caller* is missing, and up to Go 1.24 the function itself, unless a signal
/// stopped it (`traceStack` and `GoStop`, `runtime/tracestack.go` and `traceruntime.go`; go.dev/issue/68090).
///
/// ```text
///  on the stack   loop  Handle  step  asyncPreempt        loop  Handle  step        loop: a stack that matches goes on
///  recorded       loop          step  asyncPreempt        loop                      from there, so it may be hidden
/// ```
///
/// All frames of all stacks are noted first.
#[derive(Default, Debug)]
pub(crate) struct HiddenMatches {
    /// The functions outside a match, and those outside these, as hashes.
    outside_match: FxHashSet<u64>,
    /// Functions that call others: they set their frame pointer.
    callers: FxHashSet<u64>,
}

impl HiddenMatches {
    /// Notes a frame, by the stack up to its caller and the stack with it. Says whether a match begins with it: then all
    /// stacks further out are to be noted as outside.
    pub(crate) fn note(&mut self, outer: &PartialClass, inner: &PartialClass) -> bool {
        if outer.depth > 0 && !inner.preempted {
            self.callers.insert(outer.leaf);
        }
        inner.is_inside() && !outer.is_inside()
    }

    /// Notes a stack from which one goes on that matches.
    pub(crate) fn note_outside(&mut self, stack: &PartialClass) {
        self.outside_match.insert(stack.functions);
    }

    /// Whether a stack can lack frames that match.
    pub(crate) fn hides(&self, stack: &PartialClass) -> bool {
        if stack.is_inside() || stack.preempted && self.callers.contains(&stack.leaf) {
            return false;
        }
        // Where nothing matches, a call may go on that was seen in an earlier generation.
        let known = if stack.preempted { stack.outer } else { stack.functions };
        self.outside_match.contains(&known) || stack.preempted && self.outside_match.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The classes of stacks, given from the outermost frame inwards, for the pattern `main.Handle`.
    fn classes(stacks: &[&[&str]]) -> Vec<StackClass> {
        let matches = |name: &str| name == "main.Handle";
        let classifier = Classifier::new(Some(&matches));
        let mut hidden = HiddenMatches::default();
        let mut of = Vec::new();
        for stack in stacks {
            let mut outer_stacks = Vec::new();
            let at = stack.iter().fold(PartialClass::default(), |outer, name| {
                let inner = outer.enter(classifier.function(name, || ""), 1);
                outer_stacks.push(outer);
                if hidden.note(&outer, &inner) {
                    for stack in &outer_stacks {
                        hidden.note_outside(stack);
                    }
                }
                inner
            });
            of.push(at);
        }
        of.into_iter()
            .map(|stack| StackClass { hides_match: hidden.hides(&stack), ..classifier.class(stack) })
            .collect()
    }

    #[test]
    fn a_stop_excludes_a_match_only_where_none_can_be_missing() {
        let stop = |stack: &[&str], with_match: bool| {
            let matching: &[&str] =
                if with_match { &["main.loop", "main.Handle", "time.Sleep"] } else { &["main.idle"] };
            let calls: &[&str] = &["main.loop", "main.other", "time.Sleep"];
            classes(&[matching, calls, stack])[2].at_stop().excludes()
        };
        let preempted = |outer: &[&'static str]| [outer, &["runtime.asyncPreempt", "runtime.asyncPreempt2"]].concat();
        assert!(!stop(&preempted(&["main.loop", "main.step"]), true), "main.Handle may have called main.step");
        assert!(stop(&preempted(&["main.loop", "main.other"]), true), "it calls others: nothing is missing");
        assert!(stop(&preempted(&["main.loop", "main.other", "main.step"]), true), "no match goes on from main.other");
        assert!(!stop(&["main.loop"], true), "up to Go 1.24");
        assert!(stop(&["main.loop", "main.other"], true));
        assert!(!stop(&preempted(&["main.loop", "main.step"]), false), "a match of an earlier generation");
        assert!(stop(&["main.loop"], false));
        assert!(!stop(&preempted(&["main.loop", "main.Handle", "main.step"]), true), "it matches");
        assert!(classes(&[&["main.loop", "main.Handle"], &["main.loop"]])[1].excludes(), "not of a stop");
    }

    #[test]
    fn a_stop_in_the_servers_loop_ends_no_request() {
        let serve = "net/http.(*conn).serve";
        let handler = [serve, "net/http.serverHandler.ServeHTTP", "net/http.HandlerFunc.ServeHTTP", "main.Hello"];
        let stacks: [&[&str]; 3] = [&handler, &[serve], &[serve, "net/http.(*response).finishRequest"]];
        let steps = classes(&stacks).into_iter().map(|class| (class.step, class.at_stop().step)).collect::<Vec<_>>();
        let between = (ServerStep::Between, ServerStep::None);
        let finish = (ServerStep::Finish, ServerStep::Finish);
        assert_eq!(steps, [(ServerStep::Handler, ServerStep::Handler), between, finish]);
    }

    #[test]
    fn a_sample_without_the_goroutines_frames_excludes_nothing() {
        let excludes = |stack: &[&str]| classes(&[stack])[0].at_sample().excludes();
        assert!(excludes(&["main.loop", "runtime.nanotime"]));
        assert!(excludes(&["runtime.main", "main.main"]));
        assert!(!excludes(&["runtime.mcall", "runtime.gosched_m"]));
        assert!(!excludes(&["runtime.nanotime1"]));
        assert!(!excludes(&["main.f"; 64]), "cut at its outer end");
        assert!(classes(&[&["runtime.mcall"]])[0].excludes(), "not of a sample");
    }
}
