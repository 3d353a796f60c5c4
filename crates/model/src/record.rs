//! What is told to the user, in JSON and in the inventory. Records are the contract: their schema is published in
//! `docs/schema/record-1.schema.json`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lifecycle::PatchState;
use crate::{
    Asset, Counts, Exchange, Observation, Proof, Reach, Severity, Surface, TlsFacts, Vantage, Verdict,
    digest, severity,
};

/// Name and version of the record format.
pub const RECORD_SCHEMA: &str = "watertight/record/1";

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecordType {
    /// Who is let in.
    Exposure,
    /// Names in the store look like ransom notes: somebody was there already.
    Compromise,
    /// The TLS certificate has expired.
    Certificate,
    /// The version no longer receives security fixes.
    Lifecycle,
}

impl RecordType {
    /// The word used in output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exposure => "exposure",
            Self::Compromise => "compromise",
            Self::Certificate => "certificate",
            Self::Lifecycle => "lifecycle",
        }
    }
}

/// An entry of `[[accept]]`: somebody took responsibility for a finding until a date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// The id of the record.
    pub id: String,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Until when, RFC 3339.
    #[schemars(with = "String")]
    pub expires: Timestamp,
}

/// One thing known about one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Always `watertight/record/1`.
    pub schema: String,
    /// What the record is about.
    #[serde(rename = "type")]
    pub kind: RecordType,
    /// Stable over runs and versions: made from asset, vantage, service and type.
    pub id: String,
    /// What was looked at.
    pub asset: Asset,
    /// From where.
    pub vantage: Vantage,
    /// Who can reach it.
    pub reach: Reach,
    /// Which service answers; `null` when nothing known speaks there.
    pub service: Option<String>,
    /// Product name for people.
    pub product: Option<String>,
    /// The version it told.
    pub version: Option<String>,
    /// What a stranger gets.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// How bad that is.
    pub severity: Severity,
    /// Level of proof of the probe for this verdict.
    pub proof: Option<Proof>,
    /// The user asked for exactly this endpoint.
    pub explicit: bool,
    /// Each door, when there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surfaces: Vec<Surface>,
    /// Numbers had without reading a record.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub counts: Counts,
    /// TLS facts, when TLS was spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFacts>,
    /// Whether the version still receives security fixes, where the vendor's dates are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<PatchState>,
    /// Since when the door has been open, as far as the inventory remembers.
    #[schemars(with = "Option<String>")]
    pub open_since: Option<Timestamp>,
    /// When the service was last seen.
    #[schemars(with = "Option<String>")]
    pub last_seen: Option<Timestamp>,
    /// When the door was found shut after it had been open.
    #[schemars(with = "Option<String>")]
    pub closed_on: Option<Timestamp>,
    /// The door had been shut and is open again since `open_since`.
    #[serde(default)]
    pub reopened: bool,
    /// Somebody accepted this finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Acceptance>,
    /// What was sent and what came back.
    pub evidence: Vec<Exchange>,
}

impl Record {
    /// Whether it fails a run at `threshold`.
    pub fn fails(&self, threshold: Severity) -> bool {
        self.severity >= threshold && self.accepted.is_none()
    }

    /// Sort key: worst first, then stable.
    pub fn order(&self) -> (std::cmp::Reverse<Severity>, Verdict, &str, RecordType, Vantage, &str) {
        let severity = std::cmp::Reverse(self.severity);
        (severity, self.verdict, &self.asset.address, self.kind, self.vantage, &self.id)
    }
}

/// The stable id of a record.
pub fn record_id(asset: &str, vantage: Vantage, service: Option<&str>, kind: RecordType) -> String {
    let service = service.unwrap_or("-");
    let mut id = digest(format!("{asset}\n{vantage}\n{service}\n{}", kind.word()).as_bytes());
    id.truncate(16);
    id
}

