//! What has no check digit: names, addresses, days of birth, and what else is written about people.

use super::draws::Draws;
use super::{Class, Style, contact};
use crate::words::{CODAS, DISTRICTS, GIVEN, NARRATIVES, ONSETS, STREETS, SURNAMES, WAYS};

/// The classes.
pub(super) const CLASSES: &[Class] = &[
    Class::unproven(
        "person-name",
        &["full_name", "customer_name", "name", "inhaber_name", "nombre", "patient_name", "fullName"],
        NAMES,
    ),
    Class::unproven(
        "first-name",
        &["first_name", "vorname", "given_name", "prenom", "firstname"],
        &[|d| capital(&word(d))],
    ),
    Class::unproven(
        "last-name",
        &["last_name", "nachname", "surname", "family_name", "lastName"],
        &[|d| capital(&word(d))],
    )
    .same(&["first-name", "person-name"]),
    Class::unproven("cn-name", &["姓名", "xm", "客户姓名", "real_name", "联系人"], &[chinese]),
    Class::unproven(
        "cn-address",
        &["家庭住址", "address", "jtzz", "收货地址", "home_addr"],
        &[chinese_address],
    ),
    Class::unproven(
        "postal-address",
        &["street_address", "address", "adresse", "direccion", "shipping_address", "address_line1"],
        ADDRESSES,
    ),
    Class::unproven(
        "date-of-birth",
        &["dob", "birth_date", "geburtsdatum", "出生日期", "birthday", "date_naissance", "dateOfBirth"],
        BIRTHDAYS,
    ),
    Class::unproven("gender", &["sex", "gender", "性别", "geschlecht", "sexe"], SEXES),
    Class::unproven(
        "cn-ethnicity",
        &["民族", "mz", "ethnic_group"],
        &[
            |d| d.pick(&["汉族", "回族", "满族", "苗族", "壮族", "藏族"]).to_owned(),
            |d| d.pick(&["汉", "回", "满", "苗", "壮"]).to_owned(),
        ],
    )
    .same(&["ethnicity"]),
    Class::unproven(
        "religion",
        &["religion", "konfession", "宗教信仰"],
        &[|d| d.pick(&["Catholic", "Protestant", "Muslim", "Jewish", "Buddhist", "Hindu"]).to_owned()],
    ),
    Class::unproven(
        "blood-type",
        &["blood_type", "blutgruppe", "血型"],
        &[|d| d.pick(&["A+", "0-", "AB+", "B-", "O+", "B+"]).to_owned()],
    ),
    Class::unproven(
        "diagnosis-code",
        &["icd10", "diagnosis_code", "icd_code"],
        &[|d| format!("{}{:02}.{}", d.of_letters("ABCDEFGHIJKLMN", 1), d.below(100), d.below(10))],
    ),
    Class::unproven(
        "geo-pair",
        &["location", "gps", "last_position"],
        &[|d| format!("{}.{}, {}.{}", d.within(36, 60), d.digits(5), d.within(1, 25), d.digits(5))],
    ),
    Class::proven("cn-plate", &["车牌号", "plate_no", "cphm"], &[plate]),
    Class::unproven("passport", &["passport_number", "reisepass_nr", "pasaporte", "passportNo"], PASSPORTS)
        .same(&["cn-passport"]),
    Class::unproven("note", &["note", "remark", "comment", "c7"], &[english_note, chinese_note]).same(&[
        "email",
        "phone",
        "us-phone",
        "cn-mobile",
        "cn-resident-id",
        "card",
        "iban",
    ]),
];

/// A word that could be a name.
pub(super) fn word(d: &mut Draws) -> String {
    format!("{}{}", d.pick(ONSETS), d.pick(CODAS))
}

pub(super) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A name in Latin letters.
pub(super) fn latin(d: &mut Draws) -> String {
    format!("{} {}", capital(&word(d)), capital(&word(d)))
}

const NAMES: &[Style] = &[
    latin,
    latin,
    |d| format!("{}, {}", capital(&word(d)), capital(&word(d))),
    |d| latin(d).to_uppercase(),
    |d| format!("{} {}. {}", capital(&word(d)), d.of_letters("ABCDEFGHJKLMNPRST", 1), capital(&word(d))),
    |d| format!("{} {} {}", capital(&word(d)), d.pick(&["van der", "de la", "von", "da"]), capital(&word(d))),
    |d| format!("{} {}", d.pick(&["Dr.", "Mrs.", "Mr.", "Prof."]), latin(d)),
    |d| format!("{}-{} {}", capital(&word(d)), capital(&word(d)), capital(&word(d))),
    |d| format!("{} {}", d.pick(&["José", "Zoë", "Łukasz", "Søren", "Ümit", "Renée"]), capital(&word(d))),
];

fn chinese(d: &mut Draws) -> String {
    let given =
        if d.one_in(4) { d.pick(GIVEN).to_owned() } else { format!("{}{}", d.pick(GIVEN), d.pick(GIVEN)) };
    format!("{}{given}", d.pick(SURNAMES))
}

fn chinese_address(d: &mut Draws) -> String {
    let street = format!("{}{}{}号", d.pick(STREETS), d.pick(WAYS), d.within(1, 900));
    format!("{}{street}{}号楼{}室", d.pick(DISTRICTS), d.within(1, 40), d.within(101, 2_406))
}

