//! Verdicts on made-up columns: each form, and what must not be taken for personal data.

use std::collections::BTreeSet;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{Confidence, Form};
use sha2::Digest;

use super::stand_in::*;
use super::*;
use crate::people::SketchKey;
use crate::personal::KindId;

/// Makes the values of a column.
type Values = dyn FnMut(&mut fastrand::Rng, usize) -> String;

/// The verdict on `count` values of a column.
fn verdict(
    name: &str,
    count: usize,
    mut value: impl FnMut(&mut fastrand::Rng, usize) -> String,
) -> Vec<Finding> {
    verdict_on_bytes(name, count, |random, at| value(random, at).into_bytes())
}

fn verdict_on_bytes(
    name: &str,
    count: usize,
    mut value: impl FnMut(&mut fastrand::Rng, usize) -> Vec<u8>,
) -> Vec<Finding> {
    let mut random = fastrand::Rng::with_seed(11);
    let domain = SketchKey::new([1; 16]).domain("value");
    let mut look = Look::new(StandIn::shared());
    let mut profile = Profile::new();
    for at in 0..count {
        let value = value(&mut random, at);
        let hash = domain.hash(&value);
        profile.add(&look.at(&value), hash, 1);
    }
    let mut named = Vec::new();
    look.recogniser().named(name, &mut named);
    decide(&profile, &named, &BTreeSet::new(), look.about())
}

