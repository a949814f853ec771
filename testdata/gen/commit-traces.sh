#!/bin/sh
# Records anew the traces that the repository holds, in ../traces/go1.XX, where
# 1.XX is the version in the file's header. 1.24 writes 1.23's format and 1.27
# writes 1.26's: what 1.24 and 1.26 record lies in go1.23-by-1.24 and
# go1.26-by-1.26, of those programs whose truth holds for each request. Beside NAME.trace lie NAME.json, what the program said, and,
# where it is small, NAME.states.tsv, what Go's own reader says.
#
# Every run gives other times: record only the PROGRAMS that changed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$here/build-ref.sh" "$("$here/toolchains.sh" 1.27)" "$tmp/streamref"
STREAMREF=$tmp/streamref "$here/record.sh" "$tmp/t" 1.19 1.21 1.22 1.23 1.25 1.27
exact=
for program in critical keepalive loops wakers causes endpoints grpc dispatch routed compared started testing older likely spans stretches matching cutoff problems findings tails relays kinds collector nocpu; do
	case " ${PROGRAMS:-$program} " in *" $program "*) exact="$exact $program" ;; esac
done
if [ -n "$exact" ]; then
	PROGRAMS=$exact "$here/record.sh" "$tmp/t" 1.24 1.26
fi

for trace in "$tmp"/t/*.trace; do
	base=$(basename "$trace" .trace)
	name=${base%-*}
	case $base in
	*v1) continue ;;
	server-warm-* | trees-hold-*) continue ;;
	esac
	wire=$(head -c 7 "$trace" | cut -c 4-)
	case $base in
	*-1.24 | *-1.26) wire=$wire-by-${base##*-} ;;
	esac
	to=$here/../traces/go$wire
	mkdir -p "$to"
	size=$(wc -c <"$trace")
	[ "$size" -lt 150000 ] || { echo "$base: $size bytes is too much to commit" >&2; exit 1; }
	if grep -a -o -E "/(home|root|tmp|usr|opt|work)/[a-zA-Z0-9_./-]+" "$trace"; then
		echo "$base: holds paths of this machine" >&2
		exit 1
	fi
	cp "$trace" "$to/$name.trace"
	cp "${trace%.trace}.json" "$to/$name.json"
	tsv=${trace%.trace}.states.tsv
	# Go's reader refuses some, and says nothing of them.
	if [ -f "$tsv" ] && [ "$(wc -c <"$tsv")" -lt 60000 ]; then
		cp "$tsv" "$to/$name.states.tsv"
	else
		# Not that of an earlier recording.
		rm -f "$to/$name.states.tsv"
	fi
done
du -sh "$here/../traces" >&2
