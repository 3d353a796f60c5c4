//! Who is let in: sessions, login redirects, refusals.

use std::sync::PoisonError;

use super::{Access, Running};
use crate::emulator::http::{self, Reply, Request};

/// The name under which the emulated anonymous provider is configured.
const PROVIDER: &str = "anonymous1";

/// A visitor who was let in.
#[derive(Debug, Default)]
pub(super) struct Visitor {
    /// A cookie to hand out with the answer.
    pub(super) set_cookie: Option<String>,
    /// What the session adds to relayed requests.
    pub(super) authorization: Option<String>,
    /// Whether the visitor has a session or showed a credential, as against being let in because nobody asks.
    pub(super) known: bool,
}

impl Running {
    /// Lets the visitor in or answers what the dashboard says at the door.
    pub(super) fn enter(&self, request: &Request, path: &str) -> Result<Visitor, Reply> {
        let access = self.dashboard.access;
        if access == Access::Open {
            return Ok(Visitor::default());
        }
        if let Some(shown) = request.header("authorization") {
            let known = self.store_accepts(shown);
            return known.then(|| Visitor { known, ..Visitor::default() }).ok_or_else(|| self.unauthorized());
        }
        if self.has_session(request) {
            return Ok(self.anonymous(None));
        }
        if !self.is_page(request, path) {
            return Err(self.unauthorized());
        }
        match access {
            Access::AnonymousByPage { hint_required }
                if !hint_required || request.query("auth_provider_hint") == Some(PROVIDER) =>
            {
                Ok(self.anonymous(Some(self.new_session())))
            }
            _ => Err(self.to_login(request)),
        }
    }

    /// `GET /auth/anonymous` of OpenSearch Dashboards. Unconfirmed: the text of the refusal, and that the way
    /// leads back to `nextUrl`.
    pub(super) fn anonymous_route(&self, request: &Request) -> Reply {
        if self.dashboard.access != Access::AnonymousRoute {
            return Reply::boom(400, "Anonymous auth is disabled.");
        }
        let back = match request.query("nextUrl") {
            Some(next) if next.starts_with('/') => next.to_owned(),
            _ => format!("{}/", self.dashboard.base()),
        };
        Reply::redirect(back).with("set-cookie", self.new_session())
    }

    /// The redirect to the login. Unconfirmed: the name of the parameter in OpenSearch Dashboards.
    pub(super) fn to_login(&self, request: &Request) -> Reply {
        let base = self.dashboard.base();
        let asked = self.outside(&request.target);
        let (page, parameter) = match self.dashboard.access {
            _ if self.dashboard.kibana_version().is_some() => ("/login", "next"),
            Access::AnonymousRoute if self.dashboard.anonymous_redirect => ("/auth/anonymous", "nextUrl"),
            _ => ("/app/login", "nextUrl"),
        };
        Reply::redirect(format!("{base}{page}?{parameter}={}", http::encode(&asked)))
    }

    /// The refusal of an API call. Unconfirmed: the fork's wording.
    fn unauthorized(&self) -> Reply {
        let fork = self.dashboard.kibana_version().is_none();
        Reply::boom(401, if fork { "Authentication required" } else { "Unauthorized" })
    }

    /// A page load, as against an API call: only that can be redirected and can start a session.
    ///
    /// Unconfirmed: that OpenSearch Dashboards decides by path alone.
    fn is_page(&self, request: &Request, path: &str) -> bool {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return false;
        }
        if self.dashboard.kibana_version().is_none() {
            return path == "/" || path == "/app" || path.starts_with("/app/");
        }
        let by_script = ["kbn-xsrf", "kbn-version"].iter().any(|name| request.header(name).is_some());
        let api = ["/api/", "/internal/", "/elasticsearch/"].iter().any(|prefix| path.starts_with(prefix));
        !by_script && !api
    }

    fn anonymous(&self, set_cookie: Option<String>) -> Visitor {
        let credentials = self.dashboard.anonymous_credentials.as_ref();
        let authorization = credentials.map(|(user, password)| http::basic(user, password));
        Visitor { set_cookie, authorization, known: true }
    }

    fn cookie_name(&self) -> &'static str {
        if self.dashboard.kibana_version().is_some() { "sid" } else { "security_authentication" }
    }

    fn has_session(&self, request: &Request) -> bool {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        request.cookie(self.cookie_name()).is_some_and(|value| sessions.iter().any(|known| known == value))
    }

    /// A new session as the value of `Set-Cookie`. The form of the value is that of hapi's sealed cookies.
    fn new_session(&self) -> String {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let value = format!("Fe26.2**{:064x}", 0x00c0_ffee_u64 + sessions.len() as u64);
        sessions.push(value.clone());
        let path = self.dashboard.base_path.as_deref().unwrap_or("/");
        format!("{}={value}; HttpOnly; Path={path}", self.cookie_name())
    }
}
