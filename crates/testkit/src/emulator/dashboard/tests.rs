//! One test per behaviour, against a store that wants `reader:secret` or nothing.

use std::io;
use std::net::SocketAddr;

use serde_json::Value;

use super::*;
use crate::emulator::http::{Headers, Reply, ask, basic};

const INDICES: &str = "/api/console/proxy?path=%2F_cat%2Findices%3Fformat%3Djson&method=GET";
const FIND: &str = "/api/saved_objects/_find?type=index-pattern&per_page=1";
const XSRF: (&str, &str) = ("kbn-xsrf", "true");

fn store(protected: bool) -> Emulator {
    http::start(move |_, request| {
        let shown = request.header("authorization");
        if protected && shown != Some(basic("reader", "secret").as_str()) {
            return Reply::json(401, &Value::Null).with("www-authenticate", "Basic realm=\"security\"");
        }
        Reply::json(200, &serde_json::json!([{"index": "customers", "as": shown}]))
    })
    .unwrap()
}

fn call(server: &Emulator, method: &str, target: &str, headers: &[(&str, &str)]) -> Reply {
    let headers =
        Headers(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
    ask(server.address, method, target, &headers, b"").unwrap()
}

fn get(server: &Emulator, target: &str) -> Reply {
    call(server, "GET", target, &[])
}

fn pivot(server: &Emulator) -> Reply {
    call(server, "POST", INDICES, &[XSRF, ("osd-xsrf", "true"), ("x-elastic-internal-origin", "test")])
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or(Value::Null)
}

fn location(reply: &Reply) -> &str {
    assert_eq!(reply.status, 302);
    reply.headers.get("location").unwrap()
}

/// Name and value of the cookie that was handed out.
fn cookie(reply: &Reply) -> Option<String> {
    let line = reply.headers.get("set-cookie")?;
    line.split(';').next().map(str::to_owned)
}

fn kibana7(store: Option<SocketAddr>) -> Dashboard {
    Dashboard::kibana((7, 17, 28), store)
}

#[test]
fn an_open_kibana_relays_and_signs() -> io::Result<()> {
    let store = store(false);
    let server = kibana7(Some(store.address)).start()?;
    let reply = pivot(&server);
    assert_eq!((reply.status, &body(&reply)[0]["index"]), (200, &Value::from("customers")));
    assert_eq!(reply.headers.get("kbn-name"), Some("analytics-01"));
    assert!(reply.headers.get("kbn-license-sig").is_some() && reply.headers.get("kbn-version").is_none());
    assert_eq!(store.requests(), ["GET /_cat/indices?format=json&pretty=true"]);
    assert_eq!(server.relayed(), store.requests());
    assert_eq!(server.requests(), [format!("POST {INDICES}")]);
    Ok(())
}

#[test]
fn the_inner_status_passes_through_or_moves_to_a_header() -> io::Result<()> {
    let store = store(true);
    assert_eq!(pivot(&kibana7(Some(store.address)).start()?).status, 401);
    let newer = Dashboard::kibana((9, 0, 0), Some(store.address)).start()?;
    let reply = pivot(&newer);
    assert_eq!((reply.status, reply.headers.get("x-console-proxy-status-code")), (200, Some("401")));
    assert_eq!(reply.headers.get("x-console-proxy-status-text"), Some("Unauthorized"));
    let fork = Dashboard::opensearch_dashboards(Some(store.address));
    let fork = Dashboard { proxy_status: ProxyStatus::InHeader, ..fork }.start()?;
    let reply = pivot(&fork);
    assert_eq!((reply.status, reply.headers.get("x-console-proxy-status-code")), (401, None));
    Ok(())
}

#[test]
fn a_dead_cluster_is_502() -> io::Result<()> {
    let reply = pivot(&Dashboard::kibana((8, 7, 1), None).start()?);
    assert_eq!((reply.status, reply.headers.get("x-console-proxy-status-code")), (502, Some("502")));
    let old = kibana7(None).start()?;
    assert_eq!(
        (pivot(&old).status, get(&old, FIND).status, get(&old, "/api/status").status),
        (502, 503, 503)
    );
    assert_eq!(old.relayed().len(), 0);
    Ok(())
}

#[test]
fn credentials_come_from_the_visitor_the_url_or_a_configured_header() -> io::Result<()> {
    let store = store(true);
    let plain = kibana7(Some(store.address));
    let own = basic("reader", "secret");
    let server = plain.clone().start()?;
    assert_eq!(pivot(&server).status, 401);
    assert_eq!(call(&server, "POST", INDICES, &[XSRF, ("Authorization", &own)]).status, 200);
    let deaf = Dashboard { relayed_headers: Vec::new(), ..plain.clone() }.start()?;
    assert_eq!(call(&deaf, "POST", INDICES, &[XSRF, ("Authorization", &own)]).status, 401);
    let pair = Some(("reader".to_owned(), "secret".to_owned()));
    assert_eq!(pivot(&Dashboard { store_credentials: pair, ..plain.clone() }.start()?).status, 200);
    let header = vec![("authorization".to_owned(), own)];
    assert_eq!(pivot(&Dashboard { custom_headers: header, ..plain }.start()?).status, 200);
    Ok(())
}

#[test]
fn open_saved_objects_say_nothing_about_the_store() -> io::Result<()> {
    let store = store(true);
    let server = Dashboard::kibana((8, 7, 1), Some(store.address)).start()?;
    assert_eq!(body(&get(&server, FIND))["total"], 2);
    assert_eq!(body(&get(&server, FIND))["saved_objects"].as_array().unwrap().len(), 1);
    assert_eq!(body(&get(&server, "/api/data_views"))["data_view"].as_array().unwrap().len(), 2);
    assert_eq!(body(&get(&server, "/api/spaces/space")).as_array().unwrap().len(), 1);
    assert_eq!(pivot(&server).headers.get("x-console-proxy-status-code"), Some("401"));
    Ok(())
}

#[test]
fn versions_have_the_routes_of_their_time() -> io::Result<()> {
    let store = store(false);
    let statuses = |dashboard: Dashboard| -> io::Result<[u16; 4]> {
        let server = dashboard.start()?;
        let [spaces, find, views] =
            ["/api/spaces/space", FIND, "/api/data_views"].map(|p| get(&server, p).status);
        Ok([spaces, find, views, get(&server, "/elasticsearch/_cat/indices?format=json").status])
    };
    let kibana = |version| statuses(Dashboard::kibana(version, Some(store.address)));
    assert_eq!(kibana((4, 6, 6))?, [404, 404, 404, 200]);
    assert_eq!(kibana((6, 4, 0))?, [404, 200, 404, 404]);
    assert_eq!(kibana((7, 17, 0))?, [200, 200, 404, 404]);
    assert_eq!(kibana((8, 7, 1))?, [200, 200, 200, 404]);
    assert_eq!(kibana((9, 0, 0))?, [200, 404, 200, 404]);
    assert_eq!(statuses(Dashboard::opensearch_dashboards(Some(store.address)))?, [404, 200, 404, 404]);
    assert_eq!(store.requests(), ["GET /_cat/indices?format=json"]);
    Ok(())
}

#[test]
fn forged_and_stale_requests_are_refused() -> io::Result<()> {
    let store = store(false);
    let server = kibana7(Some(store.address)).start()?;
    let bare = call(&server, "POST", INDICES, &[]);
    assert_eq!(
        (bare.status, body(&bare)["message"].as_str()),
        (400, Some("Request must contain a kbn-xsrf header."))
    );
    let stale = call(&server, "GET", FIND, &[("kbn-version", "7.0.0")]);
    assert_eq!(stale.status, 400);
    assert!(body(&stale)["message"].as_str().unwrap().contains("should be \"7.17.28\""));
    assert_eq!(call(&server, "POST", INDICES, &[("kbn-version", "7.17.28")]).status, 200);
    for target in ["/api/console/proxy?method=GET", "/api/console/proxy?path=%2F&method=TRACE"] {
        assert_eq!(call(&server, "POST", target, &[XSRF]).status, 400);
    }
    let fork = Dashboard::opensearch_dashboards(Some(store.address)).start()?;
    assert_eq!(call(&fork, "POST", INDICES, &[XSRF]).status, 400);
    assert_eq!(call(&fork, "POST", INDICES, &[("osd-xsrf", "true")]).status, 200);
    Ok(())
}

#[test]
fn a_login_redirects_pages_and_refuses_calls() -> io::Result<()> {
    let store = store(true);
    let server = Dashboard { access: Access::Login, ..kibana7(Some(store.address)) }.start()?;
    assert_eq!(location(&get(&server, "/")), "/login?next=%2F");
    assert_eq!(location(&get(&server, "/nothing?a=b")), "/login?next=%2Fnothing%3Fa%3Db");
    assert_eq!(body(&get(&server, "/api/nothing"))["statusCode"], 401);
    assert_eq!(call(&server, "GET", "/", &[XSRF]).status, 401);
    assert_eq!(pivot(&server).status, 401);
    assert_eq!(get(&server, "/login").status, 200);
    assert_eq!(server.relayed().len(), 0);
    let (good, bad) = (basic("reader", "secret"), basic("reader", "guess"));
    assert_eq!(call(&server, "POST", INDICES, &[XSRF, ("Authorization", &good)]).status, 200);
    assert_eq!(call(&server, "POST", INDICES, &[XSRF, ("Authorization", &bad)]).status, 401);
    let fork = Dashboard::opensearch_dashboards(Some(store.address));
    let fork = Dashboard { access: Access::Login, ..fork }.start()?;
    assert_eq!(location(&get(&fork, "/")), "/app/login?nextUrl=%2F");
    assert_eq!((get(&fork, FIND).status, get(&fork, "/auth/anonymous").status), (401, 400));
    Ok(())
}

#[test]
fn a_page_load_starts_an_anonymous_session_and_a_call_does_not() -> io::Result<()> {
    let store = store(true);
    let access = Access::AnonymousByPage { hint_required: false };
    let pair = Some(("reader".to_owned(), "secret".to_owned()));
    let server = Dashboard { access, anonymous_credentials: pair, ..kibana7(Some(store.address)) }.start()?;
    for headers in [&[XSRF][..], &[("kbn-version", "7.17.28")]] {
        let reply = call(&server, "GET", "/app/home", headers);
        assert_eq!((reply.status, cookie(&reply)), (401, None));
    }
    assert_eq!((get(&server, FIND).status, cookie(&get(&server, FIND))), (401, None));
    let page = get(&server, "/app/home");
    assert_eq!(page.status, 200);
    let session = cookie(&page).unwrap();
    assert!(session.starts_with("sid=Fe26.2**"));
    assert_eq!(call(&server, "GET", FIND, &[("Cookie", &session)]).status, 200);
    assert_eq!(call(&server, "POST", INDICES, &[XSRF, ("Cookie", &format!("a=b; {session}"))]).status, 200);
    assert_eq!(call(&server, "GET", FIND, &[("Cookie", "sid=made-up")]).status, 401);
    let front = get(&server, "/");
    assert!(location(&front) == "/spaces/enter" && cookie(&front).is_some());
    Ok(())
}

#[test]
fn several_providers_need_a_hint() -> io::Result<()> {
    let store = store(false);
    let access = Access::AnonymousByPage { hint_required: true };
    let server = Dashboard { access, ..kibana7(Some(store.address)) }.start()?;
    let refused = get(&server, "/app/home");
    assert!(location(&refused).starts_with("/login?next=") && cookie(&refused).is_none());
    let providers = body(&get(&server, "/internal/security/login_state"));
    assert_eq!(providers["selector"]["providers"][1]["name"], "anonymous1");
    let session = cookie(&get(&server, "/app/home?auth_provider_hint=anonymous1")).unwrap();
    assert_eq!(call(&server, "POST", INDICES, &[XSRF, ("Cookie", &session)]).status, 200);
    Ok(())
}

#[test]
fn the_fork_has_a_route_for_anonymous_visitors() -> io::Result<()> {
    let store = store(false);
    let plain = Dashboard::opensearch_dashboards(Some(store.address));
    let plain = Dashboard { access: Access::AnonymousRoute, ..plain };
    let server = plain.clone().start()?;
    assert_eq!(location(&get(&server, "/app/home")), "/app/login?nextUrl=%2Fapp%2Fhome");
    let entry = get(&server, "/auth/anonymous");
    assert_eq!(location(&entry), "/");
    let session = cookie(&entry).unwrap();
    assert!(session.starts_with("security_authentication="));
    assert_eq!(call(&server, "POST", INDICES, &[("osd-xsrf", "1"), ("Cookie", &session)]).status, 200);
    assert_eq!(body(&get(&server, "/api/status"))["version"]["number"], "2.19.1");
    assert_eq!(entry.headers.get("osd-name"), Some("analytics-01"));
    let newer = Dashboard { anonymous_redirect: true, ..plain }.start()?;
    assert_eq!(location(&get(&newer, "/")), "/auth/anonymous?nextUrl=%2F");
    Ok(())
}

#[test]
fn internal_routes_need_a_header_and_a_filter_is_no_login() -> io::Result<()> {
    let store = store(false);
    let newest = Dashboard::kibana((9, 1, 0), Some(store.address)).start()?;
    let refused = call(&newest, "POST", INDICES, &[XSRF]);
    assert_eq!(refused.status, 400);
    assert_eq!(
        body(&refused)["message"],
        "uri [/api/console/proxy] with method [post] exists but is not available with the current configuration"
    );
    assert_eq!(pivot(&newest).status, 200);
    let filtered = Dashboard { path_filter: true, ..kibana7(Some(store.address)) }.start()?;
    let reply = pivot(&filtered);
    assert_eq!((reply.status, reply.headers.get("content-type")), (403, Some("text/plain")));
    assert!(String::from_utf8_lossy(&reply.body).contains("Unable to send requests to that path"));
    assert_eq!(get(&filtered, FIND).status, 200);
    Ok(())
}

#[test]
fn the_status_page_has_three_faces() -> io::Result<()> {
    let store = store(true);
    let plain = Dashboard { access: Access::Login, ..Dashboard::kibana((5, 6, 16), Some(store.address)) };
    let open = get(&plain.clone().start()?, "/api/status");
    assert_eq!(body(&open)["version"]["number"], "5.6.16");
    assert_eq!(open.headers.get("kbn-version"), Some("5.6.16"));
    let redacted =
        get(&Dashboard { status_page: StatusPage::Redacted, ..plain.clone() }.start()?, "/api/status");
    assert!(redacted.status == 200 && body(&redacted)["version"].is_null());
    let redirected =
        get(&Dashboard { status_page: StatusPage::RedirectToLogin, ..plain }.start()?, "/api/status");
    assert_eq!(location(&redirected), "/login?next=%2Fapi%2Fstatus");
    assert!(redirected.headers.get("kbn-name").is_some());
    assert_eq!(
        body(&get(&Dashboard::kibana((4, 6, 6), Some(store.address)).start()?, "/api/status"))["version"],
        "4.6.6"
    );
    Ok(())
}

#[test]
fn a_base_path_and_a_space_show_in_redirects() -> io::Result<()> {
    let store = store(false);
    let based = Dashboard { base_path: Some("/kibana".to_owned()), ..kibana7(Some(store.address)) };
    let server = based.clone().start()?;
    assert_eq!(location(&get(&server, "/")), "/kibana/");
    assert_eq!(location(&get(&server, "/kibana/")), "/kibana/spaces/enter");
    assert_eq!(location(&get(&server, "/kibana/spaces/enter")), "/kibana/app/home");
    assert_eq!((get(&server, FIND).status, get(&server, &format!("/kibana{FIND}")).status), (404, 200));
    assert_eq!(get(&server, "/kibanas/api/status").status, 404);
    let login = Dashboard { access: Access::Login, ..based.clone() }.start()?;
    assert_eq!(location(&get(&login, "/kibana/app/home")), "/kibana/login?next=%2Fkibana%2Fapp%2Fhome");
    let bypassed = Dashboard { rewrite_base_path: false, access: Access::Login, ..based }.start()?;
    assert_eq!(location(&get(&bypassed, "/app/home")), "/kibana/login?next=%2Fkibana%2Fapp%2Fhome");
    let spaced = Dashboard { space: Some("sales".to_owned()), ..kibana7(Some(store.address)) }.start()?;
    assert_eq!(location(&get(&spaced, "/")), "/s/sales/spaces/enter");
    assert_eq!(location(&get(&spaced, "/s/sales/spaces/enter")), "/s/sales/app/home");
    assert_eq!(get(&spaced, &format!("/s/sales{FIND}")).status, 200);
    Ok(())
}

#[test]
fn unknown_paths_are_404_and_a_catch_all_is_not_a_dashboard() -> io::Result<()> {
    let store = store(false);
    let server = kibana7(Some(store.address)).start()?;
    let missing = get(&server, "/no-such-thing");
    assert_eq!((missing.status, &body(&missing)["error"]), (404, &Value::from("Not Found")));
    assert!(String::from_utf8_lossy(&get(&server, "/app/home").body).contains("kbnWelcomeView"));
    assert!(
        String::from_utf8_lossy(&get(&Dashboard::kibana((5, 0, 0), None).start()?, "/").body)
            .contains("/app/kibana")
    );
    let other = Dashboard { catch_all: true, ..kibana7(Some(store.address)) }.start()?;
    let (first, second) = (get(&other, "/api/status"), pivot(&other));
    assert_eq!((first.status, second.status, &first.body), (200, 200, &second.body));
    assert!(first.headers.get("kbn-name").is_none());
    assert_eq!(other.relayed().len(), 0);
    Ok(())
}
