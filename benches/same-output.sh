#!/usr/bin/env bash
# Compares two builds of gotrace-slice: standard output, standard error, exit code and every output format must be
# the same to the byte, over all traces and many ways to ask. For changes that must not change anything.
#
#	same-output.sh OLD NEW [TRACE...]     default traces: testdata, and the corpus where it is there
#
#	THREADS="1 2 5"          the threads of NEW, each compared with OLD on two threads
#	QUICK=1                  one trace of seven, two threads
#	GOTRACE_SLICE_CORPUS     the folder of the corpus    (../shared/corpus)
#
# Prints what differs, and in the end how much was compared; exit code 1 when anything differs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ $# -ge 2 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2; }
HERE=$here exec python3 - "$@" <<'PYTHON'
import concurrent.futures, hashlib, itertools, os, pathlib, re, resource, subprocess, sys, tempfile

old, new = (os.path.abspath(p) for p in sys.argv[1:3])
here = pathlib.Path(os.environ["HERE"])
corpus = pathlib.Path(os.environ.get("GOTRACE_SLICE_CORPUS", here / "../shared/corpus"))
quick = os.environ.get("QUICK") == "1"
threads = os.environ.get("THREADS", "2" if quick else "1 2 5").split()

traces = [pathlib.Path(p).resolve() for p in sys.argv[3:]]
if not traces:
    folders = [here / "testdata/traces", here / "testdata/corrupt", corpus]
    traces = sorted(p.resolve() for folder in folders for p in folder.rglob("*") if p.is_file() and p.suffix not in (".md", ".txt", ".sh"))
if quick:
    traces = traces[::7]

FILES = ["out.json", "out.pb.gz", "out.folded", "out.svg", "out.md", "out.txt"]
ALL = [a for f in FILES for a in ("-o", f)]
QUESTIONS = [
    [],
    ["-f", "json"],
    ["-r", ".", *ALL],
    ["-r", "Handler", *ALL],
    ["-r", "Handler", "-v", "--full-names", "-n", "0", "--color", "always", "--width", "120"],
    ["-r", ".", "--root-by", "task,region", *ALL],
    ["-r", "Handler|worker|main", "--whole-life", *ALL],
    ["-r", ".", "--time", "1ms-50ms", *ALL],
    ["-r", ".", "--metric", "goroutine", *ALL],
    ["-r", ".", "--metric", "events", "--stacks", "own", *ALL],
    ["-r", "Handler|main", "--include-partial", "--only", "p50..", "-f", "json"],
    ["-r", "Handler", "--vs-root", ".", *ALL],
    ["-r", "no such function"],
    ["--strict", "-r", "main", "-q"],
]


def limits():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(binary, trace, question, n):
    """Exit code and bytes of everything that comes of a question."""
    with tempfile.TemporaryDirectory() as folder:
        command = [binary, "--no-progress", "-j", n, *question, str(trace)]
        result = subprocess.run(command, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, preexec_fn=limits)
        out = {"exit code": str(result.returncode).encode(), "stdout": result.stdout, "stderr": result.stderr}
        for name in FILES:
            path = os.path.join(folder, name)
            out[name] = pathlib.Path(path).read_bytes() if os.path.exists(path) else b"(none)"
        # How long it took is another one each time; so is the name that -j N puts into the command to ask again.
        for name in ("stdout", "stderr", "out.txt"):
            out[name] = re.sub(rb"(read in|took|in) [0-9.]+ (ns|\xc2\xb5s|us|ms|s|min)\b", rb"\1 TIME", out[name])
        return out


def digest(out):
    return {name: hashlib.sha256(data).hexdigest() for name, data in out.items()}


def compare(job):
    trace, question = job
    expected = run(old, trace, question, "2")
    differences = []
    for n in threads:
        got = run(new, trace, question, n)
        for name in expected:
            if digest(expected)[name] != digest(got)[name]:
                differences.append(f"{trace} {' '.join(question)} -j {n}: {name} differs")
    return differences


jobs = list(itertools.product(traces, QUESTIONS))
found = 0
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for differences in pool.map(compare, jobs):
        for line in differences:
            found += 1
            print(line, flush=True)
print(f"{len(traces)} traces, {len(QUESTIONS)} questions, threads {' '.join(threads)}: "
      f"{len(jobs) * len(threads)} comparisons, {found} outputs differ")
sys.exit(1 if found else 0)
PYTHON
