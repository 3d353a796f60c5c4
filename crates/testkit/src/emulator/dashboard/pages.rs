//! What the dashboard shows of itself: pages, status, saved objects.

use serde_json::{Value, json};

use super::{Access, Running, StatusPage};
use crate::emulator::http::{Reply, Request};

const BUILD: &str = "0123456789abcdef0123456789abcdef01234567";

impl Running {
    /// Any page of the application: the same shell, the rest is script.
    ///
    /// Unconfirmed: the exact markup; the class names changed with 7.15 at the latest.
    pub(super) fn shell(&self) -> Reply {
        let (tag, title, class) = match self.dashboard.kibana_version() {
            None => ("osd", "OpenSearch Dashboards", "osdWelcomeView"),
            Some(version) if version < (7, 0, 0) => ("kbn", "Kibana", "kibanaWelcomeView"),
            Some(_) => ("kbn", "Elastic", "kbnWelcomeView"),
        };
        let metadata = json!({
            "version": self.dashboard.version(), "buildNumber": 61_149, "branch": "main",
            "basePath": self.dashboard.base(), "serverBasePath": self.dashboard.base(),
        });
        let metadata = metadata.to_string().replace('"', "&quot;");
        Reply::html(format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charSet=\"utf-8\"/><title>{title}</title></head><body>\
             <{tag}-csp data=\"{{&quot;strictCsp&quot;:false}}\"></{tag}-csp>\
             <{tag}-injected-metadata data=\"{metadata}\"></{tag}-injected-metadata>\
             <div class=\"{class}\" id=\"{tag}_loading_message\"><div class=\"{class}Text\">Loading {title}</div></div>\
             </body></html>"
        ))
    }

    /// `/`. Kibana 4 to 6 leave the way on to a script, later ones redirect (unconfirmed: by way of
    /// `/spaces/enter` from 7.0 on).
    pub(super) fn front(&self) -> Reply {
        let base = self.dashboard.base();
        let space = self.dashboard.space.as_ref().map(|space| format!("/s/{space}")).unwrap_or_default();
        match self.dashboard.kibana_version() {
            Some(version) if version < (7, 0, 0) => Reply::html(format!(
                "<script>var hashRoute = '{base}{space}/app/kibana';\nvar defaultRoute = '{base}{space}/app/kibana';\n\
                 var hash = window.location.hash;\nif (hash.length) {{\n  window.location = hashRoute + hash;\n}} else \
                 {{\n  window.location = defaultRoute;\n}}</script>"
            )),
            Some(_) => Reply::redirect(format!("{base}{space}/spaces/enter")),
            None => Reply::redirect(format!("{base}/app/home")),
        }
    }

    /// `/api/status`.
    pub(super) fn status(&self, request: &Request) -> Reply {
        let known = self.enter(request, "/api/status").is_ok_and(|visitor| visitor.known);
        match self.dashboard.status_page {
            StatusPage::RedirectToLogin if !known => self.to_login(request),
            StatusPage::Redacted if !known => self.status_body(true),
            _ => self.status_body(false),
        }
    }

    /// Unconfirmed: 503 with a dead cluster; a plain string as the version before 5.0; `state` before 7.12.
    fn status_body(&self, redacted: bool) -> Reply {
        let alive = self.dashboard.store.is_some();
        let colours = self.dashboard.kibana_version().is_none_or(|version| version < (7, 12, 0));
        let overall = match (colours, alive) {
            (true, true) => json!({"state": "green", "title": "Green"}),
            (true, false) => json!({"state": "red", "title": "Red"}),
            (false, true) => json!({"level": "available"}),
            (false, false) => json!({"level": "critical"}),
        };
        let code = if alive { 200 } else { 503 };
        if redacted {
            return Reply::json(code, &json!({"status": {"overall": overall}}));
        }
        let number = self.dashboard.version();
        let version = if self.dashboard.kibana_within((0, 0), (5, 0)) {
            json!(number)
        } else {
            json!({"number": number, "build_hash": BUILD, "build_number": 61_149, "build_snapshot": false})
        };
        let body = json!({
            "name": self.host_name(), "uuid": "5b2de169-2785-441b-ae8c-186a1936b17d", "version": version,
            "status": {"overall": overall, "statuses": []}, "metrics": {"requests": {"total": 1}},
        });
        Reply::json(code, &body)
    }

    /// The list of providers that the login page fetches. Unconfirmed: the fields.
    pub(super) fn login_state(&self) -> Reply {
        let mut providers = vec![json!({"type": "basic", "name": "basic", "usesLoginForm": true})];
        if matches!(self.dashboard.access, Access::AnonymousByPage { .. }) {
            providers.push(json!({"type": "anonymous", "name": "anonymous1", "usesLoginForm": false}));
        }
        let selector = json!({"enabled": providers.len() > 1, "providers": providers});
        Reply::json(
            200,
            &json!({"allowLogin": true, "layout": "form", "requiresSecureConnection": false, "selector": selector}),
        )
    }

    /// `/api/spaces/space`.
    pub(super) fn spaces(&self) -> Reply {
        let space = |at: usize| match at {
            0 => json!({"id": "default", "name": "Default", "disabledFeatures": [], "_reserved": true}),
            _ => json!({"id": format!("space-{at}"), "name": format!("Space {at}"), "disabledFeatures": []}),
        };
        self.kept(Value::Array((0..self.dashboard.contents.spaces).map(space).collect()))
    }

    /// `/api/saved_objects/_find`. Unconfirmed: the wording of the refusal.
    pub(super) fn find(&self, request: &Request) -> Reply {
        let Some(kind) = request.query("type") else {
            return Reply::boom(
                400,
                "[request query.type]: expected at least one defined value but got [undefined]",
            );
        };
        let number =
            |name, default| request.query(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let (page, per_page): (usize, usize) = (number("page", 1), number("per_page", 20));
        let total = if kind == "index-pattern" { self.dashboard.contents.index_patterns } else { 0 };
        let shown = total.saturating_sub(per_page.saturating_mul(page.saturating_sub(1))).min(per_page);
        let objects: Vec<Value> = (0..shown)
            .map(|at| json!({"type": kind, "id": format!("pattern-{at}"), "attributes": {"title": "customers*"}}))
            .collect();
        self.kept(json!({"page": page, "per_page": per_page, "total": total, "saved_objects": objects}))
    }

    /// `/api/data_views`.
    pub(super) fn data_views(&self) -> Reply {
        let view = |at: usize| json!({"id": format!("pattern-{at}"), "namespaces": ["default"], "title": "customers*"});
        let views: Vec<Value> = (0..self.dashboard.contents.index_patterns).map(view).collect();
        self.kept(json!({"data_view": views}))
    }

    /// The dashboard keeps its objects in the store, read with its own service account. Unconfirmed: 503 when
    /// the cluster is dead.
    fn kept(&self, body: Value) -> Reply {
        match self.dashboard.store {
            Some(_) => Reply::json(200, &body),
            None => Reply::boom(503, "connect ECONNREFUSED"),
        }
    }

    /// The name in `kbn-name` and `osd-name`.
    pub(super) fn host_name(&self) -> &'static str {
        "analytics-01"
    }
}
