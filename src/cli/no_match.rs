//! Nothing matched: what is near, what else could be tried, and which filter left nothing.

use super::args::Args;
use super::failure::{Failure, code};
use super::nearest;
use gotrace_slice::profile::{Candidates, DurationList, Selection};
use gotrace_slice::render::units::{self, Unit};
use gotrace_slice::slice::{RootBy, Selector};

/// A question that nothing matches.
#[derive(Clone, Copy)]
pub(crate) struct NoMatch<'a> {
    pub(crate) args: &'a Args,
    /// The patterns, as typed.
    pub(crate) roots: &'a [String],
    /// What could be selected.
    pub(crate) candidates: &'a Candidates,
}

impl NoMatch<'_> {
    /// Nothing matches: what is near, and what else could be tried.
    pub(crate) fn failure(&self, selector: Option<&Selector>) -> Failure {
        let Self { args, roots, candidates } = *self;
        let goroutines: u64 = candidates.traces.iter().map(|t| t.goroutines).sum();
        let asked = if roots.is_empty() {
            args.goid.iter().map(|id| format!("goroutine {id}")).collect::<Vec<_>>().join(" or ")
        } else {
            quoted(roots)
        };
        let looked = if candidates.traces.iter().any(|trace| trace.table.is_some()) {
            let requests = candidates.handlers.iter().map(|row| row.took.count() + row.took.partial).sum();
            units::counted(requests, "request")
        } else {
            units::counted(goroutines, "goroutine")
        };
        let message = format!("nothing matches {asked} ({looked} looked at)");
        let mut failure = Failure::new(message).code(code::NO_MATCH);
        if let Some(help) = selector.filter(|_| !roots.is_empty()).and_then(|s| annotated(s, candidates)) {
            return failure.help(help);
        }
        let has_signs = |p: &String| p.contains(['[', ']', '(', ')', '{', '}', '*', '+', '?', '^', '$', '|']);
        let is_text =
            |p: &String| has_signs(p) && candidates.functions.iter().any(|function| function.contains(p.as_str()));
        if !args.fixed_strings && roots.iter().any(is_text) {
            failure =
                failure.help("a function has just this in its name: -F takes the pattern as text, not as a regex");
        }
        let matches = |name: &str| selector.is_some_and(|selector| selector.roots.matches(name));
        let recording: Vec<&String> = candidates.of_recording.iter().filter(|name| matches(name)).collect();
        if let [name, ..] = recording.as_slice() {
            let name = gotrace_slice::render::clean::clean(name);
            failure = failure.help(format!("{name} served the request that recorded the trace, which is left out"));
        }
        let by = selector.map(|selector| selector.root_by).unwrap_or_default();
        let kinds =
            nearest::Kinds { functions: by.creation || by.entry || by.stack, annotations: by.task || by.region };
        let near = nearest::nearest(candidates, roots, kinds, &matches);
        if !near.is_empty() {
            failure = failure.help("near it are:");
            failure = near.iter().fold(failure, |f, name| f.help(format!("    {name}")));
            let other_case =
                |name: &str, p: &str| !name.contains(p) && name.to_lowercase().contains(p.to_lowercase().as_str());
            if !args.ignore_case && near.iter().any(|name| roots.iter().any(|p| other_case(name, p))) {
                failure = failure.help("-i ignores upper and lower case");
            }
        }
        let failure = self.reasons(selector).into_iter().fold(failure, Failure::help);
        failure.help("gotrace-slice without --root lists what can be a root")
    }

    /// Why what was asked for may be in the trace and not be found.
    fn reasons(&self, selector: Option<&Selector>) -> Vec<String> {
        let candidates = self.candidates;
        let mut reasons = Vec::new();
        let root_by = selector.map(|selector| selector.root_by).unwrap_or_default();
        let unknown = &candidates.undecided;
        if root_by.stack && unknown.count() > 0 {
            let n = units::counted(unknown.count(), "request");
            let longest = units::duration(unknown.max_ns(), Unit::Auto);
            reasons
                .push(format!("the handler of {n} left no stack (the longest took {longest}): it may be among these"));
        }
        let rows = candidates.handlers.iter().filter(|h| h.within.is_empty()).map(|h| &h.undecided);
        let in_middleware: u64 = rows.clone().map(DurationList::count).sum();
        if root_by.stack && in_middleware > 0 {
            let n = units::counted(in_middleware, "request");
            let longest = units::duration(rows.map(DurationList::max_ns).max().unwrap_or(0), Unit::Auto);
            reasons.push(format!(
                "the stacks of {n} (the longest took {longest}) end above the handlers, as in a middleware: it may be among these"
            ));
        }
        if !reasons.is_empty() {
            reasons.push("a CPU profile during the recording would show a handler that only computes".to_owned());
        }
        reasons.extend(self.older_goroutines().filter(|_| root_by.stack));
        reasons.extend(self.older_tasks().into_iter().filter(|_| root_by.task));
        reasons
    }

    /// What is said of goroutines that may have been in what was asked for all the time.
    fn older_goroutines(&self) -> Option<String> {
        let candidates = self.candidates;
        let version = candidates.traces.iter().find(|trace| trace.hides_waiting_stacks).map(|trace| &trace.version)?;
        let (n, are) =
            (units::counted(candidates.older, "goroutine"), if candidates.older == 1 { "is" } else { "are" });
        (candidates.older > 0).then(|| {
            format!(
                "{n} {are} older than the trace: of one that waits all the time a trace of Go {version} has no stack, so \
                 it may be there"
            )
        })
    }

    /// What is said of tasks without a name.
    fn older_tasks(&self) -> Option<String> {
        let n = self.candidates.older_tasks;
        let (are, its) = if n == 1 {
            ("is", "its type stands in its first event")
        } else {
            ("are", "their types stand in their first events")
        };
        (n > 0).then(|| {
            format!("{} {are} older than the trace, and {its}: it may be among these", units::counted(n, "task"))
        })
    }

    /// Which filter left nothing, and what there would be without it, or without all of them; `None` when the filters
    /// are not the reason. `try_with` reads the traces again with another selector, and gives what that selects.
    pub(crate) fn filtered(
        &self,
        selector: &Selector,
        try_with: &dyn Fn(&Selector) -> Option<Selection>,
    ) -> Option<Failure> {
        let Self { args, roots, candidates } = *self;
        let asked = if roots.is_empty() { "a goroutine".to_owned() } else { quoted(roots) };
        let failure = |message: String| Some(Failure::new(message).code(code::NO_MATCH));
        if let Some((text, _)) = &args.time
            && let Some(found) = try_with(&Selector { time: None, ..selector.clone() })
        {
            let longest = candidates.traces.iter().map(|t| t.duration_ns).max().unwrap_or(0);
            let (roots, long) = (units::counted(found.roots, "root"), units::duration(longest, Unit::Auto));
            return failure(format!("nothing matches {asked} inside --time {text}: without it there would be {roots}"))
                .map(|f| f.help(format!("the trace is {long} long")));
        }
        if !args.goid.is_empty()
            && !args.root.is_empty()
            && let Some(found) = try_with(&Selector { goids: Vec::new(), ..selector.clone() })
        {
            let ids: Vec<String> = args.goid.iter().map(u64::to_string).collect();
            let roots = units::counted(found.roots, "root");
            return failure(format!(
                "nothing matches {asked} on goroutine {}: on others there would be {roots}",
                ids.join(" or ")
            ));
        }
        if !args.root_by.is_empty()
            && let Some(found) = try_with(&Selector { root_by: RootBy::default(), ..selector.clone() })
        {
            let by = [
                (found.roots_by_creation, "creation"),
                (found.roots_by_entry, "entry"),
                (found.roots_by_stack, "stack"),
            ];
            let by: Vec<String> = by.iter().filter(|(n, _)| *n > 0).map(|(n, how)| format!("{n} by {how}")).collect();
            let given: Vec<String> = args.root_by.iter().map(|by| format!("{by:?}").to_lowercase()).collect();
            let given = given.join(",");
            let failure = failure(format!(
                "nothing matches {asked} with --root-by {given}: without it there would be {}",
                by.join(", ")
            ));
            let failure = failure
                .map(|f| self.older_tasks().into_iter().filter(|_| selector.root_by.task).fold(f, Failure::help));
            return if found.roots_by_stack > 0 && !selector.root_by.stack {
                failure.map(|f| {
                    f.help(
                        "handlers of net/http run on the connection's goroutine, so they are not in a creation stack; \
                         --root-by stack finds functions on running stacks instead",
                    )
                })
            } else {
                failure
            };
        }
        let given: Vec<&str> = [
            (args.time.is_some(), "--time"),
            (!args.goid.is_empty() && !args.root.is_empty(), "--goid"),
            (!args.root_by.is_empty(), "--root-by"),
        ]
        .into_iter()
        .filter_map(|(given, name)| given.then_some(name))
        .collect();
        if given.len() < 2 || args.root.is_empty() {
            return None;
        }
        let all = Selector { time: None, goids: Vec::new(), root_by: RootBy::default(), ..selector.clone() };
        let roots = units::counted(try_with(&all)?.roots, "root");
        let given = given.join(" and ");
        failure(format!("nothing matches {asked} with {given}: without them there would be {roots}"))
    }
}

fn quoted(patterns: &[String]) -> String {
    patterns.iter().map(|p| format!("'{p}'")).collect::<Vec<_>>().join(" or ")
}

/// The option that selects tasks or regions, where these have the name.
fn annotated(selector: &Selector, candidates: &Candidates) -> Option<String> {
    let asked = |kind: &str| if kind == "task" { selector.root_by.task } else { selector.root_by.region };
    let row = candidates.annotations.iter().find(|row| !asked(row.kind) && selector.roots.matches(&row.name))?;
    let (kind, name) = (row.kind, gotrace_slice::render::clean::clean(&row.name));
    Some(format!("there are user {kind}s called '{name}': --root-by {kind} selects them"))
}
