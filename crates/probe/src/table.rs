//! Runs the decision tables of `packs/probes`.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use model::condition::Condition;
use model::pack::{DefaultLogin, Identity, Named, PackError, ProbePack, Rule, Transcript};
use model::{Surface, Verdict, excerpt};
use net::http::{Request, Response};
use net::{Error, Session};

use crate::contract::{About, BoxFuture, Judgement, Opened, Service, default_login};
use crate::{Opening, Web};

/// The packs that are part of the program, as their authors wrote them.
pub static PACK_FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../packs/probes");

/// The same packs in the form that every start of the program reads: YAML would cost it nine milliseconds.
const EMBEDDED: &str = include_str!(concat!(env!("OUT_DIR"), "/probes.json"));

/// Ends the pointer of a count that the product leaves out when it is zero.
const OR_ZERO: &str = " or 0";

/// Begins the place of a version that is a header of the answer.
const HEADER: &str = "header ";

/// Begins the pointer of a count that is how many elements there are.
const LENGTH: &str = "length ";

/// Between two places of a count that are added up.
const PLUS: &str = " + ";

/// A probe that is a decision table.
pub struct TableProbe {
    pack: ProbePack,
}

/// The embedded tables. A test parses every file, so that a released program has them all.
pub(crate) fn embedded() -> Vec<TableProbe> {
    let packs = ProbePack::parse_all(EMBEDDED).unwrap_or_default();
    packs.into_iter().map(|pack| TableProbe { pack }).collect()
}

fn holds(condition: &Condition, answer: &Response) -> bool {
    let header = |name: &str| answer.header(&name.to_ascii_lowercase()).map(str::to_owned);
    condition.holds(answer.status, header, &answer.body, answer.json())
}

/// Answers by the name of their exchange.
type Answers = BTreeMap<String, Response>;

impl TableProbe {
    /// A probe from the text of a pack.
    ///
    /// # Errors
    /// When the pack cannot be used.
    pub fn parse(text: &str) -> Result<Self, PackError> {
        ProbePack::parse(text).map(|pack| Self { pack })
    }

    /// The pack.
    pub fn pack(&self) -> &ProbePack {
        &self.pack
    }

    fn identity_exchanges(&self) -> impl Iterator<Item = &str> {
        let conditions = self.pack.identify.iter().flat_map(Identity::conditions);
        conditions.filter_map(|condition| condition.exchange.as_deref())
    }

    fn recognises_answers(&self, answer: impl Fn(&str) -> Option<Response>) -> bool {
        let met = |condition: &Condition| {
            let exchange = condition.exchange.as_deref().unwrap_or_default();
            answer(exchange).is_some_and(|answer| holds(condition, &answer))
        };
        self.pack.identify.iter().all(|identity| identity.conditions().iter().any(met))
    }

    /// Decides all surfaces from the answers. `control` is the answer to a path that cannot exist.
    fn conclude(&self, answers: &Answers, control: Option<&Response>) -> Judgement {
        let mut judgement = Judgement::default();
        for (name, rules) in &self.pack.surfaces {
            let Some((rule, answer)) = first_that_holds(name, rules, answers) else {
                let got = answers
                    .get(name)
                    .map_or_else(|| "no answer".to_owned(), |answer| answer.status.to_string());
                judgement.surfaces.push(Surface::new(
                    name,
                    Verdict::Unknown,
                    format!("an answer that decides nothing ({got})"),
                ));
                continue;
            };
            let Some(verdict) = rule.verdict else { continue };
            if verdict.is_open() && control.is_some_and(|control| holds(&rule.when, control)) {
                judgement.surfaces.push(Surface::new(name, Verdict::Unknown, "answers every path alike"));
                continue;
            }
            let reason = rule.reason.as_deref().unwrap_or_else(|| verdict.meaning());
            judgement.surfaces.push(Surface::new(name, verdict, reason));
            let counts =
                rule.count.iter().filter_map(|(count, place)| Some((count.clone(), number(answer, place)?)));
            judgement.counts.extend(counts);
        }
        judgement.version =
            self.pack.version.as_ref().and_then(|at| told(answers.get(&at.exchange)?, &at.json));
        let holds_for = |named: &&Named| {
            let answer = named.when.exchange.as_ref().and_then(|exchange| answers.get(exchange));
            answer.is_some_and(|answer| holds(&named.when, answer))
        };
        judgement.product = self.pack.named.iter().find(holds_for).map(|named| named.product.clone());
        judgement
    }

