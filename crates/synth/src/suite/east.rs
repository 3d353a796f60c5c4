//! Numbers that eastern European states and their neighbours give to people.

use super::Class;
use super::draws::Draws;
use super::numbers::{grouped, luhn, mod_11_10, single, value, weighted};

/// The classes of this region.
pub(super) const CLASSES: &[Class] = &[
    Class::proven("bg-egn", &["egn", "egn_number"], &[bulgaria]),
    Class::proven("cz-rc", &["rodne_cislo", "rc"], &[|d| czech(d, "/"), |d| czech(d, "")]),
    Class::proven("ee-isikukood", &["isikukood", "personal_code_ee"], &[estonia]),
    Class::proven("gr-amka", &["amka", "am_ka"], &[greece]),
    Class::proven("hr-oib", &["oib", "osobni_oib"], &[croatia]),
    Class::proven("hu-taj", &["taj", "taj_szam"], &[hungary, |d| grouped(&hungary(d), &[3, 3, 3], &[" "])]),
    Class::proven("kz-iin", &["iin", "iin_number"], &[kazakhstan]),
    Class::proven("lv-personal-code", &["personas_kods", "pk"], &[|d| latvia(d, "-"), |d| latvia(d, "")]),
    Class::proven("pl-pesel", &["pesel", "nr_pesel"], &[poland]),
    Class::proven("ro-cnp", &["cnp", "cod_numeric_personal"], &[romania]),
    Class::proven("ru-inn", &["inn", "inn_fl"], &[russia]),
    Class::proven("ru-snils", &["snils", "nomer_snils"], &[|d| snils(d, "-", " "), |d| snils(d, "", "")]),
    Class::proven("si-emso", &["emso", "jmbg"], &[slovenia]),
    Class::proven("tr-tckn", &["tckn", "tc_kimlik_no", "tc_no"], &[turkey]),
    Class::proven("ua-rnokpp", &["rnokpp", "ipn"], &[ukraine]),
];

fn bulgaria(d: &mut Draws) -> String {
    let (year, month, day) = d.birthday();
    let month = month + if year < 2000 { 0 } else { 40 };
    let first = format!("{:02}{month:02}{day:02}{}", year % 100, d.digits(3));
    format!("{first}{}", weighted(&first, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10)
}

fn czech(d: &mut Draws, sign: &str) -> String {
    d.until(|d| {
        let (year, month, day) = d.birthday();
        let month = month + if d.one_in(2) { 50 } else { 0 };
        let first = format!("{:02}{month:02}{day:02}{}", year % 100, d.digits(3));
        let check = single((value(&first) % 11) as u32)?;
        (year >= 1954).then(|| grouped(&format!("{first}{check}"), &[6, 4], &[sign]))
    })
}

fn estonia(d: &mut Draws) -> String {
    let (year, month, day) = d.birthday();
    let century = d.within(1, 2) + if year < 2000 { 2 } else { 4 };
    let first = format!("{century}{:02}{month:02}{day:02}{:03}", year % 100, d.within(1, 710));
    let sums = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 1], [3, 4, 5, 6, 7, 8, 9, 1, 2, 3]];
    let check = sums.iter().find_map(|weights| single(weighted(&first, weights) % 11)).unwrap_or(0);
    format!("{first}{check}")
}

fn greece(d: &mut Draws) -> String {
    let (year, month, day) = d.birthday();
    luhn(&format!("{day:02}{month:02}{:02}{}", year % 100, d.digits(4)))
}

fn croatia(d: &mut Draws) -> String {
    mod_11_10(&d.digits(10))
}

fn hungary(d: &mut Draws) -> String {
    let first = format!("{}{}", d.within(1, 9), d.digits(7));
    format!("{first}{}", weighted(&first, &[3, 7]) % 10)
}

fn kazakhstan(d: &mut Draws) -> String {
    d.until(|d| {
        let (year, month, day) = d.birthday();
        let century = d.within(1, 2) + if year < 2000 { 2 } else { 4 };
        let first = format!("{:02}{month:02}{day:02}{century}{}", year % 100, d.digits(4));
        let sums = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]];
        let check = sums.iter().find_map(|weights| single(weighted(&first, weights) % 11))?;
        Some(format!("{first}{check}"))
    })
}

fn latvia(d: &mut Draws, sign: &str) -> String {
    let (year, month, day) = d.birthday();
    let century = if year < 2000 { 1 } else { 2 };
    let first = format!("{day:02}{month:02}{:02}{century}{}", year % 100, d.digits(3));
    let check = (1 + weighted(&first, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9])) % 11 % 10;
    grouped(&format!("{first}{check}"), &[6, 5], &[sign])
}

fn poland(d: &mut Draws) -> String {
    let (year, month, day) = d.birthday();
    let month = month + if year < 2000 { 0 } else { 20 };
    let first = format!("{:02}{month:02}{day:02}{}", year % 100, d.digits(4));
    format!("{first}{}", (10 - weighted(&first, &[1, 3, 7, 9]) % 10) % 10)
}

fn romania(d: &mut Draws) -> String {
    let (year, month, day) = d.birthday();
    let sex = d.within(1, 2) + if year < 2000 { 0 } else { 4 };
    let first =
        format!("{sex}{:02}{month:02}{day:02}{:02}{:03}", year % 100, d.within(1, 46), d.within(1, 999));
    let check = weighted(&first, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    format!("{first}{}", if check == 10 { 1 } else { check })
}

fn russia(d: &mut Draws) -> String {
    let first = format!("{:02}{}", d.within(1, 92), d.digits(8));
    let one = weighted(&first, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10;
    let first = format!("{first}{one}");
    format!("{first}{}", weighted(&first, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10)
}

fn snils(d: &mut Draws, dash: &str, space: &str) -> String {
    let first = d.within(2_000_000, 199_999_999);
    let first = format!("{first:09}");
    let check = weighted(&first, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100;
    grouped(&format!("{first}{check:02}"), &[3, 3, 3, 2], &[dash, dash, space])
}

fn slovenia(d: &mut Draws) -> String {
    d.until(|d| {
        let (year, month, day) = d.birthday();
        let first = format!("{day:02}{month:02}{:03}50{}", year % 1000, d.digits(3));
        let check = (11 - weighted(&first, &[7, 6, 5, 4, 3, 2]) % 11) % 11;
        single(check).map(|check| format!("{first}{check}"))
    })
}

fn turkey(d: &mut Draws) -> String {
    let first = format!("{}{}", d.within(1, 9), d.digits(8));
    let (odd, even) = (weighted(&first, &[1, 0]), weighted(&first, &[0, 1]));
    let ten = (odd * 7 + 100 - even) % 10;
    format!("{first}{ten}{}", (odd + even + ten) % 10)
}

fn ukraine(d: &mut Draws) -> String {
    let first = format!("{:05}{:04}", d.within(13_000, 40_000), d.below(10_000));
    // The first weight is -1: ten more than that, modulo 11.
    format!("{first}{}", weighted(&first, &[10, 5, 7, 9, 4, 6, 10, 5, 7]) % 11 % 10)
}
