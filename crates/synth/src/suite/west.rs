//! Numbers that western and northern European states give to people.

use super::draws::Draws;
use super::numbers::{grouped, gtin, luhn, mod_11_10, single, value, weighted};
use super::{Class, Style};

const DNI: &str = "TRWAGMYFPDXBNJZSQVHLCKE";
const HETU: &str = "0123456789ABCDEFHJKLMNPRSTUVWXY";

/// The classes of this region.
pub(super) const CLASSES: &[Class] = &[
    Class::proven(
        "at-svnr",
        &["svnr", "sozialversicherungsnr", "sv_nummer"],
        &[austria, |d| grouped(&austria(d), &[4, 6], &[" "])],
    ),
    Class::proven(
        "be-nn",
        &["rijksregisternummer", "numero_national", "nn"],
        &[belgium, |d| grouped(&belgium(d), &[2, 2, 2, 3, 2], &[".", ".", "-", "."])],
    ),
    Class::proven(
        "ch-ahv",
        &["ahv_nr", "avs", "ahv_nummer"],
        &[swiss, |d| grouped(&swiss(d), &[3, 4, 4, 2], &["."])],
    ),
    Class::proven(
        "de-idnr",
        &["steuer_id", "steuerliche_idnr", "idnr"],
        &[germany, |d| grouped(&germany(d), &[2, 3, 3, 3], &[" "])],
    ),
    Class::unproven(
        "dk-cpr",
        &["cpr", "cpr_nr", "personnummer_dk"],
        &[|d| denmark(d, "-"), |d| denmark(d, "")],
    ),
    Class::proven(
        "es-dni",
        &["dni", "nif", "documento_dni"],
        &[
            spain,
            |d| grouped(&spain(d), &[8, 1], &["-"]),
            |d| grouped(&spain(d), &[2, 3, 3, 1], &[".", ".", "-"]),
        ],
    ),
    Class::proven(
        "es-nie",
        &["nie", "numero_nie"],
        &[foreigner, |d| grouped(&foreigner(d), &[1, 7, 1], &["-"])],
    ),
    Class::proven("fi-hetu", &["hetu", "henkilotunnus"], &[finland]),
    Class::proven(
        "fr-nir",
        &["nir", "numero_securite_sociale", "num_secu"],
        &[france, |d| grouped(&france(d), &[1, 2, 2, 2, 3, 3, 2], &[" "])],
    ),
    Class::proven(
        "gb-nhs",
        &["nhs_number", "nhs_no", "patient_nhs"],
        &[nhs, |d| grouped(&nhs(d), &[3, 3, 4], &[" "])],
    ),
    Class::proven(
        "gb-nino",
        &["nino", "national_insurance_no", "ni_number"],
        &[nino, |d| grouped(&nino(d), &[2, 2, 2, 2, 1], &[" "])],
    ),
    Class::proven("ie-pps", &["pps", "pps_number", "ppsn"], &[ireland]),
    Class::proven(
        "is-kennitala",
        &["kennitala", "kt"],
        &[iceland, |d| grouped(&iceland(d), &[6, 4], &["-"])],
    ),
    Class::proven(
        "it-codice-fiscale",
        &["codice_fiscale", "cod_fiscale", "cf"],
        &[italy, |d| italy(d).to_lowercase()],
    ),
    Class::proven("nl-bsn", &["bsn", "burgerservicenummer", "sofinummer"], &[netherlands]),
    Class::proven(
        "no-fnr",
        &["fodselsnummer", "fnr", "personnummer_no"],
        &[norway, |d| grouped(&norway(d), &[6, 5], &[" "])],
    ),
    Class::proven(
        "pt-nif",
        &["nif_pt", "contribuinte", "nif"],
        &[portugal, |d| grouped(&portugal(d), &[3, 3, 3], &[" "])],
    ),
    Class::proven("se-personnummer", &["personnummer", "pnr", "persnr"], SWEDISH),
];

const SWEDISH: &[Style] =
    &[|d| sweden(d, false, "-"), |d| sweden(d, true, "-"), |d| sweden(d, true, ""), |d| sweden(d, false, "")];

fn compact(d: &mut Draws) -> String {
    let (year, month, day) = d.birthday();
    format!("{day:02}{month:02}{:02}", year % 100)
}

fn austria(d: &mut Draws) -> String {
    d.until(|d| {
        let (serial, day) = (d.within(100, 999).to_string(), compact(d));
        let sum = weighted(&serial, &[3, 7, 9]) + weighted(&day, &[5, 8, 4, 2, 1, 6]);
        single(sum % 11).map(|check| format!("{serial}{check}{day}"))
    })
}

fn belgium(d: &mut Draws) -> String {
    let (year, month, day) = d.birthday();
    let first = format!("{:02}{month:02}{day:02}{:03}", year % 100, d.within(1, 997));
    let century = if year < 2000 { 0 } else { 2_000_000_000 };
    format!("{first}{:02}", 97 - (value(&first) + century) % 97)
}

fn swiss(d: &mut Draws) -> String {
    gtin(&format!("756{}", d.digits(9)))
}

/// Of the first ten digits one stands there twice, one not at all.
fn germany(d: &mut Draws) -> String {
    d.until(|d| {
        let mut left: Vec<char> = "0123456789".chars().collect();
        let missing = d.below(10) as usize;
        let twice = left.get((missing + 1 + d.below(9) as usize) % 10).copied()?;
        *left.get_mut(missing)? = twice;
        let mut first = String::new();
        while !left.is_empty() {
            first.push(left.swap_remove(d.below(left.len() as u64) as usize));
        }
        (!first.starts_with('0')).then(|| mod_11_10(&first))
    })
}

