//! What is in the stores: all together, then a section per store with its numbers, its columns, its secrets and what was
//! not read of it.

use model::{Confidence, DataRecord, NotRead, Severity};

use super::super::data::{self, Store};
use super::super::text::{day, thousands};
use super::super::view;
use super::super::words::Language;
use super::card::{Context, chip_class, sentence};
use super::markup::Markup;

/// How many regions are told of a store.
const REGIONS: usize = 5;

impl Context<'_> {
    /// The part of the page about stores, where any was read.
    pub(super) fn stores(self, page: &mut Markup) {
        let stores = data::stores(self.report);
        if stores.is_empty() {
            return;
        }
        page.el("section", "", |page| {
            page.say("h2", "", self.language.pick("What is in it, about whom", "存有谁的什么信息"));
            if let Some(estate) = data::estate(self.report) {
                self.estate(page, estate);
            }
            for store in &stores {
                self.store(page, store);
            }
        });
    }

    fn estate(self, page: &mut Markup, estate: &DataRecord) {
        let language = self.language;
        let summary = self.report.data_summary();
        page.with("article", &[("class", "card store"), ("id", &estate.id)], |page| {
            page.el("header", "", |page| {
                page.say("h3", "", language.pick("All stores together", "全部存储合计"));
            });
            page.el("ul", "numbers", |page| {
                self.counted(page, estate);
                number(page, summary.columns, language.pick("columns", "列"));
                number(page, summary.secrets, language.pick("secrets", "密钥"));
                number(page, summary.not_read, language.pick("parts not read", "处未读"));
            });
            self.who(page, estate);
            reason(page, estate);
        });
    }

    fn store(self, page: &mut Markup, store: &Store<'_>) {
        let language = self.language;
        let found = || store.columns.iter().chain(&store.secrets);
        let worst = found().max_by_key(|record| record.severity);
        let id = store.whole.map_or("", |whole| &whole.id);
        page.with("article", &[("class", "card store"), ("id", id)], |page| {
            page.el("header", "", |page| {
                page.el("h3", "", |page| page.say("code", "", store.asset));
                if let Some(worst) = worst {
                    page.el("p", "chips", |page| self.chip_of(page, worst.severity));
                }
            });
            page.el("ul", "numbers", |page| {
                if let Some(whole) = store.whole {
                    self.counted(page, whole);
                }
                number(page, store.columns.len(), language.pick("columns", "列"));
                number(page, store.secrets.len(), language.pick("secrets", "密钥"));
                number(page, store.undecided(), language.pick("parts not read", "处未读"));
            });
            if let Some(whole) = store.whole {
                self.who(page, whole);
            }
            if store.is_empty() {
                let told = data::nothing_found(store, language);
                let reason = store.whole.is_some_and(|whole| !whole.reason.is_empty());
                let spoken = if reason { "en" } else { "" };
                page.with("p", &[("class", "reason"), ("lang", spoken)], |page| page.text(&told));
                if let Some(sampled) = store.whole.and_then(|whole| whole.sampled.as_ref()) {
                    page.say("p", "reason", &sentence(&language.sampled(sampled), language));
                }
            }
            for block in store.blocks() {
                match block.first() {
                    Some(first) if first.secret.is_some() => self.secrets(page, store, block),
                    Some(_) => self.columns(page, store, block),
                    None => {}
                }
            }
            self.gaps(page, &store.not_read);
        });
    }

    fn chip_of(self, page: &mut Markup, severity: Severity) {
        page.say("span", chip_class(severity), self.language.severity(severity));
    }

    /// Records and people of a whole. People that nobody counted are a question mark and never a zero.
    fn counted(self, page: &mut Markup, whole: &DataRecord) {
        let language = self.language;
        if let Some(records) = whole.records {
            figure(page, &thousands(records), language.pick("records", "条记录"));
        }
        match &whole.people {
            Some(people) => {
                figure(page, &language.range(data::bounds(people)), language.pick("people", "人"))
            }
            None => figure(page, "?", language.pick("people, not counted", "人，未统计")),
        }
    }

    /// By what people were counted, and what is known about them; or why they were not.
    fn who(self, page: &mut Markup, whole: &DataRecord) {
        let language = self.language;
        let Some(people) = &whole.people else {
            if whole.is_undecided() {
                let told = data::people(whole, language);
                page.say("p", "reason", &sentence(&told, language));
            }
            return;
        };
        let regions = data::regions(people, REGIONS, language);
        let told: Vec<String> = data::counted_by(people, self.report, language)
            .into_iter()
            .chain(data::minors(people, language))
            .chain((!regions.is_empty()).then(|| regions.join(language.pick(", ", "，"))))
            .map(|clause| sentence(&clause, language))
            .collect();
        page.say("p", "reason", &told.join(language.pick(" ", "")));
    }

    fn columns(self, page: &mut Markup, store: &Store<'_>, records: &[&DataRecord]) {
        let language = self.language;
        let heads = [
            language.pick("What", "内容"),
            language.pick("Where", "位置"),
            language.pick("Form", "形式"),
            language.pick("Records", "记录"),
            language.pick("People", "人数"),
        ];
        page.el("table", "columns", |page| {
            page.el("thead", "", |page| {
                page.el("tr", "", |page| heads.iter().for_each(|head| page.say("th", "", head)));
            });
            page.el("tbody", "", |page| {
                for record in records {
                    self.column(page, store, record, heads);
                }
            });
        });
        self.advice(page, records);
    }

    fn column(self, page: &mut Markup, store: &Store<'_>, record: &DataRecord, heads: [&'static str; 5]) {
        let language = self.language;
        let [_, _, form, records, people] = heads;
        page.with("tr", &[("id", &record.id)], |page| {
            page.el("td", "", |page| {
                page.say("b", "", &data::title(record));
                self.chip_of(page, record.severity);
            });
            page.el("td", "", |page| {
                page.say("code", "", &data::place(record));
                self.asides(page, store, record);
            });
            page.with("td", &[("data-label", form)], |page| {
                page.say("span", "", record.form.map_or("-", |form| language.form(form)));
                if let Some(confidence) =
                    record.confidence.filter(|confidence| *confidence != Confidence::High)
                {
                    page.say("span", "aside", language.confidence(confidence));
                }
            });
            let cells = [
                (records, record.records.map(thousands)),
                (people, record.people.as_ref().map(|people| language.range(data::bounds(people)))),
            ];
            for (label, value) in cells {
                let class = if value.is_some() { "figure" } else { "figure none" };
                page.with("td", &[("class", class), ("data-label", label)], |page| {
                    page.text(value.as_deref().unwrap_or("-"));
                });
            }
        });
    }

    /// Why, from which rows, since when, and who accepted it.
    fn asides(self, page: &mut Markup, store: &Store<'_>, record: &DataRecord) {
        let language = self.language;
        reason(page, record);
        let mut told: Vec<String> = record.sampled.iter().map(|sampled| language.sampled(sampled)).collect();
        if store.is_new(record, self.report) {
            told.push(language.pick("not there in an earlier run", "此前的运行中没有").to_owned());
        } else if let Some(since) = record.known_since.filter(|since| *since < self.report.started).map(day) {
            told.push(language.pick(format!("known since {since}"), format!("自 {since} 起已知")));
        }
        if !told.is_empty() {
            page.say("span", "aside", &sentence(&told.join(language.pick("; ", "；")), language));
        }
        if let Some(accepted) = view::acceptance(record.accepted.as_ref(), language) {
            page.say("p", "note", &sentence(&accepted, language));
        }
    }

    fn secrets(self, page: &mut Markup, store: &Store<'_>, records: &[&DataRecord]) {
        page.say("h4", "", self.language.pick("Secrets", "密钥"));
        page.el("ul", "secrets", |page| {
            for record in records {
                page.with("li", &[("id", &record.id)], |page| self.secret(page, store, record));
            }
        });
        self.advice(page, records);
    }

    fn secret(self, page: &mut Markup, store: &Store<'_>, record: &DataRecord) {
        let language = self.language;
        page.el("p", "", |page| {
            page.say("b", "", &data::title(record));
            self.chip_of(page, record.severity);
            if let Some(secret) = &record.secret {
                page.say("code", "", &secret.redacted);
            }
        });
        page.el("p", "where", |page| page.say("code", "", &data::place(record)));
        let mut facts = Vec::new();
        if let Some(secret) = &record.secret {
            facts.extend(data::use_of(secret, language));
            facts.extend(data::history(secret, language));
        }
        if !facts.is_empty() {
            page.say("p", "", &sentence(&facts.join(language.pick("; ", "；")), language));
        }
        self.asides(page, store, record);
    }

    /// What to do about the worst of a block, unless somebody accepted it.
    fn advice(self, page: &mut Markup, records: &[&DataRecord]) {
        let open = |record: &&&DataRecord| record.accepted.is_none() && record.severity > Severity::Info;
        if let Some(worst) = records.iter().find(open) {
            page.el("p", "advice", |page| {
                page.say("b", "", self.language.pick("What to do", "建议"));
                page.text(self.language.data_advice(worst));
            });
        }
    }

    /// What was not read, folded away.
    fn gaps(self, page: &mut Markup, not_read: &[&NotRead]) {
        let language = self.language;
        let left_out = not_read.iter().filter(|part| part.by_design).count();
        let asked = not_read.len() - left_out;
        let mut told = Vec::new();
        if asked > 0 {
            told.push(language.pick(format!("Not read ({asked})"), format!("未读（{asked}）")));
        }
        if left_out > 0 {
            told.push(
                language.pick(format!("Left out by design ({left_out})"), format!("有意略过（{left_out}）")),
            );
        }
        if told.is_empty() {
            return;
        }
        page.el("details", "", |page| {
            page.say("summary", "", &told.join(language.pick(", ", "，")));
            page.with("ul", &[("class", "ledger"), ("lang", "en")], |page| {
                for part in not_read {
                    page.el("li", if part.by_design { "designed" } else { "" }, |page| {
                        if !part.location.is_empty() {
                            page.say("code", "", &part.location);
                        }
                        page.say("span", "reason", &part.why);
                    });
                }
            });
        });
    }
}

/// The reason, in the words of the reader or detector.
fn reason(page: &mut Markup, record: &DataRecord) {
    if !record.reason.is_empty() {
        let told = sentence(&record.reason, Language::En);
        page.with("span", &[("class", "aside"), ("lang", "en")], |page| page.text(&told));
    }
}

fn number(page: &mut Markup, number: usize, name: &'static str) {
    figure(page, &thousands(number as u64), name);
}

/// A number, large, with what it counts.
fn figure(page: &mut Markup, value: &str, name: &'static str) {
    page.el("li", if value == "0" { "none" } else { "" }, |page| {
        page.say("strong", "", value);
        page.say("span", "", name);
    });
}
