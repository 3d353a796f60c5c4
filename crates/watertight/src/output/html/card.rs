//! One card per endpoint with something to do, and rows for the rest.

use model::{Exchange, Record, RecordType, Severity};

use super::super::text::{bytes, day, minute};
use super::super::view;
use super::super::words::Language;
use super::markup::Markup;
use crate::report::Report;

/// What page and card are made for.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) report: &'a Report,
    pub(super) language: Language,
}

/// The class that gives a severity its colour.
pub(super) fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Info => "info",
    }
}

/// Findings on the same endpoint, seen from the same place, belong together. They keep the order of the worst.
pub(super) fn by_endpoint<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<Vec<&'a Record>> {
    let mut endpoints: Vec<Vec<&Record>> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for record in records {
        let key = (&record.asset.address, record.vantage, &record.service);
        let place = *places.entry(key).or_insert(endpoints.len());
        match endpoints.get_mut(place) {
            Some(endpoint) => endpoint.push(record),
            None => endpoints.push(vec![record]),
        }
    }
    endpoints
}

impl Context<'_> {
    /// The card of an endpoint; its records come worst first.
    pub(super) fn card(self, page: &mut Markup, records: &[&Record]) {
        let Some(worst) = records.first() else { return };
        let accepted = records.iter().all(|record| record.accepted.is_some());
        page.el("article", if accepted { "card quiet" } else { "card" }, |page| {
            page.el("header", "", |page| {
                page.el("div", "", |page| self.name(page, worst));
                self.chip(page, worst);
            });
            let exposure = records.iter().find(|record| record.kind == RecordType::Exposure).unwrap_or(worst);
            page.el("div", "body", |page| {
                page.el("div", "findings", |page| {
                    for record in records {
                        self.finding(page, record);
                    }
                });
                page.el("dl", "facts", |page| self.facts(page, exposure));
                self.evidence(page, exposure);
            });
        });
    }

    fn name(self, page: &mut Markup, record: &Record) {
        let unnamed = self.language.pick("Unidentified service", "未识别的服务");
        page.el("h3", "", |page| {
            page.text(view::product(record).as_deref().unwrap_or(unnamed));
            if let Some(version) = &record.version {
                page.raw(" ");
                page.say("span", "version", version);
            }
        });
        page.el("p", "where", |page| self.place(page, record));
    }

    fn place(self, page: &mut Markup, record: &Record) {
        page.say("code", "", record.asset.short());
        if let Some(name) = &record.asset.name {
            page.say("span", "", name);
        }
    }

    fn chip(self, page: &mut Markup, record: &Record) {
        page.el("p", "chips", |page| {
            page.say("span", chip_class(record.severity), self.language.severity(record.severity));
            if record.accepted.is_some() {
                page.say("span", "chip plain", self.language.pick("Accepted", "已接受"));
            }
        });
    }

    fn finding(self, page: &mut Markup, record: &Record) {
        let language = self.language;
        let (name, meaning) = match record.kind {
            RecordType::Exposure => (language.verdict(record.verdict), language.meaning(record.verdict)),
            kind => (language.kind(kind), language.kind_meaning(kind)),
        };
        let class = format!("finding {}", class(record.severity));
        page.with("section", &[("class", &class), ("id", &record.id)], |page| {
            page.el("h4", "", |page| {
                page.say("span", "", name);
                page.say("code", "", &view::label(record));
            });
            // The reasons of other types are written by this program and say the same in English.
            if record.kind != RecordType::Exposure && language == Language::En {
                page.say("p", "", &sentence(&record.reason, language));
            } else {
                page.say("p", "", &sentence(meaning, language));
                page.with("p", &[("class", "reason"), ("lang", "en")], |page| page.text(&record.reason));
            }
            doors(page, record);
            page.el("p", "advice", |page| {
                page.say("b", "", language.pick("What to do", "建议"));
                page.text(language.advice(record));
            });
            if let Some(accepted) = view::accepted(record, language) {
                page.say("p", "note", &sentence(&accepted, language));
            }
        });
    }

    fn facts(self, page: &mut Markup, record: &Record) {
        let language = self.language;
        fact(page, language.pick("Reachable from", "可达范围"), Some(language.reach(record.reach)));
        let counts = language.counts(&record.counts);
        fact(page, language.pick("Behind it", "内含"), Some(&counts));
        let since = view::since(record, self.report, language).map(|since| match record.reopened {
            true => language.pick(format!("{since}, reopened"), format!("{since}，曾关闭，现又敞开")),
            false => since,
        });
        fact(page, language.pick("History", "历史"), since.as_deref());
        let from = view::vantage(record).map(|vantage| language.vantage(vantage));
        fact(page, language.pick("Seen from", "观察点"), from);
        fact(page, language.pick("Process", "进程"), view::process(record).as_deref());
        fact(page, language.pick("Bound to", "绑定地址"), view::bind(record).as_deref());
        self.certificate(page, record);
        let support = record.patch.as_ref().map(|patch| {
            let (cycle, eol) = (&patch.cycle, patch.eol);
            match patch.ended {
                true => {
                    language.pick(format!("for {cycle} ended on {eol}"), format!("{cycle} 已于 {eol} 终止"))
                }
                false => language.pick(format!("for {cycle} until {eol}"), format!("{cycle} 持续至 {eol}")),
            }
        });
        fact(page, language.pick("Security fixes", "安全更新"), support.as_deref());
        fact(page, language.pick("Proof", "验证程度"), view::proof(record, language));
    }

    fn certificate(self, page: &mut Markup, record: &Record) {
        let language = self.language;
        let Some(tls) = &record.tls else { return };
        fact(page, "TLS", Some(&tls.protocol));
        let until = tls.not_after.map_or_else(String::new, |end| {
            let end = day(end);
            language.pick(format!(", until {end}"), format!("，有效期至 {end}"))
        });
        fact(page, language.pick("Certificate", "证书"), Some(&format!("{}{until}", tls.subject)));
    }

    /// What was sent and what came back, folded away.
    pub(super) fn evidence(self, page: &mut Markup, record: &Record) {
        let language = self.language;
        page.el("details", "", |page| {
            let number = record.evidence.len();
            let title = language.pick("Evidence", "证据");
            page.say("summary", "", &format!("{title} ({number})"));
            page.el("p", "id", |page| {
                if let Some(seen) = record.last_seen.map(minute) {
                    page.text(&language.pick(format!("Last seen {seen}. "), format!("最近见于 {seen}。")));
                }
                page.text(language.pick("Record ", "记录 "));
                page.say("code", "", &record.id);
            });
            page.with("ol", &[("class", "evidence"), ("lang", "en")], |page| {
                for exchange in &record.evidence {
                    page.el("li", "", |page| exchanged(page, exchange));
                }
            });
        });
    }

    /// One row of the tables of what is undecided or shut.
    pub(super) fn line(self, page: &mut Markup, record: &Record) {
        let language = self.language;
        let title =
            view::title(record).unwrap_or_else(|| language.pick("not identified", "未识别").to_owned());
        page.with("tr", &[("id", &record.id)], |page| {
            page.el("td", "", |page| {
                page.say("b", "", language.verdict(record.verdict));
                page.say("code", "", &record.verdict.to_string());
            });
            page.el("td", "", |page| {
                page.say("b", "", &title);
                page.el("span", "where", |page| {
                    self.place(page, record);
                    if let Some(process) = view::process(record) {
                        page.say("span", "", &process);
                    }
                });
            });
            page.with("td", &[("data-label", language.pick("Reachable from", "可达范围"))], |page| {
                page.say("span", "", language.reach(record.reach));
                if record.severity > Severity::Info {
                    page.say("span", chip_class(record.severity), language.severity(record.severity));
                }
            });
            page.el("td", "", |page| {
                if record.closed_on.is_some() {
                    page.say("b", "", &view::since(record, self.report, language).unwrap_or_default());
                }
                page.with("span", &[("class", "reason"), ("lang", "en")], |page| page.text(&record.reason));
                if let Some(accepted) = view::accepted(record, language) {
                    page.say("p", "note", &sentence(&accepted, language));
                } else if record.severity > Severity::Info {
                    page.say("p", "", language.advice(record));
                }
                self.evidence(page, record);
            });
        });
    }
}

