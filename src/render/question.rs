//! The command that made a profile, narrowed to one request or otherwise changed.

use crate::compare::{CompareOptions, Comparison, MatchBy, Side};
use crate::profile::{Profile, Request, SelectAlone, Selection, TraceInfo};
use crate::render::clean::clean;
use crate::render::shell;

/// Where `--root` looks unless `--root-by` says otherwise.
const ALL_EVIDENCE: [&str; 3] = ["creation", "entry", "stack"];

/// What chooses the slowest request on goroutine 0.
const SLOWEST_ON_0: &str = "--goid 0 --slowest 1";

/// The options that chose which stacks are shown, as they would be typed, and safe to print.
pub(crate) fn stack_options(options: &[(&str, String)]) -> String {
    let words = options.iter().map(|(name, regex)| format!("{name} {}", shell::quote(regex)));
    clean(&words.collect::<Vec<_>>().join(" ")).into_owned()
}

/// The command for one request alone: the slowest on its goroutine. `None` when it could not be pasted: the trace was
/// standard input, or a name holds characters that must not reach a terminal.
pub(crate) fn again(profile: &Profile, request: &Request) -> Option<String> {
    let selection = &profile.selection;
    let trace = profile.traces.get(request.trace as usize).map(TraceInfo::file).filter(|&name| name != "-")?;
    let mut words = asked(selection, request.partial);
    words.push(format!("--goid {} --slowest 1", request.goid));
    pasteable(&shell::select(&words.join(" "), &[trace]))
}

/// The command for one request of a trace, by its position, with words of the caller in place of those that choose it.
pub(crate) fn one_of(profile: &Profile, trace: usize, words: &str) -> Option<String> {
    // By its goroutine alone, the goroutine's whole life would be one.
    if profile.selection.patterns.is_empty() && profile.selection.goids.is_empty() {
        return None;
    }
    let request = Request { trace: trace as u32, ..Request::default() };
    let (before, after) =
        again(profile, &request)?.rsplit_once(SLOWEST_ON_0).map(|(b, a)| (b.to_owned(), a.to_owned()))?;
    Some(format!("{before}{words}{after}"))
}

/// The command with further options. `None` when it could not be pasted.
pub(crate) fn with(profile: &Profile, options: &str) -> Option<String> {
    let selection = &profile.selection;
    let mut traces: Vec<&str> = profile.traces.iter().map(TraceInfo::file).collect();
    // A table can have many traces.
    traces.dedup();
    if traces.is_empty() || traces.contains(&"-") {
        return None;
    }
    let mut words = asked(selection, profile.requests.as_ref().is_some_and(|r| r.include_partial));
    words.extend(selection.goids.iter().map(|id| format!("--goid {id}")));
    words.push(options.to_owned());
    pasteable(&shell::select(&words.join(" "), &traces))
}

