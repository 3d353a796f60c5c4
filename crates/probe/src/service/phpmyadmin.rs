//! phpMyAdmin, and the MySQL or MariaDB behind it.
//!
//! With `auth_type` `config` its credentials are stored on the server, and whoever opens the page is that account:
//! <https://docs.phpmyadmin.net/en/latest/setup.html#config-authentication-mode>. The pivot is proven by the relayed
//! answer alone: the list of databases is asked for from beyond its end, so it tells how many there are and names none.
//! A page without a login form proves nothing: with stored credentials that the store refuses, phpMyAdmin shows an error
//! page with status 200 and no form. `/setup/` and files of the distribution tell nothing about the login and are not
//! asked for. PHP's own server answers every path that is no file with the index page.

use model::html::{Page, text_of, texts, values_of};
use model::{Proof, Proven, Surface, Verdict, excerpt};
use net::http::{Request, Response};
use net::{Error, Session};

use super::dashboards::cookies;
use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::{Opening, Web};

/// The probe.
pub struct PhpMyAdmin;

/// Where it usually is: a site of its own, and Debian's alias.
const PAGES: [&str; 2] = ["/", "/phpmyadmin/"];

/// The list of databases, as the page's own script asks for it: of the first server, of one by its number (where
/// several are set up and none is chosen), and as versions before 5 have it. Those drop the unknown `pos` of a stranger.
const DATABASES: [&str; 3] = [
    "index.php?route=/server/databases&ajax_request=1&pos=999999",
    "index.php?route=/server/databases&ajax_request=1&pos=999999&server=1",
    "server_databases.php?ajax_request=1&server=1",
];

/// The elements with the number of databases: since 4.7, and before.
const TOTALS: [&str; 2] = ["filter-rows-count", "databases_count"];

/// What the page demands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Entry {
    /// HTTP basic authentication.
    Basic,
    /// The login form, and whether a visitor may name the server to connect to.
    Form { any_server: bool },
    /// Nothing that is known.
    Nothing,
}

/// What came of the question for the databases.
#[derive(Clone, Debug, PartialEq)]
enum Store {
    /// The store answered.
    Relayed(u64),
    /// The stored credentials are refused, with the store's error.
    Refused(u32),
    /// The store does not answer, with the client's error.
    Down(u32),
    /// A login is demanded.
    Login,
    Undecided,
}

fn is_mine(answer: &Response) -> bool {
    let session = |cookie: &String| {
        let name = cookie.split('=').next().unwrap_or_default();
        matches!(name, "phpMyAdmin" | "phpMyAdmin_https" | "__Secure-phpMyAdmin_https")
    };
    let page = || {
        let page = Page::read(&answer.body);
        page.title.as_deref() == Some("phpMyAdmin") && page.has_field("pma_username")
    };
    cookies(answer).iter().any(session) || is_basic(answer) || answer.status == 200 && page()
}

fn is_basic(answer: &Response) -> bool {
    let realm = |header: &str| header.starts_with("Basic realm=\"phpMyAdmin ");
    answer.status == 401 && answer.header("www-authenticate").is_some_and(realm)
}

fn entry(answer: &Response) -> Entry {
    if answer.status == 401 && answer.header("www-authenticate").is_some() {
        return Entry::Basic;
    }
    let page = Page::read(&answer.body);
    if answer.status == 200 && page.has_field("pma_username") {
        return Entry::Form { any_server: page.has_field("pma_servername") };
    }
    Entry::Nothing
}

/// Reads the answer to one of [`DATABASES`].
fn store(answer: &Response) -> Store {
    if answer.status == 401 {
        return Store::Login;
    }
    let flag = |name: &str| answer.json()?.get(name)?.as_bool();
    let params = |name: &str| {
        let at = |parent: &str| answer.json()?.pointer(&format!("/{parent}/{name}"));
        at("params").or_else(|| at("_params"))
    };
    if flag("success") == Some(false) && answer.text_at("/redirect_flag") == Some("1") {
        return Store::Login;
    }
    let Some(message) = answer.text_at("/message").filter(|_| flag("success") == Some(true)) else {
        return Store::Undecided;
    };
    // Versions before 4.8 do not tell whether they are logged in.
    if params("logged_in").and_then(serde_json::Value::as_bool) != Some(false) {
        let total = TOTALS.iter().find_map(|id| text_of(message.as_bytes(), "id", id)?.parse().ok());
        return total.map_or(Store::Undecided, Store::Relayed);
    }
    match texts(message.as_bytes()).iter().find_map(|text| store_error(text)) {
        Some(error @ 2000..3000) => Store::Down(error),
        Some(error) => Store::Refused(error),
        None => Store::Undecided,
    }
}

