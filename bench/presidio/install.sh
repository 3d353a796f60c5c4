#!/bin/sh
# Installs Presidio and its evaluator from PyPI into a folder outside the repository, for `watertight-bench presidio-set`.
# Usage: bench/presidio/install.sh [FOLDER]   (default: ~/.cache/watertight-bench/presidio)
set -eu
folder=${1:-${HOME}/.cache/watertight-bench/presidio}
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet presidio-evaluator==0.3.2 presidio-analyzer==2.2.366 spacy==3.8.18 \
    spacy-lookups-data==1.0.5 Faker==40.63.0
echo "$folder"
