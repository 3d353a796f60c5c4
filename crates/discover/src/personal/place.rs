//! Places in a text where a value may be, by bit operations on the classes of 64 bytes at a time.

use super::classify::Block;
use super::run::Group;

/// Where to look closer, one bit for each byte of a block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    /// Runs of digits, alone or in groups, and words with digits in them.
    pub(super) runs: u64,
    /// `@`, `+`, hardware and network addresses, number plates, full-width digits.
    pub(super) others: u64,
    /// The digits of this block and the next one.
    pub(super) digits: u128,
    /// The digits and letters of both.
    pub(super) words: u128,
}

impl Places {
    /// The group that has the character at `bit`, when all of it stands in these blocks; `start` is where they begin.
    #[inline]
    pub(super) fn group(&self, bit: u32, start: usize) -> Option<Group> {
        // The character before the first one of the block is not known.
        let back = (first(self.words) << (63 - bit)).leading_ones().checked_sub(1)?;
        let from = bit.checked_sub(back).filter(|&from| from > 0)?;
        let length = (self.words >> from).trailing_ones();
        if from + length >= 128 || length >= 64 {
            return None;
        }
        let all = (1u64 << length) - 1;
        let places = first(self.digits >> from) & all;
        let begin = start + from as usize;
        Some(Group {
            start: begin,
            end: begin + length as usize,
            separator: 0,
            digits: places != 0,
            letters: places != all,
            places,
        })
    }
}

/// Finds places. Each needs to know what stands before and behind, so a block is decided when the next one is there.
#[derive(Debug, Default)]
pub(super) struct Finder {
    /// The block that is decided next.
    block: Block,
    /// The last bit of each class in the block before it, in its lowest bit; of full-width digits the last three.
    before: Block,
    /// Whether the last byte of the block before belongs to a group of digits.
    group: u64,
}

/// The classes of two blocks: the bits of the second follow those of the first.
#[inline(always)]
fn both(first: u64, second: u64) -> u128 {
    u128::from(first) | u128::from(second) << 64
}

/// The bits of the first block.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
#[inline(always)]
fn first(both: u128) -> u64 {
    both as u64
}

/// The bit before each bit.
#[inline(always)]
fn behind(word: u64, before: u64) -> u64 {
    word << 1 | before
}

/// What stands `count` bytes behind each; 1 where that is in the next block.
#[inline(always)]
fn ahead(word: u64, count: u32) -> u64 {
    word >> count | !(u64::MAX >> count)
}

/// What stands `count` bytes behind each, also in the next block.
#[inline(always)]
fn exact(word: u64, next: u64, count: u32) -> u64 {
    word >> count | next << (64 - count)
}

/// Whether one of `word` stands two to five bytes behind each.
#[inline(always)]
fn near(word: u64) -> u64 {
    ahead(word, 2) | ahead(word, 3) | ahead(word, 4) | ahead(word, 5)
}

/// Bits that begin a run of at least 26.
#[inline(always)]
fn long(words: u128) -> u128 {
    let two = words & words >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    let sixteen = eight & eight >> 8;
    sixteen & sixteen >> 10
}

/// Whether a run of 26 may begin in the first block: sixteen of it stand there, or ten in the next.
#[inline(always)]
fn may_be_long(words: u64, next: u64) -> bool {
    let two = words & words >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    eight & eight >> 8 != 0 || next & 0x3ff == 0x3ff
}

impl Finder {
    /// Takes the next block and gives the places of the one before it.
    #[inline(always)]
    pub(super) fn next(&mut self, next: &Block) -> Places {
        let block = std::mem::replace(&mut self.block, *next);
        let places = self.places(&block, next);
        self.before = Block {
            digits: block.digits >> 63,
            letters: block.letters >> 63,
            high: block.high >> 63,
            wide: block.wide >> 61,
            ..Block::default()
        };
        places
    }

