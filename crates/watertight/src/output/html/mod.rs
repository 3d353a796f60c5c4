//! The HTML page: self-contained, without script, for a screen, a phone or paper.
//!
//! The page opens no connection: its content security policy allows inline styles and nothing else. It begins with
//! one sentence for whoever reads no further, then a picture, then what there is to do, then everything else.

mod card;
mod headline;
mod markup;
mod picture;
mod stores;

use model::{Form, Record, Verdict};

use self::card::Context;
use self::markup::Markup;
use super::data_words::FORMS;
use super::text::minute;
use super::view::{self, Group};
use super::words::Language;
use crate::report::Report;

/// The looks of the page.
const STYLE: &str = include_str!("style.css");

const HEAD: &str = r#"<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='%23176b8f' d='M8 1c3 4 5 6.300 5 9A5 5 0 0 1 3 10c0-2.700 2-5 5-9z'/%3E%3C/svg%3E">
"#;

const MARK: &str = r#"<svg class="mark" viewBox="0 0 16 16" width="18" height="18" aria-hidden="true"><path d="M8 1c3 4 5 6.300 5 9A5 5 0 0 1 3 10c0-2.700 2-5 5-9z"/></svg>"#;

/// Renders the whole page.
pub(super) fn render(report: &Report, language: Language) -> String {
    let context = Context { report, language };
    let headline = headline::headline(report, language);
    let mut page = Markup::default();
    page.raw("<!DOCTYPE html>\n");
    page.with("html", &[("lang", language.pick("en", "zh-CN"))], |page| {
        page.el("head", "", |page| {
            page.raw(HEAD);
            page.say("title", "", &format!("{headline} - watertight"));
            page.el("style", "", |page| page.raw(STYLE));
        });
        page.el("body", "", |page| {
            picture::patterns(page);
            page.el("header", "top", |page| context.top(page, &headline));
            page.el("main", "", |page| context.parts(page));
            page.el("footer", "", |page| context.foot(page));
        });
    });
    page.finish()
}

