#!/usr/bin/env bash
# Runs gotrace-slice, the same job in Go, and `go tool trace` in turn on one trace, and prints a Markdown table of
# medians for docs/performance.md.
#
#	compare.sh [FILE REGEX]     default: a fresh recording of testdata/gen/big, with --root main.Handler
#
#	ROUNDS=5        how often each runs
#	REST=2          seconds of rest before each: what one leaves to the kernel is not the next one's
#	BIG_MB=220      size of the fresh recording
#	TRACE_TOOL=1    0 leaves `go tool trace` out: it needs about 60 times the file's size in memory
#	KEEP=FOLDER     keeps the recording and the programs there, and uses them the next time
#	TOOL=PROGRAM    measures this build instead of the one of the sources here
#	BASE=PROGRAM    measures this older build too, in turn
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rounds=${ROUNDS:-5}
rest=${REST:-2}
if [ -n "${KEEP:-}" ]; then
	mkdir -p "$KEEP"
	work=$(cd "$KEEP" && pwd)
else
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi
case ${1:-} in
'') trace= ;;
/*) trace=$1 ;;
*) trace=$PWD/$1 ;;
esac
root=${2:-main.Handler}
cd "$here"

goroot=$(testdata/gen/toolchains.sh 1.27)
if [ -z "$trace" ]; then
	trace=$work/big-1.27.trace
	[ -s "$trace" ] || PROGRAMS=big BIG_MB=${BIG_MB:-220} testdata/gen/record.sh "$work" 1.27
fi
[ -x "$work/streamref" ] || testdata/gen/build-ref.sh "$goroot" "$work/streamref"
if [ "${TRACE_TOOL:-1}" = 1 ] && [ ! -x "$work/trace" ]; then
	(cd "$goroot/src/cmd" && env -u GOEXPERIMENT -u GODEBUG GOROOT="$goroot" GOTOOLCHAIN=local GOFLAGS= GOPROXY=off \
		GOWORK=off GO111MODULE=on "$goroot/bin/go" build -trimpath -o "$work/trace" cmd/trace)
fi
if [ -z "${TOOL:-}" ]; then
	echo "building gotrace-slice" >&2
	cargo build --release --quiet
	target=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
	TOOL=$target/release/gotrace-slice
fi
cargo bench --quiet --bench varints --no-run
varints=$(GOTRACE_SLICE_BENCH=$trace cargo bench --quiet --bench varints | sed -n 's/^varints: \([0-9.]*\) s.*/\1/p')

TRACE=$trace ROOT=$root ROUNDS=$rounds REST=$rest WORK=$work TOOL=$TOOL VARINTS=$varints \
	python3 - <<'PYTHON'
import json, os, statistics, subprocess, sys, time

trace, root, work, tool = (os.environ[n] for n in ("TRACE", "ROOT", "WORK", "TOOL"))
rounds, rest, varints = int(os.environ["ROUNDS"]), float(os.environ["REST"]), float(os.environ["VARINTS"])
nothing = os.open(os.devnull, os.O_RDWR)


def run(command):
    """Seconds and peak resident bytes of a command that must succeed."""
    start = time.perf_counter()
    actions = [(os.POSIX_SPAWN_DUP2, nothing, fd) for fd in (0, 1)]
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{command}: {status}")
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def job_rows(name, tool):
    """What is measured of one build."""

    def slice_job(threads, metric="goroutine"):
        job = ["--metric", metric, "--root", root, "-o", f"{work}/out.pb.gz", trace]
        return [tool, "--no-progress", "-j", str(threads), *job]

    return [
        (f"{name}, 2 threads", slice_job(2)),
        (f"{name}, 1 thread", slice_job(1)),
        (f"{name}, 2 threads, with critical paths", slice_job(2, "latency")),
        (f"{name}, candidates", [tool, "--no-progress", "-j", "2", trace]),
    ]


ours = job_rows("gotrace-slice", tool)
if base := os.environ.get("BASE"):
    ours = [row for pair in zip(ours, job_rows("base", base)) for row in pair]
rows = [
    *ours,
    ("Go program on Go's reader", [f"{work}/streamref", "-mode=slice", f"-root={root}", trace]),
    ("Go's reader alone", [f"{work}/streamref", "-mode=null", trace]),
]
if os.path.exists(f"{work}/trace"):
    rows.append(("`go tool trace -pprof=sync`", [f"{work}/trace", "-pprof=sync", trace]))
info = json.loads(subprocess.check_output([tool, "--no-progress", "-q", "-f", "json", trace]))["trace"]

results = {name: [] for name, _ in rows}
for i in range(rounds + 1):
    for name, command in rows:
        # The first round warms the page cache. The slow one is not needed for that.
        if i == 0 and "tool trace" in name:
            continue
        time.sleep(rest)
        result = run(command)
        if i > 0:
            results[name].append(result)
            print(f"round {i}: {name}: {result[0]:.3f} s", file=sys.stderr)

best = statistics.median(s for s, _ in results[rows[0][0]])
size = os.path.getsize(trace)
print(f"{size / 1e6:.1f} MB, {info['events'] / 1e6:.2f} million events, {info['goroutines']} goroutines, "
      f"{info['generations']} generations, header {info['version']}; medians of {rounds} rounds, run in turn; "
      f"{os.cpu_count()} cores, {os.uname().sysname} {os.uname().machine}\n")
print("| what | time | of ours | events/s | peak memory |")
print("|---|---:|---:|---:|---:|")
for name, _ in rows:
    seconds = statistics.median(s for s, _ in results[name])
    memory = max(m for _, m in results[name])
    print(f"| {name} | {seconds:.3f} s | {seconds / best:.2f}× | {info['events'] / seconds / 1e6:.1f} M | {memory / 1e6:.0f} MB |")
print(f"| all varints, one core | {varints:.3f} s | {varints / best:.2f}× | – | – |")
PYTHON