fn told(findings: &[Finding]) -> Vec<(KindId, Form)> {
    findings.iter().map(|finding| (finding.kind, finding.form)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn random_bytes(random: &mut fastrand::Rng, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    random.fill(&mut bytes);
    bytes
}

#[test]
fn resident_numbers_of_no_known_region_are_found_by_date_and_check_digit() {
    let findings = verdict("a", 200, |random, _| resident(random));
    assert_eq!(told(&findings), [(RESIDENT, Form::Clear)]);
    assert_eq!(findings[0].confidence, Confidence::High);
    assert!(findings[0].share.lower > 0.95);
    // Twenty values are enough, and so are 97 of 100 right ones.
    assert_eq!(told(&verdict("a", 20, |random, _| resident(random))), [(RESIDENT, Form::Clear)]);
    let typos = |random: &mut fastrand::Rng, at: usize| {
        if at.is_multiple_of(33) { format!("7{:017}", random.u64(0..1_000_000)) } else { resident(random) }
    };
    assert_eq!(told(&verdict("a", 1_000, typos)), [(RESIDENT, Form::Clear)]);
}

#[test]
fn case_numbers_are_not_resident_numbers_though_one_in_eleven_passes() {
    for count in [1, 2, 5, 20, 200, 5_000, 50_000] {
        assert_eq!(told(&verdict("case_no", count, |random, _| case_number(random))), [], "{count}");
    }
    // However often few of them are repeated.
    let few: Vec<String> = (0..40).map(|seed| case_number(&mut fastrand::Rng::with_seed(seed))).collect();
    assert_eq!(told(&verdict("case_no", 5_000, |random, _| few[random.usize(0..40)].clone())), []);
}

#[test]
fn orders_snowflakes_epochs_and_hex_are_nobodys_identifiers() {
    let mut hard: Vec<(&str, Box<Values>)> = vec![
        (
            "orders",
            Box::new(|random, _| {
                format!(
                    "2024{:02}{:02}{:02}{:02}{:06}",
                    random.u32(1..13),
                    random.u32(1..29),
                    random.u32(0..24),
                    random.u32(0..60),
                    random.u32(0..1_000_000)
                )
            }),
        ),
        (
            "snowflakes",
            Box::new(|random, at| {
                (((1_700_000_000_000 + at as u64 * 37 - 1_577_836_800_000) << 22) | random.u64(0..4_194_304))
                    .to_string()
            }),
        ),
        ("epoch seconds", Box::new(|_, at| (1_600_000_000 + at * 7).to_string())),
        (
            "epoch milliseconds",
            Box::new(|random, at| (1_600_000_000_000 + at as u64 * 1_000 + random.u64(0..1_000)).to_string()),
        ),
        ("hex", Box::new(|random, _| format!("{:016x}", random.u64(..)))),
        ("md5 of files", Box::new(|random, _| hex(&random_bytes(random, 16)))),
        (
            "uuid",
            Box::new(|random, _| {
                format!(
                    "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
                    random.u32(..),
                    random.u16(..),
                    random.u16(0..4096),
                    random.u16(0..4096),
                    random.u64(0..1 << 48)
                )
            }),
        ),
        ("11 digits", Box::new(|random, _| format!("{:011}", random.u64(0..100_000_000_000)))),
        ("10 digits", Box::new(|random, _| format!("{:010}", random.u64(0..10_000_000_000)))),
        ("words", Box::new(|random, _| (0..8).map(|_| random.lowercase()).collect())),
        ("dates", Box::new(|random, _| format!("2023-{:02}-{:02}", random.u32(1..13), random.u32(1..29)))),
        ("tokens in base64", Box::new(|random, _| STANDARD.encode(random_bytes(random, 32)))),
        ("E and digits", Box::new(|random, _| format!("E{:08}", random.u32(0..100_000_000)))),
    ];
    for (name, value) in &mut hard {
        for count in [50, 20_000] {
            assert_eq!(told(&verdict("code", count, &mut *value)), [], "{name}, {count}");
        }
    }
}

#[test]
fn mobile_numbers_of_which_one_in_a_hundred_is_a_right_cpf_are_mobile_numbers() {
    for name in ["phone", "x"] {
        let findings = verdict(name, 20_000, |random, _| mobile(random));
        assert_eq!(told(&findings), [(MOBILE, Form::Clear)], "{name}");
    }
}

#[test]
fn a_column_of_two_kinds_is_told_as_both() {
    let papers = |random: &mut fastrand::Rng, at: usize| {
        if at % 10 < 7 { resident(random) } else { format!("E{:08}", random.u32(0..100_000_000)) }
    };
    let findings = verdict("papers", 1_000, papers);
    assert_eq!(told(&findings), [(RESIDENT, Form::Clear), (PASSPORT, Form::Clear)]);
    assert!(
        (0.65..0.75).contains(&findings[0].share.estimate)
            && (0.25..0.32).contains(&findings[1].share.estimate)
    );
    // A passport number has no check digit: without a name it is any code.
    assert_eq!(told(&verdict("x", 1_000, papers)), [(RESIDENT, Form::Clear)]);
}

#[test]
fn weak_kinds_need_a_name() {
    let passport = |random: &mut fastrand::Rng, _| format!("E{:08}", random.u32(0..100_000_000));
    let findings = verdict("passport_no", 100, passport);
    assert_eq!(told(&findings), [(PASSPORT, Form::Clear)]);
    assert_eq!(findings[0].confidence, Confidence::Medium);
    assert_eq!(told(&verdict("passport_no", 1, passport)), [(PASSPORT, Form::Clear)]);
}

#[test]
fn names_are_known_by_the_profile_of_their_column() {
    let name = |random: &mut fastrand::Rng, _| {
        let surname = ["王", "李", "张", "黄"][random.usize(0..4)];
        let given: Vec<char> = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平".chars().collect();
        (0..random.usize(1..3))
            .fold(surname.to_owned(), |name, _| format!("{name}{}", given[random.usize(0..given.len())]))
    };
    let findings = verdict("x", 2_000, name);
    assert_eq!(told(&findings), [(NAME, Form::Clear)]);
    assert_eq!(findings[0].confidence, Confidence::Low);
    // Colours and towns of which one in three begins with a surname.
    let words = ["黄色", "红色", "白色", "杭州", "李村", "上海"];
    assert_eq!(told(&verdict("x", 2_000, |random, _| words[random.usize(0..6)].to_owned())), []);
}

#[test]
fn numbers_with_a_check_digit_alone_are_told_when_nearly_all_pass() {
    let nhs = |random: &mut fastrand::Rng, _| loop {
        let number = format!("{:010}", random.u64(4_000_000_000..8_000_000_000));
        let mut hits = Vec::new();
        StandIn.value(number.as_bytes(), &mut hits);
        if hits[0].valid {
            break number;
        }
    };
    let findings = verdict("x", 500, nhs);
    assert_eq!(told(&findings), [(NHS, Form::Clear)]);
    assert_eq!(findings[0].confidence, Confidence::Medium);
    assert_eq!(verdict("nhs_number", 500, nhs)[0].confidence, Confidence::High);
    // Half of a column is too little to say so without a name.
    let half = |random: &mut fastrand::Rng, at: usize| {
        if at.is_multiple_of(2) { nhs(random, at) } else { format!("{:010}", random.u64(0..10_000_000_000)) }
    };
    assert_eq!(told(&verdict("x", 500, half)), []);
}

#[test]
fn one_per_cent_of_a_column_is_found_when_it_proves_itself() {
    let rare = |random: &mut fastrand::Rng, at: usize| {
        if at.is_multiple_of(100) { resident(random) } else { "none".to_owned() + &at.to_string() }
    };
    let findings = verdict("remark", 10_000, rare);
    assert_eq!(told(&findings), [(RESIDENT, Form::Clear)]);
    assert!((0.009..0.011).contains(&findings[0].share.estimate));
    let share = findings[0].share;
    assert!(share.lower < 0.01 && 0.01 < share.upper + 1e-3, "{share:?}");
}

#[test]
fn digests_are_hashed_when_the_name_says_of_what() {
    for length in [16, 20, 28, 32, 48, 64] {
        let findings = verdict("id_card_digest", 200, |random, _| hex(&random_bytes(random, length)));
        assert_eq!(told(&findings), [(RESIDENT, Form::Hashed)], "{length}");
        assert_eq!(findings[0].confidence, Confidence::Low);
    }
    let upper = verdict("phone", 200, |random, _| hex(&sha2::Sha256::digest(mobile(random))).to_uppercase());
    assert_eq!(told(&upper), [(MOBILE, Form::Hashed)]);
}

#[test]
fn passwords_digests_with_salt_are_hashed() {
    for mark in ["$2b$12$", "$argon2id$v=19$m=65536,t=3,p=4$", "$6$"] {
        let findings = verdict("phone_hash", 200, |random, _| {
            format!("{mark}{}", STANDARD.encode(random_bytes(random, 39)))
        });
        assert_eq!(told(&findings), [(MOBILE, Form::Hashed)], "{mark}");
    }
}

#[test]
fn keyed_digests_and_ciphertext_look_alike_and_are_opaque() {
    for (length, word) in [(32, "keyed digest or a block cipher"), (48, "random bytes"), (46, "AES-GCM")] {
        let findings = verdict("id_card", 200, |random, _| STANDARD.encode(random_bytes(random, length)));
        assert_eq!(told(&findings), [(RESIDENT, Form::Opaque)], "{length}");
        assert!(findings[0].why.contains(word), "{}", findings[0].why);
    }
    // AES-CBC of values of several lengths, raw.
    let cbc = |random: &mut fastrand::Rng, _| {
        let blocks = random.usize(2..5);
        random_bytes(random, 16 * blocks)
    };
    let findings = verdict_on_bytes("email", 300, cbc);
    assert_eq!(told(&findings), [(EMAIL, Form::Opaque)]);
    assert!(findings[0].why.contains("AES-CBC"), "{}", findings[0].why);
    // Base64 of text is not random, whatever it says.
    assert_eq!(
        told(&verdict("email", 300, |random, _| STANDARD.encode(format!("user {:020}", random.u32(..))))),
        []
    );
}

#[test]
fn ciphertext_that_says_so_is_encrypted() {
    let fernet =
        verdict("id_card", 200, |random, _| format!("gAAAAA{}", STANDARD.encode(random_bytes(random, 84))));
    assert_eq!(told(&fernet), [(RESIDENT, Form::Encrypted)]);
    let vault =
        verdict("phone", 200, |random, _| format!("vault:v2:{}", STANDARD.encode(random_bytes(random, 40))));
    assert_eq!(told(&vault), [(MOBILE, Form::Encrypted)]);
}

#[test]
fn tokens_are_uuids_or_random_values_of_the_same_shape() {
    let uuid = |random: &mut fastrand::Rng, _| {
        format!("{:08x}-1234-4123-8123-{:012x}", random.u32(..), random.u64(0..1 << 48))
    };
    assert_eq!(told(&verdict("id_card_token", 200, uuid)), [(RESIDENT, Form::Tokenised)]);
    let digits = |random: &mut fastrand::Rng, _| format!("{:018}", random.u64(0..1_000_000_000_000_000_000));
    assert_eq!(told(&verdict("id_card", 2_000, digits)), [(RESIDENT, Form::Tokenised)]);
    assert_eq!(told(&verdict("x", 2_000, digits)), []);
}

#[test]
fn masked_values_are_known_by_what_remains() {
    let masked = |random: &mut fastrand::Rng, _| {
        let number = resident(random);
        format!("{}***********{}", number.get(..3).unwrap(), number.get(14..).unwrap())
    };
    let findings = verdict("x", 200, masked);
    assert_eq!(told(&findings), [(RESIDENT, Form::Masked)]);
    assert!(findings[0].why.contains("the first 3 and the last 4 of 18"), "{}", findings[0].why);
    assert_eq!(findings[0].confidence, Confidence::Low);
    assert_eq!(verdict("id_card", 200, masked)[0].confidence, Confidence::Medium);
    let phone = |random: &mut fastrand::Rng, _| format!("154****{:04}", random.u32(0..10_000));
    assert_eq!(told(&verdict("x", 200, phone)), [(MOBILE, Form::Masked)]);
    let email = |random: &mut fastrand::Rng, _| format!("{}***@example.org", random.lowercase());
    assert_eq!(told(&verdict("x", 200, email)), [(EMAIL, Form::Masked)]);
}

#[test]
fn encoded_values_are_clear() {
    let base64 = verdict("x", 200, |random, _| STANDARD.encode(resident(random)));
    assert_eq!(told(&base64), [(RESIDENT, Form::Clear)]);
    assert!(base64[0].encoded);
    let in_hex = verdict("x", 200, |random, _| hex(resident(random).as_bytes()));
    assert_eq!(told(&in_hex), [(RESIDENT, Form::Clear)]);
    let gzip = verdict("x", 200, |random, _| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut gzip, resident(random).as_bytes()).unwrap();
        STANDARD.encode(gzip.finish().unwrap())
    });
    assert_eq!(told(&gzip), [(RESIDENT, Form::Clear)]);
}

