//! How people are reached and paid, and what they carry: addresses, phone numbers, cards, accounts, devices.

use super::draws::Draws;
use super::numbers::{grouped, gtin, luhn, mod_97};
use super::{Class, Style, plain};

/// The classes.
pub(super) const CLASSES: &[Class] = &[
    Class::proven("email", &["email", "e_mail", "contact_email", "correo", "邮箱地址", "emailAddr"], EMAILS),
    Class::proven("cn-mobile", &["shouji", "手机号", "lxdh", "phone", "mobileNo"], CHINESE),
    Class::unproven(
        "cn-landline",
        &["联系电话", "office_tel", "固定电话"],
        &[|d| landline(d, "-"), |d| landline(d, "")],
    ),
    Class::proven("phone", &["phone", "telefon", "tel", "mobile_number", "téléphone"], INTERNATIONAL),
    Class::unproven("phone-national", &["phone", "telefon", "tel", "telefono", "mobile"], NATIONAL).same(&[
        "phone",
        "us-phone",
        "cn-landline",
    ]),
    Class::unproven("us-phone", &["phone", "home_phone", "cell", "phoneNumber"], AMERICAN)
        .same(&["phone", "phone-national"]),
    Class::proven(
        "card",
        &["card_number", "cc_no", "pan", "tarjeta"],
        &[
            card,
            |d| grouped(&visa(d), &[4, 4, 4, 4], &[" "]),
            |d| grouped(&visa(d), &[4, 4, 4, 4], &["-"]),
            visa,
        ],
    ),
    Class::proven(
        "cn-bank-card",
        &["bank_card_no", "yhkh", "银行卡号"],
        &[|d| union(d, 15), |d| union(d, 18), |d| grouped(&union(d, 18), &[4, 4, 4, 4, 3], &[" "])],
    ),
    Class::proven(
        "iban",
        &["iban", "bank_account", "iban_beneficiary"],
        &[iban, |d| grouped(&iban(d), &[4, 4, 4, 4, 4, 4, 4], &[" "]).trim().to_owned(), german],
    ),
    Class::proven(
        "imei",
        &["imei", "device_imei"],
        &[|d| luhn(&format!("{}{}", d.pick(&["35", "86", "01"]), d.digits(12)))],
    ),
    Class::unproven(
        "imsi",
        &["imsi", "sim_imsi"],
        &[|d| format!("{}{}", d.pick(&["46000", "46011", "26201", "31026"]), d.digits(10))],
    ),
    Class::proven(
        "iccid",
        &["iccid", "sim_iccid"],
        &[|d| luhn(&format!("89860{}", d.digits(13))), |d| luhn(&format!("89490{}", d.digits(14)))],
    ),
    Class::proven(
        "mac-address",
        &["device_mac", "mac", "wifi_mac", "phone_mac"],
        &[|d| mac(d, ":"), |d| mac(d, "-"), |d| mac(d, ":").to_uppercase()],
    ),
    Class::unproven("ip-address", &["client_ip", "login_ip", "ip_address", "remote_ip"], &[ip, ipv6]),
    Class::proven("vin", &["vin", "vehicle_vin"], &[vin]),
    Class::proven(
        "ethereum-address",
        &["eth_address", "wallet"],
        &[|d| format!("0x{}", d.of_letters("0123456789abcdef", 40))],
    ),
];

const EMAILS: &[Style] = &[
    |d| email(d, "."),
    |d| email(d, "_"),
    |d| email(d, ""),
    |d| email(d, ".").to_uppercase(),
    |d| email(d, "+"),
    |d| format!("{} <{}>", plain::latin(d), email(d, ".")),
];

fn email(d: &mut Draws, sign: &str) -> String {
    let domain =
        ["example.com", "example.org", "mail.example.net", "firma.example", "corp.test", "example.com"];
    let (first, last) = (plain::word(d), plain::word(d));
    let number = if d.one_in(3) { d.below(2_000).to_string() } else { String::new() };
    format!("{first}{sign}{last}{number}@{}", d.pick(&domain))
}

const CHINESE: &[Style] = &[
    mobile,
    mobile,
    |d| grouped(&mobile(d), &[3, 4, 4], &["-"]),
    |d| grouped(&mobile(d), &[3, 4, 4], &[" "]),
    |d| format!("+86{}", mobile(d)),
    |d| format!("+86-{}", mobile(d)),
    |d| format!("86{}", mobile(d)),
];