    #[inline(always)]
    fn places(&mut self, block: &Block, next: &Block) -> Places {
        let words = block.digits | block.letters;
        let mut places = Places {
            runs: 0,
            others: block.at | block.plus & ahead(block.digits, 1),
            digits: both(block.digits, next.digits),
            words: both(words, next.digits | next.letters),
        };
        // 26 letters and digits: the shortest address of a currency.
        if may_be_long(words, next.digits | next.letters) {
            let begins = !behind(words, self.before.digits | self.before.letters);
            places.runs = first(long(both(words, next.digits | next.letters))) & begins;
        }
        if block.digits != 0 {
            places.runs |= self.digits(block);
        } else {
            self.group = 0;
        }
        let joints = block.colons | block.dashes;
        if joints | next.colons | next.dashes != 0 {
            places.others |= self.addresses(block, next);
        }
        if block.high | self.before.high != 0 {
            places.others |= self.wide(block, next);
        }
        places
    }

    /// Six pairs joined by `:` or `-`, or the first of three joints of a network address of version 6.
    #[inline(always)]
    fn addresses(&self, block: &Block, next: &Block) -> u64 {
        let words = block.digits | block.letters;
        let begins = !behind(words, self.before.digits | self.before.letters);
        let joints = block.colons | block.dashes;
        let pair =
            words & exact(words, next.digits | next.letters, 1) & exact(joints, next.colons | next.dashes, 2);
        let mut places = 0;
        if pair & begins != 0 {
            let twice = pair & ahead(pair, 3);
            places = twice & ahead(twice, 6) & ahead(pair, 12) & begins;
        }
        // A colon between two parts, and behind it one with another one behind it.
        let colons = block.colons & !begins & ahead(words, 1);
        if colons != 0 {
            let two = block.colons & (ahead(block.colons, 1) | near(block.colons));
            places |= colons & near(two);
        }
        places
    }

    /// Starts of long groups of digits, and digits in words. Of the last few bytes it may say too much: what stands in
    /// the next block is taken for whatever makes a place.
    #[inline(always)]
    fn digits(&mut self, block: &Block) -> u64 {
        let Self { before, group: group_before, .. } = self;
        let Block { digits, letters, separators, .. } = *block;
        let joints = separators & behind(digits, before.digits) & ahead(digits, 1);
        let groups = digits | joints;
        let group_starts = digits & !behind(groups, *group_before);
        *group_before = groups >> 63;
        let two = groups & ahead(groups, 1);
        let four = two & ahead(two, 2);
        let seven = four & ahead(four, 3);
        let pair = digits & ahead(digits, 1);
        let quad = pair & ahead(pair, 2);
        let run_starts = digits & !behind(digits, before.digits);
        let behind_letter = run_starts & behind(letters, before.letters);
        // Four digits next to a letter, before or behind.
        let in_word = behind_letter & quad | quad & ahead(letters, 4);
        // Letter, three digits, letter, end: an Italian code.
        let words = digits | letters;
        let italian = behind_letter & pair & ahead(digits, 2) & ahead(letters, 3) & !(words >> 4);
        group_starts & seven | in_word | italian
    }

    /// Number plates and full-width digits.
    #[inline(always)]
    fn wide(&self, block: &Block, next: &Block) -> u64 {
        // A letter behind a Chinese character, then five letters and digits, or a dot that is not ASCII.
        let plate = block.letters & behind(block.high, self.before.high);
        let mut places = 0;
        if plate != 0 {
            let words = both(block.digits | block.letters, next.digits | next.letters);
            let two = words & words >> 1;
            places = plate & (first(two >> 1 & two >> 3 & words >> 5) | ahead(block.high, 1));
        }
        if block.wide != 0 {
            let wide = both(block.wide, next.wide);
            let starts = block.wide & !(block.wide << 3 | self.before.wide);
            places |= starts & first(wide >> 3 & wide >> 6);
        }
        places
    }
}
