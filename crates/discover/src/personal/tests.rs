//! The packs' examples, hard negatives, and that the first pass over a text changes nothing.

use jiff::civil::{Date, date};

use super::pack::{self, CheckAt, Pack, TextRule};
use super::*;

const TODAY: Date = date(2026, 11, 26);

fn all() -> Recogniser {
    Recogniser::embedded()
}

/// Kinds that accept a value and are valid.
fn valid(recogniser: &Recogniser, value: &str) -> Vec<String> {
    let mut hits = Vec::new();
    recogniser.value(value.as_bytes(), &mut hits);
    hits.iter().filter(|hit| hit.valid).map(|hit| recogniser.kind(hit.kind).unwrap().id.clone()).collect()
}

/// What is told in a text: kinds and values.
fn told(recogniser: &Recogniser, text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    recogniser.text(text.as_bytes(), &mut |found| {
        let value = String::from_utf8_lossy(&text.as_bytes()[found.start..found.end]).into_owned();
        all.push((recogniser.kind(found.kind).unwrap().id.clone(), value));
    });
    all
}

fn packs() -> Vec<Pack> {
    pack::embedded().unwrap()
}

#[test]
fn every_pack_is_well_formed() {
    let packs = packs();
    assert!((60..=256).contains(&packs.len()), "{} kinds, and room for 256", packs.len());
    let mut wrong: Vec<String> = packs.iter().flat_map(recogniser::check).collect();
    for pack in &packs {
        let mut note = |what: &str| wrong.push(format!("{}: {what}", pack.id));
        if !pack.source.starts_with("https://") && !pack.source.starts_with("http://") {
            note("the source is no address");
        }
        if pack.title_zh.is_ascii() {
            note("the Chinese title is not Chinese");
        }
        if pack.shape.groups.iter().any(|groups| groups.starts_with("4-2-") || groups.starts_with("4/2/")) {
            note("a value that is split like a day is never seen in a text");
        }
        if pack.columns.is_empty() {
            note("no names of columns");
        }
        if !(0.0..=1.0).contains(&pack.chance.random) {
            note("the chance rate is no share");
        }
        if pack.validator.is_none() && pack.check != CheckAt::None {
            note("a check character without a validator");
        }
        if pack.text == TextRule::Context && pack.context.is_empty() {
            note("it needs a context word and has none");
        }
        if pack.text != TextRule::Never && (pack.examples.told.is_empty() || pack.examples.silent.is_empty())
        {
            note("no example of a text");
        }
        if pack.examples.pass.is_empty() || pack.examples.fail.is_empty() {
            note("no example of a value");
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_file_has_the_name_of_its_kind() {
    let files: std::collections::BTreeMap<String, serde_json::Value> =
        serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/personal.json"))).unwrap();
    for (file, pack) in files {
        assert_eq!(file, format!("{}.yml", pack["id"].as_str().unwrap()));
    }
}

#[test]
fn a_pack_with_an_unknown_word_is_refused() {
    let good = serde_json::json!({
        "id": "x", "title": "x", "title_zh": "某", "source": "https://example.com", "identifies": "person",
        "shape": { "patterns": ["d{3}"] }, "chance": { "random": 1.0 }, "column": "named", "text": "never",
        "examples": { "pass": ["123"], "fail": {} }
    });
    assert!(serde_json::from_value::<Pack>(good.clone()).is_ok());
    for (place, word) in
        [("", "check_digit"), ("/shape", "regex"), ("/chance", "rate"), ("/examples", "positive")]
    {
        let mut bad = good.clone();
        bad.pointer_mut(place).unwrap()[word] = "x".into();
        assert!(serde_json::from_value::<Pack>(bad).is_err(), "{place} {word}");
    }
}

#[test]
fn a_recogniser_of_some_kinds_knows_no_others() {
    let some = Recogniser::embedded_only(|id| id == "email" || id == "cn-mobile");
    let ids: Vec<&str> = some.kinds().iter().map(|kind| kind.id.as_str()).collect();
    assert_eq!(ids, ["cn-mobile", "email"]);
    assert_eq!(valid(&some, "somebody@example.org"), ["email"]);
    assert!(some.kinds().iter().all(|kind| kind.has_validator == (kind.id == "cn-mobile")));
}

#[test]
fn the_values_of_every_pack_pass_or_fail_as_it_says() {
    let recogniser = all();
    let mut wrong = Vec::new();
    for pack in packs() {
        for value in &pack.examples.pass {
            if !valid(&recogniser, value).contains(&pack.id) {
                wrong.push(format!("{}: {value} must pass", pack.id));
            }
        }
        for (what, value) in &pack.examples.fail {
            if valid(&recogniser, value).contains(&pack.id) {
                wrong.push(format!("{}: {value} ({what}) must not pass", pack.id));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_texts_of_every_pack_tell_it_or_not_as_it_says() {
    let recogniser = all();
    let mut wrong = Vec::new();
    for pack in packs() {
        for text in &pack.examples.told {
            let found = told(&recogniser, text);
            if !found.iter().any(|(kind, _)| *kind == pack.id) {
                wrong.push(format!("{}: not told in {text}, but {found:?}", pack.id));
            }
        }
        for text in &pack.examples.silent {
            if told(&recogniser, text).iter().any(|(kind, _)| *kind == pack.id) {
                wrong.push(format!("{}: told in {text}", pack.id));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn what_a_name_of_a_column_says_is_found_again() {
    let recogniser = all();
    for kind in recogniser.kinds() {
        let id = recogniser.by_name(&kind.id).unwrap();
        for name in &kind.columns {
            let mut found = Vec::new();
            recogniser.named(name, &mut found);
            assert!(found.contains(&id), "{}: {name}", kind.id);
        }
    }
    let mut found = Vec::new();
    recogniser.named("订单编号", &mut found);
    recogniser.named("order_no", &mut found);
    recogniser.named("created_at", &mut found);
    assert_eq!(found, []);
}

#[test]
fn numbers_that_are_no_persons_leave_texts_silent() {
    let recogniser = all();
    for text in [
        "order 20241126153012000123 placed",
        "订单号：202411261530120001",
        "{\"ts\":1732632732,\"ms\":1732632732123,\"id\":1860000000000000001}",
        "commit 3f2a1b4c5d6e7f8091a2b3c4d5e6f708192a3b4c",
        "550e8400-e29b-41d4-a716-446655440000 and 123e4567-e89b-12d3-a456-426614174000",
        "version 12.0.1.4567 of 2024-11-26 15:30:12.123456789",
        "0.1234567890123456 and 3.141592653589793",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "案号 310101200001010012",
        "const MASK: u64 = 0x1f3a5b7c9d2e4f60;",
        "for i in 0..13800138001 {}",
        "1,234,567,890.12",
        "2024-11-26T15:30:12.000+08:00",
        "https://example.com/item/4500123412341234?sku=123456789012",
    ] {
        assert_eq!(told(&recogniser, text), [], "{text}");
    }
}

#[test]
fn the_same_person_has_the_same_form() {
    let recogniser = all();
    let form = |kind: &str, value: &str| {
        let mut out = Vec::new();
        let id = recogniser.by_name(kind).unwrap();
        recogniser.canonical(id, value.as_bytes(), &mut out).then(|| String::from_utf8(out).unwrap())
    };
    let long = form("cn-resident-id", "110105 19491231 002x").unwrap();
    assert_eq!(long, "11010519491231002X");
    assert_eq!(form("cn-resident-id-15", "110105491231002").unwrap(), long);
    assert_eq!(form("cn-mobile", "+86 154-1234-5678").unwrap(), "15412345678");
    assert_eq!(form("cn-mobile", "１５４１２３４５６７８").unwrap(), "15412345678");
    assert_eq!(form("phone", "+86 154-1234-5678").unwrap(), "15412345678");
    assert_eq!(form("email", "Some.One@Example.COM").unwrap(), "some.one@example.com");
    assert_eq!(form("se-personnummer", "19880320-0016"), form("se-personnummer", "880320-0016"));
    assert_eq!(form("cn-plate", "沪A·8k3l5").unwrap(), "沪A8K3L5");
    assert_eq!(form("cn-resident-id", "110105194912310021"), None);
    assert_eq!(form("gender", "Female").unwrap(), "female");
}

#[test]
fn facts_are_read_out_of_identifiers() {
    let recogniser = all();
    let facts = |kind: &str, value: &str| {
        recogniser.facts(recogniser.by_name(kind).unwrap(), value.as_bytes(), TODAY)
    };
    let known = |born: Date, region: &str| Facts { born: Some(born), region: Some(region.to_owned()) };
    assert_eq!(facts("cn-resident-id", "11010519491231002X"), known(date(1949, 12, 31), "CN-11"));
    assert_eq!(facts("cn-resident-id-15", "110105491231002"), known(date(1949, 12, 31), "CN-11"));
    assert_eq!(facts("pl-pesel", "44051401359"), known(date(1944, 5, 14), "PL"));
    assert_eq!(facts("no-fnr", "15108695088"), known(date(1986, 10, 15), "NO"));
    assert_eq!(facts("it-codice-fiscale", "RCCMNL83S18D969H"), known(date(1983, 11, 18), "IT"));
    assert_eq!(facts("be-nn", "17073003384"), known(date(2017, 7, 30), "BE"));
    assert_eq!(facts("ua-rnokpp", "1759013776").born, Some(date(1948, 2, 28)));
    assert_eq!(facts("phone", "+44 20 7946 0958").region.as_deref(), Some("GB"));
    assert_eq!(facts("date-of-birth", "1990年1月31日").born, Some(date(1990, 1, 31)));
    assert_eq!(facts("cn-mobile", "15412345678"), Facts { born: None, region: Some("CN".to_owned()) });
    assert_eq!(facts("cn-resident-id", "nothing"), Facts { born: None, region: Some("CN".to_owned()) });
}

#[test]
fn a_true_value_with_the_next_check_character_does_not_pass() {
    let recogniser = all();
    for pack in packs() {
        let id = recogniser.by_name(&pack.id).unwrap();
        for value in &pack.examples.pass {
            assert!(!recogniser.shifted(id, value.as_bytes()), "{}: {value}", pack.id);
        }
    }
}

#[test]
fn of_random_values_as_many_pass_as_with_the_next_check_character() {
    let recogniser = all();
    let id = recogniser.by_name("cn-resident-id").unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let (mut own, mut next) = (0, 0);
    for _ in 0..40_000 {
        let value = format!(
            "310101{:04}{:02}{:02}{:04}",
            random.u16(1950..2005),
            random.u8(1..13),
            random.u8(1..29),
            random.u16(..10_000)
        );
        let mut hits = Vec::new();
        recogniser.value(value.as_bytes(), &mut hits);
        own += u32::from(hits.iter().any(|hit| hit.kind == id && hit.valid));
        next += u32::from(recogniser.shifted(id, value.as_bytes()));
    }
    assert!((3200..4000).contains(&own) && (3200..4000).contains(&next), "{own} {next}");
}

/// Random characters, digits where a value of this kind has digits and letters where it has letters; each pattern and
/// length as often as the others.
fn random_value(pack: &Pack, random: &mut fastrand::Rng) -> String {
    let shapes: Vec<_> =
        pack.shape.patterns.iter().flat_map(|pattern| shape::parse(pattern).unwrap()).collect();
    let classes = &shapes[random.usize(0..shapes.len())];
    let mut letter = |class: &u64| {
        let class = match *class {
            class if class & !shape::DIGITS == 0 => shape::DIGITS,
            class if class & !shape::LETTERS == 0 => shape::LETTERS,
            class => class,
        };
        let bits: Vec<u8> = (0..36).filter(|bit| class >> bit & 1 == 1).collect();
        let bit = bits[random.usize(0..bits.len())];
        char::from(if bit < 10 { b'0' + bit } else { b'A' + bit - 10 })
    };
    classes.iter().map(&mut letter).collect()
}

#[test]
fn as_many_random_values_pass_as_each_pack_says() {
    let recogniser = shared();
    let mut random = fastrand::Rng::with_seed(3);
    let mut wrong = Vec::new();
    let packs = packs();
    for pack in packs.iter().filter(|pack| !pack.shape.patterns.is_empty() && pack.shape.form.is_none()) {
        let id = recogniser.by_name(&pack.id).unwrap();
        let draws = 3000;
        let mut hits = Vec::new();
        let mut passes = 0;
        for _ in 0..draws {
            hits.clear();
            recogniser.value(random_value(pack, &mut random).as_bytes(), &mut hits);
            passes += usize::from(hits.iter().any(|hit| hit.kind == id && hit.valid));
        }
        let rate = passes as f64 / draws as f64;
        let said = pack.chance.random;
        // Three standard deviations, and what rounding takes.
        let slack = 3.0 * (said.max(0.0005) / draws as f64).sqrt() + said * 0.12;
        if (rate - said).abs() > slack {
            wrong.push(format!("{}: says {said}, and {rate} pass", pack.id));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn an_address_between_chinese_characters_is_itself_alone() {
    let found = told(&all(), "请发到a.b@example.com或致电13800138000，谢谢");
    assert_eq!(
        found,
        [
            ("email".to_owned(), "a.b@example.com".to_owned()),
            ("cn-mobile".to_owned(), "13800138000".to_owned())
        ]
    );
}

#[test]
fn values_at_every_place_of_a_block_are_found() {
    let recogniser = all();
    for value in [
        "11010519491231002X",
        "a@example.com",
        "13800138000",
        "4111 1111 1111 1111",
        "１３８００１３８０００",
        "京A12345",
        "RCCMNL83S18D969H",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "GB82 WEST 1234 5698 7654 32",
        "+44 20 7946 0958",
        "mac 00:1b:44:11:3a:b7",
        "ip 2001:db8:0:1:1:8a2e:370:7334",
        "pps 6433435F",
    ] {
        for shift in 0..200 {
            let text = format!("{}{value}。", "。".repeat(shift / 3) + &" ".repeat(shift % 3));
            assert_eq!(told(&recogniser, &text).len(), 1, "{value} after {shift} bytes");
        }
        let text = format!("{}{value}", " ".repeat(2 * 2048 - 5));
        assert_eq!(told(&recogniser, &text).len(), 1, "{value} over the edge of a chunk");
    }
}

proptest::proptest! {
    #[test]
    fn any_value_and_text_is_read_without_panic(bytes: Vec<u8>, text: String) {
        let recogniser = shared();
        for value in [bytes.as_slice(), text.as_bytes()] {
            let mut hits = Vec::new();
            recogniser.value(value, &mut hits);
            for hit in hits {
                recogniser.shifted(hit.kind, value);
                let mut out = Vec::new();
                proptest::prop_assert_eq!(recogniser.canonical(hit.kind, value, &mut out), hit.valid);
                recogniser.facts(hit.kind, value, TODAY);
            }
            recogniser.text(value, &mut |found| assert!(found.start < found.end && found.end <= value.len()));
        }
    }

    #[test]
    fn digits_letters_and_signs_in_any_order_are_read_without_panic(text in "([0-9]{1,6}|[A-Za-z]{1,3}|[-./ :@+()_\\\\，１x]){0,40}") {
        let recogniser = shared();
        let mut hits = Vec::new();
        recogniser.value(text.as_bytes(), &mut hits);
        for hit in hits {
            let mut out = Vec::new();
            proptest::prop_assert_eq!(recogniser.canonical(hit.kind, text.as_bytes(), &mut out), hit.valid);
        }
        recogniser.text(text.as_bytes(), &mut |found| assert!(found.end <= text.len()));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]
    #[test]
    fn the_first_pass_over_a_text_leaves_nothing_out(
        parts in proptest::collection::vec(proptest::sample::select(PARTS), 0..40), shift in 0usize..64
    ) {
        let recogniser = shared();
        let text = format!("{}{}", " ".repeat(shift), parts.concat());
        let mut quick = Vec::new();
        recogniser.text(text.as_bytes(), &mut |found| quick.push(found));
        let mut slow = Vec::new();
        recogniser.text_everywhere(text.as_bytes(), &mut |found| slow.push(found));
        proptest::prop_assert_eq!(quick, slow, "{}", text);
    }
}

/// Of these, texts are made in which values stand close together.
const PARTS: &[&str] = &[
    "11010519491231002X",
    "身份证",
    "13800138000",
    "手机",
    "a.b@example.com",
    "邮箱",
    "4111111111111111",
    "4111 1111 1111 1111",
    "card",
    "１３８００１３８０００",
    "京A12345",
    "京",
    "沪A·8K3L5",
    "RCCMNL83S18D969H",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "GB82 WEST 1234 5698 7654 32",
    "+44 20 7946 0958",
    "+86",
    "00:1b:44:11:3a:b7",
    "mac ",
    "2001:db8:0:1:1:8a2e:370:7334",
    "ip ",
    "2024-11-26",
    "020 7946 0958",
    "403-204-2891x354",
    "87 47 98",
    "203.0.113.195",
    "call ",
    "2024/11/26 ",
    "T12:34:56Z",
    "6433435F",
    "pps ",
    "DNI ",
    "54362315-K",
    "(202) 555-0143",
    "phone ",
    "A123456(3)",
    "HKID ",
    " ",
    " ",
    ",",
    ".",
    "-",
    "\n",
    ":",
    "：",
    "\"",
    "1",
    "22",
    "4444",
    "x",
    "AB",
    "。",
    "@",
    "\\n",
    "_",
    "(",
    ")",
    "+",
    "/",
];

fn shared() -> &'static Recogniser {
    static ALL: std::sync::LazyLock<Recogniser> = std::sync::LazyLock::new(Recogniser::embedded);
    &ALL
}
