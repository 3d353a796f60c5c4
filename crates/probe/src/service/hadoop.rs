//! The web servers of Apache Hadoop and HBase: NameNode, DataNode, ResourceManager, HBase's master and the others.
//!
//! WebHDFS: <https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html>, YARN:
//! <https://hadoop.apache.org/docs/stable/hadoop-yarn/hadoop-yarn-site/ResourceManagerRest.html>, logins:
//! <https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-common/HttpAuthentication.html>.
//!
//! They share `/jmx`, which says which daemon it is, and a filter for logins. Its type `simple` is no login: it demands
//! a name (`WWW-Authenticate: PseudoAuth`) and believes whatever `user.name` says. So a made-up name is tried once, and
//! only Kerberos (`Negotiate`) protects. WebHDFS is asked about a file that cannot exist.

use model::{Proof, Proven, Surface, Verdict, excerpt};
use net::http::Response;
use net::{Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::{Opening, Web};

/// The probe.
pub struct Hadoop;

/// One small bean whose name and tag say which daemon this is.
const WHO: &str = "/jmx?qry=Hadoop:service=*,name=JvmMetrics";
const NAMENODE_VERSION: &str = "/jmx?get=Hadoop:service=NameNode,name=NameNodeInfo::SoftwareVersion";
const NAMENODE_STATE: &str = "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState";
const DATANODE_INFO: &str = "/jmx?get=Hadoop:service=DataNode,name=DataNodeInfo::SecurityEnabled";
const NO_SUCH_FILE: &str = "/webhdfs/v1/watertight-no-such-file?op=GETFILESTATUS";
/// Without the address of a NameNode: a DataNode finds that out after it has let the client in.
const NO_SUCH_BLOCK: &str = "/webhdfs/v1/watertight-no-such-file?op=OPEN";
const YARN_METRICS: &str = "/ws/v1/cluster/metrics";
const YARN_INFO: &str = "/ws/v1/cluster/info";
const HBASE_MASTER: &str = "/jmx?qry=Hadoop:service=HBase,name=Master,sub=Server";

/// The name that is made up where a name is demanded.
const ASSERTED: &str = "user.name=watertight";

/// What the filter for logins demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    /// Any name; nothing is checked.
    Name,
    /// Kerberos, or another login.
    Login,
}

/// What an answer demands, if anything.
fn demand(answer: &Response) -> Option<Demand> {
    match answer.status {
        401 => {
            let names =
                |scheme: &str| answer.headers("www-authenticate").any(|offer| offer.starts_with(scheme));
            let login = names("Negotiate") || names("Basic") || names("Bearer") || names("Digest");
            Some(if names("PseudoAuth") && !login { Demand::Name } else { Demand::Login })
        }
        403 => Some(Demand::Login),
        _ => None,
    }
}

/// Whether a refusal comes from Hadoop's filter: it clears its cookie.
fn is_hadoop_refusal(answer: &Response) -> bool {
    answer.status == 401
        && (answer.headers("set-cookie").any(|cookie| cookie.starts_with("hadoop.auth="))
            || answer.headers("www-authenticate").any(|offer| offer == "PseudoAuth"))
}

/// A daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Daemon {
    NameNode,
    DataNode,
    ResourceManager,
    HBase,
    Other(String),
}

impl Daemon {
    fn product(&self) -> String {
        match self {
            Self::NameNode => "Hadoop HDFS NameNode".to_owned(),
            Self::DataNode => "Hadoop HDFS DataNode".to_owned(),
            Self::ResourceManager => "Hadoop YARN ResourceManager".to_owned(),
            Self::HBase => "Apache HBase".to_owned(),
            Self::Other(process) => format!("Hadoop {process}"),
        }
    }
}

/// Which daemon answered [`WHO`].
fn daemon(answer: &Response) -> Option<Daemon> {
    if answer.status != 200 {
        return None;
    }
    let service = answer.text_at("/beans/0/name")?.strip_prefix("Hadoop:service=")?;
    let service = service.strip_suffix(",name=JvmMetrics")?;
    let plain = |name: &str| name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let process = answer.text_at("/beans/0/tag.ProcessName").filter(|name| plain(name)).unwrap_or("daemon");
    Some(match service {
        "NameNode" => Daemon::NameNode,
        "DataNode" => Daemon::DataNode,
        "ResourceManager" => Daemon::ResourceManager,
        // Its tag names the first source of metrics, which may be any.
        "HBase" => Daemon::HBase,
        _ => Daemon::Other(process.to_owned()),
    })
}

/// Asks as nobody, and under a made-up name once a name was demanded.
struct Asker {
    web: Web,
    asserted: bool,
}

