# Hadoop, HBase, Spark, Flink, Solr and the monitor of Alibaba's Druid, with Maven (java.sh has the functions). Sourced by
# install-test-servers.sh. All but the last are large.

HADOOP=3.4.1 HBASE=2.4.17 SPARK=4.0.1 FLINK=1.20.1 SOLR=8.11.4 ALIBABA_DRUID=1.2.24

# The daemons' own main classes are in the test cluster's jar. What else is listed is needed at run time and declared nowhere.
make_hadoop() {
  jars lib "org.apache.hadoop:hadoop-client-minicluster:$HADOOP" "org.apache.hadoop:hadoop-client-runtime:$HADOOP" \
    "org.apache.hadoop:hadoop-client-api:$HADOOP" org.slf4j:slf4j-simple:1.7.36 ch.qos.reload4j:reload4j:1.2.22 \
    javax.xml.bind:jaxb-api:2.3.1 javax.activation:javax.activation-api:1.2.0 \
    org.bouncycastle:bcprov-jdk18on:1.78.1 org.bouncycastle:bcpkix-jdk18on:1.78.1
  # An empty file system, which every start gets a copy of: formatting one takes as long as a start.
  mkdir conf
  printf '%s\n' "<configuration><property><name>dfs.namenode.name.dir</name><value>$PWD/formatted</value></property>" \
    "<property><name>fs.defaultFS</name><value>hdfs://127.0.0.1:1</value></property></configuration>" > conf/hdfs-site.xml
  "$JDK/bin/java" --add-opens java.base/java.lang=ALL-UNNAMED -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
    -cp "conf:lib/*" org.apache.hadoop.hdfs.server.namenode.NameNode -format -nonInteractive >&2 ||
    fail "Hadoop could not format a file system"
  rm -r conf
}

make_hbase() {
  jars lib "org.apache.hbase:hbase-server:$HBASE" "org.apache.hbase:hbase-rest:$HBASE"
  # An older servlet interface and server that Hadoop 2 brings, in the way of HBase's own.
  rm -f lib/servlet-api-2.5*.jar lib/jetty-6.*.jar lib/jetty-sslengine-*.jar lib/jetty-util-6.*.jar
}

make_spark() {
  jars lib "org.apache.spark:spark-core_2.13:$SPARK" io.jsonwebtoken:jjwt-impl:0.12.6 \
    io.jsonwebtoken:jjwt-jackson:0.12.6
}

make_flink() {
  jars lib "org.apache.flink:flink-runtime-web:$FLINK" "org.apache.flink:flink-clients:$FLINK" \
    "org.apache.flink:flink-rpc-akka-loader:$FLINK" org.slf4j:slf4j-simple:1.7.36
}

# The distribution is in no registry; its core brings a runner for tests, which starts the same servlets.
make_solr() {
  jars lib "org.apache.solr:solr-core:$SOLR"
  cat > Main.java <<'JAVA'
import org.apache.solr.client.solrj.embedded.JettyConfig;
import org.apache.solr.client.solrj.embedded.JettySolrRunner;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/** Runs one node. Arguments: home folder, address, port. */
public final class Main {
    public static void main(String[] arguments) throws Exception {
        JettyConfig config =
            JettyConfig.builder().setContext("/solr").setPort(Integer.parseInt(arguments[2])).build();
        JettySolrRunner runner = new JettySolrRunner(arguments[0], config);
        // It knows loopback only.
        var field = JettySolrRunner.class.getDeclaredField("server");
        field.setAccessible(true);
        for (Connector connector : ((Server) field.get(runner)).getConnectors()) {
            ((ServerConnector) connector).setHost(arguments[1]);
        }
        runner.start();
        Thread.currentThread().join();
    }
}
JAVA
  compile Main.java
}

make_alibaba_druid() {
  jars lib "com.alibaba:druid:$ALIBABA_DRUID" org.eclipse.jetty:jetty-servlet:9.4.56.v20240826 \
    com.h2database:h2:2.2.224 org.slf4j:slf4j-simple:1.7.36
  cat > Main.java <<'JAVA'
import com.alibaba.druid.pool.DruidDataSource;
import com.alibaba.druid.support.http.StatViewServlet;
import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;

/** An application with one data source and the monitor. Arguments: address, port, then the servlet's parameters. */
public final class Main {
    public static void main(String[] arguments) throws Exception {
        DruidDataSource source = new DruidDataSource();
        source.setUrl("jdbc:h2:mem:lab");
        source.init();
        ServletHolder monitor = new ServletHolder(new StatViewServlet());
        for (int at = 2; at + 1 < arguments.length; at += 2) {
            monitor.setInitParameter(arguments[at], arguments[at + 1]);
        }
        ServletContextHandler application = new ServletContextHandler(ServletContextHandler.SESSIONS);
        application.addServlet(monitor, "/druid/*");
        Server server = new Server(new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1])));
        server.setHandler(application);
        server.start();
        server.join();
    }
}
JAVA
  compile Main.java
}

install_alibaba_druid() {
  JDK=$(jdk_home)
  [ -n "$JDK" ] || fail "no JDK 17 found: install openjdk-17-jdk-headless"
  make alibaba-druid "$ALIBABA_DRUID" make_alibaba_druid
}
INSTALL+=(install_alibaba_druid)

install_bigdata() {
  make hadoop "$HADOOP" make_hadoop
  make hbase "$HBASE" make_hbase
  make spark "$SPARK" make_spark
  make flink "$FLINK" make_flink
  make solr "$SOLR" make_solr
}
RARE_INSTALL+=(install_bigdata)
