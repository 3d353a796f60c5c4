//! Kibana and OpenSearch Dashboards: an emulator of their routes before a real store, one test for each trap.

use std::net::SocketAddr;

use serde_json::Value;
use testkit::emulator::dashboard::{Access, Dashboard, ProxyStatus, StatusPage};
use testkit::real::{self, Running};

use crate::harness::audit_one;

struct Case {
    name: &'static str,
    dashboard: Dashboard,
    verdict: &'static str,
    /// Verdict of the surface `store`; empty when there is none.
    store: &'static str,
}

fn case(name: &'static str, dashboard: Dashboard, verdict: &'static str, store: &'static str) -> Case {
    Case { name, dashboard, verdict, store }
}

fn look(case: Case) -> Value {
    let emulator = case.dashboard.start().unwrap();
    let (run, record) = audit_one(emulator.address);
    let context = format!("{}\n{record:#}\n{:#?}\n{}", case.name, emulator.requests(), run.stderr);
    assert_eq!(record["verdict"], case.verdict, "{context}");
    let surfaces = record["surfaces"].as_array();
    let store = surfaces.and_then(|all| all.iter().find(|surface| surface["name"] == "store"));
    assert_eq!(store.map_or("", |store| store["verdict"].as_str().unwrap()), case.store, "{context}");
    let writes = emulator
        .requests()
        .into_iter()
        .filter(|line| !line.starts_with("GET ") && !line.starts_with("HEAD "));
    for line in writes {
        assert!(
            line.starts_with("POST ") && line.contains("/api/console/proxy?") && line.contains("method=GET"),
            "{line}"
        );
    }
    for line in emulator.relayed() {
        assert!(line.contains("GET /_cluster/stats"), "only counts are relayed: {line}");
    }
    record
}

/// Behaviours before an open store.
fn before_an_open_store(store: SocketAddr) -> Vec<Case> {
    let kibana = |version| Dashboard::kibana(version, Some(store));
    let osd = || Dashboard::opensearch_dashboards(Some(store));
    vec![
        case("open 7.10 passes the store's status through", kibana((7, 10, 2)), "PIVOT_OPEN", "PIVOT_OPEN"),
        case("open 8.7 puts it into a header", kibana((8, 7, 1)), "PIVOT_OPEN", "PIVOT_OPEN"),
        case("open 9.1 restricts internal APIs", kibana((9, 1, 0)), "PIVOT_OPEN", "PIVOT_OPEN"),
        case("open 4.6 relays below /elasticsearch", kibana((4, 6, 6)), "PIVOT_OPEN", "PIVOT_OPEN"),
        case("open OpenSearch Dashboards", osd(), "PIVOT_OPEN", "PIVOT_OPEN"),
        case(
            "a base path is found by the first redirect",
            Dashboard { base_path: Some("/kibana".to_owned()), rewrite_base_path: true, ..kibana((8, 7, 1)) },
            "PIVOT_OPEN",
            "PIVOT_OPEN",
        ),
        case(
            "a space is found by the first redirect",
            Dashboard { space: Some("marketing".to_owned()), ..kibana((8, 7, 1)) },
            "PIVOT_OPEN",
            "PIVOT_OPEN",
        ),
        case("a login", Dashboard { access: Access::Login, ..kibana((8, 7, 1)) }, "PROTECTED", ""),
        case(
            "a login, and a status page that is read by everyone, is no finding",
            Dashboard { access: Access::Login, status_page: StatusPage::Redacted, ..kibana((8, 7, 1)) },
            "PROTECTED",
            "",
        ),
        case(
            "a login, and a status page that leads to it",
            Dashboard {
                access: Access::Login,
                status_page: StatusPage::RedirectToLogin,
                ..kibana((7, 10, 2))
            },
            "PROTECTED",
            "",
        ),
        case(
            "a login of OpenSearch Dashboards",
            Dashboard { access: Access::Login, ..osd() },
            "PROTECTED",
            "",
        ),
        case(
            "a browser gets in where an API call gets 401",
            Dashboard { access: Access::AnonymousByPage { hint_required: false }, ..kibana((8, 7, 1)) },
            "PIVOT_OPEN",
            "PIVOT_OPEN",
        ),
        case(
            "a browser gets in when the page names the provider",
            Dashboard { access: Access::AnonymousByPage { hint_required: true }, ..kibana((8, 7, 1)) },
            "PIVOT_OPEN",
            "PIVOT_OPEN",
        ),
        case(
            "OpenSearch Dashboards hands out an anonymous session",
            Dashboard { access: Access::AnonymousRoute, ..osd() },
            "PIVOT_OPEN",
            "PIVOT_OPEN",
        ),
        case(
            "a filter of paths is no demand for a login",
            Dashboard { path_filter: true, ..kibana((7, 10, 2)) },
            "OPEN_PARTIAL",
            "UNKNOWN",
        ),
        case("a dead store", Dashboard { store: None, ..kibana((8, 7, 1)) }, "UNKNOWN", "UNKNOWN"),
    ]
}

