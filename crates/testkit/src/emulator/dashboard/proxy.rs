//! The way through: console proxy and the older `/elasticsearch` relay.

use super::access::Visitor;
use super::{ProxyStatus, Running};
use crate::emulator::Peer;
use crate::emulator::http::{self, Headers, Reply, Request};

const METHODS: [&str; 6] = ["HEAD", "GET", "POST", "PUT", "DELETE", "PATCH"];
/// What node copies from the store's answer into its own, as far as it matters here. Unconfirmed: `warning`
/// and the content type are copied by the products' code, the others by hapi, which passes on a stream's
/// headers.
const COPIED: [&str; 4] = ["content-type", "warning", "x-elastic-product", "www-authenticate"];

impl Running {
    /// `POST /api/console/proxy?path=…&method=…`.
    pub(super) fn console_proxy(&self, peer: &Peer, request: &Request, visitor: &Visitor) -> Reply {
        let Some(path) = request.query("path").filter(|path| !path.is_empty()) else {
            return Reply::boom(
                400,
                "[request query.path]: expected value of type [string] but got [undefined]",
            );
        };
        let Some(method) =
            request.query("method").map(str::to_uppercase).filter(|m| METHODS.contains(&m.as_str()))
        else {
            let known = METHODS.map(|name| format!("'{name}'")).join(", ");
            return Reply::boom(
                400,
                &format!("[request query.method]: Method must be one of, case insensitive [{known}]."),
            );
        };
        if self.dashboard.path_filter {
            let text = format!("Error connecting to '{path}':\n\nUnable to send requests to that path.");
            return Reply::new(403, "text/plain", text);
        }
        let inner = self.relay(peer, request, visitor, &method, &with_pretty(path));
        self.console_answer(inner, method == "HEAD")
    }

    /// `/elasticsearch/…` of Kibana before 5: the visitor's verb, path and query as they are.
    pub(super) fn old_relay(&self, peer: &Peer, request: &Request, visitor: &Visitor, path: &str) -> Reply {
        let inner_path = path.strip_prefix("/elasticsearch").unwrap_or(path);
        let target = match request.target.split_once('?') {
            Some((_, query)) => format!("{inner_path}?{query}"),
            None => inner_path.to_owned(),
        };
        match self.relay(peer, request, visitor, &request.method, &target) {
            Some(reply) => Reply { status: reply.status, headers: copied(&reply), body: reply.body },
            None => Reply::boom(502, "connect ECONNREFUSED"),
        }
    }

    /// Whether the store takes an `Authorization` value that a visitor shows at the dashboard's own door.
    pub(super) fn store_accepts(&self, authorization: &str) -> bool {
        let mut headers = Headers::default();
        headers.push("authorization", authorization);
        let answer = self.dashboard.store.and_then(|store| http::ask(store, "GET", "/", &headers, b"").ok());
        answer.is_some_and(|reply| !matches!(reply.status, 401 | 403))
    }

    fn relay(
        &self,
        peer: &Peer,
        request: &Request,
        visitor: &Visitor,
        method: &str,
        target: &str,
    ) -> Option<Reply> {
        let store = self.dashboard.store?;
        peer.log_relayed(format!("{method} {target}"));
        let mut headers = self.outgoing(request, visitor);
        headers.push("x-forwarded-for", peer.visitor().to_string());
        http::ask(store, method, target, &headers, &request.body).ok()
    }

    /// Whose credentials go out: configured headers first, then the visitor's own, then those of the session,
    /// then those in the store's URL.
    fn outgoing(&self, request: &Request, visitor: &Visitor) -> Headers {
        let mut headers = Headers(self.dashboard.custom_headers.clone());
        for name in &self.dashboard.relayed_headers {
            if let (None, Some(value)) = (headers.get(name), request.header(name)) {
                headers.push(name, value);
            }
        }
        let in_url = self.dashboard.store_credentials.as_ref().map(|(user, word)| http::basic(user, word));
        if let (None, Some(value)) = (headers.get("authorization"), visitor.authorization.clone().or(in_url))
        {
            headers.push("authorization", value);
        }
        if let (false, Some(kind)) = (request.body.is_empty(), request.header("content-type")) {
            headers.push("content-type", kind);
        }
        headers
    }

    fn console_answer(&self, inner: Option<Reply>, head: bool) -> Reply {
        let in_header =
            self.dashboard.kibana_version().is_some() && self.dashboard.proxy_status == ProxyStatus::InHeader;
        let Some(inner) = inner else {
            let reply = Reply::boom(502, "connect ECONNREFUSED");
            return if in_header { with_inner_status(reply, 502) } else { reply };
        };
        let status = if in_header { 200 } else { inner.status };
        let reply = if head {
            Reply::new(status, "text/plain", format!("{} - {}", inner.status, http::reason(inner.status)))
        } else {
            Reply { status, headers: copied(&inner), body: inner.body }
        };
        if in_header { with_inner_status(reply, inner.status) } else { reply }
    }
}

fn with_inner_status(reply: Reply, status: u16) -> Reply {
    reply
        .with("x-console-proxy-status-code", status.to_string())
        .with("x-console-proxy-status-text", http::reason(status))
}

fn copied(inner: &Reply) -> Headers {
    let keep = |name: &str| COPIED.iter().any(|copied| name.eq_ignore_ascii_case(copied));
    Headers(inner.headers.0.iter().filter(|(name, _)| keep(name)).cloned().collect())
}

/// The console asks the store to format its JSON itself. Unconfirmed: for every version.
fn with_pretty(path: &str) -> String {
    let path = format!("/{}", path.trim_start_matches('/'));
    match path.split_once('?') {
        Some((_, query)) if query.split('&').any(|pair| pair == "pretty" || pair.starts_with("pretty=")) => {
            path
        }
        Some(_) => format!("{path}&pretty=true"),
        None => format!("{path}?pretty=true"),
    }
}
