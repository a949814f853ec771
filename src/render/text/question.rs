//! The command that made a profile, narrowed to one request.

use crate::profile::{Profile, Request};
use crate::render::clean::clean;
use crate::render::shell;

/// Where `--root` looks unless `--root-by` says otherwise.
const ALL_EVIDENCE: [&str; 3] = ["creation", "entry", "stack"];

/// The command for one request alone: the slowest on its goroutine. `None` when it could not be pasted: the trace was
/// standard input, or a name holds characters that must not reach a terminal.
pub(super) fn again(profile: &Profile, request: &Request) -> Option<String> {
    let selection = &profile.selection;
    let trace = profile.traces.get(request.trace as usize).map(|t| t.name.as_str()).filter(|&name| name != "-")?;
    let mut words: Vec<String> = Vec::new();
    let mut flag = |given: bool, name: &str| words.extend(given.then(|| name.to_owned()));
    flag(selection.fixed_strings, "-F");
    flag(selection.ignore_case, "-i");
    flag(selection.whole_life, "--whole-life");
    flag(request.partial, "--include-partial");
    for pattern in &selection.patterns {
        words.extend(["--root".to_owned(), shell::quote(pattern).into_owned()]);
    }
    if !selection.root_by.is_empty() && selection.root_by != ALL_EVIDENCE {
        words.extend(["--root-by".to_owned(), selection.root_by.join(",")]);
    }
    for pattern in &selection.exclude {
        words.extend(["--exclude".to_owned(), shell::quote(pattern).into_owned()]);
    }
    if let Some(range) = &selection.time {
        words.extend(["--time".to_owned(), shell::quote(range).into_owned()]);
    }
    words.push(format!("--goid {} --slowest 1", request.goid));
    let command = shell::select(&words.join(" "), &[trace]);
    (clean(&command) == command).then_some(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Selection, TraceInfo};

    fn asked(selection: Selection, trace: &str) -> Option<String> {
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
        assert_eq!(asked(selection, "t r.out").as_deref(), Some(expected));
        let root_by = strings(&ALL_EVIDENCE);
        let goid = Selection { root_by, ..Selection::default() };
        assert_eq!(asked(goid, "t").as_deref(), Some("gotrace-slice --goid 7 --slowest 1 t"));
    }

    #[test]
    fn what_cannot_be_pasted_is_not_offered() {
        assert_eq!(asked(Selection::default(), "-"), None);
        assert_eq!(asked(Selection::default(), "a\x1b[2J"), None);
    }
}
