# Brokers: Debian packages. Sourced by install-test-servers.sh.
PACKAGES+=(nats-server mosquitto rabbitmq-server)
