#!/usr/bin/env bash
# Installs the real servers that the tests start (crates/testkit/src/real): Debian packages with apt,
# Java servers with Maven. Made for Debian 12; run again at any time, what is there is left alone.
#
#   scripts/install-test-servers.sh               install what is missing
#   scripts/install-test-servers.sh --print-lab   print the folder of the Java servers and do nothing else
#
# WATERTIGHT_LAB names that folder. Only this file knows its default: the test kit asks here.
set -Eeuo pipefail
umask 022
export DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"

PACKAGES=(redis-server memcached libsasl2-modules sasl2-bin postgresql-15 mariadb-server clickhouse-server
  etcd-server etcd-client nginx-light docker.io openssl iproute2 nftables)
ES2=2.4.6 ES5=5.6.16 ES6=6.8.23 ES7=7.17.28 ES8=8.7.1 OPENSEARCH=2.19.1 MONGO=1.46.0
RECIPE=1 # raise it when the way a folder is made changes: older folders are then made anew
PLUGIN=org.apache.maven.plugins:maven-dependency-plugin:3.6.1

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

# Java 17 runs all five servers; Elasticsearch 6 knows nothing newer. Prints nothing where there is none.
jdk_home() {
  local compiler
  for compiler in "$(command -v javac || true)" /usr/lib/jvm/java-17-openjdk-*/bin/javac; do
    [ -x "$compiler" ] || continue
    [[ $("$compiler" -version 2>&1) == "javac 17."* ]] || continue
    dirname "$(dirname "$(readlink -f "$compiler")")"
    return
  done
}

maven() {
  mvn -q -B -Dstyle.color=never "$@" >&2 || fail "Maven failed: is its repository reachable? (mvn $*)"
}

# jars FOLDER G:A:V...: those artifacts and what they need at run time, into FOLDER.
jars() {
  local folder=$1 project coordinate group artifact version
  shift
  project=$(mktemp -d)
  {
    echo '<project><modelVersion>4.0.0</modelVersion><groupId>lab</groupId><artifactId>lab</artifactId>'
    echo '<version>1</version><dependencies>'
    for coordinate; do
      IFS=: read -r group artifact version <<<"$coordinate"
      echo "<dependency><groupId>$group</groupId><artifactId>$artifact</artifactId>"
      echo "<version>$version</version></dependency>"
    done
    echo '</dependencies></project>'
  } > "$project/pom.xml"
  maven -C -f "$project/pom.xml" "$PLUGIN:copy-dependencies" -DincludeScope=runtime \
    "-DoutputDirectory=$PWD/$folder"
  rm -r "$project"
}

# unpack G:A:V FOLDER SHA256: a zip into FOLDER. Not every zip has a checksum beside it, so ours decides.
unpack() {
  local group artifact version file
  IFS=: read -r group artifact version <<<"$1"
  file=$artifact-$version.zip
  maven "$PLUGIN:copy" "-Dartifact=$1:zip" "-DoutputDirectory=$PWD"
  sha256sum --quiet -c - <<<"$3  $file" >&2 || fail "$file is not the file that this script was written for"
  mkdir -p "$2"
  (cd "$2" && "$JDK/bin/jar" xf "../$file")
  rm "$file"
}

# node_main PACKAGE STATEMENT: the full distributions of these servers are in no registry, but their libraries
# are; this main class does what the distribution's launcher does.
node_main() {
  cat > Main.java <<JAVA
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import $1.common.logging.LogConfigurator;
import $1.common.settings.Settings;
import $1.env.Environment;
import $1.node.InternalSettingsPreparer;
import $1.node.Node;

/** Runs one node until the process is ended. Arguments: home folder, configuration folder. */
public final class Main {
    public static void main(String[] folders) throws Exception {
        $2
        LogConfigurator.setNodeName("lab");
        Settings home = Settings.builder().put("path.home", folders[0]).build();
        Environment environment =
            InternalSettingsPreparer.prepareEnvironment(home, Map.of(), Path.of(folders[1]), () -> "lab");
        Node node = new Node(environment);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
        node.start();
        Thread.currentThread().join();
    }

    private static void close(Node node) {
        try {
            node.close();
        } catch (IOException failure) {
            failure.printStackTrace();
        }
    }
}
JAVA
}

compile() {
  "$JDK/bin/javac" -nowarn -proc:none -cp "lib/*:home/modules/transport-netty4/*" -d . "$@" ||
    fail "javac failed"
}

# netty_module PRODUCT VERSION CLASS: the HTTP layer is a module with a class loader of its own.
netty_module() {
  local module=home/modules/transport-netty4
  mkdir -p "$module" home/plugins
  mv lib/netty-*.jar lib/transport-netty4-*.jar "$module/"
  printf '%s\n' "name=transport-netty4" "description=HTTP and transport" "version=$2" "$1.version=$2" \
    "java.version=1.8" "classname=$3" > "$module/plugin-descriptor.properties"
}

# old_elasticsearch VERSION SHA256: a whole distribution.
old_elasticsearch() {
  unpack "org.elasticsearch.distribution.zip:elasticsearch:$1" whole "$2"
  mv "whole/elasticsearch-$1" home
  rmdir whole
  mkdir -p home/plugins
}

make_elasticsearch2() {
  old_elasticsearch "$ES2" 13473542568a1805c9daf0bd97a3910746cd1922d2b283578dbc3bcef605cbcb
}

