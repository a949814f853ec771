#!/bin/sh
# Builds oldref, the reference for Go 1.5 to 1.10: build-oldref.sh GOROOT OUT
#
# Like build-ref.sh, but needs Go 1.21, the last whose reader knows those formats.
set -eu
[ $# = 2 ] || { echo "usage: $0 GOROOT OUT" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
goroot=$(cd "$1" && pwd)
case $2 in /*) out=$2 ;; *) out=$PWD/$2 ;; esac
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
printf '{"Replace":{"%s":"%s","%s":"%s"}}\n' \
	"$goroot/src/cmd/oldref/main.go" "$here/oldref/main.go" \
	"$goroot/src/internal/trace/refparse.go" "$here/oldref/refparse.go" >"$tmp/overlay.json"
cd "$goroot/src/cmd"
env -u GOEXPERIMENT -u GODEBUG GOROOT="$goroot" GOTOOLCHAIN=local GOFLAGS= GOPROXY=off GOWORK=off GO111MODULE=on \
	"$goroot/bin/go" build -trimpath -tags ref121 -overlay "$tmp/overlay.json" -o "$out" cmd/oldref
