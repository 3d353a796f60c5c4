#!/usr/bin/env bash
# Runs every fuzz target, or the ones that are named; as many at a time as there are cores.
#
#   fuzz/run.sh SECONDS [TARGET]...          so many seconds each
#   fuzz/run.sh --total SECONDS [TARGET]...  so many seconds in all, besides building; each target gets the same share
#
# Needs Rust and a C++ compiler. cargo-fuzz is installed if it is absent; RUSTC_BOOTSTRAP lets the stable compiler take the
# flags that it needs. What a target said is in fuzz/logs/TARGET, and what crashed or was slow in fuzz/artifacts/TARGET/.
# Ends with 1 when anything crashed.
set -Eeuo pipefail
cd "$(dirname "$0")"

usage() { echo "usage: fuzz/run.sh [--total] SECONDS [TARGET]..." >&2; exit 2; }
total=
[ "${1:-}" != --total ] || { total=yes; shift; }
seconds=${1:-}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || usage
shift

export RUSTC_BOOTSTRAP=1
command -v cargo-fuzz > /dev/null || cargo install cargo-fuzz --locked

targets=("$@")
if [ $# -gt 0 ]; then
  for target in "${targets[@]}"; do cargo fuzz build "$target"; done
else
  mapfile -t targets < <(cargo fuzz list)
  cargo fuzz build
fi

at_once=$(nproc)
[ "$at_once" -le ${#targets[@]} ] || at_once=${#targets[@]}
if [ "$total" ]; then
  rounds=$(((${#targets[@]} + at_once - 1) / at_once))
  seconds=$((seconds / rounds))
  [ "$seconds" -gt 0 ] || { echo "fuzz/run.sh: that is less than a second for each target" >&2; exit 2; }
fi

# Where good inputs are to be had, besides seeds/TARGET.
seeds() {
  [ -d "seeds/$1" ] && echo "seeds/$1"
  case $1 in
    table_pack) echo ../packs/probes ;;
    lifecycle_pack) echo ../packs/lifecycle ;;
  esac
}

start() {
  local target=$1 folders words=()
  mapfile -t folders < <(seeds "$target")
  [ ! -f "words/$target" ] || words=(-dict="words/$target")
  mkdir -p "corpus/$target"
  cargo fuzz run "$target" "corpus/$target" "${folders[@]}" -- \
    -max_total_time="$seconds" -timeout=25 -report_slow_units=3 -rss_limit_mb=2048 -max_len=65536 \
    -print_final_stats=1 "${words[@]}" > "logs/$target" 2>&1
}

declare -A running=()
crashed=()
# Waits until one has ended, and tells what came of it.
finish_one() {
  local pid target ended=0
  wait -n -p pid "${!running[@]}" || ended=$?
  target=${running[$pid]}
  unset "running[$pid]"
  if [ "$ended" = 0 ]; then
    # Coverage and features, as libFuzzer counts them, of what is known by now.
    printf '%-20s %s, %s inputs\n' "$target" \
      "$(grep -oE 'cov: [0-9]+ ft: [0-9]+ corp: [0-9]+' "logs/$target" | tail -n 1)" \
      "$(grep -oP 'number_of_executed_units: \K[0-9]+' "logs/$target" || echo no)"
  else
    crashed+=("$target")
    echo "$target crashed:"
    tail -n 60 "logs/$target"
  fi
}

mkdir -p logs
touch logs/.begun
echo "== ${#targets[@]} targets, $seconds s each, $at_once at a time"
for target in "${targets[@]}"; do
  [ ${#running[@]} -lt "$at_once" ] || finish_one
  start "$target" &
  running[$!]=$target
done
while [ ${#running[@]} -gt 0 ]; do finish_one; done

find artifacts -name 'slow-unit-*' -newer logs/.begun 2> /dev/null | sed 's/^/slow: fuzz\//' || true
if [ ${#crashed[@]} -gt 0 ]; then
  echo "crashed: ${crashed[*]}; the inputs are in fuzz/artifacts" >&2
  exit 1
fi
