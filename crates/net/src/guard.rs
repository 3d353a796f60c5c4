//! Only what the user may test. Every dial needs a [`Permit`], and only the guard makes one.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use jiff::Timestamp;
use model::{AddressClass, Scope, classify, is_metadata_address};
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

    /// Leave to dial, or why not.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn permit(&self, address: SocketAddr) -> Result<Permit, Refusal> {
        let ip = address.ip();
        if is_metadata_address(ip) {
            return Err(Refusal::Metadata(ip));
        }
        let class = classify(ip);
        if class == AddressClass::Unusable {
            return Err(Refusal::Unusable(ip));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-06-01T00:00:00Z".parse().unwrap()
    }

    fn scope(until: &str) -> Scope {
        Scope {
            authorised_by: "the owner".to_owned(),
            until: until.parse().unwrap(),
            networks: vec!["8.8.8.0/24".parse().unwrap()],
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

    #[test]
    fn a_mapped_public_address_needs_scope_as_well() {
        let guard = guard(None, &["::ffff:8.8.8.8/128"]);
        assert!(matches!(refusal(&guard, "[::ffff:8.8.8.8]:1"), Some(Refusal::NoScope(_))));
    }
}