make_elasticsearch5() {
  old_elasticsearch "$ES5" 1f0c74e213c60f050ac3adf584d2bb5d5582932b93965d489bb3f3e9fff2b8bb
}

make_elasticsearch6() {
  old_elasticsearch "$ES6" 490e9b9fbab9ffb3499938c45850318bd6554d439497842450b60ef22c114fb6
  # Machine learning runs a program of its own, which would outlive a server that is killed.
  rm -r home/modules/x-pack-ml/platform
}

make_elasticsearch7() {
  jars lib "org.elasticsearch:elasticsearch:$ES7" "org.elasticsearch.plugin:transport-netty4-client:$ES7"
  netty_module elasticsearch "$ES7" org.elasticsearch.transport.Netty4Plugin
  node_main org.elasticsearch ""
  compile Main.java
}

make_elasticsearch8() {
  jars lib "org.elasticsearch:elasticsearch:$ES8" "org.elasticsearch.plugin:transport-netty4:$ES8"
  netty_module elasticsearch "$ES8" org.elasticsearch.transport.netty4.Netty4Plugin
  node_main org.elasticsearch "LogConfigurator.configureESLogging();"
  compile Main.java
}

make_opensearch2() {
  jars lib "org.opensearch:opensearch:$OPENSEARCH" \
    "org.opensearch.plugin:transport-netty4-client:$OPENSEARCH" org.apache.logging.log4j:log4j-core:2.21.0
  netty_module opensearch "$OPENSEARCH" org.opensearch.transport.Netty4Plugin
  node_main org.opensearch ""
  # The server looks this class up by name when it loads a plugin; only the distribution carries it.
  cat > ExtendedPluginsClassLoader.java <<'JAVA'
package org.opensearch.plugins;

import java.util.List;

/** Looks a class up in the plugins that a plugin extends. */
public final class ExtendedPluginsClassLoader extends ClassLoader {
    private final List<ClassLoader> extended;

    private ExtendedPluginsClassLoader(ClassLoader parent, List<ClassLoader> extended) {
        super(parent);
        this.extended = extended;
    }

    public static ExtendedPluginsClassLoader create(ClassLoader parent, List<ClassLoader> extended) {
        return new ExtendedPluginsClassLoader(parent, extended);
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        for (ClassLoader loader : extended) {
            try {
                return loader.loadClass(name);
            } catch (ClassNotFoundException next) {
                // The next one may have it.
            }
        }
        throw new ClassNotFoundException(name);
    }
}
JAVA
  compile Main.java ExtendedPluginsClassLoader.java
  cp -r home secured
  unpack "org.opensearch.plugin:opensearch-security:$OPENSEARCH.0" security \
    94a04f12ac6033902209fac1e4e512618d45beee604bbf0e42c3ed79c55220cf
  mv security secured/plugins/opensearch-security
}

make_mongo_java() {
  jars lib "de.bwaldvogel:mongo-java-server:$MONGO"
  cat > Main.java <<'JAVA'
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;

/** Serves an empty store that lives in memory. Arguments: address, port. */
public final class Main {
    public static void main(String[] place) throws Exception {
        MongoServer server = new MongoServer(new MemoryBackend());
        server.bind(place[0], Integer.parseInt(place[1]));
        Thread.currentThread().join();
    }
}
JAVA
  compile Main.java
}

# make FOLDER VERSION COMMAND: a folder appears only when it is whole, so a run that is cut off does no harm.
make() {
  local folder=$1 stamp="$2 recipe $RECIPE" new=.new-$1
  [ "$(cat "$folder/.stamp" 2>/dev/null || true)" = "$stamp" ] && return
  say "fetching $1 $2 with Maven into $LAB/$folder"
  rm -rf "$new" "$folder"
  mkdir "$new"
  (cd "$new"; "$3")
  echo "$stamp" > "$new/.stamp"
  mv "$new" "$folder"
}

install_java_servers() {
  mkdir -p "$LAB" || fail "cannot make $LAB: set WATERTIGHT_LAB to a folder that you may write"
  [ "$(id -u)" != 0 ] || others_reach "$LAB" ||
    fail "$LAB is not reachable for user nobody: set WATERTIGHT_LAB to another folder"
  cd "$LAB"
  exec 9> .lock
  flock 9
  JDK=$(jdk_home)
  [ -n "$JDK" ] || fail "no JDK 17 found: install openjdk-17-jdk-headless"
  [ "$(readlink jdk || true)" = "$JDK" ] || ln -sfn "$JDK" jdk
  make elasticsearch2 "$ES2" make_elasticsearch2
  make elasticsearch5 "$ES5" make_elasticsearch5
  make elasticsearch6 "$ES6" make_elasticsearch6
  make elasticsearch7 "$ES7" make_elasticsearch7
  make elasticsearch8 "$ES8" make_elasticsearch8
  make opensearch2 "$OPENSEARCH" make_opensearch2
  make mongo-java "$MONGO" make_mongo_java
}

LAB=$(lab_folder)
case ${1:-} in
  --print-lab) echo "$LAB"; exit ;;
  "") ;;
  *) fail "unknown argument $1 (known: --print-lab)" ;;
esac
install_packages
install_java_servers
say "all there (Java servers in $LAB)"