/// The command that compares the same again, with further options. `None` when it could not be pasted.
pub(crate) fn comparison(comparison: &Comparison, options: &str) -> Option<String> {
    let files = |side: &Side| side.traces.iter().map(|trace| trace.file().to_owned()).collect::<Vec<_>>();
    let (base, new) = (files(&comparison.base), files(&comparison.new));
    if new.is_empty() || base.iter().chain(&new).any(|file| file == "-") {
        return None;
    }
    let CompareOptions { by, total, roots_alike } = comparison.options;
    let selection = &comparison.new.selection;
    let mut words = asked(selection, comparison.new.include_partial);
    words.extend(selection.goids.iter().map(|id| format!("--goid {id}")));
    if roots_alike {
        let patterns = &comparison.base.selection.patterns;
        words.extend(patterns.iter().flat_map(|p| ["--vs-root".to_owned(), shell::quote(p).into_owned()]));
    }
    if !roots_alike || base != new {
        words.extend(base.iter().flat_map(|file| ["--vs".to_owned(), shell::file(file).into_owned()]));
    }
    words.extend(comparison.new.only.clone());
    match by {
        MatchBy::Function => {}
        MatchBy::Line => words.push("--by line".to_owned()),
        MatchBy::Depth(depth) => words.push(format!("--by {depth}")),
    }
    words.extend(total.then(|| "--total".to_owned()));
    words.extend(comparison.filtered.as_ref().map(|filtered| stack_options(&filtered.options)));
    words.push(options.to_owned());
    pasteable(&shell::select(&words.join(" "), &new.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// What selects the roots.
fn asked(selection: &Selection, include_partial: bool) -> Vec<String> {
    let mut words = syntax(selection);
    words.extend(followed(selection, include_partial));
    words.extend(roots(&selection.patterns));
    if !selection.root_by.is_empty() && selection.root_by != ALL_EVIDENCE {
        words.extend(["--root-by".to_owned(), selection.root_by.join(",")]);
    }
    words.extend(filters(selection));
    words
}

/// The command for roots of one kind alone that are not counted, because requests on a server are: for stretches, or for
/// goroutines. `None` where nothing is known to give exactly these, or it could not be pasted.
pub(crate) fn alone(profile: &Profile, stretches: bool) -> Option<String> {
    let selection = &profile.selection;
    let (how, root_by) =
        if stretches { (selection.stretches_alone, "stack") } else { (selection.goroutines_alone, "creation,entry") };
    let [trace] = profile.traces.as_slice() else { return None };
    if how == SelectAlone::Nothing || trace.name == "-" {
        return None;
    }
    let by_name = how == SelectAlone::ByName;
    // They are read like the patterns.
    if by_name && !selection.exclude.is_empty() && !syntax(selection).is_empty() {
        return None;
    }
    let mut words = if by_name { Vec::new() } else { syntax(selection) };
    words.extend(followed(selection, profile.requests.as_ref().is_some_and(|r| r.include_partial)));
    words.extend(if by_name { roots(&names(selection, stretches)) } else { roots(&selection.patterns) });
    words.extend(["--root-by".to_owned(), root_by.to_owned()]);
    words.extend(filters(selection));
    words.extend(selection.goids.iter().map(|id| format!("--goid {id}")));
    pasteable(&shell::select(&words.join(" "), &[&trace.name]))
}

/// Patterns for the functions that matched, each for one alone.
fn names(selection: &Selection, stretches: bool) -> Vec<String> {
    let of_kind = selection.others.iter().filter(|m| (m.by == "stack") == stretches);
    let mut names: Vec<String> = of_kind.map(|m| format!("^{}$", shell::literal(&m.function))).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// How patterns are read.
fn syntax(selection: &Selection) -> Vec<String> {
    given(&[(selection.fixed_strings, "-F"), (selection.ignore_case, "-i")])
}

/// How far roots count.
fn followed(selection: &Selection, include_partial: bool) -> Vec<String> {
    given(&[(selection.whole_life, "--whole-life"), (include_partial, "--include-partial")])
}

fn given(flags: &[(bool, &str)]) -> Vec<String> {
    flags.iter().filter(|(given, _)| *given).map(|(_, name)| (*name).to_owned()).collect()
}

fn roots(patterns: &[String]) -> Vec<String> {
    patterns.iter().flat_map(|p| ["--root".to_owned(), shell::quote(p).into_owned()]).collect()
}

fn filters(selection: &Selection) -> Vec<String> {
    let mut words = Vec::new();
    for pattern in &selection.exclude {
        words.extend(["--exclude".to_owned(), shell::quote(pattern).into_owned()]);
    }
    if let Some(range) = &selection.time {
        words.extend(["--time".to_owned(), shell::quote(range).into_owned()]);
    }
    words
}

fn pasteable(command: &str) -> Option<String> {
    (clean(command) == command).then(|| command.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{MatchedFunction, TraceInfo};

    fn again_of(selection: Selection, trace: &str) -> Option<String> {
        let traces = vec![TraceInfo { name: trace.into(), ..TraceInfo::default() }];
        let request = Request { goid: 7, ..Request::default() };
        again(&Profile { traces, selection, ..Profile::default() }, &request)
    }

    #[test]
    fn all_that_selects_is_repeated() {
        let strings = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let selection = Selection {
            patterns: strings(&["(*S).H"]),
            root_by: strings(&["stack"]),
            exclude: strings(&["pool"]),
            time: Some("-2s".into()),
            fixed_strings: true,
            whole_life: true,
            ..Selection::default()
        };
        let expected = "gotrace-slice -F --whole-life --root '(*S).H' --root-by stack --exclude pool --time -2s \
                        --goid 7 --slowest 1 't r.out'";
        let traces = vec![TraceInfo { name: "t r.out".into(), ..TraceInfo::default() }];
        let profile = Profile { traces, selection: selection.clone(), ..Profile::default() };
        let one = one_of(&profile, 0, "CHOICE").unwrap_or_default();
        assert_eq!(one, expected.replace("--goid 7 --slowest 1", "CHOICE"));
        assert_eq!(one_of(&profile, 1, "CHOICE"), None);
        // By its goroutine alone, a request would be the goroutine's whole life.
        let endpoints = Profile { selection: Selection::default(), ..profile };
        assert_eq!(one_of(&endpoints, 0, "CHOICE"), None);
        assert_eq!(again_of(selection, "t r.out").as_deref(), Some(expected));
        let root_by = strings(&ALL_EVIDENCE);
        let goid = Selection { root_by, ..Selection::default() };
        assert_eq!(again_of(goid, "t").as_deref(), Some("gotrace-slice --goid 7 --slowest 1 t"));
    }

    #[test]
    fn what_is_not_counted_has_a_command_of_its_own() {
        let traces = vec![TraceInfo { name: "t".into(), ..TraceInfo::default() }];
        let other = |function: &str, by| MatchedFunction {
            function: function.into(),
            by,
            requests: 1,
            ..MatchedFunction::default()
        };
        let others = vec![other("main.(*C).run", "entry"), other("main.poll", "stack")];
        let selection = Selection {
            patterns: vec!["run".into()],
            ignore_case: true,
            goids: vec![7],
            goroutines_alone: SelectAlone::AsAsked,
            stretches_alone: SelectAlone::ByName,
            others,
            ..Selection::default()
        };
        let mut profile = Profile { traces, selection, ..Profile::default() };
        let command = |profile: &Profile, stretches| alone(profile, stretches).unwrap_or_default();
        assert_eq!(command(&profile, false), "gotrace-slice -i --root run --root-by creation,entry --goid 7 t");
        assert_eq!(command(&profile, true), r"gotrace-slice --root '^main\.poll$' --root-by stack --goid 7 t");
        profile.selection.goroutines_alone = SelectAlone::ByName;
        let by_name = r"gotrace-slice --root '^main\.\(\*C\)\.run$' --root-by creation,entry --goid 7 t";
        assert_eq!(command(&profile, false), by_name);
        profile.traces.push(profile.traces[0].clone());
        assert_eq!(alone(&profile, false), None);
    }

    #[test]
    fn a_comparison_is_made_again() {
        let side = |pattern: &str, files: &[&str]| Side {
            traces: files.iter().map(|name| TraceInfo { name: (*name).into(), ..TraceInfo::default() }).collect(),
            selection: Selection { patterns: vec![pattern.into()], fixed_strings: true, ..Selection::default() },
            ..Side::default()
        };
        let mut of = crate::render::testing::sample_comparison();
        of.options = CompareOptions::default();
        (of.new, of.base) = (side("(*S).H", &["b.out"]), side("(*S).H", &["-a.out"]));
        let command = |of: &Comparison| comparison(of, "-o x.html").unwrap_or_default();
        assert_eq!(command(&of), "gotrace-slice -F --root '(*S).H' --vs ./-a.out -o x.html b.out");
        of.options = CompareOptions { by: MatchBy::Depth(3), total: true, roots_alike: true };
        (of.base, of.new.only) = (side("G", &["b.out"]), Some("--only p95..".to_owned()));
        assert_eq!(
            command(&of),
            "gotrace-slice -F --root '(*S).H' --vs-root G --only p95.. --by 3 --total -o x.html b.out"
        );
        of.base = side("G", &["-"]);
        assert_eq!(comparison(&of, ""), None);
    }

    #[test]
    fn what_cannot_be_pasted_is_not_offered() {
        assert_eq!(again_of(Selection::default(), "-"), None);
        assert_eq!(again_of(Selection::default(), "a\x1b[2J"), None);
    }
}
