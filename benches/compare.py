"""Runs the programs of compare.sh in turn, which says what its variables mean."""

import json, os, pathlib, statistics, subprocess, sys, time

root, work, tool = (os.environ[n] for n in ("ROOT", "WORK", "TOOL"))
rounds, rest = int(os.environ.get("ROUNDS", 5)), float(os.environ.get("REST", 2))
nothing = os.open(os.devnull, os.O_RDWR)

# What is run, by the word that the tables have for it.
DEFAULT, ALONE, GO = "default", "default, 1 thread", "Go program"
STATES, ENTRY, STACK, LIST = "without paths", "entry, without paths", "stack, without paths", "list of endpoints"
STRETCHES = "--root recv"


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


def name_of(trace):
    return pathlib.Path(trace).stem.removesuffix("-1.27").removeprefix("load-")


def largest_generation(trace):
    """Bytes of it, by the headers of its batches. Not mapped: a child counts its parent's memory as its peak."""
    sizes, at, end = {}, 16, os.path.getsize(trace)
    with open(trace, "rb") as file:
        while at < end:
            file.seek(at)
            head, numbers, value, shift = file.read(64), [], 0, 0
            kind, used = head[0], 1
            # A batch has four numbers, the last one its size; one of an experiment names that first. Others are of one byte.
            while len(numbers) < {1: 4, 49: 5}.get(kind, 0):
                byte, used = head[used], used + 1
                value, shift = value | (byte & 127) << shift, shift + 7
                if byte < 128:
                    numbers.append(value)
                    value = shift = 0
            if numbers:
                used += numbers[-1]
                sizes[numbers[-4]] = sizes.get(numbers[-4], 0) + used
            at += used
    return max(sizes.values())


def commands(trace, by_entry):
    """What is measured on a recording; `by_entry`: its roots are goroutines of their own."""

    def job(*more, threads=2, program=tool, root=root):
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
    if name_of(trace) == "stack":
        # A regular expression that matches very many short stretches.
        rows[STRETCHES] = job(root="recv")
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


def in_turn(what, rows):
    """Of each of these runs its median seconds and greatest peak."""
    results = {name: [] for name in rows}
    # The first round warms the page cache.
    for i in range(rounds + 1):
        for name, command in rows.items():
            time.sleep(rest)
            result = run(command)
            if i > 0:
                results[name].append(result)
                print(f"{what}: round {i}: {name}: {result[0]:.3f} s", file=sys.stderr)
    return {n: (statistics.median(s for s, _ in r), max(m for _, m in r)) for n, r in results.items()}


def measure(trace):
    """Facts of a recording, and what was measured on it."""
    info, selection = facts_of(trace)
    by_entry = selection["roots_by_stack"] == 0
    return info, selection, in_turn(trace, commands(trace, by_entry))


def measure_files(folder):
    """Rows about the small files of a folder, all in one command."""
    files = sorted(map(str, pathlib.Path(folder).glob("*.trace")))
    lines = []
    for what, more in {DEFAULT: ["--root", root], STATES: ["--metric", "goroutine", "--root", root], "list": []}.items():
        job = lambda threads, of: [tool, "--no-progress", "-q", "-j", str(threads), *more, *of]
        of = in_turn(f"{folder}: {what}", {"one": job(2, files[:1]), "1": job(1, files), "2": job(2, files)})
        seconds, peak = {n: s for n, (s, _) in of.items()}, of["2"][1] - of["one"][1]
        lines.append([what, f"{len(files)}", f"{seconds['1']:.2f} s", f"{seconds['2']:.2f} s",
                      f"{seconds['1'] / seconds['2']:.1f}×", f"{peak / 1e6:.0f} MB"])
    return lines


def table(header, lines):
    if not lines:
        return
    print("| " + " | ".join(header) + " |")
    print("|" + "|".join(["---"] + ["---:"] * (len(header) - 1)) + "|")
    for line in lines:
        print("| " + " | ".join(line) + " |")
    print()


runs, ratios, facts = [], [], []
folders = [trace for trace in sys.argv[1:] if os.path.isdir(trace)]
traces = [trace for trace in sys.argv[1:] if trace not in folders]
for trace, varints in zip(traces, map(float, os.environ["VARINTS"].split())):
    info, selection, medians = measure(trace)
    name, largest = name_of(trace), largest_generation(trace)
    size = os.path.getsize(trace)
    facts.append([name, f"{size / 1e6:.0f} MB", f"{info['events'] / 1e6:.1f} M", f"{selection['roots']}",
                  f"{selection['goroutines']}", f"{info['generations']}", f"{largest / 1e6:.0f} MB"])
    for what, (seconds, peak) in medians.items():
        runs.append([name, what, f"{seconds:.2f} s", f"{info['events'] / seconds / 1e6:.1f} M", f"{peak / 1e6:.0f} MB"])
    runs.append([name, "all varints, one core", f"{varints:.2f} s", "–", "–"])
    of = {what: seconds for what, (seconds, _) in medians.items()}
    ratio = lambda a, b: f"{a / b:.1f}×"
    entry = ratio(of[STACK], of[ENTRY]) if ENTRY in of else "–"
    stretches = ratio(of[STRETCHES], of[DEFAULT]) if STRETCHES in of else "–"
    ratios.append([name, ratio(of[GO], of[DEFAULT]), ratio(of[GO], of[STATES]), ratio(of[DEFAULT], of[STATES]),
                   ratio(of[ALONE], of[DEFAULT]), ratio(of[STATES], varints), entry, stretches,
                   ratio(medians[DEFAULT][1], largest), ratio(medians[STATES][1], largest)])
of_files = [line for folder in folders for line in measure_files(folder)]

print(f"Medians of {rounds} rounds, run in turn; {os.cpu_count()} cores, {os.uname().sysname} {os.uname().machine}.\n")
table(["recording", "Go program / default", "Go program / without paths", "default / without paths", "1 thread / 2",
       "without paths / varints", "by stack / by entry", "`--root recv` / default", "peak / largest generation",
       "the same without paths"], ratios)
table(["recording", "size", "events", "requests", "goroutines", "generations", "largest"], facts)
table(["recording", "what", "time", "events/s", "peak memory"], runs)
table(["many small files", "files", "1 thread", "2 threads", "1 thread / 2", "peak, more than of one file"], of_files)
