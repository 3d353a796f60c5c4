//! First pass over a text: which bytes are digits, letters, separators and the like, 64 at a time, with the widest vector
//! instructions that the processor has.

use fearless_simd::prelude::*;
use fearless_simd::{dispatch, u8x64};

use super::place::{Finder, Places};

pub(super) use fearless_simd::Level;

/// Bytes of a block: one bit of a word for each.
pub(super) const BLOCK: usize = 64;
/// Blocks that are classified at once, so that what is learned stays in the nearest cache.
pub(super) const BLOCKS: usize = 32;

/// The classes of 64 bytes; bit 0 is the first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// `0` to `9`.
    pub(super) digits: u64,
    /// `A` to `Z`, `a` to `z`.
    pub(super) letters: u64,
    /// Space, `-`, `.`, `/`: what stands between groups of digits.
    pub(super) separators: u64,
    /// `-`.
    pub(super) dashes: u64,
    /// `:`.
    pub(super) colons: u64,
    /// `@`.
    pub(super) at: u64,
    /// `+`.
    pub(super) plus: u64,
    /// Bytes that are not ASCII.
    pub(super) high: u64,
    /// The third byte of a full-width digit.
    pub(super) wide: u64,
}

/// Finds the places in as many blocks as `out` has room for, each in the one before it.
pub(super) fn places(
    level: Level,
    blocks: &[[u8; BLOCK]],
    out: &mut [Places; BLOCKS],
    state: &mut (Carry, Finder),
) {
    dispatch!(level, simd => all(simd, blocks, out, state));
}

#[inline(always)]
fn all<S: Simd>(simd: S, blocks: &[[u8; BLOCK]], out: &mut [Places; BLOCKS], state: &mut (Carry, Finder)) {
    let (carry, finder) = state;
    for (block, slot) in blocks.iter().zip(out.iter_mut()) {
        *slot = finder.next(&one(simd, block, carry));
    }
}

/// What the last bytes of the block before were.
#[derive(Debug, Default)]
pub(super) struct Carry {
    lead: u64,
    middle: u64,
}

#[inline(always)]
fn one<S: Simd>(simd: S, block: &[u8; BLOCK], carry: &mut Carry) -> Block {
    let bytes = u8x64::simd_from(simd, *block);
    let splat = |byte: u8| u8x64::splat(simd, byte);
    let is = |byte: u8| bytes.simd_eq(splat(byte));
    let digits = (bytes - splat(b'0')).simd_le(splat(9)).to_bitmask();
    let letters = ((bytes | splat(0x20)) - splat(b'a')).simd_le(splat(25)).to_bitmask();
    let dashes = is(b'-').to_bitmask();
    let separators = (is(b' ') | (bytes - splat(b'.')).simd_le(splat(1))).to_bitmask() | dashes;
    let colons = is(b':').to_bitmask();
    let at = is(b'@').to_bitmask();
    let plus = is(b'+').to_bitmask();
    let high = bytes.simd_ge(splat(0x80)).to_bitmask();
    let mut wide = 0;
    if high != 0 || carry.lead != 0 || carry.middle != 0 {
        // U+FF10 to U+FF19 are EF BC 90 to EF BC 99.
        let lead = is(0xef).to_bitmask();
        let middle = is(0xbc).to_bitmask() & (lead << 1 | carry.lead);
        wide = (bytes - splat(0x90)).simd_le(splat(9)).to_bitmask() & (middle << 1 | carry.middle);
        *carry = Carry { lead: lead >> 63, middle: middle >> 63 };
    }
    Block { digits, letters, separators, dashes, colons, at, plus, high, wide }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow(bytes: &[u8]) -> Vec<Block> {
        let mut blocks = Vec::new();
        for start in (0..bytes.len() / BLOCK).map(|block| block * BLOCK) {
            let mut block = Block::default();
            for bit in 0..BLOCK {
                let at = start + bit;
                let byte = bytes[at];
                let set = |word: &mut u64, yes: bool| *word |= u64::from(yes) << bit;
                set(&mut block.digits, byte.is_ascii_digit());
                set(&mut block.letters, byte.is_ascii_alphabetic());
                set(&mut block.separators, b" -./".contains(&byte));
                set(&mut block.dashes, byte == b'-');
                set(&mut block.colons, byte == b':');
                set(&mut block.at, byte == b'@');
                set(&mut block.plus, byte == b'+');
                set(&mut block.high, byte >= 0x80);
                let full = at >= 2 && bytes[at - 2..at] == [0xef, 0xbc] && (0x90..=0x99).contains(&byte);
                set(&mut block.wide, full);
            }
            blocks.push(block);
        }
        blocks
    }

    fn fast(bytes: &[u8]) -> Vec<Block> {
        let mut carry = Carry::default();
        let mut all = Vec::new();
        for block in bytes.as_chunks::<BLOCK>().0 {
            all.push(dispatch!(Level::new(), simd => one(simd, block, &mut carry)));
        }
        all
    }

    #[test]
    fn every_byte_and_full_width_digits_over_the_edge_of_a_block() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(fast(&bytes), slow(&bytes));
        for shift in 0..70 {
            let text = format!("{}１２３４５{}", "a".repeat(shift), "b".repeat(64));
            assert_eq!(fast(text.as_bytes()), slow(text.as_bytes()));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_classified_as_one_by_one(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..4096)) {
            proptest::prop_assert_eq!(fast(&bytes), slow(&bytes));
        }
    }
}