    async fn fetch(
        &self,
        session: &mut Session,
        web: &mut Web,
        name: &str,
    ) -> Result<Option<Response>, Error> {
        let Some(spec) = self.pack.exchanges.get(name) else { return Ok(None) };
        if let Some(path) = &spec.get {
            let Some(media) = &spec.accept else {
                return web.get(session, path).await.map(|answer| Some(answer.clone()));
            };
            return web.send(session, &Request::get(path).accept(Some(media))).await.map(Some);
        }
        if let Some(path) = &spec.head {
            return web.send(session, &Request::head(path).accept(spec.accept.as_deref())).await.map(Some);
        }
        let Some(read) = spec.read else { return Ok(None) };
        let mut last = None;
        for base in &spec.try_paths {
            let answer = web.send(session, &Request::named(read, base)).await?;
            let found = answer.status != 404;
            last = Some(answer);
            if found {
                break;
            }
        }
        Ok(last)
    }

    async fn judge_live(&self, session: &mut Session, mut web: Web) -> Result<Judgement, Error> {
        let mut answers = Answers::new();
        let later = self.asked_later();
        for name in self.pack.exchanges.keys().filter(|name| later != Some(name.as_str())) {
            if let Some(answer) = self.fetch(session, &mut web, name).await? {
                answers.insert(name.clone(), answer);
            }
        }
        let without_control = self.conclude(&answers, None);
        if !without_control.surfaces.iter().any(|surface| surface.verdict.is_open()) {
            return Ok(without_control);
        }
        if let Some(name) = later
            && let Some(answer) = self.fetch(session, &mut web, name).await?
        {
            answers.insert(name.to_owned(), answer);
        }
        let control = web.control(session).await?.clone();
        Ok(self.conclude(&answers, Some(&control)))
    }

    /// Repeats an exchange with the vendor's default login.
    async fn log_in(&self, session: &mut Session, login: &DefaultLogin) -> Result<Surface, Error> {
        let spec = self.pack.exchanges.get(&login.exchange);
        let path = spec.and_then(|spec| spec.get.as_deref()).unwrap_or("/");
        let request = Request::get(path).basic(&login.user, &login.password);
        let answer = Web::default().send(session, &request).await?;
        let works = holds(&login.works, &answer);
        if works || matches!(answer.status, 401 | 403) {
            return Ok(default_login(&login.user, works));
        }
        let reason = format!("the default login was answered with {}, which decides nothing", answer.status);
        Ok(Surface::new("default login", Verdict::Unknown, reason))
    }

    /// An exchange that only tells the version: it is asked for where the door is open, so that a door that is shut
    /// sees no more than one attempt.
    fn asked_later(&self) -> Option<&str> {
        let name = self.pack.version.as_ref()?.exchange.as_str();
        let needed =
            self.identity_exchanges().any(|used| used == name) || self.pack.surfaces.contains_key(name);
        (!needed).then_some(name)
    }
}

/// The first rule of a surface that holds, with the answer that it looks at.
fn first_that_holds<'a>(
    surface: &str,
    rules: &'a [Rule],
    answers: &'a Answers,
) -> Option<(&'a Rule, &'a Response)> {
    rules.iter().find_map(|rule| {
        let answer = answers.get(rule.when.exchange.as_deref().unwrap_or(surface))?;
        holds(&rule.when, answer).then_some((rule, answer))
    })
}

/// The version that an answer tells at `place`.
fn told(answer: &Response, place: &str) -> Option<String> {
    let text = match place.strip_prefix(HEADER) {
        Some(name) => answer.header(name)?,
        None if answer.status != 200 => return None,
        None if place == "text" => std::str::from_utf8(&answer.body).ok()?,
        None => answer.text_at(place)?,
    };
    Some(excerpt(text.trim().as_bytes()))
}