impl Context<'_> {
    fn top(self, page: &mut Markup, headline: &str) {
        let (report, language) = (self.report, self.language);
        page.el("p", "brand", |page| {
            page.raw(MARK);
            page.say("b", "", "watertight");
            page.say("span", "", language.pick("exposure report", "暴露面报告"));
            page.say("time", "", &minute(report.finished));
        });
        page.say("h1", "", headline);
        let lede = headline::lede(report, language);
        if !lede.is_empty() {
            page.say("p", "lede", &lede);
        }
        if report.interrupted {
            let text = language.pick(
                "The run was cut short: what was not reached is not clean.",
                "运行被中断：未检查到的部分不等于安全。",
            );
            page.say("p", "notice", text);
        }
        if !report.records.is_empty() {
            page.el("div", "summary", |page| {
                picture::tiles(page, report, language);
                picture::bars(page, report, language);
            });
        }
        page.say("p", "run", &self.run());
    }

    /// What was looked at and how long that took.
    fn run(self) -> String {
        let (report, language) = (self.report, self.language);
        let looked_at = self.looked_at();
        let took = view::duration(report, language);
        let targets = match report.targets.as_slice() {
            [] => language.pick("this machine", "本机").to_owned(),
            targets => targets.join(language.pick(", ", "、")),
        };
        language.pick(
            format!("Looked at: {targets}. {looked_at} in {took}."),
            format!("检查范围：{targets}。共 {looked_at}，用时 {took}。"),
        )
    }

    /// So many endpoints and stores; what was not asked for at all is not a zero.
    fn looked_at(self) -> String {
        let (report, language) = (self.report, self.language);
        let stores = report.data_summary().stores as u64;
        let mut parts = Vec::new();
        if stores == 0 || report.looked_at > 0 || !report.records.is_empty() {
            parts.push(language.amount(report.looked_at, "endpoint", "endpoints", "个端点"));
        }
        if stores > 0 {
            parts.push(language.amount(stores, "store", "stores", "个存储"));
        }
        parts.join(language.pick(" and ", "、"))
    }

    fn parts(self, page: &mut Markup) {
        let language = self.language;
        let endpoints = card::by_endpoint(Group::Finding.records(self.report));
        if !endpoints.is_empty() {
            page.el("section", "", |page| {
                page.say("h2", "", language.pick("What to act on", "需要处理"));
                for records in &endpoints {
                    self.card(page, records);
                }
            });
        }
        self.stores(page);
        let titles = [
            (Group::Undecided, language.pick("Without a clear answer", "尚无结论")),
            (Group::Shut, language.pick("Strangers turned away", "拒绝陌生人")),
        ];
        for (group, title) in titles {
            let records: Vec<&Record> = group.records(self.report).collect();
            if !records.is_empty() {
                page.el("section", "", |page| self.rows(page, title, &records));
            }
        }
        let not_seen = language.pick("Not seen", "未能看到");
        let notes = language.pick("Notes", "注意");
        for (title, sentences) in [(not_seen, &self.report.not_seen), (notes, &self.report.notes)] {
            if !sentences.is_empty() {
                page.el("section", "", |page| {
                    page.say("h2", "", title);
                    page.with("ul", &[("class", "not-seen"), ("lang", "en")], |page| {
                        for sentence in sentences {
                            page.say("li", "", sentence);
                        }
                    });
                });
            }
        }
    }

    fn rows(self, page: &mut Markup, title: &'static str, records: &[&Record]) {
        let language = self.language;
        page.say("h2", "", title);
        if records.iter().any(|record| Group::of(record) == Group::Undecided) {
            let text = language.pick(
                "An answer is missing here, and that is not an all-clear.",
                "这里缺少结论，不等于安全。",
            );
            page.say("p", "intro", text);
        }
        page.el("table", "", |page| {
            page.el("thead", "", |page| {
                page.el("tr", "", |page| {
                    page.say("th", "", language.pick("Verdict", "结论"));
                    page.say("th", "", language.pick("Service", "服务"));
                    page.say("th", "", language.pick("Reachable from", "可达范围"));
                    page.say("th", "", language.pick("Why", "依据"));
                });
            });
            page.el("tbody", "", |page| {
                for record in records {
                    self.line(page, record);
                }
            });
        });
    }

    /// What the forms mean that occur.
    fn forms(self, page: &mut Markup) {
        let language = self.language;
        let has = |form: Form| self.report.data.iter().any(|record| record.form == Some(form));
        let seen: Vec<Form> = FORMS.into_iter().filter(|form| has(*form)).collect();
        if seen.is_empty() {
            return;
        }
        page.el("details", "", |page| {
            page.say("summary", "", language.pick("What the forms mean", "各形式的含义"));
            page.el("dl", "glossary", |page| {
                for form in seen {
                    page.el("dt", "", |page| {
                        page.say("span", "", language.form(form));
                        page.say("code", "", form.word());
                    });
                    page.say("dd", "", language.form_meaning(form));
                }
            });
        });
    }

    fn foot(self, page: &mut Markup) {
        let language = self.language;
        let seen: Vec<Verdict> = Verdict::ALL
            .into_iter()
            .filter(|verdict| self.report.records.iter().any(|record| record.verdict == *verdict))
            .collect();
        if !seen.is_empty() {
            page.el("details", "", |page| {
                page.say("summary", "", language.pick("What the verdicts mean", "各结论的含义"));
                page.el("dl", "glossary", |page| {
                    for verdict in seen {
                        page.el("dt", "", |page| {
                            page.say("span", "", language.verdict(verdict));
                            page.say("code", "", &verdict.to_string());
                        });
                        page.say("dd", "", language.meaning(verdict));
                    }
                });
            });
        }
        self.forms(page);
        let version = env!("CARGO_PKG_VERSION");
        page.say("p", "", &language.pick(
            format!("watertight {version}. A stranger is somebody who shows no secret. A missing answer is not an all-clear. Times are UTC. This page loads nothing and sends nothing."),
            format!("watertight {version}。“陌生人”指不出示任何凭据的人。没有结论不等于安全。时间均为 UTC。本页不加载也不发送任何内容。"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn page(language: Language) -> String {
        render(&sample::report(), language)
    }

    #[test]
    fn the_page_loads_and_runs_nothing() {
        let text = page(Language::En);
        assert!(text.contains("default-src 'none'; style-src 'unsafe-inline'; img-src data:"));
        for bad in ["<script", "src=", "url(http", "@import", "<iframe", "<a ", "onload", "onerror="] {
            assert!(!text.contains(bad), "{bad}");
        }
        assert_eq!(text.matches("href=").count(), text.matches("href=\"data:").count());
    }

    #[test]
    fn hostile_strings_are_text() {
        let text = page(Language::En);
        assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt; \\x1b[2J\\u{202e}\\x9b31m"));
        for bad in ["<script>alert", "<b>'", "<i>", "\u{1b}", "\u{202e}"] {
            assert!(!text.contains(bad), "{bad}");
        }
    }

    #[test]
    fn elements_are_balanced_and_ids_are_unique() {
        let text = page(Language::En);
        for tag in [
            "article", "section", "details", "table", "tr", "td", "dl", "ol", "li", "p", "div", "span", "svg",
        ] {
            let opened =
                text.matches(&format!("<{tag}>")).count() + text.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, text.matches(&format!("</{tag}>")).count(), "{tag}");
        }
        let report = sample::report();
        let ids =
            report.records.iter().map(|record| &record.id).chain(report.data.iter().map(|record| &record.id));
        for id in ids {
            assert_eq!(text.matches(&format!("id=\"{id}\"")).count(), 1);
        }
    }

    #[test]
    fn the_chinese_page_is_chinese() {
        let text = page(Language::ZhCn);
        assert!(text.contains("<html lang=\"zh-CN\">"));
        assert!(text.contains("陌生人能进入 13 个服务中的 6 个，其中 2 个从互联网即可到达。约 20 万人的数据存于 3 个存储中，均为明文。"));
        for english in [
            "What to do",
            "Reachable from",
            "Evidence",
            "Accepted",
            "open since",
            "Looked at",
            "known since",
            "Not read",
            " people<",
            "chosen at random",
        ] {
            assert!(!text.contains(english), "{english}");
        }
    }

    #[test]
    fn a_report_of_stores_alone_says_nothing_about_endpoints() {
        let mut report = sample::report();
        (report.records, report.looked_at) = (Vec::new(), 0);
        let text = render(&report, Language::En);
        assert!(
            text.contains(
                "<h1>About 200,000 people&#39;s data lie in 3 stores, in clear in all of them.</h1>"
            )
        );
        assert!(text.contains(". 5 stores in 2.1 s.") && !text.contains("endpoint"), "{text}");
    }

    #[test]
    fn an_empty_report_is_a_page_as_well() {
        let text = render(&sample::empty(), Language::En);
        assert!(text.contains("<h1>Nothing listens here.</h1>"));
        assert!(text.contains("Looked at: this machine. 0 endpoints in 2.1 s."));
    }
}
