//! Go's own `pprof` reads what we write, without a complaint and to the nanosecond.

use crate::go;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

fn gotrace_slice(args: &[&str], folder: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    let output = go::run(command.current_dir(folder).args(args));
    String::from_utf8(output.stdout).expect("text")
}

struct Pprof {
    tool: PathBuf,
    folder: tempfile::TempDir,
}

impl Pprof {
    /// None where Go is not at hand.
    fn build() -> Option<Self> {
        let goroot = go::toolchain(go::NEWEST)?;
        let folder = tempfile::tempdir().expect("a folder");
        Some(Self { tool: go::tool(&goroot, "pprof", folder.path()), folder })
    }

    /// Writes a profile of one of the repository's traces as `name` and gives the JSON report of the same slice.
    fn profile(&self, name: &str, trace: &str, args: &[&str]) -> serde_json::Value {
        let trace = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/traces").join(trace);
        let trace = trace.to_str().expect("a path of text");
        let json =
            gotrace_slice(&[args, &["-o", name, "-q", "-o", "-", "-f", "json", trace]].concat(), self.folder.path());
        serde_json::from_str(&json).expect("JSON")
    }

    fn raw(&self, name: &str) -> String {
        self.run(&["-raw", name])
    }

    /// Whether it has a result: where expressions match no sample, it fails.
    fn try_run(&self, args: &[&str]) -> bool {
        let mut command = Command::new(&self.tool);
        command.current_dir(self.folder.path()).env("PPROF_TMPDIR", self.folder.path()).env("HOME", self.folder.path());
        command.args(args).output().expect("it runs").status.success()
    }

    fn run(&self, args: &[&str]) -> String {
        let mut command = Command::new(&self.tool);
        command.current_dir(self.folder.path()).env("PPROF_TMPDIR", self.folder.path()).env("HOME", self.folder.path());
        let output = go::run(command.args(args));
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(complaints.trim().is_empty(), "pprof {args:?} complains: {complaints}");
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(!text.contains("Main binary filename not available"), "pprof {args:?}: {text}");
        text
    }
}

/// Sums of the columns of `-raw`.
fn raw_totals(raw: &str) -> Vec<i64> {
    let mut totals = Vec::new();
    let samples = raw.lines().skip_while(|l| *l != "Samples:").skip(2).take_while(|l| *l != "Locations");
    for line in samples {
        let Some((values, _stack)) = line.split_once(": ") else { continue };
        let values: Option<Vec<i64>> = values.split_whitespace().map(|v| v.parse().ok()).collect();
        for (i, value) in values.into_iter().flatten().enumerate() {
            totals.resize(totals.len().max(i + 1), 0);
            totals[i] += value;
        }
    }
    totals
}

/// Traces of every version and kind, with what is asked of them.
const CASES: &[(&str, &[&str])] = &[
    ("go1.26/server.trace", &["-r", "HashAndWriteHandler"]),
    ("go1.26/server.trace", &["-r", "Handler", "--stacks", "own"]),
    ("go1.26/server.trace", &["-r", ".", "--whole-life", "--include-partial"]),
    ("go1.22/waits.trace", &["-r", "KnownWaits"]),
    ("go1.23/trees.trace", &["-r", "TreeHandler"]),
    ("go1.25/cpuprof.trace", &["-r", "BurnHandler"]),
    ("go1.26/iterators.trace", &["-r", "IterHandler"]),
];

