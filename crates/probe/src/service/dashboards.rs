//! Kibana and OpenSearch Dashboards, and the store behind them.
//!
//! A closed store behind an open dashboard is an open store. The pivot is proven by the relayed answer alone: newer
//! consoles answer 200 whatever the store said and put its status into a header, and the dashboard's own account is
//! not what a visitor's searches run under. A browser may get in where an API call is refused: an anonymous
//! provider opens a session on page loads only, so one page is loaded with a cookie jar. A cookie handed to a
//! visitor who showed nothing is no credential.

use model::{Proof, Proven, Surface, Verdict, excerpt};
use net::http::{ConsoleRead, Request, Response};
use net::{Error, Session};
use serde_json::Value;

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::{Opening, Web};

/// The probe of one of the two products.
pub struct Dashboards {
    id: &'static str,
    product: &'static str,
    xsrf: &'static str,
    name_header: &'static str,
    /// Saved content that is counted to see whether the dashboard itself answers strangers.
    content: &'static [&'static str],
    /// Pages that hand an anonymous session to a browser.
    pages: &'static [&'static str],
    proven_on: &'static [Proven],
}

impl Dashboards {
    /// Kibana.
    pub const KIBANA: Self = Self {
        id: "kibana",
        product: "Kibana",
        xsrf: "kbn-xsrf",
        name_header: "kbn-name",
        content: &[
            "/api/spaces/space",
            "/api/saved_objects/_find?type=index-pattern&per_page=0",
            "/api/data_views",
        ],
        pages: &["/app/home", "/app/home?auth_provider_hint=anonymous1"],
        proven_on: &[
            Proven::new(Proof::Transcript, Verdict::PivotOpen, "4.6 to 9.x, routes read in the source"),
            Proven::new(Proof::Transcript, Verdict::OpenPartial, "4.6 to 9.x, routes read in the source"),
            Proven::new(Proof::Transcript, Verdict::Protected, "4.6 to 9.x, routes read in the source"),
        ],
    };

    /// OpenSearch Dashboards.
    pub const OPENSEARCH: Self = Self {
        id: "opensearch-dashboards",
        product: "OpenSearch Dashboards",
        xsrf: "osd-xsrf",
        name_header: "osd-name",
        content: &["/api/saved_objects/_find?type=index-pattern&per_page=0"],
        pages: &["/auth/anonymous"],
        proven_on: &[
            Proven::new(Proof::Transcript, Verdict::PivotOpen, "2.x, routes read in the source"),
            Proven::new(Proof::Transcript, Verdict::OpenPartial, "2.x, routes read in the source"),
            Proven::new(Proof::Transcript, Verdict::Protected, "2.x, routes read in the source"),
        ],
    };

    fn is_mine(&self, answer: &Response) -> bool {
        let kibana = self.id == "kibana";
        answer.header(self.name_header).is_some()
            || kibana && answer.header("osd-name").is_none() && {
                answer.header("kbn-license-sig").is_some() || answer.header("kbn-version").is_some()
            }
    }
}

/// What a stranger gets of the dashboard's own content.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Content {
    Readable(Option<u64>),
    Login,
    Undecided,
}

/// What a stranger gets of the store.
#[derive(Clone, Debug, PartialEq)]
enum Store {
    Relayed { indices: Option<u64>, documents: Option<u64> },
    Refused(u16),
    Login,
    Undecided(String),
}

fn is_login(answer: &Response) -> bool {
    let to_login = || {
        answer
            .header("location")
            .is_some_and(|location| location.contains("login") || location.contains("/auth/"))
    };
    match answer.status {
        401 => true,
        302 | 303 | 307 => to_login(),
        _ => false,
    }
}

