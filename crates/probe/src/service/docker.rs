//! Docker Engine: <https://docs.docker.com/reference/api/engine/>.
//!
//! The version is told to everyone who gets through the socket; whether containers may be asked for decides. The
//! list is filtered by a random name, so that it is empty: what is tested is the right, not what is there.

use model::{Proof, Proven, Verdict};
use net::{Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::{Opening, Web};

/// The probe.
pub struct Docker;

async fn judge(session: &mut Session, mut web: Web) -> Result<Judgement, Error> {
    let version = web.get(session, "/version").await?.text_at("/Version").map(str::to_owned);
    let random = format!("{:016x}", fastrand::u64(..));
    let list = format!("/containers/json?limit=1&filters=%7B%22name%22%3A%5B%22watertight-{random}%22%5D%7D");
    let containers = web.get(session, &list).await?.clone();
    let judgement = match containers.status {
        200 if containers.json().is_some_and(serde_json::Value::is_array) => {
            if web.control(session).await?.status == 200 {
                return Ok(Judgement::of(Verdict::Unknown, "answers every path alike").version(version));
            }
            let info = web.get(session, "/info").await?;
            let count = |pointer| info.number_at(pointer);
            Judgement::of(Verdict::Open, "containers are administered without a login: root on the host")
                .count("containers", count("/Containers"))
                .count("images", count("/Images"))
        }
        401 | 403 => {
            Judgement::of(Verdict::Protected, format!("containers are refused with {}", containers.status))
        }
        other => Judgement::of(Verdict::Unknown, format!("the list of containers was answered with {other}")),
    };
    Ok(judgement.version(version))
}

// Protected by client certificates, the engine shows itself to no stranger: see `tls-client-certificate`.
const PROVEN: &[Proven] = &[Proven::new(Proof::Real, Verdict::Open, "20.10.24")];

impl Service for Docker {
    fn about(&self) -> About<'_> {
        About {
            id: "docker",
            product: "Docker Engine",
            ports: &[2375, 2376],
            openings: &[Opening::Http],
            proven_on: PROVEN,
        }
    }

    fn identity_paths(&self) -> Vec<&str> {
        vec!["/version"]
    }

    fn recognises_web(&self, web: &Web) -> bool {
        web.known("/version").is_some_and(|version| {
            version.text_at("/ApiVersion").is_some()
                && version.text_at("/Os").is_some()
                && version.text_at("/Version").is_some()
        })
    }

    fn judge<'a>(
        &'a self,
        session: &'a mut Session,
        opened: Opened,
    ) -> BoxFuture<'a, Result<Judgement, Error>> {
        Box::pin(judge(session, opened.web))
    }
}
