//! Kibana and OpenSearch Dashboards as far as a stranger meets them: their HTTP routes in front of a real
//! store.
//!
//! Neither can be had as a package. The behaviours come from a reading of the two products' route code; what
//! that reading does not cover is marked *unconfirmed* where it is written. Saved objects are invented here;
//! whatever goes through the console proxy is really asked of the store.

mod access;
mod pages;
mod proxy;
mod routes;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use super::{Emulator, http};

/// Which of the two products, and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Kibana of a version.
    Kibana {
        /// Major, minor, patch.
        version: (u8, u8, u8),
    },
    /// OpenSearch Dashboards 2.19.1.
    OpenSearchDashboards,
}

/// Who is let in, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No security at all.
    Open,
    /// A login; visitors may also show an `Authorization` header that the store accepts.
    Login,
    /// Kibana's anonymous provider: a page load starts a session, an API call cannot.
    AnonymousByPage {
        /// Several providers are configured: the page must name this one, `?auth_provider_hint=anonymous1`.
        hint_required: bool,
    },
    /// OpenSearch Dashboards' anonymous login: `GET /auth/anonymous` starts a session.
    AnonymousRoute,
}

/// Where the console proxy puts the store's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyStatus {
    /// The answer's own status (7.x, early 8.x, always in OpenSearch Dashboards).
    Passthrough,
    /// The answer is 200; the store's status is in `x-console-proxy-status-code` (newer 8.x, 9.x).
    InHeader,
}

/// What `/api/status` tells a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusPage {
    /// Everything.
    Open,
    /// 200 with an overall level and no version, unless the visitor has a session.
    Redacted,
    /// 302 to the login, unless the visitor has a session.
    RedirectToLogin,
}

/// A dashboard to start. Build it with [`Dashboard::kibana`] or [`Dashboard::opensearch_dashboards`] and
/// change what the test is about.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// Product and version.
    pub product: Product,
    /// Who is let in.
    pub access: Access,
    /// Where the store's status goes; without effect on OpenSearch Dashboards, which passes it through.
    pub proxy_status: ProxyStatus,
    /// The store behind; `None` is a dead cluster.
    pub store: Option<SocketAddr>,
    /// Name and password inside the `elasticsearch.hosts` URL: sent when the visitor brings none.
    pub store_credentials: Option<(String, String)>,
    /// `elasticsearch.customHeaders`: sent with every relayed request, stronger than what the visitor brings.
    pub custom_headers: Vec<(String, String)>,
    /// `elasticsearch.requestHeadersWhitelist`: which of the visitor's headers reach the store.
    pub relayed_headers: Vec<String>,
    /// What an anonymous session adds to relayed requests; `None` leaves it to the store's own anonymous
    /// user.
    pub anonymous_credentials: Option<(String, String)>,
    /// Unauthenticated pages lead to `/auth/anonymous` rather than to the login, with
    /// [`Access::AnonymousRoute`]. Unconfirmed: newer releases do, older ones show a button on the login
    /// page.
    pub anonymous_redirect: bool,
    /// `server.restrictInternalApis`: internal routes need the header `x-elastic-internal-origin`.
    pub restrict_internal: bool,
    /// A console filter that forbids every path.
    pub path_filter: bool,
    /// `server.basePath`, such as `/kibana`.
    pub base_path: Option<String>,
    /// `server.rewriteBasePath`: everything is under the base path, only `/` outside redirects there. When
    /// false, redirects name the base path, but the paths behind them are served without it: a visitor who
    /// came past the proxy that would strip it.
    pub rewrite_base_path: bool,
    /// The only space that visitors see, when it is not the default one: `/` leads to `/s/<space>/…`.
    pub space: Option<String>,
    /// What `/api/status` tells.
    pub status_page: StatusPage,
    /// Not a dashboard at all: a web server that says 200 and the same page to everything.
    pub catch_all: bool,
    /// How many spaces and index patterns there are.
    pub contents: Contents,
}

/// What the dashboard itself keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Spaces, the default one included.
    pub spaces: usize,
    /// Index patterns, called data views since 8.0.
    pub index_patterns: usize,
}

impl Dashboard {
    /// An open Kibana with the defaults of its version.
    ///
    /// Unconfirmed: that the inner status moved into a header with 8.6; that internal routes are restricted
    /// from 9.0 on is the documented default.
    #[must_use]
    pub fn kibana(version: (u8, u8, u8), store: Option<SocketAddr>) -> Self {
        let in_header = version >= (8, 6, 0);
        Self {
            product: Product::Kibana { version },
            proxy_status: if in_header { ProxyStatus::InHeader } else { ProxyStatus::Passthrough },
            restrict_internal: version >= (9, 0, 0),
            ..Self::opensearch_dashboards(store)
        }
    }

    /// OpenSearch Dashboards without the security plugin.
    #[must_use]
    pub fn opensearch_dashboards(store: Option<SocketAddr>) -> Self {
        Self {
            product: Product::OpenSearchDashboards,
            access: Access::Open,
            proxy_status: ProxyStatus::Passthrough,
            store,
            store_credentials: None,
            custom_headers: Vec::new(),
            relayed_headers: vec!["authorization".to_owned()],
            anonymous_credentials: None,
            anonymous_redirect: false,
            restrict_internal: false,
            path_filter: false,
            base_path: None,
            rewrite_base_path: true,
            space: None,
            status_page: StatusPage::Open,
            catch_all: false,
            contents: Contents { spaces: 1, index_patterns: 2 },
        }
    }

    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(self) -> io::Result<Emulator> {
        let running = Running { dashboard: self, sessions: Mutex::default() };
        http::start(move |peer, request| running.answer(peer, request))
    }

    /// Kibana's version; `None` for the fork.
    fn kibana_version(&self) -> Option<(u8, u8, u8)> {
        match self.product {
            Product::Kibana { version } => Some(version),
            Product::OpenSearchDashboards => None,
        }
    }

    /// Kibana within a range of versions, both ends by major and minor, the upper one excluded.
    fn kibana_within(&self, from: (u8, u8), below: (u8, u8)) -> bool {
        self.kibana_version()
            .is_some_and(|(major, minor, _)| from <= (major, minor) && (major, minor) < below)
    }

    /// The version as text.
    fn version(&self) -> String {
        let (major, minor, patch) = self.kibana_version().unwrap_or((2, 19, 1));
        format!("{major}.{minor}.{patch}")
    }

    /// The prefix of the product's own headers.
    fn prefix(&self) -> &'static str {
        if self.kibana_version().is_some() { "kbn" } else { "osd" }
    }

    /// What is put before every path that the dashboard tells its visitors.
    fn base(&self) -> &str {
        self.base_path.as_deref().unwrap_or_default()
    }
}

/// A started dashboard with the sessions it has handed out.
#[derive(Debug)]
struct Running {
    dashboard: Dashboard,
    sessions: Mutex<Vec<String>>,
}