impl Asker {
    async fn get(&mut self, session: &mut Session, path: &str) -> Result<Response, Error> {
        if !self.asserted {
            let answer = self.web.get(session, path).await?.clone();
            if demand(&answer) != Some(Demand::Name) {
                return Ok(answer);
            }
            self.asserted = true;
        }
        let joint = if path.contains('?') { '&' } else { '?' };
        self.web.get(session, &format!("{path}{joint}{ASSERTED}")).await.cloned()
    }

    /// What lets strangers in, for reasons.
    fn how(&self) -> &'static str {
        if self.asserted {
            "it believes any name that a client claims (user.name)"
        } else {
            "no login is asked for"
        }
    }
}

/// The door of WebHDFS on a NameNode.
fn files(answer: &Response, how: &str) -> Option<Surface> {
    let (verdict, reason) = match (answer.status, answer.text_at("/RemoteException/exception")) {
        (404, Some("FileNotFoundException")) => (Verdict::Open, format!("files are listed and read: {how}")),
        (403, Some("StandbyException")) => (
            Verdict::OpenPartial,
            format!("{how}; this NameNode is in standby, and the active one has the files"),
        ),
        (403, Some("AccessControlException")) => {
            (Verdict::OpenPartial, format!("{how}; the guest's rights do not suffice for the root folder"))
        }
        (404, None) => return None,
        (401 | 403, _) => (Verdict::Protected, format!("files are refused ({})", answer.status)),
        (other, _) => (Verdict::Unknown, format!("WebHDFS answered {other}, which decides nothing")),
    };
    Some(Surface::new("webhdfs", verdict, reason))
}

/// The door of WebHDFS on a DataNode, which is only asked where security is off by its own word.
fn blocks(info: &Response, answer: &Response, how: &str) -> Option<Surface> {
    let off = info.json()?.pointer("/beans/0/SecurityEnabled")?.as_bool()?;
    let exception = answer.text_at("/RemoteException/exception");
    match (answer.status, exception) {
        (400, Some("IllegalArgumentException")) | (404, Some("FileNotFoundException")) if !off => {
            Some(Surface::new("webhdfs", Verdict::Open, format!("blocks of files are read: {how}")))
        }
        (401 | 403, _) => Some(Surface::new("webhdfs", Verdict::Protected, "blocks of files are refused")),
        _ => None,
    }
}

/// The door of YARN's REST interface. The distribution wraps the numbers in an object, a shaded build does not.
fn applications(answer: &Response, how: &str) -> Surface {
    let number = |name: &str| yarn_number(answer, name);
    let (verdict, reason) = match answer.status {
        200 if number("appsSubmitted").is_some() && number("totalNodes").is_some() => {
            (Verdict::Open, format!("applications are read and submitted (code runs on the cluster): {how}"))
        }
        401 | 403 => (Verdict::Protected, format!("applications are refused ({})", answer.status)),
        other => (
            Verdict::Unknown,
            format!("the cluster's metrics were answered with {other}, which decides nothing"),
        ),
    };
    Surface::new("rest", verdict, reason)
}

fn yarn_number(answer: &Response, name: &str) -> Option<u64> {
    answer.number_at(&format!("/clusterMetrics/{name}")).or_else(|| answer.number_at(&format!("/{name}")))
}

/// The web interface, which `/jmx` stands for.
fn interface(how: &str) -> Surface {
    let reason = format!("metrics, logs and configuration are told: {how}");
    Surface::new("web interface", Verdict::OpenPartial, reason)
}

/// The web interface of HBase's master splits and compacts tables, unless `hbase.master.ui.readonly` is set.
fn tables(master: &Response, how: &str) -> Option<Surface> {
    bean_number(master, "numRegionServers")?;
    Some(Surface::new("tables", Verdict::Open, format!("tables are listed, split and compacted: {how}")))
}

fn bean_number(answer: &Response, name: &str) -> Option<u64> {
    answer.number_at(&format!("/beans/0/{name}"))
}

