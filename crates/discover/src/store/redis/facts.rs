//! What a server says about itself: sections of INFO (<https://redis.io/docs/latest/commands/info/>) and the nodes of a
//! cluster.

use model::excerpt;

/// The value of a field in a section of INFO.
pub(super) fn field<'t>(info: &'t str, name: &str) -> Option<&'t str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// The databases that hold keys, with how many: `db0:keys=3,expires=0,avg_ttl=0`.
pub(super) fn databases(info: &str) -> Vec<(u32, u64)> {
    let found = info.lines().filter_map(|line| {
        let (name, facts) = line.trim().strip_prefix("db")?.split_once(':')?;
        let keys = facts.split(',').find_map(|fact| fact.strip_prefix("keys="))?;
        Some((name.parse().ok()?, keys.parse().ok()?))
    });
    found.take(1024).collect()
}

/// The addresses of the other masters in the answer to CLUSTER NODES.
pub(super) fn other_masters(nodes: &str) -> Vec<String> {
    let found = nodes.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (address, flags) = (words.next()?, words.next()?);
        let is_other = flags.split(',').any(|flag| flag == "master")
            && !flags.split(',').any(|flag| matches!(flag, "myself" | "noaddr" | "fail"));
        let address = address.split(['@', ',']).next()?;
        is_other.then(|| excerpt(address.as_bytes()))
    });
    found.take(1024).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_found() {
        let info = "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n\r\n# Keyspace\r\n\
                    db0:keys=3,expires=0,avg_ttl=0\r\ndb15:keys=20,expires=1,avg_ttl=9,subexpiry=0\r\ndbx:keys=1\r\n";
        assert_eq!(field(info, "redis_mode"), Some("standalone"));
        assert_eq!(field(info, "redis"), None);
        assert_eq!(databases(info), [(0, 3), (15, 20)]);
    }

    #[test]
    fn the_other_masters_of_a_cluster_are_named() {
        let nodes = "07c37df 127.0.0.1:30004@31004,host4 slave e7d1eec 0 1426238317239 4 connected\n\
                     67ed2db 127.0.0.1:30002@31002,host2 master - 0 1426238316232 2 connected 5461-10922\n\
                     e7d1eec 127.0.0.1:30001@31001,host1 myself,master - 0 0 1 connected 0-5460\n\
                     bad\n";
        assert_eq!(other_masters(nodes), ["127.0.0.1:30002"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_searched_for_facts_without_panic(text: String) {
            let _ = (field(&text, "role"), databases(&text), other_masters(&text));
        }
    }
}