#[test]
fn every_report_of_pprof_works_and_adds_up() {
    let Some(pprof) = Pprof::build() else { return };
    for (trace, args) in CASES {
        let json = pprof.profile("p.pb.gz", trace, args);
        let total = |name: &str| json["total"][name].as_i64().expect("a total");
        let raw = pprof.run(&["-raw", "p.pb.gz"]);
        // pprof marks the default among them.
        let types = raw.replace("[dflt]", "");
        assert!(types.contains("events/count goroutine/nanoseconds latency/nanoseconds"), "{trace}: {raw}");
        let totals = raw_totals(&raw);
        let latency = json["total"]["latency_ns"].as_i64().unwrap_or(0);
        assert_eq!(totals[..3], [total("events"), total("goroutine_ns"), latency], "{trace} {args:?}");

        let name = trace.rsplit('/').next().unwrap_or_default();
        for report in ["-top", "-peek=.", "-tags", "-traces", "-tree"] {
            let text = pprof.run(&[report, "p.pb.gz"]);
            assert!(report == "-tags" || text.starts_with(&format!("File: {name}\n")), "{trace} {report}: {text}");
            assert!(text.lines().count() > 5, "{trace} {report}: {text}");
        }
        let top =
            pprof.run(&["-top", "-unit=ns", "-nodefraction=0", "-nodecount=0", "-sample_index=goroutine", "p.pb.gz"]);
        for state in json["states"].as_array().expect("states") {
            let line = top.lines().find(|l| l.ends_with(&format!(" [{}]", state["state"].as_str().expect("a name"))));
            let flat = line.and_then(|l| l.split_whitespace().next()).and_then(|v| v.strip_suffix("ns"));
            assert_eq!(flat, Some(state["goroutine_ns"].to_string().as_str()), "{trace}: {state}\n{top}");
        }
    }
}