fn content(answer: &Response) -> Content {
    if is_login(answer) {
        return Content::Login;
    }
    let count = || {
        let list = answer.json()?.as_array().map(|list| list.len() as u64);
        let data_views = || answer.json()?.pointer("/data_view")?.as_array().map(|list| list.len() as u64);
        list.or_else(|| answer.number_at("/total")).or_else(data_views)
    };
    match (answer.status, count()) {
        (200, Some(count)) => Content::Readable(Some(count)),
        _ => Content::Undecided,
    }
}

/// Reads the console's answer. The header, where it is there, is the store's own status.
fn store(answer: &Response) -> Store {
    let inner =
        answer.header("x-console-proxy-status-code").and_then(|status| status.trim().parse::<u16>().ok());
    let from_store =
        answer.text_at("/error/type").is_some() || answer.text_at("/error/root_cause/0/type").is_some();
    let status = inner.unwrap_or(answer.status);
    match status {
        200 if answer.number_at("/indices/count").is_some() => Store::Relayed {
            indices: answer.number_at("/indices/count"),
            documents: answer.number_at("/indices/docs/count"),
        },
        401 | 403 if inner.is_some() || from_store => Store::Refused(status),
        // OpenSearch Security says `Unauthorized` in plain text; the dashboards' own refusals are JSON.
        401 if answer.json().is_none() && answer.header("www-authenticate").is_some() => {
            Store::Refused(status)
        }
        _ if is_login(answer) => Store::Login,
        403 => Store::Undecided("the console refuses to relay this path".to_owned()),
        502..=504 => Store::Undecided(format!("the store does not answer the dashboard ({status})")),
        400 if answer
            .text_at("/message")
            .is_some_and(|text| text.contains("not available with the current configuration")) =>
        {
            Store::Undecided("the console is not available in this configuration".to_owned())
        }
        other => Store::Undecided(format!("the console answered with {other}")),
    }
}

/// The base path that a first redirect of the same host shows.
fn base_path(root: &Response) -> String {
    let Some(location) = root.header("location").filter(|location| is_local_path(location)) else {
        return String::new();
    };
    let path = location.split(['?', '#']).next().unwrap_or_default();
    let end = ["/app", "/login", "/spaces", "/auth", "/internal", "/security"]
        .iter()
        .filter_map(|known| path.find(known))
        .min()
        .unwrap_or(path.len());
    path.get(..end).unwrap_or_default().trim_end_matches('/').to_owned()
}

/// Whether a redirect stays on this host: a path, and nothing that could split a request.
pub(super) fn is_local_path(location: &str) -> bool {
    location.starts_with('/')
        && !location.starts_with("//")
        && location.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
}

/// `name=value` of every cookie that an answer sets and does not clear.
pub(super) fn cookies(answer: &Response) -> Vec<String> {
    answer
        .headers("set-cookie")
        .filter_map(|cookie| cookie.split(';').next())
        .filter(|pair| pair.split_once('=').is_some_and(|(_, value)| !value.trim().is_empty()))
        .map(|pair| pair.trim().to_owned())
        .collect()
}

/// One conversation with a dashboard.
struct Visit<'a> {
    product: &'a Dashboards,
    session: &'a mut Session,
    web: Web,
    base: String,
    version: Option<String>,
    cookie: Option<String>,
}