/// Prefixes that no operator has.
fn mobile(d: &mut Draws) -> String {
    format!("{}{}", d.pick(&["154", "194"]), d.digits(8))
}

fn landline(d: &mut Draws, sign: &str) -> String {
    let area = d.pick(&["010", "021", "0755", "0571", "028", "0431"]);
    format!("{area}{sign}{}{}", d.within(2, 8), d.digits(if area.len() == 3 { 7 } else { 6 }))
}

const INTERNATIONAL: &[Style] = &[
    |d| international(d, "+", "", ""),
    |d| international(d, "+", " ", " "),
    |d| international(d, "+", " ", "-"),
    |d| international(d, "00", "", ""),
    |d| international(d, "00", " ", " "),
    |d| international(d, "+", " (0) ", " "),
];

/// Country code, area, and the lengths of the groups behind it. Areas and exchanges are those kept for films where there
/// are some.
const PLAN: &[(&str, &str, &[usize])] = &[
    ("49", "30", &[3, 5]),
    ("49", "171", &[3, 4]),
    ("44", "20", &[4, 4]),
    ("44", "7700", &[3, 3]),
    ("33", "1", &[2, 2, 2, 2]),
    ("33", "6", &[2, 2, 2, 2]),
    ("39", "333", &[3, 4]),
    ("34", "612", &[3, 3]),
    ("31", "20", &[3, 4]),
    ("48", "501", &[3, 3]),
    ("61", "4", &[4, 4]),
    ("81", "90", &[4, 4]),
    ("55", "11", &[5, 4]),
    ("91", "98", &[4, 4]),
    ("65", "9", &[3, 4]),
    ("971", "50", &[3, 4]),
];

fn international(d: &mut Draws, plus: &str, first: &str, sign: &str) -> String {
    let at = d.below(PLAN.len() as u64) as usize;
    let Some((country, area, groups)) = PLAN.get(at).copied() else { return String::new() };
    format!("{plus}{country}{first}{area}{sign}{}", groups_of(d, groups, sign))
}

fn groups_of(d: &mut Draws, groups: &[usize], sign: &str) -> String {
    let group = |d: &mut Draws, at: usize, length: usize| match at {
        0 => format!("{}{}", d.within(2, 9), d.digits(length - 1)),
        _ => d.digits(length),
    };
    let all: Vec<String> = groups.iter().enumerate().map(|(at, &length)| group(d, at, length)).collect();
    all.join(sign)
}

/// One column is of one country.
const NATIONAL: &[Style] = &[
    |d| format!("030 {}", groups_of(d, &[3, 5], "")),
    |d| format!("030/{}", groups_of(d, &[7], "")),
    |d| format!("0171 {}", groups_of(d, &[7], "")),
    |d| format!("020 {}", groups_of(d, &[4, 4], " ")),
    |d| format!("07700 {}", groups_of(d, &[3, 3], "")),
    |d| format!("01 {}", groups_of(d, &[2, 2, 2, 2], " ")),
    |d| format!("06{}", d.digits(8)),
    |d| format!("090-{}", groups_of(d, &[4, 4], "-")),
    |d| format!("(11) 9{}", groups_of(d, &[4, 4], "-")),
    |d| format!("333 {}", groups_of(d, &[3, 4], " ")),
    |d| format!("010-{}", groups_of(d, &[4, 4], "-")),
    |d| format!("04{}", d.digits(8)),
];

const AMERICAN: &[Style] = &[
    |d| american(d, "(", ") ", "-"),
    |d| american(d, "", "-", "-"),
    |d| american(d, "", ".", "."),
    |d| american(d, "", "", ""),
    |d| american(d, "1-", "-", "-"),
    |d| american(d, "", " ", " "),
    |d| american(d, "", "-", "-") + " x" + &d.digits(3),
];

/// The exchange 555 is nobody's.
fn american(d: &mut Draws, open: &str, close: &str, sign: &str) -> String {
    let area = format!("{}0{}", d.within(2, 9), d.within(1, 9));
    format!("{open}{area}{close}555{sign}{}", d.digits(4))
}

fn visa(d: &mut Draws) -> String {
    luhn(&format!("4{}", d.digits(14)))
}

