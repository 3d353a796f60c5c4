//! Numbers that Asian states give to people.

use super::Class;
use super::draws::Draws;
use super::numbers::{digit, grouped, luhn, mod_11_2, verhoeff, weighted};
use crate::number::{credit_check, organisation_check};

/// The classes of this region.
pub(super) const CLASSES: &[Class] = &[
    Class::proven(
        "cn-resident-id",
        &["sfzh", "身份证号码", "citizen_id_no", "zjhm"],
        &[resident, |d| resident(d).to_lowercase(), |d| grouped(&resident(d), &[6, 8, 4], &[" "])],
    ),
    Class::unproven("cn-resident-id-15", &["old_id_card", "sfzh15", "身份证"], &[resident_15]),
    Class::proven("cn-foreigner-card", &["yjj_no", "永居证号"], &[foreigner]),
    Class::proven("cn-residence-permit", &["jzz_no", "居住证号码"], &[permit]),
    Class::proven("cn-credit-code", &["uscc", "统一社会信用代码", "credit_code"], &[credit]),
    Class::unproven(
        "cn-passport",
        &["passport_no", "护照号"],
        &[|d| format!("E{}{}", d.of_letters("ABCDEFGHJK", 1), d.digits(7)), |d| format!("E{}", d.digits(8))],
    )
    .same(&["passport"]),
    Class::unproven(
        "cn-travel-permit-hk-macau",
        &["hxz_no", "回乡证号", "港澳居民来往内地通行证"],
        &[|d| format!("{}{}", d.of_letters("HM", 1), d.digits(8))],
    ),
    Class::unproven(
        "cn-exit-entry-permit",
        &["txz_no", "港澳通行证号"],
        &[|d| format!("C{}{}", d.of_letters("ABCDEF", 1), d.digits(7))],
    ),
    Class::proven(
        "hk-id",
        &["hkid", "hkid_no", "香港身份证"],
        &[|d| hong_kong(d, true), |d| hong_kong(d, false)],
    ),
    Class::proven("tw-id", &["身分證字號", "tw_id_no"], &[taiwan]),
    Class::proven(
        "ae-emirates-id",
        &["emirates_id", "eid_no"],
        &[|d| grouped(&emirates(d), &[3, 4, 7, 1], &["-"]), emirates],
    ),
    Class::unproven("id-nik", &["nik", "nomor_nik"], &[indonesia]),
    Class::proven(
        "il-id",
        &["teudat_zehut", "mispar_zehut"],
        &[|d| luhn(&format!("{}{}", d.below(4), d.digits(7)))],
    )
    .same(&["ca-sin"]),
    Class::proven(
        "in-aadhaar",
        &["aadhaar", "aadhaar_no"],
        &[india, |d| grouped(&india(d), &[4, 4, 4], &[" "])],
    ),
    Class::proven(
        "in-pan",
        &["pan_no", "pan_number"],
        &[|d| {
            format!(
                "{}P{}{}{}",
                d.of_letters("ABCDEFGHJKLMNPRST", 3),
                d.of_letters("ABCDGKMNPRSV", 1),
                d.digits(4),
                d.of_letters("ABCDEFGHJKLMNPQRSTUVWXYZ", 1)
            )
        }],
    ),
    Class::proven(
        "jp-my-number",
        &["my_number", "kojin_bango", "個人番号"],
        &[japan, |d| grouped(&japan(d), &[4, 4, 4], &[" "])],
    ),
    Class::unproven("kr-rrn", &["rrn", "jumin_no", "주민등록번호"], &[|d| korea(d, "-"), |d| korea(d, "")]),
    Class::unproven("my-mykad", &["mykad", "ic_no", "nric"], &[|d| malaysia(d, "-"), |d| malaysia(d, "")]),
    Class::unproven(
        "pk-cnic",
        &["cnic", "cnic_no"],
        &[|d| format!("{}{}-{}-{}", d.within(1, 7), d.digits(4), d.digits(7), d.digits(1))],
    ),
    Class::proven(
        "sa-national-id",
        &["iqama_no", "national_id_sa"],
        &[|d| luhn(&format!("{}{}", d.within(1, 2), d.digits(8)))],
    ),
    Class::proven("sg-nric", &["nric", "nric_fin"], &[singapore]),
    Class::proven(
        "th-pin",
        &["thai_id", "citizen_id_th"],
        &[thailand, |d| grouped(&thailand(d), &[1, 4, 5, 2, 1], &["-"])],
    ),
    Class::unproven("vn-cccd", &["cccd", "so_cccd"], &[vietnam]),
];

fn day(d: &mut Draws) -> String {
    let (year, month, day) = d.birthday();
    format!("{year:04}{month:02}{day:02}")
}

/// Region 78xxxx is allocated to nobody.
fn resident(d: &mut Draws) -> String {
    let region = format!("78{:02}{:02}", d.within(1, 30), d.within(1, 30));
    mod_11_2(&format!("{region}{}{:03}", day(d), d.within(1, 999)))
}

fn resident_15(d: &mut Draws) -> String {
    let (year, month, day) = (d.within(30, 85), d.within(1, 12), d.within(1, 28));
    format!(
        "78{:02}{:02}{year:02}{month:02}{day:02}{:03}",
        d.within(1, 30),
        d.within(1, 30),
        d.within(1, 999)
    )
}