/// The samples of `-traces`, each as its values of all kinds and its stack, added up by stack.
fn by_stack(raw: &str) -> BTreeMap<Vec<String>, Vec<i64>> {
    let (samples, locations) = raw.split_once("\nLocations\n").expect("both parts");
    let names: BTreeMap<&str, String> = locations
        .lines()
        .filter_map(|line| line.trim().split_once(": 0x0 M=1 "))
        .map(|(id, frame)| (id, frame.rsplit_once(" s=").map_or(frame, |(name, _)| name).to_owned()))
        .collect();
    let mut sums: BTreeMap<Vec<String>, Vec<i64>> = BTreeMap::new();
    for line in samples.lines().skip_while(|line| *line != "Samples:").skip(2) {
        let Some((values, stack)) = line.split_once(": ") else { continue };
        let Some(values) = values.split_whitespace().map(|v| v.parse().ok()).collect::<Option<Vec<i64>>>() else {
            continue;
        };
        let stack = stack.split_whitespace().map(|id| names[id].clone()).collect();
        let sum = sums.entry(stack).or_insert_with(|| vec![0; values.len()]);
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
    sums
}

/// What a filter leaves, stack by stack, is what pprof leaves of the whole profile with its own options.
#[test]
fn stacks_are_chosen_as_pprof_chooses_them() {
    let Some(pprof) = Pprof::build() else { return };
    let filters: &[&[(&str, &str)]] = &[
        &[("focus", "HashAndWrite")],
        &[("focus", r"\.go$"), ("ignore", "os\\.")],
        &[("focus", r"^\[syscall\]$")],
        &[("ignore", "syscall")],
        &[("hide", "^net/http"), ("focus", "net/http")],
        &[("show-from", r"^main\.")],
        &[("show-from", "server.go"), ("hide", "serverHandler|ServeMux")],
        &[("show-from", r"\[running\]|os\.")],
        &[("focus", "main"), ("ignore", "Sync"), ("hide", "runtime|Once"), ("show-from", "Handler")],
        &[("focus", "nowhere at all")],
    ];
    let mut stacks = 0;
    for (trace, args) in CASES {
        pprof.profile("whole.pb.gz", trace, args);
        for filter in filters {
            let ours: Vec<String> =
                filter.iter().flat_map(|(name, regex)| [format!("--{name}"), (*regex).to_owned()]).collect();
            let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
            let json = pprof.profile("ours.pb.gz", trace, &[args, ours.as_slice()].concat());
            let theirs: Vec<String> =
                filter.iter().map(|(name, regex)| format!("-{}={regex}", name.replace('-', "_"))).collect();
            let mut command = vec!["-proto", "-output=theirs.pb.gz", "-symbolize=none"];
            command.extend(theirs.iter().map(String::as_str));
            command.push("whole.pb.gz");
            let ran = pprof.try_run(&command);
            let [ours, theirs] = if ran {
                [pprof.raw("ours.pb.gz"), pprof.raw("theirs.pb.gz")]
            } else {
                [pprof.raw("ours.pb.gz"), String::new()]
            };
            let ours = by_stack(&ours);
            if theirs.is_empty() {
                assert!(ours.is_empty(), "{trace} {filter:?}: pprof has none, and we have {ours:#?}");
                continue;
            }
            assert_eq!(ours, by_stack(&theirs), "{trace} {args:?} {filter:?}");
            let sum = |kind: usize| ours.values().map(|values| values[kind]).sum::<i64>();
            assert_eq!([sum(0), sum(1)], ["events", "goroutine_ns"].map(|kind| json["total"][kind].as_i64().unwrap()));
            stacks += ours.len();
        }
    }
    assert!(stacks > 500, "{stacks} stacks were compared");
}

/// The same of a comparison: what a filter leaves of it is what pprof leaves of the whole signed profile.
#[test]
fn stacks_of_a_comparison_are_chosen_as_pprof_chooses_them() {
    let Some(pprof) = Pprof::build() else { return };
    let filters: &[&[(&str, &str)]] = &[
        &[("focus", "writeData")],
        &[("ignore", "syscall|Sync")],
        &[("focus", r"server\.go"), ("hide", "^net/http")],
        &[("show-from", r"^os\.")],
        &[("focus", "nowhere at all")],
    ];
    // Sums over all requests, as those of a mean one are rounded stack by stack; with lines, as pprof looks at files too.
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/traces/go1.25/server.trace");
    let base = base.to_str().expect("a path of text");
    let asked = ["-r", "HashAndWriteHandler", "--vs", base, "--total", "--by", "line"];
    let whole = pprof.profile("whole.pb.gz", "go1.26/server.trace", &asked);
    let mut stacks = 0;
    for filter in filters {
        let ours = filter.iter().flat_map(|(name, regex)| [format!("--{name}"), (*regex).to_owned()]);
        let ours: Vec<String> = asked.iter().map(|word| (*word).to_owned()).chain(ours).collect();
        let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
        let json = pprof.profile("ours.pb.gz", "go1.26/server.trace", &ours);
        let theirs = filter.iter().map(|(name, regex)| format!("-{}={regex}", name.replace('-', "_")));
        let command: Vec<String> = ["-proto", "-output=theirs.pb.gz", "-symbolize=none"]
            .map(str::to_owned)
            .into_iter()
            .chain(theirs)
            .chain(["whole.pb.gz".to_owned()])
            .collect();
        let ran = pprof.try_run(&command.iter().map(String::as_str).collect::<Vec<_>>());
        // New less base: pprof adds up what `hide` makes alike on both sides.
        let of = |name: &str| by_stack(&pprof.raw(name));
        let (ours, theirs) = (of("ours.pb.gz"), if ran { of("theirs.pb.gz") } else { BTreeMap::new() });
        assert_eq!(ours, theirs, "{filter:?}");
        let sum: i64 = ours.values().map(|values| values[0]).sum();
        assert_eq!(json["diff"]["filter"]["shown"]["delta_ns"].as_i64(), Some(sum), "{filter:?}");
        // The verdict and the states are of all.
        for name in ["states", "delta_ns", "mean", "quantiles", "verdict"] {
            assert_eq!(json["diff"][name], whole["diff"][name], "{name}");
        }
        assert_eq!(json["answer"], whole["answer"]);
        stacks += ours.len();
    }
    assert!(stacks > 20, "{stacks} stacks were compared");
}

#[test]
fn labels_hold_all_of_the_time() {
    let Some(pprof) = Pprof::build() else { return };
    let json = pprof.profile("p.pb.gz", "go1.26/server.trace", &["-r", "Handler"]);
    let tags = pprof.run(&["-tags", "-unit=ns", "-sample_index=goroutine", "p.pb.gz"]);
    let total = json["total"]["goroutine_ns"].as_u64().expect("a total");
    for key in ["state", "root"] {
        let line = tags.lines().find(|l| l.trim_start().starts_with(&format!("{key}: Total")));
        let of_key = line.and_then(|l| l.split_whitespace().nth(2)).and_then(|v| v.strip_suffix("ns"));
        assert_eq!(of_key, Some(total.to_string().as_str()), "{key}\n{tags}");
    }
    // A filter by label leaves exactly that state.
    let syscall = pprof.run(&["-top", "-unit=ns", "-tagfocus=state=syscall", "-sample_index=goroutine", "p.pb.gz"]);
    let state = json["states"].as_array().expect("states").iter().find(|s| s["state"] == "syscall").expect("syscall");
    assert!(syscall.contains(&format!("Showing nodes accounting for {}ns", state["goroutine_ns"])), "{syscall}");
}

#[test]
fn comparisons_work() {
    let Some(pprof) = Pprof::build() else { return };
    pprof.profile("a.pb.gz", "go1.26/server.trace", &["-r", "HashAndWriteHandler"]);
    pprof.profile("b.pb.gz", "go1.26/server.trace", &["-r", "WriteNoHashHandler"]);
    let nothing = pprof.run(&["-raw", "-diff_base=a.pb.gz", "a.pb.gz"]);
    assert!(raw_totals(&nothing).iter().all(|total| *total == 0), "{nothing}");
    let difference = pprof.run(&["-top", "-diff_base=b.pb.gz", "a.pb.gz"]);
    assert!(difference.contains("[running]"), "{difference}");
}

/// The signed profile of a comparison shows what `-diff_base` makes of two profiles per request.
#[test]
fn a_comparison_is_what_diff_base_shows() {
    let Some(pprof) = Pprof::build() else { return };
    let trace = |version: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/traces").join(version).join("server.trace");
        path.to_str().expect("text").to_owned()
    };
    let (new, base) = (trace("go1.26"), trace("go1.25"));
    let ask = |args: &[&str]| gotrace_slice(&[&["-r", "HashAndWriteHandler"], args].concat(), pprof.folder.path());
    ask(&["--per-request", "-q", "-o", "a.pb.gz", &base]);
    ask(&["--per-request", "-q", "-o", "b.pb.gz", &new]);
    let json = ask(&["--vs", &base, "-q", "-o", "d.pb.gz", "-o", "-", "-f", "json", &new]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let top = ["-top", "-unit=ns", "-nodefraction=0", "-nodecount=0", "-sample_index=latency"];
    let signed = pprof.run(&[&top[..], &["d.pb.gz"]].concat());
    let by_pprof = pprof.run(&[&top[..], &["-diff_base=a.pb.gz", "b.pb.gz"]].concat());
    let total = format!("of {}ns total", json["diff"]["base_ns"]);
    assert!(signed.contains(&total) && by_pprof.contains(&total), "{total}\n{signed}\n{by_pprof}");
    let flat = |report: &str, state: &str| -> i64 {
        let line = report.lines().find(|l| l.ends_with(&format!(" [{state}]")));
        let value = line.and_then(|l| l.split_whitespace().next()).unwrap_or("0");
        value.trim_end_matches("ns").parse().expect("a number")
    };
    for row in json["diff"]["states"].as_array().expect("states") {
        let state = row["state"].as_str().expect("a name");
        let delta = row["delta_ns"].as_i64().expect("a number");
        // Each file rounds its own rows, and there are some dozens of them.
        let (ours, theirs) = (flat(&signed, state), flat(&by_pprof, state));
        assert!((ours - delta).abs() <= 64 && (theirs - delta).abs() <= 64, "{row}: {ours} {theirs}");
    }
}