fn number(answer: &Response, place: &str) -> Option<u64> {
    if let Some((first, rest)) = place.split_once(PLUS) {
        return number(answer, first)?.checked_add(number(answer, rest)?);
    }
    if place == "text" {
        return std::str::from_utf8(&answer.body).ok()?.trim().parse().ok();
    }
    let (place, missing) = place.strip_suffix(OR_ZERO).map_or((place, None), |place| (place, Some(0)));
    if let Some(pointer) = place.strip_prefix(LENGTH) {
        let Some(items) = answer.json()?.pointer(pointer) else { return missing };
        let length = items.as_array().map(Vec::len).or_else(|| items.as_object().map(serde_json::Map::len));
        return length.map(|length| length as u64);
    }
    match answer.json()?.pointer(place) {
        // Numbers of protobuf's JSON mapping are strings.
        Some(serde_json::Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64(),
        None => missing,
    }
}

/// Replays a recorded conversation through the production path: recognition, then the decision. `None` when the
/// service is not recognised.
pub fn replay(probe: &TableProbe, transcript: &Transcript) -> Option<Verdict> {
    let not_found = || Response::from_parts(404, &BTreeMap::new(), "");
    let answer = |name: &str| {
        let recorded = transcript.answers.get(name);
        Some(recorded.map_or_else(not_found, |answer| {
            Response::from_parts(answer.status, &answer.headers, &answer.body)
        }))
    };
    if !probe.recognises_answers(answer) {
        return None;
    }
    let answers =
        probe.pack.exchanges.keys().filter_map(|name| Some((name.clone(), answer(name)?))).collect();
    probe.conclude(&answers, Some(&not_found())).worst().map(|surface| surface.verdict)
}

impl Service for TableProbe {
    fn about(&self) -> About<'_> {
        About {
            id: &self.pack.id,
            product: &self.pack.product,
            ports: &self.pack.ports,
            openings: &[Opening::Http],
            proven_on: &self.pack.proven_on,
        }
    }

    fn identity_paths(&self) -> Vec<&str> {
        let path = |name| self.pack.exchanges.get(name).and_then(|exchange| exchange.get.as_deref());
        self.identity_exchanges().filter_map(path).collect()
    }

    fn recognises_web(&self, web: &Web) -> bool {
        self.recognises_answers(|name| web.known(self.pack.exchanges.get(name)?.get.as_deref()?).cloned())
    }

    fn suspects_web(&self, web: &Web) -> bool {
        let path = |name: &str| self.pack.exchanges.get(name)?.get.as_deref();
        self.pack.identify.iter().flat_map(Identity::conditions).any(|condition| {
            let answer = condition.exchange.as_deref().and_then(path).and_then(|path| web.known(path));
            answer.is_some_and(|answer| holds(condition, answer))
        })
    }

    fn try_default<'a>(&'a self, session: &'a mut Session) -> Option<BoxFuture<'a, Result<Surface, Error>>> {
        let login = self.pack.default_login.as_ref()?;
        Some(Box::pin(self.log_in(session, login)))
    }

    fn judge<'a>(
        &'a self,
        session: &'a mut Session,
        opened: Opened,
    ) -> BoxFuture<'a, Result<Judgement, Error>> {
        Box::pin(self.judge_live(session, opened.web))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pack_parses_and_its_transcripts_give_the_expected_verdicts() {
        for file in PACK_FILES.files() {
            let name = file.path().display();
            let probe = TableProbe::parse(file.contents_utf8().unwrap())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(
                file.path().file_stem().unwrap().to_str().unwrap(),
                probe.about().id,
                "id and file name differ"
            );
            for transcript in &probe.pack().transcripts {
                assert_eq!(replay(&probe, transcript), transcript.expect, "{name}: {}", transcript.name);
            }
        }
    }

    fn embedded_table(id: &str) -> TableProbe {
        embedded().into_iter().find(|probe| probe.about().id == id).unwrap()
    }

    fn answered(name: &str, status: u16, header: (&str, &str), body: &str) -> Answers {
        let headers = BTreeMap::from([(header.0.to_owned(), header.1.to_owned())]);
        Answers::from([(name.to_owned(), Response::from_parts(status, &headers, body))])
    }

    #[test]
    fn a_registry_that_names_its_kin_is_told_by_that_name() {
        let product = |challenge| {
            let answers = answered("base", 401, ("Www-Authenticate", challenge), "");
            embedded_table("registry").conclude(&answers, None).product
        };
        let realm = "Bearer realm=\"https://r.example/service/token\",service=\"harbor-registry\"";
        assert_eq!(product(realm), Some("Harbor".to_owned()));
        assert_eq!(product("Basic realm=\"lab\""), None);
    }

    #[test]
    fn a_version_in_a_header_is_told_whatever_the_status() {
        let answers = answered("ping", 204, ("X-Influxdb-Version", "1.8.10"), "");
        let judgement = embedded_table("influxdb1").conclude(&answers, None);
        assert_eq!(judgement.version, Some("1.8.10".to_owned()));
    }

    #[test]
    fn a_list_that_is_left_out_has_no_elements() {
        let answer = Response::from_parts(200, &BTreeMap::new(), "{\"a\":[1,2]}");
        assert_eq!(number(&answer, "length /a"), Some(2));
        assert_eq!(number(&answer, "length /b"), None);
        assert_eq!(number(&answer, "length /b or 0"), Some(0));
    }

    #[test]
    fn a_count_adds_up_what_is_there_and_what_is_left_out() {
        let count =
            |body: &str, place: &str| number(&Response::from_parts(200, &BTreeMap::new(), body), place);
        let place = "length /items + /metadata/rest or 0";
        assert_eq!(count(r#"{"items":[1],"metadata":{"rest":3}}"#, place), Some(4));
        assert_eq!(count(r#"{"items":[1],"metadata":{}}"#, place), Some(1));
        assert_eq!(count(r#"{"items":1,"metadata":{}}"#, place), None);
        assert_eq!(count(r#"{"a":18446744073709551615,"b":1}"#, "/a + /b"), None);
    }

    #[test]
    fn every_file_of_the_directory_is_embedded_as_a_probe() {
        assert_eq!(embedded().len(), PACK_FILES.files().count());
    }
}
