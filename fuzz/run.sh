#!/usr/bin/env bash
# Fuzzes each target for some seconds, from its kept corpus and from the repository's own traces. What is found lies in
# fuzz/artifacts/TARGET. Needs cargo-fuzz and a C++ compiler; a stable toolchain will do, as no sanitizer is used.
#
#	fuzz/run.sh [SECONDS] [TARGET...]          12 seconds, all targets
# GOTRACE_SLICE_LIBFUZZER_SEED makes the choice of mutations repeatable; 0, the default, is another one each time.
#
#	fuzz/run.sh keep TARGET...                 keeps of what was found the smallest set that covers as much, up to 512 bytes each
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export RUSTC_BOOTSTRAP=1

all=(v1 v2 text packed binary)
built="fuzz/target/$(rustc -vV | sed -n 's/^host: //p')/release"

# seeds TARGET: folders of what is in the repository anyway.
seeds() {
	case $1 in
	v1) echo testdata/traces/go1.19 testdata/traces/go1.21 ;;
	v2) echo testdata/traces/go1.22 testdata/traces/go1.23 testdata/traces/go1.25 testdata/traces/go1.26 testdata/corrupt ;;
	text) echo testdata/text ;;
	*) ;;
	esac
}

if [ "${1:-}" = keep ]; then
	for target in "${@:2}"; do
		rm -rf fuzz/corpus/"$target" && mkdir -p fuzz/corpus/"$target" fuzz/found/"$target"
		"$built/$target" -set_cover_merge=1 -max_len=512 fuzz/corpus/"$target" fuzz/found/"$target"
		# What is longer was cut to be tried, and is copied whole.
		find fuzz/corpus/"$target" -size +1 -type f -delete
	done
	exit
fi

seconds="${1:-12}"
shift || true
[ $# -gt 0 ] || set -- "${all[@]}"
cargo fuzz build --sanitizer none
for target in "$@"; do
	mkdir -p fuzz/found/"$target" fuzz/artifacts/"$target"
	printf '==> %s, %s s\n' "$target" "$seconds"
	# The first folder takes what is new.
	# shellcheck disable=SC2046 # a list of folders
	"$built/$target" fuzz/found/"$target" fuzz/corpus/"$target" $(seeds "$target") \
		-artifact_prefix=fuzz/artifacts/"$target"/ -max_total_time="$seconds" -max_len=8192 \
		-seed="${GOTRACE_SLICE_LIBFUZZER_SEED:-0}" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 >fuzz/found/"$target".log 2>&1 || {
		tail -50 fuzz/found/"$target".log
		exit 1
	}
	grep -E 'INITED|DONE|^stat::number_of_executed' fuzz/found/"$target".log
done
