//! Parsers of strangers' bytes, one by one, for the targets of `fuzz/`. Not there in any other build.

use crate::ber;
use crate::codec::{netbios, nfs, ntlm, onc_rpc, smb2, srvsvc};
use crate::service;

pub use crate::bucket::fuzzing::judge as judge_bucket;

/// A name, and what is made of an answer.
pub type Parser = (&'static str, fn(&[u8]));

/// Answers of services whose conversation is long until the parser is reached.
pub const ANSWERS: &[Parser] = &[
    ("kafka", service::kafka::fuzz),
    ("cassandra", service::cassandra::fuzz),
    ("neo4j-bolt", service::neo4j_bolt::fuzz),
    ("ldap", service::ldap::fuzz),
    ("ber", ber),
    ("zookeeper", service::zookeeper::fuzz),
    ("amqp", service::amqp::fuzz),
    ("mqtt", service::mqtt::fuzz),
    ("milvus-grpc", service::milvus_grpc::fuzz),
    ("memcached", service::memcached::fuzz),
    ("mongodb", service::mongodb::fuzz),
    ("clickhouse-native", service::clickhouse_native::fuzz),
    ("mysql", service::mysql::fuzz),
    ("postgresql", service::postgresql::fuzz),
];

/// The codecs of file servers.
pub const SHARES: &[Parser] = &[
    ("smb2", smb2),
    ("ntlm", ntlm),
    ("srvsvc", srvsvc),
    ("onc-rpc", onc_rpc),
    ("nfs", nfs),
    ("netbios", |bytes| drop(netbios::complete(bytes))),
];

fn ber(bytes: &[u8]) {
    let _ = ber::Element::whole(bytes);
    for element in ber::elements(bytes) {
        let _ = (element.unsigned(), ber::elements(element.value).count());
    }
}

fn smb2(bytes: &[u8]) {
    let _ = smb2::complete(bytes);
    if let Some(answer) = smb2::Answer::read(bytes) {
        let _ = (smb2::status(answer.status), answer.dialect(), answer.session_flags(), answer.share());
        let _ = (answer.file(), answer.maximal_access());
        let _ = answer.token().map(|token| ntlm::authenticate(ntlm::Who::MadeUp("watertight"), token));
        let _ = answer.output().map(srvsvc);
    }
}

fn ntlm(bytes: &[u8]) {
    let _ = ntlm::authenticate(ntlm::Who::MadeUp("watertight"), bytes);
}

fn srvsvc(bytes: &[u8]) {
    let _ = srvsvc::bound(bytes);
    // In two pieces, as a long list comes.
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    let mut list = srvsvc::List::new(first.to_vec());
    if list.end().is_none() && list.add(rest) {
        let _ = list.end();
    }
    srvsvc::fuzz(bytes);
}

fn onc_rpc(bytes: &[u8]) {
    let _ = onc_rpc::complete(bytes);
    let xid = bytes.get(4..).and_then(|rest| rest.first_chunk()).map_or(0, |xid| u32::from_be_bytes(*xid));
    if let Some(onc_rpc::Answer::Success(results)) = onc_rpc::answer(bytes, xid) {
        nfs(&results);
    }
}

fn nfs(bytes: &[u8]) {
    let _ = (nfs::folder(bytes, false), nfs::folder(bytes, true), nfs::rights(bytes));
    let _ = (nfs::entries(bytes, (0, 0)), nfs::exports(bytes), nfs::mounted(bytes), nfs::rights3(bytes));
}
