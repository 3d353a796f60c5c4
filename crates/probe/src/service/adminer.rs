//! Adminer, one page of PHP for many kinds of databases: <https://www.adminer.org/en/>.
//!
//! It has no account of its own: its form takes those of the database, and by default the name of any server, which makes
//! it a door to whatever its host can reach. That is told beside the verdict. A wrapper around it may log every visitor
//! in; then the first page opens a session and redirects to itself, so a page without the form is loaded once more as a
//! browser would, with the cookies that any visitor is given. Databases that are listed then prove the pivot; they are
//! counted and dropped. Empty passwords are not tried: 4.6.3 and later refuse them anyway.

use model::html::{Page, text_of};
use model::{Proof, Proven, Verdict, excerpt};
use net::http::{Request, Response};
use net::{Error, Session};

use super::dashboards::{cookies, is_local_path};
use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::{Opening, Web};

/// The probe.
pub struct Adminer;

/// Where it usually is: a site of its own, the file as it is downloaded, and Debian's alias.
const PAGES: [&str; 3] = ["/", "/adminer.php", "/adminer/"];
/// Most redirects that are followed.
const REDIRECTS: usize = 3;

fn is_mine(answer: &Response) -> bool {
    let session = |cookie: &String| cookie.starts_with("adminer_sid=") || cookie.starts_with("adminer_key=");
    cookies(answer).iter().any(session) || is_form(&Page::read(&answer.body))
}

/// Its fields have the same names in all languages and designs.
fn is_form(page: &Page) -> bool {
    page.has_field("auth[driver]") && page.has_field("auth[username]")
}

/// What a page says.
fn conclude(answer: &Response, by_session: bool) -> Judgement {
    let page = Page::read(&answer.body);
    // `4.8.1`, and on versions before 5 in a `<span class="version">` beside the name.
    let version = text_of(&answer.body, "class", "version")
        .filter(|version| version.starts_with(|first: char| first.is_ascii_digit()))
        .map(|version| excerpt(version.as_bytes()));
    let judgement = if page.has_field("auth[username]") && page.has_field("auth[password]") {
        let anywhere = match page.has_field("auth[server]") {
            true => "; a visitor may name any server to connect to",
            false => "",
        };
        Judgement::of(
            Verdict::Protected,
            format!("the panel shows its form for an account of the database{anywhere}"),
        )
    } else {
        // The page of a server has a box beside every database, and one of a login a field to leave it.
        let databases = page.fields.iter().filter(|field| *field == "db[]").count() as u64;
        match databases {
            0 => Judgement::of(Verdict::Unknown, "neither a login form nor a list of databases"),
            _ => {
                let how = if by_session { " (with the session that any visitor is given)" } else { "" };
                let reason = format!("the panel relays reads of the store behind it without a login{how}");
                Judgement::of(Verdict::PivotOpen, reason).count("databases", Some(databases))
            }
        }
    };
    judgement.version(version)
}

/// Where a redirect leads: Adminer's name the query alone. Only on this host.
fn target(base: &str, location: &str) -> Option<String> {
    let path = if location.starts_with('?') { format!("{base}{location}") } else { location.to_owned() };
    is_local_path(&path).then_some(path)
}

/// Loads a page that redirected, as a browser would.
async fn browse(
    session: &mut Session,
    web: &mut Web,
    base: &str,
    first: Response,
) -> Result<Response, Error> {
    let mut jar: Vec<String> = Vec::new();
    let mut answer = first;
    for _ in 0..REDIRECTS {
        for cookie in cookies(&answer) {
            let name = cookie.split('=').next().unwrap_or_default().to_owned();
            jar.retain(|old| old.split('=').next() != Some(name.as_str()));
            jar.push(cookie);
        }
        let target = answer.header("location").and_then(|location| target(base, location));
        let Some(target) = target.filter(|_| (300..400).contains(&answer.status)) else { break };
        let request = Request::get(target).header("Cookie", &jar.join("; "));
        answer = web.send(session, &request).await?;
    }
    Ok(answer)
}