/// The number in an error of the store's client: `mysqli::real_connect(): (HY000/1045): Access denied ...`, or
/// `#1045 - Access denied ...`. <https://dev.mysql.com/doc/mysql-errors/8.0/en/>: 2000 to 2999 are the client's own.
fn store_error(text: &str) -> Option<u32> {
    let digits = match text.strip_prefix('#') {
        Some(rest) => rest,
        None => text.strip_prefix("mysqli")?.split_once("(HY000/")?.1,
    };
    digits.split(|next: char| !next.is_ascii_digit()).next()?.parse().ok()
}

/// The version, from the addresses of the page's scripts: `js/vendor/jquery/jquery.min.js?v=5.2.1deb1%2Bdeb12u1`.
fn version(page: &Response) -> Option<String> {
    let sources = values_of(&page.body, "script", "src");
    let version = sources
        .iter()
        .find_map(|source| source.split_once('?')?.1.split('&').find_map(|pair| pair.strip_prefix("v=")))?;
    let version = version.replace("%2B", "+");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+~-".contains(&byte);
    (version.starts_with(|first: char| first.is_ascii_digit()) && version.bytes().all(plain))
        .then(|| excerpt(version.as_bytes()))
}

fn judgement(entry: Entry, store: &Store) -> Judgement {
    let panel = |verdict, reason: &str| Surface::new("panel", verdict, reason);
    let no_login = || panel(Verdict::OpenPartial, "the panel demands no login: it uses stored credentials");
    let behind = |verdict, reason: String| Surface::new("store", verdict, reason);
    let surfaces = match (entry, store) {
        (Entry::Basic, _) => vec![panel(Verdict::Protected, "the panel demands a login (HTTP basic)")],
        (Entry::Form { any_server: true }, _) => vec![panel(
            Verdict::Protected,
            "the panel shows its login form; a visitor may name any server to connect to",
        )],
        (Entry::Form { any_server: false }, _) | (Entry::Nothing, Store::Login) => {
            vec![panel(Verdict::Protected, "the panel demands a login")]
        }
        (Entry::Nothing, Store::Relayed(_)) => vec![
            no_login(),
            behind(
                Verdict::PivotOpen,
                "the panel relays reads of the store behind it with stored credentials, without a login"
                    .to_owned(),
            ),
        ],
        (Entry::Nothing, Store::Refused(error)) => vec![
            no_login(),
            behind(Verdict::Protected, format!("the store refuses the panel's credentials (error {error})")),
        ],
        (Entry::Nothing, Store::Down(error)) => vec![
            no_login(),
            behind(Verdict::Unknown, format!("the store does not answer the panel (error {error})")),
        ],
        (Entry::Nothing, Store::Undecided) => {
            vec![panel(Verdict::Unknown, "neither a login form nor an answer of the store")]
        }
    };
    let databases = match store {
        Store::Relayed(count) => Some(*count),
        _ => None,
    };
    Judgement { surfaces, ..Judgement::default() }.count("databases", databases)
}

async fn judge(session: &mut Session, mut web: Web) -> Result<Judgement, Error> {
    let known = |page: &&&str| web.known(page).is_some_and(is_mine);
    let base = PAGES.iter().find(known).copied().unwrap_or("/");
    let page = web.get(session, base).await?.clone();
    let (entry, version) = (entry(&page), version(&page));
    let mut found = Store::Undecided;
    if entry == Entry::Nothing {
        for path in DATABASES {
            found = store(&web.send(session, &Request::get(format!("{base}{path}"))).await?);
            if found != Store::Undecided {
                break;
            }
        }
        if matches!(found, Store::Relayed(_))
            && matches!(store(web.control(session).await?), Store::Relayed(_))
        {
            return Ok(Judgement::of(Verdict::Unknown, "answers every path alike"));
        }
    }
    Ok(judgement(entry, &found).version(version))
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::PivotOpen, "5.2.1, auth_type config"),
    Proven::new(Proof::Real, Verdict::OpenPartial, "5.2.1, stored credentials that the store refuses"),
    Proven::new(Proof::Real, Verdict::Protected, "5.2.1, auth_type cookie and http"),
    Proven::new(Proof::Transcript, Verdict::PivotOpen, "4.x, pages read in the source"),
];

