#!/usr/bin/env bash
# Installs a C compiler on Debian when there is none: SQLite and the cryptography are built with it, and Rust links
# with it. With the argument `c++` also a C++ compiler, for fuzzing. Does nothing when they are there.
set -euo pipefail
missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
[ "${1:-}" != c++ ] || command -v c++ >/dev/null || missing+=(g++)
[ ${#missing[@]} -gt 0 ] || exit 0
[ "$(id -u)" = 0 ] || { echo "watertight: a compiler is missing; as root: apt-get install ${missing[*]}" >&2; exit 2; }
echo "watertight: installing a compiler: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >&2
apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