async fn judge(session: &mut Session, web: Web) -> Result<Judgement, Error> {
    let mut asker = Asker { web, asserted: false };
    let who = asker.get(session, WHO).await?;
    if demand(&who) == Some(Demand::Login) {
        return Ok(Judgement::of(Verdict::Protected, format!("a login is demanded ({})", challenge(&who))));
    }
    let Some(daemon) = daemon(&who) else {
        return Ok(Judgement::of(
            Verdict::Unknown,
            format!("/jmx was answered with {}, which decides nothing", who.status),
        ));
    };
    let mut judgement = Judgement { product: Some(daemon.product()), ..Judgement::default() };
    judgement.surfaces.push(interface(asker.how()));
    match &daemon {
        Daemon::NameNode => {
            let answer = asker.get(session, NO_SUCH_FILE).await?;
            judgement.surfaces.extend(files(&answer, asker.how()));
            let version = asker.get(session, NAMENODE_VERSION).await?;
            let state = asker.get(session, NAMENODE_STATE).await?;
            judgement = judgement
                .version(version.text_at("/beans/0/SoftwareVersion").map(|text| excerpt(text.as_bytes())))
                .count("files", bean_number(&state, "FilesTotal"))
                .count("datanodes", bean_number(&state, "NumLiveDataNodes"));
        }
        Daemon::DataNode => {
            let info = asker.get(session, DATANODE_INFO).await?;
            let answer = asker.get(session, NO_SUCH_BLOCK).await?;
            judgement.surfaces.extend(blocks(&info, &answer, asker.how()));
        }
        Daemon::ResourceManager => {
            let metrics = asker.get(session, YARN_METRICS).await?;
            judgement.surfaces.push(applications(&metrics, asker.how()));
            let info = asker.get(session, YARN_INFO).await?;
            let version =
                info.text_at("/clusterInfo/hadoopVersion").or_else(|| info.text_at("/hadoopVersion"));
            judgement = judgement
                .version(version.map(|text| excerpt(text.as_bytes())))
                .count("applications", yarn_number(&metrics, "appsSubmitted"))
                .count("nodes", yarn_number(&metrics, "totalNodes"));
        }
        Daemon::HBase => {
            let master = asker.get(session, HBASE_MASTER).await?;
            judgement.surfaces.extend(tables(&master, asker.how()));
            judgement = judgement.count("region_servers", bean_number(&master, "numRegionServers"));
        }
        Daemon::Other(_) => {}
    }
    Ok(judgement)
}

/// The demand of a refusal, as it is told.
fn challenge(answer: &Response) -> String {
    let scheme = answer.header("www-authenticate").map(|offer| excerpt(offer.as_bytes()));
    scheme.unwrap_or_else(|| answer.status.to_string())
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "3.4.1"),
    Proven::new(Proof::Real, Verdict::OpenPartial, "3.4.1"),
    // Kerberos in front of the whole web server. In front of WebHDFS alone, as a secured cluster has it by default, it is
    // known by the documentation and the tests below.
    Proven::new(Proof::Real, Verdict::Protected, "3.4.1"),
];

