#!/usr/bin/env bash
# Installs the real servers that the tests start (crates/testkit/src/real). Made for Debian 12; run again at any time,
# what is there is left alone.
#
#   scripts/install-test-servers.sh               install what is missing for the everyday tests
#   scripts/install-test-servers.sh --everything  ... and what is large or slow to install
#   scripts/install-test-servers.sh --print-lab   print the folder of what is no Debian package, and do nothing else
#
# The servers of a kind are in a file of test-servers/, which adds to PACKAGES and INSTALL (RARE_...: with
# --everything only). WATERTIGHT_LAB names the folder. Only this file knows its default: the test kit asks here.
set -Eeuo pipefail
umask 022
export DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"

PACKAGES=(redis-server memcached libsasl2-modules sasl2-bin postgresql-15 mariadb-server clickhouse-server
  etcd-server etcd-client nginx-light docker.io openssl iproute2 nftables)
RARE_PACKAGES=() INSTALL=() RARE_INSTALL=()
HERE=$(cd "$(dirname "$0")" && pwd)
RECIPE=1 # raise it when the way a folder is made changes: older folders are then made anew

say() { echo "test servers: $*" >&2; }
fail() { say "$*"; exit 1; }
trap 'fail "stopped: the command at line $LINENO failed"' ERR

# Elasticsearch refuses root, so root starts it as "nobody", who must be able to walk down to its files.
others_reach() {
  local folder=$1
  while [ ! -e "$folder" ]; do folder=$(dirname "$folder"); done
  while [ "$folder" != / ]; do
    (( 8#$(stat -c %a "$folder") & 1 )) || return 1
    folder=$(dirname "$folder")
  done
}

lab_folder() {
  local home=${HOME:-/nonexistent}/.cache/watertight-lab
  if [ -n "${WATERTIGHT_LAB:-}" ]; then
    [[ $WATERTIGHT_LAB == /* ]] || fail "WATERTIGHT_LAB must be an absolute path, not $WATERTIGHT_LAB"
    echo "$WATERTIGHT_LAB"
  elif [ "$(id -u)" != 0 ] || others_reach "$home"; then echo "$home"
  else echo /var/cache/watertight-lab; fi
}

# Packages start their services by themselves unless this file forbids it. One that was there before stays.
forbid_autostart() {
  [ -e /usr/sbin/policy-rc.d ] && return
  printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
}

apt_install() { apt-get install -y -q --no-install-recommends "$@" >&2; }

install_packages() {
  local wanted=("${PACKAGES[@]}") missing=() name
  command -v mvn >/dev/null || wanted+=(maven)
  [ -n "$(jdk_home)" ] || wanted+=(openjdk-17-jdk-headless)
  python3 -m pip --version >/dev/null 2>&1 || wanted+=(python3-pip) # tests/schemas/fetch.sh
  for name in "${wanted[@]}"; do
    [[ $(dpkg-query -W -f '${Status}' "$name" 2>/dev/null) == *" installed" ]] || missing+=("$name")
  done
  [ ${#missing[@]} = 0 ] && return
  [ "$(id -u)" = 0 ] || fail "these packages are missing; run this script as root once: ${missing[*]}"
  say "installing with apt: ${missing[*]}"
  forbid_autostart
  apt_install "${missing[@]}" || {
    say "refreshing apt's lists and trying once more"
    apt-get update -q >&2 || fail "apt-get update failed: is the package mirror reachable?"
    apt_install "${missing[@]}" || fail "apt could not install: ${missing[*]}"
  }
}

# Java 17 runs all Java servers; Elasticsearch 6 knows nothing newer. Prints nothing where there is none.
jdk_home() {
  local compiler
  for compiler in "$(command -v javac || true)" /usr/lib/jvm/java-17-openjdk-*/bin/javac; do
    [ -x "$compiler" ] || continue
    [[ $("$compiler" -version 2>&1) == "javac 17."* ]] || continue
    dirname "$(dirname "$(readlink -f "$compiler")")"
    return
  done
}

# make FOLDER VERSION COMMAND: a folder appears only when it is whole, so a run that is cut off does no harm.
make() {
  local folder=$1 stamp="$2 recipe $RECIPE" new=.new-$1
  [ "$(cat "$folder/.stamp" 2>/dev/null || true)" = "$stamp" ] && return
  say "making $1 $2 in $LAB/$folder"
  rm -rf "$new" "$folder"
  mkdir "$new"
  (cd "$new"; "$3")
  echo "$stamp" > "$new/.stamp"
  mv "$new" "$folder"
}

# The folder of the servers that are no packages; this script holds it until it ends.
enter_lab() {
  mkdir -p "$LAB" || fail "cannot make $LAB: set WATERTIGHT_LAB to a folder that you may write"
  [ "$(id -u)" != 0 ] || others_reach "$LAB" ||
    fail "$LAB is not reachable for user nobody: set WATERTIGHT_LAB to another folder"
  cd "$LAB"
  exec 9> .lock
  flock 9
}

EVERYTHING=
LAB=$(lab_folder)
case ${1:-} in
  --print-lab) echo "$LAB"; exit ;;
  --everything) EVERYTHING=yes ;;
  "") ;;
  *) fail "unknown argument $1 (known: --everything, --print-lab)" ;;
esac
for part in "$HERE"/test-servers/*.sh; do
  # shellcheck source=/dev/null
  . "$part"
done
[ -z "$EVERYTHING" ] || PACKAGES+=("${RARE_PACKAGES[@]}") INSTALL+=("${RARE_INSTALL[@]}")
install_packages
enter_lab
for part in "${INSTALL[@]}"; do "$part"; done
say "all there (in $LAB: what is no Debian package)"