/// A card of the form of 2023: 9, province, country, day, sequence.
fn foreigner(d: &mut Draws) -> String {
    let nation = d.pick(&["840", "826", "392", "410", "250", "276"]);
    mod_11_2(&format!("911{}{}{:03}", nation.get(..3).unwrap_or_default(), day(d), d.within(1, 999)))
}

fn permit(d: &mut Draws) -> String {
    mod_11_2(&format!("{}0000{}{:03}", d.pick(&["81", "82", "83"]), day(d), d.within(1, 999)))
}

fn credit(d: &mut Draws) -> String {
    let serial: [u8; 8] = std::array::from_fn(|_| b'0' + d.below(10) as u8);
    let organisation = char::from(organisation_check(&serial));
    let region = format!("78{:02}{:02}", d.within(1, 30), d.within(1, 30));
    let serial: String = serial.iter().map(|&byte| char::from(byte)).collect();
    let first = format!("{}{region}{serial}{organisation}", d.pick(&["91", "92", "93"]));
    format!("{first}{}", char::from(credit_check(first.as_bytes())))
}

fn hong_kong(d: &mut Draws, brackets: bool) -> String {
    let letter = d.letter("ABCDEFGHKMPRVYZ").unwrap_or('A');
    let number = d.digits(6);
    let sum = 36 * 9 + (letter as u32 - 55) * 8 + weighted(&number, &[7, 6, 5, 4, 3, 2]);
    let check = match (11 - sum % 11) % 11 {
        10 => "A".to_owned(),
        check => check.to_string(),
    };
    if brackets { format!("{letter}{number}({check})") } else { format!("{letter}{number}{check}") }
}

/// The letters in the order of their numbers from 10 on.
fn taiwan(d: &mut Draws) -> String {
    const ORDER: &str = "ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let at = d.below(22) as u32;
    let letter = ORDER.chars().nth(at as usize).unwrap_or('A');
    let number = format!("{}{}", d.within(1, 2), d.digits(7));
    let code = at + 10;
    let sum = code / 10 + code % 10 * 9 + weighted(&number, &[8, 7, 6, 5, 4, 3, 2, 1]);
    format!("{letter}{number}{}", (10 - sum % 10) % 10)
}

fn emirates(d: &mut Draws) -> String {
    let (year, ..) = d.birthday();
    luhn(&format!("784{year}{}", d.digits(7)))
}

fn indonesia(d: &mut Draws) -> String {
    let (year, month, day) = d.birthday();
    let day = day + if d.one_in(2) { 40 } else { 0 };
    let place = d.pick(&["317101", "327305", "357801", "337410", "517103", "127106"]);
    format!("{place}{day:02}{month:02}{:02}{:04}", year % 100, d.within(1, 40))
}

fn india(d: &mut Draws) -> String {
    verhoeff(&format!("{}{}", d.within(2, 9), d.digits(10)))
}

fn japan(d: &mut Draws) -> String {
    let first = d.digits(11);
    match weighted(&first, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
        0..=1 => format!("{first}0"),
        rest => format!("{first}{}", 11 - rest),
    }
}

/// Until October 2020 the last digit was a check digit.
fn korea(d: &mut Draws, sign: &str) -> String {
    let (year, month, day) = d.birthday();
    let sex = d.within(1, 2) + if year < 2000 { 0 } else { 2 };
    let first = format!("{:02}{month:02}{day:02}{sex}{}", year % 100, d.digits(5));
    let check = (11 - weighted(&first, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10;
    grouped(&format!("{first}{check}"), &[6, 7], &[sign])
}

fn malaysia(d: &mut Draws, sign: &str) -> String {
    let (year, month, day) = d.birthday();
    let number = format!("{:02}{month:02}{day:02}{:02}{}", year % 100, d.within(1, 14), d.digits(4));
    grouped(&number, &[6, 2, 4], &[sign])
}

fn singapore(d: &mut Draws) -> String {
    let (series, number) = (d.letter("STFG").unwrap_or('S'), d.digits(7));
    let offset = if matches!(series, 'T' | 'G') { 4 } else { 0 };
    let letters = if matches!(series, 'S' | 'T') { "JZIHGFEDCBA" } else { "XWUTRQPNMLK" };
    let rest = (weighted(&number, &[2, 7, 6, 5, 4, 3, 2]) + offset) % 11;
    format!("{series}{number}{}", letters.chars().nth(rest as usize).unwrap_or('A'))
}

fn thailand(d: &mut Draws) -> String {
    let first = format!("{}{}", d.within(1, 8), d.digits(11));
    let sum: u32 = first.bytes().zip((2..=13).rev()).map(|(byte, weight)| digit(byte) * weight).sum();
    format!("{first}{}", (11 - sum % 11) % 10)
}

fn vietnam(d: &mut Draws) -> String {
    let (year, ..) = d.birthday();
    let sex = d.below(2) + if year < 2000 { 0 } else { 2 };
    let place = d.pick(&["001", "079", "048", "031", "092", "036", "038"]);
    format!("{place}{sex}{:02}{}", year % 100, d.digits(6))
}