/// Behaviours before a store that demands a login.
fn before_a_protected_store(store: SocketAddr) -> Vec<Case> {
    let kibana = |version| Dashboard::kibana(version, Some(store));
    let credentials = Some(("admin".to_owned(), "admin-secret".to_owned()));
    vec![
        case("the outer 200 is not the store's 200", kibana((8, 7, 1)), "OPEN_PARTIAL", "PROTECTED"),
        case(
            "the store's 401 passed through is the store's",
            kibana((7, 10, 2)),
            "OPEN_PARTIAL",
            "PROTECTED",
        ),
        case(
            "credentials inside the hosts URL open the store to every visitor",
            Dashboard { store_credentials: credentials.clone(), ..kibana((8, 7, 1)) },
            "PIVOT_OPEN",
            "PIVOT_OPEN",
        ),
        case(
            "credentials inside the hosts URL, status passed through",
            Dashboard {
                store_credentials: credentials,
                proxy_status: ProxyStatus::Passthrough,
                ..kibana((7, 17, 0))
            },
            "PIVOT_OPEN",
            "PIVOT_OPEN",
        ),
        case(
            "an open OpenSearch Dashboards before a protected store",
            Dashboard::opensearch_dashboards(Some(store)),
            "OPEN_PARTIAL",
            "PROTECTED",
        ),
    ]
}

#[test]
fn a_dashboard_before_an_open_store() {
    let store = real::start("elasticsearch8-open").unwrap();
    for case in before_an_open_store(store.address) {
        look(case);
    }
}

#[test]
fn a_dashboard_before_a_store_that_demands_a_login() {
    let store: Running = real::start("elasticsearch6-protected").unwrap();
    for case in before_a_protected_store(store.address) {
        look(case);
    }
}

#[test]
fn a_page_that_answers_everything_is_no_dashboard() {
    let page = Dashboard { catch_all: true, ..Dashboard::kibana((8, 7, 1), None) };
    let emulator = page.start().unwrap();
    let (_, record) = audit_one(emulator.address);
    assert!(matches!(record["verdict"].as_str().unwrap(), "UNIDENTIFIED" | "UNKNOWN"), "{record:#}");
}

#[test]
fn what_the_pivot_counts_is_what_the_store_holds() {
    let store = real::start("elasticsearch8-open").unwrap();
    let record =
        look(case("counts", Dashboard::kibana((8, 7, 1), Some(store.address)), "PIVOT_OPEN", "PIVOT_OPEN"));
    assert_eq!(record["counts"]["documents"], 5);
    assert_eq!((&record["service"], &record["version"]), (&"kibana".into(), &"8.7.1".into()));
}

/// Rows for `docs/services.md`: verdicts that only the emulator proves.
pub fn rows() -> Vec<String> {
    let store = real::start("elasticsearch8-open").unwrap();
    let mut rows = Vec::new();
    for case in before_an_open_store(store.address) {
        let (name, product) = (case.name, case.dashboard.product);
        let record = look(case);
        let version = record["version"].as_str().unwrap_or("not told").to_owned();
        let product_name = record["product"].as_str().unwrap().to_owned();
        let _ = product;
        rows.push(format!(
            "| {product_name} | {version} | {name} | loopback | {} | {} |\n",
            record["verdict"].as_str().unwrap(),
            record["proof"].as_str().unwrap_or("-")
        ));
    }
    rows
}
