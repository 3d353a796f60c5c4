//! Chance that can be asked again: every draw is a function of the seed and of what it is for, so any row is made alone,
//! in any order, and the truth about all of them needs no memory.

/// Odd constants with as many ones as zeros; the multiplication below needs nothing else of them.
const LEFT: u64 = 0x9e6c_63d0_676a_9a99;
const RIGHT: u64 = 0xd1b5_4a32_d192_ed03;

/// A draw for `b` under the key `a`: the two halves of a product folded together, as in wyhash
/// (<https://github.com/wangyi-fudan/wyhash>). Good enough for data, not for secrets.
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let first = fold(a ^ LEFT, b.wrapping_add(RIGHT) ^ RIGHT.rotate_left(17));
    fold(first ^ RIGHT, b ^ LEFT)
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Brings a draw into `0..n`.
pub(crate) fn below(draw: u64, n: u64) -> u64 {
    ((u128::from(draw) * u128::from(n)) >> 64) as u64
}

/// One of a list.
pub(crate) fn pick<'a>(list: &[&'a str], draw: u64) -> &'a str {
    list.get(below(draw, list.len() as u64) as usize).copied().unwrap_or_default()
}

/// One of a list whose beginning is drawn more often than its end, as with surnames.
pub(crate) fn pick_early<'a>(list: &[&'a str], draw: u64) -> &'a str {
    let (a, b) = (draw >> 32, draw & 0xffff_ffff);
    let product = (a * b) >> 32;
    list.get(((product * list.len() as u64) >> 32) as usize).copied().unwrap_or_default()
}

/// A share of all draws.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share(u64);

impl Share {
    /// The share between 0 and 1; what lies outside is the nearest of these.
    pub(crate) fn of(share: f64) -> Self {
        if share >= 1.0 { Self(u64::MAX) } else { Self((share.max(0.0) * u64::MAX as f64) as u64) }
    }

    /// Whether this draw is one of them.
    pub(crate) fn takes(self, draw: u64) -> bool {
        draw < self.0
    }

    /// Whether none is.
    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// Moves `x` of `0..n` to another place of `0..n`, no two to the same: what is drawn with this is unique.
///
/// Each step can be undone within a power of two (an odd factor, a shifted exclusive or); whoever lands outside `0..n`
/// goes on until he is inside.
pub(crate) fn scatter(x: u64, n: u64, key: u64) -> u64 {
    if n < 2 {
        return 0;
    }
    let bits = 64 - (n - 1).leading_zeros();
    let mask = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
    let half = bits.div_ceil(2);
    let key = mix(key, n);
    let mut x = x;
    loop {
        for round in 0..3_u32 {
            x = x.wrapping_mul(key.rotate_left(round * 21) | 1).wrapping_add(key >> 7) & mask;
            x ^= x >> half;
        }
        if x < n {
            return x;
        }
    }
}

/// The last `N` decimal digits of a number; two at a time, because a division waits for the one before it.
pub(crate) fn digits<const N: usize>(mut value: u64) -> [u8; N] {
    let mut out = [b'0'; N];
    for pair in out.rchunks_mut(2) {
        let two = (value % 100) as u8;
        value /= 100;
        match pair {
            [tens, ones] => (*tens, *ones) = (b'0' + two / 10, b'0' + two % 10),
            [ones] => *ones = b'0' + two % 10,
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_scattered_stays_apart(n in 1_u64..3_000, key: u64) {
            let places: BTreeSet<u64> = (0..n).map(|x| scatter(x, n, key)).collect();
            assert_eq!(places.len() as u64, n);
            assert!(places.iter().all(|&place| place < n));
        }
    }

    #[test]
    fn a_share_takes_about_its_share() {
        let taken = (0..100_000).filter(|&i| Share::of(0.03).takes(mix(7, i))).count();
        assert!((2_800..3_200).contains(&taken), "{taken}");
        assert!(!Share::of(0.0).takes(0) && Share::of(1.0).takes(u64::MAX - 1));
    }

    #[test]
    fn digits_are_the_last_ones() {
        assert_eq!(&digits::<5>(42), b"00042");
        assert_eq!(&digits::<3>(98_765), b"765");
    }
}
