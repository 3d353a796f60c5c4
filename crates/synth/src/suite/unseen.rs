//! More classes, written after the detectors had been improved with the help of the others, and measured before anyone looked
//! at what they get wrong: how right the verdicts are on columns that nobody had in mind.

use super::draws::Draws;
use super::numbers::{grouped, gtin, luhn, mod_11_2, mod_97, weighted};
use super::{Class, Style, contact, plain, west};
use crate::words::{GIVEN, SURNAMES};

/// The classes.
pub(super) const CLASSES: &[Class] = &[
    Class::proven(
        "unseen resident number",
        &["holder_cert_num", "证件号码", "cert_no", "applicant_idcard"],
        &[resident],
    )
    .same(&["cn-resident-id"]),
    Class::proven(
        "unseen mobile number",
        &["link_phone", "buyer_tel", "收货人手机", "contactMobile"],
        &[mobile],
    )
    .same(&["cn-mobile"]),
    Class::proven(
        "unseen address",
        &["mail_address_1", "loginEmail", "user.email", "e-mail (privat)"],
        &[email],
    )
    .same(&["email"]),
    Class::proven("unseen account", &["rib", "compte_iban", "refund_account_iban"], &[contact::german])
        .same(&["iban"]),
    Class::proven("unseen BSN", &["burger_service_nummer", "client_bsn"], &[west::netherlands])
        .same(&["nl-bsn"]),
    Class::unproven(
        "unseen name",
        &["cardholderName", "consignee_name", "guest_full_name", "nom_prenom"],
        &[plain::latin],
    )
    .same(&["person-name"]),
    Class::unproven("unseen Chinese name", &["buyer_name", "收件人姓名", "linkman", "jzxm"], &[chinese])
        .same(&["cn-name"]),
    Class::unproven("unseen day of birth", &["born_at", "patient_dob", "birthDay", "geb_datum"], BIRTHDAYS)
        .same(&["date-of-birth"]),
    Class::unproven(
        "unseen phone number",
        &["tel_portable", "emergency_phone", "customer_phone_1", "téléphone_fixe"],
        PHONES,
    )
    .same(&["phone", "phone-national"]),
    Class::nobody("unseen LEI", &["lei", "entity_code"], &[lei]),
    Class::nobody("unseen ISIN", &["isin", "security_id"], &[isin]),
    Class::nobody(
        "unseen container",
        &["container_no", "unit_no"],
        &[|d| format!("{}U{}", d.of_letters("CHMST", 3), d.digits(7))],
    ),
    Class::nobody("unseen SSCC", &["sscc", "pallet_id"], &[|d| gtin(&format!("3{}", d.digits(16)))]),
    Class::nobody("unseen routing number", &["aba", "routing_number"], &[routing]),
    Class::nobody(
        "unseen VAT number",
        &["vat_id", "ust_id"],
        &[|d| format!("DE{}", d.digits(9)), |d| format!("ATU{}", d.digits(8))],
    ),
    Class::nobody("unseen ISSN", &["issn", "series"], &[|d| grouped(&mod_11_weighted(d), &[4, 4], &["-"])]),
    Class::nobody(
        "unseen licence key",
        &["license_key", "activation_code"],
        &[|d| grouped(&d.of_letters(KEY, 25), &[5, 5, 5, 5, 5], &["-"])],
    ),
    Class::nobody("unseen provider", &["npi", "provider_id"], &[|d| npi(d)]),
    Class::nobody(
        "unseen flight",
        &["flight", "route"],
        &[|d| format!("{}{}", d.pick(&["LH", "CA", "BA"]), d.within(10, 9_999))],
    ),
    Class::nobody(
        "unseen reading",
        &["temperature", "voltage", "value", "score"],
        &[|d| format!("{}.{}", d.below(300), d.digits(3)), |d| d.within(100_000, 999_999).to_string()],
    ),
    Class::nobody(
        "unseen time",
        &["duration", "opened", "slot"],
        &[
            |d| format!("{:02}:{:02}:{:02}", d.below(24), d.below(60), d.below(60)),
            |d| format!("{:02}/{:02}/{}", d.within(1, 12), d.within(1, 28), d.within(2019, 2025)),
        ],
    ),
    Class::nobody(
        "unseen template",
        &["template_name", "subject", "reason"],
        &[
            |d| {
                format!(
                    "{} {}",
                    d.pick(&["Welcome", "Second", "Final"]),
                    d.pick(&["Reminder", "Notice", "Letter"])
                )
            },
            |d| {
                format!(
                    "{} of {}",
                    d.pick(&["Return", "Loss", "Delay"]),
                    d.pick(&["goods", "parcel", "parts"])
                )
            },
        ],
    )
    .own_name(),
    Class::nobody(
        "unseen machine",
        &["db_host_ip", "core_switch_mac", "nameserver_ip"],
        &[contact::ip, |d| contact::mac(d, ":")],
    )
    .own_name(),
    Class::nobody(
        "unseen organisation",
        &["org_code", "组织机构代码"],
        &[|d| format!("{}-{}", d.digits(8), d.digits(1))],
    ),
];

