//! Places in a text where a value may be, by bit operations on the classes of 64 bytes at a time.

use super::classify::Block;

/// Where to look closer, one bit for each byte of a block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    /// Runs of digits, alone or in groups, and words with digits in them.
    pub(super) runs: u64,
    /// `@`, `+`, hardware and network addresses, number plates, full-width digits.
    pub(super) others: u64,
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
fn both(first: u64, second: u64) -> u128 {
    u128::from(first) | u128::from(second) << 64
}

/// The bits of the first block.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
fn first(both: u128) -> u64 {
    both as u64
}

/// The bit before each bit.
fn behind(word: u64, before: u64) -> u64 {
    word << 1 | before
}

/// Bits that begin a run of at least 26.
fn long(words: u128) -> u128 {
    let two = words & words >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    let sixteen = eight & eight >> 8;
    sixteen & sixteen >> 10
}

impl Finder {
    /// Takes the next block and gives the places of the one before it.
    #[inline]
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

    #[inline]
    fn places(&mut self, block: &Block, next: &Block) -> Places {
        let words = both(block.digits | block.letters, next.digits | next.letters);
        let words_before = self.before.digits | self.before.letters;
        let digits = both(block.digits, next.digits);
        let mut places = Places { runs: 0, others: block.at | block.plus & first(digits >> 1) };
        // 26 letters and digits: the shortest address of a currency.
        let words_long = first(long(words));
        if words_long != 0 {
            places.runs = words_long & !behind(first(words), words_before);
        }
        if block.digits != 0 {
            places.runs |= self.digits(block, next, words);
        } else {
            self.group = 0;
        }
        if block.colons | block.dashes | next.colons | next.dashes != 0 {
            places.others |= addresses(block, next, words, words_before);
        }
        if block.high | self.before.high != 0 {
            places.others |= self.wide(block, next, words);
        }
        places
    }

    /// Starts of long groups of digits, and digits in words.
    fn digits(&mut self, block: &Block, next: &Block, words: u128) -> u64 {
        let Self { before, group: group_before, .. } = self;
        let digits = both(block.digits, next.digits);
        let letters = both(block.letters, next.letters);
        let joints = both(block.separators, next.separators) & (digits << 1 | u128::from(before.digits)) & digits >> 1;
        let groups = digits | joints;
        let group_starts = block.digits & !behind(first(groups), *group_before);
        *group_before = first(groups) >> 63;
        let two = groups & groups >> 1;
        let four = two & two >> 2;
        let seven = first(four & four >> 3);
        let pair = digits & digits >> 1;
        let quad = pair & pair >> 2;
        let run_starts = block.digits & !behind(block.digits, before.digits);
        let behind_letter = behind(block.letters, before.letters);
        // Four digits next to a letter, before or behind.
        let in_word = run_starts & first(quad) & behind_letter | first(quad & letters >> 4);
        // Letter, three digits, letter, end: an Italian code.
        let italian = first(pair & digits >> 2 & letters >> 3 & !(words >> 4)) & run_starts & behind_letter;
        group_starts & seven | in_word | italian
    }

    /// Number plates and full-width digits.
    fn wide(&self, block: &Block, next: &Block, words: u128) -> u64 {
        // A letter behind a Chinese character, then five letters and digits, or a dot that is not ASCII.
        let plate = block.letters & behind(block.high, self.before.high);
        let two = words & words >> 1;
        let tail = first(two >> 1 & two >> 3 & words >> 5);
        let dot = first(both(block.high, next.high) >> 1);
        let wide = both(block.wide, next.wide);
        let starts = block.wide & !(block.wide << 3 | self.before.wide);
        plate & (tail | dot) | starts & first(wide >> 3 & wide >> 6)
    }
}

/// Six pairs joined by `:` or `-`, or the first of two joints of a network address of version 6.
fn addresses(block: &Block, next: &Block, words: u128, words_before: u64) -> u64 {
    let colons = both(block.colons, next.colons);
    let joints = colons | both(block.dashes, next.dashes);
    let behind = behind(first(words), words_before);
    let pair = words & words >> 1 & joints >> 2;
    let twice = pair & pair >> 3;
    let hardware = first(twice & twice >> 6 & pair >> 12) & !behind;
    // A colon between two parts, and another one at most four characters behind it.
    let near = first(colons >> 2 | colons >> 3 | colons >> 4 | colons >> 5);
    hardware | block.colons & behind & first(words >> 1) & near
}
