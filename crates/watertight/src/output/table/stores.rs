//! The part of the table that tells what is in the stores: per store its numbers, one line per column, then secrets and
//! what was not read; at the end all stores together.

use model::{Confidence, DataRecord, Form, NotRead, Severity};

use super::super::data::{self, Store};
use super::super::text::{cut, cut_middle, phrases, printable, width};
use super::super::view;
use super::{Cell, INDENT, Paint, Table};

/// Columns are padded to their widest cell that is no wider than this: severity, what, where, form.
const WIDEST: [usize; 4] = [8, 20, 44, 14];
/// A kind in more words than this is cut.
const TITLE: usize = 34;
/// How many parts that were not read are told of each store.
const GAPS: usize = 3;
/// How many regions are told.
const REGIONS: usize = 3;

impl Table<'_> {
    /// What is in the stores, about whom.
    pub(super) fn stores(&mut self) {
        let stores = data::stores(self.report);
        if stores.is_empty() {
            return;
        }
        let title = self.language.pick("Personal data and secrets", "个人信息与密钥");
        self.full(title, Paint::Bold);
        self.out.push('\n');
        for store in &stores {
            self.store(store);
            self.out.push('\n');
        }
        if let Some(estate) = data::estate(self.report) {
            let title = self.language.pick("All stores", "全部存储").to_owned();
            self.whole(title, estate);
            if !self.verbose {
                // Which stores that is: some may have been counted on an earlier day.
                self.indented(&printable(&estate.reason), Paint::Dim, 3);
            }
            self.out.push('\n');
        }
    }

    fn store(&mut self, store: &Store<'_>) {
        let name = printable(store.asset);
        let name = cut_middle(&name, self.width).into_owned();
        match store.whole {
            Some(whole) if !(store.is_empty() && whole.people.is_none()) => self.whole(name, whole),
            whole => {
                self.full(&name, Paint::Bold);
                let records =
                    whole.and_then(|whole| whole.records).map(|records| self.language.records(records));
                self.facts_below(&records.into_iter().collect::<Vec<_>>());
            }
        }
        for block in store.blocks() {
            self.found(store, block);
        }
        if store.is_empty() {
            self.indented(&data::nothing_found(store, self.language), Paint::Plain, usize::MAX);
            let sampled = store.whole.and_then(|whole| whole.sampled.as_ref());
            self.facts_below(
                &sampled.map(|sampled| self.language.sampled(sampled)).into_iter().collect::<Vec<_>>(),
            );
        }
        self.gaps(store);
    }

    /// A whole and its three numbers: records, people with bounds, how these were counted.
    fn whole(&mut self, name: String, whole: &DataRecord) {
        let language = self.language;
        self.full(&name, Paint::Bold);
        let mut numbers: Vec<String> =
            whole.records.map(|records| language.records(records)).into_iter().collect();
        numbers.push(data::people(whole, language));
        if let Some(people) = &whole.people {
            numbers.extend(data::counted_by(people, self.report, language));
            numbers.extend(data::minors(people, language));
            let most = if self.verbose { usize::MAX } else { REGIONS };
            numbers.extend(data::regions(people, most, language));
        }
        for line in phrases(&numbers, language.pick("; ", "；"), self.width - INDENT, 2) {
            self.line(&line, Paint::Plain);
        }
        if self.verbose {
            self.indented(&printable(&whole.reason), Paint::Dim, usize::MAX);
            self.indented(&format!("id {}", whole.id), Paint::Dim, usize::MAX);
        }
    }

    /// Columns or secrets, in rows that stand below each other.
    fn found(&mut self, store: &Store<'_>, records: &[&DataRecord]) {
        let rows: Vec<[String; 4]> = records.iter().map(|record| self.cells(record)).collect();
        let mut pads = [INDENT - 2, 0, 0, 0];
        for row in &rows {
            for ((pad, cell), widest) in pads.iter_mut().zip(row).zip(WIDEST) {
                *pad = Some(width(cell)).filter(|wide| *wide <= widest).unwrap_or(0).max(*pad);
            }
        }
        for (record, row) in records.iter().zip(rows) {
            let paint = Paint::By(record.severity);
            let cells = row
                .into_iter()
                .zip(pads)
                .zip([paint, Paint::Bold, Paint::Plain, Paint::Plain])
                .map(|((text, pad), paint)| Cell { text, paint, pad })
                .collect();
            let room = self.row(cells);
            // The numbers stand on the first line where they fit, else among the facts.
            let mut numbers = self.numbers(record);
            if let Some(text) = numbers.take_if(|text| width(text) + 2 <= room) {
                self.spaces(2);
                self.paint(&text, Paint::Plain);
            }
            self.out.push('\n');
            self.below(store, record, numbers);
        }
    }

    fn cells(&self, record: &DataRecord) -> [String; 4] {
        let language = self.language;
        let form = match (&record.secret, record.form) {
            (Some(secret), _) => cut(&printable(&secret.redacted), TITLE).into_owned(),
            (None, Some(form)) => language.form(form).to_owned(),
            (None, None) => "-".to_owned(),
        };
        let title = cut(&data::title(record), TITLE).into_owned();
        let [_, beside, _, after] = WIDEST;
        // The place keeps both ends, and takes what room the usual cells beside it leave.
        let room = self.width - INDENT - beside - 2 - after - 2;
        let place = cut_middle(&data::place(record), room).into_owned();
        [language.severity(record.severity).to_uppercase(), title, place, form]
    }

    /// Records and people of a column. Of a secret there is nothing to count.
    fn numbers(&self, record: &DataRecord) -> Option<String> {
        let language = self.language;
        let records = record.records.map(|records| language.records(records));
        let people = record.people.as_ref().map(|people| language.people(data::bounds(people)));
        let told: Vec<String> = records.into_iter().chain(people).collect();
        (record.secret.is_none() && !told.is_empty()).then(|| told.join(language.pick(", ", "，")))
    }

    /// What a row does not hold: nothing for a column that is surely what it is called, unless `verbose`.
    fn below(&mut self, store: &Store<'_>, record: &DataRecord, numbers: Option<String>) {
        let language = self.language;
        let mut facts: Vec<String> = numbers.into_iter().collect();
        if let Some(secret) = &record.secret {
            facts.extend(data::use_of(secret, language));
            facts.extend(data::history(secret, language));
        }
        let sure = record.confidence.is_none_or(|confidence| confidence == Confidence::High);
        if let Some(confidence) = record.confidence.filter(|_| self.verbose || !sure) {
            facts.push(language.confidence(confidence).to_owned());
        }
        // A few rows from the beginning are no ground to stand on: said even where everything else is short.
        let weak = |sampled: &&model::Sampled| sampled.choice == model::Choice::FirstRows;
        facts.extend(
            record
                .sampled
                .as_ref()
                .filter(|sampled| self.verbose || weak(sampled))
                .map(|sampled| language.sampled(sampled)),
        );
        if store.is_new(record, self.report) {
            facts
                .push(language.pick("new: not there in an earlier run", "新增：此前的运行中没有").to_owned());
        }
        facts.extend(view::acceptance(record.accepted.as_ref(), language));
        self.facts_below(&facts);
        if self.verbose || matches!(record.form, Some(Form::HashedEnumerable | Form::Mixed)) {
            self.indented(
                &printable(&record.reason),
                Paint::Plain,
                if self.verbose { usize::MAX } else { 2 },
            );
        }
        if self.verbose {
            if let Some(since) = record.known_since.map(super::super::text::day) {
                self.indented(
                    &language.pick(format!("known since {since}"), format!("自 {since} 起已知")),
                    Paint::Dim,
                    1,
                );
            }
            self.indented(&format!("id {}", record.id), Paint::Dim, usize::MAX);
        }
    }

    fn facts_below(&mut self, facts: &[String]) {
        let most = if self.verbose { usize::MAX } else { 2 };
        for line in phrases(facts, self.language.pick("; ", "；"), self.width - INDENT, most) {
            self.line(&line, Paint::Dim);
        }
    }

    /// What was not read: the first few parts that were asked for, and how many more there are.
    fn gaps(&mut self, store: &Store<'_>) {
        let language = self.language;
        let (asked, left_out): (Vec<&NotRead>, Vec<&NotRead>) =
            store.not_read.iter().partition(|part| !part.by_design);
        // A line that says "and 1 more" could as well say which.
        let most = if self.verbose || asked.len() == GAPS + 1 { asked.len() } else { GAPS };
        for part in asked.iter().take(most) {
            let text = format!("{}{}", language.pick("not read: ", "未读："), data::gap(part));
            self.indented(&text, Paint::By(Severity::Medium), if self.verbose { usize::MAX } else { 2 });
        }
        let rest = asked.len().saturating_sub(most);
        if rest > 0 {
            let text = language.pick(format!("and {rest} more not read"), format!("另有 {rest} 处未读"));
            self.indented(&text, Paint::By(Severity::Medium), 1);
        }
        if self.verbose {
            for part in left_out {
                let text =
                    format!("{}{}", language.pick("left out by design: ", "有意略过："), data::gap(part));
                self.indented(&text, Paint::Dim, usize::MAX);
            }
        } else if !left_out.is_empty() {
            let amount = language.amount(left_out.len() as u64, "part", "parts", "处");
            let text = language.pick(
                format!("{amount} left out by design (-v tells which)"),
                format!("有意略过 {amount}（-v 可列出）"),
            );
            self.indented(&text, Paint::Dim, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Language, Style, sample};
    use super::super::render;

    fn table(verbose: bool, width: usize) -> String {
        let style = Style { color: false, width, language: Language::En, verbose };
        render(&sample::report(), &style)
    }

    #[test]
    fn a_store_has_its_three_numbers_and_each_column_its_line() {
        let text = table(false, 120);
        for expected in [
            "1,259,955 records; 198,412 to 203,977 people; counted by Resident ID number, Mobile number;",
            "HIGH      Resident ID number  public.persons.id_no      clear  1,204,332 records, 198,412 to 203,977 people",
            "guessable hash",
            "MD5 without a key: 96.1 % of the values",
            "from the first 500 rows, which say nothing about the rest",
            "people not counted: people.json ended in the middle",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }

    #[test]
    fn a_secret_is_told_with_what_it_opens_and_since_when() {
        let text = table(false, 120);
        for expected in [
            "CRITICAL  Database URL with a password  deploy/config.yml:12",
            "opens postgres://10.0.0.5:5432/residents;",
            "since commit 3f9a2c1 (2025-03-01);",
            "deleted since, still in the history",
            "it works; still there",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
        let (secret, column) = (text.find("LTAI").unwrap(), text.find("people.json#persons").unwrap());
        assert!(secret < column, "the secrets of that store are worse than its columns");
    }

    #[test]
    fn what_was_not_read_is_told_in_short_and_in_full_with_verbose() {
        let short = table(false, 120);
        assert!(short.contains("and 2 more not read") && short.contains("2 parts left out by design"));
        assert!(!short.contains("public.z_locked") && !short.contains("public.blobs.body"));
        let full = table(true, 120);
        assert!(full.contains("not read: public.z_locked: another session"));
        assert!(full.contains("left out by design: public.blobs.body: large objects are not read"));
        assert!(!full.contains("more not read"));
    }

    #[test]
    fn a_store_without_findings_is_never_called_clean() {
        let text = table(false, 120);
        assert!(text.contains("no personal data was found: below 1 in 1,000 values at 99 %"));
        assert!(text.contains("nothing could be read: this is not an all-clear"));
        assert!(!text.contains("is clean"));
    }

    #[test]
    fn a_run_over_stores_alone_counts_no_endpoints() {
        let mut report = sample::report();
        (report.records, report.looked_at) = (Vec::new(), 0);
        let text = render(&report, &sample::style());
        assert!(!text.contains("endpoint") && text.contains("17 columns with personal data, 5 secrets"));
    }
}