#[test]
fn a_migration_leaves_a_mixed_column_and_says_how_much_is_which() {
    let findings = verdict("x", 1_000, |random, at| match at % 10 {
        0..6 => resident(random),
        _ => hex(&sha2::Sha256::digest(resident(random))),
    });
    assert_eq!(told(&findings), [(RESIDENT, Form::Mixed)]);
    let shares: Vec<(Form, u32)> =
        findings[0].forms.iter().map(|(form, share)| (*form, (share * 100.0).round() as u32)).collect();
    assert_eq!(shares, [(Form::Clear, 60), (Form::Hashed, 40)]);
    assert!(findings[0].why.starts_with("60 % clear, 40 % hashed"), "{}", findings[0].why);
}

#[test]
fn prose_is_told_as_prose_with_the_share_of_rows() {
    let findings = verdict("notes", 500, |random, at| match at % 5 {
        0 => format!("called on monday from phone {} about the bill", mobile(random)),
        _ => format!("nothing to say about number {at}, she did not call"),
    });
    assert_eq!(told(&findings), [(MOBILE, Form::Clear)]);
    assert!(findings[0].in_text && (findings[0].share.estimate - 0.2).abs() < 1e-9);
}

proptest::proptest! {
    #[test]
    fn any_column_is_decided_without_panic(values: Vec<Vec<u8>>, name in "\\PC{0,8}") {
        let count = values.len();
        let _ = verdict_on_bytes(&name, count, |_, at| values[at].clone());
    }
}
