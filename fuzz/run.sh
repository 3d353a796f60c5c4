#!/usr/bin/env bash
# Runs every fuzz target, or the ones that are named, for so many seconds each.
#
#   fuzz/run.sh SECONDS [TARGET]...
#
# Needs Rust and a C++ compiler. cargo-fuzz is installed if it is absent; RUSTC_BOOTSTRAP lets the stable compiler take the
# flags that it needs. What crashed lies in fuzz/artifacts/TARGET/. Ends with 1 when anything did.
set -Eeuo pipefail
cd "$(dirname "$0")"

seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET]...}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "fuzz/run.sh: \`$seconds\` is not a number of seconds" >&2; exit 2; }
shift

export RUSTC_BOOTSTRAP=1
command -v cargo-fuzz > /dev/null || cargo install cargo-fuzz --locked

targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(cargo fuzz list)

# Where good inputs are to be had, besides seeds/TARGET.
seeds() {
  [ -d "seeds/$1" ] && echo "seeds/$1"
  case $1 in
    table_pack) echo ../packs/probes ;;
    lifecycle_pack) echo ../packs/lifecycle ;;
  esac
}

crashed=()
for target in "${targets[@]}"; do
  cargo fuzz build "$target"
  mkdir -p "corpus/$target"
  mapfile -t folders < <(seeds "$target")
  echo "== $target, $seconds s"
  cargo fuzz run "$target" "corpus/$target" "${folders[@]}" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 ||
    crashed+=("$target")
done

if [ ${#crashed[@]} -gt 0 ]; then
  echo "crashed: ${crashed[*]}; the inputs are in fuzz/artifacts" >&2
  exit 1
fi
