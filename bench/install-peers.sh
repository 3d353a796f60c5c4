#!/usr/bin/env bash
# Installs what `watertight-bench data-peers` measures beside the program, from PyPI and through the Go module proxy, into
# a folder outside the repository: presidio-analyzer and detect-secrets in a virtual environment, gitleaks beside it.
#
#   bench/install-peers.sh FOLDER
#
# Needs python3 with venv, and go 1.24 or newer. What is there in the right version is left alone.
set -Eeuo pipefail
umask 022

PRESIDIO=2.2.366 DETECT_SECRETS=1.5.0 GITLEAKS=v8.30.1
FOLDER=${1:?usage: bench/install-peers.sh FOLDER}
mkdir -p "$FOLDER" && FOLDER=$(cd "$FOLDER" && pwd)
STAMP="presidio-analyzer $PRESIDIO, detect-secrets $DETECT_SECRETS, gitleaks $GITLEAKS"
[ "$(cat "$FOLDER/stamp" 2>/dev/null || true)" = "$STAMP" ] && exit

rm -rf "$FOLDER/python" "$FOLDER/stamp"
python3 -m venv "$FOLDER/python"
# Wheels alone: nothing is compiled, and no script of a package runs.
"$FOLDER/python/bin/pip" install -q --disable-pip-version-check --only-binary :all: \
  "presidio-analyzer==$PRESIDIO" "detect-secrets==$DETECT_SECRETS"
"$FOLDER/python/bin/pip" freeze --disable-pip-version-check > "$FOLDER/python-versions.txt"
GOBIN=$FOLDER CGO_ENABLED=0 go install "github.com/zricethezav/gitleaks/v8@$GITLEAKS"
echo "$STAMP" > "$FOLDER/stamp"
