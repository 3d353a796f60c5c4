//! The summary picture: what is open, protected and undecided, by who can reach it. Inline SVG, no script.
//!
//! Hatching repeats what colour says, and every bar has its numbers beside it as text.

use model::{Reach, Record, RecordType};

use super::super::words::Language;
use super::markup::Markup;
use crate::report::Report;

/// Where places are listed, widest reach first.
const PLACES: [Reach; 5] = [Reach::Internet, Reach::Vpc, Reach::Lan, Reach::Host, Reach::Unknown];

/// What a part of a bar stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Open,
    Accepted,
    Unknown,
    Silent,
    Shut,
}

impl Part {
    const ALL: [Self; 5] = [Self::Open, Self::Accepted, Self::Unknown, Self::Silent, Self::Shut];

    fn of(record: &Record) -> Self {
        match record.verdict {
            verdict if verdict.is_open() && record.accepted.is_some() => Self::Accepted,
            verdict if verdict.is_open() => Self::Open,
            verdict if verdict.is_shut() => Self::Shut,
            model::Verdict::Unreachable | model::Verdict::Closed => Self::Silent,
            _ => Self::Unknown,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Unknown => "unknown",
            Self::Silent => "silent",
            Self::Shut => "shut",
        }
    }

    fn word(self, language: Language) -> &'static str {
        match self {
            Self::Open => language.pick("open", "敞开"),
            Self::Accepted => language.pick("accepted", "已接受"),
            Self::Unknown => language.pick("undecided", "无法判定"),
            Self::Silent => language.pick("no answer", "无应答"),
            Self::Shut => language.pick("protected", "有防护"),
        }
    }
}

/// Exposures of one reach, by part.
fn counts(report: &Report, place: Option<Reach>) -> Vec<(Part, usize)> {
    let here = |record: &&Record| {
        record.kind == RecordType::Exposure && place.is_none_or(|place| record.reach == place)
    };
    let parts: Vec<Part> = report.records.iter().filter(here).map(Part::of).collect();
    Part::ALL.map(|part| (part, parts.iter().filter(|other| **other == part).count())).into_iter().collect()
}

/// The numbers, large, which are the legend as well.
pub(super) fn tiles(page: &mut Markup, report: &Report, language: Language) {
    page.el("ul", "tiles", |page| {
        for (part, number) in counts(report, None) {
            if part == Part::Accepted && number == 0 {
                continue;
            }
            page.el("li", if number == 0 { "none" } else { "" }, |page| {
                page.say("strong", "", &number.to_string());
                page.el("span", "", |page| {
                    swatch(page, part);
                    page.text(part.word(language));
                });
            });
        }
    });
}

fn swatch(page: &mut Markup, part: Part) {
    page.with(
        "svg",
        &[("class", "swatch"), ("width", "10"), ("height", "10"), ("aria-hidden", "true")],
        |page| {
            bar(page, part, 0.0, 100.0);
        },
    );
}

fn bar(page: &mut Markup, part: Part, from: f64, length: f64) {
    let attributes = [
        ("class", part.class()),
        ("x", &format!("{from:.2}%")),
        ("width", &format!("{length:.2}%")),
        ("height", "100%"),
        ("rx", "2"),
    ];
    page.with("rect", &attributes.map(|(name, value)| (name, value)), |_| {});
}

/// One bar per reach; its length is its share of the longest.
pub(super) fn bars(page: &mut Markup, report: &Report, language: Language) {
    let rows: Vec<(Reach, Vec<(Part, usize)>)> = PLACES
        .into_iter()
        .map(|place| (place, counts(report, Some(place))))
        .filter(|(_, row)| total(row) > 0)
        .collect();
    let longest = rows.iter().map(|(_, row)| total(row)).max().unwrap_or(1);
    page.el("figure", "", |page| {
        page.say("figcaption", "", language.pick("Who can reach it", "谁能到达"));
        for (place, row) in &rows {
            page.el("div", "row", |page| {
                page.say("span", "place", language.reach(*place));
                let told = told(row, language);
                let attributes = [("class", "bar"), ("role", "img"), ("aria-label", told.as_str())];
                page.with("svg", &attributes, |page| segments(page, row, longest));
                page.say("span", "told", &told);
            });
        }
    });
}

fn total(row: &[(Part, usize)]) -> usize {
    row.iter().map(|(_, number)| number).sum()
}

fn told(row: &[(Part, usize)], language: Language) -> String {
    let parts: Vec<String> = row
        .iter()
        .filter(|(_, number)| *number > 0)
        .map(|(part, number)| format!("{number} {}", part.word(language)))
        .collect();
    parts.join(language.pick(", ", "，"))
}

fn segments(page: &mut Markup, row: &[(Part, usize)], longest: usize) {
    let share = |number: usize| number as f64 * 100.0 / longest as f64;
    let mut from = 0.0;
    for (part, number) in row.iter().filter(|(_, number)| *number > 0) {
        // A hair of space between neighbours, but never so much that a small part vanishes.
        let length = share(*number);
        bar(page, *part, from, (length - 0.6).max(length / 2.0));
        from += length;
    }
}

/// The hatchings that bars refer to.
pub(super) fn patterns(page: &mut Markup) {
    page.raw(
        r#"<svg width="0" height="0" class="defs" aria-hidden="true"><defs>
<pattern id="hatch-unknown" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="ground-unknown" width="6" height="6"/><rect class="line-unknown" width="2.5" height="6"/></pattern>
<pattern id="hatch-accepted" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><rect class="ground-accepted" width="6" height="6"/><rect class="line-accepted" width="2.5" height="6"/></pattern>
</defs></svg>
"#,
    );
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;

    #[test]
    fn every_exposure_is_in_the_picture_once() {
        let report = sample::report();
        let all = counts(&report, None);
        let by_place: usize = PLACES.iter().map(|place| total(&counts(&report, Some(*place)))).sum();
        let exposures = report.records.iter().filter(|record| record.kind == RecordType::Exposure).count();
        assert_eq!(total(&all), exposures);
        assert_eq!(by_place, exposures);
        let expected =
            [(Part::Open, 6), (Part::Accepted, 1), (Part::Unknown, 3), (Part::Silent, 2), (Part::Shut, 3)];
        assert_eq!(all, expected);
    }

    #[test]
    fn bars_never_reach_beyond_the_picture() {
        let mut page = Markup::default();
        segments(&mut page, &[(Part::Open, 1), (Part::Shut, 999)], 1000);
        let text = page.finish();
        assert!(text.contains("x=\"0.00%\" width=\"0.05%\""), "{text}");
        assert!(text.contains("x=\"0.10%\" width=\"99.30%\""), "{text}");
    }
}
