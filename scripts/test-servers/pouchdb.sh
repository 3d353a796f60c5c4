# PouchDB Server, which speaks as CouchDB does, with npm. Sourced by install-test-servers.sh.

POUCHDB=4.2.0
# What it needs is taken as it was on this day.
POUCHDB_DAY=2026-11-01

command -v npm >/dev/null || RARE_PACKAGES+=(nodejs npm)

make_pouchdb() {
  # Without scripts: they would compile a store on disk, and the tests keep everything in memory.
  npm install --prefix . --ignore-scripts --omit=dev --no-audit --no-fund --no-package-lock --loglevel=error \
    --before "$POUCHDB_DAY" "pouchdb-server@$POUCHDB" >&2 || fail "npm failed: is its registry reachable?"
}

install_pouchdb() { make pouchdb "$POUCHDB" make_pouchdb; }
RARE_INSTALL+=(install_pouchdb)