/// The classes of a chip that tells a severity.
pub(super) fn chip_class(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "chip critical",
        Severity::High => "chip high",
        Severity::Medium => "chip medium",
        Severity::Low => "chip low",
        Severity::Info => "chip info",
    }
}

fn fact(page: &mut Markup, name: &'static str, value: Option<&str>) {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return };
    page.el("div", "", |page| {
        page.say("dt", "", name);
        page.say("dd", "", value);
    });
}

/// Each way in, where there are several.
fn doors(page: &mut Markup, record: &Record) {
    if record.surfaces.is_empty() {
        return;
    }
    page.with("ul", &[("class", "doors"), ("lang", "en")], |page| {
        for door in &record.surfaces {
            page.el("li", "", |page| {
                page.say("b", "", &door.name);
                page.say("code", "", &door.verdict.to_string());
                page.say("span", "reason", &door.reason);
            });
        }
    });
}

fn exchanged(page: &mut Markup, exchange: &Exchange) {
    page.say("pre", "sent", &exchange.sent);
    page.say("pre", "received", &exchange.received);
    let size = bytes(exchange.bytes);
    let (transport, at) = (&exchange.transport, minute(exchange.at));
    page.say("p", "", &format!("{transport}, {at}, {size}, SHA-256 {}", exchange.sha256));
}

/// A clause as a sentence.
pub(super) fn sentence(clause: &str, language: Language) -> String {
    let mut chars = clause.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}{}", chars.as_str(), language.pick(".", "。"))
}
