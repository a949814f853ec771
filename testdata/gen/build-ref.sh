#!/bin/sh
# Builds streamref: build-ref.sh GOROOT OUT
#
# internal/trace may be imported only from inside GOROOT, so an overlay pretends
# that our file is GOROOT/src/cmd/tracesliceref/main.go. GOROOT itself stays as
# it is. Needs Go 1.27 or later, no network.
#
# The reader's order of equal times is an accident of its heap. The overlay takes
# the three functions that compare times out of batchcursor.go and puts those of
# streamref/ties.go.txt in their place: equal times go by thread.
# With TIES=go they stay as they are.
set -eu
[ $# = 2 ] || { echo "usage: $0 GOROOT OUT" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
goroot=$(cd "$1" && pwd)
case $2 in /*) out=$2 ;; *) out=$PWD/$2 ;; esac
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
reader=$goroot/src/internal/trace
awk '/^func (\(b \*batchCursor\) compare|heapSiftUp|min3)\(/ { skip = 1 }
	!skip && !/^\t"cmp"$/ { print }
	/^}/ { skip = 0 }' "$reader/batchcursor.go" >"$tmp/batchcursor.go"
ties="\"$reader/batchcursor.go\":\"$tmp/batchcursor.go\",\"$reader/ties.go\":\"$here/streamref/ties.go.txt\","
[ "${TIES:-thread}" = thread ] || ties=
printf '{"Replace":{%s"%s":"%s"}}\n' "$ties" "$goroot/src/cmd/tracesliceref/main.go" "$here/streamref/main.go" >"$tmp/overlay.json"
cd "$goroot/src/cmd"
env -u GOEXPERIMENT -u GODEBUG GOROOT="$goroot" GOTOOLCHAIN=local GOFLAGS= GOPROXY=off GOWORK=off GO111MODULE=on \
	"$goroot/bin/go" build -trimpath -tags streamref -overlay "$tmp/overlay.json" -o "$out" cmd/tracesliceref
