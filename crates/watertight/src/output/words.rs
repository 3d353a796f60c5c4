//! The words of reports for people, in English and Simplified Chinese, side by side so that they stay together.
//!
//! Reasons and evidence are written by the probes in English and are not translated; what they mean is.

use model::{Counts, Reach, Record, RecordType, Severity, Vantage, Verdict};

use super::text::{bytes, printable, thousands};

/// The language of a report for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    /// English
    #[default]
    En,
    /// Simplified Chinese
    #[value(name = "zh-cn", aliases = ["zh-CN", "zh"])]
    ZhCn,
}

impl Language {
    /// The one of two texts that is in this language.
    pub(super) fn pick<T>(self, english: T, chinese: T) -> T {
        match self {
            Self::En => english,
            Self::ZhCn => chinese,
        }
    }

    /// A severity.
    pub(super) fn severity(self, severity: Severity) -> &'static str {
        match severity {
            Severity::Critical => self.pick("Critical", "严重"),
            Severity::High => self.pick("High", "高"),
            Severity::Medium => self.pick("Medium", "中"),
            Severity::Low => self.pick("Low", "低"),
            Severity::Info => self.pick("Info", "提示"),
        }
    }

    /// A verdict, as a short phrase.
    pub(super) fn verdict(self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Open => self.pick("Open", "敞开"),
            Verdict::PivotOpen => self.pick("Open through a proxy", "可经代理进入"),
            Verdict::Uninitialised => self.pick("Not set up yet", "尚未初始化"),
            Verdict::DefaultCredential => self.pick("Default credential works", "默认凭据有效"),
            Verdict::OpenPartial => self.pick("Partly open", "部分敞开"),
            Verdict::Unknown => self.pick("Undecided", "无法判定"),
            Verdict::NetworkRestricted => self.pick("Restricted by address", "限制来源地址"),
            Verdict::Protected => self.pick("Protected", "有防护"),
            Verdict::Unidentified => self.pick("Unidentified", "未识别"),
            Verdict::Unreachable => self.pick("No answer", "无应答"),
            Verdict::Closed => self.pick("Connection refused", "拒绝连接"),
        }
    }

    /// What a verdict means, in one clause.
    pub(super) fn meaning(self, verdict: Verdict) -> &'static str {
        let chinese = match verdict {
            Verdict::Open => "陌生人无需任何凭据即可读取数据或管理该服务",
            Verdict::PivotOpen => "仪表盘或代理会替陌生人读取其后的数据库",
            Verdict::Uninitialised => "谁先访问，谁就成为管理员",
            Verdict::DefaultCredential => "厂商文档中公开的默认凭据可以登录",
            Verdict::OpenPartial => "陌生人能获得访客账号或内部信息，但读不到数据",
            Verdict::Unknown => "有服务应答，但无法判定陌生人能否进入",
            Verdict::NetworkRestricted => "因来源地址而被拒绝",
            Verdict::Protected => "要求身份验证，或已明确拒绝访问",
            Verdict::Unidentified => "有程序在监听，但不是已知的服务",
            Verdict::Unreachable => "没有应答",
            Verdict::Closed => "主机拒绝了连接",
        };
        self.pick(verdict.meaning(), chinese)
    }

    /// What a finding that is not about who is let in says, as a short phrase.
    pub(super) fn kind(self, kind: RecordType) -> &'static str {
        match kind {
            RecordType::Exposure => self.pick("Who is let in", "谁能进入"),
            RecordType::Compromise => self.pick("Signs of a ransom note", "疑似勒索留言"),
            RecordType::Certificate => self.pick("Certificate expired", "证书已过期"),
            RecordType::Lifecycle => self.pick("No more security fixes", "已停止安全更新"),
        }
    }

    /// What a finding that is not about who is let in means, in one clause.
    pub(super) fn kind_meaning(self, kind: RecordType) -> &'static str {
        match kind {
            RecordType::Exposure => self.pick("who is let in without a secret", "无凭据者能否进入"),
            RecordType::Compromise => self.pick(
                "names in the store look like ransom notes",
                "其中的库名或索引名像勒索留言：已有人来过",
            ),
            RecordType::Certificate => self.pick("the TLS certificate has expired", "TLS 证书已过有效期"),
            RecordType::Lifecycle => {
                self.pick("this version no longer receives security fixes", "该版本不再获得安全更新")
            }
        }
    }

    /// From where something can be reached.
    pub(super) fn reach(self, reach: Reach) -> &'static str {
        match reach {
            Reach::Host => self.pick("this machine only", "仅本机"),
            Reach::Lan => self.pick("local network", "局域网"),
            Reach::Vpc => self.pick("cloud network", "云内网"),
            Reach::Internet => self.pick("internet", "互联网"),
            Reach::Unknown => self.pick("not known", "未知"),
        }
    }

    /// From where a verdict was obtained.
    pub(super) fn vantage(self, vantage: Vantage) -> &'static str {
        match vantage {
            Vantage::Loopback => self.pick("loopback", "本机回环地址"),
            Vantage::Interface => self.pick("this machine's own interface", "本机网卡地址"),
            Vantage::Remote => self.pick("another host", "另一台主机"),
        }
    }

    /// What to do about a record.
    pub(super) fn advice(self, record: &Record) -> &'static str {
        self.advice_on(record.kind, record.verdict, record.reach)
    }

    /// What to do about a record of this type, verdict and reach.
    pub(super) fn advice_on(self, kind: RecordType, verdict: Verdict, reach: Reach) -> &'static str {
        match kind {
            RecordType::Exposure => self.advice_on_verdict(verdict, reach),
            RecordType::Compromise => self.pick(
                "Treat it as an incident: keep the logs, close the door, then restore from a backup that was out of reach.",
                "按安全事件处置：保留日志，先关上门，再用未受波及的备份恢复。",
            ),
            RecordType::Certificate => self.pick(
                "Renew the certificate: who has learnt to ignore this error will also accept a forged one.",
                "更换证书：习惯忽略此错误的人，也会接受伪造的证书。",
            ),
            RecordType::Lifecycle => self.pick(
                "Move to a version that still receives security fixes.",
                "升级到仍提供安全更新的版本。",
            ),
        }
    }

    fn advice_on_verdict(self, verdict: Verdict, reach: Reach) -> &'static str {
        match verdict {
            Verdict::Open => self.pick(
                "Demand authentication, let only the service's own clients reach the port, and find out who read it meanwhile.",
                "启用身份验证，只让真正的客户端访问该端口，并查清敞开期间有谁读取过。",
            ),
            Verdict::PivotOpen => self.pick(
                "Put a login in front of it: the store behind is only as closed as what stands before it.",
                "为它加上登录：前门不设防，后面的数据库就等于敞开。",
            ),
            Verdict::Uninitialised => self.pick(
                "Finish the setup or stop the service now, before somebody else finishes it.",
                "立即完成初始化或停用该服务，以免他人抢先。",
            ),
            Verdict::DefaultCredential => self.pick(
                "Change the default credential, and find out who has logged in with it.",
                "更改默认凭据，并查清有谁用它登录过。",
            ),
            Verdict::OpenPartial => self.pick(
                "Take the guest account or these rights away: what strangers learn here helps their next step.",
                "取消访客账号或相应权限：陌生人在此得到的信息会方便其下一步。",
            ),
            Verdict::Unknown | Verdict::Unidentified => self.pick(
                "Look at it by hand: an answer is missing here, and that is not an all-clear.",
                "请人工核查：这里缺少结论，不等于安全。",
            ),
            Verdict::NetworkRestricted => self.pick(
                "Check that only addresses that need access are let in, and that a credential is demanded as well.",
                "确认只放行确有需要的地址，并且同样要求凭据。",
            ),
            Verdict::Protected if reach == Reach::Internet => {
                self.pick("Ask whether the internet needs to reach it at all.", "考虑它是否真的需要对互联网开放。")
            }
            Verdict::Protected => self.pick("Nothing to do.", "无需处理。"),
            Verdict::Unreachable | Verdict::Closed => self.pick(
                "If something should answer here, check the address and what filters on the way, and run again.",
                "若此处应有服务，请检查地址与沿途的过滤规则，然后重试。",
            ),
        }
    }

    /// Numbers had without reading a record: `2 databases, 1,200 documents`.
    pub(super) fn counts(self, counts: &Counts) -> String {
        let each: Vec<String> = counts.iter().map(|(what, number)| self.count(what, *number)).collect();
        each.join(self.pick(", ", "，"))
    }

    fn count(self, what: &str, number: u64) -> String {
        if what == "bytes" {
            return bytes(number);
        }
        let written = thousands(number);
        let chinese = match what {
            "containers" => "个容器",
            "databases" => "个数据库",
            "documents" => "个文档",
            "grants_to_any_account" => "项对任意账户的授权",
            "grants_to_everyone" => "项对所有人的授权",
            "images" => "个镜像",
            "indices" => "个索引",
            "items" => "个条目",
            "keys" => "个键",
            "policy_statements" => "条策略语句",
            "saved_objects" => "个已保存对象",
            "tables" => "张表",
            _ => "",
        };
        if self == Self::ZhCn && !chinese.is_empty() {
            return format!("{written} {chinese}");
        }
        let what = printable(what).replace('_', " ");
        if number == 1 { format!("1 {}", singular(&what)) } else { format!("{written} {what}") }
    }

    /// A span of time, in its largest unit: `5 days`.
    pub(super) fn span(self, seconds: i64) -> String {
        let seconds = u64::try_from(seconds).unwrap_or(0);
        let (number, one, many, chinese) = match seconds {
            0..60 => return self.pick("less than a minute", "不到 1 分钟").to_owned(),
            60..3600 => (seconds / 60, "minute", "minutes", "分钟"),
            3600..86_400 => (seconds / 3600, "hour", "hours", "小时"),
            _ => (seconds / 86_400, "day", "days", "天"),
        };
        let unit = self.pick(if number == 1 { one } else { many }, chinese);
        format!("{} {unit}", thousands(number))
    }
}