const KEY: &str = "ABCDEFGHJKMNPQRSTVWXYZ23456789";

fn resident(d: &mut Draws) -> String {
    let (year, month, day) = d.birthday();
    mod_11_2(&format!("7812{:02}{year}{month:02}{day:02}{:03}", d.within(1, 40), d.within(1, 999)))
}

fn mobile(d: &mut Draws) -> String {
    format!("{}{}", d.pick(&["154", "194"]), d.digits(8))
}

fn email(d: &mut Draws) -> String {
    format!("{}-{}@{}.example", plain::word(d), d.digits(2), plain::word(d))
}

fn chinese(d: &mut Draws) -> String {
    format!("{}{}{}", d.pick(SURNAMES), d.pick(GIVEN), d.pick(GIVEN))
}

const BIRTHDAYS: &[Style] = &[
    |d| day(d, |year, month, day| format!("{day}-{month}-{year}")),
    |d| day(d, |year, month, day| format!("{year}.{month:02}.{day:02}")),
    |d| day(d, |year, month, day| format!("{year}-{month:02}-{day:02} 00:00:00+08")),
];

fn day(draws: &mut Draws, write: impl Fn(u64, u64, u64) -> String) -> String {
    let (year, month, day) = draws.birthday();
    write(year, month, day)
}

const PHONES: &[Style] = &[
    |d| format!("+353 1 {} {}", d.digits(3), d.digits(4)),
    |d| format!("0{} {}", d.within(211, 989), d.digits(7)),
    |d| format!("(0{}) {}-{}", d.within(21, 99), d.digits(3), d.digits(4)),
];

/// ISO 17442: eighteen letters and digits, and two check digits.
fn lei(d: &mut Draws) -> String {
    let first = format!("5299{}{}", d.digits(2), d.of_letters(KEY, 12));
    format!("{first}{:02}", 98 - mod_97(&format!("{first}00")))
}

/// ISO 6166: Luhn over the digits, letters being two.
fn isin(d: &mut Draws) -> String {
    let number = d.digits(9);
    let digits = format!("3028{number}");
    let check = luhn(&digits);
    format!("US{number}{}", check.get(digits.len()..).unwrap_or_default())
}

fn routing(d: &mut Draws) -> String {
    let first = format!("{:02}{}", d.within(1, 12), d.digits(6));
    format!("{first}{}", (10 - weighted(&first, &[3, 7, 1]) % 10) % 10)
}

fn mod_11_weighted(d: &mut Draws) -> String {
    let first = d.digits(7);
    match (11 - weighted(&first, &[8, 7, 6, 5, 4, 3, 2]) % 11) % 11 {
        10 => format!("{first}X"),
        check => format!("{first}{check}"),
    }
}

/// The check digit of Luhn as if 80840 stood before.
fn npi(d: &mut Draws) -> String {
    let full = luhn(&format!("808401{}", d.digits(8)));
    full.get(5..).unwrap_or_default().to_owned()
}
