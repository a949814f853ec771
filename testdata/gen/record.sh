#!/bin/sh
# Records traces of all programs with every Go version.
#
#	record.sh DIR [VERSION...]      default: 1.19 (when installed) and 1.21 - 1.27
#
# DIR gets NAME-VERSION.trace and, beside it, NAME-VERSION.json, what the
# program said that it did. PROGRAMS="server waits" records only those. STREAMREF, the
# path of a streamref binary, adds NAME-VERSION.states.tsv, what Go's own reader says.
# PROGRAMS="big load", which are not in the default, write BIG_MB megabytes (20) each; LOAD_KINDS="stack http" are kinds of load,
# of which "files" is a folder of LOAD_FILES (1000) small recordings. They have LOAD_PROCS (2) processors.
#
# The programs are built in a folder of their own with a go.mod of the
# toolchain's version, as an old go.mod would turn old behaviour on, and with
# -trimpath, so that a trace holds no path of this machine. grpc is built with the
# libraries of Debian's golang-google-grpc-dev, below GOTRACE_SLICE_GOPATH
# (/usr/share/gocode), and left out where they are not installed.
set -eu
[ $# -ge 1 ] || { echo "usage: $0 DIR [VERSION...]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- 1.19 1.21 1.22 1.23 1.24 1.25 1.26 1.27
# One a line: additions to one long line would conflict.
all="
server
waits
annotations
tasks
iterators
trees
pools
selfprof
cpuprof
http1
http2
grpc
critical
keepalive
loops
wakers
stretches
cutoff
endpoints
dispatch
routed
compared
started
testing
older
matching
likely
spans
causes
collector
problems
findings
tails
relays
nocpu
kinds
"
programs=${PROGRAMS:-$all}
programs=" $(echo $programs) "
gopath=${GOTRACE_SLICE_GOPATH:-/usr/share/gocode}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# build GOROOT VERSION PROGRAM: leaves $tmp/VERSION/bin/PROGRAM
build() {
	dir=$tmp/$2
	mkdir -p "$dir/bin" "$dir/$3"
	cp "$here/$3"/*.go "$dir/$3"
	if [ "$3" = grpc ]; then
		# Inside a GOPATH, as -trimpath leaves other paths as they are.
		mkdir -p "$dir/src/gotrace-slice/gen"
		mv "$dir/$3" "$dir/src/gotrace-slice/gen/$3"
		GOROOT=$1 GOTOOLCHAIN=local GO111MODULE=off GOPATH=$dir:$gopath CGO_ENABLED=0 \
			"$1/bin/go" build -trimpath -o "$dir/bin/$3" "gotrace-slice/gen/$3"
		return
	fi
	if [ -d "$here/$3/vendor" ]; then
		# A module of its own: what it has in vendor is code that it fetched.
		cp -R "$here/$3/." "$dir/$3"
		requires=$(sed -n 's/^# //p' "$here/$3/vendor/modules.txt")
		printf 'module gotrace-slice/gen/%s\n\ngo %s\n\nrequire %s\n' "$3" "${2%v1}" "$requires" >"$dir/$3/go.mod"
		(cd "$dir/$3" && GOROOT=$1 GOTOOLCHAIN=local GOFLAGS=-mod=vendor GOPROXY=off GOSUMDB=off GOWORK=off CGO_ENABLED=0 \
			"$1/bin/go" build -trimpath -o "$dir/bin/$3" .)
		return
	fi
	# From 1.21 on a go line names a release, so that its own defaults hold.
	printf 'module gotrace-slice/gen\n\ngo %s\n' "${2%v1}" >"$dir/go.mod"
	(cd "$dir" && GOROOT=$1 GOTOOLCHAIN=local GOFLAGS=-mod=mod GOPROXY=off GOSUMDB=off GOWORK=off CGO_ENABLED=0 \
		"$1/bin/go" build -trimpath -o "bin/$3" "./$3")
}

# run VERSION NAME PROGRAM [FLAG...]
run() {
	version=$1 name=$2 program=$3
	shift 3
	case $programs in *" $program "*) ;; *) return 0 ;; esac
	[ -x "$tmp/$version/bin/$program" ] || build "$goroot" "$version" "$program"
	to=$out/$name-$version
	"$tmp/$version/bin/$program" -o "$to.trace" "$@" >"$to.json"
	if [ -n "${STREAMREF:-}" ]; then
		"$STREAMREF" -mode=states -stacks "$to.trace" >"$to.states.tsv"
	fi
	[ -d "$to.trace" ] || echo "$name-$version: $(wc -c <"$to.trace") bytes" >&2
}

everything() {
	run "$1" server server -clients 2 -requests 4
	run "$1" server-warm server -clients 4 -requests 10 -warm
	run "$1" waits waits
	# Over a second: more than one generation.
	run "$1" waits-long waits -unit 200ms
	run "$1" annotations annotations
	run "$1" tasks tasks
	run "$1" tasks-long tasks -long
	# Go's own reader refuses what these programs do with regions.
	STREAMREF='' run "$1" tasks-misuse tasks -misuse
	run "$1" trees trees
	run "$1" trees-hold trees -hold -deep 200 -wide 0
	run "$1" pools pools
	run "$1" selfprof selfprof
	run "$1" cpuprof cpuprof
	run "$1" http1 http1
	run "$1" http2 http2
	if [ -d "$gopath/src/google.golang.org/grpc" ]; then
		run "$1" grpc grpc
		run "$1" grpc-workers grpc -workers 2
		run "$1" grpc-streams grpc -streams 20 -calls 1
	fi
	run "$1" critical critical
	run "$1" keepalive keepalive
	run "$1" loops loops
	run "$1" wakers wakers
	run "$1" causes causes
	run "$1" collector collector
	run "$1" problems problems
	run "$1" findings findings
	# What Go 1.19 writes of it is too large to commit.
	[ "$1" = 1.19 ] || run "$1" tails tails
	run "$1" relays relays
	run "$1" nocpu nocpu
	run "$1" nocpu-samples nocpu -cpu
	run "$1" endpoints endpoints
	run "$1" endpoints-h2 endpoints -h2
	run "$1" dispatch dispatch
	run "$1" routed routed
	run "$1" compared-slow compared -slow 40
	run "$1" compared-fixed compared -slow 2 -fast 39
	run "$1" compared-called compared -once 40 -compute 1ms -after 6
	run "$1" compared-longer compared -once 40 -compute 5ms
	run "$1" compared-twice compared -once 37 -twice 3 -compute 5ms
	run "$1" compared-hardly compared -once 38 -twice 2 -compute 5ms
	run "$1" started started
	run "$1" testing testing
	run "$1" kinds kinds
	run "$1" likely likely
	run "$1" likely-h2 likely -h2
	run "$1" spans spans
	run "$1" spans-young spans -young
	run "$1" stretches stretches
	run "$1" older older
	run "$1" matching matching
	run "$1" matching-timers matching -no-server
	# Go's own reader refuses its regions.
	STREAMREF='' run "$1" cutoff cutoff
	run "$1" stretches-samples stretches -cpu
	run "$1" big big -mb "${BIG_MB:-20}"
	for kind in ${LOAD_KINDS:-stack entry long short http}; do
		case $kind in
		files) run "$1" load-files load -files "${LOAD_FILES:-1000}" ;;
		*) run "$1" "load-$kind" load -kind "$kind" -mb "${BIG_MB:-20}" -procs "${LOAD_PROCS:-2}" ;;
		esac
	done
	case $1 in
	1.19 | 1.21 | 1.22 | 1.22v1) ;;
	*) run "$1" iterators iterators ;;
	esac
}

for v in "$@"; do
	goroot=$("$here/toolchains.sh" "$v") || {
		# 1.19 is an extra where it is installed.
		[ "$v" = 1.19 ] && continue
		exit 1
	}
	everything "$v"
	case $v in
	1.22)
		# 1.22 still has the old tracer.
		export GOEXPERIMENT=noexectracer2
		everything 1.22v1
		unset GOEXPERIMENT
		;;
	1.23 | 1.24 | 1.25 | 1.26 | 1.27)
		# Experimental batches, which a reader must skip.
		export GODEBUG=traceallocfree=1
		run "$v" trees-allocfree trees
		unset GODEBUG
		;;
	esac
done
