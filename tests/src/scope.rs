//! The scope guard, from both sides: a namespace whose firewall counts every packet to an address that was not named.

use std::net::{IpAddr, SocketAddr};

use testkit::emulator::http::{self, Reply};
use testkit::hostile::Hostile;
use testkit::netns::Namespace;
use testkit::real::{self, Place};

use crate::harness::{Home, without_namespaces};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Two hosts; the audit runs in the first, servers in the second.
struct Hosts {
    auditor: Namespace,
    server: Namespace,
}

impl Hosts {
    fn new(label: &str) -> Self {
        let (auditor, server) = (Namespace::new(label).unwrap(), Namespace::new(label).unwrap());
        Namespace::pair(&auditor, &server, "198.51.100.1/24", "198.51.100.2/24").unwrap();
        Self { auditor, server }
    }
}

#[test]
fn nothing_leaves_for_an_address_that_was_not_named() {
    if without_namespaces("nothing_leaves_for_an_address_that_was_not_named") {
        return;
    }
    let hosts = Hosts::new("scope");
    let place =
        Place { netns: Some(hosts.server.name().to_owned()), bind: ip("198.51.100.2"), ..Place::default() };
    let redis = real::start_in("redis-open", &place).unwrap();
    let counter = hosts.auditor.counter(&[ip("198.51.100.2"), ip("127.0.0.1")]).unwrap();
    let home = Home::inside(&hosts.auditor);
    let run = home.audit(&["--no-state", &redis.address.to_string()]);
    assert_eq!(run.exposure(redis.address)["verdict"], "OPEN");
    for target in ["8.8.8.8:53", "169.254.169.254", "100.100.100.200", "203.0.113.9/15", "[fd00:ec2::254]:80"]
    {
        assert_eq!(home.audit(&["--no-state", target]).code, 2, "{target}");
    }
    assert_eq!(counter.packets().unwrap(), 0, "a packet left for an address that was not named");
}

#[test]
fn the_counter_counts() {
    if without_namespaces("the_counter_counts") {
        return;
    }
    let hosts = Hosts::new("counts");
    let counter = hosts.auditor.counter(&[ip("127.0.0.1")]).unwrap();
    // Named by the user, so it is dialled, and the firewall sees it.
    Home::inside(&hosts.auditor).audit(&["--no-state", "--timeout", "3", "198.51.100.2:6379"]);
    assert!(counter.packets().unwrap() > 0);
}

#[test]
fn a_name_covers_the_private_addresses_it_resolves_to_and_no_public_one() {
    if without_namespaces("a_name_covers_the_private_addresses_it_resolves_to_and_no_public_one") {
        return;
    }
    let hosts = Hosts::new("names");
    let place =
        Place { netns: Some(hosts.server.name().to_owned()), bind: ip("198.51.100.2"), ..Place::default() };
    let redis = real::start_in("redis-open", &place).unwrap();
    let counter = hosts.auditor.counter(&[ip("198.51.100.1"), ip("198.51.100.2"), ip("127.0.0.1")]).unwrap();
    // `ip netns exec` lays /etc/netns/NAME/hosts over /etc/hosts: the namespace's own resolver.
    let folder = format!("/etc/netns/{}", hosts.auditor.name());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        format!("{folder}/hosts"),
        "198.51.100.2 inside.example\n8.8.8.8 outside.example\n169.254.169.254 metadata.example\n198.51.100.2 both.example\n8.8.4.4 both.example\n198.51.100.1 twin.example\n198.51.100.2 twin.example\n",
    )
    .unwrap();
    let home = Home::inside(&hosts.auditor);
    let port = redis.address.port();
    let inside = home.audit(&["--no-state", &format!("inside.example:{port}")]);
    let outcomes: Vec<(i32, &str)> = ["outside.example", "metadata.example", "both.example"]
        .iter()
        .map(|name| (home.audit(&["--no-state", &format!("{name}:{port}")]).code, *name))
        .collect();
    // The first address of this name refuses, the second answers: nothing stays undecided.
    let twin = home.audit(&["--no-state", "--fail-on", "critical", &format!("twin.example:{port}")]);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!((twin.code, twin.records().len() >= 2), (0, true), "{}", twin.stdout);
    let record = inside.exposure(redis.address);
    assert_eq!((&record["verdict"], &record["asset"]["name"]), (&"OPEN".into(), &"inside.example".into()));
    assert!(outcomes.iter().all(|(code, _)| *code == 2), "{outcomes:?}");
    assert_eq!(counter.packets().unwrap(), 0);
}

#[test]
fn hops_that_a_server_proposes_are_not_taken() {
    let elsewhere = http::start(|_, _| Reply::html("elsewhere")).unwrap();
    let target: SocketAddr = elsewhere.address;
    for kind in [Hostile::RedirectElsewhere(target), Hostile::RedisMoved(target)] {
        let server = kind.start().unwrap();
        Home::new().audit(&["--no-state", "--timeout", "5", &server.address.to_string()]);
        assert!(server.connections() > 0);
    }
    assert_eq!(elsewhere.connections(), 0);
}

/// Servers that try to lead the audit elsewhere, inside a namespace whose firewall counts.
#[test]
fn no_packet_follows_a_redirect_or_a_proposed_address() {
    if without_namespaces("no_packet_follows_a_redirect_or_a_proposed_address") {
        return;
    }
    let hosts = Hosts::new("hops");
    let elsewhere: SocketAddr = "203.0.113.7:80".parse().unwrap();
    let counter = hosts.auditor.counter(&[ip("127.0.0.1")]).unwrap();
    let home = Home::new();
    hosts
        .auditor
        .inside(|| {
            for kind in
                [Hostile::RedirectElsewhere(elsewhere), Hostile::RedisMoved(elsewhere), Hostile::RedirectLoop]
            {
                let server = kind.start().unwrap();
                home.audit(&["--no-state", "--timeout", "5", &server.address.to_string()]);
                assert!(server.connections() > 0, "{kind:?} was not asked");
            }
            // A dashboard whose every page leads to another host.
            let dashboard = http::start(|_, _| {
                Reply::redirect("http://203.0.113.7/app/home")
                    .with("kbn-name", "kibana")
                    .with("kbn-license-sig", "x")
            })
            .unwrap();
            home.audit(&["--no-state", "--timeout", "5", &dashboard.address.to_string()]);
            assert!(dashboard.connections() > 0);
        })
        .unwrap();
    assert_eq!(counter.packets().unwrap(), 0);
}

#[test]
fn a_network_is_swept_at_the_default_ports() {
    if without_namespaces("a_network_is_swept_at_the_default_ports") {
        return;
    }
    let hosts = Hosts::new("sweep");
    let place = Place {
        netns: Some(hosts.server.name().to_owned()),
        bind: ip("198.51.100.2"),
        port: Some(6379),
        ..Place::default()
    };
    let redis = real::start_in("redis-open", &place).unwrap();
    let run = Home::inside(&hosts.auditor).audit(&["--no-state", "198.51.100.0/30"]);
    let record = run.exposure(redis.address);
    assert_eq!(
        (&record["verdict"], &record["vantage"], &record["reach"]),
        (&"OPEN".into(), &"remote".into(), &"lan".into())
    );
    assert_eq!(run.code, 1, "high in a private network");
    // The same endpoint named twice is one record.
    let both = Home::inside(&hosts.auditor).audit(&["--no-state", "198.51.100.0/30", "198.51.100.2:6379"]);
    assert_eq!(
        both.records().iter().filter(|record| record["type"] == "exposure").count(),
        1,
        "{}",
        both.stdout
    );
}
