//! What a generated data set is like.

use jiff::civil::{Date, date};
use serde::Serialize;

/// The most people whose resident numbers are all different.
pub const MOST_PEOPLE: u64 = 2_000_000_000;

/// How records are shared out among people who have more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Spread {
    /// Everyone has nearly the same number of them.
    Uniform,
    /// A few have very many: the frequency falls with the rank (Zipf's law with exponent 1).
    Zipf,
}

/// Shares between 0 and 1 of what makes real columns unclean.
///
/// `typos`, `masked` and `missing` are a matter of the person: whoever has none in one record has none in any, so that the
/// number of distinct well-written values is known. The rest is a matter of the record, and whoever normalises it gets
/// the value back.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Noise {
    /// People whose number has one wrong digit, or two that changed places: the check digit fails.
    pub typos: f64,
    /// People whose number is blotted out in part.
    pub masked: f64,
    /// People who have no value in a column.
    pub missing: f64,
    /// Records that write digits in full width.
    pub full_width: f64,
    /// Records that write the check character X as x.
    pub lower_x: f64,
    /// Records with blanks or dashes between groups of digits, or around the value.
    pub spaced: f64,
    /// Records with +86, 0086 or 86 before a mobile number.
    pub country_code: f64,
}

impl Noise {
    /// Every value well written and there.
    pub const NONE: Self = Self {
        typos: 0.0,
        masked: 0.0,
        missing: 0.0,
        full_width: 0.0,
        lower_x: 0.0,
        spaced: 0.0,
        country_code: 0.0,
    };

    /// What a column looks like that was typed in by people over years.
    pub const USUAL: Self = Self {
        typos: 0.02,
        masked: 0.002,
        missing: 0.03,
        full_width: 0.005,
        lower_x: 0.2,
        spaced: 0.01,
        country_code: 0.02,
    };
}

/// Everything that decides about a data set: the same settings give the same bytes on any machine.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// Where chance begins.
    pub seed: u64,
    /// How many people there are, at most [`MOST_PEOPLE`].
    pub people: u64,
    /// How many records a table has; everyone has at least one, so no fewer than `people`.
    pub records: u64,
    /// How records are shared out.
    pub spread: Spread,
    /// The share of people under 18 on the day `reference`.
    pub minors: f64,
    /// The share of people from abroad, who have a passport and no resident number.
    pub foreigners: f64,
    /// The day on which ages are as `minors` says.
    pub reference: Date,
    /// What is unclean.
    pub noise: Noise,
    /// How many people are canaries: their values may turn up in no artefact of whoever reads the data.
    pub canaries: u64,
    /// Columns are called `c1`, `c2`, ... so that their names tell nothing.
    pub plain_names: bool,
    /// What bank card numbers begin with, 1 to 8 digits.
    ///
    /// `9978` unless told: ISO/IEC 7812-1 gives leading 9 to national use, followed by the country's number of ISO 3166-1,
    /// and 900 to 999 are numbers that no country ever gets. So nobody issues them, and a reader that asks for a known
    /// issuer does not know them: name another prefix to please it.
    pub card_prefix: String,
}

impl Settings {
    /// Clean data about `people` with one record each.
    pub fn new(seed: u64, people: u64) -> Self {
        Self {
            seed,
            people,
            records: people,
            spread: Spread::Uniform,
            minors: 0.18,
            foreigners: 0.0,
            reference: date(2026, 7, 1),
            noise: Noise::NONE,
            canaries: 40,
            plain_names: false,
            card_prefix: "9978".to_owned(),
        }
    }

    /// Whether every value is there and well written.
    pub(crate) fn is_clean(&self) -> bool {
        let Noise { typos, masked, missing, full_width, lower_x, spaced, country_code } = self.noise;
        [typos, masked, missing, full_width, lower_x, spaced, country_code].iter().all(|&share| share == 0.0)
    }

    /// Whether a data set can be made of this.
    pub fn check(&self) -> Result<(), Unfit> {
        let shares = [
            self.minors,
            self.foreigners,
            self.noise.typos,
            self.noise.masked,
            self.noise.missing,
            self.noise.full_width,
            self.noise.lower_x,
            self.noise.spaced,
            self.noise.country_code,
        ];
        if !shares.iter().all(|share| (0.0..=1.0).contains(share)) {
            return Err(Unfit::Share);
        }
        if self.people == 0 || self.people > MOST_PEOPLE {
            return Err(Unfit::People);
        }
        if self.records < self.people {
            return Err(Unfit::Records);
        }
        let prefix = self.card_prefix.as_bytes();
        if prefix.is_empty() || prefix.len() > 8 || !prefix.iter().all(u8::is_ascii_digit) {
            return Err(Unfit::Card);
        }
        Ok(())
    }
}

/// Settings that contradict themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A share outside 0 to 1.
    #[error("a share lies between 0 and 1")]
    Share,
    /// Nobody, or too many for numbers that are all different.
    #[error("people: 1 to 2000000000")]
    People,
    /// Fewer records than people.
    #[error("records: at least as many as people")]
    Records,
    /// Not the beginning of a card number.
    #[error("a card number begins with 1 to 8 digits")]
    Card,
}
