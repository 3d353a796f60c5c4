//! The sentence at the top, for somebody who reads nothing else, and the few that follow it.

use model::{Reach, Record, RecordType};

use super::super::text::thousands;
use super::super::view;
use super::super::words::Language;
use crate::report::Report;

/// A capital sentence: how bad is it?
pub(super) fn headline(report: &Report, language: Language) -> String {
    if let Some(nothing) = view::nothing(report, language) {
        return nothing;
    }
    let doors = Doors::of(report);
    let amount = amount(doors.total(), doors.services, language);
    let Doors { internet, inside, host, .. } = doors;
    match doors.total() {
        0 => all_shut(report, doors.services, language),
        all if internet == all => language.pick(
            format!("Anyone on the internet can get into {amount}."),
            format!("互联网上的任何人都能进入{amount}。"),
        ),
        _ if internet > 0 => language.pick(
            format!("Strangers can get into {amount}, {internet} of them from the internet."),
            format!("陌生人能进入{amount}，其中 {internet} 个从互联网即可到达。"),
        ),
        all if inside == all => language.pick(
            format!("Anyone on the internal network can get into {amount}."),
            format!("内网中的任何人都能进入{amount}。"),
        ),
        all if host == all => language.pick(
            format!("Anyone on this machine can get into {amount}."),
            format!("能登录本机的任何人都能进入{amount}。"),
        ),
        _ => language.pick(format!("Strangers can get into {amount}."), format!("陌生人能进入{amount}。")),
    }
}

/// Open doors that nobody accepted, by who can reach them.
struct Doors {
    internet: usize,
    inside: usize,
    host: usize,
    elsewhere: usize,
    /// Services that gave an answer.
    services: usize,
}

impl Doors {
    fn of(report: &Report) -> Self {
        let summary = report.summary();
        let services = summary.open + summary.protected + summary.unknown;
        let mut doors = Self { internet: 0, inside: 0, host: 0, elsewhere: 0, services };
        for record in exposures(report).filter(|record| record.verdict.is_open() && record.accepted.is_none())
        {
            match record.reach {
                Reach::Internet => doors.internet += 1,
                Reach::Vpc | Reach::Lan => doors.inside += 1,
                Reach::Host => doors.host += 1,
                Reach::Unknown => doors.elsewhere += 1,
            }
        }
        doors
    }

    fn total(&self) -> usize {
        self.internet + self.inside + self.host + self.elsewhere
    }
}

fn exposures(report: &Report) -> impl Iterator<Item = &Record> {
    report.records.iter().filter(|record| record.kind == RecordType::Exposure)
}

fn amount(some: usize, all: usize, language: Language) -> String {
    match all {
        1 => language.pick("the only service found", "发现的唯一服务").to_owned(),
        _ if some == all => language.pick(format!("all {all} services"), format!("全部 {all} 个服务")),
        _ => language.pick(format!("{some} of {all} services"), format!(" {all} 个服务中的 {some} 个")),
    }
}

/// No open door that is not accepted: which is good news only where every answer is there.
fn all_shut(report: &Report, services: usize, language: Language) -> String {
    let summary = report.summary();
    let missing = summary.unknown + summary.no_answer;
    if summary.accepted > 0 {
        let one = summary.accepted == 1;
        return language.pick(
            format!(
                "No open door was found beyond the {} that somebody accepted.",
                if one { "one".to_owned() } else { summary.accepted.to_string() }
            ),
            format!("除已接受的 {} 个外，未发现敞开的服务。", summary.accepted),
        );
    }
    if report.interrupted {
        return language
            .pick(
                "No open door was found before the run was cut short.",
                "运行被中断，此前未发现敞开的服务。",
            )
            .to_owned();
    }
    match missing {
        0 if services == 1 => language
            .pick(
                "No open door was found: the only service turns strangers away.",
                "未发现敞开的服务：唯一的服务拒绝陌生人。",
            )
            .to_owned(),
        0 => language.pick(
            format!("No open door was found: all {services} services turn strangers away."),
            format!("未发现敞开的服务：全部 {services} 个服务都拒绝陌生人。"),
        ),
        1 => language
            .pick(
                "No open door was found, but one answer is missing.",
                "未发现敞开的服务，但有 1 处尚无结论。",
            )
            .to_owned(),
        _ => language.pick(
            format!("No open door was found, but {missing} answers are missing."),
            format!("未发现敞开的服务，但有 {missing} 处尚无结论。"),
        ),
    }
}

