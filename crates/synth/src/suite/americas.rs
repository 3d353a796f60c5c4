//! Numbers that American, African and Pacific states give to people.

use super::Class;
use super::draws::Draws;
use super::numbers::{grouped, luhn, single, weighted};

/// The classes of this region.
pub(super) const CLASSES: &[Class] = &[
    Class::proven(
        "ar-cuil",
        &["cuil", "cuit", "cuil_empleado"],
        &[argentina, |d| grouped(&argentina(d), &[2, 8, 1], &["-"])],
    ),
    Class::unproven(
        "ar-dni",
        &["dni", "nro_dni"],
        &[
            |d| d.within(10_000_000, 59_999_999).to_string(),
            |d| grouped(&d.within(10_000_000, 59_999_999).to_string(), &[2, 3, 3], &["."]),
        ],
    ),
    Class::proven(
        "au-medicare",
        &["medicare_no", "medicare_number"],
        &[medicare, |d| grouped(&medicare(d), &[4, 5, 1], &[" "])],
    ),
    Class::proven(
        "au-tfn",
        &["tfn", "tax_file_number"],
        &[australia, |d| grouped(&australia(d), &[3, 3, 3], &[" "])],
    ),
    Class::proven(
        "br-cnpj",
        &["cnpj", "cnpj_mei"],
        &[cnpj, |d| grouped(&cnpj(d), &[2, 3, 3, 4, 2], &[".", ".", "/", "-"])],
    ),
    Class::proven(
        "br-cpf",
        &["cpf", "cpf_titular", "nr_cpf"],
        &[cpf, |d| grouped(&cpf(d), &[3, 3, 3, 2], &[".", ".", "-"])],
    ),
    Class::proven(
        "ca-sin",
        &["sin", "social_insurance_number"],
        &[canada, |d| grouped(&canada(d), &[3, 3, 3], &["-"]), |d| grouped(&canada(d), &[3, 3, 3], &[" "])],
    )
    .same(&["il-id"]),
    Class::proven("cl-rut", &["rut", "rut_cliente"], &[|d| chile(d, true), |d| chile(d, false)]),
    Class::unproven("co-nit", &["nit", "nit_cliente"], &[colombia]),
    Class::proven(
        "do-cedula",
        &["cedula", "cedula_identidad"],
        &[|d| grouped(&dominican(d), &[3, 7, 1], &["-"]), dominican],
    ),
    Class::proven("ec-cedula", &["cedula", "cedula_ec"], &[ecuador]),
    Class::unproven("eg-national-id", &["national_id", "egypt_national_id"], &[egypt]),
    Class::proven("mx-curp", &["curp", "curp_empleado"], &[curp]),
    Class::proven("mx-rfc", &["rfc", "rfc_cliente"], &[rfc]),
    Class::unproven("ng-nin", &["nin", "nin_number"], &[|d| format!("{}{}", d.within(1, 9), d.digits(10))]),
    Class::proven("nz-ird", &["ird", "ird_number"], &[|d| grouped(&zealand(d), &[2, 3, 3], &["-"]), zealand]),
    Class::unproven("us-itin", &["itin", "itin_no"], &[|d| us(d, true, "-")]),
    Class::unproven(
        "us-ssn",
        &["ssn", "social_security_no", "employee_ssn"],
        &[|d| us(d, false, "-"), |d| us(d, false, ""), |d| us(d, false, " ")],
    ),
    Class::proven("za-id", &["sa_id_number", "id_number", "rsa_id"], &[africa]),
];

