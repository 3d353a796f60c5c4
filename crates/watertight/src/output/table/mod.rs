//! The table: what a person reads at a terminal, worst first, never wider than the terminal.
//!
//! A finding takes two or three lines, what is shut takes one. After who is let in comes what is in the stores. Colour
//! repeats what the words say and carries nothing of its own.

mod stores;

use model::{Reach, Record, RecordType, Severity};

use super::text::{cut, day, minute, phrases, printable, thousands, width, wrap};
use super::view::{self, Group};
use super::{Language, Style, data};
use crate::report::Report;

/// Narrower than this nothing can be laid out.
const NARROWEST: usize = 60;
/// What belongs to a record is indented by this.
const INDENT: usize = 10;
/// Columns are padded to their widest cell that is no wider than this; a wider cell shifts only its own line.
const WIDEST: [usize; 4] = [8, 13, 22, 21];
/// The reason beside a shut door is left out when fewer columns than this are left.
const WORTHWHILE: usize = 20;

/// Renders the whole table.
pub(super) fn render(report: &Report, style: &Style) -> String {
    let mut table = Table {
        report,
        language: style.language,
        verbose: style.verbose,
        color: style.color,
        width: style.width.max(NARROWEST),
        out: String::new(),
    };
    for group in Group::ALL {
        table.group(group);
    }
    table.stores();
    table.end();
    table.out
}

/// How a piece of text is coloured.
#[derive(Clone, Copy)]
enum Paint {
    Plain,
    Bold,
    Dim,
    By(Severity),
}

impl Paint {
    /// The parameters of the ANSI sequence; empty for plain text.
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Dim | Self::By(Severity::Info) => "2",
            Self::By(Severity::Critical) => "1;31",
            Self::By(Severity::High) => "31",
            Self::By(Severity::Medium) => "33",
            Self::By(Severity::Low) => "36",
        }
    }
}

/// One cell of a row.
struct Cell {
    text: String,
    paint: Paint,
    pad: usize,
}

struct Table<'a> {
    report: &'a Report,
    language: Language,
    verbose: bool,
    color: bool,
    width: usize,
    out: String,
}

