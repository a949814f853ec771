"""Runs the programs of compare.sh in turn, which says what its variables mean."""

import json, os, pathlib, statistics, subprocess, sys, time

root, work, tool = (os.environ[n] for n in ("ROOT", "WORK", "TOOL"))
rounds, rest = int(os.environ.get("ROUNDS", 5)), float(os.environ.get("REST", 2))
nothing = os.open(os.devnull, os.O_RDWR)

# What is run, by the word that the tables have for it.
DEFAULT, ALONE, GO = "default", "default, 1 thread", "Go program"
STATES, ENTRY, STACK, LIST = "without paths", "entry, without paths", "stack, without paths", "list of endpoints"


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


def commands(trace, by_entry):
    """What is measured on a recording; `by_entry`: its roots are goroutines of their own."""

    def job(*more, threads=2, program=tool):
        return [program, "--no-progress", "-j", str(threads), "--root", root, *more, "-o", f"{work}/out.pb.gz", trace]

    def streamref(*more):
        return [f"{work}/streamref", *more, trace]

    by = "entry" if by_entry else "stack"
    rows = {
        DEFAULT: job(),
        STATES: job("--metric", "goroutine"),
        ALONE: job(threads=1),
        LIST: [tool, "--no-progress", "-j", "2", trace],
        GO: streamref("-mode=slice", f"-by={by}", f"-root={root}"),
        "Go's reader alone": streamref("-mode=null"),
    }
    if by_entry:
        # The same goroutines, found by both.
        rows[ENTRY] = job("--metric", "goroutine", "--root-by", "entry")
        rows[STACK] = job("--metric", "goroutine", "--root-by", "stack")
    if base := os.environ.get("BASE"):
        rows["default, BASE"] = job(program=base)
    if os.path.exists(f"{work}/trace"):
        rows["`go tool trace -pprof=sync`"] = [f"{work}/trace", "-pprof=sync", trace]
    return rows


# Reads a report on standard input. A process of its own: a child counts its parent's memory as its peak, so this one stays small.
FACTS = "import json, sys; r = json.load(sys.stdin); json.dump([r['trace'], r['selection']], sys.stdout)"


def facts_of(trace):
    """What the report says of a recording, and of what was selected."""
    given = ["--no-progress", "-q", "--metric", "goroutine", "-f", "json", "--root", root, trace]
    report = subprocess.Popen([tool, *given], stdout=subprocess.PIPE)
    facts = subprocess.check_output([sys.executable, "-c", FACTS], stdin=report.stdout)
    if report.wait() != 0:
        sys.exit(f"{tool}: {report.returncode}")
    return json.loads(facts)


def measure(trace):
    """Facts of a recording, and of each run its median seconds and greatest peak."""
    info, selection = facts_of(trace)
    by_entry = selection["roots_by_stack"] == 0
    rows = commands(trace, by_entry)
    results = {name: [] for name in rows}
    # The first round warms the page cache.
    for i in range(rounds + 1):
        for name, command in rows.items():
            time.sleep(rest)
            result = run(command)
            if i > 0:
                results[name].append(result)
                print(f"{trace}: round {i}: {name}: {result[0]:.3f} s", file=sys.stderr)
    medians = {n: (statistics.median(s for s, _ in r), max(m for _, m in r)) for n, r in results.items()}
    return info, selection, medians


def table(header, lines):
    print("| " + " | ".join(header) + " |")
    print("|" + "|".join(["---"] + ["---:"] * (len(header) - 1)) + "|")
    for line in lines:
        print("| " + " | ".join(line) + " |")
    print()


runs, ratios, facts = [], [], []
for trace, varints in zip(sys.argv[1:], map(float, os.environ["VARINTS"].split())):
    info, selection, medians = measure(trace)
    name = pathlib.Path(trace).stem.removesuffix("-1.27").removeprefix("load-")
    size = os.path.getsize(trace)
    facts.append([name, f"{size / 1e6:.0f} MB", f"{info['events'] / 1e6:.1f} M", f"{selection['roots']}",
                  f"{selection['goroutines']}", f"{info['generations']}"])
    for what, (seconds, peak) in medians.items():
        runs.append([name, what, f"{seconds:.2f} s", f"{info['events'] / seconds / 1e6:.1f} M", f"{peak / 1e6:.0f} MB"])
    runs.append([name, "all varints, one core", f"{varints:.2f} s", "–", "–"])
    of = {what: seconds for what, (seconds, _) in medians.items()}
    ratio = lambda a, b: f"{a / b:.1f}×"
    entry = ratio(of[STACK], of[ENTRY]) if ENTRY in of else "–"
    ratios.append([name, ratio(of[GO], of[DEFAULT]), ratio(of[GO], of[STATES]), ratio(of[DEFAULT], of[STATES]),
                   ratio(of[ALONE], of[DEFAULT]), ratio(of[STATES], varints), entry])

print(f"Medians of {rounds} rounds, run in turn; {os.cpu_count()} cores, {os.uname().sysname} {os.uname().machine}.\n")
table(["recording", "Go program / default", "Go program / without paths", "default / without paths", "1 thread / 2",
       "without paths / varints", "by stack / by entry"], ratios)
table(["recording", "size", "events", "requests", "goroutines", "generations"], facts)
table(["recording", "what", "time", "events/s", "peak memory"], runs)