impl Service for PhpMyAdmin {
    fn about(&self) -> About<'_> {
        About {
            id: "phpmyadmin",
            product: "phpMyAdmin",
            ports: &[80, 443, 8080],
            openings: &[Opening::Http],
            proven_on: PROVEN,
        }
    }

    fn identity_paths(&self) -> Vec<&str> {
        PAGES.to_vec()
    }

    fn recognises_web(&self, web: &Web) -> bool {
        PAGES.iter().any(|page| web.known(page).is_some_and(is_mine))
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

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Response::from_parts(status, &headers.collect::<BTreeMap<_, _>>(), body)
    }

    fn answered(body: &str) -> Store {
        store(&response(200, &[], body))
    }

    const SESSION: (&str, &str) = ("Set-Cookie", "phpMyAdmin=rm6u; path=/; HttpOnly; SameSite=Strict");
    const FORM: &str = "<title>phpMyAdmin</title><script src=\"js/vendor/jquery/jquery.min.js?v=5.2.1deb1%2Bdeb12u1\">\
                        </script><form><input type=\"text\" name=\"pma_username\"></form>";
    const RELAYED: &str = r#"{"message":"<th colspan=\"3\">\n Total: <span id=\"filter-rows-count\">4<\/span>","success":true,"params":{"logged_in":true,"version":"5.2.1deb1+deb12u1","auth_type":"config"}}"#;

    #[test]
    fn the_form_and_basic_authentication_are_demands_for_a_login() {
        let form = response(200, &[SESSION], FORM);
        assert!(is_mine(&form));
        assert_eq!(entry(&form), Entry::Form { any_server: false });
        assert_eq!(version(&form).as_deref(), Some("5.2.1deb1+deb12u1"));
        let basic = response(401, &[("WWW-Authenticate", "Basic realm=\"phpMyAdmin 127.0.0.1\"")], "");
        assert!(is_mine(&basic) && entry(&basic) == Entry::Basic);
    }

    #[test]
    fn a_form_with_a_field_for_the_server_says_so() {
        let page = format!("{FORM}<input name=pma_servername>");
        let entry = entry(&response(200, &[SESSION], &page));
        assert_eq!(entry, Entry::Form { any_server: true });
        let found = judgement(entry, &Store::Undecided);
        assert_eq!(found.worst().unwrap().verdict, Verdict::Protected);
        assert!(found.worst().unwrap().reason.contains("any server"));
    }

    #[test]
    fn databases_that_are_counted_prove_the_pivot() {
        assert_eq!(answered(RELAYED), Store::Relayed(4));
        // 4.x has other names and does not tell whether it is logged in.
        let old = r#"{"success":true,"message":"Total: <span id=\"databases_count\">7</span>","_params":{}}"#;
        assert_eq!(answered(old), Store::Relayed(7));
        let found = judgement(Entry::Nothing, &Store::Relayed(4));
        assert_eq!(found.worst().unwrap().verdict, Verdict::PivotOpen);
        assert_eq!(found.counts.get("databases"), Some(&4));
    }

    #[test]
    fn a_page_without_a_login_form_is_no_proof() {
        let denied = |error: &str| {
            let text = format!("mysqli::real_connect(): (HY000/{error}): x");
            let message =
                format!("<code>Cannot connect: invalid settings.<\\/code><div><img> {text}<\\/div>");
            answered(&format!(r#"{{"message":"{message}","success":true,"params":{{"logged_in":false}}}}"#))
        };
        assert_eq!(denied("1045"), Store::Refused(1045));
        assert_eq!(denied("2002"), Store::Down(2002));
        let verdict = |store| judgement(Entry::Nothing, &store).worst().unwrap().verdict;
        assert_eq!(verdict(Store::Refused(1045)), Verdict::OpenPartial);
        assert_eq!(verdict(Store::Undecided), Verdict::Unknown);
        assert_eq!(store_error("#1130 - Host is not allowed"), Some(1130));
        assert_eq!(store_error("Cannot connect: (HY000/1045)"), None);
    }

    #[test]
    fn what_is_not_the_list_of_databases_decides_nothing() {
        assert_eq!(answered(r#"{"redirect_flag":"1","success":false,"error":""}"#), Store::Login);
        for body in [
            "<span id=\"filter-rows-count\">4</span>",
            r#"{"success":true,"message":"&lt;span id=filter-rows-count&gt;4&lt;/span&gt;","params":{"logged_in":true}}"#,
            r#"{"success":true,"message":"<span id=filter-rows-count>many</span>","params":{"logged_in":true}}"#,
            r#"{"success":false,"error":"<span id=filter-rows-count>4</span>"}"#,
            "{\"success\":tr",
            "",
        ] {
            assert_eq!(answered(body), Store::Undecided, "{body}");
        }
    }

    #[test]
    fn another_product_that_mentions_it_is_not_recognised() {
        assert!(!is_mine(&response(200, &[], "<title>phpMyAdmin</title> how to install it")));
        assert!(!is_mine(&response(200, &[("Set-Cookie", "phpMyAdminTheme=x")], "")));
        assert!(!is_mine(&response(401, &[("WWW-Authenticate", "Basic realm=\"x\"")], "")));
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_read_without_panic(status: u16, body: String, text: String) {
            let answer = response(status, &[], &body);
            let _ = (store(&answer), entry(&answer), is_mine(&answer), version(&answer), store_error(&text));
            let message = serde_json::json!({ "success": true, "message": body });
            let _ = answered(&message.to_string());
        }
    }
}