fn denmark(d: &mut Draws, sign: &str) -> String {
    format!("{}{sign}{:04}", compact(d), d.within(1, 4_999))
}

fn control(letters: &str, number: u64) -> char {
    letters.chars().nth((number % letters.len() as u64) as usize).unwrap_or('?')
}

fn spain(d: &mut Draws) -> String {
    let number = d.within(1_000_000, 99_999_999);
    format!("{number:08}{}", control(DNI, number))
}

fn foreigner(d: &mut Draws) -> String {
    let (series, rest) = (d.below(3), d.below(10_000_000));
    let letter = control("XYZ", series);
    format!("{letter}{rest:07}{}", control(DNI, series * 10_000_000 + rest))
}

fn finland(d: &mut Draws) -> String {
    let (year, month, day) = d.birthday();
    let (day, serial) = (format!("{day:02}{month:02}{:02}", year % 100), d.within(2, 899));
    let sign = if year < 2000 { '-' } else { 'A' };
    format!("{day}{sign}{serial:03}{}", control(HETU, value(&format!("{day}{serial:03}"))))
}

fn france(d: &mut Draws) -> String {
    let (year, month, _) = d.birthday();
    let department = d.until(|d| Some(d.within(1, 95)).filter(|it| *it != 20).map(|it| format!("{it:02}")));
    let first = format!(
        "{}{:02}{month:02}{department}{:03}{:03}",
        d.within(1, 2),
        year % 100,
        d.within(1, 680),
        d.within(1, 999)
    );
    format!("{first}{:02}", 97 - value(&first) % 97)
}

fn nhs(d: &mut Draws) -> String {
    d.until(|d| {
        let first = format!("{}{}", d.within(4, 7), d.digits(8));
        let check = (11 - weighted(&first, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        single(check).map(|check| format!("{first}{check}"))
    })
}

fn nino(d: &mut Draws) -> String {
    d.until(|d| {
        let letters = d.of_letters("ABCEGHJKLMNOPRSTWXYZ", 1) + &d.of_letters("ABCEGHJKLMNPRSTWXYZ", 1);
        let never = ["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"].contains(&letters.as_str());
        (!never).then(|| format!("{letters}{}{}", d.digits(6), d.of_letters("ABCD", 1)))
    })
}

fn ireland(d: &mut Draws) -> String {
    let (first, second) = (format!("{}{}", d.within(1, 9), d.digits(6)), d.one_in(4));
    let sum = weighted(&first, &[8, 7, 6, 5, 4, 3, 2]) + if second { 9 } else { 0 };
    let check = control("WABCDEFGHIJKLMNOPQRSTUV", u64::from(sum));
    format!("{first}{check}{}", if second { "A" } else { "" })
}

fn iceland(d: &mut Draws) -> String {
    d.until(|d| {
        let (year, month, day) = d.birthday();
        let first = format!("{day:02}{month:02}{:02}{:02}", year % 100, d.within(20, 99));
        let check = (11 - weighted(&first, &[3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        single(check).map(|check| format!("{first}{check}{}", if year < 2000 { 9 } else { 0 }))
    })
}

/// The check letter: values of the odd places by a table of the decree of 12 March 1974.
fn italy(d: &mut Draws) -> String {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let (year, month, day) = d.birthday();
    let letters = d.of_letters("BCDFGLMNPRSTVZ", 2)
        + &d.of_letters("BCDFGLMNPRSTVZAEIO", 1)
        + &d.of_letters("BCDFGLMNPRSTVZ", 2)
        + &d.of_letters("BCDFGLMNPRSTVZAEIO", 1);
    let month = control("ABCDEHLMPRST", month - 1);
    let day = day + if d.one_in(2) { 40 } else { 0 };
    let place = format!("{}{:03}", d.of_letters("ABCDEFGHILM", 1), d.within(1, 998));
    let first = format!("{letters}{:02}{month}{day:02}{place}", year % 100);
    let index = |byte: u8| u32::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' });
    let sum: u32 = first
        .bytes()
        .enumerate()
        .map(|(at, byte)| match at % 2 {
            0 => ODD.get(index(byte) as usize).copied().unwrap_or(0),
            _ => index(byte),
        })
        .sum();
    format!("{first}{}", control("ABCDEFGHIJKLMNOPQRSTUVWXYZ", u64::from(sum)))
}

pub(super) fn netherlands(d: &mut Draws) -> String {
    d.until(|d| {
        let first = format!("{}{}", d.within(1, 9), d.digits(7));
        single(weighted(&first, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11).map(|check| format!("{first}{check}"))
    })
}

fn norway(d: &mut Draws) -> String {
    d.until(|d| {
        let (year, month, day) = (d.within(1940, 1999), d.within(1, 12), d.within(1, 28));
        let first = format!("{day:02}{month:02}{:02}{:03}", year % 100, d.below(500));
        let one = single((11 - weighted(&first, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11) % 11)?;
        let first = format!("{first}{one}");
        let two = single((11 - weighted(&first, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11)?;
        Some(format!("{first}{two}"))
    })
}

fn portugal(d: &mut Draws) -> String {
    let first = format!("{}{}", d.within(1, 3), d.digits(7));
    let check = 11 - weighted(&first, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    format!("{first}{}", if check > 9 { 0 } else { check })
}

fn sweden(d: &mut Draws, century: bool, sign: &str) -> String {
    let (year, month, day) = d.birthday();
    let ten = luhn(&format!("{:02}{month:02}{day:02}{:03}", year % 100, d.within(1, 999)));
    let century = if century { (year / 100).to_string() } else { String::new() };
    format!("{century}{}", grouped(&ten, &[6, 4], &[sign]))
}