const ADDRESSES: &[Style] = &[
    |d| {
        format!(
            "{} {} {}",
            d.within(1, 9_000),
            capital(&word(d)),
            d.pick(&["Street", "Avenue", "Road", "Lane", "Drive", "Blvd"])
        )
    },
    |d| format!("{}{} {}", capital(&word(d)), d.pick(&["straße", "weg", "gasse", "platz"]), d.within(1, 200)),
    |d| format!("{} rue {}", d.within(1, 200), capital(&word(d))),
    |d| format!("Calle {} {}", capital(&word(d)), d.within(1, 200)),
    |d| {
        format!(
            "{} {} St, {}, {} {}",
            d.within(1, 9_000),
            capital(&word(d)),
            capital(&word(d)),
            d.pick(&["CA", "NY", "TX", "OH"]),
            d.digits(5)
        )
    },
    |d| {
        format!(
            "{}straat {}, {} {} {}",
            capital(&word(d)),
            d.within(1, 200),
            d.within(1_000, 9_999),
            d.of_letters("ABCDEFGH", 2),
            capital(&word(d))
        )
    },
    |d| format!("Flat {}, {} {} Road", d.within(1, 80), d.within(1, 300), capital(&word(d))),
];

const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const BIRTHDAYS: &[Style] = &[
    |d| written(d, |y, m, d| format!("{y}-{m:02}-{d:02}")),
    |d| written(d, |y, m, d| format!("{d:02}.{m:02}.{y}")),
    |d| written(d, |y, m, d| format!("{m:02}/{d:02}/{y}")),
    |d| written(d, |y, m, d| format!("{y}/{m}/{d}")),
    |d| written(d, |y, m, d| format!("{y}{m:02}{d:02}")),
    |d| written(d, |y, m, d| format!("{y}-{m:02}-{d:02} 00:00:00")),
    |d| written(d, |y, m, d| format!("{y}-{m:02}-{d:02}T00:00:00Z")),
    |d| written(d, |y, m, d| format!("{y}年{m}月{d}日")),
    |d| written(d, |y, m, d| format!("{d} {} {y}", MONTHS.get(m as usize - 1).unwrap_or(&"Jan"))),
    |d| written(d, |y, m, d| format!("{} {d}, {y}", MONTHS.get(m as usize - 1).unwrap_or(&"Jan"))),
    |d| written(d, |y, m, d| format!("{m}/{d}/{y}")),
];

fn written(draws: &mut Draws, write: impl Fn(u64, u64, u64) -> String) -> String {
    let (year, month, day) = draws.birthday();
    write(year, month, day)
}

const SEXES: &[Style] = &[
    |d| d.pick(&["M", "F"]).to_owned(),
    |d| d.pick(&["male", "female"]).to_owned(),
    |d| d.pick(&["Male", "Female", "Other"]).to_owned(),
    |d| d.pick(&["男", "女"]).to_owned(),
    |d| d.pick(&["m", "w", "d"]).to_owned(),
    |d| d.pick(&["1", "2"]).to_owned(),
];

/// Authorities of the traffic police that do not exist.
fn plate(d: &mut Draws) -> String {
    let authority = d.pick(&["宁T", "宁W", "琼T", "琼W", "青T", "青X"]);
    let electric = if d.one_in(3) { "D" } else { "" };
    format!("{authority}{electric}{}{}", d.of_letters("0123456789ABCDEFGH", 1), d.digits(4))
}

const PASSPORTS: &[Style] = &[
    |d| d.digits(9),
    |d| format!("{}{}", d.of_letters("CFGHJK", 1), d.of_letters("CFGHJKLMNPRTVWXYZ0123456789", 8)),
    |d| format!("{}{}{}", d.digits(2), d.of_letters("ABCDEFGH", 2), d.digits(5)),
    |d| format!("{}{}", d.of_letters("ABCDEFGHKLMNPRSTXYZ", 2), d.digits(7)),
];

fn english_note(d: &mut Draws) -> String {
    let name = latin(d);
    match d.below(6) {
        0 => format!("Spoke to {name} this morning, wants the invoice sent to {} again.", contact_email(d)),
        1 => format!("{name} called back; please ring +49 171 {} before noon.", d.digits(7)),
        2 => format!("Customer {name} asked about delivery, phone 1540{} is hers.", d.digits(7)),
        3 => "Parcel returned by the carrier, nothing was missing. Shelf B, third row.".to_owned(),
        4 => format!("Ticket {} closed, no answer within {} days.", d.digits(6), d.within(3, 20)),
        _ => "Meeting moved to Thursday, agenda unchanged, room on the second floor.".to_owned(),
    }
}

fn contact_email(d: &mut Draws) -> String {
    format!("{}.{}@example.com", word(d), word(d))
}

fn chinese_note(d: &mut Draws) -> String {
    let template = d.pick(NARRATIVES);
    let case = format!("780101{}{}", d.within(20_200_101, 20_241_231), d.digits(4));
    let mobile = format!("154{}", d.digits(8));
    let names = (chinese(d), chinese_address(d), contact::ip(d));
    let filled = template.replace("{n}", &names.0).replace("{a}", &names.1).replace("{m}", &mobile);
    filled.replace("{c}", &case).replace("{i}", "证件未带")
}
