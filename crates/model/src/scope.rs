//! What the user may test beyond their own machine and the private addresses they name.

use ipnet::IpNet;
use jiff::Timestamp;
use std::net::IpAddr;

use crate::Bucket;

/// An authorisation to test public addresses and buckets: who gave it, until when, for which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Who authorised the test. Never sent.
    pub authorised_by: String,
    /// The authorisation ends then.
    pub until: Timestamp,
    /// The networks it covers.
    pub networks: Vec<IpNet>,
    /// The buckets it covers, by the text of each.
    pub buckets: Vec<String>,
    /// The hosts at which found keys may be tried.
    pub token_services: Vec<String>,
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

    /// Whether the authorisation names this bucket.
    pub fn covers_bucket(&self, bucket: &Bucket) -> bool {
        let text = bucket.to_string();
        self.buckets.contains(&text)
    }

    /// Whether the authorisation names this host as one at which found keys may be tried.
    pub fn covers_token_service(&self, host: &str) -> bool {
        self.token_services.iter().any(|named| named.eq_ignore_ascii_case(host))
    }
}
