//! What the formats for people read out of a record: where it belongs, what it is called, what there is to say.

use model::{Acceptance, Proof, Reach, Record, RecordType, Vantage};

use super::text::{day, printable, thousands};
use super::words::Language;
use crate::report::Report;

/// The part of a report that a record belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Somebody has something to do.
    Finding,
    /// The question was left without an answer.
    Undecided,
    /// The door was seen shut.
    Shut,
}

impl Group {
    /// The parts, in the order in which they are told.
    pub(super) const ALL: [Self; 3] = [Self::Finding, Self::Undecided, Self::Shut];

    /// The part that a record belongs to.
    pub(super) fn of(record: &Record) -> Self {
        match record.verdict {
            _ if record.kind != RecordType::Exposure => Self::Finding,
            verdict if verdict.is_open() => Self::Finding,
            verdict if verdict.is_shut() => Self::Shut,
            _ => Self::Undecided,
        }
    }

    /// The records of this part, in their order.
    pub(super) fn records(self, report: &Report) -> impl Iterator<Item = &Record> {
        report.records.iter().filter(move |record| Self::of(record) == self)
    }
}

/// The word that stands for a record: its verdict, or its type where the verdict is not the point.
pub(super) fn label(record: &Record) -> String {
    match record.kind {
        RecordType::Exposure => record.verdict.to_string(),
        kind => kind.word().to_ascii_uppercase(),
    }
}

/// The product, or else the service; `None` when nothing known speaks there.
pub(super) fn product(record: &Record) -> Option<String> {
    record.product.as_deref().or(record.service.as_deref()).map(|name| printable(name).into_owned())
}

/// Product and version, as one name.
pub(super) fn title(record: &Record) -> Option<String> {
    let product = product(record)?;
    Some(match record.version.as_deref() {
        Some(version) => format!("{product} {}", printable(version)),
        None => product,
    })
}

/// The address without its scheme.
pub(super) fn address(record: &Record) -> String {
    printable(record.asset.short()).into_owned()
}

/// The process behind the endpoint: `redis-server[812]`.
pub(super) fn process(record: &Record) -> Option<String> {
    record.asset.process.as_ref().map(|process| format!("{}[{}]", printable(&process.name), process.pid))
}

/// The address the listener is bound to, when that is not what the record is called by.
pub(super) fn bind(record: &Record) -> Option<String> {
    record
        .asset
        .bind
        .as_deref()
        .filter(|bind| !record.asset.short().starts_with(bind))
        .map(|bind| printable(bind).into_owned())
}

/// From where the verdict was obtained, unless that follows from the reach.
pub(super) fn vantage(record: &Record) -> Option<Vantage> {
    let obvious = if record.reach == Reach::Host { Vantage::Loopback } else { Vantage::Remote };
    (record.vantage != obvious).then_some(record.vantage)
}

/// How the probe was proven for this verdict, unless on a real server. Says nothing where there is no claim.
pub(super) fn proof(record: &Record, language: Language) -> Option<&'static str> {
    match record.proof {
        Some(Proof::Real) => None,
        Some(Proof::Independent) => {
            Some(language.pick("probe proven on an independent implementation", "探针仅经独立实现验证"))
        }
        Some(Proof::Transcript) => {
            Some(language.pick("probe proven on a transcript only", "探针仅经报文记录验证"))
        }
        None if record.verdict.is_undecided() => None,
        None => Some(language.pick("probe not proven for this verdict", "探针对此结论未经验证")),
    }
}

/// Since when it is open, or when it was closed.
pub(super) fn since(record: &Record, report: &Report, language: Language) -> Option<String> {
    let open = record.open_since;
    if let Some(closed) = record.closed_on {
        let closed = day(closed);
        return Some(match open.map(day) {
            Some(open) => language.pick(
                format!("closed on {closed} (was open since {open})"),
                format!("已于 {closed} 关闭（自 {open} 起敞开）"),
            ),
            None => language.pick(format!("closed on {closed}"), format!("已于 {closed} 关闭")),
        });
    }
    let open = open?;
    if open >= report.started {
        return Some(language.pick("first seen in this run", "本次首次发现").to_owned());
    }
    let span = language.span(report.finished.duration_since(open).as_secs());
    let open = day(open);
    Some(language.pick(format!("open since {open} ({span})"), format!("自 {open} 起敞开（{span}）")))
}

