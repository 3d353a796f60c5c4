#!/usr/bin/env bash
# Installs a C compiler on Debian when there is none: SQLite and the cryptography are built with it, and Rust links
# with it. Does nothing when `cc` is there.
set -euo pipefail
command -v cc >/dev/null && exit 0
[ "$(id -u)" = 0 ] || { echo "watertight: a C compiler is missing; as root: apt-get install gcc libc6-dev" >&2; exit 2; }
echo "watertight: installing a C compiler (gcc, libc6-dev)" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >&2
apt-get install -y -q --no-install-recommends gcc libc6-dev >&2
