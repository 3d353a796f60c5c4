//! Only what the user may test. Every dial needs a [`Permit`], and only the guard makes one.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use jiff::Timestamp;
use model::{AddressClass, Bucket, Scope, classify, is_metadata_address};
use thiserror::Error;

/// Leave to dial one address. It cannot be made outside this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    address: SocketAddr,
}

impl Permit {
    /// The address that may be dialled.
    pub fn address(self) -> SocketAddr {
        self.address
    }
}

/// Why an address may not be dialled, with what would change that.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A cloud's metadata service.
    #[error("{0} is a cloud metadata address; these are never dialled")]
    Metadata(IpAddr),
    /// An address no host can have.
    #[error("{0} is not an address a host can have")]
    Unusable(IpAddr),
    /// A private address that the user did not name.
    #[error("{0} was not named as a target")]
    NotNamed(IpAddr),
    /// A public address without an authorisation.
    #[error("{0} is a public address, and no [scope] authorises testing it")]
    NoScope(IpAddr),
    /// A public address outside the authorisation.
    #[error("{0} is a public address outside the networks of [scope]")]
    OutOfScope(IpAddr),
    /// The authorisation has ended.
    #[error("the authorisation in [scope] ended on {until}; {address} is a public address")]
    ScopeEnded {
        /// The address.
        address: IpAddr,
        /// When the authorisation ended.
        until: Timestamp,
    },
    /// A bucket that no authorisation names.
    #[error("no [scope] names the bucket {0}")]
    BucketNotInScope(String),
    /// The authorisation that names a bucket has ended.
    #[error("the authorisation in [scope] for the bucket {bucket} ended on {until}")]
    BucketScopeEnded {
        /// The bucket.
        bucket: String,
        /// When the authorisation ended.
        until: Timestamp,
    },
    /// A host that has nothing to do with the bucket.
    #[error("{0} is not a host of this bucket")]
    OtherHost(String),
}

/// Judges addresses.
#[derive(Clone, Debug)]
pub struct Guard {
    own: Vec<IpAddr>,
    named_addresses: HashSet<IpAddr>,
    named_networks: Vec<IpNet>,
    scope: Option<Scope>,
    now: Timestamp,
}

impl Guard {
    /// A guard for a machine with the addresses `own`, that may test public addresses as `scope` says.
    pub fn new(own: Vec<IpAddr>, scope: Option<Scope>, now: Timestamp) -> Self {
        Self { own, named_addresses: HashSet::new(), named_networks: Vec::new(), scope, now }
    }

    /// Notes that the user named these addresses as targets (or named a host that resolves to them).
    pub fn name(&mut self, network: IpNet) {
        if network.prefix_len() == network.max_prefix_len() {
            self.named_addresses.insert(network.addr());
        } else {
            self.named_networks.push(network);
        }
    }

    /// Whether the address belongs to this machine.
    pub fn is_own(&self, address: IpAddr) -> bool {
        classify(address) == AddressClass::Loopback || self.own.contains(&address.to_canonical())
    }

    /// Whether a bucket may be asked for at its provider: by its name, whatever the addresses are.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn names_bucket(&self, bucket: &Bucket) -> Result<(), Refusal> {
        match self.scope.as_ref().filter(|scope| scope.covers_bucket(bucket)) {
            None => Err(Refusal::BucketNotInScope(bucket.to_string())),
            Some(scope) if scope.in_force(self.now) => Ok(()),
            Some(scope) => Err(Refusal::BucketScopeEnded { bucket: bucket.to_string(), until: scope.until }),
        }
    }

    /// Leave to dial an address of `host` for a bucket and for nothing else, or why not. A bucket in scope may be asked
    /// for at the provider's own hosts and at the endpoint that the user named; such an endpoint may also be in
    /// scope by its address, as any other.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn permit_bucket(&self, bucket: &Bucket, host: &str, address: SocketAddr) -> Result<Permit, Refusal> {
        let class = usable(address.ip())?;
        if !bucket.owns(host) || bucket.endpoint().is_some_and(|named| named.port != address.port()) {
            return Err(Refusal::OtherHost(host.to_owned()));
        }
        match bucket.endpoint() {
            None => self.names_bucket(bucket)?,
            Some(_) if class == AddressClass::Public && !self.is_own(address.ip()) => {
                self.names_bucket(bucket).or_else(|_| self.permit_public(address.ip()))?;
            }
            Some(_) => {}
        }
        Ok(Permit { address })
    }

    /// Leave to dial, or why not.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn permit(&self, address: SocketAddr) -> Result<Permit, Refusal> {
        let ip = address.ip();
        let class = usable(ip)?;
        if self.is_own(ip) {
            return Ok(Permit { address });
        }
        if !self.is_named(ip) {
            return Err(Refusal::NotNamed(ip));
        }
        if class == AddressClass::Public {
            self.permit_public(ip)?;
        }
        Ok(Permit { address })
    }

    /// Leave to dial an address of `host`, or why not. Beside what [`Guard::permit`] allows, a token service that the
    /// authorisation names may be dialled for HTTPS, whatever its addresses are: its certificate says who it is.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn permit_host(&self, host: &str, address: SocketAddr) -> Result<Permit, Refusal> {
        let named = self.scope.as_ref().is_some_and(|scope| {
            scope.covers_token_service(host) && scope.in_force(self.now) && address.port() == 443
        });
        match self.permit(address) {
            Err(_) if named => usable(address.ip()).map(|_| Permit { address }),
            judged => judged,
        }
    }

    fn is_named(&self, ip: IpAddr) -> bool {
        self.named_addresses.contains(&ip) || self.named_networks.iter().any(|network| network.contains(&ip))
    }

    fn permit_public(&self, ip: IpAddr) -> Result<(), Refusal> {
        // A mapped address must be judged as the address that the kernel will dial.
        let ip = ip.to_canonical();
        let scope = self.scope.as_ref().ok_or(Refusal::NoScope(ip))?;
        if !scope.covers(ip) {
            return Err(Refusal::OutOfScope(ip));
        }
        if !scope.in_force(self.now) {
            return Err(Refusal::ScopeEnded { address: ip, until: scope.until });
        }
        Ok(())
    }
}