async fn judge(session: &mut Session, mut web: Web) -> Result<Judgement, Error> {
    let known = |page: &&&str| web.known(page).is_some_and(is_mine);
    let base = PAGES.iter().find(known).copied().unwrap_or("/");
    let page = web.get(session, base).await?.clone();
    let redirected = (300..400).contains(&page.status);
    let page = browse(session, &mut web, base, page).await?;
    Ok(conclude(&page, redirected))
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Protected, "4.8.1"),
    Proven::new(Proof::Real, Verdict::PivotOpen, "4.8.1 in a page that logs visitors in"),
];

impl Service for Adminer {
    fn about(&self) -> About<'_> {
        About {
            id: "adminer",
            product: "Adminer",
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

    const FORM: &str = "<title>Login - Adminer</title><form action='' method='post'><select name='auth[driver]'>\
        <option value=\"server\" selected>MySQL</select><input name=\"auth[server]\" value=\"\">\
        <input name=\"auth[username]\" id=\"username\"><input type=\"password\" name=\"auth[password]\">\
        </form><a href='https://www.adminer.org/' id='h1'>Adminer</a> <span class=\"version\">4.8.1</span>";

    fn verdict(body: &str) -> Verdict {
        conclude(&response(200, &[], body), false).worst().unwrap().verdict
    }

    #[test]
    fn the_form_is_a_demand_and_its_free_server_field_is_told() {
        let answer = response(200, &[("Set-Cookie", "adminer_sid=6qq8; path=/; HttpOnly")], FORM);
        assert!(is_mine(&answer));
        let found = conclude(&answer, false);
        assert_eq!(found.version.as_deref(), Some("4.8.1"));
        assert!(found.worst().unwrap().reason.contains("any server"));
        assert_eq!(found.worst().unwrap().verdict, Verdict::Protected);
        // A plugin with a fixed list of servers has a choice in place of both fields.
        let listed = "<input name='auth[username]'><input name='auth[password]'>";
        assert!(!conclude(&response(200, &[], listed), false).worst().unwrap().reason.contains("any server"));
    }

    #[test]
    fn databases_that_are_listed_prove_the_pivot_and_their_names_are_dropped() {
        let list = "<title>Select database - Adminer</title><form><table>\
                    <tr><td><input type='checkbox' name='db[]' value='hr'><td><a>hr</a>\
                    <tr><td><input type='checkbox' name='db[]' value='lab'><td><a>lab</a></table></form>";
        let found = conclude(&response(200, &[], list), true);
        assert_eq!(found.worst().unwrap().verdict, Verdict::PivotOpen);
        assert_eq!(found.counts.get("databases"), Some(&2));
        assert!(!format!("{found:?}").contains("hr\""));
    }

    #[test]
    fn a_redirect_is_followed_on_this_host_only() {
        let to = |location| target("/adminer.php", location);
        let own = "?server=127.0.0.1%3A3306&username=root";
        assert_eq!(to(own).as_deref(), Some("/adminer.php?server=127.0.0.1%3A3306&username=root"));
        assert_eq!(to("/x").as_deref(), Some("/x"));
        assert_eq!((to("//evil.example/"), to("https://evil.example/"), to("?a b")), (None, None, None));
    }

    #[test]
    fn a_page_that_is_neither_decides_nothing() {
        assert_eq!(
            verdict("<title>Adminer</title><p class='error'>Too many unsuccessful logins"),
            Verdict::Unknown
        );
        assert_eq!(verdict("&lt;input name='db[]'&gt;"), Verdict::Unknown);
        assert!(!is_mine(&response(200, &[], "<title>Login - Adminer</title>")));
        assert!(!is_mine(&response(200, &[("Set-Cookie", "sid=adminer_sid")], "")));
    }

    proptest::proptest! {
        #[test]
        fn any_page_is_read_without_panic(status: u16, body: String) {
            let answer = response(status, &[], &body);
            let _ = (is_mine(&answer), conclude(&answer, false));
        }
    }
}