/// Who accepted the finding, until when and why.
pub(super) fn accepted(record: &Record, language: Language) -> Option<String> {
    acceptance(record.accepted.as_ref(), language)
}

/// Who accepted something, until when and why.
pub(super) fn acceptance(accepted: Option<&Acceptance>, language: Language) -> Option<String> {
    let accepted = accepted?;
    let (until, owner, reason) =
        (day(accepted.expires), printable(&accepted.owner), printable(&accepted.reason));
    Some(language.pick(
        format!("accepted until {until} by {owner}: {reason}"),
        format!("已由 {owner} 接受至 {until}：{reason}"),
    ))
}

/// How long the run took: `2.1 s`.
pub(super) fn duration(report: &Report, language: Language) -> String {
    let elapsed = report.finished.duration_since(report.started).as_millis().max(0);
    let (seconds, tenths) = (elapsed / 1000, elapsed / 100 % 10);
    match seconds {
        0..60 => language.pick(format!("{seconds}.{tenths} s"), format!("{seconds}.{tenths} 秒")),
        60..3600 => language.pick(
            format!("{} min {} s", seconds / 60, seconds % 60),
            format!("{} 分 {} 秒", seconds / 60, seconds % 60),
        ),
        _ => language.pick(
            format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
            format!("{} 小时 {} 分", seconds / 3600, seconds / 60 % 60),
        ),
    }
}

/// Why there is no record at all, so that an empty report is not read as a clean one.
pub(super) fn nothing(report: &Report, language: Language) -> Option<String> {
    if !report.records.is_empty() || !report.data.is_empty() {
        return None;
    }
    let endpoints = thousands(report.looked_at);
    Some(match report.looked_at {
        _ if report.interrupted => language
            .pick("Nothing was judged: the run was cut short.", "未得出任何结论：运行被中断。")
            .to_owned(),
        0 if report.targets.is_empty() && report.not_seen.is_empty() => {
            language.pick("Nothing listens here.", "本机没有监听中的服务。").to_owned()
        }
        0 => language
            .pick("Nothing was looked at. This is not an all-clear.", "没有检查任何目标，这不等于安全。")
            .to_owned(),
        1 => language
            .pick("One endpoint was looked at, and no service found.", "检查了 1 个端点，未发现服务。")
            .to_owned(),
        _ => language.pick(
            format!("{endpoints} endpoints were looked at, and no service found."),
            format!("检查了 {endpoints} 个端点，未发现服务。"),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn an_empty_report_says_why_it_is_empty() {
        let mut report = sample::empty();
        assert_eq!(nothing(&report, Language::En).as_deref(), Some("Nothing listens here."));
        report.not_seen.push("2 listeners belong to other users' processes".to_owned());
        assert!(nothing(&report, Language::En).unwrap().starts_with("Nothing was looked at"));
        report.looked_at = 1024;
        assert!(nothing(&report, Language::En).unwrap().starts_with("1,024 endpoints"));
        report.interrupted = true;
        assert!(nothing(&report, Language::En).unwrap().contains("cut short"));
        assert_eq!(nothing(&sample::report(), Language::En), None);
    }

    #[test]
    fn the_time_a_door_stood_open_is_told() {
        let report = sample::report();
        let told: Vec<String> =
            report.records.iter().filter_map(|record| since(record, &report, Language::En)).collect();
        for expected in [
            "open since 2026-11-20 (5 days)",
            "first seen in this run",
            "closed on 2026-11-25 (was open since 2025-09-20)",
        ] {
            assert!(told.iter().any(|text| text == expected), "{expected}: {told:?}");
        }
    }
}
