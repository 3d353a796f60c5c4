# Directories, file servers, metrics, registries and a name server: all of them Debian packages. Sourced by
# install-test-servers.sh.

PACKAGES+=(rsync vsftpd slapd dnsmasq-base prometheus prometheus-alertmanager docker-registry influxdb)
# Samba as a domain controller.
RARE_PACKAGES+=(samba python3-samba samba-dsdb-modules samba-vfs-modules samba-ad-provision winbind)
