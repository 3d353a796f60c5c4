//! Which product is this web server? Asked by the paths that tell one product from the others.

use net::{Error, Session};

use crate::Opening;
use crate::contract::{Opened, Service};
use crate::detect::{FIRST_WAIT, Found};
use crate::web::Web;

/// Whether a service speaks HTTP.
pub(crate) fn is_web(service: &dyn Service) -> bool {
    service.about().openings.contains(&Opening::Http)
}

/// Finds the product of a web server that has answered `GET /`. What usually listens on `port` is asked for first.
///
/// # Errors
/// When the deadline passes, or a client certificate is demanded.
pub(crate) async fn which_product<'a>(
    services: &'a [Box<dyn Service>],
    port: u16,
    session: &mut Session,
    mut web: Web,
) -> Result<Found<'a>, Error> {
    session.patience = FIRST_WAIT;
    let mark = session.noted();
    let asking = Asking { services, port };
    let mut asked = Ok(asking.recognise(&web));
    if let Ok(None) = asked {
        asked = asking.ask(session, &mut web).await;
    }
    let paths = asked.as_ref().ok().copied().flatten().map(Service::identity_paths).unwrap_or_default();
    session.forget(mark, |exchange| paths.iter().any(|path| exchange.sent == format!("GET {path}")));
    match asked {
        Ok(Some(service)) => Ok(Found::Service(service, Opened { conn: None, web })),
        Ok(None) => Ok(Found::Web(web, None)),
        Err(error @ Error::Budget { .. }) => Ok(Found::Web(web, Some(error))),
        Err(error) => Err(error),
    }
}

struct Asking<'a> {
    services: &'a [Box<dyn Service>],
    port: u16,
}

impl<'a> Asking<'a> {
    fn candidates(&self) -> impl Iterator<Item = &'a dyn Service> + use<'a> {
        self.services.iter().map(AsRef::as_ref).filter(|service| is_web(*service))
    }

    fn recognise(&self, web: &Web) -> Option<&'a dyn Service> {
        self.candidates().find(|service| service.recognises_web(web))
    }

    /// Asks for one product after the other. Where every path demands a login, only for those that usually listen
    /// here: the rest would be a series of failed attempts.
    async fn ask(&self, session: &mut Session, web: &mut Web) -> Result<Option<&'a dyn Service>, Error> {
        let (hinted, others): (Vec<_>, Vec<_>) =
            self.candidates().partition(|service| service.about().ports.contains(&self.port));
        if let Some(service) = self.ask_for(session, web, &hinted).await? {
            return Ok(Some(service));
        }
        let login = |status: u16| matches!(status, 401 | 407);
        let refused = web.known("/").is_some_and(|root| login(root.status));
        if refused && web.control(session).await.is_ok_and(|other| login(other.status)) {
            return Ok(None);
        }
        let (suspected, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|service| service.suspects_web(web));
        match self.ask_for(session, web, &suspected).await? {
            Some(service) => Ok(Some(service)),
            None => self.ask_for(session, web, &others).await,
        }
    }

    async fn ask_for(
        &self,
        session: &mut Session,
        web: &mut Web,
        candidates: &[&'a dyn Service],
    ) -> Result<Option<&'a dyn Service>, Error> {
        for path in candidates.iter().flat_map(|candidate| candidate.identity_paths()) {
            if web.known(path).is_some() {
                continue;
            }
            match web.get(session, path).await {
                Ok(_) => {
                    if let Some(service) = self.recognise(web) {
                        return Ok(Some(service));
                    }
                }
                Err(error @ (Error::Deadline | Error::ClientCertificate | Error::Budget { .. })) => {
                    return Err(error);
                }
                // One path that fails says nothing about the others.
                Err(_) => {}
            }
        }
        Ok(None)
    }
}
