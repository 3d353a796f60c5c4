//! How much a sample proves.

/// One minus the confidence at which bounds are told: 99 %.
pub const ALPHA: f64 = 0.01;

/// Share of the true values that pass a recogniser: the rest are typos and old formats.
pub const TRUE_PASS: f64 = 0.97;

/// How alike rows of one page or row group are, from 0 (not at all) to 1 (all the same). Pages hold what was written
/// together: one import, one day, one tenant, which often means that all rows of a page have a certain field or none
/// has. It cannot be measured before the pages are read, so the middle is taken: a page of 50 rows is then worth two.
pub const LIKENESS: f64 = 0.5;

/// How many independent rows a sample is worth that was taken `cluster` rows at a time: the design effect of Kish,
/// 1 + (m - 1) ρ.
pub fn effective(rows: u64, cluster: u64) -> u64 {
    let design = 1.0 + (cluster.max(1) - 1) as f64 * LIKENESS;
    (rows as f64 / design).floor() as u64
}

/// What was not found in so many independent rows is in fewer than one of how many, at 99 %. `None`: nothing can be said.
pub fn below_one_in(effective: u64) -> Option<u64> {
    if effective == 0 {
        return None;
    }
    let share = (1.0 - ALPHA.powf(1.0 / effective as f64)) / TRUE_PASS;
    Some((1.0 / share).floor() as u64).filter(|&one_in| one_in > 1)
}

/// Clopper and Pearson's lower bound of a share of which `hits` of `tries` were seen (they need not be whole numbers):
/// it is higher than the true share with a probability of `alpha` at most.
pub fn lower(hits: f64, tries: f64, alpha: f64) -> f64 {
    if hits <= 0.0 || tries <= 0.0 {
        return 0.0;
    }
    let hits = hits.min(tries);
    beta_quantile(alpha, hits, tries - hits + 1.0)
}

/// The upper bound, likewise.
pub fn upper(hits: f64, tries: f64, alpha: f64) -> f64 {
    if hits >= tries || tries <= 0.0 {
        return 1.0;
    }
    let hits = hits.max(0.0);
    beta_quantile(1.0 - alpha, hits + 1.0, tries - hits)
}

/// Where the beta distribution has passed `probability`, by halving.
fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..64 {
        let middle = (low + high) / 2.0;
        if beta(middle, a, b) < probability { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The regularised incomplete beta function, by its continued fraction (<https://dlmf.nist.gov/8.17#v>) after Lentz.
fn beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    // The fraction converges fast on one side of the mean.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta(1.0 - x, b, a);
    }
    let front = a * x.ln() + b * (-x).ln_1p() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b);
    front.exp() * fraction(x, a, b) / a
}

fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    // It needs about sqrt(max(a, b)) steps; a sample of 10^9 rows has converged long before the limit.
    for step in 1..100_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            result *= d * c;
        }
        if (d * c - 1.0).abs() < 1e-12 {
            break;
        }
    }
    result
}

/// Logarithm of the gamma function: Stirling's series (<https://dlmf.nist.gov/5.11#i>), which is good to 1e-12 from 10
/// upwards; below that by the recurrence.
fn ln_gamma(x: f64) -> f64 {
    let mut shift = 0.0;
    let mut z = x;
    while z < 10.0 {
        shift += z.ln();
        z += 1.0;
    }
    let inverse = 1.0 / z;
    let square = inverse * inverse;
    let series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0)));
    (z - 0.5) * z.ln() - z + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clopper_and_pearson_agree_with_published_tables() {
        // No hit: 1 - alpha^(1/n). All hits: alpha^(1/n).
        assert!((upper(0.0, 459.0, 0.01) - 0.01).abs() < 1e-4);
        assert!((lower(20.0, 20.0, 0.01) - 0.01_f64.powf(0.05)).abs() < 1e-9);
        // binom.test(10, 100, conf.level = 0.95) of R: 0.04900469 0.17622260.
        assert!((lower(10.0, 100.0, 0.025) - 0.049_004_69).abs() < 1e-7);
        assert!((upper(10.0, 100.0, 0.025) - 0.176_222_60).abs() < 1e-7);
        let (low, high) = (lower(5e8, 1e9, 0.005), upper(5e8, 1e9, 0.005));
        assert!(low > 0.499_95 && low < 0.5 && high > 0.5 && high < 0.500_05);
    }

    #[test]
    fn what_was_not_found_is_rarer_the_more_was_read() {
        assert_eq!(below_one_in(0), None);
        assert_eq!(below_one_in(1), None);
        // 4,603 rows for 1 in 1,000 if every true value passed; 97 % do.
        assert_eq!(below_one_in(4_746), Some(1_000));
    }

    #[test]
    fn pages_of_fifty_rows_are_worth_two_rows_each() {
        assert_eq!(effective(10_000, 1), 10_000);
        assert_eq!(effective(10_000, 50), 392);
        assert_eq!(effective(10_000, 0), 10_000);
    }

    proptest::proptest! {
        #[test]
        fn bounds_hold_the_share(tries in 1.0_f64..1e6, share in 0.0_f64..=1.0) {
            let hits = tries * share;
            let (low, high) = (lower(hits, tries, 0.005), upper(hits, tries, 0.005));
            proptest::prop_assert!(low <= share + 1e-9 && share <= high + 1e-9 && low >= 0.0 && high <= 1.0);
        }
    }
}
