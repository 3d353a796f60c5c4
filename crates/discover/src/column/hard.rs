//! The verdicts with all kinds there are, on columns that must be silent and on columns that must not.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::stand_in::{case_number, mobile, resident};
use super::*;
use crate::people::SketchKey;
use crate::personal::Recogniser;

type Column = (&'static str, Box<dyn Fn(&mut fastrand::Rng, u64) -> String>);

fn column(name: &'static str, value: impl Fn(&mut fastrand::Rng, u64) -> String + 'static) -> Column {
    (name, Box::new(value))
}

/// Each kind, form and share that is told of a column.
fn told(look: &mut Look, (name, value): &Column, count: u64) -> Vec<String> {
    let mut random = fastrand::Rng::with_seed(count ^ 3);
    let domain = SketchKey::new([1; 16]).domain("value");
    let mut profile = Profile::new();
    for at in 0..count {
        let value = value(&mut random, at);
        profile.add(&look.at(value.as_bytes()), domain.hash(value.as_bytes()), 1);
    }
    let mut named = Vec::new();
    look.recogniser().named(name, &mut named);
    let findings = decide(&profile, &named, &BTreeSet::new(), look.about());
    let about = look.about();
    findings
        .iter()
        .map(|finding| {
            let share = (finding.share.estimate * 20.0).round() as u32 * 5;
            format!("{share} % {} {}", about[usize::from(finding.kind.0)].id, finding.form)
        })
        .collect()
}

fn luhn(body: &str) -> String {
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn name(random: &mut fastrand::Rng) -> String {
    let surnames: Vec<char> = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗".chars().collect();
    let given: Vec<char> = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平".chars().collect();
    let mut name = surnames[random.usize(0..surnames.len())].to_string();
    (0..random.usize(1..3)).for_each(|_| name.push(given[random.usize(0..given.len())]));
    name
}

fn masked(value: &str, gap: std::ops::Range<usize>) -> String {
    value.chars().enumerate().map(|(at, it)| if gap.contains(&at) { '*' } else { it }).collect()
}

fn negatives() -> Vec<Column> {
    let time = |random: &mut fastrand::Rng| {
        let (month, day) = (random.u32(1..=12), random.u32(1..=28));
        format!(
            "2023{month:02}{day:02}{:02}{:02}{:02}",
            random.u32(0..24),
            random.u32(0..60),
            random.u32(0..60)
        )
    };
    let digits =
        |random: &mut fastrand::Rng, count: usize| (0..count).map(|_| random.digit(10)).collect::<String>();
    let mut all = vec![
        column("case_no", |random, _| case_number(random)),
        column("branch_no", |random, _| {
            format!(
                "{:06}2023{:02}{:02}{:04}",
                random.u32(0..1_000_000),
                random.u32(1..13),
                random.u32(1..29),
                random.u32(0..10_000)
            )
        }),
        column("order_no", move |random, _| format!("{}{:04}", time(random), random.u32(0..10_000))),
        column("order_id", move |random, _| format!("{}{:06}", time(random), random.u32(0..1_000_000))),
        column("snowflake", |random, at| {
            (((120_000_000_000 + at * 41) << 22) | random.u64(0..4_194_304)).to_string()
        }),
        column("created", |_, at| (1_600_000_000 + at * 7).to_string()),
        column("updated", |random, at| (1_600_000_000_000 + at * 1_000 + random.u64(0..1_000)).to_string()),
        column("seq", |_, at| (100_000 + at).to_string()),
        column("long_seq", |_, at| (10_000_000_000 + at).to_string()),
        column("trace", |random, _| format!("{:016x}", random.u64(..))),
        column("etag", |random, _| format!("{:016x}{:016x}", random.u64(..), random.u64(..))),
        column("uuid", |random, _| {
            format!(
                "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
                random.u32(..),
                random.u16(..),
                random.u16(0..4096),
                random.u16(0..4096),
                random.u64(0..1 << 48)
            )
        }),
        column("object_id", |random, at| format!("{:08x}{:016x}", 1_600_000_000 + at, random.u64(..))),
    ];
    for count in 6..=20 {
        all.push(column("digits", move |random, _| digits(random, count)));
    }
    all
}

fn plain_negatives() -> Vec<Column> {
    vec![
        column("amount", |random, _| format!("{}.{:02}", random.u32(0..100_000), random.u32(0..100))),
        column("version", |random, _| format!("{}.{}.{}", random.u8(0..20), random.u8(0..40), random.u8(..))),
        column("sku", |random, _| {
            format!("{}{}-{:05}", random.uppercase(), random.uppercase(), random.u32(0..100_000))
        }),
        column("word", |random, _| (0..random.usize(3..11)).map(|_| random.lowercase()).collect()),
        column("status", |random, _| ["open", "closed", "paid", "DE", "CN"][random.usize(0..5)].to_owned()),
        column("day", |random, _| format!("2023-{:02}-{:02}", random.u32(1..13), random.u32(1..29))),
        column("path", |random, _| format!("/var/lib/app/{:04}.log", random.u32(0..10_000))),
        column("town", |random, _| {
            ["上海市", "北京市", "杭州市", "南京市", "成都市", "广州市", "西安市", "武汉市"]
                [random.usize(0..8)]
            .to_owned()
        }),
        column("colour", |random, _| {
            ["红色", "黄色", "白色", "蓝色", "黑色", "绿色", "银灰"][random.usize(0..7)].to_owned()
        }),
        column("url", |random, _| format!("https://shop.lab/item/{}", random.u32(..))),
    ]
}

#[test]
fn what_looks_like_an_identifier_and_is_none_stays_silent() {
    let mut look = Look::new(Arc::new(Recogniser::embedded()));
    let mut wrong = Vec::new();
    for column in negatives().into_iter().chain(plain_negatives()) {
        for count in [30, 1_000, 20_000] {
            let told = told(&mut look, &column, count);
            if !told.is_empty() {
                wrong.push(format!("{} x {count}: {}", column.0, told.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_an_identifier_is_told_as_that_and_nothing_else() {
    let cases: Vec<(Column, &str)> = vec![
        (column("c1", |random, _| resident(random)), "100 % cn-resident-id clear"),
        (column("id_card", |random, _| resident(random).to_lowercase()), "100 % cn-resident-id clear"),
        (column("身份证号", |random, _| resident(random)), "100 % cn-resident-id clear"),
        (column("email", |random, _| format!("u{}@mail.lab.cn", random.u32(..))), "100 % email clear"),
        (column("c2", |random, _| format!("u{}@mail.lab.cn", random.u32(..))), "100 % email clear"),
        (
            column("c3", |random, _| luhn(&format!("622202{:012}", random.u64(0..1_000_000_000_000)))),
            "100 % cn-bank-card clear",
        ),
        (column("phone", |random, _| mobile(random)), "100 % cn-mobile clear"),
        (column("c4", |random, _| mobile(random)), "100 % cn-mobile clear"),
        (column("手机号", |random, _| format!("+86 {}", mobile(random))), "100 % cn-mobile clear"),
        (column("姓名", |random, _| name(random)), "100 % cn-name clear"),
        (column("c5", |random, _| name(random)), "100 % cn-name clear"),
        (column("id_card", |random, _| masked(&resident(random), 6..14)), "100 % cn-resident-id masked"),
        (column("c6", |random, _| masked(&resident(random), 3..14)), "100 % cn-resident-id masked"),
        (column("c7", |random, _| masked(&mobile(random), 3..7)), "100 % cn-mobile masked"),
    ];
    let mut look = Look::new(Arc::new(Recogniser::embedded()));
    let mut wrong = Vec::new();
    for (column, expected) in cases {
        for count in [50, 2_000] {
            let told = told(&mut look, &column, count);
            if told != [expected] {
                wrong.push(format!("{} x {count}: {told:?}, not {expected}", column.0));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