impl Table<'_> {
    fn group(&mut self, group: Group) {
        let records: Vec<&Record> = group.records(self.report).collect();
        let rows: Vec<[String; 4]> = records.iter().map(|record| self.columns(record)).collect();
        if rows.is_empty() {
            return;
        }
        let mut pads = [INDENT - 2, 0, 0, 0];
        for row in &rows {
            for ((pad, cell), widest) in pads.iter_mut().zip(row).zip(WIDEST) {
                *pad = Some(width(cell)).filter(|wide| *wide <= widest).unwrap_or(0).max(*pad);
            }
        }
        for (record, row) in records.into_iter().zip(rows) {
            let room = self.head(record, row, pads);
            match group {
                Group::Finding => self.finding(record, room),
                Group::Undecided => self.undecided(record, room),
                Group::Shut => self.shut(record, room),
            }
            if self.verbose {
                self.details(record);
            }
        }
        self.out.push('\n');
    }

    fn columns(&self, record: &Record) -> [String; 4] {
        let severity = self.language.severity(record.severity).to_uppercase();
        let title = view::title(record).unwrap_or_else(|| "-".to_owned());
        [severity, view::label(record), title, view::address(record)]
    }

    /// Writes the first line of a record, without its end. Returns the columns that are left on it.
    fn head(&mut self, record: &Record, row: [String; 4], pads: [usize; 4]) -> usize {
        let paint = Paint::By(record.severity);
        let mut cells: Vec<Cell> = row
            .into_iter()
            .zip(pads)
            .zip([paint, paint, Paint::Bold, Paint::Plain])
            .map(|((text, pad), paint)| Cell { text, paint, pad })
            .collect();
        cells.push(Cell { text: self.reach(record.reach), paint: Paint::Plain, pad: 0 });
        self.row(cells)
    }

    fn reach(&self, reach: Reach) -> String {
        match (reach, self.language) {
            (Reach::Unknown, language) => language.pick("reach unknown", "范围未知").to_owned(),
            (_, Language::En) => reach.to_string(),
            (_, language) => language.reach(reach).to_owned(),
        }
    }

    /// Writes cells side by side; one that no longer fits starts a new, indented line. Returns the columns left.
    fn row(&mut self, cells: Vec<Cell>) -> usize {
        let (mut column, mut gap) = (0, 0);
        for cell in cells {
            let text = cut(&cell.text, self.width - INDENT);
            let taken = width(&text);
            if column > 0 && column + gap + taken > self.width {
                self.out.push('\n');
                self.spaces(INDENT);
                column = INDENT;
            } else {
                self.spaces(gap);
                column += gap;
            }
            self.paint(&text, cell.paint);
            column += taken;
            gap = cell.pad.saturating_sub(taken) + 2;
        }
        self.width - column
    }

    /// The process stands on the first line where it fits, else among the facts.
    fn finding(&mut self, record: &Record, room: usize) {
        let mut process = view::process(record);
        if let Some(text) = process.take_if(|text| width(text) + 2 <= room) {
            self.spaces(2);
            self.paint(&text, Paint::Dim);
        }
        self.out.push('\n');
        self.indented(&printable(&record.reason), Paint::Plain, if self.verbose { usize::MAX } else { 2 });
        let facts: Vec<String> = process.into_iter().chain(self.facts(record)).collect();
        let most = if self.verbose { usize::MAX } else { 1 };
        for line in phrases(&facts, self.language.pick("; ", "；"), self.width - INDENT, most) {
            self.line(&line, Paint::Dim);
        }
    }

    /// The reason stands on the first line where it fits whole, else below.
    fn undecided(&mut self, record: &Record, room: usize) {
        let told = self.changed(record).unwrap_or_else(|| printable(&record.reason).into_owned());
        if width(&told) + 2 <= room {
            self.spaces(2);
            self.paint(&told, Paint::Dim);
            self.out.push('\n');
        } else {
            self.out.push('\n');
            self.indented(&told, Paint::Dim, if self.verbose { usize::MAX } else { 2 });
        }
    }

    /// One line: the reason takes what room is left, unless somebody closed or accepted the door.
    fn shut(&mut self, record: &Record, room: usize) {
        let closed = self.changed(record);
        let room = room.saturating_sub(2);
        let told = closed.clone().unwrap_or_else(|| printable(&record.reason).into_owned());
        if width(&told).min(WORTHWHILE) <= room && (closed.is_none() || width(&told) <= room) {
            self.spaces(2);
            self.paint(&cut(&told, room), Paint::Dim);
            self.out.push('\n');
        } else {
            self.out.push('\n');
            self.indented(&closed.unwrap_or_default(), Paint::Dim, 1);
        }
    }

    /// What became of a door that had been open, and whether somebody accepted it as it is.
    fn changed(&self, record: &Record) -> Option<String> {
        let closed = record.closed_on.and_then(|_| view::since(record, self.report, self.language));
        let changes: Vec<String> = closed.into_iter().chain(view::accepted(record, self.language)).collect();
        (!changes.is_empty()).then(|| changes.join(self.language.pick("; ", "；")))
    }

    /// What else there is to say about a finding. What an exposure says is not repeated by what follows from it.
    fn facts(&self, record: &Record) -> Vec<String> {
        let language = self.language;
        let mut facts = Vec::new();
        if record.kind == RecordType::Exposure {
            facts.push(language.counts(&record.counts));
            facts.extend(view::since(record, self.report, language));
            if record.reopened {
                facts.push(language.pick("reopened", "曾关闭，现又敞开").to_owned());
            }
            facts.extend(view::vantage(record).map(|vantage| {
                let from = language.vantage(vantage);
                language.pick(format!("seen from {from}"), format!("观察点：{from}"))
            }));
            facts.extend(view::proof(record, language).map(str::to_owned));
            let doors: Vec<String> = record
                .surfaces
                .iter()
                .map(|door| format!("{} {}", printable(&door.name), door.verdict))
                .collect();
            if !doors.is_empty() {
                facts.push(format!(
                    "{}{}",
                    language.pick("doors: ", "入口："),
                    doors.join(language.pick(", ", "，"))
                ));
            }
            let bind = view::bind(record);
            facts
                .extend(bind.map(|bind| language.pick(format!("bound to {bind}"), format!("绑定于 {bind}"))));
            if let Some(name) = record.asset.name.as_deref().map(printable) {
                facts.push(language.pick(format!("asked for as {name}"), format!("目标名 {name}")));
            }
        }
        facts.extend(view::accepted(record, language));
        facts.retain(|fact| !fact.is_empty());
        facts
    }

    fn details(&mut self, record: &Record) {
        let mut lines = vec![format!("id {}", record.id)];
        if record.kind == RecordType::Exposure {
            lines.extend(self.known(record));
        }
        for line in lines {
            self.indented(&line, Paint::Dim, usize::MAX);
        }
    }

    /// Doors, TLS, support and evidence.
    fn known(&self, record: &Record) -> Vec<String> {
        let mut lines = Vec::new();
        for door in &record.surfaces {
            lines.push(format!("{}: {} {}", printable(&door.name), door.verdict, printable(&door.reason)));
        }
        if let Some(tls) = &record.tls {
            let until = tls.not_after.map_or_else(|| "?".to_owned(), day);
            let certificate = self.language.pick("certificate until", "证书有效期至");
            lines.push(format!(
                "{}, {certificate} {until}, {}",
                printable(&tls.protocol),
                printable(&tls.subject)
            ));
        }
        if let Some(patch) = &record.patch {
            let until = self.language.pick("security fixes until", "安全更新截至");
            let checked = patch.checked.map_or_else(String::new, |day| {
                self.language.pick(format!(", checked {day}"), format!("，核对于 {day}"))
            });
            lines.push(format!(
                "{}: {until} {} ({}{checked})",
                printable(&patch.cycle),
                patch.eol,
                printable(&patch.source)
            ));
        }
        for exchange in &record.evidence {
            lines.push(format!("{} > {}", printable(&exchange.transport), printable(&exchange.sent)));
            let digest = exchange.sha256.get(..12).unwrap_or(&exchange.sha256);
            let size = thousands(exchange.bytes);
            let received = printable(&exchange.received);
            lines.push(format!("< {received} ({size} B, sha256 {digest}, {})", minute(exchange.at)));
        }
        lines
    }

    /// The last lines: the summary, what else was found, what was not seen.
    fn end(&mut self) {
        if let Some(nothing) = view::nothing(self.report, self.language) {
            self.full(&nothing, Paint::Bold);
        }
        let found = data::summary(self.report, self.language);
        // A run over stores alone has no endpoints to count.
        if found.is_none() || !self.report.records.is_empty() || self.report.looked_at > 0 {
            self.full(&summary(self.report, self.language), Paint::Bold);
        }
        if let Some(found) = found {
            self.full(&found, Paint::Bold);
        }
        if let Some(also) = also(self.report, self.language) {
            self.full(&also, Paint::Plain);
        }
        if self.report.interrupted {
            let cut_short = self
                .language
                .pick("cut short: what was not reached is not clean", "运行被中断：未检查到的部分不等于安全");
            self.full(cut_short, Paint::Plain);
        }
        for sentence in &self.report.not_seen {
            let line = format!("{}{}", self.language.pick("not seen: ", "未能看到："), printable(sentence));
            self.full(&line, Paint::Plain);
        }
        for sentence in &self.report.notes {
            let line = format!("{}{}", self.language.pick("note: ", "注意："), printable(sentence));
            self.full(&line, Paint::Plain);
        }
    }

    fn full(&mut self, text: &str, paint: Paint) {
        for line in wrap(text, self.width, usize::MAX) {
            self.paint(&line, paint);
            self.out.push('\n');
        }
    }

    fn indented(&mut self, text: &str, paint: Paint, most: usize) {
        for line in wrap(text, self.width - INDENT, most) {
            self.line(&line, paint);
        }
    }

    fn line(&mut self, text: &str, paint: Paint) {
        self.spaces(INDENT);
        self.paint(text, paint);
        self.out.push('\n');
    }

    fn spaces(&mut self, number: usize) {
        self.out.extend(std::iter::repeat_n(' ', number));
    }

    fn paint(&mut self, text: &str, paint: Paint) {
        let code = paint.code();
        if self.color && !code.is_empty() {
            self.out.push_str(&format!("\u{1b}[{code}m{text}\u{1b}[0m"));
        } else {
            self.out.push_str(text);
        }
    }
}

