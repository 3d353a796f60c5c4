//! What the user may test beyond their own machine and the private addresses they name.

use ipnet::IpNet;
use jiff::Timestamp;
use std::net::IpAddr;

/// An authorisation to test public addresses: who gave it, until when, for which networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Who authorised the test. Never sent.
    pub authorised_by: String,
    /// The authorisation ends then.
    pub until: Timestamp,
    /// The networks it covers.
    pub networks: Vec<IpNet>,
}

impl Scope {
    /// Whether the authorisation still runs at `now`.
    pub fn in_force(&self, now: Timestamp) -> bool {
        now < self.until
    }

    /// Whether the authorisation names this address.
    pub fn covers(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}
