//! What the integration tests share: the traces in the repository, and Go's own verdict on them.
#![allow(unreachable_pub, reason = "nothing is reachable from outside a test binary")]
#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]
#![allow(clippy::print_stdout, reason = "tests say what they skip")]

pub mod evil;
pub mod mutate;
pub mod oracle;
pub mod sim;

use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::{Profile, TraceInfo};
use gotrace_slice::slice::{RootBy, Selector};
use gotrace_slice::trace::error::Warning;
use gotrace_slice::trace::source::Source;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The project's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Whether this is a process in which `test` of `module` runs alone. If not, such a process is started and must succeed.
/// For tests that measure their process.
pub fn is_alone(module: &str, test: &str) -> bool {
    const ALONE: &str = "GOTRACE_SLICE_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let (_, module) = module.split_once("::").expect("a module of this binary");
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    let output = command.arg("--exact").arg(format!("{module}::{test}")).env(ALONE, "1").output().expect("it runs");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success() && said.contains(" 1 passed;"), "{test}: {said}");
    false
}

/// All files below `folder` with this extension, sorted.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// All recordings of a program, by all versions of Go, as `FOLDER/NAME.trace`; beside each is `NAME.json`, what the
/// program said.
pub fn recordings(name: &str) -> Vec<PathBuf> {
    let mut named = files(&root().join("testdata/traces"), "trace");
    named.retain(|path| path.file_stem().is_some_and(|stem| stem == name));
    // 1.19 is an extra.
    assert!(named.len() >= 7, "{name}: {named:?}");
    named
}

/// The folder of a recording: its format, and where that is another's too, the version that wrote it: `go1.23-by-1.24`.
pub fn version(recording: &Path) -> &str {
    let folder = recording.parent().and_then(Path::file_name).and_then(std::ffi::OsStr::to_str);
    folder.expect("a folder of traces")
}

