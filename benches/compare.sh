#!/usr/bin/env bash
# Measures the default run (roots by stack, critical paths, text and pprof) beside other runs, the same job in Go, and a bare
# decode, in turn, on recordings of several kinds. Prints Markdown tables of medians for docs/performance.md.
#
#	compare.sh [FILE REGEX]     default: fresh recordings of testdata/gen/load (all kinds) and testdata/gen/big
#
#	ROUNDS=5        how often each runs
#	REST=2          seconds of rest before each: what one leaves to the kernel is not the next one's
#	BIG_MB=200      size of the fresh recordings
#	KINDS="stack entry long short http big files"   which ones; files are many small recordings, in one command
#	FILES=1000      how many those are
#	KEEP=FOLDER     keeps recordings and programs there, and uses them the next time
#	TOOL=PROGRAM    measures this build instead of the one of the sources here
#	BASE=PROGRAM    measures the default run of this older build too, in turn
#	TRACE_TOOL=1    `go tool trace -pprof=sync` too: it needs about 60 times the file's size in memory
#
# Needs python3 with pip; Go is fetched.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ -n "${KEEP:-}" ]; then
	mkdir -p "$KEEP"
	work=$(cd "$KEEP" && pwd)
else
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi
case ${1:-} in
'') given= ;;
/*) given=$1 ;;
*) given=$PWD/$1 ;;
esac
regex=${2:-main.Handler}
cd "$here"

goroot=$(testdata/gen/toolchains.sh 1.27)
[ -x "$work/streamref" ] || testdata/gen/build-ref.sh "$goroot" "$work/streamref"
if [ "${TRACE_TOOL:-0}" = 1 ] && [ ! -x "$work/trace" ]; then
	(cd "$goroot/src/cmd" && env -u GOEXPERIMENT -u GODEBUG GOROOT="$goroot" GOTOOLCHAIN=local GOFLAGS= GOPROXY=off \
		GOWORK=off GO111MODULE=on "$goroot/bin/go" build -trimpath -o "$work/trace" cmd/trace)
fi
traces=()
if [ -n "$given" ]; then
	traces=("$given")
else
	export BIG_MB=${BIG_MB:-200}
	export LOAD_FILES=${FILES:-1000}
	for kind in ${KINDS:-stack entry long short http big files}; do
		name=load-$kind
		[ "$kind" != big ] || name=big
		if [ ! -s "$work/$name-1.27.json" ]; then
			echo "recording $kind" >&2
			PROGRAMS=${name%%-*} LOAD_KINDS=$kind testdata/gen/record.sh "$work" 1.27 >&2
		fi
		traces+=("$work/$name-1.27.trace")
	done
fi
if [ -z "${TOOL:-}" ]; then
	echo "building gotrace-slice" >&2
	cargo build --release --quiet
	target=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
	TOOL=$target/release/gotrace-slice
fi
cargo bench --quiet --bench varints --no-run
varints=
for trace in "${traces[@]}"; do
	[ ! -d "$trace" ] || continue
	varints+="$(GOTRACE_SLICE_BENCH=$trace cargo bench --quiet --bench varints | sed -n 's/^varints: \([0-9.]*\) s.*/\1/p') "
done

ROOT=$regex WORK=$work TOOL=$TOOL VARINTS=$varints python3 benches/compare.py "${traces[@]}"