impl Service for Hadoop {
    fn about(&self) -> About<'_> {
        About {
            id: "hadoop",
            product: "Apache Hadoop",
            ports: &[
                9870, 50070, 9871, 50470, 8088, 8090, 9864, 50075, 9865, 16010, 60010, 16030, 8042, 19888,
            ],
            openings: &[Opening::Http],
            proven_on: PROVEN,
        }
    }

    fn identity_paths(&self) -> Vec<&str> {
        vec![WHO]
    }

    fn recognises_web(&self, web: &Web) -> bool {
        ["/", WHO].into_iter().filter_map(|path| web.known(path)).any(is_hadoop_refusal)
            || web.known(WHO).is_some_and(|answer| daemon(answer).is_some())
    }

    fn judge<'a>(
        &'a self,
        session: &'a mut Session,
        opened: Opened,
    ) -> BoxFuture<'a, Result<Judgement, Error>> {
        Box::pin(judge(session, opened.web))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response::from_parts(status, &headers, body)
    }

    fn bean(service: &str, process: &str) -> Response {
        let body = format!(
            r#"{{"beans":[{{"name":"Hadoop:service={service},name=JvmMetrics","modelerType":"JvmMetrics","tag.ProcessName":"{process}"}}]}}"#
        );
        answer(200, &[], &body)
    }

    #[test]
    fn the_bean_says_which_daemon_it_is() {
        assert_eq!(daemon(&bean("NameNode", "NameNode")), Some(Daemon::NameNode));
        assert_eq!(daemon(&bean("ResourceManager", "ResourceManager")), Some(Daemon::ResourceManager));
        assert_eq!(daemon(&bean("HBase", "IO")), Some(Daemon::HBase));
        assert_eq!(
            daemon(&bean("NodeManager", "NodeManager")),
            Some(Daemon::Other("NodeManager".to_owned()))
        );
        assert_eq!(daemon(&bean("NodeManager", "<b>")), Some(Daemon::Other("daemon".to_owned())));
        assert_eq!(daemon(&answer(200, &[], r#"{"beans":[]}"#)), None);
        assert_eq!(daemon(&answer(200, &[], r#"{"beans":[{"name":"java.lang:type=Memory"}]}"#)), None);
        assert_eq!(
            daemon(&answer(404, &[], r#"{"beans":[{"name":"Hadoop:service=NameNode,name=JvmMetrics"}]}"#)),
            None
        );
    }

    #[test]
    fn a_demand_for_a_name_is_no_login_and_kerberos_is_one() {
        let cleared = ("Set-Cookie", "hadoop.auth=; Path=/; HttpOnly");
        let pseudo = answer(401, &[("WWW-Authenticate", "PseudoAuth"), cleared], "");
        assert_eq!(demand(&pseudo), Some(Demand::Name));
        assert!(is_hadoop_refusal(&pseudo));
        let kerberos = answer(401, &[("WWW-Authenticate", "Negotiate"), cleared], "");
        assert_eq!(demand(&kerberos), Some(Demand::Login));
        assert!(is_hadoop_refusal(&kerberos));
        let other = answer(401, &[("WWW-Authenticate", "Negotiate")], "");
        assert!(!is_hadoop_refusal(&other));
        assert_eq!(demand(&answer(200, &[], "")), None);
    }

    #[test]
    fn a_file_that_does_not_exist_proves_the_right_to_read() {
        let says = |status, exception: &str| {
            let body = format!(r#"{{"RemoteException":{{"exception":"{exception}","message":"x"}}}}"#);
            files(&answer(status, &[], &body), "").map(|surface| surface.verdict)
        };
        assert_eq!(says(404, "FileNotFoundException"), Some(Verdict::Open));
        assert_eq!(says(403, "StandbyException"), Some(Verdict::OpenPartial));
        assert_eq!(says(403, "AccessControlException"), Some(Verdict::OpenPartial));
        assert_eq!(says(401, "SecurityException"), Some(Verdict::Protected));
        assert_eq!(says(200, "FileNotFoundException"), Some(Verdict::Unknown));
        assert_eq!(files(&answer(404, &[], "<html>"), ""), None, "WebHDFS is off");
    }

    #[test]
    fn a_data_node_is_open_only_where_it_says_that_security_is_off() {
        let info = |on: bool| answer(200, &[], &format!(r#"{{"beans":[{{"SecurityEnabled":{on}}}]}}"#));
        let past = answer(400, &[], r#"{"RemoteException":{"exception":"IllegalArgumentException"}}"#);
        let verdict = |on| blocks(&info(on), &past, "").map(|surface| surface.verdict);
        assert_eq!(verdict(false), Some(Verdict::Open));
        assert_eq!(verdict(true), None);
        assert_eq!(blocks(&answer(200, &[], "{}"), &past, ""), None);
    }

    #[test]
    fn the_numbers_of_a_cluster_come_wrapped_or_not() {
        let wrapped = answer(200, &[], r#"{"clusterMetrics":{"appsSubmitted":3,"totalNodes":1}}"#);
        let plain = answer(200, &[], r#"{"appsSubmitted":3,"totalNodes":1}"#);
        for metrics in [wrapped, plain] {
            assert_eq!(applications(&metrics, "").verdict, Verdict::Open);
            assert_eq!(yarn_number(&metrics, "appsSubmitted"), Some(3));
        }
        let page = answer(
            200,
            &[],
            "This is standby RM. The redirect url is: http://rm2:8088/ws/v1/cluster/metrics",
        );
        assert_eq!(applications(&page, "").verdict, Verdict::Unknown);
        assert_eq!(applications(&answer(401, &[], ""), "").verdict, Verdict::Protected);
    }

    #[test]
    fn the_master_of_hbase_is_known_by_its_bean() {
        let master = answer(200, &[], r#"{"beans":[{"tag.isActiveMaster":"true","numRegionServers":1}]}"#);
        assert_eq!(tables(&master, "").map(|surface| surface.verdict), Some(Verdict::Open));
        assert_eq!(tables(&answer(200, &[], r#"{"beans":[]}"#), ""), None);
    }

    #[test]
    fn another_server_with_jmx_is_not_taken_for_hadoop() {
        let jmx = answer(200, &[], r#"{"beans":[{"name":"kafka.server:type=x"}]}"#);
        let web = Web::answered(BTreeMap::from([(WHO.to_owned(), jmx)]));
        assert!(!Hadoop.recognises_web(&web));
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_judged_without_panic(status in 100_u16..600, body: String) {
            let answer = answer(status, &[], &body);
            let _ = (daemon(&answer), demand(&answer), files(&answer, ""), blocks(&answer, &answer, ""));
            let _ = (applications(&answer, ""), tables(&answer, ""));
        }
    }
}
