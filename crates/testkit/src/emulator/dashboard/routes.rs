//! Which request goes where, and in which order the product checks it.

use super::access::Visitor;
use super::{Access, Running};
use crate::emulator::Peer;
use crate::emulator::http::{Reply, Request};

const NEWEST: (u8, u8) = (u8::MAX, u8::MAX);

impl Running {
    /// The answer to one request.
    pub(super) fn answer(&self, peer: &Peer, request: &Request) -> Reply {
        if self.dashboard.catch_all {
            return Reply::html(
                "<!DOCTYPE html><html><head><title>Welcome</title></head><body>Hello</body></html>",
            );
        }
        let reply = match self.inside(&request.path) {
            Ok(path) => self.route(peer, request, &path),
            Err(reply) => reply,
        };
        self.signed(reply)
    }

    /// The headers that the product puts on everything, redirects and errors too.
    ///
    /// Unconfirmed: that `kbn-version` gave way to `kbn-license-sig` with 7.0.
    fn signed(&self, reply: Reply) -> Reply {
        let reply = reply
            .with(&format!("{}-name", self.dashboard.prefix()), self.host_name())
            .with("cache-control", "private, no-cache, no-store, must-revalidate");
        match self.dashboard.kibana_version() {
            None => reply,
            Some(version) if version < (7, 0, 0) => reply.with("kbn-version", self.dashboard.version()),
            Some(_) => reply.with("kbn-license-sig", "7a".repeat(32)),
        }
    }

    /// The path without base path and space, or the answer to who asks outside of the base path.
    fn inside(&self, path: &str) -> Result<String, Reply> {
        let mut rest = path;
        if let (Some(base), true) = (&self.dashboard.base_path, self.dashboard.rewrite_base_path) {
            rest = match path.strip_prefix(base.as_str()) {
                Some("") => "/",
                Some(rest) if rest.starts_with('/') => rest,
                _ if path == "/" => return Err(Reply::redirect(format!("{base}/"))),
                _ => return Err(Reply::boom(404, "Not Found")),
            };
        }
        if self.dashboard.kibana_within((6, 5), NEWEST)
            && let Some((_, rest)) =
                rest.strip_prefix("/s/").map(|rest| rest.split_once('/').unwrap_or((rest, "")))
        {
            return Ok(format!("/{rest}"));
        }
        Ok(rest.to_owned())
    }

    /// A target of this server as its visitors would have to write it.
    pub(super) fn outside(&self, target: &str) -> String {
        let stripped_elsewhere = !self.dashboard.rewrite_base_path;
        if stripped_elsewhere { format!("{}{target}", self.dashboard.base()) } else { target.to_owned() }
    }

    fn route(&self, peer: &Peer, request: &Request, path: &str) -> Reply {
        if let Some(reply) = self.without_login(request, path) {
            return reply;
        }
        let visitor = match self.enter(request, path) {
            Ok(visitor) => visitor,
            Err(refusal) => return refusal,
        };
        let reply =
            self.objection(request, path).unwrap_or_else(|| self.routed(peer, request, path, &visitor));
        match visitor.set_cookie {
            Some(cookie) => reply.with("set-cookie", cookie),
            None => reply,
        }
    }

    /// Routes that the product serves before any login.
    fn without_login(&self, request: &Request, path: &str) -> Option<Reply> {
        let secured = self.dashboard.access != Access::Open;
        let kibana = self.dashboard.kibana_version().is_some();
        match (is_read(request), path) {
            (true, "/api/status") => Some(self.status(request)),
            (true, "/login") if secured && kibana => Some(self.shell()),
            (true, "/internal/security/login_state") if secured && kibana => {
                Some(self.objection(request, path).unwrap_or_else(|| self.login_state()))
            }
            (true, "/app/login") if secured && !kibana => Some(self.shell()),
            (true, "/auth/anonymous") if secured && !kibana => Some(self.anonymous_route(request)),
            _ => None,
        }
    }

    /// What is checked between the login and the route: forged requests, stale clients, internal routes.
    ///
    /// Unconfirmed: the order of the three, the fork's wording, and that a missing route is noticed only
    /// after them.
    fn objection(&self, request: &Request, path: &str) -> Option<Reply> {
        let prefix = self.dashboard.prefix();
        let stated = request.header(&format!("{prefix}-version"));
        let marked = request.header(&format!("{prefix}-xsrf")).is_some();
        if !is_read(request) && !marked && stated.is_none() {
            return Some(Reply::boom(400, &format!("Request must contain a {prefix}-xsrf header.")));
        }
        let version = self.dashboard.version();
        if let Some(stated) = stated.filter(|stated| *stated != version) {
            return Some(Reply::boom(
                400,
                &format!(
                    "Browser client is out of date, please refresh the page (\"{prefix}-version\" header was \
                     \"{stated}\" but should be \"{version}\")"
                ),
            ));
        }
        let internal = path == "/api/console/proxy" || path.starts_with("/internal/");
        if self.dashboard.restrict_internal
            && internal
            && request.header("x-elastic-internal-origin").is_none()
        {
            let method = request.method.to_lowercase();
            return Some(Reply::boom(
                400,
                &format!(
                    "uri [{path}] with method [{method}] exists but is not available with the current configuration"
                ),
            ));
        }
        None
    }

    /// The routes behind the login.
    ///
    /// Unconfirmed: that the search over saved objects is gone in 9.x and began with 6.0, that the console
    /// proxy began with 5.0, and that it is reached by POST alone.
    fn routed(&self, peer: &Peer, request: &Request, path: &str, visitor: &Visitor) -> Reply {
        let kibana = |from, below| self.dashboard.kibana_within(from, below);
        let fork = self.dashboard.kibana_version().is_none();
        match (request.method.as_str(), path) {
            ("POST", "/api/console/proxy") if fork || kibana((5, 0), NEWEST) => {
                self.console_proxy(peer, request, visitor)
            }
            (_, path) if path.starts_with("/elasticsearch/") && kibana((0, 0), (5, 0)) => {
                self.old_relay(peer, request, visitor, path)
            }
            _ if !is_read(request) => Reply::boom(404, "Not Found"),
            (_, "/") => self.front(),
            (_, "/spaces/enter") if kibana((6, 5), NEWEST) => self.enter_space(),
            (_, path) if path.starts_with("/app/") => self.shell(),
            (_, "/api/spaces/space") if kibana((6, 5), NEWEST) => self.spaces(),
            (_, "/api/saved_objects/_find") if fork || kibana((6, 0), (9, 0)) => self.find(request),
            (_, "/api/data_views") if kibana((8, 0), NEWEST) => self.data_views(),
            _ => Reply::boom(404, "Not Found"),
        }
    }

    fn enter_space(&self) -> Reply {
        let space = self.dashboard.space.as_ref().map(|space| format!("/s/{space}")).unwrap_or_default();
        Reply::redirect(format!("{}{space}/app/home", self.dashboard.base()))
    }
}

fn is_read(request: &Request) -> bool {
    matches!(request.method.as_str(), "GET" | "HEAD")
}