/// The class of an address that is no cloud's metadata service and that a host can have.
fn usable(ip: IpAddr) -> Result<AddressClass, Refusal> {
    match classify(ip) {
        _ if is_metadata_address(ip) => Err(Refusal::Metadata(ip)),
        AddressClass::Unusable => Err(Refusal::Unusable(ip)),
        class => Ok(class),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Endpoint, Provider};

    fn now() -> Timestamp {
        "2026-06-01T00:00:00Z".parse().unwrap()
    }

    fn scope(until: &str) -> Scope {
        Scope {
            authorised_by: "the owner".to_owned(),
            until: until.parse().unwrap(),
            networks: vec!["8.8.8.0/24".parse().unwrap()],
            buckets: vec!["oss://archive".to_owned(), "s3://abc?endpoint=https://s3.example:443".to_owned()],
            token_services: vec!["sts.amazonaws.com".to_owned()],
        }
    }

    fn guard(scope: Option<Scope>, named: &[&str]) -> Guard {
        let mut guard = Guard::new(vec!["10.0.0.9".parse().unwrap()], scope, now());
        for network in named {
            guard.name(network.parse().unwrap());
        }
        guard
    }

    fn refusal(guard: &Guard, address: &str) -> Option<Refusal> {
        guard.permit(address.parse().unwrap()).err()
    }

    #[test]
    fn loopback_and_own_addresses_need_nothing() {
        let guard = guard(None, &[]);
        assert_eq!(refusal(&guard, "127.9.9.9:1"), None);
        assert_eq!(refusal(&guard, "[::1]:1"), None);
        assert_eq!(refusal(&guard, "10.0.0.9:1"), None);
    }

    #[test]
    fn a_private_address_must_be_named() {
        let guard = guard(None, &["10.1.0.0/24"]);
        assert_eq!(refusal(&guard, "10.1.0.7:1"), None);
        assert!(matches!(refusal(&guard, "10.2.0.7:1"), Some(Refusal::NotNamed(_))));
    }

    #[test]
    fn a_public_address_needs_scope_even_when_named() {
        assert!(matches!(refusal(&guard(None, &["8.8.8.8/32"]), "8.8.8.8:1"), Some(Refusal::NoScope(_))));
        let scoped = guard(Some(scope("2027-01-01T00:00:00Z")), &["8.8.8.8/32", "9.9.9.9/32"]);
        assert_eq!(refusal(&scoped, "8.8.8.8:1"), None);
        assert!(matches!(refusal(&scoped, "9.9.9.9:1"), Some(Refusal::OutOfScope(_))));
        assert!(matches!(refusal(&scoped, "8.8.8.9:1"), Some(Refusal::NotNamed(_))));
    }

    #[test]
    fn an_authorisation_ends() {
        let ended = guard(Some(scope("2026-01-01T00:00:00Z")), &["8.8.8.8/32"]);
        assert!(matches!(refusal(&ended, "8.8.8.8:1"), Some(Refusal::ScopeEnded { .. })));
    }

    #[test]
    fn metadata_addresses_are_refused_even_when_named_and_own() {
        let mut guard = Guard::new(vec!["169.254.169.254".parse().unwrap()], None, now());
        guard.name("0.0.0.0/0".parse().unwrap());
        guard.name("::/0".parse().unwrap());
        for address in
            ["169.254.169.254:80", "100.100.100.200:80", "[::ffff:169.254.169.254]:80", "[fd00:ec2::254]:80"]
        {
            assert!(matches!(refusal(&guard, address), Some(Refusal::Metadata(_))), "{address}");
        }
    }

    fn for_bucket(guard: &Guard, bucket: &Bucket, host: &str, address: &str) -> Option<Refusal> {
        guard.permit_bucket(bucket, host, address.parse().unwrap()).err()
    }

    #[test]
    fn a_bucket_in_scope_opens_its_own_hosts_and_nothing_else() {
        let scoped = guard(Some(scope("2027-01-01T00:00:00Z")), &[]);
        let archive = Bucket::new(Provider::Oss, "archive").unwrap();
        let host = archive.host();
        assert_eq!(for_bucket(&scoped, &archive, &host, "9.9.9.9:443"), None);
        assert_eq!(for_bucket(&scoped, &archive, "archive.oss-cn-beijing.aliyuncs.com", "9.9.9.9:443"), None);
        for elsewhere in ["other.oss-cn-beijing.aliyuncs.com", "evil.example", "9.9.9.9"] {
            let refused = for_bucket(&scoped, &archive, elsewhere, "9.9.9.9:443");
            assert!(matches!(refused, Some(Refusal::OtherHost(_))), "{elsewhere}");
        }
        // The address itself stays out of scope for everything else.
        assert!(matches!(refusal(&scoped, "9.9.9.9:443"), Some(Refusal::NotNamed(_))));
        let metadata = for_bucket(&scoped, &archive, &host, "100.100.100.200:443");
        assert!(matches!(metadata, Some(Refusal::Metadata(_))));
    }

    #[test]
    fn a_bucket_needs_a_scope_that_names_it_and_runs() {
        let other = Bucket::new(Provider::Oss, "another").unwrap();
        let archive = Bucket::new(Provider::Oss, "archive").unwrap();
        let scoped = guard(Some(scope("2027-01-01T00:00:00Z")), &[]);
        let refused = for_bucket(&scoped, &other, &other.host(), "9.9.9.9:443");
        assert!(matches!(refused, Some(Refusal::BucketNotInScope(_))));
        let refused = for_bucket(&guard(None, &[]), &archive, &archive.host(), "127.0.0.1:443");
        assert!(matches!(refused, Some(Refusal::BucketNotInScope(_))));
        let ended = guard(Some(scope("2026-01-01T00:00:00Z")), &[]);
        let refused = for_bucket(&ended, &archive, &archive.host(), "9.9.9.9:443");
        assert!(matches!(refused, Some(Refusal::BucketScopeEnded { .. })));
    }

    #[test]
    fn an_endpoint_of_the_users_own_follows_the_rules_of_addresses_or_of_its_bucket() {
        let at = |host: &str, port| Endpoint { tls: true, host: host.to_owned(), port };
        let bucket = |endpoint| Bucket::new(Provider::S3, "abc").unwrap().at(endpoint).unwrap();
        let bare = guard(None, &[]);
        assert_eq!(for_bucket(&bare, &bucket(at("127.0.0.1", 9000)), "127.0.0.1", "127.0.0.1:9000"), None);
        assert_eq!(for_bucket(&bare, &bucket(at("minio", 9000)), "minio", "10.1.1.1:9000"), None);
        let port = for_bucket(&bare, &bucket(at("minio", 9000)), "minio", "10.1.1.1:9001");
        assert!(matches!(port, Some(Refusal::OtherHost(_))));
        let public = for_bucket(&bare, &bucket(at("minio", 9000)), "minio", "9.9.9.9:9000");
        assert!(matches!(public, Some(Refusal::NoScope(_))));
        let scoped = guard(Some(scope("2027-01-01T00:00:00Z")), &[]);
        assert_eq!(for_bucket(&scoped, &bucket(at("minio", 9000)), "minio", "8.8.8.8:9000"), None);
        assert_eq!(for_bucket(&scoped, &bucket(at("s3.example", 443)), "s3.example", "9.9.9.9:443"), None);
        let other = for_bucket(&scoped, &bucket(at("s3.elsewhere", 443)), "s3.elsewhere", "9.9.9.9:443");
        assert!(matches!(other, Some(Refusal::OutOfScope(_))));
    }

    #[test]
    fn a_token_service_in_scope_is_dialled_by_its_name_for_https_alone() {
        let asks = |guard: &Guard, host: &str, address: &str| {
            guard.permit_host(host, address.parse().unwrap()).err()
        };
        let scoped = guard(Some(scope("2027-01-01T00:00:00Z")), &[]);
        assert_eq!(asks(&scoped, "STS.amazonaws.com", "9.9.9.9:443"), None);
        let metadata = asks(&scoped, "sts.amazonaws.com", "169.254.169.254:443");
        assert!(matches!(metadata, Some(Refusal::Metadata(_))));
        let ended = guard(Some(scope("2026-01-01T00:00:00Z")), &[]);
        for (guard, host, address) in [
            (&scoped, "sts.amazonaws.com", "9.9.9.9:80"),
            (&scoped, "sts.aliyuncs.com", "9.9.9.9:443"),
            (&ended, "sts.amazonaws.com", "9.9.9.9:443"),
        ] {
            assert!(matches!(asks(guard, host, address), Some(Refusal::NotNamed(_))), "{host} {address}");
        }
        assert!(matches!(refusal(&scoped, "9.9.9.9:443"), Some(Refusal::NotNamed(_))));
    }

    #[test]
    fn a_mapped_public_address_needs_scope_as_well() {
        let guard = guard(None, &["::ffff:8.8.8.8/128"]);
        assert!(matches!(refusal(&guard, "[::ffff:8.8.8.8]:1"), Some(Refusal::NoScope(_))));
    }
}