/// The counts of the run, in one sentence.
fn summary(report: &Report, language: Language) -> String {
    let summary = report.summary();
    let took = view::duration(report, language);
    let endpoints = thousands(report.looked_at);
    let accepted = match summary.accepted {
        0 => String::new(),
        some => language.pick(format!(" ({some} accepted)"), format!("（其中 {some} 个已接受）")),
    };
    language.pick(
        format!(
            "{} open{accepted}, {} protected, {} unknown, {} without an answer; {endpoints} {} in {took}",
            summary.open,
            summary.protected,
            summary.unknown,
            summary.no_answer,
            if report.looked_at == 1 { "endpoint" } else { "endpoints" },
        ),
        format!(
            "{} 个敞开{accepted}，{} 个有防护，{} 个无法判定，{} 个无应答；共 {endpoints} 个端点，用时 {took}",
            summary.open, summary.protected, summary.unknown, summary.no_answer,
        ),
    )
}

/// Findings that are not about who is let in, counted.
fn also(report: &Report, language: Language) -> Option<String> {
    let mut parts = Vec::new();
    for kind in [RecordType::Compromise, RecordType::Certificate, RecordType::Lifecycle] {
        let number = report.records.iter().filter(|record| record.kind == kind).count();
        if number > 0 {
            parts.push(format!("{} ({number})", language.kind(kind).to_lowercase()));
        }
    }
    (!parts.is_empty())
        .then(|| format!("{}{}", language.pick("also: ", "另有："), parts.join(language.pick(", ", "，"))))
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn table(change: impl FnOnce(&mut Style)) -> String {
        let mut style = sample::style();
        change(&mut style);
        render(&sample::report(), &style)
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for (columns, language) in
            [(60, Language::En), (80, Language::ZhCn), (80, Language::En), (200, Language::En)]
        {
            for verbose in [false, true] {
                let text =
                    render(&sample::report(), &Style { color: false, width: columns, language, verbose });
                for line in text.lines() {
                    assert!(width(line) <= columns, "{columns}: {line}");
                    assert_eq!(line, line.trim_end(), "no blanks at the end");
                }
            }
        }
    }

    #[test]
    fn findings_come_first_and_then_what_is_undecided() {
        let text = table(|_| {});
        let order: Vec<usize> = [
            "Elasticsearch 6.8.2",
            "Kibana",
            "etcd",
            "UNIDENTIFIED",
            "NETWORK_RESTRICTED",
            "open (1 accepted)",
            "not seen:",
        ]
        .iter()
        .map(|word| text.find(word).unwrap())
        .collect();
        assert!(order.is_sorted(), "{order:?}\n{text}");
    }

    #[test]
    fn the_history_of_a_door_is_told() {
        let text = table(|style| style.width = 200);
        for expected in [
            "3 keys; open since 2026-11-20 (5 days); reopened",
            "accepted until 2027-01-31 by Wei Chen: test bench",
            "closed on 2026-11-25 (was open since 2025-09-20)",
            "970,412,118 documents",
            "redis-server[812]",
            "probe proven on a transcript only",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }

    #[test]
    fn the_summary_is_one_sentence() {
        let expected =
            "7 open (1 accepted), 3 protected, 3 unknown, 2 without an answer; 1,254 endpoints in 2.1 s";
        assert_eq!(summary(&sample::report(), Language::En), expected);
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let painted = table(|style| style.color = true);
        let mut plain = String::new();
        for (index, part) in painted.split("\u{1b}[").enumerate() {
            plain.push_str(if index == 0 { part } else { part.split_once('m').unwrap().1 });
        }
        assert_eq!(plain, table(|_| {}));
        assert!(painted.contains("\u{1b}[1;31mCRITICAL\u{1b}[0m"));
    }

    #[test]
    fn an_empty_report_still_has_its_summary() {
        let text = render(&sample::empty(), &sample::style());
        let expected = "Nothing listens here.\n0 open, 0 protected, 0 unknown, 0 without an answer; 0 endpoints in 2.1 s\n";
        assert_eq!(text, expected);
    }
}