impl Visit<'_> {
    fn api(&self, request: Request) -> Request {
        let request =
            request.header(self.product.xsrf, "true").header("x-elastic-internal-origin", "watertight");
        match &self.cookie {
            Some(cookie) => request.header("Cookie", cookie),
            None => request,
        }
    }

    async fn status(&mut self) -> Result<(), Error> {
        let path = format!("{}/api/status", self.base);
        let status = self.web.send(self.session, &Request::get(path)).await?;
        let old = || status.text_at("/version").or_else(|| status.header("kbn-version"));
        self.version =
            status.text_at("/version/number").or_else(old).map(|version| excerpt(version.as_bytes()));
        Ok(())
    }

    async fn content(&mut self) -> Result<Content, Error> {
        let mut found = Content::Undecided;
        for path in self.product.content {
            let request = self.api(Request::get(format!("{}{path}", self.base)));
            match content(&self.web.send(self.session, &request).await?) {
                Content::Undecided => {}
                decided => {
                    found = decided;
                    break;
                }
            }
        }
        Ok(found)
    }

    async fn store(&mut self) -> Result<Store, Error> {
        let first =
            self.version.as_deref().and_then(|version| version.split('.').next()?.parse::<u32>().ok());
        let relay = match first {
            // Before 5 the dashboard passed paths below `/elasticsearch` on.
            Some(..5) if self.product.id == "kibana" => {
                Request::get(format!("{}/elasticsearch{}", self.base, ConsoleRead::ClusterStats.path()))
            }
            _ => Request::console(&self.base, ConsoleRead::ClusterStats),
        };
        let request = self.api(relay);
        let answer = self.web.send(self.session, &request).await?;
        let found = store(&answer);
        if matches!(found, Store::Relayed { .. }) {
            let control = self.web.control(self.session).await?;
            if control.number_at("/indices/count").is_some() {
                return Ok(Store::Undecided("answers every path alike".to_owned()));
            }
        }
        Ok(found)
    }

    /// Loads a page as a browser would: redirects of this host are followed, cookies are kept, and none of the
    /// headers is sent by which the dashboards tell API calls.
    async fn browse(&mut self, page: &str) -> Result<bool, Error> {
        let mut path = format!("{}{page}", self.base);
        let mut jar: Vec<String> = Vec::new();
        for _ in 0..4 {
            let mut request = Request::get(path.clone()).header("Accept", "text/html");
            if !jar.is_empty() {
                request = request.header("Cookie", &jar.join("; "));
            }
            let answer = self.web.send(self.session, &request).await?;
            jar.extend(cookies(&answer));
            match answer.header("location") {
                Some(location) if is_local_path(location) && (300..400).contains(&answer.status) => {
                    path = location.to_owned();
                }
                _ => break,
            }
        }
        self.cookie = (!jar.is_empty()).then(|| jar.join("; "));
        Ok(self.cookie.is_some())
    }
}

/// Looks as an API client, then as a browser.
async fn look(visit: &mut Visit<'_>) -> Result<(Content, Store), Error> {
    let (mut content, mut store) = (visit.content().await?, visit.store().await?);
    if content == Content::Login || store == Store::Login {
        for page in visit.product.pages {
            if !visit.browse(page).await? {
                continue;
            }
            let (as_browser, relayed) = (visit.content().await?, visit.store().await?);
            if matches!(as_browser, Content::Readable(_))
                || matches!(relayed, Store::Relayed { .. } | Store::Refused(_))
            {
                (content, store) = (as_browser, relayed);
                break;
            }
        }
    }
    Ok((content, store))
}

fn surfaces(content: Content, store: &Store, by_cookie: bool) -> Vec<Surface> {
    let how = if by_cookie { " (with the session that any visitor is given)" } else { "" };
    let dashboard = match content {
        Content::Readable(_) => {
            (Verdict::OpenPartial, format!("the dashboard's content is read without a login{how}"))
        }
        Content::Login => (Verdict::Protected, "the dashboard demands a login".to_owned()),
        Content::Undecided => (Verdict::Unknown, "the dashboard's content could not be asked for".to_owned()),
    };
    let behind = match store {
        Store::Relayed { .. } => Some((
            Verdict::PivotOpen,
            format!("the console relays reads of the store behind it without a login{how}"),
        )),
        Store::Refused(status) => {
            Some((Verdict::Protected, format!("the store behind it demands a login ({status})")))
        }
        // Who is not let into the dashboard does not get to its store through it.
        Store::Login => None,
        Store::Undecided(_) if content == Content::Login => None,
        Store::Undecided(why) => Some((Verdict::Unknown, why.clone())),
    };
    let mut surfaces = vec![Surface::new("dashboard", dashboard.0, dashboard.1)];
    surfaces.extend(behind.map(|(verdict, reason)| Surface::new("store", verdict, reason)));
    surfaces
}

