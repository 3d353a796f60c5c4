//! The sentence at the top, for somebody who reads nothing else, and the few that follow it.

use model::{Form, Range, Reach, Record, RecordType};

use super::super::text::thousands;
use super::super::words::Language;
use super::super::{data, view};
use crate::report::Report;

/// A capital sentence: how bad is it? Whose data it is about follows.
pub(super) fn headline(report: &Report, language: Language) -> String {
    if let Some(nothing) = view::nothing(report, language) {
        return nothing;
    }
    let doors = (!report.records.is_empty()).then(|| at_the_doors(report, language));
    let told: Vec<String> = doors.into_iter().chain(in_the_stores(report, language)).collect();
    told.join(language.pick(" ", ""))
}

/// Who gets in.
fn at_the_doors(report: &Report, language: Language) -> String {
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

/// Whose data lie where. What was not found is told with what it rests on.
fn in_the_stores(report: &Report, language: Language) -> Option<String> {
    let stores = data::stores(report);
    if stores.is_empty() {
        return None;
    }
    let summary = report.data_summary();
    let with: Vec<_> = stores.iter().filter(|store| !store.columns.is_empty()).collect();
    let clear = with
        .iter()
        .filter(|store| {
            store.columns.iter().any(|record| matches!(record.form, Some(Form::Clear | Form::Mixed)))
        })
        .count();
    let amount = |number: usize| language.amount(number as u64, "store", "stores", "个存储");
    let (all, gaps) = (amount(stores.len()), thousands(summary.not_read as u64));
    Some(match (summary.people, with.len()) {
        (_, 0) if summary.secrets == 0 && summary.not_read == 0 => language.pick(
            format!("No personal data and no secret was found in what was looked at in {all}."),
            format!("在 {all}的检查范围内，未发现个人信息和密钥。"),
        ),
        (_, 0) if summary.secrets == 0 => language.pick(
            format!("No personal data and no secret was found in {all}, but not everything was read."),
            format!("在 {all}中未发现个人信息和密钥，但有 {gaps} 处未读。"),
        ),
        (_, 0) => {
            let secrets = language.amount(summary.secrets as u64, "secret lies", "secrets lie", "个密钥");
            language.pick(format!("{secrets} around in {all}."), format!("{all}中存有 {secrets}。"))
        }
        (None, some) => {
            let (some, clear) = (amount(some), in_clear(clear, some, language));
            language.pick(
                format!(
                    "Personal data lie in {some}{clear}; how many people they are about was not counted."
                ),
                format!("{some}中存有个人信息{clear}；涉及人数未统计。"),
            )
        }
        (Some(people), some) => {
            let (some, clear) = (amount(some), in_clear(clear, some, language));
            let people = about(people, language);
            language.pick(
                format!("{people} data lie in {some}{clear}."),
                format!("{people}的数据存于 {some}中{clear}。"),
            )
        }
    })
}

/// In how many of the stores the data are clear.
fn in_clear(clear: usize, all: usize, language: Language) -> String {
    match clear {
        0 => String::new(),
        _ if all == 1 => language.pick(", in clear", "，且为明文").to_owned(),
        _ if clear == all => language.pick(", in clear in all of them", "，均为明文").to_owned(),
        _ => language.pick(format!(", in clear in {clear} of them"), format!("，其中 {clear} 个为明文")),
    }
}

/// So many people, as somebody would say it: two digits are enough where the bounds are close.
fn about(people: Range, language: Language) -> String {
    let Range { lower, upper } = people;
    if lower == upper {
        let whose = if upper == 1 { "person's" } else { "people's" };
        return language.pick(format!("{} {whose}", thousands(upper)), format!("{} 人", thousands(upper)));
    }
    if upper > lower.saturating_add(lower / 3) {
        let range = language.range(people);
        return language
            .pick(format!("Between {} people's", range.replace(" to ", " and ")), format!("{range} 人"));
    }
    let number = rounded(lower + (upper - lower) / 2);
    language.pick(format!("About {} people's", thousands(number)), format!("约 {}人", in_chinese(number)))
}

/// A number with two digits that say something.
fn rounded(number: u64) -> u64 {
    let step = 10u64.checked_pow(number.checked_ilog10().unwrap_or(0).saturating_sub(1)).unwrap_or(1);
    (number.saturating_add(step / 2) / step).saturating_mul(step)
}

/// A rounded number in the units of the language: `20 万`, `9.6 亿`.
fn in_chinese(number: u64) -> String {
    let (unit, name) = match number {
        100_000_000.. => (100_000_000, "亿"),
        10_000.. => (10_000, "万"),
        _ => return format!("{number} "),
    };
    match number % unit * 10 / unit {
        0 => format!("{} {name}", thousands(number / unit)),
        tenth => format!("{}.{tenth} {name}", thousands(number / unit)),
    }
}

/// Secrets and gaps, where the headline is about people.
fn secrets_and_gaps(report: &Report, language: Language) -> Option<String> {
    let summary = report.data_summary();
    let opening =
        report.data.iter().filter(|record| record.secret.as_ref().is_some_and(|s| s.opens.is_some())).count();
    let mut parts = Vec::new();
    if summary.secrets > 0 {
        let secrets =
            language.amount(summary.secrets as u64, "secret lies around", "secrets lie around", "个密钥散落");
        parts.push(match opening {
            0 => secrets,
            1 => language.pick(
                format!("{secrets}, 1 of which opens a store"),
                format!("{secrets}，其中 1 个可打开存储"),
            ),
            _ => language.pick(
                format!("{secrets}, {opening} of which open a store"),
                format!("{secrets}，其中 {opening} 个可打开存储"),
            ),
        });
    }
    if summary.not_read > 0 {
        parts.push(language.amount(
            summary.not_read as u64,
            "part was not read",
            "parts were not read",
            "处未读",
        ));
    }
    let told = parts.join(language.pick("; ", "；"));
    (!told.is_empty()).then(|| language.pick(format!("{told}."), format!("{told}。")))
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
    sentences.extend(secrets_and_gaps(report, language));
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
        report.data.clear();
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
             1 more is open but accepted, 3 are protected, 3 gave no clear answer, 2 did not answer. \
             5 secrets lie around, 2 of which open a store; 8 parts were not read.";
        assert_eq!(lede(&sample::report(), Language::En), expected);
        let expected = "有 1 处存在疑似勒索留言：可能已有人来过。敞开最久的已有 431 天。\
             1 个敞开但已接受，3 个有防护，3 个无法判定，2 个无应答。5 个密钥散落，其中 2 个可打开存储；8 处未读。";
        assert_eq!(lede(&sample::report(), Language::ZhCn), expected);
    }

    fn of_stores(change: impl FnOnce(&mut Vec<model::DataRecord>)) -> String {
        let mut report = sample::report();
        report.records.clear();
        change(&mut report.data);
        headline(&report, Language::En)
    }

    #[test]
    fn people_make_the_headline_of_stores() {
        use model::DataType;
        assert_eq!(
            of_stores(|_| ()),
            "About 200,000 people's data lie in 3 stores, in clear in all of them."
        );
        assert_eq!(
            of_stores(|data| data.retain(|record| record.data_type != DataType::Estate)),
            "Personal data lie in 3 stores, in clear in all of them; how many people they are about was not counted."
        );
        assert_eq!(
            of_stores(|data| data.retain(|record| record.asset.starts_with("postgres"))),
            "About 200,000 people's data lie in 1 store, in clear."
        );
        assert_eq!(
            of_stores(|data| data.retain(|record| record.data_type == DataType::Secret)),
            "5 secrets lie around in 3 stores."
        );
        assert_eq!(
            of_stores(|data| data.retain(|record| record.asset.starts_with("redis"))),
            "No personal data and no secret was found in what was looked at in 1 store."
        );
        assert_eq!(
            of_stores(|data| data.retain(|record| record.asset.starts_with("elastic"))),
            "No personal data and no secret was found in 1 store, but not everything was read."
        );
    }

    #[test]
    fn numbers_are_said_as_somebody_would_say_them() {
        let said = |lower, upper| {
            let range = Range { lower, upper };
            (about(range, Language::En), about(range, Language::ZhCn))
        };
        let expect = |english: &str, chinese: &str| (english.to_owned(), chinese.to_owned());
        assert_eq!(said(198_412, 203_977), expect("About 200,000 people's", "约 20 万人"));
        assert_eq!(said(958_000_000, 964_000_000), expect("About 960,000,000 people's", "约 9.6 亿人"));
        assert_eq!(said(95, 99), expect("About 97 people's", "约 97 人"));
        assert_eq!(said(1, 1), expect("1 person's", "1 人"));
        assert_eq!(said(100, 400), expect("Between 100 and 400 people's", "100 至 400 人"));
        assert_eq!(said(0, u64::MAX).0, "Between 0 and 18,446,744,073,709,551,615 people's");
        assert_eq!(rounded(u64::MAX), 18_000_000_000_000_000_000);
    }
}