/// The corpus of real and adversarial traces, if this machine has it.
pub fn corpus() -> Option<PathBuf> {
    let folder =
        std::env::var_os("GOTRACE_SLICE_CORPUS").map_or_else(|| root().join("../shared/corpus"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no corpus at {}; set GOTRACE_SLICE_CORPUS", folder.display());
    None
}

/// The situations of `../shared/cases`, if this machine has them.
pub fn cases() -> Option<PathBuf> {
    let folder = std::env::var_os("GOTRACE_SLICE_CASES").map_or_else(|| root().join("../shared/cases"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no cases at {}; set GOTRACE_SLICE_CASES", folder.display());
    None
}

/// Whether bytes begin as a trace of Go 1.22 or later.
pub fn is_v2(bytes: &[u8]) -> bool {
    use gotrace_slice::trace::version::{Dialect, Header, read_header};
    matches!(read_header(bytes), Header::Known(version) if matches!(version.dialect, Dialect::V2(_)))
}

/// A selection by one pattern.
pub fn selector(pattern: &str, root_by: RootBy) -> Selector {
    Selector { root_by, ..Selector::builder().root(pattern).build().expect("a valid pattern") }
}

/// The default evidence without creation and entry: requests in a function, and not goroutines that it starts.
pub fn by_stack() -> RootBy {
    RootBy { creation: false, entry: false, ..RootBy::default() }
}

/// Roots by creation and entry, followed to their ends: what Go's reader can be asked too.
pub fn whole_life(pattern: &str) -> Selector {
    Selector { whole_life: true, ..selector(pattern, RootBy { creation: true, entry: true, ..RootBy::NONE }) }
}

/// Evidence as `--root-by` names it.
pub fn root_by(names: &str) -> RootBy {
    let has = |name| names.split(',').any(|n| n == name);
    RootBy {
        creation: has("creation"),
        entry: has("entry"),
        stack: has("stack") || has("stretch"),
        stretches_alone: has("stretch"),
        task: has("task"),
        region: has("region"),
    }
}

/// A source that hands out a few bytes at a time.
pub struct Choppy<'a> {
    pub bytes: &'a [u8],
    pub step: usize,
}

impl Source for Choppy<'_> {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        let n = buf.len().min(self.step);
        self.bytes.read_at(&mut buf[..n], offset)
    }
}

/// All that a profile says, as text.
pub fn digest(profile: &Profile) -> String {
    let mut text = format!("{:?}\n{:?}\n{:?}\n", profile.traces, profile.selection, profile.warnings);
    for s in &profile.samples {
        let stack: Vec<String> = profile.tree.stack(s.stack).map(|f| format!("{}:{}", f.function, f.line)).collect();
        let _ = writeln!(
            text,
            "{} {} {:?} {} {} {:?} {stack:?}",
            s.state, s.detail, s.precision, s.root, s.waited_in, s.weight
        );
    }
    text
}

/// Each byte of a file is used, skipped or of unknown meaning, and what is skipped is listed.
pub fn every_byte_counts_once(bytes: &[u8], traces: &[TraceInfo], warnings: &[Warning]) {
    let sum = |of: fn(&TraceInfo) -> u64| traces.iter().map(of).sum::<u64>();
    let counts: Vec<_> = traces.iter().map(|trace| trace.bytes).collect();
    assert_eq!(sum(|t| t.bytes.total), bytes.len() as u64, "{counts:?} {warnings:?}");
    assert_eq!(sum(|t| t.bytes.used + t.bytes.skipped + t.bytes.unknown), bytes.len() as u64, "{counts:?}");
    let listed: u64 = warnings.iter().filter(|w| w.data_lost).map(|w| w.bytes).sum();
    let noted: u64 = warnings.iter().filter(|w| !w.data_lost).map(|w| w.bytes).sum();
    assert_eq!(sum(|t| t.bytes.skipped), listed + noted, "{counts:?} {warnings:?}");
}

/// Slices bytes.
pub fn slice(bytes: &Vec<u8>, selector: &Selector, threads: usize) -> gotrace_slice::trace::error::Result<Answer> {
    let inputs = [Input { name: "test".into(), source: bytes, resolver: None }];
    pipeline::profile(&inputs, selector, Options { threads, ..Options::default() }, None)
}

/// Slices bytes that have a match.
pub fn profile(bytes: &Vec<u8>, selector: &Selector) -> Profile {
    match slice(bytes, selector, 1) {
        Ok(Answer::Profile(profile)) => *profile,
        other => panic!("expected a profile, got {other:?}"),
    }
}

/// Slices bytes by one function, which matches.
pub fn profile_of(bytes: &Vec<u8>, function: &str, root_by: RootBy) -> Profile {
    profile(bytes, &selector(&format!("^{}$", regex::escape(function)), root_by))
}

/// State → (ns, intervals).
pub type States = BTreeMap<String, (u64, u64)>;

/// The states of a profile.
pub fn states(profile: &Profile) -> States {
    // A state that requests met in strangers alone has latency, and no goroutine time.
    let of_slice = profile.states.iter().filter(|s| s.weight.goroutine_ns > 0 || s.weight.events > 0);
    let mut found = States::new();
    for of_state in of_slice {
        // The runtime calls a wait for a pipe network.
        let name = if of_state.state == "pipe" { "network" } else { &of_state.state };
        let sum = found.entry(name.to_owned()).or_default();
        *sum = (sum.0 + of_state.weight.goroutine_ns, sum.1 + of_state.weight.events);
    }
    found
}

/// One goroutine as Go's reader saw it.
#[derive(Default)]
pub struct GoGoroutine {
    pub created: bool,
    pub parent: i64,
    pub entry: String,
    pub creation: Vec<String>,
    pub states: States,
}

/// What `streamref -mode=states -stacks` printed.
pub struct GoVerdict {
    pub goroutines: Vec<GoGoroutine>,
    pub numbers: HashMap<String, i64>,
    by_id: HashMap<i64, Vec<usize>>,
}

impl GoVerdict {
    /// Reads its text.
    pub fn parse(text: &str) -> Self {
        let mut goroutines: Vec<GoGoroutine> = Vec::new();
        let mut numbers = HashMap::new();
        let mut at: HashMap<(i64, i64), usize> = HashMap::new();
        let mut by_id: HashMap<i64, Vec<usize>> = HashMap::new();
        for line in text.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            if let Some(name) = fields[0].strip_prefix('#') {
                if let Some(Ok(value)) = fields.get(1).map(|v| v.parse()) {
                    numbers.insert(name.to_owned(), value);
                }
                continue;
            }
            let number = |i: usize| fields[i].parse::<i64>().expect("a number");
            let id = number(0);
            let i = *at.entry((id, number(1))).or_insert_with(|| {
                goroutines.push(GoGoroutine {
                    created: fields[2] == "1",
                    parent: number(3),
                    entry: fields[4].to_owned(),
                    creation: fields.get(8).into_iter().flat_map(|s| s.split(';')).map(str::to_owned).collect(),
                    states: States::new(),
                });
                by_id.entry(id).or_default().push(goroutines.len() - 1);
                goroutines.len() - 1
            });
            goroutines[i].states.insert(fields[5].to_owned(), (number(6) as u64, number(7) as u64));
        }
        Self { goroutines, numbers, by_id }
    }

    /// The states of all goroutines that match by creation or entry, and of their descendants; with their number.
    pub fn closure(&self, pattern: &str) -> (States, u64) {
        let regex = regex::Regex::new(pattern).expect("a valid pattern");
        let mut member: Vec<bool> = self
            .goroutines
            .iter()
            .map(|g| g.created && (regex.is_match(&g.entry) || g.creation.iter().any(|f| regex.is_match(f))))
            .collect();
        loop {
            let mut grew = false;
            for (i, g) in self.goroutines.iter().enumerate() {
                let parent_in = self.by_id.get(&g.parent).is_some_and(|p| p.iter().any(|&p| member[p]));
                if !member[i] && g.created && parent_in {
                    member[i] = true;
                    grew = true;
                }
            }
            if !grew {
                break;
            }
        }
        let mut sum = States::new();
        for (g, _) in self.goroutines.iter().zip(&member).filter(|(_, m)| **m) {
            for (state, (ns, events)) in &g.states {
                let total = sum.entry(state.clone()).or_default();
                // Times of damaged traces can be anything.
                total.0 = total.0.saturating_add(*ns);
                total.1 += events;
            }
        }
        (sum, member.iter().filter(|m| **m).count() as u64)
    }

    /// Every entry function and every function of a creation stack, as exact patterns.
    pub fn patterns(&self) -> Vec<String> {
        let mut names: Vec<&str> = self
            .goroutines
            .iter()
            .filter(|g| g.created)
            .flat_map(|g| g.creation.iter().chain([&g.entry]))
            .map(String::as_str)
            .filter(|n| !n.is_empty())
            .collect();
        names.sort_unstable();
        names.dedup();
        let mut patterns: Vec<String> = names.iter().map(|n| format!("^{}$", regex::escape(n))).collect();
        patterns.push(".".into());
        patterns
    }
}
