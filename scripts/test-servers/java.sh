# Servers that are Java archives, with Maven. Sourced by install-test-servers.sh.

ES2=2.4.6 ES5=5.6.16 ES6=6.8.23 ES7=7.17.28 ES8=8.7.1 OPENSEARCH=2.19.1 MONGO=1.46.0
PLUGIN=org.apache.maven.plugins:maven-dependency-plugin:3.6.1

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

install_java_servers() {
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
INSTALL+=(install_java_servers)
