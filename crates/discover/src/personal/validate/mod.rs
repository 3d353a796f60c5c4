//! Validators: for each identifier that proves itself, one small function. A pack names the one it needs.
//!
//! A validator gets what a pack's shape has let through: ASCII, separators gone, letters in capitals (unless the pack says
//! that case matters), one of the lengths of the shape. It must still be total.

mod americas;
mod asia;
mod checks;
mod china;
mod east;
mod nordic;
mod west;
mod world;

use jiff::civil::Date;

use super::Facts;
pub(super) use checks::{Check, day, is_day, number, short_day};
pub(super) use china::to_18;

/// Decides about a value.
pub(super) type Validator = fn(&[u8]) -> Check;

/// Reads birth and region out of a value that passed.
pub(super) type Reader = fn(&[u8], Date) -> Facts;

/// Every validator by its name in packs, with what its values tell about a person.
const ALL: &[(&str, Validator, Option<Reader>)] = &[
    ("aadhaar", asia::aadhaar, None),
    ("ahv", west::ahv, None),
    ("amka", west::amka, Some(west::amka_facts)),
    ("at_vnr", west::at_vnr, Some(west::at_vnr_facts)),
    ("base58check", world::base58check, None),
    ("be_nn", west::be_nn, Some(west::be_nn_facts)),
    ("bech32", world::bech32, None),
    ("bsn", west::bsn, None),
    ("card", world::card, None),
    ("cccd", asia::cccd, None),
    ("cedula_do", americas::cedula_do, None),
    ("cedula_ec", americas::cedula_ec, None),
    ("cn_bank_card", china::bank_card, None),
    ("cn_credit_code", china::credit_code, None),
    ("cn_foreigner", china::foreigner, Some(china::foreigner_facts)),
    ("cn_foreigner_old", china::foreigner_old, Some(china::foreigner_old_facts)),
    ("cn_landline", china::landline, None),
    ("cn_mobile", china::mobile, None),
    ("cn_permit", china::permit, Some(china::permit_facts)),
    ("cn_resident", china::resident, Some(china::resident_facts)),
    ("cn_resident_15", china::resident_15, Some(china::resident_15_facts)),
    ("cnic", asia::cnic, None),
    ("cnp", east::cnp, Some(east::cnp_facts)),
    ("cnpj", americas::cnpj, None),
    ("codice_fiscale", west::codice_fiscale, Some(west::codice_facts)),
    ("compact_day", world::compact_day, Some(world::compact_day_facts)),
    ("cpf", americas::cpf, None),
    ("cpr", nordic::cpr, Some(nordic::cpr_facts)),
    ("cuil", americas::cuil, None),
    ("curp", americas::curp, Some(americas::curp_facts)),
    ("de_idnr", west::de_idnr, None),
    ("dni", west::dni, None),
    ("dialled", super::form::dialled, Some(super::form::dialled_facts)),
    ("egn", east::egn, Some(east::egn_facts)),
    ("egypt", asia::egypt, Some(asia::egypt_facts)),
    ("emirates", asia::emirates, None),
    ("ethereum", world::ethereum, None),
    ("hetu", nordic::hetu, Some(nordic::hetu_facts)),
    ("hk_id", china::hong_kong, None),
    ("hu_personal", east::hu_personal, None),
    ("iban", world::iban, Some(world::iban_facts)),
    ("iccid", world::iccid, None),
    ("iin", asia::iin, Some(asia::leading_day_facts)),
    ("il_id", asia::il_id, None),
    ("imei", world::imei, None),
    ("imsi", world::imsi, None),
    ("inn", east::inn, None),
    ("ird", asia::ird, None),
    ("isikukood", east::isikukood, Some(east::isikukood_facts)),
    ("itin", americas::itin, None),
    ("jmbg", east::jmbg, Some(east::jmbg_facts)),
    ("kennitala", nordic::kennitala, Some(nordic::kennitala_facts)),
    ("lv_code", east::lv_code, Some(east::lv_facts)),
    ("medicare", asia::medicare, None),
    ("mu_nid", asia::mu_nid, None),
    ("my_number", asia::my_number, None),
    ("mykad", asia::mykad, Some(asia::leading_day_facts)),
    ("nanp", americas::nanp, None),
    ("nhs", west::nhs, None),
    ("nie", west::nie, None),
    ("nik", asia::nik, Some(asia::nik_facts)),
    ("nino", west::nino, None),
    ("nir", west::nir, None),
    ("nit", americas::nit, None),
    ("no_fnr", nordic::no_fnr, Some(nordic::no_fnr_facts)),
    ("nric", asia::nric, None),
    ("oib", east::oib, None),
    ("pan", asia::pan, None),
    ("pe_dni", americas::pe_dni, None),
    ("personnummer", nordic::personnummer, Some(nordic::personnummer_facts)),
    ("pesel", east::pesel, Some(east::pesel_facts)),
    ("pps", west::pps, None),
    ("pt_nif", west::pt_nif, None),
    ("rfc", americas::rfc, Some(americas::rfc_facts)),
    ("rnokpp", east::rnokpp, Some(east::rnokpp_facts)),
    ("rodne_cislo", east::rodne_cislo, Some(east::rodne_facts)),
    ("rrn", asia::rrn, Some(asia::rrn_facts)),
    ("rut", americas::rut, None),
    ("saudi", asia::saudi, None),
    ("sin", americas::sin, None),
    ("snils", east::snils, None),
    ("ssn", americas::ssn, None),
    ("taj", east::taj, None),
    ("tckn", east::tckn, None),
    ("tfn", asia::tfn, None),
    ("th_pin", asia::th_pin, None),
    ("tw_id", china::taiwan, None),
    ("vin", world::vin, None),
    ("za_id", asia::za_id, Some(asia::leading_day_facts)),
];

/// A validator and what reads its values, by its name in packs.
pub(super) fn find(name: &str) -> Option<(Validator, Option<Reader>)> {
    ALL.iter().find(|(known, ..)| *known == name).map(|(_, validator, reader)| (*validator, *reader))
}

#[cfg(test)]
mod tests;