/// The one table that turns what a probe observed into records: always the exposure, and what else follows.
pub fn records_of(observation: &Observation, patch: Option<PatchState>) -> Vec<Record> {
    let exposure = exposure_record(observation, patch);
    let derived = |kind, severity, reason: String| Record {
        id: record_id(&exposure.asset.address, exposure.vantage, exposure.service.as_deref(), kind),
        kind,
        severity,
        reason,
        surfaces: Vec::new(),
        ..exposure.clone()
    };
    let mut records = Vec::new();
    let at_host = observation.reach == Reach::Host;
    if observation.ransom_names > 0 {
        let reason =
            format!("{} names look like ransom notes: somebody was here before", observation.ransom_names);
        records.push(derived(RecordType::Compromise, Severity::Critical, reason));
    }
    if let Some(tls) = exposure.tls.as_ref().filter(|tls| tls.expired(observation.at)) {
        let end = tls.not_after.map_or_else(String::new, |end| format!(" on {end}"));
        let severity = if at_host { Severity::Low } else { Severity::Medium };
        records.push(derived(RecordType::Certificate, severity, format!("the certificate expired{end}")));
    }
    if let Some(patch) = exposure.patch.as_ref().filter(|patch| patch.ended) {
        let severity = if at_host { Severity::Low } else { Severity::Medium };
        let reason = format!("no security fixes for {} since {}", patch.cycle, patch.eol);
        records.push(derived(RecordType::Lifecycle, severity, reason));
    }
    records.push(exposure);
    records
}

fn exposure_record(observation: &Observation, patch: Option<PatchState>) -> Record {
    let kind = RecordType::Exposure;
    Record {
        schema: RECORD_SCHEMA.to_owned(),
        kind,
        id: record_id(&observation.asset.address, observation.vantage, observation.service.as_deref(), kind),
        asset: observation.asset.clone(),
        vantage: observation.vantage,
        reach: observation.reach,
        service: observation.service.clone(),
        product: observation.product.clone(),
        version: observation.version.clone(),
        verdict: observation.verdict,
        reason: observation.reason.clone(),
        severity: severity(observation.verdict, observation.reach),
        proof: observation.proof,
        explicit: observation.explicit,
        surfaces: observation.surfaces.clone(),
        counts: observation.counts.clone(),
        tls: observation.tls.clone(),
        patch,
        open_since: observation.verdict.is_open().then_some(observation.at),
        last_seen: (!matches!(observation.verdict, Verdict::Unreachable | Verdict::Closed))
            .then_some(observation.at),
        closed_on: None,
        reopened: false,
        accepted: None,
        evidence: observation.evidence.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Address;

    fn observation() -> Observation {
        Observation {
            asset: Asset::at(&Address::Tcp("10.0.0.5:9200".parse().unwrap())),
            vantage: Vantage::Remote,
            reach: Reach::Lan,
            explicit: true,
            service: Some("elasticsearch".to_owned()),
            product: None,
            version: None,
            verdict: Verdict::Open,
            reason: "answered".to_owned(),
            surfaces: Vec::new(),
            counts: Counts::new(),
            ransom_names: 0,
            tls: None,
            proof: Some(Proof::Real),
            evidence: Vec::new(),
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn the_id_survives_a_change_of_verdict() {
        let open = records_of(&observation(), None);
        let shut = records_of(&Observation { verdict: Verdict::Protected, ..observation() }, None);
        assert_eq!(open[0].id, shut[0].id);
    }

    #[test]
    fn ransom_names_are_a_finding_of_their_own() {
        let records = records_of(&Observation { ransom_names: 2, ..observation() }, None);
        assert_eq!(records[0].kind, RecordType::Compromise);
        assert_eq!(records[0].severity, Severity::Critical);
    }

    #[test]
    fn an_expired_certificate_is_a_finding() {
        let tls = TlsFacts {
            protocol: "TLS 1.3".to_owned(),
            subject: "CN=a".to_owned(),
            issuer: "CN=b".to_owned(),
            not_after: Some("2025-01-01T00:00:00Z".parse().unwrap()),
            client_certificate_requested: false,
        };
        let records = records_of(&Observation { tls: Some(tls), ..observation() }, None);
        assert!(records.iter().any(|record| record.kind == RecordType::Certificate));
    }
}