fn card(d: &mut Draws) -> String {
    let (begin, length) = match d.below(6) {
        0 | 1 => ("4".to_owned(), 15),
        2 => (d.within(51, 55).to_string(), 15),
        3 => (d.pick(&["34", "37"]).to_owned(), 14),
        4 => ("6011".to_owned(), 15),
        _ => (d.within(2221, 2720).to_string(), 15),
    };
    let rest = d.digits(length - begin.len());
    luhn(&format!("{begin}{rest}"))
}

fn union(d: &mut Draws, first: usize) -> String {
    let begin = d.pick(&["621", "622", "623", "625", "628"]);
    luhn(&format!("{begin}{}", d.digits(first - 3)))
}

/// Countries and their accounts: n digits, a capitals, c either.
const ACCOUNTS: &[(&str, &str)] = &[
    ("DE", "nnnnnnnnnnnnnnnnnn"),
    ("FR", "nnnnnnnnnncccccccccccnn"),
    ("NL", "aaaannnnnnnnnn"),
    ("GB", "aaaannnnnnnnnnnnnn"),
    ("ES", "nnnnnnnnnnnnnnnnnnnn"),
    ("IT", "annnnnnnnnncccccccccccc"),
    ("BE", "nnnnnnnnnnnn"),
    ("AT", "nnnnnnnnnnnnnnnn"),
    ("CH", "nnnnncccccccccccc"),
    ("PL", "nnnnnnnnnnnnnnnnnnnnnnnn"),
    ("SE", "nnnnnnnnnnnnnnnnnnnn"),
    ("NO", "nnnnnnnnnnn"),
    ("PT", "nnnnnnnnnnnnnnnnnnnnn"),
    ("TR", "nnnnnncccccccccccccccc"),
    ("SA", "nncccccccccccccccccc"),
];

fn iban(d: &mut Draws) -> String {
    let at = d.below(ACCOUNTS.len() as u64) as usize;
    ACCOUNTS.get(at).map(|(country, account)| account_of(d, country, account)).unwrap_or_default()
}

pub(super) fn german(d: &mut Draws) -> String {
    account_of(d, "DE", "nnnnnnnnnnnnnnnnnn")
}

fn account_of(d: &mut Draws, country: &str, account: &str) -> String {
    let letters = |of: char| match of {
        'n' => "0123456789",
        'a' => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        _ => "0123456789ABCDEFGHJKLMNPQRTUVWXYZ",
    };
    let account: String = account.chars().filter_map(|of| d.letter(letters(of))).collect();
    format!("{country}{:02}{account}", 98 - mod_97(&format!("{account}{country}00")))
}

pub(super) fn mac(d: &mut Draws, sign: &str) -> String {
    let vendor = d.pick(&["3c22fb", "a483e7", "f0d1a9", "001b44", "b827eb", "d8bb2c"]);
    let text = format!("{vendor}{}", d.of_letters("0123456789abcdef", 6));
    grouped(&text, &[2, 2, 2, 2, 2, 2], &[sign])
}

pub(super) fn ip(d: &mut Draws) -> String {
    let net = d.pick(&["203.0.113", "198.51.100", "192.0.2", "198.18.7", "198.19.40"]);
    format!("{net}.{}", d.within(1, 254))
}

fn ipv6(d: &mut Draws) -> String {
    format!("2001:db8:{:x}::{:x}:{:x}", d.below(65_536), d.within(1, 65_535), d.within(1, 65_535))
}

/// The check character at the ninth place: 49 CFR 565.15.
fn vin(d: &mut Draws) -> String {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    const VALUES: &str = "0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ";
    let letters = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789";
    let begin = format!("{}{}", d.pick(&["1FT", "WVW", "5YJ", "JHM", "KMH"]), d.of_letters(letters, 5));
    let end = format!("{}{}{}", d.of_letters("ABCDEFGHJKLMNPR", 1), d.of_letters("ABCFGPSU", 1), d.digits(6));
    let value = |it: char| VALUES.chars().position(|known| known == it).unwrap_or(0) as u32 % 10;
    let full = format!("{begin}0{end}");
    let sum: u32 = full.chars().zip(WEIGHTS).map(|(it, weight)| value(it) * weight).sum();
    match sum % 11 {
        10 => format!("{begin}X{end}"),
        check => format!("{begin}{check}{end}"),
    }
}

/// A number of goods that is as right as a card number: the check digit of EAN.
pub(super) fn ean(d: &mut Draws, length: usize) -> String {
    let begin = d.pick(&["400", "690", "750", "871", "302"]);
    gtin(&format!("{begin}{}", d.digits(length - 4)))
}