fn argentina(d: &mut Draws) -> String {
    d.until(|d| {
        let first = format!("{}{:08}", d.pick(&["20", "23", "24", "27"]), d.within(10_000_000, 59_999_999));
        let check = (11 - weighted(&first, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        single(check).map(|check| format!("{first}{check}"))
    })
}

fn medicare(d: &mut Draws) -> String {
    let first = format!("{}{}", d.within(2, 6), d.digits(7));
    format!("{first}{}{}", weighted(&first, &[1, 3, 7, 9]) % 10, d.within(1, 9))
}

fn australia(d: &mut Draws) -> String {
    d.until(|d| {
        let number = format!("{}{}", d.within(1, 8), d.digits(8));
        weighted(&number, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11).then_some(number)
    })
}

fn modulus(digits: &str, weights: &[u32]) -> u32 {
    match 11 - weighted(digits, weights) % 11 {
        check @ 0..=9 => check,
        _ => 0,
    }
}

fn cnpj(d: &mut Draws) -> String {
    let first = format!("{}0001", d.digits(8));
    let first = format!("{first}{}", modulus(&first, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    format!("{first}{}", modulus(&first, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]))
}

fn cpf(d: &mut Draws) -> String {
    let first = d.digits(9);
    let first = format!("{first}{}", modulus(&first, &[10, 9, 8, 7, 6, 5, 4, 3, 2]));
    format!("{first}{}", modulus(&first, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]))
}

fn canada(d: &mut Draws) -> String {
    luhn(&format!("{}{}", d.within(1, 7), d.digits(7)))
}

fn chile(d: &mut Draws, dots: bool) -> String {
    let number = format!("{:08}", d.within(5_000_000, 25_999_999));
    let check = match (11 - weighted(&number, &[3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11 {
        10 => "K".to_owned(),
        check => check.to_string(),
    };
    let short = number.trim_start_matches('0');
    let lead = short.len() - 6;
    let number = if dots { grouped(short, &[lead, 3, 3], &["."]) } else { short.to_owned() };
    format!("{number}-{check}")
}

fn colombia(d: &mut Draws) -> String {
    let first = format!("{}{}", d.within(8, 9), d.digits(8));
    let check = match weighted(&first, &[41, 37, 29, 23, 19, 17, 13, 7, 3]) % 11 {
        check @ 0..=1 => check,
        check => 11 - check,
    };
    format!("{first}-{check}")
}

fn dominican(d: &mut Draws) -> String {
    luhn(&format!("{}{}", d.pick(&["001", "402", "031", "023"]), d.digits(7)))
}

fn ecuador(d: &mut Draws) -> String {
    luhn(&format!("{:02}{}{}", d.within(1, 24), d.within(0, 5), d.digits(6)))
}

fn egypt(d: &mut Draws) -> String {
    let (year, month, day) = d.birthday();
    let century = if year < 2000 { 2 } else { 3 };
    let place = d.pick(&["01", "02", "12", "13", "14", "16", "21", "25"]);
    format!("{century}{:02}{month:02}{day:02}{place}{}", year % 100, d.digits(5))
}

/// Four letters of the names and the day of birth, as CURP and RFC begin.
fn mexican(d: &mut Draws) -> String {
    let (year, month, day) = d.birthday();
    let letters = d.of_letters("BCDFGHLMNPRSTVZ", 1) + &d.of_letters("AEIU", 1);
    format!("{letters}{}{:02}{month:02}{day:02}", d.of_letters("BCDFGHLMNPRSTVZ", 2), year % 100)
}

fn place_in(alphabet: &str, letter: char) -> usize {
    alphabet.chars().position(|known| known == letter).unwrap_or(0)
}

fn curp(d: &mut Draws) -> String {
    const ALPHABET: &str = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ";
    let states = ["AS", "BC", "CH", "DF", "JC", "MC", "NL", "OC", "PL", "VZ"];
    let begin = mexican(d);
    let rest = format!("{}{}{}", d.of_letters("HM", 1), d.pick(&states), d.of_letters("BCDFGLMNPRSTVZ", 3));
    let year: u64 = begin.get(4..6).and_then(|year| year.parse().ok()).unwrap_or(0);
    let homonym = if year < 13 { d.of_letters("ABCD", 1) } else { d.digits(1) };
    let first = format!("{begin}{rest}{homonym}");
    let sum: usize =
        first.chars().zip((2..=18).rev()).map(|(it, weight)| place_in(ALPHABET, it) * weight).sum();
    format!("{first}{}", (10 - sum % 10) % 10)
}

fn rfc(d: &mut Draws) -> String {
    const ALPHABET: &str = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ";
    let first = mexican(d) + &d.of_letters("123456789ABCDEFGH", 2);
    let sum: usize =
        first.chars().zip((2..=13).rev()).map(|(it, weight)| place_in(ALPHABET, it) * weight).sum();
    match (11 - sum % 11) % 11 {
        10 => format!("{first}A"),
        check => format!("{first}{check}"),
    }
}

fn zealand(d: &mut Draws) -> String {
    d.until(|d| {
        let first = d.within(1_000_000, 9_999_999).to_string();
        let check = (11 - weighted(&first, &[2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        single(check).map(|check| format!("{first}{check}"))
    })
}

fn us(d: &mut Draws, taxpayer: bool, sign: &str) -> String {
    let area = if taxpayer { d.within(900, 999) } else { d.until_area() };
    let group = if taxpayer { d.within(70, 88) } else { d.within(1, 99) };
    grouped(&format!("{area:03}{group:02}{:04}", d.within(1, 9_999)), &[3, 2, 4], &[sign])
}

impl Draws {
    /// An area of social security numbers: 666 was never given.
    fn until_area(&mut self) -> u64 {
        match self.within(1, 899) {
            666 => 665,
            area => area,
        }
    }
}

fn africa(d: &mut Draws) -> String {
    let (year, month, day) = d.birthday();
    luhn(&format!("{:02}{month:02}{day:02}{}{}8", year % 100, d.digits(4), d.below(2)))
}