/// One of what a plural names; unknown words lose their last `s`.
fn singular(plural: &str) -> String {
    if let Some(stem) = plural.strip_suffix("indices") {
        return format!("{stem}index");
    }
    if let Some(stem) = plural.strip_suffix("indexes") {
        return format!("{stem}index");
    }
    if let Some(stem) = plural.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let ending = if plural.ends_with("sses") { "es" } else { "s" };
    plural.strip_suffix(ending).unwrap_or(plural).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(&str, u64)]) -> Counts {
        pairs.iter().map(|(what, number)| ((*what).to_owned(), *number)).collect()
    }

    #[test]
    fn one_of_a_thing_is_singular() {
        let one = counts(&[
            ("indices", 1),
            ("keys", 1),
            ("repositories", 1),
            ("processes", 1),
            ("user_databases", 1),
        ]);
        assert_eq!(Language::En.counts(&one), "1 index, 1 key, 1 process, 1 repository, 1 user database");
    }

    #[test]
    fn counts_are_named_in_the_language_where_the_word_is_known() {
        let some = counts(&[("bytes", 2048), ("documents", 12_000), ("widgets", 2)]);
        assert_eq!(Language::ZhCn.counts(&some), "2 KiB，12,000 个文档，2 widgets");
    }

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        assert_eq!(Language::En.span(-5), "less than a minute");
        assert_eq!(Language::En.span(3600), "1 hour");
        assert_eq!(Language::En.span(431 * 86_400), "431 days");
        assert_eq!(Language::ZhCn.span(5 * 86_400), "5 天");
    }

    #[test]
    fn every_verdict_has_words_of_its_own_in_both_languages() {
        for language in [Language::En, Language::ZhCn] {
            let mut words: Vec<&str> =
                Verdict::ALL.iter().map(|verdict| language.verdict(*verdict)).collect();
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), Verdict::ALL.len());
        }
    }
}