async fn judge(product: &Dashboards, session: &mut Session, mut web: Web) -> Result<Judgement, Error> {
    let root = web.get(session, "/").await?.clone();
    let mut visit = Visit { product, session, web, base: base_path(&root), version: None, cookie: None };
    visit.status().await?;
    let (content, store) = look(&mut visit).await?;
    let mut judgement = Judgement {
        surfaces: surfaces(content, &store, visit.cookie.is_some()),
        version: visit.version,
        ..Judgement::default()
    };
    if let Content::Readable(count) = content {
        judgement = judgement.count("saved_objects", count);
    }
    if let Store::Relayed { indices, documents } = store {
        judgement = judgement.count("indices", indices).count("documents", documents);
    }
    Ok(judgement)
}

impl Service for Dashboards {
    fn about(&self) -> About<'_> {
        About {
            id: self.id,
            product: self.product,
            ports: &[5601],
            openings: &[Opening::Http],
            proven_on: self.proven_on,
        }
    }

    fn identity_paths(&self) -> Vec<&str> {
        vec!["/", "/api/status"]
    }

    fn recognises_web(&self, web: &Web) -> bool {
        let by_header = ["/", "/api/status"]
            .iter()
            .any(|path| web.known(path).is_some_and(|answer| self.is_mine(answer)));
        // 4.x has no header of its own on every answer, but its status page names the product's plugins.
        let old = || {
            web.known("/api/status").is_some_and(|status| {
                status.text_at("/name").is_some()
                    && status
                        .json()
                        .and_then(|json| json.pointer("/status/statuses"))
                        .is_some_and(Value::is_array)
            })
        };
        by_header || self.id == "kibana" && old()
    }

    fn judge<'a>(
        &'a self,
        session: &'a mut Session,
        opened: Opened,
    ) -> BoxFuture<'a, Result<Judgement, Error>> {
        Box::pin(judge(self, session, opened.web))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>();
        Response::from_parts(status, &headers, body)
    }

    #[test]
    fn the_outer_200_is_not_the_stores_200() {
        let answer = response(200, &[("x-console-proxy-status-code", "403")], r#"{"error":"x"}"#);
        assert_eq!(store(&answer), Store::Refused(403));
    }

    #[test]
    fn a_filtered_path_is_no_demand_for_a_login() {
        let answer = response(403, &[], "Unable to send requests to that path");
        assert!(matches!(store(&answer), Store::Undecided(_)));
    }

    #[test]
    fn an_internal_api_that_is_restricted_decides_nothing() {
        let text = r#"{"statusCode":400,"message":"uri [/api/console/proxy] with method [post] exists but is not available with the current configuration"}"#;
        assert!(matches!(store(&response(400, &[], text)), Store::Undecided(_)));
    }

    #[test]
    fn an_open_dashboard_before_a_closed_store_is_partial() {
        let found = surfaces(Content::Readable(Some(1)), &Store::Refused(403), false);
        assert_eq!(found.iter().map(|surface| surface.verdict).min(), Some(Verdict::OpenPartial));
    }

    #[test]
    fn the_base_path_comes_from_a_redirect_of_this_host_only() {
        let base = |location| base_path(&response(302, &[("location", location)], ""));
        assert_eq!(base("/kibana/app/home"), "/kibana");
        assert_eq!(base("/login?next=%2F"), "");
        assert_eq!(base("/s/marketing/app/home"), "/s/marketing");
        assert_eq!(base("//evil.example/app"), "");
        assert_eq!(base("http://10.0.0.1/app"), "");
    }

    #[test]
    fn a_cleared_cookie_is_no_session() {
        let answer = response(302, &[("set-cookie", "sid=; Max-Age=0")], "");
        assert!(cookies(&answer).is_empty());
    }
}
