//! Names near the one that selected nothing.

use gotrace_slice::profile::{Candidates, is_std};

/// Names given at most.
const MAX_NAMES: usize = 3;
/// Rows looked at, and characters of each name: enough for people, bounded for hostile traces.
const MAX_ROWS: usize = 2_000;
const MAX_CHARS: usize = 160;

/// What can be a root, as it was asked.
#[derive(Clone, Copy)]
pub(crate) struct Kinds {
    pub(crate) functions: bool,
    pub(crate) annotations: bool,
}

/// Functions on stacks, tasks and regions nearest to any of the patterns, best first: those that contain the pattern
/// in another case, then those whose name is the fewest edits away. One that `matches` as it is was not what was missing.
pub(crate) fn nearest<'a>(
    candidates: &'a Candidates,
    patterns: &[String],
    kinds: Kinds,
    matches: &dyn Fn(&str) -> bool,
) -> Vec<&'a str> {
    let patterns: Vec<String> =
        patterns.iter().flat_map(|p| [plain(p), plain(&without_brackets(p))]).filter(|p| !p.is_empty()).collect();
    let rows = candidates.rows.iter().take(if kinds.functions { MAX_ROWS } else { 0 });
    let annotations = candidates.annotations.iter().take(if kinds.annotations { MAX_ROWS } else { 0 });
    let annotations = annotations.map(|a| a.name.as_str());
    let functions = || candidates.functions.iter().filter(|_| kinds.functions).map(String::as_str);
    // Of all functions those that contain the pattern are found, of some also those that differ by a few letters.
    let contains = |name: &&str| patterns.iter().any(|p| plain(name).contains(p.as_str()));
    let mut scored: Vec<(usize, &str)> = rows
        .flat_map(|r| [r.entry.as_str(), r.creation_site.as_str()])
        .chain(annotations)
        .chain(functions().take(MAX_ROWS))
        .chain(functions().skip(MAX_ROWS).filter(contains))
        .filter(|name| !name.is_empty() && !matches(name))
        .filter_map(|name| Some((patterns.iter().filter_map(|p| distance(p, name)).min()?, name)))
        .collect();
    // Of equals the program's own come first; stable, so that the one with the most time stays first among them.
    scored.sort_by_key(|(distance, name)| (*distance, is_std(name)));
    let mut names: Vec<&str> = Vec::new();
    for (_, name) in scored {
        if names.len() < MAX_NAMES && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// A pattern or name without regex signs and without the `[...]` that stands for type arguments, in lower case.
fn plain(pattern: &str) -> String {
    let signs = |c: &char| !r"^$\|?*+()[]{}".contains(*c);
    pattern.replace("[...]", "").chars().filter(signs).take(MAX_CHARS).collect::<String>().to_lowercase()
}

/// A pattern without what stands in brackets: type arguments, which no name in a trace has, or a class of a regex.
fn without_brackets(pattern: &str) -> String {
    let outside = pattern.split('[').enumerate().map(|(i, part)| match part.split_once(']') {
        Some((_, rest)) if i > 0 => rest,
        _ => part,
    });
    outside.collect()
}

/// How far a name is from a pattern; none when they have too little in common to be worth a mention.
fn distance(pattern: &str, name: &str) -> Option<usize> {
    let name: String = plain(name);
    if name.contains(pattern) {
        return Some(0);
    }
    let last = name.rsplit(['/', '.']).next().unwrap_or(&name);
    let wanted = pattern.rsplit(['/', '.']).next().unwrap_or(pattern);
    if grpc_method(last) == Some(wanted) {
        return Some(1);
    }
    let edits = edits(wanted, last).min(edits(pattern, &name));
    // The last part alone is less than the whole pattern.
    (edits <= 1 + wanted.chars().count() / 3).then_some(edits.max(1))
}

/// The method of which a function is the handler that gRPC's compiler made, in lower case: `hash` of `_shop_hash_handler`. Where
/// the method left no stack of its own, this one may have.
fn grpc_method(function: &str) -> Option<&str> {
    let (_, method) = function.strip_prefix('_')?.strip_suffix("_handler")?.rsplit_once('_')?;
    Some(method)
}

/// Levenshtein's distance, in memory linear in `b`.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let change = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use gotrace_slice::profile::{AnnotationCandidate, Candidate};

    fn candidates(entries: &[&str]) -> Candidates {
        let row = |e: &&str| Candidate { entry: (*e).to_owned(), ..Candidate::default() };
        Candidates { rows: entries.iter().map(row).collect(), ..Candidates::default() }
    }

    fn names<'a>(candidates: &'a Candidates, patterns: &[String]) -> Vec<&'a str> {
        let all = Kinds { functions: true, annotations: true };
        nearest(candidates, patterns, all, &|name| patterns.iter().any(|p| p == name))
    }

    #[test]
    fn what_matches_is_not_near() {
        let c = candidates(&["main.(*S).serveHTTP", "main.(*S).ServeHTTP"]);
        assert_eq!(names(&c, &["main.(*S).ServeHTTP".into()]), ["main.(*S).serveHTTP"]);
    }

    #[test]
    fn other_case_first_then_fewest_edits() {
        let c = candidates(&["main.worker", "main.Handlr", "main.(*S).handler", "net/http.(*conn).serve"]);
        assert_eq!(names(&c, &["Handler".into()]), ["main.(*S).handler", "main.Handlr"]);
        assert_eq!(names(&c, &["Worker$".into()]), ["main.worker"]);
        assert!(names(&c, &["(".into()]).is_empty());
    }

    #[test]
    fn functions_on_stacks_are_near_too() {
        let functions = ["main.(*DB).GetUser", "main.getUsers", "fmt.Println"].map(str::to_owned).to_vec();
        let c = Candidates { functions, ..candidates(&["main.worker"]) };
        assert_eq!(names(&c, &["getuser".into()]), ["main.(*DB).GetUser", "main.getUsers"]);
        assert_eq!(names(&c, &["GetUsr".into()]), ["main.(*DB).GetUser", "main.getUsers"]);
    }

    #[test]
    fn what_cannot_be_a_root_as_asked_is_not_near() {
        let functions = vec!["runtime/trace.(*Task).End".to_owned()];
        let task = AnnotationCandidate { name: "task.end".to_owned(), ..AnnotationCandidate::default() };
        let c = Candidates { functions, annotations: vec![task], ..candidates(&["main.end"]) };
        let near = |functions, annotations| {
            nearest(&c, &["End".into()], Kinds { functions, annotations }, &|name| name == "nothing")
        };
        assert_eq!(near(false, true), ["task.end"]);
        assert_eq!(near(true, false), ["main.end", "runtime/trace.(*Task).End"]);
        assert_eq!(near(true, true).len(), 3);
    }

    #[test]
    fn the_handler_that_grpc_made_is_near_its_method() {
        let c = candidates(&["main._Shop_Hash_Handler", "main._Shop_Price_Handler", "runtime.mapassign"]);
        assert_eq!(names(&c, &["main.Hash".into()]), ["main._Shop_Hash_Handler"]);
        assert_eq!(names(&c, &["main.Cash".into()]), [""; 0]);
        // The program's own come first.
        let c = candidates(&["time.sleep", "main.Sleep"]);
        assert_eq!(names(&c, &["Sleepy".into()]), ["main.Sleep", "time.sleep"]);
    }

    #[test]
    fn type_arguments_are_no_difference() {
        let c = candidates(&["main.(*box[...]).Serve", "net/http.(*conn).serve", "main.load[...]", "main.download"]);
        assert_eq!(names(&c, &["main.(*box[string]).Serve".into()])[0], "main.(*box[...]).Serve");
        assert_eq!(names(&c, &["main.load[int]".into()])[0], "main.load[...]");
        assert_eq!(names(&c, &["main.box[...].Serve".into()])[0], "main.(*box[...]).Serve");
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
    }
}