/// What else the reader should know before the details.
pub(super) fn lede(report: &Report, language: Language) -> String {
    let mut sentences = Vec::new();
    let touched = report.records.iter().filter(|record| record.kind == RecordType::Compromise).count();
    if touched > 0 {
        sentences.push(language.pick(
            match touched {
                1 => "In one store, names look like ransom notes: somebody may have been there before.".to_owned(),
                _ => format!("In {touched} stores, names look like ransom notes: somebody may have been there before."),
            },
            format!("有 {touched} 处存在疑似勒索留言：可能已有人来过。"),
        ));
    }
    let oldest = exposures(report)
        .filter(|record| record.verdict.is_open() && record.closed_on.is_none())
        .filter_map(|record| record.open_since)
        .min()
        .map(|since| report.finished.duration_since(since).as_secs())
        .filter(|seconds| *seconds >= 86_400);
    if let Some(seconds) = oldest {
        let span = language.span(seconds);
        sentences.push(language.pick(
            format!("The oldest open door has been open for {span}."),
            format!("敞开最久的已有 {span}。"),
        ));
    }
    sentences.extend(others(report, language));
    sentences.join(language.pick(" ", ""))
}

/// Everything that is not open, in one sentence.
fn others(report: &Report, language: Language) -> Option<String> {
    let summary = report.summary();
    let mut parts = Vec::new();
    let mut part = |number: usize, one: &str, many: &str, chinese: &str| {
        if number > 0 {
            let written = thousands(number as u64);
            let english = format!("{written} {}", if number == 1 { one } else { many });
            parts.push(language.pick(english, format!("{written} 个{chinese}")));
        }
    };
    part(summary.accepted, "more is open but accepted", "more are open but accepted", "敞开但已接受");
    part(summary.protected, "is protected", "are protected", "有防护");
    part(summary.unknown, "gave no clear answer", "gave no clear answer", "无法判定");
    part(summary.no_answer, "did not answer", "did not answer", "无应答");
    (!parts.is_empty())
        .then(|| language.pick(format!("{}.", parts.join(", ")), format!("{}。", parts.join("，"))))
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;

    fn said(keep: impl Fn(&Record) -> bool) -> String {
        let mut report = sample::report();
        report.interrupted = false;
        report.records.retain(keep);
        headline(&report, Language::En)
    }

    #[test]
    fn the_widest_reach_makes_the_headline() {
        assert_eq!(said(|_| true), "Strangers can get into 6 of 13 services, 2 of them from the internet.");
        assert_eq!(
            said(|record| record.reach == Reach::Internet),
            "Anyone on the internet can get into 2 of 3 services."
        );
        assert_eq!(
            said(|record| record.reach == Reach::Host),
            "Anyone on this machine can get into all 2 services."
        );
        let kibana = |record: &Record| record.service.as_deref() == Some("kibana");
        assert_eq!(said(kibana), "Anyone on the internal network can get into the only service found.");
    }

    #[test]
    fn missing_answers_are_not_an_all_clear() {
        let shut = |record: &Record| record.verdict.is_shut();
        assert_eq!(said(shut), "No open door was found: all 3 services turn strangers away.");
        let rest = |record: &Record| !record.verdict.is_open();
        assert_eq!(said(rest), "No open door was found, but 5 answers are missing.");
        let accepted = |record: &Record| !record.verdict.is_open() || record.accepted.is_some();
        assert_eq!(said(accepted), "No open door was found beyond the one that somebody accepted.");
    }

    #[test]
    fn the_lede_tells_signs_age_and_the_rest() {
        let expected = "In one store, names look like ransom notes: somebody may have been there before. \
             The oldest open door has been open for 431 days. \
             1 more is open but accepted, 3 are protected, 3 gave no clear answer, 2 did not answer.";
        assert_eq!(lede(&sample::report(), Language::En), expected);
        let expected = "有 1 处存在疑似勒索留言：可能已有人来过。敞开最久的已有 431 天。\
             1 个敞开但已接受，3 个有防护，3 个无法判定，2 个无应答。";
        assert_eq!(lede(&sample::report(), Language::ZhCn), expected);
    }
}
